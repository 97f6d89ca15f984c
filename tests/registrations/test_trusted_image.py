"""Registries that the cluster admits: what the list has already decides whether a service adds to it."""

from __future__ import annotations

from typing import Any

import pytest

from generator.base.errors import RefusedError
from generator.engine.project import Project
from generator.infra_repo.entries import merge_entries
from generator.infra_repo.registrations import Registration, load, register, shares, unregister
from generator.infra_repo.trees import Files
from generator.platform.profile import load_platform
from tests.answers import SMALLEST, TEMPLATE, UPSTREAM, answer

from .conftest import DECLARATIONS, FILES, ROOT, render, service

PATH = "stacks/kyverno/modules/kyverno/security-policies.tf"
LISTED = (FILES / "trusted-image.tf").read_text(encoding="utf-8")


def trusted(*images: str, name: str = "notes") -> Registration:
    found = load(DECLARATIONS, render, service(name=name, pod_images=list(images)))
    return next(item for item in found if item.id == "trusted-image")


def images(**given: Any) -> list[str]:
    return list(answer(given).context["pod_images"])


@pytest.mark.parametrize(
    "image",
    [
        "docker.io/anyone/app:1",
        "ghcr.io/a/b@sha256:0",
        "library/alpine:3.22",
        "mendhak/echo:36",
        "zadam/a/b:1",
        "nginx:1",
    ],
)
def test_an_image_that_a_pattern_admits_adds_nothing(image: str) -> None:
    assert register(trusted(image), LISTED).action == "present"


@pytest.mark.parametrize(
    ("image", "pattern"),
    [
        ("public.ecr.aws/acme/app:1.2", "public.ecr.aws/acme/*"),
        ("registry.gitlab.com/group/sub/app@sha256:0", "registry.gitlab.com/group/sub/*"),
        ("r.example:5000/app:1", "r.example:5000/*"),
        ("acme/app:1.2", "acme/*"),
        ("mendhakk/app:1.2", "mendhakk/*"),
    ],
)
def test_any_other_adds_its_owner_with_the_reason(image: str, pattern: str) -> None:
    change = register(trusted(image), LISTED)
    assert change.action == "add"
    assert change.text.replace(LISTED.split('"zadam/*",\n')[0], "").startswith(
        f'"zadam/*",\n                  # notes: its pods run images from here\n                  "{pattern}",\n'
    )
    assert register(trusted(image), change.text).action == "present"
    assert unregister(trusted(image), change.text).text == LISTED


def test_two_images_of_one_owner_add_it_once() -> None:
    found = trusted("acme/app:1", "acme/tool:2", "docker.io/acme/app:1")
    text = register(found, LISTED).text
    assert text.count('"acme/*"') == 1
    assert unregister(found, text).text == LISTED


def test_what_others_listed_stays_when_a_service_goes() -> None:
    """Their pods need it: only what stands below the service's own comment is taken out."""
    assert unregister(trusted("mendhak/echo:36"), LISTED).action == "absent"
    assert unregister(trusted("zadam/notes:1"), LISTED).action == "absent"  # below someone else's comment
    text = register(trusted("acme/app:1"), LISTED).text
    assert unregister(trusted("acme/app:1", name="other"), text).action == "absent"


def test_a_pattern_that_a_second_service_needs_is_its_entry_too() -> None:
    one, other = trusted("acme/app:1"), trusted("acme/tool:2", "docker.io/acme/tool:2", name="other")
    assert shares(one, other)
    assert not shares(one, trusted("beta/tool:2", name="other"))
    tree = Files({PATH: register(one, LISTED).text.encode()})
    (kept,) = merge_entries([one], [], tree, claimed=lambda entry: other if shares(entry, other) else None)
    assert kept.action == "kept"
    (gone,) = merge_entries([one], [], tree)
    assert (gone.action, gone.after) == ("remove", LISTED)


def test_what_a_second_service_keeps_goes_with_the_second() -> None:
    """In whichever order two services of one owner go, the list is what it was before."""
    one, other = trusted("acme/app:1"), trusted("beta/x:1", "acme/tool:2", name="other")
    both = register(other, register(one, LISTED).text).text
    (kept,) = merge_entries([one], [], Files({PATH: both.encode()}), claimed=lambda _: other)
    assert (kept.action, "# notes:" in kept.after, '"acme/*"' in kept.after) == ("kept", False, True)
    (gone,) = merge_entries([other], [], Files({PATH: kept.after.encode()}))
    assert (gone.action, gone.after) == ("remove", LISTED)


def test_another_owner_leaves_the_first_where_a_second_service_needs_it() -> None:
    before, after = trusted("acme/app:1"), trusted("beta/app:1")
    tree = Files({PATH: register(before, LISTED).text.encode()})
    (moved,) = merge_entries([before], [after], tree)
    assert ('"acme/*"' in moved.after, '"beta/*"' in moved.after) == (False, True)
    (both,) = merge_entries([before], [after], tree, claimed=lambda entry: before if shares(entry, before) else None)
    assert ('"acme/*"' in both.after, '"beta/*"' in both.after) == (True, True)


def test_an_entry_that_another_image_does_not_need_goes() -> None:
    before, after = trusted("acme/app:1"), trusted("ghcr.io/acme/app:1")
    tree = Files({PATH: register(before, LISTED).text.encode()})
    (moved,) = merge_entries([before], [after], tree)
    assert (moved.action, moved.after) == ("update", LISTED)
    assert merge_entries([before], [after], tree, claimed=lambda entry: before if shares(entry, before) else None) == []
    assert merge_entries([before], [after], Files({PATH: LISTED.encode()})) == []


def test_it_is_listed_only_where_the_service_needs_an_entry_of_its_own() -> None:
    added = register(trusted("acme/app:1"), LISTED).text
    for text, images, actions in (
        (LISTED, ["ghcr.io/acme/app:1"], []),
        (LISTED, ["acme/app:1"], ["add"]),
        (added, ["acme/app:1"], ["present"]),
        (added, ["ghcr.io/acme/app:1"], []),
    ):
        found = merge_entries([], [trusted(*images)], Files({PATH: text.encode()}))
        assert [item.action for item in found] == actions, images


def test_a_repository_without_the_list_needs_no_entry() -> None:
    assert merge_entries([], [trusted("acme/app:1")], Files({"stacks/other.tf": b""})) == []


def test_a_list_that_is_not_found_is_refused_with_the_snippet() -> None:
    with pytest.raises(RefusedError) as caught:
        register(trusted("acme/app:1"), LISTED.replace("join(", "format("))
    assert caught.value.code == "registration.place_not_found"
    assert '"acme/*",' in caught.value.hint
    assert "registrations.skip: [trusted-image]" in caught.value.hint


@pytest.mark.parametrize(("image", "applied"), [("acme/app:1.2", True), ("ghcr.io/acme/app:1.2", False)])
def test_the_stack_with_the_list_is_applied_where_it_changes(image: str, applied: bool) -> None:
    platform = load_platform(TEMPLATE.platform, environ={"HOME": "/nonexistent"})
    project = Project(TEMPLATE, platform, answer({**UPSTREAM, "image": image}), ROOT)
    project.infra_state(Files({PATH: LISTED.encode()}), list)
    assert ("kyverno" in project.checklist.pipeline) is applied


def test_keel_leaves_out_the_name_of_docker_hub_where_it_moves_an_image() -> None:
    moved: dict[str, Any] = {**UPSTREAM, "image": "acme/reader:1.4.2"}
    assert images(**moved) == ["docker.io/acme/reader:1.4.2", "acme/reader:1.4.2"]
    assert images(**moved, updates="pinned") == ["docker.io/acme/reader:1.4.2"]
    assert images(**moved, kind="cronjob") == ["docker.io/acme/reader:1.4.2"]
    assert images(**UPSTREAM) == ["ghcr.io/example/reader:1.4.2"]
    assert images(**SMALLEST) == ["ghcr.io/viktorbarzin/notes-app:latest"]


def test_the_image_that_makes_backups_is_looked_for_too() -> None:
    volumes = [{"name": "data", "mount": "/data"}]
    assert images(**SMALLEST, volumes=volumes)[1:] == ["docker.io/library/alpine:3.22"]


def test_the_sandbox_admits_what_it_is_used_with() -> None:
    listed = (ROOT / "generator" / "sandbox" / "infra" / PATH).read_text(encoding="utf-8")
    platform = load_platform(TEMPLATE.platform, environ={"HOME": "/nonexistent"})
    for given in (SMALLEST, UPSTREAM):
        found = Project(TEMPLATE, platform, answer(given), ROOT).registrations
        (entry,) = [item for item in found if item.id == "trusted-image"]
        assert register(entry, listed).action == "present"
