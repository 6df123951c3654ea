"""The heartbeat: an address outside is told every minute that this process works."""

import ipaddress
from urllib.parse import urlsplit

import aiohttp
import structlog

from channels.meter import Meter

log = structlog.get_logger("heartbeat")

EVERY = 60.0
"""Real seconds between two beats: whoever waits for them lives in real time."""
SILENT = 180.0
"""Real seconds after which a loop that has not gone round does not work."""
FAILING = 60.0
"""Real seconds for which a provider may do nothing but fail."""
_TIMEOUT = 10.0
_GOOD = range(200, 300)


class Heartbeat:
    """Pings one address while claiming, sweeping and sending work; says nothing otherwise."""

    def __init__(self, url: str, meter: Meter, proxy: str = "") -> None:
        self._url = url
        self._meter = meter
        self._proxy = None if _near(url) else proxy or None

    async def beat(self) -> bool:
        """Ping if everything works; False where something does not, nobody answers, or none sends.

        The address is a secret: whoever knows it can make us look alive. It is never logged.
        """
        if not self._meter.sends:
            # who only hears cannot say whether anything goes out
            return False
        stopped = self._meter.stopped(SILENT, FAILING)
        if stopped:
            log.error("heartbeat.withheld", stopped=stopped)
            return False
        try:
            status = await self._ping()
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            log.warning("heartbeat.failed", reason=type(error).__name__)
            return False
        if status not in _GOOD:
            log.warning("heartbeat.refused", status=status)
        return status in _GOOD

    async def _ping(self) -> int:
        timeout = aiohttp.ClientTimeout(total=_TIMEOUT)
        async with (
            aiohttp.ClientSession(timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()) as session,
            session.get(self._url, proxy=self._proxy, allow_redirects=False) as answer,
        ):
            return answer.status


def _near(url: str) -> bool:
    """Say whether an address is on this machine, where no proxy is needed."""
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
