from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from content import call
from content.call import At, Heard, Say, Script
from content.message import Speech, Spoken

CHINESE = Speech(
    Spoken.MANDARIN,
    opening="您好，这里是幸福里社区。",
    sentences=("暴雨红色预警。", "请待在家里。"),
    prompt="听明白请按1。",
    answers={"1": "谢谢，再见。", "3": "马上有人来帮您。"},
    no_key="没有听到您按键。",
    wrong_key="这个键没有用。",
    machine="我们没能和您说上话。",
    no_words="请按键。",
    help="马上请人联系您。",
    goodbye="再见。",
    person="+8657188001234",
    connecting="正在为您接通。",
)
ENGLISH = replace(
    CHINESE,
    language=Spoken.ENGLISH,
    opening="Hello.",
    sentences=("Red rainstorm warning.",),
    answers={"1": "Thank you."},
    offer="For English, press 9.",
)
BOTH = replace(CHINESE, others=(ENGLISH,))
KEYS = st.sampled_from(["", *call.KEYS])


def heard(script: Script, *keys: str) -> list[str]:
    """Return what is said in a call in which these keys are pressed, question by question."""
    at, said = call.begin(script), list[str]()
    for key in (*keys, None):
        step = script.steps[at.step]
        said += [line.text for line in (*step.say, *step.ask)]
        if key is None or not step.asks:
            return said
        at = call.after(script, at, Heard(key))
    return said


def test_the_message_is_said_twice_before_the_prompt() -> None:
    said = heard(call.script(CHINESE))
    assert said == [
        CHINESE.opening,
        *CHINESE.sentences,
        *CHINESE.sentences,
        CHINESE.prompt,
    ]


@pytest.mark.parametrize(
    ("keys", "last"),
    [
        (("1",), "谢谢，再见。"),
        (("3",), "马上有人来帮您。"),
        (("0",), "正在为您接通。"),
        (("7",), CHINESE.prompt),
        (("7", "1"), "谢谢，再见。"),
        (("2", "1"), "谢谢，再见。"),
        (("",), CHINESE.prompt),
        (("", ""), "再见。"),
        (("7", ""), "再见。"),
    ],
)
def test_every_key_has_its_answer(keys: tuple[str, ...], last: str) -> None:
    assert heard(call.script(CHINESE), *keys)[-1] == last


def test_a_wrong_key_hears_the_keys_again_and_not_the_message() -> None:
    said = heard(call.script(CHINESE), "7")
    assert said[-2:] == [CHINESE.wrong_key, CHINESE.prompt]


def test_key_9_goes_on_in_the_other_language_which_is_offered_in_itself() -> None:
    said = heard(call.script(BOTH), "9")
    assert ENGLISH.offer in said
    assert said[-2:] == [*ENGLISH.sentences, ENGLISH.prompt]
    assert heard(call.script(BOTH), "9", "9", "1")[-1] == CHINESE.answers["1"]


def test_without_another_language_9_is_a_wrong_key_and_without_a_person_so_is_0() -> None:
    alone = call.script(replace(CHINESE, person=""))
    for key in "90":
        assert CHINESE.wrong_key in heard(alone, key)


@pytest.mark.parametrize(
    ("words", "step"),
    [
        ("收到了收到了", "cmn-words"),
        ("哎呀救命啊", "cmn-help"),
        ("没有人帮我", "cmn-help"),
        ("我不需要帮助", "cmn-words"),
        ("听明白请按一重听请按二需要帮助请按三", "cmn-words"),
        ("你再说一遍", "cmn-repeat"),
        ("我要找人工", "cmn-person"),
        ("今天天气不错", "cmn-words"),
    ],
)
def test_words_instead_of_a_key_confirm_nothing_and_a_cry_for_help_is_heard(
    words: str, step: str
) -> None:
    script = call.script(CHINESE)
    assert call.after(script, call.begin(script), Heard(words=words)).step == step


def test_once_all_was_said_a_key_counts_while_it_is_said_again() -> None:
    script = call.script(CHINESE)
    for name in ("cmn-again", "cmn-repeat", "cmn-wrong", "cmn-words"):
        assert script.steps[name].say == ()


def test_a_call_goes_on_in_another_after_a_key_or_silence_and_then_says_no_goodbye() -> None:
    script = call.script(BOTH, onward={"1": "back", "": "over"})
    assert script.steps["cmn-key1"].then == "cmn-back"
    assert script.steps["en-key1"].then == "en-back"
    assert script.steps["cmn-key3"].then == ""
    assert script.steps["cmn-missed"].then == "cmn-over"
    assert [line.text for line in script.steps["cmn-missed"].say] == [CHINESE.no_key]


def test_a_machine_that_presses_nothing_hears_the_number_to_call_back() -> None:
    script = call.script(CHINESE)
    at = call.after(script, call.begin(script), Heard(machine=True))
    assert script.steps[at.step].say == (Say(Spoken.MANDARIN, CHINESE.machine),)
    assert not script.steps[at.step].asks


@given(keys=st.lists(KEYS, max_size=20))
def test_every_call_ends_and_never_leaves_its_script(keys: list[str]) -> None:
    script = call.script(BOTH)
    at, asked = call.begin(script), 0
    while script.steps[at.step].asks:
        at = call.after(script, At.read(str(at)), Heard(keys[asked] if asked < len(keys) else ""))
        asked += 1
        assert asked <= call.TURNS
    assert at.step in script.steps


@pytest.mark.parametrize(
    "text", ["", "0", "cmn-start", "cmn-start.999", "../x.1", "CMN.1", "a.1\n"]
)
def test_what_is_no_place_in_a_call_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no place"):
        At.read(text)
