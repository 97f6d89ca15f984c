"""What is remembered of a tree counts for that very tree alone, and only where nobody else could have written it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from platformdirs import user_cache_path

from generator.fleet import fleet as module
from generator.fleet.findings import Finding, Place, State
from generator.fleet.memory import Memory
from generator.template.releases import Releases
from tests.fleet.conftest import Yard

PLACE = Place("app", "stack", "owner/infra", "stacks/app/")
FOUND = Finding(PLACE, State.BEHIND, "1.0.0", "9.1.0", message="told", owned=True)


def kept(finding: Finding = FOUND) -> str:
    memory = Memory.load(Releases())
    key = memory.key(PLACE, {"stacks/app/a": "1"})
    memory.remember(key, finding)
    memory.keep()
    return key


def place() -> Path:
    return user_cache_path("newservice") / "fleet.json"


def test_a_finding_comes_back() -> None:
    key = kept()
    assert Memory.load(Releases()).recall(key, PLACE) == FOUND


def test_any_other_tree_is_unknown() -> None:
    key = kept()
    memory = Memory.load(Releases())
    others = [memory.key(PLACE, {"stacks/app/a": "2"}), memory.key(PLACE, {"stacks/app/a": "1", "b": "1"})]
    others.append(memory.key(Place("app", "service", "owner/infra", "stacks/app/"), {"stacks/app/a": "1"}))
    others.append(Memory("other releases").key(PLACE, {"stacks/app/a": "1"}))
    assert key not in others
    assert [memory.recall(other, PLACE) for other in others] == [None] * 4


def test_failures_are_not_remembered() -> None:
    key = kept(FOUND.but(State.FAILED))
    assert Memory.load(Releases()).recall(key, PLACE) is None


@pytest.mark.parametrize("damage", ["mode", "folder", "link", "half", "list", "lies"])
def test_what_others_could_have_written_or_is_damaged_does_not_count(damage: str, tmp_path: Path) -> None:
    key, file = kept(), place()
    if damage == "mode":
        file.chmod(0o666)
    elif damage == "folder":
        file.parent.chmod(0o777)
    elif damage == "link":
        file.rename(tmp_path / "elsewhere")
        file.symlink_to(tmp_path / "elsewhere")
    elif damage == "half":
        file.write_text(file.read_text()[:-5])
    elif damage == "list":
        file.write_text("[1]")
    else:
        file.write_text(json.dumps({key: {"state": "current", "files": 3}}))
    assert Memory.load(Releases()).recall(key, PLACE) is None
    kept()  # and nothing breaks


def test_a_second_look_reads_what_changed_alone(yard: Yard, monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[str] = []
    stand = module._stand

    def counting(upgrader: object, tree: object, place: Place) -> Finding:
        looked.append(place.name)
        return stand(upgrader, tree, place)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "_stand", counting)
    first = yard.fleet("status")
    assert sorted(looked) == list(yard.made.names)
    looked.clear()
    assert yard.fleet("status").of("service") == first.of("service")
    assert looked == []
    main = yard.path("app-003", "main.tf")
    yard.commit({main: yard.file(main) + "# ours\n"})
    completed = yard.fleet("status")
    assert looked == ["app-003"]
    assert yard.one(completed, "app-003")["files"] == [{"path": main, "action": "edited"}]
