"""No log line holds a number, a name or a text."""

import json
import logging
import sys
from collections.abc import Iterator

import pytest
import structlog
from sqlalchemy import select

from bot import logs
from content.event import Event
from content.message import Kind
from content.staff import Role
from tests.bot.street import CHATS, LI, LI_CHAT, Street


@pytest.fixture(autouse=True)
def put_back() -> Iterator[None]:
    yield
    structlog.reset_defaults()


@pytest.mark.parametrize(
    "text",
    ["+8613800138000", "call 138 0013 8000 now", "010-8888-0001", "chat 123456789 is gone"],
)
def test_what_looks_like_a_number_is_masked(text: str) -> None:
    line = logs.redact(None, "", {"event": "x", "reason": text})
    assert not any(len(part) > 4 for part in line["reason"].split() if part.isdigit())
    assert "…" in line["reason"]


@pytest.mark.parametrize("text", ["twilio 30003", "ab12cd34" * 4, "A12", "编号 1024"])
def test_what_is_an_id_or_a_code_stays(text: str) -> None:
    assert logs.redact(None, "", {"event": "x", "note": text})["note"] == text


def test_a_traceback_is_masked_before_it_is_written(capsys: pytest.CaptureFixture[str]) -> None:
    logs.set_up("INFO")
    try:
        int("no route to +8613800138000")
    except ValueError:
        structlog.get_logger("test").exception("it.failed")
    written = capsys.readouterr().err
    assert "it.failed" in written
    assert "8613800138000" not in written


def test_a_traceback_of_a_library_is_masked_too() -> None:
    try:
        int("no route to +8613800138000")
    except ValueError:
        told = (logging.ERROR, "", 0, "to +8613800138000", None, sys.exc_info())
        line = logs.Masked().format(logging.LogRecord("asyncio", *told))
    assert "ValueError" in line
    assert "8613800138000" not in line


def test_a_line_below_the_level_is_not_written(capsys: pytest.CaptureFixture[str]) -> None:
    logs.set_up("ERROR")
    structlog.get_logger("test").info("it.happened")
    assert capsys.readouterr().err == ""


def test_no_event_holds_a_name_a_number_or_a_text(street: Street) -> None:
    made = street.publish()
    ref = street.send(made, street.li, Kind.CHAT)
    street.presses(LI_CHAT, f"help:{ref}")
    for words in ("地铁要修到门口", "/start WRONG222", "/stop", "我家着火了", "/forget"):
        street.says(LI_CHAT, words)
    street.texts(LI, "退订")
    street.says(CHATS[Role.AUTHOR], "/broadcast 停水通知\n明天停水。")
    street.presses(LI_CHAT, "forget::yes")
    written = json.dumps(street.session.scalars(select(Event.data)).all(), ensure_ascii=False)
    private = (
        LI,
        LI.removeprefix("+86"),
        LI_CHAT,
        "李明",
        "王奶奶",
        "地铁",
        "着火",
        "停水",
        "WRONG",
    )
    assert [one for one in private if one in written] == []
