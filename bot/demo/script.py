"""The demo's script: what is broadcast, forwarded, asked and settled in the hours that follow."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib.resources import files
from typing import Any
from zoneinfo import ZoneInfo

from content.alert import Category, Certainty, Color, Urgency
from content.message import Written
from content.plain import MONTHS

ZONE = ZoneInfo("Asia/Shanghai")
_DATA = files("bot.demo") / "data"


@dataclass(frozen=True, slots=True)
class Words:
    """An alert in one language."""

    headline: str
    description: str
    instruction: str
    cancel_text: str

    @property
    def typed(self) -> str:
        """Return what the author writes in chat: the headline, what happens, what to do."""
        return f"{self.headline}\n{self.description}\n{self.instruction}"


Texts = Mapping[Written, Words]


@dataclass(frozen=True, slots=True)
class Rain:
    """The rainstorm from draft to update: `wrong` is sent back, `right` verified, `edited` told."""

    event: str
    category: Category
    color: Color
    urgency: Urgency
    certainty: Certainty
    expires: datetime
    wrong: Texts
    reason: str
    """Why the verifier returns the draft."""
    right: Texts
    edited: Texts
    update: Texts
    update_expires: datetime


@dataclass(frozen=True, slots=True)
class Talk:
    """What residents send: a rumor (and its fact's id), its reverse, and something new."""

    fact: str
    forwarded: str
    reversed: str
    new: str


def facts() -> bytes:
    """Return the official facts as JSON Lines."""
    return (_DATA / "facts.jsonl").read_bytes()


def rain(now: datetime) -> Rain:
    """Return the rainstorm warning for the hours after `now`."""
    script = _script()
    head, back, change = script["draft"], script["return"], script["edit"]
    wrong = _texts(head, now)
    right = _replaced(wrong, back, "wrong", "right")
    return Rain(
        event=head["event"],
        category=Category(head["category"]),
        color=Color(head["color"]),
        urgency=Urgency(head["urgency"]),
        certainty=Certainty(head["certainty"]),
        expires=now + timedelta(hours=head["hours"]),
        wrong=wrong,
        reason=back["reason"],
        right=right,
        edited=_replaced(right, change, "before", "after"),
        update=_texts(script["update"], now),
        update_expires=now + timedelta(hours=head["hours"] + 2),
    )


def talk() -> Talk:
    """Return what residents forward and ask."""
    return Talk(**_script()["rumor"])


def settlement() -> dict[str, str]:
    """Return the expert's statement on what was new, as the fields of a fact."""
    return dict(_script()["settlement"])


def _script() -> dict[str, Any]:
    return tomllib.loads((_DATA / "alerts.toml").read_text(encoding="utf-8"))


def _texts(part: Mapping[str, Any], now: datetime) -> Texts:
    hours = _hours(now)
    return {
        language: Words(**{name: text.format(**hours) for name, text in part[language].items()})
        for language in (Written.HANS, Written.ENGLISH)
    }


def _hours(now: datetime) -> dict[str, str]:
    """Return the times of the text: from about an hour ahead, for three hours, later for five."""
    local = now.astimezone(ZONE)
    start = local.replace(minute=local.minute // 30 * 30, second=0) + timedelta(hours=1)
    told: dict[str, str] = {}
    for name, hours in (("start", 0), ("end", 3), ("later", 5)):
        at = start + timedelta(hours=hours)
        same = name == "end" and at.date() == start.date()
        told[name] = f"{at:%H:%M}" if same else f"{at.month}月{at.day}日{at:%H:%M}"
        told[f"{name}_en"] = f"{at:%H:%M} on {at.day} {MONTHS[at.month - 1]}"
    return told


def _replaced(texts: Texts, pairs: Mapping[str, str], old: str, new: str) -> Texts:
    ends = {Written.HANS: "", Written.ENGLISH: "_en"}
    return {
        language: Words(
            words.headline,
            words.description.replace(pairs[old + ends[language]], pairs[new + ends[language]]),
            words.instruction,
            words.cancel_text,
        )
        for language, words in texts.items()
    }
