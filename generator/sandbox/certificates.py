"""The sandbox's own certificate authority, with one certificate for each name."""

from __future__ import annotations

import ssl
from collections.abc import Iterable
from pathlib import Path

import trustme


class Certificates:
    """Issues certificates for the given names and picks one by SNI.

    A client without SNI (an IP address in the URL) is shown the certificate of the default name; one that asks for
    a name that nobody serves is turned away, as a strict load balancer does.
    """

    def __init__(self, names: Iterable[str], default: str) -> None:
        self._authority = trustme.CA(organization_name="newservice sandbox")
        self._contexts = {name: self._issue(name) for name in names}
        self.context = self._contexts[default]
        self.context.sni_callback = self._choose

    def write(self, path: Path) -> None:
        """Write the authority's certificate, which clients have to trust."""
        self._authority.cert_pem.write_to_path(str(path))

    def _issue(self, name: str) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        self._authority.issue_cert(name, common_name=name).configure_cert(context)
        return context

    def _choose(self, connection: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> int | None:
        if name is None:
            return None
        chosen = self._contexts.get(name)
        if chosen is None:
            return ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME
        connection.context = chosen
        # The object is the SSLSocket of the connection; the server keeps the name for the journal.
        connection.server_hostname = name  # type: ignore[misc]
        return None
