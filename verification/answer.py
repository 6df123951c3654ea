"""The notices of the desk: what an asker reads, as fields that `render` knows."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from content import expansion, notice, phrase
from content.alert import Severity
from content.message import Written
from content.notice import NoticeKind
from verification.fact import FactVersion
from verification.index import Candidate
from verification.match import Decision

Fields = Mapping[str, Any]

_WITHDRAWN = {
    Written.HANS: "这条答复已经撤回，正在重新核实，请先不要转发。",
    Written.HANT: "這條答覆已經撤回，正在重新核實，請先不要轉發。",
    Written.ENGLISH: "We have taken this answer back and are checking again. "
    "Please do not forward it.",
}
_LIVES = timedelta(hours=48)
"""After this an answer that could not be handed over is not handed over any more."""


def send(
    session: Session,
    kind: NoticeKind,
    texts: Mapping[Written, Fields],
    address_ids: Sequence[uuid.UUID],
    now: datetime,
    *,
    subject_id: uuid.UUID | None = None,
    severity: Severity = Severity.MINOR,
) -> uuid.UUID | None:
    """Tell addresses through the outbox; None where there is nobody to tell."""
    if not address_ids:
        return None
    made = notice.make(
        session,
        kind=kind,
        texts=texts,
        severity=severity,
        confirms=False,
        expires_at=now + _LIVES,
        now=now,
        subject_id=subject_id,
    )
    expansion.direct(session, made, list(dict.fromkeys(address_ids)), now)
    session.flush()
    return made.id


def languages(wanted: Iterable[Written]) -> list[Written]:
    """Return the languages a notice needs: Chinese always, so that nobody is left without."""
    return list(dict.fromkeys((Written.HANS, *wanted)))


def same(fields: Fields, wanted: Iterable[Written]) -> dict[Written, Fields]:
    """Return fields for each language; facts are Chinese, in the characters that one reads."""
    return {
        language: _traditional(fields) if language is Written.HANT else fields
        for language in languages(wanted)
    }


def said(keys: Sequence[str], wanted: Iterable[Written], **values: object) -> dict[Written, Fields]:
    """Return fixed sentences as the text of a REPLY in each language."""
    return {
        language: {"text": "\n".join(phrase.say(key, language, **values) for key in keys)}
        for language in languages(wanted)
    }


def fact(version: FactVersion, *, debunk: bool = False) -> dict[str, Any]:
    """Return the fields of an ANSWER that states one fact."""
    return {
        "outcome": "answer",
        "truth": version.truth,
        "verdict": str(version.verdict),
        "claim": version.claim,
        "source": version.source,
        "expert": version.expert,
        "date": version.date.isoformat() if version.date else "",
        "valid_until": version.valid_until.isoformat() if version.valid_until else "",
        "debunk": "1" if debunk else "",
        "options": [],
        "parts": [],
    }


_NOTHING = dict.fromkeys(
    ("truth", "verdict", "claim", "source", "expert", "date", "valid_until", "debunk"), ""
)


def options(decision: Decision) -> dict[str, Any]:
    """Return the fields of an ASK: at most three facts, each with what tells it apart."""
    shown = [
        {"fact_id": found.fact.id, "claim": found.fact.claim, "difference": _apart(found)}
        for found in decision.candidates[:3]
    ]
    return {**_NOTHING, "outcome": "ask", "options": shown, "parts": []}


def letter(parts: Sequence[Fields]) -> dict[str, Any]:
    """Return the fields of an ANSWER to a long letter, point by point."""
    return {**_NOTHING, "outcome": "answer", "options": [], "parts": [dict(part) for part in parts]}


def part(claim: str, version: FactVersion | None, number: str) -> dict[str, str]:
    """Return one point of a letter: a fact, or (None) that it is being checked as `number`."""
    if version is None:
        return {"outcome": "case", "claim": claim, "truth": "", "verdict": "", "number": number}
    return {
        "outcome": "answer",
        "claim": version.claim,
        "truth": version.truth,
        "verdict": str(version.verdict),
        "number": "",
    }


def correction(
    version: FactVersion, old: str, wanted: Iterable[Written], *, withdrawn: bool
) -> dict[Written, Fields]:
    """Return the fields of a CORRECTION of the verdict `old`; a withdrawn fact is open again."""
    now_says = fact(version)
    shared = {name: now_says[name] for name in ("claim", "source", "expert", "date", "truth")}
    shared |= {"old_verdict": old, "verdict": str(version.verdict)}
    if not withdrawn:
        return same(shared, wanted)
    # nobody vouches any more for what is taken back
    open_again = {"verdict": "unconfirmed", "source": "", "expert": "", "date": ""}
    return {
        language: {**fields, **open_again, "truth": _WITHDRAWN[language]}
        for language, fields in same(shared, wanted).items()
    }


def short(version: FactVersion, language: Written) -> str:
    """Return an answer as one line, for a group: truth first, no list, nobody's name."""
    verdict = phrase.say(f"verdict.{version.verdict}", language)
    line = phrase.say(
        "answer.sms",
        language,
        truth=version.truth,
        claim=version.claim,
        verdict=verdict,
        source=version.source,
    )
    return phrase.traditional(line) if language is Written.HANT else line


_TELLING = ("number", "date", "place", "negation", "antonym", "subject")
"""Conflicts whose words an asker can compare; the others are for staff."""


def _apart(found: Candidate) -> str:
    """Return what differs between the question and a fact: 13号楼 / 3号楼."""
    kind, _, words = found.conflict.partition(": ")
    parts = (part.strip(" –") for part in words.split(" / ", 1))
    return " / ".join(part for part in parts if part) if kind in _TELLING else ""


def _traditional(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _traditional(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_traditional(part) for part in value]
    return phrase.traditional(value)
