"""From an answer to a broadcast: the draft of an alert to the buildings that ask."""

import uuid
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, time, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from content import alert as alerts
from content import event, phrase, review, store, wording
from content.alert import Certainty, ReviewError, Revision, Severity, Stage
from content.draft import Draft, Text
from content.event import Actor
from content.message import Written
from content.people import Audience
from content.place import Place, PlaceKind
from content.plain import moment
from verification import case, facts, standing, trends
from verification.case import Case, Heard
from verification.fact import Fact, FactVersion, Refused
from verification.index import Verdict
from verification.telling import Mark, Telling
from verification.trends import Subject

LASTS = timedelta(hours=24)
"""How long such an alert runs, unless the fact itself ends before."""
MANY = 3
"""Of more buildings than this in one grid, the whole grid is told."""
_SINCE = timedelta(days=7)
_HEADLINE, _MATTER = 40, 60
_DRAFTED = "trend.drafted"
_OPEN = (Stage.DRAFT, Stage.RETURNED, Stage.VERIFIED, Stage.EDITED)


def draft(
    session: Session, actor: Actor, subject: Subject, matter_id: uuid.UUID, now: datetime
) -> Revision:
    """Draft the alert that tells the answer, or that it is being checked; or return the open one.

    A case that is settled by now is told with its fact. The draft passes the same review as any
    other. Raises Refused for a fact that may not be told, ReviewError for who may not write.
    """
    about = _told(session, subject, matter_id, now)
    waiting = _open(session, about.id)
    if waiting is not None:
        return waiting
    audience = _audience(session, about.id, now)
    if isinstance(about, Fact):
        content = _answer(session, facts.current(session, about), audience, now)
    else:
        content = _checking(about.matter, audience, now)
    made = review.draft(session, actor, content, now)
    code = alerts.get(session, made.alert_id).code
    event.add(session, actor, _DRAFTED, about.id, now, code=code)
    session.flush()
    return made


def named(session: Session, name: str) -> tuple[Subject, uuid.UUID]:
    """Return what staff mean by a fact's id or a case's number; raises Refused for neither."""
    if name.isdecimal():
        return Subject.CASE, case.numbered(session, int(name)).id
    return Subject.FACT, facts.named(session, name).id


def _told(session: Session, subject: Subject, matter_id: uuid.UUID, now: datetime) -> Fact | Case:
    """Return the fact to tell, or else the case that is being checked, wherever it was merged."""
    if subject is Subject.FACT:
        fact = facts.get(session, matter_id)
    else:
        asked = session.get_one(Case, (store.community(session), matter_id))
        matter = case.numbered(session, asked.number)
        if matter.settled_at is None or matter.fact_id is None:
            return matter
        fact = facts.get(session, matter.fact_id)
    if not standing.holds(session, fact, now):
        raise Refused(
            "这条事实没有发布，或者已撤回、过期，不能用来通知。 This fact is not published, or it "
            "was withdrawn or is out of date: publish a current one, then draft the alert."
        )
    return fact


def _open(session: Session, about: uuid.UUID) -> Revision | None:
    """Return the draft that somebody has already made of it and that is still on its way."""
    last = event.last(session, _DRAFTED, about)
    if last is None:
        return None
    try:
        made = alerts.current(session, alerts.get(session, str(last.data["code"])))
    except ReviewError:
        return None
    return made if made.stage in _OPEN else None


def _answer(session: Session, version: FactVersion, audience: Audience, now: datetime) -> Draft:
    """Return the draft that tells a fact: the truth first, then verdict, source and validity."""
    key = "false" if version.verdict is Verdict.FALSE else "answer"
    headline, rest = _split(version.truth)
    signed = {
        "answer.source": {"source": version.source},
        "answer.expert": {"expert": version.expert},
        "answer.date": {"date": _day(version.date.isoformat() if version.date else "")},
        "answer.valid_until": {
            "until": _day(version.valid_until.isoformat() if version.valid_until else "")
        },
    }
    judged = _word("answer.claim", claim=version.claim, verdict=_word(f"verdict.{version.verdict}"))
    lines = [
        rest,
        judged,
        *(_word(name, **said) for name, said in signed.items() if all(said.values())),
    ]
    return _draft(
        _word(f"broadcast.event_{key}"),
        headline,
        "\n".join(filter(None, lines)),
        "" if version.verdict is Verdict.TRUE else _word("broadcast.please"),
        audience,
        min(now + LASTS, _end(session, version, now)),
        Certainty.OBSERVED,
    )


def _checking(matter: str, audience: Audience, now: datetime) -> Draft:
    """Return the draft that asks not to forward what nobody has confirmed."""
    return _draft(
        _word("broadcast.event_case"),
        _word("broadcast.checking"),
        _word("broadcast.asked", matter=matter[:_MATTER]),
        _word("broadcast.wait"),
        audience,
        now + LASTS,
        Certainty.UNKNOWN,
    )


def _draft(
    about: str,
    headline: str,
    description: str,
    instruction: str,
    audience: Audience,
    expires: datetime,
    certainty: Certainty,
) -> Draft:
    ends = wording.cancel_text(about, Written.HANS)
    wide = not audience.places or len(audience.places) > MANY
    return Draft(
        event=about,
        texts={Written.HANS: Text(headline, description, instruction, ends)},
        expires=expires,
        audience=audience,
        severity=Severity.MODERATE if wide else Severity.MINOR,
        certainty=certainty,
    )


def _split(truth: str) -> tuple[str, str]:
    """Return the truth's first sentence as a headline, and what it does not say of the truth."""
    first, *more = wording.sentences(truth) or [truth]
    if len(first) > _HEADLINE:
        return first[:_HEADLINE], truth
    return first, truth[truth.index(first) + len(first) :].lstrip("。！？；\n!?; ") if more else ""


def _end(session: Session, version: FactVersion, now: datetime) -> datetime:
    """Return when a fact's last day is over."""
    if version.valid_until is None:
        return now + LASTS
    return datetime.combine(
        version.valid_until + timedelta(days=1), time(), tzinfo=standing.zone(session)
    )


def _audience(session: Session, about: uuid.UUID, now: datetime) -> Audience:
    """Return the buildings of those who asked; their grid where they are many; else everybody."""
    mine = store.community(session)
    meant = Telling.mark.is_(None) | (Telling.mark != Mark.NOT_MINE)
    told = select(Telling.question_id).where(
        Telling.community_id == mine, Telling.fact_id == about, meant
    )
    query = select(Heard.area).where(
        Heard.community_id == mine,
        Heard.at > now - _SINCE,
        (Heard.case_id == about) | Heard.id.in_(told),
    )
    homes = trends.homes(session, session.scalars(query.distinct()))
    return Audience(places=tuple(_widened(session, set(homes.values()))))


def _widened(session: Session, buildings: Iterable[str]) -> list[str]:
    query = select(Place.path).where(
        Place.community_id == store.community(session), Place.kind == PlaceKind.GRID
    )
    grids = list(session.scalars(query))
    inside = defaultdict(set)
    for path in buildings:
        inside[next((grid for grid in grids if path.startswith(grid)), "")].add(path)
    wide = {grid for grid, paths in inside.items() if grid and len(paths) > MANY}
    return sorted(wide.union(*(inside[grid] for grid in inside if grid not in wide)))


def _day(date: str) -> str:
    return moment(date, Written.HANS)


def _word(key: str, **values: object) -> str:
    return phrase.say(key, Written.HANS, **values)
