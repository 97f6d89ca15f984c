"""Vault's error answers."""

from __future__ import annotations

from generator.sandbox.messages import Response, json_response


class VaultError(Exception):
    """Ends a handler with a status and a list of errors; a miss has none."""

    def __init__(self, status: int, *errors: str) -> None:
        super().__init__(*errors)
        self.status = status
        self.errors = list(errors)

    def response(self) -> Response:
        """The answer."""
        return json_response(self.status, {"errors": self.errors})


def denied() -> VaultError:
    """The token's policies do not allow it."""
    return VaultError(403, "1 error occurred:\n\t* permission denied\n\n")


def unsupported(what: str) -> VaultError:
    """An engine that does not know a path (404), or not this operation on it (405)."""
    return VaultError(405 if what == "operation" else 404, f"1 error occurred:\n\t* unsupported {what}\n\n")
