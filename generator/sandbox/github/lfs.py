"""GitHub's store of LFS objects: the batch API of the Git LFS specification, and its basic transfer."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

from generator.sandbox.github.state import Repository
from generator.sandbox.messages import Request, Response

MEDIA_TYPE = "application/vnd.git-lfs+json"
_PATH = re.compile(
    r"^/(?P<owner>[^/]+)/(?P<name>[^/]+?)(?:\.git)?/info/lfs/objects/(?P<rest>batch|[0-9a-f]{64})$", re.ASCII
)
_MISSING = {"code": 404, "message": "Object does not exist on the server"}


def asked_for(path: str) -> re.Match[str] | None:
    """The owner, name and rest of a path that belongs to LFS; None for any other."""
    return _PATH.match(path)


def said(status: int, message: str) -> Response:
    """An error answer."""
    headers = {"LFS-Authenticate": 'Basic realm="sandbox"'} if status == 401 else {}
    return _answer(status, {"message": message}, headers)


def serve(repository: Repository, rest: str, request: Request, web: str, *, may_write: bool) -> Response:
    """Answer for a repository that the caller may read."""
    if request.method == "POST" and rest == "batch":
        return _batch(repository, request, f"{web}/{repository.full_name}.git/info/lfs/objects", may_write=may_write)
    if request.method == "PUT" and may_write and hashlib.sha256(request.body).hexdigest() == rest:
        repository.objects[rest] = request.body
        return Response(200)
    if request.method == "GET" and rest in repository.objects:
        return Response(200, repository.objects[rest], "application/octet-stream")
    return said(404, "Not Found")


def _batch(repository: Repository, request: Request, below: str, *, may_write: bool) -> Response:
    asked = request.json_object()
    uploads = asked.get("operation") == "upload"
    if uploads and not may_write:
        return said(403, "You do not have permission to push to this repository.")
    credential = request.header("authorization")
    header = {"Authorization": credential} if credential else {}

    def answered(wanted: dict[str, Any]) -> dict[str, Any]:
        oid = str(wanted["oid"])
        known = {"oid": oid, "size": wanted["size"]}
        if uploads == (oid in repository.objects):
            return known if uploads else known | {"error": _MISSING}
        action = "upload" if uploads else "download"
        return known | {"actions": {action: {"href": f"{below}/{oid}", "header": header}}}

    return _answer(200, {"transfer": "basic", "objects": [answered(item) for item in asked.get("objects") or []]})


def _answer(status: int, value: object, headers: dict[str, str] | None = None) -> Response:
    return Response(status, json.dumps(value).encode(), MEDIA_TYPE, headers or {})
