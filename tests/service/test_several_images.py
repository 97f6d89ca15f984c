"""Repositories that are not laid out as ours: where images are built, several of them, what is deployed, own steps."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from generator.template.template import Template
from tests.factors import FURTHER, STEPS

from .conftest import answers_for, rendered
from .test_ci import CONTRACT, PIPELINE, WORKFLOW, steps
from .test_rollout import IMAGE, run, substituted
from .trees import Tree, load_yaml, texts_of

OWN: dict[str, Any] = {
    "name": "guide",
    "title": "Guide",
    "description": "Guides",
    "namespace": "guides",
    "language": "none",
}
IMAGES = [
    {"name": "guide-worker", "context": "services/worker", "deploy": {"guide": ["worker"], "queue": ["queue"]}},
    {"name": "guide-jobs", "dockerfile": "docker/Dockerfile.jobs"},
]
REPOSITORIES: dict[str, dict[str, Any]] = {
    "folder": {**OWN, "context": "services/web app"},
    "github-like": {**OWN, "context": "github.com/someone/x", "dockerfile": "docker/@Dockerfile+x"},
    "several": {
        **OWN,
        "context": "web",
        "deploy": {"guide": ["web"]},
        "images": IMAGES,
        "checkout": ["lfs", "submodules"],
    },
    "several-tested": {
        **OWN,
        "images": FURTHER,
        "ci_test": "custom",
        "ci_steps": STEPS,
        "checkout": ["submodules"],
    },
    "several-pinned": {**OWN, "images": IMAGES, "updates": "pinned", "ci_test": "custom"},
    "existing": {**OWN, "stack": "existing", "deploy": {"guide-web": ["app", "migrate"], "other": ["app"]}},
    "cronjob": {**OWN, "kind": "cronjob", "images": IMAGES},
}


@pytest.fixture(scope="module")
def all_of_them(template: Template, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Tree]:
    folder = tmp_path_factory.mktemp("repositories")
    return {name: rendered(template, given, folder / name) for name, given in REPOSITORIES.items()}


@pytest.fixture(params=REPOSITORIES)
def tree(request: pytest.FixtureRequest, all_of_them: dict[str, Tree]) -> Tree:
    return all_of_them[request.param]


def step_named(tree: Tree, job: str, name: str) -> dict[str, Any]:
    return next(step for found, step in steps(tree.workflow) if found == job and step.get("name") == name)


def test_actionlint_and_zizmor_find_nothing(all_of_them: dict[str, Tree]) -> None:
    workflows = [str(tree.root / WORKFLOW) for tree in all_of_them.values()]
    first = next(iter(all_of_them.values()))
    first.run("actionlint", *workflows)
    first.run("zizmor", "--offline", "--persona", "pedantic", "--no-progress", *workflows)
    first.run("check-jsonschema", "--builtin-schema", "vendor.github-workflows", *workflows)
    pipelines = [str(tree.root / PIPELINE) for tree in all_of_them.values() if (tree.root / PIPELINE).exists()]
    assert len(pipelines) == len(workflows) - 2
    first.run("check-jsonschema", "--builtin-schema", "vendor.woodpecker-ci", *pipelines)
    if CONTRACT.is_file():
        first.run("check-jsonschema", "--schemafile", str(CONTRACT), *pipelines)


def test_only_ci_is_in_a_repository_of_ones_own(tree: Tree) -> None:
    assert set(tree.texts) <= {WORKFLOW, PIPELINE, ".copier-answers.yml", ".forgejo/renovate.json", "scripts/test"}


def test_an_image_is_built_in_its_folder(all_of_them: dict[str, Tree]) -> None:
    """A folder is one also where its name begins as an address of GitHub does."""
    built = {
        name: step_named(all_of_them[name], "build", "Build and push")["with"] for name in ("folder", "github-like")
    }
    assert built["folder"]["context"] == "./services/web app"
    assert "file" not in built["folder"]
    assert built["github-like"]["context"] == "./github.com/someone/x"
    assert built["github-like"]["file"] == "docker/@Dockerfile+x"


def test_the_dockerfile_is_looked_for_where_it_is(all_of_them: dict[str, Tree], tmp_path: Path) -> None:
    step = step_named(all_of_them["folder"], "build", "Look for the Dockerfile")
    assert step["env"] == {"DOCKERFILE": "services/web app/Dockerfile"}
    done = subprocess.run(
        ["bash", "-e", "-c", step["run"]], cwd=tmp_path, env=step["env"], capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (
        1,
        "::error::This repository has no services/web app/Dockerfile, and the image is built from it.\n",
    )
    (tmp_path / "services/web app").mkdir(parents=True)
    (tmp_path / "services/web app/Dockerfile").touch()
    subprocess.run(["bash", "-e", "-c", step["run"]], cwd=tmp_path, env=step["env"], check=True)


def test_every_image_is_built_by_a_job_of_its_own_with_one_tag(all_of_them: dict[str, Tree]) -> None:
    jobs = all_of_them["several"].workflow["jobs"]
    assert {job: details.get("needs") for job, details in jobs.items()} == {
        "tag": None,
        "build": "tag",
        "deploy": ["tag", "build"],
        "notify-failure": ["tag", "build", "deploy"],
    }
    assert jobs["build"]["strategy"] == {
        "matrix": {
            "include": [
                {"image": "guide", "context": "./web", "dockerfile": "web/Dockerfile"},
                {"image": "guide-worker", "context": "./services/worker", "dockerfile": "services/worker/Dockerfile"},
                {"image": "guide-jobs", "context": ".", "dockerfile": "docker/Dockerfile.jobs"},
            ]
        }
    }
    with_ = step_named(all_of_them["several"], "build", "Build and push")["with"]
    image = "ghcr.io/viktorbarzin/${{ matrix.image }}:"
    assert with_["tags"].splitlines() == [image + "${{ needs.tag.outputs.image_tag }}", image + "latest"]
    assert (with_["context"], with_["file"]) == ("${{ matrix.context }}", "${{ matrix.dockerfile }}")
    assert with_["cache-from"] == "type=gha,scope=${{ matrix.image }}"
    kept = step_named(all_of_them["several"], "build", "Keep the newest 10 versions")["with"]
    assert kept["package-name"] == "${{ matrix.image }}"
    start = step_named(all_of_them["several"], "deploy", "Start the deploy pipeline")["env"]
    assert start["IMAGE_TAG"] == "${{ needs.tag.outputs.image_tag }}"


def test_only_the_jobs_that_push_may_write_packages(tree: Tree) -> None:
    may = {job for job, details in tree.workflow["jobs"].items() if "packages" in details["permissions"]}
    assert may == {"build"}


def test_files_of_lfs_and_submodules_are_fetched_where_they_are_built_and_tested(all_of_them: dict[str, Tree]) -> None:
    def fetched(name: str) -> dict[str, set[str]]:
        return {
            job: {"lfs", "submodules"} & set(step["with"])
            for job, step in steps(all_of_them[name].workflow)
            if step.get("uses", "").startswith("actions/checkout@")
        }

    assert fetched("several") == {"tag": set(), "build": {"lfs", "submodules"}}
    assert fetched("several-tested") == {"lint-and-test": {"submodules"}, "tag": set(), "build": {"submodules"}}
    assert fetched("folder") == {"build": set()}


def test_steps_of_ones_own_come_out_as_they_were_given(all_of_them: dict[str, Tree]) -> None:
    """Whatever their texts hold; as YAML that GitHub reads, in which every word is a text."""
    tree = all_of_them["several-tested"]
    _, *own = yaml.safe_load(tree.read(WORKFLOW))["jobs"]["lint-and-test"]["steps"]
    assert own == STEPS
    assert "scripts/test" not in tree.texts
    assert "scripts/test" in all_of_them["several-pinned"].texts


@pytest.mark.parametrize(
    "text",
    [
        *("a\nb", "a\nb\n", "a\n\n", "a\n\nb\n\n\n", "\na", " a\nb", "\ta\nb\n", "a\n\tb \n", "a: b\n- c\n", "# a\nb"),
        *("a\n...\n---\nb", "null", "~", "yes", "1e3", "", " ", "'", '"', "${{ github.token }}\nb", "é\n😀", "a\\\nb"),
        *("a \n b", "%a\nb", "|\n>", "a\n \n", "a\n😀 é"),
    ],
)
def test_text_of_a_step_reads_back(template: Template, text: str) -> None:
    given = [{"run": text or "x", "env": {"A": text}}, {"uses": "./a", "with": {"b": text}}]
    answers = answers_for(template, {**OWN, "ci_test": "custom", "ci_steps": given})
    workflow = yaml.safe_load(dict(texts_of(template, answers.context))[WORKFLOW])
    assert workflow["jobs"]["lint-and-test"]["steps"][1:] == given


def deployed(tree: Tree, folder: Path, **kwargs: Any) -> tuple[int, list[str]]:
    pipeline = load_yaml(substituted(tree.read(PIPELINE), {}))
    status, calls, _ = run([str(command) for command in pipeline["steps"][0]["commands"]], folder, IMAGE, **kwargs)
    return status, calls


def test_all_images_are_deployed_with_the_tag_of_one_commit(all_of_them: dict[str, Tree], tmp_path: Path) -> None:
    """A Deployment gets its images at once, and all are set before any rollout is waited for."""
    status, calls = deployed(all_of_them["several"], tmp_path)
    assert status == 0
    worker = "ghcr.io/viktorbarzin/guide-worker:01234567"
    assert calls == [
        "-n guides get deployment/guide --ignore-not-found --output name",
        "-n guides get deployment/queue --ignore-not-found --output name",
        f"-n guides set image deployment/guide web=ghcr.io/viktorbarzin/null:01234567 worker={worker}",
        f"-n guides set image deployment/queue queue={worker}",
        "-n guides rollout status deployment/guide --timeout=300s",
        "-n guides rollout status deployment/queue --timeout=300s",
    ]


def test_nothing_is_set_while_one_of_them_is_missing(all_of_them: dict[str, Tree], tmp_path: Path) -> None:
    status, calls = deployed(all_of_them["several"], tmp_path, applied_at=1000)
    assert status == 1
    assert not [call for call in calls if " set " in call]


def test_a_stack_that_stays_is_not_waited_for(all_of_them: dict[str, Tree], tmp_path: Path) -> None:
    status, calls = deployed(all_of_them["existing"], tmp_path)
    image = "ghcr.io/viktorbarzin/null:01234567"
    assert status == 0
    assert calls == [
        f"-n guides set image deployment/guide-web app={image} migrate={image}",
        f"-n guides set image deployment/other app={image}",
        "-n guides rollout status deployment/guide-web --timeout=300s",
        "-n guides rollout status deployment/other --timeout=300s",
    ]


def test_without_a_deploy_there_is_no_pipeline(all_of_them: dict[str, Tree]) -> None:
    for name in ("several-pinned", "cronjob"):
        assert PIPELINE not in all_of_them[name].texts
        assert "deploy" not in all_of_them[name].workflow["jobs"]
        assert "Woodpecker" not in all_of_them[name].read(WORKFLOW)


def test_a_repository_with_a_history_gets_only_what_it_was_asked_for(template: Template) -> None:
    answers = answers_for(template, {**OWN, "stack": "existing"}, {"adopted": True})
    assert set(dict(texts_of(template, answers.context))) == {WORKFLOW, PIPELINE}
    assert answers.values["adopted"] is True
    kept = answers_for(template, {**OWN, "stack": "existing"}, {"adopted": True, "kept": [WORKFLOW]})
    assert set(dict(texts_of(template, kept.context))) == {PIPELINE}
    assert kept.values["kept"] == [WORKFLOW]


def test_what_runs_is_not_known_where_the_stack_stays(template: Template) -> None:
    answers = answers_for(
        template, {**OWN, "stack": "existing", "auth": "none", "auth_reason": "r", "secrets": {"A": "a"}}
    )
    assert (answers.site, answers.gates, answers.doors, answers.watchers, answers.vault_properties) == (
        "",
        (),
        (),
        (),
        (),
    )
    assert answers.systems == ("forgejo", "github", "woodpecker")
    assert not answers.stacked
    assert any("pull secret" in note for note in answers.notes)
    public = answers_for(template, {**OWN, "stack": "existing", "image_visibility": "public"})
    assert not any("pull secret" in note for note in public.notes)


def test_what_has_no_effect_and_what_can_be_moved_is_noted(template: Template) -> None:
    given = {**OWN, "images": IMAGES, "updates": "keel", "ci_test": "custom", "ci_steps": [{"uses": "actions/x@v4"}]}
    notes = answers_for(template, given).notes
    assert any(note.startswith("images: deploy is used by the pipeline alone") for note in notes)
    assert any(note.startswith("ci_steps: actions/x@v4 can be moved") for note in notes)
    assert not any(
        "can be moved" in note for note in answers_for(template, {**OWN, "ci_test": "custom", "ci_steps": STEPS}).notes
    )


def test_what_the_generated_stack_lacks_is_noted(template: Template) -> None:
    given = {
        **OWN,
        "deploy": {"guide": ["guide"], "queue": ["a", "b"]},
        "images": [{"name": "w", "deploy": {"guide": ["w"]}}],
    }
    notes = [note for note in answers_for(template, given).notes if note.startswith("deploy:")]
    assert [note.partition(";")[0] for note in notes] == [
        "deploy: the generated stack has no w in the Deployment guide",
        "deploy: the generated stack has no a, b in the Deployment queue",
    ]
    assert answers_for(template, {**given, "stack": "existing", "image_visibility": "public"}).notes == ()
    for plain in (OWN, {**OWN, "migrate_command": ["m"], "deploy": {"guide": ["guide", "migrate"]}}):
        assert not any(note.startswith("deploy:") for note in answers_for(template, plain).notes)
