"""Looks at what is generated for the rules of the manual: files, entries, notes, refusals, and what create says."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from docs.builder.reference import printed
from generator.base.errors import AnswersError
from generator.engine.project import Project
from generator.platform.profile import load_platform
from generator.template.answers import Answers, resolve
from tests.answers import QUESTIONS, TEMPLATE
from tests.test_golden import CASES, GOLDEN, trees_of

PLACE = Path(__file__).parent / "rules.yml"
MANUAL: dict[str, Any] = yaml.safe_load(PLACE.read_text(encoding="utf-8"))
PLATFORM = load_platform(TEMPLATE.platform, environ={})


@dataclass(frozen=True)
class Rule:
    """A rule of the manual, in our words, and where it shows."""

    id: str
    lines: str
    rule: str
    state: str
    reason: str = ""
    shown: tuple[Mapping[str, Any], ...] = ()


RULES = [Rule(**{**item, "shown": tuple(item.get("shown", ()))}) for item in MANUAL["rules"]]


def missing(rule: Rule) -> list[str]:
    """The evidence that is not there, a line each."""
    return [fault for item in rule.shown if (fault := _fault(item))]


def _fault(item: Mapping[str, Any]) -> str:
    """What is wrong with one piece of evidence; empty where nothing is."""
    if "any" in item:
        faults = [_fault(each) for each in item["any"]]
        return " and ".join(faults) if all(faults) else ""
    if "refused" in item:
        text = _refusal(item["refused"])
        found = text is not None and re.search(item["has"], text, re.M)
        return "" if found else f"{item['refused']} is {'not refused' if text is None else f'refused: {text}'}"
    wanted, _, place = item["at"].partition("/")
    texts = [text for name in _services(wanted) for text in _texts(name, place)]
    if not texts:
        return f"{item['at']} does not exist"
    if "lacks" in item and any(re.search(item["lacks"], text, re.M) for text in texts):
        return f"{item['at']} has {item['lacks']}"
    if "has" in item and not any(re.search(item["has"], text, re.M) for text in texts):
        return f"{item['at']} lacks {item['has']}"
    return ""


def _services(wanted: str) -> list[str]:
    """Services by their names; a glob means those of the golden trees on the built-in platform."""
    if "*" not in wanted:
        return [wanted]
    return [case for case in CASES if fnmatchcase(case, wanted) and not (GOLDEN / case / "platform.yml").is_file()]


def _texts(name: str, place: str) -> Iterator[str]:
    """The texts at a place of a service; entries in shared files are one text."""
    tree, _, pattern = place.partition("/")
    if tree == "notes":
        yield "\n".join(note for event in _planned(name) if event["event"] == "plan" for note in event.get("notes", ()))
    elif tree == "questions":
        yield "\n".join(question.help for question in QUESTIONS)
        yield (GOLDEN.parents[1] / "docs" / "reference" / "questions.md").read_text(encoding="utf-8")
    elif tree == "create":
        yield _created(name)
    else:
        files = _trees(name).get(tree, {})
        found = [content for path, content in files.items() if fnmatchcase(path, pattern)]
        yield from ["\n".join(found)] if tree == "registrations" and found else found


@cache
def given(name: str) -> dict[str, Any]:
    """The answers of a service."""
    own: dict[str, Any] | None = MANUAL["services"].get(name)
    return own or dict(yaml.safe_load((GOLDEN / name / "answers.yml").read_text(encoding="utf-8")))


def _answers(name: str) -> Answers:
    return resolve(TEMPLATE, QUESTIONS, given(name), {"platform": PLATFORM.facts})


@cache
def _trees(name: str) -> dict[str, dict[str, str]]:
    """A service's files by tree; none where newservice refuses the answers."""
    try:
        found = trees_of(Project(TEMPLATE, PLATFORM, _answers(name), Path("nowhere")))
    except AnswersError:
        return {}
    return {
        tree: {path: content.decode(errors="replace") for path, (content, _) in files.items()}
        for tree, files in found.items()
    }


@cache
def _planned(name: str) -> list[dict[str, Any]]:
    """What ``plan`` says, in a checkout of the sandbox's infra repository."""
    with tempfile.TemporaryDirectory() as folder:
        answers = _written(Path(folder), name)
        text = printed(["plan", "--answers", str(answers), "--no-provision", "--infra", "../infra", "--json"])
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


def _refusal(name: str) -> str | None:
    """Why a service can't be created; None where it can."""
    events = _planned(name)
    errors = ["{question}: {message}; {hint}".format(**event) for event in events if event["event"] == "error"]
    return "\n".join(errors) if events[-1]["exit_code"] else None


@cache
def _created(name: str) -> str:
    """All that ``create`` says on the sandbox, as JSON, in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        later = (word for key in _answers(name).known_elsewhere for word in ("--seed", f"{key}=later"))
        words = ("create", "--sandbox", "--yes", "--json", *later, "--answers", str(_written(Path(folder), name)))
        done = subprocess.run(
            [sys.executable, "-m", "generator", *words],
            cwd=folder,
            env={**os.environ, "TMPDIR": folder},
            capture_output=True,
            text=True,
        )
    return done.stdout


def _written(folder: Path, name: str) -> Path:
    path = folder / "answers.yml"
    path.write_text(yaml.safe_dump(given(name), allow_unicode=True), encoding="utf-8")
    return path


def outcome(rule: Rule) -> tuple[str, list[str]]:
    """How a rule is kept now, and what is missing: ``holds``, ``partly``, ``not``, or ``elsewhere``."""
    faults = missing(rule)
    if not faults:
        return rule.state, []
    return ("partly" if len(faults) < len(rule.shown) else "not"), faults
