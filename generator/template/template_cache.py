"""Compiled templates and parsed YAML, kept in the person's cache: making them takes most of a command's time.

What changed is regenerated. Without a folder to which only this person can write, everything is regenerated each time.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from types import CodeType
from typing import IO, BinaryIO, ClassVar

import jinja2
from jinja2 import Environment, FileSystemBytecodeCache
from jinja2.bccache import Bucket
from jinja2_ansible_filters import core_filters

from generator import __version__
from generator.base.cache import cache_folder

_DIGEST = hashlib.sha256().digest_size


class Compiled(FileSystemBytecodeCache):
    """Compiled templates in this process and in a folder, by name and text, wherever a release is unpacked."""

    _known: ClassVar[dict[str, CodeType]] = {}

    def __init__(self, folder: Path | None, basis: str) -> None:
        super().__init__(str(folder), f"{hashlib.sha256(basis.encode()).hexdigest()[:16]}-%s")
        self._kept = folder is not None

    def get_bucket(self, environment: Environment, name: str, filename: str | None, source: str) -> Bucket:  # noqa: ARG002
        """The code of a template, where it is known."""
        bucket = _Checked(environment, self.get_cache_key(f"{name}\0{source}"), self.get_source_checksum(source))
        self.load_bytecode(bucket)
        return bucket

    def load_bytecode(self, bucket: Bucket) -> None:
        """Fill in the code, where it is known."""
        bucket.code = self._known.get(self.pattern % bucket.key)
        if bucket.code is None and self._kept:
            super().load_bytecode(bucket)
            self._remember(bucket)

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep the code; a full disk, or a folder that is gone, only makes later commands slower."""
        self._remember(bucket)
        with suppress(OSError):
            if self._kept:
                super().dump_bytecode(bucket)

    def _remember(self, bucket: Bucket) -> None:
        if bucket.code is not None:
            self._known[self.pattern % bucket.key] = bucket.code


class _Checked(Bucket):
    """Code with its digest."""

    def load_bytecode(self, f: BinaryIO) -> None:
        if body := _unsealed(f.read()):
            super().load_bytecode(BytesIO(body))

    def write_bytecode(self, f: IO[bytes]) -> None:
        body = BytesIO()
        super().write_bytecode(body)
        f.write(_sealed(body.getvalue()))


def _sealed(body: bytes) -> bytes:
    return hashlib.sha256(body).digest() + body


def _unsealed(content: bytes) -> bytes:
    """What was sealed; nothing where the file was cut short or damaged since, as if it did not exist."""
    digest, body = content[:_DIGEST], content[_DIGEST:]
    return body if hashlib.sha256(body).digest() == digest else b""


def compiled(options: Mapping[str, object]) -> Compiled:
    """What this process and earlier ones compiled with these options of Jinja."""
    filters = Path(core_filters.__file__).stat().st_mtime_ns  # what a filter wants is compiled in
    basis = (__version__, sys.implementation.cache_tag, jinja2.__version__, filters, sorted(options.items()))
    return Compiled(cache_folder("templates"), repr(basis))


def kept(text: str, make: Callable[[], bytes]) -> bytes:
    """What ``make`` makes of a text, or made of it in an earlier process."""
    folder = cache_folder("templates")
    if folder is None:
        return make()
    place = folder / hashlib.sha256(f"{__version__}\0{text}".encode()).hexdigest()
    with suppress(OSError):
        if body := _unsealed(place.read_bytes()):
            return body
    body = make()
    with suppress(OSError):
        place.write_bytes(_sealed(body))  # a reader that finds half of it skips it
    return body
