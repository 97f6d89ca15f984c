"""CI for every language, kind, way of testing and way of updating: all pairs of them that are allowed."""

from __future__ import annotations

import itertools
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml
from copier import run_copy

from generator.template.files import File
from generator.template.template import Template
from tests.answers import LANGUAGES
from tests.checkout import published_template
from tests.full import full

from .conftest import answers_for, rendered
from .steps import RECORDED, Runner, step_of
from .test_ci import CONTRACT, PIPELINE, WORKFLOW, steps
from .trees import REPOSITORY_ID, VARIANTS, Tree, texts_of

COMMON = VARIANTS["none-private"]
CI = (".forgejo/", ".github/", ".woodpecker/", "README.md", "scripts/")
OF_TESTS = [facts["test"] for facts in LANGUAGES.values()]
TESTS = {language: facts["test"]["name"] for language, facts in LANGUAGES.items()}
OWN_TESTS = {language: tests for language, tests in TESTS.items() if tests not in ("custom", "none")}
UNBUILT = "unbuilt"  # no CI at all


class Choice(NamedTuple):
    """Answers that CI follows."""

    language: str
    kind: str
    tests: str
    updates: str

    @property
    def answers(self) -> dict[str, Any]:
        ci = {"ci": False} if self.tests == UNBUILT else {"ci_test": self.tests}
        return {**COMMON, "language": self.language, "kind": self.kind, "updates": self.updates, **ci}

    @property
    def built(self) -> bool:
        return self.tests != UNBUILT

    @property
    def deployed(self) -> bool:
        return self.built and self.updates == "ci" and self.kind != "cronjob"


ALL = [
    choice
    for choice in itertools.starmap(
        Choice,
        itertools.product(
            LANGUAGES,
            ("web", "worker", "cronjob"),
            (*dict.fromkeys(TESTS.values()), UNBUILT),
            ("ci", "keel", "pinned"),
        ),
    )
    if choice.kind in LANGUAGES[choice.language]["kinds"]
    and not (choice.tests == UNBUILT and choice.updates == "ci")
    and choice.tests in (OWN_TESTS.get(choice.language, choice.tests), "custom", "none", UNBUILT)
]


def pairs(choice: Choice) -> set[tuple[tuple[int, str], ...]]:
    return set(itertools.combinations(enumerate(choice), 2))


def covering() -> Iterator[Choice]:
    """Few choices in which each allowed pair occurs: always the one with most pairs that are new."""
    missing = set().union(*map(pairs, ALL))
    while missing:
        best = max(ALL, key=lambda choice: len(pairs(choice) & missing))
        missing -= pairs(best)
        yield best


CHOSEN = list(covering())


def ci_files(template: Template, choice: Choice) -> Iterator[File]:
    """The files of a repository that CI or its description is made of."""
    context = answers_for(template, choice.answers).context
    yield from (File(path, text.encode()) for path, text in texts_of(template, context) if path.startswith(CI))


@pytest.fixture(scope="module")
def chosen(template: Template, tmp_path_factory: pytest.TempPathFactory) -> dict[Choice, Tree]:
    root = tmp_path_factory.mktemp("choices")
    return {choice: Tree.write(root / "-".join(choice), ci_files(template, choice)) for choice in CHOSEN}


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_renderer_makes_the_same(
    template: Template, chosen: dict[Choice, Tree], language: str, tmp_path: Path
) -> None:
    choice = next(choice for choice in CHOSEN if choice.language == language and choice.tests == "custom")
    texts = rendered(template, choice.answers, tmp_path).texts
    assert {path: text for path, text in texts.items() if path.startswith(CI)} == chosen[choice].texts
    assert (tmp_path / "scripts" / "test").stat().st_mode & 0o111 == 0o111
    assert language != "none" or set(texts) == {*chosen[choice].texts, ".copier-answers.yml"}


@pytest.fixture(params=CHOSEN, ids="-".join)
def choice(request: pytest.FixtureRequest) -> Choice:
    assert isinstance(request.param, Choice)
    return request.param


@pytest.fixture
def tree(choice: Choice, chosen: dict[Choice, Tree]) -> Tree:
    return chosen[choice]


def test_ci_files_are_there_where_they_do_something(choice: Choice, tree: Tree) -> None:
    found = {WORKFLOW, PIPELINE, "scripts/test"} & set(tree.texts)
    stub = {"scripts/test"} & found if LANGUAGES[choice.language]["own_test"] else set()
    stub |= {"scripts/test"} if choice.tests == "custom" else set()
    assert found == stub | ({WORKFLOW} if choice.built else set()) | ({PIPELINE} if choice.deployed else set())
    if choice.language != "none" and not choice.built:
        assert "No CI builds the image" in tree.read("README.md")


def test_jobs_follow_the_answers(choice: Choice, tree: Tree) -> None:
    if not choice.built:
        return
    jobs = tree.workflow["jobs"]
    tested = [] if choice.tests == "none" else ["lint-and-test"]
    deployed = ["deploy"] if choice.deployed else []
    assert list(jobs) == [*tested, "build", *deployed, "notify-failure"]
    assert jobs["build"].get("needs") == (tested[0] if tested else None)
    assert jobs["notify-failure"]["needs"] == [*tested, "build", *deployed]
    text = tree.read(WORKFLOW)
    assert ("WOODPECKER_TOKEN" in text) == ("Woodpecker" in text) == choice.deployed
    assert ("build or deploy failed" in text) == choice.deployed
    assert any(step.get("name") == "Look for the Dockerfile" for _, step in steps(tree.workflow)) == (
        choice.language == "none"
    )
    # An old image may be the one that the stack names.
    assert ("delete-package-versions" in text) == (choice.updates != "pinned")


def test_what_happens_instead_of_a_deploy_is_said(choice: Choice, tree: Tree) -> None:
    if not choice.built or choice.deployed:
        return
    said = "`image_tag`" if choice.updates == "pinned" else "next run" if choice.kind == "cronjob" else "Keel"
    assert said in tree.read(WORKFLOW).partition("name: build")[0]
    if choice.language != "none":
        assert said in tree.read("README.md")


def test_the_tests_are_those_that_were_asked_for(choice: Choice, tree: Tree) -> None:
    if choice.tests in (UNBUILT, "none"):
        return
    run = [step for job, step in steps(tree.workflow) if job == "lint-and-test"]
    wanted = yaml.safe_load(next(own["steps"] for own in OF_TESTS if own["name"] == choice.tests))
    assert run[-1]["run"] == wanted[-1]["run"]
    actions = [str(step["uses"]).split("@")[0] for step in run if "uses" in step]
    assert actions == ["actions/checkout", *(step["uses"].split("@")[0] for step in wanted if "uses" in step)]


def test_actionlint_and_zizmor_find_nothing(chosen: dict[Choice, Tree]) -> None:
    workflows = [str(tree.root / WORKFLOW) for choice, tree in chosen.items() if choice.built]
    assert len(workflows) > 10
    first = next(iter(chosen.values()))
    first.run("actionlint", *workflows)
    first.run("zizmor", "--offline", "--persona", "pedantic", "--no-progress", *workflows)


@full
def test_schemas(chosen: dict[Choice, Tree]) -> None:
    first = next(iter(chosen.values()))
    workflows = [str(tree.root / WORKFLOW) for choice, tree in chosen.items() if choice.built]
    pipelines = [str(tree.root / PIPELINE) for choice, tree in chosen.items() if choice.deployed]
    first.run("check-jsonschema", "--builtin-schema", "vendor.github-workflows", *workflows)
    first.run("check-jsonschema", "--builtin-schema", "vendor.woodpecker-ci", *pipelines)
    if CONTRACT.is_file():
        first.run("check-jsonschema", "--schemafile", str(CONTRACT), *pipelines)


def test_every_action_is_pinned_and_no_expression_stands_in_a_script(chosen: dict[Choice, Tree]) -> None:
    for choice, tree in chosen.items():
        if choice.built:
            for _, step in steps(tree.workflow):
                assert len(str(step.get("uses", "@" + "0" * 40)).split("@")[1]) == 40
                assert "${{" not in step.get("run", "")
                subprocess.run(["bash", "-n"], input=step.get("run", ""), text=True, check=True)


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return published_template(tmp_path_factory.mktemp("published") / "template", "1.0.0")


def copy(published: Path, folder: Path, choice: Choice) -> None:
    data = {**choice.answers, "layer": "service", "woodpecker_repo_id": REPOSITORY_ID}
    run_copy(str(published), folder, data=data, defaults=True, overwrite=True, quiet=True)


@full
def test_copier_alone_leaves_no_empty_folder_behind(published: Path, tmp_path: Path) -> None:
    copy(published, tmp_path, Choice("none", "cronjob", UNBUILT, "pinned"))
    assert [path.name for path in tmp_path.iterdir()] == [".copier-answers.yml"]


@full
def test_scripts_test_is_written_once(published: Path, tmp_path: Path) -> None:
    choice = Choice("none", "worker", "custom", "ci")
    copy(published, tmp_path, choice)
    script = tmp_path / "scripts" / "test"
    done = subprocess.run([script], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (1, "")
    assert "scripts/test holds no tests yet" in done.stderr
    script.write_text("#!/bin/sh\nexit 0\n", encoding="utf-8")
    (tmp_path / WORKFLOW).write_text("name: changed\n", encoding="utf-8")
    copy(published, tmp_path, choice)
    assert script.read_text(encoding="utf-8") == "#!/bin/sh\nexit 0\n"
    assert (tmp_path / WORKFLOW).read_text(encoding="utf-8") != "name: changed\n"


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    try:
        return Runner(tmp_path)
    except AssertionError as error:
        pytest.skip(f"the workflow's own programs are not on this machine: {error} (of {', '.join(RECORDED)})")


def one_of(chosen: dict[Choice, Tree], **wanted: str) -> Tree:
    return next(tree for choice, tree in chosen.items() if choice.built and wanted.items() <= choice._asdict().items())


def test_a_build_without_a_dockerfile_says_so(runner: Runner, chosen: dict[Choice, Tree]) -> None:
    step = step_of(one_of(chosen, language="none").workflow, "build", "Look for the Dockerfile")
    outcome = runner.run(step, {}, {})
    assert outcome.status == 1
    assert "::error::There is no Dockerfile" in outcome.said
    (runner.workspace / "Dockerfile").write_text("FROM scratch\n", encoding="utf-8")
    assert runner.run(step, {}, {}).status == 0


def test_go_that_is_not_formatted_fails(runner: Runner, chosen: dict[Choice, Tree]) -> None:
    step = step_of(one_of(chosen, tests="go").workflow, "lint-and-test", "Lint")
    runner.stub("go", "")
    runner.stub("gofmt", "")
    outcome = runner.run(step, {}, {})
    assert (outcome.status, outcome.arguments) == (0, ("gofmt -l .", "go vet ./..."))
    runner.stub("gofmt", "echo main.go; echo other.go")
    outcome = runner.run(step, {}, {})
    assert outcome.status == 1
    assert outcome.said == "::error::gofmt would change main.go, other.go\n"
