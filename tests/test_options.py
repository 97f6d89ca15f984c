"""Answers by flags, ``--set``, files and standard input: which wins, how each is written, that all say the same."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from click.testing import CliRunner

from generator.cli.options import collect, question_options
from generator.template.notation import read_texts
from tests.answers import QUESTIONS, SMALLEST
from tests.invoke import Command, Desk
from tests.world import Completed

BY_NAME = {question.name: question for question in QUESTIONS}

# One service with every kind of answer, written in every way.
ANSWERS: dict[str, Any] = {
    "name": "city-guide",
    "title": "City Guide, the one",
    "description": "Guides: through cities",
    "tier": "edge",
    "port": 9000,
    "env": {"LOG_LEVEL": "info", "URL": "https://{host}/?a=b,c"},
    "probe": {"kind": "http", "path": "/livez", "which": ["readiness"]},
    "secrets": {"API_TOKEN": "api_token", "KEY": "signing.key"},
    "database": {"engine": "postgres", "name": "guide"},
    "volumes": [{"name": "data", "mount": "/data"}, {"name": "more", "mount": "/more", "read_only": True}],
    "auth": "app",
    "auth_reason": "its own login, checked",
    "carveouts": [{"name": "hooks", "paths": ["/hooks", "/back"], "reason": "signed, each", "probe_path": "/hooks/a"}],
    "homepage": {"enabled": True, "group": "Out, about"},
}
FLAGS = [
    *("--title", "City Guide, the one", "--description", "Guides: through cities", "--tier", "edge", "--port", "9000"),
    *("--env", "LOG_LEVEL=info", "--env", "URL=https://{host}/?a=b,c"),
    *("--probe", "kind=http,path=/livez,which=readiness"),
    *("--secrets", "API_TOKEN=api_token", "--secrets", "KEY=signing.key"),
    *("--db", "engine=postgres,name=guide"),
    *("--volumes", "name=data,mount=/data", "--volumes", "name=more,mount=/more,read_only=true"),
    *("--auth", "app", "--auth-reason", "its own login, checked"),
    *("--carveouts", 'name=hooks,paths=/hooks;/back,"reason=signed, each",probe_path=/hooks/a'),
    *("--homepage", 'enabled=true,"group=Out, about"'),
]


def create(desk: Desk, *arguments: str | Path) -> Completed:
    places = ("--infra", desk.infra, "--service-dir", desk.service)
    return desk.command("create", *places, "--no-provision", "--json", *arguments)


def written(tmp_path: Path, capsys: pytest.CaptureFixture[str], folder: str, *arguments: str | Path) -> dict[str, Any]:
    """Everything that a create with these arguments writes."""
    desk = Desk(tmp_path / folder, Command(capsys))
    desk.folder.mkdir()
    desk.prepare()
    completed = create(desk, *arguments)
    assert completed.code == 0, completed.out
    return desk.snapshot()


def as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def test_flags_sets_yaml_json_standard_input_and_a_copier_file_make_the_same_trees(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.yml").write_text(yaml.safe_dump(ANSWERS, sort_keys=False))
    (tmp_path / "a.json").write_text(json.dumps(ANSWERS))
    pairs = {key: f"{key}={as_text(value)}" for key, value in ANSWERS.items()}
    whole = [part for pair in pairs.values() for part in ("--set", pair)]
    without = [part for key, pair in pairs.items() if key != "database" for part in ("--set", pair)]
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps(ANSWERS)))
    first = written(tmp_path, capsys, "yaml", "--answers", tmp_path / "a.yml")
    recorded = tmp_path / "yaml" / "infra" / "stacks" / "city-guide" / ".copier-answers.yml"
    others = {
        "json": ("--answers", tmp_path / "a.json"),
        "flags": ("city-guide", *FLAGS),
        "sets": whole,
        "dotted": (*without, "--set", "database.engine=postgres", "--set", "database.name=guide"),
        "stdin": ("--answers", "-"),
        "copier": ("--answers", recorded),
    }
    for folder, arguments in others.items():
        assert written(tmp_path, capsys, folder, *arguments) == first, folder


# --- which wins --------------------------------------------------------------------------------------------


def given(flags: dict[str, Any] | None = None, sets: tuple[str, ...] = (), **more: Any) -> dict[str, Any]:
    return collect(QUESTIONS, flags or {}, sets, more.get("file"), more.get("name"))


@pytest.mark.parametrize(
    ("pair", "answer"),
    [
        ("env.AT=*/5 * * * *", {"env": {"AT": "*/5 * * * *"}}),
        ("env.A=1", {"env": {"A": 1}}),
        ("env.A=two", {"env": {"A": "two"}}),
        ("cronjobs.poll.schedule=@daily", {"cronjobs": {"poll": {"schedule": "@daily"}}}),
        ("cronjobs.poll.schedule=0 4 * * *", {"cronjobs": {"poll": {"schedule": "0 4 * * *"}}}),
        ("cronjobs.poll.suspend=true", {"cronjobs": {"poll": {"suspend": True}}}),
        ("cronjobs.poll.command=[a, b]", {"cronjobs": {"poll": {"command": ["a", "b"]}}}),
        ("homepage.group='Home'", {"homepage": {"group": "Home"}}),
        ("homepage.group=2", {"homepage": {"group": "2"}}),
        ("probe.path=/alive", {"probe": {"path": "/alive"}}),
        ("probe.liveness.failures=3", {"probe": {"liveness": {"failures": 3}}}),
    ],
)
def test_what_is_set_below_an_answer_has_the_type_that_is_wanted_there(pair: str, answer: dict[str, Any]) -> None:
    assert given(sets=(pair,)) == answer


def test_flags_win_over_sets_and_sets_over_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.yml"
    path.write_text(yaml.safe_dump({"tier": "core", "memory": "1Gi", "auth": "public", "env": {"A": "file"}}))
    found = given({"answer_auth": "none"}, ("auth=app", "memory=2Gi"), file=str(path))
    assert found == {"tier": "core", "memory": "2Gi", "auth": "none", "env": {"A": "file"}}


def test_a_later_set_wins_over_an_earlier_one() -> None:
    assert given(sets=("tier=core", "tier=edge")) == {"tier": "edge"}


def test_a_dotted_set_changes_one_part_of_the_files_answer(tmp_path: Path) -> None:
    path = tmp_path / "a.yml"
    path.write_text(yaml.safe_dump({"env": {"A": "file", "B": "file"}, "homepage": {"enabled": True}}))
    found = given(sets=("env.A=set", "homepage.enabled=false", "probe.kind=tcp"), file=str(path))
    assert found == {"env": {"A": "set", "B": "file"}, "homepage": {"enabled": False}, "probe": {"kind": "tcp"}}


def test_a_flag_replaces_the_files_map_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.yml"
    path.write_text(yaml.safe_dump({"env": {"A": "file", "B": "file"}}))
    assert given({"answer_env": ("A=flag",)}, file=str(path)) == {"env": {"A": "flag"}}


def test_a_flag_that_was_not_given_changes_nothing() -> None:
    assert given({"answer_tier": None, "answer_env": (), "answer_volumes": ()}) == {}


def test_the_name_stands_first_or_in_a_flag() -> None:
    assert given(name="reader") == {"name": "reader"}
    assert given({"answer_name": "reader"}, name="reader") == {"name": "reader"}


def test_name_and_flag_that_differ_are_refused(desk: Desk) -> None:
    completed = create(desk, "reader", "--name", "writer")
    assert completed.code == 2
    (error,) = completed.of("error")
    assert error["code"] == "answer.twice"
    assert "reader" in error["message"]
    assert "writer" in error["message"]


def test_the_name_wins_over_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.yml"
    path.write_text("name: from-the-file\n")
    assert given(name="reader", file=str(path)) == {"name": "reader"}


# --- how lists and maps are written ------------------------------------------------------------------------

TWO = [{"name": "a", "mount": "/a"}, {"name": "b", "mount": "/b"}]


@pytest.mark.parametrize(
    ("question", "texts", "answer"),
    [
        ("env", ["A=1", "B=x=y,z"], {"A": "1", "B": "x=y,z"}),
        ("env", ["A=", "A=later"], {"A": "later"}),
        ("env", ["{A: 1, B: two}"], {"A": 1, "B": "two"}),
        ("env", ["A=1", "{B: 2}"], {"A": "1", "B": 2}),
        ("env", ["A= spaces kept "], {"A": " spaces kept "}),
        ("env", ["A=${x} %{y} {host}"], {"A": "${x} %{y} {host}"}),
        ("env", ["A=two\nlines"], {"A": "two\nlines"}),
        ("secrets", ["TOKEN=api_token"], {"TOKEN": "api_token"}),
        ("homepage", ["enabled=false,icon=mdi-map"], {"enabled": False, "icon": "mdi-map"}),
        ("homepage", ["enabled=false", "group=Home"], {"enabled": False, "group": "Home"}),
        ("volumes", ["name=a,mount=/a"], [{"name": "a", "mount": "/a"}]),
        ("volumes", ["name=a,mount=/a", "name=b, mount=/b"], TWO),
        ("volumes", ["[{name: a, mount: /a}, {name: b, mount: /b}]"], TWO),
        ("volumes", ["{name: a, mount: /a}", "name=b,mount=/b"], TWO),
        ("volumes", ["name=a,mount=/a,read_only=true"], [{"name": "a", "mount": "/a", "read_only": True}]),
        ("carveouts", ["name=a,paths=/a;/b,auth=none"], [{"name": "a", "paths": ["/a", "/b"], "auth": "none"}]),
        ("carveouts", ["name=a,paths=[/a]"], [{"name": "a", "paths": ["/a"]}]),
        ("carveouts", ['name=a,"paths=[/a, /b]"'], [{"name": "a", "paths": ["/a", "/b"]}]),
        ("cronjobs", ["name=a,command=sh;-c;exec a"], [{"name": "a", "command": ["sh", "-c", "exec a"]}]),
        ("carveouts", ['name=a,"reason=one, two"'], [{"name": "a", "reason": "one, two"}]),
        ("carveouts", ['name=a,"reason=say ""hi"""'], [{"name": "a", "reason": 'say "hi"'}]),
    ],
)  # fmt: skip
def test_lists_and_maps_on_the_command_line(question: str, texts: list[str], answer: Any) -> None:
    assert read_texts(BY_NAME[question], texts) == answer
    assert given({f"answer_{question}": tuple(texts)}) == {question: answer}


@pytest.mark.parametrize(
    ("question", "text", "answer"),
    [
        ("database", "postgres", "postgres"),
        ("database", "engine=postgres,provision=exists", {"engine": "postgres", "provision": "exists"}),
        ("database", "{engine: postgres, env: {DSN: dsn}}", {"engine": "postgres", "env": {"DSN": "dsn"}}),
        ("database", "{engine: postgres", "{engine: postgres"),
        ("probe", "tcp", "tcp"),
        ("probe", "kind=tcp,startup_seconds=30", {"kind": "tcp", "startup_seconds": 30}),
        ("probe", "kind=http,which=liveness;readiness", {"kind": "http", "which": ["liveness", "readiness"]}),
        ("port", "9000", "9000"),
        ("title", "a=b, c", "a=b, c"),
    ],
)
def test_answers_that_may_be_plain_or_a_map(question: str, text: str, answer: Any) -> None:
    """What stays text here, what can't be read among it, is read by the question itself."""
    assert given({f"answer_{question}": text}) == {question: answer}


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--env", "A"], "'A' is not KEY=VALUE"),
        (["--env", "TZ=Europe/Sofia,PUID=1000"], "PUID looks like another key"),
        (["--env", "{A: ["], "not valid YAML"),
        (["--volumes", "data"], "'data' in 'data' is not key=value"),
        (["--volumes", "name=a,b"], "'b' in 'name=a,b'"),
        (["--volumes", "name=a\nb,mount=/a"], "it has a line break outside double quotes"),
        (["--homepage", "tile"], "'tile'"),
        (["--cronjobs", "name=a,command=python -m app"], "'command=python -m app' may be one word or several"),
        (["--set", "tier"], "--set tier is not key=value"),
        (["--set", "memory.x=1"], "memory: must be text"),
        (["--db", "postgres", "--set", "title=a", "--set", "title.x=1"], "'title' is not a map"),
        (["--set", "env={a: ["], "not valid YAML"),
        (["--set", "env.A.B.C=1", "--set", "env.A.B.C.D=1"], "is not a map"),
        (["--no-such-flag"], "No such option"),
        (["--port"], "requires an argument"),
        (["a", "b"], "unexpected extra argument"),
    ],
)
def test_what_can_not_be_read_is_said(desk: Desk, arguments: list[str], expected: str) -> None:
    done = create(desk, *(f"--{key}={value}" for key, value in SMALLEST.items()), *arguments)
    assert done.code == 2, done.out
    errors = done.of("error")
    assert any(expected in error["message"] for error in errors), errors
    assert all(error["hint"] for error in errors)
    assert done.result["status"] == "error"
    assert desk.changed() == []


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"a: [", "not valid YAML"),
        (b"- a\n", "not a map"),
        (b"just text", "not a map"),
        (b"a: \xff", "not UTF-8"),
        (b"a: b\n---\na: b\n", "not valid YAML"),
        (b"? [a]\n: b\n", "not valid YAML"),
        (b"a: !!python/object:os.system {}\n", "not valid YAML"),
        (b"1: one\nname: reader\n", "no question '1'"),
        (b"title: 2020-01-01\n", "title: must be text"),
        (b"name: null\n", "name: must be text"),
        (b"env: &a {X: *a}\n", "a value that holds itself"),
        (b"env: {2020-01-01: a}\n", "must be an environment variable's name"),
        (b"volumes: [1]\n", "volumes"),
    ],
)
def test_a_file_that_holds_no_answers_is_named(desk: Desk, content: bytes, expected: str) -> None:
    path = desk.folder / "a.yml"
    path.write_bytes(content)
    done = create(desk, "--answers", path)
    assert done.code == 2, done.out
    errors = done.of("error")
    assert any(expected in error["message"] for error in errors), errors
    assert desk.changed() == []


def test_a_file_that_is_not_there_is_named(desk: Desk) -> None:
    done = create(desk, "--answers", desk.folder / "nothing.yml")
    assert done.code == 2
    (error,) = done.of("error")
    assert "nothing.yml" in error["message"]
    assert error["code"] == "answers.unreadable"


def test_an_empty_file_gives_no_answers(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text("# nothing yet\n")
    assert given(file=str(tmp_path / "a.yml")) == {}


def test_a_copier_file_gives_its_answers_and_no_facts(tmp_path: Path) -> None:
    path = tmp_path / ".copier-answers.yml"
    path.write_text(
        yaml.safe_dump({"_src_path": "x", "_commit": "v1", "layer": "stack", "profile": {}, "tier": "core"})
    )
    assert given(file=str(path)) == {"tier": "core"}


def test_all_wrong_and_missing_answers_are_said_in_one_go(desk: Desk) -> None:
    done = create(desk, "Bad_Name", "--tier", "auxx", "--port", "0", "--auth", "none")
    assert done.code == 2
    assert {item["question"] for item in done.of("error")} == {
        "name", "title", "description", "tier", "port", "auth_reason",
    }  # fmt: skip
    (tier,) = [item for item in done.of("error") if item["question"] == "tier"]
    assert tier["choices"] == ["core", "cluster", "gpu", "edge", "aux"]
    assert tier["hint"] == "did you mean aux?"


def test_every_question_has_a_flag(capsys: pytest.CaptureFixture[str]) -> None:
    completed = Command(capsys)("create", "--help")
    assert completed.code == 0
    text = " ".join(completed.out.split())
    for question in QUESTIONS:
        if question.public:
            assert f" {question.option} " in text, question.name
            first = question.help.split(";")[0].split(":")[0]
            assert first.split()[0] in text


@pytest.mark.parametrize(
    ("flags", "updates"),
    [(["--no-keel"], "pinned"), (["--updates", "keel"], "keel"), (["--no-keel", "--updates", "ci"], "ci"), ([], None)],
)
def test_a_switch_stands_for_one_answer(flags: list[str], updates: str | None) -> None:
    command = click.Command(
        "x", callback=lambda **options: click.echo(json.dumps(collect(QUESTIONS, options, (), None, None)))
    )
    question_options(QUESTIONS)(command)
    completed = CliRunner().invoke(command, flags)
    assert completed.exit_code == 0, completed.output
    assert json.loads(completed.output).get("updates") == updates
