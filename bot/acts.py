"""What people do about an alert: a button, a key, a short reply; and what providers report."""

import contextlib
import uuid
from collections.abc import Iterator

from bot.commands import ask, cry, errands, resident
from bot.turn import DOORS, Acknowledge, Effect, Turn, tell
from channels.base import State
from content import (
    claim,
    confirmation,
    guard,
    notice,
    outcome,
    outcome_bulk,
    people,
    phrase,
    reply,
    untold,
)
from content.confirmation import Act, Confirmed
from content.delivery import Attempt, AttemptState
from content.event import Actor
from content.message import Action, Kind
from content.notice import NoticeState
from content.outcome_bulk import Report
from content.people import Consent, Contact, OwnerKind, Resident
from content.reply import Meaning
from content.task import TaskError
from verification import desk

_ACTS = {"1": Meaning.RECEIVED, "3": Meaning.HELP}
"""What a bare digit says that chooses nothing."""


def report(turn: Turn) -> Report:
    """Return what the provider says about an attempt."""
    told = turn.event
    return Report(
        told.ref or outcome.ref_of(turn.session, told.provider_id),
        AttemptState((told.state or State.ACCEPTED).value),
        turn.now,
        told.provider_id,
        told.reason,
        told.machine,
        told.sequence,
    )


def receipt(turn: Turn) -> list[Effect]:
    """Keep what the provider reports about an attempt."""
    outcome_bulk.receipts(turn.session, [report(turn)])
    return []


def key(turn: Turn) -> list[Effect]:
    """Take a digit pressed in a call: 1 received, 3 help; any other only talks to the script.

    A page offers no help: its key 1 takes the task, like its button does. Among facts that were
    asked back a key chooses.
    """
    ref = turn.event.ref
    # whoever presses anything has heard what the call told
    if (tried := outcome.by_ref(turn.session, ref)) is not None:
        untold.heard(turn.session, tried, turn.now)
    if ask.choose_by_key(turn, ref):
        return []
    errand = errands.of_attempt(turn, ref)
    if turn.event.key not in (("1",) if errand else ("1", "3")):
        return []
    act = Act.CALL_BACK if turn.event.called else Act.KEY
    confirmation.by_ref(turn.session, ref, act, turn.actor(), turn.now, help_=turn.event.key == "3")
    if errand is not None:
        with contextlib.suppress(TaskError):
            errands.take(turn, errand, ref)
    return []


def button(turn: Turn, action: Action, ref: str) -> list[Effect]:
    """Take 收到 or 需要帮助 under an alert, from the chat it was sent to."""
    attempt = outcome.by_ref(turn.session, ref)
    help_ = action is Action.HELP
    if attempt is None or not _own(turn, attempt):
        return [_note(turn, "confirm.not_yours")]
    done = confirmation.by_ref(turn.session, ref, Act.BUTTON, turn.actor(), turn.now, help_=help_)
    if done is None:
        return [_note(turn, "confirm.closed")]
    if help_:
        return [_note(turn, "confirm.help")]
    if done.late:
        replaced = notice.get(turn.session, attempt.notice_id).state is NoticeState.SUPERSEDED
        return [_note(turn, "confirm.stale" if replaced else "confirm.closed")]
    return [_noted(turn, ref, done)]


def replied(turn: Turn, text: str) -> list[Effect] | None:
    """Take a short reply (1, 收到, 求助, 退订); None for any other text: that is a question.

    A bare number answers what was sent last: it chooses from a list of facts, unless a notice that
    waits to be confirmed was sent after the list. 收到 and 求助 in words are never a choice. Where
    there is nothing to confirm they are told so; a neighbour's cry for help is always heard.
    """
    said = reply.read(text, lambda: _names(turn))
    if said is None or (said.carrier and turn.kind is not Kind.SMS):
        return None
    if said.meaning in (Meaning.STOP, Meaning.START):
        return _opt(turn, said.meaning)
    if said.digit and _chooses(turn, said.digit):
        return ask.question(turn, said.digit)
    if said.digit not in ("", *_ACTS):
        return _nothing(turn, "confirm.nothing")
    help_ = _ACTS.get(said.digit, said.meaning) is Meaning.HELP
    done = confirmation.by_address(
        turn.session,
        turn.kind,
        turn.event.address,
        Act.REPLY,
        turn.actor(),
        turn.now,
        help_=help_,
    )
    return _told(turn, done, help_=help_)


def _names(turn: Turn) -> Iterator[str]:
    """Give the names with which who writes may sign: their own, a contact's, and whose they are."""
    here = turn.community.community_id
    for kind, owner_id, _ in turn.owners():
        resident_id = owner_id
        if kind is OwnerKind.CONTACT and (contact := turn.session.get(Contact, (here, owner_id))):
            yield contact.name
            resident_id = contact.resident_id
        if resident := turn.session.get(Resident, (here, resident_id)):
            yield resident.name


def blocked(turn: Turn) -> list[Effect]:
    """Take note that somebody has blocked the bot: that chat is not used until they come back.

    Whoever only takes the bot out of a group still wants to be told.
    """
    if not turn.event.group:
        _consent(turn, Consent.WITHDRAWN)
    return []


def _chooses(turn: Turn, word: str) -> bool:
    """Say whether a bare number chooses from a list that was shown after the last notice."""
    shown = desk.shown_at(turn.session, ask.asked(turn, word), turn.now)
    sent = confirmation.asked_at(turn.session, turn.kind, turn.event.address)
    return shown is not None and (sent is None or sent <= shown)


def _told(turn: Turn, done: Confirmed, *, help_: bool) -> list[Effect]:
    """Answer a reply in kind; by SMS only who asks for help or has nothing to confirm."""
    if help_ and (done.notices or done.again or cry.known(turn)):
        return tell(turn, "confirm.help", urgent=True)
    if help_:
        return tell(turn, "confirm.nothing", "emergency.general", urgent=True)
    if done.notices or done.again:
        said = "confirm.received" if done.notices else "confirm.again"
        return tell(turn, said) if turn.kind is Kind.CHAT else []
    return _nothing(turn, "confirm.nothing")


def _nothing(turn: Turn, key_: str) -> list[Effect]:
    """Say that nothing waits; by SMS once an hour, for the other side may be a machine too."""
    if turn.kind is not Kind.CHAT and guard.said(
        turn.session, turn.address_id(), key_, turn.now - guard.HOUR
    ):
        return []
    return tell(turn, key_)


def _opt(turn: Turn, meaning: Meaning) -> list[Effect]:
    """Opt out or in; the provider itself answers an SMS."""
    out = meaning is Meaning.STOP
    if turn.kind is Kind.CHAT:
        return resident.stop(turn) if out else resident.start(turn, "")
    _consent(turn, Consent.WITHDRAWN if out else Consent.GRANTED)
    return []


def _consent(turn: Turn, consent: Consent) -> None:
    door = DOORS[turn.kind]
    people.set_consent(
        turn.session,
        turn.kind,
        turn.event.address,
        consent,
        door,
        Actor(door, turn.actor().id),
        turn.now,
    )


def _own(turn: Turn, attempt: Attempt) -> bool:
    """Say whether the attempt went to the chat that now presses its button."""
    owned: set[uuid.UUID] = {address_id for *_, address_id in turn.owners()}
    return attempt.address_id in owned


def _noted(turn: Turn, ref: str, done: Confirmed) -> Acknowledge:
    """Thank for 收到; a contact is asked to pass it on to the resident they stand for."""
    if not done.notices:
        return _note(turn, "confirm.again")
    sent = claim.job(turn.session, ref)
    if sent is not None and sent.alone:
        return _note(turn, "confirm.passed_on", alone=sent.alone)
    return _note(turn, "confirm.received")


def _note(turn: Turn, key_: str, **values: object) -> Acknowledge:
    said = phrase.say(key_, turn.language(), **values)
    return Acknowledge(turn.event.callback_id, said)
