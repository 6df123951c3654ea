"""The notices of the desk: what an asker reads, as fields that `render` knows."""

import datetime as dt
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


def fact(
    version: FactVersion,
    *,
    debunk: bool = False,
    label: bool = True,
    others: Sequence[FactVersion] = (),
) -> dict[str, Any]:
    """Return the fields of an ANSWER that states one fact.

    Without `label` the full sentence stands alone, for who asked the opposite of the claim.
    `others` are what other publishers say of it; where their verdict differs, all are shown.
    """
    return {
        "outcome": "answer",
        "truth": version.truth,
        "verdict": str(version.verdict) if label else "",
        "claim": version.claim if label else "",
        "source": "、".join(dict.fromkeys(one.source for one in (version, *others))),
        "expert": version.expert,
        "date": _iso(version.date),
        "valid_until": _iso(version.valid_until),
        "debunk": "1" if debunk else "",
        "options": [],
        "parts": [],
        "voices": _voices(version, others),
    }


def as_of(version: FactVersion, number: int) -> dict[str, Any]:
    """Return the fields of what a fact said until its last day, now checked as `number`."""
    return {**fact(version, label=False), "outcome": "as_of", "number": str(number)}


_NOTHING = dict.fromkeys(
    ("truth", "verdict", "claim", "source", "expert", "date", "valid_until", "debunk"), ""
)


def options(decision: Decision, areas: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return the fields of an ASK: at most three facts, each with what tells it apart.

    `areas` names, by fact, the place it is about where the asker may live elsewhere.
    """
    named = areas or {}
    shown = [
        {
            "fact_id": found.fact.id,
            "claim": found.fact.claim,
            "difference": _apart(found),
            "area": named.get(found.fact.id, ""),
        }
        for found in decision.candidates[:3]
    ]
    return {**_NOTHING, "outcome": "ask", "options": shown, "parts": [], "voices": []}


def letter(parts: Sequence[Fields]) -> dict[str, Any]:
    """Return the fields of an ANSWER to a long letter, point by point."""
    points = [dict(part) for part in parts]
    return {**_NOTHING, "outcome": "answer", "options": [], "parts": points, "voices": []}


def part(
    version: FactVersion, *, debunk: bool = False, others: Sequence[FactVersion] = ()
) -> dict[str, Any]:
    """Return one point of a letter that a fact settles."""
    said = fact(version, debunk=debunk, others=others)
    kept = ("outcome", "claim", "truth", "verdict", "source", "debunk", "valid_until", "voices")
    return {name: said[name] for name in kept} | {"number": ""}


def part_as_of(version: FactVersion, number: str) -> dict[str, Any]:
    """Return one point of a letter whose fact is past its day."""
    return {**part(version), "outcome": "as_of", "verdict": "", "number": number, "voices": []}


def part_checked(claim: str, number: str) -> dict[str, Any]:
    """Return one point of a letter that is being checked as `number`."""
    nothing = dict.fromkeys(("truth", "verdict", "debunk", "valid_until"), "")
    return {**nothing, "outcome": "case", "claim": claim, "number": number, "voices": []}


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


def short(fields: Fields, language: Written) -> str:
    """Return an answer as one line, for a group: truth first, no list, nobody's name."""
    if fields.get("voices"):
        line = phrase.say("answer.voice_between", language).join(
            _line(one, language) for one in fields["voices"]
        )
    else:
        line = _line(fields, language)
    return phrase.traditional(line) if language is Written.HANT else line


def _line(fields: Fields, language: Written) -> str:
    if not fields["verdict"]:
        return str(fields["truth"])
    verdict = phrase.say(f"verdict.{fields['verdict']}", language)
    return phrase.say("answer.sms", language, **{"claim": "", **fields, "verdict": verdict})


_TELLING = ("number", "date", "place", "negation", "antonym", "subject")
"""Conflicts whose words an asker can compare; the others are for staff."""


def _apart(found: Candidate) -> str:
    """Return what differs between the question and a fact: 13号楼 / 3号楼."""
    kind, _, words = found.conflict.partition(": ")
    parts = (part.strip(" –") for part in words.split(" / ", 1))
    return " / ".join(part for part in parts if part) if kind in _TELLING else ""


def _voices(version: FactVersion, others: Sequence[FactVersion]) -> list[dict[str, str]]:
    """Return what each publisher says, the newest last; nothing where they agree."""
    if all(one.verdict == version.verdict for one in others):
        return []
    spoken = sorted((version, *others), key=lambda one: one.date or dt.date.min)
    return [
        {
            "source": one.source,
            "date": _iso(one.date),
            "truth": one.truth,
            "verdict": str(one.verdict),
        }
        for one in spoken
    ]


def _iso(day: dt.date | None) -> str:
    return day.isoformat() if day else ""


def _traditional(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _traditional(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_traditional(part) for part in value]
    return phrase.traditional(value)
