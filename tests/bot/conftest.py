"""The street's fixtures: one database for each module, rolled back after each test."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from sqlalchemy.orm import Session

from content.store import Store
from tests.bot.street import Street, open_street
from tests.databases import Databases

MORNING = datetime(2026, 7, 20, 1, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def _peopled(databases: Databases) -> Iterator[tuple[Store, Session, Street]]:
    """One street for all tests of a module; each test works in a savepoint of its own."""
    with databases.store() as store, store.begin() as session:
        yield store, session, open_street(session, MORNING, store.community_id)
        session.rollback()


@pytest.fixture
def street(_peopled: tuple[Store, Session, Street]) -> Iterator[Street]:
    _, session, made = _peopled
    with session.begin_nested() as point:
        yield replace(made)
        point.rollback()
    session.expire_all()
