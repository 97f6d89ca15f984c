"""Files below a root folder, and never elsewhere: the one way to read and to write a tree on this machine.

Whoever filled the tree may be hostile. Every path is resolved component by component with folder handles, so nothing
that moves between a check and its use leads out. Reading follows a link only to what is below the root; writing goes
through none. Git's own folder, under any of its names, is not part of a tree.
"""

from __future__ import annotations

import errno
import os
import re
import stat
from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from generator.base.errors import RefusedError
from generator.base.files import FOLDER, put_file
from generator.base.folders import home

_MOST_LINKS = 40
"""As the kernel does."""

_DEEPEST = 100
"""More folders than any tree has; each takes a handle while a path is resolved."""

_MOST_BYTES = 64 << 20
"""More than any file that is compared, merged or edited."""

_REGULAR = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC

_INVISIBLE = re.compile("[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]")
"""What file systems of macOS ignore in names."""

_GITS = re.compile(r"(\.git|git~\d+)[ .]*(:.*)?", re.DOTALL)
"""Git's folder, also as file systems of Windows read names."""


_LINK = "a symbolic link"


@dataclass(frozen=True)
class Obstacle:
    """What is in the way of a file: a link on the way, or what is neither a file nor a folder.

    ``text`` is where a link leads.
    """

    path: str
    kind: str
    text: bytes = b""

    @property
    def error(self) -> RefusedError:
        """The refusal to write there."""
        if self.kind == _LINK:
            to = f" to {os.fsdecode(self.text)}" if self.text else ""
            return RefusedError(
                "files.link",
                f"{self.path} is a symbolic link{to}: newservice writes through no link",
                f"put a file or a folder in the place of {self.path}, then run the same command again",
            )
        return RefusedError(
            "files.kind",
            f"{self.path} is {self.kind}, where newservice needs another kind of entry",
            f"move {self.path} away, then run the same command again",
        )


A_SUBMODULE = "a submodule"
A_FOLDER = "a folder"
A_FILE = "a file"


def link_at(path: str, text: bytes | str = b"") -> Obstacle:
    """A symbolic link in the way; ``text`` is where it leads."""
    return Obstacle(path, _LINK, os.fsencode(text))


def is_plain(path: str) -> bool:
    """Whether a POSIX path names something below a root: relative, without ``..``, and nothing of git's own."""
    parts = path.split("/")
    return "\0" not in path and len(parts) <= _DEEPEST and not any(map(_is_special, parts))


def check_plain(path: str) -> None:
    """Raise ``RefusedError`` for a path that is not plain."""
    if not is_plain(path):
        raise RefusedError(
            "files.path", f"{path!r} is no path of a file in a tree", "name it from its root, without .. and .git"
        )


def _is_special(part: str) -> bool:
    return part in ("", ".", "..") or bool(_GITS.fullmatch(_INVISIBLE.sub("", part).lower()))


def linked(place: Path) -> Obstacle | None:
    """The link that a folder is, or through which it lies in a repository; None where there is none.

    Links above a repository are how this machine is arranged, and those in a home that is one (for its dotfiles) are
    the person's. Any other link in one may be anybody's.
    """
    path, own = Path(os.path.abspath(place)), home()
    homes = {own, *own.parents, Path(os.path.realpath(own))} if own else set()
    above = [folder for folder in path.parents if folder not in homes and os.path.lexists(folder / ".git")]
    inside = len(path.relative_to(above[-1]).parts) if above else 1
    found = [folder for folder in (path, *path.parents)[:inside] if folder.is_symlink()]
    return link_at(str(found[-1]), os.readlink(found[-1])) if found else None


class _LedOutError(Exception):
    """A link leads out of the root, round in circles, or into git's folder."""


@dataclass(frozen=True)
class Contained:
    """The files below ``root``, by POSIX paths from there. ``root`` itself must not be a link.

    Every method raises ``OSError`` with the whole path where the system fails.
    """

    root: Path
    shut: bool = False
    """Whether nothing is reached at all: ``root`` lies behind a link."""

    @classmethod
    def behind(cls, place: Path) -> Self:
        """The files in a folder that a person named to read from it, wherever links lead."""
        return cls(Path(os.path.realpath(place)))

    @classmethod
    def at(cls, place: Path) -> Self:
        """The files in a folder that is read and written; none where a link leads there."""
        return cls(place, shut=linked(place) is not None)

    def read(self, path: str) -> bytes | None:
        """Content of a regular file. None where there is none, also for a link that leads out; never waits."""
        with self._opened(path) as handle:
            if handle is None:
                return None
            with os.fdopen(os.dup(handle), "rb") as stream:
                content = stream.read(_MOST_BYTES + 1)
            if len(content) > _MOST_BYTES:
                raise OSError(errno.EFBIG, f"Larger than {_MOST_BYTES >> 20} MiB", str(self.root / path))
            return content

    def mode(self, path: str) -> int | None:
        """The permissions of a regular file; None where ``read`` finds none."""
        with self._opened(path) as handle:
            return None if handle is None else stat.S_IMODE(os.fstat(handle).st_mode)

    def executable(self, path: str) -> bool:
        """Whether its owner may run a file."""
        return bool((self.mode(path) or 0) & 0o100)

    def obstacle(self, path: str) -> Obstacle | None:
        """What is in the way of a file: a link, in its place or on the way, or a device, a pipe or a socket; a
        folder in its place, or a file on the way."""
        if not is_plain(path):
            return Obstacle(path, "no path of a file in a tree")
        parts = path.split("/")
        with ExitStack() as handles:
            try:
                folder = self._entered(handles)
                for depth, part in enumerate(parts, 1):
                    status = os.stat(part, dir_fd=folder, follow_symlinks=False)
                    found = _in_the_way("/".join(parts[:depth]), status, folder, part, last=depth == len(parts))
                    if found or depth == len(parts):
                        return found
                    folder = _entered(handles, part, folder)
            except OSError as error:
                self._missing(error, path)
        return None

    def paths(self, folder: str = "") -> list[str]:
        """Paths of all files and links below a folder, sorted; nothing is followed."""
        prefix = folder.strip("/")
        with self._folder(prefix) as handle:
            return [] if handle is None else sorted(_below(handle, f"{prefix}/" if prefix else "", 0))

    def folders(self, folder: str = "") -> list[str]:
        """Names of the folders directly below a folder, sorted; no links."""
        with self._folder(folder.strip("/")) as handle:
            return [] if handle is None else sorted(name for name, mode in _entries(handle) if stat.S_ISDIR(mode))

    def is_folder(self, path: str) -> bool:
        """Whether there is a folder, and no link to it."""
        with self._folder(path) as handle:
            return handle is not None

    def write(self, path: str, content: bytes, mode: int = 0o644) -> tuple[str, ...]:
        """Write a file atomically; returns the folders that were made for it, of which none stay when that fails.

        Raises ``RefusedError`` where something is in the way.
        """
        made: list[str] = []
        try:
            with self._place(path, made) as (folder, name):
                put_file(folder, name, content, mode, durable=False)
        except BaseException:
            for new in reversed(made):
                self.remove_folder(new)
            raise
        return tuple(made)

    def overwrite(self, path: str, content: bytes) -> None:
        """Write into a file as it is, which takes no space but the content's: what ``write`` wrote is put back so."""
        with self._place(path, None) as (folder, name):
            handle = os.open(name, os.O_WRONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
            with os.fdopen(handle, "wb") as stream:
                stream.write(content)
                stream.truncate()

    def move_in(self, draft: Path, path: str) -> None:
        """Move a file from elsewhere on the same file system to its place, as ``write`` does."""
        with self._place(path, []) as (folder, name):
            os.replace(draft, name, dst_dir_fd=folder)

    def remove(self, path: str) -> None:
        """Remove a file, if it exists. Raises ``RefusedError`` as ``write`` does."""
        with suppress(FileNotFoundError), self._place(path, None) as (folder, name):
            os.unlink(name, dir_fd=folder)

    def remove_folder(self, path: str) -> bool:
        """Remove a folder; whether it was empty, and no link."""
        if not is_plain(path):
            return False
        *above, name = path.split("/")
        with ExitStack() as handles:
            try:
                folder = self._entered(handles)
                for part in above:
                    folder = _entered(handles, part, folder)
                os.rmdir(name, dir_fd=folder)
            except OSError:
                return False
        return True

    def prune(self, path: str) -> None:
        """Remove folders above a removed file that it leaves empty, as git does."""
        parts = path.split("/")
        for depth in range(len(parts) - 1, 0, -1):
            if not self.remove_folder("/".join(parts[:depth])):
                return

    @contextmanager
    def _folder(self, path: str) -> Iterator[int | None]:
        """A handle of the folder at a path, through no link; None where there is none."""
        with ExitStack() as handles:
            handle = None
            if not path or is_plain(path):
                try:
                    handle = self._entered(handles)
                    for part in filter(None, path.split("/")):
                        handle = _entered(handles, part, handle)
                except OSError as error:
                    handle = None
                    self._missing(error, path)
            yield handle

    @contextmanager
    def _opened(self, path: str) -> Iterator[int | None]:
        """A handle of the regular file at a path, through links that stay below the root."""
        with ExitStack() as handles:
            handle = None
            if is_plain(path):
                try:
                    handle = self._regular(handles, path)
                except _LedOutError:
                    pass
                except OSError as error:
                    self._missing(error, path)
            yield handle

    def _regular(self, handles: ExitStack, path: str) -> int | None:
        folders, todo, links = [self._entered(handles)], deque(path.split("/")), 0
        while todo:
            part = todo.popleft()
            if part in ("", "."):
                continue
            if part == "..":
                folders.pop()
                if not folders:
                    raise _LedOutError
                continue
            if _is_special(part) or len(folders) > _DEEPEST:
                raise _LedOutError
            status = os.stat(part, dir_fd=folders[-1], follow_symlinks=False)
            if stat.S_ISLNK(status.st_mode):
                text, links = os.readlink(part, dir_fd=folders[-1]), links + 1
                if text.startswith("/") or links > _MOST_LINKS:
                    raise _LedOutError
                todo.extendleft(reversed(text.split("/")))
            elif todo:
                folders.append(_entered(handles, part, folders[-1]))
            elif stat.S_ISREG(status.st_mode):
                handle = os.open(part, _REGULAR, dir_fd=folders[-1])
                handles.callback(os.close, handle)
                return handle if stat.S_ISREG(os.fstat(handle).st_mode) else None
            else:
                return None
        return None

    @contextmanager
    def _place(self, path: str, made: list[str] | None) -> Iterator[tuple[int, str]]:
        """Handle of the folder in which a file is to be written, and its name. Missing folders are made if ``made`` is
        given, which gets their paths."""
        check_plain(path)
        *above, name = path.split("/")
        with ExitStack() as handles:
            try:
                if made is not None and not self.shut:
                    os.makedirs(self.root, exist_ok=True)
                folder = self._entered(handles)
                for depth, part in enumerate(above, 1):
                    if made is not None:
                        with suppress(FileExistsError):
                            os.mkdir(part, dir_fd=folder)
                            made.append("/".join(above[:depth]))
                    folder = _entered(handles, part, folder)
                with suppress(FileNotFoundError):
                    status = os.stat(name, dir_fd=folder, follow_symlinks=False)
                    if found := _in_the_way(path, status, folder, name, last=True):
                        raise found.error
                yield folder, name
            except OSError as error:
                if error.errno in (errno.ELOOP, errno.ENOTDIR) and (found := linked(self.root) or self.obstacle(path)):
                    raise found.error from None
                raise self._whole(error, path) from None

    def _entered(self, handles: ExitStack) -> int:
        if self.shut:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
        return _entered(handles, os.fspath(self.root), None)

    def _missing(self, error: OSError, path: str) -> None:
        """Nothing is there. Raises ``OSError`` for any other reason."""
        if error.errno not in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENXIO, errno.ENAMETOOLONG):
            raise self._whole(error, path) from None

    def _whole(self, error: OSError, path: str) -> OSError:
        return OSError(error.errno, error.strerror, str(self.root / path))


def _entered(handles: ExitStack, name: str, folder: int | None) -> int:
    """Handle of a folder that is no link."""
    handle = os.open(name, FOLDER | os.O_NOFOLLOW, dir_fd=folder)
    handles.callback(os.close, handle)
    return handle


def _in_the_way(path: str, status: os.stat_result, folder: int, name: str, *, last: bool) -> Obstacle | None:
    """``last``: a file is to be there, not a folder."""
    if stat.S_ISLNK(status.st_mode):
        return link_at(path, os.readlink(name, dir_fd=folder))
    if stat.S_ISDIR(status.st_mode):
        return Obstacle(path, A_FOLDER) if last else None
    if stat.S_ISREG(status.st_mode):
        return None if last else Obstacle(path, A_FILE)
    return Obstacle(path, "neither a file nor a folder")


def _below(handle: int, prefix: str, depth: int) -> Iterator[str]:
    for name, mode in _entries(handle) if depth < _DEEPEST else ():
        if stat.S_ISREG(mode) or stat.S_ISLNK(mode):
            yield f"{prefix}{name}"
        elif stat.S_ISDIR(mode):
            with ExitStack() as handles, suppress(OSError):  # it may have vanished
                yield from _below(_entered(handles, name, handle), f"{prefix}{name}/", depth + 1)


def _entries(handle: int) -> Iterator[tuple[str, int]]:
    """Names in a folder and their modes; none of a folder that this person may not list."""
    with suppress(OSError):
        readable = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=handle)
        try:
            names = os.listdir(readable)
        finally:
            os.close(readable)
        for name in names:
            with suppress(OSError):  # as above
                if not _is_special(name):
                    yield name, os.stat(name, dir_fd=handle, follow_symlinks=False).st_mode
