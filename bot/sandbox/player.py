"""Player: plays TwiML on a line in clock time, as Twilio does in a call."""

import re
import secrets
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urljoin
from xml.etree.ElementTree import Element

from bot.sandbox.book import Call, Spoken
from bot.sandbox.line import HungUpError, Line
from bot.sandbox.params import Params
from bot.sandbox.stage import Stage
from bot.sandbox.twiml import TwimlError, parse
from bot.sandbox.web import Answer, Web

PER_CHARACTER = 0.28
PER_WORD = 0.4
PER_STOP = 0.3
TALK = 20.0
RINGS = 30.0
MAX_STEPS = 100
KEPT_AUDIO = 100
PERCENT = re.compile(r"(\d+)%")
RATES = {"x-slow": 0.5, "slow": 0.75, "fast": 1.25, "x-fast": 1.5}
BREAK = re.compile(r"(\d+(?:\.\d+)?)(ms|s)")


@dataclass(frozen=True, slots=True)
class Prompt:
    """A piece of speech, sound or silence with its length in clock seconds."""

    verb: str
    text: str
    seconds: float
    audio: str = ""


class Audio:
    """Sounds that were fetched, the last of them kept for the page."""

    def __init__(self, web: Web) -> None:
        self._web = web
        self._kept: OrderedDict[str, Answer] = OrderedDict()

    def kept(self, url: str) -> Answer | None:
        """Return a sound that was played lately, or None."""
        return self._kept.get(url)

    async def fetch(self, url: str) -> float:
        """Fetch a sound and return its length in seconds; raises TwimlError."""
        answer = await self._web.call(url, {}, "GET")
        if not answer.ok:
            raise TwimlError(11200, "the sound could not be fetched")
        if not answer.content_type.startswith("audio/"):
            raise TwimlError(12300, "the sound has no audio content type")
        seconds = wav_seconds(answer.body)
        self._kept[url] = answer
        if len(self._kept) > KEPT_AUDIO:
            self._kept.popitem(last=False)
        return seconds


class Player:
    """Plays one call's documents, one after the other, until one ends or somebody hangs up."""

    def __init__(
        self,
        stage: Stage,
        web: Web,
        audio: Audio,
        call: Call,
        line: Line,
        params: Callable[[], Params],
    ) -> None:
        self._stage = stage
        self._web = web
        self._audio = audio
        self._call = call
        self._line = line
        self._params = params
        self._steps = 0

    async def fetch(self, url: str, method: str = "POST", extra: Params | None = None) -> None:
        """Fetch a document and play it; raises TwimlError or HungUpError."""
        next_step: tuple[str, str, Params] | None = (url, method, extra or {})
        while next_step is not None:
            url, method, more = next_step
            answer = await self._web.call(url, self._params() | more, method)
            if not answer.ok:
                raise TwimlError(11200, f"HTTP {answer.status} instead of TwiML")
            next_step = await self._play(parse(answer.body, answer.content_type, "voice"), url)

    async def play(self, twiml: str) -> None:
        """Play a document given as text; raises TwimlError or HungUpError."""
        next_step = await self._play(parse(twiml.encode(), "text/xml", "voice"), "")
        if next_step is not None:
            await self.fetch(*next_step)

    async def _play(self, response: Element, base: str) -> tuple[str, str, Params] | None:
        """Play verb after verb; returns the URL, method and parameters of the next document."""
        for verb in response:
            self._steps += 1
            if self._steps > MAX_STEPS:
                raise TwimlError(12200, "the call goes round in circles")
            next_step = await self._verb(verb, base)
            if next_step is not None:
                return next_step
        return None

    async def _verb(self, verb: Element, base: str) -> tuple[str, str, Params] | None:
        if verb.tag in {"Hangup", "Reject"}:
            raise HungUpError
        if verb.tag == "Redirect":
            if not (verb.text or "").strip():
                raise TwimlError(12100, "<Redirect> has no address")
            return _next(verb, base, (verb.text or "").strip(), {})
        if verb.tag == "Gather":
            return await self._gather(verb, base)
        if verb.tag == "Dial":
            return await self._dial(verb, base)
        if verb.tag == "Record":
            return await self._record(verb, base)
        prompt = await self._prompt(verb, base)
        self._say(prompt)
        await self._line.pause(prompt.seconds)
        return None

    async def _gather(self, gather: Element, base: str) -> tuple[str, str, Params] | None:
        prompts = [await self._prompt(child, base) for child in gather]
        self._line.ask(sum(prompt.seconds for prompt in prompts), gather.get("input", "dtmf"))
        try:
            digits = await self._listen(gather, prompts)
        finally:
            self._line.close()
        result: Params = {}
        if self._line.speech:
            result = {"SpeechResult": self._line.speech, "Confidence": "0.91"}
        elif digits or gather.get("actionOnEmptyResult") == "true":
            result = {"Digits": digits}
        if digits:
            self._call.keys.append(digits)
        if not result:
            return None
        return _next(gather, base, gather.get("action", ""), result)

    async def _listen(self, gather: Element, prompts: list[Prompt]) -> str:
        """Return the digits pressed during the prompts or within the timeout after them."""
        most = int(gather.get("numDigits", "0"))
        finish = gather.get("finishOnKey", "#")
        timeout = float(gather.get("timeout", "5"))
        key, digits = "", ""
        for prompt in prompts:
            self._say(prompt)
            key = await self._line.key(prompt.seconds)
            if key or self._line.speech:
                break
        key = key or await self._line.key(timeout)
        while key and key != finish:
            digits += key
            if most and len(digits) >= most:
                break
            key = await self._line.key(timeout)
        return digits

    async def _dial(self, verb: Element, base: str) -> tuple[str, str, Params] | None:
        """Connect to somebody else: talk for a while, then tell the action."""
        who = "".join(verb.itertext()).strip()
        missed = who in self._stage.book.unreachable
        length = RINGS if missed else TALK
        self._say(Prompt(verb.tag, who, length))
        await self._line.pause(length)
        if not verb.get("action"):
            return None
        result = {"DialCallStatus": "no-answer" if missed else "completed"}
        if not missed:
            result["DialCallDuration"] = str(int(length))
        return _next(verb, base, verb.get("action", ""), result)

    async def _record(self, verb: Element, base: str) -> tuple[str, str, Params] | None:
        """Record for a while, then tell the action; also when the person hangs up meanwhile."""
        length, begun = min(TALK, float(verb.get("maxLength", TALK))), self._stage.clock.now()
        self._say(Prompt(verb.tag, "", length))
        try:
            await self._line.pause(length)
        except HungUpError:
            spoken = (self._stage.clock.now() - begun).total_seconds()
            url, method, result = self._recorded(verb, base, spoken, "hangup")
            await self._web.call(url, self._params() | result, method)
            raise
        return self._recorded(verb, base, length, "#") if verb.get("action") else None

    def _recorded(
        self, verb: Element, base: str, seconds: float, ended: str
    ) -> tuple[str, str, Params]:
        sid = "RE" + secrets.token_hex(16)
        self._stage.book.recordings[sid] = int(seconds)
        self._stage.book.recorded_at[sid] = self._stage.clock.now()
        result = {
            "RecordingSid": sid,
            "RecordingUrl": f"https://api.twilio.com/Recordings/{sid}",
            "RecordingDuration": str(int(seconds)),
            "Digits": ended,
        }
        return _next(verb, base, verb.get("action", ""), result)

    async def _prompt(self, verb: Element, base: str) -> Prompt:
        if verb.tag == "Pause":
            return Prompt("Pause", "", float(verb.get("length", "1")))
        loop = max(1, int(verb.get("loop", "1")))
        if verb.tag == "Play":
            url = urljoin(base, (verb.text or "").strip())
            return Prompt("Play", "", await self._audio.fetch(url) * loop, url)
        text = re.sub(r"\s+", " ", "".join(verb.itertext())).strip()
        breaks = sum(_break(element) for element in verb.iter("break"))
        rate = next((_rate(element) for element in verb.iter("prosody")), 1.0)
        return Prompt("Say", text, (speech_seconds(text) / rate + breaks) * loop)

    def _say(self, prompt: Prompt) -> None:
        now = self._stage.clock.now()
        self._call.script.append(
            Spoken(prompt.verb, prompt.text, now, prompt.seconds, prompt.audio)
        )
        self._stage.book.touch(self._call.to)
        self._stage.book.touch(self._call.sender)


def _next(verb: Element, base: str, url: str, result: Params) -> tuple[str, str, Params]:
    return urljoin(base, url) if url else base, verb.get("method", "POST"), result


def _break(element: Element) -> float:
    found = BREAK.fullmatch(element.get("time", "0.5s"))
    if found is None:
        return 0.5
    return float(found[1]) / (1000 if found[2] == "ms" else 1)


def _rate(element: Element) -> float:
    """Return how fast a prosody element makes the voice, 1 being normal."""
    rate = element.get("rate", "100%")
    if found := PERCENT.fullmatch(rate):
        return max(20, int(found[1])) / 100
    return RATES.get(rate, 1.0)


def speech_seconds(text: str) -> float:
    """Return how long a text takes to say: by characters in Chinese, by words elsewhere."""
    characters = len(re.findall(r"[\u3400-\u9fff]", text))
    words = len(re.findall(r"[A-Za-z]+|\d", text))
    stops = len(re.findall(r"[,.;:!?，。；：！？、]", text))
    return characters * PER_CHARACTER + words * PER_WORD + stops * PER_STOP


def wav_seconds(content: bytes) -> float:
    """Return the length of a WAV of any coding; raises TwimlError if it is none."""
    if content[:4] != b"RIFF" or content[8:12] != b"WAVE":
        raise TwimlError(12300, "the sound is not a WAV file")
    rate, at = 0, 12
    while at + 8 <= len(content):
        name, size = content[at : at + 4], int.from_bytes(content[at + 4 : at + 8], "little")
        if name == b"fmt ":
            rate = int.from_bytes(content[at + 16 : at + 20], "little")
        if name == b"data" and rate:
            return min(size, len(content) - at - 8) / rate
        at += 8 + size + size % 2
    raise TwimlError(12300, "the WAV file holds no sound")
