"""What is private is never opened: the decision as a table, and the command where people and systems close things."""

from __future__ import annotations

import json
import re
import shutil
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml

from generator.base.errors import RefusedError, SystemFailure
from generator.base.secrets import Secret
from generator.clients.github import GitHub
from generator.clients.patience import Patience
from generator.engine.steps.visibility import Copies, Treatment, Visibility
from generator.infra_repo.trees import Folder
from generator.lifecycle.update import Upgrader
from generator.mcp.server import Settings
from generator.platform.profile import load_platform
from generator.sandbox import FaultKind, Status
from generator.sandbox.forgejo.state import Repository as Canonical
from generator.sandbox.git_http import GitRequest
from generator.sandbox.github.state import Repository as Mirror
from generator.sandbox.messages import Request, Response
from generator.template.releases import Releases
from generator.template.template import Template
from tests.answers import SMALLEST, TEMPLATE
from tests.checkout import commit_all
from tests.full import few, full
from tests.invoke import Desk
from tests.test_mcp import Agent, talk
from tests.world import Completed, World

PUBLIC = {**SMALLEST, "ci": False, "image_visibility": "public"}
"""Without CI nothing but Forgejo and GitHub knows the mirror: it can be deleted and created again."""

NAME = "notes-app"
CANONICAL = f"/repos/[^/]+/{NAME}$"
BOTH = {"forgejo.repository", "github.repository"}

# --- the decision -------------------------------------------------------------------------------------------------

TABLE = """
wanted  | forgejo  | github   | what forgejo gets | what github gets
private | absent   | absent   | create private    | create private
private | absent   | private  | create private    | leave
private | absent   | internal | create private    | leave
private | absent   | public   | create private    | close
private | private  | absent   | leave             | create private
private | private  | private  | leave             | leave
private | private  | internal | leave             | leave
private | private  | public   | leave             | close
private | internal | absent   | close             | create private
private | internal | private  | close             | leave
private | internal | internal | close             | leave
private | internal | public   | close             | close
private | public   | absent   | close             | create private
private | public   | private  | close             | leave
private | public   | internal | close             | leave
private | public   | public   | close             | close
public  | absent   | absent   | create public     | create public
public  | absent   | private  | create private    | leave
public  | absent   | internal | create private    | leave
public  | absent   | public   | create public     | leave
public  | private  | absent   | leave             | create private
public  | private  | private  | leave             | leave
public  | private  | internal | leave             | leave
public  | private  | public   | leave             | close
public  | internal | absent   | leave             | create private
public  | internal | private  | leave             | leave
public  | internal | internal | leave             | leave
public  | internal | public   | leave             | close
public  | public   | absent   | leave             | create public
public  | public   | private  | close             | leave
public  | public   | internal | close             | leave
public  | public   | public   | leave             | leave
"""
ROWS = [tuple(cell.strip() for cell in line.split("|")) for line in TABLE.strip().splitlines()[1:]]
SEEN = {"absent": None, **{item.value: item for item in Visibility}}
RANK = {None: -1, Visibility.PRIVATE: 0, Visibility.INTERNAL: 1, Visibility.PUBLIC: 2}
CREATED = {Treatment.CREATE_PRIVATE: Visibility.PRIVATE, Treatment.CREATE_PUBLIC: Visibility.PUBLIC}


def treated(copy: Visibility | None, treatment: Treatment) -> Visibility | None:
    """How visible a copy is when that was done about it."""
    if treatment is Treatment.LEAVE:
        return copy
    return Visibility.PRIVATE if treatment is Treatment.CLOSE else CREATED[treatment]


def test_every_case_is_in_the_table() -> None:
    assert len({row[:3] for row in ROWS}) == len(ROWS) == 2 * len(SEEN) ** 2


@pytest.mark.parametrize("row", ROWS, ids=lambda row: "-".join(row[:3]))
def test_what_is_done_about_each_copy(row: tuple[str, ...]) -> None:
    wanted, forgejo, github = row[0], SEEN[row[1]], SEEN[row[2]]
    copies = Copies(wanted == "private", forgejo, github)
    assert (copies.treatment_of_forgejo, copies.treatment_of_github) == row[3:]
    after = treated(forgejo, copies.treatment_of_forgejo), treated(github, copies.treatment_of_github)
    for before, now in zip((forgejo, github), after, strict=True):
        assert now is not None
        assert before is None or RANK[now] <= RANK[before]  # nothing is opened
    closed = wanted == "private" or {forgejo, github} & {Visibility.PRIVATE, Visibility.INTERNAL}
    assert (Visibility.PUBLIC in after) is not bool(closed)
    again = Copies(wanted == "private", *after)
    assert {again.treatment_of_forgejo, again.treatment_of_github} == {Treatment.LEAVE}


# --- the command --------------------------------------------------------------------------------------------------


@dataclass
class Event:
    """Something that a person or a system does at the ``number``-th fitting request, before or after its answer."""

    system: str
    method: str
    path: str
    happens: Callable[[], None]
    after: bool = False
    number: int = 1

    def due(self, system: str, request: Request) -> bool:
        if (system, request.method) != (self.system, self.method) or not re.search(self.path, request.path):
            return False
        self.number -= 1
        return self.number == 0


@dataclass
class Scene:
    """A world whose requests to both forges are watched. ``leaks``: pushes to a public copy while another is closed."""

    world: World
    events: list[Event] = field(default_factory=list)
    leaks: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        for system in ("forgejo", "github"):
            self.world.sandbox.lead_to(system, partial(self._answer, system, getattr(self.world.sandbox, system)))

    def _answer(self, system: str, application: Callable[[Request], Response], request: Request) -> Response:
        git = GitRequest.of(request)
        if git and git.receives and git.name == NAME:
            limited = {"forgejo"} if self.world.sandbox.forgejo.visibilities else set()
            visible = {where: not copy.private and where not in limited for where, copy in self.copies().items()}
            self.leaks += [f"{request.path} on {system}"] * (visible[system] and not all(visible.values()))
        due = [event for event in self.events if event.due(system, request)]
        for event in due:
            if not event.after:
                event.happens()
        answer = application(request)
        for event in due:
            if event.after:
                event.happens()
        return answer

    def copies(self) -> dict[str, Canonical | Mirror]:
        """The copies that exist, by system."""
        forges: dict[str, Any] = {"forgejo": self.world.sandbox.forgejo, "github": self.world.sandbox.github}
        found = ((where, key, copy) for where, forge in forges.items() for key, copy in forge.repositories.items())
        return {where: copy for where, key, copy in found if key.endswith(f"/{NAME}")}

    @property
    def private(self) -> dict[str, bool]:
        """Whether each copy that exists is private."""
        return {where: copy.private for where, copy in self.copies().items()}

    def close(self, *systems: str) -> None:
        """What a person does in the settings of a repository."""
        for system in systems:
            self.copies()[system].private = True

    def delete(self, system: str) -> None:
        """What a person does there, too."""
        copy = self.copies()[system]
        del getattr(self.world.sandbox, system).repositories[copy.full_name.lower()]
        shutil.rmtree(copy.bare.path)

    def empty(self, system: str) -> None:
        """What a run leaves that was stopped before its push."""
        for name in self.copies()[system].bare.heads():
            self.copies()[system].bare.delete(f"refs/heads/{name}")

    def create(self, given: Mapping[str, Any] = PUBLIC, code: int = 0) -> Completed:
        completed = self.world.run("create", given)
        assert completed.code == code, completed.out
        return completed

    def done(self, completed: Completed) -> set[str]:
        return {item["id"] for item in completed.of("step") if item["status"] == "done"}

    def settled(self, given: Mapping[str, Any] = PUBLIC) -> None:
        """The same command again changes nothing and sends nothing; both copies are at one commit."""
        self.world.sandbox.journal.clear()
        assert self.create(given).result["status"] == "unchanged"
        assert self.world.sandbox.journal.writes() == []
        heads = [copy.bare.heads()[self.world.branch] for copy in self.copies().values()]
        assert len(heads) == 2
        assert heads[0] == heads[1]


def watched(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    """What happens on a platform from here on. No test may end with a leak."""
    monkeypatch.setattr("generator.engine.executor.SETTLING_SECONDS", 0.2)
    scene = Scene(world)
    yield scene
    assert scene.leaks == []


@pytest.fixture
def scene(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    """An empty platform."""
    yield from watched(world, monkeypatch)


@pytest.fixture
def made(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    """The service exists, and is public everywhere."""
    world.have(PUBLIC)
    for scene in watched(world, monkeypatch):
        assert scene.private == {"forgejo": False, "github": False}
        yield scene


def summaries(completed: Completed) -> dict[str, str]:
    (plan,) = completed.of("plan")
    return {item["id"]: item["summary"] for item in plan["steps"]}


def actions(completed: Completed) -> dict[str, str]:
    (plan,) = completed.of("plan")
    return {item["id"]: item["action"] for item in plan["steps"] if item["action"] != "none"}


def other(system: str) -> str:
    return {"forgejo": "github", "github": "forgejo"}[system]


WORDS = {"forgejo": "Forgejo", "github": "GitHub"}
both_systems = pytest.mark.parametrize("closed", few(1, ["forgejo", "github"]))


@both_systems
def test_a_copy_that_is_created_again_is_as_closed_as_the_other(made: Scene, closed: str) -> None:
    """The leak itself: Forgejo is made private, the mirror is deleted; and the same the other way round."""
    made.close(closed)
    made.delete(other(closed))
    if closed == "github":  # a mirror that holds work which Forgejo lacks is refused
        made.empty("github")
    created = {"forgejo": "mirror", "github": "repository"}[closed]
    completed = f"private on {WORDS[closed]}, so the {created} is created private"
    for command in ("plan", "status"):
        shown = made.world.run(command, PUBLIC, "--", NAME)
        assert shown.code == 0
        assert completed in summaries(shown)[f"{other(closed)}.repository"]
    assert completed in summaries(made.create())[f"{other(closed)}.repository"]
    assert made.private == {"forgejo": True, "github": True}
    for command in ("plan", "status"):
        assert summaries(made.world.run(command, PUBLIC, "--", NAME))["github.repository"].endswith(
            "exists; it is private there, and stays so"
        )
    made.settled()


@both_systems
def test_where_copies_differ_the_public_one_is_closed_before_anything_is_pushed(made: Scene, closed: str) -> None:
    made.close(closed)
    canonical = made.world.canonical(NAME)
    canonical.mirrors.clear()
    canonical.bare.commit_files(made.world.branch, {"NOTE": b"private\n"}, "a private note", 1_790_000_000)
    completed = made.create()
    assert made.done(completed) == {f"{other(closed)}.repository", "forgejo.mirror"}
    summary = summaries(completed)[f"{other(closed)}.repository"]
    assert summary.endswith(f"becomes private, as it is private on {WORDS[closed]}")
    assert made.private == {"forgejo": True, "github": True}
    made.settled()


REFUSALS = [
    ("forgejo", FaultKind.FORBIDDEN),
    ("forgejo", Status(422, '{"message": "no"}', "application/json")),
    ("github", FaultKind.SERVER_ERROR),
]


@pytest.mark.parametrize(
    ("closed", "refusal"), few(1, REFUSALS, apart=True), ids=["github-403", "github-422", "forgejo-500"]
)
def test_nothing_is_pushed_where_the_public_copy_can_not_be_closed(
    made: Scene, closed: str, refusal: FaultKind | Status
) -> None:
    made.close(closed)
    canonical = made.world.canonical(NAME)
    canonical.mirrors.clear()
    canonical.bare.commit_files(made.world.branch, {"NOTE": b"private\n"}, "a private note", 1_790_000_000)
    before = {where: copy.bare.references() for where, copy in made.copies().items()}
    made.world.sandbox.faults.add(other(closed), "PATCH", CANONICAL, 100, refusal)
    made.create(code=5)
    assert {where: copy.bare.references() for where, copy in made.copies().items()} == before
    assert canonical.mirrors == []


def test_a_repository_that_is_created_again_gets_no_push_before_its_public_mirror_is_closed(made: Scene) -> None:
    """Empty, private by the server's settings, and linked to the mirror already: a push goes on at once."""
    links = list(made.world.canonical(NAME).mirrors)
    made.delete("forgejo")
    made.empty("github")
    made.world.sandbox.forgejo.force_private = True
    made.events.append(
        Event("forgejo", "POST", "/user/repos$", lambda: made.world.canonical(NAME).mirrors.extend(links), after=True)
    )
    made.world.sandbox.faults.add("github", "PATCH", CANONICAL, 100, FaultKind.FORBIDDEN)
    made.create(code=5)
    assert made.world.canonical(NAME).bare.heads() == {}
    made.world.sandbox.faults.clear()
    made.create()
    assert made.private == {"forgejo": True, "github": True}
    made.settled()


def test_an_archived_public_mirror_gets_no_push_before_it_is_closed(made: Scene) -> None:
    """GitHub lets nobody change the visibility of an archived repository; unarchived, it takes pushes."""
    mirror, canonical = made.world.mirror(NAME), made.world.canonical(NAME)
    mirror.archived = True
    made.close("forgejo")

    def push() -> None:
        before = canonical.bare.references()
        canonical.bare.commit_files(made.world.branch, {"NOTE": b"private\n"}, "a private note", 1_790_000_000)
        made.world.sandbox.forgejo.pushed(canonical, before)
        made.world.sandbox.forgejo.wait_for_mirrors()

    made.events.append(Event("github", "PATCH", CANONICAL, push, after=True))
    assert made.done(made.create()) == {"github.repository", "forgejo.mirror"}
    assert (mirror.private, mirror.archived, len(canonical.mirrors)) == (True, False, 1)
    made.settled()


# --- people who close things meanwhile ----------------------------------------------------------------------------


@pytest.mark.parametrize("number", few(1, range(1, 5)))
def test_whenever_forgejo_is_closed_the_new_mirror_is_private(made: Scene, number: int) -> None:
    """After each look at it: by the plan, by its own step, by the mirror's step; and at the very creation."""
    made.delete("github")
    if number < 4:
        closing = Event("forgejo", "GET", CANONICAL, lambda: made.close("forgejo"), after=True, number=number)
    else:
        closing = Event("github", "POST", "/user/repos$", lambda: made.close("forgejo"))
    made.events.append(closing)
    made.create()
    assert closing.number <= 0
    assert made.private == {"forgejo": True, "github": True}
    made.settled()


def test_a_repository_that_is_closed_at_the_last_moment_is_not_pushed_to_a_public_mirror(made: Scene) -> None:
    """After the mirror's step was taken: the link is there, and the push is not."""
    made.delete("github")
    link = f"/{NAME}/push_mirrors$"
    made.world.canonical(NAME).mirrors.clear()
    made.events.append(Event("forgejo", "POST", link, lambda: made.close("forgejo"), after=True))
    completed = made.create(code=5)
    (error,) = completed.of("error")
    assert (error["code"], "on GitHub" in error["message"]) == ("visibility.differs", True)
    assert made.copies()["github"].bare.heads() == {}
    assert made.world.canonical(NAME).mirrors == []  # it would push the next commit
    made.create()
    assert made.private == {"forgejo": True, "github": True}
    made.settled()


def test_a_mirror_that_is_opened_at_the_last_moment_gets_no_push(scene: Scene) -> None:
    private = {**PUBLIC, "image_visibility": "private"}

    def open_it() -> None:
        scene.world.mirror(NAME).private = False

    scene.events.append(Event("forgejo", "POST", f"/{NAME}/push_mirrors$", open_it, after=True))
    assert scene.create(private, code=5).of("error")[0]["code"] == "visibility.differs"
    assert scene.world.mirror(NAME).bare.heads() == {}
    assert scene.world.canonical(NAME).mirrors == []
    scene.create(private)
    assert scene.private == {"forgejo": True, "github": True}
    scene.settled(private)


def test_a_mirror_that_github_makes_private_closes_the_repository(scene: Scene) -> None:
    """Such as an organisation's rule: nothing is pushed to the public repository, and the next run closes it."""
    scene.events.append(Event("github", "POST", "/user/repos$", lambda: scene.close("github"), after=True))
    completed = scene.create(code=5)
    assert completed.of("error")[0]["code"] == "visibility.differs"
    assert scene.copies()["forgejo"].bare.heads() == {}
    scene.create()
    assert scene.private == {"forgejo": True, "github": True}
    scene.settled()


def apply(world: World, path: Path) -> Completed:
    return world.command("apply", str(path))


@both_systems
def test_apply_says_that_a_copy_was_closed_since_the_plan(made: Scene, closed: str) -> None:
    made.delete(other(closed))
    if closed == "github":
        made.empty("github")
    path = made.world.folder / "plan.json"
    assert made.world.run("plan", PUBLIC, "--out", str(path)).code == 0
    made.close(closed)
    made.world.sandbox.journal.clear()
    completed = apply(made.world, path)
    assert completed.code == 4, completed.out
    (error,) = completed.of("error")
    assert error["code"] == "plan.moved"
    assert f"private on {WORDS[closed]}" in error["message"]
    assert made.world.sandbox.journal.writes() == []


def test_a_plan_that_was_begun_goes_on_privately(scene: Scene) -> None:
    path = scene.world.folder / "plan.json"
    assert scene.world.run("plan", PUBLIC, "--out", str(path)).code == 0
    scene.world.sandbox.faults.add("github", "POST", "/user/repos$", 100, FaultKind.FORBIDDEN)
    assert apply(scene.world, path).code == 5
    assert scene.private == {"forgejo": False}
    scene.close("forgejo")
    scene.world.sandbox.faults.clear()
    completed = apply(scene.world, path)
    assert completed.code == 0, completed.out
    assert scene.private == {"forgejo": True, "github": True}
    scene.settled()


# --- what can't be seen -------------------------------------------------------------------------------------------

UNSEEN = [
    ("forgejo", FaultKind.FORBIDDEN),
    ("github", Status(503)),
    ("forgejo", Status(503)),
    ("forgejo", FaultKind.MALFORMED),
    ("github", FaultKind.FORBIDDEN),
]


@pytest.mark.parametrize(
    ("closed", "fault"),
    few(1, UNSEEN, apart=True),
    ids=["forgejo-403", "github-503", "forgejo-503", "forgejo-malformed", "github-403"],
)
def test_a_copy_that_can_not_be_seen_is_not_taken_for_public(
    made: Scene, closed: str, fault: FaultKind | Status
) -> None:
    made.close(closed)
    made.delete(other(closed))
    made.world.sandbox.faults.add(closed, "GET", CANONICAL, 1000, fault)
    made.world.sandbox.journal.clear()
    completed = made.create(code=3)
    (plan,) = completed.of("plan")
    assert {item["id"] for item in plan["steps"] if item["state"] == "unknown"} >= BOTH
    assert made.world.sandbox.journal.writes() == []
    assert list(made.copies()) == [closed]


def test_a_token_without_the_right_to_look_creates_nothing(made: Scene) -> None:
    made.close("forgejo")
    made.delete("github")
    made.world.sandbox.forgejo.tokens[made.world.sandbox.tokens.forgejo].scopes.discard("write:repository")
    made.world.sandbox.journal.clear()
    made.create(code=3)
    assert made.world.sandbox.journal.writes() == []


def test_a_private_repository_that_the_token_may_not_see_gets_no_public_mirror(made: Scene) -> None:
    """Forgejo says 404 for it, as if there were none, and refuses to create it."""
    made.close("forgejo")
    made.delete("github")
    made.world.sandbox.faults.add("forgejo", "GET", f"/repos/[^/]+/{NAME}(/|$)", 1000, FaultKind.NOT_FOUND)
    completed = made.world.run("create", PUBLIC)
    assert completed.code in (3, 5), completed.out
    assert list(made.copies()) == ["forgejo"]


def test_a_private_service_does_not_need_to_see_the_other_copy(scene: Scene) -> None:
    """Both are private, whatever the other one is: an outage of GitHub says nothing about Forgejo."""
    scene.world.sandbox.faults.add("github", "GET", CANONICAL, 1000, Status(503))
    completed = scene.world.run("plan", {**SMALLEST, "ci": False})
    assert completed.code == 3
    (plan,) = completed.of("plan")
    assert {item["state"] for item in plan["steps"] if item["id"] == "forgejo.repository"} == {"absent"}


# --- what the servers decide themselves ---------------------------------------------------------------------------


@full
def test_a_forgejo_that_makes_everything_private_has_a_private_mirror(scene: Scene) -> None:
    scene.world.sandbox.forgejo.force_private = True
    created, early = threading.Event(), list[bool]()
    scene.events += [  # Forgejo takes its time, and the mirror waits for what it makes of the wish
        Event("github", "POST", "/user/repos$", created.set),
        Event("forgejo", "POST", "/user/repos$", lambda: early.append(created.wait(0.5))),
    ]
    completed = scene.create()
    assert early == [False]
    assert scene.private == {"forgejo": True, "github": True}
    assert scene.done(completed) >= BOTH
    scene.settled()


@pytest.mark.parametrize("visibility", few(1, ["limited", "private"]))
def test_a_repository_of_an_owner_that_not_everybody_sees_has_a_private_mirror(scene: Scene, visibility: str) -> None:
    scene.world.sandbox.forgejo.visibilities[scene.world.platform.forgejo.owner] = visibility
    scene.create()
    assert scene.private == {"forgejo": False, "github": True}
    scene.settled()


@full
def test_such_a_repository_becomes_private_where_the_answers_say_so(scene: Scene) -> None:
    private = {**PUBLIC, "image_visibility": "private"}
    scene.create(private)
    scene.copies()["forgejo"].private = False
    scene.world.sandbox.forgejo.visibilities[scene.world.platform.forgejo.owner] = "limited"
    assert scene.done(scene.create(private)) == {"forgejo.repository"}
    assert scene.private == {"forgejo": True, "github": True}
    scene.settled(private)


def test_an_internal_mirror_counts_as_closed_and_stays_internal(made: Scene) -> None:
    mirror = made.world.mirror(NAME)
    mirror.private = mirror.internal = True
    completed = made.create()
    assert made.done(completed) == {"forgejo.repository"}
    assert summaries(completed)["forgejo.repository"].endswith("becomes private, as it is internal on GitHub")
    assert (made.private, mirror.internal) == ({"forgejo": True, "github": True}, True)
    made.settled()


@full
def test_a_private_service_leaves_its_internal_mirror_alone(scene: Scene) -> None:
    private = {**PUBLIC, "image_visibility": "private"}
    scene.create(private)
    mirror = scene.world.mirror(NAME)
    mirror.internal = True
    scene.settled(private)
    assert mirror.internal


def test_a_plan_without_private_repositories_gets_no_mirror(made: Scene) -> None:
    made.close("forgejo")
    made.delete("github")
    made.world.sandbox.github.private_repositories = False
    completed = made.create(code=5)
    (error,) = completed.of("error")
    assert error["code"] == "github.failed"
    assert "Visibility can't be private" in error["message"]
    assert list(made.copies()) == ["forgejo"]


def test_a_plan_without_private_repositories_gets_no_push(made: Scene) -> None:
    made.close("forgejo")
    canonical = made.world.canonical(NAME)
    canonical.bare.commit_files(made.world.branch, {"NOTE": b"private\n"}, "a private note", 1_790_000_000)
    before = made.world.mirror(NAME).bare.references()
    made.world.sandbox.github.private_repositories = False
    completed = made.create(code=5)
    assert "Visibility can't be private" in completed.of("error")[0]["message"]
    assert made.world.mirror(NAME).bare.references() == before


@pytest.mark.parametrize("missing", few(1, ["private", "archived"]))
def test_a_repository_of_github_that_does_not_say_whether_it_is_private_is_no_answer(made: Scene, missing: str) -> None:
    platform = load_platform(TEMPLATE.platform, made.world.sandbox.profile, {})
    client = GitHub(platform, Secret(made.world.sandbox.tokens.github), patience=Patience(1, 0, 0))
    path = f"/repos/{made.world.mirror_name(NAME)}"
    assert client.repository(made.world.mirror_name(NAME)) is not None
    shown = next(item for item in made.world.sandbox.journal if item.path.endswith(path) and item.status == 200)
    data = {key: value for key, value in json.loads(shown.response_body).items() if key != missing}
    made.world.sandbox.faults.add("github", "GET", f"{path}$", 2, Status(200, json.dumps(data), "application/json"))
    with closing(client), pytest.raises(SystemFailure) as caught:
        client.repository(made.world.mirror_name(NAME))
    assert caught.value.code == "github.not_json"


# --- updates ------------------------------------------------------------------------------------------------------

CHANGES = {
    "flag": ["--image-visibility", "public"],
    "set": ["--set", "image_visibility=public"],
    "file": ["--answers", "change.yml"],
    "check": ["--image-visibility", "public", "--check"],
}


def trees(desk: Desk, given: Mapping[str, Any]) -> list[Path]:
    """The committed trees of a service: its repository, and its stack."""
    assert desk.create(given).code == 0
    commit_all(desk.service, "feat: the service")
    commit_all(desk.infra, "feat: the stack")
    return [desk.service, desk.infra / "stacks" / NAME]


def recorded(tree: Path) -> str:
    return str(yaml.safe_load((tree / ".copier-answers.yml").read_text(encoding="utf-8"))["image_visibility"])


@pytest.mark.parametrize("how", few(2, CHANGES))
def test_an_update_makes_a_service_public_only_where_it_is_asked_to(
    how: str, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(desk.folder)
    places = trees(desk, SMALLEST)
    (desk.folder / "change.yml").write_text("image_visibility: public\n")
    before = desk.snapshot()
    for place in places:
        completed = desk.command("update", place, *CHANGES[how], "--json")
        assert (completed.code, completed.result["status"]) == (4, "refused"), completed.out
        (error,) = completed.of("error")
        assert error["code"] == "change.opens"
        assert "the repositories of notes-app open to everybody" in error["message"]
        assert completed.of("plan") == []
    assert desk.snapshot() == before
    assert desk.changed() == []
    for place in places:
        completed = desk.command("update", place, *CHANGES[how], "--open", "--json")
        assert completed.code == 0, completed.out
        assert recorded(place) == ("private" if "--check" in CHANGES[how] else "public")
        (line,) = [line for line in completed.of("plan")[0]["notes"] if "open to everybody" in line]
        assert "notes-app" in line


def test_an_update_makes_a_public_service_private(desk: Desk) -> None:
    for place in trees(desk, {**SMALLEST, "image_visibility": "public"}):
        completed = desk.command("update", place, "--image-visibility", "private", "--json")
        assert completed.code == 0, completed.out
        assert recorded(place) == "private"


def test_nor_does_an_update_that_an_agent_asks_for(desk: Desk) -> None:
    places = trees(desk, SMALLEST)
    before = desk.snapshot()

    async def wish(agent: Agent) -> None:
        for place in places:
            for check in (True, False):
                completed = await agent.call(
                    "update", path=str(place), check=check, answers={"image_visibility": "public"}
                )
                assert [error["code"] for error in completed["error"]] == ["change.opens"]
                assert completed["result"]["exit_code"] == 4
        agreed = await agent.call(
            "update", path=str(places[0]), check=True, open=True, answers={"image_visibility": "public"}
        )
        assert agreed["result"]["exit_code"] == 0
        assert "--open" in agreed["result"]["next"][0]

    talk(Settings(allow_writes=True), wish)
    assert desk.snapshot() == before


def test_nor_does_a_template_whose_default_is_public(desk: Desk, tmp_path: Path) -> None:
    """An answers file that does not say it was made with the default of its own version, which is private."""
    root = tmp_path / "template"
    shutil.copytree(TEMPLATE.root / "templates", root / "templates")
    text = (TEMPLATE.root / "copier.yml").read_text(encoding="utf-8")
    asked = "  choices: [private, public]\n  default: private\n"
    assert text.count(asked) == 1
    (root / "copier.yml").write_text(text.replace(asked, asked.replace("default: private", "default: public")))
    upgrader = Upgrader(Releases(), load_platform(TEMPLATE.platform, None, {}))
    for place in trees(desk, SMALLEST):
        answers = place / ".copier-answers.yml"
        kept = [line for line in answers.read_text().splitlines() if not line.startswith("image_visibility:")]
        answers.write_text("\n".join(kept) + "\n")
        source, prefix = (place, "") if place == desk.service else (desk.infra, f"stacks/{NAME}/")
        with pytest.raises(RefusedError) as caught:
            upgrader.plan(Folder(source), prefix, template=Template(root))
        assert caught.value.code == "update.opens"
