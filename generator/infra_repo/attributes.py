"""Which files of a tree git stores through a filter (git-crypt, LFS): what its ``.gitattributes`` files say. Pure.

What is in git is then not what is in the file, so that neither an edit of what git has nor a commit of plain content is
right. Git can be asked about a working tree only; a commit, or a tree on the forge, has to be read.
"""

from __future__ import annotations

import os
import posixpath
import re
from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator, Mapping
from functools import cache

from generator.base.errors import RefusedError
from generator.infra_repo.trees import Tree

ATTRIBUTES = ".gitattributes"

_QUOTED = r'"((?:[^"\\]|\\(?:[abfnrtv"\\]|[0-3][0-7]{2}))*)"'
_LINE = re.compile(rf"[ \t\r]*(?:{_QUOTED}|([^ \t\r#][^ \t\r]*))(.*)", re.DOTALL)
_ATTRIBUTE = re.compile(r"([-!]?)([\w.][-\w.]*)(?:=(.*))?", re.ASCII | re.DOTALL)
_MACRO = re.compile(r"\[attr\](?=.)")
_SPECIAL = re.compile(r"[*?\[\\]")
_ESCAPED = re.compile(r"\\(\d{3}|.)")
_ESCAPES = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_CLASSES = {
    "alpha": "a-zA-Z",
    "digit": "0-9",
    "alnum": "a-zA-Z0-9",
    "upper": "A-Z",
    "lower": "a-z",
    "xdigit": "0-9a-fA-F",
    "space": r" \t\r\n",
    "blank": r" \t",
    "punct": r"!-/:-@\[-`{-~",
    "cntrl": r"\0-\x1f\x7f",
    "graph": r"!-~",
    "print": r" -~",
}
_MEMBER = re.compile(r"\[:([^]]*):\]|(?:\\(.)|(.))(?:-(?!\])(?:\\(.)|(.)))?", re.DOTALL)
"""A class, a character, or a range of characters in a set."""

_States = list[tuple[str, str | bool]]
"""Attributes with their values: text, set, or not set."""


def filters(tree: Tree, paths: Iterable[str]) -> dict[str, str]:
    """Those of ``paths`` that a filter covers, and its name."""
    seen = Attributes(tree)
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


class Attributes:
    """What the ``.gitattributes`` files of a tree say, each read once."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._read: dict[str, list[tuple[re.Pattern[str] | None, _States]]] = {}
        self._macros: dict[str, _States] = {}

    def filter(self, path: str) -> str:
        """The filter of a path; the deepest file counts first, and its last line."""
        folders = [posixpath.dirname(path)]
        while folders[-1]:
            folders.append(posixpath.dirname(folders[-1]))
        self._lines("")  # the macros of all files are here
        found: dict[str, str | bool] = {}
        for folder in folders:
            below = _bytes(posixpath.relpath(path, folder) if folder else path)
            for pattern, states in reversed(self._lines(folder)):
                if pattern is not None and pattern.fullmatch(below):
                    self._add(found, states)
        name = found.get("filter")
        return os.fsdecode(name.encode("latin-1")) if isinstance(name, str) else ""

    def _add(self, found: dict[str, str | bool], states: _States) -> None:
        """Add what a line says of attributes that no later line names, and what they stand for."""
        for name, value in reversed(states):
            if name not in found:
                found[name] = value
                self._add(found, self._macros.get(name, []) if value is True else [])

    def _lines(self, folder: str) -> list[tuple[re.Pattern[str] | None, _States]]:
        """The lines of a folder's file; of macros the last definition counts, also for lines before it."""
        if folder not in self._read:
            content = self._tree.read(posixpath.join(folder, ATTRIBUTES)) or b""
            self._read[folder] = list(self._parsed(content.removeprefix(BOM_UTF8).decode("latin-1"), top=not folder))
        return self._read[folder]

    def _parsed(self, text: str, *, top: bool) -> Iterator[tuple[re.Pattern[str] | None, _States]]:
        for line in text.split("\n"):
            found = _LINE.match(line)
            states = _states(found[3]) if found else []
            if found is None or not states:
                continue
            pattern = found[2] if found[1] is None else _unquoted(found[1])
            if _MACRO.match(pattern):
                self._macros |= {_MACRO.sub("", pattern): states} if top else {}
            elif not pattern.startswith("!"):
                yield _pattern(pattern), states


def _states(text: str) -> _States:
    """The attributes of a line; none where one is misspelt, for git then ignores the line."""
    words = [_ATTRIBUTE.fullmatch(word) for word in re.split("[ \t\r]+", text) if word]
    if not all(words):
        return []
    return [(word[2], not word[1] and (word[3] is None or word[3])) for word in words if word]


def _unquoted(text: str) -> str:
    """A pattern without git's quoting, in which bytes are written as octal numbers."""
    return _ESCAPED.sub(lambda at: chr(int(at[1], 8)) if at[1].isdigit() else _ESCAPES.get(at[1], at[1]), text)


def _bytes(text: str) -> str:
    """A text with one character for each of its bytes, which are what git compares."""
    return os.fsencode(text).decode("latin-1")


@cache
def _pattern(pattern: str) -> re.Pattern[str] | None:
    """What a pattern matches; None for one that matches no file."""
    anchored = "/" in pattern
    translated = _translated(pattern.removeprefix("/"), anchored=anchored)
    if pattern.endswith("/") or translated is None:
        return None  # a folder, or one without an end
    try:
        return re.compile(("" if anchored else "(?:.*/)?") + translated, re.DOTALL)
    except re.error:
        return None


def _translated(text: str, *, anchored: bool) -> str | None:
    """A pattern as a regular expression; None where it ends too early, and so matches nothing."""
    out, at = "", 0
    plain = len(_SPECIAL.split(text, maxsplit=1)[0])
    while at < len(text):
        rest = text[at:]
        stars = len(rest) - len(rest.lstrip("*"))
        if stars:
            after = rest[stars : stars + 1]
            # git compares what is plain by itself: what follows is then the beginning of its pattern
            deep = anchored and stars > 1 and (at == plain or text[at - 1] == "/") and after in ("", "/")
            out += "(?:.*/)?" if deep and after else ".*" if deep else "[^/]*"
            at += stars + (deep and after == "/")
        elif rest[0] == "?":
            out, at = f"{out}[^/]", at + 1
        elif rest[0] == "[":
            bracket = _bracket(rest)
            if bracket is None:
                return None
            out, at = out + bracket[0], at + bracket[1]
        elif rest[0] == "\\":
            if len(rest) == 1:
                return None
            out, at = out + re.escape(rest[1]), at + 2
        else:
            out, at = out + re.escape(rest[0]), at + 1
    return out


def _bracket(text: str) -> tuple[str, int] | None:
    """A set of characters, and how long it is in the pattern; None where it does not end."""
    negated = text[1:2] in ("!", "^")
    at = begin = 1 + negated
    members = []
    while at == begin or text[at : at + 1] != "]":
        found = _MEMBER.match(text, at)
        if found is None or (found[1] is not None and found[1] not in _CLASSES):
            return None
        if found[1] is not None:
            members.append(_CLASSES[found[1]])
        else:
            low, high = found[2] or found[3], found[4] or found[5] or ""
            members.append(re.escape(low) + (f"-{re.escape(high)}" if low < high else ""))
        at = found.end()
    return f"(?!/)[{'^' if negated else ''}{''.join(members)}]", at + 1
