"""Every two answers that go together, in one service at least: rendered, formatted, validated, linted and registered.

``NEWSERVICE_PAIRWISE_SEEDS`` names other seeds, with commas between them; odd ones are tried on the built-in platform,
even ones on a made-up one. ``python -m tests.test_pairwise`` tells what is covered.
"""

from __future__ import annotations

import ast
import json
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import groupby, islice
from pathlib import Path
from random import Random
from typing import Any

import pytest
import yaml

from generator.base.errors import AnswersError
from generator.engine.project import Project
from generator.infra_repo.registrations import Registration, register, unregister
from generator.platform.profile import Platform, load_platform
from generator.sandbox.infra_repository import FILES as SANDBOX
from generator.template.answers import Answers, resolve
from generator.template.schema import answers_schema

from .answers import QUESTIONS, TEMPLATE
from .constraints import given, space
from .full import few, full
from .pairwise import SEEDS, USUAL_SEEDS, Covering, Pair, Row, Rule, Space
from .service.test_ci import CONTRACT, PIPELINE, WORKFLOW
from .service.trees import Tree, texts_of
from .stack import infra, terraform
from .stack.invariants import problems
from .stack.rendering import files as stack_files
from .stack.test_validate import other_infra
from .stack.validate import Validator
from .test_schema import VALIDATOR

OTHER = "other-platform"
FACTS: dict[str, Any] = {"layer": "stack", "redis_index": 2, "anubis_redis_index": 3}
WOODPECKER: dict[str, Any] = {"layer": "service", "woodpecker_repo_id": 7}
SECTIONS = ["Active Use", "Optional"]
SAMPLE = 2
"""Combinations of each seed that copier renders too, and those that break a rule, for each of the rules."""

Files = Mapping[str, str]


@cache
def platform(seed: int) -> Platform:
    """The platform that a seed's combinations are for."""
    profile = Path(__file__).parent / "golden" / OTHER / "platform.yml" if seed % 2 == 0 else None
    return load_platform(TEMPLATE.platform, profile, environ={"HOME": "/nonexistent"})


@cache
def all_answers(seed: int) -> Space:
    return space(platform(seed).facts, SECTIONS)


@cache
def covering(seed: int) -> Covering:
    return all_answers(seed).cover(seed)


def answers_of(row: Row) -> dict[str, Any]:
    """What a person would write down."""
    return {question: value for question, value in row.items() if given(value)}


def settled(seed: int, row: Row) -> Answers:
    """Raises ``AnswersError`` where newservice refuses a combination."""
    return resolve(TEMPLATE, QUESTIONS, answers_of(row), {**FACTS, "platform": platform(seed).facts})


def objections(seed: int, row: Row) -> list[tuple[str, str]]:
    """What newservice refuses or leaves out of a combination, by question."""
    try:
        notes = settled(seed, row).notes
    except AnswersError as error:
        return [(problem.question, problem.message) for problem in error.problems]
    left_out = [(note.split("'")[1], note) for note in notes if "was left out" in note]
    return [(question, note) for question, note in left_out if question not in FACTS]


@dataclass(frozen=True)
class Service:
    """A combination, and what comes of it without copier, which takes half a second for each layer."""

    seed: int
    number: int
    row: Row

    def __str__(self) -> str:
        return f"seed {self.seed}, combination {self.number}: {answers_of(self.row)}"

    @cached_property
    def answers(self) -> Answers:
        return settled(self.seed, self.row)

    @property
    def project(self) -> Project:
        return Project(TEMPLATE, platform(self.seed), self.answers, Path("nowhere"))

    @cached_property
    def stack(self) -> dict[str, str]:
        return stack_files(self.answers.context) if self.answers.stacked else {}

    @cached_property
    def repository(self) -> dict[str, str]:
        context = {**self.answers.context, **WOODPECKER}
        return dict(texts_of(TEMPLATE, context)) if self.answers.owned else {}


@cache
def services(seed: int) -> list[Service]:
    return [Service(seed, number, row) for number, row in enumerate(covering(seed).rows)]


EACH_SEED = few(1, SEEDS) if SEEDS == USUAL_SEEDS else SEEDS
PARTS = 4
"""Of the combinations of a seed, for what takes long."""
each_part = pytest.mark.parametrize("part", few(1, range(PARTS)))


@pytest.fixture(params=EACH_SEED, scope="module")
def seed(request: pytest.FixtureRequest) -> int:
    """Each seed in turn."""
    return int(request.param)


# --- what is covered ---------------------------------------------------------------------------------------


def test_every_question_is_a_factor(seed: int) -> None:
    assert set(all_answers(seed).factors) == {question.name for question in QUESTIONS if question.public}
    for question in QUESTIONS:
        if question.public and isinstance(question.choices, tuple) and question.choices:
            assert set(question.choices) <= set(all_answers(seed).factors[question.name])


@full
def test_every_pair_is_covered_or_infeasible(seed: int) -> None:
    """Counted anew, from the rows alone."""
    found = covering(seed)
    numbers = {name: {id(level): number for number, level in enumerate(levels)} for name, levels in _levels(seed)}
    met: set[Pair] = set()
    for row in found.rows:
        levels = [(number, numbers[name][id(row[name])]) for number, name in enumerate(numbers)]
        met.update((one, other) for one in levels for other in levels if one < other)
    assert met.isdisjoint(found.infeasible)
    assert met | set(found.infeasible) == set(all_answers(seed).pairs)
    assert len(met) == found.pairs


def _levels(seed: int) -> Iterable[tuple[str, tuple[Any, ...]]]:
    return all_answers(seed).factors.items()


@full
def test_there_are_enough_combinations() -> None:
    if SEEDS == USUAL_SEEDS:
        assert sum(len(covering(seed).rows) for seed in SEEDS) >= 400


def test_infeasible_pairs_are_found_with_their_reasons() -> None:
    first = Rule("first", ("a", "b"), lambda a, b: a == 1 and b == 0)
    second = Rule("second", ("b", "c"), lambda b, c: b == 1 and c == 0)
    whole = Space({"a": [0, 1], "b": [0, 1], "c": [0, 1]}, [first, second])
    found = whole.cover(1)
    reasons = {pair: whole.reasons(pair, Random(1))[0] for pair in found.infeasible}
    assert reasons == {
        ((0, 1), (1, 0)): [first],
        ((1, 1), (2, 0)): [second],
        ((0, 1), (2, 0)): [first, second],
    }
    assert found.pairs == 9
    assert whole.cover(1) == found


@full
@pytest.mark.parametrize("seed", EACH_SEED[:2], indirect=True)
def test_every_rule_is_one_of_newservice_s(seed: int) -> None:
    """Where one rule alone is broken newservice refuses the answers, or leaves one of them out."""
    random = Random(seed)
    for rule in all_answers(seed).rules:
        for row in _breaking(seed, rule, random):
            assert objections(seed, row), f"{rule.reason} {rule.factors}: {answers_of(row)}"


def _breaking(seed: int, rule: Rule, random: Random) -> Iterator[Row]:
    """Rows that keep all rules but one."""
    whole = all_answers(seed)
    apart = whole.breaking(rule)
    random.shuffle(apart)
    others = whole.keeping(other for other in whole.rules if other is not rule)
    rows = (others.any_row(levels, random) for levels in apart)
    found = list(islice(filter(None, rows), SAMPLE))
    assert found or not apart, f"'{rule.reason}' {rule.factors} says nothing that other rules don't say"
    yield from found


@full
@pytest.mark.parametrize("seed", EACH_SEED[:2], indirect=True)
def test_what_is_infeasible_is_so_for_a_reason(seed: int) -> None:
    """Without the rules that break a pair there is a row, and newservice takes none such."""
    random = Random(seed)
    for pair in random.sample(covering(seed).infeasible, 40):
        reasons, row = all_answers(seed).reasons(pair, random)
        assert reasons
        assert objections(seed, row), f"{reasons}: {answers_of(row)}"


# --- answers -----------------------------------------------------------------------------------------------


def test_every_combination_is_taken_as_it_is(seed: int) -> None:
    for service in services(seed):
        assert objections(seed, service.row) == [], service


@full
def test_the_schema_takes_the_answers_as_given_and_completed(seed: int) -> None:
    schema = VALIDATOR.evolve(schema=answers_schema(TEMPLATE, platform(seed).facts, QUESTIONS))
    for service in services(seed):
        for answers in (answers_of(service.row), service.answers.public):
            assert [error.message for error in schema.iter_errors(answers)] == [], service


# --- files -------------------------------------------------------------------------------------------------


def test_copier_renders_the_same(seed: int) -> None:
    owned = [service for service in services(seed) if service.answers.owned and service.answers.stacked]
    for service in Random(seed).sample(owned, SAMPLE):
        for files, quick in (
            (service.project.stack_files({key: FACTS[key] for key in FACTS if key != "layer"}), service.stack),
            (service.project.service_files(WOODPECKER["woodpecker_repo_id"]), service.repository),
        ):
            texts = {file.path: file.content.decode() for file in files}
            recorded = yaml.safe_load(texts.pop(".copier-answers.yml"))
            assert texts == quick, service
            assert {name: recorded[name] for name in service.answers.public} == service.answers.public, service


@each_part
def test_every_stack_is_sound(seed: int, part: int, tmp_path: Path) -> None:
    chosen = services(seed)[part::PARTS]
    for service in chosen:
        assert not service.answers.stacked or not problems(service.stack), service
    terraform.write(tmp_path, {f"s{service.number}": service.stack for service in chosen})
    assert not terraform.badly_formatted(tmp_path)
    for repository in infra.repositories():
        for guard in filter(Path.is_file, (repository / guard for guard in infra.GUARDS)):
            done = subprocess.run([sys.executable, str(guard), str(tmp_path)], capture_output=True, text=True)
            assert done.returncode == 0, done.stderr


@each_part
def test_terraform_validates_every_stack(seed: int, part: int, tmp_path: Path) -> None:
    stacks = {f"s{service.number}": _terraform(service.stack) for service in services(seed)[part::PARTS]}
    found = Validator(infra_of(seed, tmp_path / "infra"), tmp_path / "validator").errors(stacks)
    completed = [f"{error}\n{services(seed)[int(name[1:])]}" for name, errors in found.items() for error in errors]
    assert not completed, "\n".join(completed[:5])


def test_modules_of_a_real_checkout_declare_the_arguments(seed: int) -> None:
    checkout = infra.named_checkout()
    if checkout is None or seed % 2 == 0:
        pytest.skip("NEWSERVICE_INFRA_CHECKOUT names no checkout, or the platform is another one")
    for service in services(seed):
        assert not list(infra.wrong_arguments(checkout, _terraform(service.stack))), service


def _terraform(stack: Files) -> dict[str, str]:
    return {name: text for name, text in stack.items() if name.endswith(".tf")}


def infra_of(seed: int, folder: Path) -> Path:
    return SANDBOX if seed % 2 else other_infra(OTHER, folder)


def test_every_file_can_be_read(seed: int) -> None:
    readers: dict[str, Callable[[str], Any]] = {
        ".yml": yaml.safe_load,
        ".yaml": yaml.safe_load,
        ".json": json.loads,
        ".toml": tomllib.loads,
        ".py": ast.parse,
    }
    seen = set()
    for service in services(seed):
        for path, text in service.repository.items():
            reader = readers.get(Path(path).suffix)
            if reader and (path, text) not in seen:
                seen.add((path, text))
                assert reader(text) is not None, f"{path} of {service}"
    assert {Path(path).suffix for path, _ in seen} >= {".yml", ".json", ".toml", ".py"}


def test_code_is_as_its_formatter_would_write_it(seed: int, tmp_path: Path) -> None:
    tree = Tree.write(tmp_path, [])
    for service in services(seed):
        files = service.repository.items()
        code = {path: text for path, text in files if path.endswith((".py", ".go", "pyproject.toml"))}
        _write(tmp_path / f"s{service.number}", code)
    tree.run("ruff", "format", "--no-cache", "--diff", ".")
    tree.run("ruff", "check", "--no-cache", "--quiet", ".")
    if gofmt := shutil.which("gofmt"):  # where there is none, test_go says so
        assert subprocess.run([gofmt, "-l", "."], cwd=tmp_path, capture_output=True, text=True).stdout == ""


def test_workflows_and_pipelines_are_sound(seed: int, tmp_path: Path) -> None:
    tree = Tree.write(tmp_path, [])
    found = {path: _distinct(seed, path, tmp_path) for path in (WORKFLOW, PIPELINE)}
    assert all(len(paths) > 10 for paths in found.values())
    tree.run("actionlint", *found[WORKFLOW])
    tree.run("zizmor", "--offline", "--persona", "pedantic", "--no-progress", *found[WORKFLOW])
    tree.run("check-jsonschema", "--builtin-schema", "vendor.github-workflows", *found[WORKFLOW])
    tree.run("check-jsonschema", "--builtin-schema", "vendor.woodpecker-ci", *found[PIPELINE])
    if CONTRACT.is_file():
        tree.run("check-jsonschema", "--schemafile", str(CONTRACT), *found[PIPELINE])


def _distinct(seed: int, path: str, folder: Path) -> list[str]:
    """The file of every combination, each text once."""
    texts = dict.fromkeys(service.repository[path] for service in services(seed) if path in service.repository)
    for number, text in enumerate(texts):
        _write(folder / str(number), {path: text})
    return [str(folder / str(number) / path) for number in range(len(texts))]


def _write(folder: Path, files: Files) -> None:
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8", newline="")


# --- registrations -----------------------------------------------------------------------------------------


def test_registrations_come_and_go(seed: int) -> None:
    """Those of a combination that are in one file, together; each such group once."""
    seen = set()
    for service in services(seed):
        assert bool(service.project.registrations) == service.answers.stacked
        for path, group in groupby(sorted(service.project.registrations, key=_path), key=_path):
            entries = tuple(group)
            if repr(entries) not in seen:
                seen.add(repr(entries))
                _come_and_go(entries, _shared(seed, path), str(service))
    assert len(seen) > 50


def _path(registration: Registration) -> str:
    return registration.path


@cache
def _shared(seed: int, path: str) -> str:
    """A file of the infra repository, with the platform's own words for its database servers."""
    text = (SANDBOX / path).read_bytes().decode()
    for engine, facts in TEMPLATE.platform["databases"].items():
        own = platform(seed).facts["databases"][engine]["connection"]
        text = text.replace(f'_connection" "{facts["connection"]}"', f'_connection" "{own}"')
    return text


def _come_and_go(entries: tuple[Registration, ...], before: str, whose: str) -> None:
    text = before
    for entry in entries:
        change = register(entry, text)
        assert change.action == "add" or (entry.optional and change.action == "present"), f"{entry.id} of {whose}"
        text = change.text
    for entry in entries:
        again = register(entry, text)
        assert (again.action, again.text) == ("present", text), f"{entry.id} of {whose}"
    for entry in reversed(entries):
        change = unregister(entry, text)
        assert change.action == "remove" or (entry.optional and change.action == "absent"), f"{entry.id} of {whose}"
        text = change.text
    assert text == before, whose


# --- for people --------------------------------------------------------------------------------------------


def summary(seed: int) -> str:
    """One line: what a seed's combinations cover."""
    found = covering(seed)
    pairs = f"{found.pairs} pairs, {len(found.infeasible)} infeasible"
    return f"seed {seed}, {platform(seed).name}: {len(found.rows)} combinations, {pairs}"


def main() -> None:
    """Print what each seed covers, and the reasons for what can't be."""
    for seed in SEEDS:
        sys.stdout.write(f"{summary(seed)}\n")
    random = Random(SEEDS[0])
    reasons: dict[str, int] = {}
    for pair in covering(SEEDS[0]).infeasible:
        text = " + ".join(dict.fromkeys(rule.reason for rule in all_answers(SEEDS[0]).reasons(pair, random)[0]))
        reasons[text] = reasons.get(text, 0) + 1
    for text, number in sorted(reasons.items(), key=lambda item: -item[1]):
        sys.stdout.write(f"{number:5} {text}\n")


if __name__ == "__main__":
    main()
