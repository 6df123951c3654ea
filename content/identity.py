"""Who somebody is: staff and their roles, personal tokens, invitations, residents' codes."""

import secrets
import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError
from sqlalchemy import Select, bindparam, delete, or_, select, update
from sqlalchemy.orm import Session

from content import code as codes
from content import event, people, store
from content.base import new_id
from content.delivery import Delivery, DeliveryState
from content.event import HOUSE, Actor, Door
from content.message import Kind, Spoken, Written
from content.people import Address, Consent, OwnerKind, Resident
from content.place import Place, PlaceKind
from content.reason import Reason
from content.staff import Credential, CredentialKind, Role, Staff, StaffRole

_hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
"""OWASP's smallest setting: the secret is 192 random bits, not a password."""

_WRONG = (
    "这个邀请码不对或已经过期，请再核对一次，或向居委会要新的。 "
    "This code is wrong or has expired: check it, or ask the committee for a new one."
)
_LIMITED = "输错次数太多，请一小时后再试。 Too many wrong codes: please try again in an hour."
_TAKEN = "这个账号已经绑定另一位工作人员。 This account already belongs to another member of staff."


class IdentityError(ValueError):
    """Somebody may not do this or is not known; the sentence (Chinese, English) says why."""


@dataclass(frozen=True, slots=True)
class Redemption:
    """What a code did: whose chat it is now, or the sentence of the refusal."""

    owner_kind: OwnerKind | None = None
    owner_id: uuid.UUID | None = None
    verified: bool = False
    """An imported person, not one who came by a building's code."""
    refusal: str = ""


def add_staff(
    session: Session,
    name: str,
    roles: Collection[Role],
    now: datetime,
    *,
    title: str = "",
    place_id: uuid.UUID | None = None,
    actor: Actor = HOUSE,
) -> Staff:
    """Add a member of staff; `place_id` is the grid of a grid worker; a name is needed."""
    if not name.strip():
        raise IdentityError("请写姓名。 Give the name of the person.")
    added = Staff(
        community_id=store.community(session),
        id=new_id(),
        name=name,
        title=title,
        place_id=place_id,
    )
    session.add(added)
    event.add(session, actor, "staff.added", added.id, now)
    set_roles(session, added.id, roles, now, actor=actor)
    return added


def set_roles(
    session: Session,
    staff_id: uuid.UUID,
    wanted: Collection[Role],
    now: datetime,
    *,
    actor: Actor = HOUSE,
) -> None:
    """Give a member of staff these roles and no others; the last admin stays one."""
    here = store.community(session)
    if Role.ADMIN not in wanted:
        _keep_admin(session, staff_id)
    session.execute(
        delete(StaffRole).where(StaffRole.community_id == here, StaffRole.staff_id == staff_id)
    )
    given = sorted(set(wanted))
    session.add_all(StaffRole(community_id=here, staff_id=staff_id, role=role) for role in given)
    event.add(session, actor, "staff.roles", staff_id, now, roles=given)
    session.flush()


def roles(session: Session, staff_id: uuid.UUID) -> frozenset[Role]:
    """Return the roles of a member of staff; none once they have left."""
    given = {"here": store.community(session), "staff": staff_id}
    return frozenset(session.scalars(_roles(), given))


@cache
def _roles() -> Select[Role]:
    member = (Staff.community_id == StaffRole.community_id) & (Staff.id == StaffRole.staff_id)
    return (
        select(StaffRole.role)
        .join(Staff, member)
        .where(
            StaffRole.community_id == bindparam("here"), StaffRole.staff_id == bindparam("staff")
        )
        .where(Staff.left_at.is_(None))
    )


def require(session: Session, staff_id: uuid.UUID | None, role: Role) -> None:
    """Raise IdentityError unless the member of staff (None: nobody) has the role."""
    if staff_id is None or role not in roles(session, staff_id):
        raise IdentityError(
            f"您没有“{role}”角色，请联系管理员。 You need the role {role} for this: ask an admin."
        )


def staff(session: Session, staff_id: uuid.UUID) -> Staff:
    """Return a member of staff who has not left; raises IdentityError when there is none."""
    found = session.get(Staff, (store.community(session), staff_id))
    if found is None or found.left_at is not None:
        raise IdentityError("没有这位工作人员。 There is no such member of staff.")
    return found


def everyone(session: Session) -> list[Staff]:
    """Return all staff who have not left, in the order they came."""
    here = (Staff.community_id == store.community(session)) & Staff.left_at.is_(None)
    return list(session.scalars(select(Staff).where(here).order_by(Staff.id)))


def leave(session: Session, staff_id: uuid.UUID, now: datetime, *, actor: Actor = HOUSE) -> None:
    """End what a member of staff can do: token, invitation, bound chat and phone."""
    _keep_admin(session, staff_id)
    staff(session, staff_id).left_at = now
    for kind in (CredentialKind.TOKEN, CredentialKind.INVITATION):
        codes.end(session, kind, staff_id, now)
    _forget_addresses(session, staff_id)
    event.add(session, actor, "staff.left", staff_id, now)


def token(session: Session, staff_id: uuid.UUID, now: datetime, *, actor: Actor = HOUSE) -> str:
    """Return a new personal token, shown this once; the one before stops working."""
    owner = staff(session, staff_id)
    codes.end(session, CredentialKind.TOKEN, owner.id, now)
    number, secret = new_id(), secrets.token_urlsafe(24)
    session.add(
        Credential(
            community_id=store.community(session),
            id=number,
            kind=CredentialKind.TOKEN,
            subject_id=owner.id,
            hash=_hasher.hash(secret),
            made_at=now,
        )
    )
    event.add(session, actor, "token.made", owner.id, now)
    session.flush()
    return f"lx_{number.hex}_{secret}"


def by_token(session: Session, token: str, now: datetime) -> Staff | None:
    """Return who holds this token; None when it is malformed, replaced or of somebody gone."""
    mark, _, rest = token.partition("_")
    number, _, secret = rest.partition("_")
    if mark != "lx" or len(number) != 32 or not number.isalnum():  # noqa: PLR2004 - hex of a UUID
        return None
    try:
        key = (store.community(session), uuid.UUID(number))
        found = session.get(Credential, key)
        if found is None or found.kind is not CredentialKind.TOKEN or _over(found, now):
            return None
        _hasher.verify(found.hash, secret)
        return staff(session, found.subject_id)
    except (ValueError, Argon2Error, InvalidHashError):
        return None


def by_chat(session: Session, chat_id: str) -> Staff | None:
    """Return whose Telegram account this is among the staff."""
    return among(session, people.owners(session, Kind.CHAT, chat_id))


def among(session: Session, owners: Sequence[people.Owner]) -> Staff | None:
    """Return the member of staff among the owners of a number or chat; None: nobody is."""
    for kind, owner_id, _ in owners:
        if kind is OwnerKind.STAFF:
            found = session.get(Staff, (store.community(session), owner_id))
            if found is not None and found.left_at is None:
                return found
    return None


def invite(session: Session, staff_id: uuid.UUID, now: datetime, *, actor: Actor = HOUSE) -> str:
    """Return a one-time code, good for 48 hours, that binds a Telegram account to this person."""
    return codes.make(session, CredentialKind.INVITATION, staff(session, staff_id).id, now, actor)


def bind(session: Session, code: str, chat_id: str, now: datetime) -> Staff | None:
    """Bind the chat to who was invited; None for a wrong code or somebody else's account."""
    done = redeem(session, code, chat_id, now)
    return by_chat(session, chat_id) if done.owner_kind is OwnerKind.STAFF else None


def building_code(
    session: Session, place_id: uuid.UUID, now: datetime, *, actor: Actor = HOUSE
) -> str:
    """Return a new code for everybody in a building; the one before stops working."""
    place = session.get(Place, (store.community(session), place_id))
    if place is None or place.kind is PlaceKind.HOUSEHOLD:
        raise IdentityError("请选择一栋楼。 Choose a building, not a home.")
    return codes.make(session, CredentialKind.BUILDING_CODE, place_id, now, actor)


def resident_code(
    session: Session, resident_id: uuid.UUID, now: datetime, *, actor: Actor = HOUSE
) -> str:
    """Return a one-time code, good for 30 days, that links a chat to this resident."""
    resident = session.get(Resident, (store.community(session), resident_id))
    if resident is None or resident.erased_at is not None:
        raise IdentityError("没有这位居民。 There is no such resident.")
    return codes.make(session, CredentialKind.RESIDENT_CODE, resident_id, now, actor)


def redeem(session: Session, code: str, chat_id: str, now: datetime) -> Redemption:
    """Use a code of any kind from a chat.

    It refuses with a value and not an exception: the refusal must be committed to be counted.
    """
    if codes.limited(session, chat_id, now):
        return Redemption(refusal=_LIMITED)
    found = codes.find(session, code, now)
    if found is None:
        codes.refuse(session, chat_id, now)
        return Redemption(refusal=_WRONG)
    if found.kind is CredentialKind.BUILDING_CODE:
        return _join(session, found.subject_id, chat_id, now)
    if found.kind is CredentialKind.RESIDENT_CODE:
        done = _link(session, found.subject_id, chat_id, now)
    else:
        done = _bind(session, found.subject_id, chat_id, now)
    if not done.refusal:
        found.used_at = now
    return done


def _bind(session: Session, staff_id: uuid.UUID, chat_id: str, now: datetime) -> Redemption:
    # one person under two names could approve their own text
    before = by_chat(session, chat_id)
    if before is not None and before.id != staff_id:
        return Redemption(refusal=_TAKEN)
    _forget_addresses(session, staff_id, Kind.CHAT)
    _add_chat(session, OwnerKind.STAFF, staff_id, chat_id, now)
    event.add(session, Actor(Door.CHAT, staff_id), "staff.bound", staff_id, now)
    return Redemption(OwnerKind.STAFF, staff_id, verified=True)


def _join(session: Session, place_id: uuid.UUID, chat_id: str, now: datetime) -> Redemption:
    living = _residents(session, chat_id)
    resident = next((one for one in living if not one.verified), None)
    if resident is None and living:
        # an imported person has a home already; the building's code adds nothing
        return Redemption(OwnerKind.RESIDENT, living[0].id, verified=True)
    if resident is None:
        resident = Resident(
            community_id=store.community(session),
            id=new_id(),
            name="",
            place_id=place_id,
            verified=False,
            joined_at=now,
        )
        session.add(resident)
    resident.place_id = place_id
    _add_chat(session, OwnerKind.RESIDENT, resident.id, chat_id, now)
    event.add(session, Actor(Door.CHAT, resident.id), "resident.joined", resident.id, now)
    return Redemption(OwnerKind.RESIDENT, resident.id)


def _link(session: Session, resident_id: uuid.UUID, chat_id: str, now: datetime) -> Redemption:
    resident = session.get(Resident, (store.community(session), resident_id))
    if resident is None or resident.erased_at is not None:
        return Redemption(refusal=_WRONG)
    for stranger in _residents(session, chat_id):
        if not stranger.verified:
            _take_over(session, resident, stranger, now)
    _add_chat(session, OwnerKind.RESIDENT, resident_id, chat_id, now)
    event.add(session, Actor(Door.CHAT, resident_id), "resident.linked", resident_id, now)
    return Redemption(OwnerKind.RESIDENT, resident_id, verified=True)


def _take_over(session: Session, resident: Resident, stranger: Resident, now: datetime) -> None:
    """Give the imported person what the stranger had told us, and end the stranger."""
    resident.needs = resident.needs | stranger.needs
    if stranger.written is not Written.HANS:
        resident.written = stranger.written
    if stranger.spoken is not Spoken.MANDARIN:
        resident.spoken = stranger.spoken
    stranger.erased_at = now
    _forget_addresses(session, stranger.id)
    session.execute(
        update(Delivery)
        .where(
            Delivery.community_id == store.community(session),
            Delivery.recipient_id == stranger.id,
            or_(Delivery.state == DeliveryState.OPEN, Delivery.state == DeliveryState.DOOR),
        )
        .values(state=DeliveryState.SUPERSEDED, reason=Reason.SUPERSEDED, closed_at=now)
    )


def _residents(session: Session, chat_id: str) -> list[Resident]:
    mine = [
        owner_id
        for kind, owner_id, _ in people.owners(session, Kind.CHAT, chat_id)
        if kind is OwnerKind.RESIDENT
    ]
    here = (Resident.community_id == store.community(session)) & Resident.erased_at.is_(None)
    return list(session.scalars(select(Resident).where(here, Resident.id.in_(mine))))


def _add_chat(
    session: Session, kind: OwnerKind, owner_id: uuid.UUID, chat_id: str, now: datetime
) -> None:
    people.add_address(session, kind, owner_id, Kind.CHAT, chat_id, now)
    # whoever types a code asks for messages here, an earlier opt-out notwithstanding
    actor = Actor(Door.CHAT, owner_id)
    people.set_consent(session, Kind.CHAT, chat_id, Consent.GRANTED, Door.CHAT, actor, now)


def _forget_addresses(session: Session, owner_id: uuid.UUID, kind: Kind | None = None) -> None:
    mine = (Address.community_id == store.community(session)) & (Address.owner_id == owner_id)
    session.execute(
        delete(Address).where(mine, *([Address.kind == kind] if kind is not None else []))
    )
    people.moved(session)


def _keep_admin(session: Session, staff_id: uuid.UUID) -> None:
    """Refuse to take the only admin away: nobody could give roles or tokens any more."""
    if Role.ADMIN in roles(session, staff_id) and not any(
        Role.ADMIN in roles(session, other.id)
        for other in everyone(session)
        if other.id != staff_id
    ):
        raise IdentityError(
            "至少要有一位管理员，请先指定另一位。 "
            "There must be an admin: make somebody else one first."
        )


def _over(credential: Credential, now: datetime) -> bool:
    return credential.expires_at is not None and credential.expires_at <= now
