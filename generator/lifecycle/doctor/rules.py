"""Whether the forge's rules on branches accept what is about to be pushed, and whether commits can be signed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from generator.base.checks import Check, CheckState
from generator.base.errors import PreflightError, SystemFailure
from generator.clients.git import Repository, scratch_repository
from generator.engine.branch_rules import Push, rejection, rule_for
from generator.engine.change import change_branch
from generator.engine.context import Run
from generator.engine.plan import Plan
from generator.engine.steps.removal.stack import removal_branch
from generator.lifecycle.doctor.forgejo import whose

RULES, SIGNING = "forgejo.rules", "git.signing"
REMOVAL = "infra.removal_commit"
INFRA = frozenset({"infra.commit", "infra.change_commit"})
COMMITS = INFRA | {"service.commit", "service.change_commit"}
"""The steps that make a commit."""


def check_rules(run: Run, plan: Plan, writes: Collection[str]) -> Iterator[Check]:
    """Whether each push of the plan is accepted, as far as the rules can be seen; a check for each repository."""
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
        user = whose(run.forgejo) if rule and rule.allowed is not None else ""
        why = rejection(rule, push, user) if rule else ""
        if rule and why:
            ours = f"{push.branch.partition('/')[0]}/**"
            yield _failed(
                PreflightError(
                    "forgejo.rules",
                    f"the rule {rule.name} of {where} rejects {push.branch}: {why}",
                    f"remove that rule (Settings, Branches on Forgejo) or limit it to other branches than {ours}"
                    if push.deletes
                    else f"let {user or 'its user'} push there (Settings, Branches), or add one for {ours} that does",
                )
            )
        else:
            yield Check(RULES, CheckState.OK, f"{where} accepts {push.branch}")


def check_signing(run: Run, writes: Collection[str]) -> Iterator[Check]:
    """Whether the commits of the plan that are to be signed can be; nothing where none is."""
    with scratch_repository(run.platform.connection.signing_key) as scratch:
        for repository, required in _committing(run, scratch, writes):
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


def _committing(run: Run, scratch: Repository, writes: Collection[str]) -> Iterator[tuple[Repository, bool]]:
    """Where commits are made, and whether a rule wants them signed."""
    if INFRA & set(writes):
        yield run.infra, run.must_sign(run.infra_repository, _infra_branch(run, writes))
    if "service.commit" in writes:
        yield scratch, False
    if "service.change_commit" in writes:
        yield scratch, run.must_sign(run.name, change_branch(run.name))


def _pushes(run: Run, plan: Plan, writes: Collection[str]) -> Iterator[Push]:
    if INFRA & set(writes):
        branch, heads = _infra_branch(run, writes), run.infra_heads()
        base = heads.get(run.platform.infra.branch, "")
        paths = [*_paths(plan, "infra"), *(item.path for item in plan.registrations if item.action == "add")]
        existing = None if branch in heads else lambda: run.infra_paths(base)
        yield Push(run.infra_repository, branch, tuple(paths), existing)
    if "service.change_commit" in writes:
        branch, head = change_branch(run.name), run.canonical_head() or ""
        new = run.forgejo.branch(run.owner, run.name, branch) is None
        files = (lambda: run.forgejo.tree(run.owner, run.name, head)) if new and head else None
        yield Push(run.name, branch, tuple(_paths(plan, "service")), files)


def _removals(run: Run, plan: Plan, writes: Collection[str]) -> Iterator[Push]:
    """The branches that a removal deletes in the infra repository, and the one that it proposes."""
    heads = run.infra_heads()
    deleted = {"infra.commit": run.infra_branch, "infra.change_commit": change_branch(run.name)}
    for step, branch in deleted.items():
        if step in writes and branch in heads:
            yield Push(run.infra_repository, branch, deletes=True)
    if REMOVAL in writes:
        branch, base = removal_branch(run), heads.get(run.platform.infra.branch, "")
        paths = tuple(item.path for item in plan.files if item.repo == "infra")
        existing = None if branch in heads else lambda: set(run.infra_paths(base)) - {*paths}
        changed = paths if branch in heads else ()
        yield Push(run.infra_repository, branch, changed, existing)


def _infra_branch(run: Run, writes: Collection[str]) -> str:
    """The branch that is pushed: a change of a stack that waits for review itself goes on its branch."""
    own = "infra.commit" in writes or (run.infra_branch in run.infra_heads() and not run.stack_merged())
    return run.infra_branch if own else change_branch(run.name)


def _paths(plan: Plan, repository: str) -> list[str]:
    return [item.path for item in plan.files if item.repo == repository and item.written]
