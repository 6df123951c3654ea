"""What the documents say is what the program does: commands, settings, ladders, versions."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from bot.cli.main import app
from bot.config import SECRETS, Settings
from channels.registry import CHANNELS
from content import columns, ladder
from content.ladder import Rung
from content.people import Need

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
HEAD = """# Commands

Every command of `linxun` with its arguments and options, written by `python tests/test_docs.py`
from the program itself. A command that acts for somebody reads their personal token from
`LINXUN_TOKEN` or the file named by `LINXUN_TOKEN_FILE`; see [going live](going-live.md).
"""


def leaves(
    command: typer.core.TyperGroup, words: str
) -> Iterator[tuple[str, typer.core.TyperCommand]]:
    """Every command that can be run, with the words that run it."""
    for name, found in command.commands.items():
        if isinstance(found, typer.core.TyperGroup):
            yield from leaves(found, f"{words} {name}")
        elif isinstance(found, typer.core.TyperCommand):
            yield f"{words} {name}", found


def group() -> typer.core.TyperGroup:
    found = typer.main.get_command(app)
    assert isinstance(found, typer.core.TyperGroup)
    return found


def spelled(command: typer.core.TyperCommand) -> Iterator[str]:
    """One line for each argument and option of a command, as the program explains it."""
    for one in command.params:
        said = getattr(one, "help", None) or ""
        if one.param_type_name == "argument":
            yield f"- `{(one.name or '').upper()}`: {said}"
        else:
            names = ", ".join(f"`{name}`" for name in (*one.opts, *one.secondary_opts))
            yield f"- {names}: {said}" + ("" if not one.required else " (needed)")


def commands() -> str:
    """The text of docs/commands.md."""
    parts = [HEAD]
    for words, command in sorted(leaves(group(), "linxun")):
        parts.append(f"## {words}\n\n{command.help}\n")
        parts.append("".join(f"{line}\n" for line in spelled(command)))
    return "\n".join(part for part in parts if part)


def read(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def everything() -> str:
    return "\n".join(path.read_text("utf-8") for path in (ROOT / "README.md", *DOCS.glob("*.md")))


def test_the_list_of_commands_is_what_the_program_says() -> None:
    assert read("docs/commands.md") == commands(), "run python tests/test_docs.py"


def test_every_group_of_commands_is_used_in_a_how_to() -> None:
    told = "".join(
        read(f"docs/{path.name}") for path in DOCS.glob("*.md") if path.stem != "commands"
    )
    names = [words for words, _ in leaves(group(), "linxun")]
    assert [name for name in names if " ".join(name.split()[:2]) not in told] == []


def test_no_document_shows_a_command_that_does_not_exist() -> None:
    known = {words for words, _ in leaves(group(), "linxun")}
    known |= {" ".join(words.split()[:2]) for words in known}
    said = re.findall(
        r"linxun ([a-z]+)(?: ([a-z]+))?", "\n".join(re.findall(r"`[^`]+`", everything()))
    )
    wrong = {
        (one, two) for one, two in said if not {f"linxun {one}", f"linxun {one} {two}"} & known
    }
    assert wrong == set()


def test_every_command_of_the_chat_is_documented() -> None:
    known = set(re.findall(r'"(/[a-z]+)"', read("bot/commands/words.py")))
    told = read("docs/write-an-alert.md")
    assert len(known) > 5
    assert [word for word in known if f"`{word}" not in told] == []


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_is_documented_with_its_default(name: str) -> None:
    row = re.search(
        rf"^\| `LINXUN_{name.upper()}` \| (.*?) \| (.*?) \|$",
        read("docs/configuration.md"),
        re.MULTILINE,
    )
    field = Settings.model_fields[name]
    default = field.get_default()
    secret = getattr(default, "get_secret_value", lambda: default)()
    assert row is not None
    assert row[1] == (
        "empty"
        if secret in ("", None)
        else f"`{str(secret).lower() if isinstance(secret, bool) else secret}`"
    )


def test_every_secret_can_come_from_a_file_and_the_document_says_so() -> None:
    told = read("docs/configuration.md")
    assert [name for name in SECRETS if f"`LINXUN_{name.upper()}_FILE`" not in told] == []


def test_every_step_and_need_of_a_ladder_is_documented() -> None:
    told = read("docs/edit-ladders.md")
    assert [one for one in (*Rung, *Need) if f"`{one}`" not in told] == []


def test_the_ladder_file_that_is_shown_can_be_used() -> None:
    (shown,) = re.findall(r"```toml\n(.*?)```", read("docs/edit-ladders.md"), re.DOTALL)
    found = ladder.parse(tomllib.loads(shown))
    assert {one.name for one in found.ladders} >= {"deaf", "default"}


def test_every_column_of_the_residents_list_is_documented() -> None:
    told = read("docs/import-residents.md")
    assert [name for name in columns.COLUMNS if columns.title(name) not in told] == []


def test_every_channel_is_named_where_channels_are_added() -> None:
    told = read("docs/add-a-channel.md")
    assert [name for name in CHANNELS if f"`{name}`" not in told] == []


def test_the_readme_names_only_targets_that_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", read("Makefile"), re.MULTILINE))
    named = set(re.findall(r"`make ([a-z-]+)`|^make ([a-z-]+)", everything(), re.MULTILINE))
    used = {one or two for one, two in named}
    assert used - targets == set()
    assert {"demo", "test"} <= used


def test_the_changelog_names_the_version() -> None:
    version = tomllib.loads(read("pyproject.toml"))["project"]["version"]
    assert f"## {version}" in read("CHANGELOG.md")


def test_links_between_documents_lead_somewhere() -> None:
    broken = [
        f"{path.name}: {link}"
        for path in (ROOT / "README.md", ROOT / "CHANGELOG.md", *DOCS.glob("*.md"))
        for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", path.read_text("utf-8"))
        if not (path.parent / link).exists()
    ]
    assert broken == []


def test_a_decision_takes_ten_lines() -> None:
    entries = re.split(r"^## ", read("docs/decisions.md"), flags=re.MULTILINE)[1:]
    long = [entry.splitlines()[0] for entry in entries if len(entry.strip().splitlines()) > 11]
    assert entries
    assert long == []


if __name__ == "__main__":
    (DOCS / "commands.md").write_text(commands(), encoding="utf-8")
