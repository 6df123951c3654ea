"""Outlook: a draft in every form, and in words whom it reaches first, by what and until when."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

import phonenumbers
from sqlalchemy.orm import Session

from bot.prices import Prices
from channels import forecast as forecasts
from channels.flow import Limit
from channels.forecast import Forecast, Queue, Sending
from channels.spend import Spend
from content import alert as alerts
from content import bulletin, clarity, compose, phrase, recording, segment, store
from content.alert import MsgType, ReviewError, Revision
from content.compose import Reader
from content.draft import Draft
from content.ladder import Ladders
from content.message import Kind, Message, Spoken, Unfit, Written
from content.notice import NoticeKind
from content.pace import Sender
from content.place import Community
from content.plain import moment
from content.texting import Texting

_SPOKEN = {Written.ENGLISH: Spoken.ENGLISH}
WHOLE = Texting()
"""No registered texts, and links to nobody."""
_WAITS = 60
"""Seconds of waiting that are worth a line."""


class Outlook:
    """One draft as it would go out at `now`."""

    def __init__(
        self,
        session: Session,
        revision: Revision,
        draft: Draft,
        now: datetime,
        texting: Texting = WHOLE,
    ) -> None:
        alert = alerts.get(session, revision.alert_id)
        self._texting = texting
        region = session.get_one(Community, store.community(session)).region
        # what most numbers of a community begin with stands for all of them
        self._number = f"+{phonenumbers.country_code_for_region(region)}"
        self.code = alert.code
        self._session = session
        self._id = revision.id
        self._draft = draft
        self._now = now
        updates = revision.msg_type is MsgType.UPDATE
        self._replaces = revision.alert_id if updates else None
        self._fields = {
            language: dict(fields)
            for language, fields in bulletin.texts(session, alert, revision, draft, now).items()
        }
        self._message = cache(self._render)

    def forms(self) -> dict[Written, Message]:
        """Render the draft in each language it has."""
        return {language: self._form(language) for language in self._fields}

    def _form(self, language: Written) -> Message:
        spoken = _SPOKEN.get(language, Spoken.MANDARIN)
        text = self._message(Kind.SMS, language, spoken).sms
        return replace(self._message(Kind.CHAT, language, spoken), sms=text)

    def unfit(self) -> list[Unfit]:
        """Return why its registered SMS texts cannot be filled, for itself and for its end."""
        found = [
            self._misfit(language, fields | more)
            for language, fields in self._fields.items()
            for more in ({}, self._end(language))
        ]
        return list({str(one): one for one in found if one is not None}.values())

    def _end(self, language: Written) -> dict[str, str]:
        over = self._draft.texts[language].cancel_text
        return {"msg_type": MsgType.CANCEL, "description": over, "instruction": ""}

    def _misfit(self, language: Written, fields: dict[str, Any]) -> Unfit | None:
        who = Reader(self._id, language, _SPOKEN.get(language, Spoken.MANDARIN))
        try:
            self._texting(self._number, compose.of(NoticeKind.ALERT, {language: fields}, who))
        except Unfit as unfit:
            return unfit
        return None

    def spoken(self, language: Spoken) -> Message:
        """Render the call for who hears this language."""
        written = compose.language(Kind.CALL, phrase.written(language), language)
        return self._message(Kind.CALL, written, language)

    def forecast(self, ladders: Ladders, senders: Sequence[Sender]) -> Forecast:
        """Return whom it would reach first by what, and when the last of them."""
        readings = recording.playable(self._session, self._id, accepted=False)

        def message(kind: Kind, written: Written, spoken: Spoken) -> Message:
            told = self._message(kind, written, spoken)
            if kind is not Kind.CALL or told.speech is None:
                return told
            who = Reader(self._id, written, spoken)
            return replace(told, speech=compose.read_out(told.speech, readings, who))

        given = self._draft.audience, self._draft.severity, self._draft.expires
        sending = Sending(*given, message, self._replaces)
        return forecasts.forecast(self._session, sending, ladders, senders, self._now)

    def figures(
        self, plan: Forecast, zone: ZoneInfo, language: Written, prices: Prices
    ) -> list[str]:
        """Return what staff must know before it goes out, in their language."""
        missing = sorted(
            (one, count)
            for one, count in plan.languages.items()
            if one not in self._fields and one is not Written.HANT
        )
        said: list[tuple[str, dict[str, Any]]] = [
            ("staff.preview", {"code": self.code}),
            ("staff.preview_count", {"count": plan.recipients}),
            *(
                ("staff.preview_kind", {"kind": phrase.say(f"kind.{kind}", language), "count": n})
                for kind, n in sorted(plan.first.items())
                if kind is not Kind.DOOR
            ),
            *(("staff.preview_missing", {"language": one, "count": n}) for one, n in missing),
        ]
        lines = [phrase.say(key, language, **values) for key, values in said]
        spent = costs(plan.spends, language, prices)
        return [
            *lines,
            *self._sizes(language),
            *spent,
            *times(plan, zone, language),
            *map(str, self.unfit()),
            *self._headed(language),
        ]

    def _sizes(self, language: Written) -> Iterator[str]:
        """Say what an SMS takes in each language, also where it is only a later step."""
        for tongue, message in self.forms().items():
            size = segment.measure(message.sms)
            yield phrase.say(
                "outlook.sms_size",
                language,
                language=_tongue(tongue, language),
                segments=size.segments,
                alphabet=size.encoding,
                units=size.units,
            )

    def unclear(self, language: Written) -> list[str]:
        """Return what is hard to follow in its texts, a sentence each."""
        bodies = {tongue: text.body for tongue, text in self._draft.texts.items()}
        return clarity.warnings(bodies, language)

    def _headed(self, language: Written) -> list[str]:
        found = self.unclear(language)
        return [phrase.say("staff.unclear", language), *found] if found else []

    def _render(self, kind: Kind, written: Written, spoken: Spoken) -> Message:
        # there is no notice yet: the revision stands for it
        who = Reader(self._id, compose.language(kind, written, spoken), spoken)
        message = compose.of(NoticeKind.ALERT, self._fields, who)
        if kind is not Kind.SMS:
            return message
        try:
            return replace(message, sms=self._texting(self._number, message).body)
        except Unfit:
            return message


def fit(outlook: Outlook) -> None:
    """Raise ReviewError where a registered SMS text refuses what can still be shortened."""
    said = [str(one) for one in outlook.unfit() if not one.missing]
    if said:
        raise ReviewError("\n".join(said))


def form(language: Written, message: Message, reader: Written = Written.HANS) -> str:
    """Return how it would read in chat, as an SMS and aloud, under headings for `reader`."""
    spoken = message.speech.script if message.speech else ""
    parts = (("chat", message.chat), ("text", message.sms), ("call", spoken))
    told = (f"{phrase.say(f'staff.preview_{key}', reader)}\n{text}" for key, text in parts)
    return f"[{language}]\n" + "\n\n".join(told)


def costs(spends: Sequence[Spend], language: Written, prices: Prices) -> list[str]:
    """Return what each kind takes in each language, its money where it has a price, and the sum."""
    said = [_cost(one, language, prices) for one in spends]
    paid = [prices.of(one.kind, one.units) or 0 for one in spends]
    if sum(paid):
        said.append(phrase.say("outlook.cost", language, cost=prices.money(sum(paid))))
    return said


def _cost(one: Spend, language: Written, prices: Prices) -> str:
    values = {
        "language": _tongue(one.language, language),
        "count": one.count,
        "each": one.each,
        "units": one.units,
    }
    line = phrase.say(f"outlook.spend_{one.kind}", language, **values)
    money = prices.of(one.kind, one.units)
    return (
        line
        if money is None
        else line + phrase.say("outlook.money", language, cost=prices.money(money))
    )


def _tongue(written: Written, language: Written) -> str:
    return phrase.say(f"outlook.written_{written.replace('-', '_')}", language)


def times(plan: Forecast, zone: ZoneInfo, language: Written) -> list[str]:
    """Return what holds the first contacts up, when the last of them starts, what would help."""
    teller = _Teller(plan, zone, language)
    return [line for queue in plan.queues for line in teller.queue(queue)] + teller.warnings()


class _Teller:
    def __init__(self, plan: Forecast, zone: ZoneInfo, language: Written) -> None:
        self._plan = plan
        self._zone = zone
        self._language = language

    def queue(self, queue: Queue) -> Iterator[str]:
        kind = queue.sender.kind
        names = {"kind": self._say(f"kind.{kind}"), "count": queue.count}
        if queue.hushed:
            yield self._say("outlook.hushed", at=self._at(queue.begins), **names)
        if queue.ahead:
            yield self._say("outlook.ahead", **names | {"count": queue.ahead})
        if (queue.last - self._plan.now).total_seconds() >= _WAITS:
            yield self._last(queue) + self._better(queue)
        if queue.late:
            ends = self._at(self._plan.expires_at)
            yield self._say("outlook.late", at=ends, **names | {"count": queue.late})

    def warnings(self) -> list[str]:
        plan, said = self._plan, []
        if not plan.queues or plan.queues[0].last <= plan.now:
            said.append(self._say("outlook.at_once"))
        if plan.first.get(Kind.DOOR):
            said.append(self._say("staff.preview_no_path", count=plan.first[Kind.DOOR]))
        if plan.short:
            at, ends = self._at(plan.expires_at), self._at(plan.ends)
            said.append(self._say("outlook.short", at=at, ends=ends))
        return said

    def _last(self, queue: Queue) -> str:
        lines, rate = queue.sender.lines, queue.sender.rate
        limit = self._limit(queue.sender, lines, None)
        if queue.limit is Limit.RATE:
            limit = self._limit(queue.sender, None, rate)
        last = self._at(queue.last)
        return self._say(f"outlook.last_{queue.sender.kind}", limit=limit, last=last)

    def _better(self, queue: Queue) -> str:
        if queue.better is None or queue.better_last is None:
            return ""
        limit = self._limit(queue.sender, queue.better.lines, queue.better.rate)
        last = self._at(queue.better_last)
        return self._say("outlook.better", limit=limit, last=last)

    def _limit(self, sender: Sender, lines: int | None, rate: float | None) -> str:
        """Name lines, a rate, or both."""
        unit = "segments" if sender.segments else sender.kind
        said = []
        if lines is not None:
            said.append(self._say("outlook.lines", lines=lines))
        if rate is not None:
            said.append(self._say(f"outlook.rate_{unit}", rate=f"{rate:g}"))
        return self._say("outlook.and").join(said)

    def _at(self, at: datetime) -> str:
        local = at.astimezone(self._zone)
        if local.date() == self._plan.now.astimezone(self._zone).date():
            return f"{local:%H:%M}"
        return moment(local.isoformat(), self._language, year=False)

    def _say(self, key: str, **values: Any) -> str:
        return phrase.say(key, self._language, **values)
