"""What messages and calls cost, from a small TOML file that the committee writes."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from content.message import Kind

_NAMES = {Kind.CHAT: "chat", Kind.SMS: "sms_segment", Kind.CALL: "call_minute"}


class PriceError(ValueError):
    """A price file cannot be used; the sentence (Chinese, English) says what to write."""


@dataclass(frozen=True, slots=True)
class Prices:
    """Prices by kind: of a chat message, of an SMS segment, of a begun minute of a call."""

    currency: str = ""
    each: Mapping[Kind, float] = field(default_factory=dict)

    def of(self, kind: Kind, units: int) -> float | None:
        """Return what so many units cost; None where the file names no price."""
        price = self.each.get(kind)
        return None if price is None else price * units

    def money(self, cost: float) -> str:
        """Return an amount as people write it."""
        return f"{cost:,.2f} {self.currency}".strip()


def known(path: Path | None) -> Prices:
    """Return the prices of a file, none without one; raises PriceError."""
    return read(path) if path else Prices()


def read(path: Path) -> Prices:
    """Read a price file; raises PriceError."""
    try:
        body = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise PriceError(
            "价目表打不开或不是 TOML。 The price file cannot be read, or is not TOML."
        ) from error
    unknown = set(body) - {"currency", *_NAMES.values()}
    if unknown:
        raise PriceError(
            f"价目表里只能写 currency、{'、'.join(_NAMES.values())}。 "
            f"The price file may name currency, {', '.join(_NAMES.values())} only."
        )
    found = {kind: _price(name, body[name]) for kind, name in _NAMES.items() if name in body}
    return Prices(str(body.get("currency", "")), found)


def _price(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise PriceError(f"{name} 要写成数字，例如 0.05。 {name} must be a number, such as 0.05.")
    return float(value)
