"""``fleet update`` on the sandbox: one pull request for each service, found again, brought up, closed; never a loss."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from generator.fleet.guards import Guard
from generator.fleet.source import update_branch
from generator.sandbox import FaultKind
from generator.sandbox.messages import Request, Response
from generator.template import releases
from generator.template.releases import Releases
from generator.template.template import PACKAGE
from tests.fleet.conftest import COUNT, Yard
from tests.fleet.fleet import make, settle
from tests.full import few, full
from tests.upgrade.releases import NEXT, add_release, change_everything, install
from tests.world import World

FIRST = "app-000"
owned = pytest.mark.parametrize("yard", ["owned"], indirect=True)


def test_one_pull_request_each_and_found_again(yard: Yard) -> None:
    completed = yard.fleet("update")
    assert completed.code == 0, completed.out + completed.err
    assert set(yard.states(completed).values()) == {"waiting"}
    heads = yard.bare.heads()
    for name in yard.made.names:
        (pull,) = yard.pulls(name)
        assert (pull.title, pull.state) == (f"chore({name}): template {NEXT}", "open")
        answers = yard.file(yard.path(name, ".copier-answers.yml"), heads[pull.head])
        assert f"_commit: v{NEXT}" in answers
        assert yard.bare.file(heads[pull.head], yard.path(name, "pager.tf")) is not None
        changed = yard.bare.changed_files(heads[yard.world.base], heads[pull.head])
        # The next version also lists the owners of images that Keel moves, and the databases that Vault rotates.
        known = (yard.made.prefix(name), "docs/", ".claude/", "stacks/kyverno/")
        assert [path for path in changed if not path.startswith(known)] == []
    again = yard.fleet("update")
    assert again.code == 0
    assert {item["action"] for item in again.of("service")} == {"found"}
    assert yard.bare.heads() == heads
    assert len(yard.world.infra.pulls) == COUNT


@owned
def test_repositories_of_services_are_updated_too(yard: Yard) -> None:
    completed = yard.fleet("update")
    assert completed.code == 0, completed.out + completed.err
    assert yard.made.services
    for name, files in yard.made.services.items():
        (pull,) = yard.pulls(name, name)
        repository = yard.world.canonical(name)
        answers = repository.bare.file(repository.bare.heads()[pull.head], ".copier-answers.yml") or b""
        assert f"_commit: v{NEXT}".encode() in answers
        recorded = [yaml.safe_load(content) for content in (files[".copier-answers.yml"], answers)]
        assert recorded[0]["image_visibility"] == recorded[1]["image_visibility"]
        assert repository.private  # what is private is not opened
        assert yard.one(completed, name, "service")["url"].endswith(f"/{name}/pulls/{pull.number}")
    before = [len(yard.world.canonical(name).bare.heads()) for name in yard.made.services]
    assert {item["action"] for item in yard.fleet("update").of("service")} == {"found"}
    assert [len(yard.world.canonical(name).bare.heads()) for name in yard.made.services] == before


def test_edits_are_kept_and_reported_to_the_reviewer(yard: Yard) -> None:
    main = yard.path(FIRST, "main.tf")
    yard.commit({main: yard.file(main) + "# our own words\n"})
    assert yard.fleet("update", "--only", FIRST).code == 0
    (pull,) = yard.pulls(FIRST)
    assert "# our own words" in yard.file(main, yard.head(FIRST) or "")
    assert f"kept so:\n\n- `{main}`" in pull.body


def test_a_merged_update_is_current(yard: Yard) -> None:
    yard.fleet("update", "--only", FIRST)
    yard.merge(FIRST)
    completed = yard.fleet("update", "--only", FIRST)
    assert (completed.code, yard.states(completed)) == (0, {FIRST: "current"})
    assert len(yard.pulls(FIRST)) == 1


def test_a_pull_request_that_nobody_needs_is_closed(yard: Yard) -> None:
    yard.fleet("update", "--only", FIRST)
    head = yard.head(FIRST) or ""
    files = {path: yard.file(path, head) for path in yard.bare.changed_files(yard.world.base, head)}
    yard.commit(dict(files), message="the same, by hand\n")
    completed = yard.fleet("update", "--only", FIRST)
    assert (completed.code, yard.one(completed, FIRST)["action"]) == (0, "closed")
    (pull,) = yard.pulls(FIRST)
    assert pull.state == "closed"
    assert "Closed by newservice" in pull.body
    assert yard.head(FIRST) is None


def test_a_newer_template_brings_the_same_branch_up(
    yard: Yard, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    yard.fleet("update", "--only", FIRST)
    before = yard.head(FIRST) or ""

    def change(root: Path) -> None:
        change_everything(root)
        (root / "templates" / "stack" / "later.tf.jinja").write_text("# later\n")

    install(monkeypatch, add_release(tmp_path / "later", change, "9.2.0"))
    yard.commit({"README.md": "something else\n"})
    completed = yard.fleet("update", "--only", FIRST)
    assert (completed.code, yard.one(completed, FIRST)["action"]) == (0, "updated"), completed.out
    (pull,) = yard.pulls(FIRST)
    after = yard.head(FIRST) or ""
    assert pull.title == f"chore({FIRST}): template 9.2.0"
    assert yard.bare.is_ancestor(before, after)
    assert yard.file(yard.path(FIRST, "later.tf"), after) == "# later\n"
    assert all(
        path.startswith((yard.made.prefix(FIRST), "docs/")) for path in yard.bare.changed_files(yard.world.base, after)
    )
    assert yard.one(yard.fleet("update", "--only", FIRST), FIRST)["action"] == "found"


@pytest.fixture
def older(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """The real releases alone, as an installation has them that is older than the one before."""
    real = releases.FOLDER  # asked for before ``yard``, which has a newer one

    def install_older() -> None:
        monkeypatch.setattr(releases, "FOLDER", real)

    return install_older


def test_an_older_newservice_leaves_a_newer_update_alone(older: Callable[[], None], yard: Yard) -> None:
    yard.fleet("update", "--only", FIRST)
    head, older_is = yard.head(FIRST), str(Releases(PACKAGE / "released").newest)
    older()
    completed = yard.fleet("update", "--only", FIRST)
    found = yard.one(completed, FIRST)
    assert (completed.code, found["state"], yard.head(FIRST)) == (4, "newer", head)
    assert NEXT in found["message"]
    assert older_is in found["message"]
    assert found["hint"] == "install a newer newservice"
    assert [(pull.title, pull.state) for pull in yard.pulls(FIRST)] == [(f"chore({FIRST}): template {NEXT}", "open")]


@full
def test_nor_does_it_close_one(older: Callable[[], None], yard: Yard, monkeypatch: pytest.MonkeyPatch) -> None:
    newer = releases.FOLDER
    older()
    yard.fleet("update", "--only", FIRST)
    yard.merge(FIRST)
    yard.bare.delete(f"refs/heads/{update_branch(FIRST)}")
    monkeypatch.setattr(releases, "FOLDER", newer)
    yard.fleet("update", "--only", FIRST)
    head = yard.head(FIRST)
    older()
    completed = yard.fleet("update", "--only", FIRST)
    assert (yard.states(completed), yard.head(FIRST)) == ({FIRST: "newer"}, head)
    assert [pull.state for pull in yard.pulls(FIRST)] == ["closed", "open"]


@full
def test_a_file_stays_executable(yard: Yard) -> None:
    path = yard.path(FIRST, "terragrunt.hcl")
    yard.commit({path: "#!/usr/bin/env terragrunt\n" + yard.file(path)})  # what begins so is executable there
    assert yard.fleet("update", "--only", FIRST).code == 0
    entry, *others = yard.bare.entries(yard.head(FIRST) or "", path)
    assert (entry.mode, others) == ("100755", [])
    assert "the-pager" in yard.file(path, yard.head(FIRST) or "")


@full
def test_nothing_is_left_of_a_closing_that_was_cut_short(yard: Yard) -> None:
    """As Forgejo does it: who deletes a branch closes its pull request."""
    yard.fleet("update", "--only", FIRST)
    head = yard.head(FIRST) or ""
    files = {path: yard.file(path, head) for path in yard.bare.changed_files(yard.world.base, head)}
    yard.commit(dict(files), message="the same, by hand\n")
    yard.world.sandbox.faults.add("forgejo", "PATCH", "/pulls/", 1, FaultKind.FORBIDDEN)
    assert yard.one(yard.fleet("update", "--only", FIRST), FIRST)["state"] == "failed"
    assert yard.head(FIRST) is None


@full
def test_a_branch_that_can_not_be_merged_any_more_is_brought_up(yard: Yard) -> None:
    yard.fleet("update", "--only", FIRST)
    before, shared = yard.head(FIRST) or "", "docs/architecture/ci-cd.md"
    (line,) = [line for line in yard.file(shared, before).splitlines() if f"pager-{FIRST}" in line]
    without = line.replace(f", pager-{FIRST}", "")
    assert without in yard.file(shared)
    yard.commit({shared: yard.file(shared).replace(without, without.replace("shortener", "shortener, someone-else"))})
    assert yard.bare.merged_tree(yard.bare.heads()[yard.world.base], before) is None
    completed = yard.fleet("update", "--only", FIRST)
    assert (completed.code, yard.one(completed, FIRST)["action"]) == (0, "updated"), completed.out
    after = yard.head(FIRST) or ""
    assert yard.bare.is_ancestor(before, after)
    assert yard.bare.merged_tree(yard.bare.heads()[yard.world.base], after) is not None
    assert "someone-else" in yard.file(shared, after)
    assert f"pager-{FIRST}" in yard.file(shared, after)


@pytest.mark.parametrize("amended", few(1, [False, True]), ids=["a commit", "an amended one"])
def test_somebody_elses_work_on_the_branch_is_left_alone(yard: Yard, *, amended: bool) -> None:
    yard.fleet("update", "--only", FIRST)
    branch, main = update_branch(FIRST), yard.path(FIRST, "main.tf")
    text = yard.file(main, branch) + "# reviewed\n"
    if amended:
        log = yard.bare.log(branch, limit=1)[0]
        yard.bare.update(f"refs/heads/{branch}", yard.bare.heads()[yard.world.base])
        pager = yard.path(FIRST, "pager.tf")
        yard.commit({pager: "# mine\n"}, branch, log.message)
    else:
        yard.commit({main: text}, branch)
    head = yard.head(FIRST)
    completed = yard.fleet("update", "--only", FIRST)
    found = yard.one(completed, FIRST)
    assert (completed.code, found["state"], yard.head(FIRST)) == (0, "waiting", head)
    assert "left alone" in found["message"]


def test_a_declined_update_is_not_asked_for_again(yard: Yard) -> None:
    yard.fleet("update", "--only", FIRST)
    (pull,) = yard.pulls(FIRST)
    pull.state = "closed"
    completed = yard.fleet("update", "--only", FIRST)
    assert (completed.code, yard.states(completed)) == (0, {FIRST: "declined"})
    assert len(yard.pulls(FIRST)) == 1
    yard.bare.delete(f"refs/heads/{update_branch(FIRST)}")
    assert yard.states(yard.fleet("update", "--only", FIRST)) == {FIRST: "waiting"}
    assert [pull.state for pull in yard.pulls(FIRST)] == ["closed", "open"]


GUARD = """
import pathlib, sys
words = "".join(path.read_text() for path in pathlib.Path(sys.argv[1]).glob("*.tf"))
print("told:", sys.argv[1])
sys.exit("# forbidden" in words and pathlib.Path(sys.argv[1], "pager.tf").exists())
"""


@pytest.fixture
def guarded(yard: Yard, monkeypatch: pytest.MonkeyPatch) -> Yard:
    """A guard of the infra repository's that is not content with an updated stack that says ``forbidden``."""
    yard.commit({"scripts/guard.py": GUARD})
    guard = Guard((sys.executable, "scripts/guard.py", "<stack>"), ("scripts",))
    monkeypatch.setattr("generator.fleet.guards.guards_of", lambda platform: (guard,))
    return yard


def forbid(yard: Yard, name: str) -> None:
    extra = yard.path(name, "extra.tf")
    yard.commit({extra: yard.file(extra) + "# forbidden\n"})


def test_a_canary_that_fails_its_checks_stops_the_run(guarded: Yard) -> None:
    canary = guarded.made.names[3]
    forbid(guarded, canary)
    completed = guarded.fleet("update", "--canary", canary)
    wanted = dict.fromkeys(guarded.made.names, "pending") | {canary: "checks"}
    assert (completed.code, guarded.states(completed)) == (5, wanted)
    assert guarded.one(completed, canary)["message"] == f"guard.py: told: {guarded.made.prefix(canary).rstrip('/')}"
    assert guarded.world.infra.pulls == {}
    assert {branch for branch in guarded.bare.heads() if branch.startswith("newservice-update/")} == set()
    assert completed.result["status"] == "partial"


def test_a_wave_that_fails_is_the_last_one(guarded: Yard, tmp_path: Path) -> None:
    names, report = guarded.made.names, tmp_path / "report.json"
    forbid(guarded, names[2])
    completed = guarded.fleet("update", "--wave", "2", "--report", str(report))
    assert completed.code == 5
    assert [guarded.states(completed)[name] for name in names] == [*["waiting"] * 2, "checks", *["pending"] * 3]
    assert [item["name"] for item in completed.of("service") if item["state"] == "waiting"] == list(names[:2])
    extra = guarded.path(names[2], "extra.tf")
    guarded.commit({extra: guarded.file(extra).replace("# forbidden\n", "")})
    again = guarded.fleet("update", "--retry", str(report))
    assert (again.code, set(guarded.states(again))) == (0, set(names[2:]))
    assert len(guarded.world.infra.pulls) == COUNT


def test_what_was_wrong_before_is_not_held_against_an_update(guarded: Yard) -> None:
    script = GUARD.replace('and pathlib.Path(sys.argv[1], "pager.tf").exists()', "")
    guarded.commit({"scripts/guard.py": script})
    forbid(guarded, FIRST)
    assert guarded.states(guarded.fleet("update", "--only", FIRST)) == {FIRST: "waiting"}


def test_a_branch_that_somebody_was_quicker_with_fails_alone(yard: Yard) -> None:
    sandbox, name = yard.world.sandbox, yard.made.names[0]
    forgejo, theirs = sandbox.forgejo, {"README.md": "theirs\n"}

    def quicker(request: Request) -> Response:
        if request.method == "POST" and request.path.endswith("git-receive-pack") and yard.head(name) is None:
            yard.commit(dict(theirs), update_branch(name))
        return forgejo(request)

    sandbox.lead_to("forgejo", quicker)
    completed = yard.fleet("update")
    states = yard.states(completed)
    assert completed.code == 5
    assert [states[item] for item in yard.made.names] == ["failed", *["waiting"] * 5]
    assert "wave 2 of 3: app-001" in [item["summary"] for item in completed.of("progress")]  # the next one goes alone
    assert yard.file("README.md", update_branch(name)) == "theirs\n"
    again = yard.fleet("update")
    assert again.code == 0
    assert "left alone" in yard.one(again, name)["message"]
    assert {len(yard.pulls(item)) for item in yard.made.names if item != name} == {1}


def test_a_dry_run_writes_nothing(yard: Yard) -> None:
    before = yard.bare.references()
    completed = yard.fleet("update", "--dry-run")
    assert (completed.code, set(yard.states(completed).values())) == (0, {"behind"})
    assert all(item["files"] for item in completed.of("service"))
    assert (yard.bare.references(), yard.world.infra.pulls) == (before, {})


@full
def test_a_selection_alone_is_updated(yard: Yard) -> None:
    completed = yard.fleet("update", "--limit", "2", "--only", "app-*")
    assert [pull.head for pull in yard.world.infra.pulls.values()] == [
        update_branch(name) for name in yard.made.names[:2]
    ]
    assert list(yard.states(completed).values()).count("behind") == COUNT - 2
    shards = [yard.states(yard.fleet("status", "--shard", f"{number}/3")) for number in (1, 2, 3)]
    assert sorted(name for shard in shards for name in shard) == sorted(yard.made.names)


def test_the_report_and_a_retry(yard: Yard, tmp_path: Path) -> None:
    page, data, text = (tmp_path / f"report.{form}" for form in ("html", "json", "txt"))
    yard.fleet("update", "--dry-run", "--report", str(page))
    assert "<script" not in page.read_text()
    yard.fleet("status", "--report", str(text))
    assert f"{FIRST} " in text.read_text()
    yard.fleet("status", "--report", str(data))
    found = json.loads(data.read_text())
    found["services"][1]["state"] = "failed"
    data.write_text(json.dumps(found))
    completed = yard.fleet("update", "--retry", str(data))
    assert [item["name"] for item in completed.of("service")] == [yard.made.names[1]]
    assert [pull.head for pull in yard.world.infra.pulls.values()] == [update_branch(yard.made.names[1])]


@full
def test_from_the_first_release_to_the_newest_past_every_guard(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    made = make(world.platform, 8)
    settle(world, made)
    scripts = [path for path in sorted(made.files) if re.fullmatch(r"scripts/check-.*\.py", path)]
    assert scripts
    guards = tuple(Guard((sys.executable, script, "<stack>"), ("scripts", "stacks")) for script in scripts)
    monkeypatch.setattr("generator.fleet.guards.guards_of", lambda platform: guards)
    completed = world.command("fleet", "update", "--wave", "20")
    found = {(item["name"], item["state"], item["version"], item["to"]) for item in completed.of("service")}
    assert found == {(name, "waiting", "1.0.0", str(Releases().newest)) for name in made.names}, completed.out


def test_a_platform_older_than_the_template_ends_the_run_with_what_it_lacks(yard: Yard) -> None:
    """It is no matter of one service, and no answers file is to be restored for it."""
    module = "modules/kubernetes/ingress_factory/main.tf"
    text = yard.file(module)
    start = text.index('variable "dns_type"')
    yard.commit({module: text[:start] + text[text.index("\n}\n", start) + 3 :]})
    completed = yard.fleet("update")
    assert completed.code == 5, completed.out
    found = [item for item in completed.of("service") if item["state"] == "failed"]
    assert found
    assert all("has no variable dns_type" in item["message"] for item in found)
    assert all("update its modules first" in item["hint"] for item in found)
    assert not yard.world.infra.pulls
