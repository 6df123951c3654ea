"""The rules of the house that no single module can see: directions, sizes, clocks, locks, wheel."""

import ast
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from channels.registry import CHANNELS

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("bot", "channels", "verification", "content")
MAY_IMPORT = {
    "bot": {"bot", "verification", "channels", "content"},
    "verification": {"verification", "content"},
    "channels": {"channels", "content"},
    "content": {"content"},
}
LONGEST_MODULE, LONGEST_FUNCTION = 400, 50
VERSIONS = "content/migrations/versions/"

CLOCKS = {"content/clock.py", "content/base.py"}
"""The clock itself, and ids that carry their own time; commands run in real time."""
ENVIRONMENT = {
    "bot/config.py": "the settings",
    "bot/demo/story.py": "hands the environment on to the command line it runs, less its LINXUN_",
    "verification/words.py": "caches lie where the machine keeps caches, which is no setting of ours",
}
EDGES = {
    "channels/worker.py": "one bad job must not stop the others",
    "channels/sending.py": "one bad job must not stop the others",
    "bot/inbox.py": "one bad event must not stop the others",
    "bot/watch.py": "one look that fails must not stop the others",
    "bot/rounds.py": "one duty that fails must not stop the others",
    "bot/cli/main.py": "every error is one sentence",
}
SECRETS = (
    r"\b\d{8,10}:[A-Za-z0-9_-]{35}\b",  # a bot's token
    r"\b(?:AC|SK)[0-9a-f]{32}\b",  # an account, an API key
    r"-----BEGIN [A-Z ]*PRIVATE KEY",
    r"\bAKIA[0-9A-Z]{16}\b",
    r"\bgh[pousr]_[A-Za-z0-9]{36}\b",
)
MACHINES = tuple(f"/{folder}/" for folder in ("work", "tmp", "home", "root", "Users"))
TEXTS = {".py", ".toml", ".md", ".txt", ".in", ".html", ".json", ".jsonl", ".mako", ".yml", ""}


@cache
def modules() -> dict[str, ast.Module]:
    """Every module of the four packages by its path from the root."""
    paths = (path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
    return {
        path.relative_to(ROOT).as_posix(): ast.parse(path.read_text(encoding="utf-8"))
        for path in paths
    }


@cache
def nodes(tree: ast.Module) -> tuple[ast.AST, ...]:
    """Every node of a module, whatever is asked about it."""
    return tuple(ast.walk(tree))


def imports(tree: ast.Module) -> Iterator[str]:
    """Every module and `module.name` that is imported, at whatever depth."""
    for node in nodes(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def dotted(node: ast.AST) -> str:
    """`datetime.now` for an attribute of a name, the name for a name, else nothing."""
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def calls(tree: ast.Module) -> set[str]:
    return {dotted(node.func) for node in nodes(tree) if isinstance(node, ast.Call)}


def kept() -> list[Path]:
    """Every text file that the repository holds or would hold."""
    git = ["git", "-C", str(ROOT), "ls-files", "-co", "--exclude-standard", "-z"]
    try:
        names = subprocess.run(git, capture_output=True, check=True, text=True).stdout.split("\0")
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this is no git checkout")
    paths = (ROOT / name for name in names if name)
    return [path for path in paths if path.is_file() and path.suffix in TEXTS]


def found(pattern: str) -> list[str]:
    """Where a pattern stands in the repository, as `file:line`."""
    wanted = re.compile(pattern)
    return [
        f"{path.relative_to(ROOT)}:{number}"
        for path in kept()
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if wanted.search(line)
    ]


@pytest.mark.parametrize("package", PACKAGES)
def test_imports_run_one_way_only(package: str) -> None:
    wrong = [
        f"{path} imports {name}"
        for path, tree in modules().items()
        for name in imports(tree)
        if path.startswith(f"{package}/")
        and (root := name.partition(".")[0]) in PACKAGES
        and root not in MAY_IMPORT[package]
    ]
    assert wrong == []


def test_no_module_imports_itself_by_a_detour() -> None:
    names = {path.removesuffix(".py").replace("/", "."): path for path in modules()}
    known = {
        name: {
            whole if whole in names else whole.rpartition(".")[0]
            for node in modules()[path].body
            for whole in imports(ast.Module([node], []))
        }
        & set(names)
        for name, path in names.items()
    }
    assert [name for name in names if name in _reached(known, name)] == []


def _reached(known: dict[str, set[str]], start: str) -> set[str]:
    seen: set[str] = set()
    waiting = list(known[start])
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting += known[name]
    return seen


def test_imports_are_absolute() -> None:
    wrong = [
        path
        for path, tree in modules().items()
        for node in nodes(tree)
        if isinstance(node, ast.ImportFrom) and node.level
    ]
    assert wrong == []


@pytest.mark.parametrize("channel", CHANNELS)
def test_an_adapter_knows_the_contract_the_message_and_the_call_only(channel: str) -> None:
    path = CHANNELS[channel].partition(":")[0].replace(".", "/") + ".py"
    told = ("content.call", "content.message.", "content.reason.", "content.sound")
    allowed = ("channels.base.", "channels._", *told)
    ours = {name for name in imports(modules()[path]) if name.partition(".")[0] in PACKAGES}
    assert [name for name in ours if not name.startswith(allowed)] == []


def test_channels_and_bot_own_no_table() -> None:
    wrong = [
        path
        for path, tree in modules().items()
        if path.startswith(("channels/", "bot/"))
        and ({"content.base.Base", "sqlalchemy.Table"} & set(imports(tree)))
    ]
    assert wrong == []


def test_packages_hold_no_code_of_their_own() -> None:
    folders = {path.parent for package in PACKAGES for path in (ROOT / package).rglob("*.py")}
    bare = [folder for folder in folders if not (folder / "__init__.py").exists()]
    assert [str(folder) for folder in bare if not folder.match(VERSIONS.rstrip("/"))] == []
    assert [p for p, tree in modules().items() if p.endswith("__init__.py") and tree.body] == []


def test_every_module_says_its_job_in_one_sentence() -> None:
    first = {
        path: (ast.get_docstring(tree) or "").partition("\n")[0]
        for path, tree in modules().items()
        if tree.body
    }
    assert [path for path, line in first.items() if not line.endswith(".")] == []


def test_no_module_is_longer_than_400_lines() -> None:
    lengths = {path: len((ROOT / path).read_text("utf-8").splitlines()) for path in modules()}
    long = {path: lines for path, lines in lengths.items() if lines > LONGEST_MODULE}
    assert {path for path in long if not path.startswith(VERSIONS)} == set()


def test_no_function_is_longer_than_50_lines() -> None:
    long = [
        f"{path}:{node.lineno} {node.name}"
        for path, tree in modules().items()
        for node in nodes(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or 0) - node.lineno >= LONGEST_FUNCTION
        and not path.startswith(VERSIONS)
    ]
    assert long == []


def test_only_commands_print() -> None:
    wrong = [path for path, tree in modules().items() if "print" in calls(tree)]
    assert [path for path in wrong if not path.startswith("bot/cli/")] == []


def test_rules_are_told_what_time_it_is() -> None:
    asks = {"datetime.now", "datetime.utcnow", "datetime.today", "date.today", "time.time"}
    asks |= {f"datetime.{name}" for name in asks}
    wrong = {path for path, tree in modules().items() if asks & calls(tree)}
    assert {path for path in wrong - CLOCKS if not path.startswith("bot/cli/")} == set()


def test_the_environment_is_read_in_the_settings_only() -> None:
    readers = {
        path
        for path, tree in modules().items()
        for node in nodes(tree)
        if dotted(node) in {"os.environ", "os.getenv", "os.environb"}
    }
    assert readers - set(ENVIRONMENT) == set()


def test_everything_is_caught_at_the_edges_only() -> None:
    wide = {
        f"{path}:{node.lineno}"
        for path, tree in modules().items()
        for node in nodes(tree)
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or dotted(node.type) in {"Exception", "BaseException"})
        and not isinstance(node.body[-1], ast.Raise)
        and path not in EDGES
    }
    assert wide == set()


def test_nothing_is_left_to_be_written() -> None:
    words = "|".join(("TO" + "DO", "FIX" + "ME", "XX" + "X", "NotImplemented" + "Error"))
    assert found(rf"\b(?:{words})\b") == []


def test_names_say_what_a_thing_is() -> None:
    vague = re.compile(r"Manager|Helper|Util|Abstract|Impl\b")
    named = [
        f"{path}: {node.name}"
        for path, tree in modules().items()
        for node in nodes(tree)
        if isinstance(node, ast.ClassDef) and vague.search(node.name)
    ]
    assert named == []


@pytest.mark.parametrize("lock", ["run", "dev", "bench"])
def test_a_lock_holds_versions_and_hashes_and_no_address(lock: str) -> None:
    text = (ROOT / "requirements" / f"{lock}.txt").read_text("utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    pinned = re.compile(r"[\w.-]+(\[[\w,-]+\])?==[^ ;]+( ;.*?)?( +--hash=sha256:[0-9a-f]{64})+")
    assert lines
    assert [line[:40] for line in lines if not pinned.fullmatch(line.rstrip())] == []
    assert "://" not in text


def test_what_runs_is_developed_with_the_same_versions() -> None:
    run, dev = (
        set(
            re.findall(
                r"^([\w.-]+==\S+)", (ROOT / "requirements" / name).read_text("utf-8"), re.MULTILINE
            )
        )
        for name in ("run.txt", "dev.txt")
    )
    assert run - dev == set()


@pytest.mark.parametrize("secret", SECRETS)
def test_the_repository_holds_no_secret(secret: str) -> None:
    assert found(secret) == []


def test_the_repository_names_no_path_of_a_machine() -> None:
    names = "|".join(re.escape(name) for name in MACHINES)
    assert found(rf"(?:^|[\s\"'`(=])(?:{names})") == []


@pytest.mark.slow
def test_the_wheel_carries_what_the_program_reads(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("linxun-*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    data = {".toml", ".json", ".jsonl", ".html", ".mako", ".py"}
    wanted = {
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.suffix in data and "__pycache__" not in path.parts
    }
    assert wanted - names == set()
    assert {"content/ladders.toml", "bot/sandbox/page.html", "bot/demo/data/facts.jsonl"} <= names
