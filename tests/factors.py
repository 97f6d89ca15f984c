"""Every question as a factor of pairwise tests, with telling answers as its levels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .answers import LANGUAGES, QUESTIONS, values_of
from .pairwise import ABSENT

HOSTILE = (
    '"It\'s" \\ ${x} %{y} {{ z }} ${{ github.token }} [[ a ]] [% b %] <b>&amp;</b> `c` | # // /* */ 😀 é [d](e) _f_'
)
MARKED = "- # $${x} %%{y} \\n \\u0024{z} 'q' \"\"\" ''' --- : > @ %} ]] &lt; ~x~ https://a.b \ufeff \u00a0 e\u0301"
LONG = "a-very-long-name-for-one-small-service-x"
WORDS = [
    "/bin/sh",
    "-c",
    "echo \"$HOME\" ${x} %{y} \\ 'z'\n\texit 0 # é",
    "",
    "{pg_host}",
    "\u2028 \x85",
    "{{ a }} ]] *",
]

DATABASE_IMAGE = "postgis/postgis:17-3.5"

DATA: dict[str, Any] = {"name": "data", "mount": "/data"}
MEDIA: dict[str, Any] = {"name": "media", "mount": "/media", "kind": "nfs"}
PLAIN: dict[str, Any] = {"name": "pl-ain", "mount": "/pl", "kind": "block", "size": "2Gi", "limit": "64Gi"}
ALBUM: dict[str, Any] = {"name": "album", "mount": "/al", "kind": "nfs-ssd", "nfs_path": "/srv/album", "size": "9Gi"}
NEEDLESS = [{**MEDIA, "critical": False}, {**ALBUM, "read_only": True, "critical": False}]
SCRATCH: list[dict[str, Any]] = [
    {"name": "scratch", "mount": "/tmp", "kind": "emptydir"},
    {"name": "cache-of-all", "mount": "/cache/", "kind": "emptydir", "size": "2Gi"},
    {"name": "settings", "mount": "/etc/app", "kind": "config", "read_only": True},
]
EVERYTHING = [DATA, {**PLAIN, "sensitive": False, "sub_path": "a/b"}, *NEEDLESS, *SCRATCH]

JOB: dict[str, Any] = {"name": "tidy-up", "schedule": "*/5 * * * *", "args": ["tidy"], "deadline_seconds": 60}
BARE: dict[str, Any] = {"name": "for", "schedule": "@daily"}
MIGRATING: dict[str, Any] = {"name": "move", "schedule": "0 4 1,15 * MON-FRI", "command": ["move"], "migrate": True}
HEAVY: dict[str, Any] = {
    "name": "a-report-for-people",
    "schedule": "30 6 * JAN 0",
    "command": WORDS,
    "args": WORDS,
    "cpu": "1",
    "memory": "1Gi",
    "memory_limit": "2Gi",
    "suspend": True,
}

STEPS: list[dict[str, Any]] = [
    {
        "name": "Node: 'the' \"one\" # ]] [% x %]",
        "uses": f"actions/setup-node@{'0' * 40}",
        "with": {"node-version": "24", "cache": False, "n": 3},
    },
    {"run": "  indented\nfirst\n", "shell": "bash", "env": {"A": "${{ github.sha }}", "EMPTY": ""}},
    {"run": "printf '%s\\n' \"$A\" # é {{ x }}\n\n\techo : -\n", "working-directory": "a b/c"},
]

FURTHER: list[dict[str, Any]] = [
    {"name": "null", "context": "services/wor ker", "deploy": {"worker": ["app", "1"], "further": ["app"]}},
    {"name": "x_1", "context": ".", "dockerfile": "Dockerfile.jobs", "deploy": {"worker": ["2"]}},
    {"name": "no"},
]

HARD: dict[str, Any] = {"read_only_root": True, "non_root": True, "drop_capabilities": True, "seccomp": True}

HOOKS: dict[str, Any] = {
    "name": "ho-oks",
    "paths": ["/hooks", "/api/$x"],
    "reason": HOSTILE,
    "probe_path": "/hooks/p?q=1",
}
STAFF: dict[str, Any] = {"name": "staff", "paths": ["/staff"], "auth": "required", "service_port": 9090}
SHARE: dict[str, Any] = {
    "name": "share",
    "paths": ["/share/"],
    "auth": "public",
    "max_body": "4k",
    "probe_path": "/share/a",
}
PHONE: dict[str, Any] = {
    "name": "app",
    "paths": ["/app"],
    "auth": "app",
    "reason": MARKED,
    "service_port": 8080,
    "max_body": "1g",
    "anti_ai": False,
    "strip_identity": False,
}
OPEN: dict[str, Any] = {
    "name": "feed",
    "paths": ["/feed.xml"],
    "auth": "none",
    "reason": "r",
    "probe_path": "/feed.xml",
    "anti_ai": True,
}

NAMES: dict[str, Any] = {
    "addresses": {
        "namespace": "this",
        "deployment": "a-b",
        "service": "_svc",
        "ingress": "main",
        "secret": "kv",
        "database_secret": "rotated",
    },
    "deployment": "cg",
    "service": "1-cg",
    "container": "app",
    "secret": "cg.kv",
    "database_secret": "cg.db",
    "selector": {"app.kubernetes.io/name": "cg", "run": "On"},
}
CLAIMS: dict[str, Any] = {"claims": {"data": {"address": "old", "name": "cg-data-2019"}}, "selector": {"for": "null"}}

PARTS = {
    "DB_HOST": "host",
    "DB_PORT": "port",
    "DB_NAME": "name",
    "DB_USER": "user",
    "DB_PASSWORD": "password",
    "PW": "password",
}
WIDGET: dict[str, Any] = {"type": "gitea", "url": "http://a.b/?x=$y&z=%20", "fields": {"view": HOSTILE, "mode": MARKED}}
KEYED: dict[str, Any] = {"type": "custom-api", "credentials": {"key": "widget-key", "user": "api_token"}}


def factors(platform: Mapping[str, Any], sections: Sequence[str]) -> dict[str, list[Any]]:
    """The levels of every public question, on a platform whose catalogue has these sections.

    A question that is not among the telling ones has what copier.yml says as its levels.
    """
    telling = _telling(platform, sections)
    other = [question for question in QUESTIONS if question.public and question.name not in telling]
    return {**telling, **{question.name: [ABSENT, *values_of(question)] for question in other}}


def _telling(platform: Mapping[str, Any], sections: Sequence[str]) -> dict[str, list[Any]]:
    return {
        "name": ["city-guide", "on", "x1", LONG],
        "title": ["City Guide", HOSTILE, MARKED, "x" * 300],
        "description": ["Guides for cities.", HOSTILE, MARKED, "| a | b |" * 33],
        "namespace": [ABSENT, "travel", "1e3"],
        "tier": [ABSENT, *platform["tiers"]],
        "kind": ["web", "worker", "cronjob"],
        "names": [ABSENT, {}, NAMES, CLAIMS],
        "image_source": ["owned", "upstream"],
        "language": [ABSENT, *LANGUAGES],
        "image": [
            ABSENT,
            "nginx:1.29",
            "org/app:latest",
            DATABASE_IMAGE,
            f"ghcr.io/a/b__c@sha256:{'0' * 64}",
            "r.example:5000/a/b:v1.2",
        ],
        "image_name": [ABSENT, "guide_x", "a.b-c"],
        "image_visibility": [ABSENT, "private", "public"],
        "ci": [ABSENT, True, False],
        "ci_test": [ABSENT, *dict.fromkeys(facts["test"]["name"] for facts in LANGUAGES.values())],
        "ci_steps": [ABSENT, [], [{"run": "make test"}], STEPS],
        "checkout": [ABSENT, ["lfs"], ["submodules", "lfs"]],
        "context": [ABSENT, ".", "services/api", "github.com/a b", ".a/@x+y"],
        "dockerfile": [ABSENT, "Dockerfile", "services/api/Dockerfile.prod", "a b/.x"],
        "updates": [ABSENT, "ci", "keel", "pinned"],
        "deploy": [ABSENT, {}, {"guide-web": ["app"]}, {"1-a": ["app", "migrate"], "true": ["null"]}],
        "images": [ABSENT, [], [{"name": "guide.worker"}], FURTHER],
        "stack": [ABSENT, "generated", "existing"],
        "diun_tags": [ABSENT, "none", r"^v\d+\.\d+\.\d+$", r"""(?i)^\$\{x\}%[a-z\]\\]+("|'){1,3}?$"""],
        "port": [ABSENT, 0, 3000, 65535],
        "service_port": [ABSENT, 80, 8080, 65535],
        "command": [ABSENT, ["serve"], WORDS],
        "args": [ABSENT, ["--port", "3000"], WORDS],
        "run_as": [ABSENT, {"uid": 0}, {"uid": 1000, "gid": 2147483647, "fs_group": 5}, {"fs_group": 0}],
        "hardening": [
            ABSENT,
            {},
            HARD,
            {"read_only_root": True, "seccomp": True},
            {"non_root": True},
            {"drop_capabilities": True},
        ],
        "env": [
            ABSENT,
            {"LOG": "info", "ON": True, "OFF": False, "COUNT": 3, "SHARE": 0.5, "BIG": 10**19, "EMPTY": "", "if": "x"},
            {"TEXT": HOSTILE, "MORE": MARKED, "LINES": "a\n\n\tb\r\n ${x}\n%{y}", "END": "\n"},
            {"MAIL": "{mail_host}", "URL": "$${pg_host}:%{mysql_host}", "REDIS_URL": "redis://{redis_host}/{host}"},
            {"FILE": "sqlite:////media/app.db"},
        ],
        "cpu": [ABSENT, "250m", "1"],
        "memory": [ABSENT, "64Mi", "1536Mi", "6Gi"],
        "memory_limit": [ABSENT, "128Mi", "2Gi", "6Gi"],
        "probe": [
            ABSENT,
            "none",
            "tcp",
            "http",
            {"kind": "http", "path": "/health?deep=1&x='%20$'", "startup_seconds": 61},
            {"kind": "tcp", "startup_seconds": 0, "which": ["readiness"]},
            {"kind": "http", "which": ["liveness"]},
        ],
        "metrics": [ABSENT, "none", {"path": "/stats/$x"}, {"path": "/", "port": 9100}, {"port": 65535}],
        "gpu": [ABSENT, True, False],
        "gpu_memory": [ABSENT, 0, 1500],
        "secrets": [
            ABSENT,
            {},
            {"API_TOKEN": "api_token"},
            {"KEY": "signing.key", "null": "api_token", "A": "api_token"},
        ],
        "secret_mode": [ABSENT, "select", "extract"],
        "database": [
            ABSENT,
            "none",
            "postgres",
            "mysql",
            {"engine": "postgres", "provision": "exists", "env": PARTS},
            {
                "engine": "postgres",
                "name": "cg",
                "role": "cg_app",
                "dsn_scheme": "postgresql+asyncpg",
                "provision": "create",
            },
            {"engine": "mysql", "role": "cg", "provision": "exists", "env": {"for": "dsn", "true": "password"}},
        ],
        "migrate_command": [ABSENT, [], ["migrate", "up"], WORDS],
        "redis": [ABSENT, False, True, 0, platform["redis"]["indexes"] - 1],
        "volumes": [ABSENT, [DATA], [PLAIN], [MEDIA], [ALBUM, *SCRATCH], SCRATCH, EVERYTHING],
        "backup": [
            ABSENT,
            "files",
            "none",
            {"kind": "files", "keep_days": 3650},
            {"kind": "files", "files": ["/data/a-b", "/data"]},
            {"kind": "sqlite", "files": ["/data/app.db", "/data/x/y_z.sqlite"], "schedule": "@weekly", "keep_days": 1},
            {"kind": "files", "deadline_seconds": 604800},
        ],
        "replicas": [ABSENT, 0, 1, 3],
        "cronjobs": [ABSENT, [], [JOB], [BARE], [MIGRATING], [JOB, HEAVY]],
        "host": [ABSENT, "guide", "1st"],
        "paths": [ABSENT, ["/"], ["/a", "/b/$c'd"], ["/api/v1"]],
        "dns": [ABSENT, "proxied", "non-proxied", "internal", "lan", "none"],
        "auth": [ABSENT, "required", "app", "public", "none"],
        "auth_reason": [ABSENT, "its own login", HOSTILE, MARKED],
        "access": [ABSENT, ["Family"], ["Home Server Admins", "TripIt & Co. Users"]],
        "carveouts": [ABSENT, [], [HOOKS], [STAFF], [SHARE], [PHONE, OPEN], [HOOKS, STAFF, SHARE, PHONE, OPEN]],
        "anubis": [ABSENT, True, False],
        "lan_host": [
            ABSENT,
            "none",
            {"host": "cg"},
            {"host": "cg", "auth": "none", "reason": HOSTILE, "strip_identity": False},
            {"host": "1st", "auth": "public"},
        ],
        "max_body": [ABSENT, "none", "500m"],
        "rate_limit": [ABSENT, "none", {"average": 5, "burst": 1000000}],
        "scale_to_zero": [ABSENT, False, "dynamic", "blocking"],
        "outage_page": [ABSENT, True, False],
        "network_policy": [ABSENT, True, False],
        "homepage": [
            ABSENT,
            {"enabled": False, "widget": KEYED},
            {"group": HOSTILE, "icon": MARKED},
            {"widget": WIDGET},
            {"enabled": True, "icon": "mdi-map", "widget": KEYED},
        ],
        "catalog_section": [ABSENT, *sections],
        "internal_monitor": [ABSENT, "none", {"path": "/healthz"}, {"path": "/x?y=$z&%20"}],
    }
