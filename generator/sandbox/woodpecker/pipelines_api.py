"""Woodpecker's pipelines: started by hand when the repository's configuration says so."""

# ruff: noqa: ARG002 - every handler is called in the same way

from __future__ import annotations

import copy
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import yaml

from generator.sandbox.github.state import Repository as GitHubRepository
from generator.sandbox.messages import Request, Response, json_response, page_of, route
from generator.sandbox.repositories import Commit
from generator.sandbox.woodpecker.errors import WoodpeckerError
from generator.sandbox.woodpecker.state import VERSION, Repository, timestamp

if TYPE_CHECKING:
    from generator.sandbox.woodpecker.application import Caller, Woodpecker

_WAITING = ("created", "pending", "blocked")
_SKIPS = re.compile(r"\[(?i:ci *skip|skip *ci)\]")
_GOING = ("created", "pending", "running", "blocked", "started")


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
        """A pipeline by number, or ``latest``, which is the newest one that a push began."""
        row = self._woodpecker.row(caller, number)
        if pipeline == "latest":
            pushed = [entry["number"] for entry in row.pipelines if entry["event"] == "push"]
            pipeline = str(max(pushed, default=0))
        return json_response(200, _numbered(row, pipeline))

    @route("POST", "/repos/<number>/pipelines/<pipeline>")
    def restart(self, request: Request, caller: Caller, number: str, pipeline: str) -> Response:
        """Run a pipeline again, as a new one with the same commit and variables. It has a number, never ``latest``."""
        row = self._woodpecker.pushed(caller, number)
        old = _numbered(row, pipeline)
        event = request.parameter("event")
        if event and event != "deployment":
            raise WoodpeckerError(400)
        if event and not row.settings.get("allow_deploy"):
            raise WoodpeckerError(403)
        if old["status"] == "blocked":
            raise WoodpeckerError(400, "cannot restart a pipeline with status blocked")
        moment = timestamp()
        again = copy.deepcopy(old) | {"id": next(self._woodpecker.pipeline_ids), "number": len(row.pipelines) + 1}
        again |= {"parent": old["number"], "rerun_count": old.get("rerun_count", 0) + 1}
        again |= dict.fromkeys(("created", "updated", "started", "finished"), moment) | (
            {"event": event} if event else {}
        )
        settle(again, self._woodpecker.new_status)
        row.pipelines.append(again)
        return json_response(200, again)

    @route("POST", "/repos/<number>/pipelines")
    def start(self, request: Request, caller: Caller, number: str) -> Response:
        """Run the branch's manual pipelines: 200 with the pipeline, or 204 if none is configured for this event."""
        row = self._woodpecker.pushed(caller, number)
        try:
            asked = request.json_object()
        except ValueError:
            raise WoodpeckerError(400) from None
        variables = asked.get("variables") or {}
        if not request.body or not all(isinstance(value, str) for value in variables.values()):
            raise WoodpeckerError(400)
        entry = self._woodpecker.on_forge(row.forge_remote_id)
        branch = str(asked.get("branch") or "")  # without one the forge is asked for a branch without a name
        sha = entry.bare.heads().get(branch) if entry is not None else None
        if entry is None or sha is None:
            raise WoodpeckerError(500)
        configurations = _configurations(entry, sha)
        if not configurations:
            return Response(204, headers={"Pipeline-Filtered": "true"})
        chosen = {name: text for name, text in configurations.items() if _runs_by_hand(text)}
        if not chosen:
            return Response(204, headers={"Pipeline-Filtered": "true"})
        commit = entry.bare.log(sha, limit=1)[0]
        pipeline = self._pipeline(row, branch, commit, caller.user) | ({"variables": variables} if variables else {})
        pipeline["workflows"] = [_workflow(index, name) for index, name in enumerate(chosen, start=1)]
        settle(pipeline, self._woodpecker.new_status)
        row.pipelines.append(pipeline)
        return json_response(200, pipeline)

    def _pipeline(self, row: Repository, branch: str, commit: Commit, user: str) -> dict[str, Any]:
        web = f"{self._woodpecker.github.views.web}/{row.full_name}"
        pipeline = new_pipeline(next(self._woodpecker.pipeline_ids), row, branch, commit.sha, user)
        return pipeline | {"author_email": commit.author_email, "forge_url": f"{web}/commit/{commit.sha}"}


class Pipelines:
    """Records pipelines that nobody started through the API, and how pipelines end."""

    def __init__(self, woodpecker: Woodpecker) -> None:
        self._woodpecker = woodpecker

    def record(
        self,
        full_name: str,
        variables: Mapping[str, str],
        *,
        status: str = "success",
        errors: Sequence[Mapping[str, Any]] | None = None,
        event: str = "manual",
        sha: str = "0" * 40,
        workflows: Sequence[str] = (".woodpecker/deploy.yml",),
    ) -> int:
        """A pipeline of the default branch; its number. Raises KeyError if there is no such registration."""
        with self._woodpecker.lock:
            row = self._woodpecker.repository(full_name)
            user = row.full_name.partition("/")[0]
            pipeline = new_pipeline(next(self._woodpecker.pipeline_ids), row, row.default_branch, sha, user)
            pipeline |= {"variables": dict(variables), "event": event}
            pipeline["workflows"] = [_workflow(index, name) for index, name in enumerate(workflows, start=1)]
            settle(pipeline, status, errors)
            row.pipelines.append(pipeline)
            return int(pipeline["number"])

    def on_push(self, full_name: str, remote: str, sha: str, message: str, files: Sequence[str]) -> None:
        """A push to the default branch of another forge's repository, where that is registered; the forge's hook."""
        with self._woodpecker.lock:
            rows = [row for row in self._woodpecker.repositories.values() if row.full_name == full_name]
            if not rows or rows[0].forge_remote_id != remote or not rows[0].active or _SKIPS.search(message):
                return
            workflows, status = [".woodpecker/default.yml"], self._woodpecker.merge_status
            self.record(full_name, {}, status=status, event="push", sha=sha, workflows=workflows)
            rows[0].pipelines[-1] |= {"changed_files": list(files), "message": message}

    def finish(
        self, full_name: str, number: int, status: str = "success", errors: Sequence[Mapping[str, Any]] | None = None
    ) -> None:
        """The state of a pipeline from now on; its workflows and steps take it too."""
        with self._woodpecker.lock:
            settle(self._woodpecker.repository(full_name).pipelines[number - 1], status, errors)


def _numbered(row: Repository, pipeline: str) -> dict[str, Any]:
    """A pipeline by its number. Raises 400 for what is no number, 404 for one that no pipeline has."""
    if not pipeline.removeprefix("-").isdigit():
        raise WoodpeckerError(400)
    if not 1 <= int(pipeline) <= len(row.pipelines):
        raise WoodpeckerError(404)
    return row.pipelines[int(pipeline) - 1]


def settle(pipeline: dict[str, Any], status: str, errors: Sequence[Mapping[str, Any]] | None = None) -> None:
    """Give a pipeline, its workflows and their steps a state."""
    ended = status not in _GOING
    moment = timestamp()
    pipeline |= {"status": status, "errors": list(errors) if errors is not None else None}
    pipeline |= {"updated": moment, "finished": moment if ended else 0}
    for workflow in pipeline["workflows"]:
        for part in (workflow, *workflow["children"]):
            part |= {"state": status, "pipeline_id": pipeline["id"], "started": moment, "finished": moment}
            for name, never in (("started", status in _WAITING), ("finished", not ended)):
                if never:
                    del part[name]
        for step in workflow["children"]:
            step["exit_code"] = 0 if status in (*_GOING, "success") else 1


def new_pipeline(number: int, row: Repository, branch: str, sha: str, user: str) -> dict[str, Any]:
    """A pipeline that was just started by hand, without variables and workflows."""
    moment = timestamp()
    return {
        "id": number,
        "number": len(row.pipelines) + 1,
        "author": user,
        "author_avatar": "",
        "author_email": "",
        "branch": branch,
        "commit": sha,
        **dict.fromkeys(("created", "updated", "started", "finished", "timestamp"), moment),
        "deploy_task": "",
        "deploy_to": "",
        "errors": None,
        "event": "manual",
        "event_reason": None,
        "forge_url": "",
        "message": "MANUAL PIPELINE @ " + branch,
        "parent": 0,
        "ref": f"refs/heads/{branch}",
        "refspec": "",
        "rerun_count": 0,
        "reviewed": 0,
        "reviewed_by": "",
        "sender": user,
        "status": "success",
        "title": "",
        "version": VERSION,
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
    step = {"id": index, "uuid": f"step-{index}", "pid": 2, "ppid": 1, "name": "deploy", "exit_code": 0}
    children = [step | {"type": "commands"}]
    return {"id": index, "pid": 1, "name": name, "children": children}
