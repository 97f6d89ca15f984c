"""What validators refuse beyond the form of an answer: listed values as schemas, everything else in words. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any

from jinja2 import nodes
from jinja2.environment import TemplateExpression

from generator.template.questions import MISSING, Question
from generator.template.template import Template

BLANK = "…"
"""Replaces what depends on the answers in a sentence."""

_SHAPES = "check"
"""The macro that holds an answer against its shape, which the schema has anyway."""


class Rules:
    """Reads validators: texts with ``[% if <comparison> %] words [% endif %]``, and macros like that."""

    def __init__(self, template: Template, facts: Mapping[str, Any]) -> None:
        self._template = template
        self._facts = {"platform": facts}
        self._scopes: dict[str, _Scope] = {}

    def of(self, question: Question) -> tuple[list[dict[str, Any]], list[str]]:
        """Schemas of the answer to ``question``, and in words what they leave out."""
        said: list[dict[str, Any]] = []
        beyond: list[str] = []
        scope = _Scope(self._template, self._scopes)
        for node in self._template.environment.parse(question.validator).body:
            if isinstance(node, nodes.FromImport):
                scope.add(node)
                continue
            words = list(scope.words([node]))
            values = self._listed(node, question)
            if values:
                said.append({"not": {"enum": values}, "$comment": " ".join(words)})
            if not values or question.default is not MISSING:  # a default may be among them
                beyond += words
        return said, list(dict.fromkeys(beyond))

    def _listed(self, node: nodes.Node, question: Question) -> list[Any]:
        """The values that a plain ``[% if question in LIST %]`` refuses; LIST depends on the platform at most."""
        test = node.test if isinstance(node, nodes.If) and not node.elif_ and not node.else_ else None
        if not isinstance(test, nodes.Compare) or [item.op for item in test.ops] != ["in"]:
            return []
        listed, about = test.ops[0].expr, test.expr
        read = {name.name for name in (listed, *listed.find_all(nodes.Name)) if isinstance(name, nodes.Name)}
        if not isinstance(about, nodes.Name) or about.name != question.name or read - set(self._facts):
            return []
        tree = nodes.Template([nodes.Assign(nodes.Name("result", "store", lineno=1), listed, lineno=1)], lineno=1)
        tree.set_environment(self._template.environment)
        expression = TemplateExpression(self._template.environment.from_string(tree), undefined_to_none=False)
        return list(expression(self._facts) or [])


class _Scope:
    """The macros that a text knows, and the words that each may say."""

    def __init__(self, template: Template, scopes: dict[str, _Scope], path: str = "") -> None:
        self._template = template
        # Those of files, by path: parsing a file takes longer than everything else.
        self._scopes = scopes
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
            if path not in self._scopes:
                self._scopes[path] = _Scope(self._template, self._scopes, path)
            yield from self._scopes[path]._macro(other)


def _sentence(node: nodes.Output) -> str:
    """The words of an output, with a blank for everything that is put in; empty where it has none of its own."""
    said = "".join(part.data if isinstance(part, nodes.TemplateData) else BLANK for part in node.nodes)
    words = " ".join(said.split()).strip(BLANK + " ").removeprefix("protected: ").lstrip(":; ")
    return words if any(char.isalpha() for char in words) else ""
