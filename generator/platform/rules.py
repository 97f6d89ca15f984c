"""What a platform profile may say: the built-in one's keys and types, ``rules.yml``, and no address with a user.

Pure but for reading that table.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from typing import Any

from generator.infra_repo.registrations import faults
from generator.template.template import PACKAGE, Template, parse_yaml

REPLACED = Template.installed().own_words
"""Maps whose keys are the platform's own words: a profile replaces them, it does not add to them."""

# What a profile may do without: null there, or in a map of its own words no such key.
_NULLABLE = (
    *("connection.load_balancer", "connection.outside", "sign_on", "sign_on.anonymous"),
    *("infra.pipeline", "infra.apply", "infra.file_server"),
    *("tiers.*.quota", "quota_label", "anubis_pods", "gpu.memory", "monitors.job_alerts"),
)

_ADDRESS = re.compile(r"(?<![A-Za-z0-9+.-])(?P<scheme>[A-Za-z0-9+.-]++):[/\\]{2,}(?P<rest>[^\s?#]*)")


def merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """A profile with what another one says: maps are merged, but for those of the platform's own words."""
    merged = dict(base)
    for key, value in over.items():
        both = isinstance(value, dict) and isinstance(base.get(key), dict)
        merged[key] = merge(base[key], value) if both and key not in REPLACED else value
    return merged


def profile_problems(builtin: Mapping[str, Any], overrides: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Everything that is wrong with a profile, each with its key, so that no fault of it shows up later as another.

    The value of a key is looked at where all types below its first word are right.
    """
    found = list(_misfits(builtin, overrides))
    wrong = {path.partition(".")[0] for path, _ in found}
    sound = {key: value for key, value in overrides.items() if str(key) not in wrong}
    if sound.get("schema", builtin["schema"]) != builtin["schema"]:
        found.append(("schema", f"'schema' is {sound['schema']}, and this newservice reads {builtin['schema']}"))
    found += unusable(sound, {key: value for key, value in merge(builtin, sound).items() if key not in wrong})
    own = sound.get("registrations", {}).get("own", [])
    return [*found, *(("registrations.own", message) for message in faults(own))]


Misfits = Iterator[tuple[str, str]]
"""Keys, and what is wrong with each."""


def _misfits(base: Mapping[str, Any], over: Mapping[str, Any], where: str = "") -> Misfits:
    """Keys that no profile has, and values of another kind than the built-in profile's."""
    for key, value in over.items():
        path = f"{where}{key}"
        if key not in base:
            near = difflib.get_close_matches(str(key), list(base), n=1)
            yield path, f"there is no key '{path}'" + (f", did you mean '{where}{near[0]}'?" if near else "")
        elif value is not None or not _nullable(path):
            yield from _misfit(base[key], value, path, own_words=key in REPLACED)


def _nullable(path: str) -> bool:
    return any(fnmatchcase(path, key) for key in _NULLABLE)


def _misfit(wanted: Any, value: Any, path: str, *, own_words: bool = False) -> Misfits:
    kinds, noun = _KINDS[type(wanted)]
    if isinstance(value, bool) != (bool in kinds) or not isinstance(value, kinds):
        yield path, f"'{path}' must be {noun}"
    elif own_words and isinstance(value, dict):
        yield from _own_words(next(iter(wanted.values())), value, path)
    elif isinstance(value, dict):
        yield from _misfits(wanted, value, f"{path}.")
    elif isinstance(value, list) and any(isinstance(item, str) for item in wanted):
        yield from ((path, f"'{path}' must be a list of words") for item in value if not isinstance(item, str))


def _own_words(example: Any, value: Mapping[Any, Any], path: str) -> Misfits:
    """A map whose keys are the platform's own; each value is like the built-in ones."""
    for name, entry in value.items():
        place = f"{path}.{name}"
        if not isinstance(name, str):
            yield place, f"'{place}': the name must be text"
        yield from _misfit(example, entry, place)
        if isinstance(example, dict) and isinstance(entry, dict):
            lacking = (key for key in example if key not in entry and not _nullable(f"{place}.{key}"))
            yield from ((place, f"'{place}' lacks {key}") for key in lacking)


_KINDS: dict[type, tuple[tuple[type, ...], str]] = {
    dict: ((dict,), "a map"),
    list: ((list,), "a list"),
    str: ((str,), "text"),
    int: ((int, float), "a number"),
    float: ((int, float), "a number"),
    bool: ((bool,), "true or false"),
    type(None): ((str, type(None)), "text"),
}


@dataclass(frozen=True)
class Rule:
    """One rule; ``rules.yml`` says what each word means."""

    keys: tuple[str, ...]
    pattern: str = ""
    message: str = ""
    minimum: float | None = None
    above: float | None = None
    maximum: float | None = None
    whole: bool = False
    among: str | tuple[str, ...] = ()
    has: tuple[str, ...] = ()
    regex: str = ""
    always: bool = False

    def fault(self, value: Any, profile: Mapping[str, Any]) -> str:
        """What is wrong with a value, as the end of a sentence; empty where nothing is."""
        if isinstance(value, dict):
            lacking = [key for key in self.has if key not in value]
            return f"lacks {', '.join(lacking)}" if lacking else _no_regex(value.get(self.regex, ""))
        if self.among and value is not None:
            return self._word(value, profile)
        if isinstance(value, str):
            fault = self.message if self.pattern and not re.fullmatch(self.pattern, value) else ""
            return fault or (_no_regex(value) if self.regex else "")
        return self._number(value) if isinstance(value, int | float) else ""

    def _word(self, value: Any, profile: Mapping[str, Any]) -> str:
        known = _keys(profile, self.among) if isinstance(self.among, str) else self.among
        if known is None or value in known:
            return ""
        return (
            f"must be one of {', '.join(map(str, known))}" if known else f"must be one of {self.among}: there are none"
        )

    def _number(self, value: float) -> str:
        """What is wrong with a number. Comparisons with a value that is not a number are false, so it is refused."""
        if not math.isfinite(value) or (self.whole and value != int(value)):
            return f"must be a {'whole ' if self.whole else ''}number"
        if self.minimum is not None and value < self.minimum:
            return f"must be at least {self.minimum}"
        if self.above is not None and value <= self.above:
            return f"must be more than {self.above}"
        return f"must be at most {self.maximum}" if self.maximum is not None and value > self.maximum else ""


def _no_regex(text: Any) -> str:
    """What is wrong with a text that must be a regular expression; empty where nothing is."""
    try:
        re.compile(text)
    except (re.error, TypeError, RecursionError, OverflowError) as error:
        return f"must be a regular expression: {error}"
    return ""


@cache
def rules() -> tuple[Rule, ...]:
    """All rules."""
    data: list[dict[str, Any]] = parse_yaml((PACKAGE / "platform" / "rules.yml").read_text(encoding="utf-8"))
    return tuple(Rule(**{key: _frozen(value) for key, value in item.items()}) for item in data)


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def unusable(said: Mapping[str, Any], whole: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What is wrong with the values that a profile says, each with its key; none of them is repeated.

    ``whole`` is the built-in profile with them. The types of all values are right.
    """
    own = dict(_values(said))
    for path, value in _values(whole):
        if path in own and not isinstance(value, dict) and any(has_user(text) for text in _texts(value)):
            yield path, f"'{path}' {NO_USER}"
            continue
        for rule in rules():
            if (path in own or rule.always) and any(fnmatchcase(path, key) for key in rule.keys):
                more = "" if path in own else f" (built in is {value})"
                yield from ((path, f"'{path}' {message}{more}") for message in _faults(rule, value, whole))


NO_USER = "must be an address without user and password; a profile only says where credentials are"


def has_user(text: str) -> bool:
    """Whether a text holds an address with a user; one for SSH may name a user, without a password."""
    return any(_names_user(found["scheme"].lower(), found["rest"]) for found in _ADDRESS.finditer(text))


def _names_user(scheme: str, rest: str) -> bool:
    host, _, path = rest.replace("\\", "/").partition("/")
    user, at, _ = host.rpartition("@")
    if at:
        return ":" in user or "ssh" not in scheme
    return "@" in path and not re.fullmatch(r"(\[[^]]*\]|[^:]*)(:[0-9]*)?", host)  # a password with a slash in it


def _faults(rule: Rule, value: Any, whole: Mapping[str, Any]) -> Iterator[str]:
    items = value if isinstance(value, list) else [value]
    yield from dict.fromkeys(message for item in items if (message := rule.fault(item, whole)))


def _values(data: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """All values with their dotted keys, maps among them."""
    for key, value in data.items():
        path = f"{prefix}{key}"
        yield path, value
        if isinstance(value, dict):
            yield from _values(value, f"{path}.")


def _texts(value: Any) -> Iterator[str]:
    """All text in a value, however deep."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for item in (*value, *value.values()) if isinstance(value, dict) else value:
            yield from _texts(item)


def _keys(profile: Mapping[str, Any], key: str) -> tuple[str, ...] | None:
    place: Any = profile
    for part in key.split("."):
        place = place.get(part) if place is not None else None
    return None if place is None else tuple(place)
