"""The nursery: it has loaded `linxun` once, and brings up the house's processes when asked.

It reads a line of JSON for each child, {"name", "arguments", "folder", "log"}, and writes a line
for each that was born, {"name", "pid"}, or has ended, {"name", "ended"}. A child is a process of
its own. Where our parent is gone, all of them are killed.
"""

import json
import os
import select
import signal
import sys
from datetime import timedelta
from typing import Any, NoReturn

from bot import serve
from bot.cli.main import main
from content import acceptance, expansion
from verification import words

LOADED = (serve, words.pairs("听说停水"), words.cut("听说停水"), words.light("停水"))
"""What takes a process seconds to load, once for all children."""
_LOOK = 0.01


def bring_up(asked: dict[str, Any]) -> int:
    """Fork a child that runs one command; return its process id."""
    pid = os.fork()
    if pid:
        return pid
    try:
        _become(asked)
    finally:
        os._exit(70)


def _become(asked: dict[str, Any]) -> NoReturn:
    log = os.open(asked["log"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for target, source in enumerate((nothing, log, log)):
        os.dup2(source, target)
    os.chdir(asked["folder"])
    sys.argv = ["linxun", *asked["arguments"]]
    try:
        main()
    except SystemExit as error:
        os._exit(error.code if isinstance(error.code, int) else 1)
    os._exit(0)


def look_after() -> None:
    """Serve until our parent closes the pipe."""
    children: dict[int, str] = {}
    # without a buffer, so that `select` sees every line
    wishes = open(0, "rb", buffering=0)  # noqa: SIM115 - as long as we live
    while True:
        ready, _, _ = select.select([wishes], [], [], _LOOK)
        if ready:
            line = wishes.readline()
            if not line:
                break
            asked = json.loads(line)
            pid = bring_up(asked)
            children[pid] = asked["name"]
            print(json.dumps({"name": asked["name"], "pid": pid}), flush=True)
        for pid in list(children):
            done, status = os.waitpid(pid, os.WNOHANG)
            if done:
                told = {"name": children.pop(pid), "ended": os.waitstatus_to_exitcode(status)}
                print(json.dumps(told), flush=True)
    _end(children)


def _end(children: dict[int, str]) -> None:
    for pid in children:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


if __name__ == "__main__":
    expansion.CHUNK = int(sys.argv[1])
    # people at the stand-in speak twenty times as fast: what is not heard of a call is over sooner
    acceptance.CALL = timedelta(seconds=15)
    look_after()
