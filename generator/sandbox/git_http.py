"""Smart HTTP for the sandbox's repositories: git's own ``http-backend``, behind the forge's rules."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from generator.base.children import run
from generator.sandbox.messages import Request, Response, text_response
from generator.sandbox.repositories import BareRepository, git_environment

_PATH = re.compile(
    r"^/(?P<owner>[^/]+)/(?P<name>[^/]+?)(?:\.git)?/(?P<rest>info/refs|git-upload-pack|git-receive-pack)$"
)


@dataclass(frozen=True)
class GitRequest:
    """What a request to a git endpoint asks for."""

    owner: str
    name: str
    rest: str
    push: bool

    @classmethod
    def of(cls, request: Request) -> GitRequest | None:
        """The git request in an HTTP request; None when it is something else."""
        found = _PATH.match(request.path)
        if found is None:
            return None
        service = request.parameter("service") if found["rest"] == "info/refs" else found["rest"]
        return cls(found["owner"], found["name"], found["rest"], service == "git-receive-pack")

    @property
    def receives(self) -> bool:
        """Whether this is the request of a push that carries the objects."""
        return self.rest == "git-receive-pack"


def basic_password(request: Request) -> str | None:
    """The password of Basic authorisation (forges take the token there); None without or with broken credentials."""
    scheme, _, encoded = request.header("authorization").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except ValueError:
        return ""
    return password or user


def unauthorised(text: str) -> Response:
    """The answer that makes git ask its credential helper."""
    headers = {"WWW-Authenticate": 'Basic realm="sandbox"'}
    return Response(401, text.encode(), "text/plain; charset=utf-8", headers)


def serve(
    repository: BareRepository,
    git: GitRequest,
    request: Request,
    user: str,
    configuration: Mapping[str, str] | None = None,
    environment: Mapping[str, str] | None = None,
) -> Response:
    """Let git answer. ``user`` may be empty for reads; configuration and environment reach git and its hooks."""
    values = {"http.receivepack": "true" if user else "false", "safe.directory": "*"} | dict(configuration or {})
    cgi = {
        "GIT_PROJECT_ROOT": str(repository.path.parent),
        "GIT_HTTP_EXPORT_ALL": "1",
        "PATH_INFO": f"/{repository.path.name}/{git.rest}",
        "REQUEST_METHOD": request.method,
        "QUERY_STRING": request.query,
        "CONTENT_TYPE": request.header("content-type"),
        "CONTENT_LENGTH": str(len(request.body)),
        "GIT_PROTOCOL": request.header("git-protocol"),
        "REMOTE_USER": user,
        "REMOTE_ADDR": "127.0.0.1",
    }
    environ = git_environment(repository.path) | cgi | _configured(values) | dict(environment or {})
    return _cgi_response(run(["git", "http-backend"], repository.path, environ, request.body).out)


def write_hook(directory: Path, name: str, script: str) -> None:
    """Write an executable hook into a directory, which ``core.hooksPath`` then names."""
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = directory / name
    path.write_text(script)
    path.chmod(0o700)


def _configured(values: Mapping[str, str]) -> dict[str, str]:
    environment = {"GIT_CONFIG_COUNT": str(len(values))}
    for index, (key, value) in enumerate(values.items()):
        environment |= {f"GIT_CONFIG_KEY_{index}": key, f"GIT_CONFIG_VALUE_{index}": value}
    return environment


def _cgi_response(output: bytes) -> Response:
    head, separator, body = output.partition(b"\r\n\r\n")
    if not separator:
        return text_response(500, "git http-backend gave no answer\n")
    pairs = [line.partition(": ") for line in head.decode().split("\r\n")]
    headers = {name: value for name, _, value in pairs}
    status = int(headers.pop("Status", "200").split()[0])
    return Response(status, body, headers.pop("Content-Type", ""), headers)
