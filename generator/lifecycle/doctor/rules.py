"""Whether the forge's rules on branches accept what is about to be pushed, and whether commits can be signed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING

from generator.base.checks import Check, CheckState
from generator.base.errors import PreflightError, SystemFailure
from generator.clients.git import Repository, scratch_repository
from generator.engine.branch_rules import Push, rejection, rule_for
from generator.engine.change import change_branch
from generator.engine.context import Run
from generator.engine.plan import Plan
from generator.engine.steps.adoption.commit import adoption_branch
from generator.engine.steps.removal.by_proposal import removal_branch
from generator.lifecycle.doctor.forgejo import whose

if TYPE_CHECKING:
    from generator.clients.forgejo import BranchRule

RULES, SIGNING = "forgejo.rules", "git.signing"
REMOVAL = "infra.removal_commit"
INFRA = frozenset({"infra.commit", "infra.change_commit"})
COMMITS = INFRA | {"service.commit", "service.change_commit", "service.adoption_commit"}
"""The steps that make a commit."""


def check_rules(run: Run, plan: Plan, writes: Collection[str]) -> Iterator[Check]:
    """Whether each push of the plan is accepted, as far as the rules can be seen; a check for each rule that counts."""
    yield from _judged(run, _pushes(run, plan, writes))


def check_removal(run: Run, plan: Plan, writes: Collection[str]) -> Iterator[Check]:
    """The same for a removal, and whether its commit can be signed."""
    yield from _judged(run, _removals(run, plan, writes))
    if REMOVAL in writes:
        yield from check_signature(run.infra, required=run.must_sign(run.infra_repository, removal_branch(run)))


def _judged(run: Run, pushes: Iterable[Push]) -> Iterator[Check]:
    for push in pushes:
        rules = run.branch_rules(push.repository)
        where = f"{run.owner}/{push.repository}"
        if rules is None:
            summary = f"the rules on branches of {where} can't be seen: only its administrators may"
            yield Check(RULES, CheckState.UNKNOWN, summary, f"look whether a rule there rejects {push.branch}")
            continue
        rule = rule_for(rules, push.branch)
        if rule is None:
            continue
        user = whose(run.forgejo) if rule.allowed is not None else ""
        if why := rejection(rule, push, user):
            yield _rejected(rule, push, where, why, user)
        else:
            yield Check(RULES, CheckState.OK, f"the rule {rule.name} of {where} accepts {push.branch}")


def _rejected(rule: BranchRule, push: Push, where: str, why: str, user: str) -> Check:
    ours = f"{push.branch.partition('/')[0]}/**"
    remedy = f"let {user or 'its user'} push there (Settings, Branches), or add one for {ours} that does"
    if push.deletes:
        remedy = f"remove that rule (Settings, Branches on Forgejo) or limit it to other branches than {ours}"
    message = f"the rule {rule.name} of {where} rejects {push.branch}: {why}"
    return _failed(PreflightError("forgejo.rules", message, remedy))


def check_signing(run: Run, plan: Plan, writes: Collection[str]) -> Iterator[Check]:
    """Whether the commits of the plan that are to be signed can be; nothing where none is."""
    place, forgejo = run.project.service_dir, run.platform.forgejo
    key = run.platform.connection.signing_key
    with scratch_repository(place, forgejo.branch, forgejo.clone_url(run.name), key) as scratch:
        for repository, required in _committing(run, plan, scratch, writes):
            yield from check_signature(repository, required=required)


def check_signature(repository: Repository, *, required: bool) -> Iterator[Check]:
    """Whether a commit made there can be signed; nothing where it is not to be."""
    signer = repository.signer(required=required)
    if signer is None:
        return
    try:
        repository.try_signing(signer)
    except SystemFailure as error:
        why = "; a rule on the branch wants signed commits" if required else ""
        yield _failed(PreflightError("git.signing", f"{error.message}{why}", error.hint))
    else:
        yield Check(SIGNING, CheckState.OK, f"commits are signed with {signer.words}")


def _failed(error: PreflightError) -> Check:
    return Check(error.code, CheckState.FAILED, error.message, error.hint, error.code)


def _committing(
    run: Run, plan: Plan, scratch: Repository, writes: Collection[str]
) -> Iterator[tuple[Repository, bool]]:
    """Where commits are made, and whether a rule wants them signed."""
    if INFRA & set(writes):
        yield run.infra, run.must_sign(run.infra_repository, _infra_branch(run, writes))
    if "service.commit" in writes:
        yield scratch, False
    for branch in _service_branches(run, plan, writes):
        yield scratch, run.must_sign(run.name, branch)


def _pushes(run: Run, plan: Plan, writes: Collection[str]) -> Iterator[Push]:
    if INFRA & set(writes):
        branch = _infra_branch(run, writes)
        paths = [*_paths(plan, "infra"), *(item.path for item in plan.registrations if item.action == "add")]
        yield Push(run.infra_repository, branch, tuple(paths), partial(_of_infra, run, branch))
    for branch in _service_branches(run, plan, writes):
        yield Push(run.name, branch, tuple(_paths(plan, "service")), partial(_of_service, run, branch))


def _service_branches(run: Run, plan: Plan, writes: Collection[str]) -> Iterator[str]:
    """The branches of the service's own repository to which commits are pushed."""
    if "service.change_commit" in writes:
        yield change_branch(run.name)
    if "service.adoption_commit" in writes:
        proposed = any(step.id == "service.adoption_request" for step in plan.steps)
        yield adoption_branch(run.name) if proposed else run.platform.forgejo.branch


def _of_infra(run: Run, branch: str) -> Collection[str]:
    """What counts as changed beside what is changed, where the branch is a new one: every file."""
    heads = run.infra_heads()
    base = heads.get(run.platform.infra.branch, "")
    return run.infra_blobs(base) if base and branch not in heads else ()


def _of_service(run: Run, branch: str) -> Collection[str]:
    """The same in the service's own repository."""
    head = run.canonical_head()
    known = head is None or run.forgejo.branch(run.owner, run.name, branch) is not None
    return () if known or head is None else run.forgejo.tree(run.owner, run.name, head)


def _removals(run: Run, plan: Plan, writes: Collection[str]) -> Iterator[Push]:
    """The branches that a removal deletes in the infra repository, and the one that it proposes."""
    heads = run.infra_heads()
    deleted = {"infra.commit": run.infra_branch, "infra.change_commit": change_branch(run.name)}
    for step, branch in deleted.items():
        if step in writes and branch in heads:
            yield Push(run.infra_repository, branch, deletes=True)
    if REMOVAL in writes:
        branch = removal_branch(run)
        paths = {item.path for item in plan.files if item.repo == "infra"}
        left = partial(_left, run, branch, paths)
        yield Push(run.infra_repository, branch, tuple(paths) if branch in heads else (), left)


def _left(run: Run, branch: str, removed: Collection[str]) -> Collection[str]:
    """The same of a branch on which files are removed: they are no longer among the new branch's files."""
    return {*_of_infra(run, branch)} - {*removed}


def _infra_branch(run: Run, writes: Collection[str]) -> str:
    """The branch that is pushed: a change of a stack that waits for review itself goes on its branch."""
    own = "infra.commit" in writes or (run.infra_branch in run.infra_heads() and not run.stack_merged())
    return run.infra_branch if own else change_branch(run.name)


def _paths(plan: Plan, repository: str) -> list[str]:
    return [item.path for item in plan.files if item.repo == repository and item.written]
