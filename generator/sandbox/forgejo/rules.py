"""Rules on branches, enforced by a hook as the real server does (routers/private/hook_pre_receive.go).

``write_hook`` writes that hook, with the rules and the user in a file beside it, and ``main`` is what it runs.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from generator.base.children import Ended, run
from generator.base.globs import SPECIAL, matches

_ZERO, _EMPTY_TREE = "0" * 40, "4b825dc642cb6eb9a060e54bf8d69288fbee4904"

_LISTS = (
    *("merge_whitelist_usernames", "merge_whitelist_teams", "status_check_contexts"),
    *("approvals_whitelist_username", "approvals_whitelist_teams"),
)
_FLAGS = (
    *("push_whitelist_deploy_keys", "enable_merge_whitelist", "enable_status_check", "enable_approvals_whitelist"),
    *("block_on_rejected_reviews", "block_on_official_review_requests", "block_on_outdated_branch"),
    *("dismiss_stale_approvals", "ignore_stale_approvals"),
)


@dataclass
class Rule:
    """A rule: its name is a branch, or a pattern."""

    rule_name: str
    enable_push: bool = False
    enable_push_whitelist: bool = False
    push_whitelist_usernames: list[str] = field(default_factory=list)
    push_whitelist_teams: list[str] = field(default_factory=list)
    require_signed_commits: bool = False
    protected_file_patterns: str = ""
    unprotected_file_patterns: str = ""
    apply_to_admins: bool = False
    created_at: str = "2026-01-01T00:00:00Z"

    def fits(self, branch: str) -> bool:
        """Whether it is about a branch; names are compared without case, patterns are not."""
        if SPECIAL.search(self.rule_name):
            return matches(self.rule_name, branch, "/")
        return self.rule_name.lower() == branch.lower()

    def lets_push(self, user: str) -> bool:
        """Whether a user with the right to write may push; no team here has a member."""
        named = not self.enable_push_whitelist or user in self.push_whitelist_usernames
        return self.enable_push and named

    def view(self) -> dict[str, Any]:
        """The rule as the API shows it."""
        plain = "" if SPECIAL.search(self.rule_name) else self.rule_name
        others = {**{name: list[str]() for name in _LISTS}, **dict.fromkeys(_FLAGS, False)}
        return {**others, **asdict(self), "branch_name": plain, "required_approvals": 0, "updated_at": self.created_at}


def first_match(rules: Iterable[Rule], branch: str) -> Rule | None:
    """The rule that counts: names before patterns, then older ones first."""
    ordered = sorted(rules, key=lambda rule: (bool(SPECIAL.search(rule.rule_name)), rule.created_at))
    return next((rule for rule in ordered if rule.fits(branch)), None)


def write_hook(folder: Path, rules: Sequence[Rule], user: str, signers: str) -> Path:
    """A folder of hooks that enforces these rules on a push of ``user``; ``signers`` are git's allowed signers."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    place, listed, hook = folder / "rules.json", folder / "signers", folder / "pre-receive"
    listed.write_text(signers)
    place.write_text(json.dumps({"rules": [asdict(rule) for rule in rules], "user": user, "signers": str(listed)}))
    source, begin = Path(__file__).parents[3], f"import sys; from {__name__} import main; sys.exit(main(sys.argv[1]))"
    hook.write_text(f"#!/bin/sh\nLC_ALL=C PYTHONPATH='{source}' exec '{sys.executable}' -c '{begin}' '{place}'\n")
    hook.chmod(0o700)
    return folder


def main(place: str) -> int:
    """Check what is pushed, which git names on standard input; the status of the hook."""
    known = json.loads(Path(place).read_text())
    rules = [Rule(**rule) for rule in known["rules"]]
    for line in sys.stdin:
        old, new, reference = line.split()
        branch = reference.removeprefix("refs/heads/")
        rule = first_match(rules, branch) if branch != reference else None
        why = next(_rejections(rule, branch, old, new, known), "") if rule else ""
        if why:
            print(f"\nForgejo: {why}\n", file=sys.stderr)  # noqa: T201 - a hook speaks to whoever pushes
            return 1
    return 0


def _rejections(rule: Rule, branch: str, old: str, new: str, known: Mapping[str, Any]) -> Iterator[str]:
    """Why a push is rejected, in the server's order and words."""
    if new == _ZERO:
        yield f"branch {branch} is protected from deletion"
        return
    if old != _ZERO and _git("rev-list", "--max-count=1", old, f"^{new}"):
        yield f"branch {branch} is protected from force push"
    if rule.require_signed_commits:
        span = (new, "--not", "--all") if old == _ZERO else (f"{old}...{new}",)
        for sha in _git("rev-list", *span).split():
            if not _is_verified(sha, known["signers"]):
                yield f"branch {branch} is protected from unverified commit {sha}"
    # Against a new branch the server compares the empty tree: all of its files count as changed.
    changed = _git("diff", "--name-only", _EMPTY_TREE if old == _ZERO else old, new).lower().splitlines()
    for path in changed:
        if _any(rule.protected_file_patterns, path):
            yield f"branch {branch} is protected from changing file {path}"
    unprotected = rule.unprotected_file_patterns
    if rule.lets_push(known["user"]) or (unprotected.strip() and all(_any(unprotected, path) for path in changed)):
        return
    yield f"Not allowed to push to protected branch {branch}"


def _any(patterns: str, path: str) -> bool:
    listed = (part.strip() for part in patterns.lower().split(";"))
    return any(matches(pattern, path, "./") for pattern in listed if pattern)


def _is_verified(sha: str, signers: str) -> bool:
    settings = ("-c", f"gpg.ssh.allowedSignersFile={signers}", "-c", "gpg.ssh.program=ssh-keygen")
    return not _run(*settings, "verify-commit", sha).status


def _git(*arguments: str) -> str:
    ended = _run(*arguments)
    if ended.status:
        raise OSError(ended.err.decode("utf-8", "replace"))
    return ended.out.decode()


def _run(*arguments: str) -> Ended:
    return run(["git", *arguments], Path.cwd(), os.environ)
