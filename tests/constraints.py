"""Which answers don't go together: what newservice refuses, and what it leaves out because it does not apply.

``test_pairwise`` holds every rule against newservice itself, in both directions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import yaml
from jinja2.meta import find_undeclared_variables

from generator.template.questions import Question

from .answers import LANGUAGES, QUESTIONS, TEMPLATE
from .factors import BARE, CLAIMS, DATA, DATABASE_IMAGE, HOOKS, LONG, MIGRATING, PLAIN, STAFF, factors
from .pairwise import ABSENT, Rule, Space


def space(platform: Mapping[str, Any], sections: Sequence[str]) -> Space:
    """The space of all answers on a platform."""
    rules = [*_rules(platform), *_needs()]
    said = {rule.factors[-1] for rule in rules}
    others = [question for question in QUESTIONS if question.public and question.name not in said]
    return Space(factors(platform, sections), [*rules, *filter(None, map(_applies, others))])


def _applies(question: Question) -> Rule | None:
    """Where a question applies that no rule below speaks of: its own condition, on answers with plain defaults."""
    if not isinstance(question.when, str):
        return None
    read = find_undeclared_variables(TEMPLATE.environment.parse(question.when))
    asked = {item.name: item for item in QUESTIONS if item.name in read and item.public}
    assert read == set(asked), f"{question.name}: its condition reads more than answers; write its rule by hand"

    def fails(*values: Any) -> bool:
        *others, own = values
        context = {name: _or(value, asked[name].default) for name, value in zip(asked, others, strict=True)}
        return given(own) and not yaml.safe_load(TEMPLATE.render(str(question.when), context))

    return Rule(f"only where {question.name} applies", (*asked, question.name), fails)


def given(value: Any) -> bool:
    """Whether a question is answered at all."""
    return value is not ABSENT


def _or(value: Any, default: Any) -> Any:
    return default if value is ABSENT else value


def _maps(value: Any) -> list[dict[str, Any]]:
    return [item for item in _or(value, []) if isinstance(item, dict)]


def _kinds(volumes: Any) -> set[str]:
    return {volume.get("kind", "encrypted") for volume in _maps(volumes)}


def _blocks(volumes: Any) -> bool:
    return bool(_kinds(volumes) & {"encrypted", "block"})


def _silent(kind: Any, source: Any, port: Any) -> bool:
    """Whether nothing listens."""
    return bool(kind == "cronjob" or _or(port, 0 if kind == "worker" and source == "upstream" else 8080) == 0)


def _bytes(quantity: str) -> int:
    return int(quantity[:-2]) * {"Ki": 1, "Mi": 1024, "Gi": 1024**2}[quantity[-2:]]


def _milli(cpu: str) -> int:
    return int(cpu[:-1]) if cpu.endswith("m") else int(cpu) * 1000


def _asks(database: Any) -> bool:
    return bool(_or(database, "none") != "none")


def _public(lan: Any) -> bool:
    return isinstance(lan, dict) and lan.get("auth") == "public"


def _ungated(auth: Any, lan: Any, carveouts: Any) -> bool:
    """Whether nothing is behind the single sign-on."""
    home = isinstance(lan, dict) and lan.get("auth", "required") == "required"
    return _or(auth, "required") != "required" and not home and STAFF not in _maps(carveouts)


def _sleeps(answer: Any) -> bool:
    return answer in ("dynamic", "blocking")


def _for_programs(paths: Any) -> bool:
    return "/api/v1" in _or(paths, [])


def _unsaved(volumes: Any, backup: Any) -> bool:
    """Whether a backup names files that are on none of the block volumes."""
    files = backup.get("files", []) if isinstance(backup, dict) else []
    return bool(files) and DATA not in _maps(volumes)


def _wrong_tests(language: Any, tests: Any) -> bool:
    own = LANGUAGES[_or(language, "python")]["test"]["name"]
    return given(tests) and own not in ("custom", "none") and tests not in (own, "custom", "none")


def _no_own_tests(language: Any, tests: Any) -> bool:
    return bool(_or(tests, LANGUAGES[_or(language, "python")]["test"]["name"]) != "custom")


def _undeployed(kind: Any, ci: Any, updates: Any) -> bool:
    return bool(kind == "cronjob" or _or(updates, "keel" if ci is False else "ci") != "ci")


def _too_long(name: Any, cronjobs: Any) -> bool:
    return any(len(f"{name}-{job['name']}") > 52 for job in _maps(cronjobs))


def _needs() -> list[Rule]:
    """Answers that don't apply to others; newservice leaves them out and says so."""

    def only(reason: str, on: tuple[str, ...], fails: Callable[..., bool], *questions: str) -> list[Rule]:
        return [
            Rule(reason, (*on, name), lambda *values: given(values[-1]) and fails(*values[:-1])) for name in questions
        ]

    upstream = only(
        "only for owned images",
        ("image_source",),
        lambda source: source == "upstream",
        "language",
        "image_visibility",
        "ci",
        "ci_test",
        "ci_steps",
        "checkout",
        "context",
        "dockerfile",
        "deploy",
        "images",
        "stack",
        "migrate_command",
    )
    owned = only("only for upstream images", ("image_source",), lambda source: source == "owned", "image", "diun_tags")
    pods = only("only where something keeps running", ("kind",), lambda kind: kind == "cronjob", "port", "replicas")
    silent = only(
        "only where something listens",
        ("kind", "image_source", "port"),
        _silent,
        "service_port",
        "probe",
        "metrics",
        "internal_monitor",
    )
    web = only(
        "only for kind web",
        ("kind",),
        lambda kind: kind != "web",
        "host",
        "paths",
        "dns",
        "auth",
        "access",
        "carveouts",
        "anubis",
        "lan_host",
        "max_body",
        "rate_limit",
        "scale_to_zero",
        "outage_page",
        "network_policy",
        "homepage",
    )
    return [
        *upstream,
        *owned,
        *pods,
        *silent,
        *web,
        *only(
            "only where CI builds",
            ("ci",),
            lambda ci: ci is False,
            "ci_test",
            "ci_steps",
            "checkout",
            "context",
            "dockerfile",
        ),
        *only("only with tests of one's own", ("language", "ci_test"), _no_own_tests, "ci_steps"),
        *only("only where a pipeline deploys", ("kind", "ci", "updates"), _undeployed, "deploy"),
        *only("only with secrets", ("secrets",), lambda secrets: not _or(secrets, {}), "secret_mode"),
        *only(
            "only with volumes that last",
            ("volumes",),
            lambda volumes: not _kinds(volumes) - {"emptydir", "config"},
            "backup",
        ),
        *only("only for gates that need a reason", ("auth",), lambda auth: auth not in ("app", "none"), "auth_reason"),
        *only("only behind the single sign-on", ("auth", "lan_host", "carveouts"), _ungated, "access"),
    ]


def _rules(platform: Mapping[str, Any]) -> list[Rule]:
    """What newservice refuses, of these levels."""
    caps = {tier: _bytes(facts["memory_cap"]) for tier, facts in platform["tiers"].items()}

    def cap(tier: Any) -> int:
        return caps[_or(tier, platform["default_tier"])]

    def over(tier: Any, memory: Any) -> bool:
        return _bytes(_or(memory, "256Mi")) > cap(tier)

    def heavy(tier: Any, cronjobs: Any) -> bool:
        return any(
            _bytes(job.get(key, "1Mi")) > cap(tier) for job in _maps(cronjobs) for key in ("memory", "memory_limit")
        )

    def critical(tier: Any, volumes: Any) -> bool:
        shared = [volume for volume in _maps(volumes) if volume.get("kind") in ("nfs", "nfs-ssd")]
        off = _or(tier, platform["default_tier"]) in platform["tiers_off_nfs"]
        return off and any(volume.get("critical", True) for volume in shared)

    gpu_tier = platform["gpu"]["tier"]
    shared = platform["gpu"]["memory"] is not None

    def beyond(tier: Any, quota: Any, *pods: tuple[int, Any, Any]) -> bool:
        """Whether so many pods, each with its CPU and memory, are more than a namespace has."""
        most = platform["tiers"][_or(tier, platform["default_tier"])].get("quota")
        if not most or _or(quota, "tier") == "own":
            return False
        return sum(number * _bytes(_or(memory, "256Mi")) for number, _, memory in pods) > _bytes(most["memory"]) or sum(
            number * _milli(_or(cpu, "10m")) for number, cpu, _ in pods
        ) > _milli(most["cpu"])

    def jobs_of(cpu: Any, memory: Any, cronjobs: Any) -> list[tuple[int, Any, Any]]:
        """Each job that runs, with its migration."""
        running = [job for job in _maps(cronjobs) if not job.get("suspend")]
        return [(1, cpu if job.get("migrate") else "10m", job.get("memory", memory)) for job in running]

    def crowded(tier: Any, quota: Any, cpu: Any, memory: Any, kind: Any, replicas: Any, cronjobs: Any) -> bool:
        own = (0 if kind == "cronjob" else _or(replicas, 1), cpu, memory)
        return any(beyond(tier, quota, own, job) for job in jobs_of(cpu, memory, cronjobs))

    def behind(tier: Any, quota: Any, cpu: Any, memory: Any, replicas: Any, cronjobs: Any, anubis: Any) -> bool:
        own, proof = (_or(replicas, 1), cpu, memory), (3, "20m", "128Mi")
        beside = [[job] for job in jobs_of(cpu, memory, cronjobs)]
        return anubis is True and any(beyond(tier, quota, own, proof, *job) for job in [[], *beside])

    return [
        Rule(
            "an upstream image is named",
            ("image_source", "image"),
            lambda source, image: source == "upstream" and not given(image),
        ),
        Rule(
            "no CI builds it",
            ("image_source", "updates"),
            lambda source, updates: source == "upstream" and updates == "ci",
        ),
        Rule(
            "a database's image moves by hand",
            ("image_source", "image", "updates"),
            lambda source, image, updates: source == "upstream" and image == DATABASE_IMAGE and updates == "keel",
        ),
        Rule(
            "a database's image is not watched",
            ("image_source", "image", "diun_tags"),
            lambda source, image, tags: (
                source == "upstream" and image == DATABASE_IMAGE and _or(tags, "none") != "none"
            ),
        ),
        Rule("tests of another language", ("language", "ci_test"), _wrong_tests),
        Rule(
            "a language of other kinds",
            ("kind", "language"),
            lambda kind, language: kind not in LANGUAGES[_or(language, "python")]["kinds"],
        ),
        Rule("web answers on a port", ("kind", "port"), lambda kind, port: kind == "web" and port == 0),
        Rule("a tier's cap", ("tier", "memory"), over),
        Rule("a tier's cap", ("tier", "memory_limit"), lambda tier, limit: given(limit) and over(tier, limit)),
        Rule("a tier's cap", ("tier", "cronjobs"), heavy),
        Rule("critical tiers off NFS", ("tier", "volumes"), critical),
        Rule(
            "a namespace's quota",
            ("tier", "quota", "cpu", "memory"),
            lambda tier, quota, cpu, memory: beyond(tier, quota, (1, cpu, memory)),
        ),
        Rule(
            "a namespace's quota",
            ("tier", "quota", "cpu", "memory", "replicas"),
            lambda tier, quota, cpu, memory, replicas: beyond(tier, quota, (_or(replicas, 1), cpu, memory)),
        ),
        Rule("a namespace's quota", ("tier", "quota", "cpu", "memory", "kind", "replicas", "cronjobs"), crowded),
        Rule("a namespace's quota", ("tier", "quota", "cpu", "memory", "replicas", "cronjobs", "anubis"), behind),
        Rule(
            "a tier that has a quota",
            ("tier", "quota"),
            lambda tier, quota: (
                given(quota)
                and not (
                    platform["quota_label"] and platform["tiers"][_or(tier, platform["default_tier"])].get("quota")
                )
            ),
        ),
        Rule(
            "GPU memory is said",
            ("names", "gpu", "gpu_memory"),
            lambda names, gpu, memory: gpu is True and shared and not given(names) and not given(memory),
        ),
        Rule(
            "GPU memory is the GPU's",
            ("gpu", "gpu_memory"),
            lambda gpu, memory: given(memory) and not (gpu is True and shared),
        ),
        Rule(
            "a limit below what is kept free",
            ("memory", "memory_limit"),
            lambda memory, limit: given(limit) and _bytes(limit) < _bytes(_or(memory, "256Mi")),
        ),
        Rule(
            "GPUs are in one tier",
            ("tier", "gpu"),
            lambda tier, gpu: given(gpu) and _or(tier, platform["default_tier"]) != gpu_tier,
        ),
        Rule(
            "root that is refused",
            ("run_as", "hardening"),
            lambda run_as, hardening: _or(run_as, {}).get("uid") == 0 and _or(hardening, {}).get("non_root") is True,
        ),
        Rule(
            "SQLite on NFS",
            ("env", "volumes"),
            lambda env, volumes: (
                "FILE" in _or(env, {}) and any(volume["mount"] == "/media" for volume in _maps(volumes))
            ),
        ),
        Rule(
            "sensitive data on plain storage",
            ("secrets", "volumes"),
            lambda secrets, volumes: bool(_or(secrets, {})) and PLAIN in _maps(volumes),
        ),
        Rule(
            "sensitive data on plain storage",
            ("database", "volumes"),
            lambda database, volumes: _asks(database) and PLAIN in _maps(volumes),
        ),
        Rule(
            "claims of other volumes",
            ("names", "volumes"),
            lambda names, volumes: names == CLAIMS and DATA not in _maps(volumes),
        ),
        Rule("a backup of other volumes", ("volumes", "backup"), _unsaved),
        Rule(
            "one pod for a block volume",
            ("volumes", "replicas"),
            lambda volumes, replicas: replicas == 3 and _blocks(volumes),
        ),
        Rule(
            "a role too long for MySQL",
            ("name", "database"),
            lambda name, database: name == LONG and database == "mysql",
        ),
        Rule("a CronJob's name too long", ("name", "cronjobs"), _too_long),
        Rule("a cronjob service has jobs", ("kind", "cronjobs"), lambda kind, jobs: kind == "cronjob" and jobs == []),
        Rule(
            "a job that says what it runs",
            ("kind", "cronjobs"),
            lambda kind, jobs: kind != "cronjob" and BARE in _maps(jobs),
        ),
        Rule(
            "a migration there is no command for",
            ("migrate_command", "cronjobs"),
            lambda command, jobs: MIGRATING in _maps(jobs) and not _or(command, []),
        ),
        Rule(
            "a reason is given",
            ("auth", "auth_reason"),
            lambda auth, reason: auth in ("app", "none") and not given(reason),
        ),
        Rule("programs and public", ("auth", "paths"), lambda auth, paths: auth == "public" and _for_programs(paths)),
        Rule("programs and public", ("lan_host", "paths"), lambda lan, paths: _public(lan) and _for_programs(paths)),
        Rule("Anubis before open sites", ("auth", "anubis"), lambda auth, anubis: anubis is True and auth != "none"),
        Rule("Anubis and programs", ("paths", "anubis"), lambda paths, anubis: anubis is True and _for_programs(paths)),
        Rule(
            "Anubis and programs",
            ("carveouts", "anubis"),
            lambda carveouts, anubis: anubis is True and HOOKS in _maps(carveouts),
        ),
        Rule(
            "one pod that sleeps",
            ("replicas", "scale_to_zero"),
            lambda replicas, sleeps: _sleeps(sleeps) and _or(replicas, 1) != 1,
        ),
        Rule(
            "a monitor of what sleeps",
            ("scale_to_zero", "internal_monitor"),
            lambda sleeps, monitor: _sleeps(sleeps) and isinstance(monitor, dict),
        ),
        Rule(
            "a page of the CDN",
            ("dns", "outage_page"),
            lambda dns, page: page is True and _or(dns, "proxied") != "proxied",
        ),
        Rule(
            "a page for programs", ("paths", "outage_page"), lambda paths, page: page is True and _for_programs(paths)
        ),
        Rule(
            "on the home network already", ("dns", "lan_host"), lambda dns, lan: dns == "lan" and isinstance(lan, dict)
        ),
    ]
