"""What a run that pushes one secret to the fleet has done, kept so that a run that stopped continues. No values.

GitHub never shows a secret, only when it was written last. So what a run has written is noted here: for each mirror
the time that GitHub named afterwards. It holds only as long as GitHub names that very time, for whoever writes later
writes something else; and only for the same value, which a salted, slow digest recognizes.
"""

from __future__ import annotations

import fcntl
import hashlib
import hmac
import json
import os
import secrets
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from generator.base.errors import PreflightError, RefusedError
from generator.base.files import read_private, write_file
from generator.base.folders import NO_HOME, state_folder
from generator.base.secrets import Secret

SCHEMA = 1

_MOST_BYTES = 4_000_000


@dataclass
class Pushed:
    """The note on one secret of one owner's mirrors. Thread-safe.

    ``mirrors`` are the times by the mirror's full name.
    """

    place: Path
    salt: bytes
    digest: bytes
    mirrors: dict[str, str] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, mirror: str, written: str) -> None:
        """The mirror has the value since ``written``. Raises ``OSError`` where this can't be kept."""
        with self._lock:
            self.mirrors[mirror] = written
            document = {
                "schema": SCHEMA,
                "salt": self.salt.hex(),
                "digest": self.digest.hex(),
                "mirrors": self.mirrors,
            }
            write_file(self.place, json.dumps(document, indent=2) + "\n")


@contextmanager
def pushed(api: str, owner: str, name: str, value: Secret) -> Iterator[Pushed]:
    """The note on the secret ``name`` with this value in the mirrors of ``owner``, for one run at a time.

    ``api`` is the address of that GitHub. A note on another value counts for nothing. Raises ``RefusedError`` while
    another run of this person pushes the same secret, ``PreflightError`` where nothing can be kept.
    """
    key = hashlib.sha256(f"{api}\0{owner}".encode()).hexdigest()[:12]
    folder = state_folder()
    if folder is None:
        message = f"{NO_HOME}, so what was done could not be kept"
        raise PreflightError("fleet.secrets_state", message, "set HOME or XDG_STATE_HOME to a writable folder")
    place = folder / f"pushed-{name}-{key}.json"
    with _alone(place.with_suffix(".lock"), name):
        found = _read(place)
        yield _same(place, found, value) or Pushed(place, *_digested(value))


@contextmanager
def _alone(place: Path, name: str) -> Iterator[None]:
    """Hold the lock; it ends with the process."""
    try:
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(place, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise PreflightError(
            "fleet.secrets_state",
            f"{place.parent} can't be written ({error.strerror}), so what was done could not be kept",
            "make it writable: without it a run that stopped could not continue",
        ) from None
    try:
        _lock(handle, name)
        yield
    finally:
        os.close(handle)


def _lock(handle: int, name: str) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise RefusedError(
            "fleet.secrets_busy",
            f"another run is pushing {name}",
            "wait until it ends: two runs could leave different values in different repositories",
        ) from None


def _read(place: Path) -> Mapping[str, Any]:
    """A note that this person alone can have written; empty for none, and for one that is damaged."""
    with suppress(OSError, ValueError, RecursionError):
        document = json.loads(read_private(place, _MOST_BYTES, unseen=True) or b"{}")
        return document if isinstance(document, dict) else {}
    return {}


def _same(place: Path, found: Mapping[str, Any], value: Secret) -> Pushed | None:
    """The note, if it is about this value."""
    with suppress(LookupError, TypeError, ValueError, AttributeError):
        salt, digest = bytes.fromhex(found["salt"]), bytes.fromhex(found["digest"])
        mirrors = {str(mirror): str(written) for mirror, written in found["mirrors"].items()}
        if found["schema"] == SCHEMA and hmac.compare_digest(_digest(value, salt), digest):
            return Pushed(place, salt, digest, mirrors)
    return None


def _digested(value: Secret) -> tuple[bytes, bytes]:
    salt = secrets.token_bytes(16)
    return salt, _digest(value, salt)


def _digest(value: Secret, salt: bytes) -> bytes:
    """Slow on purpose: whoever reads the file can try out values, and a token's are too many for that."""
    return hashlib.scrypt(value.reveal().encode(), salt=salt, n=2**14, r=8, p=1)
