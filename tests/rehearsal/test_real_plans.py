"""The stand-in's plans beside those of the real providers: what these said is in ``plans.json``."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from generator.rehearsal.layout import Layout
from generator.rehearsal.provider.records import SCHEMAS
from generator.rehearsal.terraform import Terraform

REAL: list[dict[str, Any]] = json.loads(SCHEMAS.with_name("plans.json").read_text(encoding="utf-8"))
SOURCES = {record.stem: json.loads(record.read_text(encoding="utf-8"))["source"] for record in SCHEMAS.glob("*.json")}
STACK = "stacks/real"
ARGUMENTS = {"vault": {"address": "https://vault.example.org"}, "cloudflare": {"api_token": "a"}}
APART = {"ip families", "limits and shrinks"}
"""Cases that differ: the cluster had filled in the same value, or the provider names the first of two reasons only."""


@pytest.fixture(scope="module")
def terraform() -> Iterator[Terraform]:
    found = Terraform()
    yield found
    found.close()


def laid_out(resources: list[str], kind: str) -> Layout:
    provider = kind.split("_")[0]
    required: dict[str, Any] = {"terraform": {"required_providers": {provider: {"source": SOURCES[provider]}}}}
    required["provider"] = {provider: ARGUMENTS.get(provider, {})}
    files = {"main.tf": "\n".join(resources), "providers.tf.json": json.dumps(required)}
    return Layout(STACK, {f"{STACK}/{name}": text.encode() for name, text in files.items()}, {})


@pytest.mark.parametrize("number", range(len(REAL)), ids=[f"{at}-{entry['type']}" for at, entry in enumerate(REAL)])
def test_the_real_provider_planned_the_same(number: int, terraform: Terraform) -> None:
    """Every case is a resource of its own: same action, and the same attributes that replace it."""
    entry = REAL[number]
    kind, old, cases = entry["type"], entry["old"], entry["cases"]
    before: list[str] = []
    after: list[str] = []
    for at, case in enumerate(cases):
        start, end, text = case["change"]
        for texts, body in ((before, old), (after, old[:start] + text + old[end:])):
            texts.append(body.replace(f'"{kind}" "a"', f'"{kind}" "case_{at}"', 1))
    result = terraform.run(laid_out(before, kind), laid_out(after, kind))
    assert "plan" in result, result
    found = {item["address"]: item["change"] for item in result["plan"]["resource_changes"]}
    differing = []
    for at, case in enumerate(cases):
        ours = found[f"{kind}.case_{at}"]
        replaced = {".".join(map(str, path)) for path in ours.get("replace_paths", [])} - {"id"}
        real = {*case["replace"]} - {"id"}
        alike = ours["actions"] == case["actions"] and _covered(replaced, real) and _covered(real, replaced)
        if not alike and case["case"] not in APART:
            differing.append((case["case"], ours["actions"], replaced, case["actions"], real))
    assert not differing


def _covered(paths: set[str], others: set[str]) -> bool:
    """Whether each path is among the others, or leads to or comes from one of them."""
    return all(
        any(f"{one}.".startswith(f"{two}.") or f"{two}.".startswith(f"{one}.") for two in others) for one in paths
    )
