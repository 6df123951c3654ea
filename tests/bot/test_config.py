"""Settings: a file, then the environment, then flags; a wrong one is named in a sentence."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot import checks, config, senders
from bot.config import ConfigError
from content.message import Message, Written


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)


def test_the_environment_wins_over_the_file_and_a_flag_over_both(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "linxun.env").write_text("LINXUN_PORT=1\nLINXUN_HOST=one\n", encoding="utf-8")
    monkeypatch.setenv("LINXUN_PORT", "2")
    assert (config.load().port, config.load().host, config.load(port=3).port) == (2, "one", 3)


def test_a_secret_may_come_from_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("7:abc\n", encoding="utf-8")
    monkeypatch.setenv("LINXUN_TELEGRAM_TOKEN_FILE", str(tmp_path / "secret"))
    assert config.load().telegram_token.get_secret_value() == "7:abc"


def test_a_secret_is_shown_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LINXUN_TELEGRAM_TOKEN", "7:abc")
    assert "7:abc" not in repr(config.load()) + str(config.load())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "70000"),
        ("PORT", "http"),
        ("TELEGRAM_RATE", "0"),
        ("TELEGRAM_WEBHOOK", "maybe"),
        ("SIP_SERVER", "sip:pbx"),
    ],
)
def test_a_wrong_setting_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"LINXUN_{name}", value)
    with pytest.raises(ConfigError, match=f"LINXUN_{name}"):
        config.load()


def test_a_secrets_file_that_is_missing_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("LINXUN_TOKEN_FILE", str(tmp_path / "nothing"))
    with pytest.raises(ConfigError, match="LINXUN_TOKEN_FILE"):
        config.load()


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"twilio_account_sid": "AC0"}, "LINXUN_TWILIO_AUTH_TOKEN"),
        ({"twilio_sms_from": "+1"}, "LINXUN_TWILIO_ACCOUNT_SID"),
        (
            {"twilio_account_sid": "AC0", "twilio_auth_token": "t", "twilio_sms_from": "+1"},
            "LINXUN_PUBLIC_URL",
        ),
        ({"sip_number": "+8657187654321"}, "LINXUN_SIP_SERVER"),
        ({"sip_server": "10.0.0.1", "sip_ports": "20000-20003"}, "LINXUN_SIP_PORTS"),
    ],
)
def test_half_of_an_account_is_refused(given: dict[str, str], named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        senders.channels(config.load(**given), "")


def test_without_credentials_no_channel_is_open() -> None:
    assert senders.channels(config.load(), "") == {}


LINKED = Message(Written.HANS, "", sms="详见（网址略）", linked="详见 a.cn")


@pytest.mark.parametrize(
    ("begins", "linked"),
    [("+86", {"+1"}), ("+86, +1", set()), ("+", set()), ("-", {"+86", "+1"}), ("", {"+86", "+1"})],
)
def test_links_go_to_all_numbers_but_those_named(begins: str, linked: set[str]) -> None:
    texting = senders.texting(config.load(twilio_sms_unlinked=begins))
    given = {to for to in ("+86", "+1") if texting(f"{to}2025550199", LINKED).body == LINKED.linked}
    assert given == linked


def test_a_wrong_file_of_registered_texts_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "templates.toml"
    path.write_text("[[template]]")
    with pytest.raises(ConfigError, match="第1个短信模板有误"):
        senders.texting(config.load(templates_file=path))


async def test_the_doctor_names_the_notices_without_a_registered_text(tmp_path: Path) -> None:
    path = tmp_path / "templates.toml"
    path.write_text("required = ['+86']")
    given = config.load(templates_file=path, key_file=tmp_path / "none")
    found = await checks.everything(given, datetime(2026, 7, 20, tzinfo=UTC), online=False)
    (texts,) = [one for one in found if one.check == "SMS texts"]
    assert not texts.ok
    assert "alert" in texts.said
