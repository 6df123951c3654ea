"""What tells who somebody is, is encrypted at rest."""

import importlib

import pytest

from content.base import Base

for module in ("content.delivery", "content.inbound", "content.duty", "verification.case"):
    importlib.import_module(module)
for module in ("verification.fact", "verification.telling", "content.task", "content.staff"):
    importlib.import_module(module)


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
