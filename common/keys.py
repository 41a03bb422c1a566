"""The secrets that never enter the database: made once in the state directory, or given.

`<state>/keys/field` encrypts fields, `<state>/keys/index` makes blind indexes; CRM_FIELD_KEY and
CRM_INDEX_KEY (base64 of 32 bytes) win over the files. Whoever loses them loses every encrypted
field, so the backup carries them and start-up compares `Keys.fingerprint` with the database's.
"""

import base64
import hashlib
import hmac
import os
import secrets
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from django.conf import settings

KEY_BYTES = 32


class KeyProblem(Exception):
    """A key cannot be read; the message names the file or the variable, never the key."""


@dataclass(frozen=True, slots=True)
class Keys:
    """The field key and the index key, 32 bytes each."""

    field_key: bytes = field(repr=False)
    index_key: bytes = field(repr=False)

    @property
    def field_key_id(self) -> int:
        """One byte that goes with every encrypted value, to tell a wrong key from broken data."""
        return hashlib.sha256(b"field key id" + self.field_key).digest()[0]

    def blind_index(self, kind: str, value: str) -> bytes:
        """32 bytes by which an encrypted value is found: HMAC-SHA256 of its kind and itself."""
        return hmac.digest(self.index_key, f"{kind}\0{value}".encode(), "sha256")

    def fingerprint(self) -> str:
        """32 hexadecimal digits that name this pair of keys and give nothing of it away."""
        label = b"fingerprint of the field key and the index key"
        return hmac.digest(self.field_key, label + self.index_key, "sha256").hex()[:32]


def made_once(path: Path, size: int) -> bytes:
    """`size` random bytes kept in a file (base64, mode 0600): made the first time, then read.

    Of several processes that make it at the same moment one wins and all return its bytes. The
    file never exists half-written. Raises KeyProblem when it holds something else.
    """
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(base64.b64encode(secrets.token_bytes(size)) + b"\n")
                file.flush()
                os.fsync(file.fileno())
            # A link, unlike a rename, does not replace what another process has just made.
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
        _sync_folder(path.parent)
    return _decoded(path.read_text("ascii", errors="replace"), size, str(path))


def _sync_folder(folder: Path) -> None:
    # Rows encrypted with the key may reach the disk sooner than the key's name in its folder.
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def load_keys(state_dir: Path) -> Keys:
    """The keys from the environment, else from `state_dir`, made there if missing. KeyProblem."""
    return Keys(
        field_key=_key("CRM_FIELD_KEY", state_dir / "keys" / "field"),
        index_key=_key("CRM_INDEX_KEY", state_dir / "keys" / "index"),
    )


@cache
def current_keys() -> Keys:
    """The keys of this installation, loaded once a process. Raises KeyProblem."""
    return load_keys(settings.STATE_DIR)


def blind_index(kind: str, value: str) -> bytes:
    """32 bytes by which a value is found without being stored: `blind_index("phone", "138…")`."""
    return current_keys().blind_index(kind, value)


def _key(variable: str, path: Path) -> bytes:
    given = os.environ.get(variable)
    return _decoded(given, KEY_BYTES, variable) if given else made_once(path, KEY_BYTES)


def _decoded(text: str, size: int, where: str) -> bytes:
    try:
        value = base64.b64decode(text.strip(), validate=True)
    except ValueError:
        value = b""
    if len(value) != size:
        raise KeyProblem(f"{where} does not hold {size} bytes in base64")
    return value
