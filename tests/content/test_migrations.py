import importlib
import pkgutil
import sqlite3
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect

import content
import verification
from content.base import Base
from content.keys import Keyring
from content.store import Store, StoreError, _alembic


def _import_every_table() -> None:
    for package in (content, verification):
        for module in pkgutil.iter_modules(package.__path__):
            importlib.import_module(f"{package.__name__}.{module.name}")


def _store(path: Path) -> Store:
    return Store(f"sqlite:///{path}", Keyring.generate())


def test_a_fresh_database_holds_exactly_the_tables_of_the_code(tmp_path: Path) -> None:
    _import_every_table()
    opened = _store(tmp_path / "fresh.sqlite3")
    opened.migrate()
    with opened._readers.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": False})
        difference = compare_metadata(context, Base.metadata)
    opened.close()
    assert difference == []


def test_every_table_begins_its_key_with_the_community(tmp_path: Path) -> None:
    opened = _store(tmp_path / "fresh.sqlite3")
    opened.migrate()
    look = inspect(opened._readers)
    tables = [name for name in look.get_table_names() if name != "alembic_version"]
    keys = {name: look.get_pk_constraint(name)["constrained_columns"][0] for name in tables}
    opened.close()
    assert len(tables) > 20
    assert set(keys.values()) == {"community_id"}


def test_migrating_twice_changes_nothing(tmp_path: Path) -> None:
    opened = _store(tmp_path / "fresh.sqlite3")
    opened.migrate()
    before = inspect(opened._readers).get_table_names()
    opened.migrate()
    after = inspect(opened._readers).get_table_names()
    opened.close()
    assert before == after


def test_a_database_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "newer.sqlite3"
    opened = _store(path)
    opened.migrate()
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    with pytest.raises(StoreError, match="written by a newer version of Linxun: update"):
        opened.migrate()
    opened.close()


@pytest.mark.parametrize("body", [b"this is no database", b"\x00" * 5_000])
def test_a_file_that_is_no_database_is_refused(tmp_path: Path, body: bytes) -> None:
    path = tmp_path / "text.sqlite3"
    path.write_bytes(body)
    opened = _store(path)
    with pytest.raises(StoreError, match="is it a Linxun database"):
        opened.migrate()
    opened.close()
    assert path.read_bytes() == body


def test_another_programs_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.sqlite3"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE resident (name TEXT)")
    connection.close()
    opened = _store(path)
    with pytest.raises(StoreError, match="is it a Linxun database"):
        opened.migrate()
    opened.close()


def test_a_folder_that_does_not_exist_is_named_in_a_sentence(tmp_path: Path) -> None:
    opened = _store(tmp_path / "nowhere" / "linxun.sqlite3")
    with pytest.raises(StoreError, match="can it be written"):
        opened.migrate()
    opened.close()


def test_facts_that_answered_before_go_on_answering(tmp_path: Path) -> None:
    opened = _store(tmp_path / "older.sqlite3")
    with opened._writer.begin() as connection:
        config = _alembic()
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        connection.exec_driver_sql(
            "INSERT INTO fact (community_id, id, code, state, latest, signed, changed) VALUES "
            "('c', '1', 'a', 'signed', 2, 1, 1), ('c', '2', 'b', 'draft', 1, 0, 2)"
        )
    opened.migrate()
    with opened._readers.connect() as connection:
        rows = connection.exec_driver_sql("SELECT state, signed, published FROM fact ORDER BY id")
        found = [tuple(row) for row in rows]
    opened.close()
    assert found == [("published", 1, 1), ("draft", 0, 0)]
