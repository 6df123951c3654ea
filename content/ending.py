"""How deliveries have ended so far, and why: by which act, or what stands in the way."""

import json
import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Text, and_, case, cast, func, literal, null, select
from sqlalchemy.orm import Session

from content import bulk, phrase, store
from content.delivery import Attempt, AttemptState, Delivery, DeliveryState
from content.event import Event
from content.message import Kind, Written
from content.people import OwnerKind
from content.reason import Reason

T = TypeVar("T")
_MACHINE = "machine"
_BY = {
    Reason.CONFIRMED_BUTTON: Kind.CHAT,
    Reason.CONFIRMED_KEY: Kind.CALL,
    Reason.CONFIRMED_CALL_BACK: Kind.CALL,
    Reason.CONFIRMED_DOOR: Kind.DOOR,
}
_THROUGH = {"chat": Kind.CHAT, "sms": Kind.SMS, "phone": Kind.CALL}
_DONE = (DeliveryState.CONFIRMED, DeliveryState.PASSED_ON, DeliveryState.DONE)
_VAGUE = {Reason.LADDER_EXHAUSTED, None}
"""Says less than the last try, where there was one."""


@dataclass(frozen=True, slots=True)
class End:
    """So many deliveries that stand alike: state, reason, last try and the steps passed over."""

    state: DeliveryState
    reason: Reason | None
    detail: str
    """Of who has confirmed by a reply: the door it came by; of the rest: `kind/what became`."""
    skips: Mapping[str, str]
    count: int

    @property
    def by(self) -> Kind | None:
        """Return the kind by which they have confirmed, where an act of their own says it."""
        if self.state is not DeliveryState.CONFIRMED:
            return None
        if self.reason is Reason.CONFIRMED_REPLY:
            return _THROUGH.get(self.detail)
        return _BY.get(self.reason) if self.reason else None

    @property
    def why(self) -> tuple[Kind | None, str]:
        """Return what stands in the way: the kind of the last try, and the key of a phrase."""
        kind, _, became = self.detail.partition("/")
        if self.reason not in _VAGUE or not became:
            word = f"reason.{self.reason}" if self.reason else "live.not_yet"
            return None, word
        return Kind(kind), word_of(became, Kind(kind))


@dataclass(frozen=True, slots=True)
class Why:
    """So many who have not confirmed, and what stands in the way; `word` is a phrase key."""

    state: DeliveryState
    kind: Kind | None
    word: str
    count: int

    def said(self, language: Written = Written.HANS) -> str:
        """Return it in words: 电话：没有人接电话."""
        word = phrase.say(self.word, language)
        return f"{phrase.say(f'kind.{self.kind}', language)}：{word}" if self.kind else word


def word_of(became: str, kind: Kind) -> str:
    """Return the phrase key for what became of a try: its reason, else its state."""
    if phrase.known(f"reason.{became}"):
        return f"reason.{became}"
    if became in (AttemptState.ANSWERED, AttemptState.COMPLETED):
        return f"reason.{Reason.NO_KEY}"
    if became == AttemptState.DELIVERED:
        return f"reason.{Reason.NO_REPLY}"
    if became in (AttemptState.ATTEMPTING, AttemptState.RINGING):
        return "live.under_way"
    return "live.in_chat" if kind is Kind.CHAT else "live.no_receipt"


def ends(session: Session, notice_id: uuid.UUID) -> list[End]:
    """Count the deliveries of a notice to residents by how they stand."""
    settled = Delivery.state.in_(_DONE)
    columns: dict[str, Any] = {
        "state": Delivery.state,
        "reason": Delivery.reason,
        "detail": case(
            (Delivery.reason == Reason.CONFIRMED_REPLY, door()),
            (settled, null()),
            else_=last(),
        ),
        "skipped": case((settled, null()), else_=cast(Delivery.skips, Text)),
    }
    query = (
        select(*(one.label(name) for name, one in columns.items()))
        .where(Delivery.community_id == store.community(session))
        .where(Delivery.notice_id == notice_id)
        .where(Delivery.recipient_kind == OwnerKind.RESIDENT)
    )
    return [
        End(state, reason, str(detail or ""), json.loads(skips or "{}"), count)
        for (state, reason, detail, skips), count in bulk.Tally(query).read(session)
    ]


def whys(found: Sequence[End]) -> tuple[Why, ...]:
    """Return why people have not confirmed, the most frequent first."""
    counted: Counter[tuple[DeliveryState, Kind | None, str]] = Counter()
    for one in found:
        if one.state not in _DONE:
            counted[(one.state, *one.why)] += one.count
    return tuple(Why(*key, count) for key, count in _most(counted))


def skips(found: Sequence[End]) -> dict[tuple[str, str], int]:
    """Return which steps were passed over and why: (step, reason) -> people, the most first."""
    counted: Counter[tuple[str, str]] = Counter()
    for one in found:
        for step, reason in one.skips.items():
            counted[step, reason] += one.count
    return dict(_most(counted))


def _most(counted: Counter[T]) -> list[tuple[T, int]]:
    return sorted(counted.items(), key=lambda item: (-item[1], str(item[0])))


def last() -> ColumnElement[str]:
    """Return what became of the last try at a recipient, as `kind/reason or state`."""
    became = func.coalesce(
        Attempt.reason, case((Attempt.machine, literal(_MACHINE)), else_=Attempt.state)
    )
    return (
        select(cast(Attempt.kind, Text) + "/" + cast(became, Text))
        .where(
            and_(
                Attempt.community_id == Delivery.community_id,
                Attempt.notice_id == Delivery.notice_id,
                Attempt.recipient_id == Delivery.recipient_id,
            )
        )
        # not the key itself: it would be walked through in search of the recipient
        .order_by((Attempt.id + 0).desc())
        .limit(1)
        .scalar_subquery()
    )


def door() -> ColumnElement[str]:
    """Return the door of the act that has confirmed a delivery."""
    return (
        select(cast(Event.door, Text))
        .where(
            Event.community_id == Delivery.community_id,
            Event.subject_id == Delivery.recipient_id,
            Event.at == Delivery.confirmed_at,
            Event.kind == "delivery.confirmed",
        )
        .limit(1)
        .scalar_subquery()
    )
