"""Complete rendered trees against those kept in ``golden/``; ``make golden`` renders them anew, to read as a diff."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from difflib import unified_diff
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from generator.clients.git import write_files
from generator.engine.project import Project
from generator.infra_repo.entries import compare_registrations
from generator.infra_repo.registrations import declared_ids
from generator.infra_repo.trees import Folder
from generator.platform.profile import load_platform
from generator.sandbox.infra_repository import FILES as SANDBOX_INFRA
from generator.template.answers import resolve
from generator.template.files import File
from tests.answers import QUESTIONS, TEMPLATE

GOLDEN = Path(__file__).parent / "golden"
CASES = sorted(path.parent.name for path in GOLDEN.glob("*/answers.yml"))
TREES = ("service", "stack", "registrations")
WOODPECKER_ID = 7
ANSWERS_FILE = ".copier-answers.yml"
RECORDED = ("hostile", "other-platform", "smallest")
"""Cases whose recorded answers are kept, too: with defaults alone, with hostile text, and with a profile's own facts.

Those of every case would say the same again, and change with every question.
"""

Tree = dict[str, tuple[bytes, bool]]
"""Content and executable bit, by path."""


@pytest.fixture(autouse=True, scope="module")
def _written_anew() -> None:
    """Kept trees become what is rendered, where that is asked for."""
    if os.environ.get("UPDATE_GOLDEN"):
        for case in CASES:
            for name in TREES:
                write(GOLDEN / case / name, to_keep(case, name))


@cache
def project(case: str) -> Project:
    """The service of a case, without any place for it on this machine."""
    profile = GOLDEN / case / "platform.yml"
    platform = load_platform(TEMPLATE.platform, profile if profile.is_file() else None, environ={})
    given: dict[str, Any] = yaml.safe_load((GOLDEN / case / "answers.yml").read_text(encoding="utf-8"))
    found = GOLDEN / case / "facts.yml"
    facts = yaml.safe_load(found.read_text(encoding="utf-8")) if found.is_file() else {}
    answers = resolve(TEMPLATE, QUESTIONS, given, {"platform": platform.facts, **facts})
    return Project(TEMPLATE, platform, answers, Path("nowhere"))


@cache
def rendered(case: str) -> dict[str, Tree]:
    """The trees of a case as they come out now."""
    return trees_of(project(case))


def trees_of(wanted: Project) -> dict[str, Tree]:
    """A service's repository, its stack, and the changes of shared files in the sandbox's infra repository."""
    infra = Folder(SANDBOX_INFRA)
    picked = wanted.infra_state(infra, lambda: wanted.survey(infra)).facts
    diffs = tuple(
        File(f"{item.id}.diff", difference(f"a/{item.path}", f"b/{item.path}", item.before, item.after).encode())
        for item in compare_registrations(wanted.registrations, infra)
    )
    return {
        "service": tree_of(wanted.service_files(WOODPECKER_ID)),
        "stack": tree_of(wanted.stack_files(picked)),
        "registrations": tree_of(diffs),
    }


def to_keep(case: str, name: str) -> Tree:
    """What is kept of a tree."""
    tree = rendered(case)[name]
    return tree if case in RECORDED else {path: file for path, file in tree.items() if path != ANSWERS_FILE}


def tree_of(files: tuple[File, ...]) -> Tree:
    return {file.path: (file.content, file.executable) for file in files}


def kept(folder: Path) -> Tree:
    files = (path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {
        path.relative_to(folder).as_posix(): (path.read_bytes(), bool(path.stat().st_mode & 0o100)) for path in files
    }


def write(folder: Path, tree: Tree) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    write_files(folder, [File(path, content, executable) for path, (content, executable) in tree.items()])


def difference(old_name: str, new_name: str, old: str, new: str) -> str:
    """A unified diff whose lines end as the texts' own do."""
    lines = unified_diff(_lines(old), _lines(new), old_name, new_name)
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


def _lines(text: str) -> list[str]:
    """At line feeds only: text may hold other characters that Python would break lines at."""
    return [line + "\n" for line in text.split("\n")[:-1]] + ([last] if (last := text.rpartition("\n")[2]) else [])


def differences(expected: Tree, actual: Tree) -> Iterator[str]:
    """What is missing, what is too much, and what differs."""
    for path in sorted({*expected, *actual}):
        if path not in actual:
            yield f"{path} is not rendered any more"
        elif path not in expected:
            yield f"{path} is new"
        elif expected[path][1] != actual[path][1]:
            yield f"{path} has another mode"
        elif expected[path][0] != actual[path][0]:
            old, new = (tree[path][0].decode("utf-8", "backslashreplace") for tree in (expected, actual))
            yield difference(f"golden/{path}", f"rendered/{path}", old, new) or f"{path} differs in bytes"


@pytest.mark.parametrize("name", TREES)
@pytest.mark.parametrize("case", CASES)
def test_the_rendered_tree_is_the_kept_one(case: str, name: str) -> None:
    found = list(differences(kept(GOLDEN / case / name), to_keep(case, name)))
    assert not found, "\n".join([*found, "if this is meant: make golden, and read the diff"])


def test_the_cases_cover_what_services_are_made_of() -> None:
    kinds = {disk["kind"] for case in CASES for disk in project(case).answers.context["disks"]}
    assert kinds == {"encrypted", "block", "nfs", "nfs-ssd", "emptydir", "config"}
    assert {database["engine"] for case in CASES if (database := project(case).answers.context["db"])} == {
        "postgres",
        "mysql",
    }
    values = [project(case).answers for case in CASES]
    covered: dict[str, set[Any]] = {
        "kind": {"web", "worker", "cronjob"},
        "image_source": {"owned", "upstream"},
        "language": {"python", "go", "svelte", "static", "none"},
        "updates": {"ci", "keel", "pinned"},
        "stack": {"generated", "existing"},
        "secret_mode": {"select", "extract"},
        "image_visibility": {"private", "public"},
        "dns": {"proxied", "non-proxied", "internal", "lan", "none"},
        "auth": {"required", "app", "public", "none"},
        "scale_to_zero": {False, "dynamic", "blocking"},
        "outage_page": {False, True},
        "network_policy": {False, True},
    }
    for question, wanted in covered.items():
        assert {item.values[question] for item in values if question in item.values} >= wanted
    assert {len(item.values["access"]) for item in values if "access" in item.values} >= {1, 2}
    applied = {registration.id for case in CASES for registration in project(case).registrations} - {"pull-through"}
    assert applied == set(declared_ids(TEMPLATE.registrations))
    assert {path for case in CASES for path in rendered(case)["stack"]} >= {
        "backup.tf", "cronjobs.tf", "deployment.tf", "extra.tf", "ingress.tf", "secrets.tf", "service.tf", "storage.tf",
    }  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_every_case_says_what_it_is_kept_for(case: str) -> None:
    assert (GOLDEN / case / "answers.yml").read_text(encoding="utf-8").startswith("# ")


def test_nothing_else_is_kept() -> None:
    allowed = {"answers.yml", "facts.yml", "platform.yml", *TREES}
    assert {path.name for case in CASES for path in (GOLDEN / case).iterdir()} <= allowed
    assert {path.name for path in GOLDEN.iterdir() if path.is_dir()} - {"__pycache__"} == set(CASES)


@pytest.mark.parametrize("case", CASES)
def test_no_rendered_file_holds_a_path_of_this_machine(case: str) -> None:
    here = {str(TEMPLATE.root), str(Path.home()), str(Path.cwd()), tempfile.gettempdir() + "/newservice-"}
    for tree in rendered(case).values():
        for path, (content, _) in tree.items():
            assert [place for place in here if place.encode() in content] == [], path


@pytest.mark.parametrize("case", CASES)
def test_the_answers_file_names_the_published_template(case: str) -> None:
    """Copier reads it without the profile: the address, a version, and only those facts that are the profile's own."""
    url = project(case).platform.template_url
    recorded = [yaml.safe_load(tree[ANSWERS_FILE][0]) for tree in rendered(case).values() if ANSWERS_FILE in tree]
    answers = project(case).answers
    assert len(recorded) == answers.owned + answers.stacked
    for said in recorded:
        assert said["_src_path"] == url
        assert said["_commit"] == f"v{TEMPLATE.version}"
        assert ("profile" in said) == (GOLDEN / case / "platform.yml").is_file()
        assert said.get("profile", {}) == own_facts(case)


def own_facts(case: str) -> dict[str, Any]:
    profile = GOLDEN / case / "platform.yml"
    if not profile.is_file():
        return {}
    facts: dict[str, Any] = yaml.safe_load(profile.read_text())
    return {key: value for key, value in facts.items() if key not in ("connection", "registrations", "checks")}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"a.txt": (b"one\n", False)}, "b.txt is not rendered any more"),
        ({"a.txt": (b"one\n", False), "b.txt": (b"", False), "c.txt": (b"", False)}, "c.txt is new"),
        ({"a.txt": (b"two\n", False), "b.txt": (b"", False)}, "-one\n+two\n"),
        ({"a.txt": (b"one\n", True), "b.txt": (b"", False)}, "a.txt has another mode"),
        ({"a.txt": (b"one", False), "b.txt": (b"", False)}, "-one\n+one\n\\ No newline"),
    ],
)
def test_every_kind_of_difference_is_seen(tmp_path: Path, change: Tree, expected: str) -> None:
    write(tmp_path, {"a.txt": (b"one\n", False), "b.txt": (b"", False)})
    (found,) = differences(kept(tmp_path), change)
    assert expected in found
