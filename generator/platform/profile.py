"""The platform profile: where the systems are and what the platform calls things. Pure but for reading the file.

What Python reads of a profile is a field here. Keys that templates alone read pass through as they are, so that a new
convention of a platform is a line in ``templates/platform.yml`` and in a template, and none here.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from generator.base.errors import UsageError
from generator.base.external import ExternalTextError, read_bounded, read_yaml
from generator.base.folders import config_folder, expanded
from generator.infra_repo.registrations import Adjustments
from generator.platform.rules import merge, profile_problems

ENVIRONMENT_VARIABLE = "NEWSERVICE_PLATFORM"

PROFILE_HINT = "see docs/reference/platform.md"
"""What to do about a key that is wrong."""

BUILT_IN = "built-in"
"""Source of the profile that comes with the installation: one person's own platform."""

# What templates need not know, and what is never recorded in a generated repository.
_NO_FACTS = {"connection", "registrations", "checks"}

Section = TypeVar("Section")


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
class Retry:
    """How often an operation with a transient failure is tried, and the pauses in between."""

    attempts: int
    first_seconds: float
    longest_seconds: float


@dataclass(frozen=True)
class Outside:
    """How services are looked at from outside: a resolver of public DNS, and the port at public addresses."""

    resolver: str
    port: int


@dataclass(frozen=True)
class SignOn:
    """What a stranger meets where the single sign-on is the gate: a redirect to ``host`` that returns by ``callback``.

    ``anonymous`` is the host that an anonymous session returns to; empty where no such session exists.
    """

    host: str
    callback: str
    anonymous: str


@dataclass(frozen=True)
class Connection:
    """How this machine reaches the systems.

    ``pins`` has the systems behind the load balancer; others are reached by public DNS. ``credentials`` are by name.
    ``signing_key`` is an SSH key that signs commits. ``~`` is expanded. ``outside`` is None where nothing is looked at
    from outside.
    """

    load_balancer: Pin | None
    outside: Outside | None
    pins: Mapping[str, Pin]
    ca_file: str | None
    signing_key: Path | None
    infra_clone: Path
    timeout_seconds: float
    mirror_timeout_seconds: float
    github_write_interval_seconds: float
    retry: Retry
    credentials: Mapping[str, CredentialSource]


@dataclass(frozen=True)
class System:
    """An outside system; ``url`` is its base address, without a trailing slash."""

    url: str

    @property
    def host(self) -> str:
        """Its host name."""
        return urlsplit(self.url).hostname or ""


@dataclass(frozen=True)
class Forge(System):
    """A forge, and the owner there of the repositories."""

    owner: str

    def web_url(self, repository: str) -> str:
        """The address of one of the owner's repositories for people."""
        return f"{self.url}/{self.owner}/{repository}"

    def clone_url(self, repository: str) -> str:
        """The address of the same repository for git."""
        return f"{self.web_url(repository)}.git"


@dataclass(frozen=True)
class CanonicalForge(Forge):
    """Forgejo; ``branch`` is the default branch of a service's repository."""

    branch: str


@dataclass(frozen=True)
class MirrorForge(Forge):
    """GitHub; ``api_url`` has no trailing slash."""

    api_url: str


@dataclass(frozen=True)
class ImageRegistry(System):
    """The registry of owned images, and the owner there."""

    owner: str


@dataclass(frozen=True)
class Deployer(System):
    """Woodpecker; ``old_pipelines`` are paths of pipelines that built images, which leave an adopted repository."""

    old_pipelines: Sequence[str]


@dataclass(frozen=True)
class SecretStore(System):
    """Vault; ``namespace`` is empty for the root namespace, and has no slashes at its ends."""

    mount: str
    namespace: str


@dataclass(frozen=True)
class MergePipeline:
    """What a push to the infra repository's default branch starts by itself.

    ``first``: the stacks that it applies before all others, in its order. ``never``: those that it leaves to a person.
    ``skip``: the word in a commit's message with which it applies nothing; empty where no word does that.
    """

    first: Sequence[str]
    never: Sequence[str]
    skip: str


@dataclass(frozen=True)
class InfraRepository:
    """The infra repository: its name, its default branch, and the folder of its stacks.

    ``apply`` is the command that applies a stack, None where the platform names none. ``pipeline`` is what a merge
    starts, None where it applies nothing. ``file_server`` is who logs in to the file server, None without a login.
    ``stateful`` lists more types of resources, or kinds of objects, with which something is lost.
    """

    repository: str
    branch: str
    stacks: str
    apply: str | None
    pipeline: MergePipeline | None
    file_server: str | None = None
    stateful: Sequence[str] = ()

    def stack(self, name: str) -> str:
        """A service's stack: its folder, with a trailing slash."""
        return f"{self.stacks}/{name}/"

    def stack_of(self, path: str) -> str:
        """The name of the stack that a file belongs to; empty where it belongs to none."""
        inner = path.removeprefix(f"{self.stacks}/")
        return inner.partition("/")[0] if inner != path and "/" in inner else ""

    def apply_command(self, stack: str, targets: Iterable[str] = ()) -> str:
        """The command that applies a stack, or only these addresses of it; empty where the platform names none."""
        options = "".join(f" {shlex.quote(f'-target={target}')}" for target in targets)
        return (self.apply or "").replace("<stack>", self.stack(stack).rstrip("/")).replace("<targets>", options)


@dataclass(frozen=True)
class Platform:
    """A profile, merged over the built-in one.

    ``data`` is all of it, for templates, comparisons and digests. ``actions_secrets`` names the credential that fills
    each; ``checks`` are as they are written. The infra repository's owner is Forgejo's.
    """

    data: Mapping[str, object]
    source: str
    schema: int
    name: str
    template_url: str
    domain: str
    lan_domain: str
    mirror_interval: str
    actions_secrets: Mapping[str, str]
    checks: Sequence[Any]
    registrations: Adjustments
    connection: Connection
    forgejo: CanonicalForge
    github: MirrorForge
    registry: ImageRegistry
    woodpecker: Deployer
    vault: SecretStore
    infra: InfraRepository
    sign_on: SignOn | None

    @classmethod
    def of(cls, data: Mapping[str, Any], source: str) -> Platform:
        """The profile that ``source`` says; its keys and their types are those of the built-in one."""
        github, vault, entries = data["github"], data["vault"], data["registrations"]
        return _filled(
            cls,
            data,
            data=data,
            source=source,
            mirror_interval=data["mirror"]["interval"],
            registrations=Adjustments(entries["skip"], entries["own"], source),
            connection=_connection(data["connection"]),
            forgejo=_system(CanonicalForge, data["forgejo"]),
            github=_system(MirrorForge, github, api_url=github["api_url"].rstrip("/")),
            registry=_system(ImageRegistry, data["registry"]),
            woodpecker=_system(Deployer, data["woodpecker"]),
            vault=_system(SecretStore, vault, namespace=bare_namespace(vault["namespace"])),
            infra=_infra(data["infra"]),
            sign_on=_sign_on(data),
        )

    def changed(self, changes: Mapping[str, Any]) -> Platform:
        """The same platform with other values of some keys, merged as a profile is; nothing is checked."""
        return Platform.of(merge(self.data, changes), self.source)

    @property
    def facts(self) -> dict[str, Any]:
        """What templates and registrations may use, and what an answers file may record."""
        return {key: value for key, value in self.data.items() if key not in _NO_FACTS}

    @property
    def systems(self) -> Mapping[str, System]:
        """The outside systems, by name."""
        return {name: part for name, part in vars(self).items() if isinstance(part, System)}

    def pin(self, system: str, host: str) -> Pin | None:
        """Where TCP for ``system`` at ``host`` goes; None by DNS. The load balancer serves the profile's hosts only."""
        return self.connection.pins.get(system) if host == self.systems[system].host else None


def _connection(data: Mapping[str, Any]) -> Connection:
    balancer, ca_file, key = data["load_balancer"], data["ca_file"], data.get("signing_key")
    pin = _filled(Pin, balancer) if balancer else None
    return _filled(
        Connection,
        data,
        load_balancer=pin,
        outside=_filled(Outside, data["outside"]) if data["outside"] else None,
        pins=dict.fromkeys(balancer["systems"], pin) if balancer else {},
        ca_file=str(expanded(ca_file)) if ca_file else None,
        signing_key=expanded(key).absolute() if key else None,
        infra_clone=expanded(data["infra_clone"]),
        retry=_filled(Retry, data["retry"]),
        credentials={
            name: _filled(CredentialSource, source, name=name, fallback=source.get("or", ""))
            for name, source in data["credentials"].items()
        },
    )


def _infra(data: Mapping[str, Any]) -> InfraRepository:
    pipeline = data["pipeline"]
    return _filled(InfraRepository, data, pipeline=_filled(MergePipeline, pipeline) if pipeline else None)


def _sign_on(data: Mapping[str, Any]) -> SignOn | None:
    given, domain = data["sign_on"], data["domain"]
    if given is None:
        return None
    host, anonymous = (
        name if not name or "." in name else f"{name}.{domain}" for name in (given["host"], given["anonymous"] or "")
    )
    return SignOn(host, given["callback"], anonymous)


def _system(kind: type[Section], data: Mapping[str, Any], **others: object) -> Section:
    address = data["url"] or f"https://{data['host']}"
    return _filled(kind, data, url=address.rstrip("/"), **others)


def _filled(kind: type[Section], data: Mapping[str, Any], /, **others: object) -> Section:
    """A part of the profile: each field from the key of its name, but for ``others``. Other keys are templates' own."""
    names = (field.name for field in fields(kind))  # type: ignore[arg-type]
    return kind(**{name: others[name] if name in others else data[name] for name in names})


def bare_namespace(namespace: str) -> str:
    """A namespace as Vault compares it: without slashes at its ends, and no name for the root's own."""
    bare = namespace.strip("/")
    return "" if bare == "root" else bare


def load_platform(
    builtin: Mapping[str, Any], path: Path | None = None, environ: Mapping[str, str] = os.environ
) -> Platform:
    """The profile in force: ``path``, NEWSERVICE_PLATFORM, the user's configuration, or the built-in one.

    Raises ``UsageError`` when the file can't be read, is not a profile, or has keys or values that no profile has.
    """
    if path is None and environ.get(ENVIRONMENT_VARIABLE):
        path = Path(environ[ENVIRONMENT_VARIABLE])
    if path is None:
        own = user_profile()
        path = own if own and own.is_file() else None
    if path is None:
        return Platform.of(builtin, BUILT_IN)
    return merged_platform(builtin, _read(path), str(path))


def user_profile() -> Path | None:
    """Where the user's own profile is looked for, and where ``newservice init`` puts it; None without a home."""
    folder = config_folder()
    return folder / "platform.yml" if folder else None


def merged_platform(builtin: Mapping[str, Any], overrides: Mapping[str, Any], source: str) -> Platform:
    """The built-in profile with ``overrides``, which come from ``source``.

    Raises ``UsageError`` with everything that is wrong with them.
    """
    problems = [problem for _, problem in profile_problems(builtin, overrides)]
    if problems:
        raise UsageError("platform.invalid", f"{source}: {'; '.join(problems)}", PROFILE_HINT)
    return Platform.of(merge(builtin, overrides), source)


def reason(platform: Platform, environ: Mapping[str, str] = os.environ) -> str:
    """Why this profile is in force, in a few words."""
    if platform.source == BUILT_IN:
        return f"built-in: no --platform, no {ENVIRONMENT_VARIABLE} and no {user_profile() or 'home folder'}"
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
        data = read_yaml(read_bounded(path))
    except OSError as error:
        raise UsageError(
            "platform.unreadable", f"the platform profile {path} can't be read: {error.strerror}", "check --platform"
        ) from error
    except ExternalTextError as error:
        raise UsageError("platform.invalid", f"{path} is not valid YAML: {error}", "correct the file") from error
    if not isinstance(data, dict):
        raise UsageError("platform.invalid", f"{path} is not a platform profile", PROFILE_HINT)
    return data
