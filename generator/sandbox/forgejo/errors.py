"""Forgejo's error answers."""

from __future__ import annotations

from generator.sandbox.messages import Response, json_response


class ForgejoError(Exception):
    """Ends a handler with an error answer; a 500 never says more, as the caller is no site administrator."""

    def __init__(self, status: int, message: str = "", errors: list[str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = "" if status == 500 else message
        self.errors = errors

    def response(self, url: str) -> Response:
        """The answer; most 404s have ``errors`` too."""
        body: dict[str, object] = {"message": self.message, "url": f"{url}/api/swagger"}
        if self.errors is not None:
            body["errors"] = self.errors
        return json_response(self.status, body)


def not_found(*errors: str) -> ForgejoError:
    """Missing, or not readable."""
    return ForgejoError(404, "The target couldn't be found.", list(errors))


def archived(full_name: str) -> ForgejoError:
    """A write to what an archived repository holds."""
    return ForgejoError(423, f"{full_name} is archived")
