"""``newservice update`` with other answers: entries are merged, what was derived follows, and nothing is lost."""

from __future__ import annotations

import shlex
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.version import Version

from generator.base.errors import AnswersError, RefusedError
from generator.lifecycle.update import Upgrade, Upgrader
from generator.platform.profile import Platform
from generator.template.amendment import UNAMENDED, Amendment
from generator.template.gates import NO_CONSENT, Consent
from generator.template.releases import Releases
from tests.answers import RICH, SMALLEST, TEMPLATE, UPSTREAM
from tests.checkout import commit_all, git
from tests.full import few
from tests.invoke import Command, Desk
from tests.upgrade.services import Origin
from tests.world import Completed

ANSWERS = ".copier-answers.yml"


@dataclass(frozen=True)
class Made:
    """A service in two checkouts, both committed."""

    desk: Desk
    given: dict[str, Any]

    @property
    def stack(self) -> Path:
        return self.desk.infra / "stacks" / str(self.given["name"])

    @property
    def recorded(self) -> dict[str, Any]:
        return dict(yaml.safe_load((self.stack / ANSWERS).read_text()))

    def update(self, *more: str) -> Completed:
        return self.desk.command("update", str(self.stack), "--json", *more)


def make(folder: Path, command: Command, given: dict[str, Any]) -> Made:
    desk = Desk(folder, command)
    desk.folder.mkdir()
    desk.prepare()
    completed = desk.create(given)
    assert completed.code == 0, completed.out
    commit_all(desk.infra, "feat: the stack")
    return Made(desk, given)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the first test keeps what all of them begin with."""
    return tmp_path_factory.mktemp("kept") / "desk"


@pytest.fixture
def rich(kept: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Made:
    folder, command = tmp_path / "desk", Command(capsys)
    if not kept.exists():
        make(folder, command, RICH)
        folder.rename(kept)
    shutil.copytree(kept, folder, symlinks=True)
    return Made(Desk(folder, command), RICH)


def changes(completed: Completed) -> dict[str, tuple[Any, Any]]:
    return {event["answer"]: (event["old"], event["new"]) for event in completed.of("change")}


def test_a_variable_is_added_and_another_removed(rich: Made) -> None:
    before = rich.recorded
    gone = next(iter(before["env"]))
    completed = rich.update("--env", "ADDED=1", "--unset", f"env.{gone}")
    assert completed.code == 0, completed.out
    assert changes(completed) == {f"env.{gone}": (before["env"][gone], None), "env.ADDED": (None, "1")}
    after = rich.recorded
    assert after.pop("env") == {**{key: value for key, value in before.pop("env").items() if key != gone}, "ADDED": "1"}
    assert after == before


def test_a_volume_is_added_beside_the_others(rich: Made) -> None:
    before = rich.recorded["volumes"]
    assert before
    assert rich.update("--volumes", "name=more,mount=/more,size=1Gi").code == 0
    assert [item["name"] for item in rich.recorded["volumes"]] == [*(item["name"] for item in before), "more"]


def test_what_is_replaced_is_replaced_whole(rich: Made) -> None:
    before = rich.recorded["env"]
    completed = rich.update("--env", "ONLY=1", "--replace", "env")
    assert completed.code == 0
    assert rich.recorded["env"] == {"ONLY": "1"}
    assert changes(completed) == {
        **{f"env.{key}": (value, None) for key, value in before.items()},
        "env.ONLY": (None, "1"),
    }


def test_what_was_derived_follows_and_what_was_set_stays(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    derived = make(tmp_path / "derived", Command(capsys), {**SMALLEST, "memory": "256Mi"})
    limit = derived.recorded["memory_limit"]
    completed = derived.update("--memory", "512Mi")
    assert changes(completed) == {
        "memory": ("256Mi", "512Mi"),
        "memory_limit": (limit, derived.recorded["memory_limit"]),
    }
    assert derived.recorded["memory_limit"] != limit
    chosen = make(tmp_path / "chosen", Command(capsys), {**SMALLEST, "memory": "256Mi", "memory_limit": "3Gi"})
    assert changes(chosen.update("--memory", "512Mi")) == {"memory": ("256Mi", "512Mi")}
    assert chosen.recorded["memory_limit"] == "3Gi"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--unset", "env.NO_SUCH"], "answer.unset"),
        (["--unset", "no_such"], "answer.unset"),
        (["--unset", "auth"], "answer.unset"),
        (["--unset", "hardening"], "answer.unset"),
        (["--unset", "volumes."], "answer.unset"),
        (["--set", "volumes=[]"], "answer.replace"),
        (["--replace", "env"], "answer.replace"),
        (["--env", "A=1", "--memory", "much"], "answer.invalid"),
    ],
)
def test_what_is_wrong_is_refused_before_anything_is_written(rich: Made, arguments: list[str], code: str) -> None:
    before = {
        path: path.read_bytes() for path in rich.desk.infra.rglob("*") if path.is_file() and ".git" not in path.parts
    }
    completed = rich.update(*arguments)
    assert completed.code == 2
    assert {event["code"] for event in completed.of("error")} == {code}
    assert before == {path: path.read_bytes() for path in before}


@pytest.mark.parametrize(
    "amendment",
    few(
        2,
        [
            Amendment({"memory": "1Gi"}),
            Amendment({"env": {"ZONE": "1"}}),
            Amendment({"tier": "core"}),
            Amendment({"volumes": [{"name": "more", "mount": "/more"}]}),
            Amendment(unset=("env.LOG_LEVEL",)),
        ],
    ),
    ids=str,
)
def test_it_equals_a_service_that_was_created_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], amendment: Amendment
) -> None:
    """File by file, shared files among them; a second update changes nothing."""
    changed = make(tmp_path / "changed", Command(capsys), RICH)
    arguments = [
        word
        for name, value in amendment.given.items()
        for word in ("--set", f"{name}={yaml.safe_dump(value, default_flow_style=True).splitlines()[0]}")
    ]
    arguments += [word for path in amendment.unset for word in ("--unset", path)]
    completed = changed.update(*arguments)
    assert completed.code == 0, completed.out
    created = make(tmp_path / "created", Command(capsys), amendment.applied(RICH))
    assert texts(changed.desk.infra) == texts(created.desk.infra)
    commit_all(changed.desk.infra, "chore: other answers")
    again = changed.update(*(word for word in arguments if not amendment.unset))
    assert again.code == 0
    assert again.result["status"] == "unchanged"
    shutil.rmtree(created.desk.infra)


def texts(root: Path) -> dict[str, bytes]:
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and ".git" not in path.relative_to(root).parts
    }


def origin(given: dict[str, Any], version: str = "") -> Origin:
    platform = Platform.of(TEMPLATE.platform, "built-in")
    return Origin("", given, platform, version=Version(version) if version else Releases().newest)


def changed(made: Origin, amendment: Amendment, consent: Consent = NO_CONSENT) -> Upgrade:
    upgrader = Upgrader(made.releases, made.platform)
    return upgrader.plan(made.tree("stack"), made.prefix("stack"), amendment=amendment, consent=consent)


def test_a_new_version_is_answered_where_the_old_one_would_not_take_that() -> None:
    made = origin({**SMALLEST, "access": "authenticated"}, "1.0.0")
    with pytest.raises(AnswersError):
        changed(made, UNAMENDED)
    assert changed(made, Amendment({"access": ["Family"]})).answers.public["access"] == ["Family"]


def test_a_whole_answer_of_a_new_question_may_be_said_to_be_replaced() -> None:
    made = origin(SMALLEST, "2.2.0")
    given = {"read_only_root": True, "non_root": True, "drop_capabilities": True, "seccomp": True}
    upgrade = changed(made, Amendment({"hardening": given}, replaced=frozenset({"hardening"})))
    assert upgrade.answers.public["hardening"] == given


def test_a_recorded_answer_that_would_be_lost_is_named() -> None:
    names = {"claims": {"data": {"address": "old", "name": "old-data"}}}
    made = origin({**RICH, "names": names})
    with pytest.raises(AnswersError) as caught:
        changed(made, Amendment(unset=("volumes.data",)))
    assert [(item.code, item.question) for item in caught.value.problems] == [("answer.invalid", "names")]
    consent = Consent(frozenset({"volumes.data"}))
    upgrade = changed(made, Amendment(unset=("volumes.data", "names.claims")), consent)
    assert upgrade.answers.public["volumes"] == []


@pytest.mark.parametrize("recorded", [{"image_visibility": "private"}, {"image_source": "upstream", "image": "a/b:1"}])
def test_nothing_is_opened(recorded: dict[str, Any]) -> None:
    """Nor on the way over a third-party image, while the private repository still exists."""
    with pytest.raises(RefusedError) as caught:
        changed(origin({**SMALLEST, **recorded}), Amendment({"image_source": "owned", "image_visibility": "public"}))
    assert caught.value.code == "change.opens"


# --- what is lost, and what opens ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("flags", "place", "also"),
    [
        (("--unset", "volumes.data"), "volumes.data", ()),
        (("--db", "none"), "database", ()),
        (("--namespace", "other"), "namespace", ("volumes.data",)),
        (("--volumes", "name=data,mount=/data,kind=block,sensitive=false"), "volumes.data", ()),
    ],
)
def test_data_is_lost_only_where_that_is_named(
    rich: Made, flags: tuple[str, ...], place: str, also: tuple[str, ...]
) -> None:
    before = rich.desk.snapshot()
    refused = rich.update(*flags)
    (error,) = refused.of("error")
    assert (refused.code, error["code"]) == (4, "change.loss")
    assert f"({place})" in error["message"]
    assert f"--accept-loss {place}" in error["hint"]
    wrong = rich.update(*flags, "--accept-loss", f"{place}s", *(f"--accept-loss={other}" for other in also))
    assert (wrong.code, wrong.of("error")[0]["code"]) == (2, "change.accept_loss")
    assert rich.desk.snapshot() == before
    accepted = [f"--accept-loss={known}" for known in (place, *also)]
    checked = rich.update(*flags, *accepted, "--check")
    assert checked.code == 0, checked.out
    assert f"--accept-loss {place}" in checked.result["next"][0]
    done = rich.update(*flags, *accepted)
    assert done.code == 0, done.out
    assert [line for line in done.of("plan")[0]["notes"] if line.startswith("lost: ")]


def test_a_door_opens_only_where_that_is_asked_for(rich: Made) -> None:
    refused = rich.update("--carveouts", "name=more,paths=/more,auth=none,reason=signed")
    (error,) = refused.of("error")
    assert (refused.code, error["code"]) == (4, "change.opens")
    assert "/more opens to everybody" in error["message"]
    assert rich.update("--carveouts", "name=more,paths=/more,auth=none,reason=signed", "--open").code == 0


def test_consent_without_new_answers_is_a_mistake(rich: Made) -> None:
    completed = rich.update("--accept-loss", "database")
    assert (completed.code, completed.of("error")[0]["code"]) == (2, "change.accept_loss")


# --- what a person does next -----------------------------------------------------------------------------------


def following(completed: Completed) -> list[str]:
    assert completed.code == 0, completed.out
    return list(completed.result["next"])


def test_only_what_changed_is_to_be_applied(rich: Made) -> None:
    """Memory is the stack's own matter: no folder, no entry, no other stack."""
    (first, second, *rest) = following(rich.update("--memory", "512Mi", "--tier", "edge"))
    assert (first, second.partition(",")[0]) == ("git diff", "git commit")
    name = rich.given["name"]
    assert [line.partition(";")[0] for line in rest] == [
        "push it and have it merged",
        f"the merge's pipeline applies, by itself and in this order: {name}",
    ]


def test_a_new_volume_names_its_new_file_and_its_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = make(tmp_path / "plain", Command(capsys), UPSTREAM)
    lines = following(made.update("--volumes", "name=media,kind=nfs,mount=/media,size=1Gi"))
    git_add, *rest = lines
    words = shlex.split(git_add)
    assert words[:5] == ["git", "-C", str(made.desk.infra), "add", "--"]
    untracked = [path for path in made.desk.changed() if not git(made.desk.infra, "ls-files", path)]
    assert sorted(words[5:]) == untracked != []
    assert rest[0] == "git diff HEAD"
    tasks = rest[2:]
    made_first, merged, applied = (line.partition("\n")[0] for line in tasks)
    assert made_first.startswith("make ")
    assert "a volume needs its folder to exist" in made_first
    assert merged == "push it and have it merged"
    assert applied.partition(";")[0].endswith(": reader")
    assert not any("Vault" in line or "open the site" in line for line in tasks)


def test_a_new_entry_names_the_stack_that_it_changes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = make(tmp_path / "plain", Command(capsys), SMALLEST)
    lines = following(made.update("--db", "postgres"))
    text = "\n".join(lines)
    order = ["apply dbaas by hand", "apply vault by hand", "push it and have it merged", "dbaas, notes-app"]
    assert sorted(order, key=text.index) == order


def test_a_service_s_own_repository_applies_nothing(rich: Made) -> None:
    commit_all(rich.desk.service, "feat: the service")
    completed = rich.desk.command("update", str(rich.desk.service), "--json", "--title", "Field notes")
    assert [line.split()[1].rstrip(",") for line in following(completed)] == ["diff", "commit"]
