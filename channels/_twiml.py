"""TwiML: one step of a call in Twilio's language, spoken slowly by voices that Twilio has."""

from collections.abc import Callable, Iterable, Mapping

from twilio.twiml.voice_response import Gather, VoiceResponse

from content.call import Line, Step
from content.message import Spoken

Sounds = Callable[[Line], str]
"""Where the sound of a line is fetched; empty: Twilio's voice says it."""

# voice and language, pairs that Twilio lists for <Say>
VOICES = {
    Spoken.MANDARIN: ("Polly.Zhiyu-Neural", "cmn-CN"),
    Spoken.CANTONESE: ("Polly.Hiujin-Neural", "yue-CN"),
    Spoken.ENGLISH: ("Polly.Joanna-Neural", "en-US"),
}
SLOW = "85%"
RING = 40
"""Seconds a phone rings: an old person takes a while to reach it."""
SILENCE = 6
"""Seconds of silence that end a recorded message."""
DIGITS = 5
"""Digits of a number that is asked for, at most."""
THINKS = 3
"""Seconds of silence within what somebody tells us that do not end it."""
# what <Gather> recognises
HEARS = {
    Spoken.MANDARIN: "cmn-Hans-CN",
    Spoken.CANTONESE: "yue-Hant-HK",
    Spoken.ENGLISH: "en-US",
}


def unsounded(line: Line) -> str:
    """Return no address: Twilio's voice says every line."""
    del line
    return ""


def of(step: Step, action_url: str, listens: bool = False, sounds: Sounds = unsounded) -> str:
    """Return the TwiML of one step: what is said, then what is asked, or how the call goes on.

    action_url: where what is heard is posted. listens: words are recognised beside keys.
    """
    response = VoiceResponse()
    _read(response, step.say, sounds)
    if step.asks:
        response.append(_gather(step, action_url, listens, sounds))
    elif step.record:
        response.record(
            action=action_url,
            method="POST",
            max_length=step.record,
            timeout=SILENCE,
            finish_on_key="#",
            play_beep=True,
        )
        # an empty recording is not posted anywhere
        response.redirect(action_url, method="POST")
        return str(response)
    elif step.forward:
        response.dial(
            step.forward, timeout=RING, answer_on_bridge=True, action=action_url, method="POST"
        )
    elif step.then:
        response.redirect(action_url, method="POST")
        return str(response)
    response.hangup()
    return str(response)


def pause(url: str) -> str:
    """Return the TwiML for a second of silence, after which `url` is asked."""
    response = VoiceResponse()
    response.pause(length=1)
    response.redirect(url, method="POST")
    return str(response)


def wait(said: Mapping[Spoken, str], url: str = "") -> str:
    """Return the TwiML for who must wait: a sentence in each language, then `url` is asked again.

    Without an address nobody is asked again, and the call ends.
    """
    response = VoiceResponse()
    for language, sentence in said.items():
        _say(response, language, sentence)
    if url:
        response.redirect(url, method="POST")
    else:
        response.hangup()
    return str(response)


def _read(verb: VoiceResponse | Gather, lines: Iterable[Line], sounds: Sounds) -> None:
    for line in lines:
        url = sounds(line)
        if url:
            verb.play(url)
            verb.pause(length=1)
        else:
            _say(verb, line.language, line.text)


def _say(verb: VoiceResponse | Gather, spoken: Spoken, *sentences: str) -> None:
    """Say sentence after sentence, slowly, with a pause after each."""
    voice, language = VOICES[spoken]
    for sentence in filter(None, sentences):
        verb.say(voice=voice, language=language).prosody(sentence, rate=SLOW)
        verb.pause(length=1)


def _gather(step: Step, action_url: str, listens: bool, sounds: Sounds) -> Gather:
    """Return the question of a step: a key, a number up to #, or words where they are heard."""
    speaks = listens and bool(step.words)
    options: dict[str, object] = {"num_digits": DIGITS if step.number else 1}
    # where one key is asked for, # is a key like any other
    options["finish_on_key"] = "#" if step.number else ""
    if speaks:
        options |= {
            "language": HEARS[step.language],
            "speech_timeout": "auto" if step.keys else THINKS,
        }
    gather = Gather(
        input="dtmf speech" if speaks else "dtmf",
        timeout=step.seconds,
        action=action_url,
        method="POST",
        action_on_empty_result=True,
        **options,
    )
    _read(gather, step.ask, sounds)
    return gather
