"""The certificate authorities to trust, for libraries that take one file of them."""

from __future__ import annotations

import tempfile
from contextlib import suppress
from pathlib import Path

import certifi

from generator.base.errors import PreflightError


class Authorities:
    """The public authorities and a profile's own, as one file: naming one alone would replace the others.

    Where the system allows it, the file has no name on disk. Raises ``PreflightError`` when ``ca_file`` can't be
    read.
    """

    def __init__(self, ca_file: str) -> None:
        try:
            own = Path(ca_file).read_bytes()
        except OSError as error:
            raise PreflightError(
                "platform.ca_file",
                f"the certificate authority {ca_file} can't be loaded: {error.strerror}",
                "correct connection.ca_file in the platform profile",
            ) from error
        self._file = tempfile.NamedTemporaryFile(prefix="newservice-", suffix=".pem")  # noqa: SIM115 - closed below
        self._file.write(Path(certifi.where()).read_bytes() + b"\n" + own)
        self._file.flush()
        self.path = self._file.name
        nameless = Path(f"/proc/self/fd/{self._file.fileno()}")
        if nameless.exists():  # then a killed process leaves nothing behind
            Path(self._file.name).unlink()
            self.path = str(nameless)

    def close(self) -> None:
        """Close and remove the file."""
        with suppress(FileNotFoundError):
            self._file.close()
