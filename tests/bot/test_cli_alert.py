"""`linxun alert` as the staff member of a personal token."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.orm import Session
from typer.testing import CliRunner, Result

from bot import config
from bot.cli import draft as drafting
from bot.cli import preview, record
from bot.cli.alert import app
from content import identity, place, sound
from content import store as stores
from content.alert import ReviewError
from content.keys import Keyring
from content.people import Resident
from content.place import Community
from content.staff import Role
from content.store import Store
from tests import databases
from tests.content.test_recording import wav

# as the whole command does
app.command("preview")(preview.preview)
app.command("record")(record.record)
app.command("recordings")(record.recordings)
RUN = CliRunner()
REVIEWERS = (Role.AUTHOR, Role.VERIFIER, Role.EDITOR, Role.PUBLISHER)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[Role, str]]:
    """A database on disk and one token for each role, made once: argon2 takes its time."""
    folder = tmp_path_factory.mktemp("template")
    keyring = Keyring.generate()
    keyring.save(folder / "linxun.key")
    opened = databases.opened(f"sqlite:///{folder}/linxun.sqlite3", keyring)
    with opened.begin() as session:
        tokens = _people(session, datetime.now(UTC))
    opened.close()
    return folder, tokens


def _people(session: Session, now: datetime) -> dict[Role, str]:
    here = stores.community(session)
    session.add(Community(community_id=here, name="幸福里社区"))
    session.flush()
    home = place.ensure(session, "3-2-501")
    session.add(
        Resident(community_id=here, number="1", name="王奶奶", place_id=home.id, joined_at=now)
    )
    staff = {role: identity.add_staff(session, "某人", [role], now) for role in REVIEWERS}
    return {role: identity.token(session, one.id, now) for role, one in staff.items()}


@dataclass
class Desk:
    """Commands as whoever holds the token of a role."""

    tokens: dict[Role, str]
    monkeypatch: pytest.MonkeyPatch

    def run(self, role: Role, *words: str, typed: str | None = None) -> Result:
        self.monkeypatch.setenv("LINXUN_TOKEN", self.tokens[role])
        config.settings.cache_clear()
        return RUN.invoke(app, list(words), input=typed)

    def json(self, role: Role, *words: str) -> Any:
        result = self.run(role, *words, "--json")
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    def drafted(self) -> str:
        words = ("--event", "停水", "--text", "7月20日3号楼停水。请提前储水。", "--color", "黄")
        return str(self.json(Role.AUTHOR, "draft", *words)["code"])

    def edited(self) -> str:
        code = self.drafted()
        self.json(Role.VERIFIER, "verify", code)
        self.json(Role.EDITOR, "edit", code)
        return code


@pytest.fixture
def desk(
    template: tuple[Path, dict[Role, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Desk]:
    folder, tokens = template
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    monkeypatch.setenv("LINXUN_DATABASE_URL", f"sqlite:///{tmp_path}/linxun.sqlite3")
    monkeypatch.setenv("LINXUN_KEY_FILE", f"{tmp_path}/linxun.key")
    yield Desk(tokens, monkeypatch)
    config.settings.cache_clear()


def test_who_drafts_sees_the_text_the_audience_and_the_end(desk: Desk) -> None:
    said = desk.run(
        Role.AUTHOR, "draft", "--text", "7月20日停水。", "--expires", "2099-07-20 20:00"
    )
    assert "7月20日停水。" in said.stdout
    assert "For 1 residents, until 2099-07-20 20:00." in said.stdout


def test_a_headline_marked_as_a_drill_makes_one(desk: Desk) -> None:
    made = desk.json(Role.AUTHOR, "draft", "--headline", "【演练】停水", "--text", "今天演练。")
    assert made["status"] == "Exercise"


def test_a_headline_taken_from_the_text_changes_with_it(desk: Desk) -> None:
    code = str(desk.json(Role.AUTHOR, "draft", "--text", "7月20日停水。请储水。")["code"])
    desk.json(Role.AUTHOR, "edit", code, "--text", "7月21日停水。请储水。")
    texts = desk.json(Role.AUTHOR, "status", code)["texts"]
    assert texts["zh-Hans"]["headline"] == "7月21日停水"


def test_the_steps_of_all_revisions_are_told_in_order(desk: Desk) -> None:
    code = desk.edited()
    desk.json(Role.PUBLISHER, "publish", code)
    desk.json(Role.AUTHOR, "update", code, "--text", "7月21日3号楼停水。")
    desk.json(Role.PUBLISHER, "cancel", code)
    steps = [act["step"] for act in desk.json(Role.AUTHOR, "status", code)["history"]]
    assert steps == ["draft", "verify", "edit", "publish", "draft", "cancel"]


def test_three_tokens_take_a_text_to_its_residents(desk: Desk) -> None:
    code = desk.edited()
    made = desk.json(Role.PUBLISHER, "publish", code)
    assert made["recipients"] == 1
    assert desk.json(Role.AUTHOR, "status", code)["reach"][0]["residents"] == 1


def test_an_author_verifying_their_own_text_hears_the_rule_and_a_failure(desk: Desk) -> None:
    refused = desk.run(Role.AUTHOR, "verify", desk.drafted())
    assert refused.exit_code == 1
    assert "作者不能核实自己写的通知" in refused.stderr


def test_an_author_publishing_their_own_text_hears_the_rule(desk: Desk) -> None:
    refused = desk.run(Role.AUTHOR, "publish", desk.edited(), "--yes")
    assert refused.exit_code == 1
    assert "作者不能发布自己写的通知" in refused.stderr


def test_an_edit_of_a_number_says_which_word_must_be_verified_again(desk: Desk) -> None:
    code = desk.edited()
    said = desk.json(Role.EDITOR, "edit", code, "--text", "7月20日五号楼停水。请提前储水。")
    assert said["stage"] == "draft"
    assert "五号楼" in said["verify_again"][0]


def test_a_second_publish_says_that_it_was_done(desk: Desk) -> None:
    code = desk.edited()
    first = desk.json(Role.PUBLISHER, "publish", code)
    second = desk.json(Role.PUBLISHER, "publish", code)
    assert second == {**first, "already": True}


def test_returning_shows_its_reason_to_the_author(desk: Desk) -> None:
    code = desk.drafted()
    desk.json(Role.VERIFIER, "return", code, "--reason", "请写明停水原因")
    assert desk.json(Role.AUTHOR, "status", code)["history"][-1]["reason"] == "请写明停水原因"


def test_update_and_cancel_are_listed_under_one_code(desk: Desk) -> None:
    code = desk.edited()
    desk.json(Role.PUBLISHER, "publish", code)
    desk.json(Role.AUTHOR, "update", code, "--text", "7月21日3号楼停水。")
    desk.json(Role.PUBLISHER, "cancel", code)
    assert [row["code"] for row in desk.json(Role.AUTHOR, "list")] == [code]
    assert desk.json(Role.AUTHOR, "list")[0]["msg_type"] == "Cancel"


def test_a_second_cancel_says_that_nothing_more_is_sent(desk: Desk) -> None:
    code = desk.edited()
    desk.json(Role.PUBLISHER, "publish", code)
    said = [desk.json(Role.PUBLISHER, "cancel", code)["already"] for _ in range(2)]
    assert said == [False, True]


def test_a_file_holds_several_languages(desk: Desk, tmp_path: Path) -> None:
    file = tmp_path / "停水.toml"
    file.write_text(
        'event = "停水"\ncolor = "黄"\nplaces = "3号楼"\n'
        '[zh-Hans]\ndescription = "7月20日3号楼停水。"\n'
        '[en]\nheadline = "No water"\ndescription = "Building 3 has no water on 20 July."\n',
        encoding="utf-8",
    )
    made = desk.json(Role.AUTHOR, "draft", "--file", str(file))
    assert (made["severity"], made["stage"]) == ("Moderate", "draft")


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b'[fr]\nheadline = "eau"\n', "不认识语言 fr"),
        (b'colour = "red"\n', "不认识的栏目 colour"),
        (b"event = [", "格式不对"),
        (b"\xff\xfe\x00", "不是 UTF-8"),
        (b'event = "x"\nexpires = "tomorrow"\n[zh-Hans]\ndescription = "x"\n', "看不懂时间"),
        (
            b'event = "x"\nplaces = "99\xe5\x8f\xb7\xe6\xa5\xbc"\n[zh-Hans]\ndescription = "x"\n',
            "99",
        ),
        (b'event = "x"\nseverity = "huge"\n[zh-Hans]\ndescription = "x"\n', "huge 不对"),
        (b'event = "x"\nhours = "soon"\n[zh-Hans]\ndescription = "x"\n', "hours"),
        (b'event = "x"\n"zh-Hans" = "x"\n', "zh-Hans"),
        (b'event = "x"\nneeds = 3\n[zh-Hans]\ndescription = "x"\n', "needs"),
    ],
)
def test_a_bad_file_is_refused_in_one_sentence(
    store: Store, now: datetime, tmp_path: Path, body: bytes, sentence: str
) -> None:
    file = tmp_path / "bad.toml"
    file.write_bytes(body)
    with store.read() as session, pytest.raises(ReviewError, match=sentence):
        drafting.build(session, drafting.from_file(file), None, now)


def test_a_bad_file_ends_the_command_with_its_sentence(desk: Desk, tmp_path: Path) -> None:
    refused = desk.run(Role.AUTHOR, "draft", "--file", str(tmp_path / "missing.toml"))
    assert refused.exit_code == 1
    assert "读不了文件" in refused.stderr


def test_a_list_of_residents_never_becomes_an_alert(desk: Desk, tmp_path: Path) -> None:
    file = tmp_path / "residents.csv"
    file.write_text("姓名,手机\n王,13800000000\n", encoding="utf-8")
    refused = desk.run(Role.AUTHOR, "draft", "--file", str(file))
    assert refused.exit_code == 1
    assert "通知的文件要是" in refused.stderr


@pytest.mark.parametrize("words", [("verify", "A99"), ("status", "A99"), ("cancel", "A99")])
def test_an_unknown_code_is_a_sentence(desk: Desk, words: tuple[str, ...]) -> None:
    refused = desk.run(Role.PUBLISHER, *words)
    assert refused.exit_code == 1
    assert "没有编号为 A99 的通知" in refused.stderr


def test_an_emergency_is_published_by_one_other_and_reviewed_afterwards(desk: Desk) -> None:
    words = ("--event", "火灾", "--text", "3号楼着火，请立即下楼。", "--color", "红")
    code = str(desk.json(Role.AUTHOR, "draft", *words, "--urgency", "Immediate")["code"])
    assert desk.run(Role.PUBLISHER, "publish", code).exit_code == 1
    assert desk.json(Role.PUBLISHER, "publish", code, "--emergency")["recipients"] == 1
    desk.json(Role.AUTHOR, "update", code, "--text", "3号楼的火已扑灭。", "--no-action")
    assert desk.run(Role.VERIFIER, "review", code, "--note", "属实").exit_code == 0


def test_status_reads_as_a_list_of_steps_and_a_table(desk: Desk) -> None:
    code = desk.edited()
    desk.json(Role.PUBLISHER, "publish", code)
    shown = desk.run(Role.AUTHOR, "status", code).stdout
    steps = [line.split()[2] for line in shown.splitlines() if " #1 " in line]
    assert steps == ["draft", "verify", "edit", "publish"]
    assert "全部" in shown


def test_the_same_text_is_published_again_only_when_asked_for(desk: Desk) -> None:
    desk.json(Role.PUBLISHER, "publish", desk.edited())
    code = desk.edited()
    assert "--again" in desk.run(Role.PUBLISHER, "publish", code).stderr.replace("\n", "")
    assert desk.json(Role.PUBLISHER, "publish", code, "--again")["recipients"] == 1


def test_status_says_how_it_stands_in_both_languages(desk: Desk) -> None:
    code = desk.edited()
    desk.json(Role.PUBLISHER, "publish", code)
    said = desk.run(Role.AUTHOR, "status", code).stdout
    assert "0/1人收到" in said
    assert "0 of 1 received" in said
    live = desk.json(Role.AUTHOR, "status", code)["live"]
    assert (live["total"]["open"], live["whys"][0]["said"], live["over"]) == (1, "还没轮到", False)


def test_watching_prints_a_line_and_ends_with_the_alert(desk: Desk) -> None:
    code = desk.edited()
    desk.json(Role.PUBLISHER, "publish", code)
    desk.json(Role.PUBLISHER, "cancel", code)
    said = desk.run(Role.AUTHOR, "status", code, "--watch")
    assert said.exit_code == 0
    assert said.stdout.count("人收到") == 1


def test_nothing_is_watched_before_it_is_published(desk: Desk) -> None:
    refused = desk.run(Role.AUTHOR, "status", desk.drafted(), "--watch")
    assert refused.exit_code == 1
    assert "还没有发布" in refused.stderr


def test_the_preview_shows_forms_and_times_in_both_languages(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LINXUN_TELEGRAM_TOKEN", "1:a")
    shown = desk.run(Role.AUTHOR, "preview", desk.drafted()).stdout
    for part in ("[zh-Hans]", "7月20日3号楼停水", "收到的人：1", "Recipients: 1", "直接进上门名单"):
        assert part in shown


def test_who_drafts_is_told_what_is_hard_to_follow_in_both_languages(desk: Desk) -> None:
    words = ("draft", "--text", "明天停水，请联系有关部门。")
    said = desk.run(Role.AUTHOR, *words).stdout
    assert "「明天」请写上几月几日" in said
    assert '"明天": add the day and month' in said
    assert len(desk.json(Role.AUTHOR, *words)["warnings"]) == 2


def test_money_is_shown_before_an_alert_goes_out(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("LINXUN_SPEAKER_FOLDER", str(tmp_path))
    (tmp_path / "prices.toml").write_text("sms_segment = 'much'")
    monkeypatch.setenv("LINXUN_PRICES_FILE", str(tmp_path / "prices.toml"))
    refused = desk.run(Role.PUBLISHER, "publish", desk.edited())
    assert (refused.exit_code, "sms_segment" in refused.stderr) == (1, True)


def test_the_preview_for_a_program_has_the_figures(desk: Desk) -> None:
    found = desk.json(Role.AUTHOR, "preview", desk.drafted())
    assert (found["recipients"], found["first"], found["queues"]) == (1, {"door": 1}, [])


def test_the_preview_can_be_heard_and_kept(desk: Desk, tmp_path: Path) -> None:
    player = tmp_path / "player"
    player.write_text(f'#!/bin/sh\necho "$1" >> {tmp_path}/played\n')
    player.chmod(0o700)
    desk.monkeypatch.setenv("LINXUN_SPEAKER_PLAYER", str(player))
    done = desk.run(Role.AUTHOR, "preview", desk.drafted(), "--audio", str(tmp_path / "out"))
    (path,) = (tmp_path / "out").iterdir()
    assert (done.exit_code, path.name) == (0, "A1-cmn.wav")
    assert sound.read(path.read_bytes()).seconds > 10
    assert (tmp_path / "played").read_text().strip() == str(path)


def test_a_reading_is_kept_and_accepted_by_publishing(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "read.wav").write_bytes(wav(8))
    code = desk.edited()
    done = desk.run(Role.AUTHOR, "record", code, str(tmp_path / "read.wav"))
    assert (done.exit_code, "8 秒" in done.stdout) == (0, True)
    assert [one["accepted"] for one in desk.json(Role.EDITOR, "recordings", code)] == [False]
    desk.json(Role.PUBLISHER, "publish", code)
    assert "played" in desk.run(Role.EDITOR, "recordings", code).stdout
    desk.run(Role.EDITOR, "recordings", code, "--drop", "cmn")
    assert desk.json(Role.EDITOR, "recordings", code) == []


def test_a_reading_that_cannot_be_used_says_why(desk: Desk, tmp_path: Path) -> None:
    code = desk.edited()
    missing = desk.run(Role.AUTHOR, "record", code, str(tmp_path / "no.wav"))
    assert (missing.exit_code, "cannot be read" in missing.stderr) == (1, True)
    (tmp_path / "silent.wav").write_bytes(wav(8, 0))
    with pytest.raises(ReviewError, match="nearer"):
        raise desk.run(Role.AUTHOR, "record", code, str(tmp_path / "silent.wav")).exception
