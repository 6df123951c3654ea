"""What every table shares: the declarative base, ids, column types for instants and secrets."""

import enum
import itertools
import json
import threading
import time
import uuid
from datetime import UTC, datetime
from typing import Any, ClassVar

import uuid_utils
from sqlalchemy import (
    BigInteger,
    DateTime,
    Dialect,
    Enum,
    LargeBinary,
    MetaData,
    TypeDecorator,
    Uuid,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from content.keys import Keyring

_EPOCH_MS = 1_704_067_200_000  # 2024-01-01
_serial = itertools.count(int.from_bytes(uuid.uuid4().bytes[:2]))
_serial_lock = threading.Lock()


class Base(DeclarativeBase):
    """Base of every table; named constraints, so that migrations can change them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        enum.Enum: Enum(
            enum.Enum,
            native_enum=False,
            length=24,
            values_callable=lambda kind: [str(member.value) for member in kind],
        )
    }


def new_id() -> uuid.UUID:
    """Return a UUIDv7: unique everywhere, and in the order of its making."""
    return uuid.UUID(bytes=uuid_utils.uuid7().bytes)


def new_number() -> int:
    """Return a 63-bit integer in the order of its making: 41 bits of ms, 22 of serial and chance.

    Made here and not by the database: SQLite counts only single-column keys, and the community
    comes first in every key.
    """
    with _serial_lock:
        serial = next(_serial)
    return ((time.time_ns() // 1_000_000 - _EPOCH_MS) << 22) | (serial & 0x3FFFFF)


class Instant(TypeDecorator[datetime]):
    """An aware instant in UTC; naive values are refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("instants must carry a time zone")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        del dialect
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Secret(TypeDecorator[str]):
    """Text that is encrypted at rest; `column` is authenticated, so values cannot be swapped."""

    impl = LargeBinary
    cache_ok = True

    def __init__(self, column: str) -> None:
        super().__init__()
        self.column = column

    def process_bind_param(self, value: str | None, dialect: Dialect) -> bytes | None:
        if value is None:
            return None
        # JSON can carry half a character, which cannot be written down
        whole = value.encode("utf-8", "replace").decode()
        return _keyring(dialect).encrypt(whole, self.column)

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> str | None:
        return None if value is None else _keyring(dialect).decrypt(value, self.column)


class SecretBytes(TypeDecorator[bytes]):
    """Bytes that are encrypted at rest, as `Secret` is."""

    impl = LargeBinary
    cache_ok = True

    def __init__(self, column: str) -> None:
        super().__init__()
        self.column = column

    def process_bind_param(self, value: bytes | None, dialect: Dialect) -> bytes | None:
        return None if value is None else _keyring(dialect).seal(value, self.column)

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> bytes | None:
        return None if value is None else _keyring(dialect).unseal(value, self.column)


class SecretJson(Secret):
    """A JSON value that is encrypted at rest."""

    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> bytes | None:
        text = None if value is None else json.dumps(value, ensure_ascii=False)
        return super().process_bind_param(text, dialect)

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> Any:
        text = super().process_result_value(value, dialect)
        return None if text is None else json.loads(text)


class Owned:
    """A row of one community: the community comes first in its key."""

    community_id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, sort_order=-2)


class Identified(Owned):
    """A row with a UUIDv7 of its own."""

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, default=new_id, sort_order=-1)


class Numbered(Owned):
    """A row with an integer of its own, for what is written by the thousand."""

    id: Mapped[int] = mapped_column(
        BigInteger, primary_key=True, default=new_number, autoincrement=False, sort_order=-1
    )


def _keyring(dialect: Dialect) -> Keyring:
    keyring: Keyring = dialect.keyring  # type: ignore[attr-defined]
    return keyring
