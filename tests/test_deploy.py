"""What is deployed names only commands, settings and files that exist, and runs without rights."""

import configparser
import re
from pathlib import Path

import pytest
import typer

from bot.cli.main import app
from bot.config import SECRETS, Settings

ROOT = Path(__file__).resolve().parents[1]
DEPLOY = ROOT / "deploy"
UNITS = sorted(DEPLOY.glob("*.service"))
COMMANDS = set(typer.main.get_command(app).commands)
KNOWN = {f"LINXUN_{name.upper()}" for name in Settings.model_fields} | {
    f"LINXUN_{name.upper()}_FILE" for name in SECRETS
}
HARDENED = {
    "NoNewPrivileges": "yes",
    "ProtectSystem": "strict",
    "ProtectHome": "yes",
    "PrivateTmp": "yes",
    "CapabilityBoundingSet": "",
    "User": "linxun",
    "Restart": "always",
}


def unit(path: Path) -> dict[str, list[str]]:
    """A unit's service section: directives may stand several times."""
    parser = configparser.RawConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment]
    parser.read_string(path.read_text("utf-8"))
    assert {"Unit", "Service", "Install"} == set(parser.sections())
    lines = path.read_text("utf-8").partition("[Service]")[2].partition("[Install]")[0]
    found: dict[str, list[str]] = {}
    for line in lines.splitlines():
        if line and not line.startswith("#"):
            name, _, value = line.partition("=")
            found.setdefault(name, []).append(value)
    return found


def everything() -> str:
    return "".join(path.read_text("utf-8") for path in sorted(DEPLOY.iterdir()) if path.is_file())


def test_only_settings_that_exist_are_named() -> None:
    named = set(re.findall(r"LINXUN_[A-Z_]+", everything()))
    assert named - KNOWN == set()
    assert "LINXUN_DATABASE_URL_FILE" in named


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_a_unit_runs_a_command_that_exists_without_rights(path: Path) -> None:
    service = unit(path)
    (start,) = service["ExecStart"]
    assert start.split()[0] == "/opt/linxun/bin/linxun"
    assert start.split()[1] in COMMANDS
    assert {name: service[name][-1] for name in HARDENED} == HARDENED


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_a_secret_of_a_unit_is_a_credential_that_is_loaded(path: Path) -> None:
    service = unit(path)
    loaded = {one.partition(":")[0] for one in service["LoadCredential"]}
    used = {one.partition("%d/")[2] for one in service["Environment"] if "%d/" in one}
    assert used == loaded


def test_there_is_a_unit_for_one_machine_and_for_each_half() -> None:
    starts = {unit(path)["ExecStart"][0].split()[1] for path in UNITS}
    assert starts == {"run", "web", "worker"}


def test_the_image_is_built_from_what_the_repository_has() -> None:
    text = (DEPLOY / "Dockerfile").read_text("utf-8")
    copied = [
        name
        for line in re.findall(r"^COPY (?!--from)(.+)$", text, re.MULTILINE)
        for name in line.split()[:-1]
    ]
    let_in = (ROOT / ".dockerignore").read_text("utf-8")
    assert [name for name in copied if not (ROOT / name).exists()] == []
    assert [name for name in copied if f"!{name.partition('/')[0]}" not in let_in] == []
    assert re.search(r"^USER linxun$", text, re.MULTILINE)
    assert "--require-hashes -r requirements/run.txt" in text


def test_the_builder_of_the_image_is_in_the_lock() -> None:
    text = (DEPLOY / "Dockerfile").read_text("utf-8")
    names = re.search(r"keep = /\^\(([a-z|-]+)\)==/", text)[1].split("|")
    lock = (ROOT / "requirements" / "dev.txt").read_text("utf-8")
    assert [one for one in names if not re.search(rf"^{one}==", lock, re.MULTILINE)] == []


def test_a_compose_file_describes_web_workers_and_database() -> None:
    yaml = pytest.importorskip("yaml", reason="no YAML reader here")
    found = yaml.safe_load((DEPLOY / "compose.yml").read_text("utf-8"))
    services = found["services"]
    assert {"web", "worker", "db"} <= set(services)
    for name in ("web", "worker"):
        assert services[name]["command"][0] in COMMANDS
        assert services[name]["read_only"] is True
        assert services[name]["cap_drop"] == ["ALL"]
        # what is pressed in a call, or brought by a webhook, outlives the container
        folder = services[name]["environment"]["LINXUN_JOURNAL_FOLDER"]
        kept = [one.partition(":")[2] for one in services[name]["volumes"]]
        assert any(folder.startswith(f"{one}/") for one in kept)
    assert all("healthcheck" in services[name] for name in ("web", "worker", "db"))
    used = {one for service in services.values() for one in service["secrets"]}
    assert used == set(found["secrets"])
    assert {one for given in services.values() for one in given.get("environment", {})} <= KNOWN | {
        "POSTGRES_USER",
        "POSTGRES_DB",
        "POSTGRES_PASSWORD_FILE",
    }


def test_no_secret_stands_in_a_file_that_is_deployed() -> None:
    """Passwords and tokens come from files outside the repository."""
    assert re.findall(r"(?:PASSWORD|TOKEN|SECRET)=(?!%d/)\S+", everything()) == []
    assert "secrets/" in (ROOT / ".gitignore").read_text("utf-8")
