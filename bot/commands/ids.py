"""Ids in buttons: 22 characters each, so that two of them fit into a button's 64 bytes."""

import base64
import uuid


def short(one: uuid.UUID) -> str:
    """Return an id as URL-safe base64."""
    return base64.urlsafe_b64encode(one.bytes).rstrip(b"=").decode()


def long(text: str) -> uuid.UUID:
    """Undo `short`; raises ValueError."""
    return uuid.UUID(bytes=base64.urlsafe_b64decode(text + "=="))
