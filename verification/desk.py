"""The desk: hears what residents ask, and never leaves a question without an answer."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from content import event, mask, phrase, store
from content.alert import Severity
from content.event import Actor, Door
from content.message import Kind, Written
from content.notice import NoticeKind
from content.place import Community
from content.task import TaskKind
from verification import answer, case, errand, facts, judgement, shelf, telling
from verification.case import Heard, Question, State
from verification.fact import Fact, FactState, FactVersion, Refused
from verification.gate import Emergency, Intent
from verification.judgement import Judgement
from verification.match import Outcome

PER_HOUR = 20
"""Automatic answers to one address in an hour: two robots must not talk for ever."""
NONE = ("none", "0", "", "都不是")
"""What an asker sends who meant none of the facts shown."""

_HOUR, _DAY = timedelta(hours=1), timedelta(hours=24)
_DOORS = {Kind.CHAT: Door.CHAT, Kind.SMS: Door.SMS, Kind.CALL: Door.PHONE}


@dataclass(frozen=True, slots=True)
class Reply:
    """What became of a question. The notices leave through the outbox by themselves.

    `group_text` is what a group may read: an answer or "being checked", never a list; it is set
    for questions from a group only, which get no notice. `number` is what the asker is told.
    """

    question_id: uuid.UUID
    state: State
    why: str
    number: int
    notices: tuple[uuid.UUID, ...] = ()
    group_text: str = ""


def hear(session: Session, base: shelf.Base, question: Question, now: datetime) -> Reply:
    """Answer a question, ask back, or take it down as a case; all in the caller's transaction.

    A bare 1 to 3, 0 or 都不是 chooses among the facts that its sender was just shown.
    """
    earlier = _choosing(session, question, now)
    if earlier is not None:
        return choose(session, base, earlier.id, question.text.strip(), now)
    shelf.refresh(session, base)
    judged = judgement.judge(base.index, question.matter, now, zone(session), question.area)
    heard = _record(session, question, now)
    heard.decision = judgement.explain(judged)
    count = case.automatic(session, heard.address_id, now - _HOUR)
    warned = _warn(session, heard, judged.emergency, now, quiet=count >= PER_HOUR)
    if count >= PER_HOUR:
        return _rest(session, heard, now, say_so=count == PER_HOUR)
    heard.automatic = heard.address_id is not None
    reply = _respond(session, heard, question, judged, now)
    _book(session, heard, now)
    return _joined(reply, warned, judged.emergency, heard)


def take(session: Session, question: Question, now: datetime) -> Reply:
    """Take a question down as a case without judging it: for when judging has failed."""
    heard = _record(session, question, now)
    heard.decision = {"outcome": "case", "why": "it could not be judged", "shown": []}
    reply = _check(session, heard, now)
    _book(session, heard, now)
    return reply


def again(
    session: Session,
    base: shelf.Base,
    question_id: uuid.UUID,
    address_id: uuid.UUID,
    now: datetime,
    area: str | None = None,
) -> Reply:
    """Hear a question from a group once more, in the private chat where its asker has come."""
    heard = case.get(session, question_id)
    private = Question(heard.text, address_id, Kind.CHAT, heard.language, area, forwarded=True)
    return hear(session, base, private, now)


def choose(
    session: Session, base: shelf.Base, question_id: uuid.UUID, option: str, now: datetime
) -> Reply:
    """Take what an asker chose: "1" to "3" or a fact's id; "none" or "0" opens a case.

    "none" also undoes an automatic answer: it was not what they meant. Choosing twice says
    nothing twice.
    """
    heard = case.get(session, question_id)
    if option in NONE and heard.state in (State.ASKED_BACK, State.ANSWERED):
        reply = _check(session, heard, now)
    elif option not in NONE and heard.state is State.ASKED_BACK:
        shelf.refresh(session, base)
        reply = _chosen(session, heard, facts.get(session, _option(heard, option)), now)
    else:
        return _reply(heard, number=case.told(session, heard))
    _book(session, heard, now)
    return reply


def shown_at(session: Session, question: Question, now: datetime) -> datetime | None:
    """Return when the list was shown of which this text would choose; None: it would not."""
    earlier = _choosing(session, question, now)
    return earlier.at if earlier is not None else None


def holds(session: Session, fact: Fact, now: datetime) -> bool:
    """Return whether a fact may be told today: published, and its time not over."""
    return fact.state is FactState.PUBLISHED and current(session, facts.current(session, fact), now)


def current(session: Session, version: FactVersion, now: datetime) -> bool:
    """Return whether the time of what a version says is not over."""
    until = version.valid_until
    return until is None or now.astimezone(zone(session)).date() <= until


def _respond(
    session: Session, heard: Heard, question: Question, judged: Judgement, now: datetime
) -> Reply:
    if question.attachment is not None:
        return _check(session, heard, now)
    if not question.matter:
        return _say(session, heard, ("intent.empty",), now)
    plain = judged.emergency is None and judged.decision.outcome is not Outcome.ANSWER
    if plain and judged.intent in _SMALL_TALK:
        return _say(session, heard, (_SMALL_TALK[judged.intent],), now)
    if plain and judged.intent is Intent.SERVICE_REQUEST:
        return _serve(session, heard, now)
    return _answer(session, heard, judged, now)


_SMALL_TALK = {Intent.CHIT_CHAT: "intent.chit_chat", Intent.ABUSE: "intent.abuse"}


def _answer(session: Session, heard: Heard, judged: Judgement, now: datetime) -> Reply:
    if judged.parts:
        return _letter(session, heard, judged, now)
    decision = judged.decision
    if decision.outcome is Outcome.ANSWER:
        fact = facts.get(session, uuid.UUID(decision.candidates[0].fact.id))
        if holds(session, fact, now):
            version = facts.current(session, fact)
            return _tell(session, heard, version, now, debunk=decision.debunk)
    if decision.outcome is Outcome.ASK and not heard.group:
        heard.state = State.ASKED_BACK
        texts = answer.same(answer.options(decision), [heard.language])
        return _notify(session, heard, NoticeKind.ANSWER, texts, now)
    return _check(session, heard, now)


def _tell(
    session: Session, heard: Heard, version: FactVersion, now: datetime, *, debunk: bool = False
) -> Reply:
    heard.state = State.ANSWERED
    telling.keep(session, heard.id, heard.address_id, version.fact_id, version.number, now)
    texts = answer.same(answer.fact(version, debunk=debunk), [heard.language])
    reply = _notify(session, heard, NoticeKind.ANSWER, texts, now, subject_id=version.fact_id)
    return _public(reply, heard, answer.short(version, heard.language))


def _letter(session: Session, heard: Heard, judged: Judgement, now: datetime) -> Reply:
    """Answer point by point; what no fact answers becomes one case, with one number."""
    parts: list[answer.Fields] = []
    told: dict[uuid.UUID, FactVersion] = {}
    for claim, decision in judged.parts:
        version = None
        if decision.outcome is Outcome.ANSWER:
            fact = facts.get(session, uuid.UUID(decision.candidates[0].fact.id))
            version = facts.current(session, fact) if holds(session, fact, now) else None
        if version is None:
            parts.append(answer.part(claim, None, ""))
        elif version.fact_id not in told:
            told[version.fact_id] = version
            parts.append(answer.part(claim, version, ""))
    heard.state = State.ANSWERED
    if any(part["outcome"] == "case" for part in parts):
        number = str(_open(session, heard, now))
        parts = [{**p, "number": number} if p["outcome"] == "case" else p for p in parts]
    for version in told.values():
        telling.keep(session, heard.id, heard.address_id, version.fact_id, version.number, now)
    texts = answer.same(answer.letter(parts), [heard.language])
    reply = _notify(session, heard, NoticeKind.ANSWER, texts, now)
    return _public(reply, heard, "\n".join(answer.short(v, heard.language) for v in told.values()))


def _check(session: Session, heard: Heard, now: datetime) -> Reply:
    number = _open(session, heard, now)
    texts = {
        language: {"number": str(number), "expert": phrase.say("case.expert", language)}
        for language in answer.languages([heard.language])
    }
    reply = _notify(
        session, heard, NoticeKind.CASE, texts, now, subject_id=heard.case_id, number=number
    )
    return _public(reply, heard, phrase.say("case.group", heard.language))


def _open(session: Session, heard: Heard, now: datetime) -> int:
    """Attach a question to its case, page the experts for a new one; return the number."""
    matter, fresh = case.attach(session, heard, heard.decision.get("why", ""), now)
    if fresh:
        errand.page(session, matter, now)
    return matter.number


def _serve(session: Session, heard: Heard, now: datetime) -> Reply:
    note = mask.mask(heard.text)
    errand.give(session, TaskKind.SERVICE, heard, note, now)
    return _say(session, heard, ("intent.service_no_phone",), now, number=heard.number)


def _say(
    session: Session, heard: Heard, keys: tuple[str, ...], now: datetime, **values: object
) -> Reply:
    texts = answer.said(keys, [heard.language], **values)
    reply = _notify(session, heard, NoticeKind.REPLY, texts, now)
    return _public(reply, heard, str(texts[heard.language]["text"]))


def _chosen(session: Session, heard: Heard, fact: Fact, now: datetime) -> Reply:
    if not holds(session, fact, now):
        return _check(session, heard, now)
    suggests = Actor(_DOORS.get(heard.channel, Door.HOUSE))
    wording = mask.mask(heard.text)
    facts.add_variant(session, fact, wording, suggests, now, accepted=False)
    return _tell(session, heard, facts.current(session, fact), now)


def _choosing(session: Session, question: Question, now: datetime) -> Heard | None:
    """Return the question that a bare number answers, for those who have no buttons."""
    option = question.text.strip()
    if question.group or question.attachment or not (option.isdecimal() or option in NONE):
        return None
    heard = case.asked_back(session, question.address_id, now - _DAY) if option else None
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
    session: Session, heard: Heard, found: Emergency | None, now: datetime, *, quiet: bool
) -> tuple[uuid.UUID, ...]:
    """Page the staff, and tell the asker whom to call before anything else is said."""
    if found is None:
        return ()
    note = mask.mask(heard.text)
    errand.give(session, TaskKind.EMERGENCY, heard, note, now, calm=found.hearsay)
    event.add(session, _actor(session, heard), "emergency.heard", heard.id, now, what=found.kind)
    if heard.group or heard.address_id is None or quiet:
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


def _rest(session: Session, heard: Heard, now: datetime, *, say_so: bool) -> Reply:
    """Past the limit a question goes to the experts; the asker is told so once an hour."""
    _open(session, heard, now)
    _book(session, heard, now)
    if not say_so:
        return _reply(heard)
    heard.automatic = True
    return _say(session, heard, ("intent.too_many",), now)


def _notify(
    session: Session,
    heard: Heard,
    kind: NoticeKind,
    texts: Mapping[Written, answer.Fields],
    now: datetime,
    *,
    subject_id: uuid.UUID | None = None,
    number: int | None = None,
) -> Reply:
    if heard.group or heard.address_id is None:
        return _reply(heard, number=number)
    addresses = [heard.address_id]
    subject = subject_id or heard.id
    sent = answer.send(session, kind, texts, addresses, now, subject_id=subject)
    heard.notice_id = sent
    return _reply(heard, (sent,) if sent else (), number)


def _reply(heard: Heard, notices: tuple[uuid.UUID, ...] = (), number: int | None = None) -> Reply:
    why = str(heard.decision.get("why", ""))
    return Reply(heard.id, heard.state, why, number or heard.number, notices)


def _public(reply: Reply, heard: Heard, text: str) -> Reply:
    if not heard.group:
        return reply
    return Reply(reply.question_id, reply.state, reply.why, reply.number, reply.notices, text)


def _joined(
    reply: Reply, warned: tuple[uuid.UUID, ...], found: Emergency | None, heard: Heard
) -> Reply:
    text = reply.group_text
    if found is not None and heard.group:
        text = "\n".join((*(phrase.say(key, heard.language) for key in _warning(found)), text))
    notices = (*warned, *reply.notices)
    return Reply(reply.question_id, reply.state, reply.why, reply.number, notices, text)


def _record(session: Session, question: Question, now: datetime) -> Heard:
    came = question.attachment
    said = judgement.digest_of(question.matter, now, zone(session))
    if came is not None:
        said = f"{came.kind}:{came.key or came.reference}:{said}"
    return case.record(session, question, store.digest(session, said), now)


def _book(session: Session, heard: Heard, now: datetime) -> None:
    outcome = str(heard.decision.get("outcome", ""))
    event.add(
        session, _actor(session, heard), f"question.{heard.state}", heard.id, now, outcome=outcome
    )


def _actor(session: Session, heard: Heard) -> Actor:
    who = errand.asker(session, heard.address_id)
    return Actor(_DOORS.get(heard.channel, Door.HOUSE), who.resident_id)


def zone(session: Session) -> ZoneInfo:
    """Return the zone in which the community speaks of days."""
    mine = store.community(session)
    return ZoneInfo(session.get_one(Community, mine).zone)
