from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from generator.base.errors import AnswersError, NewserviceError
from generator.template.answers import Answers, resolve
from generator.template.files import Layer
from generator.template.questions import load_questions
from generator.template.template import Template
from tests.answers import QUESTIONS, RICH, SMALLEST, TEMPLATE, UPSTREAM, answer, render
from tests.checkout import add_questions
from tests.full import few, full
from tests.plain_copier import copied


def problems(given: dict[str, Any]) -> dict[str, str]:
    with pytest.raises(AnswersError) as caught:
        answer(given)
    return {item.question: item.message for item in caught.value.problems}


def test_the_smallest_answers_are_completed_from_the_defaults() -> None:
    answers = answer(SMALLEST)
    assert answers.context["namespace"] == "notes-app"
    assert answers.context["hostname"] == "notes-app.viktorbarzin.me"
    assert answers.image_reference == "ghcr.io/viktorbarzin/notes-app:latest"
    assert answers.context["catalog_section"] == "Optional"
    assert answers.context["db"] is None
    assert "image" not in answers.values
    assert "snake" not in answers.values


def test_computed_values_follow_the_answers() -> None:
    answers = answer(RICH)
    assert answers.context["db"]["vault_role"] == "pg-city-guide"
    assert answers.context["db"]["env"] == {"DATABASE_URL": "dsn"}
    assert answers.context["disks"][0]["size"] == "1Gi"
    probe = {key: value for key, value in answers.context["probe_spec"].items() if value not in (None, {})}
    assert probe == {
        "kind": "http",
        "path": "/healthz",
        "startup_seconds": 0,
        "timeout_seconds": 5,
        "which": ["liveness", "readiness"],
    }
    assert answers.context["catalog_section"] == "Active Use"


@pytest.mark.parametrize(
    ("image", "full"),
    [
        ("nginx:1.29", "docker.io/library/nginx:1.29"),
        ("org/app:2", "docker.io/org/app:2"),
        ("ghcr.io/org/app:2", "ghcr.io/org/app:2"),
        ("registry.example:5000/app:2", "registry.example:5000/app:2"),
        ("org/app@sha256:" + "a" * 64, "docker.io/org/app@sha256:" + "a" * 64),
    ],
)
def test_an_image_is_written_with_its_registry(image: str, full: str) -> None:
    assert answer({**UPSTREAM, "image": image}).context["image_reference"] == full


def test_everything_that_is_missing_is_said_in_one_go() -> None:
    assert set(problems({})) == {"name", "title", "description"}


def test_everything_that_is_wrong_is_said_in_one_go() -> None:
    completed = problems(
        {
            "name": "Bad_Name",
            "title": "two\nlines",
            "description": "fine",
            "tier": "auxx",
            "image_source": "upstream",
            "image": "nginx",
            "port": "0",
            "auth": "none",
            "frobnicate": 1,
        }
    )
    assert set(completed) == {"name", "title", "tier", "image", "port", "auth_reason", "frobnicate"}


# What is no path of a repository, or what Docker, GitHub or a shell would take for more.
OUTSIDE = [
    *(
        "",
        "/",
        "/a",
        "a/",
        "a//b",
        "..",
        "../a",
        "a/../b",
        "a/.",
        "-f",
        "a/-x",
        " a",
        "a ",
        "a/ b",
        "a\n",
        "a\tb",
        "a\\b",
        "~/a",
    ),
    *(
        "https://a/b",
        "git@a:b",
        "a#b",
        "a?b",
        "a*",
        "{{defaultContext}}",
        "${{ github.token }}",
        "$HOME",
        "$(id)",
        "`id`",
        "a'b",
        'a"b',
    ),
    *("a;b", "a:b", "é", "a" * 301),
]

WRONG: list[tuple[str, Any, str]] = [
    ("name", "a", "2 to 40"),
    ("name", "1st", "starting with a letter"),
    ("name", "notes-", "2 to 40"),
    ("name", "notes\n", "2 to 40"),
    ("name", "vault", "platform's own stacks"),
    ("title", "", "one line"),
    ("title", "   ", "one line"),
    ("title", "a\x00b", "one line"),
    ("title", "a\x1b[31m", "one line"),
    ("description", "a\nb", "one line"),
    ("description", "x" * 301, "300"),
    ("namespace", "kube-system", "belongs to the cluster"),
    ("namespace", "Upper", "DNS label"),
    ("tier", "platinum", "one of core, cluster, gpu, edge, aux"),
    ("kind", "daemon", "one of web"),
    ("port", 0, "1 to 65535"),
    ("port", "http", "whole number"),
    ("port", True, "whole number"),
    ("port", 65536, "1 to 65535"),
    ("env", ["a"], "map of variable"),
    ("env", {"9X": "a"}, "variable's name"),
    ("env", {"X": None}, "text, a number or a boolean"),
    ("env", {"X": "a\x00"}, "control characters"),
    ("env", {"X": {"y": 1}}, "text, a number or a boolean"),
    ("service_port", 0, "1 to 65535"),
    ("command", "sh", "list of words"),
    ("command", [1], "must be text"),
    ("args", [{"a": 1}], "must be text"),
    ("run_as", {"uid": -1}, "from 0"),
    ("run_as", {"user": 1}, "not known"),
    ("hardening", {"privileged": False}, "not known"),
    ("hardening", {"seccomp": "RuntimeDefault"}, "true or false"),
    ("cpu", "1.5", "amount of CPU"),
    ("cpu", "3", "a pod takes 3 CPU and a namespace of tier aux has 2; ask for less"),
    ("replicas", 11, "0 to 10"),
    ("memory_limit", "1Mi", "less than the 256Mi"),
    ("memory_limit", "5Gi", "more than a container"),
    ("memory", "256MB", "amount of bytes"),
    ("memory", "5Gi", "more than a container of tier aux may have (4Gi)"),
    ("memory", "3500Mi", "a pod takes 3500Mi of memory and a namespace of tier aux has 3Gi; ask for less"),
    ("probe", "exec", "none, tcp, http, or a map"),
    ("probe", {"path": "/x"}, "'kind' is missing"),
    ("probe", {"kind": "http", "path": "x"}, "starts with /"),
    ("probe", {"kind": "http", "port": 1}, "'port' is not known"),
    ("probe", {"kind": "http", "which": []}, "must not be empty"),
    ("probe", {"kind": "http", "startup_seconds": -1}, "from 0 to 3600"),
    ("probe", {"kind": "http", "initial_seconds": 0}, "from 1 to 3600"),
    ("probe", {"kind": "http", "period_seconds": 3601}, "from 1 to 3600"),
    ("probe", {"kind": "http", "timeout_seconds": "5s"}, "whole number"),
    ("probe", {"kind": "http", "failures": 101}, "from 1 to 100"),
    ("probe", {"kind": "http", "readiness": 5}, "must be a map"),
    ("probe", {"kind": "http", "readiness": {"path": "/ready"}}, "'path' is not known"),
    ("probe", {"kind": "http", "readiness": {"initial_seconds": 0}}, "from 1 to 3600"),
    ("probe", {"kind": "http", "liveness": {"failures": 0}}, "from 1 to 100"),
    ("probe", {"kind": "http", "liveness": {"period_seconds": "30s"}}, "whole number"),
    ("secrets", {"A": "not a property"}, "name of a property"),
    ("database", "oracle", "none, postgres, mysql, or a map"),
    ("database", {"name": "x"}, "'engine' is missing"),
    ("database", {"engine": "postgres", "name": "a-b"}, "underscores"),
    ("database", {"engine": "postgres", "env": {"X": "secret"}}, "one of dsn, password"),
    ("volumes", [{"name": "a"}], "'mount' is missing"),
    ("volumes", [{"name": "a", "mount": "/"}], "absolute path"),
    ("volumes", [{"name": "a", "mount": "/a/../b/"}], "absolute path"),
    ("volumes", [{"name": "a", "mount": "/a"}, {"name": "a", "mount": "/b"}], "used twice"),
    ("volumes", [{"name": "a", "mount": "/a"}, {"name": "b", "mount": "/a"}], "used twice"),
    ("volumes", [{"name": "a", "mount": "/a", "size": "9Gi"}], "more than limit"),
    ("volumes", [{"name": "a", "mount": "/a", "kind": "floppy"}], "one of encrypted"),
    ("host", "a.b", "without the domain"),
    ("dns", "yes", "one of proxied"),
    ("auth", "open", "one of required"),
    ("carveouts", [{"name": "x", "paths": ["/x"]}], "needs a reason"),
    ("carveouts", [{"name": "x", "paths": ["/"], "reason": "y"}], "whole host"),
    ("carveouts", [{"name": "x", "paths": [], "reason": "y"}], "must not be empty"),
    ("carveouts", [{"name": "x", "paths": ["/api"], "auth": "public"}], "browsers only"),
    ("carveouts", [{"name": "x", "paths": ["/x"], "reason": "y", "probe_path": "/z"}], "under none"),
    ("homepage", {"enabled": "maybe"}, "true or false"),
    ("homepage", {"tile": 1}, "not known"),
    ("homepage", {"description": "two\nlines"}, "one line"),
    ("catalog_section", "a\nb", "one line"),
    # names
    ("names", ["notes"], "map with addresses"),
    ("names", {"pod": "notes"}, "'pod' is not known"),
    ("names", {"service": "Notes_App"}, "DNS label"),
    ("names", {"secret": "a..b"}, "DNS labels"),
    ("names", {"addresses": {"service": "a b"}}, "name in Terraform"),
    ("names", {"selector": {}}, "must not be empty"),
    ("names", {"selector": {"app": "two words"}}, "label's value"),
    ("names", {"selector": {"a//b": "x"}}, "label's name"),
    ("names", {"claims": {"data": {}}}, "none of the volumes"),
    ("names", {"ingress": "two words"}, "DNS label"),
    ("names", {"addresses": {"ingress": "1st"}}, "name in Terraform"),
    ("names", {"addresses": {"ingress": "anubis"}}, "give the ingress another"),
    ("names", {"anubis": "Notes"}, "1 to 56"),
    ("names", {"anubis": "x" * 57}, "1 to 56"),
    # image and its updates
    ("image_source", "borrowed", "one of owned, upstream"),
    ("language", "cobol", "one of python, go, "),
    ("image_visibility", "secret", "one of private, public"),
    ("ci", "maybe", "true or false"),
    ("ci_test", "jest", "one of python, go, "),
    ("ci_test", "go", "written in python; choose python, custom or none"),
    ("updates", "watchtower", "one of ci, keel, pinned"),
    *((name, path, "of the repository such as") for name in ("context", "dockerfile") for path in OUTSIDE),
    ("dockerfile", ".", "must be a file of the repository"),
    ("checkout", ["tags"], "one of lfs, submodules"),
    ("checkout", ["lfs", "lfs"], "twice"),
    ("deploy", {"web": "app"}, "deploy.web: must be a list of containers"),
    ("deploy", {"web": []}, "deploy.web: must not be empty"),
    ("deploy", {"web": ["app", "app"]}, "is there twice"),
    ("deploy", {"web": ["app=x"]}, "must be a container's name"),
    ("deploy", {"web;id": ["app"]}, "must be a Deployment's name"),
    ("images", [{"context": "a"}], "[0]: 'name' is missing"),
    ("images", [{"name": "Notes"}], "lower-case letters"),
    ("images", [{"name": "a", "context": "../a"}], "[0].context: must be a folder of the repository"),
    ("images", [{"name": "notes-app"}], "[0]: the image notes-app is built already"),
    ("images", [{"name": "a"}, {"name": "a"}], "[1]: the image a is built already"),
    ("images", [{"name": "a", "deploy": {"notes-app": ["notes-app"]}}], "gets another image already"),
    ("stack", "theirs", "one of generated, existing"),
    # runtime
    ("probe", {"kind": "http", "which": ["liveness"] * 3}, "at most 2"),
    ("metrics", "yes", "must be none, or a map"),
    ("metrics", None, "must be none, or a map"),
    ("metrics", {"port": 0}, "1 to 65535"),
    ("metrics", {"path": "/metrics?name=x"}, "without a query"),
    ("metrics", {"path": "/healthz"}, "choose another path, or give the metrics another port"),
    ("metrics", {"path": "/docs", "port": 8080}, "the service answers /docs with something else"),
    ("env", {"X": float("inf")}, "text, a number or a boolean"),
    ("env", {"X": 10**20}, "at most 20 digits"),
    # data
    ("database", {"engine": "postgres", "role": "postgres"}, "reserved by PostgreSQL itself"),
    ("database", {"engine": "postgres", "role": "pg_monitor"}, "reserved by PostgreSQL itself"),
    ("database", {"engine": "postgres", "name": "template1"}, "one of PostgreSQL's own databases"),
    ("database", {"engine": "mysql", "name": "sys"}, "one of MySQL's own databases"),
    ("database", {"engine": "mysql", "role": "root"}, "reserved by MySQL itself"),
    ("database", {"engine": "mysql", "role": "r" * 33}, "the 32 characters that MySQL allows"),
    ("migrate_command", "alembic upgrade head", "list of words"),
    ("redis", "yes please", "false, true, or an index"),
    ("redis", -1, "index from 0"),
    ("redis", 1.5, "false, true, or an index"),
    ("redis", None, "false, true, or an index"),
    ("redis", 16, "has the indexes 0 to 15"),
    ("volumes", [{"name": "a", "mount": "/a", "kind": "nfs", "limit": "5Gi"}], "limit belongs to block storage"),
    ("volumes", [{"name": "a", "mount": "/a", "kind": "config", "size": "1Gi"}], "config has no size"),
    ("volumes", [{"name": "a", "mount": "/a", "nfs_path": "/srv/a"}], "nfs_path belongs to the kinds nfs"),
    ("volumes", [{"name": "backup", "mount": "/a", "kind": "nfs"}], "that backups go to"),
    ("volumes", [{"name": "a", "mount": "/a", "kind": "block", "sensitive": True}], "say so with sensitive: false"),
    ("volumes", [{"name": "a", "mount": "/-a"}], "absolute path"),
    ("volumes", [{"name": "a", "mount": "/a//"}], "absolute path"),
    ("volumes", [{"name": "a", "mount": "/a/"}, {"name": "b", "mount": "/a"}], "used twice"),
    ("volumes", [{"name": "a", "mount": "/a", "critical": "no"}], "true or false"),
    ("job_deadline", -1, "number of seconds"),
    ("job_deadline", 604801, "number of seconds"),
    # jobs
    ("cronjobs", {"name": "a"}, "list of jobs"),
    ("cronjobs", [{"name": "a", "command": ["a"]}], "'schedule' is missing"),
    ("cronjobs", [{"name": "a", "schedule": "daily", "command": ["a"]}], "cron schedule of five fields"),
    ("cronjobs", [{"name": "a", "schedule": "0 4 * * 7", "command": ["a"]}], "0 is Sunday"),
    ("cronjobs", [{"name": "a", "schedule": "0 24 * * *", "command": ["a"]}], "cron schedule"),
    ("cronjobs", [{"name": "a", "schedule": "0 4 * ABC *", "command": ["a"]}], "cron schedule"),
    ("cronjobs", [{"name": "a", "schedule": "*/0 * * * *", "command": ["a"]}], "cron schedule"),
    ("cronjobs", [{"name": "a", "schedule": "TZ=UTC 0 4 * * *", "command": ["a"]}], "cron schedule"),
    ("cronjobs", [{"name": "a", "schedule": "0 4 * * FRI-MON", "command": ["a"]}], "FRI-MON runs backwards"),
    ("cronjobs", [{"name": "a", "schedule": "0 4 * * *"}], "without command or args"),
    ("cronjobs", [{"name": "backup", "schedule": "@daily", "command": ["a"]}], "the job that saves the volumes"),
    ("cronjobs", [{"name": "a", "schedule": "@daily", "command": ["a"]}] * 2, "used twice"),
    ("cronjobs", [{"name": "a", "schedule": "@daily", "command": ["a"], "migrate": True}], "migrate_command"),
    ("cronjobs", [{"name": "a", "schedule": "@daily", "command": ["a"], "memory": "5Gi"}], "more than a container"),
    (
        "cronjobs",
        [{"name": "a", "schedule": "@daily", "command": ["a"], "memory_limit": "9Gi"}],
        "more than a container",
    ),
    ("cronjobs", [{"name": "a", "schedule": "@daily", "command": ["a"], "memory_limit": "1Mi"}], "less than the 256Mi"),
    ("cronjobs", [{"name": "a", "schedule": "@daily", "command": ["a"], "deadline_seconds": -1}], "from 0 to 604800"),
    # exposure
    ("paths", "/", "list of paths"),
    ("paths", [], "must not be empty"),
    ("paths", ["//other.example/"], "path of this host"),
    ("paths", ["/a/../b"], "path of this host"),
    ("paths", ["/a?b=c"], "without a query"),
    ("paths", ["/a", "/a/"], "there twice"),
    ("dns", ["lan", "proxied"], "one of proxied, non-proxied, internal, lan, none"),
    ("access", "everybody", "must be a list of groups"),
    ("carveouts", [{"name": "x", "paths": ["https://other.example/x"], "reason": "y"}], "path of this host"),
    ("carveouts", [{"name": "x", "paths": ["/x", "/x/"], "reason": "y"}], "has a gate already"),
    ("carveouts", [{"name": "x", "paths": ["/x"], "reason": "y", "max_body": "1gb"}], "size such as 500m"),
    ("anubis", "often", "true or false"),
    ("anubis", True, "auth is required; choose auth none"),
    ("lan_host", "notes", "must be none, or a map"),
    ("lan_host", {"auth": "required"}, "'host' is missing"),
    ("lan_host", {"host": "a.b"}, "without the domain"),
    ("lan_host", {"host": "notes", "auth": "app"}, "auth app needs a reason"),
    ("lan_host", {"host": "grafana"}, "belongs to the platform"),
    ("max_body", "500", "size such as 500m"),
    ("max_body", "5gb", "size such as 500m"),
    ("max_body", "0m", "size such as 500m"),
    ("rate_limit", 10, "average and burst"),
    ("rate_limit", {"average": 10}, "'burst' is missing"),
    ("rate_limit", {"average": 0, "burst": 1}, "from 1"),
    # listing
    ("homepage", {"widget": {"url": "https://x.example"}}, "'type' is missing"),
    ("homepage", {"widget": {"type": "gitea", "url": "ftp://x"}}, "http://"),
    ("homepage", {"widget": {"type": "gitea", "credentials": {"key": "hvs.abc"}}}, "name of a property"),
    ("homepage", {"widget": {"type": "gitea", "fields": {"url": "x"}}}, "stands beside fields"),
    ("homepage", {"widget": {"type": "a", "fields": {"k": "x"}, "credentials": {"k": "y"}}}, "has one source"),
    ("internal_monitor", "yes", "must be none, or a map"),
    ("internal_monitor", {}, "'path' is missing"),
    ("internal_monitor", {"path": "healthz"}, "starts with /"),
]


@pytest.mark.parametrize(("question", "value", "expected"), WRONG)
def test_a_wrong_answer_is_refused_with_question_value_rule_and_way_out(
    question: str, value: Any, expected: str
) -> None:
    with pytest.raises(AnswersError) as caught:
        answer({**SMALLEST, question: value})
    (problem,) = [item for item in caught.value.problems if item.question == question]
    assert expected in problem.message
    assert problem.message.startswith(question)
    assert problem.hint


@full
def test_copier_alone_refuses_the_same(tmp_path: Path) -> None:
    good = answer(SMALLEST)
    sample = WRONG[::13]
    assert len(sample) >= 12
    for question, value, _ in sample:
        with pytest.raises(ValueError, match=r"(?s)."):
            copied(tmp_path, {**good.values, "layer": "stack", question: value})
    assert not (tmp_path / "copied").exists()
    assert copied(tmp_path, {**good.values, "layer": "stack"}).is_dir()


@full
@pytest.mark.parametrize("layer", few(1, ["service", "stack"]))
def test_copier_alone_makes_the_same_tree(tmp_path: Path, layer: Layer) -> None:
    answers = answer(RICH)
    tree = copied(tmp_path, {**answers.values, "layer": layer})
    theirs = {path.relative_to(tree).as_posix(): path.read_bytes() for path in tree.rglob("*") if path.is_file()}
    assert theirs == {file.path: file.content for file in render(TEMPLATE, answers, layer)}
    assert len(theirs) >= 9


@full
@pytest.mark.parametrize(
    ("given", "fact"),
    [
        ({"redis": True}, "redis_index"),
        pytest.param(
            {"auth": "none", "auth_reason": "a public page", "anubis": True}, "anubis_redis_index", marks=full
        ),
    ],
)
def test_an_index_that_newservice_picks_is_asked_of_copier_alone(
    tmp_path: Path, given: dict[str, Any], fact: str
) -> None:
    asked = {**answer(SMALLEST).values, **given, "layer": "stack"}
    with pytest.raises(ValueError, match="looks for a free index; with copier alone"):
        copied(tmp_path, asked)
    assert copied(tmp_path, {**asked, fact: 3}).is_dir()


def test_one_variable_has_one_source() -> None:
    completed = problems(
        {**SMALLEST, "env": {"TOKEN": "a", "DATABASE_URL": "b"}, "secrets": {"TOKEN": "t"}, "database": "postgres"}
    )
    assert "set by the question env too" in completed["secrets"]
    assert "set by the question env too" in completed["database"]


def test_a_volume_belongs_to_one_pod() -> None:
    volumes = [{"name": "data", "mount": "/data"}]
    assert "belongs to one pod" in problems({**SMALLEST, "volumes": volumes, "replicas": 2})["replicas"]
    assert answer({**SMALLEST, "volumes": volumes, "replicas": 0}).context["replicas"] == 0


def test_an_answer_that_repeats_itself_a_thousand_times_is_refused() -> None:
    assert "at most 50 items" in problems({**SMALLEST, "args": ["a"] * 1001})["args"]


def test_a_key_is_reported_on_one_line_without_what_moves_the_cursor() -> None:
    (completed,) = problems({**SMALLEST, "env": {"A\x1b[31m\nB": "x", "\ud800" * 100: "y"}}).values()
    assert completed.isprintable()


def test_a_secret_given_by_mistake_is_not_repeated() -> None:
    completed = problems({**SMALLEST, "secrets": {"TOKEN": "hunter2 is my password"}})
    assert "hunter2" not in completed["secrets"]


def test_an_answer_that_does_not_apply_is_left_out_and_said() -> None:
    answers = answer({**SMALLEST, "auth_reason": "because"})
    assert "auth_reason" not in answers.values
    assert any("auth_reason" in note for note in answers.notes)


def test_a_misspelt_question_is_recognised() -> None:
    with pytest.raises(AnswersError) as caught:
        answer({**SMALLEST, "memroy": "1Gi"})
    assert "memory" in caught.value.problems[0].hint


def test_text_takes_the_type_of_its_question() -> None:
    answers = answer({**SMALLEST, "port": "9000", "env": '{"A": "1"}', "volumes": "[{name: d, mount: /d}]"})
    assert answers.context["port"] == 9000
    assert answers.context["env"] == {"A": "1"}
    assert answers.context["disks"][0]["limit"] == "5Gi"


def with_question(tmp_path: Path, text: str) -> Template:
    """A template with one more question, added as a maintainer would: in copier.yml only."""
    root = tmp_path / "template"
    root.mkdir()
    shutil.copy(TEMPLATE.root / "copier.yml", root)
    add_questions(root, text)
    shutil.copytree(TEMPLATE.root / "templates", root / "templates")
    return Template(root)


def test_a_new_question_appears_everywhere_without_a_line_of_python(tmp_path: Path) -> None:
    from click.testing import CliRunner

    from generator.cli.options import collect, question_options
    from generator.platform.profile import load_platform
    from generator.template.schema import answers_schema

    template = with_question(
        tmp_path,
        """
on_call:
  type: str
  group: Service
  help: Who is called at night.
  choices: [nobody, owner]
  default: nobody
  validator: "[% if on_call == 'owner' and tier == 'aux' %]nobody is called for tier aux[% endif %]"
""",
    )
    questions = load_questions(template)
    platform = load_platform(template.platform, environ={})

    schema = answers_schema(template, platform.facts, questions)
    assert schema["properties"]["on_call"] == {
        "type": "string",
        "description": "Who is called at night.",
        "enum": ["nobody", "owner"],
        "default": "nobody",
        "x-flag": "--on-call",
        "x-also-refused": ["nobody is called for tier aux"],
        "$comment": "newservice refuses more than this schema says: x-also-refused",
    }

    import click

    command = click.Command("x", callback=lambda **options: click.echo(options["answer_on_call"]))
    question_options(questions)(command)
    runner = CliRunner()
    assert "Who is called at night." in runner.invoke(command, ["--help"]).output
    assert runner.invoke(command, ["--on-call", "owner"]).output == "owner\n"
    assert collect(questions, {"answer_on_call": "owner"}, (), None, None) == {"on_call": "owner"}

    assert resolve(template, questions, SMALLEST).context["on_call"] == "nobody"
    assert resolve(template, questions, {**SMALLEST, "tier": "edge", "on_call": "owner"}).values["on_call"] == "owner"
    with pytest.raises(AnswersError, match="1 answer"):
        resolve(template, questions, {**SMALLEST, "on_call": "owner"})

    files = {file.path: file for file in render(template, resolve(template, questions, SMALLEST), "stack")}
    assert yaml.safe_load(files[".copier-answers.yml"].content)["on_call"] == "nobody"


def test_a_broken_expression_is_the_templates_fault(tmp_path: Path) -> None:
    template = with_question(tmp_path, 'broken: {type: str, default: "[[ nothing_like_this ]]"}\n')
    with pytest.raises(NewserviceError, match="the default of question 'broken' can't be evaluated"):
        resolve(template, load_questions(template), SMALLEST)


def test_every_question_explains_itself() -> None:
    public = [question for question in QUESTIONS if question.public]
    for question in public:
        assert re.match(r".{10,}\.$", question.help), question.name
        assert question.group, question.name
        assert question.shape is None or "checks.jinja" in question.validator, question.name


def test_the_answers_file_has_the_order_of_the_questions() -> None:
    """Also where they are given in another one: copier gives what was recorded before what is new."""
    context = answer(SMALLEST).context
    asked = [question.name for question in QUESTIONS if question.name in context and not question.computed]
    turned = {name: context[name] for name in reversed(asked)}
    text = TEMPLATE.render("[% include 'templates/macros/answers.jinja' %]", {**context, "_copier_answers": turned})
    assert [name for name in yaml.safe_load(text) if name in turned] == [name for name in asked if name != "profile"]


def of_v1(was: str, **given: Any) -> Answers:
    """Answers over those that version 1 of the template recorded."""
    return resolve(TEMPLATE, QUESTIONS, given, recorded={**SMALLEST, "access": was})


def test_who_may_pass_is_neither_widened_nor_narrowed_by_an_update() -> None:
    assert of_v1("admins").context["access"] == ["Home Server Admins"]
    with pytest.raises(AnswersError) as caught:
        of_v1("authenticated")
    assert [(problem.code, problem.question) for problem in caught.value.problems] == [("answer.missing", "access")]
    assert of_v1("authenticated", access=["Family"]).context["access"] == ["Family"]
    assert of_v1("authenticated", auth="app", auth_reason="its own login").values.get("access") is None


def test_a_name_without_a_record_stays_as_closed_as_it_was() -> None:
    answers = resolve(TEMPLATE, QUESTIONS, {}, recorded={**SMALLEST, "dns": "none"})
    assert (answers.context["dns"], answers.context["closed"]) == ("none", True)
    assert any(note.startswith("dns is none: ") for note in answers.notes)
