"""What a review approves, as one value: an alert's texts, audience, severity, expiry."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from content.alert import Category, Certainty, Color, Info, Revision, Severity, Status, Urgency
from content.message import Written
from content.people import Audience

EVERYBODY = Audience()
MARKS = {
    "演练": Status.EXERCISE,
    "测试": Status.TEST,
    "exercise": Status.EXERCISE,
    "test": Status.TEST,
}
"""Words at the head of a headline that make an alert a drill or a test."""


@dataclass(frozen=True, slots=True)
class Text:
    """What an alert says in one language, with the text that will cancel it."""

    headline: str = ""
    description: str = ""
    instruction: str = ""
    cancel_text: str = ""

    @property
    def body(self) -> str:
        """Return what is said while the alert runs, as lines."""
        return "\n".join(
            part for part in (self.headline, self.description, self.instruction) if part
        )


@dataclass(frozen=True, slots=True)
class Draft:
    """Everything that a review approves: texts by language, audience, severity, expiry, the rest.

    A colour says the severity; with neither the severity is unknown.
    """

    event: str
    texts: Mapping[Written, Text]
    expires: datetime
    audience: Audience = EVERYBODY
    severity: Severity = Severity.UNKNOWN
    urgency: Urgency = Urgency.EXPECTED
    certainty: Certainty = Certainty.LIKELY
    category: Category = Category.OTHER
    color: Color | None = None
    status: Status = Status.ACTUAL
    no_action: bool = False

    def __post_init__(self) -> None:
        if self.color is not None and self.severity is Severity.UNKNOWN:
            object.__setattr__(self, "severity", self.color.severity)

    @property
    def snapshot(self) -> dict[str, Any]:
        """Return it as JSON, the same for equal drafts."""
        return {
            "texts": {str(key): asdict(self.texts[key]) for key in sorted(self.texts)},
            "audience": self.audience.to_json(),
            "expires": self.expires.astimezone(UTC).isoformat(),
            "event": self.event,
            "no_action": self.no_action,
            **{name: getattr(self, name) for name in _WORDS},
        }

    @property
    def content_hash(self) -> str:
        """Return the SHA-256 of the snapshot, to which an approval binds."""
        text = json.dumps(self.snapshot, ensure_ascii=False, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    @classmethod
    def from_snapshot(cls, data: Mapping[str, Any]) -> "Draft":
        """Undo `snapshot`."""
        words: dict[str, Any] = {
            name: kind(data[name]) for name, kind in _WORDS.items() if data[name] is not None
        }
        return cls(
            event=data["event"],
            texts={Written(key): Text(**text) for key, text in data["texts"].items()},
            expires=datetime.fromisoformat(data["expires"]),
            audience=Audience.from_json(data["audience"]),
            no_action=data["no_action"],
            **words,
        )


_WORDS: dict[str, type[StrEnum]] = {
    "severity": Severity,
    "urgency": Urgency,
    "certainty": Certainty,
    "category": Category,
    "color": Color,
    "status": Status,
}


def marked(headline: str) -> Status:
    """Return what a headline's first word makes it: 【演练】 an exercise, 【测试】 a test."""
    lead = headline.strip("【[ ").lower()
    return next((status for word, status in MARKS.items() if lead.startswith(word)), Status.ACTUAL)


def read(session: Session, revision: Revision) -> Draft:
    """Return what a revision holds now."""
    query = select(Info).where(
        Info.community_id == revision.community_id, Info.revision_id == revision.id
    )
    texts = {
        info.language: Text(info.headline, info.description, info.instruction, info.cancel_text)
        for info in session.scalars(query)
    }
    return Draft(
        event=revision.event,
        texts=texts,
        expires=revision.expires,
        audience=Audience.from_json(revision.audience),
        no_action=revision.no_action,
        **{name: getattr(revision, name) for name in _WORDS},
    )


def write(session: Session, revision: Revision, draft: Draft) -> None:
    """Put a draft into a revision's row and its texts; only the review calls it."""
    revision.event = draft.event
    revision.expires = draft.expires
    revision.audience = draft.audience.to_json()
    revision.no_action = draft.no_action
    for name in _WORDS:
        setattr(revision, name, getattr(draft, name))
    session.execute(
        delete(Info).where(
            Info.community_id == revision.community_id, Info.revision_id == revision.id
        )
    )
    for language, text in draft.texts.items():
        row = Info(
            community_id=revision.community_id,
            revision_id=revision.id,
            language=language,
            **asdict(text),
        )
        session.add(row)
    session.flush()
