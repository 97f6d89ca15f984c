"""The JSON Schema says of answers what newservice says of them, as far as a schema can."""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import regress
import yaml
from hypothesis import HealthCheck, event, example, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, ValidationError
from jsonschema.validators import extend

from generator.base.errors import AnswersError, Problem
from generator.platform.profile import load_platform
from generator.template.answers import Answers
from generator.template.schema import answers_schema
from generator.template.schema.rules import BLANK
from tests.answers import QUESTIONS, RICH, SMALLEST, TEMPLATE, UPSTREAM, answer, values_of
from tests.fuzz import PROFILE
from tests.invoke import Command
from tests.test_answers import WRONG
from tests.test_refusals import REFUSED, UPSTREAM_REFUSED

PLATFORM = load_platform(TEMPLATE.platform, environ={"HOME": "/nonexistent"})
SCHEMA = answers_schema(TEMPLATE, PLATFORM.facts, QUESTIONS)


def _pattern(validator: Any, pattern: str, instance: Any, schema: Any) -> Iterator[ValidationError]:
    """Patterns as the standard means them: ECMA-262's, which take ``$`` for the very end."""
    if isinstance(instance, str) and not regress.Regex(pattern, "u").find(instance):
        yield ValidationError(f"{instance!r} does not match {pattern!r}")


VALIDATOR = extend(Draft202012Validator, {"pattern": _pattern})(SCHEMA)
PYTHONS = Draft202012Validator(SCHEMA)
"""The same with Python's own regular expressions, as agents written in Python have it."""

# What the schema leaves to `plan`, and says in words: all of it.
IN_WORDS: dict[str, list[str]] = yaml.safe_load((Path(__file__).parent / "schema_in_words.yml").read_text("utf-8"))

MARKS = {
    name: [re.compile(".*".join(map(re.escape, words.split(BLANK)))) for words in item.get("x-also-refused", ())]
    for name, item in SCHEMA["properties"].items()
}

# Answers that are refused for what they say together.
TOGETHER = [{**SMALLEST, **given} for _, given, _, _ in REFUSED]
TOGETHER += [{**UPSTREAM, **given} for given, _, _ in UPSTREAM_REFUSED]


def accepts(given: Any) -> bool:
    found = bool(VALIDATOR.is_valid(given))
    assert PYTHONS.is_valid(given) == found, "engines for regular expressions read the patterns differently"
    return found


def problems(given: dict[str, Any]) -> list[Problem]:
    """What newservice has against the answers."""
    try:
        answer(given)
    except AnswersError as error:
        return error.problems
    return []


def messages(given: dict[str, Any]) -> list[str]:
    return [problem.message for problem in problems(given)]


def in_words(problem: Problem) -> bool:
    """Whether the schema says in words that this is refused."""
    return any(mark.search(problem.message) for mark in MARKS.get(problem.question, ()))


def beyond(given: dict[str, Any]) -> bool:
    """Whether the answers are refused for nothing but what the schema says in words."""
    found = problems(given)
    return bool(found) and all(in_words(problem) for problem in found)


def test_the_schema_is_valid() -> None:
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    Draft202012Validator.check_schema(SCHEMA)
    assert set(SCHEMA["properties"]) == {question.name for question in QUESTIONS if question.public}


def test_the_command_prints_it(capsys: pytest.CaptureFixture[str]) -> None:
    completed = Command(capsys)("schema")
    assert completed.code == 0
    assert json.loads(completed.out) == SCHEMA
    assert completed.err == ""


@pytest.mark.parametrize("given", [SMALLEST, UPSTREAM, RICH], ids=["smallest", "upstream", "rich"])
def test_good_answers_are_accepted_as_given_and_completed(given: dict[str, Any]) -> None:
    assert accepts(given)
    public = {question.name for question in QUESTIONS if question.public}
    assert accepts({key: value for key, value in answer(given).values.items() if key in public})


@pytest.mark.parametrize(("question", "value", "expected"), WRONG)
def test_a_wrong_answer_is_rejected_or_said_in_words(question: str, value: Any, expected: str) -> None:
    assert not accepts({**SMALLEST, question: value}) or beyond({**SMALLEST, question: value})


@pytest.mark.parametrize("given", TOGETHER)
def test_what_is_refused_together_is_rejected_or_said_in_words(given: dict[str, Any]) -> None:
    assert not accepts(given) or beyond(given)


def test_what_is_said_in_words_is_known() -> None:
    said = {name: item["x-also-refused"] for name, item in SCHEMA["properties"].items() if "x-also-refused" in item}
    assert said == IN_WORDS
    assert {name for name, item in SCHEMA["properties"].items() if "$comment" in item} == set(IN_WORDS)


def test_what_is_said_in_words_is_said_by_newservice() -> None:
    """Every sentence is there for a wrong answer: a rule that nothing breaks would say nothing about agreement."""
    tried = [{**SMALLEST, question: value} for question, value, _ in WRONG]
    tried += [{**SMALLEST, "env": {"A": "a"}, "secrets": {"A": "a"}}, {**SMALLEST, "env": {"PORT": "1"}}, *TOGETHER]
    tried += [{**SMALLEST, "env": {"A": "{redis_index}"}}]
    carveout = {"name": "hooks", "paths": ["/x"], "auth": "required"}
    tried += [{**SMALLEST, "carveouts": [carveout, {**carveout, "paths": ["/y"]}]}]
    completed = {(problem.question, problem.message) for given in tried for problem in problems(given)}
    broken = {(name, mark.pattern) for name, marks in MARKS.items() for mark in marks}
    broken -= {
        (name, mark.pattern) for name, message in completed for mark in MARKS.get(name, ()) if mark.search(message)
    }
    # What depends on a fact that newservice finds itself: tests/adoption/test_proposal.py breaks it.
    assert {name for name, _ in broken} <= {"command"}
    assert len(broken) <= 1


@pytest.mark.parametrize("name", ["name", "title", "description"])
def test_a_required_answer_is_required(name: str) -> None:
    rest = {key: value for key, value in SMALLEST.items() if key != name}
    assert not accepts(rest)
    assert messages(rest)


def test_no_other_key_is_accepted() -> None:
    assert not accepts({**SMALLEST, "memroy": "1Gi"})
    assert not accepts({**SMALLEST, "layer": "stack"})


@pytest.mark.parametrize(
    ("given", "lacks"),
    [
        ({"image_source": "upstream"}, {"image": "docker.io/library/nginx:1.29"}),
        ({"auth": "app"}, {"auth_reason": "its own login"}),
        ({"auth": "none"}, {"auth_reason": "nothing to protect"}),
    ],
)
def test_what_is_required_by_another_answer_agrees(given: dict[str, Any], lacks: dict[str, Any]) -> None:
    (question,) = lacks
    assert not accepts({**SMALLEST, **given})
    assert [message.split()[0] for message in messages({**SMALLEST, **given})] == [question]
    assert accepts({**SMALLEST, **given, **lacks})
    assert messages({**SMALLEST, **given, **lacks}) == []


@pytest.mark.parametrize("given", [{}, {"image_source": "owned"}, {"auth": "required"}, {"auth": "public"}])
def test_what_is_not_required_is_not(given: dict[str, Any]) -> None:
    assert accepts({**SMALLEST, **given})
    assert messages({**SMALLEST, **given}) == []


@pytest.mark.parametrize("question", [item for item in QUESTIONS if item.public and item.flag == ""])
def test_defaults_satisfy_the_schema(question: Any) -> None:
    schema = SCHEMA["properties"][question.name]
    if "default" in schema:
        assert accepts({**SMALLEST, question.name: schema["default"]})
    assert question.help in schema["description"]


# --- any answers at all ------------------------------------------------------------------------------------

texts = st.one_of(
    st.text(max_size=20),
    st.text(st.characters(categories=("Zs", "Cc", "Cf", "Zl", "Zp", "Cn", "Co", "So")), max_size=3),
    st.sampled_from(["Reads feeds", "", " ", "\ufeff", "two\nlines", "end\n", "é", "😀", "x" * 300, "x" * 301, "\x00"]),
)
labels = st.one_of(
    st.sampled_from(["reader", "a", "vault", "kube-system", "x" * 40, "x" * 63, "-a", "a-", "ab\n", "Reader", "1a"]),
    st.text("ab-1", max_size=6),
)
variables = st.sampled_from(["A", "B_1", "_", "9X", "A-B", "DATABASE_URL", "A\n", ""])
quantities = st.sampled_from(["256Mi", "4Gi", "5Gi", "9999999Ki", "0Gi", "1G", "12345678Ki", "1Gi\n", 1])
paths = st.sampled_from(["/", "/x", "/hooks", "/hooks/ping", "/api/v1", "x", "/ü", "/a b", "/a%20b?c=1", "/x\n", ""])
gates = st.sampled_from(["required", "app", "public", "none", "open"])
mounts = st.sampled_from(
    ["/data", "/data/app.db", "/", "data", "/a/../b", "/a/", "/-a", "/.a", "/...", "/data\n", "/" + "x" * 300]
)
identifiers = st.sampled_from(["notes", "notes_app", "a b", "1a", "", "x" * 101])
schedules = st.one_of(
    st.sampled_from(
        ["0 4 * * *", "@daily", "@every 1h", "@reboot", "0 4 * * MON-FRI", "0 4 * * 7", "0 4 * * FRI-MON", "* * * *"]
    ),
    st.text("0159*/,- ", min_size=9, max_size=11),
    st.tuples(
        *[st.sampled_from(["*", "5", "1-5", "5-1", "*/5", "1,2", "59", "60", "0", "31", "?", "1-5/2", "JAN", "SUN"])]
        * 5
    ).map(" ".join),
)


def maps(**shape: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Maps with any of these keys."""
    return st.fixed_dictionaries({}, optional=shape)


fields = st.dictionaries(
    st.sampled_from(["key", "url", "a b"]), st.sampled_from(["token", "two words", "", 1]), max_size=2
)
widgets = maps(
    type=st.sampled_from(["gitea", "Gitea", ""]),
    url=st.sampled_from(["http://notes.example", "ftp://x", "http://a b", "https://x\n"]),
    fields=fields,
    credentials=fields,
    icon=st.just("x"),
)

timings = st.one_of(
    maps(
        initial_seconds=st.sampled_from([1, 0]),
        period_seconds=st.sampled_from([30, 3601]),
        timeout_seconds=st.sampled_from([5, "5s"]),
        failures=st.sampled_from([3, 101]),
        path=st.just("/ready"),
    ),
    st.sampled_from([5, [], None]),
)

wellformed: dict[str, st.SearchStrategy[Any]] = {
    "name": labels,
    "title": texts,
    "description": texts,
    "namespace": labels,
    "tier": st.sampled_from(["core", "gpu", "aux", "platinum"]),
    "kind": st.sampled_from(["web", "worker", "cronjob", "daemon"]),
    "names": maps(
        addresses=maps(
            namespace=identifiers,
            service=identifiers,
            ingress=st.sampled_from(["main", "anubis", "nfs_data", "ingress_x", "a b"]),
            secret=identifiers,
            database_secret=identifiers,
            pod=st.just("a"),
        ),
        deployment=labels,
        service=labels,
        ingress=labels,
        anubis=st.sampled_from(["guide", "Guide", "x" * 56, "x" * 57]),
        container=st.sampled_from(["app", "migrate", "two words"]),
        secret=st.sampled_from(["creds", "a..b", "a.b", "x" * 254, "A"]),
        database_secret=st.just("creds"),
        selector=st.dictionaries(
            st.sampled_from(["app", "app.kubernetes.io/name", "a//b", ""]),
            st.sampled_from(["a", "a b", "x" * 64]),
            max_size=2,
        ),
        claims=st.dictionaries(
            st.sampled_from(["data", "a", "A"]),
            maps(address=identifiers, name=st.sampled_from(["notes-data", "n..d"]), size=st.just("1Gi")),
            max_size=2,
        ),
    ),
    "image_source": st.sampled_from(["owned", "upstream", "both"]),
    "language": st.sampled_from(["python", "go", "svelte", "static", "none", "cobol"]),
    "image": st.sampled_from(
        [
            "nginx:1",
            "nginx",
            "ghcr.io/a/b:1.2",
            "a/b@sha256:" + "0" * 64,
            "A:1",
            "x:1\n",
            "x:",
            "a:1:2",
            "r.example:5000/a:1",
            "a//b:1",
            "a..b:1",
            "a__b/c---d.e:1@sha256:" + "0" * 64,
        ]
    ),
    "image_visibility": st.sampled_from(["private", "public", "secret"]),
    "ci": st.sampled_from([True, False, "maybe", None, 1]),
    "ci_test": st.sampled_from(["python", "node", "go", "custom", "none", "jest"]),
    "updates": st.sampled_from(["ci", "keel", "pinned", "never"]),
    "diun_tags": st.one_of(
        st.text("^$.*+?()[]{}|\\d-a1,:", max_size=8),
        st.sampled_from(
            ["none", "^latest$", r"^v\d+(?:\.\d+)?$", "(a|(b|(c)))", "[a-z", "[z-a]", "a{3,1}", "(?i)a", "(?<n>a)"]
        ),
    ),
    "port": st.sampled_from([1, 8080, 65535, 0, 65536, -1, True, None]),
    "service_port": st.sampled_from([80, 0, 65536]),
    "command": st.one_of(st.lists(texts, max_size=2), st.sampled_from(["sh", [1], None])),
    "args": st.one_of(st.lists(texts, max_size=2), st.just([["a"]])),
    "run_as": maps(uid=st.sampled_from([0, 1000, -1, "1"]), gid=st.just(1), fs_group=st.just(2), user=st.just(1)),
    "cpu": st.sampled_from(["10m", "2", "1.5", "0", "10m\n", 1]),
    "memory_limit": quantities,
    "replicas": st.sampled_from([0, 1, 2, 10, 11, -1, True]),
    "env": st.dictionaries(variables, st.one_of(texts, st.sampled_from([1, 1.5, True, None, [], {}])), max_size=3),
    "memory": quantities,
    "probe": st.one_of(
        st.sampled_from(["none", "tcp", "http", "exec", None, 1, []]),
        maps(
            kind=st.sampled_from(["http", "tcp", "exec"]),
            path=paths,
            startup_seconds=st.sampled_from([0, 3600, 3601, -1, "1"]),
            initial_seconds=st.sampled_from([1, 0, 3601]),
            period_seconds=st.sampled_from([30, 0]),
            timeout_seconds=st.sampled_from([5, "5s"]),
            failures=st.sampled_from([3, 0, 101]),
            readiness=timings,
            liveness=timings,
            which=st.lists(st.sampled_from(["liveness", "readiness", "startup"]), max_size=2),
            port=st.just(1),
        ),
    ),
    "metrics": st.one_of(
        st.sampled_from(["none", "yes", None, True]),
        maps(
            path=st.one_of(paths, st.sampled_from(["/metrics", "/healthz", "/docs"])),
            port=st.sampled_from([9100, 0, "9100"]),
            interval=st.just("15s"),
        ),
    ),
    "gpu": st.sampled_from([True, False, "one", None]),
    "secret_mode": st.sampled_from(["select", "extract", "all"]),
    "migrate_command": st.one_of(st.lists(texts, max_size=2), st.sampled_from(["up", [1], None])),
    "redis": st.sampled_from([True, False, 0, 15, 16, 1001, -1, 1.5, None, "one", []]),
    "backup": st.one_of(
        st.sampled_from(["none", "files", "sqlite", None, True]),
        maps(
            kind=st.sampled_from(["files", "sqlite", "none"]),
            files=st.one_of(st.lists(mounts, max_size=2), st.just("/data")),
            schedule=schedules,
            keep_days=st.sampled_from([1, 0, 3650, 3651, "7"]),
        ),
    ),
    "cronjobs": st.one_of(
        st.lists(
            maps(
                name=st.sampled_from(["tidy", "backup", "a_b", "x" * 31]),
                schedule=schedules,
                command=st.one_of(st.lists(texts, max_size=1), st.just("sh")),
                args=st.lists(texts, max_size=1),
                deadline_seconds=st.sampled_from([1, 0, 604801]),
                cpu=st.sampled_from(["10m", "0.5"]),
                memory=quantities,
                memory_limit=quantities,
                migrate=st.sampled_from([True, False, "yes"]),
                suspend=st.sampled_from([True, None]),
                image=st.just("nginx:1"),
            ),
            max_size=2,
        ),
        st.just({}),
    ),
    "secrets": st.dictionaries(variables, st.sampled_from(["token", "a.b-c_d", "a b", "", 1, "x" * 129]), max_size=2),
    "database": st.one_of(
        st.sampled_from(["none", "postgres", "mysql", None]),
        maps(
            engine=st.sampled_from(["postgres", "mysql"]),
            name=st.sampled_from(["guide", "a-b", "x" * 63, "x" * 64, "guide\n"]),
            role=st.sampled_from(["guide", "1a"]),
            provision=st.sampled_from(["create", "exists", "drop"]),
            dsn_scheme=st.sampled_from(["postgresql+asyncpg", "://"]),
            env=st.dictionaries(variables, st.sampled_from(["dsn", "password", "secret"]), max_size=2),
        ),
    ),
    "volumes": st.lists(
        maps(
            name=st.sampled_from(["data", "a", "A", "data\n"]),
            kind=st.sampled_from(["encrypted", "block", "nfs", "nfs-ssd", "emptydir", "config", "floppy"]),
            mount=mounts,
            size=quantities,
            limit=quantities,
            sub_path=st.sampled_from(["a", "a/b", "/a", "../a"]),
            read_only=st.sampled_from([True, False, "yes"]),
            nfs_path=mounts,
            sensitive=st.sampled_from([True, False, None]),
        ),
        max_size=2,
    ),
    "host": st.sampled_from(["reader", "www", "a.b", "", "Reader", "reader\n"]),
    "paths": st.one_of(st.lists(paths, max_size=3), st.sampled_from(["/", None])),
    "access": st.sampled_from(
        [["Family"], ["Home Server Admins", "A-1 & B.c+d_e"], [], ["a,b"], [" a"], ["é"], "admins"]
    ),
    "scale_to_zero": st.sampled_from([False, "off", "dynamic", "blocking", True, "on", 0]),
    "outage_page": st.sampled_from([True, False, "often"]),
    "network_policy": st.sampled_from([True, False, 1]),
    "anubis": st.sampled_from([True, False, "often"]),
    "lan_host": st.one_of(
        st.sampled_from(["none", "notes", None]),
        maps(host=st.sampled_from(["notes", "home", "a.b", "Notes"]), auth=gates, reason=texts, dns=st.just("lan")),
    ),
    "max_body": st.sampled_from(["none", "500m", "5g", "1k", "5G", "0m", "500", "1.5g", "5g\n"]),
    "rate_limit": st.one_of(
        st.sampled_from(["none", 10, None]),
        maps(average=st.sampled_from([1, 0, 10**6, "1"]), burst=st.sampled_from([1, 10**6 + 1]), period=st.just(1)),
    ),
    "internal_monitor": st.one_of(st.sampled_from(["none", "yes", None]), maps(path=paths, port=st.just(1))),
    "dns": st.sampled_from(["proxied", "non-proxied", "internal", "lan", "none", "no"]),
    "auth": gates,
    "auth_reason": texts,
    "carveouts": st.lists(
        maps(
            name=st.sampled_from(["hooks", "staff", "a_b"]),
            paths=st.one_of(st.lists(paths, max_size=2), st.just("/x")),
            auth=gates,
            reason=texts,
            probe_path=paths,
            service_port=st.sampled_from([80, 0, "80"]),
            max_body=st.sampled_from(["none", "1g", "1t"]),
        ),
        max_size=2,
    ),
    "homepage": maps(
        enabled=st.sampled_from([True, False, "no"]),
        group=texts,
        icon=texts,
        description=texts,
        widget=widgets,
        tile=st.just(1),
    ),
    "catalog_section": texts,
}
REQUIRED = st.sampled_from([SMALLEST, UPSTREAM, RICH])


strange: st.SearchStrategy[Any] = st.one_of(
    st.sampled_from(
        [None, True, 5, -1, 1.5, "", "none", "x", "8080", "[a]", "{a: b}", [], ["x"], [1], {}, {"a": 1}, [{}]]
    ),
    texts,
)
"""Answers of any type."""

for question in QUESTIONS:
    if question.public and question.name not in wellformed:
        wellformed[question.name] = st.sampled_from([*values_of(question), "nonsense", None, []])
NAMES = sorted(wellformed)


FORMS = {name: VALIDATOR.evolve(schema=item) for name, item in SCHEMA["properties"].items()}
right = {name: item.filter(FORMS[name].is_valid) for name, item in wellformed.items()}
"""Answers of the right form, one by one."""


@st.composite
def changed(draw: st.DrawFn, replacements: dict[str, st.SearchStrategy[Any]]) -> dict[str, Any]:
    """Answers that are right, with a few replaced."""
    replaced = draw(st.lists(st.sampled_from(NAMES), max_size=3, unique=True))
    return {**draw(REQUIRED), **{name: draw(replacements[name]) for name in replaced}}


@st.composite
def spoiled(draw: st.DrawFn) -> dict[str, Any]:
    """The same with one of another type or left out, or a key that is none."""
    answers = draw(changed(right))
    way = draw(st.sampled_from(["type", "missing", "unknown"]))
    if way == "type":
        answers[draw(st.sampled_from(NAMES))] = draw(strange)
    elif way == "missing":
        del answers[draw(st.sampled_from(sorted(answers)))]
    else:
        answers[draw(st.sampled_from(["layer", "memroy", "x", "platform"]))] = draw(strange)
    return answers


anything = st.fixed_dictionaries({}, optional=wellformed)
"""Any of the answers, most of them wrong, over all questions."""

few = {name: st.sampled_from(item["enum"]) for name, item in SCHEMA["properties"].items() if "enum" in item}
few |= {name: st.booleans() for name, item in SCHEMA["properties"].items() if "x-flag-false" in item}
few |= {
    "port": st.sampled_from([0, 80, 8080]),
    "replicas": st.sampled_from([0, 1, 2]),
    "scale_to_zero": st.sampled_from([False, "dynamic"]),
    "internal_monitor": st.sampled_from(["none", {"path": "/"}]),
    "lan_host": st.sampled_from(["none", {"host": "notes"}, {"host": "home", "auth": "app", "reason": "a login"}]),
    "volumes": st.lists(
        maps(name=st.sampled_from("ab"), kind=st.sampled_from(["block", "nfs", "emptydir"]), mount=st.just("/a")),
        max_size=2,
    ),
    "secrets": st.sampled_from([{}, {"A": "a"}]),
    "env": st.sampled_from([{}, {"PORT": "1"}]),
    "cronjobs": st.sampled_from([[], [{"name": "tidy", "schedule": "@daily", "command": ["tidy"]}]]),
    "redis": st.sampled_from([True, False, 3, 16]),
    "carveouts": st.lists(
        maps(name=st.just("a"), paths=st.just(["/x"]), auth=st.sampled_from(["required", "none"]), reason=st.just("r")),
        max_size=1,
    ),
}


@st.composite
def related(draw: st.DrawFn) -> dict[str, Any]:
    """Answers that are right one by one, and often wrong together."""
    names = draw(st.lists(st.sampled_from(sorted(few)), max_size=4, unique=True))
    return {**draw(st.sampled_from([SMALLEST, UPSTREAM])), **{name: draw(few[name]) for name in names}}


any_answers = st.one_of(related(), related(), changed(right), changed(right), changed(wellformed), spoiled(), anything)

SETS = {"fuzz": 6000, "all": 3000}.get(PROFILE, 150)
"""How many sets of answers are tried."""


def settled(given: dict[str, Any]) -> Answers | None:
    try:
        return answer(given)
    except AnswersError:
        return None


def typed(given: dict[str, Any], answers: Answers) -> dict[str, Any]:
    """The answers that apply, with texts read as newservice reads them where a question is for something else."""
    return {name: value for name, value in answers.public.items() if name in given}


def judged(given: dict[str, Any]) -> str:
    """How schema and newservice agree about answers. Raises ``AssertionError`` where they don't."""
    if (answers := settled(given)) is not None:
        if accepts(given):
            return "taken by both"
        assert typed(given, answers) != given, "the schema refuses what newservice takes"
        assert accepts(typed(given, answers)), "the schema refuses what newservice takes"
        return "taken, text for another type, or left out since it does not apply"
    if not accepts(given):
        return "refused by both"
    found = [problem.message for problem in problems(given) if not in_words(problem)]
    assert found == [], "the schema accepts what newservice refuses, and says so nowhere"
    return "refused by newservice alone, as the schema says in words"


@pytest.mark.hypothesis
def test_schema_and_newservice_agree(record_property: Any) -> None:
    """What newservice takes the schema accepts; what it refuses the schema refuses, or says in words that it is."""
    counted: Counter[str] = Counter()

    @settings(max_examples=SETS, deadline=None, suppress_health_check=list(HealthCheck))
    @given(any_answers)
    @example({**RICH, "backup": "none"})
    @example({**SMALLEST, "title": "\ufeff"})
    @example({**SMALLEST, "title": "notes\n"})
    @example({**SMALLEST, "env": {"A\n": "1"}})
    @example({**SMALLEST, "port": "9000"})
    def agree(given: dict[str, Any]) -> None:
        verdict = judged(given)
        event(verdict)
        counted[verdict] += 1

    agree()
    completed = "; ".join(f"{number} {verdict}" for verdict, number in counted.most_common())
    sys.stdout.write(f"{counted.total()} sets of answers: {completed}\n")
    record_property("agreement", completed)
    assert len(counted) == 4, completed
    assert counted.total() >= SETS, completed


def test_numbers_and_maps_as_text_are_taken_by_newservice_alone() -> None:
    """Flags and ``--set`` hand over text; an answers file for the schema has the real types."""
    text = {**SMALLEST, "port": "9000", "env": yaml.safe_dump({"A": "1"})}
    assert messages(text) == []
    assert not accepts(text)
    assert accepts({**text, "port": 9000, "env": {"A": "1"}})


def test_a_whole_number_is_written_without_a_point() -> None:
    """JSON Schema takes 8080.0 for a whole number; newservice does not, and the schema says so in words."""
    assert messages({**SMALLEST, "port": 8080.0}) == ["port: must be a whole number (given: 8080.0)"]
    assert "without a point" in SCHEMA["$comment"]


def test_an_answer_that_does_not_apply_needs_the_right_form() -> None:
    """newservice leaves it out whatever it is; the schema shows and demands one form for each property."""
    assert accepts({**SMALLEST, "kind": "cronjob", "host": "reader"})
    assert not accepts({**SMALLEST, "kind": "cronjob", "host": {"left": "out"}})
    assert messages({**SMALLEST, "kind": "cronjob", "host": {"left": "out"}}) == []


BASES = [
    SMALLEST, UPSTREAM, RICH, {**RICH, "auth": "required"}, {**SMALLEST, "tier": "gpu"},
    {**UPSTREAM, "volumes": [{"name": "data", "mount": "/data"}]},
    {**UPSTREAM, "tier": "gpu", "gpu": True, "gpu_memory": 0},
    {**SMALLEST, "kind": "cronjob", "migrate_command": ["migrate"]}, {**SMALLEST, "kind": "worker"},
    {**SMALLEST, "ci_test": "custom"},
]  # fmt: skip
"""Answers among which every question applies at least once."""

EXAMPLES = [(name, value) for name, item in SCHEMA["properties"].items() for value in item.get("examples", ())]


@pytest.mark.parametrize(("name", "value"), EXAMPLES, ids=str)
def test_examples_are_valid(name: str, value: Any) -> None:
    taken = [base for base in BASES if (found := settled({**base, name: value})) and name in found.public]
    assert taken, [messages({**base, name: value}) for base in BASES]
    assert all(accepts({**base, name: value}) for base in taken)


def test_every_answer_is_explained() -> None:
    """Choices, truths and numbers explain themselves; everything else has a default or an example to learn from."""
    for name, item in SCHEMA["properties"].items():
        assert item["description"], name
        assert item["x-flag"].startswith("--"), name
        plain = "enum" in item or item.get("type") in ("boolean", "integer")
        assert plain or item.get("default") not in (None, {}, [], "none") or item.get("examples"), name


def test_defaults_inside_of_answers_are_what_templates_take() -> None:
    """The shapes tell them to readers; the templates have them at the places where the answers are completed."""

    def context(question: str, value: Any) -> dict[str, Any]:
        found = answer({**SMALLEST, question: value}).context
        return {name: found[name] for name in ("drives", "lan", "openings")}

    volume = {"name": "data", "mount": "/data"}
    assert context("volumes", [volume]) == context("volumes", [{**volume, "kind": "encrypted"}])
    host = {"host": "notes", "reason": "x"}
    assert context("lan_host", host) == context("lan_host", {**host, "auth": "required"})
    carveout = {"name": "hooks", "paths": ["/x"], "reason": "x"}
    assert context("carveouts", [carveout]) == context("carveouts", [{**carveout, "auth": "none"}])
