"""Personal numbers in free text: found, and covered with three stars."""

import re

_GAP = "[ \\-\u3000]?"
_LONG = rf"(?<!\d)\d(?:{_GAP}\d){{16}}{_GAP}[\dXxＸｘ](?!\d)"
_OLD = r"(?<!\d)\d{8}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}(?!\d)"
_IDENTITY = re.compile(f"{_LONG}|{_OLD}")
"""Identity-card numbers: 18 digits (the last may be X), or the 15 of before 1999 with a date."""

_MOBILE = rf"(?:(?:\+|00)?86{_GAP})?[1１][3-9３-９](?:{_GAP}\d){{9}}"
_LANDLINE = rf"\(?0\d{{2,3}}\)?{_GAP}\d{{3,4}}{_GAP}\d{{4}}"
_ABROAD = rf"\+\d(?:{_GAP}\d){{6,14}}"
_PHONE = re.compile(rf"(?<!\d)(?:{_MOBILE}|{_LANDLINE}|{_ABROAD})(?!\d)")
_COVER = "***"


def has_identity(text: str) -> bool:
    """Say whether the text holds what looks like an identity-card number."""
    return _IDENTITY.search(text) is not None


def identity(text: str) -> str:
    """Cover identity-card numbers; they are never stored, whoever sends them."""
    return _IDENTITY.sub(_COVER, text)


def mask(text: str) -> str:
    """Cover identity-card and telephone numbers; hotlines (12345, 110, 400…) stay readable."""
    return _PHONE.sub(_COVER, identity(text))
