"""GitHub's API through PyGithub; the one module that imports it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import requests
from github import Auth, Github, GithubException, UnknownObjectException
from github.Repository import Repository as GithubRepository

from generator.errors import PreflightError, SystemFailure
from generator.platform import Platform
from generator.secret import Secret


@dataclass(frozen=True)
class Mirror:
    """What is known of a mirror repository."""

    id: int
    full_name: str
    description: str
    private: bool
    archived: bool
    default_branch: str
    url: str


class GitHub:
    """Client of one GitHub."""

    def __init__(self, platform: Platform, token: Secret, source: str = "GITHUB_TOKEN") -> None:
        # No retries of PyGithub's own: it repeats creations, which then meet their own success.
        self._github = Github(
            base_url=platform.data["github"]["api_url"],
            auth=Auth.Token(token.reveal()),
            timeout=int(platform.connection["timeout_seconds"]),
            verify=platform.ca_file or True,
            retry=None,
            seconds_between_requests=0,
            seconds_between_writes=float(platform.connection["github_write_interval_seconds"]),
        )
        self._lazy = self._github.withLazy(True)  # for what is known to be there: no request before the one asked for
        self._source = source

    def close(self) -> None:
        """Close the connections."""
        self._github.close()
        self._lazy.close()

    def login(self) -> str:
        """Name of the token's user."""
        with self._translated("GET user"):
            return str(self._github.get_user().login)

    def repository(self, full_name: str) -> Mirror | None:
        """The repository, or None where there is none that this token may see."""
        with self._translated(f"GET repository {full_name}"):
            found = self._find(full_name)
            return None if found is None else _mirror(found)

    def create_repository(self, full_name: str, *, description: str, private: bool) -> None:
        """Create an empty repository, never initialised: what it holds comes from the canonical one alone.

        One that is there already is left alone: another run may have been quicker, the caller looks whose it is.
        """
        owner, _, name = full_name.partition("/")
        with self._translated(f"create repository {full_name}"):
            user: Any = self._github.get_user()
            parent: Any = user if user.login.lower() == owner.lower() else self._github.get_organization(owner)
            try:
                parent.create_repo(
                    name, description=description, private=private, auto_init=False, has_wiki=False, has_projects=False
                )
            except GithubException as error:
                if error.status != 422 or "already exists" not in _told(error):
                    raise

    def edit_repository(
        self, full_name: str, *, private: bool | None = None, archived: bool | None = None, branch: str | None = None
    ) -> None:
        """Change visibility, archival or default branch; what is None stays."""
        wanted = {"private": private, "archived": archived, "default_branch": branch}
        changes: dict[str, Any] = {key: value for key, value in wanted.items() if value is not None}
        with self._translated(f"edit repository {full_name}"):
            self._existing(full_name).edit(**changes)

    def branch(self, full_name: str, branch: str) -> str | None:
        """Commit id of a branch, or None."""
        with self._translated(f"GET branch {branch} of {full_name}"):
            try:
                return str(self._existing(full_name).get_branch(branch).commit.sha)
            except UnknownObjectException:
                return None

    def branches(self, full_name: str) -> dict[str, str]:
        """Commit ids by branch."""
        with self._translated(f"GET branches of {full_name}"):
            return {item.name: item.commit.sha for item in self._existing(full_name).get_branches()}

    def secret_names(self, full_name: str) -> set[str]:
        """Names of the Actions secrets; their values can't be read by anybody."""
        with self._translated(f"GET Actions secrets of {full_name}"):
            return {item.name for item in self._existing(full_name).get_secrets()}

    def put_secret(self, full_name: str, name: str, value: Secret) -> None:
        """Write one Actions secret, sealed with the repository's public key."""
        with self._translated(f"PUT Actions secret {name} of {full_name}"):
            self._existing(full_name).create_secret(name, value.reveal())

    def _existing(self, full_name: str) -> GithubRepository:
        return self._lazy.get_repo(full_name)

    def _find(self, full_name: str) -> GithubRepository | None:
        try:
            return self._github.get_repo(full_name)
        except UnknownObjectException:
            return None

    @contextmanager
    def _translated(self, what: str) -> Iterator[None]:
        try:
            yield
        except GithubException as error:
            told = _told(error)
            if error.status == 401:
                raise PreflightError(
                    "github.unauthorized", f"github: {what}: the credential was not accepted", f"renew {self._source}"
                ) from None
            if error.status in (403, 404):
                raise PreflightError(
                    "github.forbidden",
                    f"github: {what} answered {error.status}{told}: it is missing, or the token may not see or do it",
                    f"the token in {self._source} needs the scopes repo and workflow (fine-grained: Administration, "
                    "Contents, Secrets and Workflows, write)",
                ) from None
            raise SystemFailure(
                "github.failed",
                f"github: {what} answered {error.status}{told}",
                "nothing is lost: mend what is named here and run the same command again",
            ) from None
        except requests.RequestException as error:
            raise SystemFailure(
                "github.unreachable",
                f"github: {what} could not be sent: {type(error).__name__}",
                "check the network and the certificate, then run the same command again",
            ) from None


def _told(error: GithubException) -> str:
    data = error.data if isinstance(error.data, dict) else {}
    parts = [str(data.get("message", ""))]
    parts += [str(item.get("message", "")) for item in data.get("errors") or [] if isinstance(item, dict)]
    text = "; ".join(part for part in parts if part)
    return f" ({text})" if text else ""


def _mirror(repository: GithubRepository) -> Mirror:
    return Mirror(
        id=repository.id,
        full_name=repository.full_name,
        description=repository.description or "",
        private=repository.private,
        archived=repository.archived,
        default_branch=repository.default_branch or "",
        url=repository.html_url or "",
    )
