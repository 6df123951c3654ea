"""SIPp as who is called: a process of its own on loopback, with scenarios written as steps."""

import asyncio
import os
import re
import secrets
import shutil
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

PROGRAM = shutil.which("sipp")
REASON = "SIPp is not installed (apt-get install sip-tester), or is not run as root (it needs raw sockets)"
USABLE = PROGRAM is not None and os.geteuid() == 0
_GRACE = 5.0
_HEADERS = """[last_Via:]
    [last_From:]
    [last_To:]{tag}
    [last_Call-ID:]
    [last_CSeq:]
    Contact: <sip:[local_ip]:[local_port]>"""
_TAG = ";tag=[pid]SIPp[call_number]"
# SIPp presses keys under payload type 96, whatever was agreed
_SDP = """v=0
    o=them 1 1 IN IP4 [local_ip]
    s=-
    c=IN IP4 [media_ip]
    t=0 0
    m=audio [auto_media_port] RTP/AVP 0 96
    a=rtpmap:0 PCMU/8000
    a=rtpmap:96 telephone-event/8000
    a=fmtp:96 0-15
"""


def invited() -> str:
    return '<recv request="INVITE"/>'


def wait(milliseconds: int) -> str:
    return f'<pause milliseconds="{milliseconds}"/>'


def say(code: int, *, more: str = "") -> str:
    """Answer the INVITE with a code; a final one is repeated until it is acknowledged."""
    return _send(f"SIP/2.0 {code} -", _TAG, more=more, again=code >= 200)


def pick_up() -> str:
    more = "Content-Type: application/sdp"
    return _send("SIP/2.0 200 OK", _TAG, more=more, body=_SDP, again=True) + acknowledged()


def acknowledged() -> str:
    return '<recv request="ACK"/>'


def press(keys: str) -> str:
    return f'<nop><action><exec play_dtmf="{keys}"/></action></nop>'


def hum() -> str:
    """Send silence from now on, as a phone does whose owner says nothing."""
    return '<nop><action><exec rtp_stream="hush.raw,-1,0"/></action></nop>'


def hung_up(within: int = 60_000) -> str:
    """The caller ends the call."""
    return f'<recv request="BYE" timeout="{within}"/>' + _send("SIP/2.0 200 OK", "")


def transferred(code: int) -> str:
    """Take a transfer, and tell how it went."""
    body = f"SIP/2.0 {code} -"
    more = "Event: refer\n    Subscription-State: terminated\n    Content-Type: message/sipfrag"
    taken = _send("SIP/2.0 202 Accepted", "")
    return f'<recv request="REFER"/>{taken}{_asked("NOTIFY", 2, more, body)}'


def hang_up() -> str:
    """End the call ourselves."""
    return _asked("BYE", 3)


def _asked(method: str, number: int, more: str = "", body: str = "") -> str:
    """Ask something within the call, once it is remembered who calls."""
    head = f"""{method} [next_url] SIP/2.0
    Via: SIP/2.0/UDP [local_ip]:[local_port];branch=[branch]
    From: <sip:them@[local_ip]>;tag=[pid]SIPp[call_number]
    To: [$theirs]
    [last_Call-ID:]
    CSeq: {number} {method}
    Max-Forwards: 70"""
    text = "\n    ".join(filter(None, (head, more, "Content-Length: [len]")))
    sent = f'<send retrans="500"><![CDATA[\n    {text}\n\n    {body}\n]]></send>'
    return f'{sent}<recv response="200"/>'


def remembered() -> str:
    """Take the INVITE and remember who calls, for what is asked within the call."""
    keep = '<ereg regexp=".*" search_in="hdr" header="From:" assign_to="theirs"/>'
    return f'<recv request="INVITE" rrs="true"><action>{keep}</action></recv>'


def cancelled() -> str:
    """The caller gives up."""
    gone = _send("SIP/2.0 487 -", _TAG, cseq="INVITE", again=True)
    return f'<recv request="CANCEL"/>{_send("SIP/2.0 200 OK", "")}{gone}{acknowledged()}'


def challenged(user: str, password: str) -> str:
    """Let only who proves the password through (RFC 7616), and count who does not as a failure."""
    ask = 'WWW-Authenticate: Digest realm="trunk", nonce="47ebe028cda119c35d4877b383027d28", qop="auth"'
    check = f'<verifyauth assign_to="well" username="{user}" password="{password}"/>'
    return (
        f"{invited()}{say(401, more=ask)}{acknowledged()}"
        f'<recv request="INVITE"><action>{check}</action></recv>'
        '<nop test="well" next="through"/>'
        f'{say(403)}{acknowledged()}<label id="through"/>'
    )


def _send(
    line: str, tag: str, *, more: str = "", body: str = "", cseq: str = "", again: bool = False
) -> str:
    head = _HEADERS.format(tag=tag)
    if cseq:
        head = head.replace("[last_CSeq:]", f"CSeq: 1 {cseq}")
    text = "\n    ".join(filter(None, (line, head, more, "Content-Length: [len]")))
    repeats = ' retrans="500"' if again else ""
    return f"<send{repeats}><![CDATA[\n    {text}\n\n    {body}\n]]></send>"


@dataclass
class Sipp:
    """One process that is called; `ended` says how it was."""

    process: asyncio.subprocess.Process
    port: int
    log: Path

    async def ended(self, within: float = 90) -> bool:
        """Say whether every call went the way of its scenario."""
        async with asyncio.timeout(within):
            return await self.process.wait() == 0


@asynccontextmanager
async def sipp(
    folder: Path, steps: Sequence[str], calls: int = 1, media: int = 27000
) -> AsyncIterator[Sipp]:
    """Have SIPp be called so many times, each call by these steps; it ends with us."""
    name = secrets.token_hex(4)
    scenario = folder / f"{name}.xml"
    body = "".join(steps)
    known = ",".join(re.findall('assign_to="(.*?)"', body))
    body += f'<Reference variables="{known}"/>' if known else ""
    text = f'<?xml version="1.0"?>\n<scenario name="{name}">{body}</scenario>'
    scenario.write_text(text, encoding="utf-8")
    (folder / "hush.raw").write_bytes(b"\xff" * 8000)
    port, log = free_port(), folder / f"{name}.log"
    with log.open("wb") as errors:
        process = await asyncio.create_subprocess_exec(
            *(str(PROGRAM), "-sf", str(scenario), "-i", "127.0.0.1", "-mi", "127.0.0.1"),
            *("-p", str(port), "-mp", str(media), "-m", str(calls), "-nostdin", "-trace_err"),
            *("-error_file", str(folder / f"{name}.err"), "-timeout", "300"),
            cwd=folder,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=errors,
            stderr=errors,
        )
    try:
        await listening(port)
        yield Sipp(process, port, log)
    finally:
        await gone(process)


async def gone(process: asyncio.subprocess.Process) -> None:
    """End a process of ours: asked first, then killed."""
    if process.returncode is None:
        process.terminate()
        try:
            async with asyncio.timeout(_GRACE):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()


async def listening(port: int) -> None:
    """Wait until somebody listens on a UDP port."""
    async with asyncio.timeout(10):
        while not _taken(port):  # noqa: ASYNC110 - another process's socket
            await asyncio.sleep(0.02)


def _taken(port: int) -> bool:
    return f":{port:04X} " in Path("/proc/net/udp").read_text("ascii")


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
