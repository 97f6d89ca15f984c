"""Answers on their way, each with where it comes from, and what there is to say about them."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from generator.base.findings import Finding, FindingKind
from generator.base.secrets import learn
from generator.lifecycle.importing.nodes import Node

MERGED = ("env", "secrets")
"""Maps of which a person gives single entries."""


@dataclass
class Draft:
    """The answers of one service. ``given`` are a person's own, which win. ``origins``: by question, or by entry of
    one (``env.TZ``)."""

    given: Mapping[str, Any] = field(default_factory=dict)
    answers: dict[str, Any] = field(default_factory=dict)
    origins: dict[str, str] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.answers.update(copy.deepcopy(dict(self.given)))
        self._variables = {key for name in MERGED for key in self._map(name)}

    def put(self, question: str, value: Any, node: Node | None, *, assumed: str = "") -> None:
        """An answer. ``assumed`` says what is assumed where the file says less."""
        if question not in self.given:
            self.answers[question] = value
            self._note(question, node, assumed)

    def put_entry(self, question: str, key: str, value: Any, node: Node | None, *, assumed: str = "") -> None:
        """An entry of an answer that is a map."""
        if key not in self._variables and self._can_be_merged(question):
            self.answers.setdefault(question, {})[key] = value
            self._note(f"{question}.{key}", node, assumed)

    def put_item(self, question: str, value: dict[str, Any], node: Node, *, assumed: str = "") -> None:
        """An item, with a name, of an answer that is a list."""
        if question not in self.given:
            self.answers.setdefault(question, []).append(value)
            self._note(f"{question}.{value['name']}", node, assumed)

    def assume(self, place: str, message: str, node: Node | None = None) -> None:
        """Something that is taken for granted, and that a person may know better."""
        if place not in self.given:
            self._say("assumed", place, message, node)

    def miss(self, place: str, message: str, node: Node | None = None) -> None:
        """Something that a person has to answer."""
        if not self._is_given(place):
            self._say("missing", place, message, node)

    def omit(self, place: str, message: str, node: Node | None = None) -> None:
        """Something that the answers can't say."""
        self._say("unexpressed", place, message, node)

    def refuse(self, place: str, reason: str) -> None:
        """An answer that ``create`` would not take, and that a person gives in another form."""
        self.findings = [item for item in self.findings if not (item.kind == "origin" and item.question == place)]
        self.report("missing", place, f"what the file says is not possible here: {reason}")

    def secret(self, variable: str, node: Node, value: str, message: str) -> None:
        """A variable whose value Vault keeps. The value is known from now on, and masked."""
        place = f"secrets.{variable}"
        if variable in self._variables or not self._can_be_merged("secrets"):
            learn(value, variable)
            return
        self.answers.setdefault("secrets", {})[variable] = property_of(variable)
        self.origins[place] = node.origin
        self.keep_back(value, place, message, node)

    def keep_back(self, value: str, place: str, message: str, node: Node) -> None:
        """A value that is a secret: it is reported without the value, which is masked from now on."""
        learn(value, place.rpartition(".")[2])
        self._say("secret", place, message, node)

    def report(self, kind: FindingKind, place: str, message: str) -> None:
        """Something about an answer, with the origin that is known of it."""
        origin = self.origins.get(place, self.origins.get(place.partition(".")[0], ""))
        finding = Finding(kind, place, message, origin)
        if finding not in self.findings:
            self.findings.append(finding)

    def gave(self, question: str, key: str) -> bool:
        """Whether a person gave this entry of an answer."""
        return key in self._map(question)

    @property
    def missing(self) -> tuple[Finding, ...]:
        """What a person has to answer."""
        return tuple(finding for finding in self.findings if finding.kind == "missing")

    def _note(self, place: str, node: Node | None, assumed: str) -> None:
        if node is not None:
            self.origins[place] = node.origin
            self._say("origin", place, f"{place} is from {node.origin}", node)
            if node.defaults and not assumed:
                assumed = f"nothing sets {' and '.join(node.defaults)}, so the file's own default is taken"
        if assumed:
            self._say("assumed", place, assumed, node)

    def _say(self, kind: FindingKind, place: str, message: str, node: Node | None) -> None:
        finding = Finding(kind, place, message, node.origin if node is not None else "")
        if finding not in self.findings:
            self.findings.append(finding)

    def _is_given(self, place: str) -> bool:
        question, _, entry = place.partition(".")
        if question in MERGED or entry:
            return entry in self._variables or (question not in MERGED and question in self.given)
        return question in self.given

    def _can_be_merged(self, question: str) -> bool:
        return isinstance(self.answers.get(question, {}), dict)

    def _map(self, question: str) -> Mapping[str, Any]:
        found = self.given.get(question)
        return found if isinstance(found, Mapping) else {}


def property_of(variable: str) -> str:
    """The property in Vault for a variable."""
    name = variable.lower().strip("_")
    return name if name[:1].isalpha() else f"value_{name}"
