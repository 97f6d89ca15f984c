"""When a provider takes two values for the same, by the names that records give its rules. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

import yaml

_SUFFIXES = {
    "n": Decimal("1e-9"),
    "u": Decimal("1e-6"),
    "m": Decimal("1e-3"),
    "": Decimal(1),
    "k": Decimal(10**3),
    "M": Decimal(10**6),
    "G": Decimal(10**9),
    "T": Decimal(10**12),
    "P": Decimal(10**15),
    "E": Decimal(10**18),
    "Ki": Decimal(2**10),
    "Mi": Decimal(2**20),
    "Gi": Decimal(2**30),
    "Ti": Decimal(2**40),
    "Pi": Decimal(2**50),
    "Ei": Decimal(2**60),
}


def same(rule: str, before: Any, after: Any) -> bool:
    """Whether a change from ``before`` to ``after`` means nothing by a rule; False for a rule that isn't known."""
    found = RULES.get(rule)
    return isinstance(before, str) and isinstance(after, str) and found is not None and found(before, after)


def _quantity(text: str) -> Decimal:
    number = text.rstrip("numkMGTPEi")
    return Decimal(number) * _SUFFIXES[text[len(number) :]]


def _same_quantity(before: str, after: str) -> bool:
    try:
        return _quantity(before) == _quantity(after)
    except (InvalidOperation, KeyError):
        return False


def _same_json(before: str, after: str) -> bool:
    try:
        return bool(json.loads(before) == json.loads(after))
    except ValueError:
        return False


def _same_yaml(before: str, after: str) -> bool:
    try:
        return bool(yaml.safe_load(before) == yaml.safe_load(after))
    except yaml.YAMLError:
        return False


RULES: Mapping[str, Callable[[str, str], bool]] = {
    "quantity": _same_quantity,
    "json": _same_json,
    "yaml": _same_yaml,
}
