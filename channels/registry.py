"""Every channel by its name; an adapter is imported when it is first opened."""

import importlib
import inspect
from collections.abc import Mapping
from typing import Any, cast

from channels.base import Channel

CHANNELS = {
    "telegram": "channels.telegram:Telegram",
    "twilio_sms": "channels.twilio_sms:TwilioSms",
    "twilio_voice": "channels.twilio_voice:TwilioVoice",
    "sip_voice": "channels.sip_voice:SipVoice",
    "speaker": "channels.speaker:Speaker",
}


class RegistryError(Exception):
    """A channel cannot be opened; the sentence says which and what it needs."""


def adapter(name: str) -> type[Channel]:
    """Return the class of a channel; raises RegistryError."""
    if name not in CHANNELS:
        known = ", ".join(sorted(CHANNELS))
        raise RegistryError(f"There is no channel {name!r}. These exist: {known}.")
    module, _, what = CHANNELS[name].partition(":")
    return cast(type[Channel], getattr(importlib.import_module(module), what))


def open(name: str, settings: Mapping[str, Any]) -> Channel:  # noqa: A001 - read as registry.open
    """Return the channel `name`, made with its settings; raises RegistryError.

    settings: the arguments of the adapter's class. Nothing is sent yet.
    """
    made = adapter(name)
    try:
        inspect.signature(made).bind(**settings)
    except TypeError as error:
        raise RegistryError(f"The channel {name!r} cannot be opened: {error}.") from None
    return made(**settings)
