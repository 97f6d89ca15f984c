"""The workflow and the pipeline as documents; what their scripts do is tested by running them."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from generator.template.template import PACKAGE

from .trees import VARIANTS, Tree

WORKFLOW = ".github/workflows/build.yml"
PIPELINE = ".woodpecker/deploy.yml"
CONTRACT = PACKAGE.parent.parent / "shared" / "contracts" / "woodpecker-pipeline.schema.json"


def steps(workflow: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for job, details in workflow["jobs"].items():
        for step in details["steps"]:
            yield job, step


def test_actionlint(tree: Tree) -> None:
    tree.run("actionlint", WORKFLOW)


def test_zizmor_finds_nothing(tree: Tree) -> None:
    tree.run("zizmor", "--offline", "--persona", "pedantic", "--no-progress", WORKFLOW)


@pytest.mark.parametrize(("schema", "path"), [("github-workflows", WORKFLOW), ("woodpecker-ci", PIPELINE)])
def test_schemas(trees: dict[str, Tree], schema: str, path: str) -> None:
    """All variants by one process, whose start takes longer than the work."""
    found = [str(trees[name].root / path) for name in VARIANTS]
    trees["none-public"].run("check-jsonschema", "--builtin-schema", f"vendor.{schema}", *found)


def test_woodpeckers_own_schema(tree: Tree) -> None:
    if not CONTRACT.is_file():
        pytest.skip("the contracts are not beside this checkout")
    tree.run("check-jsonschema", "--schemafile", str(CONTRACT), PIPELINE)


def test_runs_on_pushes_to_the_branch_and_by_hand_only(richest: Tree) -> None:
    assert richest.workflow["on"] == {"push": {"branches": ["master"]}, "workflow_dispatch": None}
    assert richest.workflow["concurrency"] == {"group": "build-${{ github.ref }}", "cancel-in-progress": "false"}


def test_jobs_follow_one_another(richest: Tree) -> None:
    jobs = richest.workflow["jobs"]
    assert {job: details.get("needs") for job, details in jobs.items()} == {
        "lint-and-test": None,
        "build": "lint-and-test",
        "deploy": "build",
        "notify-failure": ["lint-and-test", "build", "deploy"],
    }
    assert jobs["notify-failure"]["if"] == "failure()"
    assert all(details["timeout-minutes"] <= 30 for details in jobs.values())


def test_least_privilege(richest: Tree) -> None:
    workflow = richest.workflow
    assert workflow["permissions"] == {}
    assert {job: details["permissions"] for job, details in workflow["jobs"].items()} == {
        "lint-and-test": {"contents": "read"},
        "build": {"contents": "read", "packages": "write"},
        "deploy": {},
        "notify-failure": {},
    }
    checkouts = [step for _, step in steps(workflow) if step.get("uses", "").startswith("actions/checkout@")]
    assert len(checkouts) == 2
    assert all(step["with"]["persist-credentials"] == "false" for step in checkouts)


def test_actions_are_pinned_to_commits_that_are_named(richest: Tree) -> None:
    used = re.findall(r"uses: (.*)", richest.read(WORKFLOW))
    assert len(used) == 7
    for action in used:
        assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action), action


def test_no_expression_stands_in_a_script(tree: Tree) -> None:
    scripts = [step["run"] for _, step in steps(tree.workflow) if "run" in step]
    assert len(scripts) == 9
    for script in scripts:
        assert "${{" not in script
        subprocess.run(["bash", "-n"], input=script, text=True, check=True)


def test_secrets_stand_in_the_environment_of_the_steps_that_need_them(tree: Tree) -> None:
    found = {}
    for job, step in steps(tree.workflow):
        for name, value in step.get("env", {}).items():
            if "secrets." in str(value):
                found[f"{job}: {step['name']}"] = (name, value)
    assert found == {
        "build: Tag the version": ("FORGEJO_GIT_TOKEN", "${{ secrets.FORGEJO_GIT_TOKEN }}"),
        "deploy: Start the deploy pipeline": ("WOODPECKER_TOKEN", "${{ secrets.WOODPECKER_TOKEN }}"),
        "notify-failure: Tell Slack": ("SLACK_WEBHOOK", "${{ secrets.SLACK_WEBHOOK }}"),
    }
    assert tree.read(WORKFLOW).count("secrets.") == len(found) + 1  # and the registry's login


def test_image_is_one_manifest_under_two_tags(richest: Tree) -> None:
    with_ = next(step["with"] for _, step in steps(richest.workflow) if step.get("name") == "Build and push")
    assert with_["platforms"] == "linux/amd64"
    assert (with_["provenance"], with_["sbom"]) == ("false", "false")
    image = "${{ env.IMAGE_NAME }}:"
    assert with_["tags"].split("\n") == [image + "${{ steps.image.outputs.tag }}", image + "latest", ""]
    assert richest.workflow["env"] == {"IMAGE_NAME": "ghcr.io/viktorbarzin/null"}


def test_only_the_deployed_branch_tags_pushes_and_deploys(tree: Tree) -> None:
    """A run by hand may be of any branch or tag; what act makes of this is in ``tests/chain``."""
    jobs, here = tree.workflow["jobs"], "github.ref == 'refs/heads/master'"
    assert jobs["deploy"]["if"] == here
    build = {step.get("name"): step for step in jobs["build"]["steps"]}
    for name in ("Install svu", "Compute the next version", "Keep the newest 10 versions"):
        assert build[name]["if"] == here
    assert build["Tag the version"]["if"] == "steps.version.outputs.next != ''"
    assert build["Build and push"]["with"]["push"] == f"${{{{ {here} }}}}"


def test_the_branch_is_the_platforms(other_platform: Tree) -> None:
    assert other_platform.workflow["jobs"]["deploy"]["if"] == "github.ref == 'refs/heads/trunk'"


def test_the_image_knows_its_version(richest: Tree) -> None:
    with_ = next(step["with"] for _, step in steps(richest.workflow) if step.get("name") == "Build and push")
    assert with_["build-args"] == "VERSION=${{ steps.image.outputs.version }}"


def test_layers_are_cached_where_the_platform_wants_it(richest: Tree, other_platform: Tree) -> None:
    with_ = next(step["with"] for _, step in steps(richest.workflow) if step.get("name") == "Build and push")
    assert with_["cache-from"] == "type=gha"
    assert with_["cache-to"].startswith("${{ github.ref == 'refs/heads/master' && 'type=gha,mode=max,")
    assert "type=gha" not in other_platform.read(WORKFLOW)


def test_only_the_newest_versions_are_kept(richest: Tree) -> None:
    retention = next(step for _, step in steps(richest.workflow) if "delete-package-versions" in step.get("uses", ""))
    assert retention["with"] == {"package-name": "null", "package-type": "container", "min-versions-to-keep": 10}
    assert retention["continue-on-error"] == "true"


def test_version_tag_never_stops_a_build(richest: Tree) -> None:
    build = richest.workflow["jobs"]["build"]["steps"]
    assert build[0]["with"]["fetch-depth"] == 0
    names = ["Install svu", "Compute the next version", "Tag the version"]
    tagging = [step for step in build if step.get("name") in names]
    assert [step["name"] for step in tagging] == names
    assert all(step["continue-on-error"] == "true" for step in tagging)


def test_woodpecker_deploys_by_hand_only(tree: Tree) -> None:
    pipeline = tree.pipeline
    assert pipeline["when"] == [{"event": "manual"}]
    assert [step["image"] for step in pipeline["steps"]] == ["bitnami/kubectl:latest"]


def test_commands_with_a_colon_between_variables_are_quoted(tree: Tree) -> None:
    lines = [line for line in tree.read(PIPELINE).splitlines() if "{IMAGE_NAME}:" in line]
    assert len(lines) == 1
    assert re.fullmatch(r"\s*- '.*'", lines[0])


def test_folder_of_workflows_holds_one(tree: Tree) -> None:
    assert [path.name for path in Path(tree.root, ".github/workflows").iterdir()] == ["build.yml"]
