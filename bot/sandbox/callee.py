"""Callee: somebody on the phone who answers questions by keys or words."""

from functools import partial

from bot.sandbox.line import Line
from bot.sandbox.phones import OnCall, Phone
from bot.sandbox.stage import Stage


class Callee:
    """Somebody on the phone, who answers one question after the other as their behaviour says."""

    def __init__(self, stage: Stage, phone: Phone, line: Line, doing: OnCall) -> None:
        self._stage = stage
        self._phone = phone
        self._line = line
        self._doing = doing
        self._asked = 0

    def hear(self, seconds: float, expects: str) -> None:
        """Hear a question and decide what to do when so much of it has been listened to."""
        number, doing = self._asked, self._doing
        self._asked += 1
        if self._phone.manned:
            return
        reacts = self._stage.delay(self._phone, f"key{self._phone.calls}.{number}", doing.reacts)
        wait = seconds * doing.listens + reacts
        if "speech" in expects and number < len(doing.speech) and doing.speech[number]:
            self._stage.later(wait, lambda: self._speak(number, doing.speech[number]))
        elif number < len(doing.keys):
            for place, key in enumerate(doing.keys[number]):
                self._stage.later(wait + place / 2, partial(self._press, number, key))
        elif doing.hangs_up:
            self._stage.later(wait, self._line.hang_up)

    def _press(self, number: int, key: str) -> None:
        if self._asked == number + 1 and not self._phone.manned:
            self._line.press(key)

    def _speak(self, number: int, text: str) -> None:
        if self._asked == number + 1 and not self._phone.manned:
            self._line.speak(text)
