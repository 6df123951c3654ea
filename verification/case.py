"""What residents asked, as it was heard, and the cases that experts settle."""

import base64
import mimetypes
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, Index, String, UniqueConstraint, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from content import event, identity, mask, store
from content.base import Base, Identified, Instant, Secret, SecretJson, new_id, new_number
from content.event import Actor
from content.message import Kind, Written
from content.staff import Role, Staff
from verification.fact import Refused
from verification.slots import Polarity
from verification.text import normalise

PROMISE = timedelta(hours=24)
"""How long a case may take, unless the committee has set other hours."""

WORKERS = frozenset({Role.EXPERT, Role.PUBLISHER})
"""Who sees the queue of cases, takes, merges and splits them."""

_CLAIM = 60
"""Characters up to which what was asked can be quoted as the claim."""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A photo, voice note or file that came with a question.

    `reference` is the provider's own (a file id or URL); `key` is the same for the same file
    wherever it is forwarded; `data` is the file itself where it was fetched; `sender` is the
    channel whose provider keeps it until it is deleted there.
    """

    kind: str
    reference: str
    key: str = ""
    data: bytes | None = None
    sender: str = ""


@dataclass(frozen=True, slots=True)
class Question:
    """What somebody asked, where, and how the answer reaches them.

    `address_id` is None for a member of a group who has no private chat with us; `quoted` is the
    message that a question in a group is about; `area` is the asker's place path, if known.
    """

    text: str
    address_id: uuid.UUID | None
    channel: Kind = Kind.CHAT
    language: Written = Written.HANS
    area: str | None = None
    group: bool = False
    forwarded: bool = False
    quoted: str = ""
    attachment: Attachment | None = None

    @property
    def matter(self) -> str:
        """What is asked about: the quoted message, else the text."""
        return _readable(self.quoted) or _readable(self.text)

    @property
    def whole(self) -> str:
        """Everything that was written."""
        return "\n".join(filter(None, (_readable(self.quoted), _readable(self.text))))


class State(StrEnum):
    """How it stands with a question."""

    ANSWERED = "answered"
    ASKED_BACK = "asked_back"
    """Two or three facts were shown, and the asker has not chosen yet."""
    WAITING = "waiting"
    """It belongs to an open case."""
    REPLIED = "replied"
    """It was no rumor: a greeting, a request for service, an insult."""


class Heard(Identified, Base):
    """One question as it was heard, with the decision and its reason."""

    __tablename__ = "question"

    number: Mapped[int]
    """Short, counted per community: the number that the asker is told."""
    address_id: Mapped[uuid.UUID | None]
    channel: Mapped[Kind]
    language: Mapped[Written]
    area: Mapped[str] = mapped_column(default="")
    group: Mapped[bool] = mapped_column(default=False)
    forwarded: Mapped[bool] = mapped_column(default=False)
    text: Mapped[str] = mapped_column(Secret("question.text"))
    digest: Mapped[str] = mapped_column(String(32))
    """The keyed hash of what the text says, without its noise."""
    at: Mapped[datetime] = mapped_column(Instant)
    state: Mapped[State]
    automatic: Mapped[bool] = mapped_column(default=False)
    """Whether it was answered by itself."""
    decision: Mapped[dict[str, Any]] = mapped_column(SecretJson("question.decision"))
    """Outcome, why, the candidates with their probability, the veto and the differing words."""
    case_id: Mapped[uuid.UUID | None]
    notice_id: Mapped[uuid.UUID | None]
    """The last notice that answered it."""
    reminded_at: Mapped[datetime | None] = mapped_column(Instant)
    """When its asker was last told that it is still being checked."""

    __table_args__ = (UniqueConstraint("community_id", "number"),)


class File(Identified, Base):
    """What came with a question, encrypted."""

    __tablename__ = "attachment"

    question_id: Mapped[uuid.UUID]
    kind: Mapped[str] = mapped_column(String(20))
    reference: Mapped[str] = mapped_column(Secret("attachment.reference"))
    data: Mapped[str | None] = mapped_column(Secret("attachment.data"))
    """Base64."""

    @property
    def name(self) -> str:
        """Return a name for the file: its id, and the ending of its kind."""
        return f"{self.id.hex}{mimetypes.guess_extension(self.kind) or '.bin'}"

    @property
    def content(self) -> bytes | None:
        """Return the file itself, None where it stayed with the provider."""
        return None if self.data is None else base64.b64decode(self.data)


class Case(Identified, Base):
    """A question that an expert must settle; `number` is what its first asker was told."""

    __tablename__ = "case"

    number: Mapped[int]
    digest: Mapped[str] = mapped_column(String(32))
    matter: Mapped[str] = mapped_column(Secret("case.matter"))
    """What staff see: phone and identity-card numbers are masked."""
    why: Mapped[str] = mapped_column(Secret("case.why"))
    opened_at: Mapped[datetime] = mapped_column(Instant)
    due_at: Mapped[datetime] = mapped_column(Instant)
    settled_at: Mapped[datetime | None] = mapped_column(Instant)
    settled_by: Mapped[uuid.UUID | None]
    fact_id: Mapped[uuid.UUID | None]
    """The fact that settles it; while the case is open, that fact waits to be published."""
    owner_id: Mapped[uuid.UUID | None]
    """Who has taken it, and answers for it."""
    taken_at: Mapped[datetime | None] = mapped_column(Instant)
    merged_id: Mapped[uuid.UUID | None]
    """The case that its questions went to."""
    ruling: Mapped[dict[str, Any] | None] = mapped_column(SecretJson("case.ruling"))
    """What its expert has written of the answer so far: verdict, truth, source, claim."""
    stamp: Mapped[int] = mapped_column(BigInteger, default=new_number)
    """Another one whenever what was asked in it changes, so that each process can follow."""

    __table_args__ = (UniqueConstraint("community_id", "number"),)


Index("ix_question_address", Heard.community_id, Heard.address_id, Heard.at)
Index("ix_question_at", Heard.community_id, Heard.at)
Index("ix_question_case", Heard.community_id, Heard.case_id)
Index("ix_question_notice", Heard.community_id, Heard.notice_id)
Index("ix_attachment_question", File.community_id, File.question_id)
Index("ix_case_open", Case.community_id, Case.settled_at, Case.digest)


def record(session: Session, question: Question, digest: str, now: datetime) -> Heard:
    """Write down a question and what came with it, before anything is done about it."""
    heard = Heard(
        community_id=store.community(session),
        id=new_id(),
        number=_number(session),
        address_id=question.address_id,
        channel=question.channel,
        language=question.language,
        area=question.area or "",
        group=question.group,
        forwarded=question.forwarded,
        text=mask.identity(question.whole),
        digest=digest,
        at=now,
        state=State.REPLIED,
        automatic=False,
        decision={},
    )
    session.add(heard)
    if question.attachment is not None:
        session.add(_file(heard, question.attachment))
    session.flush()
    return heard


def start(session: Session, heard: Heard, matter: str, why: str, now: datetime) -> Case:
    """Open a case for a question; its number is the question's own, if that is still free."""
    made = Case(
        community_id=heard.community_id,
        id=new_id(),
        number=heard.number if heard.case_id is None else _number(session),
        digest=heard.digest,
        matter=mask.mask(matter),
        why=mask.mask(why),
        opened_at=now,
        due_at=now + PROMISE,
    )
    session.add(made)
    session.flush()
    return made


def take(session: Session, matter: Case, actor: Actor, now: datetime) -> None:
    """Let an expert or publisher answer for an open case; raises Refused when a colleague does.

    What is overdue, or was left behind by who has left, may be taken over.
    """
    require_worker(session, actor)
    require_open(matter)
    held = owner(session, matter)
    if held is not None and held.id != actor.id and now <= matter.due_at:
        raise Refused(
            f"核实单{matter.number}已有同事在核实。 A colleague is on case {matter.number} already."
        )
    if matter.owner_id != actor.id:
        matter.owner_id, matter.taken_at = actor.id, now
        session.flush()
        event.add(session, actor, "case.taken", matter.id, now)


def require_worker(session: Session, actor: Actor) -> None:
    """Raise Refused unless an expert or a publisher acts."""
    if actor.id is None or not identity.roles(session, actor.id) & WORKERS:
        raise Refused(
            "核实单只有专家和发布人员能办。 "
            "Only experts and publishers work on cases: ask one of them."
        )


def require_open(matter: Case) -> None:
    """Raise Refused where a case is settled already."""
    if matter.settled_at is not None:
        raise Refused(f"核实单{matter.number}已经办完。 Case {matter.number} is settled already.")


def open_cases(session: Session) -> list[Case]:
    """Return the cases that are not settled, the first that is due first."""
    query = select(Case).where(
        Case.community_id == store.community(session), Case.settled_at.is_(None)
    )
    return list(session.scalars(query.order_by(Case.due_at, Case.number)))


def numbered(session: Session, number: int) -> Case:
    """Return the case with this number, or the one it was merged into; raises Refused for none."""
    query = select(Case).where(Case.community_id == store.community(session), Case.number == number)
    found = session.scalar(query)
    while found is not None and found.merged_id is not None:
        found = session.get(Case, (found.community_id, found.merged_id))
    if found is None:
        raise Refused(
            f"没有编号{number}的核实单。 There is no case {number}: `linxun cases list` shows them."
        )
    return found


def quotable(matter: Case) -> bool:
    """Whether residents can be told a verdict on these very words: a statement, and not long."""
    words = matter.matter.strip()
    return 0 < len(words) <= _CLAIM and normalise(words).polarity is not Polarity.ASKED


def of_id(session: Session, case_id: uuid.UUID | None) -> Case:
    """Return a case by its id, or the one it was merged into; raises Refused for none."""
    found = session.get(Case, (store.community(session), case_id)) if case_id else None
    if found is None:
        raise Refused(
            "这张核实单已经不在了。 This case is gone: `linxun cases list` shows the others."
        )
    return numbered(session, found.number)


def owner(session: Session, matter: Case) -> Staff | None:
    """Return who answers for a case; None where nobody has taken it, or who did has left."""
    found = session.get(Staff, (matter.community_id, matter.owner_id)) if matter.owner_id else None
    return found if found is not None and found.left_at is None else None


def told(session: Session, heard: Heard) -> int:
    """Return the number under which the asker waits: that of the case, else of the question."""
    found = session.get(Case, (heard.community_id, heard.case_id)) if heard.case_id else None
    return found.number if found is not None else heard.number


def askers(session: Session, case: Case) -> list[Heard]:
    """Return every question that belongs to a case, oldest first."""
    query = select(Heard).where(Heard.community_id == case.community_id, Heard.case_id == case.id)
    return list(session.scalars(query.order_by(Heard.number)))


def files(session: Session, case: Case) -> list[File]:
    """Return what came with the questions of a case."""
    query = (
        select(File)
        .join(Heard, (Heard.community_id == File.community_id) & (Heard.id == File.question_id))
        .where(File.community_id == case.community_id, Heard.case_id == case.id)
    )
    return list(session.scalars(query.order_by(File.id)))


def close(session: Session, case: Case, fact_id: uuid.UUID, actor: Actor, now: datetime) -> None:
    """Mark a case as settled by a fact; its questions are answered."""
    case.settled_at, case.settled_by, case.fact_id = now, actor.id, fact_id
    for heard in askers(session, case):
        heard.state = State.ANSWERED
    session.flush()
    event.add(session, actor, "case.settled", case.id, now, fact=str(fact_id))


def get(session: Session, question_id: uuid.UUID) -> Heard:
    """Return a question; raises Refused for an unknown id."""
    found = session.get(Heard, (store.community(session), question_id))
    if found is None:
        raise Refused("这条提问已经不在了，请再发一次。 This question is gone: please ask again.")
    return found


def by_notice(session: Session, notice_id: uuid.UUID, address_id: uuid.UUID) -> Heard | None:
    """Return the question of one address that a notice answered."""
    query = select(Heard).where(
        Heard.community_id == store.community(session),
        Heard.notice_id == notice_id,
        Heard.address_id == address_id,
    )
    return session.scalars(query.order_by(Heard.number.desc()).limit(1)).first()


def last(
    session: Session, address_id: uuid.UUID | None, since: datetime, *states: State
) -> Heard | None:
    """Return the last question of an address, if it is in one of these states."""
    query = select(Heard).where(
        Heard.community_id == store.community(session),
        Heard.address_id == address_id,
        Heard.at > since,
    )
    last = session.scalars(query.order_by(Heard.number.desc()).limit(1)).first()
    return last if last is not None and last.state in states else None


def _readable(text: str) -> str:
    # JSON can carry half a character, which no database and no provider takes
    return text.encode("utf-8", "replace").decode().strip()


def _number(session: Session) -> int:
    """Return the next number: questions and cases count together, so that none means two things."""
    mine = store.community(session)
    asked = session.scalar(select(func.max(Heard.number)).where(Heard.community_id == mine))
    cases = session.scalar(select(func.max(Case.number)).where(Case.community_id == mine))
    return max(asked or 0, cases or 0) + 1


def _file(heard: Heard, came: Attachment) -> File:
    data = None if came.data is None else base64.b64encode(came.data).decode()
    return File(
        community_id=heard.community_id,
        id=new_id(),
        question_id=heard.id,
        kind=came.kind[:20],
        reference=came.reference,
        data=data,
    )
