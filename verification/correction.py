"""Corrections: whoever was told a fact hears when it is changed, replaced, taken back or over."""

import uuid
from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from content import event, phrase
from content.event import HOUSE
from content.message import Written
from content.notice import NoticeKind
from content.plain import moment
from verification import answer, case, errand, facts, standing, telling
from verification.case import Heard, State
from verification.fact import Fact, FactState, FactVersion
from verification.index import Verdict
from verification.telling import Telling

_LATELY = timedelta(days=90)
"""How long after its last day a fact is still looked at."""


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
    stale = telling.outdated(session, fact.id, version.number, gone=gone)
    groups, count = _by_verdict(session, fact, stale, None if gone else version)
    for verdict, heard in groups.items():
        _correction(session, version, verdict, heard, now, gone=gone)
    if gone and stale:
        _reopen(session, version, stale, now)
    _learned(stale, version.number, gone=gone)
    session.flush()
    if stale:
        event.add(session, HOUSE, "fact.corrected", fact.id, now, told=count)
    return count


def replace(session: Session, old: Fact, new: FactVersion, now: datetime) -> int:
    """Tell everyone who was told a fact what has taken its place; return how many are told.

    From now on they know the new fact, and hear when that changes. Twice says nothing twice.
    """
    stale = telling.outdated(session, old.id, old.published, gone=True)
    groups, count = _by_verdict(session, old, stale, new)
    for verdict, heard in groups.items():
        _correction(session, new, verdict, heard, now, gone=False)
    _learned(stale, old.published, gone=True)
    for known in stale:
        telling.keep(session, known.question_id, known.address_id, new.fact_id, new.number, now)
    session.flush()
    if stale:
        event.add(session, HOUSE, "fact.corrected", old.id, now, told=count)
    return count


def expire(session: Session, now: datetime) -> int:
    """Tell everyone who was told a fact past its last day that it is, once; return how many.

    Who was told it after that day has heard so with it.
    """
    over = {fact.id: fact for fact in facts.expired(session, now - _LATELY, now)}
    known = telling.unaware(session, over)
    return sum(_expire(session, over[fact_id], known[fact_id], now) for fact_id in sorted(known))


def _expire(session: Session, fact: Fact, known: list[Telling], now: datetime) -> int:
    version = facts.current(session, fact)
    zone = standing.zone(session)
    last = version.valid_until
    stale = [one for one in known if last and one.at.astimezone(zone).date() <= last]
    if not stale:
        return 0
    groups, count = _by_verdict(session, fact, stale, None)
    for verdict, heard in groups.items():
        texts = _past(version, verdict, [one.language for one in heard])
        _send(session, texts, heard, now, version.fact_id)
    _learned(stale, fact.published, gone=True)
    session.flush()
    event.add(session, HOUSE, "fact.expired", fact.id, now, told=count)
    return count


def _past(version: FactVersion, old: str, wanted: list[Written]) -> dict[Written, answer.Fields]:
    until = version.valid_until.isoformat() if version.valid_until else ""
    shared = {"claim": version.claim, "source": "", "expert": "", "date": "", "old_verdict": old}
    return {
        language: {
            **fields,
            "verdict": "outdated",
            "truth": phrase.say("correction.past", language, until=moment(until, language)),
        }
        for language, fields in answer.same(shared, wanted).items()
    }


def _by_verdict(
    session: Session, fact: Fact, stale: list[Telling], new: FactVersion | None
) -> tuple[dict[Verdict, list[Heard]], int]:
    """Return whose knowledge differs from `new`, by the verdict they know; count the addresses."""
    groups: defaultdict[Verdict, list[Heard]] = defaultdict(list)
    seen: set[uuid.UUID] = set()
    for known in stale:
        old = facts.current(session, fact, known.version)
        if known.address_id not in seen and (new is None or _differs(old, new)):
            seen.add(known.address_id)
            groups[old.verdict].append(case.get(session, known.question_id))
    return groups, len(seen)


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
    _send(session, texts, heard, now, version.fact_id)


def _send(
    session: Session,
    texts: Mapping[Written, answer.Fields],
    heard: list[Heard],
    now: datetime,
    subject_id: uuid.UUID,
) -> None:
    addresses = [one.address_id for one in heard if one.address_id is not None]
    answer.send(session, NoticeKind.CORRECTION, texts, addresses, now, subject_id=subject_id)


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
