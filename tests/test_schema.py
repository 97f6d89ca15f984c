"""The JSON Schema says of answers what newservice says of them, as far as a schema can."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import regress
import yaml
from hypothesis import HealthCheck, event, example, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, ValidationError
from jsonschema.validators import extend

from generator.answers import Answers
from generator.errors import AnswersError
from generator.platform import load_platform
from generator.schema import answers_schema
from tests.answers import QUESTIONS, RICH, SMALLEST, TEMPLATE, UPSTREAM, answer
from tests.fuzz import examples
from tests.invoke import Command
from tests.test_answers import WRONG
from tests.test_refusals import REFUSED, UPSTREAM_REFUSED

SCHEMA = answers_schema(TEMPLATE, load_platform(TEMPLATE.platform, environ={"HOME": "/nonexistent"}), QUESTIONS)


def _pattern(validator: Any, pattern: str, instance: Any, schema: Any) -> Iterator[ValidationError]:
    """Patterns as the standard means them: ECMA-262's, which take ``$`` for the very end."""
    if isinstance(instance, str) and not regress.Regex(pattern, "u").find(instance):
        yield ValidationError(f"{instance!r} does not match {pattern!r}")


VALIDATOR = extend(Draft202012Validator, {"pattern": _pattern})(SCHEMA)

# What no schema can say: it looks at one answer at a time, and knows no stack and no cluster.
BEYOND = {
    "platform's own stacks": "names that are taken by the platform",
    "belongs to the cluster": "namespaces that are taken by the cluster",
    "belongs to the platform": "hosts that are taken by the platform",
    "more than a container of tier": "memory against the tier's cap",
    "less than the": "a limit against what is kept free",
    "no CI of ours builds": "updates against the image's source and CI",
    "the code is written in": "tests against the language",
    "answers HTTP and nothing else": "the language against the kind",
    "a web service answers on a port": "the port against the kind",
    "reserved by PostgreSQL": "names that the engine keeps to itself",
    "of PostgreSQL's own": "names that the engine keeps to itself",
    "reserved by MySQL": "names that the engine keeps to itself",
    "of MySQL's own": "names that the engine keeps to itself",
    "characters that MySQL allows": "lengths against the engine",
    "the indexes 0 to": "indexes against the platform's Redis",
    "limit belongs to block storage": "a volume's keys against its kind",
    "config has no size": "a volume's keys against its kind",
    "nfs_path belongs to": "a volume's keys against its kind",
    "that backups go to": "a volume's name against the stack's own",
    "sensitive: false": "a volume's kind against what is on it",
    "SQLite is never kept on NFS": "paths against volumes",
    "none of the block volumes": "paths against volumes",
    "files is missing": "a backup's files against its kind",
    "is the whole volume": "a backup's files against the volumes",
    "runs backwards": "the ends of a range against one another",
    "more at its start": "the ends of a repetition against one another",
    "that saves the volumes": "a job's name against the stack's own",
    "without command or args": "a job against the kind",
    "at least one job": "jobs against the kind",
    "migrate runs the migrate_command": "a job against the migration",
    "characters that Kubernetes allows": "names put together",
    "migrate is the name of the container": "a container's name against the migration's",
    "none of the volumes": "claims against volumes",
    "which something else of the stack has": "names against one another and the stack's own",
    "what another module of the stack": "an address against the stack's own",
    "with something else": "paths against what the code answers",
    "there twice": "paths against one another",
    "has a gate already": "paths against one another",
    "choose auth none": "Anubis against the gate",
    "proof of work": "Anubis against the paths",
    "Anubis is for sites": "Anubis against the carve-outs",
    "on the home network": "the LAN host against the DNS record and its reason",
    "the carve-out another name": "a carve-out's name against the LAN host",
    "stands beside fields": "a widget's keys against one another",
    "has one source": "a widget's keys against one another",
    "give them two": "names against one another",
    "belongs to one pod": "pods against volumes",
    "used twice": "names and mounts against one another",
    "more than limit": "a volume's size against its limit",
    "leave scale_to_zero out": "pods against sleep",
    "finds nobody while it sleeps": "a monitor against sleep",
    "leave outage_page out": "the page against the DNS record and the paths",
    "needs a reason": "a carve-out's reason against its gate",
    "whole host": "paths against the host's own gate",
    "browsers only": "paths against the gate",
    "under none of": "the probed path against the paths",
    "set by the question": "variables against one another",
}


# Answers that are refused for what they say together.
TOGETHER = [{**SMALLEST, **given} for _, given, _, _ in REFUSED]
TOGETHER += [{**UPSTREAM, **given} for given, _, _ in UPSTREAM_REFUSED]


def accepts(given: Any) -> bool:
    return bool(VALIDATOR.is_valid(given))


def messages(given: dict[str, Any]) -> list[str]:
    """What newservice has against the answers."""
    try:
        answer(given)
    except AnswersError as error:
        return [problem.message for problem in error.problems]
    return []


def beyond(told: list[str]) -> bool:
    """Whether there is a message that no schema could give."""
    return any(mark in message for mark in BEYOND for message in told)


def test_the_schema_is_valid() -> None:
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    Draft202012Validator.check_schema(SCHEMA)
    assert set(SCHEMA["properties"]) == {question.name for question in QUESTIONS if question.public}


def test_the_command_prints_it(capsys: pytest.CaptureFixture[str]) -> None:
    told = Command(capsys)("schema")
    assert told.code == 0
    assert json.loads(told.out) == SCHEMA
    assert told.err == ""


@pytest.mark.parametrize("given", [SMALLEST, UPSTREAM, RICH], ids=["smallest", "upstream", "rich"])
def test_good_answers_are_accepted_as_given_and_completed(given: dict[str, Any]) -> None:
    assert accepts(given)
    public = {question.name for question in QUESTIONS if question.public}
    assert accepts({key: value for key, value in answer(given).values.items() if key in public})


@pytest.mark.parametrize(("question", "value", "told"), WRONG)
def test_a_wrong_answer_is_rejected_where_a_schema_can(question: str, value: Any, told: str) -> None:
    assert accepts({**SMALLEST, question: value}) == beyond(messages({**SMALLEST, question: value}))


@pytest.mark.parametrize("given", TOGETHER)
def test_what_is_refused_together_is_rejected_where_a_schema_can(given: dict[str, Any]) -> None:
    assert accepts(given) == beyond(messages(given))


def test_what_a_schema_can_not_say_is_not_said_by_it() -> None:
    """Every entry is there for a wrong answer, so that the list can't hide one that a schema could reject."""
    told = [message for question, value, _ in WRONG for message in messages({**SMALLEST, question: value})]
    told += messages({**SMALLEST, "env": {"A": "a"}, "secrets": {"A": "a"}})
    told += [message for given in TOGETHER for message in messages(given)]
    assert [mark for mark in BEYOND if not any(mark in message for message in told)] == []


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


@st.composite
def any_answers(draw: st.DrawFn) -> dict[str, Any]:
    """Answers that are right, with a few replaced by anything."""
    replaced = draw(st.lists(st.sampled_from(sorted(wellformed)), max_size=3, unique=True))
    return {**draw(REQUIRED), **{question: draw(wellformed[question]) for question in replaced}}


def settled(given: dict[str, Any]) -> Answers | None:
    try:
        return answer(given)
    except AnswersError:
        return None


def test_every_question_is_tried() -> None:
    assert set(wellformed) == {question.name for question in QUESTIONS if question.public}


@settings(max_examples=examples(300), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(any_answers())
@example({**RICH, "backup": "none"})
@example({**SMALLEST, "title": "\ufeff"})
@example({**SMALLEST, "title": "notes\n"})
@example({**SMALLEST, "env": {"A\n": "1"}})
def test_schema_and_newservice_agree(given: dict[str, Any]) -> None:
    """What newservice takes the schema accepts; what it refuses the schema rejects, or no schema could."""
    answers = settled(given)
    if answers is not None:
        event("taken")
        ignored = {note.split("'")[1] for note in answers.notes if "does not apply" in note}  # these are not looked at
        assert accepts({key: value for key, value in given.items() if key not in ignored})
    elif accepts(given):
        event("beyond a schema")
        told = messages(given)
        assert beyond(told), told
    else:
        event("refused by both")


def test_newservice_takes_numbers_and_maps_as_text_and_the_schema_does_not() -> None:
    """Flags and ``--set`` hand over text; an answers file for the schema has the real types."""
    text = {**SMALLEST, "port": "9000", "env": yaml.safe_dump({"A": "1"})}
    assert messages(text) == []
    assert not accepts(text)
    assert accepts({**text, "port": 9000, "env": {"A": "1"}})
