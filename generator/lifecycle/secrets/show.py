"""What is known of a service's secrets: where each is used, whether it exists, who wrote it and when. Never a value."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial

from generator.base.checks import Check, CheckState
from generator.base.errors import PreflightError, SystemFailure
from generator.base.memo import run_parallel
from generator.clients.vault import Entry
from generator.engine.commits import RemoteCommit
from generator.engine.context import Run
from generator.engine.ownership import NOTE, of_secret
from generator.engine.steps.vault import LATER, command, path, place
from generator.infra_repo.trees import Listing
from generator.lifecycle.secrets.usage import RepositoryUsage, StackUsage


def show(run: Run) -> list[Check]:
    """One check for each secret, those that the answers don't ask for among them. Reads only, all systems at once.

    What can't be seen is unknown, with what prevented it.
    """
    looks = [partial(_looked, "vault", run.answers.vault_properties, partial(_vault, run))]
    if "vault" not in run.answers.systems:
        looks = []
    if run.answers.owned:
        looks.append(partial(_looked, "actions", run.answers.actions_secrets, partial(_actions, run)))
    if "woodpecker" in run.answers.systems:
        looks.append(partial(_looked, "woodpecker", ("secrets",), partial(_woodpecker, run)))
    return [check for found in run_parallel(*looks) for check in found]


def _looked(system: str, names: Iterable[str], look: Callable[[], Iterable[Check]]) -> list[Check]:
    try:
        return list(look())
    except (SystemFailure, PreflightError) as error:
        return [
            Check(f"{system}.{name}", CheckState.UNKNOWN, error.message, error.hint, error.code)
            for name in names or ("secrets",)
        ]


def _vault(run: Run) -> Iterator[Check]:
    usage, entry = _stack_usage(run), run.vault.read(path(run))
    for name in sorted({*run.answers.vault_properties, *entry.names}):
        yield _property(run, name, entry, usage.of_property(name))


def _property(run: Run, name: str, entry: Entry, used: list[str]) -> Check:
    where, exists = place(run, entry), name in entry.names
    later, asked = LATER + name in entry.notes, name in run.answers.vault_properties
    facts = {"system": "vault", "secret": name, "place": where, "exists": exists, "used_by": used}
    if not exists:
        state = CheckState.WAITING if later else CheckState.FAILED
        summary = f"{where} lacks it{': a person fills it in' if later else ''}; {_used(used, asked=asked)}"
        patch = f"`{command(run, entry, 'patch' if entry.version else 'put')} {name}=-` reads it from standard input"
        return Check(f"vault.{name}", state, summary, patch, facts=facts)
    facts |= {"version": entry.version, "written": entry.created, "created_by": _maker(entry)}
    summary = (
        f"{where} version {entry.version} of {entry.created[:19]}, {_MAKERS[_maker(entry)]}; {_used(used, asked=asked)}"
    )
    return Check(f"vault.{name}", CheckState.OK, summary, facts=facts)


_MAKERS = {
    "newservice": "written by newservice",
    "changed": "made by newservice and changed since",
    "unknown": "nothing says by whom",
}


def _maker(entry: Entry) -> str:
    """Who wrote the secret, as far as its notes say; they are about the secret as a whole."""
    if of_secret(entry).ours:
        return "newservice"
    return "changed" if NOTE in entry.notes else "unknown"


def _actions(run: Run) -> Iterator[Check]:
    run_parallel(run.mirror_repository, run.mirror_secret_times)
    mirror, stored, wanted = run.mirror_repository(), run.mirror_secret_times(), run.answers.actions_secrets
    usage = _repository_usage(run)
    for name in sorted({*wanted, *stored}):
        used, secret = usage.of_actions(name), stored.get(name)
        facts = {"system": "github", "secret": name, "place": run.mirror, "exists": secret is not None, "used_by": used}
        if name in wanted:
            facts["credential"] = wanted[name]
        if secret is None:
            lacks = "lacks it" if mirror else "does not exist, or the token may not see it"
            hint = f"newservice secrets push {run.name}" if mirror else f"newservice create {run.name}"
            summary = f"{run.mirror} {lacks}; {_used(used, asked=True)}"
            yield Check(f"actions.{name}", CheckState.FAILED, summary, hint, facts=facts)
            continue
        facts |= {"created": secret.created, "written": secret.updated, "created_by": "unknown"}
        times = f"created {secret.created}, written {secret.updated}; GitHub does not say by whom"
        summary = f"{run.mirror}: {times}; {_used(used, asked=name in wanted)}"
        yield Check(f"actions.{name}", CheckState.OK, summary, facts=facts)


def _woodpecker(run: Run) -> Iterator[Check]:
    """The registration's own secrets, which people add: newservice writes none."""
    registration = run.registration()
    names = run.woodpecker.secrets(registration.id) if registration else []
    usage = _repository_usage(run) if names else RepositoryUsage()
    for name in sorted(names):
        used = usage.of_pipelines(name)
        facts = {"system": "woodpecker", "secret": name, "place": run.mirror, "exists": True, "used_by": used}
        facts["created_by"] = "unknown"
        summary = f"{run.mirror} on Woodpecker, added by a person; {_used(used, asked=False)}"
        yield Check(f"woodpecker.{name}", CheckState.OK, summary, facts=facts)


def _used(used: list[str], *, asked: bool) -> str:
    if used:
        return f"used by {', '.join(used)}"
    return "its use was not found" if asked else "the answers do not ask for it, and its use was not found"


def _stack_usage(run: Run) -> StackUsage:
    """Of the stack on the default branch or, before its merge, on the service's own."""
    heads, prefix = run.infra_heads(), run.project.stack_prefix.rstrip("/")
    tree: Listing | None = None
    for branch in (run.platform.infra.branch, run.infra_branch):
        if (sha := heads.get(branch)) and (found := run.infra_tree(sha)).paths(prefix):
            tree = found
            break
    return StackUsage.of(tree, prefix, run.answers.secrets)


def _repository_usage(run: Run) -> RepositoryUsage:
    head = run.canonical_head()
    if head is None:
        return RepositoryUsage()
    return run.once(
        "secrets in the repository",
        lambda: RepositoryUsage.of(RemoteCommit(run.forgejo, run.owner, run.name, head)),
    )
