"""From flags, ``--set`` and files to answers; the flags are derived from the questions."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import click

from generator.base.errors import AnswersError, Problem, UsageError
from generator.base.external import MOST_YAML_BYTES, ExternalTextError, read_handed, read_json
from generator.cli.suggestions import answers_to
from generator.template.notation import read_text, read_texts, read_yaml
from generator.template.questions import MISSING, Question


class AnswerOption(click.Option):
    """A question's flag; ``group`` is where the help lists it."""

    group = ""


class Answering(click.Command):
    """A command with a flag for each question. Its help lists them after its own flags, by group."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write all flags."""
        groups: dict[str, list[tuple[str, str]]] = {}
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx) if isinstance(param, click.Option) else None
            if record is not None:
                groups.setdefault(getattr(param, "group", "Options"), []).append(record)
        for name in ["Options", *(name for name in groups if name != "Options")]:
            with formatter.section(name if name == "Options" else f"Answers: {name}"):
                formatter.write_dl(groups[name])


def question_options(
    questions: Iterable[Question], *, recorded: bool = False
) -> Callable[[click.Command], click.Command]:
    """A decorator that gives a command one flag for each question.

    ``recorded``: what is not given stays as it is recorded, so no question is required or has a default.
    """

    def decorate(command: click.Command) -> click.Command:
        for question in questions:
            if question.public:
                for option in (_option(question, recorded), *_switches(question)):
                    option.group = question.group
                    command.params.append(option)
        return command

    return decorate


def _option(question: Question, recorded: bool) -> AnswerOption:
    text = _help(question) if recorded else f"{_help(question)}  [{_needed(question)}]"
    flags = [question.option, f"answer_{question.name}"]
    if question.type == "bool":
        flags[0] = f"{question.option}/--no-{question.option.removeprefix('--')}"
        return AnswerOption(flags, default=None, help=text)  # a switch has no value to suggest
    return AnswerOption(
        flags,
        multiple=question.container is not None,
        metavar=_metavar(question),
        help=text,
        default=None,
        shell_complete=answers_to(question),
    )


def _switches(question: Question) -> list[AnswerOption]:
    """Flags that stand for one answer each."""
    return [
        AnswerOption([f"--{name}", f"answer_{question.name}"], flag_value=value, default=None,
                     help=f"The same as {question.option} {value}.")
        for name, value in question.switches.items()
    ]  # fmt: skip


def _metavar(question: Question) -> str:
    if isinstance(question.choices, tuple) and question.choices:
        return "|".join(str(choice) for choice in question.choices)
    if question.container == "object":
        return "KEY=VALUE"
    if question.container == "array" and (question.shape or {})["items"].get("type") == "string":
        return "WORD"
    if question.container == "array":
        return "KEY=VALUE,..."
    return {"int": "NUMBER", "str": "TEXT"}.get(question.type, "VALUE")


# A default that is asked for where a recorded answer is no longer valid; without one it is the last word.
_ASKED_AGAIN = re.compile(r"\[\[ UNSET if .+ else '([^']*)' \]\]")


def _help(question: Question) -> str:
    example = f" {question.placeholder}" if question.container or question.structured else ""
    return f"{question.help}{example.rstrip()}"


def _needed(question: Question) -> str:
    """Whether it has to be answered, or what it is otherwise."""
    default = question.default
    if default is MISSING:
        if isinstance(question.when, bool):
            return "required"
        return f"required when {question.when.removeprefix('[[').removesuffix(']]').strip()}"
    if isinstance(default, str) and (again := _ASKED_AGAIN.fullmatch(default)):
        return f"default: {again[1]}"
    if isinstance(default, str) and "[[" in default:
        return "default: derived"
    if default in ({}, []):
        return "default: none"
    if isinstance(default, bool):
        return f"default: {str(default).lower()}"
    return f"default: {' '.join(default) if isinstance(default, list) else default}"


def collect(
    questions: Iterable[Question],
    flags: Mapping[str, Any],
    sets: Iterable[str],
    answers_file: str | None,
    name: str | None,
    unread: list[Problem] | None = None,
) -> dict[str, Any]:
    """All answers that were given: flags override ``--set``, which overrides the file.

    ``flags`` holds the command's parameters named ``answer_<question>``. What can't be read of flags and ``--set`` is
    put into ``unread``, or raised together as ``AnswersError`` without it. Raises ``UsageError`` for a file
    that can't be read, or when NAME and ``--name`` differ.
    """
    by_name = {question.name: question for question in questions if question.public}
    given = _read(answers_file, by_name) if answers_file else {}
    problems: list[Problem] = []
    for pair in sets:
        with _noted(by_name.get(pair.partition("=")[0].split(".")[0]), problems):
            _set(given, pair, by_name)
    for key in [key for key in flags if key.startswith("answer_") and flags[key] not in (None, ())]:
        if key.removeprefix("answer_") not in by_name:  # an earlier version of the template has no such question
            given[key.removeprefix("answer_")] = flags[key]
    for question in by_name.values():
        value = flags.get(f"answer_{question.name}")
        if value is not None and value != ():
            with _noted(question, problems):
                given[question.name] = parse_flag(question, value)
    if unread is not None:
        unread += problems
    elif problems:
        raise AnswersError(problems)
    if name:
        if "answer_name" in flags and flags["answer_name"] not in (None, name):
            raise UsageError(
                "answer.twice", f"the name is given twice: {name} and {flags['answer_name']}", "give it once"
            )
        given["name"] = name
    return given


@contextmanager
def _noted(question: Question | None, problems: list[Problem]) -> Iterator[None]:
    """Note what can't be read as a problem of its question, so that everything else is looked at too."""
    try:
        yield
    except UsageError as error:
        name, message = question.name if question else "", error.message
        if question and question.quiet:  # a secret's value may be there by mistake
            message = f"{question.name}: can't be read as KEY=VALUE"
        problems.append(Problem(error.code, name, message, error.hint))


def given_flags(questions: Iterable[Question], flags: Mapping[str, Any]) -> Iterator[str]:
    """The questions' flags as they were given, as words of a command line."""
    for question in questions:
        value = flags.get(f"answer_{question.name}")
        if isinstance(value, bool):
            yield question.option if value else f"--no-{question.option.removeprefix('--')}"
        elif value is not None:
            for text in value if isinstance(value, tuple) else (value,):
                yield from (question.option, str(text))


def parse_flag(question: Question, value: Any) -> Any:
    """The answer behind a flag's text, or texts where it can be repeated."""
    texts = value if isinstance(value, tuple) else (value,)
    if question.container:
        return read_texts(question, texts)
    if isinstance(value, tuple):  # the flag is a list's, and an earlier version of the template wants one value
        value = texts[0] if len(texts) == 1 else list(texts)
    return read_text(question, value) if isinstance(value, str) else value


def _set(given: dict[str, Any], pair: str, questions: Mapping[str, Question]) -> None:
    key, equals, value = pair.partition("=")
    if not equals:
        raise UsageError("answer.pair", f"--set {pair} is not key=value", "for example --set tier=edge")
    name, *path = key.split(".")
    question = questions.get(name)
    parsed = _value(question, path, value)
    if not path:
        given[name] = parsed
        return
    place = given.setdefault(name, {})
    for part in path[:-1]:
        place = place.setdefault(part, {}) if isinstance(place, dict) else None
    if not isinstance(place, dict):
        raise UsageError("answer.pair", f"--set {pair}: '{name}' is not a map", "set it whole")
    place[path[-1]] = parsed


def _value(question: Question | None, path: list[str], text: str) -> Any:
    """What a text says at a place of an answer: YAML, or the text itself where a string is wanted there."""
    if not path and (question is None or not question.structured):
        return text
    kinds = _kinds((question and question.shape) or {}, path) if path else ()
    if "string" not in kinds:
        return read_yaml(text)
    with suppress(UsageError):  # such as */5 * * * * and @daily
        parsed = read_yaml(text)
        return parsed if isinstance(parsed, str) or len(kinds) > 1 else text
    return text


def _kinds(shape: Mapping[str, Any], path: list[str]) -> list[str]:
    """The JSON types that a place in an answer may have, as far as they are known; a list's items go by their names."""
    for part in path:
        options = [shape, *shape.get("anyOf", [])]
        shape = next((option for option in options if option.get("type") in ("object", "array")), {})
        below = shape.get("items") if shape.get("type") == "array" else shape.get("properties", {}).get(part)
        shape = below or shape.get("values", {})
    return [option["type"] for option in (shape, *shape.get("anyOf", [])) if "type" in option]


def is_stream(source: str) -> bool:
    """Whether an answers file is there for this one process only: standard input, or what a shell hands over."""
    return source == "-" or source.startswith(("/dev/stdin", "/dev/fd/", "/proc/"))


def _json(text: str) -> Any:
    """A map as JSON; None for anything else. YAML reads the two halves of an escaped character as two."""
    if not text.lstrip().startswith("{"):
        return None
    try:
        return read_json(text)
    except ExternalTextError:
        return None


def _read(source: str, questions: Mapping[str, Question]) -> dict[str, Any]:
    """An answers file; one that copier recorded works as well; its keys that are no questions are ignored."""
    try:
        given = sys.stdin.read(MOST_YAML_BYTES + 1) if source == "-" else read_handed(Path(source))
        text = given if isinstance(given, str) else given.decode("utf-8-sig")
    except OSError as error:
        raise UsageError("answers.unreadable", f"{source} can't be read: {error.strerror}", "check --answers") from None
    except UnicodeDecodeError:
        raise UsageError("answers.unreadable", f"{source} is not UTF-8 text", "check --answers") from None
    data = _json(text) or read_yaml(text, source)
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise UsageError("answers.unreadable", f"{source} is not a map of answers", "see `newservice schema`")
    if "_src_path" in data:
        return {key: value for key, value in data.items() if key in questions}
    return data
