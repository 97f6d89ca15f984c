"""The questions of ``copier.yml`` as objects. Pure: the file is read by ``template``, nothing is asked here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from generator.base.external import ExternalTextError, read_yaml
from generator.template.template import Template


class _Missing:
    def __repr__(self) -> str:
        return "MISSING"

    def __bool__(self) -> bool:
        return False


MISSING: Any = _Missing()
"""Represents a missing answer or default; None is an answer of its own."""

Kind = Literal["str", "int", "float", "bool", "json", "yaml", "path"]


@dataclass(frozen=True)
class Question:
    """One question: copier's keys, and ours (``group``, ``shape``, ``flag``, ``switches``, ``internal``, ``quiet``,
    ``examples``, ``offer``, ``explains``, ``suggest``, ``stateful``, ``opens``)."""

    name: str
    type: Kind
    help: str = ""
    default: Any = MISSING
    choices: tuple[Any, ...] | str = ()
    when: str | bool = True
    ask: str | bool = True
    validator: str = ""
    placeholder: str = ""
    examples: tuple[Any, ...] = ()
    offer: str = ""
    explains: Mapping[Any, str] | str = field(default_factory=dict)
    suggest: str = ""
    stateful: str = ""
    opens: str = ""
    group: str = ""
    shape: dict[str, Any] | None = None
    flag: str = ""
    switches: Mapping[str, Any] = field(default_factory=dict)
    internal: bool = False
    quiet: bool = False

    @property
    def computed(self) -> bool:
        """A value that is derived, never asked and never recorded."""
        return self.when is False

    @property
    def public(self) -> bool:
        """Whether people and agents can answer it."""
        return not self.computed and not self.internal

    @property
    def option(self) -> str:
        """The command line's flag."""
        return "--" + (self.flag or self.name.replace("_", "-"))

    @property
    def summary(self) -> str:
        """The help up to its first colon or semicolon: what follows is about single choices, which are then explained
        beside it. A rule of docs/reference/questions.md."""
        return _first_clause(self.help) + "."

    @property
    def structured(self) -> bool:
        """Whether the answer can be a list or a map."""
        return self.type in ("json", "yaml")

    @property
    def container(self) -> Literal["object", "array"] | None:
        """``object`` or ``array`` where every answer is one; None where a plain value is possible."""
        kind = (self.shape or {}).get("type")
        if kind == "object":
            return "object"
        return "array" if kind == "array" else None

    def cast(self, value: Any) -> Any:
        """Bring a value given as text to the question's type, as copier would.

        Raises ``ValueError`` when it can't be one.
        """
        if isinstance(value, str):
            return self._cast_text(value)
        wrong_number = self.type == "int" and (isinstance(value, bool) or not isinstance(value, int))
        wrong_bool = self.type == "bool" and not isinstance(value, bool)
        if wrong_number or wrong_bool or self.type in ("str", "path"):
            raise ValueError(f"must be {_NOUN[self.type]}")
        return value

    def _cast_text(self, value: str) -> Any:
        if self.type in ("str", "path"):
            return value
        try:
            parsed = read_yaml(value)
        except ExternalTextError as error:
            raise ValueError(f"is not valid YAML: {error}") from None
        if isinstance(parsed, int) and not isinstance(parsed, bool) and not _DECIMAL.fullmatch(value.strip()):
            raise ValueError("must be a whole number in plain digits, without a zero before it")  # YAML's 0123 is 83
        if self.structured:
            return value if parsed is None and value else parsed
        if self.type == "int" and isinstance(parsed, int) and not isinstance(parsed, bool):
            return parsed
        if self.type == "bool" and isinstance(parsed, bool):
            return parsed
        if self.type == "float" and isinstance(parsed, int | float):
            return float(parsed)
        raise ValueError(f"must be {_NOUN[self.type]}")


_DECIMAL = re.compile(r"[+-]?(0|[1-9][0-9]*)")

_NOUN = {
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "str": "text",
    "path": "a path",
}


def load_questions(template: Template) -> tuple[Question, ...]:
    """All questions of the template in the order in which they are asked: the same objects each time."""
    found: tuple[Question, ...] | None = template.memory.get(Question)
    if found is None:
        items = template.config.items()
        found = tuple(_question(name, details, template) for name, details in items if not name.startswith("_"))
        template.memory[Question] = found
    return found


def _question(name: str, details: Any, template: Template) -> Question:
    if not isinstance(details, dict):
        details = {"default": details}
    choices = template.fixed(details.get("choices", ()))
    if isinstance(choices, dict):
        choices = list(choices.values())
    return Question(
        name=name,
        type=details.get("type") or _type_of(details.get("default", "")),
        help=" ".join(str(details.get("help", "")).split()),
        default=details.get("default", MISSING),
        choices=choices if isinstance(choices, str) else tuple(choices),
        when=details.get("when", True),
        ask=details.get("ask", True),
        validator=details.get("validator", ""),
        placeholder=details.get("placeholder", ""),
        examples=tuple(details.get("examples", ())),
        offer=details.get("offer") or _own_offer(details),
        explains=template.fixed(details.get("explains", {})),
        suggest=details.get("suggest", ""),
        stateful=details.get("stateful", ""),
        opens=details.get("opens", ""),
        group=details.get("group", "Service"),
        shape=template.shapes[details["shape"]] if "shape" in details else None,
        flag=details.get("flag", ""),
        switches=details.get("switches", {}),
        internal=details.get("internal", False),
        quiet=details.get("quiet", False),
    )


def _own_offer(details: Mapping[str, Any]) -> str:
    """What an empty list or map that is asked for is offered as: templates before 2.1.0 have no ``offer``."""
    asked = details.get("ask", True) is True and details.get("when", True) is not False
    return (
        _first_clause(" ".join(str(details.get("help", "")).split()))
        if asked and details.get("default") in ({}, [])
        else ""
    )


def _first_clause(text: str) -> str:
    return re.split(r"[:;]", text, maxsplit=1)[0].rstrip(".")


def _type_of(default: Any) -> Kind:
    """Copier's rule: the default's own type, else YAML."""
    names: dict[type, Kind] = {bool: "bool", int: "int", float: "float", str: "str"}
    return names.get(type(default), "yaml")
