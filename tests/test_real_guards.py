"""Every golden service and many combinations of answers against a real infra tree: its own guards, modules, Terraform.

``NEWSERVICE_INFRA_CHECKOUT`` names the tree, which is only read and need not be a repository: stacks of the checkout's
template where its ingress module knows ``allowed_groups``, of the first release in an older one.
``NEWSERVICE_GUARDED`` says how many combinations (default 40), ``NEWSERVICE_GUARDED_FROM`` which is the first.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import count, islice
from pathlib import Path

import pytest
from packaging.version import Version

from generator.base.errors import AnswersError
from generator.template.files import ANSWERS_FILE
from tests.answers import TEMPLATE
from tests.full import full
from tests.stack.infra import named_checkout, wrong_arguments
from tests.stack.validate import Validator
from tests.upgrade.services import FIRST, Origin, golden, pairwise

CHECKOUT = named_checkout() or Path("nowhere")
MODULE = CHECKOUT / "modules" / "kubernetes" / "ingress_factory" / "main.tf"
NUMBER = int(os.environ.get("NEWSERVICE_GUARDED", "40"))
BEGIN = int(os.environ.get("NEWSERVICE_GUARDED_FROM", "0"))
SEEDS = count(1, 2)
"""Those whose combinations are for the built-in platform."""

pytestmark = [
    full,
    pytest.mark.skipif(not MODULE.is_file(), reason="NEWSERVICE_INFRA_CHECKOUT names no tree of the infra repository"),
]

Files = Mapping[str, str]


@cache
def version() -> Version:
    """The version of the template that a tree of this age is for."""
    newer = 'variable "allowed_groups"' in MODULE.read_text(encoding="utf-8")
    return Version(TEMPLATE.version) if newer else FIRST


@cache
def stacks() -> dict[str, Files]:
    """The files of every stack, by a name of its own."""
    own = [origin for origin in golden(version=version()) if origin.platform.name == "homelab"]
    every = (origin for seed in SEEDS for origin in pairwise(seed, version=version()))
    combinations = islice(filter(_made, every), BEGIN, BEGIN + NUMBER)
    found = {f"g{number}": files(origin) for number, origin in enumerate(filter(_made, own))}
    return found | {f"p{BEGIN + number}": files(origin) for number, origin in enumerate(combinations)}


def _made(origin: Origin) -> bool:
    """Whether that version would have made it at all."""
    try:
        return bool(origin.answers)
    except AnswersError:
        return False


def files(origin: Origin) -> Files:
    made = origin.files("stack")
    return {file.path: file.content.decode() for file in made if file.path != ANSWERS_FILE}


def terraform(stack: Files) -> dict[str, str]:
    return {path: text for path, text in stack.items() if path.endswith(".tf")}


@cache
def guards() -> tuple[str, ...]:
    """The checks that the tree's wrapper runs before each plan and apply."""
    wrapper = (CHECKOUT / "scripts" / "tg").read_text(encoding="utf-8")
    return tuple(dict.fromkeys(re.findall(r"scripts/(check-[\w-]+\.py)", wrapper)))


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The guards and the stacks that they look things up in, and the groups that the answers name beside them."""
    folder = tmp_path_factory.mktemp("tree")
    (folder / "scripts").mkdir()
    for name in guards():
        shutil.copy2(CHECKOUT / "scripts" / name, folder / "scripts")
    for path in CHECKOUT.glob("stacks/**/*.tf"):
        target = folder / path.relative_to(CHECKOUT)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(path.read_bytes())
    listed = re.compile(r"allowed_groups\s*=\s*\[(.*?)\]", re.S)
    named = {group for stack in stacks().values() for text in stack.values() for group in _quoted(listed, text)}
    lines = [
        f'resource "authentik_group" "g{number}" {{\n  name = "{group}"\n}}\n' for number, group in enumerate(named)
    ]
    (folder / "stacks" / "groups-of-the-answers").mkdir()
    (folder / "stacks" / "groups-of-the-answers" / "main.tf").write_text("".join(lines), encoding="utf-8")
    return folder


def _quoted(pattern: re.Pattern[str], text: str) -> Iterator[str]:
    for found in pattern.findall(text):
        yield from re.findall(r'"([^"]*)"', found)


def refusing(tree: Path, written: Mapping[str, Files]) -> dict[str, str]:
    """What each guard says that does not let these stacks pass."""
    place = tree / "generated"
    shutil.rmtree(place, ignore_errors=True)
    for name, stack in written.items():
        for path, text in terraform(stack).items():
            (place / name / path).parent.mkdir(parents=True, exist_ok=True)
            (place / name / path).write_text(text, encoding="utf-8")
    found = {}
    for name in guards():
        command = [sys.executable, str(tree / "scripts" / name), str(place)]
        done = subprocess.run(command, cwd=tree, capture_output=True, text=True)
        if done.returncode:
            found[name] = done.stdout + done.stderr
    return found


def test_there_are_as_many_as_asked_for() -> None:
    sys.stdout.write(f"template {version()}: {len(stacks())} stacks, guards {', '.join(guards())}\n")
    assert len([name for name in stacks() if name.startswith("p")]) == NUMBER
    assert len([name for name in stacks() if name.startswith("g")]) >= 10
    assert "check-ingress-auth-comments.py" in guards()


def test_the_tree_s_own_guards_pass(tree: Path) -> None:
    assert refusing(tree, stacks()) == {}


def test_each_guard_can_fail(tree: Path) -> None:
    """Every one of them finds what it is for, in one of these stacks."""
    ways = {
        "check-ingress-auth-comments.py": (r"^ *# auth =.*\n", ""),
        "check-ingress-descriptions.py": (r'^ *"gethomepage\.dev/description".*\n', ""),
        "check-allowed-groups.py": (r'(allowed_groups += \[)"', r'\1"Nobody at all", "'),
    }
    for name in guards():
        pattern, replacement = ways[name]
        spoiled = {
            stack: {path: re.sub(pattern, replacement, text, flags=re.M) for path, text in held.items()}
            for stack, held in stacks().items()
        }
        assert name in refusing(tree, spoiled), name


def test_the_tree_s_modules_declare_every_argument() -> None:
    found = {name: list(wrong_arguments(CHECKOUT, terraform(stack))) for name, stack in stacks().items()}
    assert {name: wrong for name, wrong in found.items() if wrong} == {}


def test_terraform_validates_every_stack_in_the_tree(tmp_path: Path) -> None:
    found = Validator(CHECKOUT, tmp_path).errors({name: terraform(stack) for name, stack in stacks().items()})
    assert {name: [str(error) for error in errors] for name, errors in found.items() if errors} == {}
