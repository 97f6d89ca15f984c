"""Compiled templates, kept: compiling takes most of the time that a command needs.

They are kept in this process and in the person's cache, in one file for each version of Python and Jinja. A template
that changed is compiled anew. Without a cache that only the person can write, everything is compiled each time.
"""

from __future__ import annotations

import hashlib
import marshal
import os
import stat
import sys
import tempfile
from contextlib import suppress
from functools import cache
from importlib.metadata import version
from pathlib import Path
from types import CodeType

import jinja2
from jinja2 import BytecodeCache, Environment
from jinja2.bccache import Bucket
from jinja2.ext import Extension
from platformdirs import user_cache_path

_DIGEST = hashlib.sha256().digest_size

_OPTIONS = (
    *("block_start_string", "block_end_string", "variable_start_string", "variable_end_string"),
    *("comment_start_string", "comment_end_string", "trim_blocks", "lstrip_blocks", "keep_trailing_newline"),
)


class Compiled(BytecodeCache):
    """Compiled templates by their options and names, each with the checksum of its source."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[str, CodeType]] = {}
        self._new = False

    def get_cache_key(self, name: str, filename: str | None = None) -> str:  # noqa: ARG002
        """The name alone: copier is given a folder of its own each time."""
        return name

    def load_bytecode(self, bucket: Bucket) -> None:
        """Fill in the code, if it is of this very source."""
        checksum, code = self._known.get(_key(bucket), ("", None))
        if checksum == bucket.checksum:
            bucket.code = code

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Remember the code."""
        if bucket.code is not None:
            self._known[_key(bucket)] = (bucket.checksum, bucket.code)
            self._new = True

    def load(self, place: Path) -> None:
        """Take up what an earlier process has left; nothing where others could have written it, or that is damaged."""
        with suppress(Exception):  # whatever is wrong with it: everything is compiled anew
            content = _private(place)
            digest, body = content[:_DIGEST], content[_DIGEST:]
            if hashlib.sha256(body).digest() == digest:
                self._known = {**marshal.loads(body), **self._known}  # noqa: S302 - our own, whole

    def keep(self, place: Path) -> None:
        """Leave what is new to later processes, whole or not at all."""
        if not self._new:
            return
        with suppress(Exception):  # a full disk or a cache that can't be written: it will be slower, no more
            place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            body = marshal.dumps(self._known)
            with tempfile.NamedTemporaryFile(dir=place.parent, prefix=".compiled-", delete=False) as draft:
                draft.write(hashlib.sha256(body).digest() + body)
            Path(draft.name).replace(place)
            self._new = False


class Remembering(Extension):
    """Lets an environment that somebody else makes, such as copier's, use what is kept."""

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        environment.bytecode_cache = compiled()


@cache
def compiled() -> Compiled:
    """The one of this process, with what earlier ones have left."""
    found = Compiled()
    found.load(_place())
    return found


def keep_compiled() -> None:
    """Leave what this process has compiled to later ones."""
    if compiled.cache_info().currsize:
        compiled().keep(_place())


def _place() -> Path:
    """One file for all that decides what a template is compiled to."""
    ours, filters = version("newservice"), version("jinja2-ansible-filters")
    name = f"compiled-{ours}-{sys.implementation.cache_tag}-jinja{jinja2.__version__}-filters{filters}"
    return user_cache_path("newservice") / name


def _private(place: Path) -> bytes:
    """Content of a file that nobody but this person can have written. Raises ``OSError`` where that is not so."""
    for path in (place.parent, place):
        status = path.lstat()
        if stat.S_ISLNK(status.st_mode) or status.st_uid != os.geteuid() or status.st_mode & 0o022:
            raise PermissionError(path)
    return place.read_bytes()


def _key(bucket: Bucket) -> str:
    options = "".join(f"{getattr(bucket.environment, name)}\0" for name in _OPTIONS)
    return options + bucket.key
