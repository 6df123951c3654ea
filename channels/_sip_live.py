"""A call under way: it rings, talks and ends in time, and what happens in it is kept in order."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from channels._sip_call import Call
from channels._sip_media import Media, MediaError
from channels._sip_talk import Manner, Talk
from channels.base import Request
from content.call import At, Line, Script

_LAST = 5.0
"""Seconds for which the end of a call waits until all that happened in it is kept."""

Keep = Callable[[Request], Awaitable[None]]
"""Returns when a raw event is kept."""


class Live:
    """One call, from the moment that the trunk has it."""

    def __init__(self, ref: str, to: str, call: Call, media: Media, keep: Keep) -> None:
        self.ref = ref
        self.call = call
        self.recalled = False
        """Whether it was taken back because nobody needs it any more."""
        self._to = to
        self._media = media
        self._keep = keep
        self._began = asyncio.get_running_loop().time()
        self._count = 0
        self._events: asyncio.Queue[Request | None] = asyncio.Queue()
        self.keeping = asyncio.create_task(self._kept())
        """Ends when all that has happened is kept, which may be after the call."""

    def recall(self) -> bool:
        """Take the call back; False where somebody has picked up."""
        self.recalled = self.call.take_back() or self.recalled
        return self.recalled

    async def follow(
        self,
        script: Script,
        said: Mapping[Line, bytes],
        person: Callable[[str], str],
        manner: Manner,
    ) -> None:
        """Ring, talk to who picks up, and end; all that happened is then kept or being kept."""
        ended: dict[str, object] = {"state": "failed", "code": 0, "how": "stopped"}
        try:
            await self._ring(manner.ring)
            ended |= {"code": self.call.code, "how": self._connected()}
            if self.call.up and not ended["how"]:
                self._tell("status", state="answered")
                ended |= {"state": "ended", "how": "stopped"}
                left = manner.longest - (asyncio.get_running_loop().time() - self._began)
                talk = Talk(
                    *(self.call, self._media, script, said, self._pressed, self._events.join),
                    person,
                    manner.pause,
                )
                # nobody is cut off before a key is asked for
                ended["how"] = str(await talk.run(max(left, talk.needs + manner.after)))
        finally:
            await self.call.hang_up()
            await self._media.close()
            self._tell("status", **ended)
            self._events.put_nowait(None)
            await asyncio.wait({self.keeping}, timeout=_LAST)

    async def _ring(self, seconds: float) -> None:
        call, loop = self.call, asyncio.get_running_loop()
        until = loop.time() + seconds
        await call.until(lambda: call.rang or bool(call.code), seconds)
        if call.rang:
            self._tell("status", state="ringing")
        if not await call.until(lambda: bool(call.code), until - loop.time()):
            call.take_back()
            await call.until(lambda: bool(call.code), call.agent.patience)

    def _connected(self) -> str:
        """Begin to send sound to who has picked up; return why it is not so, empty where it is."""
        if self.recalled or self.call.unwanted:
            return "recalled" if self.recalled else "no_answer"
        if not self.call.up:
            return ""
        try:
            self._media.connect(self.call.answer)
        except MediaError:
            return "no_sound"
        self.call.on_key = self._media.press
        self.call.on_media = self._media.follow
        return ""

    def _pressed(self, key: str, at: At) -> None:
        self._tell("key", key=key, at=str(at))

    def _tell(self, what: str, **told: object) -> None:
        self._count += 1
        data = {"call": self.call.id, "number": self._count, "to": self._to, **told}
        self._events.put_nowait(Request(f"{what}/{self.ref}", data))

    async def _kept(self) -> None:
        while (event := await self._events.get()) is not None:
            try:
                await self._keep(event)
            finally:
                self._events.task_done()
