"""Runs migrations on the connection that `content.store` hands over."""

from typing import Any, Literal

from alembic import context
from sqlalchemy import Enum, TypeDecorator


def plain(kind: str, item: Any, _context: Any) -> str | Literal[False]:
    """Write a column's type without our own classes: a migration never changes with the code."""
    if kind != "type":
        return False
    if isinstance(item, TypeDecorator):
        return f"sa.{item.impl_instance!r}"
    return "sa.String(length=24)" if isinstance(item, Enum) else False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=context.config.attributes.get("metadata"),
    render_as_batch=True,
    render_item=plain,
)
with context.begin_transaction():
    context.run_migrations()
