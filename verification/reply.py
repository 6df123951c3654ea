"""Reply: what the desk says back to a question, through the outbox, and what it keeps of it."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy.orm import Session

from content import mask, phrase
from content.message import Written
from content.notice import NoticeKind
from content.task import TaskKind
from verification import answer, errand, facts, joining, judgement, standing, telling
from verification.case import Heard, State
from verification.fact import Fact, FactState, FactVersion
from verification.judgement import Course, Points
from verification.match import Decision


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
    urgent: str = ""
    """The emergency that a group's text gives advice about: it must be said in any case."""


def about(
    session: Session,
    heard: Heard,
    fact: Fact,
    now: datetime,
    *,
    debunk: bool = False,
    label: bool = True,
) -> Reply:
    """Tell a fact; past its day as of that day, with a case; one that is gone is a case."""
    if fact.state is not FactState.PUBLISHED:
        return check(session, heard, now)
    version = facts.current(session, fact)
    if not standing.current(session, version, now):
        return _as_of(session, heard, version, now)
    heard.state = State.ANSWERED
    _keep(session, heard, version, now)
    voices = others(session, fact, now)
    fields = answer.fact(version, debunk=debunk, label=label, others=voices)
    texts = answer.same(fields, [heard.language])
    reply = _notify(session, heard, NoticeKind.ANSWER, texts, now, subject_id=version.fact_id)
    return _public(reply, heard, answer.short(fields, heard.language))


def letter(session: Session, heard: Heard, points: Points, now: datetime) -> Reply:
    """Answer point by point; what no fact answers becomes one case, with one number."""
    parts = [_point(session, claim, decision, now) for claim, decision in points]
    heard.state = State.ANSWERED
    if any(part["outcome"] != "answer" for _, part in parts):
        number = str(open_case(session, heard, now))
        parts = [
            (fact, part if part["outcome"] == "answer" else {**part, "number": number})
            for fact, part in parts
        ]
    for version, part in parts:
        if version is not None and part["outcome"] == "answer":
            _keep(session, heard, version, now)
    texts = answer.same(answer.letter([part for _, part in parts]), [heard.language])
    reply = _notify(session, heard, NoticeKind.ANSWER, texts, now)
    told = [answer.short(part, heard.language) for _, part in parts if part["outcome"] == "answer"]
    return _public(reply, heard, "\n".join(told) or phrase.say("case.group", heard.language))


def ask_back(session: Session, heard: Heard, decision: Decision, now: datetime) -> Reply:
    """Show the facts that may be meant, each with what tells it apart."""
    heard.state = State.ASKED_BACK
    fields = answer.options(decision, _areas(session, heard, decision))
    texts = answer.same(fields, [heard.language])
    return _notify(session, heard, NoticeKind.ANSWER, texts, now)


def check(session: Session, heard: Heard, now: datetime) -> Reply:
    """Take a question down as a case, and say so."""
    number = open_case(session, heard, now)
    texts = {
        language: {
            "number": str(number),
            "expert": phrase.say("case.expert", language),
            # a case has the number of the question that opened it
            "joined": "" if number == heard.number else "1",
        }
        for language in answer.languages([heard.language])
    }
    reply = _notify(
        session, heard, NoticeKind.CASE, texts, now, subject_id=heard.case_id, number=number
    )
    return _public(reply, heard, phrase.say("case.group", heard.language))


def open_case(session: Session, heard: Heard, now: datetime) -> int:
    """Attach a question to its case, page the experts for a new one; return the number."""
    matter, fresh = joining.attach(session, heard, _open_points(heard), now)
    if fresh:
        errand.page(session, matter, now)
    return matter.number


def _open_points(heard: Heard) -> str:
    """Return why a question was not answered, for a letter each point that was not."""
    points = heard.decision.get("parts") or []
    lines = [f"{one['text']}：{one['why']}" for one in points if one["course"] != Course.ANSWER]
    return "\n".join(lines) or str(heard.decision.get("why", ""))


def serve(session: Session, heard: Heard, now: datetime) -> Reply:
    """Hand a request for service to the staff; it is no rumor."""
    note = mask.mask(heard.text)
    errand.give(session, TaskKind.SERVICE, heard, note, now)
    return say(session, heard, ("intent.service_no_phone",), now, number=heard.number)


def say(
    session: Session, heard: Heard, keys: tuple[str, ...], now: datetime, **values: object
) -> Reply:
    """Answer with fixed sentences."""
    texts = answer.said(keys, [heard.language], **values)
    reply = _notify(session, heard, NoticeKind.REPLY, texts, now)
    return _public(reply, heard, str(texts[heard.language]["text"]))


def silent(heard: Heard, notices: tuple[uuid.UUID, ...] = (), number: int | None = None) -> Reply:
    """Return how it stands with a question, with what was said already."""
    why = str(heard.decision.get("why", ""))
    return Reply(heard.id, heard.state, why, number or heard.number, notices)


def _as_of(session: Session, heard: Heard, version: FactVersion, now: datetime) -> Reply:
    number = open_case(session, heard, now)
    texts = answer.same(answer.as_of(version, number), [heard.language])
    reply = _notify(
        session,
        heard,
        NoticeKind.ANSWER,
        texts,
        now,
        subject_id=version.fact_id,
        number=number,
    )
    return _public(reply, heard, phrase.say("case.group", heard.language))


def _point(
    session: Session, claim: str, decision: Decision, now: datetime
) -> tuple[FactVersion | None, answer.Fields]:
    """Return one point of a letter, with the fact that settles it."""
    if judgement.course(decision) in (Course.ANSWER, Course.AS_OF):
        fact = facts.get(session, uuid.UUID(decision.candidates[0].fact.id))
        version = facts.current(session, fact)
        if standing.holds(session, fact, now):
            voices = others(session, fact, now)
            return version, answer.part(version, debunk=decision.debunk, others=voices)
        if fact.state is FactState.PUBLISHED:
            return version, answer.part_as_of(version, "")
    return None, answer.part_checked(claim, "")


def others(session: Session, fact: Fact, now: datetime) -> list[FactVersion]:
    """Return what other publishers say of the claim of a fact, as far as it still holds."""
    linked = facts.linked(session, fact)
    return [version for version in linked if standing.current(session, version, now)]


def _areas(session: Session, heard: Heard, decision: Decision) -> dict[str, str]:
    """Name the place that each fact is about, where its asker may live elsewhere."""
    home = heard.area.rstrip("/") + "/"
    narrow = (
        found.fact
        for found in decision.candidates
        if found.fact.area and not home.startswith(found.fact.area.rstrip("/") + "/")
    )
    return {
        fact.id: facts.current(session, facts.get(session, uuid.UUID(fact.id))).area
        for fact in narrow
    }


def _keep(session: Session, heard: Heard, version: FactVersion, now: datetime) -> None:
    """Keep what an asker is told: the fact, and what other publishers say beside it."""
    fact = facts.get(session, version.fact_id)
    for one in (version, *others(session, fact, now)):
        telling.keep(session, heard.id, heard.address_id, one.fact_id, one.number, now)


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
        return silent(heard, number=number)
    addresses = [heard.address_id]
    subject = subject_id or heard.id
    sent = answer.send(session, kind, texts, addresses, now, subject_id=subject)
    heard.notice_id = sent
    return silent(heard, (sent,) if sent else (), number)


def _public(reply: Reply, heard: Heard, text: str) -> Reply:
    return replace(reply, group_text=text) if heard.group else reply
