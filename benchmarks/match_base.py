"""Base: builds the index from text, and a real database that holds the same facts."""

import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from match_peers import Texts
from match_texts import Material, multiplied
from sqlalchemy import insert

from content.keys import Keyring
from content.place import Community
from content.store import Store
from verification.fact import Fact, FactState, FactVersion
from verification.index import FactView, Index, wordings
from verification.text import normalise

_SPACE = uuid.UUID("6c1f9d0e-0000-7000-8000-000000000000")
_NOW = datetime(2026, 7, 20, 1, 0, tzinfo=UTC)
_BATCH = 1000


@dataclass(frozen=True, slots=True)
class Shelved:
    """A database with facts, how to open it, and the texts of those facts for the peers."""

    door: dict[str, Any]
    build_seconds: float
    texts: Texts


def uuid_of(name: str) -> str:
    """Give the id in the database of a fact of the files."""
    return str(uuid.uuid5(_SPACE, name))


def build(folder: Path, material: Material, size: int) -> Shelved:
    """Index `size` facts from their texts (timed), and write them to a database in `folder`."""
    facts = list(multiplied(material.facts, size))
    normalise("热身")
    index = Index()
    start = time.perf_counter()
    for fact in facts:
        index.add(fact)
    seconds = time.perf_counter() - start
    del index
    keys = Keyring.generate()
    keys.save(folder / "keys")
    community = uuid.uuid4()
    url = f"sqlite:///{folder}/facts.sqlite3"
    store = Store(url, keys, community)
    store.migrate()
    with store.begin() as session:
        session.add(Community(community_id=community, name="青禾社区"))
        for first in range(0, size, _BATCH):
            _write(session, community, facts[first : first + _BATCH], first)
    store.close()
    door = {"database": url, "keys": str(folder / "keys"), "community": str(community)}
    return Shelved(door, seconds, _texts(facts, material))


def _write(session: Any, community: uuid.UUID, facts: Sequence[FactView], first: int) -> None:
    rows = [(uuid.UUID(uuid_of(fact.id)), fact) for fact in facts]
    session.execute(
        insert(Fact),
        [
            {
                "community_id": community,
                "id": made,
                "code": fact.id,
                "state": FactState.PUBLISHED,
                "latest": 1,
                "signed": 1,
                "published": 1,
                "changed": first + number,
            }
            for number, (made, fact) in enumerate(rows, 1)
        ],
    )
    session.execute(
        insert(FactVersion),
        [
            {
                "community_id": community,
                "fact_id": made,
                "number": 1,
                "claim": fact.claim,
                "truth": fact.truth,
                "verdict": fact.verdict,
                "explanation": "",
                "source": "来源",
                "expert": "",
                "area": "",
                "category": "",
                "made_at": _NOW,
            }
            for made, fact in rows
        ],
    )


def _texts(facts: Sequence[FactView], material: Material) -> Texts:
    asked = [question.text for question in material.questions]
    return Texts(
        [fact.id for fact in facts],
        [fact.claim for fact in facts],
        ["\n".join([fact.claim, *fact.variants, fact.truth]) for fact in facts],
        list(map(_tokens, facts)),
        asked,
        [normalise(text).terms for text in asked],
    )


def _tokens(fact: FactView) -> list[str]:
    return [
        term for said in (*wordings(fact), fact.truth) if said for term in normalise(said).terms
    ]
