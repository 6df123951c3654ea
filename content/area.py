"""In which grid, building or unit a place lies, for whole notices at once."""

import uuid
from collections.abc import Collection
from typing import Any

from sqlalchemy import String, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import Session
from sqlalchemy.sql.functions import FunctionElement

from content import people, store
from content.place import Place, PlaceKind


class head(FunctionElement[str]):  # noqa: N801 - reads as the SQL function that it is
    """SQL: the first step of a place's path, `/1/` of `/1/3/2/501/`.

    A grid lies under the root, so this tells grids apart without walking up the tree.
    """

    name = "head"
    type = String()
    inherit_cache = True


@compiles(head, "sqlite")
def _sqlite(element: head, compiler: Any, **words: Any) -> str:
    path = compiler.process(element.clauses, **words)
    return f"substr({path}, 1, instr(substr({path}, 2), '/') + 1)"


@compiles(head, "postgresql")
def _postgresql(element: head, compiler: Any, **words: Any) -> str:
    path = compiler.process(element.clauses, **words)
    return f"substr({path}, 1, strpos(substr({path}, 2), '/') + 1)"


def grids(session: Session) -> dict[str, str]:
    """Return the grids' names by the head of the paths in them; elsewhere there is no grid."""
    query = select(Place.path, Place.name).where(
        Place.community_id == store.community(session), Place.kind == PlaceKind.GRID
    )
    return {row.path: row.name for row in session.execute(query)}


def names(session: Session, kind: PlaceKind) -> dict[uuid.UUID | None, str]:
    """Return, for every place, the name of the place of this kind that it lies in (or is)."""
    places = {
        place_id: (parent_id, place_kind, name)
        for place_id, parent_id, place_kind, name in session.execute(
            select(Place.id, Place.parent_id, Place.kind, Place.name).where(
                Place.community_id == store.community(session)
            )
        )
    }
    found: dict[uuid.UUID | None, str] = {}
    for start in places:
        at: uuid.UUID | None = start
        while at in places and places[at][1] is not kind:
            at = places[at][0]
        found[start] = places[at][2] if at in places else ""
    return found


def above(session: Session, paths: Collection[str]) -> dict[str, dict[PlaceKind, str]]:
    """Return, for each path, the names of the places on the way to it by their kind.

    It reads these places only, not the whole tree.
    """
    found = {path: steps(path) for path in paths}
    wanted = {step for some in found.values() for step in some}
    names: dict[str, tuple[PlaceKind, str]] = {}
    for batch in people.batched(sorted(wanted)):
        query = select(Place.path, Place.kind, Place.name).where(
            Place.community_id == store.community(session), Place.path.in_(batch)
        )
        names |= {path: (kind, name) for path, kind, name in session.execute(query)}
    return {
        path: {names[step][0]: names[step][1] for step in some if step in names}
        for path, some in found.items()
    }


def steps(path: str) -> list[str]:
    """Return the paths of the places on the way to a path, and itself."""
    return [path[: at + 1] for at, sign in enumerate(path) if sign == "/"]


def natural(text: str) -> tuple[int, str]:
    """Order 2号楼 before 10号楼."""
    digits = "".join(char for char in text if char.isdigit())
    return (int(digits) if digits else 0, text)
