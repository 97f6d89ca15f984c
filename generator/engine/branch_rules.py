"""What a repository's rules on branches say about a push of ours: whether it is accepted, and what it needs. Pure.

Forgejo checks a push in this order (routers/private/hook_pre_receive.go): signatures, protected files, the right to
push. The first rule that fits the branch counts; one without special characters fits before any pattern.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from generator.base.globs import SPECIAL, matches

if TYPE_CHECKING:  # importing the clients takes a while, and what only plans files needs none
    from generator.clients.forgejo import BranchRule


@dataclass(frozen=True)
class Push:
    """A push that is planned. ``paths``: the files that it changes.

    ``existing`` gives all files of the default branch, where the branch is a new one: Forgejo then takes every file of
    it as changed. ``deletes``: the branch itself is deleted.
    """

    repository: str
    branch: str
    paths: tuple[str, ...] = ()
    existing: Callable[[], Collection[str]] | None = None
    deletes: bool = False

    @property
    def changed(self) -> list[str]:
        """The files that Forgejo takes as changed, as it compares them: in lower case."""
        found = {*self.paths, *(self.existing() if self.existing else ())}
        return sorted(path.lower() for path in found)


def rule_for(rules: Iterable[BranchRule], branch: str) -> BranchRule | None:
    """The rule that counts for a branch, whether it exists or not."""
    ordered = sorted(rules, key=lambda rule: (bool(SPECIAL.search(rule.name)), rule.created))
    return next((rule for rule in ordered if _fits(rule.name, branch)), None)


def _fits(name: str, branch: str) -> bool:
    return matches(name, branch, "/") if SPECIAL.search(name) else name.lower() == branch.lower()


def rejection(rule: BranchRule, push: Push, user: str) -> str:
    """Why the rule rejects the push, signatures apart; empty where it accepts it, or that can't be known.

    ``user`` is who pushes, empty where that is not known.
    """
    if push.deletes:
        return "it protects branches from deletion"
    protected = _patterns(rule.protected_files)
    if protected and (found := [path for path in push.changed if _any(protected, path)]):
        new = ", as every file of a new branch counts" if found[0] not in map(str.lower, push.paths) else ""
        return f"it protects files, and the push changes {found[0]}{new}"
    if _may_push(rule, user) is not False:
        return ""
    unprotected = _patterns(rule.unprotected_files)
    if unprotected and all(_any(unprotected, path) for path in push.changed):
        return ""
    return f"{user} may not push there" if rule.push else "nobody may push there"


def _may_push(rule: BranchRule, user: str) -> bool | None:
    """Whether the user may push; None where that depends on teams, whose members are not known."""
    if not rule.push:
        return False
    if rule.allowed is None or user.lower() in {name.lower() for name in rule.allowed}:
        return True
    return None if rule.teams or not user else False


def conclusive(rules: Sequence[BranchRule] | None, branch: str) -> bool:
    """Whether ``rejection`` says all about a push to the branch; ``rules`` are None where they can't be seen.

    Only the forge knows who is in a team, and whose signatures it can verify.
    """
    if rules is None:
        return False
    rule = rule_for(rules, branch)
    return rule is None or not (rule.signed or (rule.allowed is not None and rule.teams))


def _patterns(listed: str) -> list[str]:
    return [pattern for part in listed.lower().split(";") if (pattern := part.strip())]


def _any(patterns: Sequence[str], path: str) -> bool:
    return any(matches(pattern, path, "./") for pattern in patterns)
