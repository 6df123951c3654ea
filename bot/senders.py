"""Which channels the settings enable, and how fast each of them may send."""

from bot.config import ConfigError, Settings
from channels.base import Channel
from channels.speaker import Speaker
from channels.telegram import Telegram
from channels.twilio_sms import TwilioSms
from channels.twilio_voice import TwilioVoice
from content.claim import Sender
from content.clock import Clock
from content.message import Kind

_ANSWER = 30
"""Seconds, real, after which a provider's answer to one request is overdue."""
_CALL = 180
"""Seconds a call may take until nothing more is expected of it."""


def channels(settings: Settings, public_url: str) -> dict[str, Channel]:
    """Open every channel that has credentials; raises ConfigError for half of them."""
    found: list[Channel] = []
    proxy = settings.proxy or None
    token = settings.telegram_token.get_secret_value()
    if token:
        found.append(
            Telegram(
                token,
                base_url=settings.telegram_api_url,
                base_file_url=settings.telegram_file_url,
                proxy=proxy,
            )
        )
    found += _twilio(settings, public_url, proxy)
    if settings.speaker_folder is not None:
        found.append(Speaker(settings.speaker_folder))
    return {channel.name: channel for channel in found}


def limits(settings: Settings, opened: dict[str, Channel], clock: Clock) -> tuple[Sender, ...]:
    """Return the sender of each open channel with its limits.

    A request's time-out is real time, so that on a fast clock its deadline is later.
    """
    answer = int(_ANSWER * clock.scale)
    known = {
        "telegram": Sender("telegram", Kind.CHAT, settings.telegram_rate, None, answer),
        "twilio_sms": Sender("twilio_sms", Kind.SMS, settings.twilio_sms_rate, None, answer),
        "twilio_voice": Sender(
            "twilio_voice",
            Kind.CALL,
            settings.twilio_voice_rate,
            settings.twilio_voice_lines,
            answer + _CALL,
        ),
    }
    return tuple(known[name] for name in opened if name in known)


def _twilio(settings: Settings, public_url: str, proxy: str | None) -> list[Channel]:
    sid, token = settings.twilio_account_sid, settings.twilio_auth_token.get_secret_value()
    numbers = (settings.twilio_sms_from, settings.twilio_voice_from)
    if not any((sid, token, *numbers)):
        return []
    if not sid or not token or not any(numbers):
        raise ConfigError(
            "For Twilio set LINXUN_TWILIO_ACCOUNT_SID, LINXUN_TWILIO_AUTH_TOKEN and at least "
            "one of LINXUN_TWILIO_SMS_FROM and LINXUN_TWILIO_VOICE_FROM."
        )
    if not settings.twilio_api_url and not settings.public_url.startswith("https://"):
        raise ConfigError(
            "Twilio must reach this machine: set LINXUN_PUBLIC_URL to its https address."
        )
    api = settings.twilio_api_url
    made: list[Channel] = []
    if settings.twilio_sms_from:
        made.append(
            TwilioSms(sid, token, settings.twilio_sms_from, public_url, api_url=api, proxy=proxy)
        )
    if settings.twilio_voice_from:
        made.append(
            TwilioVoice(
                sid, token, settings.twilio_voice_from, public_url, api_url=api, proxy=proxy
            )
        )
    return made
