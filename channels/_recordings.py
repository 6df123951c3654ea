"""Recordings of who calls us by Twilio: fetched when they are ready, deleted when they are kept."""

import asyncio
import re

from channels import _twilio
from channels.base import SendError
from content.reason import Reason

RECORDING = re.compile(r"RE[0-9a-fA-F]{32}", re.ASCII)
_READY = (0.3, 0.7, 1.0)
"""Real seconds to wait for a recording that is not ready when it is announced."""
_GONE = frozenset({"404", "20404"})
"""Twilio does not have it: not yet, or not any more."""


async def fetch(account: _twilio.Account, file_id: str) -> bytes:
    """Return a recording as WAV, which may be ready only in a moment; raises SendError."""
    path = f"Recordings/{_sid(file_id)}.wav"
    for pause in _READY:
        try:
            return await account.download(path)
        except SendError as error:
            if error.code not in _GONE:
                raise
        await asyncio.sleep(pause)
    return await account.download(path)


async def forget(account: _twilio.Account, file_id: str) -> None:
    """Have Twilio delete a recording, if it still has it; raises SendError."""
    try:
        with _twilio.errors():
            await account.client.recordings(_sid(file_id)).delete_async()
    except SendError as error:
        if error.code not in _GONE:
            raise


def _sid(file_id: str) -> str:
    if not RECORDING.fullmatch(file_id):
        raise SendError(Reason.REFUSED_CONTENT, permanent=True, code="no_recording")
    return file_id
