import subprocess
import sys
from pathlib import Path

import pytest

from channels import registry
from channels.registry import RegistryError
from content.message import Kind


@pytest.mark.parametrize("name", registry.CHANNELS)
def test_every_channel_goes_by_its_name(name: str) -> None:
    made = registry.adapter(name)
    assert made.kind in Kind
    assert made.abilities is not None


def test_a_channel_is_opened_with_its_settings(tmp_path: Path) -> None:
    opened = registry.open("speaker", {"folder": tmp_path, "rate": 120})
    assert opened.name == "speaker"


def test_an_unknown_channel_is_refused_with_the_known_ones() -> None:
    with pytest.raises(RegistryError, match="speaker, telegram, twilio_sms"):
        registry.open("pigeon", {})


@pytest.mark.parametrize(
    ("settings", "named"), [({}, "folder"), ({"folder": ".", "colour": "red"}, "colour")]
)
def test_a_missing_or_unknown_setting_is_named(settings: dict[str, object], named: str) -> None:
    with pytest.raises(RegistryError, match=named):
        registry.open("speaker", settings)


def test_no_provider_is_imported_before_it_is_opened() -> None:
    check = (
        "import sys, channels.registry; print({'telegram', 'twilio', 'pyttsx3'} & {*sys.modules})"
    )
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [sys.executable, "-c", check], capture_output=True, text=True, check=True, cwd=root
    )
    assert done.stdout.strip() == "set()"
