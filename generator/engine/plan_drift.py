"""What moved between a saved plan and now: one sentence for each thing. Pure.

A plan that was begun and interrupted finds what it did itself. So for such a plan, and for no other, a thing that it
wanted to create or fix may have come nearer to what it wanted, as long as it is ours; everything else must be
unchanged.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from typing import Any

from generator.engine.plan_inputs import Basis
from generator.engine.saved_plan import Item, SavedPlan

_SHOWN = 10
"""How many keys of a profile are shown; another profile differs in nearly all."""

_NEARER = ("absent", "drifted", "present")
"""States on the way to what is wanted; all of them say that the thing is ours or does not exist yet."""

_MEANT = {
    "create": "was to be created",
    "update": "was to be changed",
    "conflict": "existed and differed",
    "unchanged": "existed already",
    "none": "was to be left alone",
    "refuse": "was refused",
    "add": "was to be entered",
    "present": "existed already",
}

_NOW = {
    "create": "does not exist now",
    "update": "exists and differs now",
    "conflict": "exists and differs now",
    "unchanged": "exists now",
    "none": "needs nothing now",
    "refuse": "is refused now",
    "add": "does not exist now",
    "present": "exists now",
}


def basis_moved(then: Basis, now: Basis) -> list[str]:
    """What differs of newservice, template, profile and answers."""
    return [*_tools_moved(then, now), *_profile_moved(then, now), *_answers_moved(then, now)]


def plan_moved(then: SavedPlan, now: SavedPlan, before_number: Mapping[str, str] | None = None) -> list[str]:
    """Everything that differs, a sentence each; empty where the saved plan may be carried out or continued.

    ``before_number`` are the digests of the service's files, by path, as they come out before Woodpecker's number is
    known: a plan that was begun may have registered the mirror itself.
    """
    if then.digest == now.digest:
        return []
    differences = [
        *basis_moved(then.basis, now.basis),
        *_pairs(then.steps, now.steps, _step_key, _step_moved_for(then.begun)),
        *_pairs(then.files, now.files, _file_key, _file_moved_for(then.begun, before_number or {})),
        *_pairs(_numbered(then.registrations), _numbered(now.registrations), _registration_key, _entry_for(then.begun)),
    ]
    return list(dict.fromkeys(differences or ([] if then.begun else ["the observed state has changed"])))


def _tools_moved(then: Basis, now: Basis) -> Iterator[str]:
    if then.newservice != now.newservice:
        yield f"newservice is {now.newservice}, the plan was made with {then.newservice}"
    if then.template != now.template:
        yield f"the template is v{now.template}, the plan was made with v{then.template}"
    elif then.template_digest != now.template_digest:
        yield f"the template's files differ, though it is v{now.template} as it was"


def _profile_moved(then: Basis, now: Basis) -> Iterator[str]:
    if then.profile_digest == now.profile_digest:
        return
    if then.profile_source != now.profile_source:
        yield f"the profile is {now.profile_source}, the plan was made with {then.profile_source} (--platform)"
    keys = [key for key in {**then.profile, **now.profile} if then.profile.get(key) != now.profile.get(key)]
    for key in keys[:_SHOWN]:
        yield f"the profile's {key} differs: {_short(now.profile.get(key))}, was {_short(then.profile.get(key))}"
    if len(keys) > _SHOWN:
        yield f"the profile differs in {len(keys) - _SHOWN} more keys"
    if not keys:
        yield "the profile differs"


def _answers_moved(then: Basis, now: Basis) -> Iterator[str]:
    for name in {**then.answers, **now.answers}:
        if then.answers.get(name) != now.answers.get(name):
            yield f"the answer to {name} is {_short(now.answers.get(name))}, was {_short(then.answers.get(name))}"


Compare = Callable[[Item, Item], str | None]


def _pairs(
    then: Iterable[Item], now: Iterable[Item], key: Callable[[Item], Hashable], compare: Compare
) -> Iterator[str]:
    """Each thing of one list with the same thing of the other."""
    old, new = ({key(item): item for item in items} for items in (then, now))
    for each in {**old, **new}:
        if each not in new:
            yield f"{_name(old[each])} is no longer part of the plan"
        elif each not in old:
            yield f"{_name(new[each])} is part of the plan now, and was not before"
        elif old[each] != new[each] and (message := compare(old[each], new[each])):
            yield message


def _step_key(item: Item) -> Hashable:
    return str(item["id"])


def _step_moved_for(begun: bool) -> Compare:
    def compare(old: Item, new: Item) -> str | None:
        if begun and _came_nearer(old, new):
            return None
        if old["state"] != new["state"]:
            return f"{old['id']} was {old['state']}, is {new['state']} now: {new['summary']}"
        if old["action"] != new["action"]:
            return f"{old['id']} {_MEANT[old['action']]}, {_NOW[new['action']]}: {new['summary']}"
        return f"{old['id']} was '{old['summary']}', is '{new['summary']}' now"

    return compare


def _came_nearer(old: Item, new: Item) -> bool:
    """Whether a step of a begun plan is as this very plan may have left it."""
    if old["state"] not in _NEARER or new["state"] not in _NEARER or new["action"] == "refuse":
        return False
    wanted = old["action"] in ("create", "update")
    if not wanted and (new["action"] != "none" or old["state"] == new["state"]):
        return False
    return _NEARER.index(new["state"]) >= _NEARER.index(old["state"])


def _file_key(item: Item) -> Hashable:
    return item["repo"], item["path"]


def _file_moved_for(begun: bool, before_number: Mapping[str, str]) -> Compare:
    def compare(old: Item, new: Item) -> str | None:
        same = new["after"] == old["after"]
        if begun and new["repo"] == "service":
            same = same or before_number.get(new["path"]) == old["after"]
        if not same:
            return f"{new['path']} would come out differently"
        if begun and old["action"] == "create" and new["action"] == "unchanged":
            return None
        if old["action"] != new["action"]:
            return f"{new['path']} {_MEANT[old['action']]}, {_NOW[new['action']]}"
        return f"{new['path']} was changed since" if old["before"] != new["before"] else None

    return compare


def _registration_key(item: Item) -> Hashable:
    return item["id"], item["path"], item["number"]


def _numbered(items: Iterable[Item]) -> Iterator[Item]:
    """A registration may enter a file at several places: the first of them, the second."""
    count: dict[Hashable, int] = {}
    for item in items:
        place = item["id"], item["path"]
        count[place] = count.get(place, 0) + 1
        yield {**item, "number": count[place]}


def _entry_for(begun: bool) -> Compare:
    def compare(old: Item, new: Item) -> str | None:
        name = _name(new)
        if begun and old["action"] == "add" and new["action"] == "present":
            return None
        if old["action"] != new["action"]:
            return f"{name} {_MEANT[old['action']]}, {_NOW[new['action']]}"
        if begun and old["action"] != "add":  # what exists is read from our own branch now
            return None
        if old["before"] != new["before"]:
            return f"{name}: {new['path']} was changed since"
        return f"{name}: the entry would come out differently"

    return compare


def _name(item: Item) -> str:
    if "system" in item:
        return str(item["id"])
    return f"registration {item['id']}" if "id" in item else str(item["path"])


def _short(value: Any) -> str:
    text = "not set" if value is None else str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
