"""Calls: from queued to their end, with the person who answers and the script that is played."""

import asyncio
import secrets
from collections import deque
from dataclasses import dataclass

from bot.sandbox.book import Call, Direction
from bot.sandbox.callee import Callee
from bot.sandbox.limits import Bucket
from bot.sandbox.line import HungUpError, Line
from bot.sandbox.params import Params, TwilioError
from bot.sandbox.phones import Answer, OnCall, Phone
from bot.sandbox.player import Audio, Player
from bot.sandbox.receipts import Receipts
from bot.sandbox.shapes import rfc2822, voice_params
from bot.sandbox.stage import Stage
from bot.sandbox.twiml import TwimlError
from bot.sandbox.web import Web

SETUP = 1.0
DETECTION = 4.0
DEFAULT_TIMEOUT = 60
FINAL = frozenset({"completed", "busy", "no-answer", "failed", "canceled"})
# status: the event under which it is reported
EVENTS = {"initiated": "initiated", "ringing": "ringing", "in-progress": "answered"}
SIP = {"busy": "486", "no-answer": "487", "failed": "404", "canceled": "487", "completed": "200"}


@dataclass(slots=True, eq=False)
class Live:
    """A call under way: its entry in the book, its parameters and its line."""

    call: Call
    params: Params
    line: Line
    phone: Phone | None
    sequence: int = 0


class Calls:
    """The calls of one account, started at its pace and within its concurrency."""

    def __init__(self, stage: Stage, web: Web, receipts: Receipts, account: str) -> None:
        self._stage = stage
        self._web = web
        self._receipts = receipts
        self._account = account
        self.audio = Audio(web)
        self.live: dict[str, Live] = {}
        self._queue: deque[Live] = deque()
        self._starting = False
        self._pace = Bucket(stage.clock, stage.limits.calls_per_second, 1.0)
        self._lines = asyncio.Semaphore(stage.limits.concurrent_calls or 1_000_000)

    def create(self, params: Params) -> Call:
        """Queue a call whose parameters were checked already."""
        trace = " ".join(
            params.get(name, "") for name in ("Url", "StatusCallback", "AsyncAmdStatusCallback")
        )
        call = self._call(Direction.OUT, params["To"], params["From"], trace)
        phone = self._stage.phones.by_number(call.to)
        live = self.live[call.sid] = Live(call, params, Line(self._stage), phone)
        self._queue.append(live)
        if not self._starting:
            self._starting = True
            self._stage.spawn(self._start_all())
        return call

    def update(self, call: Call, status: str) -> None:
        """Cancel a call that is not answered yet, or end one; raises TwilioError 21220."""
        live = self.live.get(call.sid)
        if live is None or call.status in FINAL:
            raise TwilioError(21220)
        if status == "canceled" and call.status == "in-progress":
            raise TwilioError(21220)
        if call.status == "queued" and live in self._queue:
            self._queue.remove(live)
            self._finish(live, "canceled")
        live.line.hang_up()

    def dials(self, phone: Phone, to: str, doing: OnCall | None = None) -> Call:
        """Somebody calls the committee's number; raises ValueError if nobody would answer it."""
        if not self._stage.voice_webhook:
            raise ValueError("热线还没有接通。No voice webhook is set for the committee's number.")
        call = self._call(Direction.IN, to, phone.number, "")
        call.status = "ringing"
        params = {"StatusCallback": self._stage.voice_status_webhook}
        live = self.live[call.sid] = Live(call, params, Line(self._stage), phone)
        self._stage.spawn(self._be_called(live, phone, doing or OnCall()))
        return call

    def on(self, phone: Phone) -> Live | None:
        """Return the call that this phone is in, ringing or talking, or None."""
        return next(
            (live for live in reversed(self.live.values()) if live.phone is phone and _rings(live)),
            None,
        )

    def _call(self, direction: Direction, to: str, sender: str, trace: str) -> Call:
        sid = "CA" + secrets.token_hex(16)
        call = Call(direction, sid, to, sender, self._stage.clock.now(), trace)
        self._stage.book.add(call)
        return call

    async def _start_all(self) -> None:
        """Start what is queued, first come first served, one at a time."""
        while self._queue:
            await self._lines.acquire()
            await self._stage.clock.sleep(self._pace.reserve())
            if self._queue:
                self._stage.spawn(self._run(self._queue.popleft()))
            else:
                self._lines.release()
        self._starting = False

    async def _run(self, live: Live) -> None:
        live.call.started_at = self._stage.clock.now()
        try:
            self._report(live, "initiated")
            status = await self._guarded(live)
        finally:
            self._lines.release()
        self._finish(live, status)

    async def _guarded(self, live: Live) -> str:
        """Run a call to its end and return its final status, whatever happens in it."""
        try:
            return await self._connect(live)
        except HungUpError:
            return "completed" if live.call.answered_at else "canceled"
        except TwimlError as error:
            live.call.error_code = error.code
            where = live.params.get("Url", self._stage.voice_webhook)
            self._stage.book.note(self._stage.clock.now(), error.code, error.what, where)
            return "completed"

    async def _connect(self, live: Live) -> str:
        phone = live.phone
        doing = phone.behaviour.call(phone.calls) if phone else OnCall(Answer.UNKNOWN)
        await live.line.pause(SETUP)
        if phone is None or doing.answer is Answer.UNKNOWN:
            live.call.error_code = 13224
            return "failed"
        phone.calls += 1
        if doing.answer is Answer.BUSY and not phone.manned:
            return "busy"
        self._become(live, "ringing")
        picked = await self._ring(live, phone, doing)
        if not picked:
            return "no-answer" if picked is None else "busy"
        await self._talk(live, phone, doing)
        return "completed"

    async def _ring(self, live: Live, phone: Phone, doing: OnCall) -> bool | None:
        timeout = float(live.params.get("Timeout", DEFAULT_TIMEOUT))
        rings = timeout
        if doing.answer in {Answer.PICKS_UP, Answer.MACHINE} and not phone.manned:
            rings = min(timeout, self._stage.delay(phone, f"call{phone.calls}", doing.rings))
        picked = await live.line.ring(rings)
        if picked is None and rings < timeout:
            # somebody may have taken this phone over while it rang
            return await live.line.ring(timeout - rings) if phone.manned else True
        return picked

    async def _talk(self, live: Live, phone: Phone, doing: OnCall) -> None:
        call, params = live.call, live.params
        call.answered_at = self._stage.clock.now()
        machine = doing.answer is Answer.MACHINE and not phone.manned
        if not machine:
            live.line.on_question = Callee(self._stage, phone, live.line, doing).hear
        self._become(live, "in-progress")
        if "TimeLimit" in params:
            self._stage.later(float(params["TimeLimit"]), live.line.hang_up)
        await self._detect(live, machine=machine)
        player = self._player(live)
        if "Twiml" in params:
            await player.play(params["Twiml"])
        else:
            await player.fetch(params["Url"], params.get("Method", "POST"))

    async def _detect(self, live: Live, *, machine: bool) -> None:
        """Find out who answered, before the script or beside it."""
        mode = live.params.get("MachineDetection")
        if mode is None:
            return
        voice = "machine_end_beep" if mode == "DetectMessageEnd" else "machine_start"
        answered_by = voice if machine else "human"
        if live.params.get("AsyncAmd") == "true":
            self._stage.later(DETECTION, lambda: self._detected(live, answered_by))
            return
        await live.line.pause(DETECTION)
        live.call.answered_by = answered_by

    def _detected(self, live: Live, answered_by: str) -> None:
        live.call.answered_by = answered_by
        params = voice_params(live.call, self._account) | {
            "MachineDetectionDuration": str(int(DETECTION * 1000))
        }
        url = live.params.get("AsyncAmdStatusCallback", "")
        method = live.params.get("AsyncAmdStatusCallbackMethod", "POST")
        self._receipts.post(url, live.call.sid, params, method)

    async def _be_called(self, live: Live, phone: Phone, doing: OnCall) -> None:
        """Run a call that somebody placed to the committee."""
        call = live.call
        call.started_at = call.answered_at = self._stage.clock.now()
        live.line.on_question = Callee(self._stage, phone, live.line, doing).hear
        live.params["Url"] = self._stage.voice_webhook
        try:
            await self._player(live).fetch(self._stage.voice_webhook)
            status = "completed"
        except HungUpError:
            status = "completed"
        except TwimlError as error:
            status, call.error_code = "failed", error.code
            where = self._stage.voice_webhook
            self._stage.book.note(self._stage.clock.now(), error.code, error.what, where)
        self._finish(live, status)

    def _player(self, live: Live) -> Player:
        def params() -> Params:
            return voice_params(live.call, self._account)

        return Player(self._stage, self._web, self.audio, live.call, live.line, params)

    def _become(self, live: Live, status: str) -> None:
        live.call.status = status
        self._stage.book.touch(live.call.to)
        self._stage.book.touch(live.call.sender)
        self._report(live, status)

    def _finish(self, live: Live, status: str) -> None:
        live.call.ended_at = self._stage.clock.now()
        live.line.ended = True
        self.live.pop(live.call.sid, None)
        self._become(live, status)

    def _report(self, live: Live, status: str) -> None:
        """Post a status callback if this event was asked for; by default only the end."""
        event = EVENTS.get(status, "completed")
        if event not in live.params.get("StatusCallbackEvent", "completed").split():
            return
        params = voice_params(live.call, self._account, status) | {
            "CallbackSource": "call-progress-events",
            "SequenceNumber": str(live.sequence),
            "Timestamp": rfc2822(self._stage.clock.now()) or "",
        }
        if status in FINAL:
            params |= {
                "CallDuration": str(live.call.duration),
                "Duration": str(-(-live.call.duration // 60)),
                "SipResponseCode": SIP[status],
            }
        live.sequence += 1
        url = live.params.get("StatusCallback", "")
        method = live.params.get("StatusCallbackMethod", "POST")
        self._receipts.post(url, live.call.sid, params, method)


def _rings(live: Live) -> bool:
    return live.call.status in {"ringing", "in-progress"}
