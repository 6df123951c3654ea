"""The demo's story: a rainstorm, its review, update and end; a rumor, its reversal, a new one."""

import asyncio
import json
import os
import sys
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.demo import script
from bot.demo.acting import Actor, StoryError
from bot.demo.world import World
from content import alert as alerts
from content import coverage, due, inbound, notice, phrase
from content.delivery import DeliveryState
from content.message import Written
from content.staff import Role

Tell = Callable[[str, int], None]
SCENES = 8
_PATIENCE = 120.0
"""Real seconds for everybody to be accounted for."""
_HALF = 0.5
_WAITING = 4.0
"""How much faster the clock runs while everybody only waits."""
_GLANCE = 0.1
_DESK = ("case.received", "ask.question", "answer.source", "case.joined")


@dataclass(slots=True)
class Told:
    """What the story has brought about, for the report and the books."""

    code: str = ""
    first: uuid.UUID | None = None
    """The alert's notice."""
    update: uuid.UUID | None = None
    end: uuid.UUID | None = None
    refused: str = ""
    """The sentence with which the author's own approval was refused."""
    known: str = ""
    reversed: str = ""
    checking: str = ""
    settled: str = ""
    half: int = 0
    """Residents who had been sent the alert when its update was published."""
    began: datetime | None = None


class Story:
    """Plays the scenes in order; every act goes through the chat or the command line."""

    def __init__(self, world: World, tell: Tell) -> None:
        self.world = world
        self.told = Told()
        self._tell = tell
        self._rain, self._talk = script.rain(world.clock.now()), script.talk()
        self._author = self._staff(Role.AUTHOR)
        self._verifier = self._staff(Role.VERIFIER)
        self._editor = self._staff(Role.EDITOR)
        self._publisher = self._staff(Role.PUBLISHER)
        self._tried: asyncio.Task[Done] | None = None

    async def play(self) -> Told:
        """Play everything; raises StoryError when an answer does not come."""
        scenes = (
            ("工作人员和居民登记", self._register),
            ("写通知，核实人退回，作者改过", self._draft),
            ("作者想自己核实", self._own_approval),
            ("核实、编辑、发布", self._review),
            ("发到一半，情况有变，发更新", self._update),
            ("居民转来传言", self._rumors),
            ("等每一位居民都有着落", self._reach),
            ("警报解除", self._end),
        )
        for done, (title, scene) in enumerate(scenes):
            self._tell(title, done)
            await scene()
        self._tell("演示完成", SCENES)
        return self.told

    async def _register(self) -> None:
        """Bind staff by invitation, residents by personal code and consent."""
        people = [self._actor(int(chat)) for chat in self.world.codes]
        for person in people:
            person.start(self.world.codes[str(person.phone.chat)])
        staff = {one.member.chat for one in self.world.staff.values()}
        for person in people:
            if person.phone.chat in staff:
                await person.read("绑定")
            else:
                await person.press(_word("button.yes"))
        for person in people:
            if person.phone.chat not in staff:
                # in the language of the person whom the code belongs to
                await person.read("")

    async def _draft(self) -> None:
        """/broadcast with a wrong figure; the verifier returns it; the author writes it again."""
        author = self._author
        author.say("/broadcast")
        await author.read(_word("staff.broadcast_text"))
        self.told.code = await self._write(self._rain.wrong)
        await author.read(_word("staff.broadcast_audience"))
        author.say("全部")
        await author.press(_word("color.红"))
        await author.press(_word("staff.submit"))
        await self._verifier.press(_word("staff.return"))
        await self._verifier.read(_word("staff.return_reason"))
        self._verifier.say(self._rain.reason)
        await author.press(_word("staff.rework"))
        await author.read(_word("staff.broadcast_text"))
        await self._write(self._rain.right)
        await author.press(_word("staff.submit"))

    async def _own_approval(self) -> None:
        """Let the author try to verify their own draft on the command line, while others work."""
        token = self._token(Role.AUTHOR)
        tried = self._command(token, "alert", "verify", self.told.code)
        self._tried = asyncio.create_task(tried)

    async def _refused(self) -> None:
        """See how the author's own approval ended: refused, with the review's sentence."""
        if self._tried is None:
            return
        done = await self._tried
        if done.status == 0 or "作者不能" not in done.said:
            raise StoryError(f"The author was not refused as the author: {done.said}")
        self.told.refused = done.said

    async def _review(self) -> None:
        """Verify, edit and publish by three more people."""
        await self._verifier.press(_word("staff.verify"))
        await self._editor.press(_word("staff.edit"), within=_word("staff.step_edit"))
        await self._editor.read(_word("staff.broadcast_text"))
        self._editor.say(self._rain.edited[Written.HANS].typed)
        await self._publisher.press(_word("staff.publish"), within=_word("staff.difference"))
        self.told.began = self.world.clock.now()
        await self._publisher.read(_word("staff.published", code=self.told.code, count=300))
        self.told.first = await self._notice()

    async def _update(self) -> None:
        """Write the update at once; it passes the same three steps while the first one runs."""
        author = self._author
        headline = self._rain.update[Written.HANS].headline
        author.say(f"/update {self.told.code}")
        await author.read(_word("staff.broadcast_text"))
        await self._write(self._rain.update)
        await author.press(_word("staff.submit"))
        await self._verifier.press(_word("staff.verify"), within=headline)
        await self._editor.press(_word("staff.edit_done"), within=headline)
        await self._publisher.read(headline, label=_word("staff.publish"))
        await self._until(self._half_sent)
        self.told.half = await self._sent()
        await self._publisher.press(_word("staff.publish"), within=headline)
        await self._publisher.read(_word("staff.published", code=self.told.code, count=300))
        self.told.update = await self._notice()

    async def _rumors(self) -> None:
        """Forward a known rumor, the same reversed, and something new, settled by an expert."""
        one, two, three = (self._actor(chat) for chat in self._askers())
        one.forward(self._talk.forwarded)
        two.forward(self._talk.reversed)
        three.say(self._talk.new)
        self.told.known = (await one.read(_word("verdict.false"))).body
        self.told.checking = (await three.read(_number(_word("case.received")))).body
        self.told.reversed = await self._answer_of(two)
        settlement = script.settlement()
        token = self._token(Role.EXPERT)
        listed = await self._command(token, "cases", "list", "--json")
        number = _case(listed.said, self._talk.new)
        args = [word for name in settlement for word in (f"--{name}", settlement[name])]
        done = await self._command(token, "cases", "settle", number, *args)
        if done.status:
            raise StoryError(f"The case was not settled: {done.said}")
        await self._publisher.press(_word("staff.publish"), within=_word("page.publish"))
        self.told.settled = (await three.read(settlement["truth"])).body

    async def _answer_of(self, asker: Actor) -> str:
        """Wait for what the desk says, whatever it is: alerts arrive in between."""
        until = time.monotonic() + _PATIENCE
        words = [_number(_word(key)) for key in _DESK]
        while time.monotonic() < until:
            for message in asker.unread():
                if any(word in message.body for word in words):
                    return message.body
            await asyncio.sleep(_GLANCE)
        raise StoryError("The desk has not answered the reversed rumor.")

    async def _reach(self) -> None:
        """Wait until everybody is accounted for; while only people are waited for, faster."""
        clock, scale = self.world.clock, self.world.clock.scale
        until = time.monotonic() + _PATIENCE
        while not await self._everybody():
            if time.monotonic() > until:
                raise StoryError("Not everybody was accounted for in time.")
            clock.pace(scale * _WAITING if await self._quiet() else scale)
            await asyncio.sleep(_GLANCE)
        clock.pace(scale)
        await self._refused()

    async def _end(self) -> None:
        """Cancel: everybody who was told hears that it is over."""
        self._publisher.say(f"/cancel {self.told.code}")
        await self._publisher.read(_word("staff.step_cancel"))
        self.told.end = await self._notice()
        await self._until(self._everybody)
        await self._until(self._quiet)

    async def _write(self, texts: script.Texts) -> str:
        """Send the Chinese and the English text; return the draft's code."""
        author = self._author
        author.say(texts[Written.HANS].typed)
        await author.read(_word("staff.broadcast_more"))
        kept = next(one.body for one in author.unread() if "A" in one.body and "草稿" in one.body)
        author.say(texts[Written.ENGLISH].typed)
        return "A" + "".join(char for char in kept.split("A", 1)[1] if char.isdigit())

    async def _until(self, happened: Callable[[], Any]) -> None:
        until = time.monotonic() + _PATIENCE
        while not await happened():
            if time.monotonic() > until:
                raise StoryError("Not everybody was accounted for in time.")
            await asyncio.sleep(_GLANCE)

    async def _half_sent(self) -> bool:
        return await self._sent() >= len(self.world.people) * _HALF

    async def _sent(self) -> int:
        """Return how many residents a provider has been given the first alert for."""
        first = self.told.first
        if first is None:
            return 0
        return await self.world.store.query(lambda session: coverage.started(session, first))

    async def _quiet(self) -> bool:
        """Say whether everything that arrived was handled and everything due was sent."""
        return await self.world.store.query(
            lambda session: (
                not inbound.open_ids(session, self.world.clock.now()) and not due.busy(session)
            )
        )

    async def _everybody(self) -> bool:
        last = await self._notice()
        counts = await self.world.store.query(lambda session: coverage.counts(session, last))
        return not counts.get(DeliveryState.OPEN, 0)

    async def _notice(self) -> uuid.UUID:
        """Return the newest notice of the alert."""

        def work(session: Any) -> uuid.UUID:
            made = notice.last(session, alerts.get(session, self.told.code).id)
            if made is None:
                raise StoryError("The alert was not published.")
            return made.id

        return await self.world.store.query(work)

    def _askers(self) -> list[int]:
        return [one.chat for one in self.world.people if one.chat and one.written == "简体"][:3]

    def _staff(self, role: Role) -> Actor:
        return self._actor(self.world.staffer(role).member.chat)

    def _token(self, role: Role) -> str:
        return self.world.staffer(role).token

    def _actor(self, chat: int) -> Actor:
        sandbox = self.world.sandbox
        return Actor(sandbox, sandbox.chats, self.world.phone(chat))

    async def _command(self, token: str, *args: str) -> "Done":
        """Run `linxun` as a member of staff, as its own process."""
        folder = self.world.folder
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "bot",
            *args,
            env={
                **{k: v for k, v in os.environ.items() if not k.startswith("LINXUN_")},
                "LINXUN_DATABASE_URL": self.world.store.url,
                "LINXUN_KEY_FILE": str(folder / "linxun.key"),
                "LINXUN_TOKEN": token,
                "LINXUN_LOG_LEVEL": "ERROR",
                "COLUMNS": "200",
            },
            cwd=folder,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await process.communicate()
        return Done(process.returncode or 0, said.decode("utf-8", "replace").strip())


@dataclass(frozen=True, slots=True)
class Done:
    """How a command ended and what it said."""

    status: int
    said: str


def _word(key: str, **values: object) -> str:
    table = phrase.table(Written.HANS)[key]
    return phrase.say(key, Written.HANS, **values) if values or "{" not in table else table


def _number(text: str) -> str:
    return text.split("{", maxsplit=1)[0]


def _case(listed: str, text: str) -> str:
    for row in json.loads(listed):
        if text[:12] in str(row):
            return str(row["number"])
    raise StoryError("The new question did not become a case.")
