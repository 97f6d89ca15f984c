"""Forgejo's rules on branches; only administrators of a repository see and change them."""

# ruff: noqa: ARG002 - every handler is called in the same way

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

from generator.sandbox.forgejo.errors import ForgejoError, not_found
from generator.sandbox.forgejo.rules import Rule
from generator.sandbox.forgejo.state import now
from generator.sandbox.messages import Request, Response, json_response, route

if TYPE_CHECKING:
    from generator.sandbox.forgejo.application import Caller, Forgejo


class RulesApi:
    """Handlers for /repos/{owner}/{repo}/branch_protections."""

    def __init__(self, forgejo: Forgejo) -> None:
        self._forgejo = forgejo

    @route("GET", "/repos/<owner>/<repo>/branch_protections")
    def rules(self, request: Request, caller: Caller, owner: str, repo: str) -> Response:
        """All rules."""
        repository = self._forgejo.administered(caller, owner, repo)
        return json_response(200, [rule.view() for rule in repository.rules])

    @route("POST", "/repos/<owner>/<repo>/branch_protections")
    def create(self, request: Request, caller: Caller, owner: str, repo: str) -> Response:
        """Add a rule; 403 where one of that name exists."""
        repository = self._forgejo.writable(caller, owner, repo)
        asked = request.json_object()
        name = str(asked.get("rule_name") or asked.get("branch_name") or "")
        if not name:
            raise ForgejoError(400, "both rule_name and branch_name are empty")
        if any(rule.rule_name == name for rule in repository.rules):
            raise ForgejoError(403, "Branch protection already exist")
        known = {item.name for item in fields(Rule)}
        given = {key: value for key, value in asked.items() if key in known and value is not None}
        rule = Rule(**{**given, "rule_name": name, "created_at": now()})
        repository.rules.append(rule)
        return json_response(201, rule.view())

    @route("DELETE", "/repos/<owner>/<repo>/branch_protections/<path:name>")
    def delete(self, request: Request, caller: Caller, owner: str, repo: str, name: str) -> Response:
        """Take a rule away."""
        repository = self._forgejo.writable(caller, owner, repo)
        if not any(rule.rule_name == name for rule in repository.rules):
            raise not_found()
        repository.rules = [rule for rule in repository.rules if rule.rule_name != name]
        return Response(204)
