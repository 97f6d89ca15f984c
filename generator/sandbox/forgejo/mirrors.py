"""Push mirrors: the rules of the API, and pushes that really happen."""

from __future__ import annotations

import base64
import queue
import re
import threading
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from generator.sandbox.forgejo.errors import ForgejoError
from generator.sandbox.forgejo.state import PushMirror, Repository, now
from generator.sandbox.repositories import GitError, git_environment, run_git

USER_AGENT = "sandbox-push-mirror"
_DURATION = re.compile(r"(\d+(?:\.\d*)?)(h|ms|m|s)")
_SECONDS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_MINIMUM = 600.0


def parse_interval(text: object) -> str:
    """A Go duration, normalised (``8h`` becomes ``8h0m0s``). Raises ForgejoError (400) for what Forgejo refuses."""
    if not isinstance(text, str) or not text or "".join(m.group() for m in _DURATION.finditer(text)) != text:
        raise ForgejoError(400, f'time: invalid duration "{text or ""}"')
    seconds = sum(float(number) * _SECONDS[unit] for number, unit in _DURATION.findall(text))
    if 0 < seconds < _MINIMUM:
        # What the server really says when its error is nil.
        raise ForgejoError(400, "%!s(<nil>)")
    return normalised(int(seconds))


def normalised(seconds: int) -> str:
    """A duration as Go prints it."""
    hours, rest = divmod(seconds, 3600)
    minutes, rest = divmod(rest, 60)
    if hours:
        return f"{hours}h{minutes}m{rest}s"
    return f"{minutes}m{rest}s" if minutes else f"{rest}s"


def check_address(address: str, allowed_hosts: set[str]) -> None:
    """Raises ForgejoError for an address that Forgejo would not mirror to."""
    parts = urlsplit(address)
    if parts.username or parts.password:
        raise ForgejoError(400, "The URL contains credentials")
    if parts.scheme not in ("", "http", "https"):
        raise ForgejoError(400, "Invalid mirror protocol")
    if parts.hostname not in allowed_hosts:
        raise ForgejoError(401, "Permission denied")


class Mirrors:
    """Pushes repositories to their mirrors: at once when asked, in the background after a commit."""

    def __init__(self, home: Path, ca_file: Path) -> None:
        self._home = home
        self._ca_file = ca_file
        self._queue: queue.SimpleQueue[Repository | None] = queue.SimpleQueue()
        self._waiting = 0
        # Seconds that a push may take, as the real server has it: git waits for ever for the rest of an answer.
        self.longest = 300.0
        self._changed = threading.Condition()
        self._pushing = threading.Lock()
        self._thread = threading.Thread(target=self._work, name="sandbox-mirrors", daemon=True)

    def start(self) -> None:
        """Begin to work in the background."""
        self._thread.start()

    def stop(self) -> None:
        """Let the push under way end, and do no more."""
        self._queue.put(None)
        self._thread.join()

    def bring(self, repository: Repository, address: str, password: str) -> None:
        """Bring all references of a repository elsewhere, whose branch there becomes the default one.

        Raises GitError.
        """
        user = "oauth2" if password else ""
        environment = self._environment(PushMirror(address, "", username=user, password=password))
        path = repository.bare.path
        said = run_git(path, "ls-remote", "--symref", address, "HEAD", environment=environment).decode()
        run_git(path, "fetch", "--quiet", "--no-auto-maintenance", address, "+refs/*:refs/*", environment=environment)
        head = re.match(r"ref: refs/heads/(\S+)\tHEAD", said)
        if head and head[1] in repository.bare.heads():
            repository.set_default_branch(head[1])

    def sync(self, repository: Repository) -> bool:
        """Push to every mirror, one after the other; False when one failed, and those after it are skipped."""
        return all(self._push(repository, mirror) for mirror in list(repository.mirrors))

    def after_commit(self, repository: Repository) -> None:
        """Queue the mirrors that follow commits."""
        if any(mirror.sync_on_commit for mirror in repository.mirrors) and not repository.archived:
            with self._changed:
                self._waiting += 1
            self._queue.put(repository)

    @property
    def busy(self) -> bool:
        """Whether a push that a commit has caused is queued or under way."""
        with self._changed:
            return self._waiting > 0

    def wait(self, timeout: float) -> None:
        """Wait until nothing is queued. Raises TimeoutError when it takes too long."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._waiting == 0, timeout):
                raise TimeoutError(f"push mirrors still at work after {timeout:g} s")

    def _work(self) -> None:
        while (repository := self._queue.get()) is not None:
            for mirror in [mirror for mirror in repository.mirrors if mirror.sync_on_commit]:
                self._push(repository, mirror)
            with self._changed:
                self._waiting -= 1
                self._changed.notify_all()

    def _push(self, repository: Repository, mirror: PushMirror) -> bool:
        with self._pushing:
            mirror.last_error = self._attempt(repository, mirror)
            mirror.last_update = now()
        return not mirror.last_error

    def _attempt(self, repository: Repository, mirror: PushMirror) -> str:
        try:
            tags = repository.bare.tags()
            kinds = ["heads", "tags"] if repository.bare.heads() else ["tags"]
            if kinds == ["tags"] and not tags:
                return "fatal: No configured push destination: the repository is empty"
            run_git(
                repository.bare.path,
                *("push", "--force", "--prune", mirror.remote_address),
                *(f"refs/{kind}/*:refs/{kind}/*" for kind in kinds),
                environment=self._environment(mirror),
                longest=self.longest,
            )
        except (GitError, OSError) as error:
            return str(error) or "push failed"
        return ""

    def _environment(self, mirror: PushMirror) -> Mapping[str, str]:
        environment = git_environment(self._home) | {
            "GIT_SSL_CAINFO": str(self._ca_file),
            "GIT_HTTP_USER_AGENT": USER_AGENT,
        }
        if mirror.password or mirror.username:
            basic = base64.b64encode(f"{mirror.username}:{mirror.password}".encode()).decode()
            environment |= {
                "GIT_CONFIG_COUNT": "1",
                "GIT_CONFIG_KEY_0": "http.extraHeader",
                "GIT_CONFIG_VALUE_0": f"Authorization: Basic {basic}",
            }
        return environment
