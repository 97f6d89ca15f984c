"""Judges secrets, stack, registrations, docs and monitors of a service: facts in, checks out. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from generator.base.checks import Check, CheckState
from generator.engine.plan import Action, Decision
from generator.engine.project import InfraState
from generator.infra_repo.entries import RegistrationChange, unreadable
from generator.lifecycle.verify.build import AGAIN
from generator.template.answers import Watcher


def judge_secrets(decision: Decision) -> Check:
    """Whether Vault has every property that the ExternalSecrets read, from the decision of the step."""
    if decision.to_do:  # a person said that they would fill them in
        return Check("vault.secrets", CheckState.WAITING, decision.summary, "; ".join(decision.to_do))
    if decision.action is Action.NONE:
        return Check("vault.secrets", CheckState.OK, decision.summary)
    return Check("vault.secrets", CheckState.FAILED, f"missing: {decision.summary}", decision.hint or AGAIN)


@dataclass(frozen=True)
class InfraFacts:
    """The infra repository's default branch, what it has of the service, and the pull request that adds the rest.

    ``state`` is None if no such branch exists. ``stuck``: files in which the pull request can no longer be merged.
    """

    branch: str
    stack: str
    state: InfraState | None
    pull_request: str = ""
    stuck: tuple[str, ...] = ()
    again: str = AGAIN


def judge_stack(facts: InfraFacts) -> Check:
    """Check that the stack is on the default branch, and that newservice made it."""
    id_, state = "infra.stack", facts.state
    if state is None:
        return Check(
            id_,
            CheckState.FAILED,
            f"the infra repository has no branch {facts.branch}",
            "correct infra.repository and infra.branch in the platform profile",
        )
    if state.made_by_us:
        edited = f"; {state.edited} files edited since" if state.edited else ""
        return Check(id_, CheckState.OK, f"{facts.stack} is on {facts.branch}{edited}")
    if state.foreign:
        return Check(id_, CheckState.FAILED, f"{facts.stack} was not made by newservice", "choose another name")
    return _missing(id_, facts, facts.stack)


def judge_entries(
    id_: str, facts: InfraFacts, entries: Sequence[RegistrationChange], watched: Sequence[Check] = ()
) -> Check:
    """Check that all these entries are on the default branch. ``watched`` are checks that count with them."""
    if facts.state is None:
        return Check(id_, CheckState.FAILED, f"the infra repository has no branch {facts.branch}")
    if not entries and not watched:
        return Check(id_, CheckState.SKIPPED, "these answers ask for none")
    absent = [entry.id for entry in entries if entry.action == "add"]
    absent += [check.summary for check in watched if not check.well]
    if absent:
        return _missing(id_, facts, ", ".join(absent))
    refused = [entry for entry in entries if entry.action == "refuse"]
    if refused:
        hints = [entry.refusal.hint for entry in refused if entry.refusal]
        unread = list(dict.fromkeys(entry.reason for entry in refused if unreadable(entry)))
        lost = ", ".join(entry.id for entry in refused if not unreadable(entry))
        summary = [*unread, *([f"the place of {lost} was not found on {facts.branch}"] if lost else [])]
        return Check(id_, CheckState.UNKNOWN, "; ".join(summary), "\n".join(hints))
    edited = [entry.id for entry in entries if entry.action == "update"]
    present = ", ".join([*(entry.id for entry in entries), *(check.summary for check in watched)])
    remark = f"; edited since: {', '.join(edited)}" if edited else ""
    return Check(id_, CheckState.OK, f"{present} on {facts.branch}{remark}")


def judge_watchers(watchers: Sequence[Watcher], stack: str) -> list[Check]:
    """For each watcher, check that one line of the stack's text has all of its words; comments don't count."""
    lines = [line for line in map(str.strip, stack.splitlines()) if not line.startswith(("#", "//"))]
    return [
        Check(
            "infra.monitors",
            CheckState.OK if any(all(word in line for word in item.words) for line in lines) else CheckState.FAILED,
            item.name,
        )
        for item in watchers
    ]


def _missing(id_: str, facts: InfraFacts, what: str) -> Check:
    """What is not on the default branch: waiting if a pull request proposes it, failed if none does."""
    summary = f"not on {facts.branch}: {what}"
    if facts.pull_request and facts.stuck:
        summary = f"{summary}, and its pull request can no longer be merged ({', '.join(facts.stuck)})"
        return Check(id_, CheckState.FAILED, summary, f"{facts.again}, then review and merge {facts.pull_request}")
    if facts.pull_request:
        return Check(id_, CheckState.WAITING, summary, f"review and merge {facts.pull_request}")
    return Check(id_, CheckState.FAILED, f"{summary}, and no pull request adds it", facts.again)
