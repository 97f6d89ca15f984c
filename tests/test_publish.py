"""Released templates on the forge: the same commits everywhere, nothing of others touched; plain copier takes them."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from packaging.version import Version

from generator.base.errors import ExitCode, RefusedError, UsageError
from generator.lifecycle.publication.state import HEAD, Address
from generator.platform.profile import Platform, load_platform
from generator.sandbox.forgejo.state import Repository
from generator.sandbox.messages import Request, Response, text_response
from generator.template.answers import resolve
from generator.template.files import Layer
from generator.template.questions import load_questions
from generator.template.releases import FOLDER, Releases
from generator.template.template import Template
from tests.answers import SMALLEST, render
from tests.checkout import commit_all, git
from tests.full import few, full
from tests.invoke import Command
from tests.processes import kill_all
from tests.world import Completed, World

REPOSITORY, PUSH = "templates.repository", "templates.push"
NEXT = Version("99.0.0")
LINE = "\nOf the next version.\n"


@dataclass(frozen=True)
class Press:
    """The sandbox, and the command that publishes there."""

    world: World

    def publish(self, *more: str) -> Completed:
        return self("publish", *more)

    def __call__(self, *arguments: str) -> Completed:
        command = Command(self.world.capsys)
        return command("templates", *arguments, "--platform", self.world.sandbox.profile, "--json")

    @property
    def repository(self) -> Repository:
        return self.world.canonical("newservice")

    @property
    def references(self) -> dict[str, str]:
        return self.repository.bare.references()

    def make(self, *, private: bool = False, **files: str) -> Repository:
        """A repository that somebody else made."""
        owner = self.world.platform.forgejo.owner
        made = self.world.sandbox.forgejo.create_repository(
            owner, "newservice", private=private, files=files or {"README.md": "ours\n"}, branch="master"
        )
        made.refresh(made.bare.heads())
        return made

    def before_the_push(self, what: Callable[[], Response | None], moment: str = "/git-receive-pack") -> None:
        """Let something happen, once, before a push's first or second request is answered.

        An answer of its own takes the place of git's.
        """
        forgejo = self.world.sandbox.forgejo
        done: list[str] = []

        def application(request: Request) -> Response:
            pushes = "git-receive-pack" in f"{request.path}?{request.query}"
            if pushes and request.path.endswith(moment) and not done:
                done.append(request.path)
                answer = what()
                if answer is not None:
                    return answer
            return forgejo(request)

        self.world.sandbox.lead_to("forgejo", application)


@pytest.fixture
def press(world: World) -> Press:
    return Press(world)


@pytest.fixture
def next_release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Releases:
    """The releases, and a made-up next one that says a line more in the README."""
    releases = Releases(Path(shutil.copytree(FOLDER, tmp_path / "released")))
    root = tmp_path / "next"
    before = releases.template(releases.newest)
    shutil.copytree(before.root / "templates", root / "templates")
    config = (before.root / "copier.yml").read_text(encoding="utf-8")
    newest = f'default: "{releases.newest}"'
    assert config.count(newest) == 1
    (root / "copier.yml").write_text(config.replace(newest, f'default: "{NEXT}"'), encoding="utf-8")
    readme = root / "templates" / "service" / "python" / "README.md.jinja"
    readme.write_text(readme.read_text(encoding="utf-8") + LINE, encoding="utf-8")
    releases.add(Template(root), datetime(2099, 11, 30, tzinfo=UTC))
    monkeypatch.setattr("generator.template.releases.FOLDER", releases.folder)
    return releases


def wanted(releases: Releases) -> dict[str, str]:
    """Branch and tags of releases."""
    tags = {f"refs/tags/v{version}": sha for version, sha in releases.commits.items()}
    return {HEAD: list(releases.commits.values())[-1], **tags}


def statuses(completed: Completed) -> dict[str, str]:
    return {item["id"]: item["status"] for item in completed.of("step")}


def planned(completed: Completed) -> dict[str, tuple[str, str]]:
    return {item["id"]: (item["state"], item["action"]) for item in completed.of("plan")[0]["steps"]}


# --- publishing ------------------------------------------------------------------------------------------------


def test_publishing_twice(press: Press) -> None:
    dry = press.publish("--dry-run")
    assert dry.code == ExitCode.OK
    assert planned(dry) == {REPOSITORY: ("absent", "create"), PUSH: ("absent", "create")}
    assert [name for name in press.world.sandbox.forgejo.repositories if name.endswith("/newservice")] == []

    completed = press.publish()
    assert completed.result["status"] == "success"
    assert statuses(completed) == {REPOSITORY: "done", PUSH: "done"}
    assert press.references == wanted(Releases())
    assert press.repository.private
    assert press.repository.default_branch == "templates"
    assert "private" in completed.result["next"][0]

    again = press.publish()
    assert (again.result["status"], again.code) == ("unchanged", ExitCode.OK)
    assert statuses(again) == {REPOSITORY: "unchanged", PUSH: "unchanged"}
    assert planned(again) == {REPOSITORY: ("present", "none"), PUSH: ("present", "none")}
    listed = press("list", "--published").of("template")
    assert {item["published"] for item in listed if item["state"] == "released"} == {"present"}


def test_a_later_release_follows(press: Press, next_release: Releases, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as earlier:
        earlier.setattr("generator.template.releases.FOLDER", FOLDER)
        press.publish()
        first = press.references
    listed = {item["version"]: item["published"] for item in press("list", "--published").of("template")}
    assert [listed[str(release.version)] for release in next_release.all[-2:]] == ["present", "absent"]
    completed = press.publish()
    assert planned(completed) == {REPOSITORY: ("present", "none"), PUSH: ("drifted", "update")}
    assert statuses(completed) == {REPOSITORY: "unchanged", PUSH: "done"}
    assert press.references == wanted(next_release)
    assert first.items() <= {**press.references, HEAD: first[HEAD]}.items()
    assert press.repository.bare.is_ancestor(first[HEAD], press.references[HEAD])
    press.repository.bare.delete(f"refs/tags/v{Releases(FOLDER).newest}")
    assert press.publish().result["status"] == "success"
    assert press.references == wanted(next_release)

    monkeypatch.setattr("generator.template.releases.FOLDER", FOLDER)  # an older newservice
    older = press.publish()
    assert older.result["status"] == "unchanged"
    assert "1 later" in older.of("plan")[0]["steps"][1]["summary"]
    assert press.references == wanted(next_release)


def test_a_repository_that_is_in_use_keeps_all_that_it_has(press: Press) -> None:
    """It may be newservice's own."""
    made = press.make()
    made.bare.update("refs/tags/v0.1.0", made.bare.heads()["master"])
    made.bare.update("refs/tags/v1000.0", made.bare.heads()["master"])
    before = press.references
    completed = press.publish()
    assert statuses(completed) == {REPOSITORY: "unchanged", PUSH: "done"}
    assert press.references == {**before, **wanted(Releases())}
    assert (made.private, made.default_branch) == (False, "master")
    (hint,) = completed.result["next"]  # copier would take that tag for the newest template
    assert "v1000.0" in hint


def test_a_repository_that_somebody_made_for_it(press: Press) -> None:
    owner = press.world.platform.forgejo.owner
    press.world.sandbox.forgejo.create_repository(owner, "newservice", private=False, branch="main")
    assert press.publish().result["status"] == "success"
    assert press.references == wanted(Releases())


# --- what is not ours ------------------------------------------------------------------------------------------


def tag(made: Repository) -> None:
    made.bare.update(f"refs/tags/v{Releases().newest}", made.bare.heads()["master"])


def branch(made: Repository) -> None:
    made.bare.commit_files("templates", {"theirs.txt": "theirs\n"}, "theirs", 1_700_000_000)


def archived(made: Repository) -> None:
    made.archived = True


@pytest.mark.parametrize("what", [tag, branch, archived])
def test_what_is_not_ours_is_refused_before_the_first_write(press: Press, what: Callable[[Repository], None]) -> None:
    what(press.make())
    before = press.references
    press.world.sandbox.journal.clear()
    completed = press.publish()
    assert (completed.code, completed.result["status"]) == (ExitCode.REFUSED, "refused")
    step = REPOSITORY if what is archived else PUSH
    assert completed.of("error")[0]["code"] == f"{step}.refused"
    assert planned(completed)[step] == ("foreign", "refuse")
    assert press.references == before
    assert press.world.sandbox.journal.find("forgejo")
    assert press.world.sandbox.journal.writes() == []
    if what is tag:
        listed = {item["version"]: item for item in press("list", "--published").of("template")}
        assert listed[str(Releases().newest)]["published"] == "foreign"


def test_a_commit_on_top_that_is_no_release_is_refused(press: Press) -> None:
    press.publish()
    press.repository.bare.commit_files("templates", {"copier.yml": "theirs\n"}, "template 1.0.1", 1_700_000_000)
    before = press.references
    completed = press.publish()
    assert completed.code == ExitCode.REFUSED
    assert "branch templates" in completed.of("error")[0]["message"]
    assert press.references == before


@pytest.mark.parametrize("moment", few(1, ["/info/refs", "/git-receive-pack"]))
@pytest.mark.parametrize("what", few(1, [tag, branch]))
def test_somebody_who_is_quicker_loses_nothing(press: Press, what: Callable[[Repository], None], moment: str) -> None:
    """The push is all or nothing, and never forced."""
    made = press.make()

    def quicker() -> None:
        what(made)
        kept.update(press.references)

    kept: dict[str, str] = {}
    press.before_the_push(quicker, moment)
    completed = press.publish()
    assert (completed.code, completed.result["status"]) == (ExitCode.REFUSED, "refused")
    assert statuses(completed) == {REPOSITORY: "unchanged", PUSH: "failed"}
    assert press.references == kept


# --- on bad days -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("arrived", few(1, [False, True]), ids=["before", "after"])
def test_a_killed_run_is_continued(press: Press, arrived: bool, tmp_path: Path) -> None:
    """Killed between repository and push, or when the push is through and nobody heard of it."""
    world = press.world
    process = subprocess.Popen(
        [sys.executable, "-m", "generator", "templates", "publish", "--platform", str(world.sandbox.profile), "--json"],
        env={**os.environ, "TMPDIR": str(tmp_path)},
        start_new_session=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    forgejo = world.sandbox.forgejo

    def kill(request: Request) -> Response:
        push = request.method == "POST" and request.path.endswith("/git-receive-pack")
        answer = forgejo(request) if arrived or not push else text_response(503, "")
        if push:
            kill_all(process)
        return answer

    world.sandbox.lead_to("forgejo", kill)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    world.sandbox.lead_to("forgejo", forgejo)
    assert press.references == (wanted(Releases()) if arrived else {})
    completed = press.publish()
    assert completed.code == ExitCode.OK
    assert statuses(completed) == {REPOSITORY: "unchanged", PUSH: "unchanged" if arrived else "done"}
    assert press.references == wanted(Releases())


def test_a_push_that_fails_is_tried_again(press: Press) -> None:
    press.before_the_push(lambda: text_response(502, "bad gateway\n"))
    completed = press.publish()
    assert statuses(completed) == {REPOSITORY: "done", PUSH: "done"}
    assert press.references == wanted(Releases())


def test_a_forge_that_can_not_be_seen_stops_everything(press: Press) -> None:
    press.world.sandbox.lead_to("forgejo", lambda _: text_response(500, "down\n"))
    completed = press.publish()
    assert completed.code == ExitCode.PREFLIGHT
    assert completed.result["status"] == "error"


def test_branches_and_tags_that_can_not_be_seen_are_not_taken_for_none(press: Press) -> None:
    press.make()
    forgejo = press.world.sandbox.forgejo

    def hidden(request: Request) -> Response:
        return text_response(404, "{}") if request.path.endswith("/git/refs") else forgejo(request)

    press.world.sandbox.lead_to("forgejo", hidden)
    completed = press.publish()
    assert completed.code == ExitCode.PREFLIGHT
    assert completed.of("error")[0]["code"] == "forgejo.unseen"


def test_only_the_forges_credential_is_needed_and_nobody_sees_it(
    press: Press, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world, trace, programs = press.world, tmp_path / "arguments", tmp_path / "programs"
    needed = world.platform.connection.credentials["forgejo"].environment
    for name in world.sandbox.environment:
        if name != needed:
            monkeypatch.delenv(name)
    real = shutil.which("git")
    programs.mkdir()
    (programs / "git").write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" >> "{trace}"\nexec "{real}" "$@"\n')
    (programs / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    completed = press.publish("--verbose")
    assert completed.code == ExitCode.OK
    token = world.sandbox.environment[needed]
    assert "--atomic" in trace.read_text()
    assert token not in completed.out + completed.err + trace.read_text()
    monkeypatch.delenv(needed)
    missing = press.publish()
    assert (missing.code, missing.of("error")[0]["code"]) == (ExitCode.PREFLIGHT, "credentials.missing")


# --- the address -----------------------------------------------------------------------------------------------


def platform(address: str) -> Platform:
    return Platform.of({**Template.installed().platform, "template_url": address}, "test")


@pytest.mark.parametrize("prefix", ["", "git+"])
def test_the_address_names_a_repository_on_the_profiles_forge(prefix: str) -> None:
    base = Template.installed().platform["forgejo"]["url"]
    address = Address.of(platform(f"{prefix}{base}/team/the.templates.git"))
    assert (address.owner, address.name, address.url) == ("team", "the.templates", f"{base}/team/the.templates.git")


BASE = urlsplit(Template.installed().platform["forgejo"]["url"])


@pytest.mark.parametrize(
    "address",
    [
        "https://github.com/team/templates.git",
        f"http://{BASE.netloc}/team/templates.git",
        f"https://{BASE.netloc}.example/team/templates.git",
        f"https://user:hunter2@{BASE.netloc}/team/templates.git",
        f"https://{BASE.netloc}/templates.git",
        f"https://{BASE.netloc}/a/b/templates.git",
        f"https://{BASE.netloc}/team/templates.git?x=1.git",
        f"git@{BASE.netloc}:team/templates.git",
        "/srv/templates.git",
    ],
)
def test_another_address_is_refused(address: str) -> None:
    with pytest.raises(UsageError) as caught:
        Address.of(platform(address))
    assert caught.value.code == "template.elsewhere"
    assert "hunter2" not in str(caught.value)


def test_the_infra_repository_is_refused() -> None:
    name = Template.installed().platform["infra"]["repository"]
    with pytest.raises(RefusedError) as caught:
        Address.of(platform(f"https://{BASE.netloc}/team/{name.upper()}.git"))
    assert caught.value.code == "template.protected"


# --- plain copier ----------------------------------------------------------------------------------------------


def give_git_the_forge(world: World) -> None:
    """A person's git that reaches the forge: address, certificate, password."""
    url = world.sandbox.urls["forgejo"]
    helper = f"!f() {{ echo username=me; echo password={world.sandbox.tokens.forgejo}; }}; f"
    for key, value in {
        "http.sslCAInfo": str(world.sandbox.ca_file),
        "http.curloptResolve": f"{urlsplit(url).hostname}:{world.sandbox.port}:127.0.0.1",
        f"credential.{url}.helper": helper,
    }.items():
        git(Path.home(), "config", "--global", key, value)


def copier(*arguments: str | Path, cwd: Path) -> None:
    """Copier as somebody runs it who has no newservice."""
    command = [sys.executable, "-m", "copier", *map(str, arguments)]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def ours(world: World, releases: Releases, version: Version, layer: Layer) -> dict[str, bytes]:
    """What newservice makes of the smallest service with a release."""
    template = releases.template(version)
    facts = {"platform": load_platform(template.platform, world.sandbox.profile).facts}
    answers = resolve(template, load_questions(template), SMALLEST, facts)
    return {file.path: file.content for file in render(template, answers, layer)}


def theirs(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file() and ".git" not in path.relative_to(folder).parts)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


@full
def test_plain_copier_takes_every_release_and_the_next_one(
    press: Press, next_release: Releases, tmp_path: Path
) -> None:
    assert press.publish().code == ExitCode.OK
    url = load_platform(Template.installed().platform, press.world.sandbox.profile).template_url
    give_git_the_forge(press.world)
    layers: tuple[Layer, ...] = ("service", "stack")
    newest = next_release.all[-2].version
    for layer in layers:
        made, recorded = tmp_path / layer, tmp_path / f"{layer}.yml"
        files = ours(press.world, next_release, newest, layer)
        answers: dict[str, Any] = yaml.safe_load(files[".copier-answers.yml"])
        assert answers["_commit"] == f"v{newest}"
        given = {key: item for key, item in answers.items() if not key.startswith("_")}
        recorded.write_text(yaml.safe_dump(given, sort_keys=False))
        source = ("--vcs-ref", f"v{newest}", url)
        copier("copy", "--defaults", "--data-file", recorded, *source, made, cwd=tmp_path)
        assert theirs(made) == files
    service = tmp_path / "service"
    commit_all(service, "made")
    copier("update", "--defaults", cwd=service)
    updated = ours(press.world, next_release, NEXT, "service")
    assert theirs(service) == updated
    assert f"_commit: v{NEXT}\n".encode() in updated[".copier-answers.yml"]
    assert LINE.encode() in updated["README.md"]
