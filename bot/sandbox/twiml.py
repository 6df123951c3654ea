"""TwiML: reading and checking the documents that say what happens in a call or a reply."""

from xml.etree import ElementTree as ET

from bot.sandbox.wire import words

LARGEST = 64 * 1024
VOICE_CONTENT = frozenset({"text/xml", "application/xml", "text/html"})

_SAY = frozenset({"voice", "language", "loop"})
_PLAY = frozenset({"loop", "digits"})
_SSML = frozenset(
    {"break", "emphasis", "lang", "p", "phoneme", "prosody", "s", "say-as", "sub", "w"}
)
_GATHER = words(
    "input action method timeout speechTimeout maxSpeechTime numDigits finishOnKey "
    "language hints profanityFilter actionOnEmptyResult bargeIn dtmfDetection speechModel "
    "enhanced debug partialResultCallback partialResultCallbackMethod"
)
_DIAL = words("action method timeout hangupOnStar timeLimit callerId record answerOnBridge")
_RECORD = words(
    "action method timeout finishOnKey maxLength playBeep trim recordingStatusCallback "
    "recordingStatusCallbackMethod transcribe transcribeCallback"
)

# verb: (attributes, verbs or nouns inside)
VOICE: dict[str, tuple[frozenset[str], frozenset[str]]] = {
    "Response": (
        frozenset(),
        words("Say Play Pause Gather Redirect Hangup Dial Record Reject"),
    ),
    "Say": (_SAY, _SSML),
    "Play": (_PLAY, frozenset()),
    "Pause": (frozenset({"length"}), frozenset()),
    "Gather": (_GATHER, frozenset({"Say", "Play", "Pause"})),
    "Redirect": (frozenset({"method"}), frozenset()),
    "Hangup": (frozenset(), frozenset()),
    "Reject": (frozenset({"reason"}), frozenset()),
    "Dial": (_DIAL, frozenset({"Number"})),
    "Number": (frozenset(), frozenset()),
    "Record": (_RECORD, frozenset()),
}
SMS: dict[str, tuple[frozenset[str], frozenset[str]]] = {
    "Response": (frozenset(), frozenset({"Message", "Redirect"})),
    "Message": (frozenset({"to", "from", "action", "method"}), frozenset({"Body"})),
    "Body": (frozenset(), frozenset()),
    "Redirect": (frozenset({"method"}), frozenset()),
}

_ENGLISH = frozenset({"en-US", "en-GB", "en-AU", "en-IN"})
# voice: languages it can speak; the first names of the table are Twilio's basic voices
VOICES: dict[str, frozenset[str]] = {
    "man": frozenset({"en", "en-US", "en-GB", "es", "fr", "de"}),
    "woman": frozenset({"en", "en-US", "en-GB", "es", "fr", "de"}),
    "alice": _ENGLISH | {"zh-CN", "zh-HK", "zh-TW"},
    "Polly.Zhiyu": frozenset({"cmn-CN"}),
    "Polly.Zhiyu-Neural": frozenset({"cmn-CN"}),
    "Polly.Hiujin-Neural": frozenset({"yue-CN"}),
    "Polly.Joanna": frozenset({"en-US"}),
    "Polly.Joanna-Neural": frozenset({"en-US"}),
    "Polly.Matthew": frozenset({"en-US"}),
    "Polly.Matthew-Neural": frozenset({"en-US"}),
    "Polly.Amy": frozenset({"en-GB"}),
    "Polly.Amy-Neural": frozenset({"en-GB"}),
    "Google.cmn-CN-Standard-A": frozenset({"cmn-CN"}),
    "Google.cmn-CN-Wavenet-A": frozenset({"cmn-CN"}),
    "Google.cmn-TW-Standard-A": frozenset({"cmn-TW"}),
    "Google.yue-HK-Standard-A": frozenset({"yue-HK"}),
    "Google.en-US-Standard-C": frozenset({"en-US"}),
}
LANGUAGES = frozenset[str]().union(*VOICES.values())
SPEECH_LANGUAGES = words("cmn-Hans-CN cmn-Hans-HK cmn-Hant-TW yue-Hant-HK en-US en-GB en-AU en-IN")


class TwimlError(Exception):
    """A document that cannot be played, with Twilio's warning code."""

    def __init__(self, code: int, what: str) -> None:
        super().__init__(what)
        self.code = code
        self.what = what


def parse(content: bytes, content_type: str, grammar: str) -> ET.Element:
    """Return the checked Response element; grammar is "voice" or "sms".

    Raises TwimlError 11750 (too large), 12300 (content type), 12100 (not XML, unknown verb or
    attribute), 12102 (root is not Response), 13511 and others for wrong values.
    """
    if len(content) > LARGEST:
        raise TwimlError(11750, "the TwiML is larger than 64 kB")
    if content_type not in VOICE_CONTENT:
        raise TwimlError(12300, f"content type {content_type or 'missing'}")
    if b"<!DOCTYPE" in content or b"<!ENTITY" in content:
        raise TwimlError(12100, "a document type is not allowed")
    try:
        root = ET.fromstring(content)  # noqa: S314 - without a document type there are no entities
    except ET.ParseError as error:
        raise TwimlError(12100, f"not XML: {error}") from error
    if root.tag != "Response":
        raise TwimlError(12102, "the root element must be Response")
    verbs = VOICE if grammar == "voice" else SMS
    _check(root, verbs)
    return root


def _check(element: ET.Element, verbs: dict[str, tuple[frozenset[str], frozenset[str]]]) -> None:
    attributes, inside = verbs[element.tag]
    for name in element.attrib:
        if name not in attributes:
            raise TwimlError(12100, f"<{element.tag}> has no attribute {name}")
    for child in element:
        if child.tag not in inside:
            raise TwimlError(12100, f"<{child.tag}> is not allowed in <{element.tag}>")
        if child.tag in verbs:
            _check(child, verbs)
    if verbs is VOICE:
        _values(element)


def _values(element: ET.Element) -> None:
    if element.tag == "Say":
        _voice(element)
    if element.tag == "Gather":
        _gather(element)
    for name in ("length", "loop", "numDigits", "maxLength"):
        value = element.get(name)
        if value is not None and not (value.isascii() and value.isdigit()):
            raise TwimlError(13510, f"{name} of <{element.tag}> must be a whole number")


def _voice(say: ET.Element) -> None:
    voice, language = say.get("voice"), say.get("language")
    if not "".join(say.itertext()).strip():
        raise TwimlError(13520, "<Say> has no text")
    if voice is not None and voice not in VOICES:
        raise TwimlError(13511, f"<Say> has no voice {voice}")
    if language is not None and language not in VOICES.get(voice or "", LANGUAGES):
        raise TwimlError(13512, f"<Say> cannot speak {language} with the voice {voice}")


def _gather(gather: ET.Element) -> None:
    kinds = gather.get("input", "dtmf").split()
    if not kinds or not set(kinds) <= {"dtmf", "speech"}:
        raise TwimlError(12100, "input of <Gather> must be dtmf, speech or both")
    timeout = gather.get("timeout", "5")
    if not timeout.isdigit() or int(timeout) < 1:
        raise TwimlError(13313, "timeout of <Gather> must be a positive number")
    if gather.get("numDigits") == "0":
        raise TwimlError(13314, "numDigits of <Gather> must be at least 1")
    if gather.get("finishOnKey", "#") not in {"", *"0123456789*#"}:
        raise TwimlError(13310, "finishOnKey of <Gather> must be one key or empty")
    if "speech" in kinds and gather.get("language", "en-US") not in SPEECH_LANGUAGES:
        raise TwimlError(13512, f"<Gather> does not understand {gather.get('language')}")
