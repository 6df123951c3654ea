"""Params: which parameters Twilio's REST API takes, its errors, and a strict reading of both."""

import re
from urllib.parse import parse_qsl

from bot.sandbox.wire import words

MAX_BODY = 1600
E164 = re.compile(r"\+[1-9]\d{6,14}")

# code: (HTTP status, message)
ERRORS = {
    20001: (400, "Unknown parameters"),
    20003: (401, "Authenticate"),
    20404: (404, "The requested resource was not found"),
    20429: (429, "Too Many Requests"),
    20500: (500, "Internal Server Error"),
    21201: (400, "No 'To' number is specified"),
    21205: (400, "Url is not a valid URL"),
    21210: (400, "The source phone number provided is not yet verified for your account"),
    21211: (400, "The 'To' number is not a valid phone number."),
    21212: (400, "The 'From' number is not a valid phone number, shortcode, or alphanumeric"),
    21213: (400, "No 'From' number is specified"),
    21220: (400, "Call is not in-progress. Cannot redirect."),
    21602: (400, "Message body is required."),
    21603: (400, "A 'From' phone number is required."),
    21604: (400, "A 'To' phone number is required."),
    21606: (400, "The 'From' phone number is not a valid, SMS-capable Twilio number."),
    21609: (400, "The 'StatusCallback' URL is not a valid URL."),
    21610: (400, "Attempt to send to unsubscribed recipient"),
    21614: (400, "The 'To' number is not a valid mobile number."),
    21655: (400, "The ContentSid is Invalid"),
    21656: (400, "The ContentVariables Parameter is invalid"),
    21617: (400, "The concatenated message body exceeds the 1600 character limit"),
    30409: (400, "The message cannot be canceled any more."),
}

MESSAGE_CREATE = words(
    "To From MessagingServiceSid Body StatusCallback ValidityPeriod ProvideFeedback "
    "SmartEncoded RiskCheck ContentSid ContentVariables"
)
MESSAGE_UPDATE = frozenset({"Status", "Body"})
MESSAGE_LIST = words("To From DateSent DateSent< DateSent> PageSize Page PageToken")
CALL_CREATE = words(
    "To From Url Twiml Method StatusCallback "
    "StatusCallbackEvent StatusCallbackMethod Timeout TimeLimit MachineDetection "
    "MachineDetectionTimeout AsyncAmd MachineDetectionSpeechThreshold "
    "MachineDetectionSpeechEndThreshold MachineDetectionSilenceTimeout "
    "AsyncAmdStatusCallback AsyncAmdStatusCallbackMethod"
)
CALL_UPDATE = frozenset({"Status"})
CALL_LIST = frozenset(
    ["To", "From", "Status", "PageSize", "Page", "PageToken"]
    + [name + end for name in ("StartTime", "EndTime") for end in ("", "<", ">")]
)
CALL_STATES = words("queued ringing in-progress completed busy failed no-answer canceled")
CALL_EVENTS = frozenset({"initiated", "ringing", "answered", "completed"})
INTEGERS = {
    "Timeout": (1, 600),
    "TimeLimit": (1, 86400),
    "MachineDetectionTimeout": (3, 59),
    "MachineDetectionSpeechThreshold": (1000, 6000),
    "MachineDetectionSpeechEndThreshold": (500, 5000),
    "MachineDetectionSilenceTimeout": (2000, 10000),
    "ValidityPeriod": (1, 36000),
    "PageSize": (1, 1000),
    "Page": (0, 1_000_000),
}
CHOICES: dict[str, set[str] | frozenset[str]] = {
    "Method": {"GET", "POST"},
    "StatusCallbackMethod": {"GET", "POST"},
    "AsyncAmdStatusCallbackMethod": {"GET", "POST"},
    "MachineDetection": {"Enable", "DetectMessageEnd"},
    "AsyncAmd": {"true", "false"},
    "ProvideFeedback": {"true", "false"},
    "SmartEncoded": {"true", "false"},
    "RiskCheck": {"enable", "disable"},
    "Status": CALL_STATES,
}
REPEATED = frozenset({"StatusCallbackEvent"})

Params = dict[str, str]


class TwilioError(Exception):
    """A request that Twilio refuses, with its code; the HTTP status stands in ERRORS."""

    def __init__(self, code: int, detail: str = "") -> None:
        self.code = code
        self.status, message = ERRORS[code]
        self.message = f"{message}: {detail}" if detail else message
        super().__init__(self.message)

    def body(self) -> dict[str, object]:
        """Return the error as Twilio writes it."""
        return {
            "code": self.code,
            "message": self.message,
            "more_info": f"https://www.twilio.com/docs/errors/{self.code}",
            "status": self.status,
        }


def read(text: str | bytes, allowed: frozenset[str]) -> Params:
    """Return the parameters of a form or a query; repeated ones are joined by a space.

    Raises TwilioError 20001 on unknown, repeated or mistyped parameters.
    """
    params: Params = {}
    try:
        form = text if isinstance(text, str) else text.decode("ascii")
        pairs = parse_qsl(form, keep_blank_values=True, errors="strict")
    except UnicodeDecodeError as error:
        raise TwilioError(20001, "the form is not UTF-8") from error
    for name, value in pairs:
        if name not in allowed:
            raise TwilioError(20001, name)
        if name in params and name not in REPEATED:
            raise TwilioError(20001, f"{name} is given twice")
        params[name] = f"{params[name]} {value}" if name in params else value
        _check(name, value)
    return params


def _check(name: str, value: str) -> None:
    if name in INTEGERS:
        low, high = INTEGERS[name]
        if not value.isascii() or not value.isdigit() or not low <= int(value) <= high:
            raise TwilioError(20001, f"{name} must be a number from {low} to {high}")
    if name in CHOICES and value not in CHOICES[name]:
        raise TwilioError(20001, f"{name} cannot be {value[:40]}")


def check_call(params: Params, numbers: tuple[str, ...]) -> None:
    """Check the parameters of a new call; raises TwilioError."""
    urls = ("Url", "StatusCallback", "AsyncAmdStatusCallback")
    refuse_first(
        (21201, not params.get("To")),
        (21213, not params.get("From")),
        (21211, not E164.fullmatch(params.get("To", ""))),
        (21212, not E164.fullmatch(params.get("From", ""))),
        (21210, params.get("From") not in numbers),
        (21205, bool(params.get("Url")) == bool(params.get("Twiml"))),
        (21205, not all(is_url(params[name]) for name in urls if name in params)),
        (20001, not CALL_EVENTS.issuperset(params.get("StatusCallbackEvent", "").split())),
    )


def check_message(params: Params, numbers: tuple[str, ...]) -> None:
    """Check the parameters of a new SMS; raises TwilioError."""
    service, sender = params.get("MessagingServiceSid"), params.get("From", "")
    refuse_first(
        (21604, not params.get("To")),
        (21211, not E164.fullmatch(params.get("To", ""))),
        (21602, not params.get("Body") and not params.get("ContentSid")),
        (20001, bool(params.get("Body")) and bool(params.get("ContentSid"))),
        (21617, len(params.get("Body", "")) > MAX_BODY),
        (21603, bool(sender) == bool(service)),
        (20404, bool(service)),
        (21212, not E164.fullmatch(sender)),
        (21606, sender not in numbers),
        (21609, not is_url(params.get("StatusCallback", "http://none/"))),
    )


def refuse_first(*rules: tuple[int, bool]) -> None:
    """Raise TwilioError with the code of the first rule that is broken."""
    for code, broken in rules:
        if broken:
            raise TwilioError(code)


def is_url(text: str) -> bool:
    """Say whether Twilio would take this as an address to request."""
    return bool(re.fullmatch(r"https?://[^\s/?#]+([/?#]\S*)?", text))
