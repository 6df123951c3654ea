"""What one check of `linxun doctor` has found."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check has found; `ok` False needs somebody to act."""

    check: str
    ok: bool
    said: str
