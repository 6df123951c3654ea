"""Files that survive a power cut."""

import os
from pathlib import Path


def sync(path: Path) -> None:
    """Let a file's content, or the names in a folder, be on the disk; raises OSError."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
