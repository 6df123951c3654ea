"""What people do about an alert: a button, a key, a short reply; and what providers report."""

import contextlib

from bot.commands import errands
from bot.turn import DOORS, Acknowledge, Effect, HangUp, Turn
from channels.base import State
from content import confirmation, outcome, people, phrase
from content.confirmation import Act, Confirmed
from content.delivery import AttemptState
from content.event import Actor
from content.message import Action, Kind
from content.people import Consent
from content.task import TaskError

RECEIVED = frozenset(
    {"1", "收到", "收到了", "好的", "好", "知道了", "ok", "okay", "received", "yes"}
)
HELP = frozenset({"3", "求助", "救命", "需要帮助", "帮帮我", "help", "sos"})
STOP = frozenset({"td", "t", "退订", "stop", "unsubscribe", "取消订阅"})
START = frozenset({"start", "恢复", "订阅"})


def receipt(turn: Turn) -> list[Effect]:
    """Keep what the provider reports about an attempt."""
    event = turn.event
    ref = event.ref or outcome.ref_of(turn.session, event.provider_id)
    outcome.receipt(
        turn.session,
        ref,
        AttemptState((event.state or State.ACCEPTED).value),
        turn.now,
        provider_id=event.provider_id,
        reason=event.reason,
        machine=event.machine,
        sequence=event.sequence,
    )
    return []


def key(turn: Turn) -> list[Effect]:
    """Take a digit pressed in a call: 1 received, 3 help; any other only talks to the script."""
    if turn.event.key not in ("1", "3"):
        return []
    done = confirmation.by_ref(
        turn.session, turn.event.ref, Act.KEY, turn.actor(), turn.now, help_=turn.event.key == "3"
    )
    _answer_page(turn)
    return _superfluous(done)


def button(turn: Turn, action: Action, ref: str) -> list[Effect]:
    """Take 收到 or 需要帮助 under an alert, from the chat it was sent to."""
    attempt = outcome.by_ref(turn.session, ref)
    help_ = action is Action.HELP
    if attempt is None or not _own(turn, ref):
        return [_note(turn, "confirm.not_yours")]
    done = confirmation.by_ref(turn.session, ref, Act.BUTTON, turn.actor(), turn.now, help_=help_)
    if done is None or done.late:
        return [_note(turn, "confirm.stale")]
    said = "confirm.help" if help_ else "confirm.received" if done.notices else "confirm.again"
    return [_note(turn, said), *_superfluous(done)]


def reply(turn: Turn, text: str) -> list[Effect] | None:
    """Take a short reply (1, 收到, 求助, 退订); None for any other text: that is a question."""
    word = text.strip().strip("。.!！~～ ").lower()
    if turn.kind is Kind.SMS and word in STOP | START:
        _consent(turn, Consent.WITHDRAWN if word in STOP else Consent.GRANTED)
        return []
    if word not in RECEIVED | HELP:
        return None
    done = confirmation.by_address(
        turn.session,
        turn.kind,
        turn.event.address,
        Act.REPLY,
        turn.actor(),
        turn.now,
        help_=word in HELP,
    )
    if word in HELP and not done.notices:
        return None
    return _superfluous(done)


def blocked(turn: Turn) -> list[Effect]:
    """Take note that somebody has blocked the bot: that chat is not used until they come back."""
    _consent(turn, Consent.WITHDRAWN)
    return []


def _answer_page(turn: Turn) -> None:
    """Key 1 on a page takes the task, like its button does."""
    errand = errands.of_attempt(turn, turn.event.ref)
    if errand is not None:
        with contextlib.suppress(TaskError):
            errands.take(turn, errand, turn.event.ref)


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


def _own(turn: Turn, ref: str) -> bool:
    """Say whether the attempt went to the chat that now presses its button."""
    attempt = outcome.by_ref(turn.session, ref)
    mine = people.owners(turn.session, turn.kind, turn.event.address)
    return attempt is not None and attempt.address_id in {address_id for *_, address_id in mine}


def _superfluous(done: Confirmed | None) -> list[Effect]:
    return [HangUp(sender, call) for sender, call in done.cancel] if done else []


def _note(turn: Turn, key_: str) -> Acknowledge:
    return Acknowledge(turn.event.callback_id, phrase.say(key_, turn.language()))
