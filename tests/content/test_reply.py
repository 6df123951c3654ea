"""Short replies are understood in the forms people write them, and questions never as one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from content.reply import Meaning, Reply, read

_RECEIVED = """
收到 收到了 收到啦 收到。 收到！！ 收到收到 已收到 收到，谢谢 收到谢谢社区
谢谢你们，收到了 我收到了 都收到了 收到[抱拳] 收到🙏 好的 好的谢谢 好的，谢谢您 好嘞
好滴 好 嗯嗯 嗯，好的 行 可以 没问题 知道了 我知道了 已经知道了 明白 了解 看到了 已阅
收到通知了 通知收到 收到，一定注意 收到，马上照办 不需要帮助 不需要帮助，谢谢 收到，平安
收到1 1收到 收到，没事，谢谢提醒 收咗 收到喇 知道喇，唔該 好嘅 謝謝，收到了 已經收到
瞭解 已閱 受到 👍 👍🏻 👍🏿👍🏿 1👍🏽 👌 ✔️ ✅ [OK] [强] OK ok Okay OK👌
3号楼2单元501收到 3-2-501收到 收到（3栋501） 501室收到，谢谢 收到。
听清了 懂了，谢谢 知悉 已读 嗯呢 恩恩 要得 好呀，唔該 收到囉 冇問題 🆗 收到，会转告家人 收到，已转移
"""
RECEIVED = [*_RECEIVED.split(), "收到\n谢谢", "收 到", "收　到 了"]
ENGLISH = [
    *("received", "Received, thank you", "got it", "Got it!", "OK thanks", "ok, thank you so much"),
    *("yes", "noted with thanks", "I have received it", "message received", "I've got it", "Roger"),
]
HELP = [
    *(
        "求助",
        "求助！",
        "求助求助",
        "救命",
        "救命啊",
        "需要帮助",
        "我需要帮助",
        "请帮帮我",
        "需要幫助",
        "來人",
        "快来人啊",
        "快来救我",
        "就命啊",
        "需要人来",
        "我要幫手",
    ),
    *(
        "收到，需要帮助",
        "求助，急",
        "3号楼501求助",
        "请上门",
        "求助3",
        "🆘",
        "SOS",
        "help",
        "Help me!",
        "please help",
    ),
    *("I need help now", "help, thank you"),
]
QUESTIONS = [
    *(
        "收到的快递是真的吗",
        "收到，几点结束？",
        "收到？",
        "收到吗",
        "收到没",
        "没收到",
        "没有收到",
        "收到短信说要停电",
    ),
    *(
        "好的吗",
        "好吗",
        "可以吗",
        "行不行",
        "知道吗",
        "不知道",
        "知道是谁说的吗",
        "你们知道",
        "社区收到了",
        "大家都知道",
    ),
    *(
        "好的快递",
        "好人一生平安",
        "好急",
        "水已经好了",
        "我们的好了",
        "都好了",
        "已经好了",
        "收到了，什么时候来水",
        "明白了，但是电梯呢",
    ),
    *(
        "求助：这个消息是真的吗",
        "帮忙核实一下",
        "帮忙通知",
        "不用",
        "救命药哪里有",
        "谁需要帮助",
        "help desk number",
    ),
    *(
        "is it received",
        "have you received",
        "ok what time",
        "yes it is true?",
        "how to get help",
        "stop it now please ok",
    ),
    *(
        "1号楼也停电吗",
        "1号楼",
        "1栋",
        "1点",
        "1%的人",
        "1.5",
        "1-3",
        "110",
        "11",
        "十一",
        "一样",
        "一点",
        "第一",
        "🤔",
        "谢谢",
        "",
    ),
    *(
        "收到🤔",
        "收到❓",
        "1？",
        "退订的人多吗",
        "怎么退订",
        "start up",
        "恢复供水",
        "停水恢复",
        "end of the world",
    ),
]


@pytest.mark.parametrize("text", [*RECEIVED, *ENGLISH])
def test_received_in_the_words_people_use(text: str) -> None:
    assert read(text) == Reply(Meaning.RECEIVED)


@pytest.mark.parametrize("text", HELP)
def test_a_cry_for_help_in_the_words_people_use(text: str) -> None:
    assert read(text) == Reply(Meaning.HELP)


@pytest.mark.parametrize("text", QUESTIONS)
def test_what_says_or_asks_more_is_no_reply(text: str) -> None:
    assert read(text) is None


DIGITS = {
    "0": "0 零",
    "1": "1 １ 1。 1. 1、 1！ (1) （1） “1” 【1】 1️⃣ ① ⒈ ❶ 一 壹 幺 回1 回复1 按1 选1 我选1",
    "2": "2 ② 二 两 选二",
    "3": "3 ３ 三 叁 ③ 3️⃣ 回3",
    "9": "9 九",
}


@pytest.mark.parametrize(
    ("text", "digit"), [(one, digit) for digit, texts in DIGITS.items() for one in texts.split()]
)
def test_a_digit_in_any_script_is_bare(text: str, digit: str) -> None:
    assert read(text) == Reply(Meaning.DIGIT, digit)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "退订",
            "退订。",
            "退订了",
            "退訂",
            "我要退订",
            "别再发了",
            "STOP",
            "Stop please",
            "取消订阅",
        ),
        *("退 订", "推订", "停止", "别给我发短信了", "不要再给我发了", "唔好再發"),
    ],
)
def test_opting_out_in_words(text: str) -> None:
    assert read(text) == Reply(Meaning.STOP)


@pytest.mark.parametrize(
    "text", ["T", "TD", "td", "ＴＤ", "回T", "回复TD", "R", "TD退订", "CANCEL", "回T退订"]
)
def test_opting_out_as_carriers_teach_it(text: str) -> None:
    assert read(text) == Reply(Meaning.STOP, carrier=True)


@pytest.mark.parametrize(
    "text", ["START", "start", "恢复", "恢復", "恢复订阅", "重新订阅", "unstop"]
)
def test_opting_in_again(text: str) -> None:
    assert read(text) == Reply(Meaning.START)


@given(st.sampled_from([*RECEIVED, *HELP, "1", "3"]), st.sampled_from("?？❓"), st.text(max_size=5))
def test_a_question_mark_anywhere_makes_a_question(text: str, mark: str, rest: str) -> None:
    assert read(text + mark + rest) is None


@given(
    st.sampled_from([text for text in RECEIVED if text.isalpha()]),
    st.sampled_from("吗么呢没不快谁哪几什怎停水电假真谣"),
    st.booleans(),
)
def test_a_word_that_is_not_known_makes_a_question(text: str, word: str, first: bool) -> None:
    assert read(word + text if first else text + word) is None


@given(st.text(max_size=80))
def test_any_text_is_read_without_an_error(text: str) -> None:
    found = read(text)
    assert found is None or (found.digit != "") == (found.meaning is Meaning.DIGIT)


@pytest.mark.parametrize("text", ["王秀兰收到", "3-2-501王秀兰收到，谢谢", "我是王秀兰，收到了"])
def test_who_signs_with_their_name_is_understood(text: str) -> None:
    assert read(text) is None
    assert read(text, lambda: ["王秀兰"]) == Reply(Meaning.RECEIVED)


@pytest.mark.parametrize("text", ["李明收到", "王秀兰收到了吗", "王秀兰收到的快递", "王秀兰1"])
def test_a_name_beside_it_makes_no_question_a_reply(text: str) -> None:
    assert read(text, lambda: ["王秀兰"]) is None


def test_names_are_asked_for_only_where_one_may_stand() -> None:
    def names() -> list[str]:
        raise AssertionError

    assert read("明天停水是真的吗", names) is None
    assert read("收到", names) == Reply(Meaning.RECEIVED)
