"""Files only: into a folder and a checkout of the infra repository, without any network."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import cache
from pathlib import Path

from generator.base.contained import linked
from generator.base.errors import RefusedError, UsageError
from generator.engine.ownership import of_tree
from generator.engine.plan import Plan, build_plan
from generator.engine.project import Project
from generator.engine.recorded import read_recorded
from generator.engine.working_tree import WorkingTree
from generator.infra_repo.attributes import refuse_filtered
from generator.infra_repo.entries import refusal, registered_files
from generator.infra_repo.tree_diff import FileChange
from generator.template.files import File


def plan_files(project: Project, infra: Path, notes: Iterable[str] = ()) -> Plan:
    """What would be written into ``project.service_dir`` and the checkout ``infra``. Reads only.

    Raises ``UsageError`` when ``infra`` is no checkout of an infra repository, ``AnswersError`` when another
    stack has a name that this one needs.
    """
    tree, stacks = WorkingTree.behind(infra), project.platform.infra.stacks
    if not tree.is_folder(stacks):
        if (found := tree.obstacle(stacks)) and found.path == stacks and found.text:
            raise found.error
        raise UsageError(
            "infra.not_found",
            f"{infra} is no checkout of the infra repository: it has no folder {stacks}/",
            "name a clone with --infra, or connection.infra_clone in the platform profile",
        )
    others = cache(lambda: project.survey(tree))
    state = project.infra_state(tree, others)
    if not state.made_by_us:
        project.check_allocations(others(), state.facts)
        project.check_modules(tree, state.facts)
    if found := linked(project.service_dir):
        raise found.error
    service_tree = WorkingTree.at(project.service_dir)
    service = project.service_changes(project.service_files(0), service_tree)
    return build_plan(
        project.name,
        files=[*service, *state.files],
        registrations=state.registrations,
        steps=(),
        notes=(*notes, *_unseen(service_tree, service), *_unseen(tree, state.files)),
        gates=project.answers.gates,
    )


def _unseen(tree: WorkingTree, files: Iterable[FileChange]) -> Iterator[str]:
    """What a person does about new executable files where git does not see that they are."""
    new = [item.path for item in files if item.action == "create" and item.after and item.after.executable]
    if new and tree.staged is not None:
        command = shlex.join(["git", "-C", str(tree.root), "update-index", "--add", "--chmod=+x", "--", *new])
        yield f"git sees no executable bits there (core.fileMode); before the commit: {command}"


def check_writable(project: Project, infra: Path, plan: Plan) -> None:
    """Raise ``RefusedError`` where carrying out ``plan`` would touch existing work, or write through a link."""
    for item in plan.files:
        if item.blocked:
            place = _root(project, infra, item) / item.blocked.path
            raise replace(item.blocked, path=str(place)).error
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
    from generator.clients.git import filtered, uncommitted  # heavy, with all its modules

    shared = [file.path for file in registered_files(plan.registrations)]
    created = [item.path for item in plan.files if item.repo == "infra" and item.action == "create"]
    refuse_filtered(filtered(infra, [*shared, *created]), str(infra))  # also as the clone itself says
    dirty = uncommitted(infra, shared)
    if dirty:
        raise RefusedError(
            "infra.dirty",
            f"{infra} has changes that are not committed in {', '.join(dirty)}",
            "commit or stash them, then run the same command again",
        )


def _check_answers(project: Project, infra: Path) -> None:
    """Raise ``RefusedError`` where the service exists with other answers; the stack's record counts, if it has one."""
    own = project.service_dir
    places = ((WorkingTree.behind(infra), project.stack_prefix, infra), (WorkingTree.at(own), "", own))
    for tree, prefix, root in places:
        recorded = read_recorded(tree, prefix)
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
        with (
            _all_or_none(WorkingTree.at(project.service_dir), service),
            _all_or_none(WorkingTree.behind(infra), [*stack, *registered]),
        ):
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
def _all_or_none(tree: WorkingTree, files: list[File]) -> Iterator[None]:
    """Write files into a tree; when one can't be written, put back what was there."""
    above = [folder for folder in (tree.root, *tree.root.parents) if not folder.exists()] if files else []
    before: list[tuple[File, bytes | None]] = []
    made: list[str] = []
    try:
        for file in files:
            mode = tree.mode(file.path)
            before.append((file, tree.read(file.path)))
            made += tree.write(file.path, file.content, mode or (0o755 if file.executable else 0o644))
        yield
    except BaseException:
        for file, content in reversed(before):
            _put_back(tree, file, content)
        for folder in reversed(made):
            tree.remove_folder(folder)
        for place in above:
            with suppress(OSError):
                place.rmdir()
        raise


def _put_back(tree: WorkingTree, written: File, content: bytes | None) -> None:
    if tree.read(written.path) != written.content:  # it was not written
        return
    if content is None:
        tree.remove(written.path)
    else:
        tree.overwrite(written.path, content)
