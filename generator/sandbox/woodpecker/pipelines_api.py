"""Woodpecker's pipelines: started by hand when the repository's configuration says so."""

# ruff: noqa: ARG002 - every handler is called in the same way

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

from generator.sandbox.github.state import Repository as GitHubRepository
from generator.sandbox.messages import Request, Response, json_response, page_of, route
from generator.sandbox.repositories import Commit
from generator.sandbox.woodpecker.errors import WoodpeckerError
from generator.sandbox.woodpecker.state import Repository, timestamp

if TYPE_CHECKING:
    from generator.sandbox.woodpecker.application import Caller, Woodpecker


class PipelinesApi:
    """Handlers for /repos/{id}/pipelines."""

    def __init__(self, woodpecker: Woodpecker) -> None:
        self._woodpecker = woodpecker

    @route("GET", "/repos/<number>/pipelines")
    def pipelines(self, request: Request, caller: Caller, number: str) -> Response:
        """A repository's pipelines, newest first, without their workflows."""
        row = self._woodpecker.row(caller, number)
        page = page_of(row.pipelines[::-1], request, size_name="perPage", default=50, maximum=50)
        shown = [{key: value for key, value in entry.items() if key != "workflows"} for entry in page]
        return json_response(200, shown)

    @route("GET", "/repos/<number>/pipelines/<pipeline>")
    def pipeline(self, request: Request, caller: Caller, number: str, pipeline: str) -> Response:
        """A pipeline by number, or ``latest``."""
        row = self._woodpecker.row(caller, number)
        if pipeline == "latest":
            pipeline = str(len(row.pipelines))
        if not pipeline.isdigit():
            raise WoodpeckerError(400, f'strconv.ParseInt: parsing "{pipeline}": invalid syntax')
        if not 1 <= int(pipeline) <= len(row.pipelines):
            raise WoodpeckerError(404, "sql: no rows in result set")
        return json_response(200, row.pipelines[int(pipeline) - 1])

    @route("POST", "/repos/<number>/pipelines")
    def start(self, request: Request, caller: Caller, number: str) -> Response:
        """Run the branch's manual pipelines: 200 with the pipeline, or 204 when none is meant for this event."""
        row = self._woodpecker.row(caller, number)
        user = self._woodpecker.signed_in(caller)
        asked = request.json_object()
        variables = asked.get("variables") or {}
        if not all(isinstance(value, str) for value in variables.values()):
            raise WoodpeckerError(400, "json: cannot unmarshal into Go struct field PipelineOptions.variables")
        entry = self._woodpecker.on_forge(row.forge_remote_id)
        branch = str(asked.get("branch") or row.default_branch)
        sha = entry.bare.heads().get(branch) if entry is not None else None
        if entry is None or sha is None:
            raise WoodpeckerError(500)
        configurations = _configurations(entry, sha)
        if not configurations:
            return Response(204)
        chosen = {name: text for name, text in configurations.items() if _runs_by_hand(text)}
        if not chosen:
            return Response(204, headers={"Pipeline-Filtered": "true"})
        commit = entry.bare.log(sha, limit=1)[0]
        pipeline = self._pipeline(row, branch, commit, user) | {"variables": variables}
        pipeline["workflows"] = [_workflow(index, name) for index, name in enumerate(chosen, start=1)]
        row.pipelines.append(pipeline)
        return json_response(200, pipeline)

    def _pipeline(self, row: Repository, branch: str, commit: Commit, user: str) -> dict[str, Any]:
        moment = timestamp()
        return {
            "id": next(self._woodpecker.pipeline_ids),
            "number": len(row.pipelines) + 1,
            "author": user,
            "author_avatar": "",
            "author_email": commit.author_email,
            "branch": branch,
            "changed_files": [],
            "commit": commit.sha,
            **dict.fromkeys(("created", "updated", "started", "finished", "timestamp"), moment),
            "deploy_task": "",
            "deploy_to": "",
            "errors": None,
            "event": "manual",
            "event_reason": None,
            "forge_url": f"{self._woodpecker.github.views.web}/{row.full_name}/commit/{commit.sha}",
            "from_fork": False,
            "message": "MANUAL PIPELINE @ " + branch,
            "parent": 0,
            "ref": f"refs/heads/{branch}",
            "refspec": "",
            "reviewed": 0,
            "reviewed_by": "",
            "sender": user,
            "status": "success",
            "title": "",
        }


def _configurations(entry: GitHubRepository, sha: str) -> dict[str, bytes]:
    entries = entry.bare.entries(sha, ".woodpecker/") or entry.bare.entries(sha, ".woodpecker.yml")
    files = [found for found in entries if found.kind == "blob" and found.path.endswith((".yml", ".yaml"))]
    return {found.path: entry.bare.blob(found.sha) for found in files}


def _runs_by_hand(text: bytes) -> bool:
    try:
        parsed = yaml.safe_load(text)
    except yaml.YAMLError:
        return False
    conditions = parsed.get("when") if isinstance(parsed, dict) else None
    if conditions is None:
        # Without a condition a workflow runs for every event.
        return isinstance(parsed, dict)
    entries = conditions if isinstance(conditions, list) else [conditions]
    return any(_allows_manual(entry) for entry in entries if isinstance(entry, dict))


def _allows_manual(condition: dict[str, Any]) -> bool:
    events = condition.get("event")
    if events is None:
        return True
    return "manual" in (events if isinstance(events, list) else [events])


def _workflow(index: int, path: str) -> dict[str, Any]:
    name = path.rpartition("/")[2].rpartition(".")[0]
    moment = timestamp()
    shared = {"state": "success", "started": moment, "finished": moment}
    step = {"id": index, "uuid": f"step-{index}", "pid": 2, "ppid": 1, "name": "deploy", "exit_code": 0}
    children = [step | shared | {"type": "commands"}]
    return {"id": index, "pid": 1, "name": name, "environ": {}, **shared, "children": children}
