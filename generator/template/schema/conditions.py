"""Expressions of ``copier.yml`` as schemas of all answers together. Pure.

A question that was left out, or does not apply, has its default; so that counts wherever an expression reads it. What
a schema can't say comes out as None, never as something near.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import reduce
from itertools import product
from typing import Any

import yaml
from jinja2 import nodes
from jinja2.environment import TemplateExpression

from generator.template.questions import MISSING, Question
from generator.template.schema.logic import ABSENT, Schema, all_of, answered, any_of, negated, one_of_values
from generator.template.schema.predicates import Predicate, predicate
from generator.template.template import Template

Given = tuple[nodes.Node, ...]
"""Expressions that are known to hold."""

_MOST = 500
"""More combinations of choices than this are not tried one by one."""


class Conditions:
    """Turns expressions into schemas, for one template on one platform, whose facts are given."""

    def __init__(self, template: Template, facts: Mapping[str, Any], questions: Sequence[Question]) -> None:
        self._template = template
        self._facts = {"platform": facts, **template.constants}
        self._questions = {question.name: question for question in questions}

    def applies(self, question: Question, given: Given = ()) -> Schema | None:
        """Where ``question`` applies; None where no schema says that."""
        if isinstance(question.when, bool):
            return question.when
        return self.of(self.expression(question.when), given)

    def assumed(self, question: Question) -> Given:
        """What holds wherever ``question`` applies."""
        return () if isinstance(question.when, bool) else tuple(_conjuncts(self.expression(question.when)))

    def expression(self, source: str) -> nodes.Expr:
        """The one expression of a text such as ``[[ kind == 'web' ]]``. Raises ``nodes.Impossible`` for others."""
        body = self._template.environment.parse(source.strip()).body
        if len(body) != 1 or not isinstance(body[0], nodes.Output):
            raise nodes.Impossible
        parts = [part for part in body[0].nodes if not (isinstance(part, nodes.TemplateData) and not part.data.strip())]
        if len(parts) != 1:
            raise nodes.Impossible
        return parts[0]

    def of(self, node: nodes.Node, given: Given = (), before: Sequence[nodes.Assign] = ()) -> Schema | None:
        """Answers for which ``node`` is true, where ``given`` holds and ``before`` was assigned."""
        if node in given:
            return True
        found = self._logic(node, given, before)
        return self._tried(node, given, before) if found is None else found

    def choices(self, question: Question) -> tuple[Any, ...]:
        """The values to choose from; empty where anything goes."""
        if isinstance(question.choices, tuple):
            return question.choices
        return tuple(yaml.safe_load(self._template.render(question.choices, self._facts)))

    def explained(self, question: Question) -> dict[str, str]:
        """What each choice means, where copier.yml says so."""
        if not isinstance(question.explains, str):
            return {str(choice): str(words) for choice, words in question.explains.items()}
        return dict(yaml.safe_load(self._template.render(question.explains, self._facts)))

    def default(self, question: Question) -> Any:
        """The default, where it depends on no answer; ``MISSING`` where it does or there is none."""
        if not isinstance(question.default, str):
            return question.default
        tree = self._template.environment.parse(question.default)
        names = {name.name for name in tree.find_all(nodes.Name)}
        return MISSING if names - set(self._facts) else self._cast(question, self._facts)

    def _cast(self, question: Question, context: dict[str, Any]) -> Any:
        return question.cast(self._template.render(str(question.default), context))

    # --- and, or, not, and what stands between them ---

    def _logic(self, node: nodes.Node, given: Given, before: Sequence[nodes.Assign]) -> Schema | None:
        if isinstance(node, nodes.Not):
            inner = self.of(node.node, given, before)
            return None if inner is None else negated(inner)
        if isinstance(node, nodes.And):
            return self._both(list(_conjuncts(node)), given, before)
        if isinstance(node, nodes.Or):
            sides = [self.of(node.left, given, before), self.of(node.right, given, before)]
            return None if None in sides else any_of(side for side in sides if side is not None)
        return self._statement(node, given, before)

    def _both(self, parts: list[nodes.Node], given: Given, before: Sequence[nodes.Assign]) -> Schema | None:
        schemas: list[Schema] = []
        for number, part in enumerate(parts):
            schema = self.of(part, (*given, *parts[:number]), before)
            if schema is None:
                return None
            schemas.append(schema)
        return all_of(schemas)

    def _statement(self, node: nodes.Node, given: Given, before: Sequence[nodes.Assign]) -> Schema | None:
        try:
            return bool(self.constant(node, before))
        except nodes.Impossible:
            pass
        question = self._questions.get(node.name) if isinstance(node, nodes.Name) else None
        if question is not None and question.computed:
            return self._computed(question, given)
        if question is not None and question.type == "bool":
            return self._holds(question, Predicate({"const": True}, lambda value: value is True), given)
        said = predicate(node, lambda part: self.constant(part, before))
        if said is None or said[0] not in self._questions:
            return None
        question = self._questions[said[0]]
        if isinstance(node, nodes.Test) and node.name in _IMPLIED.get(question.container or question.type, ()):
            return True
        return self._holds(question, said[1], given)

    def _computed(self, question: Question, given: Given) -> Schema | None:
        """A computed value that is one expression is what that expression says."""
        try:
            return self.of(self.expression(str(question.default)), given)
        except nodes.Impossible:
            return None

    # --- one answer, given or default ---

    def _holds(self, question: Question, said: Predicate, given: Given) -> Schema | None:
        if not question.public:
            return None
        unknown = [part for part in self.assumed(question) if part not in given]
        applies = self._both(unknown, given, ())
        default = self._default_holds(question, said, (*given, *unknown))
        if applies is None or default is None:
            return None
        if isinstance(default, bool):
            within = answered(question.name, said.schema, or_absent=default)
        else:
            left_out: Schema = {"not": {"required": [question.name]}}
            within = any_of([answered(question.name, said.schema, or_absent=False), all_of([left_out, default])])
        if applies is True:
            return within
        otherwise = self._default_holds(question, said, given)  # what does not apply is left out
        if otherwise is None:
            return None
        return any_of([all_of([applies, within]), all_of([negated(applies), otherwise])])

    def _default_holds(self, question: Question, said: Predicate, given: Given) -> Schema | None:
        if question.default is MISSING:
            return False  # then it is missing, and refused for that
        default = self.default(question)
        if default is not MISSING:
            return said.holds(default)
        try:
            return self._derived(question, self.expression(str(question.default)), said, given)
        except nodes.Impossible:
            return None

    def _derived(self, question: Question, node: nodes.Expr, said: Predicate, given: Given) -> Schema | None:
        """A default that is another answer, or one of two by a condition."""
        if isinstance(node, nodes.Name) and node.name in self._questions:
            return self._holds(self._questions[node.name], said, given)
        if not isinstance(node, nodes.CondExpr) or node.expr2 is None:
            try:
                return said.holds(question.cast(str(self.constant(node))))
            except (nodes.Impossible, ValueError):
                return None
        test = self.of(node.test, given)
        first = self._derived(question, node.expr1, said, given)
        second = self._derived(question, node.expr2, said, given)
        if test is None or first is None or second is None:
            return None
        return any_of([all_of([test, first]), all_of([negated(test), second])])

    # --- constants ---

    def constant(self, node: nodes.Node, before: Sequence[nodes.Assign] = ()) -> Any:
        """The value of an expression that depends on the platform at most. Raises ``nodes.Impossible``."""
        if not isinstance(node, nodes.Expr):
            raise nodes.Impossible
        try:
            return node.as_const()
        except nodes.Impossible:
            pass
        needed = self._needed(node, before)
        if _names([node, *needed]) - set(self._facts) - _assigned(needed):
            raise nodes.Impossible
        return self._evaluated(node, needed, self._facts)

    def _needed(self, node: nodes.Node, before: Sequence[nodes.Assign]) -> list[nodes.Assign]:
        """Those of the assignments ``before`` that ``node`` depends on."""
        needed: list[nodes.Assign] = []
        for assign in reversed(before):
            if _assigned([assign]) & _names([node, *needed]):
                needed.insert(0, assign)
        return needed

    def _evaluated(self, node: nodes.Expr, before: Sequence[nodes.Assign], context: dict[str, Any]) -> Any:
        result = nodes.Assign(nodes.Name("result", "store", lineno=1), node, lineno=1)
        tree = nodes.Template([*before, result], lineno=1)
        tree.set_environment(self._template.environment)
        return TemplateExpression(self._template.environment.from_string(tree), undefined_to_none=False)(context)

    # --- combinations of choices, tried one by one ---

    def _tried(self, node: nodes.Node, given: Given, before: Sequence[nodes.Assign]) -> Schema | None:
        """An expression over a few questions with few answers each: the combinations for which it is true."""
        if not isinstance(node, nodes.Expr):
            return None
        needed = self._needed(node, before)
        names = _names([node, *needed]) - set(self._facts) - _assigned(needed)
        asked = [question for name, question in self._questions.items() if name in names]
        domains = [self._domain(question, given) for question in asked]
        number = reduce(lambda total, domain: total * len(domain), domains, 1)
        if len(asked) < len(names) or not asked or not all(domains) or number > _MOST:
            return None
        true: list[tuple[Any, ...]] = []
        for values in product(*domains):
            context = self._completed(asked, values)
            if context is None:
                return None
            if self._evaluated(node, needed, context):
                true.append(values)
        return _cover([question.name for question in asked], true)

    def _domain(self, question: Question, given: Given) -> list[Any]:
        """All answers to a question, being left out among them; none where there are too many."""
        if not question.public or any(part not in given for part in self.assumed(question)):
            return []
        values = [True, False] if question.type == "bool" else list(self.choices(question))
        return [*values, ABSENT] if values and question.default is not MISSING else values

    def _completed(self, asked: Sequence[Question], values: Sequence[Any]) -> dict[str, Any] | None:
        """These answers, and defaults for those that were left out; None where a default needs other answers."""
        context = dict(self._facts)
        for question, value in zip(asked, values, strict=True):
            if value is ABSENT:
                tree = self._template.environment.parse(str(question.default))
                if _names([tree]) - set(context):
                    return None
                value = self._cast(question, context)
            context[question.name] = value
        return context


_IMPLIED = {"int": ("integer",), "str": ("string",), "object": ("mapping",), "bool": ("boolean",)}
"""What the type of a question says already."""


def _conjuncts(node: nodes.Node) -> Iterator[nodes.Node]:
    if isinstance(node, nodes.And):
        yield from _conjuncts(node.left)
        yield from _conjuncts(node.right)
    else:
        yield node


def _names(trees: Sequence[nodes.Node]) -> set[str]:
    """Variables that are read."""
    found = [name for tree in trees for name in (*tree.find_all(nodes.Name), tree)]
    return {name.name for name in found if isinstance(name, nodes.Name) and name.ctx == "load"}


def _assigned(assigns: Sequence[nodes.Assign]) -> set[str]:
    return {assign.target.name for assign in assigns if isinstance(assign.target, nodes.Name)}


def _cover(names: Sequence[str], true: Sequence[tuple[Any, ...]]) -> Schema:
    """Answers with one of these combinations of values, those together that go on alike."""
    if not names:
        return bool(true)
    rest: dict[Any, list[tuple[Any, ...]]] = {}
    for first, *others in true:
        rest.setdefault(first, []).append(tuple(others))
    alike: list[tuple[list[Any], list[tuple[Any, ...]]]] = []
    for value, others in rest.items():
        same = next((values for values, found in alike if found == others), None)
        if same is None:
            alike.append(([value], others))
        else:
            same.append(value)
    return any_of(all_of([one_of_values(names[0], values), _cover(names[1:], others)]) for values, others in alike)
