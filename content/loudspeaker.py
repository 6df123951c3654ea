"""The loudspeakers: addresses of kind `speaker` that get every alert once, without a ladder."""

import uuid
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from content import bare, store
from content.message import Kind
from content.people import Address, Consent

_ONLY = "speaker"
"""The one loudspeaker of this installation: the folder that the settings name."""


def use(session: Session, now: datetime, *, on: bool) -> None:
    """Let alerts go to the loudspeaker, or keep them from it where none is set up."""
    found = _addresses(session)
    if not found and on:
        bare.address(session, Kind.SPEAKER, _ONLY, now)
    for address in found:
        consent = Consent.GRANTED if on else Consent.WITHDRAWN
        if address.consent is not consent:
            address.consent, address.consent_at = consent, now


def ids(session: Session) -> list[uuid.UUID]:
    """Return the loudspeakers that are in use."""
    return [one.id for one in _addresses(session) if one.consent is not Consent.WITHDRAWN]


def _addresses(session: Session) -> list[Address]:
    query = select(Address).where(
        Address.community_id == store.community(session), Address.kind == Kind.SPEAKER
    )
    return list(session.scalars(query))
