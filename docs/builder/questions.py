"""The questions of ``copier.yml``: what each asks, takes, and is when nobody answers it."""

from __future__ import annotations

import re
from typing import Any

import yaml

from docs.builder.conditions import as_code, in_words
from docs.builder.parts import Rows, kept, sentence, table
from generator.platform.profile import merged_platform
from generator.template.questions import MISSING, Question, load_questions
from generator.template.template import Template

TEMPLATE = Template.installed()
QUESTIONS = {item.name: item for item in load_questions(TEMPLATE) if item.public}

_KINDS = {"str": "text", "int": "a number", "float": "a number", "bool": "true or false", "path": "a path"}
_SHAPES = {"object": "a map", "boolean": "true or false", "integer": "a number", "string": "text"}


def question_part(name: str, _old: Rows) -> str:
    """Everything that the code knows of one question."""
    question = QUESTIONS[name]
    lines = [_help(question), ""]
    lines += [f"- flag: {', '.join(f'`{flag}`' for flag in _flags(question))}"]
    lines += [f"- answer: {_answer(question)}"]
    lines += [f"- default: {_default(question)}"]
    applies = in_words(TEMPLATE, question.when)
    lines += [f"- applies: {'where ' + applies if applies else 'always'}"]
    lines += [f"- asked: {_asked(question)}"]
    shown = _explained(question)
    return "\n".join(lines) + (f"\n\n{shown}" if shown else "")


def keys_part(_argument: str, old: Rows) -> str:
    """The keys that questions have in ``copier.yml``; whose they are and what they mean is written by hand."""
    config = {name: item for name, item in TEMPLATE.config.items() if not name.startswith("_")}
    keys = {key: None for item in config.values() if isinstance(item, dict) for key in item}
    known = [key.strip("`") for key in old if key.strip("`") in keys]
    cells = [f"`{key}`" for key in [*known, *(key for key in keys if key not in known)]]
    return table(
        ["key", "whose", "meaning"], [(cell, kept(old, cell, "whose"), kept(old, cell, "meaning")) for cell in cells]
    )


def with_all_questions(text: str) -> str:
    """The page with a section for each question: a new one comes after the one before it, one that is gone leaves."""
    for name in re.findall(r"<!-- generated: question (\S+) -->", text):
        if name not in QUESTIONS:
            text = re.sub(rf"### `{name}`\n\n<!-- generated: question {name} -->.*?(?=\n##)", "", text, flags=re.S)
    before = ""
    for name, question in QUESTIONS.items():
        mark = f"<!-- generated: question {name} -->"
        if mark not in text:
            text = _inserted(text, question, mark, before)
        before = name
    return text


def _inserted(text: str, question: Question, mark: str, before: str) -> str:
    section = f"### `{question.name}`\n\n{mark}\n<!-- end -->\n\n"
    group = f"## {question.group}\n\n"
    if group not in text:
        section = group + section
    start = text.index(group) if group in text and QUESTIONS[before].group != question.group else -1
    if start < 0:
        start = text.index(f"<!-- generated: question {before} -->")
    following = re.search(r"^##", text[start + 3 :], re.M)
    place = start + 3 + following.start() if following else len(text)
    return text[:place] + section + text[place:]


def _help(question: Question) -> str:
    """The help as a sentence. A choice that begins it stays as it is written."""
    listed = question.explains and all(str(choice) in question.help for choice in question.choices)
    shown = sentence(question.summary if listed and isinstance(question.choices, tuple) else question.help)
    first = question.help.partition(" ")[0]
    return first + shown[len(first) :] if first in map(str, question.choices) else shown


def _flags(question: Question) -> list[str]:
    own = [question.option]
    if question.type == "bool":
        own.append("--no-" + question.option.removeprefix("--"))
    return own + [f"--{name}` for `{value}" for name, value in question.switches.items()]


def _answer(question: Question) -> str:
    if isinstance(question.choices, tuple) and question.choices:
        return " or ".join(f"`{choice}`" for choice in question.choices)
    if isinstance(question.choices, str):
        return f"one of `{as_code(question.choices).split(' ')[0].removesuffix('.keys()')}`"
    return _shape(question.shape) if question.structured and question.shape else _KINDS.get(question.type, "YAML")


def _shape(shape: dict[str, Any]) -> str:
    options = shape.get("anyOf")
    if options:
        return " or ".join(dict.fromkeys(_shape(option) for option in options))
    if shape.get("enum"):
        return " or ".join(f"`{yaml.safe_dump(item).splitlines()[0]}`" for item in shape["enum"])
    if shape.get("type") == "array":
        inner = shape.get("items", {})
        return "a list of maps" if inner.get("type") == "object" else "a list of texts"
    kind = shape.get("type", "string")
    kinds = kind if isinstance(kind, list) else [kind]
    return " or ".join(_SHAPES[item] for item in kinds if item in _SHAPES)


_FIRST = re.compile(r"\[\[ UNSET if (?:kind .= '\w+' and )?(?P<name>\w+) \|[^\[\]]* else '?(?P<value>[^\[\]']+)'? \]\]")
"""A default that holds only until there is an answer."""


def _default(question: Question) -> str:
    default = question.default
    if default is MISSING:
        return "none, it is required"
    if isinstance(default, str) and (first := _FIRST.fullmatch(default)) and first["name"] == question.name:
        return f"`{first['value']}`; asked for where a recorded answer is no longer valid"
    if isinstance(default, str) and ("[[" in default or "[%" in default):
        return "derived" if "[%" in default else f"derived, `{as_code(default)}`"
    return f"`{yaml.safe_dump(default, default_flow_style=True).splitlines()[0]}`"


def _asked(question: Question) -> str:
    if question.ask is True:
        return "in the short wizard"
    if question.ask is False:
        return "not in the short wizard"
    return f"in the short wizard where {in_words(TEMPLATE, question.ask)}"


def _explained(question: Question) -> str:
    """What each choice means, where ``copier.yml`` says so; on the built-in platform where that decides."""
    explains = question.explains
    if isinstance(explains, str):
        facts = merged_platform(TEMPLATE.platform, {}, "the built-in profile").facts
        explains = yaml.safe_load(TEMPLATE.render(explains, {"platform": facts})) if explains else {}
    lines = [(f"`{_plain(choice)}`", _cell(text)) for choice, text in explains.items()]
    return table([question.name, "means"], lines) if lines else ""


def _plain(choice: Any) -> str:
    return yaml.safe_dump(choice).splitlines()[0].strip("'\"")


def _cell(text: Any) -> str:
    return " ".join(str(text).split()).replace("|", "\\|")
