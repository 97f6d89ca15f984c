"""Exchanges held against the servers' own descriptions (OpenAPI 3.1), where these are at hand."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from generator.sandbox import Exchange

FOLDER = Path(__file__).parents[2] / "shared" / "contracts"
_PREFIXES = {"forgejo": "/api/v1", "github": "/api/v3", "woodpecker": "/api"}
_LEFT_OUT = re.compile(r"(forgejo|github) GET /api/.*/(issues|releases|git/matching-refs/.*)$")
"""Official operations that the descriptions at hand, which are cut down, leave out."""

_SAID_IN_CODE = re.compile(r"woodpecker .* None is not of type 'array'$")
"""Woodpecker says null for an empty list; its description can't say so everywhere."""

_WITH_SLASHES = frozenset({"filepath", "branch", "ref", "path", "repo_full_name", "org_full_name", "head"})


class Contract:
    """One server's description."""

    def __init__(self, system: str) -> None:
        self.system = system
        self._document = json.loads((FOLDER / f"{system}.json").read_text())
        resource = Resource.from_contents(self._document, default_specification=DRAFT202012)
        self._registry: Registry[Any] = Registry().with_resource(f"urn:{system}", resource)
        self._validators: dict[str, Draft202012Validator] = {}
        self._paths = sorted(self._document["paths"], key=lambda path: (path.count("{"), -len(path)))

    def operation(self, exchange: Exchange) -> tuple[str, dict[str, Any]] | None:
        """The described operation of an exchange; None when the description does not have it."""
        path = exchange.path.removeprefix(_PREFIXES[self.system])
        for template in self._paths:
            found = self._document["paths"][template].get(exchange.method.lower())
            if found is not None and _pattern(template).fullmatch(path):
                return f"{exchange.method} {template}", found
        return None

    def problems(self, exchange: Exchange, operation: dict[str, Any]) -> list[str]:
        """What is wrong with the request and the answer of an exchange."""
        return [*self._sent(exchange, operation), *self._answered(exchange, operation)]

    def _sent(self, exchange: Exchange, operation: dict[str, Any]) -> list[str]:
        schema = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
        if not schema or not exchange.request_body or exchange.status in (400, 422):
            return []
        return [f"sent {completed}" for completed in self._errors(schema, exchange.request_body)]

    def _answered(self, exchange: Exchange, operation: dict[str, Any]) -> list[str]:
        responses = operation["responses"]
        if exchange.status < 400 and str(exchange.status) not in responses:
            return ["a status that is not described"]
        default = self._resolve(responses["default"])
        response = self._resolve(responses.get(str(exchange.status), default))
        # Some errors are declared by their status alone; their body is the one of all errors.
        content = response.get("content") or (default["content"] if exchange.status >= 400 else {})
        kind = exchange.response_content_type.partition(";")[0]
        if not exchange.response_body:
            return []
        if kind not in content:
            declared = ", ".join(content) or "no body"
            return [f"{kind} where {declared} is described"]
        if kind != "application/json":
            return []
        return self._errors(content[kind]["schema"], exchange.response_body)

    def _errors(self, schema: Any, body: bytes) -> list[str]:
        key = json.dumps(schema)
        if key not in self._validators:
            self._validators[key] = Draft202012Validator(self._absolute(schema), registry=self._registry)
        errors = self._validators[key].iter_errors(json.loads(body))
        return [f"{'/'.join(map(str, error.absolute_path))}: {error.message[:200]}" for error in errors]

    def _resolve(self, value: dict[str, Any]) -> dict[str, Any]:
        if "$ref" not in value:
            return value
        found: Any = self._document
        for part in value["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        return dict(found)

    def _absolute(self, schema: Any) -> Any:
        if isinstance(schema, list):
            return [self._absolute(entry) for entry in schema]
        if not isinstance(schema, dict):
            return schema
        return {
            key: f"urn:{self.system}{value}" if key == "$ref" else self._absolute(value)
            for key, value in schema.items()
        }


def check(exchanges: Iterable[Exchange], *, complete: bool = False) -> tuple[set[str], list[str]]:
    """The described operations that were used, and every violation found in requests and answers.

    ``complete``: an operation that no description has is a violation too.
    """
    contracts = {system: Contract(system) for system in _PREFIXES}
    used: set[str] = set()
    problems: list[str] = []
    for exchange in exchanges:
        contract = contracts.get(exchange.system)
        found = contract.operation(exchange) if contract and exchange.path.startswith("/api/") else None
        if contract is None or found is None:
            asked = f"{exchange.system} {exchange.method} {exchange.path}"
            if complete and contract and exchange.path.startswith("/api/") and not _LEFT_OUT.match(asked):
                problems.append(f"{asked}: no such operation")
            continue
        name, operation = found
        used.add(f"{exchange.system} {name}")
        completed = contract.problems(exchange, operation)
        violated = [f"{exchange.system} {exchange.status} {name}: {problem}" for problem in completed]
        problems += [item for item in violated if not _SAID_IN_CODE.match(item)]
    return used, problems


def _pattern(template: str) -> re.Pattern[str]:
    parts = re.split(r"\{(\w+)\}", template)
    names = parts[1::2]
    texts = [re.escape(text) for text in parts[0::2]]
    groups = [".+" if name in _WITH_SLASHES else "[^/]+" for name in names]
    return re.compile("".join(text + group for text, group in zip(texts, [*groups, ""], strict=True)))
