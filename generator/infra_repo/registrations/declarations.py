"""Registrations as declared in YAML files: read, check and render them for one service.

The format is that of ``templates/registrations/README.md``. ``when`` is rendered first; nothing else of a
declaration is rendered unless it holds, so expressions may rely on what it says.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from generator.base.errors import UsageError
from generator.base.external import ExternalTextError, read_json
from generator.infra_repo.hcl import HclSyntaxError
from generator.infra_repo.registrations.edits import Edit
from generator.infra_repo.registrations.engine import Registration
from generator.infra_repo.registrations.kinds import KINDS, FaultError, Values
from generator.infra_repo.registrations.lines import one_line
from generator.template.template import parse_yaml

Render = Callable[[str, Mapping[str, object]], str]

_KEYS = {"id": True, "path": True, "edits": True} | dict.fromkeys(
    ("when", "for_each", "order", "apply", "purpose", "optional"), False
)
_PURPOSES = ("docs", "monitor")
_TRUTH = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False, "none": False, "": False}


@dataclass(frozen=True)
class Adjustments:
    """What a platform changes of the built-in registrations.

    ``skip`` names those that it doesn't have, ``own`` are declarations of its own, which may have the id of one
    in ``skip``. ``source`` is the profile, for messages.
    """

    skip: Sequence[str] = ()
    own: Sequence[Mapping[str, Any]] = ()
    source: str = ""


@dataclass(frozen=True)
class _Declaration:
    """A declaration that was checked for what can be checked without rendering, and what makes an error of it."""

    data: Mapping[str, Any]
    error: Callable[[str], UsageError]

    @property
    def id(self) -> str:
        return str(self.data["id"])

    @property
    def order(self) -> int:
        return int(self.data.get("order", 100))


def load(
    directory: Path, render: Render, context: Mapping[str, object], platform: Adjustments | None = None
) -> list[Registration]:
    """The registrations that hold for a service, in the order of applying.

    ``render`` renders one Jinja text with the variables given; ``context`` are the service's. ``platform`` leaves
    built-in registrations out and adds others. Raises ``UsageError``, naming file and key, when a declaration is
    wrong: ``registration.declaration`` for a built-in one, ``platform.invalid`` for the profile's.
    """
    found = []
    for declaration in _adjusted(_declarations(directory), platform or Adjustments()):
        try:
            registration = _registration(declaration.data, render, context)
        except FaultError as fault:
            raise declaration.error(str(fault)) from fault
        if registration is not None:
            found.append(registration)
    return sorted(found, key=lambda registration: (registration.order, registration.id))


def declared_ids(directory: Path) -> tuple[str, ...]:
    """The ids of all declarations in ``directory``, in the order of applying. Raises as ``load`` does."""
    return tuple(each.id for each in sorted(_declarations(directory), key=lambda each: (each.order, each.id)))


def faults(own: Sequence[object]) -> Iterator[str]:
    """What is wrong with a profile's own declarations, as far as it shows without a service; the place comes first."""
    for number, declaration in enumerate(own):
        try:
            _check(declaration)
        except FaultError as fault:
            yield _own(number, str(fault))


def _own(number: int, reason: str) -> str:
    return f"registrations.own[{number}]: {reason}"


def _declarations(directory: Path) -> list[_Declaration]:
    """The built-in declarations."""
    found = []
    for path in sorted(directory.glob("*.yml")):
        error = partial(_error, path.name)
        data = _read(path)
        try:
            declaration = _check(data)
            if f"{declaration['id']}.yml" != path.name:
                raise FaultError(f"id: '{declaration['id']}' is not the file's name")
        except FaultError as fault:
            raise error(str(fault)) from fault
        found.append(_Declaration(declaration, error))
    return found


def _adjusted(built_in: list[_Declaration], platform: Adjustments) -> list[_Declaration]:
    """The declarations that a platform has: the built-in ones but those to skip, and its own."""
    known = [declaration.id for declaration in built_in]
    for number, name in enumerate(platform.skip):
        if name not in known:
            near = difflib.get_close_matches(str(name), known, n=1)
            suggestion = f", did you mean '{near[0]}'?" if near else f"; there are {', '.join(known)}"
            raise _profile_error(platform.source, f"registrations.skip[{number}]: there is no '{name}'{suggestion}")
    kept = {declaration.id: declaration for declaration in built_in if declaration.id not in platform.skip}
    for number, data in enumerate(platform.own):
        error = partial(_own_error, platform.source, number)
        try:
            declaration = _Declaration(_check(data), error)
        except FaultError as fault:
            raise error(str(fault)) from fault
        if declaration.id in kept:
            remedy = "; to replace the built-in one, name it in registrations.skip" if declaration.id in known else ""
            raise error(f"id: there is a '{declaration.id}' already{remedy}")
        kept[declaration.id] = declaration
    return list(kept.values())


def _read(path: Path) -> object:
    return _content(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=256)
def _content(path: Path, _changed: int) -> object:
    """A file's content; the same few are read for each service of a fleet."""
    try:
        return parse_yaml(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise _error(path.name, f"can't be read as YAML: {error}") from error


def _check(data: object) -> Mapping[str, Any]:
    """``data`` as a declaration, checked for what can be checked without rendering. Raises ``FaultError``."""
    declaration = _shape(data, _KEYS, "")
    for key in ("id", "path"):
        if not isinstance(declaration[key], str) or not declaration[key].strip():
            raise FaultError(f"{key}: must be text")
    if type(declaration.get("order", 0)) is not int:
        raise FaultError("order: must be a whole number")
    if declaration.get("purpose", "docs") not in _PURPOSES:
        raise FaultError(f"purpose: must be one of {', '.join(_PURPOSES)}")
    if not isinstance(declaration.get("optional", False), bool):
        raise FaultError("optional: must be true or false")
    edits = declaration["edits"]
    if not isinstance(edits, list) or not edits:
        raise FaultError("edits: must be a list of edits")
    for number, edit in enumerate(edits):
        where = f"edits[{number}]"
        kind = edit.get("kind") if isinstance(edit, Mapping) else None
        if not isinstance(kind, str) or kind not in KINDS:
            raise FaultError(f"{where}.kind: '{kind}' is not known; known are {', '.join(KINDS)}")
        _shape(edit, {"kind": True, **KINDS[kind][1]}, f"{where}.")
    return declaration


def _shape(data: object, keys: Mapping[str, bool], where: str) -> Mapping[str, Any]:
    if not isinstance(data, Mapping):
        raise FaultError("must be a map")
    for key, required in keys.items():
        if required and key not in data:
            raise FaultError(f"{where}{key}: is missing")
    for key in data:
        if key not in keys:
            raise FaultError(f"{where}{key}: is not known; known are {', '.join(keys)}")
    return data


def _registration(declaration: Mapping[str, Any], render: Render, context: Mapping[str, object]) -> Registration | None:
    """The declaration rendered, or None when it doesn't hold for this service."""

    def rendered(source: str, where: str, item: Mapping[str, object] | None = None) -> str:
        try:
            return render(source, {**context, **(item or {})})
        except Exception as error:
            raise FaultError(f"{where}: {error}") from error

    if not _holds(rendered(str(declaration.get("when", "true")), "when")):
        return None
    items: list[Mapping[str, object]] = [{}]
    if "for_each" in declaration:
        items = [{"item": item} for item in _items(rendered(str(declaration["for_each"]), "for_each"))]
    edits = tuple(
        _edit(raw, f"edits[{number}]", partial(rendered, item=item))
        for item in items
        for number, raw in enumerate(declaration["edits"])
    )
    if not edits:
        return None
    return Registration(
        declaration["id"],
        _path(rendered(declaration["path"], "path").strip()),
        edits,
        one_line(rendered(str(declaration.get("apply", "")), "apply")),
        declaration.get("order", 100),
        declaration.get("purpose", ""),
        declaration.get("optional", False),
    )


def _edit(raw: Mapping[str, Any], where: str, render: Callable[[str, str], str]) -> Edit:
    build, _ = KINDS[raw["kind"]]
    try:
        return build(Values(raw, where, render))
    except HclSyntaxError as error:
        raise FaultError(f"{where}.block: {error}") from error
    except ValueError as error:
        raise FaultError(f"{where}: {error}") from error


def _holds(text: str) -> bool:
    answer = text.strip().lower()
    if answer not in _TRUTH:
        raise FaultError(f"when: '{text.strip()}' is neither true nor false")
    return _TRUTH[answer]


def _items(text: str) -> list[object]:
    try:
        items = read_json(text)
    except ExternalTextError as error:
        raise FaultError("for_each: must render to a JSON list (end the expression with `| tojson`)") from error
    if not isinstance(items, list):
        raise FaultError("for_each: must render to a JSON list")
    return items


def _path(path: str) -> str:
    parts = PurePosixPath(path).parts
    if not parts or path.startswith(("/", "~")) or "\\" in path or ".." in parts:
        raise FaultError(f"path: '{path}' must be relative and stay inside the repository")
    return path


def _error(source: str, reason: str) -> UsageError:
    return UsageError(
        "registration.declaration",
        f"{source}: {reason}",
        "correct the declaration; the keys of each kind are described beside the built-in ones",
    )


def _own_error(source: str, number: int, reason: str) -> UsageError:
    return _profile_error(source, _own(number, reason))


def _profile_error(source: str, reason: str) -> UsageError:
    return UsageError("platform.invalid", f"{source}: {reason}", "see docs/reference/platform.md")
