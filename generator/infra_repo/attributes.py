"""Which files of a tree git stores through a filter (git-crypt, LFS): what its ``.gitattributes`` files say. Pure.

What is in git is then not what is in the file, so that neither an edit of what git has nor a commit of plain content is
right. Git can be asked about a working tree only; a commit, or a tree on the forge, has to be read.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache

from generator.base.errors import RefusedError
from generator.infra_repo.trees import Tree

ATTRIBUTES = ".gitattributes"

_LINE = re.compile(r'[ \t]*(?:"((?:[^"\\]|\\.)*)"|([^\s"#]\S*))[ \t]+(.*)', re.DOTALL)
_ATTRIBUTE = re.compile(r"[-!]?[\w.][-\w.]*(=|$)", re.ASCII)
_MACRO = "[attr]"
_ESCAPED = re.compile(r"\\([0-7]{3}|.)")
_ESCAPES = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_CLASSES = {
    "alpha": "a-zA-Z",
    "digit": "0-9",
    "alnum": "a-zA-Z0-9",
    "upper": "A-Z",
    "lower": "a-z",
    "xdigit": "0-9a-fA-F",
    "space": r"\s",
    "blank": r" \t",
    "punct": r"!-/:-@\[-`{-~",
}

_UNSET = ""
"""No filter, as a line says (``-filter``, ``!filter``): lines before it no longer count."""


def filters(tree: Tree, paths: Iterable[str]) -> dict[str, str]:
    """Those of ``paths`` that a filter covers, and its name."""
    seen = _Attributes(tree)
    return {path: name for path in paths if (name := seen.filter(path))}


def check_filters(tree: Tree, paths: Iterable[str]) -> None:
    """Raise ``RefusedError`` where a filter covers one of the files that are to be written."""
    refuse_filtered(filters(tree, paths))


def refuse_filtered(covered: Mapping[str, str], where: str = "the repository") -> None:
    """Raise ``RefusedError`` for files that a filter covers, by their paths; None does nothing."""
    if not covered:
        return
    listed = ", ".join(f"{path} ({name})" for path, name in sorted(covered.items())[:5])
    raise RefusedError(
        "git.filtered",
        f"git stores {listed} through a filter, as .gitattributes of {where} say, and newservice runs no filter",
        "change .gitattributes so that these files are stored as they are, or write them by hand",
    )


class _Attributes:
    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._read: dict[str, list[tuple[re.Pattern[str] | None, str]]] = {}
        self._macros: dict[str, str] = {}

    def filter(self, path: str) -> str:
        """The filter of a path; the deepest file counts first, and its last line."""
        folders = [posixpath.dirname(path)]
        while folders[-1]:
            folders.append(posixpath.dirname(folders[-1]))
        self._lines("")  # the macros of all files are here
        for folder in folders:
            below = posixpath.relpath(path, folder or ".") if folder else path
            for pattern, name in reversed(self._lines(folder)):
                if pattern is not None and pattern.fullmatch(below):
                    return name
        return _UNSET

    def _lines(self, folder: str) -> list[tuple[re.Pattern[str] | None, str]]:
        """The lines of a folder's file that say something about filters."""
        if folder not in self._read:
            content = self._tree.read(posixpath.join(folder, ATTRIBUTES)) or b""
            self._read[folder] = list(self._parsed(content.decode("utf-8", "surrogateescape"), top=not folder))
        return self._read[folder]

    def _parsed(self, text: str, *, top: bool) -> Iterator[tuple[re.Pattern[str] | None, str]]:
        for line in text.removeprefix("\ufeff").split("\n"):
            found = _LINE.match(line)
            if found is None:
                continue
            pattern = found[2] if found[1] is None else _unquoted(found[1])
            name = self._named(found[3].split())
            if name is None:
                continue
            if pattern.startswith(_MACRO):
                self._macros |= {pattern.removeprefix(_MACRO): name} if top else {}
            elif not pattern.startswith("!"):
                yield _pattern(pattern), name

    def _named(self, words: list[str]) -> str | None:
        """The filter that a line's attributes name; None where they say nothing about one, or one is misspelt."""
        if not all(map(_ATTRIBUTE.match, words)):
            return None
        name = None
        for word in words:
            if word in ("-filter", "!filter", "filter"):
                name = _UNSET
            elif word.startswith("filter="):
                name = word.removeprefix("filter=")
            else:
                name = self._macros.get(word, name)
        return name


def _unquoted(text: str) -> str:
    """A pattern without git's quoting, in which bytes are written as octal numbers."""
    plain = _ESCAPED.sub(lambda found: _byte(found[1]) if len(found[1]) > 1 else _ESCAPES.get(found[1], found[1]), text)
    return plain.encode("utf-8", "surrogateescape").decode("utf-8", "surrogateescape")


def _byte(octal: str) -> str:
    return bytes([int(octal, 8) & 0xFF]).decode("utf-8", "surrogateescape")


@cache
def _pattern(pattern: str) -> re.Pattern[str] | None:
    """What a pattern matches; None for one that matches no file."""
    if pattern.endswith("/"):
        return None  # a folder
    anchored = "/" in pattern
    text = pattern.removeprefix("/")
    try:
        return re.compile(("" if anchored else "(?:.*/)?") + _translated(text), re.DOTALL)
    except re.error:
        return None


def _translated(text: str) -> str:
    out, at = "", 0
    while at < len(text):
        rest = text[at:]
        begins = at == 0 or text[at - 1] == "/"
        if begins and rest.startswith("**/"):
            out, at = f"{out}(?:.*/)?", at + 3
        elif begins and rest == "**":
            out, at = f"{out}.*", at + 2
        elif rest[0] == "*":
            out, at = f"{out}[^/]*", at + len(rest) - len(rest.lstrip("*"))
        elif rest[0] == "?":
            out, at = f"{out}[^/]", at + 1
        elif rest[0] == "[" and (bracket := _bracket(rest)):
            out, at = out + bracket[0], at + bracket[1]
        elif rest[0] == "\\" and len(rest) > 1:
            out, at = out + re.escape(rest[1]), at + 2
        else:
            out, at = out + re.escape(rest[0]), at + 1
    return out


def _bracket(text: str) -> tuple[str, int] | None:
    """A set of characters, and how long it is in the pattern; None where it does not end."""
    at = 1
    negated = text[1:2] in ("!", "^")
    at += negated
    inside, first = "", at
    while at < len(text) and (text[at] != "]" or at == first):
        named = re.match(r"\[:(\w+):\]", text[at:])
        if named and named[1] in _CLASSES:
            inside, at = inside + _CLASSES[named[1]], at + named.end()
            continue
        at += text[at] == "\\" and at + 1 < len(text)
        inside += text[at] if text[at] == "-" and text[at - 1] != "\\" else re.escape(text[at])
        at += 1
    if at >= len(text):
        return None
    return f"(?!/)[{'^' if negated else ''}{inside}]", at + 1
