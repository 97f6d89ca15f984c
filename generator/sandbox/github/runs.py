"""Workflow runs of the sandbox's GitHub: it runs nothing itself, tests and the chain record what happened."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from generator.sandbox.github import views
from generator.sandbox.github.state import Repository, now

if TYPE_CHECKING:
    from generator.sandbox.github.application import GitHub

WORKFLOW = ".github/workflows/build.yml"

Conclusions = Mapping[str, str | None]
"""Conclusion of each job by its name; None where it is not through yet."""


class Runs:
    """Records runs as the documents that GitHub answers with, in each repository's ``runs`` and ``jobs``."""

    def __init__(self, github: GitHub) -> None:
        self._github = github

    def record(
        self,
        full_name: str,
        sha: str,
        *,
        status: str = "completed",
        conclusion: str | None = "success",
        name: str = "build",
        path: str = WORKFLOW,
        event: str = "push",
        branch: str | None = None,
        jobs: Conclusions | None = None,
    ) -> int:
        """A run of ``sha``; its number. Raises KeyError if there is no such repository."""
        with self._github.lock:
            repository = self._github.repository(full_name)
            number = 9_000_000_001 + sum(len(item.runs) for item in self._github.repositories.values())
            document = self._document(repository, number, sha, path)
            document |= {"head_branch": branch or repository.default_branch, "name": name, "event": event}
            document |= {"status": status, "conclusion": conclusion}
            repository.runs.append(document)
            repository.jobs[number] = self._jobs(repository, document, jobs or {})
            return number

    def update(
        self,
        full_name: str,
        number: int,
        *,
        status: str = "completed",
        conclusion: str | None = None,
        jobs: Conclusions | None = None,
    ) -> None:
        """How far a run is now. ``jobs`` left out stay as they were."""
        with self._github.lock:
            repository = self._github.repository(full_name)
            document = next(run for run in repository.runs if run["id"] == number)
            document |= {"status": status, "conclusion": conclusion, "updated_at": now()}
            if jobs is not None:
                repository.jobs[number] = self._jobs(repository, document, jobs)

    def _document(self, repository: Repository, number: int, sha: str, path: str) -> dict[str, Any]:
        workflow = workflow_number(repository, path)
        url = f"{self._github.views.api}/repos/{repository.full_name}/actions/runs/{number}"
        web = f"{self._github.views.web}/{repository.full_name}/actions/runs/{number}"
        owner = self._github.views.user(repository.owner, self._github.users[repository.owner])
        shown = self._github.views.repository(repository, self._github.users[repository.owner])
        moment = now()
        return {
            "id": number,
            "node_id": views.node_id("WorkflowRun", str(number)),
            "check_suite_id": number,
            "check_suite_node_id": views.node_id("CheckSuite", str(number)),
            "head_sha": sha,
            "path": path,
            "run_number": len(repository.runs) + 1,
            "run_attempt": 1,
            "display_title": sha[:8],
            "workflow_id": workflow,
            "workflow_url": f"{self._github.views.api}/repos/{repository.full_name}/actions/workflows/{workflow}",
            "url": url,
            "html_url": web,
            "pull_requests": [],
            **dict.fromkeys(("created_at", "updated_at", "run_started_at"), moment),
            "actor": owner,
            "triggering_actor": owner,
            "jobs_url": f"{url}/jobs",
            "logs_url": f"{url}/logs",
            "artifacts_url": f"{url}/artifacts",
            "cancel_url": f"{url}/cancel",
            "rerun_url": f"{url}/rerun",
            "previous_attempt_url": None,
            "check_suite_url": f"{self._github.views.api}/repos/{repository.full_name}/check-suites/{number}",
            "head_commit": _commit(repository, sha),
            "repository": shown,
            "head_repository": shown,
        }

    def _jobs(self, repository: Repository, run: dict[str, Any], jobs: Conclusions) -> list[dict[str, Any]]:
        return [
            self._job(repository, run, run["id"] * 10 + index, name, conclusion)
            for index, (name, conclusion) in enumerate(jobs.items(), start=1)
        ]

    def _job(
        self, repository: Repository, run: dict[str, Any], number: int, name: str, conclusion: str | None
    ) -> dict[str, Any]:
        api = f"{self._github.views.api}/repos/{repository.full_name}"
        moment = now()
        return {
            "id": number,
            "node_id": views.node_id("CheckRun", str(number)),
            "run_id": run["id"],
            "run_url": run["url"],
            "run_attempt": 1,
            "head_sha": run["head_sha"],
            "head_branch": run["head_branch"],
            "workflow_name": run["name"],
            "name": name,
            "url": f"{api}/actions/jobs/{number}",
            "html_url": f"{run['html_url']}/job/{number}",
            "check_run_url": f"{api}/check-runs/{number}",
            "status": "completed" if conclusion else "in_progress",
            "conclusion": conclusion,
            "created_at": moment,
            "started_at": moment,
            "completed_at": moment if conclusion else None,
            "labels": ["ubuntu-latest"],
            "runner_id": 1,
            "runner_name": "GitHub Actions 1",
            "runner_group_id": 0,
            "runner_group_name": "GitHub Actions",
            "steps": [],
        }


def workflow_number(repository: Repository, path: str) -> int:
    """The number of a workflow: always the same for its path."""
    return zlib.crc32(f"{repository.id}:{path}".encode())


def _commit(repository: Repository, sha: str) -> dict[str, Any] | None:
    """The run's commit; none where the repository does not have it (any more)."""
    if repository.bare.resolve(sha) is None:
        return None
    commit = repository.bare.log(sha, limit=1)[0]
    person = {"name": commit.author_name, "email": commit.author_email}
    return {
        "id": commit.sha,
        "tree_id": commit.tree,
        "message": commit.message,
        "timestamp": repository.pushed_at,
        "author": person,
        "committer": person,
    }
