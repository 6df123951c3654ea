"""Reply: what a short text means that somebody writes back: received, help, stop, start, a digit.

A text means something only if every word of it is known here; whatever else it says makes it a
question. So 收到的快递是真的吗 never confirms anything, nor does anything that asks.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum, auto


class Meaning(StrEnum):
    """What somebody says with a short text."""

    RECEIVED = auto()
    HELP = auto()
    STOP = auto()
    """They want no more of these."""
    START = auto()
    """They want them again."""
    DIGIT = auto()
    """A bare digit: what it means depends on what was asked last."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A short text that was understood; `digit` is empty where it was said in words."""

    meaning: Meaning
    digit: str = ""
    carrier: bool = False
    """It opts out as only SMS do (TD, T, R): in a chat these are letters."""


_LONGEST = 60
"""Characters of a text that may still be a reply."""
_PLAIN = str.maketrans(
    "幫謝瞭沒訂復繼續開們請經過閱曉來還發給別長師員這個該啲喇㗎囉問題無❶❷❸➊➋➌",
    "帮谢了没订复继续开们请经过阅晓来还发给别长师员这个该的啦的咯问题无123123",
)
"""Traditional characters, and digits that have no plain form of their own."""
_ASKS = re.compile(r"[?❓❔⁉🤔]|已经?好|[都的]好了")
"""What asks, or may tell that something works again."""
_UNSEEN = re.compile("[\u200b-\u200f\u2060\ufe00-\ufe0f\ufeff\u20e3\U0001f3fb-\U0001f3ff'\u2019]")
"""Widths, variants, keycaps and skin tones; and the apostrophe of I'm."""
_SPACED = re.compile("(?<=[\u3400-\u9fff])[ \u3000]+(?=[\u3400-\u9fff])")
_HOME = re.compile(
    r"(?:\d{1,3}(?:号楼|栋|幢|座|#楼?)|\d{1,3}-(?=\d))(?:\d{1,2}(?:单元|-))?(?:\d{3,4}(?:室|号)?)?"
    r"|\d{1,2}单元\d{3,4}(?:室|号)?|(?<!\d)\d{3,4}(?:室|户)?(?!\d)"
)
"""A home beside a word: neighbours sign so."""
_DIGITS = {str(number): str(number) for number in range(10)} | dict(
    zip("零〇一壹幺二贰两三叁四五六七八九", "0011122233456789", strict=True)
)

# a word of several English ones has _ between them
_SURE = """
收到 已收到 收悉 已收 收讫 已阅 受到 收道 收倒 收咗 收左 知道 晓得 明白 了解 清楚 看到 看见 看过
听到 听见 听明白 听清 听清楚 懂了 知悉 悉知 已悉 已读 没问题 冇问题 无问题 遵命 不需要帮助
不需要帮忙 不用帮助 不用帮忙 不用上门 [收到] [ok] ok okay okey received got_it got understood
noted roger copy acknowledged confirmed i_see
"""
_AGREED = """
好 好的 好滴 好哒 好嘞 好咧 好啊 好吧 好嘅 好呀 行 中 要得 可以 嗯 嗯嗯 嗯呢 恩 恩恩 妥 🆗 [强]
[赞] [好的] [好] 👍 👌 ✅ ✔ ☑ ✓ yes yep yeah okk alright all_right sure will_do
"""
_AID = """
求助 求救 救命 救我 救救我 救人 帮我 帮帮我 帮帮忙 帮忙 帮一下 帮助 帮助我 来人 快来人 救援 就命
救名 求住 求组 需要帮助 需要帮忙 要帮助 要帮忙 帮手 要帮手 需要人 需要人来 需要人帮 需要救援
请求帮助 请求救援 上门 需要上门 🆘 help help_me need_help sos rescue
"""
_THANKS = "谢 谢谢 多谢 感谢 唔该 辛苦 麻烦 费心 thanks thank thx ty"
_YOU = """
您 你 你们 您们 大家 社区 居委会 居委 街道 物业 网格员 主任 书记 领导 工作人员 师傅 老师 同志
各位 you u all
"""
"""Whom one thanks; before 收到 they would be those who have it, or are asked."""
_RINGS = """
我 我是 我们 我家 家里 家人 本人 俺 咱 已 已经 都 全 了 啦 啊 呀 呐 哈 哈哈 哦 噢 喔 咯 喽 嘞 哒
滴 的 过 哎 诶 您好 你好 通知 消息 短信 信息 提醒 关心 请 放心 会 一定 注意 照办 照做 马上 这就
立刻 没事 平安 安全 在家 转告 已转移 已撤离 回 回复 按 选 选择 填 答 确认 i ive weve we have has
ve the it a an message msg very much so please pls and with well reply
"""
"""What may stand around 收到 without asking or telling anything more."""
_HURRY = """
请 我 我们 家里 快 快点 快来 赶紧 马上 立刻 急 很急 现在 了 啊 阿 呀 吧 收到 已收到 知道 回 回复
按 i we me please pls now the a some urgent
"""
_BARE = "请 我 了 啊 是 回 回复 按 选 选择 填 答 please reply"
"""What may stand around a digit and leaves it bare."""
_STOP = """
退订 退定 我要退订 请退订 回复退订 退订短信 取消订阅 取消短信 拒收 不再接收 不想再收 不要再发
别发 别再发 不要发 不要给我发 别给我发 别再给我发 不要再给我发 不要给我发短信 别给我发短信
不要发短信 别发短信 唔好再发 停止发送 停止 停发 推订 退丁 stop stopall unsubscribe optout revoke
"""
_CARRIER = """
t td r qx cancel end quit 回t 回td 回r 回复t 回复td 回复r t退订 td退订
回t退订 回td退订 回复t退订 回复td退订
"""
_START = """
恢复 订阅 恢复订阅 重新订阅 恢复接收 重新接收 继续接收 开始接收 恢复短信 start unstop subscribe
resume
"""
_ENDS = ("谢谢", "了", "thanks", "please")


def read(text: str, names: Callable[[], Iterable[str]] = tuple) -> Reply | None:
    """Return what a short text means; None: it is no reply, or it says more than that.

    names: returns the names with which its writer may sign; asked for only where one may stand.
    """
    if len(text) > _LONGEST:
        return None
    plain = unicodedata.normalize("NFKC", _UNSEEN.sub("", text)).lower().translate(_PLAIN)
    plain = _SPACED.sub("", plain)
    if _ASKS.search(plain):
        return None
    found = _opted(plain) or _said(_words(plain)) or _signed(_words(_HOME.sub(" ", plain)))
    if found is None and any(word in plain for word in _WORDS["sure"] | _WORDS["aid"]):
        found = _signed(_words(_HOME.sub(" ", _unnamed(plain, names()))))
    return found


def _unnamed(plain: str, names: Iterable[str]) -> str:
    """Return a text without the names with which it is signed."""
    for name in sorted(names, key=len, reverse=True):
        plain = plain.replace(name.lower().translate(_PLAIN), " ") if len(name) > 1 else plain
    return plain


def _opted(plain: str) -> Reply | None:
    whole = "".join(char for char in plain if char.isalnum())
    for end in ("", *_ENDS):
        word = whole.removesuffix(end)
        if word in _WORDS["stop"]:
            return Reply(Meaning.STOP)
        if word in _WORDS["carrier"]:
            return Reply(Meaning.STOP, carrier=True)
        if word in _WORDS["start"]:
            return Reply(Meaning.START)
    return None


def _words(plain: str) -> list[str]:
    """Cut a text into words that are known here; empty where there is another."""
    found, at = [], 0
    while at < len(plain):
        match = _WORD.match(plain, at)
        if match is None:
            return []
        if match.lastgroup == "word":
            found.append(re.sub(r"\s+", "_", match[0]))
        at = match.end()
    return found


def _said(words: Sequence[str]) -> Reply | None:
    """Return what known words say together."""
    digits = [_DIGITS[word] for word in words if word in _DIGITS]
    rest = [word for word in words if word not in _DIGITS]
    if len(digits) > 1:
        return None
    digit = digits[0] if digits else ""
    if _all(rest, "bare"):
        return Reply(Meaning.DIGIT, digit) if digit else None
    if _any(rest, "aid"):
        fits = digit in ("", "3") and _all(rest, "aid", "hurry", "thanks", "you")
        return Reply(Meaning.HELP) if fits else None
    if digit not in ("", "1") or not _received(rest):
        return None
    return Reply(Meaning.RECEIVED)


def _signed(words: Sequence[str]) -> Reply | None:
    """Return what words say beside a home, which a digit or a mere 好 would not confirm."""
    if any(word in _DIGITS for word in words) or not _any(words, "sure", "aid"):
        return None
    return _said(words)


def _received(words: Sequence[str]) -> bool:
    if not _all(words, "sure", "agreed", "thanks", "you", "rings"):
        return False
    for word in words:
        if word in _WORDS["sure"] | _WORDS["agreed"]:
            return True
        if word in _WORDS["you"] and not _any(words[: words.index(word)], "thanks"):
            return False
    return False


def _any(words: Iterable[str], *names: str) -> bool:
    return any(word in _WORDS[name] for word in words for name in names)


def _all(words: Iterable[str], *names: str) -> bool:
    return all(any(word in _WORDS[name] for name in names) for word in words)


def _rule(word: str) -> str:
    """Return a word as a pattern: a letter more makes it another, a digit more another number."""
    if word in _DIGITS:
        return rf"(?<![{_COUNTS}]){word}(?![{_COUNTS}])"
    if word.isascii() and word.replace("_", "").isalpha():
        return rf"(?<![a-z]){word.replace('_', ' +')}(?![a-z])"
    return re.escape(word)


_COUNTS = r"\d十百千万点" + "".join(word for word in _DIGITS if not word.isascii())
_WORDS = {
    name: frozenset(words.split())
    for name, words in {
        "sure": _SURE,
        "agreed": _AGREED,
        "aid": _AID,
        "thanks": _THANKS,
        "you": _YOU,
        "rings": _RINGS,
        "hurry": _HURRY,
        "bare": _BARE,
        "stop": _STOP,
        "carrier": _CARRIER,
        "start": _START,
    }.items()
}
_SPOKEN = _DIGITS.keys() | frozenset[str]().union(
    *(_WORDS[name] for name in ("sure", "agreed", "aid", "thanks", "you", "rings", "hurry", "bare"))
)
_WORD = re.compile(
    f"(?P<word>{'|'.join(map(_rule, sorted(_SPOKEN, key=len, reverse=True)))})"
    r"|\[[^\[\]\d]{1,5}\]|[\W_]"
)
"""A known word; or an emoji as WeChat writes it ([抱拳]), another sign, a space."""
