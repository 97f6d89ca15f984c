"""Forgejo's error answers."""

from __future__ import annotations

from generator.sandbox.messages import Response, json_response


class ForgejoError(Exception):
    """Ends a handler with an error answer; a 500 never says more, as the caller is no site administrator."""

    def __init__(self, status: int, message: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.message = "" if status == 500 else message

    def response(self, url: str) -> Response:
        """The answer; a 404 has ``errors`` too."""
        body: dict[str, object] = {"message": self.message, "url": f"{url}/api/swagger"}
        if self.status == 404:
            body["errors"] = []
        return json_response(self.status, body)


def not_found() -> ForgejoError:
    """Missing, or not readable."""
    return ForgejoError(404, "The target couldn't be found.")


def archived(full_name: str) -> ForgejoError:
    """A write to what an archived repository holds."""
    return ForgejoError(423, f"{full_name} is archived")
