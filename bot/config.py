"""The settings: one frozen object, read once; a file, then the environment, then flags."""

import os
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict


class ConfigError(Exception):
    """A setting is missing or wrong; the sentence names it."""


class Voices(StrEnum):
    """Who speaks on the phone."""

    NEURAL = "neural"
    """The provider's own voice."""
    ESPEAK = "espeak"
    """Ours: nothing of the text leaves the house but its sound."""


class Settings(BaseSettings):
    """Everything that can be set. `LINXUN_<NAME>` in the environment, or `linxun.env` beside it.

    A secret may also be read from a file named by `LINXUN_<NAME>_FILE`.
    """

    model_config = SettingsConfigDict(
        env_prefix="LINXUN_", env_file="linxun.env", frozen=True, extra="ignore"
    )

    database_url: str = Field(
        "sqlite:///linxun.sqlite3",
        description="where everything is kept: sqlite:/// or postgresql://",
    )
    key_file: Path = Field(Path("linxun.key"), description="the key of the personal columns")
    journal_folder: Path | None = Field(
        None, description="where webhooks are kept while the database is away; default: beside it"
    )
    ladders_file: Path | None = Field(None, description="your ladders; default: the built-in ones")
    prices_file: Path | None = Field(
        None, description="prices of messages and calls, for previews; default: units only"
    )
    public_url: str = Field("", description="the https address at which providers reach `web`")
    host: str = Field("127.0.0.1", description="the address `web` listens on")
    port: int = Field(8080, ge=0, le=65535, description="the port `web` listens on; 0: any")
    token: SecretStr = Field(SecretStr(""), description="your personal token for the command line")
    telegram_token: SecretStr = Field(SecretStr(""), description="the bot's token from BotFather")
    telegram_api_url: str = Field(
        "https://api.telegram.org/bot", description="the Bot API, or a local one"
    )
    telegram_file_url: str = Field(
        "https://api.telegram.org/file/bot", description="the Bot API's files"
    )
    telegram_webhook: bool = Field(
        default=False, description="take Telegram's updates by webhook instead of polling"
    )
    telegram_secret: SecretStr = Field(SecretStr(""), description="the webhook's secret token")
    telegram_rate: float = Field(30.0, gt=0, description="chat messages per second")
    telegram_spacing: float = Field(
        1.0, ge=0, description="seconds between two messages to one chat"
    )
    twilio_account_sid: str = Field("", description="the Twilio account")
    twilio_auth_token: SecretStr = Field(SecretStr(""), description="the account's token")
    twilio_api_url: str = Field("", description="a stand-in for Twilio's API; empty: the real one")
    twilio_sms_from: str = Field("", description="the number SMS are sent from, in E.164")
    twilio_sms_rate: float = Field(1.0, gt=0, description="SMS segments per second")
    twilio_sms_unlinked: str = Field(
        "+86",
        description="how numbers begin that get no links by SMS, with commas; +: all, -: none",
    )
    templates_file: Path | None = Field(
        None, description="SMS texts that are registered with the provider; default: none"
    )
    twilio_voice_from: str = Field("", description="the number calls are made from, in E.164")
    twilio_voice_rate: float = Field(1.0, gt=0, description="calls started per second")
    twilio_voice_lines: int = Field(3, gt=0, description="calls at the same time")
    twilio_speech: bool = Field(False, description="recognise what callers of the hotline say")
    twilio_voice_hourly: int = Field(6, gt=0, description="calls to one number in an hour")
    twilio_voice: Voices = Field(
        Voices.NEURAL, description="who speaks on Twilio's phone: its `neural` voice, or `espeak`"
    )
    sip_server: str = Field(
        "",
        pattern=r"^$|^([\w.-]+|\[[0-9A-Fa-f:]+\])(:\d{1,5})?$",
        description="the trunk or exchange that takes calls, `host` or `host:port`; empty: none",
    )
    sip_domain: str = Field("", description="the domain of its numbers; empty: the server's host")
    sip_user: str = Field("", description="our name at the trunk")
    sip_password: SecretStr = Field(
        SecretStr(""), description="the password, where it asks for one"
    )
    sip_number: str = Field(
        "", description="the number that is shown to who is called; empty: our name"
    )
    sip_host: str = Field(
        "", description="our own address for SIP and sound; empty: the one facing the trunk"
    )
    sip_port: int = Field(0, ge=0, le=65535, description="our own port for SIP; 0: any")
    sip_public_host: str = Field(
        "", description="the address at which the trunk reaches us, where it is another one"
    )
    sip_ports: str = Field(
        "16384-16583", pattern=r"^\d{1,5}-\d{1,5}$", description="our ports for sound, two a call"
    )
    sip_dial: Literal["e164", "national"] = Field(
        "e164", description="how numbers are dialled: `e164` (+86…) or `national` (0571…, 138…)"
    )
    sip_prefix: str = Field(
        "", pattern=r"^[0-9*#]*$", description="dialled before every number, like an exchange's 9"
    )
    sip_rate: float = Field(1.0, gt=0, description="calls by SIP started per second")
    sip_lines: int = Field(2, gt=0, description="calls by SIP at the same time")
    sip_hourly: int = Field(6, gt=0, description="calls by SIP to one number in an hour")
    sip_ring: int = Field(40, ge=5, le=90, description="seconds that a phone called by SIP rings")
    sip_transfers: bool = Field(
        default=False, description="whether the trunk connects key 0 to the duty phone (REFER)"
    )
    voice_folder: Path | None = Field(
        None, description="where spoken texts are kept for a day; default: beside the database"
    )
    voice_rate: int = Field(150, ge=80, le=300, description="words per minute of our own voice")
    answer_seconds: int = Field(
        30, ge=1, description="seconds after which a provider is asked what became of a request"
    )
    speaker_folder: Path | None = Field(None, description="where loudspeaker WAV files are put")
    speaker_player: str = Field(
        "auto", description="what plays on a loudspeaker here: `auto`, `none`, or a command"
    )
    proxy: str = Field("", description="an HTTP proxy for the providers")
    trend_hours: float = Field(
        2.0, gt=0, le=24, description="the hours in which askers are counted for a trend"
    )
    trend_askers: int = Field(3, ge=2, description="askers or buildings that make a trend at least")
    trend_days: int = Field(7, ge=1, le=60, description="the past days that say what is usual")
    promise_hours: float = Field(
        24.0, gt=0, description="hours after which an asker hears that it is still being checked"
    )
    away_minutes: int = Field(
        30, ge=1, description="minutes after which a home where nobody opened is gone to again"
    )
    help_minutes: int = Field(
        10, ge=1, description="minutes after which the duty phone hears of help that nobody took"
    )
    help_done_minutes: int = Field(
        60, ge=1, description="minutes after which the duty phone hears of help that is not done"
    )
    metrics_token: SecretStr = Field(
        SecretStr(""), description="who bears it may read `/metrics`; empty: this machine only"
    )
    metrics_port: int = Field(
        0, ge=0, le=65535, description="a port that shows only `/metrics`; 0: none"
    )
    heartbeat_url: SecretStr = Field(
        SecretStr(""), description="an address that is pinged each minute while all works"
    )
    link_test_minutes: float = Field(
        3.0, ge=0, le=1440, description="minutes between two tests of each sender; 0: none"
    )
    answers_per_hour: int = Field(
        10, ge=2, description="automatic answers to one number in an hour, by SMS"
    )
    chat_answers_per_hour: int = Field(
        60, ge=2, description="automatic answers in one chat in an hour"
    )
    log_level: str = Field("INFO", description="DEBUG, INFO, WARNING or ERROR")


SECRETS = (
    "database_url",
    "token",
    "telegram_token",
    "telegram_secret",
    "twilio_auth_token",
    "sip_password",
    "metrics_token",
    "heartbeat_url",
)


def load(**flags: Any) -> Settings:
    """Read the settings; raises ConfigError with a sentence that names the wrong one."""
    try:
        given: dict[str, Any] = {name: flag for name, flag in flags.items() if flag is not None}
        return Settings(**_from_files(), **given)
    except ValidationError as error:
        first = error.errors()[0]
        name = "_".join(str(part) for part in first["loc"]).upper()
        raise ConfigError(f"The setting LINXUN_{name} is wrong: {first['msg']}.") from error


def _from_files() -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in SECRETS:
        path = os.environ.get(f"LINXUN_{name.upper()}_FILE")
        if path:
            try:
                found[name] = Path(path).read_text(encoding="utf-8").strip()
            except OSError as error:
                raise ConfigError(
                    f"The file named by LINXUN_{name.upper()}_FILE cannot be read."
                ) from error
    return found


@cache
def settings() -> Settings:
    """Return the settings of this process, read once."""
    return load()
