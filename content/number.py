"""Telephone numbers as people write them, read into the one form that providers take."""

import unicodedata
from dataclasses import dataclass, field

import phonenumbers


class NumberError(ValueError):
    """A telephone number that cannot be used; the sentence (Chinese, English) never names it."""


_MOBILE = (
    phonenumbers.PhoneNumberType.MOBILE,
    phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE,
)


@dataclass(frozen=True, slots=True)
class Number:
    """A telephone number in E.164; a mobile one can take SMS."""

    e164: str = field(repr=False)
    mobile: bool


def read(text: str, region: str) -> Number:
    """Read a telephone number as written in `region` (`CN`); raises NumberError, number unsaid."""
    try:
        parsed = phonenumbers.parse(unicodedata.normalize("NFKC", text), region)
    except phonenumbers.NumberParseException as error:
        raise NumberError("这不是电话号码。 This is not a telephone number.") from error
    if parsed.extension:
        raise NumberError(
            "分机号无法自动拨打，请写直拨号码。 Extensions cannot be dialled; give a direct number."
        )
    # a number of no known type is an invalid one; asking once takes half the time
    kind = phonenumbers.number_type(parsed)
    if kind == phonenumbers.PhoneNumberType.UNKNOWN:
        raise NumberError(
            "这个电话号码不存在，请检查位数；座机请带区号。 "
            "No such telephone number: check its digits; landlines need the area code."
        )
    e164 = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    return Number(e164, mobile=kind in _MOBILE)
