"""The error answers of each system, in its own format.

Sources: the servers' own code for Forgejo, Woodpecker and Vault; GitHub's documentation of its limits and rights.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable

from generator.sandbox.forgejo.errors import ForgejoError
from generator.sandbox.forgejo.errors import not_found as forgejo_not_found
from generator.sandbox.git_http import GitRequest, unauthorised
from generator.sandbox.github.errors import GitHubError
from generator.sandbox.github.errors import not_found as github_not_found
from generator.sandbox.messages import Request, Response, json_response, text_response

_LIMITS = "https://docs.github.com/rest/overview/rate-limits-for-the-rest-api"
_SECONDARY = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
_WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})


def unauthorized(system: str, request: Request) -> Response:
    """The credential is not accepted. Vault knows no 401: it answers 403."""
    if _is_git(request):
        return unauthorised("Unauthorized\n")
    answers: dict[str, Callable[[], Response]] = {
        "forgejo": lambda: _forgejo(request, ForgejoError(401, "user does not exist [uid: 0, name: ]")),
        "github": lambda: GitHubError(401, "Bad credentials").response(),
        "vault": lambda: json_response(403, {"errors": ["2 errors occurred: * permission denied * invalid token"]}),
    }
    return answers.get(system, lambda: text_response(401, "User not authorized"))()


def forbidden(system: str, request: Request) -> Response:
    """The credential lacks the scope or right."""
    if _is_git(request):
        return text_response(403, "token does not have the required scope\n")
    answers: dict[str, Callable[[], Response]] = {
        "forgejo": lambda: _forgejo(request, ForgejoError(403, _scopes(request))),
        "github": _github_forbidden,
        "vault": lambda: json_response(403, {"errors": ["1 error occurred:\n\t* permission denied\n\n"]}),
    }
    return answers.get(system, lambda: text_response(403, "User not authorized"))()


def not_found(system: str, request: Request) -> Response:
    """The system's answer for something that does not exist or that the caller is not allowed to see."""
    if _is_git(request):
        return text_response(404, "Not found.\n")
    answers: dict[str, Callable[[], Response]] = {
        "forgejo": lambda: _forgejo(request, forgejo_not_found()),
        "github": lambda: github_not_found().response(),
        "vault": lambda: json_response(404, {"errors": []}),
    }
    return answers.get(system, lambda: Response(404))()


def server_error(system: str, request: Request) -> Response:
    """An error of the server: Forgejo gives no details to strangers, Woodpecker to nobody."""
    if _is_git(request):
        return text_response(500, "Internal Server Error\n")
    answers: dict[str, Callable[[], Response]] = {
        "forgejo": lambda: _forgejo(request, ForgejoError(500)),
        "github": lambda: GitHubError(500, "Server Error").response(),
        "vault": lambda: json_response(500, {"errors": ["internal error"]}),
    }
    return answers.get(system, lambda: Response(500))()


def too_many_requests(system: str, request: Request, seconds: float) -> Response:
    """The answer to too many requests; it says how long to wait."""
    headers = {"Retry-After": str(math.ceil(seconds))}
    if system == "github" and not _is_git(request):
        return json_response(429, {"message": _SECONDARY, "documentation_url": _LIMITS}, headers)
    if system == "vault":
        body = {"errors": [f"request path {json.dumps(request.path)}: rate limit quota exceeded"]}
        return json_response(429, body, headers)
    answer = text_response(429, "Too Many Requests\n")
    return Response(answer.status, answer.body, answer.content_type, headers)


def secondary_limit(seconds: float) -> Response:
    """GitHub's answer to too many requests at once: a 403 that does not mean a missing right."""
    body = {"documentation_url": f"{_LIMITS}#about-secondary-rate-limits", "message": _SECONDARY}
    return json_response(403, body, {"Retry-After": str(math.ceil(seconds)), **_quota(4000, 3600.0)})


def primary_limit(seconds: float) -> Response:
    """GitHub's answer when the hour's requests are used up: it says when the next hour begins."""
    body = {"message": "API rate limit exceeded for user ID 1.", "documentation_url": f"{_LIMITS}#primary-rate-limits"}
    return json_response(403, body, _quota(0, seconds))


def malformed(response: Response) -> Response:
    """The response with its body cut off in the middle. An empty body becomes the beginning of an object."""
    body = response.body[: len(response.body) // 2] if len(response.body) > 1 else b'{"'
    status = 200 if response.status == 204 else response.status
    return Response(status, body, response.content_type or "application/json", response.headers)


def _forgejo(request: Request, error: ForgejoError) -> Response:
    return error.response(f"https://{request.host}")


def _github_forbidden() -> Response:
    answer = GitHubError(403, "Resource not accessible by personal access token").response()
    headers = {"X-Accepted-GitHub-Permissions": "administration=write", **_quota(4000, 3600.0)}
    return Response(answer.status, answer.body, answer.content_type, headers)


def _scopes(request: Request) -> str:
    level = "write" if request.method in _WRITES else "read"
    return f"token does not have at least one of required scope(s): [{level}:repository]"


def _quota(remaining: int, seconds: float) -> dict[str, str]:
    return {
        "X-RateLimit-Limit": "5000",
        "X-RateLimit-Remaining": str(remaining),
        "X-RateLimit-Used": str(5000 - remaining),
        "X-RateLimit-Reset": str(math.ceil(time.time() + seconds)),
        "X-RateLimit-Resource": "core",
    }


def _is_git(request: Request) -> bool:
    return GitRequest.of(request) is not None
