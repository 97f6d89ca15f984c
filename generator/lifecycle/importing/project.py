"""Reads a Compose file and what it names beside it: ``.env``, ``env_file``, ``extends`` and ``include``.

Nothing outside the file's folder is read, nothing is executed and nothing fetched. The process's environment plays no
part.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from generator.base.contained import Contained
from generator.base.errors import UsageError
from generator.base.external import ExternalTextError, read_handed
from generator.lifecycle.importing.env_files import EnvFileError, Variable, read_env
from generator.lifecycle.importing.interpolation import InterpolationError, filled
from generator.lifecycle.importing.merging import extended
from generator.lifecycle.importing.nodes import Node, read_nodes
from generator.lifecycle.importing.specification import breach

MOST_BYTES = 256 << 10
"""Several times the largest Compose file that anybody maintains."""

_DEEPEST = 10
"""Files that extend or include each other."""

_MOST_FILES = 100
"""More files than anybody splits a project into; each is read once."""


@dataclass(frozen=True)
class EnvFile:
    """A file that a service takes variables from; ``variables`` is None where it does not exist."""

    node: Node
    name: str
    variables: tuple[Variable, ...] | None
    required: bool = True


@dataclass(frozen=True)
class Project:
    """A Compose file with its variables filled in, what it extends and includes among it.

    ``env_files``: those of each service. ``variables`` fill in texts; ``env_file`` is the name of their file, empty for
    none.
    """

    root: Node
    file: str
    folder: Path
    env_file: str = ""
    variables: Mapping[str, str] = field(default_factory=dict)
    env_files: Mapping[str, tuple[EnvFile, ...]] = field(default_factory=dict)

    @property
    def services(self) -> Mapping[str, Node]:
        """The services, in their order."""
        return self.root.get("services").entries


def load_project(path: Path, env_file: Path | None = None) -> Project:
    """Read a Compose file. Raises ``UsageError`` with file and line for whatever is wrong with it."""
    content = _handed(path)
    folder = Contained.behind(path.absolute().parent)
    variables, named = _variables(folder, env_file)
    reader = _Reader(folder, variables)
    root = reader.tree(content, path.name, ())
    services = {name: reader.whole(root, name, ()) for name in root.get("services").entries}
    if not services:
        raise UsageError(
            "import.invalid",
            f"{path.name} has no services",
            "name a Compose file with `services:` at its top, as the Compose Specification has it",
        )
    root = replace(root, value={**root.entries, "services": replace(root.get("services"), value=services)})
    _check(root, path.name)
    env_files = {name: reader.env_files(node) for name, node in services.items()}
    return Project(root, path.name, folder.root, named, variables, env_files)


@dataclass
class _Reader:
    """Reads the files of one project."""

    folder: Contained
    variables: Mapping[str, str]
    others: dict[str, Node] = field(default_factory=dict)

    def tree(self, content: bytes, name: str, above: tuple[str, ...]) -> Node:
        """A file's tree with its variables filled in, and what it includes."""
        try:
            root = filled(read_nodes(content, name), self.variables)
        except ExternalTextError as error:
            raise _invalid(f"{name}:{error.line}" if error.line else name, _unnumbered(error)) from None
        except InterpolationError as error:
            raise UsageError(
                "import.variable", str(error), "correct the variable as the Compose Specification writes it"
            ) from None
        if not root.is_map:
            raise _invalid(f"{name}:{root.line}", "it is not a map with services")
        for item in root.get("include").items:
            root = self._included(root, item, (*above, name))
        return root

    def _included(self, root: Node, item: Node, above: tuple[str, ...]) -> Node:
        named = item.get("path") if item.is_map else item
        for node in named.items or [named]:
            other = self._other(node, above)
            tops = dict(root.entries)
            for key in ("services", "volumes", "networks", "secrets", "configs"):
                both = {**other.get(key).entries, **root.get(key).entries}
                if both:
                    tops[key] = replace(root.get(key), value=both)
            root = replace(root, value=tops)
        return root

    def whole(self, root: Node, name: str, above: tuple[str, ...]) -> Node:
        """A service with all that it extends. Raises ``UsageError`` where that can't be found."""
        service = root.get("services", name)
        found = service.get("extends")
        if found.value is None:
            return service
        base = found.get("service").text if found.is_map else found.text
        file = found.get("file")
        step = f"{file.text}#{base}"
        if step in above or len(above) >= _DEEPEST:
            raise _invalid(found.origin, "it extends itself")
        inside = self._other(file, ()) if file.text and file.text != root.file else root
        if base not in inside.get("services").entries:
            raise _invalid(found.origin, "it extends a service that does not exist")
        return extended(self.whole(inside, base, (*above, step)), service)

    def _other(self, node: Node, above: tuple[str, ...]) -> Node:
        """The tree of another file of the folder."""
        name = os.path.normpath(node.text)
        if name in above or len(above) >= _DEEPEST:
            raise _invalid(node.origin, "it includes itself")
        if name not in self.others:
            if len(self.others) >= _MOST_FILES:
                raise _invalid(node.origin, f"the project has more than {_MOST_FILES} files")
            found = self.tree(self._read(node, name), name, above)
            _check(found, name)
            self.others[name] = found
        return self.others[name]

    def _read(self, node: Node, name: str) -> bytes:
        if (
            not node.text
            or "://" in node.text
            or node.text.startswith("git@")
            or os.path.isabs(name)
            or name.startswith("..")
        ):
            raise UsageError(
                "import.outside",
                f"{node.origin}: what it names is not in the Compose file's folder, and nothing else is read",
                "copy that file beside the Compose file and name it there, or write its content into the Compose file",
            )
        content = _contained(self.folder, name)
        if content is None:
            raise UsageError(
                "import.unreadable",
                f"{node.origin}: the file that it names does not exist in the Compose file's folder",
                "put it there, or remove the line",
            )
        return content

    def env_files(self, service: Node) -> tuple[EnvFile, ...]:
        """The files that a service takes variables from."""
        named = service.get("env_file")
        found = []
        for item in named.items or ([named] if named.value is not None else []):
            node = item.get("path") if item.is_map else item
            read = self._env_file(node, raw=item.get("format").text == "raw")
            found.append(replace(read, required=item.get("required").text.lower() != "false"))
        return tuple(found)

    def _env_file(self, node: Node, *, raw: bool) -> EnvFile:
        name = os.path.normpath(node.text) if node.text else ""
        inside = name and not os.path.isabs(name) and not name.startswith("..")
        content = _contained(self.folder, name) if inside else None
        if content is None:
            return EnvFile(node, node.text, None)
        return EnvFile(node, name, tuple(_env(content, name, self.variables, raw=raw)))


def _variables(folder: Contained, chosen: Path | None) -> tuple[dict[str, str], str]:
    """The variables that fill in a Compose file, and the name of the file that they are from."""
    content = _handed(chosen, "--env-file") if chosen else _contained(folder, ".env")
    name = chosen.name if chosen else ".env" if content is not None else ""
    found = _env(content, name, {}) if content is not None else []
    return {variable.name: variable.value for variable in found if variable.value is not None}, name


def _env(content: bytes, name: str, variables: Mapping[str, str], *, raw: bool = False) -> list[Variable]:
    try:
        return read_env(content.decode("utf-8-sig"), variables, raw=raw)
    except UnicodeDecodeError:
        raise UsageError("import.unreadable", f"{name} is not UTF-8 text", "save it as UTF-8") from None
    except EnvFileError as error:
        raise UsageError("import.invalid", f"{name}, {error}", "write one NAME=VALUE on each line") from None


def _contained(folder: Contained, name: str) -> bytes | None:
    """A file of the folder; None where there is none, and for a link that leads out."""
    try:
        content = folder.read(name)
    except OSError as error:
        raise _unreadable(name, error.strerror or "") from None
    if content is not None and len(content) > MOST_BYTES:
        raise _unreadable(name, f"larger than {MOST_BYTES // 1024} KiB")
    return content


def _handed(path: Path, flag: str = "") -> bytes:
    """A file that a person named."""
    try:
        return read_handed(path, MOST_BYTES)
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else "") or "it is no path of a file"
        raise _unreadable(f"{flag} {path}".strip(), reason) from None


def _unreadable(name: str, reason: str) -> UsageError:
    return UsageError("import.unreadable", f"{name} can't be read: {reason}", "name a Compose file that can be read")


def _invalid(where: str, problem: str) -> UsageError:
    return UsageError(
        "import.invalid", f"{where}: {problem}", "correct it; `docker compose config` reports the same file's faults"
    )


def _unnumbered(error: ExternalTextError) -> str:
    return str(error).removesuffix(f" (line {error.line})")


def _check(root: Node, file: str) -> None:
    """Raise ``UsageError`` where the tree is not what the schema says."""
    found = breach(root.plain())
    if found is None:
        return
    place, problem = found
    node = root
    for part in place:
        below = node.items[part] if isinstance(part, int) and part < len(node.items) else node.entries.get(str(part))
        if below is None:
            break
        node = below
    raise _invalid(node.origin if node.line else file, problem)
