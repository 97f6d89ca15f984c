"""Answers of all kinds together, chosen by chance; a choice is a map of answers, later ones win."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any

from generator.base.errors import AnswersError

from .rendering import SERVICE, UPSTREAM, stack

Given = dict[str, Any]

JOB: Given = {"name": "tidy-up", "schedule": "*/5 * * * *", "args": ["tidy"], "deadline_seconds": 60, "suspend": True}
SECOND_JOB: Given = {"name": "report", "schedule": "@daily", "command": ["report"], "memory": "1Gi", "cpu": "1"}
MIGRATING: Given = {"name": "move", "schedule": "0 4 * * 1", "command": ["move"], "migrate": True}
BLOCK: Given = {"name": "data", "mount": "/data"}
SHARED: Given = {"name": "media", "mount": "/media", "kind": "nfs"}
FILES: list[Given] = [
    {"name": "scratch", "mount": "/tmp", "kind": "emptydir"},
    {"name": "cache-of-all", "mount": "/cache", "kind": "emptydir", "size": "2Gi"},
    {"name": "settings", "mount": "/etc/app", "kind": "config", "read_only": True},
]
PLAIN: Given = {"name": "pl-ain", "mount": "/pl", "kind": "block", "sub_path": "a", "sensitive": False}
ALBUM: Given = {"name": "album", "mount": "/al", "kind": "nfs-ssd", "nfs_path": "/srv/album", "size": "5Gi"}
WIDGET: Given = {"type": "w", "fields": {"view": "all"}, "credentials": {"key": "widget-key"}}
SLOW: Given = {"kind": "tcp", "initial_seconds": 9, "period_seconds": 60, "timeout_seconds": 30, "failures": 9}
EACH: Given = {"kind": "http", "failures": 2, "readiness": {"failures": 1}, "liveness": {"initial_seconds": 60}}
STAFF: Given = {"name": "staff", "paths": ["/staff"], "auth": "required"}
HOOKS: Given = {"name": "ho-oks", "paths": ["/hooks"], "reason": "signed", "service_port": 9090, "max_body": "4k"}

COMMON: dict[str, list[Given]] = {
    "image": [{}, {"image_visibility": "public"}, {"ci": False}, UPSTREAM, {**UPSTREAM, "diun_tags": r"^v\d+$"}],
    "updates": [{}, {"updates": "keel"}, {"updates": "pinned"}],
    "tier": [{}, {"tier": "edge"}, {"tier": "gpu"}, {"tier": "gpu", "gpu": True, "gpu_memory": 1500}],
    "names": [
        {},
        {"namespace": "travel"},
        {"names": {"selector": {"run": "cg"}, "deployment": "cg", "container": "app"}},
        {
            "names": {
                "addresses": {"ingress": "main", "deployment": "app"},
                "ingress": "cg",
                "anubis": "a",
                "service": "guide",
            }
        },
    ],
    "run_as": [{}, {"run_as": {"uid": 0, "gid": 7}}, {"run_as": {"fs_group": 5}}],
    "env": [{}, {"env": {"MAIL": "{mail_host}", "ON": True}}, {"env": {"URL": "redis://{redis_host}/{pg_host}"}}],
    "command": [{}, {"command": ["/bin/sh", "-c", "x"], "args": ["y"]}],
    "secrets": [{}, {"secrets": {"A": "a"}}, {"secrets": {"A": "a", "B": "b.c"}, "secret_mode": "extract"}],
    "database": [
        {},
        {"database": "postgres"},
        {"database": {"engine": "mysql", "env": {"PW": "password", "H": "host"}}},
    ],
    "redis": [{}, {"redis": True}, {"redis": 3}],
    "volumes": [{}, {"volumes": [BLOCK]}, {"volumes": [SHARED, *FILES]}, {"volumes": [BLOCK, PLAIN, ALBUM, *FILES]}],
    "backup": [{}, {"backup": "none"}, {"backup": {"kind": "sqlite", "files": ["/data/a.db"], "keep_days": 7}}],
    "migrate": [{}, {"migrate_command": ["migrate", "up"]}],
    "cronjobs": [{}, {"cronjobs": [JOB]}, {"cronjobs": [JOB, SECOND_JOB]}, {"cronjobs": [MIGRATING]}],
}
LISTENING: dict[str, list[Given]] = {
    "port": [{}, {"port": 3000}, {"port": 3000, "service_port": 8000}],
    "probe": [
        {},
        {"probe": "none"},
        {"probe": "tcp"},
        {"probe": {"kind": "http", "startup_seconds": 61}},
        {"probe": SLOW},
        {"probe": EACH},
    ],
    "metrics": [{}, {"metrics": "none"}, {"metrics": {"path": "/m", "port": 9090}}],
    "replicas": [{}, {"replicas": 0}, {"replicas": 2}],
}
WEB: dict[str, list[Given]] = {
    "host": [{}, {"host": "guide"}, {"paths": ["/a", "/b"]}],
    "dns": [{"dns": dns} for dns in ("proxied", "non-proxied", "internal", "lan", "none")],
    "auth": [{}, {"auth": "public"}, {"auth": "app", "auth_reason": "a"}, {"auth": "none", "auth_reason": "n"}],
    "anubis": [{}, {"anubis": True}],
    "carveouts": [{}, {"carveouts": [STAFF]}, {"carveouts": [STAFF, HOOKS]}],
    "lan_host": [{}, {"lan_host": {"host": "cg"}}, {"lan_host": {"host": "cg", "auth": "none", "reason": "home"}}],
    "limits": [{}, {"max_body": "500m"}, {"rate_limit": {"average": 5, "burst": 9}}],
    "sleep": [{}, {}, {"scale_to_zero": "dynamic"}, {"scale_to_zero": "blocking"}],
    "policy": [{}, {"network_policy": True}],
    "access": [{}, {"access": ["Family", "Home Server Admins"]}],
    "homepage": [{}, {"homepage": {"enabled": False}}, {"homepage": {"widget": WIDGET}}, {"homepage": {"icon": "i"}}],
}
KINDS: dict[str, dict[str, list[Given]]] = {
    "web": {**COMMON, **LISTENING, **WEB},
    "worker": {**COMMON, **LISTENING, "port": [{"port": 0}, {"port": 3000}]},
    "cronjob": {**COMMON, "cronjobs": [option for option in COMMON["cronjobs"] if option]},
}


def combinations(seed: int, number: int) -> list[tuple[Given, Mapping[str, str]]]:
    """``number`` sets of answers that newservice takes, and their stacks."""
    random = Random(seed)
    found: list[tuple[Given, Mapping[str, str]]] = []
    while len(found) < number:
        given = settled(combination(random))
        try:
            found.append((given, stack(**given)))
        except AnswersError as error:
            refused = [(problem.question, problem.message) for problem in error.problems]
            raise AssertionError(f"{given} is refused: {refused}") from error
    return found


def combination(random: Random) -> Given:
    """One choice for each question of one kind of service."""
    kind = random.choice([*KINDS, "web"])
    given = {**SERVICE, "kind": kind}
    for options in KINDS[kind].values():
        given.update(random.choice(options))
    return given


def settled(given: Given) -> Given:
    """The same without what newservice would refuse, as the model says."""
    block = any(volume.get("kind", "encrypted") in ("encrypted", "block") for volume in given.get("volumes", []))
    if not block:
        given.pop("backup", None)
    if block and given.get("replicas", 1) > 1:
        given["replicas"] = 1
    if given.get("replicas", 1) != 1:
        given.pop("scale_to_zero", None)
    if given.get("image_source") == "upstream":
        for question in ("ci", "image_visibility", "migrate_command"):
            given.pop(question, None)
    if not given.get("migrate_command"):
        given["cronjobs"] = [{**job, "migrate": False} for job in given.get("cronjobs", [])]
    if given.get("kind") == "cronjob" and not given["cronjobs"]:
        del given["cronjobs"]
    if given.get("auth") != "none" or any(carveout == HOOKS for carveout in given.get("carveouts", [])):
        given.pop("anubis", None)
    if given.get("dns") == "lan":
        given.pop("lan_host", None)
    return given
