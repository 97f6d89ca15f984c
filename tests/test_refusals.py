"""What is refused for several answers together: each with the question, the value, the rule and the way out."""

from __future__ import annotations

from typing import Any

import pytest

from generator.base.errors import AnswersError, ExitCode
from tests.answers import QUESTIONS, SMALLEST, UPSTREAM, answer

OPTIONS = {question.name: question.option for question in QUESTIONS}
DATA = {"name": "data", "mount": "/data"}
NFS = {**DATA, "kind": "nfs"}
MORE = {"name": "more", "mount": "/more"}
TMP = {"name": "tmp", "mount": "/tmp", "kind": "emptydir"}
OPEN = {"auth": "none", "auth_reason": "a public site"}
HOOKS = {"name": "hooks", "paths": ["/hooks"], "auth": "none", "reason": "signed webhooks"}
BOTH: dict[str, Any] = {"secrets": {"A": "a"}, "database": "postgres"}
TILE = {"widget": {"type": "gitea", "credentials": {"key": "token"}}}
JOB = {"name": "tidy", "schedule": "0 4 * * *", "command": ["tidy"]}


def refusal(given: dict[str, Any], question: str) -> str:
    """The one refusal of these answers."""
    with pytest.raises(AnswersError) as caught:
        answer(given)
    (problem,) = caught.value.problems
    assert problem.question == question
    assert problem.message.startswith(question)
    assert ("(given: " in problem.message) == (question in given and problem.code != "answer.missing")
    assert problem.hint.startswith(f"{OPTIONS[question]}: ")
    return problem.message


REFUSED: list[tuple[str, dict[str, Any], str, list[str]]] = [
    # rule, answers, question, what the message says: the rule and the way out
    ("a group that is two", {"access": ["Family,Friends"]}, "access", ["[0]", "a group's name"]),
    *(
        (rule, {"ci_test": "custom", "ci_steps": [{"run": "make"}, step]}, "ci_steps", said)
        for rule, step, said in [
            ("a step that does nothing", {"name": "Test"}, ["[1]", "give one of uses and run"]),
            ("a step that does two things", {"uses": "./a", "run": "b"}, ["[1]", "give one of uses and run"]),
            (
                "an action in a shell",
                {"uses": "./a", "shell": "sh"},
                ["[1]", "shell and working-directory", "leave them out"],
            ),
            ("commands with inputs", {"run": "a", "with": {"b": 1}}, ["[1]", "give commands what they need as env"]),
            ("an action without a version", {"uses": "actions/setup-go"}, ["[1].uses", "must be an action such as"]),
            ("an action elsewhere", {"uses": "../a"}, ["[1].uses", "must be an action such as"]),
            ("a shell of one's own", {"run": "a", "shell": "perl {0}"}, ["[1].shell", "must be one of bash"]),
        ]
    ),
    ("a group twice", {"access": ["Family", "Family"]}, "access", ["is there twice", "name it once"]),
    (
        "root that is refused",
        {"run_as": {"uid": 0}, "hardening": {"non_root": True}},
        "hardening",
        ["run_as has uid 0", "leave non_root out"],
    ),
    (
        "a critical service on NFS",
        {"tier": "cluster", "volumes": [NFS]},
        "volumes",
        ["[0]", "tier cluster are critical", "say so with critical: false"],
    ),
    (
        "pods beyond a quota",
        {"memory": "1Gi", "replicas": 4},
        "replicas",
        ["take 4Gi of memory", "has 3Gi", "ask for less"],
    ),
    (
        "a job beyond a quota",
        {"cronjobs": [{"name": "tidy", "schedule": "@daily", "command": ["tidy"], "memory": "3Gi"}]},
        "cronjobs",
        ["[0]", "take 3328Mi of memory", "has 3Gi", "ask for less"],
    ),
    (
        "a backup beyond a quota",
        {"memory": "3Gi", "volumes": [{"name": "data", "mount": "/data"}]},
        "backup",
        ["take 3136Mi of memory", "has 3Gi", "ask for less"],
    ),
    (
        "a bot wall beyond a quota",
        {"memory": "3Gi", "auth": "none", "auth_reason": "open", "anubis": True},
        "anubis",
        ["take 3456Mi of memory", "has 3Gi", "ask for less"],
    ),
    ("a GPU without its memory", {"tier": "gpu", "gpu": True}, "gpu_memory", ["how many MiB", "0 for none"]),
    (
        "more than the GPU has",
        {"tier": "gpu", "gpu": True, "gpu_memory": 14001},
        "gpu_memory",
        ["has 14000 MiB", "ask for less"],
    ),
    (
        "pods beyond what the GPU has",
        {"tier": "gpu", "gpu": True, "gpu_memory": 7001, "replicas": 2},
        "replicas",
        ["14002 MiB", "14000 that there are", "answer less gpu_memory"],
    ),
    ("nobody may pass", {"access": []}, "access", ["must not be empty"]),
    ("sleep of what is parked", {"scale_to_zero": "dynamic", "replicas": 0}, "scale_to_zero", ["parked", "leave"]),
    ("sleep of several pods", {"scale_to_zero": "blocking", "replicas": 2}, "scale_to_zero", ["one pod", "replicas 1"]),
    ("sleep of another kind", {"scale_to_zero": "on"}, "scale_to_zero", ["off, dynamic or blocking"]),
    (
        "a monitor of what sleeps",
        {"scale_to_zero": "dynamic", "internal_monitor": {"path": "/"}},
        "internal_monitor",
        ["while it sleeps", "leave one of"],
    ),
    (
        "the CDN's page without the CDN",
        {"outage_page": True, "dns": "lan"},
        "outage_page",
        ["only dns proxied", "leave"],
    ),
    ("the CDN's page for programs", {"outage_page": True, "paths": ["/api"]}, "outage_page", ["/api is for programs"]),
    ("app without reason", {"auth": "app"}, "auth_reason", ["is missing"]),
    ("none without reason", {"auth": "none"}, "auth_reason", ["is missing"]),
    ("blank reason", {"auth": "none", "auth_reason": "  "}, "auth_reason", ["one line of text"]),
    (
        "carve-out without reason",
        {"carveouts": [{**HOOKS, "reason": "x"}, {"name": "b", "paths": ["/b"], "auth": "app"}]},
        "carveouts",
        ["[1]", "auth app needs a reason", "say what gates"],
    ),
    (
        "LAN host without reason",
        {"lan_host": {"host": "notes", "auth": "none"}},
        "lan_host",
        ["auth none needs a reason", "say what gates"],
    ),
    ("Anubis behind single sign-on", {"anubis": True}, "anubis", ["auth is required", "choose auth none, or leave"]),
    (
        "Anubis before a login",
        {"auth": "app", "auth_reason": "its own login", "anubis": True},
        "anubis",
        ["auth is app"],
    ),
    ("Anubis before an anonymous session", {"auth": "public", "anubis": True}, "anubis", ["auth is public"]),
    (
        "Anubis over an API carve-out",
        {**OPEN, "anubis": True, "carveouts": [{**HOOKS, "paths": ["/api"]}]},
        "anubis",
        ["hooks", "(/api)", "leave one of them out"],
    ),
    (
        "Anubis over an API",
        {**OPEN, "anubis": True, "paths": ["/dav"]},
        "anubis",
        ["/dav is for programs", "leave Anubis out"],
    ),
    ("public for an API", {"auth": "public", "paths": ["/", "/api/v1"]}, "auth", ["/api/v1", "choose app or none"]),
    (
        "public carve-out for an API",
        {"carveouts": [{"name": "x", "paths": ["/shop/api"], "auth": "public"}]},
        "carveouts",
        ["/shop/api", "choose app or none"],
    ),
    (
        "public LAN host for an API",
        {"paths": ["/graphql"], "lan_host": {"host": "notes", "auth": "public"}},
        "lan_host",
        ["/graphql", "choose app or none"],
    ),
    (
        "two pods with an encrypted claim",
        {"volumes": [DATA], "replicas": 2},
        "replicas",
        ["data of kind encrypted belongs to one pod", "take 1, or keep the data on nfs"],
    ),
    (
        "two pods with a block claim",
        {"volumes": [{**DATA, "kind": "block"}], "replicas": 2},
        "replicas",
        ["data of kind block belongs to one pod"],
    ),
    (
        "SQLite on NFS by its address",
        {"volumes": [NFS], "env": {"DATABASE_URL": "sqlite:////data/app"}},
        "volumes",
        ["DATABASE_URL puts it on the volume data", "choose kind encrypted"],
    ),
    (
        "SQLite on NFS by its ending",
        {"volumes": [NFS], "env": {"DB": "/data/deep/app.sqlite3"}},
        "volumes",
        ["DB puts it"],
    ),
    (
        "SQLite on NFS in an argument",
        {"volumes": [NFS], "args": ["--db=/data/app.db"]},
        "volumes",
        ["'--db=/data/app.db'"],
    ),
    (
        "SQLite on NFS below a block volume",
        {
            "volumes": [DATA, {"name": "media", "mount": "/data/media", "kind": "nfs-ssd"}],
            "env": {"DB": "/data/media/a.db"},
        },
        "volumes",
        ["[1]", "on the volume media"],
    ),
    (
        "SQLite on NFS by its backup",
        {"volumes": [NFS], "backup": {"kind": "sqlite", "files": ["/data/app.db"]}},
        "backup",
        ["/data/app.db is on the volume data", "make that volume kind encrypted"],
    ),
    (
        "SQLite on NFS by its backup, below a block volume",
        {
            "volumes": [DATA, {"name": "media", "mount": "/data/media", "kind": "nfs"}],
            "backup": {"kind": "sqlite", "files": ["/data/media/app.db"]},
        },
        "backup",
        ["is on the volume media"],
    ),
    (
        "backup of another path",
        {"volumes": [DATA], "backup": {"kind": "files", "files": ["/etc"]}},
        "backup",
        ["/etc is on none of the block volumes", "name paths below /data"],
    ),
    (
        "backup of a whole volume as SQLite",
        {"volumes": [DATA], "backup": {"kind": "sqlite", "files": ["/data"]}},
        "backup",
        ["the whole volume", "for example /data/app.db"],
    ),
    (
        "backup of SQLite without files",
        {"volumes": [DATA], "backup": {"kind": "sqlite"}},
        "backup",
        ["files is missing"],
    ),
    (
        "backup with a range that runs backwards",
        {"volumes": [DATA], "backup": {"kind": "files", "schedule": "0 5-3 * * *"}},
        "backup",
        ["5-3 runs backwards"],
    ),
    (
        "memory above the cap",
        {"tier": "aux", "memory": "4097Mi"},
        "memory",
        ["4097Mi is more", "(4Gi)", "choose the tier core or cluster or gpu or edge"],
    ),
    (
        "limit above the cap",
        {"tier": "edge", "memory_limit": "9Gi"},
        "memory_limit",
        ["(8Gi)", "ask for less, or choose the tier gpu"],
    ),
    (
        "a job's memory above the cap",
        {"cronjobs": [{**JOB, "memory": "5Gi"}]},
        "cronjobs",
        ["[0]", "memory 5Gi is more", "(4Gi)"],
    ),
    (
        "a job's limit above the cap",
        {"cronjobs": [{**JOB, "memory_limit": "5Gi"}]},
        "cronjobs",
        ["memory_limit 5Gi is more"],
    ),
    (
        "a job's limit below the service's memory",
        {"memory": "1Gi", "cronjobs": [{**JOB, "memory_limit": "512Mi"}]},
        "cronjobs",
        ["512Mi is less than the 1Gi", "raise it"],
    ),
    (
        "LAN together with public DNS",
        {"dns": ["lan", "proxied"]},
        "dns",
        ["must be one of proxied, non-proxied, internal, lan, none"],
    ),
    (
        "LAN host of a service on the LAN",
        {"dns": "lan", "lan_host": {"host": "notes"}},
        "lan_host",
        ["on the home network already", "leave lan_host out, or choose another dns"],
    ),
    (
        "carve-out on another host",
        {"carveouts": [{**HOOKS, "paths": ["https://other.example/hooks"]}]},
        "carveouts",
        ["[0].paths[0]", "a path of this host"],
    ),
    (
        "carve-out on a host without scheme",
        {"carveouts": [{**HOOKS, "paths": ["//other.example"]}]},
        "carveouts",
        ["a path of this host"],
    ),
    (
        "carve-out that climbs out",
        {"carveouts": [{**HOOKS, "paths": ["/hooks/../admin"]}]},
        "carveouts",
        ["path of this host"],
    ),
    (
        "carve-out of the whole host",
        {"carveouts": [{**HOOKS, "paths": ["/"]}]},
        "carveouts",
        ["answer the question auth"],
    ),
    (
        "carve-out of the service's own path",
        {"paths": ["/app"], "carveouts": [{**HOOKS, "paths": ["/app/"]}]},
        "carveouts",
        ["has a gate already"],
    ),
    (
        "two carve-outs of one path",
        {"carveouts": [HOOKS, {**HOOKS, "name": "more"}]},
        "carveouts",
        ["[1]", "name it once"],
    ),
    (
        "carve-out with the LAN ingress's name",
        {"carveouts": [{**HOOKS, "name": "lan"}], "lan_host": {"host": "notes"}},
        "lan_host",
        ["give the carve-out another name"],
    ),
    (
        "database beside a plain block volume",
        {"database": "postgres", "volumes": [{**DATA, "kind": "block"}]},
        "volumes",
        ["on kind encrypted", "say so with sensitive: false"],
    ),
    (
        "secrets beside a plain block volume",
        {"secrets": {"A": "a"}, "volumes": [{**DATA, "kind": "block"}]},
        "volumes",
        ["say so with sensitive: false"],
    ),
    ("a stack of the platform", {"name": "dbaas"}, "name", ["platform's own stacks", "choose another name"]),
    ("a host of the platform", {"host": "grafana"}, "host", ["belongs to the platform", "choose another host"]),
    ("a host of a system", {"host": "ci"}, "host", ["https://ci.viktorbarzin.me", "choose another host"]),
    ("a host of the platform at home", {"lan_host": {"host": "home"}}, "lan_host", ["choose another host"]),
    (
        "a namespace of the cluster",
        {"namespace": "kube-system"},
        "namespace",
        ["belongs to the cluster", "leave it out"],
    ),
    (
        "a role of the engine",
        {"name": "pg-tools", "database": "postgres"},
        "database",
        ["'pg_tools' is reserved", "give another as role"],
    ),
    ("a long role", {"name": "n" * 40, "database": "mysql"}, "database", ["32 characters", "give a shorter one"]),
    ("a site without HTTP", {"kind": "worker", "language": "svelte"}, "language", ["choose kind web"]),
    ("web without a port", {"port": 0}, "port", ["name it, or choose kind worker"]),
    ("no job to run", {"kind": "cronjob", "cronjobs": []}, "cronjobs", ["at least one job"]),
    (
        "a job's long name",
        {"name": "n" * 40, "cronjobs": [{**JOB, "name": "a" * 12}]},
        "cronjobs",
        ["52 characters", "shorten"],
    ),
    (
        "one variable for Redis and a secret",
        {"redis": 1, "secrets": {"REDIS_URL": "url"}},
        "redis",
        ["question secrets too"],
    ),
    (
        "one variable for Redis and a database",
        {"redis": 1, "database": {"engine": "mysql", "env": {"REDIS_URL": "dsn"}}},
        "redis",
        ["question database too"],
    ),
    (
        "one variable for a secret and a database",
        {"secrets": {"DATABASE_URL": "u"}, "database": "postgres"},
        "database",
        ["question secrets too"],
    ),
    (
        "metrics where the service answers",
        {"language": "go", "metrics": {"path": "/readyz"}},
        "metrics",
        ["/readyz", "choose another path"],
    ),
    (
        "metrics where its framework answers",
        {"port": 9000, "metrics": {"path": "/openapi.json", "port": 9000}},
        "metrics",
        ["/openapi.json", "another port"],
    ),
    (
        "a claim that says nothing",
        {"names": {"claims": {"data": "notes-data"}}, "volumes": [DATA]},
        "names",
        ["claims.data: must be a map"],
    ),
    (
        "claims of no volume",
        {"names": {"claims": {"data": {"name": "notes"}}}},
        "names",
        ["claims: 'data' is none of the volumes", "leave it out, or answer volumes"],
    ),
    (
        "claims of a volume without one",
        {"names": {"claims": {"tmp": {"name": "x"}}}, "volumes": [DATA, TMP]},
        "names",
        ["claims: 'tmp' is none of the volumes", "those are data"],
    ),
    (
        "two claims of one name",
        {"names": {"claims": {"data": {"name": "x"}, "more": {"name": "x"}}}, "volumes": [DATA, MORE]},
        "names",
        ["claims: more has the name x", "give it another"],
    ),
    (
        "two claims of one address",
        {"names": {"claims": {"data": {"address": "x"}, "more": {"address": "x"}}}, "volumes": [DATA, MORE]},
        "names",
        ["claims: more has the address x"],
    ),
    (
        "a claim with the default name of another",
        {"names": {"claims": {"data": {"name": "notes-app-more"}}}, "volumes": [DATA, {**MORE, "kind": "nfs"}]},
        "names",
        ["claims: more has the name notes-app-more"],
    ),
    (
        "two volumes whose default names are one",
        {"volumes": [DATA, {"name": "data-encrypted", "mount": "/more", "kind": "nfs"}]},
        "names",
        ["claims: data-encrypted has the name notes-app-data-encrypted"],
    ),
    (
        "a claim with the name of the backup's",
        {"names": {"claims": {"data": {"name": "notes-app-backup"}}}, "volumes": [DATA]},
        "names",
        ["claims: data has the name notes-app-backup"],
    ),
    (
        "a shared volume with the address of the backup's",
        {"names": {"claims": {"data": {"address": "nfs_backup"}}}, "volumes": [NFS]},
        "names",
        ["claims: data has the address nfs_backup"],
    ),
    (
        "a shared volume with the address of the ingress",
        {"names": {"claims": {"data": {"address": "ingress"}}}, "volumes": [NFS]},
        "names",
        ["claims: data has the address ingress"],
    ),
    (
        "a shared volume with the given address of the ingress",
        {"names": {"addresses": {"ingress": "main"}, "claims": {"data": {"address": "main"}}}, "volumes": [NFS]},
        "names",
        ["claims: data has the address main"],
    ),
    (
        "a shared volume with an address that a carve-out's ingress may have",
        {"names": {"claims": {"data": {"address": "ingress_hooks"}}}, "volumes": [NFS]},
        "names",
        ["claims: data has the address ingress_hooks"],
    ),
    *(
        (
            f"an ingress with the address {address}",
            {"names": {"addresses": {"ingress": address}}},
            "names",
            [f"addresses: {address} is what another module", "give the ingress another"],
        )
        for address in ("anubis", "nfs_backup", "nfs_media", "ingress_lan")
    ),
    (
        "a Secret with the rotated one's default address",
        {**BOTH, "names": {"addresses": {"secret": "db_external_secret"}}},
        "names",
        ["addresses: secret and database_secret", "give them two addresses"],
    ),
    (
        "a rotated Secret with the other's default address",
        {**BOTH, "names": {"addresses": {"database_secret": "external_secret"}}},
        "names",
        ["give them two addresses"],
    ),
    (
        "a Secret with the rotated one's name",
        {**BOTH, "names": {"secret": "notes-app-db-creds"}},
        "names",
        ["two objects", "two names"],
    ),
    (
        "a rotated Secret with the other's",
        {**BOTH, "names": {"database_secret": "notes-app-secrets"}},
        "names",
        ["two objects", "two names"],
    ),
    (
        "one name for the tile's Secret and the rotated one",
        {"homepage": TILE, "database": "mysql", "names": {"secret": "one", "database_secret": "one"}},
        "names",
        ["two objects", "two names"],
    ),
    *(
        (
            f"generated code that a new repository does not have: {' '.join(given['migrate_command'])}",
            given,
            "migrate_command",
            ["names code that a new repository does not have", "`newservice change`"],
        )
        for given in (
            {"database": "postgres", "migrate_command": ["python", "-m", "app.migrate"]},
            {"database": "postgres", "migrate_command": ["python", "-m", "app", "migrate"]},
            {"migrate_command": ["python", "-m", "app.migrations"]},
            {"language": "go", "database": "postgres", "migrate_command": ["/service", "migrate"]},
        )
    ),
    *(
        (
            f"a job of generated code that a new repository does not have: {job}",
            {**given, "cronjobs": [{"name": "tidy", "schedule": "@daily", **job}]},
            "cronjobs",
            ["[0]: ", "names code that a new repository does not have"],
        )
        for given, job in (
            ({}, {"command": ["python", "-m", "app.tidy"]}),
            ({}, {"command": ["python", "-m", "app"]}),
            ({"database": "postgres"}, {"command": ["python", "-m", "app.migrations"]}),
            ({"language": "go"}, {"command": ["/service"]}),
            ({"language": "go", "kind": "cronjob"}, {"command": ["/service", "tidy"]}),
        )
    ),
    (
        "a container with the migration's name",
        {"name": "migrate", "migrate_command": ["up"]},
        "names",
        ["container: migrate is the name", "give the service's another"],
    ),
    (
        "a container that gets the migration's name",
        {"names": {"container": "migrate"}, "migrate_command": ["up"]},
        "names",
        ["container: migrate"],
    ),
    (
        "a job with the migration's name",
        {"cronjobs": [{**JOB, "name": "migrate", "migrate": True}], "migrate_command": ["up"]},
        "cronjobs",
        ["[0]: migrate is the name of the container", "call the job otherwise"],
    ),
]


@pytest.mark.parametrize(
    ("given", "question", "expected"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED]
)
def test_refused_with_the_rule_and_the_way_out(given: dict[str, Any], question: str, expected: list[str]) -> None:
    message = refusal({**SMALLEST, **given}, question)
    assert [part for part in expected if part not in message] == []


UPSTREAM_REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"image": "nginx"}, "image", "with a tag or a digest, for example"),
    ({"image": "ghcr.io/org/app"}, "image", "with a tag or a digest"),
    ({"image": "registry.example:5000/app"}, "image", "with a tag or a digest"),
    ({"image": "nginx:80:1"}, "image", "with a tag or a digest"),
    ({"image": "org//app:1"}, "image", "with a tag or a digest"),
    ({"image": "org/app@sha256:abc"}, "image", "with a tag or a digest"),
    ({"image": "https://ghcr.io/org/app:1"}, "image", "with a tag or a digest"),
    ({"diun_tags": "["}, "diun_tags", "regular expression that Go knows"),
    ({"diun_tags": "(a"}, "diun_tags", "regular expression that Go knows"),
    ({"diun_tags": "a**"}, "diun_tags", "regular expression that Go knows"),
    ({"diun_tags": "(?=a)"}, "diun_tags", "regular expression that Go knows"),
    ({"diun_tags": r"(a)\1"}, "diun_tags", "regular expression that Go knows"),
    ({"diun_tags": "^[z-a]$"}, "diun_tags", "the range z-a runs backwards; turn it round"),
    ({"diun_tags": r"^\d{3,1}$"}, "diun_tags", "the repetition {3,1} has more at its start"),
    ({"updates": "ci"}, "updates", "choose keel or pinned"),
    ({"image": "postgres:17", "updates": "keel"}, "updates", "choose pinned"),
    ({"image": "postgres:17", "diun_tags": "^17"}, "diun_tags", "leave diun_tags out"),
]


@pytest.mark.parametrize(("given", "question", "expected"), UPSTREAM_REFUSED)
def test_refused_of_an_upstream_image(given: dict[str, Any], question: str, expected: str) -> None:
    assert expected in refusal({**UPSTREAM, **given}, question)


TAKEN: list[dict[str, Any]] = [
    {**OPEN, "anubis": True, "carveouts": [{**HOOKS, "paths": ["/feed"]}]},
    {"auth": "public", "paths": ["/", "/apicius", "/v"]},
    {"volumes": [NFS], "replicas": 3},
    {"volumes": [NFS], "env": {"CACHE": "/data/pages.dbm", "DB": "/tmp/app.db", "NOTE": "sqlite"}},
    {"volumes": [NFS, MORE], "env": {"DB": "/more-or-less/app.db"}},
    {"volumes": [{**DATA, "kind": "block"}]},
    {"database": "postgres", "volumes": [{**DATA, "kind": "block", "sensitive": False}]},
    {"lan_host": {"host": "notes-app"}, "dns": "none"},
    {"tier": "gpu", "gpu": True, "gpu_memory": 14000, "memory": "12Gi"},
    {"cronjobs": [{**JOB, "schedule": "*/5,7-9 0-23/2 1,15 JAN-MAR MON-FRI"}]},
    {"cronjobs": [{**JOB, "schedule": "@midnight"}]},
    {"secrets": {"A": "a"}, "secret_mode": "extract"},
    {"redis": True, "env": {"REDIS_URL": "redis://{redis_host}:6379/7"}},
    {"names": {"claims": {"data": {"address": "data", "name": "notes.data"}}}, "volumes": [DATA]},
    {
        "names": {"claims": {"data": {"address": "x"}, "more": {"address": "x"}}},
        "volumes": [DATA, {**MORE, "kind": "nfs"}],
    },
    {
        **BOTH,
        "names": {
            "addresses": {"ingress": "nfs", "secret": "db_external_secret", "database_secret": "external_secret"}
        },
    },
    {"names": {"addresses": {"ingress": "main"}, "claims": {"data": {"address": "ingress"}}}, "volumes": [NFS]},
    {**BOTH, "names": {"secret": "notes-app-db-creds", "database_secret": "notes-app-secrets"}},
    # One of the two Secrets alone may have the other's name.
    *(
        {
            **BOTH,
            without: none,
            "names": {
                "secret": "one",
                "database_secret": "one",
                "addresses": {"secret": "one", "database_secret": "one"},
            },
        }
        for without, none in (("secrets", {}), ("database", "none"))
    ),
    {"homepage": {**TILE, "enabled": False}, "database": "mysql", "names": {"secret": "one", "database_secret": "one"}},
    {"names": {"anubis": "x" * 56}},
    {"names": {"ingress": "notes", "container": "migrate"}},
    {"name": "migrate", "kind": "cronjob", "migrate_command": ["up"]},
    {"cronjobs": [{**JOB, "name": "migrate"}], "migrate_command": ["up"]},
    {"database": "postgres", "migrate_command": ["python", "-m", "app.migrations"]},
    {"language": "go", "database": "mysql", "migrate_command": ["/service", "migrations"]},
    {"names": {}, "migrate_command": ["python", "-m", "app.migrate"]},
    {"names": {}, "cronjobs": [{**JOB, "command": ["python", "-m", "app.tidy"]}]},
    {"language": "none", "migrate_command": ["/service", "migrate"]},
    {
        "kind": "cronjob",
        "cronjobs": [{"name": "tidy", "schedule": "@daily", "command": ["python", "-m", "app", "tidy"]}],
    },
    {"language": "go", "metrics": {"path": "/docs"}},
    {"metrics": {"path": "/healthz", "port": 9090}},
    {"language": "none", "metrics": {"path": "/"}},
    {"name": "migrate", "names": {"container": "app"}, "migrate_command": ["up"]},
    {"language": "none", "ci_test": "go"},
]


@pytest.mark.parametrize("given", TAKEN)
def test_what_comes_close_is_taken(given: dict[str, Any]) -> None:
    notes = answer({**SMALLEST, **given}).notes
    assert [note for note in notes if "was left out" in note] == []


@pytest.mark.parametrize("name", ["rules", "notes-app-rules"])
def test_a_map_of_files_may_have_its_address_for_a_name(name: str) -> None:
    volumes = [{"name": "rules", "mount": "/rules", "kind": "config"}, DATA]
    claims = {"rules": {"address": "rules", "name": name}}
    disk = answer({**SMALLEST, "volumes": volumes, "names": {"claims": claims}}).context["disks"][0]
    assert (disk["address"], disk["claim"]) == ("rules", name)


def test_two_maps_of_files_have_two_names() -> None:
    volumes = [{"name": name, "mount": f"/{name}", "kind": "config"} for name in ("rules", "users")]
    given = {**SMALLEST, "volumes": volumes, "names": {"claims": {"users": {"name": "notes-app-rules"}}}}
    assert "claims: users has the name notes-app-rules" in refusal(given, "names")


@pytest.mark.parametrize(
    "tags",
    ["none", r"^v?\d+\.\d+\.\d+$", r"^\d+(?:\.\d+)?(?:\.\d+)?$", r"^(alpine|[0-9.]+-(a|b)+)$", r"[^a-z\]-]{2,3}?"],
)
def test_regular_expressions_of_tags(tags: str) -> None:
    assert answer({**UPSTREAM, "diun_tags": tags}).context["diun_tags"] == tags


def test_a_name_of_the_platform_is_refused_for_safety() -> None:
    for given in ({"name": "vault"}, {"host": "grafana"}, {"database": {"engine": "postgres", "role": "postgres"}}):
        with pytest.raises(AnswersError) as caught:
            answer({**SMALLEST, **given})
        assert [problem.code for problem in caught.value.problems] == ["answer.protected"]
        assert caught.value.exit_code == ExitCode.REFUSED


HOSTILE = ['"; drop', "${var.x}", "%{ if true }", "[[ name ]]", "[% raw %]", "{{ x }}", "$(reboot)", "`id`", "]]>",
           "| a |", "${{ github.token }}", "\\", "'", "<!--", "EOT", "# x", "{host", "*/"]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_text(text: str) -> None:
    given = {
        "title": text,
        "description": text,
        "env": {"A": text},
        "command": [text],
        "auth": "app",
        "auth_reason": text,
    }
    answers = answer({**SMALLEST, **given})
    assert {key: answers.context[key] for key in given} == given
