"""baresip as who is called: a soft phone of its own on loopback that answers, presses and records."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.channels.sipp import free_port, gone, listening

PROGRAM = shutil.which("baresip")
REASON = "baresip is not installed (apt-get install baresip-core)"
_LIB = Path("/usr/lib")
MODULES = next(
    (at for at in (_LIB / "baresip/modules", *_LIB.glob("*/baresip/modules")) if at.is_dir()),
    Path(),
)
# what is played comes back as what is recorded: there is no sound device
_CONFIG = """
sip_listen 127.0.0.1:{port}
net_interface 127.0.0.1
rtp_ports 27400-27499
audio_player aubridge,phone
audio_source aubridge,phone
audio_alert aubridge,bell
ausrc_srate 8000
auplay_srate 8000
ausrc_channels 1
auplay_channels 1
module_path {modules}
module g711.so
module aubridge.so
module sndfile.so
module_tmp account.so
module_app menu.so
module_app ctrl_tcp.so
ctrl_tcp_listen 127.0.0.1:{control}
snd_path {folder}
"""


@dataclass
class Phone:
    """A phone that picks up at once."""

    port: int
    folder: Path
    _reader: asyncio.StreamReader
    _writer: asyncio.StreamWriter

    async def until(self, event: str, within: float = 30) -> None:
        """Wait until something has happened to the phone, as it says itself."""
        async with asyncio.timeout(within):
            while (await self._next()).get("type") != event:
                pass

    async def press(self, key: str) -> None:
        """Press a key of the phone."""
        await self._do("sndcode", key)

    async def hang_up(self) -> None:
        await self._do("hangup")

    @property
    def heard(self) -> Path:
        """What the phone has heard, as a WAV file."""
        (path,) = self.folder.glob("dump-*-dec.wav")
        return path

    async def _do(self, command: str, given: str = "") -> None:
        body = json.dumps({"command": command, "params": given}).encode()
        self._writer.write(b"%d:%b," % (len(body), body))
        await self._writer.drain()

    async def _next(self) -> dict[str, object]:
        size = int((await self._reader.readuntil(b":"))[:-1])
        body = await self._reader.readexactly(size + 1)
        return dict(json.loads(body[:-1]))


@asynccontextmanager
async def baresip(folder: Path, number: str) -> AsyncIterator[Phone]:
    """Give a phone with this number; its process ends with us."""
    port, control = free_port(), free_port()
    config = _CONFIG.format(port=port, control=control, modules=MODULES, folder=folder)
    (folder / "config").write_text(config, encoding="utf-8")
    account = f"<sip:{number}@127.0.0.1:{port}>;regint=0;answermode=auto;audio_codecs=pcmu\n"
    (folder / "accounts").write_text(account, encoding="utf-8")
    (folder / "contacts").touch()
    with (folder / "baresip.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *(str(PROGRAM), "-f", str(folder)),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        await listening(port)
        reader, writer = await _connected(control)
        try:
            yield Phone(port, folder, reader, writer)
        finally:
            writer.close()
    finally:
        await gone(process)


async def _connected(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    async with asyncio.timeout(10):
        while True:
            try:
                return await asyncio.open_connection("127.0.0.1", port)
            except ConnectionRefusedError:
                await asyncio.sleep(0.05)
