"""Everything that newservice needs, checked in one go."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from functools import partial
from pathlib import Path

from generator.base.checks import Check, CheckState
from generator.clients.patience import Patience
from generator.clients.transport import tls_context
from generator.engine.credentials import remember_credentials
from generator.lifecycle.doctor import connection, infra, systems, tools
from generator.lifecycle.doctor.gathering import Part, attempt, gather
from generator.lifecycle.doctor.systems import Scene
from generator.lifecycle.doctor.tokens import Purse
from generator.platform.profile import Platform, advice, reason

LONGEST_SECONDS = 10.0
"""The longest time limit of a single request here, whatever the profile says."""

_ROUNDS = 3
"""A system's requests go one after the other: its checks end after this many time limits."""

_ONCE = Patience(attempts=1, first=0.1, longest=0)

_SYSTEMS: dict[str, tuple[Callable[[Scene], Iterator[Check]], tuple[str, ...]]] = {
    "forgejo": (systems.look_at_forgejo, ("certificate", "reachable", "token", "scopes", "owner", "infra")),
    "forgejo_git": (systems.look_at_git_token, ("token", "scopes")),
    "github": (systems.look_at_github, ("certificate", "reachable", "token", "scopes", "owner", "limit")),
    "woodpecker": (systems.look_at_woodpecker, ("certificate", "reachable", "token", "scopes")),
    "vault": (systems.look_at_vault, ("certificate", "reachable", "token", "mount", "scopes")),
    "registry": (systems.look_at_registry, ("certificate", "reachable", "token")),
    "slack": (systems.look_at_slack, ("token",)),
}


def examine(platform: Platform, clone: Path, environ: Mapping[str, str] = os.environ) -> list[Check]:
    """Every check, in reading order: this machine, the way to the systems, then each system.

    Reads only. Each check reports its own problem: none is raised, and none hides another.
    """
    remember_credentials(platform, environ)
    quick = _quick(platform)
    with closing(Purse(quick, environ, _ONCE)) as purse:
        scene = Scene(quick, purse, _ONCE)
        return gather(_parts(scene, clone), LONGEST_SECONDS * _ROUNDS)


def _parts(scene: Scene, clone: Path) -> Iterable[Part]:
    platform, environ = scene.platform, scene.purse.environ
    yield Part((tools.GIT,), lambda: [tools.judge_git(tools.observe_git(environ))])
    yield Part((PROFILE,), lambda: [attempt(PROFILE, lambda: _profile(platform, environ))])
    yield Part((infra.CLONE,), lambda: [attempt(infra.CLONE, lambda: _clone(clone, scene))])
    yield Part((connection.BALANCER,), lambda: [attempt(connection.BALANCER, lambda: _balancer(scene))])
    for name, (look, ids) in _SYSTEMS.items():
        yield Part(tuple(f"{name}.{item}" for item in ids), partial(look, scene))


def _clone(clone: Path, scene: Scene) -> Check:
    seen = infra.observe_clone(clone, scene.platform.infra.branch, scene.purse.environ)
    return infra.judge_clone(seen, clone, scene.platform)


PROFILE = "profile"


def _balancer(scene: Scene) -> Check:
    way = scene.platform.connection
    pin = way.load_balancer
    if not pin:
        summary = "the profile has none: all systems are reached by their names"
        return Check(connection.BALANCER, CheckState.SKIPPED, summary)
    forge = connection.place_of(scene.platform, "forgejo", scene.url("forgejo"))
    return connection.judge_balancer(pin, connection.observe_balancer(pin, way.timeout_seconds), forge)


def _profile(platform: Platform, environ: Mapping[str, str]) -> Check:
    """The profile itself was read before; what it names is checked here. Raises for an unusable authority."""
    ca_file = platform.connection.ca_file
    tls_context(ca_file)
    authority = f", authority {ca_file}" if ca_file else ""
    summary = f"{platform.name}, schema {platform.schema} ({reason(platform, environ)}){authority}"
    return Check(PROFILE, CheckState.OK, summary, advice(platform))


def _quick(platform: Platform) -> Platform:
    """The same profile with the time limit of these checks."""
    seconds = min(platform.connection.timeout_seconds, LONGEST_SECONDS)
    return platform.changed({"connection": {"timeout_seconds": seconds}})
