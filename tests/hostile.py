"""A clone in which every program that git knows of is one that leaves a mark."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from tests.checkout import commit_all, git

HOOKS = (
    *("pre-commit", "commit-msg", "post-commit", "post-checkout", "pre-push", "post-index-change", "post-merge"),
    *("reference-transaction", "prepare-commit-msg", "pre-auto-gc", "fsmonitor-watchman", "post-rewrite"),
)

SETTINGS = """
[core]
    fsmonitor = {program} fsmonitor
    hooksPath = {hooks}
    sshCommand = {program} ssh
    pager = {program} pager
    editor = {program} editor
    askPass = {program} askpass
    gitProxy = {program} proxy
    alternateRefsCommand = {program} refs
[filter "mine"]
    clean = {program} clean
    smudge = {program} smudge
    required = true
[filter "Long.one"]
    process = {program} process
    required = true
[diff]
    external = {program} external
[diff "mine"]
    textconv = {program} textconv
    command = {program} command
[merge]
    renormalize = true
[merge "mine"]
    driver = {program} merge
[gpg]
    program = {program} gpg
[gpg "ssh"]
    program = {program} ssh-keygen
[log]
    showSignature = true
[tag]
    gpgSign = true
[credential]
    helper = !{program} credential
[alias]
    status = !{program} alias
    config = !{program} alias
    rev-parse = !{program} alias
    cat-file = !{program} alias
[protocol]
    allow = always
[protocol "ext"]
    allow = always
[submodule]
    recurse = true
[status]
    submoduleSummary = true
[sequence]
    editor = {program} sequence
[uploadpack]
    packObjectsHook = {program} pack
[include]
    path = more
"""

MORE = """
[filter "included"]
    clean = {program} included
    smudge = {program} included
    process = {program} included
"""

ATTRIBUTES = """
* filter=mine diff=mine merge=mine
*.md filter=included
*.hcl filter=Long.one
*.tf filter=mine text eol=crlf
"""


def program(folder: Path) -> tuple[Path, Path]:
    """A program below ``folder`` that takes what it is given, hands it on and leaves a mark: itself, and its mark."""
    mark, place = folder / "ran", folder / "program"
    folder.mkdir(parents=True, exist_ok=True)
    place.write_text(f'#!/bin/sh\necho "$@" >> "{mark}"\ncat\n')
    place.chmod(0o755)
    return place, mark


def arm(clone: Path, folder: Path) -> Path:
    """Set every program in a clone's own configuration and attributes, and let git look at each file again.

    Returns where their marks would be.
    """
    place, mark = program(folder)
    common = Path(git(clone, "rev-parse", "--path-format=absolute", "--git-common-dir").strip())
    for name in HOOKS:
        hook = common / "hooks" / name
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(f"#!/bin/sh\nexec {place} {name}\n")
        hook.chmod(0o755)
    with (common / "config").open("a") as stream:
        stream.write(SETTINGS.format(program=place, hooks=common / "hooks"))
    (common / "more").write_text(MORE.format(program=place))
    (common / "info").mkdir(exist_ok=True)
    (common / "info" / "attributes").write_text(ATTRIBUTES)
    touch(clone)
    return mark


def touch(clone: Path) -> None:
    """Give each file other times, so that git has to read it to know whether it was changed."""
    for path in clone.rglob("*"):
        if path.is_file() and not path.is_symlink() and ".git" not in path.relative_to(clone).parts:
            os.utime(path, (1_000_000_000, 1_000_000_000))


def add_submodule(clone: Path, folder: Path) -> Path:
    """A committed submodule whose own configuration has a program; returns where its mark would be."""
    place, mark = program(folder)
    below = clone / "vendored"
    below.mkdir()
    (below / "file.txt").write_text("content\n")
    commit_all(below, "first")
    subprocess.run(["git", "add", "vendored"], cwd=clone, capture_output=True, check=True)
    commit_all(clone, "chore: vendored")
    git(below, "config", "filter.other.clean", f"{place} clean")
    (below / ".git" / "info" / "attributes").write_text("* filter=other\n")
    touch(below)
    return mark
