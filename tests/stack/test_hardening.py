"""What containers may not do reaches every container of every workload, as the answers say and its role allows."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from generator.template.answers import Answers, resolve
from generator.template.questions import load_questions
from generator.template.release_check import plain_template
from generator.template.renderer import Renderer
from generator.template.template import Template
from tests.answers import LANGUAGES
from tests.full import few
from tests.pairwise import SEEDS
from tests.test_golden import CASES, project
from tests.test_pairwise import services

from . import hcl
from .hcl import Block
from .rendering import SERVICE, UPSTREAM, VOLUME, answers, files, stack

ALL = {"read_only_root": True, "non_root": True, "drop_capabilities": True, "seccomp": True}
EVERY_WORKLOAD: dict[str, Any] = {
    "database": "postgres",
    "migrate_command": ["migrate"],
    "volumes": [VOLUME],
    "cronjobs": [{"name": "tidy", "schedule": "@daily", "command": ["tidy"], "migrate": True}],
}
"""A Deployment with its migration, a job with its own, and a backup."""

WRITTEN = re.compile(r"^ *(?:init_)?container \{$", re.MULTILINE)

Context = tuple[dict[str, Any], dict[str, dict[str, Any]]]
"""Attributes of a security context, and those of the blocks in it."""


def containers(texts: Mapping[str, str]) -> Iterator[tuple[str, Block]]:
    """Every container of a stack, with the address of its workload."""
    for name, text in texts.items():
        if not name.endswith(".tf"):
            continue
        found = [
            (".".join(resource.labels), block)
            for resource in hcl.parse(text).blocks
            for block in resource.walk()
            if block.type in ("container", "init_container")
        ]
        assert len(found) == len(WRITTEN.findall(text))
        yield from found


def demanded(answered: Answers, workload: str) -> list[Context]:
    """The security context that a container of a workload must have: one, or none. Repeats the rule on purpose."""
    on = {key for key, value in answered.context["hardening"].items() if value}
    backup = workload == "kubernetes_cron_job_v1.backup"
    attributes: dict[str, Any] = {}
    blocks: dict[str, dict[str, Any]] = {}
    if "read_only_root" in on:
        attributes["read_only_root_filesystem"] = True
    if "non_root" in on and not backup:
        attributes["run_as_non_root"] = True
    if "drop_capabilities" in on:
        attributes["allow_privilege_escalation"] = False
        if not backup:
            blocks["capabilities"] = {"drop": ["ALL"]}
    if "seccomp" in on:
        blocks["seccomp_profile"] = {"type": "RuntimeDefault"}
    return [(attributes, blocks)] if attributes or blocks else []


def wrong(answered: Answers, texts: Mapping[str, str]) -> list[str]:
    """Containers whose security context is not the one that the answers demand."""
    found = []
    for workload, container in containers(texts):
        has = [
            (context.attributes, {block.type: block.attributes for block in context.blocks})
            for context in container.all("security_context")
        ]
        if has != demanded(answered, workload):
            found.append(f"{workload}: {container['name']} has {has}, not {demanded(answered, workload)}")
    return found


def test_every_container_of_every_golden_stack_has_what_its_answers_demand() -> None:
    seen = set()
    for case in CASES:
        answered = project(case).answers
        assert wrong(answered, files(answered.context)) == [], case
        seen.add(bool(answered.context["hardening"]))
    assert seen == {True, False}


PARTS = 3


@pytest.mark.parametrize("seed", SEEDS[:1])
@pytest.mark.parametrize("part", few(1, range(PARTS)))
def test_every_container_of_every_combination_has_what_its_answers_demand(seed: int, part: int) -> None:
    count = 0
    for service in services(seed)[part::PARTS]:
        assert wrong(service.answers, service.stack) == [], service
        count += len(list(containers(service.stack))) if service.answers.context["hardening"] else 0
    assert count > 100 // PARTS


CONTEXT = re.compile(r"\n\n( +)security_context \{\n(?:\1 .*\n|\n)*\1\}(?=\n)")


def mutations(texts: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """The stack with the security context of one container left out, for each of them."""
    for name, text in texts.items():
        for found in CONTEXT.finditer(text):
            if re.search("read_only_root|run_as_non_root|allow_privilege|seccomp", found[0]):
                yield {**texts, name: text[: found.start()] + text[found.end() :]}


def test_a_container_that_is_left_out_is_found() -> None:
    answered = answers(**EVERY_WORKLOAD)
    texts = files(answered.context)
    assert wrong(answered, texts) == []
    found = [wrong(answered, mutation) for mutation in mutations(texts)]
    assert all(len(missed) == 1 for missed in found)
    assert sorted(missed[0].partition(" has ")[0] for missed in found) == [
        "kubernetes_cron_job_v1.backup: backup",
        "kubernetes_cron_job_v1.tidy: migrate",
        "kubernetes_cron_job_v1.tidy: tidy",
        "kubernetes_deployment.city_guide: city-guide",
        "kubernetes_deployment.city_guide: migrate",
    ]


def test_a_template_that_leaves_a_container_out_is_found(tmp_path: Path) -> None:
    root = plain_template(Template.installed(), tmp_path / "template")
    macros = root / "templates" / "macros" / "workload.jinja"
    text = macros.read_text(encoding="utf-8")
    condition = "[% if may_not.values() | select | list %]"
    assert text.count(condition) == 1
    macros.write_text(text.replace(condition, condition.replace(" %]", " and name != 'migrate' %]")), encoding="utf-8")
    template = Template(root)
    answered = resolve(template, load_questions(template), {**SERVICE, **EVERY_WORKLOAD}, {"layer": "stack"})
    texts = {file.path: file.content.decode() for file in Renderer(template).render(answered)}
    assert len(wrong(answered, texts)) == 2


# --- defaults ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ({}, ALL),
        ({"language": "go"}, ALL),
        ({"language": "svelte"}, ALL),
        ({"language": "static"}, ALL),
        ({"language": "none"}, {}),
        (UPSTREAM, {}),
        ({"run_as": {"uid": 0}}, {**ALL, "non_root": False}),
        ({"names": {"deployment": "guide"}}, {}),  # a stack that was made by hand
    ],
)
def test_a_new_service_has_what_its_own_image_allows(given: dict[str, Any], wanted: dict[str, bool]) -> None:
    assert answers(**given).context["hardening"] == wanted


@pytest.mark.parametrize("language", [name for name, facts in LANGUAGES.items() if facts["hardening"].get("non_root")])
def test_an_image_that_is_hardened_names_its_user_by_number(language: str) -> None:
    """Kubernetes can't tell that a name is not root's, and would not start the container."""
    template = Template.installed()
    context = {**answers(language=language).context, "layer": "service"}
    (source,) = [source for path, source in Renderer(template).sources(context) if path == "Dockerfile"]
    text = Renderer(template).content(source, context).decode()
    assert re.findall(r"^USER (.*)$", text, re.MULTILINE) == ["10001:10001"]


# --- /tmp --------------------------------------------------------------------------------------------------


def places(**given: Any) -> list[tuple[str, str]]:
    """Where the app's container can write, by the volume."""
    (app,) = [block for _, block in containers({"deployment.tf": stack(**given)["deployment.tf"]})]
    return [(mount["name"], mount["mount_path"]) for mount in app.all("volume_mount")]


def test_tmp_can_be_written_where_nothing_else_can() -> None:
    assert places() == [("tmp", "/tmp")]
    assert places(hardening={**ALL, "read_only_root": False}) == []
    own = [{"name": "scratch", "mount": "/tmp", "kind": "emptydir", "size": "1Gi"}]
    assert places(volumes=own) == [("scratch", "/tmp")]
    elsewhere = [{"name": "tmp", "mount": "/var/tmp", "kind": "emptydir"}]
    assert places(volumes=elsewhere) == [("tmp", "/var/tmp"), ("tmp-of-root", "/tmp")]


def test_jobs_and_migrations_have_it_too() -> None:
    texts = stack(**EVERY_WORKLOAD)
    found = {
        (workload, container["name"]): [mount["mount_path"] for mount in container.all("volume_mount")]
        for workload, container in containers(texts)
    }
    assert all("/tmp" in mounts for (workload, _), mounts in found.items() if not workload.endswith(".backup"))
    assert found["kubernetes_cron_job_v1.backup", "backup"] == ["/source/data", "/backup"]


# --- what does not go together, and what a person should know ----------------------------------------------


@pytest.mark.parametrize(
    ("given", "note"),
    [
        ({**UPSTREAM, "hardening": {"read_only_root": True}}, "read_only_root: the image can write"),
        ({"language": "none", "hardening": {"non_root": True}}, "non_root: the image must name its user by number"),
        ({**UPSTREAM, "port": 80, "hardening": {"drop_capabilities": True}}, "drop_capabilities: the image may lack"),
    ],
)
def test_what_a_third_party_image_has_to_allow_is_noted(given: dict[str, Any], note: str) -> None:
    assert [line for line in answers(**given).notes if line.startswith(note)]
    assert not [line for line in answers().notes if note in line]


def test_a_number_for_the_user_settles_the_note() -> None:
    notes = answers(language="none", hardening={"non_root": True}, run_as={"uid": 1000}).notes
    assert not [note for note in notes if note.startswith("non_root")]
