"""The servers' own descriptions, and whether an exchange keeps to them."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from generator.sandbox import Exchange

FOLDER = Path(__file__).parents[2] / "shared" / "contracts"
MISSING = "the contracts of the three servers are not beside this checkout (../shared/contracts)"
PREFIX = {"forgejo": "/api/v1", "github": "/api/v3", "woodpecker": "/api"}


@dataclass
class Contract:
    """One server's description."""

    system: str
    document: dict[str, Any]
    registry: Registry[Any]
    seen: set[tuple[str, str]] = field(default_factory=set)

    def operation(self, method: str, path: str) -> tuple[str, dict[str, Any]] | None:
        """The described path and operation of a request; the one with the fewest parameters wins."""
        found = []
        for template, item in self.document["paths"].items():
            pattern = re.sub(r"\\\{(filepath|repo_full_name|path|ref|branch)\\\}", "(.+)", re.escape(template))
            pattern = re.sub(r"\\\{[a-z_]+\\\}", "([^/]+)", pattern)
            if re.fullmatch(pattern, path) and method.lower() in item:
                found.append((template.count("{"), template, item[method.lower()]))
        if not found:
            return None
        _, template, operation = min(found, key=lambda item: (item[0], -len(item[1])))
        self.seen.add((method, template))
        return template, operation

    def problems(self, exchange: Exchange) -> list[str]:
        """How an exchange departs from the description."""
        where = f"{self.system} {exchange.method} {exchange.path} {exchange.status}"
        found = self.operation(exchange.method, exchange.path.removeprefix(PREFIX[self.system]))
        if found is None:
            return [f"{where}: no such operation"]
        _, operation = found
        problems = []
        sent = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
        if exchange.request_body and sent:
            problems += [f"{where}: sent {told}" for told in self._check(sent, json.loads(exchange.request_body))]
        answers = operation["responses"]
        answer = self._resolve(answers.get(str(exchange.status), answers.get("default", {})))
        schema = answer.get("content", {}).get("application/json", {}).get("schema")
        if schema and exchange.response_body and "json" in exchange.response_content_type:
            problems += [
                f"{where}: answered {told}" for told in self._check(schema, json.loads(exchange.response_body))
            ]
        if exchange.status < 400 and str(exchange.status) not in answers:
            problems.append(f"{where}: this status is not described")
        return problems

    def _resolve(self, item: dict[str, Any]) -> dict[str, Any]:
        if "$ref" not in item:
            return item
        place: Any = self.document
        for part in item["$ref"].removeprefix("#/").split("/"):
            place = place[part]
        return dict(place)

    def _check(self, schema: dict[str, Any], body: Any) -> list[str]:
        validator = _validator(self.system, json.dumps(schema))
        return [f"{error.json_path}: {error.message[:200]}" for error in validator.iter_errors(body)]


@cache
def _validator(system: str, schema: str) -> Draft202012Validator:
    absolute = json.loads(schema.replace('"#/', f'"urn:{system}#/'))
    return Draft202012Validator(absolute, registry=contract(system).registry)


@cache
def contract(system: str) -> Contract:
    """The description of forgejo, github or woodpecker."""
    document = json.loads((FOLDER / f"{system}.json").read_text())
    resource = Resource.from_contents(document, DRAFT202012)
    registry: Registry[Any] = Registry().with_resource(f"urn:{system}", resource)
    return Contract(system, document, registry)
