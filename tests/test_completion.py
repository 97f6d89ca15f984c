"""What a shell is told at the press of Tab: in this process, and by the real shells."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pexpect
import pytest
import yaml

from generator.cli.commands import COMMANDS
from generator.cli.completion import VARIABLE, answer_shell
from generator.cli.suggestions import answer_words
from generator.template.notation import read_text
from generator.template.questions import Question, load_questions
from generator.template.releases import Releases
from generator.template.resolution import Resolution
from generator.template.template import Template
from tests.full import few, full

from .answers import LANGUAGES, answer
from .invoke import Command

TEMPLATE = Template.installed()

HEAVY = {
    *("copier", "cryptography", "git", "github", "httpx", "mcp", "prompt_toolkit", "questionary", "requests", "rich"),
    *("tenacity", "urllib3"),
}
"""Libraries that take longer to import than a shell can wait."""


ODD = "x:y, 'z'"
"""A value that every shell has to quote."""


@pytest.fixture
def clone(tmp_path: Path, workdir: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A platform with tiers of its own, a clone with two stacks of ours, and a service's repository here."""
    clone = tmp_path / "clone"
    for name in ("alpha", "beta"):
        (clone / "stacks" / name).mkdir(parents=True)
        (clone / "stacks" / name / ".copier-answers.yml").write_text(f"name: {name}\n")
    (clone / "stacks" / "by-hand").mkdir()
    (workdir / "begun").mkdir()
    (workdir / "begun" / ".copier-answers.yml").write_text("_src_path: x\nname: begun\n")
    (workdir / "other").mkdir()
    (workdir / "other" / ".copier-answers.yml").write_text("project: of another template\n")
    profile = tmp_path / "platform.yml"
    tiers = {"gold": {"memory_cap": "1Gi"}, "two words": {"memory_cap": "1Gi"}, ODD: {"memory_cap": "1Gi"}}
    completed = {"connection": {"infra_clone": str(clone)}, "tiers": tiers, "default_tier": "gold"}
    profile.write_text(yaml.safe_dump(completed))
    monkeypatch.setenv("NEWSERVICE_PLATFORM", str(profile))
    return clone


def words(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *line: str) -> list[str]:
    """What fish would be told: values without their help."""
    capsys.readouterr()
    monkeypatch.setenv(VARIABLE, "fish_complete")
    monkeypatch.setenv("COMP_WORDS", " ".join(["newservice", *line]))
    monkeypatch.setenv("COMP_CWORD", line[-1])
    assert answer_shell() == 0
    out, err = capsys.readouterr()
    assert err == ""
    return [entry.split("\t")[0].removeprefix("plain,") for entry in out.splitlines() if entry]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (["ver"], ["verify"]),
        (["--vers"], ["--version"]),
        (["--auth", "re"], ["required"]),
        (["--auth-"], ["--auth-reason"]),
        (["fleet", "st"], ["status"]),
        (["create", "--auth", ""], ["required", "app", "public", "none"]),
        (["create", "--auth=re"], ["--auth=required"]),
        (["create", "--tier", ""], ["gold", "two words", ODD]),
        (["create", "--probe", "h"], ["http"]),
        (["plan", "--db", "p"], ["postgres"]),
        (["create", "--redis", ""], ["true", "false"]),
        (["create", "--description", ""], []),
        (["status", ""], ["alpha", "begun", "beta"]),
        (["verify", "al"], ["alpha"]),
        (["remove", "--yes", "be"], ["begun", "beta"]),
        (["status", "--sandbox", ""], []),
        (["fleet", "update", "--only", "al"], ["alpha"]),
        (["create", ""], []),
        (["update", "--to", ""], [str(release.version) for release in reversed(Releases().all)]),
        (["update", ""], ["dir,"]),
        (["doctor", "--platform", ""], ["file,"]),
        (["plan", "--infra", ""], ["dir,"]),
        (["apply", ""], ["file,"]),
        (["completion", ""], ["bash", "zsh", "fish"]),
        (["init", "--forgejo-o"], ["--forgejo-owner"]),
        (["status", "zz"], []),
    ],
    ids=" ".join,
)
def test_words(
    clone: Path,
    line: list[str],
    expected: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert words(monkeypatch, capsys, *line) == expected


def test_all_commands_and_flags(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert words(monkeypatch, capsys, "") == list(COMMANDS)
    completed = words(monkeypatch, capsys, "create", "--")
    assert {"--answers", "--auth", "--no-provision", "--tier"} <= set(completed)


def test_a_clone_that_is_named(
    clone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(clone / "stacks" / "alpha", elsewhere / "stacks" / "gamma")
    assert words(monkeypatch, capsys, "status", "--infra", str(elsewhere), "") == ["begun", "gamma"]
    shutil.rmtree(clone)
    assert words(monkeypatch, capsys, "status", "") == ["begun"]


def test_whatever_is_wrong_nothing_is_said(
    clone: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Path(os.environ["NEWSERVICE_PLATFORM"]).write_text("{")
    assert words(monkeypatch, capsys, "status", "") == []
    assert words(monkeypatch, capsys, "create", "--tier", "") == []
    assert words(monkeypatch, capsys, "create", "--auth", "r") == ["required"]
    monkeypatch.setenv(VARIABLE, "bash_complete")
    monkeypatch.delenv("COMP_WORDS")
    assert answer_shell() == 0
    assert capsys.readouterr() == ("", "")


ASKED = [question for question in load_questions(TEMPLATE) if question.public]


@pytest.mark.parametrize("question", ASKED, ids=lambda question: question.name)
def test_words_are_answers(question: Question) -> None:
    """Everything that is suggested is taken."""
    facts = {key: value for key, value in TEMPLATE.platform.items() if key != "connection"}
    context = answer({"name": "notes", "title": "Notes", "description": "Notes"}).context
    tests = {facts["test"]["name"]: language for language, facts in LANGUAGES.items()}
    languages = tests if question.name == "ci_test" else {}
    for word in answer_words(TEMPLATE, question, facts):
        taken = [word] if question.container == "array" else read_text(question, word)
        fitting = {**context, "language": languages.get(word, "python")}
        assert Resolution(TEMPLATE, context=fitting).check(question, taken) == []


@full
def test_nothing_heavy_is_imported(clone: Path) -> None:
    """Where a shell waits: no library that talks to systems or people, whatever is completed."""
    for command in COMMANDS:
        code = (
            "import sys, json; from generator.cli import main\n"
            "try: main()\n"
            "except SystemExit: pass\n"
            "print(json.dumps(list(sys.modules)))"
        )
        environ = _environ({VARIABLE: "zsh_complete", "COMP_WORDS": f"newservice {command} --", "COMP_CWORD": "2"})
        ended = subprocess.run(
            [sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=True, timeout=60
        )
        assert "--help" in ended.stdout.splitlines(), f"{command}: {ended.stdout}"
        found = {name.partition(".")[0] for name in json.loads(ended.stdout.splitlines()[-1])}
        assert found & HEAVY == set(), command


def _environ(more: Mapping[str, str]) -> dict[str, str]:
    return {**os.environ, **more}


# --- the scripts ---------------------------------------------------------------------------------------------


@pytest.fixture
def shell(clone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Path:
    """A folder with the command in the PATH, and the scripts of all shells."""
    folder = tmp_path / "bin"
    folder.mkdir()
    command = folder / "newservice"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m generator "$@"\n')
    command.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    monkeypatch.setenv("TERM", "dumb")
    for name in ("bash", "zsh", "fish"):
        completed = Command(capsys)("completion", name)
        assert completed.code == 0
        (folder / f"script.{name}").write_text(completed.out)
    return folder


def _needs(name: str) -> str:
    found = shutil.which(name)
    if not found:
        pytest.skip(f"{name} is not installed here")
    return found


def test_bash(shell: Path) -> None:
    """By the script's own function, as bash calls it."""
    lines = ["create|--tier|two", "create|--tier|x", "create|--auth|=|re", "verify|al", "verify|zz"]
    script = "\n".join(
        [
            f"source {shell}/script.bash",
            'ask() { COMPREPLY=(); COMP_WORDS=(newservice "$@"); COMP_CWORD=$#; _newservice_completion newservice;',
            'printf "<%s>" "${COMPREPLY[@]}"; echo; }',
            *("ask " + " ".join(f"'{word}'" for word in line.split("|")) for line in lines),
        ]
    )
    ended = subprocess.run([_needs("bash"), "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert ended.stdout.splitlines() == [r"<two\ words>", r"<x:y,\ \'z\'>", "<required>", "<alpha>", "<>"]
    assert ended.stderr == ""


@full
@pytest.mark.parametrize(
    ("name", "arguments"),
    few(1, [("bash", ["--norc", "--noprofile", "-i"]), ("zsh", ["-f", "-i"])], apart=True),
    ids=["bash", "zsh"],
)
def test_tab_is_pressed(shell: Path, name: str, arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PS1", "> ")
    first = "autoload -Uz compinit; compinit -u; " if name == "zsh" else ""
    child = pexpect.spawn(_needs(name), arguments, encoding="utf-8", timeout=60, dimensions=(24, 80))
    try:
        child.sendline(f"{first}source {shell}/script.{name}; echo rea''dy")
        child.expect("ready[\r\n]")
        for typed, wanted in [
            ("newservice create --tier tw", r"two\\ words "),
            ("newservice create --tier x", r"x:y,\\ \\'z\\' "),
            ("newservice create --auth=re", "--auth=required "),
            ("newservice verify al", "verify alpha "),
        ]:
            child.send(f"{typed}\t")
            child.expect(wanted)
            child.sendcontrol("u")
        child.send("newservice verify zz\t")
        child.send("|\n")  # had the shell been told something, it would stand before
        child.expect(r"verify zz\x07?\|")
    finally:
        child.close(force=True)


HOSTILE = [
    "$(touch pwned)",
    "`touch pwned`",
    "; touch pwned #",
    "&& touch pwned",
    "| tee pwned",
    "> pwned",
    "$HOME ~ ${x:-y}",
    'it\'s "quoted"',
    "back\\slash\\",
    "ends with '",
    'ends with "',
    "ends with !",
    "!! !touch !$",
    "* ? [a-z] {b,c}",
    "a\tb\x1b[2Jc",
    "two\nlines; touch pwned",
]
"""Names of folders in a checkout, each behind letters of its own that are typed."""


@pytest.mark.parametrize("quote", few(1, ["", "'", '"']), ids=["unquoted", "within '", 'within "'])
def test_a_hostile_name_is_one_word_or_not_suggested(
    shell: Path, clone: Path, tmp_path: Path, quote: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a real bash, Tab and Enter: the program gets exactly that name, and nothing else ran."""
    for number, name in enumerate(HOSTILE):
        folder = clone / "stacks" / f"q{number:02}{name.replace('/', '')}"
        folder.mkdir()
        (folder / ".copier-answers.yml").write_text("name: x\n")
    (clone / "stacks" / "--dashed").mkdir()
    (clone / "stacks" / "--dashed" / ".copier-answers.yml").write_text("name: x\n")
    (tmp_path / "work" / "q07x").touch()  # for a glob to find
    got = tmp_path / "arguments"
    (shell / "newservice").write_text(
        f'#!/bin/sh\n[ -n "${VARIABLE}" ] && exec "{sys.executable}" -m generator "$@"\nprintf "%s\\0" "$@" > "{got}"\n'
    )
    monkeypatch.setenv("PS1", "> ")
    child = pexpect.spawn(
        _needs("bash"), ["--norc", "--noprofile", "-i"], encoding="utf-8", timeout=60, dimensions=(24, 200)
    )
    try:
        child.sendline(f"source {shell}/script.bash; echo rea''dy")
        child.expect("ready[\r\n]")
        for number, name in enumerate(HOSTILE):
            got.unlink(missing_ok=True)
            child.send(f"newservice verify {quote}q{number:02}\t")
            child.send(f"{'' if name.isprintable() else quote}\necho do''ne\n")
            child.expect("done[\r\n]")
            completed = f"q{number:02}{name}" if name.isprintable() else f"q{number:02}"
            assert got.read_text() == f"verify\0{completed}\0", child.before
            assert not [path for path in tmp_path.rglob("pwned*") if path.name == "pwned"], name
        child.send("newservice verify --das\t\necho do''ne\n")
        child.expect("done[\r\n]")
        assert got.read_text() == "verify\0--das\0"
    finally:
        child.close(force=True)


def test_fish(shell: Path) -> None:
    lines = ["create --tier tw", "create --tier x", "create --auth=re", "verify al", "flee", "fleet li", "verify zz"]
    script = "\n".join([f"source {shell}/script.fish", *(f"complete -C 'newservice {line}'" for line in lines)])
    ended = subprocess.run(  # the words as they are: it escapes them when it puts them in
        [_needs("fish"), "--no-config", "-c", script], capture_output=True, text=True, check=True, timeout=60
    )
    completed = [line.split("\t") for line in ended.stdout.splitlines()]
    assert [entry[0] for entry in completed] == ["two words", ODD, "--auth=required", "alpha", "fleet", "list"]
    assert completed[-2][1:] == [COMMANDS["fleet"].help]  # with its commas
    assert completed[-1][1:] == ["List all services and their versions."]
    assert ended.stderr == ""
