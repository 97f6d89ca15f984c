"""What validators refuse beyond the shape of an answer: as schemas where that can be said, else in words. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from jinja2 import nodes

from generator.template.questions import Question
from generator.template.schema.conditions import Conditions
from generator.template.schema.logic import Schema
from generator.template.template import Template

BLANK = "…"
"""Stands in a sentence for what depends on the answers."""

_SHAPES = "check"
"""The macro that holds an answer against its shape, which the schema has anyway."""


@dataclass(frozen=True)
class Rule:
    """Answers that are refused, and what is said of them."""

    refused: Schema
    words: str


class Rules:
    """Reads validators: ``[% if <comparison> %] words [% endif %]`` and macros whose words are like that."""

    def __init__(self, template: Template, conditions: Conditions) -> None:
        self._template = template
        self._conditions = conditions

    def of(self, question: Question) -> tuple[list[Rule], list[str]]:
        """What is refused as schemas of all answers where ``question`` applies, and in words what no schema says."""
        exact: list[Rule] = []
        beyond: list[str] = []
        scope = _Scope(self._template)
        before: list[nodes.Assign] = []
        for node in self._template.environment.parse(question.validator).body:
            if isinstance(node, nodes.FromImport):
                scope.add(node)
            elif isinstance(node, nodes.Assign):
                before.append(node)
            elif rule := self._rule(node, question, before):
                exact.append(rule)
            else:
                beyond += scope.words([node])
        return exact, list(dict.fromkeys(beyond))

    def _rule(self, node: nodes.Node, question: Question, before: list[nodes.Assign]) -> Rule | None:
        """A plain ``if`` whose words come out whenever it holds."""
        if not isinstance(node, nodes.If) or node.elif_ or node.else_:
            return None
        words = [text for part in node.body if isinstance(part, nodes.Output) and (text := _sentence(part))]
        if not words:
            return None
        refused = self._conditions.of(node.test, self._conditions.assumed(question), before)
        return None if refused is None else Rule(refused, " ".join(words))


class _Scope:
    """The macros that a text knows, and the words that each may say."""

    def __init__(self, template: Template, path: str = "") -> None:
        self._template = template
        self._path = path
        self._imported: dict[str, tuple[str, str]] = {}

    def add(self, node: nodes.FromImport) -> None:
        """Know the macros of an import."""
        path = str(node.template.as_const())
        for item in node.names:
            name, alias = item if isinstance(item, tuple) else (item, item)
            self._imported[alias] = (path, name)

    @cached_property
    def _own(self) -> dict[str, nodes.Macro]:
        if not self._path:
            return {}
        tree = self._template.environment.parse((self._template.root / self._path).read_text(encoding="utf-8"))
        for item in tree.find_all(nodes.FromImport):
            self.add(item)
        return {macro.name: macro for macro in tree.find_all(nodes.Macro)}

    def words(self, body: Iterable[nodes.Node]) -> Iterator[str]:
        """Every sentence that these nodes may come out with, those of the macros they call among them."""
        for node in body:
            if isinstance(node, nodes.Output):
                if sentence := _sentence(node):
                    yield sentence
                yield from self._called(node)
            elif isinstance(node, nodes.Assign):
                yield from self._called(node)
            elif isinstance(node, nodes.If):
                for part in (node.body, node.elif_, node.else_):
                    yield from self.words(part)
            elif isinstance(node, nodes.For):
                yield from self.words(node.body)

    def _called(self, node: nodes.Node) -> Iterator[str]:
        for call in node.find_all(nodes.Call):
            if isinstance(call.node, nodes.Name) and call.node.name != _SHAPES:
                yield from self._macro(call.node.name)

    def _macro(self, name: str) -> Iterator[str]:
        own = self._own.get(name)
        if own is not None:
            yield from self.words(own.body)
        elif name in self._imported:
            path, other = self._imported[name]
            yield from _Scope(self._template, path)._macro(other)


def _sentence(node: nodes.Output) -> str:
    """The words of an output, with a blank for everything that is put in; empty where it has none of its own."""
    said = "".join(part.data if isinstance(part, nodes.TemplateData) else BLANK for part in node.nodes)
    words = " ".join(said.split()).strip(BLANK + " ").removeprefix("protected: ").lstrip(": ")
    return words if any(char.isalpha() for char in words) else ""
