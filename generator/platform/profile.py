"""The platform profile: where the systems are and what the platform calls things. Pure but for reading the file."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml
from platformdirs import user_config_path

from generator.base.errors import UsageError
from generator.base.yaml_text import load_yaml
from generator.infra_repo.registrations import Adjustments, faults
from generator.platform.rules import unusable
from generator.template.template import Template

ENVIRONMENT_VARIABLE = "NEWSERVICE_PLATFORM"

PROFILE_HINT = "see docs/reference/platform.md"
"""What to do about a key that is wrong."""

BUILT_IN = "built-in"
"""Source of the profile that comes with the installation: one person's own platform."""

REPLACED = Template.installed().own_words
"""Maps whose keys are the platform's own words: a profile replaces them, it does not add to them."""

# What templates need not know, and what is never recorded in a generated repository.
_NO_FACTS = {"connection", "registrations", "checks"}

# Maps that a profile may do without.
_NULLABLE = {"connection.load_balancer"}


@dataclass(frozen=True)
class Pin:
    """Where TCP goes while SNI, Host and certificate checks stay on the real name."""

    address: str
    port: int


@dataclass(frozen=True)
class CredentialSource:
    """Where one credential comes from: an environment variable, else ``path#property`` in Vault, else another."""

    name: str
    environment: str
    vault: str
    fallback: str = ""


@dataclass(frozen=True)
class Platform:
    """A profile, merged over the built-in one.

    ``facts`` is everything but the connection and the registrations: what templates may use and what an answers
    file may record.
    """

    data: Mapping[str, Any]
    source: str

    @property
    def name(self) -> str:
        """The profile's own name."""
        return str(self.data["name"])

    @property
    def facts(self) -> dict[str, Any]:
        """What templates and registrations may use."""
        return {key: value for key, value in self.data.items() if key not in _NO_FACTS}

    @property
    def registrations(self) -> Adjustments:
        """What this platform leaves out of the built-in registrations, and its own."""
        told = self.data["registrations"]
        return Adjustments(told["skip"], told["own"], self.source)

    @property
    def connection(self) -> Mapping[str, Any]:
        """How this machine reaches the systems."""
        return dict(self.data["connection"])

    @property
    def ca_file(self) -> str | None:
        """File with the certificate authority to trust beside the system's own, if any."""
        value = self.connection["ca_file"]
        return str(Path(value).expanduser()) if value else None

    @property
    def infra_clone(self) -> Path:
        """The clone of the infra repository on this machine."""
        return Path(self.connection["infra_clone"]).expanduser()

    @property
    def credentials(self) -> dict[str, CredentialSource]:
        """Sources of the credentials, by name."""
        return {
            name: CredentialSource(name, item["environment"], item["vault"], item.get("or", ""))
            for name, item in self.connection["credentials"].items()
        }

    @property
    def branch(self) -> str:
        """Default branch of a service's repository."""
        return str(self.data["forgejo"]["branch"])

    def pin(self, system: str) -> Pin | None:
        """The load balancer's address for ``system``; None where it is reached by public DNS."""
        balancer = self.connection["load_balancer"]
        if not balancer or system not in balancer["systems"]:
            return None
        return Pin(balancer["address"], balancer["port"])

    def url(self, system: str) -> str:
        """Base address of ``system`` (forgejo, github, woodpecker, vault, registry), without a trailing slash."""
        data = self.data[system]
        return str(data["url"] or f"https://{data['host']}").rstrip("/")

    def host(self, system: str) -> str:
        """Host name of ``system``."""
        return urlsplit(self.url(system)).hostname or ""

    def owner(self, system: str) -> str:
        """Owner of the repositories on ``system`` (forgejo or github)."""
        return str(self.data[system]["owner"])

    def service_url(self, name: str) -> str:
        """Clone address of a service's canonical repository."""
        return f"{self.url('forgejo')}/{self.owner('forgejo')}/{name}.git"

    def mirror_url(self, name: str) -> str:
        """Clone address of a service's mirror on GitHub."""
        return f"{self.url('github')}/{self.owner('github')}/{name}.git"


def load_platform(
    builtin: Mapping[str, Any], path: Path | None = None, environ: Mapping[str, str] = os.environ
) -> Platform:
    """The profile in force: ``path``, NEWSERVICE_PLATFORM, the user's configuration, or the built-in one.

    Raises ``UsageError`` when the file can't be read, is not a profile, or has keys or values that no profile has.
    """
    if path is None and environ.get(ENVIRONMENT_VARIABLE):
        path = Path(environ[ENVIRONMENT_VARIABLE])
    if path is None:
        path = user_profile() if user_profile().is_file() else None
    if path is None:
        return Platform(dict(builtin), BUILT_IN)
    return merged_platform(builtin, _read(path), str(path))


def user_profile() -> Path:
    """Where the user's own profile is looked for, and where ``newservice init`` puts it."""
    return user_config_path("newservice") / "platform.yml"


def merged_platform(builtin: Mapping[str, Any], overrides: Mapping[str, Any], source: str) -> Platform:
    """The built-in profile with ``overrides``, which come from ``source``.

    Raises ``UsageError`` with everything that is wrong with them.
    """
    told = [problem for _, problem in profile_problems(builtin, overrides)]
    if told:
        raise UsageError("platform.invalid", f"{source}: {'; '.join(told)}", PROFILE_HINT)
    return Platform(_merge(builtin, overrides), source)


def reason(platform: Platform, environ: Mapping[str, str] = os.environ) -> str:
    """Why this profile is in force, in a few words."""
    if platform.source == BUILT_IN:
        return f"built-in: there is no --platform, no {ENVIRONMENT_VARIABLE} and no {user_profile()}"
    if environ.get(ENVIRONMENT_VARIABLE) and platform.source == str(Path(environ[ENVIRONMENT_VARIABLE])):
        return f"{platform.source}, named by {ENVIRONMENT_VARIABLE}"
    if platform.source == str(user_profile()):
        return f"{platform.source}, your configuration"
    return f"{platform.source}, as given"


def advice(platform: Platform) -> str:
    """What to tell a person whose systems could not be reached or used; empty where a profile was chosen."""
    if platform.source != BUILT_IN:
        return ""
    return "the built-in profile is in force; `newservice init` writes one for another platform"


def _read(path: Path) -> dict[str, Any]:
    try:
        data = load_yaml(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(
            "platform.unreadable", f"the platform profile {path} can't be read: {error.strerror}", "check --platform"
        ) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # a date that is none, nested without end, ...
        told = " ".join(str(error).split())
        raise UsageError("platform.invalid", f"{path} is not valid YAML: {told}", "correct the file") from error
    if not isinstance(data, dict):
        raise UsageError("platform.invalid", f"{path} is not a platform profile", "see docs/reference/platform.md")
    return data


def _merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in over.items():
        both = isinstance(value, dict) and isinstance(base.get(key), dict)
        merged[key] = _merge(base[key], value) if both and key not in REPLACED else value
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
    found += unusable(sound, {key: value for key, value in _merge(builtin, sound).items() if key not in wrong})
    own = sound.get("registrations", {}).get("own", [])
    return [*found, *(("registrations.own", told) for told in faults(own))]


Misfits = Iterator[tuple[str, str]]
"""Keys, and what is wrong with each."""


def _misfits(base: Mapping[str, Any], over: Mapping[str, Any], where: str = "") -> Misfits:
    """Keys that no profile has, and values of another kind than the built-in profile's."""
    for key, value in over.items():
        path = f"{where}{key}"
        if key not in base:
            near = difflib.get_close_matches(str(key), list(base), n=1)
            yield path, f"there is no key '{path}'" + (f", did you mean '{where}{near[0]}'?" if near else "")
        elif value is not None or path not in _NULLABLE:
            yield from _misfit(base[key], value, path, own_words=key in REPLACED)


def _misfit(wanted: Any, value: Any, path: str, *, own_words: bool = False) -> Misfits:
    kinds, noun = _KINDS[type(wanted)]
    if isinstance(value, bool) or not isinstance(value, kinds):
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
            yield from ((place, f"'{place}' lacks {key}") for key in example if key not in entry)


_KINDS: dict[type, tuple[tuple[type, ...], str]] = {
    dict: ((dict,), "a map"),
    list: ((list,), "a list"),
    str: ((str,), "text"),
    int: ((int, float), "a number"),
    type(None): ((str, type(None)), "text"),
}
