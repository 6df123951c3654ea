"""Malformed and hostile input: a clear refusal at every door, and nothing is lost by it."""

import shutil
import socket
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import structlog
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, text
from typer.testing import CliRunner, Result

from bot import config
from bot.app import App, AppError
from bot.cli.main import app
from bot.config import Settings
from bot.errors import KNOWN
from channels.base import Event, EventKind
from channels.base import State as State_
from content import ladder
from content.alert import ReviewError
from content.clock import Clock
from content.keys import KeyFileError, Keyring
from content.ladder import LadderError
from content.message import Action, Kind
from content.people import Audience
from content.staff import Role
from content.store import Store
from tests.bot.street import CHATS, GROUP, LI_CHAT, STORM, STRANGER, Street, said

RUN = CliRunner()
PLENTY = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
ACTIONS = st.sampled_from([*(str(one) for one in Action), "", "nothing", "STAFF", "staff "])
JUNK = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
WHO = st.sampled_from([LI_CHAT, STRANGER, *CHATS.values(), "", "0", "-1", "9" * 40])
WORDS = st.sampled_from(
    [
        "/start ",
        "/check ",
        "/broadcast ",
        "/update ",
        "/cancel ",
        "/status ",
        "/forget ",
        "/door ",
        "",
    ]
)
STEPS = st.sampled_from(
    ["submit", "verify", "edited", "publish", "again", "urgent", "return", "edit", "rework", "skip"]
)


@PLENTY
@given(who=WHO, action=ACTIONS, ref=JUNK, value=JUNK)
def test_junk_in_a_button_does_nothing_and_ends_in_an_answer(
    street: Street, who: str, action: str, ref: str, value: str
) -> None:
    assert isinstance(street.presses(who, f"{action}:{ref}:{value}"), list)


@PLENTY
@given(who=WHO, step=STEPS, code=st.sampled_from(["A1", "A2", "a1", "", "A", "x"]), seen=JUNK)
def test_junk_in_a_button_of_the_review_ends_in_an_answer(
    street: Street, who: str, step: str, code: str, seen: str
) -> None:
    street.drafted()
    assert street.presses(who, f"staff::{step}.{code}.{seen}")


@PLENTY
@given(who=WHO, command=WORDS, rest=JUNK, kind=st.sampled_from([Kind.CHAT, Kind.SMS]))
def test_junk_in_a_text_is_heard_or_answered(
    street: Street, who: str, command: str, rest: str, kind: Kind
) -> None:
    event = Event(EventKind.TEXT, address=who, text=f"{command}{rest}")
    assert isinstance(street.hear(kind, event), list)


@PLENTY
@given(
    kind=st.sampled_from(list(EventKind)),
    door=st.sampled_from([Kind.CHAT, Kind.SMS, Kind.CALL]),
    ref=JUNK,
    key=JUNK,
    state=st.sampled_from([None, *State_]),
    group=st.booleans(),
    addressed=st.booleans(),
)
def test_junk_in_any_event_is_no_crash(
    street: Street,
    kind: EventKind,
    door: Kind,
    ref: str,
    key: str,
    state: State_ | None,
    group: bool,
    addressed: bool,
) -> None:
    event = Event(kind, address=STRANGER, ref=ref[:32], key=key, state=state, provider_id=key[:64])
    event = replace(event, group=group, addressed=addressed, chat=GROUP if group else "")
    assert isinstance(street.hear(door, event), list)


@pytest.mark.parametrize("text_", ["x" * 100_000, "停水" * 20_000, "\u202e" * 500, "\x00\x07 停水"])
def test_a_very_long_or_odd_text_is_heard(street: Street, text_: str) -> None:
    street.says(LI_CHAT, text_)
    assert street.told(Kind.CHAT, LI_CHAT)


def test_an_audience_that_holds_nobody_is_refused(street: Street) -> None:
    nobody = replace(STORM, audience=Audience(places=("/99/",)))
    with pytest.raises(ReviewError, match="没有这个地方"):
        street.drafted(nobody)


def test_an_alert_that_has_expired_meanwhile_is_not_published(street: Street) -> None:
    code, row = street.drafted()
    street.presses(CHATS[Role.AUTHOR], f"staff::submit_urgent.{code}")
    street.now += timedelta(days=2)
    told = said(street.presses(CHATS[Role.PUBLISHER], f"staff::urgent.{code}"))
    assert "有效期已经过了" in told
    assert row.stage == "draft"


def test_an_unknown_language_is_refused(street: Street) -> None:
    texts = {**STORM.texts, "fr": STORM.texts[next(iter(STORM.texts))]}
    with pytest.raises(ReviewError, match="不认识语言 fr"):
        street.drafted(replace(STORM, texts=texts))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ('[[ladder]]\nname = "x"\nsteps = ["pigeon", "door"]\n', "pigeon"),
        ('[[ladder]]\nname = "x"\nsteps = ["chat"]\n', "end with"),
        ("ladder = 3\n", "as a list"),
        ("[[ladder", "not valid TOML"),
        ("", r"\[\[ladder\]\]"),
    ],
)
def test_a_wrong_ladder_file_is_refused(tmp_path: Path, body: str, sentence: str) -> None:
    file = tmp_path / "ladders.toml"
    file.write_text(body, encoding="utf-8")
    with pytest.raises(LadderError, match=sentence):
        ladder.load(file)


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff\xfe", b'{"keys": 3}', b"[]", b"null"])
def test_a_file_that_is_no_key_file_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "linxun.key"
    file.write_bytes(content)
    with pytest.raises(KeyFileError, match="is not a Linxun key file"):
        Keyring.load(file)


def test_a_port_in_use_is_a_sentence(store: Store) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        wanted = Settings.model_validate({"port": port})
        with pytest.raises(AppError, match=f"Port {port} on 127.0.0.1 is taken"):
            App(wanted, store, Clock())


UNREACHABLE: dict[str, object] = {
    "port": 0,
    "telegram_token": "1:x",
    "telegram_api_url": "http://127.0.0.1:9/bot",
}
CALLS: dict[str, object] = {
    "twilio_account_sid": "AC" + "0" * 32,
    "twilio_auth_token": "0" * 32,
    "twilio_api_url": "http://127.0.0.1:9",
    "twilio_voice_from": "+12025550101",
}


async def test_calls_do_not_wait_for_a_telegram_out_of_reach(store: Store) -> None:
    house = App(Settings.model_validate(UNREACHABLE | CALLS), store, Clock())
    await house.start()
    running = house.worker is not None
    await house.stop()
    assert running


async def test_a_telegram_out_of_reach_and_nothing_else_is_a_sentence(store: Store) -> None:
    house = App(Settings.model_validate(UNREACHABLE), store, Clock())
    with pytest.raises(AppError, match="Telegram does not answer"):
        await house.start()
    await house.stop()


# the command line


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with a database and a key, and the settings that name them."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LINXUN_LOG_LEVEL", "ERROR")
    config.settings.cache_clear()
    yield tmp_path
    config.settings.cache_clear()
    structlog.reset_defaults()


def run(*words: str) -> Result:
    """Run the command; what it knows by a sentence is caught where `main` catches it."""
    config.settings.cache_clear()
    return RUN.invoke(app, list(words))


def refusal(result: Result) -> str:
    """Return the one sentence of a refusal; fail where it was none."""
    assert result.exit_code != 0
    if isinstance(result.exception, SystemExit):
        return result.output
    assert isinstance(result.exception, KNOWN), result.exception
    return str(result.exception)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """What `linxun init` makes, and the admin's token, once for all: argon2 takes its time."""
    folder = tmp_path_factory.mktemp("template")
    with pytest.MonkeyPatch.context() as there:
        there.chdir(folder)
        done = run("init", "--name", "幸福里社区", "--admin", "孙主任")
    assert done.exit_code == 0, done.output
    token = next(line for line in done.output.splitlines() if line.startswith("lx_"))
    return folder, token


@pytest.fixture
def begun(template: tuple[Path, str], desk: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same folder after `linxun init`, with the admin's token in the settings."""
    folder, token = template
    shutil.copytree(folder, desk, dirs_exist_ok=True)
    monkeypatch.setenv("LINXUN_TOKEN", token)
    return desk


def test_init_makes_a_key_that_only_its_owner_reads_and_never_a_second(begun: Path) -> None:
    key = begun / "linxun.key"
    before = key.read_bytes()
    assert "nothing was changed" in refusal(run("init", "--name", "另一个", "--admin", "谁"))
    assert (key.read_bytes(), key.stat().st_mode & 0o777) == (before, 0o600)


COMMANDS = [
    ("residents", "list"),
    ("staff", "list"),
    ("alert", "list"),
    ("cases", "list"),
    ("facts", "list"),
    ("ask", "停水吗"),
    ("run",),
]


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_without_a_key_file_every_command_says_so(begun: Path, words: tuple[str, ...]) -> None:
    (begun / "linxun.key").unlink()
    assert "linxun.key is missing" in refusal(run(*words)).replace("\n", "")


def test_the_key_of_another_database_is_told_apart(begun: Path) -> None:
    (begun / "linxun.key").unlink()
    Keyring.generate().save(begun / "linxun.key")
    assert "does not" in refusal(run("staff", "list")).replace("\n", " ")


def test_a_database_of_a_newer_version_is_left_alone(begun: Path) -> None:
    engine = create_engine(f"sqlite:///{begun}/linxun.sqlite3")
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    assert "newer version" in refusal(run("alert", "list"))
    engine.dispose()


@pytest.mark.parametrize("content", [b"not a database at all" * 100, b"\x00" * 4096])
def test_a_file_that_is_no_database_is_refused(desk: Path, content: bytes) -> None:
    Keyring.generate().save(desk / "linxun.key")
    (desk / "linxun.sqlite3").write_bytes(content)
    assert "database" in refusal(run("alert", "list"))


@pytest.mark.usefixtures("desk")
def test_before_init_the_sentence_names_init() -> None:
    assert "linxun init" in refusal(run("alert", "list")).replace("\n", " ")


@pytest.mark.parametrize("token", ["", "lx_", "lx_1_2", "nonsense", "lx_" + "0" * 32 + "_x"])
@pytest.mark.usefixtures("begun")
def test_without_a_good_token_nobody_acts(monkeypatch: pytest.MonkeyPatch, token: str) -> None:
    monkeypatch.setenv("LINXUN_TOKEN", token)
    told = refusal(run("alert", "draft", "--event", "停水", "--text", "停水。")).lower()
    assert "token" in told


@pytest.mark.usefixtures("begun")
def test_run_without_a_channel_says_what_to_set() -> None:
    assert "LINXUN_TELEGRAM_TOKEN" in refusal(run("run")).replace("\n", " ")


@pytest.mark.usefixtures("desk")
@pytest.mark.parametrize(
    "words", [("nothing",), ("alert", "nothing"), ("alert", "verify"), ("ask",), ("--nothing",)]
)
def test_an_unknown_command_or_a_missing_word_is_usage(words: tuple[str, ...]) -> None:
    result = run(*words)
    assert result.exit_code == 2
    assert "Traceback" not in result.output


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("list.xlsx", b"this is no workbook"),
        ("list.xlsx", b"PK\x03\x04" + b"\x00" * 100),
        ("list.csv", b""),
        ("list.csv", b"\x00\x01\x02"),
        ("list.csv", "编号,姓名,地址\n1,王奶奶,哪里\n".encode()),
        ("list.txt", b"x"),
    ],
)
def test_a_list_that_is_none_imports_nobody(begun: Path, name: str, content: bytes) -> None:
    (begun / name).write_bytes(content)
    assert refusal(run("residents", "import", str(begun / name))).strip()
    listed = run("residents", "list", "--json")
    assert (listed.exit_code, listed.stdout.strip()) == (0, "[]")


@pytest.mark.usefixtures("begun")
def test_a_list_that_is_not_there_is_a_sentence() -> None:
    assert refusal(run("residents", "import", "nowhere.csv")).strip()
