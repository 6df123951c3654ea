"""The key file: encrypts personal columns, and hashes what must be found again."""

import base64
import hmac
import json
import os
import secrets
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE = 12


class KeyFileError(Exception):
    """The key file cannot be used; the sentence says what to do."""


@dataclass(frozen=True, slots=True)
class Keyring:
    """AES-256-GCM keys by id, the id that encrypts now, and the key of the look-up hashes."""

    current: str
    keys: dict[str, bytes] = field(repr=False)
    lookup: bytes = field(repr=False)

    @classmethod
    def generate(cls) -> "Keyring":
        """Return a new keyring with one key."""
        return cls("k1", {"k1": secrets.token_bytes(32)}, secrets.token_bytes(32))

    def encrypt(self, text: str, context: str) -> bytes:
        """Return `seal` of a text."""
        return self.seal(text.encode(), context)

    def decrypt(self, value: bytes, context: str) -> str:
        """Undo `encrypt`; raises KeyFileError as `unseal` does."""
        return self.unseal(value, context).decode()

    def seal(self, body: bytes, context: str) -> bytes:
        """Return `id length, id, nonce, ciphertext`; `context` (the column) is authenticated."""
        name = self.current.encode()
        nonce = secrets.token_bytes(_NONCE)
        sealed = _cipher(self.keys[self.current]).encrypt(nonce, body, context.encode())
        return bytes([len(name)]) + name + nonce + sealed

    def unseal(self, value: bytes, context: str) -> bytes:
        """Undo `seal`; raises KeyFileError when the key is missing or the value was changed."""
        end = 1 + value[0]
        key = self.keys.get(value[1:end].decode(errors="replace"))
        if key is None:
            raise KeyFileError(
                "The key file does not hold the key of this record; restore the old one."
            )
        try:
            return _cipher(key).decrypt(
                value[end : end + _NONCE], value[end + _NONCE :], context.encode()
            )
        except InvalidTag as error:
            raise KeyFileError("The key file does not belong to this database.") from error

    def digest(self, text: str) -> str:
        """Return the keyed hash of `text`, 32 hex digits: equal texts can be found, not read."""
        return hmac.digest(self.lookup, text.encode(), "sha256").hex()[:32]

    def derive(self, purpose: str) -> bytes:
        """Return the 32 bytes of a key of its own for one purpose: to sign, to hide names."""
        return hmac.digest(self.lookup, b"derive:" + purpose.encode(), "sha256")

    def save(self, path: Path) -> None:
        """Write a new key file that only its owner can read (0600); refuses to overwrite one."""
        body = {
            "current": self.current,
            "keys": {name: _text(key) for name, key in self.keys.items()},
            "lookup": _text(self.lookup),
        }
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError as error:
            raise KeyFileError(f"The key file {path} exists already; it is kept.") from error
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(body, file, indent=1)

    @classmethod
    def load(cls, path: Path) -> "Keyring":
        """Read a key file; raises KeyFileError with what to do."""
        try:
            body = json.loads(path.read_text(encoding="utf-8"))
            keys = {name: base64.b64decode(key) for name, key in body["keys"].items()}
            ring = cls(body["current"], keys, base64.b64decode(body["lookup"]))
            ring.digest(ring.decrypt(ring.encrypt("", ""), ""))
        except FileNotFoundError as error:
            raise KeyFileError(
                f"找不到密钥文件 {path}，请从备份放回；新社区请运行 linxun init。 "
                f"The key file {path} is missing: put it back from your safe copy, "
                "or run `linxun init` for a new community."
            ) from error
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise KeyFileError(f"The file {path} is not a Linxun key file.") from error
        return ring


@lru_cache(maxsize=16)
def _cipher(key: bytes) -> AESGCM:
    """Return the cipher of a key: to make it takes as long as to use it."""
    return AESGCM(key)


def _text(key: bytes) -> str:
    return base64.b64encode(key).decode()
