"""The field lists of the stand-ins against the providers' own descriptions, where these are."""

import json
from pathlib import Path
from typing import Any

import pytest

from bot.sandbox import params, shapes
from bot.sandbox.book import Call, Direction, Kind, Message
from bot.sandbox.fields import METHODS, OBJECTS, UNPLAYED
from content.clock import Clock

ACCOUNT = "AC" + "a" * 32
BASE = "/2010-04-01/Accounts/{AccountSid}/"
KINDS = {
    "Integer": {"integer"},
    "String": {"string"},
    "Boolean": {"boolean"},
    "InputFile": {"file"},
    "CallbackGame": {"object"},
}


@pytest.fixture(scope="module")
def specs() -> Path:
    folder = Path(__file__).resolve().parents[4] / "shared" / "specs"
    if not folder.is_dir():
        pytest.skip("the providers' descriptions are not here")
    return folder


@pytest.fixture(scope="module")
def telegram(specs: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((specs / "telegram-bot-api.json").read_text("utf-8"))
    return found


@pytest.fixture(scope="module")
def twilio(specs: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((specs / "twilio_api_v2010.json").read_text("utf-8"))
    return found


def kind(types: list[str]) -> str:
    if set(types) == {"Integer", "String"}:
        return "chat"
    if "InputFile" in types:
        return "file"
    if types[0].startswith("Array"):
        return "array"
    simple = {"Integer": "integer", "String": "string", "Boolean": "boolean"}
    return simple.get(types[0], "object")


@pytest.mark.parametrize("method", METHODS)
def test_each_method_takes_exactly_telegrams_fields(telegram: dict[str, Any], method: str) -> None:
    described = telegram["methods"][method].get("fields", [])
    assert METHODS[method] == {
        field["name"]: (kind(field["types"]), field["required"]) for field in described
    }


@pytest.mark.parametrize("name", OBJECTS)
def test_each_object_has_exactly_telegrams_fields(telegram: dict[str, Any], name: str) -> None:
    described = telegram["types"][name].get("fields", [])
    assert OBJECTS[name] == {
        field["name"]: (kind(field["types"]), field["required"]) for field in described
    }


def test_what_is_not_played_is_never_required() -> None:
    required = {name for table in METHODS.values() for name, (_, must) in table.items() if must}
    assert not UNPLAYED & required


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("Messages.json", params.MESSAGE_CREATE),
        ("Messages/{Sid}.json", params.MESSAGE_UPDATE),
        ("Calls.json", params.CALL_CREATE),
        ("Calls/{Sid}.json", params.CALL_UPDATE),
    ],
)
def test_no_parameter_is_taken_that_twilio_does_not_have(
    twilio: dict[str, Any], path: str, allowed: frozenset[str]
) -> None:
    content = twilio["paths"][BASE + path]["post"]["requestBody"]["content"]
    described = content["application/x-www-form-urlencoded"]["schema"]["properties"]
    assert allowed <= set(described)


@pytest.mark.parametrize(
    ("path", "allowed"),
    [("Messages.json", params.MESSAGE_LIST), ("Calls.json", params.CALL_LIST)],
)
def test_filters_are_those_of_twilio(
    twilio: dict[str, Any], path: str, allowed: frozenset[str]
) -> None:
    described = twilio["paths"][BASE + path]["get"]["parameters"]
    assert allowed <= {one["name"] for one in described if one["in"] == "query"}


def shape_of_a_message() -> dict[str, Any]:
    now = Clock().now()
    entry = Message(Kind.SMS, Direction.OUT, "SM" + "0" * 32, "+861", "+12", "好", now)
    return shapes.message(entry, ACCOUNT) | {"status": "queued"}


def shape_of_a_call() -> dict[str, Any]:
    entry = Call(Direction.OUT, "CA" + "0" * 32, "+861", "+12", Clock().now())
    return shapes.call(entry, ACCOUNT)


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        (".message", shape_of_a_message()),
        (".call", shape_of_a_call()),
        ("", shapes.account(ACCOUNT, Clock().now())),
    ],
)
def test_answers_have_the_shape_of_twilios(
    twilio: dict[str, Any], name: str, shape: dict[str, Any]
) -> None:
    described = twilio["components"]["schemas"][f"api.v2010.account{name}"]["properties"]
    types = {"string": str, "integer": int, "object": dict}
    assert set(shape) == set(described)
    wrong = [
        key
        for key, value in shape.items()
        if value is not None and not isinstance(value, types[described[key].get("type", "string")])
    ]
    assert wrong == []


def test_every_error_code_is_one_of_twilios(specs: Path) -> None:
    known = json.loads((specs / "twilio-error-codes.json").read_text("utf-8"))
    assert set(params.ERRORS) - {entry["code"] for entry in known} <= {20500}
    assert set(shapes.ERROR_TEXTS) <= {entry["code"] for entry in known}


def test_every_status_of_a_call_is_one_of_twilios(twilio: dict[str, Any]) -> None:
    schemas = twilio["components"]["schemas"]
    assert set(schemas["call_enum_status"]["enum"]) == params.CALL_STATES
    assert set(schemas["call_enum_event"]["enum"]) == params.CALL_EVENTS
