"""What a member of staff can do from chat, in one sentence: the commands of their own roles."""

from collections.abc import Collection

from sqlalchemy.orm import Session

from content import beat, identity, phrase, recording
from content.message import Written
from content.staff import Role, Staff
from verification import case, learning

_ALL = frozenset(Role)
_COMMANDS: dict[str, Collection[Role]] = {
    "broadcast": (Role.AUTHOR,),
    "record": recording.MAKERS,
    "status": _ALL,
    "doors": beat.MAY,
    "tasks": beat.MAY,
    "cases": case.WORKERS,
    "lessons": learning.DECIDE,
    "cancel": _ALL,
    "check": _ALL,
}
"""Who may give which command; asked for again where it is given."""


def said(session: Session, member: Staff) -> str:
    """Return the commands that a member of staff may give, with what each is for."""
    roles = identity.roles(session, member.id)
    mine = (name for name, may in _COMMANDS.items() if roles & {*may})
    return "，".join(phrase.say(f"command.{name}", Written.HANS) for name in mine)
