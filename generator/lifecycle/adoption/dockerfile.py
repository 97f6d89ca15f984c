"""Reads a Dockerfile as far as the answers of a service need it: ports and what it copies. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

_DIRECTIVE = re.compile(r"#\s*([a-z]+)\s*=\s*(\S+)\s*", re.IGNORECASE)
_HEREDOC = re.compile(r"<<(-?)([\"']?)([A-Za-z_][A-Za-z0-9_]*)\2")
_VARIABLE = re.compile(r"\$(?:\{(\w+)(?:(:?[-+])([^}]*))?\}|(\w+))")
_FLAG = re.compile(r"--[a-z-]+(=\S*)?\s+")


@dataclass(frozen=True)
class Instruction:
    """One instruction with its line, counted from 1; the name in capitals, continued lines joined."""

    name: str
    text: str
    line: int


@dataclass(frozen=True)
class Port:
    """A TCP port that an image says it listens on; None where its number is not in the file."""

    number: int | None
    text: str
    line: int


@dataclass(frozen=True)
class Copied:
    """A path of the context that is copied into the image."""

    source: str
    line: int


@dataclass
class _Stage:
    base: str
    variables: dict[str, str]
    ports: list[Port] = field(default_factory=list)
    triggered: list[Instruction] = field(default_factory=list)


@dataclass(frozen=True)
class Dockerfile:
    """What a Dockerfile says: the ports of the image that its last stage makes, and what any stage copies."""

    stages: int
    ports: tuple[Port, ...]
    copied: tuple[Copied, ...]


def read_dockerfile(text: str) -> Dockerfile:
    """What a Dockerfile says. ``stages`` is 0 where it is none: it names no image to start from."""
    outside: dict[str, str] = {}
    stages: list[_Stage] = []
    named: dict[str, _Stage] = {}
    copied: list[Copied] = []
    for item in instructions(text):
        if item.name == "FROM":
            words = [word for word in item.text.split() if not word.startswith("--")]
            base = _filled(words[0], outside) if words else ""
            above = named.get((base or "").lower())
            stage = _Stage(base or "", dict(above.variables) if above else {}, list(above.ports) if above else [])
            for late in above.triggered if above else []:
                _apply(stage, Instruction(late.name, late.text, item.line), outside, copied)
            stages.append(stage)
            named[str(len(stages) - 1)] = stage
            if len(words) == 3 and words[1].upper() == "AS":
                named[words[2].lower()] = stage
        elif not stages:
            if item.name == "ARG":
                outside.update(_assigned(item.text, outside, known={}))
        elif item.name == "ONBUILD":
            name, _, rest = item.text.partition(" ")
            stages[-1].triggered.append(Instruction(name.upper(), rest.strip(), item.line))
        else:
            _apply(stages[-1], item, outside, copied)
    return Dockerfile(len(stages), tuple(stages[-1].ports) if stages else (), tuple(copied))


def _apply(stage: _Stage, item: Instruction, outside: Mapping[str, str], copied: list[Copied]) -> None:
    """What one instruction adds to a stage."""
    if item.name == "ARG":
        stage.variables.update(_assigned(item.text, stage.variables, outside))
    elif item.name == "ENV":
        stage.variables.update(_assigned(item.text, stage.variables, {}))
    elif item.name == "EXPOSE":
        for word in item.text.split():
            stage.ports += [port for port in _ports(word, stage.variables, item.line) if port not in stage.ports]
    elif item.name in ("COPY", "ADD"):
        copied += [Copied(source, item.line) for source in _sources(item.text, stage.variables)]


def instructions(text: str) -> Iterator[Instruction]:
    """Every instruction, in order; the bodies of heredocs are left out."""
    lines = text.removeprefix("\ufeff").splitlines()
    escape, at = _directives(lines)
    while at < len(lines):
        first = at + 1
        joined, at = _joined(lines, at, escape)
        name, _, rest = joined.partition(" ")
        if not name:
            continue
        yield Instruction(name.upper(), rest.strip(), first)
        if name.upper() in ("RUN", "COPY", "ADD"):
            for dash, _, word in _HEREDOC.findall(rest):
                ends = (lines[number].lstrip("\t") if dash else lines[number] for number in range(at, len(lines)))
                at = next((number + 1 for number, line in enumerate(ends, at) if line == word), at)  # 1<<N has no end


def _directives(lines: list[str]) -> tuple[str, int]:
    """The character that continues a line, and where the instructions begin."""
    escape, at = "\\", 0
    while at < len(lines) and (found := _DIRECTIVE.fullmatch(lines[at].strip())):
        escape = found[2] if found[1].lower() == "escape" else escape
        at += 1
    return escape, at


def _joined(lines: list[str], at: int, escape: str) -> tuple[str, int]:
    """The line at ``at`` with those that continue it, and the number of the next; comments are left out."""
    parts: list[str] = []
    while at < len(lines):
        line = lines[at].strip()
        at += 1
        if line and not line.startswith("#"):
            going_on = line.endswith(escape)
            parts.append(line[: -len(escape)].rstrip() if going_on else line)
            if not going_on:
                break
        elif not parts:
            break
    return " ".join(parts).strip(), at


def _assigned(text: str, own: Mapping[str, str], known: Mapping[str, str]) -> dict[str, str]:
    """The variables that an ARG or ENV sets; an ARG without a value has that from before the first stage."""
    if "=" not in text:
        name, _, value = text.partition(" ")
        value = value.strip() or known.get(name, "")
        return {name: value} if value else {}
    found: dict[str, str] = {}
    for name, value in re.findall(r"([A-Za-z_]\w*)=(\"[^\"]*\"|'[^']*'|\S*)", text):
        filled = _filled(value.strip("\"'"), {**own, **found})
        if filled is not None:
            found[name] = filled
    return found


def _filled(text: str, variables: Mapping[str, str]) -> str | None:
    """A text with its variables filled in; None where one is not known."""
    unknown = False

    def value(match: re.Match[str]) -> str:
        nonlocal unknown
        name, how, other = match[1] or match[4], match[2] or "", match[3] or ""
        known = variables.get(name)
        if how.endswith("+"):
            return other if known else ""
        if known:
            return known
        if how.endswith("-"):
            return other
        unknown = True
        return ""

    filled = _VARIABLE.sub(value, text)
    return None if unknown or "$" in filled else filled


def _ports(word: str, variables: Mapping[str, str], line: int) -> Iterator[Port]:
    """The TCP ports that a word of EXPOSE names: a number, a range or a variable."""
    filled = _filled(word, variables)
    number, _, protocol = (filled or "").partition("/")
    if protocol.lower() not in ("", "tcp"):
        return
    first, dash, last = number.partition("-")
    if first.isascii() and first.isdigit() and 1 <= int(first[:6]) <= 65535:
        yield Port(int(first), word, line)
        if dash and last.isascii() and last.isdigit() and int(first) < int(last[:6]) <= 65535:
            yield Port(int(last), word, line)
    else:
        yield Port(None, word, line)


def _sources(text: str, variables: Mapping[str, str]) -> Iterator[str]:
    """The paths of the context that a COPY or ADD names; those with an unknown variable are left out."""
    if re.match(r"(--[a-z-]+(=\S*)?\s+)*--from=", text) or "<<" in text:
        return
    while found := _FLAG.match(text):
        text = text[found.end() :]
    words = re.findall(r'"([^"]*)"', text) if text.startswith("[") else text.split()
    for word in words[:-1]:
        filled = _filled(word, variables)
        if filled is not None and "://" not in filled and not filled.startswith("git@"):
            yield filled
