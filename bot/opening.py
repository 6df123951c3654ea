"""Opening the database that the settings name, for its one community."""

import uuid

from sqlalchemy import select

from bot.config import Settings
from content.keys import Keyring
from content.place import Community
from content.store import Store, StoreError


def open_store(settings: Settings, patience: float = 0.0) -> Store:
    """Open and migrate the database; raises StoreError where no community was set up.

    A server that does not answer is waited for, `patience` seconds at most.
    """
    opened = Store(settings.database_url, Keyring.load(settings.key_file))
    try:
        if patience:
            opened.reach(patience)
        opened.community_id = _community(opened)
    except BaseException:
        opened.close()
        raise
    return opened


def _community(opened: Store) -> uuid.UUID:
    opened.migrate()
    with opened.read() as session:
        found: uuid.UUID | None = session.scalar(select(Community.community_id))
    if found is None:
        raise StoreError(
            "还没有建社区，请先运行 linxun init。 "
            "No community has been set up yet: run `linxun init`."
        )
    return found
