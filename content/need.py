"""What must be taken into account when a person is reached or helped."""

from enum import StrEnum
from functools import cache

from sqlalchemy import Dialect, Integer, TypeDecorator


class Need(StrEnum):
    """What must be taken into account when a person is reached or helped."""

    ELDERLY = "elderly"
    DEAF = "deaf"
    BLIND = "blind"
    NO_SMARTPHONE = "no_smartphone"
    LIVES_ALONE = "lives_alone"
    MOBILITY = "mobility"

    @property
    def bit(self) -> int:
        """Return the bit under which it is stored in `resident.needs`."""
        return 1 << list(Need).index(self)


@cache
def _set_of(bits: int) -> frozenset[Need]:
    return frozenset(need for need in Need if bits & need.bit)


class Needs(TypeDecorator[frozenset[Need]]):
    """A set of needs in one integer, so that SQL can select and order by them."""

    impl = Integer
    cache_ok = True

    def process_bind_param(self, value: frozenset[Need] | int | None, dialect: Dialect) -> int:
        del dialect
        return value if isinstance(value, int) else sum(need.bit for need in value or ())

    def process_result_value(self, value: int | None, dialect: Dialect) -> frozenset[Need]:
        del dialect
        return _set_of(value or 0)
