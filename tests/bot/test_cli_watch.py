"""`linxun alert status --watch`: it goes on as long as the alert does."""

from datetime import datetime

import pytest
from sqlalchemy import text

from bot.cli import watch
from content.alert import Alert
from content.store import Store
from tests.content import outbox


def test_a_database_that_is_away_for_a_moment_ends_no_watch(
    file_store: Store, now: datetime, capsys: pytest.CaptureFixture[str]
) -> None:
    with file_store.begin() as session:
        outbox.resident(session, now)
        about = outbox.alert(session, now)
        outbox.tell(session, now, alert_id=about, hours=500_000)
        code = session.get_one(Alert, (file_store.community_id, about)).code = "A1"
    rests = 0

    def rest(_seconds: float) -> None:
        nonlocal rests
        rests += 1
        if rests == 1:
            _rename("notice", "away")
        elif rests == 3:
            _rename("away", "notice")

    def _rename(one: str, other: str) -> None:
        with file_store.begin() as session:
            session.execute(text(f"ALTER TABLE {one} RENAME TO {other}"))

    looks = watch._looks(file_store, code, rest)
    seen = [next(looks).total.residents for _ in range(2)]
    assert (seen, rests) == ([1, 1], 3)
    assert capsys.readouterr().err.count("The database does not answer") == 1
