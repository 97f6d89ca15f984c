"""Where services of an earlier version are put to be looked at: one port and one folder, for one process at a time.

Addresses with the port are in commits and descriptions, and saved plans name folders: so all of it is where it was when
it was made. Nothing here but the command, the sandbox, git and plain files: it has to hold while the code is rebuilt.
"""

from __future__ import annotations

import fcntl
import gzip
import io
import json
import os
import shutil
import socket
import ssl
import subprocess
import sys
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import yaml

from generator.sandbox import Sandbox

PORT = 23917
FOLDER = Path("/tmp/newservice-compatibility-23917")
SEED = ("FIXTURE_SIGNING_KEY", "a key that a person gave")
"""The variable that holds a secret's first value, and the value."""

OUR_WORDS = "our own words"
"""Stands in every edit by hand."""


class TakenError(Exception):
    """Another program or another user has the port or the folder."""


@contextmanager
def claimed(port: int, folder: Path) -> Iterator[None]:
    """Have the port and the folder, empty and private, to this process alone; another run of the tests is waited for.

    Raises ``TakenError`` where a program that is no such run listens at the port, or another user has the folder.
    """
    lock = folder.with_name(f"{folder.name}.lock")
    try:
        held = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise TakenError(f"{lock} can't be opened: {error.strerror}") from error
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        _check_port(port)
        if os.path.lexists(folder):
            if folder.is_symlink() or folder.stat().st_uid != os.getuid():
                raise TakenError(f"{folder} belongs to another user")
            shutil.rmtree(folder)
        folder.mkdir(mode=0o700)
        yield
        shutil.rmtree(folder)
    finally:
        os.close(held)


def _check_port(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise TakenError(f"port {port} on loopback is taken by another program") from error


@dataclass(frozen=True)
class Said:
    """How a command ended, and its JSON objects."""

    code: int
    events: tuple[dict[str, Any], ...]
    text: str

    @property
    def status(self) -> str:
        """The result's status."""
        return str(self.events[-1]["status"])

    def of(self, event: str) -> list[dict[str, Any]]:
        """The objects of one event."""
        return [item for item in self.events if item["event"] == event]

    def states(self) -> dict[str, str]:
        """State of each step as the plan observed it."""
        (plan,) = self.of("plan")
        return {step["id"]: step["state"] for step in plan["steps"]}

    def differing(self) -> list[str]:
        """Files and entries of the plan that are not as they would be made."""
        (plan,) = self.of("plan")
        files = [f"{item['repo']} {item['path']}" for item in plan["files"] if item["action"] != "unchanged"]
        return files + [f"entry {item['id']}" for item in plan["registrations"] if item["action"] != "present"]

    def trees(self, key: str = "state") -> dict[str, str]:
        """State of each tree of the fleet (or what was done to it), at last, by name and layer."""
        return {f"{item['name']} {item['layer']}": item[key] for item in self.of("service")}


def said(code: int, out: str, err: str) -> Said:
    """What a command said on standard output, one JSON object a line."""
    return Said(code, tuple(json.loads(line) for line in out.splitlines()), f"exit code {code}\n{out}\n{err}")


def newservice(*arguments: str | Path) -> Said:
    """The command in a process of its own, as people run it."""
    command = [sys.executable, "-m", "generator", *map(str, arguments), "--json"]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    return said(done.returncode, done.stdout, done.stderr)


def git(folder: Path, *arguments: str) -> str:
    """What git says in a folder; raises where it fails."""
    done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, f"git {' '.join(arguments)}:\n{done.stdout}{done.stderr}"
    return done.stdout.strip()


@dataclass
class Ground:
    """A running sandbox, and a folder to work in."""

    folder: Path
    sandbox: Sandbox

    @property
    def work(self) -> Path:
        """Where services' folders and checkouts are."""
        return self.folder / "work"

    @property
    def places(self) -> tuple[str | Path, ...]:
        """The flags for profile and infra clone."""
        return "--platform", self.sandbox.profile, "--infra", self.sandbox.infra

    def answers(self, given: Mapping[str, Any]) -> tuple[str | Path, ...]:
        """The flag for a file with these answers."""
        path = self.folder / f"{given['name']}.yml"
        path.write_text(yaml.safe_dump(dict(given), sort_keys=False, allow_unicode=True), encoding="utf-8")
        return "--answers", path

    def service(self, name: str, folder: Path | None = None) -> tuple[str | Path, ...]:
        """The flags for a service: its folder (default: one that does not exist) and the places."""
        return "--service-dir", folder or self.work / name, *self.places

    def create(self, given: Mapping[str, Any], *more: str | Path, folder: Path | None = None) -> Said:
        """``create`` with these answers."""
        return newservice("create", *self.answers(given), *self.service(given["name"], folder), *more)

    def clone(self, repository: str, target: Path) -> Path:
        """A clone of a repository on the forge."""
        bare = self.sandbox.forgejo.repository(repository).bare
        git(self.folder, "clone", "--quiet", str(bare.path), str(target))
        return target

    @property
    def owner(self) -> str:
        """Owner of the repositories on the forge."""
        return self.sandbox.platform.forgejo.owner

    @property
    def infra(self) -> str:
        """Full name of the infra repository."""
        return f"{self.owner}/{self.sandbox.platform.infra.repository}"

    def trees(self, names: Iterable[str]) -> Iterator[tuple[str, Path]]:
        """The trees of services in fresh clones, as ``NAME stack`` and ``NAME service``."""
        infra = self.clone(self.infra, self.work / "clones" / "infra")
        for name in names:
            yield f"{name} stack", infra / "stacks" / name
            yield f"{name} service", self.clone(f"{self.owner}/{name}", self.work / "clones" / name)

    def update(self, tree: Path, *more: str) -> str:
        """Update a tree in its checkout and commit that; git's id of everything in the checkout then."""
        completed = newservice("update", tree, "--platform", self.sandbox.profile, *more)
        assert completed.code == 0, completed.text
        git(tree, "add", "--all", ":/")
        git(tree, "commit", "--quiet", "--message", "chore: template")
        return git(tree, "rev-parse", "HEAD^{tree}")

    def pulls(self, repository: str = "") -> list[dict[str, Any]]:
        """All pull requests of a repository, as the forge's API shows them."""
        found = self.forgejo("GET", f"/repos/{repository or self.infra}/pulls?state=all&limit=50").json()
        return [item for item in found if isinstance(item, dict)]

    def asked(self, branch: str, repository: str = "") -> list[tuple[int, str]]:
        """Number and state of the pull requests of a branch."""
        return [(pull["number"], pull["state"]) for pull in self.pulls(repository) if pull["head"]["ref"] == branch]

    def heads(self, repository: str = "") -> dict[str, str]:
        """Branches of a repository on the forge."""
        return self.sandbox.forgejo.repository(repository or self.infra).bare.heads()

    def forgejo(self, method: str, path: str, body: Any = None) -> httpx.Response:
        """A request to the forge's API, at the load balancer's address."""
        host = urlsplit(self.sandbox.urls["forgejo"]).hostname or ""
        with httpx.Client(verify=ssl.create_default_context(cafile=self.sandbox.ca_file), trust_env=False) as client:
            answer = client.request(
                method,
                f"https://127.0.0.1:{self.sandbox.port}/api/v1{path}",
                headers={"Host": host, "Authorization": f"token {self.sandbox.tokens.forgejo}"},
                json=body,
                extensions={"sni_hostname": host},
            )
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer


def files_below(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Mode and content of every file below a folder, git's own among them."""
    return {
        path.relative_to(folder).as_posix(): (path.stat().st_mode & 0o777, path.read_bytes())
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def pack(target: Path, root: Path, names: Iterable[str]) -> None:
    """Files and empty folders below a folder as an archive, the same bytes each time."""
    with (
        target.open("wb") as raw,
        gzip.GzipFile("", "wb", 9, raw, mtime=0) as stream,
        tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for name in sorted(names):
            entry, source = tarfile.TarInfo(name), root / name
            entry.mode = source.stat().st_mode & 0o777
            if source.is_dir():
                entry.type = tarfile.DIRTYPE
                archive.addfile(entry)
            else:
                entry.size = source.stat().st_size
                archive.addfile(entry, io.BytesIO(source.read_bytes()))


def unpack(source: Path, root: Path) -> None:
    """Write what is in an archive below a folder, over what is there."""
    with tarfile.open(source) as archive:
        for entry in archive:
            content, target = archive.extractfile(entry), root / entry.name
            target.parent.mkdir(parents=True, exist_ok=True)
            if content is None:
                target.mkdir(exist_ok=True)
                continue
            target.unlink(missing_ok=True)  # git's objects are read-only
            target.write_bytes(content.read())
            target.chmod(entry.mode)
