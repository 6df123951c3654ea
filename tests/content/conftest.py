"""The review's fixtures: one database, rolled back after each test."""

from collections.abc import Iterator
from datetime import datetime

import pytest
from sqlalchemy.orm import Session

from content.store import Store
from tests.content.office import Office, staffed
from tests.databases import Databases, found


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


@pytest.fixture
def office(session: Session, now: datetime) -> Office:
    return staffed(session, now)
