"""The checks of each system: its certificate, the server, whose token it is, what the token may do."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass

from generator.base.checks import Check, CheckState
from generator.base.errors import PreflightError
from generator.clients.forgejo import Forgejo
from generator.clients.github import GitHub
from generator.clients.patience import Patience
from generator.clients.woodpecker import Woodpecker
from generator.engine.credentials import Credential
from generator.lifecycle.doctor import connection, forgejo, github, reach, vault, woodpecker
from generator.lifecycle.doctor.gathering import attempt
from generator.lifecycle.doctor.tokens import Purse
from generator.platform.profile import Platform
from generator.platform.vault_location import vault_address

_EXAMPLE = "newservice-example"
"""Stands for a service's name where none is known: Vault's policies go by path."""


@dataclass(frozen=True)
class Scene:
    """What the checks need: a profile with short time limits, the credentials, and a patience of a single try."""

    platform: Platform
    purse: Purse
    patience: Patience

    def url(self, system: str) -> str:
        """Where the API of a system is."""
        if system == "github":
            return self.platform.github.api_url
        if system == "vault":
            return vault_address(self.platform, self.purse.environ)
        return self.platform.systems[system].url

    def forgejo(self, credential: Credential) -> Forgejo:
        """A client of Forgejo."""
        return Forgejo(self.platform, credential.value, credential.source, self.patience)


def look_at_forgejo(scene: Scene) -> Iterator[Check]:
    """Forgejo and the main token."""
    reached = yield from _reached(scene, "forgejo")
    credential = yield from _found(scene, "forgejo", reached=reached)
    if credential is None or not reached:
        return
    owner, source = scene.platform.forgejo.owner, credential.source
    with closing(scene.forgejo(credential)) as client:
        login = attempt("forgejo.token", lambda: forgejo.whose(client))
        if isinstance(login, Check):
            yield login
            return
        yield _ok("forgejo.token", f"{login or 'accepted'}, from {source}")
        listed = attempt("forgejo.scopes", lambda: forgejo.observe_tokens(client, login or owner))
        needed = forgejo.needed_scopes(organisation=bool(login) and login.lower() != owner.lower())
        yield (
            listed
            if isinstance(listed, Check)
            else forgejo.judge_scopes("forgejo.scopes", listed, credential.value, needed, source)
        )
        if login:
            yield attempt("forgejo.owner", lambda: forgejo.check_owner(client, login, owner))
        yield attempt("forgejo.infra", lambda: forgejo.check_infra_branch(client, scene.platform, source))


def look_at_git_token(scene: Scene) -> Iterator[Check]:
    """The token that CI pushes with. It can reveal little about itself; the main user's list of tokens has it."""
    if "forgejo_git" not in scene.platform.actions_secrets.values():
        for name in ("forgejo_git.token", "forgejo_git.scopes"):
            yield Check(name, CheckState.SKIPPED, "no Actions secret of this platform is filled from it")
        return
    credential = yield from _found(scene, "forgejo_git")
    if credential is None:
        return
    owner, infra, source = scene.platform.forgejo.owner, scene.platform.infra.repository, credential.source
    with closing(scene.forgejo(credential)) as client:
        refused = attempt("forgejo_git.token", lambda: forgejo.observe_push_token(client, owner, infra))
    if isinstance(refused, Check):
        yield refused
        return
    main = attempt("forgejo_git.scopes", lambda: scene.purse.find("forgejo"))
    shared = isinstance(main, Credential) and main.value == credential.value
    yield _ok(
        "forgejo_git.token", f"accepted, from {source}" + ("; CI gets all rights of the main token" if shared else "")
    )
    listed = forgejo.Listed("", None, refused)
    if isinstance(main, Credential) and not refused:
        with closing(scene.forgejo(main)) as client:
            seen = attempt("forgejo_git.scopes", lambda: forgejo.observe_tokens(client, owner))
        listed = listed if isinstance(seen, Check) else seen.without_refusals()
    yield forgejo.judge_scopes("forgejo_git.scopes", listed, credential.value, forgejo.PUSH_SCOPES, source)


def look_at_github(scene: Scene) -> Iterator[Check]:
    """GitHub and its token."""
    reached = yield from _reached(scene, "github")
    credential = yield from _found(scene, "github", reached=reached)
    if credential is None or not reached:
        return
    source = credential.source
    with closing(GitHub(scene.platform, credential.value, source, scene.patience)) as client:
        account = attempt("github.token", client.account)
        if isinstance(account, Check):
            yield account
            return
        kind = "fine-grained" if account.scopes is None else "classic"
        yield _ok("github.token", f"{account.login}, {kind}, from {source}")
        yield attempt("github.scopes", lambda: github.check_scopes(client, account, source))
        owner = scene.platform.github.owner
        yield attempt("github.owner", lambda: github.check_owner(client, account, owner))
        yield attempt("github.limit", lambda: github.judge_limit(client.limit()))


def look_at_woodpecker(scene: Scene) -> Iterator[Check]:
    """Woodpecker and its token."""
    reached = yield from _reached(scene, "woodpecker")
    credential = yield from _found(scene, "woodpecker", reached=reached)
    if credential is None or not reached:
        return
    with closing(Woodpecker(scene.platform, credential.value, credential.source, scene.patience)) as client:
        account = attempt("woodpecker.token", client.account)
    if isinstance(account, Check):
        yield account
        return
    yield _ok("woodpecker.token", f"{account.login}, from {credential.source}")
    yield woodpecker.judge_rights(account)


def look_at_vault(scene: Scene) -> Iterator[Check]:
    """Vault, its token, the mount of the services' secrets, and what the token may do there."""
    reached = yield from _reached(scene, "vault")
    client = attempt("vault.token", scene.purse.vault)
    if isinstance(client, Check):
        yield client
        return
    if client is None:
        summary = "neither VAULT_TOKEN nor the file that `vault login` leaves has one; services' secrets need it"
        yield Check("vault.token", CheckState.FAILED, summary, "log in (`vault login`), or set VAULT_TOKEN")
        return
    source = client.source
    if not reached:
        yield _unproven("vault", source)
        return
    yield attempt("vault.token", lambda: vault.check_token(client, source))
    path = f"{scene.platform.vault.mount}/{_EXAMPLE}"
    mounted = attempt("vault.mount", lambda: vault.check_mount(client, path))
    yield mounted
    if mounted.state is CheckState.OK:
        yield attempt("vault.scopes", lambda: vault.check_capabilities(client, path, source, trying=False))


def look_at_registry(scene: Scene) -> Iterator[Check]:
    """The image registry, which only `verify` asks."""
    reached = yield from _reached(scene, "registry")
    credential = yield from _found(scene, "registry", reached=reached)
    if credential is None or not reached:
        return
    main = attempt("registry.token", lambda: scene.purse.find("github"))
    if isinstance(main, Check) or main.value != credential.value:
        yield _ok("registry.token", f"from {credential.source}; its rights show when an image is read")
        return
    with closing(GitHub(scene.platform, main.value, main.source, scene.patience)) as client:
        account = attempt("registry.token", client.account)
    yield account if isinstance(account, Check) else github.judge_packages(account, main.source)


def look_at_slack(scene: Scene) -> Iterator[Check]:
    """Only whether a webhook is set: trying it would post a message."""
    if "slack" not in scene.platform.actions_secrets.values():
        yield Check("slack.token", CheckState.SKIPPED, "no Actions secret of this platform is filled from it")
        return
    credential = yield from _found(scene, "slack")
    if credential is not None:
        yield _ok("slack.token", f"a webhook from {credential.source}; never tried; the first build tests it")


def _reached(scene: Scene, system: str) -> Generator[Check, None, bool]:
    """The certificate and the server; whether a token may be sent there."""
    url, way = scene.url(system), scene.platform.connection
    place = attempt(f"{system}.certificate", lambda: connection.place_of(scene.platform, system, url))
    if isinstance(place, Check):
        yield place
        return False
    line = attempt(
        f"{system}.certificate",
        lambda: connection.observe_line(place, way.ca_file, way.timeout_seconds),
    )
    if isinstance(line, Check):
        yield line
        return False
    yield connection.judge_certificate(system, place, line, connection.now())
    if not line.trusted:
        yield connection.judge_unreached(system, place, line)
        return False
    answer = attempt(f"{system}.reachable", lambda: reach.observe(scene.platform, system, url))
    check = answer if isinstance(answer, Check) else reach.judge(system, answer)
    yield check
    return check.well


def _found(scene: Scene, name: str, *, reached: bool = True) -> Generator[Check, None, Credential | None]:
    """A credential, or None if it is missing. Yields a check if it is missing or its system is not reached."""
    try:
        credential = scene.purse.find(name)
    except PreflightError as error:
        yield Check(f"{name}.token", CheckState.FAILED, error.message, error.hint)
        return None
    if not reached:
        yield _unproven(name, credential.source)
    return credential


def _unproven(name: str, source: str) -> Check:
    return Check(f"{name}.token", CheckState.UNKNOWN, f"from {source}; not proven: see {name}.reachable")


def _ok(name: str, summary: str) -> Check:
    return Check(name, CheckState.OK, summary)
