"""A plan in a file: it says the same when it is read again, holds together, and names what moved."""

from __future__ import annotations

import json
import stat
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from generator.base.errors import ExitCode, NewserviceError, RefusedError
from generator.base.secrets import MASK, Secret
from generator.engine.plan import Action, Decision, Plan, State, StepPlan
from generator.engine.plan_drift import basis_moved, plan_moved
from generator.engine.plan_file import check_place, read_plan, write_plan
from generator.engine.plan_inputs import Basis, basis_of
from generator.engine.saved_plan import SavedPlan, content_digest, from_text, keep, to_text
from generator.infra_repo.entries import RegistrationChange
from generator.infra_repo.tree_diff import FileChange
from generator.platform.profile import Platform
from generator.template.files import File

from .answers import SMALLEST, TEMPLATE, answer

BASIS = Basis("0.1.0", "1.0.0", "sha256:t", "built-in", "sha256:p", {"forgejo.url": "https://a.test"}, dict(SMALLEST))

Seen = tuple[State, Action]
ABSENT: Seen = (State.ABSENT, Action.CREATE)
NOTHING_YET: Seen = (State.ABSENT, Action.NONE)
DRIFTED: Seen = (State.DRIFTED, Action.UPDATE)
STUCK: Seen = (State.DRIFTED, Action.REFUSE)
PRESENT: Seen = (State.PRESENT, Action.NONE)
FOREIGN: Seen = (State.FOREIGN, Action.REFUSE)
UNKNOWN: Seen = (State.UNKNOWN, Action.REFUSE)


def made(
    steps: Mapping[str, Seen] | None = None,
    files: tuple[FileChange, ...] = (),
    registrations: tuple[RegistrationChange, ...] = (),
    basis: Basis = BASIS,
    *,
    begun: bool = False,
    summary: str = "a thing",
) -> SavedPlan:
    decided = tuple(
        StepPlan(name, name.partition(".")[0], Decision(state, action, summary))
        for name, (state, action) in (steps or {}).items()
    )
    plan = Plan("notes-app", files, registrations, decided, basis=basis)
    saved = keep(plan, provision=True, service_dir=Path("/s"), infra=Path("/i"), seeds=("key=env:KEY",))
    return saved.started if begun else saved


def file(action: Any, before: bytes | None, after: bytes, repo: Any = "infra") -> FileChange:
    found = None if before is None else File("stacks/x/main.tf", before)
    return FileChange(repo, "stacks/x/main.tf", action, found, File("stacks/x/main.tf", after))


def entry(action: str, before: str, after: str, name: str = "catalog") -> RegistrationChange:
    return RegistrationChange(name, "docs/catalog.md", action, before, after)


# --- the document ------------------------------------------------------------------------------------------


def test_what_is_read_is_what_was_written() -> None:
    saved = made(
        {"forgejo.repository": ABSENT},
        (file("create", None, b"new"), file("conflict", b"old", b"new")),
        (entry("add", "a", "b"),),
        begun=True,
    )
    assert from_text(to_text(saved), "a file") == saved


def test_a_document_holds_contents_as_digests_only() -> None:
    text = to_text(made({}, (file("create", None, b"the content"),), (entry("add", "the text", "another"),)))
    assert content_digest(b"the content") in text
    assert "the content" not in text
    assert "the text" not in text


def test_a_known_secret_never_reaches_the_document() -> None:
    canary = 'can"ary-\u00e9-4711'
    Secret(canary)
    completed = made({"vault.secrets": ABSENT}, summary=f"said {canary}")
    assert MASK in to_text(completed)
    assert "4711" not in to_text(completed)


def test_a_profiles_password_in_an_address_is_not_kept() -> None:
    data = {**TEMPLATE.platform, "forgejo": {**TEMPLATE.platform["forgejo"], "url": "https://me:hunter2@forge.test"}}
    basis = basis_of(TEMPLATE, Platform.of(data, "x"), {})
    assert basis.profile["forgejo.url"] == "https://forge.test"
    assert "hunter2" not in json.dumps(basis.as_document())
    other = basis_of(TEMPLATE, Platform.of(TEMPLATE.platform, "x"), {})
    assert basis.profile_digest != other.profile_digest


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "plan.unreadable"),
        ("no json", "plan.unreadable"),
        ("[1, 2]", "plan.unreadable"),
        ('{"event": "plan", "schema": 1}', "plan.unreadable"),
        ("[" * 100_000, "plan.unreadable"),
        ('{"kind": "newservice plan", "schema": 2}', "plan.newer"),
        ('{"kind": "newservice plan", "schema": 1}', "plan.damaged"),
        (to_text(made()).replace('"/i"', '"/etc"'), "plan.damaged"),
        (to_text(made())[:-20], "plan.unreadable"),
    ],
)
def test_what_is_no_whole_plan_is_refused(text: str, code: str) -> None:
    with pytest.raises(NewserviceError) as caught:
        from_text(text, "a file")
    assert (caught.value.code, caught.value.exit_code) == (code, ExitCode.USAGE)


def test_a_plan_with_a_key_less_is_damaged_even_if_it_sums_up() -> None:
    document = json.loads(to_text(made()))
    del document["steps"], document["checksum"]
    document["checksum"] = content_digest(json.dumps(document, sort_keys=True).encode())
    with pytest.raises(NewserviceError) as caught:
        from_text(json.dumps(document), "a file")
    assert caught.value.code == "plan.damaged"


# --- the file ----------------------------------------------------------------------------------------------


def test_a_plan_is_kept_for_its_owner_alone_and_takes_an_older_ones_place(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    for saved in (made(), made(begun=True)):
        check_place(path, tmp_path / "service")
        write_plan(path, saved)
        assert read_plan(path) == saved
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [item.name for item in tmp_path.iterdir()] == ["plan.json"]


def test_nothing_else_is_ever_replaced(tmp_path: Path) -> None:
    mine = tmp_path / "thesis.txt"
    mine.write_text("years of work")
    (tmp_path / "link").symlink_to(mine)
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    (tmp_path / "folder").mkdir()
    for name in ("thesis.txt", "link", "dangling", "folder"):
        with pytest.raises(RefusedError) as caught:
            check_place(tmp_path / name, tmp_path / "service")
        assert caught.value.code == "plan.exists"
    assert mine.read_text() == "years of work"


@pytest.mark.parametrize("place", ["missing/plan.json", "service/plan.json"])
def test_a_place_that_can_not_hold_it_is_reported_first(tmp_path: Path, place: str) -> None:
    with pytest.raises(NewserviceError) as caught:
        check_place(tmp_path / place, tmp_path / "service")
    assert (caught.value.code, caught.value.exit_code) == ("plan.unwritable", ExitCode.USAGE)


# --- what moved --------------------------------------------------------------------------------------------


def test_the_digest_is_bound_to_what_a_plan_is_made_from() -> None:
    others = [
        replace(BASIS, newservice="0.2.0"),
        replace(BASIS, template="1.1.0"),
        replace(BASIS, template_digest="sha256:u"),
        replace(BASIS, profile_digest="sha256:q"),
        replace(BASIS, answers={**SMALLEST, "title": "Other"}),
    ]
    assert len({made(basis=basis).digest for basis in [BASIS, *others]}) == 6
    assert made(basis=replace(BASIS, profile_source="elsewhere")).digest == made().digest
    for basis in others:
        assert plan_moved(made(), made(basis=basis))


def test_the_template_and_the_profile_are_bound_by_all_they_hold() -> None:
    basis = basis_of(TEMPLATE, Platform.of(TEMPLATE.platform, "built-in"), answer(SMALLEST).public)
    assert basis.template == TEMPLATE.version
    assert basis.answers["name"] == "notes-app"
    assert basis.profile["connection.timeout_seconds"] == TEMPLATE.platform["connection"]["timeout_seconds"]
    assert basis == basis_of(TEMPLATE, Platform.of(TEMPLATE.platform, "built-in"), answer(SMALLEST).public)
    environ = {"VAULT_ADDR": "https://vault.test"}
    other = basis_of(TEMPLATE, Platform.of(TEMPLATE.platform, "built-in"), answer(SMALLEST).public, environ)
    assert basis_moved(basis, other) == ["the profile's VAULT_ADDR differs: https://vault.test, was not set"]


def test_what_a_plan_was_made_from_is_named() -> None:
    now = Basis("0.2.0", "1.1.0", "sha256:u", "mine.yml", "sha256:q", {"forgejo.url": "https://b.test"}, {"a": 1})
    completed = basis_moved(replace(BASIS, answers={"a": 2}), now)
    assert completed == [
        "newservice is 0.2.0, the plan was made with 0.1.0",
        "the template is v1.1.0, the plan was made with v1.0.0",
        "the profile is mine.yml, the plan was made with built-in (--platform)",
        "the profile's forgejo.url differs: https://b.test, was https://a.test",
        "the answer to a is 1, was 2",
    ]
    assert basis_moved(BASIS, replace(BASIS, template_digest="sha256:u")) == [
        "the template's files differ, though it is v1.0.0 as it was"
    ]
    many = replace(BASIS, profile_digest="sha256:q", profile={f"key{number}": number for number in range(30)})
    assert len(basis_moved(BASIS, many)) == 11
    assert basis_moved(BASIS, replace(BASIS, profile_digest="sha256:q")) == ["the profile differs"]
    assert basis_moved(BASIS, replace(BASIS, profile_source="a copy")) == []


STEP = "forgejo.repository"


@pytest.mark.parametrize("begun", [False, True])
def test_nothing_moved_is_nothing_reported(begun: bool) -> None:
    assert plan_moved(made({STEP: ABSENT}, begun=begun), made({STEP: ABSENT})) == []


@pytest.mark.parametrize(
    ("then", "now", "afresh", "continued"),
    [
        (ABSENT, PRESENT, False, True),
        (ABSENT, DRIFTED, False, True),
        (DRIFTED, PRESENT, False, True),
        (NOTHING_YET, PRESENT, False, True),
        (NOTHING_YET, DRIFTED, False, False),
        (DRIFTED, STUCK, False, False),
        (ABSENT, STUCK, False, False),
        (ABSENT, FOREIGN, False, False),
        (ABSENT, UNKNOWN, False, False),
        (DRIFTED, ABSENT, False, False),
        (PRESENT, ABSENT, False, False),
        (PRESENT, DRIFTED, False, False),
        (PRESENT, FOREIGN, False, False),
        (PRESENT, PRESENT, True, True),
    ],
)
def test_only_a_plan_that_was_begun_may_find_what_it_wanted(
    then: Seen, now: Seen, afresh: bool, continued: bool
) -> None:
    assert (plan_moved(made({STEP: then}), made({STEP: now})) == []) is afresh
    assert (plan_moved(made({STEP: then}, begun=True), made({STEP: now})) == []) is continued


def test_a_step_that_moved_is_named() -> None:
    completed = plan_moved(made({STEP: ABSENT, "b.step": PRESENT}), made({STEP: PRESENT, "c.step": PRESENT}))
    assert completed == [
        "forgejo.repository was absent, is present now: a thing",
        "b.step is no longer part of the plan",
        "c.step is part of the plan now, and was not before",
    ]
    assert plan_moved(made({STEP: DRIFTED}), made({STEP: STUCK})) == [
        "forgejo.repository was to be changed, is refused now: a thing"
    ]


@pytest.mark.parametrize("begun", [False, True])
def test_a_thing_that_was_to_be_left_alone_may_not_look_otherwise(begun: bool) -> None:
    then, now = made({STEP: PRESENT}, begun=begun), made({STEP: PRESENT}, summary="another")
    assert plan_moved(then, now) == ["forgejo.repository was 'a thing', is 'another' now"]


@pytest.mark.parametrize(
    ("then", "now", "afresh", "continued"),
    [
        (("create", None, b"a"), ("create", None, b"b"), "would come out differently", "would come out differently"),
        (("create", None, b"a"), ("conflict", b"b", b"a"), "exists and differs", "exists and differs"),
        (("create", None, b"a"), ("unchanged", b"a", b"a"), "exists now", ""),
        (("unchanged", b"a", b"a"), ("create", None, b"a"), "does not exist now", "does not exist now"),
        (("conflict", b"b", b"a"), ("conflict", b"c", b"a"), "was changed since", "was changed since"),
    ],
)
def test_a_file_that_moved_is_named(then: Any, now: Any, afresh: str, continued: str) -> None:
    (completed,) = plan_moved(made(files=(file(*then),)), made(files=(file(*now),)))
    assert completed.startswith("stacks/x/main.tf ")
    assert afresh in completed
    later = plan_moved(made(files=(file(*then),), begun=True), made(files=(file(*now),)))
    assert [continued in line for line in later] == ([True] if continued else [])


def test_woodpeckers_number_is_no_move_where_the_plan_itself_got_it() -> None:
    then, now = (file("create", None, b"0", "service"),), (file("unchanged", b"7", b"7", "service"),)
    before = {"stacks/x/main.tf": content_digest(b"0")}
    assert plan_moved(made(files=then, begun=True), made(files=now), before) == []
    assert plan_moved(made(files=then), made(files=now), before)
    assert plan_moved(made(files=then, begun=True), made(files=now), {"stacks/x/main.tf": content_digest(b"1")})


@pytest.mark.parametrize(
    ("then", "now", "afresh", "continued"),
    [
        (("add", "a", "ab"), ("present", "ab", "ab"), "exists now", ""),
        (("add", "a", "ab"), ("refuse", "a", "a"), "is refused now", "is refused now"),
        (("add", "a", "ab"), ("add", "c", "cb"), "docs/catalog.md was changed since", "was changed since"),
        (("add", "a", "ab"), ("add", "a", "ax"), "would come out differently", "would come out differently"),
        (("present", "ab", "ab"), ("present", "abc", "abc"), "was changed since", ""),
        (("present", "ab", "ab"), ("add", "a", "ab"), "does not exist now", "does not exist now"),
    ],
)
def test_a_registration_that_moved_is_named(then: Any, now: Any, afresh: str, continued: str) -> None:
    (completed,) = plan_moved(made(registrations=(entry(*then),)), made(registrations=(entry(*now),)))
    assert completed.startswith("registration catalog")
    assert afresh in completed
    later = plan_moved(made(registrations=(entry(*then),), begun=True), made(registrations=(entry(*now),)))
    assert [continued in line for line in later] == ([True] if continued else [])


def test_two_places_of_one_registration_are_two_things() -> None:
    both = (entry("add", "a", "ab"), entry("add", "ab", "abc"))
    assert plan_moved(made(registrations=both), made(registrations=both)) == []
    assert plan_moved(made(registrations=both), made(registrations=both[:1])) == [
        "registration catalog is no longer part of the plan"
    ]
