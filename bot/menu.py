"""The menu of the hotline: its steps in one language, as the data of a call.

1 the latest alerts, 2 ask about a rumor, 3 help, 0 a person, 9 another language.
"""

from dataclasses import dataclass, field, replace

from bot import missed
from content import call
from content.call import Line, Meaning, Step
from content.message import Spoken
from content.plain import chinese
from content.speak import sentence

LOOKS, PATIENCE = 20, 5
"""How often at most an answer is looked for while the caller waits, a second each time; after how
many they are asked for patience."""
_MESSAGE = 60
"""Seconds of a recorded question."""


@dataclass(frozen=True, slots=True)
class Menu:
    """The hotline in one language; key 9 goes on in the other."""

    spoken: Spoken
    other: Spoken
    sender: str
    """The name of the community."""
    shown: bool
    """Whether the caller's number is shown: else nobody could call back."""
    named: bool
    """Whether the caller is asked for their building first, and greeted there."""
    phone: str = field(repr=False)
    """The number (E.164) of who is on duty; empty: nobody is."""
    speech: bool
    """Whether words are recognised."""

    @property
    def start(self) -> str:
        """Return the name of the step with which the call begins."""
        return self._name("building" if self.named else "menu")

    def steps(self, alerts: tuple[Line, ...]) -> dict[str, Step]:
        """Return the steps by their names; alerts: what is said of them."""
        menu = self._menu()
        steps = {
            "building": self._building(),
            "menu": _after(() if self.named else self._opening(), menu),
            "nowhere": _after(self._lines("hotline.no_building"), menu),
            "stay": _after(self._lines("hotline.stay"), menu),
            "unheard": _after(self._lines("hotline.unheard"), menu),
            **self._patience(menu),
            "alerts": self._told(alerts, menu),
            "rumor": self._rumor(),
            "wait": Step(say=self._lines("hotline.looking"), then=self._name("look1")),
            **self._looks(),
            missed.BACK: Step(then=self._name("stay"), language=self.spoken),
            missed.OVER: Step(then=self._name("anytime"), language=self.spoken),
            **self._ends(),
        }
        return {self._name(name): step for name, step in steps.items()}

    def _opening(self) -> tuple[Line, ...]:
        # an English voice cannot say a Chinese name
        if self.spoken is Spoken.ENGLISH and chinese(self.sender):
            return self._lines("call.opening_plain")
        return self._lines("call.opening", sender=self.sender)

    def _told(self, alerts: tuple[Line, ...], menu: Step) -> Step:
        """Return the alerts, which a key cuts short; a television that speaks does not."""
        stay = self._name("stay")
        return replace(menu, ask=alerts, silence=stay, words="", spoken={}, seconds=1)

    def _patience(self, menu: Step) -> dict[str, Step]:
        """Return the menu for who pressed nothing or another key, or spoke.

        Whoever presses a wrong key again needs a person, where there is one; nothing else that is
        repeated is followed by more than the end, for it may be a television.
        """
        over = self._name("goodbye")
        again, wrong, words = (
            _after(self._lines(f"call.{said}"), menu)
            for said in ("no_key", "wrong_key", "no_words")
        )
        return {
            "again": replace(again, silence=over),
            "wrong": replace(wrong, wrong=self._name("person") if self.phone else over),
            "words": replace(words, words=over, silence=over),
        }

    def _looks(self) -> dict[str, Step]:
        """Return the steps at which the answer is looked for, one after the other."""
        return {
            f"look{time}": Step(
                say=() if time % PATIENCE else self._lines("call.wait"),
                then=self._name(f"look{time + 1}" if time < LOOKS else "later"),
                language=self.spoken,
            )
            for time in range(1, LOOKS + 1)
        }

    def _ends(self) -> dict[str, Step]:
        """Return the steps that end a call, or hand it on."""
        seen = "" if self.shown else "_hidden"
        said = {
            "later": "hotline.later",
            "help": f"hotline.help{seen}",
            "unreached": "call.unreached" if self.shown else "hotline.unreached_hidden",
            "goodbye": "hotline.goodbye",
            "anytime": "call.call_back",
        }
        person = Step(
            say=self._lines("call.person"),
            forward=self.phone,
            then=self._name("unreached"),
            language=self.spoken,
        )
        ends = {
            name: Step(say=self._lines(key), language=self.spoken) for name, key in said.items()
        }
        return {"person": person, **ends}

    def _menu(self) -> Step:
        keys = {"1": "alerts"}
        if self.shown:
            keys |= {"2": "rumor", "3": "help"}
        if self.phone:
            keys["0"] = "person"
        asked = ["hotline.menu" if self.shown else "hotline.menu_hidden"]
        asked += ["call.prompt_person"] if self.phone else []
        named = {key: self._name(step) for key, step in keys.items()}
        person = {Meaning.PERSON: self._name("person")} if self.phone else {}
        return Step(
            ask=(*self._lines(*asked), *call.lines(self.other, sentence("call.offer", self.other))),
            keys=named | {call.OTHER: f"{self.other}-menu"},
            silence=self._name("again"),
            wrong=self._name("wrong"),
            words=self._name("words"),
            spoken={Meaning.HELP: self._name("help"), **person},
            language=self.spoken,
        )

    def _building(self) -> Step:
        key = "hotline.building_speak" if self.speech else "hotline.building"
        return Step(
            ask=(*self._opening(), *self._lines(key)),
            number=self._name("menu"),
            silence=self._name("menu"),
            words=self._name("menu"),
            spoken={Meaning.HELP: self._name("help")},
            language=self.spoken,
        )

    def _rumor(self) -> Step:
        if not self.speech:
            return Step(
                say=self._lines("hotline.record"),
                record=_MESSAGE,
                then=self._name("wait"),
                silence=self._name("unheard"),
                language=self.spoken,
            )
        return Step(
            ask=self._lines("hotline.speak"),
            words=self._name("wait"),
            silence=self._name("unheard"),
            wrong=self._name("wrong"),
            language=self.spoken,
        )

    def _lines(self, *keys: str, **values: object) -> tuple[Line, ...]:
        return call.lines(self.spoken, *(sentence(key, self.spoken, **values) for key in keys))

    def _name(self, step: str) -> str:
        return f"{self.spoken}-{step}"


def _after(said: tuple[Line, ...], menu: Step) -> Step:
    """Return a menu before which something is said: who knows the keys need not wait for it."""
    return replace(menu, ask=(*said, *menu.ask))
