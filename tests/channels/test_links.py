"""Trying the way to a provider without telling anybody anything."""

import os
from pathlib import Path

import pytest

from bot.sandbox.server import Sandbox
from channels import base, registry
from channels.base import SendError
from content.reason import Reason
from tests.channels.test_contract import settings_of


# a trunk of its own answers sip_voice: test_sip_voice.py
@pytest.mark.parametrize("name", sorted(set(registry.CHANNELS) - {"sip_voice"}))
async def test_every_channel_can_be_tried_and_sends_nothing(
    name: str, sandbox: Sandbox, tmp_path: Path
) -> None:
    channel = registry.open(name, settings_of(name, sandbox, tmp_path))
    assert isinstance(channel, base.Tests)
    await channel.test()
    await channel.close()
    assert not sandbox.stage.book.messages
    assert not sandbox.stage.book.calls
    assert not sandbox.stage.book.refusals
    assert os.listdir(tmp_path) == []  # noqa: PTH208 - in a loop


@pytest.mark.parametrize("name", ["telegram", "twilio_sms", "twilio_voice"])
async def test_a_provider_out_of_reach_is_told(name: str, tmp_path: Path) -> None:
    channel = registry.open(name, settings_of(name, None, tmp_path))
    with pytest.raises(SendError) as caught:
        await channel.test()
    await channel.close()
    assert caught.value.reason is Reason.PROVIDER_DOWN


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("telegram", {"token": "7:" + "b" * 35}),
        ("twilio_sms", {"auth_token": "wrong"}),
        ("twilio_voice", {"auth_token": "wrong"}),
    ],
)
async def test_a_wrong_token_is_found_before_anybody_must_be_told(
    name: str, wrong: dict[str, str], sandbox: Sandbox, tmp_path: Path
) -> None:
    channel = registry.open(name, settings_of(name, sandbox, tmp_path) | wrong)
    with pytest.raises(SendError) as caught:
        await channel.test()
    await channel.close()
    assert caught.value.reason is Reason.CREDENTIALS
    assert caught.value.permanent


async def test_a_suspended_account_is_no_link(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.faults.twilio.suspended = True
    channel = registry.open("twilio_voice", settings_of("twilio_voice", sandbox, tmp_path))
    with pytest.raises(SendError, match="suspended"):
        await channel.test()
    await channel.close()


async def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    taken = tmp_path / "taken"
    taken.write_text("a file")
    channel = registry.open("speaker", {"folder": taken / "speaker"})
    with pytest.raises(SendError) as caught:
        await channel.test()
    assert (caught.value.reason, caught.value.code) == (Reason.PROVIDER_DOWN, "ENOTDIR")
