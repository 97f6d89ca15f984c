"""Terraform configurations that act on nothing: a rehearsal applies them, so whatever would reach out of it is removed.

Provisioners run commands on this machine and on others while something is applied. Modules from elsewhere are
downloaded, and the state of another stack is read from its backend. None of these is the provider's, so that no
stand-in is in between.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from tree_sitter import Node

from generator.infra_repo.hcl import HclSyntaxError, parse

_REMOVED = ("provisioner", "connection")
_REACHES = re.compile(rb"\b(provisioner|connection|terraform_remote_state|backend|cloud)\b")
_LOCAL = ("./", "../")


class ReachesOutError(Exception):
    """The configuration would reach out of the rehearsal, and can't be kept from it; the message says how."""


def inert(path: str, content: bytes) -> bytes:
    """A file of a configuration, by its path, without what reaches out; other files stay as they are.

    Raises ``ReachesOutError`` for what can't be left out: a module from elsewhere, another stack's state, or a file
    that can't be read and names any of these.
    """
    if path.endswith((".tf.json", ".tofu.json")):
        return _inert_json(path, content)
    return _inert_hcl(path, content) if path.endswith((".tf", ".tofu")) else content


def _inert_hcl(path: str, content: bytes) -> bytes:
    try:
        root = parse(content.decode("utf-8")).root
    except (HclSyntaxError, UnicodeDecodeError):
        if _REACHES.search(content) or b"module" in content:
            raise ReachesOutError(f"{path} can't be read, so that it may run commands") from None
        return content
    for block in reversed(list(_blocks(root))):
        words = _words(block)
        if words[0] in _REMOVED:
            content = content[: block.start_byte] + content[block.end_byte :]
        elif words[0] == "module":
            _check_source(path, _source(block))
        elif words[:2] == ["data", "terraform_remote_state"]:
            raise ReachesOutError(f"{path} reads the state of another stack")
    return content


def _blocks(node: Node) -> Iterator[Node]:
    """Every block, at any depth, in the order of the text; none of those in a block that is removed."""
    for child in node.children:
        if child.type == "block":
            yield child
            if _words(child)[0] in _REMOVED:
                continue
        yield from _blocks(child)


def _words(block: Node) -> list[str]:
    words = []
    for child in block.children:
        if child.type not in ("identifier", "string_lit"):
            break
        words.append((child.text or b"").decode("utf-8").strip('"'))
    return words or [""]


def _source(block: Node) -> str:
    for body in block.children:
        for attribute in body.children if body.type == "body" else ():
            if attribute.type == "attribute" and (attribute.children[0].text or b"") == b"source":
                return (attribute.children[-1].text or b"").decode("utf-8").strip().strip('"')
    return ""


def _check_source(path: str, source: str) -> None:
    if not source.startswith(_LOCAL):
        raise ReachesOutError(f"{path} calls a module from elsewhere ({source or 'no source'})")


def _inert_json(path: str, content: bytes) -> bytes:
    try:
        found = json.loads(content)
    except ValueError:
        raise ReachesOutError(f"{path} can't be read, so that it may run commands") from None
    for name, module in _items(found, "module"):
        _check_source(path, str(module.get("source", name)) if isinstance(module, dict) else "")
    if any(name == "terraform_remote_state" for name, _ in _items(found, "data")):
        raise ReachesOutError(f"{path} reads the state of another stack")
    return json.dumps(_without(found)).encode()


def _items(found: Any, key: str) -> Iterator[tuple[str, Any]]:
    for part in found if isinstance(found, list) else [found]:
        inner = part.get(key, {}) if isinstance(part, dict) else {}
        for entry in inner if isinstance(inner, list) else [inner]:
            yield from entry.items() if isinstance(entry, dict) else ()


def _without(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without(part) for key, part in value.items() if key not in _REMOVED}
    return [_without(part) for part in value] if isinstance(value, list) else value
