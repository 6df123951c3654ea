"""Whose doors a member of staff goes to: a grid worker's own grid, everywhere for the office."""

from sqlalchemy.orm import Session

from content import area, identity, store
from content.identity import IdentityError
from content.place import Place
from content.staff import Role, Staff

OFFICE = frozenset({Role.PUBLISHER, Role.ADMIN})
"""Who sees every grid."""
NO_GRID = "还没有给您分网格，请找管理员。 No grid was given to you yet: ask an admin."
MAY = OFFICE | {Role.GRID_WORKER}


def of(session: Session, member: Staff) -> tuple[str, ...] | None:
    """Return the place paths a member of staff looks after; None: everywhere; (): no grid yet.

    Where the community has no grids, its grid workers go everywhere. Raises IdentityError for
    whoever goes to no doors.
    """
    roles = identity.roles(session, member.id)
    if not roles & MAY:
        raise IdentityError(
            "上门名单只给网格员、发布人和管理员看。 "
            "The door-knock list is for grid workers, publishers and admins."
        )
    if roles & OFFICE:
        return None
    if member.place_id is None:
        return () if area.grids(session) else None
    given = session.get(Place, (store.community(session), member.place_id))
    return (given.path,) if given is not None else ()


def covers(mine: tuple[str, ...] | None, path: str) -> bool:
    """Say whether a home lies in what `of` has returned."""
    return mine is None or path.startswith(mine)


def office(session: Session, member: Staff) -> bool:
    """Say whether a member of staff sees every grid."""
    return bool(identity.roles(session, member.id) & OFFICE)
