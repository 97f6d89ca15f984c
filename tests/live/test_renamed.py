"""The command on repositories and default branches that people renamed on a real Forgejo."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.live.platform import LiveWorld
from tests.live.test_onboarding import expected, given


def rename_repository(live: LiveWorld, old: str, new: str) -> None:
    answer = live.forgejo("PATCH", f"/repos/{live.platform.forgejo.owner}/{old}", body={"name": new})
    assert answer.status == 200, answer.body


def rename_branch(live: LiveWorld, repository: str, old: str, new: str) -> None:
    path = f"/repos/{live.platform.forgejo.owner}/{repository}/branches/{old}"
    answer = live.forgejo("PATCH", path, body={"name": new})
    assert answer.status == 204, answer.body


@contextmanager
def renamed(live: LiveWorld, what: str, name: str) -> Iterator[None]:
    """Something has another name meanwhile."""
    infra = live.platform.infra
    if what == "repository":
        rename_repository(live, name, "notes")
        yield
        rename_repository(live, "notes", name)
    elif what == "branch":
        rename_branch(live, name, live.branch, "trunk")
        yield
        rename_branch(live, name, "trunk", live.branch)
    elif what == "infra repository":  # the other tests need it as well
        rename_repository(live, infra.repository, "platform")
        try:
            yield
        finally:
            rename_repository(live, "platform", infra.repository)
    else:
        rename_branch(live, infra.repository, infra.branch, "trunk")
        try:
            yield
        finally:
            rename_branch(live, infra.repository, "trunk", infra.branch)


@pytest.mark.parametrize(
    ("what", "code", "words", "remedy"),
    [
        ("repository", "forgejo.renamed", "/notes", "rename it back to renamed-"),
        ("branch", "forgejo.branch_renamed", "its default branch is trunk", "rename trunk back to"),
        ("infra repository", "forgejo.renamed", "/platform", "infra.repository: platform"),
        ("infra branch", "infra.branch_missing", "its default branch is trunk", "infra.branch: trunk"),
    ],
)
def test_what_was_renamed_is_named_and_goes_on_under_its_old_name(
    live: LiveWorld, what: str, code: str, words: str, remedy: str
) -> None:
    name = f"renamed-{what.replace(' ', '-')}"
    created = live.run("create", given(name))
    assert created.result["status"] == "success", created.out
    with renamed(live, what, name):
        for completed in (live.run("create", given(name)), live.command("status", name)):
            (error,) = completed.of("error")
            assert (completed.code, error["code"]) == (4, code), completed.out
            assert words in error["message"]
            assert remedy in error["hint"]
            assert not completed.of("step"), "nothing was begun"
    again = live.run("create", given(name))
    assert again.result["status"] == "unchanged", again.out
    assert live.found(name) == expected(live, name)
