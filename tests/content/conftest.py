"""The review's fixtures: one database, rolled back after each test."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from sqlalchemy.orm import Session

from content.store import Store
from tests.content.office import Office, staffed
from tests.databases import Databases, found

MORNING = datetime(2026, 7, 20, 1, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def house(databases: Databases) -> Iterator[Store]:
    """One database for all tests of this file: each of them is rolled back."""
    with databases.store() as made:
        found(made)
        yield made


@pytest.fixture
def session(house: Store) -> Iterator[Session]:
    with house.begin() as opened:
        yield opened
        opened.rollback()


@pytest.fixture(scope="module")
def _staffed(house: Store) -> Office:
    """The staff of a file's tests, hired by the first test that asks for them."""
    with house.begin() as session:
        return staffed(session, MORNING)


@pytest.fixture
def office(_staffed: Office) -> Office:
    return _staffed
