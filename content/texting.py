"""Texting: what an SMS to one number says: with or without its links, or a registered text."""

from dataclasses import dataclass, field

from content.message import Message, Texted
from content.template import Templates


@dataclass(frozen=True, slots=True)
class Texting:
    """What a sender's provider carries: to which numbers no links, to which registered texts only.

    unlinked: how the numbers (E.164) begin that get no links; `+` is all of them.
    """

    unlinked: tuple[str, ...] = ("+",)
    templates: Templates = field(default_factory=Templates)

    def __call__(self, number: str, message: Message) -> Texted:
        """Return what is sent to a number; raises Unfit where no registered text fits."""
        if self.templates.needed(number):
            return self.templates.fill(message.blanks)
        linked = message.linked and not number.startswith(self.unlinked)
        return Texted(message.linked if linked else message.sms)
