"""The permissions that GitHub's API asks of fine-grained tokens, and the answer to one that lacks them.

Source: GitHub's list of permissions required for fine-grained personal access tokens.
"""

from __future__ import annotations

import re

from generator.sandbox.messages import Response, json_response

# First fit counts; paths below /repos/<owner>/<repo>.
_BELOW_REPOSITORY = (
    (r"/actions/secrets", "secrets"),
    (r"/actions/permissions", "administration"),
    (r"/actions/", "actions"),
    (r"/(commits|contents|branches|git|releases)\b", "contents"),
    (r"/issues\b", "issues"),
    (r"/hooks", "repository_hooks"),
)
_REPOSITORY = re.compile(r"^/repos/[^/]+/[^/]+")


def needed(method: str, path: str) -> str:
    """The permission of a path, with its level: ``secrets=read``; empty where it takes none."""
    level = "read" if method in ("GET", "HEAD") else "write"
    if (method, path) == ("POST", "/user/repos"):
        return "administration=write"
    repository = _REPOSITORY.match(path)
    if repository is None:
        return ""
    below = path[repository.end() :]
    for pattern, permission in _BELOW_REPOSITORY:
        if re.match(pattern, below):
            return f"{permission}={level}"
    return "metadata=read" if level == "read" else "administration=write"


def refused(permission: str) -> Response:
    """Not with this token."""
    body = {"message": "Resource not accessible by personal access token", "status": "403"}
    data = body | {"documentation_url": "https://docs.github.com/rest"}
    return json_response(403, data, {"X-Accepted-GitHub-Permissions": permission})
