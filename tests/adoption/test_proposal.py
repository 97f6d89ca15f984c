"""A Dockerfile for a repository that has none: what it is made from, what stays open, and that it is never trusted."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from generator.sandbox.faults import FaultKind
from generator.template.answers import resolve
from generator.template.renderer import Renderer
from tests.adoption.histories import GIVEN, merge, on_forgejo
from tests.adoption.test_adopt_repository import adopt
from tests.adoption.test_detect import facts, found, is_open
from tests.answers import QUESTIONS, TEMPLATE
from tests.full import few
from tests.world import World

GUARD = 'import os\nif __name__ == "__main__":\n    run()\n'
SCRIPT = '[project]\nname = "x"\nrequires-python = ">=3.11,<3.13"\n\n[project.scripts]\nx = "x:main"\ny = "x:other"\n'
SVELTE = {
    "svelte.config.js": "import adapter from '@sveltejs/adapter-node';\n",
    "package.json": '{"scripts": {"build": "vite build"}, "devDependencies": {"@sveltejs/adapter-node": "5"}}',
    "package-lock.json": "{}",
}
MODULE = "module example.org/team/ledger/v2\n\ngo 1.24\n"
CODE = {"requirements.txt": "flask==3.1.0\n", "app/__main__.py": "print('hello')\n", "README.md": "# Invoices\n"}
PORT = {**GIVEN, "port": 8000}


@pytest.mark.parametrize(
    ("files", "said", "questions"),
    [
        (CODE, {"entry": ["python", "-m", "app"], "requirements": "requirements.txt", "package": False}, {"port"}),
        ({"requirements.txt": "", "main.py": GUARD}, {"entry": ["python", "main.py"], "version": "3.13"}, {"port"}),
        (
            {"pyproject.toml": SCRIPT},
            {"entry": ["x"], "package": True, "version": "3.12", "requirements": ""},
            {"port"},
        ),
        (
            {"pyproject.toml": SCRIPT, "requirements.txt": ""},
            {"package": True, "requirements": "requirements.txt"},
            {"port"},
        ),
        ({"setup.py": "", "src/web/__main__.py": ""}, {"entry": ["python", "-m", "web"], "package": True}, {"port"}),
        ({"requirements.txt": "", "src/web/__main__.py": ""}, {"entry": []}, {"command", "port"}),
        ({"requirements.txt": "", "main.py": "x = 1\n"}, {"entry": []}, {"command", "port"}),
        ({"requirements.txt": "", "main.py": GUARD, "run.py": GUARD}, {"entry": []}, {"command", "port"}),
        ({"requirements.txt": "", "pyproject.toml": "[tool.ruff]\n"}, {"package": False}, {"command", "port"}),
        ({"go.mod": MODULE, "main.go": "package main\n"}, {"package": ".", "modules": False}, {"port"}),
        ({"go.mod": MODULE, "cmd/x/main.go": "package main\n"}, {"package": "./cmd/x"}, {"port"}),
        (
            {
                "go.mod": MODULE,
                "a.go": "//go:build ignore\npackage main\n",
                "b.go": "package ledger\n",
                "cmd/m.go": "package main\n",
            },
            {"package": "./cmd"},
            {"port"},
        ),
        (
            {"go.mod": MODULE, "cmd/x/main.go": "package main\n", "cmd/ledger/main.go": "// It.\npackage main\n"},
            {"package": "./cmd/ledger", "origins": ["go.mod", "cmd/ledger/main.go:2"]},
            {"port"},
        ),
        ({"go.mod": f"{MODULE}require a v1\n", "go.sum": "", "main.go": "package main\n"}, {"modules": True}, {"port"}),
        (
            {"go.mod": f"{MODULE}require a v1\n", "go.sum": "", "vendor/modules.txt": "", "main.go": "package main\n"},
            {"modules": False},
            {"port"},
        ),
        (SVELTE, {"language": "svelte"}, set()),
        ({"public/index.html": ""}, {"language": "static", "folder": "public"}, set()),
        ({"index.html": ""}, {"folder": "."}, set()),
    ],
)
def test_what_it_is_made_from(files: dict[str, str], said: dict[str, Any], questions: set[str]) -> None:
    """Only what a file says; what none says is a question, beside how CI runs the tests."""
    result = found(files)
    assert result.proposal is not None, result.questions
    assert {name: result.proposal.facts[name] for name in said} == said
    assert {item.question for item in result.proposal.questions} == questions
    assert "dockerfile" not in {**facts(result), **is_open(result)}


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        (
            {"Cargo.toml": "", "Procfile": "web: x\n"},
            "Cargo.toml shows rust, which newservice writes no Dockerfile for; Procfile",
        ),
        ({**CODE, "Dockerfile": "# nothing\n"}, "Dockerfile is no Dockerfile: it names no image"),
        ({"package.json": "{}"}, "package.json shows node"),
        ({"README.md": ""}, "no file at the top shows which language"),
        ({"api/go.mod": MODULE, "api/main.go": "package main\n"}, "api/go.mod is not at the top"),
        ({"go.mod": MODULE, "pyproject.toml": ""}, "nothing says which of go.mod (go), pyproject.toml (python)"),
        ({"go.mod": MODULE, "main.go": "package ledger\n"}, "no package main"),
        ({"go.mod": MODULE, "cmd/a/main.go": "package main\n", "cmd/b/main.go": "package main\n"}, "are programs"),
        ({"go.mod": f"{MODULE}require a v1\n", "main.go": "package main\n"}, "no go.sum"),
        ({"Pipfile": ""}, "Pipfile names nothing that pip installs"),
        ({"pyproject.toml": '[project]\nname = "x"\nrequires-python = "<3"\n'}, "requires a Python"),
        (
            {**SVELTE, "svelte.config.js": "import adapter from '@sveltejs/adapter-static';\n"},
            "does not use @sveltejs/adapter-node",
        ),
        ({name: text for name, text in SVELTE.items() if name != "package-lock.json"}, "no package-lock.json"),
        ({"a b/index.html": ""}, "a b is a folder that a Dockerfile would not take"),
    ],
)
def test_why_none_is_proposed(files: dict[str, str], reason: str) -> None:
    result = found(files)
    assert result.proposal is None
    message, candidates, flags = is_open(result)["dockerfile"]
    assert reason in message
    assert "Write one" in message
    assert (candidates, flags) == (["Dockerfile"], ["--dockerfile Dockerfile"])


@pytest.mark.parametrize("path", ["Dockerfile", "Containerfile", "api/Dockerfile", "Dockerfile.dev"])
def test_none_is_proposed_where_there_is_one(path: str) -> None:
    assert found({**CODE, path: "FROM debian:13\n"}).proposal is None


@pytest.mark.parametrize("files", [CODE, {"go.mod": MODULE, "main.go": "package main\n"}, SVELTE, {"index.html": ""}])
def test_it_assumes_no_file_and_no_path_of_new_code(files: dict[str, str]) -> None:
    """Whatever it copies exists, and no health check asks for a path that only the template's code answers."""
    proposal = found(files).proposal
    assert proposal is not None
    given = {"name": "invoices", "title": "I", "description": "I", "language": "none", "port": 8000}
    known = {"platform": TEMPLATE.platform, "adopted": True, "proposed": dict(proposal.facts)}
    answers = resolve(TEMPLATE, QUESTIONS, given, known)
    text = next(file for file in Renderer(TEMPLATE).render(answers) if file.path == "Dockerfile").content.decode()
    assert text.startswith("# Proposed by newservice from ")
    assert "USER 10001:10001" in text
    assert not {"HEALTHCHECK", "healthz", "Caddyfile", "requirements.lock", "bin/server.js"} & set(
        text.replace("/", " ").split()
    )
    copied = [line.split()[1:-1] for line in text.splitlines() if line.startswith("COPY ") and "--from" not in line]
    assert {source for sources in copied for source in sources} <= {*files, "."}
    assert any("neither built nor run" in note for note in answers.notes)


def test_it_comes_in_the_pull_request_and_says_what_it_is(world: World) -> None:
    """In the findings, the plan and the pull request; a second run finds everything, and what people edit stays."""
    on_forgejo(world, files=CODE)
    done = adopt(world, "--yes", given=PORT)
    assert done.code == 0, (done.out, done.err)
    (proposed,) = [item for item in done.of("finding") if item["kind"] == "proposed"]
    assert proposed["origin"] == "requirements.txt, app/__main__.py"
    assert "neither built nor run" in proposed["message"]
    assert any("Dockerfile is proposed" in note for note in done.of("plan")[0]["notes"])
    canonical = world.canonical("invoices")
    (pull,) = canonical.pulls.values()
    assert "neither built nor run: read it before you merge" in pull.body
    assert canonical.bare.changed_files(world.branch, pull.head) == [
        ".copier-answers.yml",
        ".github/workflows/build.yml",
        ".woodpecker/deploy.yml",
        "Dockerfile",
    ]
    text = (canonical.bare.file(pull.head, "Dockerfile") or b"").decode()
    assert 'CMD ["python", "-m", "app"]' in text
    assert "EXPOSE 8000" in text
    assert adopt(world, "--yes", given=PORT).result["status"] == "unchanged"
    merge(world)
    assert adopt(world, "--yes", given=PORT).result["status"] == "unchanged"
    edited = {"Dockerfile": "FROM debian:13\n"}
    canonical.bare.commit_files(world.branch, edited, "our own", 1_800_000_000)
    done = adopt(world, "--yes", given=PORT)
    assert done.code == 0, (done.out, done.err)
    assert {"unchanged"} == {file["action"] for file in done.of("plan")[0]["files"]}
    changed = world.command("change", "invoices", "--port", "9000", "--yes")
    assert changed.code == 0, (changed.out, changed.err)
    assert canonical.bare.file(world.branch, "Dockerfile") == b"FROM debian:13\n"
    actions = {file["path"]: file["action"] for file in changed.of("plan")[0]["files"]}
    assert actions.get("Dockerfile", "unchanged") == "unchanged"


@pytest.mark.parametrize("stack", few(1, ["generated", "existing"]))
def test_a_run_that_stopped_proposes_it_again(world: World, stack: str) -> None:
    """The stack may be recorded before the repository is."""
    on_forgejo(world, files=CODE)
    world.sandbox.faults.add("forgejo", "POST", r"invoices\.git/git-receive-pack", 1000, FaultKind.FORBIDDEN)
    given = {**PORT, "stack": stack}
    assert adopt(world, "--yes", given=given).code == 5
    world.sandbox.faults.clear()
    done = adopt(world, "--yes", given=given)
    assert done.code == 0, (done.out, done.err)
    canonical = world.canonical("invoices")
    (pull,) = canonical.pulls.values()
    recorded = yaml.safe_load(canonical.bare.file(pull.head, ".copier-answers.yml") or b"")
    assert recorded["proposed"]["entry"] == ["python", "-m", "app"]
    assert canonical.bare.file(pull.head, "Dockerfile") is not None


def test_a_command_that_nothing_says_is_an_answer(world: World) -> None:
    """Without a terminal it is reported with what else is missing, and a flag gives it."""
    on_forgejo(world, files={"requirements.txt": "flask\n", "web.py": "app = 1\n", "Procfile": "web: x\n"})
    done = adopt(world, "--yes")
    assert done.code == 2
    errors = {item["question"]: item for item in done.of("error")}
    assert errors.keys() == {"command", "port"}
    assert "--command" in errors["command"]["hint"]
    done = adopt(world, "--yes", "--command", "flask", "--command", "run", "--port", "8000")
    assert done.code == 0, (done.out, done.err)
    canonical = world.canonical("invoices")
    (pull,) = canonical.pulls.values()
    assert b'CMD ["flask", "run"]' in (canonical.bare.file(pull.head, "Dockerfile") or b"")
    assert "Procfile may say how it starts" in pull.body


@pytest.mark.parametrize("more", [("--dockerfile", "Dockerfile"), ("--no-ci",)])
def test_none_is_proposed_where_a_person_says_otherwise(world: World, more: tuple[str, ...]) -> None:
    on_forgejo(world, files={"Cargo.toml": ""})
    done = adopt(world, "--yes")
    assert [item["question"] for item in done.of("error")] == ["dockerfile"]
    given = {name: value for name, value in GIVEN.items() if name != "ci_test"} if "--no-ci" in more else GIVEN
    answers = world.answers(given)
    done = world.command("adopt-repository", "invoices", "--answers", str(answers), "--yes", *more)
    assert done.code == 0, (done.out, done.err)
    canonical = world.canonical("invoices")
    (pull,) = canonical.pulls.values()
    assert canonical.bare.file(pull.head, "Dockerfile") is None


@pytest.mark.parametrize("edited", [False, True])
def test_the_way_back_leaves_one_that_people_edited(world: World, edited: bool) -> None:
    on_forgejo(world, files=CODE)
    assert adopt(world, "--yes", given=PORT).code == 0
    merge(world)
    canonical = world.canonical("invoices")
    if edited:
        canonical.bare.commit_files(world.branch, {"Dockerfile": "FROM debian:13\n"}, "our own", 1_800_000_000)
    done = world.command("remove", "invoices", "--yes")
    assert done.code == 0, (done.out, done.err)
    (pull,) = [item for item in canonical.pulls.values() if item.state == "open"]
    taken_out = canonical.bare.changed_files(world.branch, pull.head)
    assert ".copier-answers.yml" in taken_out
    assert ("Dockerfile" in taken_out) is not edited
