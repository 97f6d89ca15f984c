"""The sandbox's own certificate authority, with one certificate for each name."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import trustme

from generator.sandbox.faults import FaultKind


class Certificates:
    """Issues certificates for the given names and picks one by SNI.

    A client without SNI (an IP address in the URL) is shown the certificate of the default name; one that asks for
    a name that nobody serves is turned away, as a strict load balancer does. Other names below one of the domains
    are shown a certificate for every name below the first: an ingress has no other.
    ``broken`` is asked at each handshake for a name: how it fails, or None. ``authority`` issues the certificates; a
    new one is created without it.
    """

    def __init__(
        self,
        names: Iterable[str],
        default: str,
        broken: Callable[[str], FaultKind | None] = lambda _: None,
        authority: trustme.CA | None = None,
        domains: Sequence[str] = (),
    ) -> None:
        self.authority = authority or trustme.CA(organization_name="newservice sandbox")
        self._contexts = {name: self._issue(name) for name in names}
        self._wildcard = self._issue(f"*.{domains[0]}") if domains else None
        self._domains = tuple(f".{domain}" for domain in domains)
        self._broken = broken
        self.context = self._contexts[default]
        self.context.sni_callback = self._choose

    def write(self, path: Path) -> None:
        """Write the authority's certificate, which clients have to trust."""
        self.authority.cert_pem.write_to_path(str(path))

    def _issue(self, name: str, authority: trustme.CA | None = None) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        # No resumption: every connection is shown the certificate of the moment.
        context.options |= ssl.OP_NO_TICKET
        context.num_tickets = 0
        (authority or self.authority).issue_cert(name, common_name=name).configure_cert(context)
        return context

    def _wrong(self, name: str, kind: FaultKind) -> ssl.SSLContext:
        """A certificate that no client may accept for this name."""
        if kind is FaultKind.WRONG_NAME:
            return self._issue("elsewhere.sandbox.test")
        return self._issue(name, trustme.CA(organization_name="somebody else"))

    def _choose(self, connection: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> int | None:
        if name is None:
            return None
        chosen = self._contexts.get(name) or (self._wildcard if name.endswith(self._domains) else None)
        if chosen is None:
            return ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME
        kind = self._broken(name)
        if kind is FaultKind.TLS_FAILURE:
            return ssl.ALERT_DESCRIPTION_HANDSHAKE_FAILURE
        connection.context = chosen if kind is None else self._wrong(name, kind)
        # The object is the SSLSocket of the connection; the server keeps the name for the journal.
        connection.server_hostname = name  # type: ignore[misc]
        return None
