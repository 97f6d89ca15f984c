"""The pages say what the code says: every name in both, no name in one alone, links that lead somewhere."""

from __future__ import annotations

import ast
import contextlib
import io
import re
import shlex
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, get_args

import click
import pytest
import yaml

import generator
from generator import errors
from generator.answers import resolve
from generator.cli import _reporter, _run, group
from generator.errors import ExitCode
from generator.plan import Action, State
from generator.platform import load_platform
from generator.questions import MISSING, Question, load_questions
from generator.registrations import declared_ids
from generator.schedule import Status
from generator.steps import steps_for
from generator.template import Template

from .answers import RICH, answer
from .pages import ROOT, Page, page, page_at

CODE = Path(generator.__file__).parent
TEMPLATE = Template.installed()
QUESTIONS = {question.name: question for question in load_questions(TEMPLATE) if question.public}
STEPS = [step.id for step in steps_for(answer(RICH))]
FLAGS_OF_OTHERS = {"--trust", "--resolve", "--force", "--mirror"}  # copier's, curl's, git's
KNOWN_AT_RUN_TIME = {
    "step.id": "<step>",
    "removal.id": "<step>",
    "item.removal.id": "<step>",
    "plan.refusals[0].id": "<step>",
    "self.system": "<system>",
    "system": "<system>",
}
OPEN_MAPS = {"tiers": "tier", "actions_secrets": "secret", "catalog": "tier", "connection.credentials": "credential"}

PAGES = [page(name) for name in ("README.md", "CHANGELOG.md", "AGENTS.md")]
PAGES += [page(str(path.relative_to(ROOT))) for path in sorted((ROOT / "docs").rglob("*.md"))]
every_page = pytest.mark.parametrize("found", PAGES, ids=lambda found: str(found.path.relative_to(ROOT)))


# --- what the code has ---------------------------------------------------------------------------------------


def commands(command: click.Command = group, path: str = "newservice") -> Iterator[tuple[str, click.Command]]:
    if path != "newservice":
        yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None
            yield from commands(below, f"{path} {name}")


def flags(command: click.Command, *, questions: bool) -> set[str]:
    return {
        flag
        for option in command.params
        if isinstance(option, click.Option) and (questions or not str(option.name).startswith("answer_"))
        for flag in [*option.opts, *option.secondary_opts]
    }


def profile_keys(data: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Dotted keys with their built-in values; a platform's own words stand as ``<word>``."""
    for key, value in data.items():
        path = prefix + key
        if path in OPEN_MAPS:
            word = f"{path}.<{OPEN_MAPS[path]}>"
            maps = [entry for entry in value.values() if isinstance(entry, dict)]
            yield from {f"{word}.{name}": None for entry in maps for name in entry}.items() if maps else [(word, None)]
        elif isinstance(value, dict):
            yield from profile_keys(value, f"{path}.")
        else:
            yield path, value


@cache
def error_codes() -> dict[str, set[int]]:
    """Codes of all errors raised in the source, each with its exit codes; parts known at run time as ``<part>``."""
    found: dict[str, set[int]] = {}
    for source in CODE.rglob("*.py"):
        tree = ast.parse(source.read_text(encoding="utf-8"))
        for function in ast.walk(tree):
            if isinstance(function, ast.FunctionDef | ast.Lambda):
                for code, kind in _raised(function):
                    found.setdefault(code, set()).add(_exit_code(kind, code))
    together = errors.AnswersError([]).code
    told = {_exit_code(errors.Problem, code) for code in found if code.startswith("answer.")}
    return found | {together: told}


def _raised(function: ast.AST) -> Iterator[tuple[str, type]]:
    """Codes and classes of the errors that a function makes; a code in a variable is looked up in that function."""
    known = {
        target.id: node.value
        for node in ast.walk(function)
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(function):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args:
            kind = getattr(errors, node.func.id, None)
            if isinstance(kind, type) and issubclass(kind, errors.NewserviceError | errors.Problem):
                first = node.args[0]
                value = known.get(first.id, first) if isinstance(first, ast.Name) else first
                branches = [value.body, value.orelse] if isinstance(value, ast.IfExp) else [value]
                yield from ((code, kind) for code in map(_code, branches) if code)


def _exit_code(kind: type, code: str) -> int:
    if kind is errors.Problem:
        return int(errors.AnswersError([errors.Problem(code, "", "")]).exit_code)
    return int(kind.exit_code)  # type: ignore[attr-defined]


def _code(node: ast.expr) -> str:
    if isinstance(node, ast.JoinedStr):
        return "".join(_code(part) for part in node.values)
    if isinstance(node, ast.FormattedValue):
        return KNOWN_AT_RUN_TIME[ast.unparse(node.value)]
    return str(node.value) if isinstance(node, ast.Constant) else ""


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


def test_questions() -> None:
    rows = page("docs/reference/questions.md").rows("question")
    assert set(rows) == set(QUESTIONS)
    for name, question in QUESTIONS.items():
        wrong = [fact for fact in facts(question) if fact not in rows[name]]
        assert not wrong, f"{name}: the row lacks {wrong}"
        missing = shape_words(question.shape) - set(page("docs/reference/questions.md").spans)
        assert not missing, f"{name}: {missing}"


def facts(question: Question) -> Iterator[str]:
    yield f"`{question.option}`"
    yield question.type
    yield from (f"`{choice}`" for choice in question.choices if isinstance(question.choices, tuple))
    if question.default is MISSING:
        yield "required"
    elif not isinstance(question.default, str) or "[" not in question.default:
        yield f"`{question.default}`" if isinstance(question.default, str | int) else "`"
    yield "always" if question.when is True else str(question.when).strip("[ ]").split(" ", 1)[0]
    yield "short wizard" if question.ask else "not asked"


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
        wanted = flags(command, questions=False)
        assert own <= wanted
        assert wanted - own in (set(), common), f"{path}: {wanted - own} against {common}"


def test_platform_profile() -> None:
    rows = page("docs/reference/platform.md").rows("key")
    keys = dict(profile_keys(TEMPLATE.platform))
    assert list(rows) == list(keys)
    for key, value in keys.items():
        if isinstance(value, str | int | None) and value is not None:
            assert f"`{value}`" in rows[key], key


def test_exit_codes_and_error_codes() -> None:
    reference = page("docs/reference/exit-codes.md")
    assert list(reference.rows("exit code")) == [str(int(code)) for code in ExitCode]
    rows = {
        code: set(map(int, re.findall(r"\d+", row.split(" | ")[1]))) for code, row in reference.rows("code").items()
    }
    assert rows == error_codes()


def test_every_error_code_has_a_way_out() -> None:
    told = [code for tag, text in page("docs/troubleshooting.md").headings if tag == "h3" for code in text.split(", ")]
    assert sorted(code.strip("`") for code in told) == sorted(error_codes())


def test_json_lines() -> None:
    reference = page("docs/reference/exit-codes.md")
    source = (CODE / "cli" / "json_lines.py").read_text(encoding="utf-8")
    assert set(reference.rows("event")) == set(re.findall(r'_write\(\s*"(\w+)"', source))
    assert set(reference.rows("state")) == set(State)
    assert {*Action, *get_args(Status)} <= set(reference.spans)
    assert [span for span in reference.spans if span in STEPS] == STEPS


def test_steps() -> None:
    assert [text.strip("`") for tag, text in page("docs/reference/steps.md").headings if tag == "h2"] == STEPS


def test_registrations() -> None:
    rows = page("docs/reference/registrations.md").rows("id")
    assert list(rows) == list(declared_ids(TEMPLATE.registrations))
    for name, row in rows.items():
        declared = yaml.safe_load((TEMPLATE.registrations / f"{name}.yml").read_text(encoding="utf-8"))
        assert declared["path"].replace("[[ platform.infra.stacks ]]", "stacks") in row


def test_modules() -> None:
    told = page("docs/onboarding.md").rows("module")
    code = [path for path in CODE.rglob("*.py") if path.name != "__init__.py" and "sandbox" not in path.parts]
    code += [path for path in CODE.glob("cli/*.py") if path.stem == "sandbox"]
    assert sorted(told) == sorted({str(path.relative_to(CODE.parent)) for path in code})


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
    every_flag = {flag for _, command in known.items() for flag in flags(command, questions=True)}
    allowed = every_flag | {"--help", "--version"} | FLAGS_OF_OTHERS
    assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", said)) <= allowed
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M))
    assert set(re.findall(r"^make ([a-z]+)", said, re.M)) <= targets
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
    assert resolve(TEMPLATE, known, given)["hostname"] == "city-guide.viktorbarzin.me"
    own = resolve(TEMPLATE, known, {**given, "tier": "gold"}, {"platform": platform.facts})
    assert own["hostname"] == "city-guide.acme.example"


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
        assert [note for note in answers.notes if not note.startswith("backup is sqlite")] == []
    assert {answer(given)["kind"] for given in found.values()} == {"web", "worker", "cronjob"}


SHOWN = [(found.path.name, text) for found in PAGES for info, text in found.fences if info == "console checked"]


def test_shown_output_is_real(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks marked ``console checked`` are what the commands in them print, here and now."""
    assert len(SHOWN) >= 3
    monkeypatch.setenv("COLUMNS", "80")
    (tmp_path / "infra").symlink_to(CODE / "sandbox" / "infra", target_is_directory=True)
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    for name, text in SHOWN:
        _, *runs = re.split(r"^\$ newservice ", text, flags=re.M)
        for run in runs:
            command, _, expected = re.sub(r"\\\n\s*", "", run).partition("\n")
            out = io.StringIO()
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
                arguments = shlex.split(command)
                _run(arguments, _reporter(arguments))
            assert out.getvalue().strip() == expected.strip(), f"{name}: newservice {command}"
