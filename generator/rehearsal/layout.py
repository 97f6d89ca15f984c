"""A stack with everything that it needs of the infra repository, as files: what Terraform is run on. Pure.

The stack's files, what Terragrunt adds, the modules that it calls and the files that any of these name; and stand-ins
for what only the real world has: variables without a value, and keys that are read of secrets.
"""

from __future__ import annotations

import hashlib
import json
import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from generator.infra_repo.hcl import HclSyntaxError, parse
from generator.infra_repo.texts import is_utf8
from generator.infra_repo.trees import Listing
from generator.rehearsal.terragrunt import added

VALUES = "zz_rehearsal.auto.tfvars.json"
NOTHING = "zz_rehearsal.tf"
PLACEHOLDER = b"placeholder\n"

_SOURCE = re.compile(r'(?:^|\{)\s*source\s*=\s*"(\.\.?/[^"]*)"', re.MULTILINE)
_NAMED = re.compile(r'"\$\{path\.(module|root)\}/([^"$]+)"')
_FUNCTIONS = r"(file|filebase64|templatefile|file(?:base64)?(?:md5|sha\d+))"
_FILE = re.compile(rf"\b{_FUNCTIONS}\(\s*{_NAMED.pattern}")
_PLAIN = re.compile(rf'\b{_FUNCTIONS}\(\s*"([^"$]+)"')
_PROVIDER = re.compile(r'^\s*source\s*=\s*"([\w-]+/[\w-]+)"', re.MULTILINE)
_TYPE = re.compile(r"^[^\"#]*\btype\s*=\s*([a-z]+)", re.MULTILINE)
_TYPED = re.compile(r'^variable\s+"([\w-]+)"\s*\{\s*(?:[^{}"]*\n)*?\s*type\s*=\s*([a-z]+)', re.MULTILINE)
_ASSIGNED = re.compile(r"^\s{0,1}\"?([\w-]+)\"?\s*=", re.MULTILINE)
_KEY = re.compile(r'\[\s*"([^"$\\]+)"\s*\]')
_KEY_OF = re.compile(r"\.data\[\s*[\w.]+\.([\w-]+)\s*\]")
_ATTRIBUTE_KEY = re.compile(r"\.(?:data|binary_data|result)\.([A-Za-z_][\w-]*)")
_LOOKUP = re.compile(r'lookup\([^,"]+,\s*"([^"$\\]+)"')
_LOOKUP_LOCAL = r'lookup\(\s*local\.%s((?:\[\s*"[^"$]+"\s*\]|\.[A-Za-z_][\w-]*)+)\s*,\s*"([^"$]+)"'
_DECODED = re.compile(r'jsondecode\(\s*[\w.]+\[\s*"([^"]+)"\s*\]\s*\)')
_LOCAL_DECODED = re.compile(r'^\s*([\w-]+)\s*=\s*[^\n]*?jsondecode\(\s*[\w.]+\[\s*"([^"]+)"\s*\]\s*\)', re.MULTILINE)
_STEPS = r'((?:\[\s*"[^"$]+"\s*\]|\.[A-Za-z_][\w-]*)+)'
_STEP = re.compile(r'\[\s*"([^"$]+)"\s*\]|\.([A-Za-z_][\w-]*)')
_EMPTY: Mapping[str, Any] = {"number": 1, "bool": False, "list": [], "set": [], "tuple": [], "map": {}, "object": {}}


@dataclass(frozen=True)
class Layout:
    """Files by their paths in the infra repository, the stack's folder, and stand-ins by the keys of secrets."""

    stack: str
    files: Mapping[str, bytes]
    requested: Mapping[str, str]

    @property
    def providers(self) -> frozenset[str]:
        """Addresses of the providers that any file requires, such as ``hashicorp/kubernetes``."""
        return frozenset(source for _, text in _terraform(self.files) for source in _PROVIDER.findall(text))

    @property
    def id(self) -> str:
        """Changes with every file and key."""
        digest = hashlib.sha256(self.stack.encode())
        for path, content in sorted(self.files.items()):
            digest.update(f"\0{path}\0{len(content)}\0".encode() + content)
        return digest.hexdigest()


def lay_out(tree: Listing, stack: str) -> Layout:
    """Lay out the stack in the folder ``stack`` of an infra repository; one that does not exist has no resources."""
    files = _folder(tree, stack)
    extra = added(tree, stack)
    files |= {posixpath.join(stack, name): text.encode() for name, text in extra.files.items()}
    _follow(tree, stack, files)
    given: set[str] = set()
    for path in extra.variables:
        content = tree.read(path)
        if content is not None and is_utf8(content):
            suffix = ".auto.tfvars.json" if path.endswith(".json") else ".auto.tfvars"
            files[posixpath.join(stack, posixpath.basename(path).split(".tfvars")[0] + suffix)] = content
            given |= _given(content.decode(), path)
    roots = [text for path, text in _terraform(files) if posixpath.dirname(path) == stack]
    if not roots:  # Terraform plans nothing where there is no configuration at all
        files[posixpath.join(stack, NOTHING)] = b""
    whole = "\n".join(text for _, text in _terraform(files))
    values = {name: _used(value, name, whole) for name, value in _unset(roots, _types(files)) if name not in given}
    files[posixpath.join(stack, VALUES)] = json.dumps(values, sort_keys=True).encode()
    return Layout(stack, files, _requested([text for _, text in _terraform(files)], _types(files)))


def _given(text: str, path: str) -> set[str]:
    """The variables that a file gives values to."""
    if not path.endswith(".json"):
        return set(_ASSIGNED.findall(text))
    with suppress(ValueError):
        found = json.loads(text)
        return set(found) if isinstance(found, dict) else set()
    return set()


def _folder(tree: Listing, folder: str) -> dict[str, bytes]:
    found = ((path, tree.read(path)) for path in tree.paths(folder))
    return {path: content for path, content in found if content is not None}


def _terraform(files: Mapping[str, bytes]) -> Iterator[tuple[str, str]]:
    return ((path, content.decode("utf-8", "replace")) for path, content in files.items() if path.endswith(".tf"))


def _follow(tree: Listing, stack: str, files: dict[str, bytes]) -> None:
    """Add what the files lead to: modules of the same repository, and files that they read."""
    seen: set[str] = set()
    while unseen := [(path, text) for path, text in _terraform(files) if path not in seen]:
        for path, text in unseen:
            seen.add(path)
            folder = posixpath.dirname(path)
            for source in _SOURCE.findall(text):
                module = posixpath.normpath(posixpath.join(folder, source))
                if not module.startswith("..") and module not in seen:
                    seen.add(module)
                    files |= {at: content for at, content in _folder(tree, module).items() if at not in files}
            _read(tree, {"module": folder, "root": stack}, text, files)


def _read(tree: Listing, folders: Mapping[str, str], text: str, files: dict[str, bytes]) -> None:
    for base, name in _NAMED.findall(text):
        path = posixpath.normpath(posixpath.join(folders[base], name))
        if not path.startswith("..") and path not in files and (content := tree.read(path)) is not None:
            files[path] = content
    named = [(function, folders[base], name) for function, base, name in _FILE.findall(text)]
    named += [(function, folders["root"], name) for function, name in _PLAIN.findall(text) if not name.startswith("/")]
    for function, folder, name in named:
        path = posixpath.normpath(posixpath.join(folder, name))
        content = files.get(path, tree.read(path))
        if path.startswith(".."):
            continue
        if content is not None and (is_utf8(content) or "base64" in function):
            files[path] = content
        else:
            files[path] = PLACEHOLDER  # a secret that is encrypted here, or that only the pipeline has


def _types(files: Mapping[str, bytes]) -> dict[str, str]:
    """Types of variables by name, wherever they are declared: a module's says what the stack's of that name holds."""
    return {name: kind for _, text in _terraform(files) for name, kind in _TYPED.findall(text)}


def _unset(texts: Iterable[str], types: Mapping[str, str]) -> Iterator[tuple[str, Any]]:
    """Variables without a default, each with a value of its type; of a file that can't be read, none."""
    for text in texts:
        try:
            document = parse(text)
        except HclSyntaxError:
            continue
        blocks, settings = document.blocks(["variable", "*"]), document.settings(["variable", "*"])
        for block, (_, given) in zip(blocks, settings, strict=True):
            if not any(name.partition(".")[0] == "default" for name in given):
                body = document.data[block.start : block.end].decode("utf-8", "replace")
                found = _TYPE.search(body.partition("{")[2])
                kind = found[1] if found else types.get(block.path[1], "string")
                yield block.path[1], _EMPTY.get(kind, f"value-of-{block.path[1]}")


def _used(value: Any, name: str, whole: str) -> Any:
    """A variable's stand-in with what is read of it, where that is a map or not said."""
    if isinstance(value, dict) or value == f"value-of-{name}":
        inner: dict[str, Any] = {}
        for steps in re.findall(rf"\bvar\.{re.escape(name)}{_STEPS}", whole):
            _nest(inner, steps)
        return inner or value
    return value


def _requested(texts: Iterable[str], types: Mapping[str, str]) -> dict[str, str]:
    """Keys that any of the texts could read of a secret, each with its stand-in, which is JSON where it is decoded.

    A key too many does no harm, so that it needs no evaluation.
    """
    whole = "\n".join(texts)
    keys = {*_KEY.findall(whole), *_ATTRIBUTE_KEY.findall(whole), *_LOOKUP.findall(whole)}
    for name in _KEY_OF.findall(whole):
        keys.update(re.findall(rf'\b{re.escape(name)}\s*=\s*"([^"$\\]+)"', whole))
    decoded: dict[str, Any] = {key: {} for key in _DECODED.findall(whole)}
    for name, key in _LOCAL_DECODED.findall(whole):
        for steps in re.findall(rf"\blocal\.{re.escape(name)}{_STEPS}", whole):
            _nest(decoded.setdefault(key, {}), steps)
        for steps, last in re.findall(_LOOKUP_LOCAL % re.escape(name), whole):
            _nest(decoded.setdefault(key, {}), f'{steps}["{last}"]')
        for argument in re.findall(rf"^\s*([\w-]+)\s*=\s*local\.{re.escape(name)}\s*$", whole, re.MULTILINE):
            for steps in re.findall(rf"\bvar\.{re.escape(argument)}{_STEPS}", whole):
                _nest(decoded[key], steps)
            if not decoded[key] and (kind := types.get(argument)):
                decoded[key] = _EMPTY.get(kind, f"value-of-{key}")
    for key, steps in re.findall(_DECODED.pattern + _STEPS, whole):
        _nest(decoded[key], steps)
    found = {key: f"value-of-{key}" for key in sorted(keys)}
    return found | {key: json.dumps(value, sort_keys=True) for key, value in sorted(decoded.items())}


def _nest(into: Any, steps: str) -> None:
    if not isinstance(into, dict):
        return
    names = [bracketed or dotted for bracketed, dotted in _STEP.findall(steps)]
    for name in names[:-1]:
        inner = into.get(name)
        into[name] = inner if isinstance(inner, dict) else {}
        into = into[name]
    into.setdefault(names[-1], f"value-of-{names[-1]}")
