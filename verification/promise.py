"""Promise: nobody who asked hears nothing for longer than the committee's set hours."""

import uuid
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from content import event, phrase, store
from content.event import HOUSE
from content.message import Written
from content.notice import NoticeKind
from verification import answer, case, errand
from verification.case import PROMISE, Case, Heard, State

OVERDUE = "case.overdue"


def remind(session: Session, now: datetime, within: timedelta = PROMISE) -> int:
    """Tell who has waited for `within`, and again after each such time; return how many are told.

    Open cases are due `within` after they were opened, whatever was set when they were; whoever is
    on duty hears of those that are overdue, once in each period. Twice says nothing twice.
    """
    for matter in case.open_cases(session):
        due = matter.opened_at + within
        if matter.due_at != due:
            matter.due_at = due
        if due <= now:
            _escalate(session, matter, now, within)
    told = sum(
        _still(session, session.get_one(Case, (store.community(session), one)), heard, now)
        for one, heard in _waiting(session, now - within).items()
    )
    session.flush()
    return told


def owner(session: Session, matter: Case, language: Written) -> str:
    """Return who checks a case, as askers may read it: the owner's title, never name or number."""
    found = case.owner(session, matter)
    if found is None or not found.title:
        return phrase.say("case.expert", language)
    return phrase.traditional(found.title) if language is Written.HANT else found.title


def next_word(session: Session, matter: Case, within: timedelta = PROMISE) -> datetime | None:
    """Return when the first asker hears that it is still being checked; None for nobody."""
    waits = [
        (heard.reminded_at or heard.at) + within
        for heard in case.askers(session, matter)
        if heard.state is State.WAITING and heard.address_id is not None
    ]
    return min(waits, default=None)


def _waiting(session: Session, since: datetime) -> dict[uuid.UUID, list[Heard]]:
    """Return by case whose last word from us is older than `since`; locked against other rounds."""
    query = (
        select(Heard)
        .join(Case, (Case.community_id == Heard.community_id) & (Case.id == Heard.case_id))
        .where(
            Heard.community_id == store.community(session),
            Heard.state == State.WAITING,
            Heard.address_id.is_not(None),
            func.coalesce(Heard.reminded_at, Heard.at) <= since,
            Case.settled_at.is_(None),
        )
        .order_by(Heard.number)
        .with_for_update(of=Heard, skip_locked=True)
    )
    found: defaultdict[uuid.UUID, list[Heard]] = defaultdict(list)
    for heard in session.scalars(query):
        if heard.case_id is not None:
            found[heard.case_id].append(heard)
    return found


def _still(session: Session, matter: Case, heard: Sequence[Heard], now: datetime) -> int:
    """Tell the askers of one case that it is still being checked, and by whom."""
    texts = {
        language: {
            "number": str(matter.number),
            "expert": owner(session, matter, language),
            "still": "1",
        }
        for language in answer.languages(one.language for one in heard)
    }
    late = {one.address_id for one in heard if one.address_id is not None}
    answer.send(session, NoticeKind.CASE, texts, list(late), now, subject_id=matter.id)
    for one in case.askers(session, matter):
        # one word answers all that somebody asked about it
        if one.address_id in late:
            one.reminded_at = now
    event.add(session, HOUSE, "case.reminded", matter.id, now, told=len(late))
    return len(late)


def _escalate(session: Session, matter: Case, now: datetime, within: timedelta) -> None:
    last = event.last(session, OVERDUE, matter.id)
    if last is not None and last.at > now - within:
        return
    errand.overdue(session, matter, owner(session, matter, Written.HANS), now)
    event.add(session, HOUSE, OVERDUE, matter.id, now)
