"""The review's fixtures: one database, rolled back after each test."""

from collections.abc import Iterator
from datetime import datetime

import pytest
from sqlalchemy.orm import Session

from content.base import new_id
from content.keys import Keyring
from content.place import Community
from content.store import Store
from tests.content.office import Office, staffed
from tests.databases import Databases


@pytest.fixture(scope="module")
def house(databases: Databases) -> Iterator[Store]:
    """One database for all tests of this file: each of them is rolled back."""
    with databases.url() as url:
        opened = Store(url, Keyring.generate(), new_id())
        opened.migrate()
        with opened.begin() as session:
            session.add(Community(community_id=opened.community_id, name="幸福里社区"))
        yield opened
        opened.close()


@pytest.fixture
def session(house: Store) -> Iterator[Session]:
    with house.begin() as opened:
        yield opened
        opened.rollback()


@pytest.fixture
def office(session: Session, now: datetime) -> Office:
    return staffed(session, now)
