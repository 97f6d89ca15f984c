"""The same request to a real server and to the sandbox's stand-in, and what their answers have in common."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from generator.sandbox.messages import JSON, Request, Response
from tests.live.platform import ask

Application = Callable[[Request], Response]


@dataclass
class Side:
    """One of the two: the application, who may ask it, and what things are called there."""

    application: Application
    prefix: str
    people: dict[str, str]
    names: dict[str, str] = field(default_factory=dict)
    header: str = "authorization"

    def ask(self, who: str, method: str, path: str, **options: Any) -> Response:
        """One request; ``{NAME}`` in the path stands for what this side calls it."""
        address, credential = self.prefix + self._filled(path), self.people.get(who, "")
        return ask(self.application, method, address, credential, header=self.header, **options)

    def number(self, name: str, response: Response) -> None:
        """Remember the identifier that an answer gives."""
        self.names[name] = str(json.loads(response.body)["id"])

    def _filled(self, path: str) -> str:
        return re.sub(r"{(\w+)}", lambda found: self.names[found.group(1)], path)


Pair = tuple[Side, Side]
"""A real server, and the sandbox's stand-in."""


@dataclass(frozen=True)
class Seen:
    """What is compared of an answer: its status, its kind, and the shape or the text of its body."""

    status: int
    kind: str
    body: Any


def seen(response: Response, side: Side, *, whole_text: bool = True) -> Seen:
    """What is compared of an answer: JSON by its shape, text with this side's names taken out, pages not at all."""
    kind = response.content_type.partition(";")[0].strip()
    if not response.body:
        return Seen(response.status, kind, "")
    if kind == JSON:
        return Seen(response.status, kind, shape(json.loads(response.body)))
    if kind == "text/html":
        return Seen(response.status, kind, "a page")
    return Seen(response.status, kind, _plain(response.body.decode(), side) if whole_text else "a text")


# A user's second name is gone since version 14, and whether there is anything in the wiki is newer than 13.
EVOLVING = frozenset({"has_wiki_contents", "username"})


def both(pair: Pair, who: str, method: str, path: str, *, but: tuple[str, ...] = (), **options: Any) -> Seen:
    """What a real Forgejo and its stand-in answer; they must agree, but for some keys of a list's entries."""
    real, stand_in = (seen(side.ask(who, method, path, **options), side) for side in pair)
    real, stand_in = (replace(completed, body=_lasting(completed.body)) for completed in (real, stand_in))
    for completed in (real, stand_in) if but else ():
        for entry in completed.body:
            for key in but:
                entry.pop(key)
    assert stand_in == real, f"{who}: {method} {path}: {stand_in}, and really {real}"
    return real


def _lasting(body: Any) -> Any:
    """A shape without the keys that come and go from one version to the next."""
    if isinstance(body, dict):
        return {key: _lasting(value) for key, value in body.items() if key not in EVOLVING}
    return [_lasting(value) for value in body] if isinstance(body, list) else body


def shape(value: Any) -> Any:
    """The form of a value: keys and types; a list by the forms of its entries."""
    if isinstance(value, dict):
        return {key: shape(item) for key, item in sorted(value.items())}
    if isinstance(value, list):
        forms = [shape(item) for item in value]
        return [form for index, form in enumerate(forms) if form not in forms[:index]]
    return type(value).__name__


def _plain(text: str, side: Side) -> str:
    for name, value in sorted(side.names.items(), key=lambda item: -len(item[1])):
        if len(value) > 3:
            text = text.replace(value, f"{{{name}}}")
    return text.strip()
