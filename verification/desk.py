"""The desk: hears what residents ask, and never leaves a question without an answer."""

import uuid
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from content import event, guard, mask, phrase, store
from content.alert import Severity
from content.event import Actor, Door
from content.guard import Limits, Pass
from content.message import Kind
from content.notice import NoticeKind
from content.task import TaskKind
from verification import answer, case, errand, facts, judgement, learning, reply, shelf, standing
from verification.case import Heard, Question, State
from verification.fact import Refused
from verification.gate import Emergency, Intent
from verification.judgement import Course, Judgement
from verification.reply import Reply

_LIMITS = Limits()
NONE = ("none", "0", "", "都不是")
"""What an asker sends who meant none of the facts shown."""

_UNJUDGED = "转专家：判断时出了错"
_DAY = timedelta(hours=24)
_DOORS = {Kind.CHAT: Door.CHAT, Kind.SMS: Door.SMS, Kind.CALL: Door.PHONE}


def hear(
    session: Session, base: shelf.Base, question: Question, now: datetime, limits: Limits = _LIMITS
) -> Reply:
    """Answer a question, ask back, or take it down as a case; all in the caller's transaction.

    A bare 1 to 3, 0 or 都不是 chooses among the facts that its sender was just shown. Beyond the
    loop guard a question is taken down and not answered.
    """
    earlier = _choosing(session, question, now)
    if earlier is not None:
        return choose(session, base, earlier.id, question.text.strip(), now, limits)
    shelf.refresh(session, base)
    zone = standing.zone(session)
    learned = learning.lessons(session, now, zone)
    judged = judgement.judge(base.index, question.matter, now, zone, question.area, learned)
    heard = _record(session, question, now)
    heard.decision = judgement.explain(judged)
    warned = _warn(session, heard, judged.emergency, now, limits)
    passed = _passed(session, heard, now, limits)
    if passed is Pass.SAY:
        said = _respond(session, heard, question, judged, now)
    else:
        said = _rest(session, heard, now, passed)
    _book(session, heard, now)
    return _joined(said, warned, judged.emergency, heard)


def take(session: Session, question: Question, now: datetime, limits: Limits = _LIMITS) -> Reply:
    """Take a question down as a case without judging it: for when judging has failed."""
    heard = _record(session, question, now)
    heard.decision = {"outcome": "case", "why": _UNJUDGED, "shown": []}
    passed = _passed(session, heard, now, limits)
    if passed is Pass.SAY:
        said = reply.check(session, heard, now)
    else:
        said = _rest(session, heard, now, passed)
    _book(session, heard, now)
    return said


def again(
    session: Session,
    base: shelf.Base,
    question_id: uuid.UUID,
    address_id: uuid.UUID,
    now: datetime,
    area: str | None = None,
    limits: Limits = _LIMITS,
) -> Reply:
    """Hear a question from a group once more, in the private chat where its asker has come."""
    heard = case.get(session, question_id)
    private = Question(heard.text, address_id, Kind.CHAT, heard.language, area, forwarded=True)
    return hear(session, base, private, now, limits)


def choose(
    session: Session,
    base: shelf.Base,
    question_id: uuid.UUID,
    option: str,
    now: datetime,
    limits: Limits = _LIMITS,
) -> Reply:
    """Take what an asker chose: "1" to "3" or a fact's id; "none" or "0" opens a case.

    "none" also undoes an automatic answer: it was not what they meant. Choosing twice says
    nothing twice.
    """
    heard = case.get(session, question_id)
    undone = option in NONE
    states = (State.ASKED_BACK, State.ANSWERED) if undone else (State.ASKED_BACK,)
    if heard.state not in states:
        return reply.silent(heard, number=case.told(session, heard))
    fact_id = None if undone else _option(heard, option)
    if undone:
        learning.not_meant(session, heard, now)
    passed = _passed(session, heard, now, limits)
    if passed is not Pass.SAY:
        said = _rest(session, heard, now, passed)
    elif fact_id is None:
        said = reply.check(session, heard, now)
    else:
        shelf.refresh(session, base)
        said = _chosen(session, heard, fact_id, now)
    _book(session, heard, now)
    return said


def shown_at(session: Session, question: Question, now: datetime) -> datetime | None:
    """Return when the list was shown of which this text would choose; None: it would not."""
    earlier = _choosing(session, question, now)
    return earlier.at if earlier is not None else None


def _respond(
    session: Session, heard: Heard, question: Question, judged: Judgement, now: datetime
) -> Reply:
    if question.attachment is not None:
        return reply.check(session, heard, now)
    if not question.matter:
        return reply.say(session, heard, (_worded("intent.empty", heard),), now)
    aside = judgement.aside(judged)
    if aside is Intent.SERVICE_REQUEST:
        return reply.serve(session, heard, now)
    if aside is not None:
        return reply.say(session, heard, (_worded(f"intent.{aside}", heard),), now)
    return _answer(session, heard, judged, now)


def _worded(key: str, heard: Heard) -> str:
    """Return the name of a sentence; who is on the phone can send us nothing."""
    said = f"{key}_said"
    return said if heard.channel is Kind.CALL and phrase.known(said) else key


def _answer(session: Session, heard: Heard, judged: Judgement, now: datetime) -> Reply:
    if judged.parts:
        return reply.letter(session, heard, judged.parts, now)
    decision = judged.decision
    course = judgement.course(decision)
    if course in (Course.ANSWER, Course.AS_OF):
        fact = facts.get(session, uuid.UUID(decision.candidates[0].fact.id))
        return reply.about(session, heard, fact, now, debunk=decision.debunk)
    if course is Course.ASK and not heard.group:
        return reply.ask_back(session, heard, decision, now)
    return reply.check(session, heard, now)


def _chosen(session: Session, heard: Heard, fact_id: uuid.UUID, now: datetime) -> Reply:
    fact = facts.get(session, fact_id)
    if standing.holds(session, fact, now):
        suggests = Actor(_DOORS.get(heard.channel, Door.HOUSE))
        wording = mask.mask(heard.text)
        facts.add_variant(session, fact, wording, suggests, now, accepted=False)
    return reply.about(session, heard, fact, now, label=not _opposite(heard, fact_id))


def _opposite(heard: Heard, fact_id: uuid.UUID) -> bool:
    """Whether a question denied what the fact claims: its verdict would read as the question's."""
    first = heard.decision.get("shown", [])[:1] == [str(fact_id)]
    return first and heard.decision.get("veto") in _OPPOSITES


_OPPOSITES = ("negation", "antonym")


def _choosing(session: Session, question: Question, now: datetime) -> Heard | None:
    """Return the question that a bare number answers, for those who have no buttons.

    0 also undoes the last answer: it was not what they meant.
    """
    option = question.text.strip()
    if question.group or question.attachment or not (option.isdecimal() or option in NONE):
        return None
    since = now - _DAY
    states = (State.ASKED_BACK, State.ANSWERED) if option in NONE else (State.ASKED_BACK,)
    heard = case.last(session, question.address_id, since, *states) if option else None
    if heard is None or option in NONE:
        return heard
    return heard if 0 < int(option) <= len(heard.decision.get("shown", [])) else None


def _option(heard: Heard, option: str) -> uuid.UUID:
    shown = heard.decision.get("shown", [])
    if option.isdecimal() and 0 < int(option) <= len(shown):
        return uuid.UUID(shown[int(option) - 1])
    if option in shown:
        return uuid.UUID(option)
    raise Refused(
        "没有这个选项，请从列出的里面选。 This choice was not shown: choose one of them, or none."
    )


def _warn(
    session: Session, heard: Heard, found: Emergency | None, now: datetime, limits: Limits
) -> tuple[uuid.UUID, ...]:
    """Page the staff, and tell the asker whom to call before anything else is said."""
    if found is None:
        return ()
    note = mask.mask(heard.text)
    errand.give(session, TaskKind.EMERGENCY, heard, note, now, calm=found.hearsay)
    event.add(session, _actor(session, heard), "emergency.heard", heard.id, now, what=found.kind)
    if heard.group or heard.address_id is None:
        return ()
    limit, what = limits.of(heard.channel), f"emergency.{found.kind}"
    if guard.given(session, heard.address_id, what, now, limit, urgent=True) is Pass.REST:
        return ()
    texts = answer.said(_warning(found), [heard.language])
    severity = Severity.MODERATE if found.hearsay else Severity.EXTREME
    addresses = [heard.address_id]
    sent = answer.send(session, NoticeKind.REPLY, texts, addresses, now, severity=severity)
    return (sent,) if sent else ()


def _warning(found: Emergency) -> tuple[str, str]:
    own = f"emergency.{_ADVICE.get(found.kind, found.kind)}"
    paged = "emergency.paged_hearsay" if found.hearsay else "emergency.paged"
    return own if phrase.known(own) else "emergency.general", paged


_ADVICE = {"crime": "police"}
"""Kinds of emergency whose advice goes by another name."""


def _passed(session: Session, heard: Heard, now: datetime, limits: Limits) -> Pass:
    """Ask the loop guard; what a group reads is guarded where it is said."""
    if heard.address_id is None:
        return Pass.SAY
    limit = limits.of(heard.channel)
    passed = guard.given(session, heard.address_id, "question", now, limit, urgent=False)
    heard.automatic = heard.automatic or passed is Pass.SAY
    return passed


def _rest(session: Session, heard: Heard, now: datetime, passed: Pass) -> Reply:
    """Beyond the guard a question goes to the experts; the asker is told so once an hour."""
    reply.open_case(session, heard, now)
    if passed is Pass.REST:
        return reply.silent(heard)
    return reply.say(session, heard, ("intent.too_many",), now)


def _joined(
    said: Reply, warned: tuple[uuid.UUID, ...], found: Emergency | None, heard: Heard
) -> Reply:
    text, urgent = said.group_text, ""
    if found is not None and heard.group:
        text = "\n".join((*(phrase.say(key, heard.language) for key in _warning(found)), text))
        urgent = f"emergency.{found.kind}"
    notices = (*warned, *said.notices)
    return replace(said, notices=notices, group_text=text, urgent=urgent)


def _record(session: Session, question: Question, now: datetime) -> Heard:
    came = question.attachment
    said = judgement.digest_of(question.matter, now, standing.zone(session))
    if came is not None:
        said = f"{came.kind}:{came.key or came.reference}:{said}"
    return case.record(session, question, store.digest(session, said), now)


def _book(session: Session, heard: Heard, now: datetime) -> None:
    outcome = str(heard.decision.get("outcome", ""))
    event.add(
        session, _actor(session, heard), f"question.{heard.state}", heard.id, now, outcome=outcome
    )


def _actor(session: Session, heard: Heard) -> Actor:
    who = errand.resident(session, heard.address_id)
    return Actor(_DOORS.get(heard.channel, Door.HOUSE), who)
