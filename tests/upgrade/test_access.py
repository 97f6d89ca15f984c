"""From 2.1.0 to the checkout's template, released or not: who has access, and where data is, stays as it was.

Golden services and combinations of answers, each with a person's edits: what the update changes of gates, hosts, paths,
claims and entries in shared files is nothing, but for what ``ALLOWED`` names. A test of ``templates preview`` writes
its report to the file that ``NEWSERVICE_PREVIEW`` names.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from packaging.version import Version

from generator.base.errors import AnswersError
from generator.cli.runner import run_command
from generator.infra_repo.entries import compare_registrations, registered_files
from generator.lifecycle.update import Upgrade, Upgrader
from generator.template.releases import Releases
from tests.answers import TEMPLATE
from tests.fleet.fleet import add_service
from tests.full import few, full
from tests.stack.hcl import Block, parse
from tests.upgrade.services import Files, Origin, golden, infra, pairwise, updated
from tests.world import World

FROM = "2.1.0"
VERSIONS = [FROM, *(str(item.version) for item in Releases().all if item.version > Version(FROM))]
EVERY = 25
"""Of a seed's combinations, one in so many in ``make test-all``."""
SELDOM = 100
"""The same in ``make test``."""

KINDS: Mapping[str, Callable[[Block], bool]] = {
    "ingress": lambda block: "ingress" in str(block.attributes.get("source", "")),
    "anubis": lambda block: "anubis" in str(block.attributes.get("source", "")),
    "folder": lambda block: "nfs" in str(block.attributes.get("source", "")),
    "claim": lambda block: block.labels[:1] == ("kubernetes_persistent_volume_claim",),
    "namespace": lambda block: block.labels[:1] == ("kubernetes_namespace",),
    "policy": lambda block: block.labels[:1] == ("kubernetes_network_policy_v1",),
    "service": lambda block: block.labels[:1] == ("kubernetes_service",),
}
"""What is compared, to the last attribute; of workloads, the claims that they mount."""


def _strips_identity(before: Any, after: Any) -> bool:
    """One more middleware, which removes headers that only the gate may set: nobody gets in or is kept out by it."""
    known = list(before or [])
    return list(after[: len(known)]) == known and all("strip-auth-headers" in item for item in after[len(known) :])


def _watches_no_more(before: Any, after: Any) -> bool:
    """What sleeps on purpose has no monitor that looks from outside."""
    return before is None and after is False


ALLOWED: Mapping[tuple[str, str], Callable[[Any, Any], bool]] = {
    ("ingress", "extra_middlewares"): _strips_identity,
    ("ingress", "external_monitor"): _watches_no_more,
}
"""What may differ: the kind and the attribute, and which values may follow which."""

ENTRIES = frozenset({"kuma-monitor", "walloff-target"})
"""Registrations whose existing entries an update may change or remove: the monitors of what is parked."""


OWN = b"""
module "ingress_by_hand" {
  source = "../../modules/kubernetes/ingress_factory"
  auth   = "required"
}
"""
"""A person's own gate."""


@dataclass(frozen=True)
class Fact:
    """One thing that must stay: its kind, its address, and the attribute."""

    kind: str
    address: str
    attribute: str


def facts(files: Mapping[str, str]) -> dict[Fact, Any]:
    """Everything in a stack's files that says who has access and where data is."""
    found: dict[Fact, Any] = {}
    for text in files.values():
        for block in parse(text).blocks:
            address = ".".join((block.type, *block.labels))
            for kind, fits in KINDS.items():
                if fits(block):
                    found.update(_attributes(kind, address, block))
            for below in block.walk():
                if below.type == "persistent_volume_claim":
                    found[Fact("mount", address, str(below.attributes["claim_name"]))] = True
    return found


def _attributes(kind: str, address: str, block: Block) -> Iterator[tuple[Fact, Any]]:
    for below in block.walk():
        for name, value in below.attributes.items():
            yield Fact(kind, address, name if below is block else f"{below.type}.{name}"), value


def terraform(tree: Files, prefix: str) -> dict[str, str]:
    """A stack's Terraform files."""
    return {
        path.removeprefix(prefix): content.decode()
        for path, content in tree.content.items()
        if path.startswith(prefix) and path.endswith(".tf")
    }


def edited(tree: Files, prefix: str) -> Files:
    """The tree with what people change by hand: comments, sizes, a gate of their own beside the generated ones."""
    content = dict(tree.content)
    for path in terraform(tree, prefix):
        content[f"{prefix}{path}"] = b"# looked after by the night shift\n" + content[f"{prefix}{path}"]
    for path, change in {
        "storage.tf": (rb'storage = "\d+Gi"', b'storage = "7Gi"'),
        "ingress.tf": (rb"(\n  namespace += [^\n]+\n)", rb"\1  # by hand: more time to answer\n"),
    }.items():
        if f"{prefix}{path}" in content:
            content[f"{prefix}{path}"] = re.sub(*change, content[f"{prefix}{path}"])
    if f"{prefix}ingress.tf" in content:
        content[f"{prefix}ingress.tf"] += OWN
    return Files(content)


@cache
def upgrader(source: str) -> Upgrader:
    platform = next(origin.platform for origin in golden() if origin.platform.source == source)
    return Upgrader(Releases(), platform)


def planned(origin: Origin, tree: Files) -> Upgrade:
    """The update to the checkout's template."""
    return updated(upgrader(origin.platform.source), origin, "stack", tree, TEMPLATE)


def made(origin: Origin) -> bool:
    """Whether that version would have made it at all."""
    try:
        return bool(origin.answers)
    except AnswersError:
        return False


def origins(version: str, every: int) -> list[Origin]:
    combinations = (
        origin for seed in (1, 2) for origin in islice(pairwise(seed, version=Version(version)), 0, None, every)
    )
    return [origin for origin in (*golden(version=Version(version)), *combinations) if made(origin)]


@pytest.mark.parametrize(
    ("version", "every"), few(1, [(FROM, SELDOM), *((version, EVERY) for version in VERSIONS)], apart=True)
)
def test_gates_hosts_and_claims_stay(version: str, every: int) -> None:
    seen = 0
    for origin in origins(version, every):
        prefix = origin.prefix("stack")
        tree = edited(origin.tree("stack"), prefix)
        upgrade = planned(origin, tree)
        assert upgrade.conflicts == (), str(origin)
        content = {path: body for path, body in tree.content.items() if path not in upgrade.removed}
        after = Files({**content, **{file.path: file.content for file in upgrade.written}})
        before, now = facts(terraform(tree, prefix)), facts(terraform(after, prefix))
        seen += len(before)
        changed = [
            (fact, before.get(fact), now.get(fact))
            for fact in {**before, **now}
            if before.get(fact) != now.get(fact) and not _allowed(fact, before.get(fact), now.get(fact))
        ]
        assert changed == [], str(origin)
        touched = {item.id for item in upgrade.entries if item.action in ("update", "remove", "refuse")}
        assert touched <= ENTRIES, str(origin)
    assert seen > 500


def _allowed(fact: Fact, before: Any, after: Any) -> bool:
    rule = ALLOWED.get((fact.kind, fact.attribute))
    return rule is not None and after is not None and rule(before, after)


def test_every_change_of_a_gate_or_a_claim_would_be_seen() -> None:
    origin = next(origin for origin in golden(version=Version(FROM)) if origin.title.startswith("rich "))
    before = terraform(origin.tree("stack"), origin.prefix("stack"))
    for path, old, new in (
        ("ingress.tf", 'auth             = "none"', 'auth             = "app"'),
        ("ingress.tf", '["/staff"]', '["/"]'),
        ("ingress.tf", '["Home Server Admins"]', '["Everybody"]'),
        ("ingress.tf", '"proxied"', '"non-proxied"'),
        ("storage.tf", 'storage_class_name = "proxmox-lvm-encrypted"', 'storage_class_name = "proxmox-lvm"'),
        ("storage.tf", "city-guide-data-encrypted", "city-guide-encrypted"),
        ("storage.tf", '"data_encrypted"', '"encrypted_data"'),
        ("main.tf", "name = local.namespace", 'name = "elsewhere"'),
    ):
        assert old in before[path], old
        assert facts(before) != facts({**before, path: before[path].replace(old, new)}), new


@full
def test_the_preview_of_a_fleet(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """The golden services of 2.1.0, edited by hand: none would be broken, in conflict, or asked something."""
    files, services = dict(infra(world.platform)), {}
    for item in golden(version=Version(FROM)):
        if item.title.startswith("other-platform"):
            continue
        origin = Origin(item.title, item.given, world.platform, version=Version(FROM))
        changes = compare_registrations(origin.maker.registrations(origin.answers["stack"]), Files(files))
        files |= {file.path: file.content for file in registered_files(changes)}
        prefix = origin.prefix("stack")
        own = Files({f"{prefix}{file.path}": file.content for file in origin.files("stack")})
        files |= edited(own, prefix).content
        if "service" in origin.layers:
            made_now = {file.path: file.content for file in origin.files("service")}
            services[origin.name] = {**made_now, "README.md": b"<!-- by hand -->\n" + made_now.get("README.md", b"")}
    world.infra.bare.commit_files(world.base, files, "the fleet\n", 1_782_000_000)
    for name, content in services.items():
        add_service(world, name, content)
    places = ("--platform", str(world.sandbox.profile), "--infra", str(world.sandbox.infra))
    capsys.readouterr()
    code = run_command(["templates", "preview", *places])
    report = capsys.readouterr().out
    if target := os.environ.get("NEWSERVICE_PREVIEW"):
        Path(target).write_text(report, encoding="utf-8")
    assert code == 0, report
    for word in ("conflict", "broken", "asks"):
        assert word not in report.rpartition("\n\n")[2], report
