"""What a plan is made from, beside what is seen: newservice, template, profile and answers, each as it is now."""

from __future__ import annotations

import fnmatch
import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from generator import __version__
from generator.platform.profile import Platform
from generator.platform.vault_location import other_namespace
from generator.template.template import Template


@dataclass(frozen=True)
class Basis:
    """Versions, digests and values that decide what comes out.

    ``profile`` holds the profile's values by dotted key, for people; ``profile_digest`` is over the profile as it is.
    """

    newservice: str
    template: str
    template_digest: str
    profile_source: str
    profile_digest: str
    profile: Mapping[str, Any]
    answers: Mapping[str, Any]

    def as_document(self) -> dict[str, Any]:
        """The same as JSON's values; where the profile's file lies does not decide anything and is left out."""
        return {
            "newservice": self.newservice,
            "template": {"version": self.template, "digest": self.template_digest},
            "profile": {"digest": self.profile_digest, "values": dict(self.profile)},
            "answers": dict(self.answers),
        }


def basis_of(
    template: Template, platform: Platform, answers: Mapping[str, Any], environ: Mapping[str, str] = os.environ
) -> Basis:
    """What a plan with these public answers is made from. Reads the template's files.

    Vault's address and namespace may be the person's own (``VAULT_ADDR``, ``VAULT_NAMESPACE``); then they count as a
    part of the profile.
    """
    own = {"VAULT_ADDR": environ.get("VAULT_ADDR") or None, "VAULT_NAMESPACE": other_namespace(platform, environ)}
    profile = {**platform.data, **{name: value for name, value in own.items() if value is not None}}
    return Basis(
        newservice=__version__,
        template=template.version,
        template_digest=template_digest(template),
        profile_source=platform.source,
        profile_digest=_digest(profile),
        profile=dict(_flat(profile)),
        answers=_plain(answers),
    )


def template_digest(template: Template) -> str:
    """One digest of everything that is rendered or read: ``copier.yml`` and all files below ``templates/``.

    What is never rendered, such as what installers compile, does not count.
    """
    never = re.compile("|".join(map(fnmatch.translate, template.never_rendered)) or "(?!)").match
    digests = {"copier.yml": _sha256(template.root / "copier.yml")}
    for place, folders, names in os.walk(template.root / "templates"):
        folders[:] = [folder for folder in folders if not never(folder)]
        prefix = Path(place).relative_to(template.root).as_posix()
        files = [name for name in names if not never(name) and Path(place, name).is_file()]
        digests |= {f"{prefix}/{name}": _sha256(Path(place, name)) for name in files}
    return _digest(digests)


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _digest(value: Any) -> str:
    return "sha256:" + hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()


def _plain(value: Any) -> Any:
    """As JSON gives it back: what is read from a file later must compare equal."""
    return json.loads(json.dumps(value, default=str))


def _flat(data: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in data.items():
        path = f"{prefix}{key}"
        if isinstance(value, Mapping) and value:
            yield from _flat(value, f"{path}.")
        else:
            yield path, _without_passwords(_plain(value))


def _without_passwords(value: Any) -> Any:
    """A value without the user and password that someone may have written into an address."""
    if isinstance(value, Mapping):
        return {key: _without_passwords(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_passwords(item) for item in value]
    return _without_password(value) if isinstance(value, str) else value


def _without_password(text: str) -> str:
    try:
        parts = urlsplit(text)
    except ValueError:
        return text
    if not parts.scheme or "@" not in parts.netloc:
        return text
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
