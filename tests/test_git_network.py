"""Git on the network reads no settings of a clone's or a person's, and a clone gains objects and nothing else."""

from __future__ import annotations

import ast
import base64
import hashlib
import os
import re
import shutil
import subprocess
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

import generator
from generator.base.errors import RefusedError, SystemFailure
from generator.base.secrets import Secret
from generator.clients.git import Remote, Repository
from generator.clients.objects import Objects
from generator.platform.profile import load_platform
from generator.sandbox import FaultKind, Sandbox
from generator.template.files import File
from tests.answers import SMALLEST, TEMPLATE, UPSTREAM
from tests.checkout import git
from tests.eavesdropper import ADDRESS, Eavesdropper, eavesdropper
from tests.full import few, full
from tests.world import World

NAME = str(SMALLEST["name"])
Settings = list[tuple[str, str]]
BOGUS = "Authorization: Basic " + base64.b64encode(b"viktor:of-somebody-else").decode()


@dataclass
class Yard:
    """A forge with a repository, a clone of it, and a man in the middle."""

    sandbox: Sandbox
    clone: Path
    middle: Eavesdropper
    folder: Path

    @property
    def forge(self) -> str:
        return self.sandbox.urls["forgejo"]

    @property
    def url(self) -> str:
        return f"{self.forge}/viktor/infra.git"

    @property
    def bare(self) -> Any:
        return self.sandbox.forgejo.repository("viktor/infra").bare

    def remote(self, **connection: Any) -> Remote:
        """How git reaches the forge, with some of the profile's ``connection`` changed."""
        profile = yaml.safe_load(self.sandbox.profile.read_text())
        profile["connection"] |= connection
        path = self.folder / "profile.yml"
        path.write_text(yaml.safe_dump(profile))
        return Remote(load_platform(TEMPLATE.platform, path, {}), "viktor", Secret(self.sandbox.tokens.forgejo))

    def open(self, clone: Path | None = None) -> Objects:
        found = Repository.open(clone or self.clone)
        assert found is not None
        return Objects.of(found)

    def commit(self, name: str = "theirs.txt", content: str | bytes = "theirs\n") -> str:
        """A commit to the forge that the clone lacks."""
        return str(self.bare.commit_files("master", {name: content}, f"add {name}", 1_790_000_000))

    def works(self, remote: Remote | None = None, clone: Path | None = None) -> None:
        """Fetch a commit that the clone lacks, put one on top and push it to a branch of its own."""
        remote, repository = remote or self.remote(), self.open(clone)
        theirs = self.commit(f"theirs-{time.monotonic_ns()}.txt")
        assert not repository.has(theirs)
        before = beside_objects(clone or self.clone)
        repository.fetch(remote, self.url, "master")
        assert repository.has(theirs)
        ours = repository.commit_onto(theirs, [File("ours.txt", theirs.encode())], "feat: ours")
        repository.push(remote, self.url, ours, f"newservice/{ours[:8]}")
        assert self.bare.heads()[f"newservice/{ours[:8]}"] == ours
        repository.delete_branch(remote, self.url, ours, f"newservice/{ours[:8]}")
        repository.push_references(remote, self.url, {f"refs/tags/{ours[:8]}": ours})
        assert self.bare.tags()[f"refs/tags/{ours[:8]}".removeprefix("refs/tags/")] == ours
        assert f"newservice/{ours[:8]}" not in self.bare.heads()
        assert beside_objects(clone or self.clone) == before
        repository.close()


def git_folder(clone: Path) -> Path:
    return Path(git(clone, "rev-parse", "--path-format=absolute", "--git-common-dir").strip())


def beside_objects(clone: Path) -> dict[str, bytes]:
    """All that git keeps for a clone but its objects: configuration, references, index, logs."""
    folder = git_folder(clone)
    files = (path for path in folder.rglob("*") if path.is_file() and folder / "objects" not in path.parents)
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


@pytest.fixture
def yard(tmp_path: Path) -> Iterator[Yard]:
    with (
        Sandbox.start(tmp_path / "platform") as sandbox,
        eavesdropper(tmp_path / "middle", "forgejo.sandbox.test", sandbox.port) as middle,
    ):
        yield Yard(sandbox, sandbox.infra, middle, tmp_path)


def program(folder: Path) -> tuple[Path, Path]:
    """A program, and the file that it leaves where it was run."""
    path, trace = folder / "program", folder / "ran"
    path.write_text(f'#!/bin/sh\necho "$0 $*" >> "{trace}"\nexit 1\n')
    path.chmod(0o755)
    return path, trace


def kinds(url: str, forge: str, middle: Eavesdropper, folder: Path) -> dict[str, list[Settings]]:
    """What a clone may have in its configuration, by what it would bring about; each list of settings for itself."""
    there = f"forgejo.sandbox.test:{middle.port}:{ADDRESS}"
    trust: Settings = [("http.sslCAInfo", str(middle.ca_file))]
    run, cookies = str(folder / "program"), folder / "cookies"
    cookies.write_text("forgejo.sandbox.test\tFALSE\t/\tTRUE\t4102444800\tsession\tof-somebody-else\n")
    return {
        "a proxy": [
            [(f"remote.{url}.proxy", middle.proxy), *trust],
            [(f"remote.{url}.proxy", middle.proxy), (f"remote.{url}.proxyAuthMethod", "basic"), *trust],
            [(f"http.{url}.proxy", middle.proxy), *trust],
            [(f"http.{forge}/.proxy", middle.proxy), *trust],
            [("http.proxy", middle.proxy), *trust],
            [("remote.origin.proxy", middle.proxy), *trust],
        ],
        "no checks": [
            [("http.sslVerify", "false"), (f"remote.{url}.proxy", middle.proxy)],
            [(f"http.{url}.sslVerify", "false"), (f"remote.{url}.proxy", middle.proxy)],
            [("http.sslCAPath", str(middle.ca_folder)), (f"remote.{url}.proxy", middle.proxy)],
            [(f"http.{url}.sslCAInfo", str(middle.ca_file)), (f"remote.{url}.proxy", middle.proxy)],
            [("http.sslCert", "/nowhere"), ("http.sslKey", "/nowhere")],
            [(f"http.{url}.pinnedPubkey", "sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")],
        ],
        "another address": [
            [("http.curloptResolve", there), *trust],
            [(f"http.{url}.curloptResolve", there), *trust],
            [(f"url.{middle.url}/.insteadOf", f"{forge}/"), *trust],
            [(f"url.{middle.url}/.pushInsteadOf", f"{forge}/"), *trust],
            [(f"url.{middle.url}/x.git.insteadOf", url), *trust],
            [(f"remote.{url}.url", f"{middle.url}/x.git"), *trust],
            [(f"remote.{url}.pushurl", f"{middle.url}/x.git"), *trust],
            [("http.followRedirects", "true"), (f"http.{url}.followRedirects", "true")],
        ],
        "another credential": [
            [("http.extraHeader", BOGUS)],
            [(f"http.{forge}/.extraHeader", BOGUS)],
            [(f"http.{url}.extraHeader", BOGUS)],
            [("credential.helper", f"!{run}")],
            [(f"credential.{url}.helper", f"!{run}"), (f"credential.{forge}.username", "somebody")],
            [("core.askPass", run), ("credential.username", "somebody")],
            [("http.cookieFile", str(cookies)), ("http.saveCookies", "true")],
            [("http.emptyAuth", "true"), (f"http.{url}.delegation", "always")],
        ],
        "a program": [
            [("core.sshCommand", run), ("core.gitProxy", run), (f"url.ssh://{ADDRESS}/.insteadOf", f"{forge}/")],
            [(f"remote.{url}.vcs", "middle")],
            [(f"remote.{url}.receivepack", run), (f"remote.{url}.uploadpack", run)],
            [("core.hooksPath", str(folder / "hooks")), ("core.alternateRefsCommand", run)],
            [("push.gpgSign", "true"), ("gpg.program", run)],
        ],
        "another protocol": [
            [("protocol.https.allow", "never")],
            [("protocol.allow", "never"), ("protocol.version", "0")],
            [("protocol.allow", "always"), ("protocol.ext.allow", "always"), (f"url.ext::{run}.insteadOf", url)],
            [("push.pushOption", "ci.skip"), ("push.followTags", "true"), ("push.recurseSubmodules", "only")],
            [("push.negotiate", "true"), ("fetch.prune", "true"), ("remote.pushDefault", "nowhere")],
            [("transfer.fsckObjects", "true"), ("fetch.writeCommitGraph", "true"), ("fetch.parallel", "4")],
        ],
    }


KINDS = ("a proxy", "no checks", "another address", "another credential", "a program", "another protocol")


@pytest.mark.parametrize("kind", few(1, KINDS))
def test_no_setting_of_the_clone_has_a_say_in_where_the_token_goes(yard: Yard, kind: str) -> None:
    _, trace = program(yard.folder)
    (yard.folder / "hooks").mkdir()
    shutil.copy(yard.folder / "program", yard.folder / "hooks" / "pre-push")
    config = yard.clone / ".git" / "config"
    before = config.read_bytes()
    for settings in kinds(yard.url, yard.forge, yard.middle, yard.folder)[kind]:
        for name, value in settings:
            git(yard.clone, "config", "--add", name, value)
        yard.works()
        assert yard.middle.heard == [], settings
        assert not trace.exists(), settings
        config.write_bytes(before)
    assert "of-somebody-else" in (yard.folder / "cookies").read_text()  # and nothing of ours was added
    assert "i_like" not in (yard.folder / "cookies").read_text()


@pytest.mark.parametrize("way", few(1, ["include", "includeIf", "worktree"]))
def test_nor_has_a_file_that_its_configuration_brings_in(yard: Yard, way: str) -> None:
    more = yard.clone / ".git" / "config.worktree" if way == "worktree" else yard.folder / "more"
    for name, value in (
        ("http.sslCAInfo", str(yard.middle.ca_file)),
        (f"remote.{yard.url}.proxy", yard.middle.proxy),
        (f"http.{yard.url}.extraHeader", BOGUS),
        (f"url.{yard.middle.url}/.pushInsteadOf", f"{yard.forge}/"),
    ):
        git(yard.clone, "config", "--file", str(more), name, value)
    key = {"include": "include.path", "includeIf": "includeIf.gitdir:/**.path", "worktree": "extensions.worktreeConfig"}
    git(yard.clone, "config", key[way], "true" if way == "worktree" else str(more))
    assert git(yard.clone, "config", "--get", "http.sslCAInfo")  # it is in force there
    yard.works()
    assert yard.middle.heard == []


@pytest.mark.parametrize(
    "path", few(1, ["remote.{url}.proxy", "http.{url}.proxy", "remote.{url}.pushurl", "curloptResolve"])
)
@pytest.mark.parametrize("trust", few(1, ["http.sslCAInfo", "http.{url}.sslCAInfo", "http.{forge}/.sslVerify"]))
def test_a_clone_that_trusts_the_man_in_the_middle_does_not_send_him_the_token(
    yard: Yard, path: str, trust: str
) -> None:
    """Without ``ca_file`` in the profile only the system's authorities count: the sandbox's is none of them."""
    value = {"remote.{url}.proxy": yard.middle.proxy, "http.{url}.proxy": yard.middle.proxy}.get(path, "")
    value = value or (f"{yard.middle.url}/x.git" if "pushurl" in path else "")
    if value:
        git(yard.clone, "config", path.format(url=yard.url), value)
    else:
        git(yard.clone, "config", "http.curloptResolve", f"forgejo.sandbox.test:{yard.middle.port}:{ADDRESS}")
    completed = "false" if "sslVerify" in trust else str(yard.middle.ca_file)
    git(yard.clone, "config", trust.format(url=yard.url, forge=yard.forge), completed)
    repository = yard.open()
    with pytest.raises(SystemFailure, match="certificate"):
        repository.push(yard.remote(ca_file=None), yard.url, repository.head() or "", "newservice/x")
    with pytest.raises(SystemFailure, match="certificate"):
        repository.fetch(yard.remote(ca_file=None), yard.url, "master")
    assert yard.middle.heard == []
    repository.close()


def test_the_man_in_the_middle_hears_the_token_of_a_git_that_reads_the_clone(yard: Yard) -> None:
    """The tests above can fail: this is what they look for."""
    git(yard.clone, "config", "http.sslCAInfo", str(yard.middle.ca_file))
    git(yard.clone, "config", f"remote.{yard.url}.proxy", yard.middle.proxy)
    git(yard.clone, "config", f"credential.{yard.forge}.helper", "!echo username=viktor; echo password=of-mine; :")
    subprocess.run(["git", "ls-remote", yard.url], cwd=yard.clone, capture_output=True)
    basic = base64.b64encode(b"viktor:of-mine").decode()
    assert any(basic in head for head in yard.middle.heard)


# --- the person's own surroundings --------------------------------------------------------------------------


def test_nothing_in_the_environment_has_a_say_either(yard: Yard, monkeypatch: pytest.MonkeyPatch) -> None:
    path, trace = program(yard.folder)
    written = yard.folder / "trace"
    surroundings = {
        "GIT_SSL_NO_VERIFY": "1",
        "GIT_SSL_CAINFO": str(yard.middle.ca_file),
        "GIT_SSL_CAPATH": str(yard.middle.ca_folder),
        "GIT_SSL_CERT": "/nowhere",
        "GIT_PROXY_SSL_CAINFO": str(yard.middle.ca_file),
        "GIT_PROXY_COMMAND": str(path),
        "GIT_SSH": str(path),
        "GIT_SSH_COMMAND": str(path),
        "GIT_ASKPASS": str(path),
        "SSH_ASKPASS": str(path),
        "GIT_HTTP_USER_AGENT": "of-somebody-else",
        "GIT_ALLOW_PROTOCOL": "ssh",
        "GIT_CONFIG_PARAMETERS": f"'remote.{yard.url}.proxy={yard.middle.proxy}' 'http.extraHeader={BOGUS}'",
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.{yard.middle.url}/.pushInsteadOf",
        "GIT_CONFIG_VALUE_0": f"{yard.forge}/",
        "GIT_TRACE": str(written),
        "GIT_TRACE_CURL": str(written),
        "GIT_TRACE_PACKET": str(written),
        "GIT_TRACE2_EVENT": str(written),
        "GIT_CURL_VERBOSE": "1",
        "GIT_TRACE_REDACT": "0",
        "SSLKEYLOGFILE": str(written),
        "HTTPS_PROXY": yard.middle.proxy,
        "https_proxy": yard.middle.proxy,
        "ALL_PROXY": yard.middle.proxy,
    }
    remote, repository = yard.remote(), yard.open()
    head = repository.head() or ""
    for name, value in surroundings.items():
        monkeypatch.setenv(name, value)
    repository.push(remote, yard.url, head, "newservice/x")
    repository.fetch(remote, yard.url, "master")
    for name in surroundings:
        monkeypatch.delenv(name)
    assert yard.bare.heads()["newservice/x"] == head
    assert yard.middle.heard == []
    assert not trace.exists()
    completed = written.read_text() if written.exists() else ""
    assert yard.sandbox.tokens.forgejo not in completed
    assert "uthorization" not in completed
    repository.close()


def test_a_netrc_is_not_read(yard: Yard) -> None:
    (Path.home() / ".netrc").write_text("machine forgejo.sandbox.test login somebody password of-somebody-else\n")
    (Path.home() / ".netrc").chmod(0o600)
    yard.works()
    # The first request of each push and fetch carries the right password: none with another one came before it.
    assert [item.status for item in yard.sandbox.journal.find("forgejo", "GET", "info/refs")] == [200] * 4


def test_without_a_load_balancer_the_persons_proxy_carries_it_unread(
    yard: Yard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("https_proxy", yard.middle.proxy)
    repository = yard.open()
    with pytest.raises(SystemFailure, match="certificate"):
        repository.push(yard.remote(load_balancer=None), yard.url, repository.head() or "", "newservice/x")
    assert any(head.startswith("CONNECT forgejo.sandbox.test") for head in yard.middle.heard)
    assert not any("Authorization" in head for head in yard.middle.heard)
    repository.close()


@pytest.mark.parametrize("rule", few(1, ["insteadOf", "pushInsteadOf"]))
def test_a_git_that_brings_a_rule_along_gets_no_token(yard: Yard, monkeypatch: pytest.MonkeyPatch, rule: str) -> None:
    tools = yard.folder / "tools"
    tools.mkdir()
    real = shutil.which("git")
    (tools / "git").write_text(f'#!/bin/sh\nexec {real} -c "url.{yard.middle.url}/.{rule}={yard.forge}/" "$@"\n')
    (tools / "git").chmod(0o755)
    repository, remote = yard.open(), yard.remote(ca_file=str(yard.middle.ca_file))
    head = repository.head() or ""
    monkeypatch.setenv("PATH", f"{tools}:{os.environ['PATH']}")
    with pytest.raises(RefusedError) as pushing:
        repository.push(remote, yard.url, head, "newservice/x")
    with pytest.raises(RefusedError) as fetching:
        repository.fetch(remote, yard.url, "master")
    for caught in (pushing, fetching):
        assert caught.value.code == "git.rewritten"
        assert yard.middle.url in caught.value.message
    assert yard.middle.heard == []
    assert len(yard.sandbox.journal) == 0
    repository.close()


def test_a_git_that_is_ended_leaves_no_process_with_a_token(yard: Yard) -> None:
    yard.sandbox.faults.add("forgejo", "POST", "git-receive-pack$", 1, FaultKind.MALFORMED)
    repository = yard.open()
    with pytest.raises(SystemFailure):
        repository.push(yard.remote(timeout_seconds=0.1), yard.url, repository.head() or "", "newservice/x")
    assert holding(yard.sandbox.tokens.forgejo) == []
    repository.close()


def holding(token: str) -> list[str]:
    """Processes that have a token in their environment."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            if token.encode() in (place / "environ").read_bytes():
                found.append((place / "cmdline").read_text())
        except OSError:
            continue
    return found


# --- what a clone may be like -------------------------------------------------------------------------------


def cloned(yard: Yard, way: str) -> Path:
    """A clone of the forge's repository in one of git's ways; its working tree."""
    source, clone, other = f"file://{yard.bare.path}", yard.folder / f"a {way}\u00e9", yard.folder / "other"
    options = {
        "shallow": ["--depth=1"],
        "reference": [f"--reference={yard.clone}"],
        "relative": ["--reference", str(yard.clone)],
        "separate": [f"--separate-git-dir={other}"],
        "bare-ish": ["--single-branch", "--no-tags"],
    }
    if way == "shared":
        git(yard.folder, "clone", "--quiet", "--shared", str(yard.clone), str(clone))
    elif way == "worktree":
        git(yard.folder, "clone", "--quiet", source, str(other))
        git(other, "worktree", "add", "--quiet", "--detach", str(clone))
    else:
        git(yard.folder, "clone", "--quiet", *options[way], source, str(clone))
    if way == "relative":
        objects = clone / ".git" / "objects"
        there = os.path.relpath(yard.clone / ".git" / "objects", objects)
        (objects / "info" / "alternates").write_text(f"{there}\n")
    return clone


WAYS = ["shallow", "reference", "relative", "separate", "shared", "worktree", "bare-ish"]


@pytest.mark.parametrize("way", few(1, WAYS))
def test_every_kind_of_clone_works(yard: Yard, way: str) -> None:
    clone = cloned(yard, way)
    head = git(clone, "rev-parse", "HEAD")
    yard.works(clone=clone)
    assert git(clone, "rev-parse", "HEAD") == head
    assert git(clone, "status", "--porcelain") == ""
    assert "missing" not in git(clone, "fsck", "--connectivity-only")


def test_git_does_not_look_into_what_a_clone_borrows_from(yard: Yard, monkeypatch: pytest.MonkeyPatch) -> None:
    clone, called = cloned(yard, "reference"), gits_own_calls(yard.folder / "programs", monkeypatch)
    yard.works(clone=clone)
    assert "rev-list" in called.read_text()
    assert "for-each-ref" not in called.read_text()


def test_a_shallow_clone_is_completed_and_cut_off_again(yard: Yard) -> None:
    clone = cloned(yard, "shallow")
    repository, remote, theirs = yard.open(clone), yard.remote(), yard.commit()
    assert repository.shallow
    repository.fetch(remote, yard.url, "master")
    assert repository.shallow
    before = beside_objects(clone)
    repository.fetch_branches(remote, yard.url, ["master"])
    assert not repository.shallow
    assert git(clone, "rev-list", "--count", theirs).strip() == str(yard.bare.count("master"))
    after = beside_objects(clone)
    assert before.keys() - after.keys() == {"shallow"}
    assert {name: before[name] for name in after} == after
    repository.fetch_branches(remote, yard.url, ["master"], depth=1)
    assert repository.shallow
    assert git(clone, "rev-list", "--count", theirs).strip() == "1"
    repository.close()


@full
def test_another_fetch_that_moves_the_boundary_is_not_undone(yard: Yard) -> None:
    clone = cloned(yard, "shallow")
    lock = clone / ".git" / "shallow.lock"
    lock.write_text("")
    repository = yard.open(clone)
    with pytest.raises(SystemFailure) as caught:
        repository.fetch_branches(yard.remote(), yard.url, ["master"])
    assert caught.value.passing
    assert (lock.read_text(), repository.shallow) == ("", True)
    lock.unlink()
    repository.fetch_branches(yard.remote(), yard.url, ["master"])
    assert not repository.shallow
    repository.close()


def test_a_fetch_brings_what_is_missing_and_brings_it_once(yard: Yard) -> None:
    large = os.urandom(200_000)
    yard.commit("large", large)
    remote, repository = yard.remote(), yard.open()
    repository.fetch(remote, yard.url, "master")
    assert sum(sizes(yard)) > len(large)
    git(yard.clone, "update-ref", "refs/remotes/origin/master", yard.bare.heads()["master"])
    yard.sandbox.journal.clear()
    repository.fetch(remote, yard.url, "master")
    assert not wants(yard)
    theirs = yard.commit()
    repository.fetch(remote, yard.url, "master")
    assert repository.has(theirs)
    assert wants(yard) == 1
    assert sum(sizes(yard)) < 50_000
    repository.fetch(remote, yard.url, "master")
    assert wants(yard) == 1
    repository.close()


def sizes(yard: Yard) -> list[int]:
    return [len(item.response_body) for item in yard.sandbox.journal.find("forgejo", "POST", "git-upload-pack")]


def wants(yard: Yard) -> int:
    """How often objects were asked for."""
    asked = [item.request_body for item in yard.sandbox.journal.find("forgejo", "POST", "git-upload-pack")]
    asked = [zlib.decompress(body, 31) if body.startswith(b"\x1f\x8b") else body for body in asked]
    return sum(b"command=fetch" in body for body in asked)


@full
def test_a_fetch_does_no_upkeep_in_the_clone(yard: Yard, monkeypatch: pytest.MonkeyPatch) -> None:
    """Git's own would know no reference of the clone: what only its index or log names, and is old, would be lost."""
    objects, number = yard.clone / ".git" / "objects", 0
    made: list[Path] = []
    while len(made) < 60:  # git counts the objects of this one folder, and takes 27 for too many
        content = f"blob {len(str(number))}\0{number}".encode()
        sha = hashlib.sha1(content, usedforsecurity=False).hexdigest()
        if sha.startswith("17"):
            path = objects / "17" / sha[2:]
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(zlib.compress(content))
            os.utime(path, (1_600_000_000, 1_600_000_000))
            made.append(path)
        number += 1
    git(yard.clone, "config", "gc.auto", "1")
    git(yard.clone, "config", "gc.autoDetach", "false")
    called = gits_own_calls(yard.folder / "programs", monkeypatch)
    yard.works()
    assert {"rev-list", "pack-objects"} <= {line.split()[0] for line in called.read_text().splitlines()}
    assert not re.search(r"\b(gc|maintenance|repack|prune)\b", called.read_text())
    assert all(path.exists() for path in made)


def gits_own_calls(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Git's programs, of which git writes down what it is called with by git itself; the file with that."""
    folder.mkdir()
    real, trace = shutil.which("git"), folder / "called"
    for program in Path(git(folder, "--exec-path").strip()).iterdir():
        if program.name != "git":
            (folder / program.name).symlink_to(program)
    (folder / "git").write_text(f'#!/bin/sh\necho "$*" >> "{trace}"\nexec {real} "$@"\n')
    (folder / "git").chmod(0o755)
    monkeypatch.setenv("GIT_EXEC_PATH", str(folder))
    return trace


@full
def test_objects_stay_writable_for_those_who_share_the_clone(yard: Yard) -> None:
    git(yard.clone, "config", "core.sharedRepository", "group")
    before = {path for path in (yard.clone / ".git" / "objects").rglob("*") if path.is_dir()}
    before_mask = os.umask(0o077)
    try:
        repository = yard.open()
        yard.commit()
        repository.fetch(yard.remote(), yard.url, "master")
        repository.close()
    finally:
        os.umask(before_mask)
    made = {path for path in (yard.clone / ".git" / "objects").rglob("*") if path.is_dir()} - before
    assert made
    assert all(path.stat().st_mode & 0o070 == 0o070 for path in made)


def test_a_commit_is_what_its_id_says_whatever_replaces_it_in_the_clone(yard: Yard) -> None:
    repository = yard.open()
    head = repository.head() or ""
    empty = git(yard.clone, "hash-object", "-t", "tree", "-w", "/dev/null").strip()
    nobody = ("-c", "user.name=test", "-c", "user.email=test@example.com")
    git(yard.clone, "replace", head, git(yard.clone, *nobody, "commit-tree", empty, "-m", "another").strip())
    ours = repository.commit_onto(head, [File("ours.txt", b"ours\n")], "feat: ours")
    repository.push(yard.remote(), yard.url, ours, "newservice/x")
    assert yard.bare.changed_files("master", "newservice/x") == ["ours.txt"]
    assert yard.bare.merge_base("master", "newservice/x") == head
    repository.close()


@pytest.mark.parametrize("way", ["--filter=blob:none", "--filter=tree:0", "sha256"])
def test_a_clone_that_is_of_no_use_is_refused_before_anything_is_written(world: World, way: str) -> None:
    clone = world.folder / "clone"
    if way == "sha256":
        git(world.folder, "init", "--quiet", "--object-format=sha256", str(clone))
    else:
        git(world.infra.bare.path, "config", "uploadpack.allowFilter", "true")
        git(world.folder, "clone", "--quiet", "--no-checkout", way, f"file://{world.infra.bare.path}", str(clone))
    for command in ("plan", "create"):
        completed = world.run(command, SMALLEST, "--infra", str(clone))
        assert completed.code == 3, completed.out
        assert completed.of("error")[0]["code"] == "infra.unfit"
    assert world.sandbox.journal.writes() == []


# --- whole runs ---------------------------------------------------------------------------------------------


def hostile(world: World, clone: Path, middle: Eavesdropper, name: str) -> None:
    """Every setting of ``kinds`` that a clone can have at once."""
    program(world.folder)
    url = f"{world.sandbox.urls['forgejo']}/{world.platform.forgejo.owner}/{name}.git"
    groups = kinds(url, world.sandbox.urls["forgejo"], middle, world.folder).values()
    for key, value in (pair for group in groups for settings in group for pair in settings):
        git(clone, "config", "--add", key, value)


@full
def test_a_create_with_both_clones_full_of_settings(world: World) -> None:
    port = world.sandbox.port
    with eavesdropper(world.folder / "middle", "forgejo.sandbox.test", port) as middle:
        infra = world.platform.infra.repository
        world.infra.bare.commit_files(world.base, {"later.txt": "later\n"}, "later", 1_790_000_000)
        hostile(world, world.sandbox.infra, middle, infra)
        before = beside_objects(world.sandbox.infra)
        world.sandbox.faults.add("forgejo", "*", rf"/{NAME}\.git/", None, FaultKind.FORBIDDEN)
        completed = world.run("create", SMALLEST)
        assert completed.code == 5, completed.out  # the service's clone stands there and was not pushed
        world.sandbox.faults.clear()
        service = world.folder / NAME
        hostile(world, service, middle, NAME)
        untouched = beside_objects(service)
        completed = world.run("create", SMALLEST)
        assert completed.code == 0, completed.out
        assert (beside_objects(world.sandbox.infra), beside_objects(service)) == (before, untouched)
        assert middle.heard == []
    assert not (world.folder / "ran").exists()
    assert world.canonical(NAME).bare.heads() == {world.branch: git(service, "rev-parse", "HEAD").strip()}
    assert f"newservice/{NAME}" in world.infra.bare.heads()


@pytest.mark.parametrize("way", few(1, ["shallow", "reference", "worktree", "separate"]))
def test_a_create_with_every_kind_of_clone(world: World, tmp_path: Path, way: str) -> None:
    bench = tmp_path / "bench"
    bench.mkdir()
    clone = cloned(Yard(world.sandbox, world.sandbox.infra, None, bench), way)  # type: ignore[arg-type]
    world.infra.bare.commit_files(world.base, {"later.txt": "later\n"}, "later", 1_790_000_000)
    completed = world.run("create", UPSTREAM, "--infra", str(clone))
    assert completed.code == 0, completed.out
    assert world.infra.bare.count(f"newservice/{UPSTREAM['name']}") == world.infra.bare.count(world.base) + 1


# --- one place ----------------------------------------------------------------------------------------------


VERBS = {
    "push",
    "fetch",
    "pull",
    "clone",
    "ls-remote",
    "fetch-pack",
    "send-pack",
    "http-fetch",
    "http-push",
    "submodule",
}
ELSEWHERE = {
    *((name, "push") for name in ("clients/forgejo.py", "fleet/planning.py")),
    *((name, "push") for name in ("cli/secrets.py", "cli/fleet_secrets.py", "engine/applied.py")),
}
"""The same words, of something else: a right in the forge's API, what a fleet does, commands of ours, and an event of
Woodpecker's."""


def modules() -> Iterator[tuple[str, ast.AST]]:
    """Every node of every module but those of the sandbox, which is the other side."""
    root = Path(generator.__file__).parent
    for path in sorted(root.rglob("*.py")):
        name = path.relative_to(root).as_posix()
        if not name.startswith("sandbox/"):
            yield from ((name, node) for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))))


def test_git_talks_to_the_network_in_one_place_only() -> None:
    named = {(name, node.value) for name, node in modules() if isinstance(node, ast.Constant) and node.value in VERBS}
    assert named - ELSEWHERE == {("clients/git/network.py", "push"), ("clients/git/network.py", "fetch")}
    # GitPython could do it as well; and the token is handed out to that place alone.
    called = {
        (name, ast.unparse(node))
        for name, node in modules()
        if isinstance(node, ast.Attribute) and name.startswith(("clients/git/", "clients/objects"))
        if node.attr in {*VERBS, "clone_from", "ls_remote", "create_submodule", "credential"}
    }
    assert {text for _, text in called} == {"network.push", "network.fetch", "remote.credential"}
    assert {name for name, text in called if text == "remote.credential"} == {"clients/git/network.py"}
