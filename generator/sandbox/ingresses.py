"""The ingresses of an infra repository: what the calls of its ingress module say, read from the HCL of one commit."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from generator.infra_repo.hcl import HclSyntaxError, parse
from generator.platform.profile import Platform
from generator.sandbox.repositories import BareRepository, GitError, run_git

_TRUE = re.compile(r"^\s*allow_local_access_only\s*=\s*true\b", re.MULTILINE)


@dataclass(frozen=True)
class Ingress:
    """One call of the module. ``home_only``: a middleware lets only home networks in; ``challenge``: Anubis answers."""

    name: str
    host: str
    paths: tuple[str, ...]
    auth: str
    dns: str
    home_only: bool
    challenge: bool


def ingresses_of(bare: BareRepository, commit: str, platform: Platform) -> tuple[Ingress, ...]:
    """The ingresses of all stacks in a commit. A file that is no HCL has none: nobody could have applied it."""
    source = platform.facts["modules"]["ingress"]
    return tuple(
        ingress
        for path in _files_with(bare, commit, platform.infra.stacks, source)
        for ingress in _calls((bare.file(commit, path) or b"").decode("utf-8", "replace"), source, platform)
    )


def _files_with(bare: BareRepository, commit: str, stacks: str, source: str) -> list[str]:
    """The Terraform files directly in a stack's folder that name the module."""
    try:
        found = run_git(bare.path, "grep", "-l", "-z", "-F", "-e", source, commit, "--", f"{stacks}/")
    except GitError:  # no file names it
        return []
    paths = [line.partition(":")[2] for line in found.decode("utf-8", "replace").split("\x00") if line]
    return [path for path in paths if path.endswith(".tf") and posixpath.dirname(posixpath.dirname(path)) == stacks]


def _calls(text: str, source: str, platform: Platform) -> Iterator[Ingress]:
    try:
        document = parse(text)
    except HclSyntaxError:
        return
    for block, (path, settings) in zip(
        document.blocks(("module", "*")), document.settings(("module", "*")), strict=True
    ):
        if settings.get("source") != (source,):
            continue
        raw = document.data[block.start : block.end].decode()

        def plain(name: str, default: str, settings: Mapping[str, object] = settings) -> str:
            value = settings.get(name)
            return str(value[0]) if isinstance(value, tuple) and len(value) == 1 else default

        name = plain("name", path[1])
        host = plain("full_host", f"{plain('host', name)}.{plain('root_domain', platform.domain)}")
        middlewares = settings.get("extra_middlewares") or ()
        yield Ingress(
            name=name,
            host=host,
            paths=_words(settings.get("ingress_path")) or ("/",),
            auth=plain("auth", "required"),
            dns=plain("dns_type", "none"),
            home_only=bool(_TRUE.search(raw))
            or not set(platform.facts["internal_middlewares"]).isdisjoint(middlewares),
            challenge="module.anubis." in raw,
        )


def _words(value: Iterable[str] | None) -> tuple[str, ...]:
    return tuple(value or ())
