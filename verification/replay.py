"""Replay: what a fact would have answered of the questions that have been asked."""

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from content import event, mask, store
from content.event import Actor
from verification import judgement, match, shelf, standing, text
from verification.case import Heard
from verification.index import FactView, Index, wordings
from verification.match import Decision, Outcome

NEWEST = 2_000
"""Questions that are looked at, the newest first."""
_FEW = 20
"""Facts up to which questions are sorted out beforehand by the words they share with them."""
_SHARED, _COPIED = 0.2, 0.5
"""Shares of the pairs of characters that a question has of a wording, or the reverse: from the
first it is looked at, from the second it counts as one on the same matter."""
_APART = frozenset({"number", "date", "place", "negation", "antonym", "subject", "rival", "debunk"})
"""What stops an answer to a question on the same matter."""


@dataclass(frozen=True, slots=True)
class Past:
    """A question as it was asked, and the fact that answered it, "" for none."""

    number: int
    text: str
    at: datetime
    area: str | None
    told: str = ""
    pairs: frozenset[str] = frozenset()
    """Its pairs of characters, by which it is sorted out beforehand."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A past question that the fact is the likeliest for; `text` is masked.

    `conflict` is what would have stopped the answer; `other` says that another fact was told.
    """

    number: int
    text: str
    conflict: str = ""
    other: bool = False


@dataclass(frozen=True, slots=True)
class Replay:
    """What came out: of `asked` questions looked at, those that the fact is meant for."""

    asked: int
    hits: tuple[Hit, ...] = ()

    @property
    def answered(self) -> int:
        """How many would have been answered."""
        return sum(not hit.conflict for hit in self.hits)

    @property
    def conflicts(self) -> int:
        """How many would have been asked back, for something stands against the answer."""
        return len(self.hits) - self.answered

    @property
    def different(self) -> int:
        """How many would have been answered by this fact, and were told another."""
        return sum(hit.other and not hit.conflict for hit in self.hits)


def trial(session: Session, base: shelf.Base, view: FactView) -> Replay:
    """Replay a fact that may not be in the base yet; the base is left as it was."""
    shelf.refresh(session, base)
    before = base.index.get(view.id)
    base.index.add(view)
    try:
        return run(base.index, [view.id], past(session), standing.zone(session))
    finally:
        if before is None:
            base.index.remove(view.id)
        else:
            base.index.add(before)


def run(
    index: Index, fact_ids: Collection[str], questions: Sequence[Past], zone: ZoneInfo
) -> Replay:
    """Decide on past questions with an index that holds the facts; pure."""
    views = [view for one in fact_ids if (view := index.get(one)) is not None]
    near = _close(views, questions) if len(views) <= _FEW else questions
    ids = frozenset(view.id for view in views)
    found = (_hit(index, ids, asked, zone) for asked in near)
    return Replay(len(questions), tuple(hit for hit in found if hit is not None))


def both(one: Replay, other: Replay) -> Replay:
    """Return two replays over the same questions as one; a question counts once, the later hit."""
    hits = {hit.number: hit for hit in (*one.hits, *other.hits)}
    return Replay(max(one.asked, other.asked), tuple(hits.values()))


def past(session: Session, newest: int = NEWEST) -> list[Past]:
    """Return the questions whose text is still kept, the newest first."""
    query = (
        select(Heard)
        .where(Heard.community_id == store.community(session), Heard.digest != "")
        .order_by(Heard.number.desc())
        .limit(newest)
    )
    return [
        Past(row.number, row.text, row.at, row.area or None, _told(row), pairs(row.text))
        for row in session.scalars(query)
        if row.text
    ]


def note(
    session: Session, fact_id: uuid.UUID | None, done: Replay, actor: Actor, now: datetime
) -> None:
    """Write the counts of a replay into the book of events."""
    event.add(
        session,
        actor,
        "fact.replayed",
        fact_id,
        now,
        asked=done.asked,
        answered=done.answered,
        conflicts=done.conflicts,
        different=done.different,
    )


def _hit(index: Index, ids: frozenset[str], asked: Past, zone: ZoneInfo) -> Hit | None:
    judged = judgement.judge(index, asked.text, asked.at, zone, asked.area)
    decisions = [part for _, part in judged.parts] or [judged.decision]
    meant = [one for one in decisions if one.ranked and one.ranked[0].fact.id in ids]
    told = [one for one in meant if one.outcome is Outcome.ANSWER]
    stopped = [one for one in meant if one.veto and _near(asked, one)]
    if not told and not stopped:
        return None
    conflict = "" if told else _words(stopped[0])
    other = asked.told not in ("", *(one.ranked[0].fact.id for one in meant))
    return Hit(asked.number, mask.mask(asked.text), conflict, other)


def _near(asked: Past, decision: Decision) -> bool:
    """Whether a stopped answer was about the question's matter: likely, or nearly its words."""
    if decision.probability >= match.DEFAULT.answer:
        return True
    known = [pairs(wording) for wording in wordings(decision.ranked[0].fact)]
    return decision.veto in _APART and _shares(asked.pairs, known, _COPIED)


def _words(decision: Decision) -> str:
    pairs = ", ".join(" / ".join(part or "–" for part in pair) for pair in decision.differing)
    return f"{decision.veto}: {pairs}"


def _told(heard: Heard) -> str:
    """Return the fact that a question was answered with by itself, "" for none."""
    shown = heard.decision.get("shown") or [""]
    return str(shown[0]) if heard.decision.get("outcome") == "answer" else ""


def _close(views: Sequence[FactView], questions: Sequence[Past]) -> list[Past]:
    """Leave out what shares hardly a character with the facts: judging is dear."""
    known = [pairs(wording) for view in views for wording in wordings(view)]
    return [asked for asked in questions if _shares(asked.pairs, known, _SHARED)]


def _shares(asked: frozenset[str], known: Sequence[frozenset[str]], share: float) -> bool:
    return any(len(asked & one) >= share * min(len(asked), len(one)) for one in known)


def pairs(words: str) -> frozenset[str]:
    """Return the pairs of characters of a text as it was spoken."""
    folded = text.fold(words)
    return frozenset(folded[at : at + 2] for at in range(len(folded) - 1))
