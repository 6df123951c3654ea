"""Which channels the settings enable, and how fast each of them may send."""

import functools
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any

from bot.config import ConfigError, Settings
from channels import registry
from channels._voice import Recorded, unrecorded
from channels.base import Channel, Request
from content import template
from content.call import Line
from content.clock import Clock
from content.message import Kind
from content.pace import Sender
from content.texting import Texting

_ANNOUNCED = 900
"""Seconds after which an announcement has been played, several times and in every language."""

_LAST_PORT = 65_535


@dataclass(frozen=True, slots=True)
class Ours:
    """What a channel whose calls we play ourselves needs of the house."""

    keep: Callable[[str, Request], Awaitable[None]]
    """Returns when an event of the channel of this name is kept."""
    sound: Callable[[Line], Awaitable[bytes]]
    """Gives a line of a call as mu-law, 8,000 bytes a second."""
    recorded: Recorded = unrecorded
    """Finds the recordings of staff that messages name, for the loudspeaker."""


async def _unheard(_name: str, _request: Request) -> None:
    """Keep nothing: whoever only tests a channel has no calls."""


async def _mute(_line: Line) -> bytes:
    return b""


NOBODY = Ours(_unheard, _mute)


def channels(settings: Settings, public_url: str, ours: Ours = NOBODY) -> dict[str, Channel]:
    """Open every channel that has credentials; raises ConfigError for half of them."""
    given = _given(settings, public_url, ours)
    return {name: registry.open(name, its) for name, its in given.items()}


def enabled(settings: Settings) -> tuple[str, ...]:
    """Return the names of the channels that `channels` would open; raises ConfigError."""
    return tuple(_given(settings, settings.public_url, NOBODY))


def limits(settings: Settings, names: Iterable[str], clock: Clock) -> tuple[Sender, ...]:
    """Return the sender of each of these channels with its limits.

    A request's time-out is real time, so that on a fast clock its deadline is later.
    """
    answer = int(settings.answer_seconds * clock.scale)
    known = {
        "telegram": Sender(
            "telegram",
            Kind.CHAT,
            settings.telegram_rate,
            timeout=answer,
            spacing=settings.telegram_spacing,
        ),
        "twilio_sms": Sender(
            "twilio_sms", Kind.SMS, settings.twilio_sms_rate, timeout=answer, segments=True
        ),
        "twilio_voice": Sender(
            "twilio_voice",
            Kind.CALL,
            settings.twilio_voice_rate,
            settings.twilio_voice_lines,
            answer,
            hourly=settings.twilio_voice_hourly,
        ),
        "sip_voice": Sender(
            "sip_voice",
            Kind.CALL,
            settings.sip_rate,
            settings.sip_lines,
            answer,
            hourly=settings.sip_hourly,
        ),
        # an announcement is played to its end before it counts as made
        "speaker": Sender("speaker", Kind.SPEAKER, 1.0, 1, max(answer, _ANNOUNCED)),
    }
    return tuple(known[name] for name in names)


def texting(settings: Settings) -> Texting:
    """Return what SMS say to which numbers; raises ConfigError for a wrong file of templates."""
    begins = (one.strip() for one in settings.twilio_sms_unlinked.split(","))
    try:
        templates = template.load(settings.templates_file)
    except template.TemplateError as error:
        raise ConfigError(str(error)) from error
    return Texting(tuple(one for one in begins if one.startswith("+")), templates)


def _given(settings: Settings, public_url: str, ours: Ours) -> dict[str, dict[str, Any]]:
    """Return the arguments of every channel that has credentials."""
    return {
        **_telegram(settings),
        **_twilio(settings, public_url),
        **_sip(settings, ours),
        **_speaker(settings, ours),
    }


def _telegram(settings: Settings) -> dict[str, dict[str, Any]]:
    token = settings.telegram_token.get_secret_value()
    if not token:
        return {}
    given = {
        "token": token,
        "base_url": settings.telegram_api_url,
        "base_file_url": settings.telegram_file_url,
        "proxy": settings.proxy or None,
    }
    return {"telegram": given}


def _twilio(settings: Settings, public_url: str) -> dict[str, dict[str, Any]]:
    sid, token = settings.twilio_account_sid, settings.twilio_auth_token.get_secret_value()
    numbers = {
        "twilio_sms": settings.twilio_sms_from,
        "twilio_voice": settings.twilio_voice_from,
    }
    if not any((sid, token, *numbers.values())):
        return {}
    if not sid or not token or not any(numbers.values()):
        raise ConfigError(
            "For Twilio set LINXUN_TWILIO_ACCOUNT_SID, LINXUN_TWILIO_AUTH_TOKEN and at least "
            "one of LINXUN_TWILIO_SMS_FROM and LINXUN_TWILIO_VOICE_FROM."
        )
    if not settings.twilio_api_url and not settings.public_url.startswith("https://"):
        raise ConfigError(
            "Twilio must reach this machine: set LINXUN_PUBLIC_URL to its https address."
        )
    shared = {
        "account_sid": sid,
        "auth_token": token,
        "public_url": public_url,
        "api_url": settings.twilio_api_url,
        "proxy": settings.proxy or None,
    }
    given: dict[str, dict[str, Any]] = {
        name: {**shared, "sender_number": one} for name, one in numbers.items() if one
    }
    if "twilio_sms" in given:
        given["twilio_sms"]["texting"] = texting(settings)
    if "twilio_voice" in given:
        given["twilio_voice"]["speech"] = settings.twilio_speech
    return given


def _sip(settings: Settings, ours: Ours) -> dict[str, dict[str, Any]]:
    if not settings.sip_server:
        if settings.sip_user or settings.sip_number:
            raise ConfigError("For calls by SIP set LINXUN_SIP_SERVER to the trunk's address.")
        return {}
    first, last = map(int, settings.sip_ports.split("-"))
    if not 0 < first < last - 2 * settings.sip_lines < last <= _LAST_PORT:
        raise ConfigError(
            "LINXUN_SIP_PORTS must name two ports for each of the LINXUN_SIP_LINES: 16384-16583."
        )
    name = "sip_voice"
    asked = ("domain", "user", "number", "host", "port", "public_host", "dial", "prefix", "lines")
    given = {
        **{one: getattr(settings, f"sip_{one}") for one in (*asked, "ring", "transfers")},
        "server": settings.sip_server,
        "password": settings.sip_password.get_secret_value(),
        "ports": (first, last),
        "keep": functools.partial(ours.keep, name),
        "sound": ours.sound,
    }
    return {name: given}


def _speaker(settings: Settings, ours: Ours) -> dict[str, dict[str, Any]]:
    if settings.speaker_folder is None:
        return {}
    return {
        "speaker": {
            "folder": settings.speaker_folder,
            "rate": settings.voice_rate,
            "player": settings.speaker_player,
            "recorded": ours.recorded,
        }
    }
