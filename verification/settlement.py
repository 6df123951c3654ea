"""Settlement: an expert's ruling reaches everyone who asked, and later its correction."""

import uuid
from collections import defaultdict
from datetime import datetime

from sqlalchemy.orm import Session

from content import event
from content.event import HOUSE, Actor
from content.notice import NoticeKind
from verification import answer, case, desk, errand, facts, telling, text
from verification.case import Case, Heard, State
from verification.fact import Fact, FactState, FactVersion, Refused, Statement
from verification.slots import Polarity
from verification.telling import Telling

_VARIANT = 200
"""Characters: a longer question makes no variant of a claim."""


def settle(
    session: Session, matter: Case, actor: Actor, ruling: Fact | Statement, now: datetime
) -> int:
    """Settle a case as an expert, by a fact or a new statement; return how many are told.

    A statement becomes a fact and is signed with it. What was asked becomes a variant, so that the
    next one who asks it is answered; where it denies what the claim says, it is only proposed.
    Raises Refused for who is no expert, a settled case, and a fact that may not be told.
    """
    facts.require_expert(session, actor)
    if matter.settled_at is not None:
        raise Refused(
            f"核实单{matter.number}已经办完，请改它的事实。 "
            f"Case {matter.number} is settled: change its fact, and everyone is corrected."
        )
    fact = ruling if isinstance(ruling, Fact) else facts.draft(session, actor, ruling, now)
    if fact.state is FactState.DRAFT:
        facts.sign(session, fact, actor, now)
    if not desk.holds(session, fact, now):
        raise Refused(
            "这条事实已撤回或过期，请用有效的。 "
            "This fact is withdrawn or out of date: settle with a current one."
        )
    version = facts.current(session, fact)
    if matter.matter.strip() and len(matter.matter) <= _VARIANT:
        same = _denies(matter.matter) == _denies(version.claim)
        facts.add_variant(session, fact, matter.matter, actor, now, accepted=same)
    told = _answer(session, matter, version, now)
    case.close(session, matter, fact.id, actor, now)
    errand.finish(session, matter, actor, now)
    return told


def told(session: Session, fact: Fact) -> int:
    """Return how many addresses would hear of a change: all that were told this fact."""
    return telling.told(session, fact.id)


def correct(session: Session, fact: Fact, now: datetime) -> int:
    """Tell everyone who knows another version of a fact, once; return how many are told.

    Nothing is said where truth and verdict are the same as before. Who was told a fact that is
    now withdrawn waits for an expert again, in one new case. Call it after `facts.sign` and
    `facts.withdraw`; calling it twice says nothing twice.
    """
    gone = fact.state is FactState.WITHDRAWN
    if fact.signed == 0:
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


def _answer(session: Session, matter: Case, version: FactVersion, now: datetime) -> int:
    waiting = [heard for heard in case.askers(session, matter) if heard.address_id is not None]
    addresses = [heard.address_id for heard in waiting if heard.address_id is not None]
    texts = answer.same(answer.fact(version), [heard.language for heard in waiting])
    sent = answer.send(
        session, NoticeKind.ANSWER, texts, addresses, now, subject_id=version.fact_id
    )
    for heard in waiting:
        heard.notice_id = sent
        telling.keep(session, heard.id, heard.address_id, version.fact_id, version.number, now)
    return len(set(addresses))


def _denies(words: str) -> bool:
    return text.normalise(words).polarity is Polarity.DENIED


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
