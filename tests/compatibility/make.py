"""Makes services with the version that it is run with, as data for the versions after it: ``python -m`` this module.

It writes ``tests/compatibility/<template version>/`` and is run once with each release of the template; a folder that
is there is never changed. What the parts are: ``docs/onboarding.md``, Tests.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from generator.sandbox import FaultKind, Sandbox
from tests.compatibility import services
from tests.compatibility.killing import killed_after_one_file, killed_at, killed_short_of
from tests.compatibility.place import (
    FOLDER,
    OUR_WORDS,
    PORT,
    SEED,
    Ground,
    Said,
    claimed,
    files_below,
    git,
    newservice,
    pack,
)

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
LARGEST = 256 * 1024
EARLIER = ("1.0.0", "2.0.0")
"""Versions of the template that services are made with, to be updated later."""

TOKENS = {
    name: f"{name.replace('_', '-')}-token-of-the-fixture"
    for name in ("forgejo", "forgejo_git", "github", "woodpecker", "registry", "vault")
} | {"slack": "https://hooks.slack.invalid/services/fixture"}
LATER = ("--seed", "partner_key=later")
REGISTRATION = ("woodpecker", "POST", "/api/repos$")


class Maker:
    """Makes everything on one sandbox, and notes what the tests have to know of it."""

    def __init__(self, ground: Ground, target: Path) -> None:
        self.ground, self.target = ground, target
        self.services: dict[str, dict[str, Any]] = {}
        self.checkouts: dict[str, dict[str, str]] = {}
        self.updates: dict[str, str] = {}

    # --- complete services ---------------------------------------------------------------------------------

    def make_earlier(self) -> None:
        """Services of earlier versions of the template, merged, each tree edited by hand."""
        made = ((services.FIRST, "1.0.0"), (services.SECOND, "2.0.0"))
        asked = ((services.ASKED_FIRST, "1.0.0"), (services.ASKED_SECOND, "2.0.0"))
        for answers, version in (*made, *asked):
            name = answers["name"]
            place = (*self.ground.answers(answers), *self.ground.service(name))
            _well(newservice("create", "--template", version, *place))
            self.merge(name)
            self.edit_stack(name)
            if self.ground.work.joinpath(name).is_dir():
                self.edit_repository(name)
            self.note(answers, "complete", version=version)

    def make_earlier_request(self) -> None:
        """A service of the first version that still waits for review, as it was created."""
        answers, version = services.AGED, EARLIER[0]
        place = (*self.ground.answers(answers), *self.ground.service(answers["name"]))
        _well(newservice("create", "--template", version, *place))
        self.note(answers, "complete", version=version)

    def make_current(self) -> None:
        """One that is alive, and one of a third-party image."""
        ground, name = self.ground, "live"
        _well(ground.create(services.LIVE, "--seed", f"signing_key=env:{SEED[0]}", *LATER))
        self.merge(name)
        vault = ground.sandbox.vault
        vault.write(name, {**vault.read(name), "partner_key": "filled in by a person"})
        mirror = f"{ground.sandbox.platform.github.owner}/{name}"
        registry = ground.sandbox.platform.registry
        image, sha = f"{registry.owner}/{name}", ground.heads(f"{ground.owner}/{name}")["master"]
        ground.sandbox.github.record_run(mirror, sha, jobs={"Lint and test": "success", "Deploy": "success"})
        ground.sandbox.registry.put_image(image, [sha[:8], "latest"])
        variables = {"IMAGE_NAME": f"{registry.host}/{image}", "IMAGE_TAG": sha[:8]}
        ground.sandbox.woodpecker.record_pipeline(mirror, variables)
        _well(newservice("verify", name, *ground.service(name, ground.folder / "nowhere")))
        self.note(services.LIVE, "complete")

        _well(ground.create(services.UPSTREAM))
        self.merge("upstream")
        self.note(services.UPSTREAM, "complete")

    def make_requests(self) -> None:
        """Updates that wait for review, one with a reviewer's commit; new services that do."""
        ground = self.ground
        _well(newservice("fleet", "update", "--only", "asked-*", *ground.places))
        self.review("newservice-update/asked-second", "stacks/asked-second/review.tf")
        ground.sandbox.vault.write("reviewed", {"api_token": "written by a person"})
        for answers, more in ((services.REQUESTED, LATER), (services.REVIEWED, ())):
            _well(ground.create(answers, *more))
            self.note(answers, "complete")
        self.review("newservice/reviewed", "stacks/reviewed/review.tf")

    # --- interrupted runs ----------------------------------------------------------------------------------

    def make_interrupted(self) -> None:
        """Creates that were killed at different places."""
        secret, push = "/v1/secret/data/{}$", "/{}.git/git-receive-pack$"
        hold, after = FaultKind.HOLD, FaultKind.HOLD_AFTER
        for answers, request, kind in (
            (services.EMPTY, ("forgejo", "POST", "/user/repos$"), after),
            (services.REGISTERED, REGISTRATION, after),
            (services.UNPUSHED, ("forgejo", "POST", push), hold),
            (services.INTENDED, ("vault", "POST", secret), after),
            (services.ANNOUNCED, ("vault", "POST", secret), hold),
        ):
            name = answers["name"]
            system, method, path = request
            place = (*self.ground.answers(answers), *self.ground.service(name))
            killed_at(self.ground, (system, method, path.format(name)), kind, "create", *place)
            self.note(answers, "interrupted")
        answers = services.UNREQUESTED
        name = answers["name"]
        place = (*self.ground.answers(answers), *self.ground.service(name))
        infra = push.format(self.ground.infra.partition("/")[2])
        others = {"vault.secrets", "github.default_branch"}
        killed_short_of(self.ground, ("forgejo", "POST", infra), others, "create", *place)
        self.note(answers, "interrupted")
        self.keep_folder("unpushed")

    def make_plans(self) -> None:
        """Saved plans: not begun, begun and killed, and one for files only."""
        ground, plans = self.ground, self.target / "plans"
        plans.mkdir()
        seed = ("--seed", f"signing_key=env:{SEED[0]}")
        for answers, more in ((services.PLANNED, seed), (services.BEGUN, ()), (services.DRAFTED, ("--no-provision",))):
            name, file = answers["name"], ground.folder / f"{answers['name']}.json"
            place = ground.service(name)
            if name == "drafted":
                place = (*place, "--infra", ground.clone(ground.infra, ground.work / "infra"))
            _well(newservice("plan", *ground.answers(answers), *place, *more, "--out", file))
            if name == "begun":
                killed_at(ground, REGISTRATION, FaultKind.HOLD, "apply", file, "--platform", ground.sandbox.profile)
            (plans / file.name).write_bytes(file.read_bytes())
            self.note(answers, "planned")

    def make_killed_updates(self) -> None:
        """Checkouts in which an update was killed between two files."""
        for name, repository, place in (
            ("first stack", self.ground.infra, "stacks/first"),
            ("second service", f"{self.ground.owner}/second", "."),
        ):
            file = f"killed-update-of-{name.replace(' ', '-')}.tar.gz"
            checkout = self.ground.clone(repository, self.ground.work / "killed" / name.replace(" ", "-"))
            before = files_below(checkout)
            killed_after_one_file(checkout, "update", checkout / place, "--platform", self.ground.sandbox.profile)
            after = files_below(checkout)
            assert before.keys() <= after.keys(), "what the killed update removed would not be restored"
            pack(self.target / file, checkout, [path for path, held in after.items() if before.get(path) != held])
            commit = git(checkout, "rev-parse", "HEAD")
            self.checkouts[name] = {"file": file, "repository": repository, "commit": commit, "place": place}

    def make_updates(self) -> None:
        """What undisturbed updates come to: git's ids of the trees; nothing of them is kept."""
        for tree, place in self.ground.trees(("first", "second")):
            self.updates[tree] = self.ground.update(place)

    # --- people --------------------------------------------------------------------------------------------

    def merge(self, name: str) -> None:
        """Merge a service's pull request."""
        ground, branch = self.ground, f"newservice/{name}"
        (number,) = (number for number, state in ground.asked(branch) if state == "open")
        how = {"Do": "merge", "delete_branch_after_merge": True}
        ground.forgejo("POST", f"/repos/{ground.infra}/pulls/{number}/merge", how)

    def edit_stack(self, name: str) -> None:
        """Somebody's edit of a stack, on the default branch."""
        path = f"stacks/{name}/main.tf"
        bare = self.ground.sandbox.forgejo.repository(self.ground.infra).bare
        text = (bare.file("master", path) or b"").decode()
        bare.commit_files("master", {path: f"# {OUR_WORDS}\n{text}"}, "by hand", int(time.time()))

    def edit_repository(self, name: str) -> None:
        """Somebody's edit of a service's repository, pushed; the mirror follows."""
        folder, sandbox = self.ground.work / name, self.ground.sandbox
        readme = folder / "README.md"
        readme.write_text(f"<!-- {OUR_WORDS} -->\n{readme.read_text(encoding='utf-8')}", encoding="utf-8")
        git(folder, "commit", "--quiet", "--all", "--message", "docs: by hand")
        address = f"https://git:{sandbox.tokens.forgejo}@forgejo.sandbox.test:{sandbox.port}/{self.ground.owner}/{name}"
        options = (
            *("-c", f"http.curloptResolve=forgejo.sandbox.test:{sandbox.port}:127.0.0.1"),
            *("-c", f"http.sslCAInfo={sandbox.ca_file}"),
        )
        git(folder, *options, "push", "--quiet", f"{address}.git", "HEAD:master")
        sandbox.forgejo.wait_for_mirrors()

    def review(self, branch: str, path: str) -> None:
        """A reviewer's commit on a branch of the infra repository."""
        bare = self.ground.sandbox.forgejo.repository(self.ground.infra).bare
        bare.commit_files(branch, {path: f"# {OUR_WORDS}\n"}, "review: by hand", int(time.time()))

    # --- records -------------------------------------------------------------------------------------------

    def note(self, answers: Mapping[str, Any], kind: str, **more: str) -> None:
        """A service, for the tests."""
        self.services[answers["name"]] = {"kind": kind, **more, "answers": dict(answers)}

    def keep_folder(self, name: str) -> None:
        """The folder of a service that was never pushed, as it is on the person's machine."""
        folder = self.ground.work / name
        git(folder, "gc", "--quiet", "--prune=now")
        empty = [path for path in folder.rglob("*") if path.is_dir() and not any(path.iterdir())]
        names = [*files_below(folder), *(path.relative_to(folder).as_posix() for path in empty)]
        pack(self.target / f"{name}.tar.gz", folder, names)

    def observe(self) -> dict[str, Any]:
        """What commands that only look say of everything, each service's folder as it is restored."""
        for name, service in self.services.items():
            folder = self.ground.work / name if name == "unpushed" else self.ground.folder / "nowhere" / name
            place = self.ground.service(name, folder)
            seen = newservice("status", name, *place)
            service["recorded"] = seen.code == 0
            if seen.code:
                seen = newservice("status", name, *self.ground.answers(service["answers"]), *place)
            _well(seen)
            service["states"] = seen.states()
            if service["kind"] == "complete":
                service["differing"] = seen.differing()
        fleet = newservice("fleet", "status", *self.ground.places)
        return {
            "services": self.services,
            "fleet": _well(fleet).trees(),
            "checkouts": self.checkouts,
            "updates": self.updates,
        }


def _well(completed: Said) -> Said:
    assert completed.code == 0, completed.text
    return completed


def _versions() -> dict[str, Any]:
    """What all of it is made with, and the commits of the released templates, which never change."""
    templates = newservice("templates", "list").of("template")
    (installed,) = (item["version"] for item in templates if item["installed"])
    code = ("generator", "copier.yml", "templates", ":!generator/sandbox")
    assert not git(ROOT, "status", "--porcelain", "--", *code), "commit first: the fixture names the commit it is of"
    from generator import __version__

    return {
        "newservice": __version__,
        "template": installed,
        "released": {item["tag"]: item["commit"] for item in templates if item["state"] == "released"},
        "commit": git(ROOT, "log", "-1", "--format=%H", "--", *code),
    }


def _settle_in(home: Path) -> None:
    """An environment without the person's settings, as the tests have it."""
    home.mkdir()
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "TERM") if name in os.environ}
    os.environ.clear()
    os.environ.update(kept | {"HOME": str(home), "GIT_CONFIG_NOSYSTEM": "1", "NO_COLOR": "1", SEED[0]: SEED[1]})
    person = "[user]\n\tname = Maker\n\temail = maker@example.test\n[core]\n\tfsync = none\n"
    (home / ".gitconfig").write_text(person, encoding="utf-8")


def make(target: Path) -> None:
    """Make all of it into a new folder."""
    with claimed(PORT, FOLDER):
        _settle_in(FOLDER / "home")
        versions = _versions()
        target = target / versions["template"]
        target.mkdir()
        with Sandbox.start(FOLDER / "platform", port=PORT, tokens=TOKENS) as sandbox:
            os.environ.update(sandbox.environment)
            ground = Ground(FOLDER, sandbox)
            ground.work.mkdir()
            os.chdir(ground.work)
            maker = Maker(ground, target)
            for part in (
                maker.make_earlier,
                maker.make_current,
                maker.make_earlier_request,
                maker.make_requests,
                maker.make_interrupted,
                maker.make_plans,
                maker.make_killed_updates,
                maker.make_updates,
            ):
                sys.stderr.write(f"{part.__name__}\n")
                part()
            sandbox.forgejo.wait_for_mirrors()
            seen = {**versions, "folder": str(FOLDER), **maker.observe()}
            text = json.dumps(seen, indent=1, ensure_ascii=False) + "\n"
            (target / "expected.json").write_text(text, encoding="utf-8")
            sandbox.save(target / "sandbox")
    sizes = {path: path.stat().st_size for path in target.rglob("*") if path.is_file()}
    assert max(sizes.values()) <= LARGEST, sizes
    sys.stderr.write(f"{target}: {sum(sizes.values()) // 1024} KB in {len(sizes)} files\n")


if __name__ == "__main__":
    make(Path(sys.argv[1]) if sys.argv[1:] else HERE)
