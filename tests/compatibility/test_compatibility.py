"""Services of earlier versions, made by them and kept as data, with the version under test: see ``make.py``.

What a command says in words may change, and so may everything inside; exit codes, JSON keys, states, and what is on the
systems may not. Each test has a fresh copy.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import pytest
import trustme
import yaml
from packaging.version import Version

from generator.sandbox import Sandbox
from generator.template.releases import Releases
from tests.compatibility.place import OUR_WORDS, SEED, Ground, Said, TakenError, claimed, git, newservice, unpack
from tests.full import few, full

HERE = Path(__file__).parent
RELEASES = sorted(path.parent for path in HERE.glob("*/expected.json"))


@dataclass(frozen=True)
class Made:
    """What an earlier version made: the folder, and what that version saw of it."""

    folder: Path

    def __str__(self) -> str:
        return self.folder.name

    @cached_property
    def expected(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / "expected.json").read_text(encoding="utf-8"))
        return found

    @property
    def port(self) -> int:
        return int(json.loads((self.folder / "sandbox" / "sandbox.json").read_text(encoding="utf-8"))["port"])

    @property
    def services(self) -> Mapping[str, Any]:
        found: dict[str, Any] = self.expected["services"]
        return found

    def names(self, kind: str) -> list[str]:
        return [name for name, service in self.services.items() if service["kind"] == kind]

    def answers(self, name: str) -> Mapping[str, Any]:
        found: dict[str, Any] = self.services[name]["answers"]
        return found

    @property
    def is_of_this_template(self) -> bool:
        """Whether the template under test is the one that all of it was made with."""
        return str(self.expected["template"]) == installed()


ALL = [Made(folder) for folder in RELEASES]
every_release = pytest.mark.parametrize("made", ALL, ids=str)
PARTS = 5
"""Of the services of a release, where each is looked at by a process of its own."""


@cache
def installed() -> str:
    """The version of the template under test."""
    (found,) = (item["version"] for item in newservice("templates", "list").of("template") if item["installed"])
    return str(found)


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    """One for all platforms: their file has the same name, and a process reads it once."""
    return trustme.CA()


@pytest.fixture
def ground(
    made: Made,
    authority: trustme.CA,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Ground]:
    """The platform as it was, where it was, with an empty folder to work in."""
    folder = Path(made.expected["folder"])
    monkeypatch.setenv(*SEED)
    saved = made.folder / "sandbox"
    try:
        with (
            claimed(made.port, folder),
            Sandbox.start(folder / "platform", restore=saved, authority=authority) as sandbox,
        ):
            for name, value in sandbox.environment.items():
                monkeypatch.setenv(name, value)
            ground = Ground(folder, sandbox)
            ground.work.mkdir()
            monkeypatch.chdir(ground.work)
            if (made.folder / "unpushed.tar.gz").is_file():
                unpack(made.folder / "unpushed.tar.gz", ground.work / "unpushed")
            yield ground
            monkeypatch.chdir("/")
    except TakenError as error:
        pytest.skip(str(error))


def well(completed: Said, status: str = "") -> Said:
    assert completed.code == 0, completed.text
    assert status in ("", completed.status), completed.text
    return completed


def unwritten(ground: Ground) -> None:
    """Nothing was written to any system since the journal was cleared."""
    assert [(item.system, item.method, item.path) for item in ground.sandbox.journal.writes()] == []


def look(ground: Ground, made: Made, name: str) -> Said:
    """``status``, which finds the answers itself where some system has them."""
    return well(newservice("status", name, *known(ground, made, name), *ground.service(name)))


def known(ground: Ground, made: Made, name: str) -> tuple[str | Path, ...]:
    """The flag for the answers of a service, where no system has any of it."""
    return () if made.services[name]["recorded"] else ground.answers(made.answers(name))


def repositories(ground: Ground, name: str) -> list[str]:
    """The service's repositories on both forges."""
    systems = (ground.sandbox.forgejo, ground.sandbox.github)
    return [full for system in systems for full in system.repositories if full.endswith(f"/{name}")]


def whole(ground: Ground, made: Made, name: str, completed: Said) -> None:
    """A run took every step, and each thing exists once."""
    sandbox = ground.sandbox
    sandbox.forgejo.wait_for_mirrors()
    mirror = f"{sandbox.platform.github.owner}/{name}"
    steps = {step["id"]: step["status"] for step in well(completed, "success").of("step")}
    assert steps.keys() == made.services[name]["states"].keys()
    assert set(steps.values()) <= {"done", "unchanged"}, steps
    assert len(repositories(ground, name)) == 2
    assert ground.heads(f"{ground.owner}/{name}") == sandbox.github.repository(mirror).bare.heads()
    assert len(sandbox.forgejo.repository(f"{ground.owner}/{name}").mirrors) == 1
    assert [row.active for row in sandbox.woodpecker.repositories.values() if row.full_name == mirror] == [True]
    assert [state for _, state in ground.asked(f"newservice/{name}")] == ["open"]


# --- what exists ---------------------------------------------------------------------------------------------


@pytest.mark.slow
@every_release
@pytest.mark.parametrize("part", few(1, range(PARTS)))
def test_every_service_is_seen_as_it_was(made: Made, ground: Ground, part: int) -> None:
    """Every step of it; of each kind of service there is one in each part."""
    ground.sandbox.journal.clear()
    for name in [name for kind in ("complete", "interrupted") for name in made.names(kind)[part::PARTS]]:
        service, seen = made.services[name], look(ground, made, name)
        states = seen.states()
        if "woodpecker.deploy" not in service["states"]:  # no version before 3.0.0 has that step
            assert states.pop("woodpecker.deploy", "present") == "present"
        assert states == service["states"], name
        if service["kind"] == "complete":
            assert seen.differing() == service["differing"], name
    unwritten(ground)


@full
@every_release
def test_the_fleet_is_seen_as_it_was(made: Made, ground: Ground) -> None:
    """And the one service that is alive."""
    ground.sandbox.journal.clear()
    well(newservice("verify", "live", *ground.service("live")))
    found = well(newservice("fleet", "status", *ground.places)).trees()
    later = {} if made.is_of_this_template else {"current": "behind"}
    wanted = made.expected["fleet"]
    assert found.keys() == wanted.keys()
    for tree, state in found.items():
        assert state in (wanted[tree], later.get(wanted[tree])), tree
    unwritten(ground)


@full
@every_release
def test_complete_services_are_left_alone(made: Made, ground: Ground) -> None:
    """Also those that wait for review: no second request, and the reviewer's commit stays.

    A later template may have an entry more, which is added; nothing that exists is changed for it.
    """
    names = [name for name in made.names("complete") if "version" not in made.services[name]]
    assert len(names) >= 4
    heads, pulls = ground.heads(), ground.pulls()
    ground.sandbox.journal.clear()
    for name in names:
        well(ground.create(made.answers(name)), "unchanged" if made.is_of_this_template else "")
    if made.is_of_this_template:
        unwritten(ground)
        assert (ground.heads(), ground.pulls()) == (heads, pulls)
    bare = ground.sandbox.forgejo.repository(ground.infra).bare
    for branch, head in heads.items():
        assert bare.is_ancestor(head, ground.heads()[branch]), branch
    for name in ("requested", "reviewed"):
        assert [state for _, state in ground.asked(f"newservice/{name}")] == ["open"]


@full
@pytest.mark.slow
@every_release
def test_what_is_ours_is_removed_and_nothing_else(made: Made, ground: Ground) -> None:
    names = ("requested", "aged", "reviewed", "intended", "live")
    sandbox, heads = ground.sandbox, ground.heads()
    for name in names:
        well(newservice("remove", name, *known(ground, made, name), *ground.service(name), "--yes"), "success")
    left = ground.heads()
    assert not {"newservice/requested", "newservice/aged", "newservice/intended"} & left.keys()
    assert left["newservice/reviewed"] == heads["newservice/reviewed"], "a reviewer has committed to it"
    assert left["master"] == heads["master"]
    assert [state for _, state in ground.asked("newservice-remove/live")] == ["open"]
    assert {name: len(repositories(ground, name)) for name in names} == {
        "requested": 0,
        "aged": 0,
        "reviewed": 0,
        "intended": 0,
        "live": 2,  # they wait until the stack is removed
    }
    stays = {name: not versions[-1].deleted for name, versions in sandbox.vault.secrets.items()}
    assert {name: stays[name] for name in names} == {
        "requested": False,  # its note says who wrote it, and when
        "aged": False,
        "reviewed": True,  # a person wrote it before the service was created
        "intended": False,  # the digest in its note is of a value in it
        "live": True,  # a person has filled something in since
    }


# --- interrupted runs ----------------------------------------------------------------------------------------


@full
@pytest.mark.slow
@every_release
def test_interrupted_creates_are_continued(made: Made, ground: Ground, subtests: pytest.Subtests) -> None:
    for name in made.names("interrupted"):
        with subtests.test(name=name):
            continue_create(made, ground, name)


def continue_create(made: Made, ground: Ground, name: str) -> None:
    vault = ground.sandbox.vault
    before = vault.read(name) if name in vault.secrets else None
    completed = ground.create(made.answers(name))
    if completed.code == 4 and name == "unpushed" and not made.is_of_this_template:
        # What was never pushed was rendered by another template: a person moves it away.
        shutil.move(ground.work / name, ground.work / "away")
        completed = ground.create(made.answers(name))
    whole(ground, made, name, completed)
    if "vault.secrets" in made.services[name]["states"]:
        assert len(vault.secrets[name]) == 1
        assert before in (None, vault.read(name)), "what was generated is replaced"


@full
@every_release
def test_saved_plans_are_carried_out_or_say_what_moved(made: Made, ground: Ground, subtests: pytest.Subtests) -> None:
    infra = ground.clone(ground.infra, ground.work / "infra")
    flags = {"drafted": ("--no-provision", "--infra", infra), "planned": ("--seed", f"signing_key=env:{SEED[0]}")}
    for name in made.names("planned"):
        with subtests.test(name=name):
            completed = apply(made, ground, name, *flags.get(name, ()))
            if name == "drafted":
                well(completed, "success")
                assert (ground.work / name / ".copier-answers.yml").is_file()
                assert (infra / "stacks" / name / "main.tf").is_file()
            else:
                whole(ground, made, name, completed)
    assert ground.sandbox.vault.read("planned")["signing_key"] == SEED[1]


def apply(made: Made, ground: Ground, name: str, *more: str | Path) -> Said:
    """Carry out a saved plan. Where it is refused because something moved, create the service, with these flags."""
    plan = ground.folder / f"{name}.json"
    shutil.copy(made.folder / "plans" / plan.name, plan)
    ground.sandbox.journal.clear()
    completed = newservice("apply", plan, "--platform", ground.sandbox.profile)
    if completed.code == 0:
        return completed
    assert not made.is_of_this_template, completed.text
    assert completed.code == 4, completed.text
    unwritten(ground)
    (error,) = completed.of("error")
    # A plan with sources of secrets has no mark of an earlier version's, and counts as somebody else's.
    assert completed.status == "refused"
    assert error["code"] in ("plan.moved", "plan.foreign")
    assert len(error["message"].splitlines()) > 1, "it lists what moved"
    return ground.create(made.answers(name), *more)


# --- updates -------------------------------------------------------------------------------------------------


def newest(made: Made, tree: Path) -> None:
    """A tree is of the newest version, with its edit by hand."""
    recorded = yaml.safe_load((tree / ".copier-answers.yml").read_text(encoding="utf-8"))
    version = Version(recorded["_commit"].removeprefix("v"))
    assert version >= Version(made.expected["template"])
    edited = tree / ("main.tf" if recorded["layer"] == "stack" else "README.md")
    assert OUR_WORDS in edited.read_text(encoding="utf-8")


@every_release
def test_trees_of_earlier_templates_are_updated(made: Made, ground: Ground) -> None:
    """To the version that was the newest then exactly as then, and from there to the one that is now."""
    names = dict.fromkeys(tree.partition(" ")[0] for tree in made.expected["updates"])
    places = dict(ground.trees(names))
    for tree, place in places.items():
        assert ground.update(place, "--to", made.expected["template"]) == made.expected["updates"][tree], tree
    for place in places.values():
        if Version(made.expected["template"]) < Releases().newest:
            ground.update(place)
        newest(made, place)


@every_release
def test_a_killed_update_is_taken_back_and_repeated(made: Made, ground: Ground) -> None:
    """Looking at it says so and changes nothing; the next one takes it back, and is as an undisturbed one then."""
    for tree, kept in made.expected["checkouts"].items():
        checkout = ground.clone(kept["repository"], ground.work / tree.replace(" ", "-"))
        git(checkout, "reset", "--quiet", "--hard", kept["commit"])
        unpack(made.folder / kept["file"], checkout)
        halfway = git(checkout, "status", "--porcelain")
        assert halfway != ""
        place = checkout / kept["place"]
        looked = newservice("update", place, "--platform", ground.sandbox.profile, "--check")
        assert (looked.code, looked.of("error")[0]["code"]) == (4, "update.interrupted")
        assert git(checkout, "status", "--porcelain") == halfway
        assert ground.update(place, "--to", made.expected["template"]) == made.expected["updates"][tree]
        newest(made, place)


@full
@every_release
def test_open_update_requests_are_ours(made: Made, ground: Ground) -> None:
    """A dry run writes nothing; a run finds them or brings them up, and opens no second one."""
    branches = [("newservice-update/asked-first", ground.infra), ("newservice-update/asked-second", ground.infra)]
    branches.append(("newservice-update/asked-second", f"{ground.owner}/asked-second"))
    before = {place: (ground.asked(*place), ground.heads(place[1])[place[0]]) for place in branches}
    ground.sandbox.journal.clear()
    dry = newservice("fleet", "update", "--dry-run", *ground.places)
    unwritten(ground)
    completed = newservice("fleet", "update", *ground.places)
    assert dry.code == completed.code, completed.text
    for place, (asked, head) in before.items():
        assert ground.asked(*place) == asked, place
        bare = ground.sandbox.forgejo.repository(place[1]).bare
        assert bare.is_ancestor(head, ground.heads(place[1])[place[0]]), place
    done = completed.trees("action")
    for tree in ("asked-first stack", "asked-second service"):
        assert done[tree] in ("found", "updated"), f"{tree} is taken for a stranger's"
    assert done["asked-second stack"] == "", "a reviewer has committed to it"
    for name in ("first", "second"):
        assert [state for _, state in ground.asked(f"newservice-update/{name}")] == ["open"]
        assert [state for _, state in ground.asked(f"newservice-update/{name}", f"{ground.owner}/{name}")] == ["open"]
    ground.sandbox.journal.clear()
    newservice("fleet", "update", *ground.places)
    unwritten(ground)


@every_release
def test_released_templates_are_published_as_they_were(made: Made, ground: Ground) -> None:
    completed = well(newservice("templates", "publish", "--platform", ground.sandbox.profile))
    tags = ground.sandbox.forgejo.repository(f"{ground.owner}/newservice").bare.tags()
    assert made.expected["released"].items() <= tags.items(), completed.text
    well(newservice("templates", "publish", "--platform", ground.sandbox.profile), "unchanged")
