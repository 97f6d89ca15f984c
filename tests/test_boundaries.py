"""Tests use what a caller of the code could use: no private names, and patches only where nothing else reaches."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
MODULES = sorted(path for path in TESTS.rglob("*.py") if TESTS / "golden" not in path.parents)

REPLACED: dict[str, set[str]] = {
    "a fault of newservice's own, which no platform provokes": {
        "generator.cli.create.observed_plan",
        "generator.cli.session.load_questions",
        "generator.engine.steps.github.GitHubSecrets.act",
        "generator.engine.steps.woodpecker.WoodpeckerRegistration.act",
    },
    "a person's Ctrl-C at that very moment, in this process": {
        "generator.cli.json_lines.JsonReporter.step",
        "generator.clients.git.Repository.commit_all",
    },
    "another newservice, or a newer template, than the one under test": {
        "generator.engine.plan_inputs.__version__",
        "generator.engine.plan_inputs.template_digest",
        "generator.template.releases.FOLDER",
        "generator.template.renderer.Renderer.render",
        "generator.template.template.Template.installed",
    },
    "a person at the terminal; tests/wizard/test_terminal.py has a real one": {
        "generator.wizard.ask_secret",
        "generator.wizard.name",
        "generator.wizard.open_prompter",
    },
    "how long people would wait": {
        "generator.base.parallel.GRACE_SECONDS",
        "generator.cli.verify.RHYTHM",
        "generator.engine.executor.SETTLING_SECONDS",
        "generator.engine.look_ahead.FRESH_SECONDS",
        "generator.engine.steps.forgejo.SETTLING_SECONDS",
        "generator.fleet.script.LONGEST_SECONDS",
    },
    "thousands of runs of the same answers": {
        "generator.cli.session.resolve",
        "generator.infra_repo.entries.register",
    },
    "the command itself, where what calls it is under test": {
        "generator.mcp.calls.run_command",
    },
    "a guard of the infra repository that is this test's own": {"generator.fleet.guards.guards_of"},
    "how often a tree is looked at": {"generator.fleet.fleet._stand"},
}
"""What tests replace in the code, by the reason why neither the sandbox nor a parameter would do."""

PRIVATE = {"module._stand"}
"""Private names that tests still use. Add none."""


OWN = {"self", "cls", "super()", "os", "choice"}
"""Whose private names a test's own classes use, and names that only look private: ``os._exit``, ``_asdict``."""


@cache
def parsed(path: Path) -> ast.Module | None:
    """A module of the tests; None where it names nothing of the code."""
    text = path.read_text(encoding="utf-8")
    return ast.parse(text) if re.search(r"\bgenerator\b", text) else None


def imports(tree: ast.Module) -> dict[str, str]:
    """What a module calls each name of the code."""
    found: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "generator":
            found |= {item.asname or item.name: f"{node.module}.{item.name}" for item in node.names}
        elif isinstance(node, ast.Import):
            names = [item for item in node.names if item.name.split(".")[0] == "generator"]
            found |= {item.asname or "generator": item.name if item.asname else "generator" for item in names}
    return found


def private(tree: ast.Module) -> Iterator[str]:
    """Private names of the code that a module uses."""
    names = imports(tree)
    for place in names.values():
        if any(_is_private(part) for part in place.split(".")):
            yield place
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and _is_private(node.attr) and ast.unparse(node.value) not in OWN:
            yield ast.unparse(node)


def replaced(tree: ast.Module) -> Iterator[str]:
    """Names of the code that a module replaces with ``setattr`` of a monkeypatch."""
    names = imports(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "setattr":
            place, root = ast.unparse(node.args[0]).strip("'"), _root(node.args[0])
            if root in names:
                place = f"{names[root]}{place.removeprefix(root)}." + ast.unparse(node.args[1]).strip("'")
            if place.startswith("generator."):
                yield place


def _root(node: ast.expr) -> str:
    while isinstance(node, ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def _is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")


@pytest.mark.parametrize("find", [private, replaced])
def test_no_test_reaches_further_into_the_code(find: Callable[[ast.Module], Iterator[str]]) -> None:
    allowed = PRIVATE if find is private else PRIVATE.union(*REPLACED.values())
    completed = [
        f"{path.relative_to(TESTS)}: {name}"
        for path in MODULES
        if (tree := parsed(path)) is not None
        for name in sorted(set(find(tree)) - allowed)
    ]
    assert completed == [], "use the sandbox, a parameter or a public name; else give a reason above"


def test_every_kind_is_found() -> None:
    tree = ast.parse(
        "import generator.wizard\n"
        "from generator.cli import _run, session as own\n"
        "patch.setattr('generator.base.files.write', 1)\n"
        "patch.setattr(own, 'load', 1)\n"
        "patch.setattr(own.Session, 'load', 1)\n"
        "patch.setattr(generator.wizard, 'ask', 1)\n"
        "patch.setattr('sys.stdin', 1)\n"
        "world.sandbox._gateway\n"
    )
    assert set(private(tree)) == {"generator.cli._run", "world.sandbox._gateway"}
    assert set(replaced(tree)) == {
        "generator.base.files.write",
        "generator.cli.session.load",
        "generator.cli.session.Session.load",
        "generator.wizard.ask",
    }
