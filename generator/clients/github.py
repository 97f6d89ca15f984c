"""GitHub's API through PyGithub; the one module that imports it."""

from __future__ import annotations

import base64
import logging
import queue
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote, urlsplit

from generator.base.errors import NewserviceError, PreflightError, SystemFailure
from generator.base.lazy_import import lazily
from generator.base.memo import run_parallel
from generator.base.secrets import Secret
from generator.clients.github_connection import Connection, UnansweredError
from generator.clients.patience import Pace, Patience
from generator.clients.transport import MOST_PAGES, PagesTime, http_client, no_answer, too_many_pages, wait_asked
from generator.infra_repo.fingerprints import Blob
from generator.platform.profile import Platform

if TYPE_CHECKING:
    import github
    import httpx
    from github.Repository import Repository as GithubRepository
else:
    github = lazily("github")
    httpx = lazily("httpx")

Given = TypeVar("Given")

_MINUTE = 60.0
"""Seconds to wait when GitHub names no time (REST API, best practices)."""


@dataclass(frozen=True)
class Mirror:
    """What is known about a mirror repository. ``private``: not public; ``internal``: visible to the enterprise.

    ``fork``: it was forked from another repository, with that one's description. ``pushed``: the day of the last push.
    """

    id: int
    full_name: str
    description: str
    private: bool
    archived: bool
    default_branch: str
    url: str
    internal: bool = False
    fork: bool = False
    pushed: str = ""


@dataclass(frozen=True)
class Account:
    """The token's user, and a classic token's scopes; None for a fine-grained one, which reports none."""

    login: str
    scopes: frozenset[str] | None


@dataclass(frozen=True)
class WorkflowRun:
    """A run of a workflow. ``conclusion`` is empty until ``status`` is completed; ``number`` grows with each run."""

    id: int
    number: int
    sha: str
    path: str
    status: str
    conclusion: str
    url: str


@dataclass(frozen=True)
class ActionsSecret:
    """When an Actions secret was created and written last, as GitHub writes times; nobody can read its value."""

    created: str
    updated: str


@dataclass(frozen=True)
class Limit:
    """Requests left in this hour, and when it ends (Unix time)."""

    remaining: int
    reset: int


@dataclass(frozen=True)
class Activity:
    """What people have added to a repository besides commits.

    ``issues``: whether there are any issues or pull requests, in any state; ``untracked``: issues are switched off, so
    earlier ones can't be seen. ``releases``: whether there are any, including drafts.
    """

    issues: bool
    untracked: bool
    releases: bool
    discussions: bool
    forks: int
    wiki: bool
    pages: bool


_INJECTION = threading.Lock()
"""PyGithub takes other connections through a setting of the whole process."""


class GitHub:
    """Client of one GitHub. PyGithub's own client serves one thread: each call takes one from a pool.

    Without a token it sees what everyone sees, and GitHub answers few requests an hour.
    """

    def __init__(
        self, platform: Platform, token: Secret | None, source: str = "GITHUB_TOKEN", patience: Patience | None = None
    ) -> None:
        self._platform = platform
        self._token = token
        self._source = source
        self._patience = patience or Patience.of(platform)
        self._idle: queue.LifoQueue[github.Github] = queue.LifoQueue()
        self._used = threading.local()
        self._api_url = platform.github.api_url.rstrip("/")
        self._seconds = platform.connection.timeout_seconds
        parts = urlsplit(self._api_url)
        self._client = http_client(platform, "github", {}, "", f"{parts.scheme}://{parts.netloc}")
        self._login = ""
        self._pace = Pace(platform.connection.github_write_interval_seconds)

    def close(self) -> None:
        """Close the connections."""
        while not self._idle.empty():
            self._idle.get_nowait().close()
        self._client.close()

    def login(self) -> str:
        """Name of the token's user; requested only once."""
        if not self._login:
            self._login = self._read("GET user", lambda: _text(self._github.get_user().login))
        return self._login

    def repository(self, full_name: str) -> Mirror | None:
        """The repository, or None if it does not exist or this token may not see it."""
        return self._read(f"GET repository {full_name}", lambda: self._found(full_name))

    def create_repository(self, full_name: str, *, description: str, private: bool) -> None:
        """Create an empty repository, never initialised: all of its content comes from the canonical one.

        One that already exists is left alone: another run may have created it first; the caller checks who owns it.
        """
        owner, _, name = full_name.partition("/")
        own = self.login().lower() == owner.lower()

        def create() -> None:
            parent: Any = self._lazy_user() if own else self._github.get_organization(owner)
            try:
                parent.create_repo(
                    name, description=description, private=private, auto_init=False, has_wiki=False, has_projects=False
                )
            except github.GithubException as error:
                if error.status != 422 or "already exists" not in _detail(error):
                    raise

        self._write(f"create repository {full_name}", create)

    def make_private(self, full_name: str) -> None:
        """Make the repository private."""
        self._edit(full_name, private=True)

    def make_public(self, full_name: str) -> None:
        """Let everyone see the repository."""
        self._edit(full_name, private=False)

    def unarchive(self, full_name: str) -> None:
        """Unarchive a repository."""
        self._edit(full_name, archived=False)

    def describe(self, full_name: str, description: str) -> None:
        """Change the repository's description."""
        self._edit(full_name, description=description)

    def set_default_branch(self, full_name: str, branch: str) -> None:
        """Change the default branch to ``branch``, which must exist."""
        self._edit(full_name, default_branch=branch)

    def _edit(self, full_name: str, **changes: Any) -> None:
        self._write(f"edit repository {full_name}", lambda: self._existing(full_name).edit(**changes))

    def branch(self, full_name: str, branch: str) -> str | None:
        """Commit id of a branch, or None."""

        def find() -> str | None:
            try:
                return str(self._existing(full_name).get_branch(branch).commit.sha)
            except github.UnknownObjectException:
                return None

        return self._read(f"GET branch {branch} of {full_name}", find)

    def branches(self, full_name: str) -> dict[str, str] | None:
        """Commit ids by branch; None if this token can't see the repository."""

        def find() -> dict[str, str] | None:
            try:
                pages = self._pages(f"/repos/{full_name}/branches?per_page=100")
                return {_text(item["name"]): _text(item["commit"]["sha"]) for page in pages for item in _list(page)}
            except github.UnknownObjectException:
                return None

        return self._read(f"GET branches of {full_name}", find)

    def references(self, full_name: str, prefix: str) -> dict[str, str] | None:
        """The ids of references by full name (``refs/tags/v1``); for an annotated tag, the id of the tag object.

        ``prefix``: what their names begin with, without ``refs/``. None if this token can't see the repository; empty
        if the repository is still empty.
        """

        def find() -> dict[str, str] | None:
            try:
                pages = self._pages(f"/repos/{full_name}/git/matching-refs/{quote(prefix)}")
                return {_text(item["ref"]): _text(item["object"]["sha"]) for page in pages for item in _list(page)}
            except github.UnknownObjectException:
                return None
            except github.GithubException as error:
                if error.status == 409 and "empty" in _detail(error):  # the server's wording
                    return {}
                raise

        return self._read(f"GET references {prefix} of {full_name}", find)

    def tree(self, full_name: str, sha: str) -> dict[str, Blob]:
        """All files and submodules of a commit by path. Raises ``SystemFailure`` where GitHub leaves some out."""

        def find() -> dict[str, Blob]:
            path = f"/repos/{full_name}/git/trees/{quote(sha)}?recursive=1"
            _, data = self._github.requester.requestJsonAndCheck("GET", path)
            if _flag(data["truncated"]):
                raise SystemFailure(
                    "github.too_large",
                    f"github: {full_name} has more files than GitHub lists at once",
                    "bring the repository to Forgejo by hand, then run the same command again",
                )
            return {
                _text(item["path"]): Blob.of(_text(item["sha"]), _text(item["mode"]))
                for item in _list(data["tree"])
                if item["type"] != "tree"
            }

        return self._read(f"GET files of {full_name}", find)

    def blob(self, full_name: str, sha: str) -> bytes:
        """The content of a file, by its id."""
        path = f"/repos/{full_name}/git/blobs/{quote(sha)}"
        return self._understood(path, lambda data: base64.b64decode(_text(data["content"])))

    def actions_secrets(self, full_name: str) -> dict[str, ActionsSecret] | None:
        """The Actions secrets by name (values can't be read); None if the repository can't be seen."""

        def find() -> dict[str, ActionsSecret] | None:
            try:
                pages = self._pages(f"/repos/{full_name}/actions/secrets?per_page=100")
                return {
                    _text(item["name"]): ActionsSecret(_time(item["created_at"]), _time(item["updated_at"]))
                    for page in pages
                    for item in _list(page["secrets"])
                }
            except github.UnknownObjectException:
                return None

        return self._read(f"GET Actions secrets of {full_name}", find)

    def put_secrets(self, full_name: str, values: Mapping[str, Secret]) -> None:
        """Write Actions secrets, sealed with the repository's public key."""
        key = self._read(f"GET public key of {full_name}", lambda: self._existing(full_name).get_public_key())

        def put(name: str, value: Secret) -> None:
            path = f"/repos/{full_name}/actions/secrets/{quote(name)}"
            body = {"encrypted_value": key.encrypt(value.reveal()), "key_id": key.key_id}
            self._github.requester.requestJsonAndCheck("PUT", path, input=body)

        def write(name: str) -> None:
            what = f"PUT Actions secret {name} of {full_name}"
            self._write(what, lambda: put(name, values[name]), repeatable=True)

        run_parallel(*(partial(write, name) for name in values))

    def delete_secret(self, full_name: str, name: str) -> None:
        """Delete an Actions secret; it is no error if it is already gone."""
        path, what = f"/repos/{full_name}/actions/secrets/{quote(name)}", f"DELETE Actions secret {name} of {full_name}"

        def delete() -> None:
            try:
                self._github.requester.requestJsonAndCheck("DELETE", path)
            except github.UnknownObjectException:
                return

        self._write(what, delete, repeatable=True)

    def account(self) -> Account:
        """The token's user and scopes, from one request.

        A classic token's scopes are in a header that is missing for fine-grained tokens (REST API, OAuth scopes).
        """
        headers, data = self._ask("/user")
        listed = headers.get("x-oauth-scopes")
        scopes = None if listed is None else frozenset(part.strip() for part in str(listed).split(",") if part.strip())
        self._login = self._login or str(data["login"])
        return Account(str(data["login"]), scopes)

    def limit(self) -> Limit:
        """The requests left in this hour; this request does not count."""
        core = self._ask("/rate_limit")[1]["resources"]["core"]
        return Limit(int(core["remaining"]), int(core["reset"]))

    def may_create(self, organisation: str) -> bool | None:
        """Whether the token's user may create repositories in an organisation; None if that can't be seen.

        Raises ``PreflightError`` if the user is not a member, or the token may not see the membership.
        """
        membership = self._ask(f"/user/memberships/orgs/{quote(organisation)}")[1]
        if membership.get("state") != "active":
            return False
        allowed = (membership.get("permissions") or {}).get("can_create_repository")
        if allowed is None and membership.get("role") == "admin":
            return True
        if allowed is None:
            allowed = self._ask(f"/orgs/{quote(organisation)}")[1].get("members_can_create_private_repositories")
        return None if allowed is None else bool(allowed)

    def refused(self, path: str) -> str | None:
        """The permissions that a path of the API requires, if this token is refused; None if it is accepted.

        For fine-grained tokens, GitHub names them in a header (REST API, troubleshooting).
        """

        def ask() -> str | None:
            try:
                self._github.requester.requestJsonAndCheck("GET", path)
            except github.GithubException as error:
                headers = {str(key).lower(): str(value) for key, value in (error.headers or {}).items()}
                wanted = headers.get("x-accepted-github-permissions", "")
                if error.status not in (403, 404) or not wanted or _limited(error):
                    raise
                return wanted
            return None

        return self._read(f"GET {path}", ask)

    def newest(self) -> str | None:
        """Full name of the user's most recently pushed repository; None if there is none."""
        _, data = self._ask("/user/repos?affiliation=owner&sort=pushed&per_page=1")
        return str(data[0]["full_name"]) if data else None

    def activity(self, full_name: str) -> Activity | None:
        """What people have added to a repository besides commits; None if the repository can't be seen.

        Raises ``PreflightError`` if it exists, but its issues or releases can't be seen.
        """

        def find() -> Activity | None:
            try:
                found = self._github.get_repo(full_name)
                return Activity(
                    issues=bool(int(found.open_issues_count)),
                    untracked=not found.has_issues,
                    releases=False,
                    discussions=bool(found.has_discussions),
                    forks=int(found.forks_count),
                    wiki=bool(found.has_wiki),
                    pages=bool(found.has_pages),
                )
            except github.UnknownObjectException:
                return None

        seen = self._read(f"GET repository {full_name}", find)
        if seen is None:
            return None
        # The answer for a repository with issues switched off is not documented.
        issues = seen.issues or (not seen.untracked and self._any(f"/repos/{full_name}/issues?state=all"))
        return replace(seen, issues=issues, releases=self._any(f"/repos/{full_name}/releases?page=1"))

    def delete_repository(self, full_name: str) -> None:
        """Delete a repository, for good. Raises ``PreflightError`` if the token is not allowed to."""
        self._write(f"delete repository {full_name}", lambda: self._existing(full_name).delete())

    def runs(self, full_name: str, sha: str) -> list[WorkflowRun]:
        """The workflow runs of a commit, newest first; at most a hundred.

        Raises ``PreflightError`` if the token may not see them, or the repository does not exist.
        """
        path = f"/repos/{full_name}/actions/runs?head_sha={quote(sha)}&per_page=100"
        runs = self._understood(path, lambda data: [_run(item) for item in data["workflow_runs"]])
        return sorted(runs, key=lambda run: run.number, reverse=True)

    def failed_jobs(self, full_name: str, run: int) -> list[str]:
        """Names of a run's completed jobs that neither succeeded nor were skipped."""
        well = (None, "success", "skipped", "neutral")
        return self._understood(
            f"/repos/{full_name}/actions/runs/{run}/jobs?per_page=100",
            lambda data: [str(job["name"]) for job in data["jobs"] if job.get("conclusion") not in well],
        )

    def runs_actions(self, full_name: str) -> bool:
        """Whether Actions are switched on in a repository. Raises ``PreflightError`` if the token may not see this."""
        return self._understood(f"/repos/{full_name}/actions/permissions", lambda data: bool(data["enabled"]))

    def _pages(self, path: str) -> Iterator[Any]:
        """The pages of a list. Only GitHub's own address is followed, and none of its pages twice."""
        seen: set[str] = set()
        duration = PagesTime("github", f"GET {path.partition('?')[0]}", self._seconds)
        while path:
            if path in seen or len(seen) == MOST_PAGES:
                raise too_many_pages("github", f"GET {path.partition('?')[0]}")
            seen.add(path)
            with duration.counted():
                headers, data = self._github.requester.requestJsonAndCheck("GET", path)
            yield data
            address = _next(headers)
            path = address.removeprefix(self._api_url)
            if address and (path == address or not path.startswith("/")):
                raise ValueError("the next page is elsewhere")

    def _any(self, path: str) -> bool:
        """Whether a list has any entry; ``path`` includes the start of a query."""
        return self._understood(f"{path}&per_page=1", lambda data: bool(_list(data)))

    def _understood(self, path: str, read: Callable[[Any], Given]) -> Given:
        """The result of ``read`` for a path's answer. Raises ``SystemFailure`` if ``read`` can't parse it."""
        return self._read(
            f"GET {path.partition('?')[0]}",
            lambda: read(self._github.requester.requestJsonAndCheck("GET", path)[1]),
        )

    def _ask(self, path: str) -> tuple[Mapping[str, Any], Any]:
        """Headers (lower case) and body of a path that PyGithub has no object for."""
        return self._read(f"GET {path}", lambda: self._github.requester.requestJsonAndCheck("GET", path))

    @property
    def _github(self) -> github.Github:
        """The client of this thread's current call; its objects are loaded lazily."""
        client: github.Github = self._used.client
        return client

    def _existing(self, full_name: str) -> GithubRepository:
        """A repository that is known to exist: loaded lazily, without an extra request."""
        return self._github.get_repo(full_name)

    def _lazy_user(self) -> Any:
        return self._github.get_user()

    def _found(self, full_name: str) -> Mirror | None:
        try:
            return _mirror(self._github.get_repo(full_name))
        except github.UnknownObjectException:
            return None

    def _read(self, what: str, call: Callable[[], Given]) -> Given:
        """The result of ``call``, which changes nothing and is retried."""
        return self._patience(lambda: self._once(what, call), repeatable=True)

    def _write(self, what: str, call: Callable[[], Given], *, repeatable: bool = False) -> Given:
        """The result of ``call``, which changes something. ``repeatable``: it is idempotent."""

        def paced() -> Given:
            self._pace.wait()
            return self._once(what, call)

        return self._patience(paced, repeatable=repeatable)

    def _once(self, what: str, call: Callable[[], Given]) -> Given:
        with self._translated(what):
            return call()

    @contextmanager
    def _translated(self, what: str) -> Iterator[None]:
        """Provide a client for this thread, and translate its exceptions to ours."""
        try:
            client = self._idle.get_nowait()
        except queue.Empty:
            client = self._opened()
        self._used.client = client
        try:
            yield
        except github.GithubException as error:
            if isinstance(error, github.BadAttributeException):
                raise _no_answer(what, error) from None
            raise self._failure(what, error) from None
        except UnansweredError as error:
            raise self._failure(what, github.GithubException(error.status, {"message": str(error)})) from None
        except httpx.HTTPError as error:
            raise no_answer("github", f"github: {what}", error) from None
        except (
            ValueError,
            TypeError,
            AttributeError,
            AssertionError,
            LookupError,
            OverflowError,
            RuntimeError,
        ) as error:
            raise _no_answer(what, error) from None
        finally:
            del self._used.client
            self._idle.put(client)

    def _opened(self) -> github.Github:
        """A client of PyGithub's, whose requests go through ours: its own know no bounds."""
        requester = github.Requester.Requester
        logging.getLogger("github").setLevel(logging.ERROR)  # its import has it write to the screen
        with _INJECTION:
            requester.injectConnectionClasses(self._connection, self._connection)  # type: ignore[arg-type]
            try:
                return github.Github(
                    base_url=self._api_url,
                    auth=github.Auth.Token(self._token.reveal()) if self._token else None,
                    retry=None,
                    seconds_between_requests=0,
                    seconds_between_writes=0,
                    lazy=True,
                )
            finally:
                requester.resetConnectionClasses()

    def _connection(self, host: str, *_: Any, **__: Any) -> Connection:
        return Connection(host, self._client)

    def _failure(self, what: str, error: github.GithubException) -> NewserviceError:
        detail = _detail(error)
        limited = _limited(error)
        if limited:
            return SystemFailure(
                "github.limited",
                f"github: {what} was refused for now: too many requests{detail}; GitHub asks to wait {limited:.0f} s",
                "nothing is lost: wait, then run the same command again",
                passing=True,
                undone=True,
                after=limited,
            )
        if error.status == 401:
            return PreflightError(
                "github.unauthorized", f"github: {what}: the credential was not accepted", f"renew {self._source}"
            )
        if error.status in (403, 404):
            return PreflightError(
                "github.forbidden",
                f"github: {what} answered {error.status}{detail}: it is missing, or the token may not see or do it",
                f"the token in {self._source} needs the scopes repo and workflow (fine-grained: Administration, "
                "Contents, Secrets and Workflows, write)",
            )
        return SystemFailure(
            "github.failed",
            f"github: {what} answered {error.status}{detail}",
            "nothing is lost: fix what is named here and run the same command again",
            passing=error.status >= 500,
        )


def _limited(error: github.GithubException) -> float:
    """Seconds to wait if a rate limit was hit, otherwise 0: Retry-After, then the reset time, then a minute."""
    headers: Mapping[str, str] = {str(key).lower(): str(value) for key, value in (error.headers or {}).items()}
    used_up = headers.get("x-ratelimit-remaining") == "0"
    detail = _detail(error).lower()
    secondary = error.status in (403, 429) and ("rate limit" in detail or "retry-after" in headers or used_up)
    if error.status != 429 and not secondary:
        return 0
    if asked := wait_asked(headers):
        return asked
    reset = headers.get("x-ratelimit-reset", "")
    return max(float(reset) - time.time(), 1.0) if used_up and reset.isdecimal() else _MINUTE


def _no_answer(what: str, error: Exception) -> SystemFailure:
    return SystemFailure(
        "github.not_json",
        f"github: {what} got an answer that GitHub does not give ({type(error).__name__})",
        "the address is wrong, or a proxy answered; check github.api_url in the platform profile",
    )


def _text(value: object) -> str:
    """Return ``value`` if it is text. Raises ``TypeError`` otherwise."""
    if not isinstance(value, str):
        raise TypeError("GitHub's answer has no text where it should")
    return value


def _time(value: object) -> str:
    """A time as GitHub writes it. Raises ``ValueError`` or ``TypeError`` for anything else."""
    return datetime.fromisoformat(_text(value)).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _flag(value: object) -> bool:
    """``value``, which must be true or false: a missing value must not be read as "public"."""
    if not isinstance(value, bool):
        raise TypeError("neither true nor false where GitHub gives one of them")
    return value


def _list(value: object) -> list[Any]:
    """``value``, which must be a list: anything else must not be read as "nothing"."""
    if not isinstance(value, list):
        raise TypeError("no list where GitHub gives one")
    return value


_LINK = re.compile(r"<([^<>]*)>([^<>]*)")
_IS_NEXT = re.compile(r"""\brel\s*=\s*"?next\b""", re.I)


def _next(headers: Mapping[str, Any]) -> str:
    """Address of the next page; empty on the last one."""
    links = _LINK.findall(str(headers.get("link") or ""))
    return next((address for address, parameters in links if _IS_NEXT.search(parameters)), "")


_LONGEST_DETAIL = 300


def _detail(error: github.GithubException) -> str:
    data = error.data if isinstance(error.data, dict) else {}
    parts = [str(data.get("message", ""))]
    parts += [str(item.get("message", "")) for item in data.get("errors") or [] if isinstance(item, dict)]
    text = "; ".join(part for part in parts if part)
    return f" ({text[:_LONGEST_DETAIL]})" if text else ""


def _run(data: Mapping[str, Any]) -> WorkflowRun:
    return WorkflowRun(
        id=int(data["id"]),
        number=int(data["run_number"]),
        sha=_text(data["head_sha"]),
        path=str(data["path"]).partition("@")[0],
        status=str(data["status"] or ""),
        conclusion=str(data["conclusion"] or ""),
        url=str(data["html_url"]),
    )


def _mirror(repository: GithubRepository) -> Mirror:
    internal = repository.visibility == "internal"
    return Mirror(
        id=int(repository.id),
        full_name=_text(repository.full_name),
        description=repository.description or "",
        private=_flag(repository.private) or internal,
        archived=_flag(repository.archived),
        default_branch=repository.default_branch or "",
        url=repository.html_url or "",
        internal=internal,
        fork=bool(repository.fork),
        pushed=f"{repository.pushed_at:%Y-%m-%d}" if repository.pushed_at else "",
    )
