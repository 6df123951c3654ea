import json
from pathlib import Path

import pytest

from channels import _twilio
from content.reason import Reason


def test_every_classified_code_is_one_of_twilios(shared: Path) -> None:
    listed = json.loads((shared / "specs" / "twilio-error-codes.json").read_text())
    assert set(_twilio.ERRORS) <= {row["code"] for row in listed}


def test_no_code_is_classified_twice() -> None:
    assert len(_twilio.ERRORS) == sum(len(codes) for codes in _twilio.CODES.values())


@pytest.mark.parametrize(
    ("code", "reason", "permanent"),
    [
        (20429, Reason.RATE_LIMITED, False),
        (21211, Reason.NUMBER_INVALID, True),
        (21408, Reason.REFUSED_REGION, True),
        (21610, Reason.OPTED_OUT, True),
        (21614, Reason.LANDLINE, True),
        (30003, Reason.NUMBER_UNREACHABLE, False),
        (30004, Reason.BLOCKED, True),
        (30005, Reason.NUMBER_INVALID, True),
        (30006, Reason.LANDLINE, True),
        (30007, Reason.REFUSED_CONTENT, True),
        (30008, Reason.UNDELIVERED, False),
        (13224, Reason.NUMBER_INVALID, True),
        (99999, Reason.UNDELIVERED, False),
    ],
)
def test_a_code_has_its_meaning(code: int, reason: Reason | None, permanent: bool) -> None:
    assert _twilio.meaning(code, Reason.UNDELIVERED) == (reason, permanent)
