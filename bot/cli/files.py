"""Files with personal data: only who has asked for one can open it."""

import os
from pathlib import Path

from bot.cli import context


def write(path: Path, body: bytes) -> None:
    """Write a file that only its writer can read; where it cannot be written the command ends."""
    try:
        # made anew: a file that others could read stays readable for them
        path.unlink(missing_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError:
        context.fail(f"写不了 {path}，请换个位置。 {path} cannot be written: choose another place.")
    with os.fdopen(handle, "wb") as out:
        out.write(body)
