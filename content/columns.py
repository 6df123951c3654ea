"""The titles and words of a list of residents, in Chinese and English, and what is said of them."""

import re
import unicodedata
from functools import cache

from content.message import Spoken, Written
from content.people import Need, Told

COLUMNS = {
    "number": "编号 人员编号 居民编号 number id no",
    "name": "姓名 居民姓名 name",
    "grid": "网格 所属网格 网格号 grid",
    "address": "地址 住址 家庭住址 居住地址 家庭地址 address",
    "estate": "小区 小区名称 estate",
    "building": "楼栋 楼号 栋 幢 楼 building",
    "unit": "单元 单元号 unit",
    "room": "房号 房间号 室 门牌号 room",
    "mobile": "手机 手机号 手机号码 电话 联系电话 mobile phone",
    "landline": "座机 固话 固定电话 座机号 landline",
    "second": "第二电话 备用电话 备用号码 secondphone",
    "needs": "需求 特殊需求 特殊情况 needs",
    "contact": "联系人姓名 联系人 紧急联系人 紧急联系人姓名 contact contactname",
    "relation": "联系人关系 关系 紧急联系人关系 relation contactrelation",
    "told": "联系人通知 联系人何时通知 紧急联系人通知 contacttold",
    "contact_phone": "联系人电话 联系人手机 紧急联系人电话 contactphone",
    "contact2": "联系人2姓名 联系人2 contact2 contact2name",
    "relation2": "联系人2关系 contact2relation",
    "told2": "联系人2通知 联系人2何时通知 contact2told",
    "contact2_phone": "联系人2电话 contact2phone",
    "written": "书面语言 文字 written writtenlanguage",
    "spoken": "口语 方言 spoken spokenlanguage",
    "remark": "备注 说明 remark note",
}
"""Field: its titles; the first one is what an export writes. Remarks are checked, never kept."""

IDENTITY = re.compile("身份证|证件号|idcard|identitycard")
NOTHING = {"", "无", "没有", "-", "/", "none", "n/a"}
SPLIT = re.compile(r"[、，,；;|/\n]+")
DATE = re.compile(r"\d{4}-\d\d-\d\d")
SCIENCE = re.compile(r"\d(\.\d+)?[eE]\+?\d+")
NEEDS = {
    Need.ELDERLY: "老人 老年 高龄 长者 elderly",
    Need.DEAF: "听障 听力 聋 失聪 deaf",
    Need.BLIND: "视障 视力 盲 失明 blind",
    Need.NO_SMARTPHONE: (
        "不用智能手机 不会用智能手机 没有智能手机 没智能手机 无智能手机 "
        "不用智能机 不会用智能机 没有智能机 没智能机 无智能机 老人机 no_smartphone"
    ),
    Need.LIVES_ALONE: "独居 lives_alone",
    Need.MOBILITY: "行动不便 轮椅 卧床 肢体 瘫 mobility",
}
WRITTEN = {
    Written.HANS: "简体 简体中文 中文 zh zh-cn zh-hans",
    Written.HANT: "繁体 繁體 繁体中文 繁體中文 zh-hk zh-tw zh-hant",
    Written.ENGLISH: "英文 英语 english en",
}
SPOKEN = {
    Spoken.MANDARIN: "普通话 国语 中文 mandarin cmn",
    Spoken.CANTONESE: "粤语 广东话 白话 cantonese yue",
    Spoken.ENGLISH: "英语 英文 english en",
}
TOLD = {
    Told.AFTER: "之后 联系不上再通知 以后 after",
    Told.WITH: "同时 一起 with",
}
"""When a contact is told: once the resident could not be reached, or together with them."""

BAD_IDENTITY = "身份证号不能导入，请删掉。 Identity-card numbers are not imported: delete it."
BAD_ADDRESS = (
    "地址要写明楼栋和房号，例如 3-2-501；Excel 可能把它变成了日期，请把这一列设为文本。 "
    "The address needs building and room, such as 3-2-501, in a text column."
)
BAD_SCIENCE = (
    "Excel 把号码变成了科学计数，请把这一列设为文本。 "
    "Excel has cut this number short: make the column text."
)
BAD_WORD = "看不懂，可以写：{}。 Not known; write one of: {}."
MISSING_COLUMN = "缺少这一列。 This column is missing."
MISSING_NAME = "没有填写姓名。 The name is missing."
MISSING_PHONE = "联系人没有电话。 The contact has no number."
TWICE = "这个人在第 {} 行已经有了。 This person is on line {} already."
TWO_GRIDS = "这栋楼在第 {} 行属于另一个网格。 On line {} this building is in another grid."


def plain(title: str) -> str:
    """Return a title without case, width, blanks and punctuation."""
    narrow = unicodedata.normalize("NFKC", title).lower()
    return "".join(char for char in narrow if char.isalnum())


@cache
def fields() -> dict[str, str]:
    """Return the field of every title."""
    return {plain(title): name for name, titles in COLUMNS.items() for title in titles.split()}


def title(name: str) -> str:
    """Return the title under which a field is exported and missed."""
    return COLUMNS[name].split()[0]
