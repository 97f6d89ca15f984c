"""The rules of the owner's manual that concern a new service: each with evidence in what is really generated."""

from __future__ import annotations

import re

import pytest

from tests.manual.evidence import MANUAL, PLACE, RULES, Rule, missing

STATES = {"holds", "partly", "elsewhere"}


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule.shown], ids=lambda rule: rule.id)
def test_the_evidence_is_generated(rule: Rule) -> None:
    faults = missing(rule)
    assert not faults, "\n".join([f"{rule.id} (lines {rule.lines}): {rule.rule}", *faults])


def test_every_rule_says_where_it_is_from_and_how_it_is_kept() -> None:
    assert len(RULES) >= 65
    assert len({rule.id for rule in RULES}) == len(RULES)
    for rule in RULES:
        assert re.fullmatch(r"\d+(-\d+)?(, \d+(-\d+)?)*", rule.lines), rule.id
        assert rule.state in STATES, rule.id
        assert bool(rule.reason) == (rule.state != "holds"), rule.id
        assert bool(rule.shown) == (rule.state != "elsewhere"), rule.id
        assert rule.rule.endswith("."), rule.id


def test_every_service_is_somebody_s_evidence() -> None:
    text = PLACE.read_text(encoding="utf-8").partition("\nrules:")[2]
    assert [name for name in MANUAL["services"] if not re.search(rf"(at|refused): {name}\b", text)] == []
