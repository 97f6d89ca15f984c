"""When a provider takes two values for the same, what it stores, and when a change replaces. Pure.

Records give the names; ``RECORDS.md`` and ``rules.json`` say what each means. A name that isn't known changes nothing.
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Callable, Mapping
from decimal import ROUND_UP, Context, Decimal, InvalidOperation
from typing import Any

Resource = Mapping[str, Any]
"""Attributes of a resource by name: its state or its configuration."""

_SUFFIXES = {suffix: Decimal(10) ** (3 * power) for power, suffix in enumerate(["n", "u", "m", "", *"kMGTPE"], -3)}
_SUFFIXES |= {f"{suffix}i": Decimal(2) ** (10 * power) for power, suffix in enumerate("KMGTPE", 1)}
_QUANTITY = re.compile(r"([+-]?[0-9]*\.?[0-9]*)([numkMGTPE]?|[KMGTPE]i|[eE][+-]?[0-9]+)")
_NANO = Decimal("1e-9")
_EXACT = Context(prec=500)


def same(rule: str, before: Any, after: Any, resource: Resource) -> bool:
    """Whether a change from ``before`` to ``after`` means nothing by a rule, in a resource of this state."""
    if rule in OF_RESOURCE:
        return OF_RESOURCE[rule](resource)
    found = RULES.get(rule)
    return isinstance(before, str) and isinstance(after, str) and found is not None and found(before, after)


def quantity(text: str) -> Decimal | None:
    """The amount of a quantity of Kubernetes, which has no part smaller than a nano; None where it is none."""
    found = _QUANTITY.fullmatch(text)
    if not found or not text:
        return None
    number, suffix = found.groups()
    try:
        digits = Decimal(number) if number.strip("+-.") else Decimal(0)
        amount = _EXACT.multiply(digits, _SUFFIXES[suffix] if suffix in _SUFFIXES else Decimal(f"1{suffix}"))
        return amount.quantize(_NANO, rounding=ROUND_UP, context=_EXACT)
    except (InvalidOperation, OverflowError):
        return None


def _same_quantity(before: str, after: str) -> bool:
    one = quantity(before)
    return one is not None and one == quantity(after)


def _same_json(before: str, after: str) -> bool:
    try:
        one, other = (json.dumps(json.loads(text, parse_int=float), sort_keys=True) for text in (before, after))
    except (ValueError, OverflowError, RecursionError):
        return False
    return one == other


def _same_but_for_a_dot(before: str, after: str) -> bool:
    return before == after or (after not in ("", ".") and before.removesuffix(".") == after.removesuffix("."))


def _same_content(before: str, after: str) -> bool:
    return _same_but_for_a_dot(before, after) or (_ip(before) is not None and _ip(before) == _ip(after))


def _ip(text: str) -> object:
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found


RULES: Mapping[str, Callable[[str, str], bool]] = {
    "json": _same_json,
    "newline_added": lambda before, after: after.removesuffix("\n") == before,
    "quantity": _same_quantity,
    "record_content": _same_content,
    "trailing_dot": _same_but_for_a_dot,
    "trailing_slash": lambda before, after: f"{before}/" == after or f"{after}/" == before,
}
"""Of two texts."""

OF_RESOURCE: Mapping[str, Callable[[Resource], bool]] = {
    "external_entity_members": lambda one: (
        one.get("type") == "external" or one.get("external_member_entity_ids") is True
    ),
    "external_group_members": lambda one: one.get("type") == "external" or one.get("external_member_group_ids") is True,
    "external_policies": lambda one: one.get("external_policies") is True,
    "priority_of_type": lambda one: one.get("type") not in ("MX", "URI"),
    "write_only_revision": lambda one: any(
        isinstance(revision := one.get(name), int) and revision > 0
        for name in ("data_wo_revision", "binary_data_wo_revision")
    ),
}
"""Of the resource, whatever the two values."""

NORMALIZED: Mapping[str, Callable[[str], str]] = {
    "lower_case": lambda text: "".join(letter.lower()[0] for letter in text),
    "trim_slashes": lambda text: text.strip("/"),
}
"""What is stored in place of what is configured."""


def _shrinks(before: Any, after: Any, _state: Resource, _config: Resource) -> bool:
    sizes = [value.get("storage") if isinstance(value, dict) else None for value in (before, after)]
    one, other = (quantity(size) if isinstance(size, str) else None for size in sizes)
    return one is not None and other is not None and other < one


def _set_values(value: Any) -> Any:
    return {key: item for key, item in value.items() if item is not None} if isinstance(value, dict) else {}


CONDITIONS: Mapping[str, Callable[[Any, Any, Resource, Resource], bool]] = {
    "contains_pem": lambda before, _after, _state, _config: isinstance(before, str) and "-----BEGIN" in before,
    "force_new_set": lambda _before, _after, _state, config: config.get("force_new") is True,
    "immutable": lambda _before, _after, state, _config: state.get("immutable") is True,
    "remount_disabled": lambda before, _after, _state, config: bool(before) and config.get("disable_remount") is True,
    "storage_smaller": _shrinks,
    "unless_emptied": lambda before, after, _state, _config: not (before == "" and after is None),
    "values_not_null": lambda before, after, _state, _config: _set_values(before) != _set_values(after),
}
"""When a change replaces: both values, and the resource's state and configuration."""


def _numeric(_value: Any, _before: Any, _state: Resource, config: Resource) -> Any:
    return next((config[name] for name in ("numeric", "number") if config.get(name) is not None), True)


def _kept(value: Any, before: Any) -> Any:
    return value if before is None else before


def _renewal(value: Any, before: Any, _state: Resource, config: Resource) -> Any:
    valid, early = config.get("validity_period_hours"), config.get("early_renewal_hours") or 0
    return True if isinstance(valid, int) and isinstance(early, int) and early >= valid else _kept(value, before)


PLANNED: Mapping[str, Callable[[Any, Any, Resource, Resource], Any]] = {
    "number_numeric": _numeric,
    "ready_for_renewal": _renewal,
    "state_if_empty": lambda value, before, _state, _config: _kept(value, before) if value in (None, "") else value,
    "state_if_version": lambda value, before, _state, config: _kept(value, before) if config.get("version") else value,
    "state_unless_verify": lambda value, before, _state, config: (
        _kept(value, before) if config.get("verify") is False else value
    ),
}
"""What a provider makes of a planned value: that, the state's, and the resource's state and configuration."""
