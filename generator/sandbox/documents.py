"""What the sandbox's systems hold, as JSON values and back, driven by the types of their fields.

A field that a later version renames needs its old name here; one that it adds needs a default.
"""

from __future__ import annotations

import base64
import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, Union, get_args, get_origin, get_type_hints

from nacl.public import PrivateKey

from generator.sandbox.repositories import BareRepository


class Documents:
    """Writes and reads values. A bare repository is written as its path below ``root`` and its HEAD.

    ``heads`` has the repositories that were read, and the branch that HEAD of each is to point to: the caller creates
    them.
    """

    def __init__(self, root: Path) -> None:
        self.heads: dict[BareRepository, str] = {}
        self._root = root

    def write(self, value: Any) -> Any:
        """A value as JSON has it; sets are sorted, bytes are base64. Raises TypeError for what no system holds."""
        if value is None or isinstance(value, bool | int | float | str):
            return value
        if isinstance(value, bytes | PrivateKey):
            return base64.b64encode(bytes(value)).decode()
        if isinstance(value, BareRepository):
            return {"path": value.path.relative_to(self._root).as_posix(), "head": value.head()}
        if isinstance(value, Mapping):
            return {str(key): self.write(item) for key, item in value.items()}
        if isinstance(value, set | frozenset):
            return sorted(value)
        if isinstance(value, list | tuple):
            return [self.write(item) for item in value]
        if is_dataclass(value) and not isinstance(value, type):
            return {field.name: self.write(getattr(value, field.name)) for field in fields(value)}
        raise TypeError(f"{type(value).__name__} can't be saved")

    def read(self, kind: Any, document: Any) -> Any:
        """A value of a type from JSON.

        Raises ValueError for a document that is not of that type, or has a field that the type does not have.
        """
        if kind is Any:
            return document
        if get_origin(kind) in (Union, types.UnionType):
            (inner,) = (item for item in get_args(kind) if item is not types.NoneType)
            return None if document is None else self.read(inner, document)
        if get_origin(kind) is dict:
            key, item = get_args(kind)
            return {key(name): self.read(item, held) for name, held in _checked(dict, document).items()}
        if get_origin(kind) in (list, set):
            (item,) = get_args(kind)
            return get_origin(kind)(self.read(item, held) for held in _checked(list, document))
        return self._read_plain(kind, document)

    def _read_plain(self, kind: Any, document: Any) -> Any:
        if kind is bytes:
            return base64.b64decode(_checked(str, document), validate=True)
        if kind is PrivateKey:
            return PrivateKey(base64.b64decode(_checked(str, document), validate=True))
        if kind is BareRepository:
            bare = BareRepository(self._root / document["path"])
            self.heads[bare] = document["head"]
            return bare
        if is_dataclass(kind):
            return self._read_fields(kind, _checked(dict, document))
        return _checked(kind, document)

    def _read_fields(self, kind: Any, document: Mapping[str, Any]) -> Any:
        hints = get_type_hints(kind)
        unknown = document.keys() - {field.name for field in fields(kind)}
        if unknown:
            raise ValueError(f"{kind.__name__} has no {', '.join(sorted(unknown))}")
        try:
            return kind(**{name: self.read(hints[name], held) for name, held in document.items()})
        except TypeError as error:
            raise ValueError(f"{kind.__name__}: {error}") from error


def _checked(kind: type, document: Any) -> Any:
    if type(document) is not kind:
        raise ValueError(f"expected {kind.__name__}, found {type(document).__name__}")
    return document
