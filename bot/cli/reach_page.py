"""The check of reach on paper: by grid, each person with what is missing, and a box to tick."""

from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy.orm import Session

from bot.cli import page as pages
from bot.cli.reach_lines import lines
from content import card, phrase
from content.cap import zone
from content.gaps import Checked, Finding
from content.message import Written


def page(session: Session, found: Checked, now: datetime, *, numbers: bool) -> str:
    """Return the list as one HTML page that loads nothing; a new sheet begins at each grid."""
    sheets = [
        {"grid": grid or _word("live.no_grid"), "entries": [_person(one, numbers) for one in some]}
        for grid, some in groupby(found.findings, key=lambda one: one.grid)
    ]
    return pages.render(
        "reach.html",
        title=_word("reach.title"),
        mark="",
        empty=_word("reach.none"),
        empty_english=_word("reach.none", Written.ENGLISH),
        sheets=sheets,
        printed=card.clock(now, zone(session)),
        count=_word("reach.count", residents=found.residents, people=len(found.findings)),
        word=_word,
        english=Written.ENGLISH,
    )


def _person(one: Finding, numbers: bool) -> dict[str, Any]:
    return {
        "place": one.place,
        "name": one.name,
        "number": one.number,
        "needs": "、".join(_word(f"need.{need}") for need in sorted(one.needs)),
        "lines": lines(one, numbers=numbers),
    }


def _word(key: str, language: Written = Written.HANS, **values: object) -> str:
    return phrase.say(key, language, **values)
