"""The template as its maintainer finds it: plain names, one list of conditions, one place for a language."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from generator.base.errors import AnswersError
from generator.template.answers import resolve
from generator.template.questions import load_questions
from generator.template.release_check import check_template, differences, plain_template
from generator.template.renderer import Renderer
from generator.template.template import Template
from tests.answers import LANGUAGES, QUESTIONS, SMALLEST, TEMPLATE, answer
from tests.full import full
from tests.plain_copier import copied
from tests.test_golden import CASES, project
from tests.test_pairwise import services

TREES = TEMPLATE.root / "templates"


# --- names and conditions ----------------------------------------------------------------------------------


def test_a_template_has_its_files_plain_name() -> None:
    paths = [
        path.relative_to(TREES).as_posix() for layer in ("stack", "service") for path in (TREES / layer).rglob("*")
    ]
    assert len(paths) > 100
    assert [path for path in paths if "[" in path] == []


def conditions(context: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The list of files that have a condition, by the folder that they are in, with what comes of it."""
    listed = TEMPLATE.environment.get_template("templates/files.jinja").make_module(dict(context))
    found = {f"service/{language}": files for language, files in vars(listed)["of_language"].items()}
    return {"stack": vars(listed)["of_stack"], "service": vars(listed)["of_service"], **found}


LISTED = conditions(answer(SMALLEST).context)


def places(folder: str, path: str) -> list[Path]:
    """What a line of the list stands for; a line of all languages stands for the same path of each."""
    folders = [TREES / "service" / language for language in LANGUAGES] if folder == "service" else [TREES / folder]
    return [place for base in folders for place in (base / path, base / f"{path}.jinja") if place.exists()]


@pytest.mark.parametrize("folder", LISTED)
def test_every_line_of_the_list_is_a_path_of_the_template(folder: str) -> None:
    """Copier would take a glob, too, and newservice's own renderer would not."""
    assert [path for path in LISTED[folder] if not places(folder, path)] == []
    assert list(LISTED[folder]) == sorted(LISTED[folder], key=lambda path: path.split("/"))


def test_every_condition_decides() -> None:
    """Each listed file is there for some answers, and left out for others."""
    seen: dict[tuple[str, str], set[bool]] = {}
    for answers in [*(project(case).answers for case in CASES), *(service.answers for service in services(1))]:
        found = conditions(answers.context)
        for folder in ("stack", "service", f"service/{answers.context['language']}"):
            for path, wanted in found.get(folder, {}).items():
                seen.setdefault((folder, path), set()).add(bool(wanted))
    assert {line for line, outcomes in seen.items() if outcomes != {True, False}} == set()
    assert {folder for folder, _ in seen} == set(LISTED)


@full
def test_what_is_left_out_leaves_no_folder(tmp_path: Path) -> None:
    tree = copied(tmp_path, {**SMALLEST, "ci": False, "language": "svelte", "metrics": "none", "layer": "service"})
    empty = [path for path in tree.rglob("*") if path.is_dir() and not any(path.iterdir())]
    assert empty == []
    assert not (tree / ".github").exists()


# --- a language is a folder and an entry -------------------------------------------------------------------


def test_every_language_has_its_folder_and_every_folder_its_language() -> None:
    assert sorted(LANGUAGES) == sorted(path.name for path in (TREES / "service").iterdir())


def test_every_language_has_the_keys_that_the_head_of_the_file_explains() -> None:
    [keys] = {tuple(entry) for entry in LANGUAGES.values()}
    head = (TREES / "languages.yml").read_text(encoding="utf-8").partition("\n\n")[0]
    explained = re.findall(r"(?:^#   |; )([a-z_]+)(?: {2,}|:)", head, re.MULTILINE)
    assert tuple(explained) == keys


ENTRY = """
deno:
  explains: TypeScript without a build
  kinds: [web, cronjob]
  test:
    name: deno
    explains: deno lint and deno test
    steps: |
      - uses: denoland/setup-deno@0123456789012345678901234567890123456789 # v9.9.9
      - name: Test
        run: deno test
  own_test: false
  own_paths: [/playground]
  runs_code: true
  hardening: {}
"""


@pytest.fixture
def with_deno(tmp_path: Path) -> Template:
    """The template with one more language: a folder and an entry, and nothing else."""
    root = plain_template(TEMPLATE, tmp_path / "template")
    folder = root / "templates" / "service" / "deno"
    shutil.copytree(TREES / "service" / "none", folder, ignore=shutil.ignore_patterns("Dockerfile.jinja"))
    (folder / "main.ts.jinja").write_text("Deno.serve({ port: [[ port ]] }, () => new Response('ok'));\n")
    languages = root / "templates" / "languages.yml"
    languages.write_text(languages.read_text(encoding="utf-8") + ENTRY, encoding="utf-8")
    return Template(root)


def test_a_language_is_a_folder_and_an_entry(with_deno: Template, tmp_path: Path) -> None:
    questions = load_questions(with_deno)
    by_name = {question.name: question for question in questions}
    assert by_name["language"].choices == (*LANGUAGES, "deno")
    assert isinstance(by_name["language"].explains, Mapping)
    assert by_name["language"].explains["deno"] == "TypeScript without a build"
    assert "deno" in by_name["ci_test"].choices

    answers = resolve(with_deno, questions, {**SMALLEST, "language": "deno"})
    assert answers.context["ci_test"] == "deno"
    made = Renderer(with_deno).render(answers.with_facts({"layer": "service"}))
    files = {file.path: file.content.decode() for file in made}
    ci = {".forgejo/renovate.json", ".github/workflows/build.yml", ".woodpecker/deploy.yml"}
    assert set(files) == {".copier-answers.yml", "main.ts"} | ci
    assert files["main.ts"].startswith("Deno.serve({ port: 8080 }")
    steps = yaml.safe_load(files[".github/workflows/build.yml"])["jobs"]["lint-and-test"]["steps"]
    assert [step.get("run") for step in steps][1:] == [None, "deno test"]
    assert differences(with_deno.root, made) == []


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"kind": "worker"}, "deno does not go with kind worker; choose kind web or cronjob"),
        ({"ci_test": "go"}, "the code is written in deno; choose deno, custom or none"),
        ({"metrics": {"path": "/playground"}}, "the service answers /playground with something else"),
    ],
)
def test_an_entry_says_what_does_not_go_with_the_language(
    with_deno: Template, given: dict[str, Any], expected: str
) -> None:
    with pytest.raises(AnswersError) as caught:
        resolve(with_deno, load_questions(with_deno), {**SMALLEST, "language": "deno", **given})
    assert [problem.message for problem in caught.value.problems if expected in problem.message]


@full
def test_a_language_more_is_fit_for_a_release(with_deno: Template) -> None:
    """Every combination of language and kind is rendered, by copier and by newservice alike."""
    assert check_template(with_deno) > check_template(TEMPLATE)


def test_no_rule_names_a_language() -> None:
    """`none` is no language; all that holds of the others stands in their entries."""
    words = [f"'{language}'" for language in LANGUAGES if language != "none"]
    texts = [TEMPLATE.root / "copier.yml", *(TREES / "macros").iterdir(), *(TREES / "ci").iterdir()]
    lines = [line for path in texts for line in path.read_text(encoding="utf-8").splitlines()]
    assert [line for line in lines if any(word in line for word in words)] == []


def test_the_questions_with_choices_of_the_template_s_own_know_them_without_answers() -> None:
    by_name = {question.name: question for question in QUESTIONS}
    assert by_name["language"].choices == tuple(LANGUAGES)
    assert isinstance(by_name["tier"].choices, str)  # the platform's word
