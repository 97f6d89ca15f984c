"""The wizard as a person sees it: through a real pseudo-terminal of 80 columns and 24 lines."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pexpect
import pytest
import yaml

from tests.checkout import git, infra_checkout

pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded, use of forkpty:DeprecationWarning")

ENTER, DOWN = "\r", "\x1b[B"
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")

# The short wizard's questions for the simplest service, in their order.
QUESTIONS = (
    *("name", "title", "description", "tier", "kind", "image_source", "language", "image_visibility"),
    *("port", "env", "memory", "probe", "secrets", "database", "volumes"),
    *("dns", "auth", "access", "homepage", "catalog_section"),
)
SHORTEST = {"name": "notes-app", "title": "Notes", "description": "Keeps notes"}


class Terminal:
    """A terminal with the command in it."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self._process: pexpect.spawn[str] = pexpect.spawn(
            sys.executable,
            ["-m", "generator", "create", "--no-provision", "--infra", str(folder / "infra"), *arguments],
            dimensions=(24, 80),
            env={**os.environ, "TERM": "xterm", "PROMPT_TOOLKIT_NO_CPR": "1"},
            cwd=str(folder),
            encoding="utf-8",
            timeout=30,
        )
        self._process.delaybeforesend = None
        self._seen = ""

    def sees(self, text: str) -> None:
        """Wait for a text; lines may be broken anywhere."""
        pattern = r"(?:\s|\x1b\[[0-9;?]*[a-zA-Z])*".join(re.escape(part) for part in text.split())
        self._process.expect(pattern)
        self._seen += f"{self._process.before}{self._process.after}"

    def types(self, text: str) -> None:
        self._process.send(text)

    def answers(self, question: str, text: str = "") -> None:
        self.sees(f"? {question}:")
        self.types(text + ENTER)

    def ends(self) -> tuple[int | None, str]:
        """Exit code, and everything that was to be seen."""
        self._process.expect(pexpect.EOF)
        self._seen += str(self._process.before)
        self._process.close()
        return self._process.exitstatus, ESCAPES.sub("", self._seen)

    def close(self) -> None:
        self._process.close(force=True)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The current folder of the person, with a checkout of the infra repository in it."""
    infra_checkout(tmp_path / "infra")
    return tmp_path


@pytest.fixture
def terminal(folder: Path) -> Iterator[Callable[..., Terminal]]:
    opened: list[Terminal] = []

    def start(*arguments: str) -> Terminal:
        opened.append(Terminal(folder, *arguments))
        return opened[-1]

    yield start
    for item in opened:
        item.close()


def untouched(folder: Path) -> bool:
    """Nothing was left behind, not even for a moment's use."""
    assert [path.name for path in folder.iterdir()] == ["infra"]
    assert git(folder / "infra", "status", "--porcelain", "--untracked-files=all") == ""
    return True


def test_the_shortest_path_to_a_service(folder: Path, terminal: Callable[..., Terminal]) -> None:
    shown = terminal()
    for question in QUESTIONS:
        shown.answers(question, SHORTEST.get(question, ""))
    shown.sees("Carry out this plan? (y/N)")
    assert untouched(folder)
    shown.types("y")
    code, text = shown.ends()
    assert code == 0
    assert "notes-app: done" in text
    assert (folder / "infra" / "stacks" / "notes-app" / "main.tf").is_file()
    recorded = yaml.safe_load((folder / "notes-app" / ".copier-answers.yml").read_text())
    assert {key: recorded[key] for key in SHORTEST} == SHORTEST
    assert recorded["tier"] == "aux"


def test_fewer_questions_where_one_answer_settles_another(folder: Path, terminal: Callable[..., Terminal]) -> None:
    """An upstream image has a reference and no visibility; a gate of its own asks for the reason."""
    shown = terminal("--name=reader", "--title=Reader", "--description=Reads", "--env", "TZ=UTC", "--tier", "edge")
    shown.answers("kind")
    shown.sees("Image (6 of")
    shown.answers("image_source", DOWN)
    shown.answers("image", "ghcr.io/example/reader:1")
    for question in ("port", "memory", "probe"):
        shown.answers(question)
    shown.answers("secrets", "TOKEN=api_token")
    shown.answers("database")
    shown.answers("volumes", "name=data,mount=/data")
    shown.answers("backup")
    shown.answers("dns")
    shown.answers("auth", DOWN)
    shown.answers("auth_reason", "its own login")
    shown.answers("homepage")
    shown.answers("catalog_section")
    shown.sees("Carry out this plan?")
    shown.types("y")
    code, text = shown.ends()
    assert code == 0, text
    assert not re.search(r"\? (name|title|description|env|tier|image_visibility|language|access|anubis):", text)
    recorded = yaml.safe_load((folder / "infra" / "stacks" / "reader" / ".copier-answers.yml").read_text())
    assert recorded["auth_reason"] == "its own login"
    assert recorded["secrets"] == {"TOKEN": "api_token"}
    assert recorded["volumes"] == [{"name": "data", "mount": "/data"}]
    assert recorded["env"] == {"TZ": "UTC"}


def test_some_questions_are_asked_only_where_they_fit(folder: Path, terminal: Callable[..., Terminal]) -> None:
    """Whether ``ask`` holds may depend on the answers before: Anubis is for open sites, jobs are for kind cronjob."""
    given = {
        **SHORTEST,
        "tier": "aux",
        "image-source": "upstream",
        "image": "nginx:1",
        "env": "{A: b}",
        "memory": "64Mi",
    }
    more = {"port": 80, "probe": "tcp", "secrets": "A1=b", "db": "none", "dns": "lan", "homepage": "enabled=false"}
    flags = [f"--{key}={value}" for key, value in given.items()]
    shown = terminal(*flags, *(f"--{key}={value}" for key, value in more.items()), "--kind=web")
    shown.answers("volumes", "name=media,mount=/media,kind=nfs")
    shown.answers("auth", DOWN * 3)
    shown.answers("auth_reason", "a public page")
    shown.answers("anubis")
    shown.answers("catalog_section")
    shown.sees("Carry out this plan?")
    shown.types("n")
    assert not re.search(r"\? (backup|cronjobs|access):", shown.ends()[1])
    shown = terminal(*flags, "--kind=cronjob", "--secrets=A1=b", "--db=none", "--volumes=[]")
    shown.answers("cronjobs")
    shown.answers("catalog_section")
    shown.sees("Carry out this plan?")
    shown.types("n")
    assert not re.search(r"\? (port|probe|dns|auth|anubis):", shown.ends()[1])
    assert untouched(folder)


def test_who_may_pass_is_asked_for_any_door_with_the_sign_on(folder: Path, terminal: Callable[..., Terminal]) -> None:
    """The app has its own login, and the address at home has the single sign-on."""
    given = {
        **SHORTEST,
        "tier": "aux",
        "kind": "web",
        "image-source": "upstream",
        "image": "nginx:1",
        "port": 80,
        "env": "{A: b}",
    }
    more = {"memory": "64Mi", "probe": "tcp", "secrets": "A1=b", "db": "none", "volumes": "[]", "dns": "proxied"}
    door = {"auth": "app", "auth-reason": "its own login", "lan-host": "host=notes", "homepage": "enabled=false"}
    shown = terminal(*(f"--{key}={value}" for key, value in {**given, **more, **door}.items()))
    shown.answers("access", "\x15" + "Family")  # Ctrl-U takes the line away
    shown.answers("catalog_section")
    shown.sees("Carry out this plan?")
    shown.types("n")
    assert shown.ends()[0] == 130
    assert untouched(folder)


def test_a_wrong_answer_is_told_on_the_spot(folder: Path, terminal: Callable[..., Terminal]) -> None:
    shown = terminal()
    shown.answers("name", "Bad_Name")
    shown.sees("must be 2 to 40 characters")
    shown.types("\x15" + "vault" + ENTER)  # Ctrl-U takes the line away
    shown.sees("of the platform's own stacks")  # only what changed on the screen is drawn anew
    shown.types("\x15" + "notes-app" + ENTER)
    shown.answers("title", "Notes")
    shown.sees("? description:")
    shown.types("\x03")
    code, _ = shown.ends()
    assert code == 130
    assert untouched(folder)


def test_a_map_that_can_not_be_read_is_told_on_the_spot(folder: Path, terminal: Callable[..., Terminal]) -> None:
    shown = terminal(*(f"--{key}={value}" for key, value in SHORTEST.items()), "--tier=aux", "--port=80", "--kind=web")
    shown.answers("image_source")
    shown.answers("language")
    shown.answers("image_visibility")
    shown.answers("env", "no equals sign")
    shown.sees("is not KEY=VALUE")
    shown.types("\x15" + "A=1" + ENTER)
    shown.sees("? memory:")
    shown.types("\x03")
    assert shown.ends()[0] == 130
    assert untouched(folder)


@pytest.mark.parametrize(("key", "after"), [("\x03", 0), ("\x04", 0), ("\x03", 3)], ids=["^C", "^D", "^C in a list"])
def test_stopping_leaves_nothing_behind(folder: Path, terminal: Callable[..., Terminal], key: str, after: int) -> None:
    shown = terminal()
    for question in QUESTIONS[:after]:
        shown.answers(question, SHORTEST[question])
    shown.sees(f"? {QUESTIONS[after]}:")
    shown.types(key)
    code, text = shown.ends()
    assert code == 130, text
    assert "Traceback" not in text
    assert "fault of newservice" not in text
    assert untouched(folder)


@pytest.mark.parametrize("key", ["n", ENTER, "\x03"], ids=["no", "Enter", "Ctrl-C"])
def test_a_plan_that_is_declined_writes_nothing(folder: Path, terminal: Callable[..., Terminal], key: str) -> None:
    given = {
        **SHORTEST,
        "tier": "aux",
        "kind": "web",
        "image-source": "upstream",
        "image": "nginx:1",
        "port": 80,
        "env": "{A: b}",
    }
    more = {"memory": "64Mi", "probe": "tcp", "secrets": "A1=b", "db": "none", "volumes": "[]", "dns": "lan"}
    last = {"auth": "required", "access": "Family", "homepage": "enabled=false", "catalog-section": "Optional"}
    shown = terminal(*(f"--{key}={value}" for key, value in {**given, **more, **last}.items()))
    shown.sees("Carry out this plan? (y/N)")
    shown.types(key)
    code, text = shown.ends()
    assert code == 130
    assert "nothing was written" in text
    assert untouched(folder)


def test_yes_asks_for_no_confirmation(folder: Path, terminal: Callable[..., Terminal]) -> None:
    shown = terminal("--yes", *(f"--{key}={value}" for key, value in SHORTEST.items()))
    for question in QUESTIONS[3:]:
        shown.answers(question)
    code, text = shown.ends()
    assert code == 0
    assert "Carry out" not in text
    assert (folder / "notes-app" / "README.md").is_file()


def test_a_wrong_flag_is_told_before_anything_is_asked(folder: Path, terminal: Callable[..., Terminal]) -> None:
    shown = terminal("--tier", "auxx", "--memroy", "1Gi")
    assert shown.ends()[0] == 2
    shown = terminal("--tier", "auxx", "--set", "memroy=1Gi")
    code, text = shown.ends()
    assert code == 2
    assert "did you mean aux?" in text
    assert "there is no question 'memroy'" in text
    assert "is missing" not in text
    assert "?" + " name:" not in text
    assert untouched(folder)
