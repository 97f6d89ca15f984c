"""What all of newservice's branches in the infra repository have in common: one commit, pushed, and a pull request."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

from packaging.version import Version

from generator.base.memo import run_parallel
from generator.clients.forgejo import PullRequest
from generator.clients.git import merges
from generator.engine.checklist import Checklist
from generator.engine.context import Run
from generator.engine.executor import Done
from generator.engine.plan import Decision
from generator.engine.steps.base import foreign
from generator.engine.steps.change.text import before_merge
from generator.infra_repo.trees import Tree
from generator.template.files import File

_PHASES = Version("3.0.0")
"""The first template whose texts have the phases of a merge."""


def no_default_branch(run: Run) -> Decision:
    """The refusal where no default branch exists to branch from."""
    return foreign(
        f"{run.owner}/{run.infra_repository} has no branch {run.platform.infra.branch}",
        "correct infra.repository and infra.branch in the platform profile",
    )


def blocked(run: Run, branch: str) -> Decision | None:
    """The refusal where git can't create ``branch`` in the infra repository, because another one takes its place."""
    heads, parts = run.infra_heads(), branch.split("/")
    above = {"/".join(parts[:count]) for count in range(1, len(parts))}
    found = [head for head in heads if branch not in heads and (head in above or head.startswith(f"{branch}/"))]
    if not found:
        return None
    return foreign(
        f"{run.owner}/{run.infra_repository} has a branch {found[0]}, beside which git can't create {branch}",
        f"merge, rename or delete {found[0]}, then run the same command again",
    )


def is_merged(pull: PullRequest | None, head: str | None) -> bool:
    """Whether a branch was merged as it is."""
    return pull is not None and pull.merged and pull.head == head


def unmergeable(
    tree: Callable[[str], Tree], ours: str, common: str, theirs: str, paths: Iterable[str]
) -> tuple[str, ...]:
    """Those of ``paths`` that two commits have changed in the same place since they parted at ``common``.

    ``tree`` reads a commit. None where that is not known (empty), or only one of them moved on.
    """
    if common in ("", theirs):
        return ()
    trees = [tree(sha) for sha in (ours, common, theirs)]
    versions = {path: [each.read(path) or b"" for each in trees] for path in paths}
    changed = {path: seen for path, seen in versions.items() if seen[1] not in (seen[0], seen[2])}
    return tuple(path for path, seen in changed.items() if not merges(*seen))


def push_commit(
    run: Run,
    branch: str,
    onto: str,
    files: Iterable[File],
    message: str,
    merged: Iterable[str] = (),
    removed: Iterable[str] = (),
    tree: str = "",
) -> str:
    """Commit on objects, beside every checkout, and push without force; returns the commit's id.

    It is signed where a rule on the branch wants that; see ``Repository.commit_onto``.
    A branch that was merged already is a second parent (``merged``): so the push stays a fast-forward, whichever way
    it was merged.
    """
    signed = run.must_sign(run.infra_repository, branch)
    sha = run.infra.commit_onto(onto, files, message, merged, removed, tree=tree, signed=signed)
    run.infra.push(run.remote, run.infra_url, sha, branch)
    return sha


def ask_for(run: Run, branch: str, title: str, template: str, merging: Checklist, **context: object) -> Done:
    """Open the branch's pull request, its text rendered from ``template``; returns its address or the branch's name.

    Templates before 3.0.0 know one list, of what follows the merge: what comes before it stands above their text.
    """
    lines = [*([merging.started] if merging.pipeline else []), *(task.text for task in merging.after)]
    applied = [task.line.removeprefix("apply ") for task in merging.after]
    known = {**run.answers.context, **context, "merging": merging, "to_do": lines, "apply": applied}
    body = run.project.template.render(f"[% include '{template}' %]", known)
    if Version(run.project.template.version) < _PHASES:
        body = "\n\n".join([*before_merge(merging), body.lstrip()])
    base = run.platform.infra.branch
    run.forgejo.create_pull_request(run.owner, run.infra_repository, base=base, head=branch, title=title, body=body)
    opened = run.fresh()
    run_parallel(partial(opened.pull_request, branch), opened.infra_heads)
    found = opened.pull_request(branch)
    return Done(found.url if found else branch, opened.since)
