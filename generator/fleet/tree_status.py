"""The status of a single tree: its version, and which of its files differ from what newservice made."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from generator.base.errors import AnswersError, NewserviceError, RefusedError
from generator.engine.recorded import Recorded, read_recorded
from generator.fleet.findings import FileNote, Finding, Place, State
from generator.infra_repo.trees import Tree
from generator.lifecycle.update import Standing, Upgrader


def stand(upgrader: Upgrader, place: Place, tree: Tree) -> Finding:
    """The finding for a tree, from all of its files. Errors that concern only this tree become its finding."""
    return guarded(place, lambda: _standing(place, upgrader.standing(tree, place.prefix)))


def recorded_only(upgrader: Upgrader, place: Place, tree: Tree) -> Finding:
    """The finding for a tree, from its answers file alone."""
    return guarded(place, lambda: of_recorded(upgrader, place, read_recorded(tree, place.prefix)))


def of_recorded(upgrader: Upgrader, place: Place, recorded: Recorded) -> Finding:
    """The finding for what a tree records. Raises ``NewserviceError`` where that can't be used."""
    return _recorded(upgrader, place, recorded.sound())


def guarded(place: Place, look: Callable[[], Finding]) -> Finding:
    """The result of ``look``; an error becomes this tree's finding and does not affect other trees."""
    try:
        return look()
    except AnswersError as error:  # the recorded answers don't fit the version that recorded them
        problems = "; ".join(problem.message for problem in error.problems)
        return Finding(place, State.UNREADABLE, message=f"its recorded answers don't fit: {problems}")
    except RefusedError as error:
        state = _REFUSED.get(error.code, State.UNREADABLE)
        hint = "" if error.code in _SAID_BY_THE_STATE else error.hint
        return Finding(place, state, message=error.message, hint=hint)
    except NewserviceError as error:
        return Finding(place, State.FAILED, message=error.message, hint=error.hint)
    except Exception as error:  # noqa: BLE001 - whatever it is, the other trees are still looked at
        return Finding(place, State.FAILED, message=f"a fault of newservice: {type(error).__name__}: {error}")


_REFUSED = {
    "template.newer": State.NEWER,
    "update.platform": State.FAILED,
    "update.other_platform": State.FAILED,
    "update.opens": State.FAILED,
}
_SAID_BY_THE_STATE = ("template.newer", "update.unreadable", "update.no_answers")


def _recorded(upgrader: Upgrader, place: Place, recorded: Recorded) -> Finding:
    newest = upgrader.releases.target(recorded.version)
    if mismatch := _mismatch(place, recorded):
        return mismatch
    if recorded.version > newest:
        message = f"{recorded.name} was made by template {recorded.version}; this newservice has {newest}"
        newer = Finding(place, State.NEWER, str(recorded.version), str(newest), message=message)
        return _named(newer, recorded)
    state = State.BEHIND if recorded.version < newest else State.CURRENT
    return _named(Finding(place, state, str(recorded.version), str(newest), owned=recorded.owned), recorded)


def _standing(place: Place, standing: Standing) -> Finding:
    recorded = standing.recorded
    if mismatch := _mismatch(place, recorded):
        return mismatch
    files = (*_notes(standing.edited, "edited"), *_notes(standing.deleted, "deleted"))
    state = State.BEHIND if standing.behind else State.EDITED if files else State.CURRENT
    message = f"{len(files)} file{'s' if len(files) != 1 else ''} changed by hand" if files else ""
    versions = str(recorded.version), str(standing.newest)
    return _named(Finding(place, state, *versions, files, message, owned=recorded.owned), recorded)


def _named(finding: Finding, recorded: Recorded) -> Finding:
    """The finding with the answers by which people know a service; empty where they are not recorded."""
    host, namespace = (str(recorded.values.get(name) or "") for name in ("host", "namespace"))
    return replace(finding, host=host, namespace=namespace)


def _mismatch(place: Place, recorded: Recorded) -> Finding | None:
    if (recorded.name, recorded.layer) == (place.name, place.layer):
        return None
    message = f"its answers file is that of the {recorded.layer} of {recorded.name}"
    return Finding(place, State.UNREADABLE, str(recorded.version), message=message)


def _notes(paths: Iterable[str], action: str) -> tuple[FileNote, ...]:
    return tuple(FileNote(path, action) for path in paths)
