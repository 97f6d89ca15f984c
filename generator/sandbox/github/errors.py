"""GitHub's error answers."""

from __future__ import annotations

from typing import Any

from generator.sandbox.messages import Response, json_response

_DOCS = "https://docs.github.com/rest"


class GitHubError(Exception):
    """Ends a handler with an error answer."""

    def __init__(self, status: int, message: str, errors: list[dict[str, Any]] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.errors = errors

    def response(self) -> Response:
        """The answer."""
        body: dict[str, Any] = {"message": self.message}
        if self.errors is not None:
            body["errors"] = self.errors
        return json_response(self.status, body | {"documentation_url": _DOCS, "status": str(self.status)})


def not_found() -> GitHubError:
    """Missing, or not allowed: GitHub does not say which."""
    return GitHubError(404, "Not Found")


def validation_failed(field: str, message: str, *, resource: str = "Repository") -> GitHubError:
    """A field that the server does not take."""
    return GitHubError(
        422,
        "Repository creation failed." if field == "name" else "Validation Failed",
        [{"resource": resource, "code": "custom", "field": field, "message": message}],
    )
