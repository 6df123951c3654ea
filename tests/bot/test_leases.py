"""A duty is done by one process at a time; whoever is gone loses it, whoever stops gives it back."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from bot.app import App, Part
from bot.config import Settings
from bot.leases import SECONDS, SWEEP, Leases
from content import lease
from content.clock import Clock
from content.keys import Keyring
from content.store import Store
from tests import databases


async def test_of_two_processes_one_has_the_duty(file_store: Store) -> None:
    one, other = (Leases(file_store, Clock(), [SWEEP]) for _ in range(2))
    await one.renew()
    await other.renew()
    assert (one.holds(SWEEP), other.holds(SWEEP)) == (True, False)


async def test_who_stops_gives_the_duty_back(file_store: Store) -> None:
    one, other = (Leases(file_store, Clock(), [SWEEP]) for _ in range(2))
    await one.renew()
    await one.drop()
    await other.renew()
    assert (one.holds(SWEEP), other.holds(SWEEP)) == (False, True)


async def test_who_cannot_renew_loses_the_duty_by_itself(file_store: Store) -> None:
    clock = Clock(1000.0)
    one = Leases(file_store, clock, [SWEEP])
    one._seconds = SECONDS
    await one.renew()
    await asyncio.sleep(SECONDS / clock.scale + 0.01)
    assert not one.holds(SWEEP)


async def test_a_killed_process_of_this_machine_is_not_waited_for(file_store: Store) -> None:
    ours = Leases(file_store, Clock(), [SWEEP])
    other = await asyncio.create_subprocess_exec(sys.executable, "-c", "")
    await other.wait()
    machine = ours.holder.partition(":")[0]
    if not machine:
        pytest.skip("this system does not say which machine it is")
    dead = f"{machine}:{other.pid}:dead"
    with file_store.begin() as session:
        assert lease.hold(session, SWEEP, dead, ours.clock.now(), 3600)
    await ours.renew()
    assert ours.holds(SWEEP)


async def test_a_process_of_another_machine_is_waited_for(file_store: Store) -> None:
    ours = Leases(file_store, Clock(), [SWEEP])
    with file_store.begin() as session:
        assert lease.hold(session, SWEEP, "elsewhere:1:a", ours.clock.now(), 3600)
    await ours.renew()
    assert not ours.holds(SWEEP)


SPEAKER = {"speaker_folder": "loud"}


@pytest.mark.parametrize(
    ("parts", "held"),
    [
        ({Part.WORKER}, {"sweep"}),
        ({Part.WEB}, {"redact", "rounds"}),
        (set(Part), {"redact", "rounds", "sweep"}),
    ],
    ids=["worker", "web", "run"],
)
async def test_each_half_takes_its_own_duties(
    file_store: Store, parts: set[Part], held: set[str]
) -> None:
    settings = Settings.model_validate(SPEAKER | {"database_url": file_store.url, "port": 0})
    app = App(settings, file_store, Clock(), frozenset(parts))
    await app.start()
    with file_store.read() as session:
        taken = set(lease.holders(session))
    await app.stop()
    with file_store.read() as session:
        left = lease.holders(session)
    assert (taken, left) == (held, {})


WORKER = """
import asyncio, sys
from bot.app import App, Part
from bot.config import Settings
from bot.opening import open_store
from content.clock import Clock
from tests import databases

async def main():
    settings = Settings()
    app = App(settings, open_store(settings), Clock(), frozenset([Part.WORKER]))
    await app.start()
    await app.stop()

asyncio.run(main())
print(sorted({"jieba", "numpy", "verification.shelf"} & sys.modules.keys()))
"""


def test_a_worker_loads_no_fact_base(tmp_path: Path) -> None:
    ring = Keyring.generate()
    ring.save(tmp_path / "linxun.key")
    made = databases.founded(f"sqlite:///{tmp_path}/linxun.sqlite3", ring)
    made.close()
    root = str(Path(__file__).resolve().parents[2])
    environment = {"PYTHONPATH": root, "LINXUN_SPEAKER_FOLDER": "loud"}
    done = subprocess.run(
        [sys.executable, "-c", WORKER],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.splitlines()[-1:] == ["[]"], done.stderr
