"""Exit codes and error codes, from the source of every module."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import generator
from docs.builder.parts import Rows, kept, table
from generator.base import errors
from generator.base.errors import ExitCode

CODE = Path(generator.__file__).parent
KNOWN_AT_RUN_TIME = {
    "step.id": "<step>",
    "work.id": "<step>",
    "commit.id": "<step>",
    "each.id": "<step>",
    "item.removal.id": "<step>",
    "plan.refusals[0].id": "<step>",
    "self.system": "<system>",
    "system": "<system>",
}


def exit_codes_part(_argument: str, old: Rows) -> str:
    """Every exit code; what it means is kept."""
    return table(
        ["exit code", "meaning"], [(str(int(code)), kept(old, str(int(code)), "meaning")) for code in ExitCode]
    )


def error_codes_part(_argument: str, old: Rows) -> str:
    """Every error code with its exit codes; what happened, and what a code means beside its exit code, is kept."""
    lines = []
    for code, exits in sorted(error_codes().items(), key=lambda item: (item[0].startswith("<"), item[0])):
        cell = f"`{code}`"
        text = ", ".join(str(number) for number in sorted(exits))
        before = kept(old, cell, "exit code")
        same = before.split(",")[0].split(" ")[0] == text.split(",")[0] and len(before) > len(text)
        lines.append((cell, before if same else text, kept(old, cell, "what happened")))
    return table(["code", "exit code", "what happened"], lines)


@cache
def error_codes() -> dict[str, set[int]]:
    """Codes of all errors raised in the source, each with its exit codes; parts known at run time as ``<part>``."""
    found: dict[str, set[int]] = {}
    for source in CODE.rglob("*.py"):
        for function in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
            if isinstance(function, ast.FunctionDef | ast.Lambda):
                for code, kind in _raised(function):
                    found.setdefault(code, set()).add(_exit_code(kind, code))
    combined = errors.AnswersError([]).code
    text = {_exit_code(errors.Problem, code) for code in found if code.startswith("answer.")}
    return found | {combined: text}


def _raised(function: ast.AST) -> Iterator[tuple[str, type]]:
    """Codes and classes of the errors that a function makes; a code in a variable is looked up in that function."""
    known = {
        target.id: node.value
        for node in ast.walk(function)
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(function):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args:
            kind = getattr(errors, node.func.id, None)
            if isinstance(kind, type) and issubclass(kind, errors.NewserviceError | errors.Problem):
                first = node.args[0]
                value = known.get(first.id, first) if isinstance(first, ast.Name) else first
                branches = [value.body, value.orelse] if isinstance(value, ast.IfExp) else [value]
                yield from ((code, kind) for code in map(_code, branches) if code)


def _exit_code(kind: type, code: str) -> int:
    if kind is errors.Problem:
        return int(errors.AnswersError([errors.Problem(code, "", "")]).exit_code)
    return int(kind.exit_code)  # type: ignore[attr-defined]


def _code(node: ast.expr) -> str:
    if isinstance(node, ast.JoinedStr):
        return "".join(_code(part) for part in node.values)
    if isinstance(node, ast.FormattedValue):
        return KNOWN_AT_RUN_TIME[ast.unparse(node.value)]
    return str(node.value) if isinstance(node, ast.Constant) else ""
