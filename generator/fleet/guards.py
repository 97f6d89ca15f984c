"""What is checked before an update is proposed: files still parse, are formatted, and pass the platform's own guards.

A guard's complaint does not count if the guard already made it, in the same words, before the update. If a guard can't
be run, its stack does not pass. The profile names the guards under ``checks``: scripts of the infra repository itself,
from its default branch. A guard that the repository does not have is skipped, and reported as skipped.
"""

from __future__ import annotations

import json
import posixpath
import re
import shutil
import tempfile
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from generator.base.errors import UsageError
from generator.clients.git import write_files
from generator.fleet.planning import Task
from generator.fleet.script import Said, run_script
from generator.fleet.snapshot import Snapshot
from generator.platform.profile import PROFILE_HINT, Platform
from generator.template.files import File

STACK = "<stack>"
"""Placeholder for the stack's folder in a guard's command."""

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_PARSERS: Mapping[str, Callable[[str], Any]] = {
    ".json": json.loads,
    ".toml": tomllib.loads,
    ".yaml": lambda text: list(yaml.parse(text, Loader=_LOADER)),
    ".yml": lambda text: list(yaml.parse(text, Loader=_LOADER)),
}


_FORMATTED = (0, 3)
"""Terraform's exit codes when it could read all files: all are formatted, or some are not."""


class _NotRunError(Exception):
    """A check could not be run; the message is its output."""


@dataclass(frozen=True)
class Guard:
    """A command of the infra repository, and the files and folders that it needs from there.

    ``whole`` checks all stacks at once; if it passes, ``run`` is not needed for each stack.
    """

    run: tuple[str, ...]
    needs: tuple[str, ...]
    whole: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The name shown to people: the file name of its script."""
        return next((Path(word).name for word in self.run if "/" in word and not word.startswith("/")), self.run[0])

    @property
    def script(self) -> str:
        """The path of its script in the infra repository; empty if the command is a program of this machine."""
        own = "/" in self.run[0] and not self.run[0].startswith("/")  # otherwise an interpreter or a program
        words = self.run if own else [word for word in self.run[1:] if not word.startswith("-")]
        path = posixpath.normpath(words[0]) if words else ""
        return path if "/" in path and not re.search(r"\s|<", path) and not path.startswith(("/", "..")) else ""


def guards_of(platform: Platform) -> tuple[Guard, ...]:
    """The guards that the profile names. Raises ``UsageError`` for one that is not a command."""
    return tuple(_guard(item, platform.source) for item in platform.checks)


def _guard(item: Any, source: str) -> Guard:
    entry = item if isinstance(item, dict) else {}
    run, needs, whole = entry.get("run"), entry.get("needs", []), entry.get("all", [])
    if not run or not all(map(_words, (run, needs, whole))):
        raise UsageError(
            "platform.invalid",
            f"{source}: 'checks' must be a list of maps with the lists 'run' and 'needs'",
            PROFILE_HINT,
        )
    return Guard(tuple(run), tuple(need.strip("/") for need in needs), tuple(whole))


def _words(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(word, str) for word in value)


@dataclass
class Checks:
    """A scratch folder with what the guards need of the infra repository, and the stacks being checked.

    ``missing`` are the guards that the repository does not have.
    """

    root: Path
    snapshot: Snapshot
    guards: tuple[Guard, ...]
    jobs: int
    missing: tuple[Guard, ...] = ()
    _listed: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    _terraform: str | None = field(default_factory=lambda: shutil.which("terraform"))

    @property
    def skipped(self) -> tuple[str, ...]:
        """What is not checked here, and why."""
        formatted = () if self._terraform else ("the format (terraform fmt): there is no terraform",)
        return (*formatted, *(f"{guard.name}: the infra repository has no {guard.script}" for guard in self.missing))

    def failures(self, tasks: Sequence[Task]) -> dict[int, str]:
        """What is wrong with updates, by their index; updates that pass are left out."""
        wrong: dict[int, list[str]] = {number: list(_broken(task)) for number, task in enumerate(tasks)}
        stacks = [(number, task) for number, task in enumerate(tasks) if task.place.layer == "stack"]
        for number, said in self._unformatted(stacks):
            wrong[number].append(said)
        for number, complaints in self._guarded(stacks):
            wrong[number] += complaints
        return {number: "; ".join(complaints) for number, complaints in wrong.items() if complaints}

    def _unformatted(self, stacks: Sequence[tuple[int, Task]]) -> Iterator[tuple[int, str]]:
        """Files that terraform would format differently or can't read, and that were fine before the update."""
        if not self._terraform:
            return
        try:
            wrong = self._misformed(
                [(number, file.path, file.content) for number, task in stacks for file in task.files]
            )
            were = {number: task.before for number, task in stacks}
            before = [(number, path, were[number][path]) for number, path in wrong if path in were[number]]
            wrong -= self._misformed(before)
        except _NotRunError as error:
            yield from ((number, f"terraform fmt can't be run: {error}") for number, _ in stacks)
            return
        yield from ((number, f"{path} is not as terraform fmt wants it") for number, path in sorted(wrong))

    def _misformed(self, files: Sequence[tuple[int, str, bytes]]) -> set[tuple[int, str]]:
        """Those of ``files`` that are not formatted; one process if all can be read. Raises ``_NotRunError``."""
        looked_at = [item for item in files if item[1].endswith((".tf", ".tfvars"))]
        if not looked_at or self._terraform is None:
            return set()
        with tempfile.TemporaryDirectory(prefix="newservice-") as folder:
            write_files(Path(folder), (File(f"{number}/{path}", content) for number, path, content in looked_at))
            result = run_script([self._terraform, "fmt", "-check", "-list=true", "-recursive", "."], Path(folder))
        if result.broken:
            raise _NotRunError(result.summary)
        if result.status not in _FORMATTED and len(looked_at) > 1:  # one can't be read: find out which
            return {found for item in looked_at for found in self._misformed([item])}
        if result.status not in _FORMATTED:
            return {looked_at[0][:2]}
        pairs = (line.strip().split("/", 1) for line in result.out.splitlines() if "/" in line)
        return {(int(number), path) for number, path in pairs if number.isdecimal()}

    def _guarded(self, stacks: Sequence[tuple[int, Task]]) -> Iterator[tuple[int, list[str]]]:
        """The guards' new complaints about each stack; while they run, every stack is laid out with its update."""
        if not self.guards or not stacks:
            return
        self._listed = self.snapshot.below(task.place.prefix for _, task in stacks)
        for _, task in stacks:
            self._lay_out(task, changed=True)
        asked = [guard for guard in self.guards if not guard.whole or run_script(guard.whole, self.root).status]
        pool = ThreadPoolExecutor(max_workers=max(1, self.jobs))
        try:
            found = list(pool.map(lambda item: self._said(item[1], asked), stacks))
        finally:  # an interruption does not wait for guards
            pool.shutdown(wait=False, cancel_futures=True)
        for (number, task), after in zip(stacks, found, strict=True):
            if after:
                self._lay_out(task, changed=False)
                before = self._said(task, asked)
                self._lay_out(task, changed=True)
                yield (
                    number,
                    [_complaint(guard, said) for guard, said in after.items() if _new(said, before.get(guard))],
                )

    def _said(self, task: Task, guards: Sequence[Guard]) -> dict[Guard, Said]:
        """The output of each guard that fails for a stack as it is laid out now."""
        folder = task.place.prefix.rstrip("/")
        found = {guard: run_script([word.replace(STACK, folder) for word in guard.run], self.root) for guard in guards}
        return {guard: said for guard, said in found.items() if said.status}

    def _lay_out(self, task: Task, *, changed: bool) -> None:
        """Write a stack's folder as the default branch has it, or as the update would leave it."""
        prefix = task.place.prefix
        files = {
            path: content for path in self._listed[prefix] if (content := self.snapshot.read_if_small(path)) is not None
        }
        if changed:
            files = {path: content for path, content in files.items() if path not in task.removed}
            files |= {file.path: file.content for file in task.files if file.path.startswith(prefix)}
        folder = self.root / prefix
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        write_files(self.root, map(_file, files.items()))


@contextmanager
def open_checks(snapshot: Snapshot, platform: Platform, jobs: int) -> Iterator[Checks]:
    """The checks of a run; what all guards need is written once."""
    named = guards_of(platform)
    missing = tuple(guard for guard in named if guard.script and not _is_there(guard.script, snapshot))
    guards = tuple(guard for guard in named if guard not in missing)
    with tempfile.TemporaryDirectory(prefix="newservice-", ignore_cleanup_errors=True) as folder:
        needs = {need for guard in guards for need in (*guard.needs, guard.script) if need}
        paths = [path for path in snapshot.ids if any(path == need or path.startswith(f"{need}/") for need in needs)]
        snapshot.load(paths)
        contents = ((path, snapshot.read_if_small(path)) for path in paths)
        write_files(Path(folder), (_file((path, content)) for path, content in contents if content is not None))
        yield Checks(Path(folder), snapshot, guards, jobs, missing)


def _file(entry: tuple[str, bytes]) -> File:
    path, content = entry
    return File(path, content, executable=content.startswith(b"#!"))


def _is_there(path: str, snapshot: Snapshot) -> bool:
    return path in snapshot.ids or any(known.startswith(f"{path}/") for known in snapshot.ids)


def _complaint(guard: Guard, said: Said) -> str:
    return f"{guard.name} can't be run: {said.summary}" if said.broken else f"{guard.name}: {said.summary}"


def _new(said: Said, before: Said | None) -> bool:
    """Whether a guard complains about something that it did not complain about before; line numbers may differ."""
    return said.broken or before is None or before.broken or bool(_lines(said) - _lines(before))


def _lines(said: Said) -> Counter[str]:
    return Counter(re.sub(r"(:|\bline )\d+", r"\1", line) for line in said.lines)


def _broken(task: Task) -> Iterator[str]:
    """Messages for the files that can no longer be parsed."""
    for file in task.files:
        parser = _PARSERS.get(Path(file.path).suffix)
        if parser and not _parses(parser, file.content):
            before = task.before.get(file.path)
            if before is None or _parses(parser, before):
                yield f"{file.path} can't be parsed any more"


def _parses(parser: Callable[[str], Any], content: bytes) -> bool:
    try:
        parser(content.decode("utf-8"))
    except (ValueError, yaml.YAMLError, RecursionError):
        return False
    return True
