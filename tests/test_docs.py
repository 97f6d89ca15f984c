"""The pages say what the code says: every name in both, no name in one alone, links that lead somewhere."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml

import generator
from docs.builder.codes import error_codes
from docs.builder.commands import commands, flags
from docs.builder.events import events
from docs.builder.parts import rows
from docs.builder.profile import profile_keys
from docs.builder.questions import QUESTIONS
from docs.builder.reference import PARTS, regenerated, rerun
from generator.base.errors import ExitCode
from generator.base.parallel import Status
from generator.engine.plan import Action, State
from generator.engine.steps import steps_between
from generator.engine.steps.adoption.commit import AdoptionCommit, AdoptionRequest
from generator.engine.steps.adoption.origin import HistoryMigration
from generator.engine.steps.change.infra import InfraChange, InfraChangeRequest
from generator.engine.steps.change.service import ServiceChange, ServiceChangeRequest
from generator.infra_repo.registrations import declared_ids
from generator.platform.profile import load_platform
from generator.template.answers import resolve
from generator.template.questions import MISSING, Question, load_questions
from generator.template.template import Template

from .answers import RICH, answer
from .pages import ROOT, Page, page, page_at

CODE = Path(generator.__file__).parent
TEMPLATE = Template.installed()
STEPS = [step.id for step in steps_between(None, answer(RICH)).wanted]
ADOPTION_STEPS = [step.id for step in (HistoryMigration, AdoptionCommit, AdoptionRequest)]
CHANGE_STEPS = [step.id for step in (ServiceChange, ServiceChangeRequest, InfraChange, InfraChangeRequest)]
FLAGS_OF_OTHERS = {"--trust", "--resolve", "--force", "--mirror", "--bare", "--all", "--message", "--stat", "--tags"}
FLAGS_OF_OTHERS |= {"--depth", "--filter", "--reference", "--separate-git-dir", "--shared"}
FLAGS_OF_OTHERS |= {"--strict"}  # copier's, curl's and git's; MkDocs'
FLAGS_OF_OTHERS |= {"--clone", "--visibility", "--no-deploy", "--test-steps"}  # those of the platform's own script
FLAGS_OF_OTHERS |= {"--allow-unrelated-histories", "--no-owner", "--role", "--single-transaction"}  # databases' as well


PAGES = [page(name) for name in ("README.md", "CHANGELOG.md", "AGENTS.md")]
PAGES += [page(str(path.relative_to(ROOT))) for path in sorted((ROOT / "docs").rglob("*.md"))]
every_page = pytest.mark.parametrize("found", PAGES, ids=lambda found: str(found.path.relative_to(ROOT)))


# --- what the code has ---------------------------------------------------------------------------------------


def shape_words(shape: Any) -> set[str]:
    """Every key and every choice inside a structured answer."""
    if isinstance(shape, list):
        return {word for item in shape for word in shape_words(item)}
    if not isinstance(shape, dict):
        return set()
    below = [*shape.get("properties", {}).values(), shape.get("items"), shape.get("values"), shape.get("anyOf")]
    return {
        *shape.get("properties", {}),
        *(word for word in shape.get("enum", []) if isinstance(word, str)),
        *(word for item in below for word in shape_words(item)),
    }


# --- reference pages -----------------------------------------------------------------------------------------


@every_page
def test_generated_parts_are_as_the_code_has_them(found: Page) -> None:
    assert regenerated(found.path) == found.path.read_text(encoding="utf-8"), "out of date: run `make docs`"


def test_every_part_is_in_a_page() -> None:
    named = {name for found in PAGES for name in re.findall(r"^<!-- generated: (\S+)", found.text, re.M)}
    assert named == set(PARTS)


@every_page
def test_generated_tables_have_all_that_is_written_by_hand(found: Page) -> None:
    """A new row comes without its meaning; somebody has to write it."""
    by_hand = ("meaning", "what happened", "when", "whose")
    for part in re.findall(r"^<!-- generated: .*?^<!-- end -->", found.text, re.S | re.M):
        for first, row in rows(part).items():
            assert not [column for column in by_hand if row.get(column) == ""], f"{first} lacks its meaning"


def test_questions() -> None:
    reference = page("docs/reference/questions.md")
    parts = dict(re.findall(r"<!-- generated: question (\S+) -->(.*?)<!-- end -->", reference.text, re.S))
    assert list(parts) == list(QUESTIONS)
    assert [text.strip("`") for tag, text in reference.headings if tag == "h3"] == list(QUESTIONS)
    for name, question in QUESTIONS.items():
        wrong = [fact for fact in facts(question) if fact not in parts[name]]
        assert not wrong, f"{name}: the part lacks {wrong}"
        missing = shape_words(question.shape) - set(reference.spans)
        assert not missing, f"{name}: {missing}"


def facts(question: Question) -> Iterator[str]:
    """What has to be told about a question, in words other than the generator's own."""
    yield f"`{question.option}`"
    yield from (f"`{choice}`" for choice in question.choices if isinstance(question.choices, tuple))
    yield from (f"`--{switch}`" for switch in question.switches)
    if question.default is MISSING:
        yield "it is required"
    elif isinstance(question.default, str) and "[" not in question.default:
        yield f"default: `{question.default}`"
    yield "applies: always" if question.when is True else "applies: where"
    yield "asked: in the short wizard" if question.ask else "asked: not in the short wizard"


def test_keys_of_the_questions() -> None:
    config = (TEMPLATE.root / "copier.yml").read_text(encoding="utf-8")
    used = {key for name, item in yaml.safe_load(config).items() if not name.startswith("_") for key in item}
    assert set(page("docs/reference/questions.md").rows("key")) == used


def test_commands_and_flags() -> None:
    reference = page("docs/reference/cli.md")
    known = dict(commands())
    headings = [text.strip("`") for tag, text in reference.headings if tag == "h2" and "newservice" in text]
    assert sorted(headings) == sorted(known)
    common = set(reference.rows("flag", "Common flags"))
    for path, command in known.items():
        own = set(reference.rows("flag", f"`{path}`"))
        wanted = {str(item.opts[0]) for item in command.params if item.opts[0] in flags(command, questions=False)}
        assert own <= wanted
        assert wanted - own in (set(), common), f"{path}: {wanted - own} against {common}"


def test_platform_profile() -> None:
    completed = page("docs/reference/platform.md").rows("key")
    keys = dict(profile_keys())
    assert sorted(completed) == sorted(keys)
    for key, value in keys.items():
        if isinstance(value, str | int | None) and value not in (None, ""):
            assert f"`{value}`" in completed[key], key


def test_exit_codes_and_error_codes() -> None:
    reference = page("docs/reference/exit-codes.md")
    assert list(reference.rows("exit code")) == [str(int(code)) for code in ExitCode]
    completed = {
        code: set(map(int, re.findall(r"\d+", row.split(" | ")[1]))) for code, row in reference.rows("code").items()
    }
    assert completed == error_codes()


def test_every_error_code_has_a_way_out() -> None:
    completed = [
        code for tag, text in page("docs/troubleshooting.md").headings if tag == "h3" for code in text.split(", ")
    ]
    assert sorted(code.strip("`") for code in completed) == sorted(error_codes())


def test_json_lines() -> None:
    reference = page("docs/reference/exit-codes.md")
    source = (CODE / "cli" / "json_lines.py").read_text(encoding="utf-8")
    assert set(events()) == set(re.findall(r'_write\(\s*"(\w+)"', source))
    assert set(reference.rows("event")) == set(events())
    assert set(reference.rows("state")) == set(State)
    assert {*Action, *get_args(Status)} <= set(reference.spans)
    listed = [*STEPS, *ADOPTION_STEPS, *CHANGE_STEPS]
    assert [span for span in reference.spans if span in listed] == listed


def test_steps() -> None:
    assert [text.strip("`") for tag, text in page("docs/reference/steps.md").headings if tag == "h2"] == [
        *STEPS,
        *ADOPTION_STEPS,
        *CHANGE_STEPS,
    ]


def test_registrations() -> None:
    rows = page("docs/reference/registrations.md").rows("id")
    assert list(rows) == list(declared_ids(TEMPLATE.registrations))
    for name, row in rows.items():
        declared = yaml.safe_load((TEMPLATE.registrations / f"{name}.yml").read_text(encoding="utf-8"))
        assert declared["path"].replace("[[ platform.infra.stacks ]]", "stacks") in row


def test_packages() -> None:
    completed = page("docs/onboarding.md").rows("package")
    packages = [path.parent for path in CODE.glob("*/__init__.py")]
    assert sorted(completed) == sorted(str(path.relative_to(CODE.parent)) for path in packages)
    assert sorted(path.name for path in CODE.glob("*.py")) == ["__init__.py", "__main__.py"]
    for path in packages:
        described = ast.get_docstring(ast.parse((path / "__init__.py").read_text(encoding="utf-8"))) or ""
        assert "May import" in described, f"{path.name} does not say what it may import"


def test_dependencies_are_explained() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    names = [re.split(r"[<>=]", item)[0] for item in project["dependencies"]]
    assert sorted(page("docs/decisions/0012-dependencies.md").rows("package"), key=str.lower) == sorted(
        names, key=str.lower
    )


# --- all pages -----------------------------------------------------------------------------------------------


def test_the_readme_starts_with_the_two_commands() -> None:
    assert page("README.md").fences[0][1].splitlines() == ["make demo", "make test"]


@every_page
def test_links_lead_somewhere(found: Page) -> None:
    for link in found.links:
        if not re.match(r"[a-z]+:", link):
            target, _, anchor = link.partition("#")
            there = page_at((found.path.parent / target).resolve() if target else found.path)
            assert there.path.exists(), link
            assert not anchor or anchor in there.anchors, link


def test_every_page_is_found_from_the_readme() -> None:
    seen: set[Path] = set()
    pending = [page("README.md").path]
    while pending:
        path = pending.pop()
        if path not in seen and path.suffix == ".md":
            seen.add(path)
            pending += [
                (path.parent / link.partition("#")[0]).resolve() for link in page_at(path).links if ":" not in link
            ]
    assert {found.path for found in PAGES} - seen == set()


@every_page
def test_names_exist(found: Page) -> None:
    """Commands, flags, Make targets and files that a page names."""
    shown = [line.removeprefix("$ ") for _, text in found.fences for line in text.splitlines()]
    said = "\n".join([*found.spans, *shown])
    known = dict(commands())
    groups = {path.rsplit(" ", 1)[0] for path in known}
    for line in said.splitlines():
        named = re.match(r"newservice( [a-z]+)( [a-z]+)?(?![\w:-])", line)
        if named and not line.startswith("newservice failed"):
            path = "newservice" + named[1]
            assert path in known or (path in groups and path + (named[2] or "") in {*known, path}), line
    every_flag = {flag for command in known.values() for flag in flags(command, questions=True)}
    allowed = every_flag | {"--help", "--version"} | FLAGS_OF_OTHERS
    assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", said)) <= allowed
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M))
    assert set(re.findall(r"^make ([a-z-]+)", said, re.M)) <= targets
    for span in found.spans:
        if re.fullmatch(r"(generator|templates|tests|docs)/[\w./-]+", span):
            assert any((place / span).exists() for place in (ROOT, CODE / "sandbox" / "infra")), span


@every_page
def test_no_page_knows_a_machine(found: Page) -> None:
    text = found.path.read_text(encoding="utf-8")
    assert not re.search(r"(?<![\w.~>])/(work|tmp|root|home|Users)/|pypi\.org|pythonhosted|registry\.npmjs", text)


def test_decisions_are_numbered_and_complete() -> None:
    records = sorted((ROOT / "docs" / "decisions").glob("[0-9]*.md"))
    assert [path.name[:4] for path in records] == [f"{number:04}" for number in range(1, len(records) + 1)]
    for path in records:
        assert [text for tag, text in page_at(path).headings if tag == "h2"] == ["Context", "Decision", "Consequences"]


def test_examples_work(tmp_path: Path) -> None:
    examples = {
        text.splitlines()[0]: text
        for found in PAGES
        for info, text in found.fences
        if info == "yaml" and text[0] == "#"
    }
    profile = tmp_path / "platform.yml"
    profile.write_text(examples["# platform.yml"], encoding="utf-8")
    platform = load_platform(TEMPLATE.platform, profile)
    given = yaml.safe_load(examples["# city-guide.yml"])
    known = load_questions(TEMPLATE)
    assert resolve(TEMPLATE, known, given).context["hostname"] == "city-guide.viktorbarzin.me"
    own = resolve(TEMPLATE, known, {**given, "tier": "gold"}, {"platform": platform.facts})
    assert own.context["hostname"] == "city-guide.acme.example"


def test_answers_of_the_pages_are_taken() -> None:
    found = {
        text.splitlines()[0]: yaml.safe_load(text)
        for found in PAGES
        for info, text in found.fences
        if info == "yaml" and re.match(r"# (?!platform)[a-z-]+\.yml\nname:", text)
    }
    assert len(found) >= 5
    for title, given in found.items():
        answers = answer(given)
        assert title == f"# {answers.name}.yml"
        expected = ("backup is sqlite", "cronjobs: no alert", "metrics is none", "port is 0")
        assert [note for note in answers.notes if not note.startswith(expected)] == []
    assert {answer(given).context["kind"] for given in found.values()} == {"web", "worker", "cronjob"}


SHOWN = [found for found in PAGES if "```console checked" in found.path.read_text(encoding="utf-8")]


@pytest.mark.parametrize("found", SHOWN, ids=lambda found: found.path.name)
def test_shown_output_is_real(found: Page) -> None:
    """Blocks marked ``console checked`` are what the commands in them print, here and now."""
    assert rerun(found.path) == found.text, "out of date: run `make docs`"


def test_output_is_shown_where_people_look_first() -> None:
    assert {"README.md", "cli.md", "agents.md", "first-service.md"} <= {found.path.name for found in SHOWN}


def test_registrations_of_the_pages_are_taken(tmp_path: Path) -> None:
    found = [text for found in PAGES for info, text in found.fences if info == "yaml" and "\nregistrations:\n" in text]
    assert len(found) >= 2
    profile = tmp_path / "platform.yml"
    for text in found:
        profile.write_text(text, encoding="utf-8")
        assert load_platform(TEMPLATE.platform, profile).registrations.own
