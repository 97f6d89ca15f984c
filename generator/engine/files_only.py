"""Files only: into a folder and a checkout of the infra repository, without any network."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from generator.base.errors import RefusedError, UsageError
from generator.base.files import write_file
from generator.engine.ownership import of_tree
from generator.engine.plan import Plan, build_plan
from generator.engine.project import Project
from generator.engine.recorded import read_recorded
from generator.engine.working_tree import WorkingTree
from generator.infra_repo.entries import refusal, registered_files
from generator.infra_repo.tree_diff import FileChange
from generator.template.files import File


def plan_files(project: Project, infra: Path, notes: Iterable[str] = ()) -> Plan:
    """What would be written into ``project.service_dir`` and the checkout ``infra``. Reads only.

    Raises ``UsageError`` when ``infra`` is no checkout of an infra repository, ``AnswersError`` when another
    stack has a name that this one needs.
    """
    stacks = infra / project.platform.infra.stacks
    if not stacks.is_dir():
        raise UsageError(
            "infra.not_found",
            f"{infra} is no checkout of the infra repository: it has no folder {stacks.name}/",
            "name a clone with --infra, or connection.infra_clone in the platform profile",
        )
    tree, service_tree = WorkingTree(infra), WorkingTree(project.service_dir)
    others = cache(lambda: project.survey(tree))
    state = project.infra_state(tree, others)
    if not state.made_by_us:
        project.check_allocations(others(), state.facts)
    service = project.service_changes(project.service_files(0), service_tree)
    return build_plan(
        project.name,
        files=[*service, *state.files],
        registrations=state.registrations,
        steps=(),
        notes=(*notes, *_unseen(service_tree, service), *_unseen(tree, state.files)),
    )


def _unseen(tree: WorkingTree, files: Iterable[FileChange]) -> Iterator[str]:
    """What a person does about new executable files where git does not see that they are."""
    new = [item.path for item in files if item.action == "create" and item.after and item.after.executable]
    if new and tree.staged is not None:
        command = shlex.join(["git", "-C", str(tree.root), "update-index", "--add", "--chmod=+x", "--", *new])
        yield f"git sees no executable bits there (core.fileMode); before the commit: {command}"


def check_writable(project: Project, infra: Path, plan: Plan) -> None:
    """Raise ``RefusedError`` where carrying out ``plan`` would touch existing work."""
    if error := refusal(plan.registrations):
        raise error
    _check_answers(project, infra)
    if plan.conflicts:
        paths = ", ".join(f"{_root(project, infra, item) / item.path}" for item in plan.conflicts[:5])
        more = f" and {len(plan.conflicts) - 5} more" if len(plan.conflicts) > 5 else ""
        raise RefusedError(
            "files.conflict",
            f"{len(plan.conflicts)} files already exist and differ: {paths}{more}",
            "newservice never overwrites work: move them away, or name other folders",
        )
    from generator.clients.git import uncommitted  # heavy, with all its modules

    dirty = uncommitted(infra, (file.path for file in registered_files(plan.registrations)))
    if dirty:
        raise RefusedError(
            "infra.dirty",
            f"{infra} has changes that are not committed in {', '.join(dirty)}",
            "commit or stash them, then run the same command again",
        )


def _check_answers(project: Project, infra: Path) -> None:
    """Raise ``RefusedError`` where the service exists with other answers; the stack's record counts, if it has one."""
    for root, prefix in ((infra, project.stack_prefix), (project.service_dir, "")):
        recorded = read_recorded(WorkingTree(root), prefix)
        if not of_tree(recorded, project.name).ours:
            continue
        if changed := recorded.differing(project.answers.public):
            raise RefusedError(
                "files.answers",
                f"{root / prefix} was made with other answers to {', '.join(changed)}",
                f"create only adds what is missing; to change the service: {project.change_from(recorded)}",
            )
        return


def write_files(project: Project, infra: Path, plan: Plan) -> None:
    """Write what ``plan_files`` planned and ``check_writable`` passed: all files or none of them.

    Raises ``UsageError`` when a folder or file can't be written; then everything is put back.
    """
    registered = registered_files(plan.registrations)
    created = [(item.repo, item.after) for item in plan.files if item.action == "create"]
    service, stack = ([file for repo, file in created if file and repo == kind] for kind in ("service", "infra"))
    try:
        with _all_or_none(project.service_dir, service), _all_or_none(infra, [*stack, *registered]):
            pass
    except OSError as error:
        raise UsageError(
            "files.unwritable",
            f"{error.filename2 or error.filename}: {error.strerror}",
            "nothing was left behind: name folders that can be written",
        ) from error


def _root(project: Project, infra: Path, change: FileChange) -> Path:
    return project.service_dir if change.repo == "service" else infra


@contextmanager
def _all_or_none(root: Path, files: list[File]) -> Iterator[None]:
    """Write files below ``root``; when one can't be written, put back what was there."""
    before: list[tuple[Path, bytes | None]] = []
    made: list[Path] = []
    try:
        for file in files:
            target = root / file.path
            before.append((target, target.read_bytes() if target.exists() else None))
            made += _make_folders(target.parent)
            _replace(target, file)
        yield
    except BaseException:
        for target, content in reversed(before):
            _put_back(target, content)
        for folder in reversed(made):
            folder.rmdir()
        raise


def _make_folders(folder: Path) -> list[Path]:
    missing = [parent for parent in (folder, *folder.parents) if not parent.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    return list(reversed(missing))


def _replace(target: Path, file: File) -> None:
    mode = 0o755 if file.executable else 0o644
    if target.exists():
        mode = target.stat().st_mode & 0o777
    write_file(target, file.content, mode, durable=False)


def _put_back(target: Path, content: bytes | None) -> None:
    if content is None:
        target.unlink(missing_ok=True)
    else:
        target.write_bytes(content)
