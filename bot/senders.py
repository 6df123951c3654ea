"""Which channels the settings enable, and how fast each of them may send."""

from collections.abc import Iterable
from typing import Any

from bot.config import ConfigError, Settings
from channels import registry
from channels.base import Channel
from content.clock import Clock
from content.message import Kind
from content.pace import Sender

_ANNOUNCED = 900
"""Seconds after which an announcement has been played, several times and in every language."""


def channels(settings: Settings, public_url: str) -> dict[str, Channel]:
    """Open every channel that has credentials; raises ConfigError for half of them."""
    given = _given(settings, public_url)
    return {name: registry.open(name, its) for name, its in given.items()}


def enabled(settings: Settings) -> tuple[str, ...]:
    """Return the names of the channels that `channels` would open; raises ConfigError."""
    return tuple(_given(settings, settings.public_url))


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
        # an announcement is played to its end before it counts as made
        "speaker": Sender("speaker", Kind.SPEAKER, 1.0, 1, max(answer, _ANNOUNCED)),
    }
    return tuple(known[name] for name in names)


def _given(settings: Settings, public_url: str) -> dict[str, dict[str, Any]]:
    """Return the arguments of every channel that has credentials."""
    return {**_telegram(settings), **_twilio(settings, public_url), **_speaker(settings)}


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
    return {name: {**shared, "sender_number": number} for name, number in numbers.items() if number}


def _speaker(settings: Settings) -> dict[str, dict[str, Any]]:
    if settings.speaker_folder is None:
        return {}
    return {"speaker": {"folder": settings.speaker_folder, "player": settings.speaker_player}}
