"""Rules that every table keeps, so that one installation can serve many communities."""

import importlib

import pytest
from sqlalchemy import Table, UniqueConstraint

from content.base import Base

for module in ("content.delivery", "content.inbound", "content.duty", "verification.case"):
    importlib.import_module(module)
for module in ("verification.fact", "verification.telling", "content.task", "content.staff"):
    importlib.import_module(module)

TABLES = sorted(Base.metadata.tables.values(), key=lambda table: table.name)


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_the_community_comes_first_in_every_key(table: Table) -> None:
    unique = [one for one in table.constraints if isinstance(one, UniqueConstraint)]
    keys = [table.primary_key, *unique, *table.indexes]
    assert {next(iter(key.columns)).name for key in keys} == {"community_id"}


@pytest.mark.parametrize(
    "column",
    [
        "resident.name",
        "contact.name",
        "contact.relation",
        "address.value",
        "staff.name",
        "inbound.data",
        "question.text",
        "task.note",
        "notice_text.fields",
    ],
)
def test_what_tells_who_somebody_is_is_encrypted(column: str) -> None:
    table, _, name = column.partition(".")
    kind = type(Base.metadata.tables[table].columns[name].type).__name__
    assert kind in ("Secret", "SecretJson")
