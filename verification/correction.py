"""Corrections: whoever was told a fact hears when it is changed or taken back."""

import uuid
from collections import defaultdict
from datetime import datetime

from sqlalchemy.orm import Session

from content import event
from content.event import HOUSE
from content.notice import NoticeKind
from verification import answer, case, errand, facts, telling
from verification.case import Heard, State
from verification.fact import Fact, FactState, FactVersion
from verification.telling import Telling


def correct(session: Session, fact: Fact, now: datetime) -> int:
    """Tell everyone who knows another version of a fact, once; return how many are told.

    Nothing is said where truth and verdict are the same as before. Who was told a fact that is
    now withdrawn waits for an expert again, in one new case. Call it after `facts.publish` and
    `facts.withdraw`; calling it twice says nothing twice.
    """
    gone = fact.state is FactState.WITHDRAWN
    if fact.published == 0:
        return 0
    version = facts.current(session, fact)
    groups: defaultdict[str, list[Heard]] = defaultdict(list)
    seen: set[uuid.UUID] = set()
    stale = telling.outdated(session, fact.id, version.number, gone=gone)
    for known in stale:
        old = facts.current(session, fact, known.version)
        if known.address_id not in seen and (gone or _differs(old, version)):
            seen.add(known.address_id)
            groups[old.verdict].append(case.get(session, known.question_id))
    for verdict, heard in groups.items():
        _correction(session, version, verdict, heard, now, gone=gone)
    if gone and stale:
        _reopen(session, version, stale, now)
    _learned(stale, version.number, gone=gone)
    session.flush()
    if stale:
        event.add(session, HOUSE, "fact.corrected", fact.id, now, told=len(seen))
    return len(seen)


def _differs(old: FactVersion, new: FactVersion) -> bool:
    return (old.truth, old.verdict) != (new.truth, new.verdict)


def _correction(
    session: Session,
    version: FactVersion,
    old: str,
    heard: list[Heard],
    now: datetime,
    *,
    gone: bool,
) -> None:
    wanted = [one.language for one in heard]
    texts = answer.correction(version, str(old), wanted, withdrawn=gone)
    addresses = [one.address_id for one in heard if one.address_id is not None]
    answer.send(session, NoticeKind.CORRECTION, texts, addresses, now, subject_id=version.fact_id)


def _reopen(session: Session, version: FactVersion, stale: list[Telling], now: datetime) -> None:
    """Open one case for all who were told a fact that no longer holds, and page the experts."""
    asked = [case.get(session, known.question_id) for known in stale]
    opened = case.start(session, asked[0], version.claim, "its fact was withdrawn", now)
    for heard in asked:
        heard.case_id, heard.state = opened.id, State.WAITING
    errand.page(session, opened, now)


def _learned(stale: list[Telling], number: int, *, gone: bool) -> None:
    for known in stale:
        known.version, known.withdrawn = number, gone
