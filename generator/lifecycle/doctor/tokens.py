"""Where each credential comes from; never its value."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field

from generator.base.errors import NewserviceError, PreflightError
from generator.clients.patience import Patience
from generator.clients.vault import Entry, Vault
from generator.engine.credentials import Credential, find_credentials, vault_token
from generator.platform.profile import Platform
from generator.platform.vault_location import VaultLocation, vault_location


class ReadOnce(Vault):
    """A Vault client that reads each secret once and shares it; after Vault fails to answer, no caller waits again.

    ``source`` says where its token is from.
    """

    def __init__(self, platform: Platform, token: Credential, location: VaultLocation, patience: Patience) -> None:
        super().__init__(platform, token.value, token.source, location, patience)
        self.source = token.source
        self._lock = threading.Lock()
        self._entries: dict[str, Entry] = {}
        self._failures: dict[str, NewserviceError] = {}

    def read(self, path: str) -> Entry:
        """As ``Vault.read``; a failure is remembered: for every path, unless the path alone was refused."""
        with self._lock:
            failure = self._failures.get(path) or self._failures.get("")
            if failure is not None:
                raise failure
            if path not in self._entries:
                self._read(path)
            return self._entries[path]

    def _read(self, path: str) -> None:
        try:
            self._entries[path] = super().read(path)
        except NewserviceError as error:
            self._failures[path if isinstance(error, PreflightError) else ""] = error
            raise


@dataclass
class Purse:
    """Finds credentials one by one, so that a missing one does not hide another."""

    platform: Platform
    environ: Mapping[str, str]
    patience: Patience
    _stack: ExitStack = field(default_factory=ExitStack)
    _opened: ReadOnce | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def close(self) -> None:
        """Close the connections."""
        self._stack.close()

    def vault(self) -> ReadOnce | None:
        """Vault, opened on first use; None without a token for it.

        Raises ``PreflightError`` for an impossible token, an invalid address, or two namespaces.
        """
        with self._lock:
            if self._opened is None and (token := vault_token(self.environ)):
                location = vault_location(self.platform, self.environ)
                self._opened = ReadOnce(self.platform, token, location, self.patience)
                self._stack.callback(self._opened.close)
            return self._opened

    def find(self, name: str) -> Credential:
        """A credential of the profile. Raises ``PreflightError`` where it is missing or can't be read."""
        return find_credentials(self.platform, [name], self.vault, self.environ)[name]
