"""``newservice remove``: what newservice made and nobody has changed goes; everything else stays and is told."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest

from generator.cli.json_lines import JsonReporter
from generator.cli.report import Reporter, Result
from generator.engine.connections import open_run
from generator.engine.ownership import MARK
from generator.engine.plan import Plan
from generator.engine.project import Project
from generator.engine.steps import steps_between
from generator.engine.steps.removal.repository import REMOVING
from generator.lifecycle.removal.carry import observe, written
from generator.platform.profile import load_platform
from generator.sandbox import FaultKind
from generator.sandbox.forgejo.state import Issue, PullRequest, PushMirror
from generator.sandbox.github.state import Issue as MirrorIssue
from generator.sandbox.github.state import Release
from generator.sandbox.repositories import run_git
from generator.sandbox.woodpecker.state import Secret
from generator.template.answers import Answers, resolve
from generator.template.files import File
from generator.template.renderer import Renderer
from tests import contracts
from tests.answers import QUESTIONS, RICH, SMALLEST, TEMPLATE, UPSTREAM, answer
from tests.full import full
from tests.meanwhile import meanwhile
from tests.processes import kill_all
from tests.world import Completed, World

NAME = str(SMALLEST["name"])
RICH_NAME = str(RICH["name"])
NOW = 1_790_000_000
REPOSITORY = {"forgejo.mirror", "woodpecker.registration", "github.repository", "forgejo.repository"}
INFRA = {"infra.pull_request", "infra.commit"}
SECRETS = {"vault.secrets"}
TAKEN_OUT = {"infra.removal_commit", "infra.removal_request"}


def remove(world: World, name: str = NAME, *more: str, reporter: Reporter | None = None) -> Completed:
    return world.command("remove", name, "--service-dir", str(world.folder / name), *more, reporter=reporter)


def everything(world: World) -> dict[str, Any]:
    """What is there on all systems; git by its ids."""
    world.sandbox.forgejo.wait_for_mirrors()
    kept = {path: found[-1] for path, found in world.sandbox.vault.secrets.items() if not found[-1].deleted}
    return {
        "forgejo": {
            name: (item.bare.references(), [link.remote_address for link in item.mirrors], item.description)
            for name, item in world.sandbox.forgejo.repositories.items()
        },
        "pull requests": [pull.head for pull in world.infra.pulls.values() if pull.state == "open"],
        "github": {name: item.bare.references() for name, item in world.sandbox.github.repositories.items()},
        "woodpecker": {row.full_name: row.active for row in world.sandbox.woodpecker.repositories.values()},
        "vault": {path: version.data for path, version in kept.items()},
    }


def going(completed: Completed) -> set[str]:
    """Ids of what the plan takes away."""
    (plan,) = completed.of("plan")
    return {step["id"] for step in plan["steps"] if step["action"] == "delete"}


@contextmanager
def looking(world: World, given: Mapping[str, Any]) -> Iterator[Callable[[], Plan]]:
    """Looks without the command around them: quick."""
    platform = load_platform(TEMPLATE.platform, world.sandbox.profile)
    answers = resolve(TEMPLATE, QUESTIONS, given, {"platform": platform.facts})
    project = Project(TEMPLATE, platform, answers, world.folder / answers.name)
    with open_run(project, world.sandbox.infra) as run:
        yield lambda: observe(steps_between(answers, None).gone, run)


def tree(world: World, revision: str) -> dict[str, str]:
    return {item.path: item.sha for item in world.infra.bare.entries(revision, recursive=True) if item.kind == "blob"}


def violations(world: World) -> list[str]:
    """What the servers' descriptions do not allow."""
    return contracts.check(world.sandbox.journal, complete=True)[1]


def merge_removal(world: World, name: str) -> None:
    bare = world.infra.bare
    bare.update(f"refs/heads/{world.base}", bare.heads()[f"newservice-remove/{name}"])
    for pull in world.infra.pulls.values():
        if pull.head == f"newservice-remove/{name}":
            pull.state, pull.merged = "closed", "2026-08-01T00:00:00Z"


def test_a_removal_leaves_the_world_as_it_was_before(world: World) -> None:
    """Beside another service, which nothing happens to; and again, with nothing left to do."""
    world.have(UPSTREAM)
    before = everything(world)
    assert world.run("create", RICH).code == 0
    made = everything(world)
    world.sandbox.journal.clear()

    shown = remove(world, RICH_NAME, "--dry-run")
    refused = remove(world, RICH_NAME)
    limited = remove(world, RICH_NAME, "--yes", "--limit", "40")
    assert (shown.code, refused.code, limited.code) == (0, 2, 4)
    assert going(shown) == INFRA | REPOSITORY | SECRETS
    assert [item.of("error")[0]["code"] for item in (refused, limited)] == ["usage.confirmation", "remove.limit"]
    assert world.sandbox.journal.writes() == []
    assert everything(world) == made

    completed = remove(world, RICH_NAME, "--yes")
    assert (completed.code, completed.result["status"]) == (0, "success")
    assert everything(world) == before
    assert (world.folder / RICH_NAME).is_dir()
    assert any("vault kv undelete -versions=1" in line for line in completed.result["next"])
    (plan,) = completed.of("plan")
    actions = {item["action"] for item in plan["files"]} | {item["action"] for item in plan["registrations"]}
    assert actions == {"delete", "remove"}

    again = remove(world, RICH_NAME, "--yes")
    assert (again.code, again.result["status"]) == (0, "unchanged")
    if contracts.FOLDER.is_dir():
        assert violations(world) == []


@dataclass(frozen=True)
class Change:
    """What somebody does to a service, how it is undone, what still goes, and why the rest stays."""

    do: Callable[[World], Callable[[], object]]
    goes: set[str]
    reason: str = ""


def attribute(find: Callable[[World], Any], name: str, value: Any) -> Callable[[World], Callable[[], object]]:
    """Set an attribute of what ``find`` finds, until it is undone."""

    def do(world: World) -> Callable[[], object]:
        target = find(world)
        before = getattr(target, name)
        setattr(target, name, value)
        return lambda: setattr(target, name, before)

    return do


def entry(find: Callable[[World], dict[Any, Any]], key: Any, value: Any) -> Callable[[World], Callable[[], object]]:
    """Add an entry to what ``find`` finds, until it is undone."""

    def do(world: World) -> Callable[[], object]:
        target = find(world)
        target[key] = value
        return lambda: target.pop(key)

    return do


def commit(
    find: Callable[[World], Any], branch: str, message: str = "work", path: str = "README.md"
) -> Callable[[World], Callable[[], object]]:
    """Commit to a branch, or to a new one that stands on the default branch."""

    def do(world: World) -> Callable[[], object]:
        bare, name = find(world).bare, branch or world.branch
        before = bare.heads().get(name)
        if before is None:
            bare.update(f"refs/heads/{name}", bare.heads()[world.branch])
        bare.commit_files(name, {path: "mine"}, message, NOW)
        reference = f"refs/heads/{name}"
        return lambda: bare.update(reference, before) if before else bare.delete(reference)

    return do


def tag(message: str, find: Callable[[World], Any] = lambda world: canonical(world)) -> Callable[[World], Any]:
    """An annotated tag as CI makes it, on the service's commit or (with a message) on another one."""

    def do(world: World) -> Callable[[], object]:
        bare = find(world).bare
        at = bare.heads()[world.branch]
        if message:
            at = bare.commit_tree(bare.log(at, limit=1)[0].tree, [], message)
        run_git(bare.path, "tag", "--annotate", "--message", "v1.0.0", "v1.0.0", at)
        return lambda: bare.delete("refs/tags/v1.0.0")

    return do


def canonical(world: World) -> Any:
    return world.canonical(NAME)


def mirror(world: World) -> Any:
    return world.mirror(NAME)


def registered(world: World) -> Any:
    return world.sandbox.woodpecker.repository(world.mirror_name(NAME))


def elsewhere(world: World) -> Callable[[], object]:
    links = world.canonical(NAME).mirrors
    links.append(PushMirror("https://git.example.test/copy.git", "8h0m0s"))
    return links.pop


def mirrored_tag(world: World) -> Callable[[], object]:
    """The same tag on both sides, as the mirror's push makes it."""
    undo = tag("")(world)
    tags = world.canonical(NAME).bare.references()
    command = ("fetch", "--quiet", str(canonical(world).bare.path), "refs/tags/*:refs/tags/*")
    run_git(world.mirror(NAME).bare.path, *command)
    assert world.mirror(NAME).bare.references() == tags

    def both() -> None:
        undo()
        world.mirror(NAME).bare.delete("refs/tags/v1.0.0")

    return both


def moved_tag(world: World) -> Callable[[], object]:
    """The same name on both sides, for different work."""
    undos = [tag("")(world), tag("theirs", mirror)(world)]
    return lambda: [undo() for undo in undos]


def another_version(world: World) -> Callable[[], object]:
    vault = world.sandbox.vault
    vault.write(NAME, {**vault.read(NAME), "theirs": "x"})
    return vault.secrets[NAME].pop


def without_note(world: World) -> Callable[[], object]:
    notes = world.sandbox.vault.notes.pop(NAME)
    return lambda: world.sandbox.vault.notes.update({NAME: notes})


ASKED = PullRequest(1, "theirs", "", "master", "theirs", "viktor", "0" * 40, "0" * 40, state="closed")
ALL = INFRA | REPOSITORY | SECRETS
KEPT = {
    "a tag of CI's": Change(tag(""), ALL),
    "a tag elsewhere": Change(tag("other work"), INFRA | SECRETS, "tags on other commits (v1.0.0)"),
    "a later commit": Change(commit(canonical, ""), INFRA | SECRETS, "there are later commits"),
    "another branch": Change(commit(canonical, "topic"), INFRA | SECRETS, "other branches (topic)"),
    "a closed pull request": Change(
        entry(lambda world: canonical(world).pulls, 1, ASKED), INFRA | SECRETS, "there are pull requests"
    ),
    "another mirror": Change(elsewhere, INFRA | SECRETS, "mirrored elsewhere, too (https://git.example.test/copy.git)"),
    "an issue": Change(
        entry(lambda world: canonical(world).issues, 1, Issue(1, "mine", "viktor")), INFRA | SECRETS, "it has issues or"
    ),
    "a closed issue": Change(
        entry(lambda world: canonical(world).issues, 1, Issue(1, "mine", "viktor", "closed")),
        INFRA | SECRETS,
        "it has issues or",
    ),
    "hidden issues": Change(
        entry(lambda world: canonical(world).counters, "has_issues", False), INFRA | SECRETS, "issues switched off"
    ),
    "issues elsewhere": Change(
        entry(lambda world: canonical(world).counters, "external_tracker", {"external_tracker_url": "https://x.test"}),
        INFRA | SECRETS,
        "issues switched off",
    ),
    "a fork": Change(entry(lambda world: canonical(world).counters, "forks_count", 1), INFRA | SECRETS, "it has forks"),
    "a webhook": Change(entry(lambda world: canonical(world).hooks, 1, {"id": 1}), INFRA | SECRETS, "it has webhooks"),
    "archived": Change(attribute(canonical, "archived", True), INFRA | SECRETS, "it was archived"),
    "described": Change(attribute(canonical, "description", "Mine"), INFRA | SECRETS, "its description no longer ends"),
    "a commit on GitHub": Change(
        commit(mirror, ""), INFRA | SECRETS, "holds what the canonical repository does not (master)"
    ),
    "a branch on GitHub": Change(
        commit(mirror, "topic"), INFRA | SECRETS, "holds what the canonical repository does not (topic)"
    ),
    "a tag on both sides": Change(mirrored_tag, ALL),
    "a tag on GitHub": Change(
        tag("other work", mirror),
        INFRA | SECRETS,
        "tags that the canonical repository lacks, or has elsewhere (v1.0.0)",
    ),
    "a tag moved on GitHub": Change(moved_tag, INFRA | SECRETS, "or has elsewhere (v1.0.0)"),
    "a closed issue on GitHub": Change(
        attribute(mirror, "issues", [MirrorIssue(1, "mine", "octocat", "closed")]), INFRA | SECRETS, "it has issues or"
    ),
    "a closed pull request on GitHub": Change(
        attribute(mirror, "issues", [MirrorIssue(1, "mine", "octocat", "closed", pull=True)]),
        INFRA | SECRETS,
        "it has issues or pull requests",
    ),
    "hidden issues on GitHub": Change(
        attribute(mirror, "settings", {"has_issues": False, "has_wiki": False}), INFRA | SECRETS, "issues switched off"
    ),
    "a release on GitHub": Change(
        attribute(mirror, "releases", [Release(1, "v0", "octocat")]), INFRA | SECRETS, "it has releases"
    ),
    "a draft on GitHub": Change(
        attribute(mirror, "releases", [Release(1, "v0", "octocat", draft=True)]), INFRA | SECRETS, "it has releases"
    ),
    "discussions on GitHub": Change(
        attribute(mirror, "settings", {"has_discussions": True, "has_wiki": False}), INFRA | SECRETS, "has discussions"
    ),
    "a site on GitHub": Change(attribute(mirror, "settings", {"has_pages": True}), INFRA | SECRETS, "it has a site"),
    "a secret on GitHub": Change(
        lambda world: entry(lambda _: mirror(world).secrets, "MINE", next(iter(mirror(world).secrets.values())))(world),
        INFRA | SECRETS,
        "it was given the Actions secrets MINE",
    ),
    "archived on GitHub": Change(attribute(mirror, "archived", True), INFRA | SECRETS, "it was archived"),
    "renamed on GitHub": Change(attribute(mirror, "name", "renamed"), INFRA | SECRETS, "was renamed to"),
    "a secret on Woodpecker": Change(
        entry(lambda world: registered(world).secrets, "mine", Secret(1, "mine", "x", ["push"])),
        INFRA | SECRETS,
        "it was given secret mine",
    ),
    "a reviewer's commit": Change(
        commit(lambda world: world.infra, f"newservice/{NAME}", "fix: mine", f"stacks/{NAME}/main.tf"),
        REPOSITORY,
        "it has commits of others",
    ),
    "an edit under our message": Change(
        commit(
            lambda world: world.infra,
            f"newservice/{NAME}",
            f"feat({NAME}): add the stack\n\nMade by newservice.\n",
            "elsewhere.tf",
        ),
        REPOSITORY,
        "(elsewhere.tf)",
    ),
    "another version in Vault": Change(another_version, INFRA | REPOSITORY, "vault kv delete secret/"),
    "no note in Vault": Change(without_note, INFRA | REPOSITORY, "nothing proves"),
    "a token that may not": Change(
        attribute(lambda world: world.sandbox.vault, "capabilities", ["read"]), INFRA | REPOSITORY, "can't delete it"
    ),
}
FOREIGN: Mapping[str, tuple[Callable[[World], Callable[[], object]], str]] = {
    "another repository": (
        commit(canonical, "", path=".copier-answers.yml"),
        "was not made by newservice for this service",
    ),
    "another mirror repository": (attribute(mirror, "description", "Mine"), "was not made by newservice"),
    "another registration": (attribute(registered, "forge_remote_id", "1"), "belongs to another repository"),
}


def test_what_somebody_changed_stays_and_is_reported(world: World) -> None:
    """Looked at only: each change alone, on one service; then one of them for real."""
    given = {**SMALLEST, "secrets": {"API_TOKEN": "api_token"}}
    world.have(given)
    made = everything(world)
    world.sandbox.journal.clear()
    with looking(world, given) as look:
        for name, change in KEPT.items():
            undo = change.do(world)
            plan = look()
            undo()
            assert set(written(plan)) == change.goes, (name, plan.steps)
            assert change.reason in "; ".join(plan.to_do), (name, plan.to_do)
            assert not plan.refusals
        assert set(written(look())) == ALL
    for name, (do, reason) in FOREIGN.items():
        undo = do(world)
        completed = remove(world, NAME, "--yes")
        assert completed.code == 4, name
        assert reason in completed.of("error")[0]["message"], name
        undo()
    assert world.sandbox.journal.writes() == []
    assert everything(world) == made

    commit(canonical, "")(world)
    changed = everything(world)
    completed = remove(world, NAME, "--yes")
    assert (completed.code, completed.result["status"]) == (0, "success")
    left = everything(world)
    assert {key: left[key] for key in ("github", "woodpecker")} == {
        key: changed[key] for key in ("github", "woodpecker")
    }
    assert (
        left["forgejo"][f"{world.platform.forgejo.owner}/{NAME}".lower()]
        == changed["forgejo"][f"{world.platform.forgejo.owner}/{NAME}".lower()]
    )
    assert NAME not in left["vault"]
    assert left["pull requests"] == []
    assert remove(world, NAME, "--yes").result["status"] == "unchanged"


def test_what_an_older_template_wrote_is_known_by_its_seal(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The commits say what newservice put into them, so that nobody's edit passes and no new template is in the way."""
    given = {**SMALLEST, "secrets": {"API_TOKEN": "api_token"}}
    world.have(given)
    head = world.infra.bare.heads()[f"newservice/{NAME}"]

    rendered = Renderer.render

    def newer(renderer: Renderer, answers: Answers) -> tuple[File, ...]:
        files = rendered(renderer, answers)
        return tuple(replace(file, content=file.content + b"# newer\n") for file in files)

    monkeypatch.setattr(Renderer, "render", newer)
    with looking(world, given) as look:
        assert set(written(look())) == ALL
        undo = commit(canonical, "")(world)
        assert set(written(look())) == INFRA | SECRETS
        undo()
        base = world.infra.bare.heads()[world.base]
        world.infra.bare.update(f"refs/heads/{world.base}", head)
        assert set(written(look())) == INFRA | TAKEN_OUT
        commit(lambda world: world.infra, world.base, path=f"stacks/{NAME}/main.tf")(world)
        assert set(written(look())) == INFRA
        world.infra.bare.update(f"refs/heads/{world.base}", base)


def test_the_name_is_typed_on_a_terminal(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.have(UPSTREAM)
    name, typed = str(UPSTREAM["name"]), iter(["yes", str(UPSTREAM["name"])])
    for stream in ("sys.stdin", "sys.stdout"):
        monkeypatch.setattr(f"{stream}.isatty", lambda: True, raising=False)
    monkeypatch.setattr("click.prompt", lambda *_, **__: next(typed))
    places = ("--platform", str(world.sandbox.profile), "--infra", str(world.sandbox.infra))
    command = ["remove", name, "--service-dir", str(world.folder / name), *places]
    world.sandbox.journal.clear()
    assert world.tell(command).code == 130
    assert world.sandbox.journal.writes() == []
    assert world.tell(command).code == 0
    assert remove(world, name).result["status"] == "unchanged"


def test_a_merged_stack_is_taken_out_by_a_pull_request(world: World) -> None:
    """Everything else waits for its merge; then the infra repository is as it was, byte for byte."""
    world.have(UPSTREAM)
    world.merge(str(UPSTREAM["name"]))
    files, before = tree(world, world.base), everything(world)
    assert world.run("create", RICH).code == 0
    world.infra.bare.update(f"refs/heads/{world.base}", world.infra.bare.heads()[f"newservice/{RICH_NAME}"])
    made = everything(world)

    completed = remove(world, RICH_NAME, "--yes")
    assert (completed.code, completed.result["status"]) == (0, "success")
    assert going(completed) == {"infra.pull_request", "infra.commit", "infra.removal_commit"}
    (pull,) = [item for item in world.infra.pulls.values() if item.head == f"newservice-remove/{RICH_NAME}"]
    assert completed.result["urls"]["pull_request"].endswith(f"/pulls/{pull.number}")
    assert "tg destroy" in pull.body
    assert "- [ ] apply vault (tier 0, by hand)" in pull.body
    assert "{{" not in pull.body
    waiting = everything(world)
    assert [waiting[key] for key in ("github", "woodpecker", "vault")] == [
        made[key] for key in ("github", "woodpecker", "vault")
    ]
    assert tree(world, pull.head) == files
    assert remove(world, RICH_NAME, "--yes").result["status"] == "unchanged"

    merge_removal(world, RICH_NAME)
    shutil.rmtree(world.folder / RICH_NAME)  # the answers are found on the forge
    completed = remove(world, RICH_NAME, "--yes")
    assert (completed.code, completed.result["status"]) == (0, "success")
    after = everything(world)
    assert tree(world, world.base) == files
    infra = world.infra.full_name.lower()
    assert {**after["forgejo"], infra: ()} == {**before["forgejo"], infra: ()}
    assert set(after["forgejo"][infra][0]) == {f"refs/heads/{world.base}"}
    assert {key: value for key, value in after.items() if key != "forgejo"} == {
        key: value for key, value in before.items() if key != "forgejo"
    }
    completed = remove(world, RICH_NAME, "--yes")
    assert (completed.code, completed.result["status"]) == (0, "unchanged")
    pending = completed.result["next"]
    assert pending[0].startswith(f"check that the namespace {RICH_NAME} is gone")
    assert "apply vault (tier 0, by hand), if that was not done after the merge" in pending
    assert pending[-1].startswith("drop the database ")
    if contracts.FOLDER.is_dir():
        assert violations(world) == []


def test_what_was_removed_before_it_was_merged_is_known_by_its_pull_request(world: World) -> None:
    world.have(UPSTREAM)
    assert remove(world, "reader", "--yes").result["status"] == "success"
    completed = remove(world, "reader", "--yes")
    assert (completed.code, completed.result["status"], completed.result["next"]) == (0, "unchanged", [])


def test_an_edited_stack_stays_whole_and_an_edited_entry_alone(world: World) -> None:
    given = {**UPSTREAM, "secrets": {"API_TOKEN": "api_token"}, "internal_monitor": {"path": "/healthz"}, "port": 80}
    name = str(UPSTREAM["name"])
    assert world.run("create", given).code == 0
    world.merge(name)
    bare, merged = world.infra.bare, world.infra.bare.heads()[world.base]
    main = f"stacks/{name}/main.tf"
    with looking(world, given) as look:
        assert set(written(look())) == TAKEN_OUT
        for path in (main, f"stacks/{name}/theirs.tf"):
            bare.commit_files(world.base, {path: "# mine\n"}, "mine", NOW)
            plan = look()
            assert set(written(plan)) == set()
            assert path in "; ".join(plan.to_do)
            bare.update(f"refs/heads/{world.base}", merged)
        monitors = "stacks/uptime-kuma/modules/uptime-kuma/main.tf"
        text = (bare.file(merged, monitors) or b"").decode()
        edited = text.replace("/healthz", "/ready")
        assert edited != text
        bare.commit_files(world.base, {monitors: edited}, "mine", NOW)
        plan = look()
        assert set(written(plan)) == TAKEN_OUT
        assert {item.id: item.action for item in plan.registrations}["kuma-monitor"] == "update"
        assert "kuma-monitor stays" in "; ".join(plan.to_do)
    assert remove(world, name, "--yes").code == 0
    branch = f"newservice-remove/{name}"
    assert bare.file(branch, monitors) == edited.encode()
    assert bare.file(branch, main) is None
    merge_removal(world, name)
    assert remove(world, name, "--yes").result["status"] == "success"
    assert not world.has_secret(name)
    assert remove(world, name, "--yes").result["status"] == "unchanged"


def test_an_entry_that_another_service_has_too_stays(world: World) -> None:
    """Two services on two paths of one host, whose page both asked for: the first removal keeps it for the other."""
    page = {"port": 8080, "outage_page": True, "host": "shared"}
    one, other = ({**UPSTREAM, **page, "name": name, "paths": [f"/{name}"]} for name in ("reader", "writer"))
    for given in (one, other):
        assert world.run("create", given).code == 0
        world.merge(str(given["name"]))
    with looking(world, one) as look:
        entries = {item.id: item for item in look().registrations}
    assert (entries["outage-page"].action, entries["catalog"].action) == ("present", "remove")
    worker = entries["outage-page"].path
    assert remove(world, "reader", "--yes").code == 0
    assert world.infra.bare.file("newservice-remove/reader", worker) == world.infra.bare.file(world.base, worker)
    merge_removal(world, "reader")
    assert remove(world, "writer", "--yes").code == 0
    assert b"shared" not in (world.infra.bare.file("newservice-remove/writer", worker) or b"shared")


def test_what_can_not_be_seen_keeps_everything(world: World) -> None:
    """Nothing is claimed of it, whatever the failure is."""
    given = {**SMALLEST, "secrets": {"API_TOKEN": "api_token"}}
    world.have(given)
    made = everything(world)
    world.sandbox.journal.clear()
    looks = [
        ("vault", "/data/", FaultKind.FORBIDDEN),
        ("woodpecker", "/secrets", FaultKind.HTML_200),
        ("github", "/branches", FaultKind.NOT_FOUND),
        ("forgejo", "/git/refs", FaultKind.NOT_FOUND),
        ("forgejo", f"/{NAME}/hooks", FaultKind.NOT_FOUND),
        ("forgejo", f"/{NAME}/commits", FaultKind.NOT_FOUND),
        ("forgejo", f"/{NAME}/git/trees", FaultKind.NOT_FOUND),
        ("forgejo", f"/{NAME}/issues", FaultKind.NOT_FOUND),
        ("forgejo", f"/{NAME}/issues", FaultKind.FORBIDDEN),
        ("github", "/issues", FaultKind.NOT_FOUND),
        ("github", "/releases", FaultKind.FORBIDDEN),
        ("github", "/git/matching-refs/", FaultKind.NOT_FOUND),
        ("forgejo", f"/repos/[^/]+/{NAME}$", FaultKind.NOT_FOUND),  # as if it were gone, and it alone
        ("github", f"/repos/[^/]+/{NAME}$", FaultKind.NOT_FOUND),
        ("woodpecker", "/repos/lookup/", FaultKind.NOT_FOUND),
        ("forgejo", "/push_mirrors", FaultKind.NOT_FOUND),
    ]
    with looking(world, given) as look:
        for system, path, kind in looks:
            world.sandbox.faults.add(system, "GET", path, 1000, kind)
            unknown = look().unknown
            if path == looks[-1][1]:
                completed = remove(world, NAME, "--yes")
            world.sandbox.faults.clear()
            assert unknown, (system, path)
    assert (completed.code, completed.result["status"]) == (3, "error")
    assert world.sandbox.journal.writes() == []
    assert everything(world) == made


def test_tokens_without_the_right_are_reported_before_anything_is_removed(world: World) -> None:
    world.have(SMALLEST)
    world.sandbox.journal.clear()
    github = world.sandbox.github.tokens[world.sandbox.tokens.github].scopes
    github.discard("delete_repo")
    completed = remove(world, NAME, "--yes")
    assert (completed.code, completed.of("error")[0]["code"]) == (3, "github.scope")
    github.add("delete_repo")
    forgejo = world.sandbox.forgejo.tokens[world.sandbox.tokens.forgejo].scopes
    forgejo -= {"write:user"}
    forgejo |= {"read:user"}
    completed = remove(world, NAME, "--yes")
    assert (completed.code, completed.of("error")[0]["code"]) == (3, "forgejo.scope")
    forgejo.discard("read:issue")  # asked for as soon as it is looked at
    completed = remove(world, NAME, "--yes")
    assert completed.code == 3
    assert "[read:issue]" in completed.of("error")[0]["message"]
    assert world.sandbox.journal.writes() == []


WRITES = [
    ("forgejo", "PATCH", "/pulls/"),
    ("forgejo", "POST", "/git-receive-pack"),
    ("forgejo", "DELETE", "/push_mirrors/"),
    ("woodpecker", "DELETE", "/repos/"),
    ("github", "DELETE", "/repos/"),
    ("forgejo", "PATCH", f"/{NAME}$"),
    ("forgejo", "DELETE", f"/{NAME}$"),
    ("vault", "POST", "/delete/"),
]


@full
def test_a_removal_that_stopped_continues(world: World) -> None:
    """Each write is refused until the command gives up; the next one begins where that one stopped."""
    before = everything(world)
    assert world.run("create", {**SMALLEST, "secrets": {"API_TOKEN": "api_token"}}).code == 0
    stopped = []
    for system, method, path in WRITES:
        world.sandbox.faults.add(system, method, path, 1000, FaultKind.FORBIDDEN)
        completed = remove(world, NAME, "--yes")
        world.sandbox.faults.clear()
        assert completed.code == 5, (path, completed.out)
        stopped += [item["id"] for item in completed.of("step") if item["status"] == "failed"]
    writers = [removal.id for removal in steps_between(answer(RICH), None).gone if removal.id not in TAKEN_OUT]
    assert list(dict.fromkeys(stopped)) == writers
    assert stopped.count("forgejo.repository") == 2  # archived first
    assert remove(world, NAME, "--yes").code == 0
    assert everything(world) == before


def test_a_removal_that_was_killed_continues(world: World) -> None:
    """In the middle of it, as soon as GitHub has acted."""
    given, before = {**SMALLEST, "secrets": {"API_TOKEN": "api_token"}}, everything(world)
    assert world.run("create", given).code == 0
    world.sandbox.faults.add("github", "DELETE", "/repos/", 1, FaultKind.HOLD_AFTER)
    process = world.start("remove", given, NAME, "--yes")
    world.sandbox.wait_until_held()
    kill_all(process)
    process.communicate()
    world.sandbox.drop_held()
    world.sandbox.faults.clear()
    world.sandbox.resume()
    assert process.returncode == -signal.SIGKILL
    assert everything(world) != before
    assert remove(world, NAME, "--yes").code == 0
    assert everything(world) == before


@full
def test_a_removal_whose_answers_are_lost_heals_itself(world: World) -> None:
    """And the service can be made again, and removed again: the secret's next version is noted, too."""
    before = everything(world)
    given = {**SMALLEST, "secrets": {"API_TOKEN": "api_token"}}
    assert world.run("create", given).code == 0
    world.sandbox.journal.clear()
    for system, method, path in WRITES:
        world.sandbox.faults.add(system, method, path, 1, FaultKind.RESET_AFTER)
    assert remove(world, NAME, "--yes").code == 0
    assert everything(world) == before
    unheard = [item for item in world.sandbox.journal.writes() if item.status == 0]
    again = [item.path for item in world.sandbox.journal.writes() if item.status != 0]
    assert len(unheard) == len(WRITES)
    assert all(path.endswith("/git-receive-pack") for path in again)  # git sends its own request again

    shutil.rmtree(world.folder / NAME)
    assert world.run("create", given).code == 0
    assert remove(world, NAME, "--yes").code == 0
    assert everything(world) == before


def test_what_comes_between_the_last_look_and_the_end_is_not_lost(world: World) -> None:
    """The repository takes no pushes when it is looked at for the last time; what came before opens it again."""
    world.have(SMALLEST)
    before = canonical(world).description
    meanwhile(world.sandbox, "forgejo", "PATCH", f"/repos/[^/]+/{NAME}$", lambda: commit(canonical, "")(world))
    completed = remove(world, NAME, "--yes")
    assert (completed.code, completed.result["status"]) == (0, "success")
    assert canonical(world).bare.count(world.branch) == 2
    assert (canonical(world).archived, canonical(world).description) == (False, before)
    steps = {item["id"]: (item["status"], item["summary"]) for item in completed.of("step")}
    assert steps["forgejo.repository"][0] == "unchanged"
    assert "there are later commits" in steps["forgejo.repository"][1]
    assert any("there are later commits" in line for line in completed.result["next"])
    assert not any("is left alone" in line for line in completed.result["next"])
    world.sandbox.journal.clear()
    again = remove(world, NAME, "--yes")
    assert again.result["status"] == "unchanged"
    assert world.sandbox.journal.writes() == []


def test_an_archived_repository_is_deleted_only_where_newservice_archived_it(world: World) -> None:
    before = everything(world)
    assert world.run("create", SMALLEST).code == 0
    own = canonical(world).description
    world.sandbox.faults.add("forgejo", "DELETE", f"/{NAME}$", 1000, FaultKind.FORBIDDEN)
    assert remove(world, NAME, "--yes").code == 5
    world.sandbox.faults.clear()
    marked = canonical(world).description
    assert canonical(world).archived
    assert (marked.endswith(REMOVING), marked.startswith(own.removesuffix(MARK))) == (True, True)
    with looking(world, SMALLEST) as look:
        for archived, description, goes in [(True, marked, True), (True, own, False), (False, marked, False)]:
            canonical(world).archived, canonical(world).description = archived, description
            plan = look()
            assert ("forgejo.repository" in written(plan)) is goes, (archived, description)
            assert bool(plan.to_do) is not goes
    canonical(world).archived = True
    assert remove(world, NAME, "--yes").code == 0
    assert everything(world) == before


def test_what_turns_out_to_stay_is_not_claimed_to_be_gone(world: World, monkeypatch: Any) -> None:
    """Somebody opens an issue on GitHub after the plan was shown: the end says so, and what belongs to it stays."""
    given = {**SMALLEST, "secrets": {"API_TOKEN": "api_token"}}
    world.have(given)
    issue = MirrorIssue(1, "mine", "octocat")
    meanwhile(world.sandbox, "forgejo", "PATCH", "/pulls/", lambda: mirror(world).issues.append(issue))
    endings: list[str] = []

    class Listening(JsonReporter):
        def last_words(self, result: Result) -> None:
            endings.append(result.closing)
            super().last_words(result)

    completed = remove(world, NAME, "--yes", reporter=Listening())
    assert len(endings) == 1
    assert endings[0].startswith("removed the rest; not all that was shown is gone, these stay: forgejo.mirror, ")
    assert (completed.code, completed.result["status"]) == (0, "success")
    statuses = {item["id"]: item["status"] for item in completed.of("step")}
    assert {key for key, status in statuses.items() if status == "done"} == INFRA | SECRETS
    assert {key for key, status in statuses.items() if status == "unchanged"} >= REPOSITORY
    assert any("issues or pull requests" in line for line in completed.result["next"])
    assert canonical(world).mirrors
    assert remove(world, NAME, "--yes", reporter=Listening()).result["status"] == "unchanged"
    assert endings[1] == "nothing that is newservice's alone was left to remove"
    assert not canonical(world).archived


def test_a_creation_that_stopped_is_removed(world: World) -> None:
    """Empty repositories, under newservice's descriptions."""
    before = everything(world)
    world.sandbox.faults.add("forgejo", "GET", f"/{NAME}.git/info/refs", 1000, FaultKind.FORBIDDEN)
    assert world.run("create", {**SMALLEST, "secrets": {"API_TOKEN": "api_token"}}).code == 5
    world.sandbox.faults.clear()
    assert everything(world) != before
    assert remove(world, NAME, "--yes").code == 0
    assert everything(world) == before


def test_names_that_are_never_removed(world: World) -> None:
    world.sandbox.journal.clear()
    for name in ("vault", world.platform.infra.repository):
        completed = remove(world, name, "--yes")
        assert (completed.code, completed.of("error")[0]["code"]) == (4, "answer.protected"), name
    assert remove(world, "Not_a_name", "--yes").code == 2
    assert len(world.sandbox.journal) == 0
    world.sandbox.forgejo.create_repository(world.platform.forgejo.owner, "theirs", files={"README.md": "mine"})
    assert remove(world, "theirs", "--yes").of("error")[0]["code"] == "remove.unknown"
    completed = remove(world, "never-made", "--yes")
    assert (completed.code, completed.of("error")[0]["code"]) == (2, "status.unknown")
    assert world.sandbox.journal.writes() == []
