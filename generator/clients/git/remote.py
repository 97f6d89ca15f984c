"""How git reaches the forge, and how it gets the token."""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from generator.base.secrets import Secret, passed_on
from generator.clients.git.process import PLAIN
from generator.clients.proxies import REFUSED_BY_PROXY, Proxy, proxy_for
from generator.platform.profile import Platform

# Parts of git's messages about failures that another attempt does not fix.
PERMANENT = (
    "authentication failed",
    "error: 401",
    "error: 403",
    "error: 404",
    "not found",
    "certificate",
    "hook declined",
    "does not appear to be a git repository",
    *(f"{words} {status}" for words in ("connect tunnel failed, response", "http code") for status in REFUSED_BY_PROXY),
)

# Answers git's question for a password from the environment: never on a command line, never stored.
_HELPER = (
    '!f() { test "$1" = get || exit 0; '
    'printf \'username=%s\\npassword=%s\\n\' "$NEWSERVICE_GIT_USER" "$NEWSERVICE_GIT_TOKEN"; }; f'
)

_PASSED_ON = frozenset(
    {"PATH", "LD_LIBRARY_PATH", "GIT_EXEC_PATH", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR", "NIX_SSL_CERT_FILE"}
)
"""The environment variables that git on the network gets: where programs, temporary files and the system's
authorities are. No others, so that no variable known to git or curl (``GIT_SSL_*``, ``GIT_TRACE*``,
``GIT_CONFIG_*``, ``GIT_ASKPASS``, ``SSLKEYLOGFILE``...) affects where a token is sent, or writes it to a file."""


@dataclass(frozen=True)
class Remote:
    """How git reaches the canonical forge: over the load balancer, with a token that only the child process sees."""

    platform: Platform
    user: str
    token: Secret

    @property
    def longest(self) -> float:
        """Seconds after which a git that talks to the forge is ended: a truncated answer can make it wait forever."""
        return 10 * self.platform.connection.timeout_seconds

    @property
    def settings(self) -> dict[str, str]:
        """Git's configuration on the network: the forge's own address gets the token, and no other."""
        parts = urlsplit(self.platform.forgejo.url)
        settings = {
            **PLAIN,
            "safe.directory": "*",  # already opened, so the user trusts it; the user's own setting is not read here
            "credential.helper": "",
            f"credential.{parts.scheme}://{parts.netloc}.helper": _HELPER,
            "http.followRedirects": "false",
            # Give up on a forge that stops responding; by default git would wait forever.
            "http.lowSpeedLimit": "1",
            "http.lowSpeedTime": str(max(1, round(self.platform.connection.timeout_seconds))),
            "http.sslVerify": "true",
        }
        if pin := self.platform.connection.pins.get("forgejo"):
            # Git can move the address but not the port: the profile's port must be the URL's own.
            settings["http.curloptResolve"] = f"{parts.hostname}:{pin.port}:{pin.address}"
        # Without a load balancer, through the environment's proxy, which sees only the forge's verified TLS.
        settings["http.proxy"] = self.proxy.url if self.proxy else ""
        if self.proxy and (ca_file := self.platform.connection.ca_file):
            settings["http.proxySSLCAInfo"] = str(Path(ca_file).absolute())
        return settings

    @property
    def proxy(self) -> Proxy | None:
        """The proxy on the way to the forge. A pinned forge has none: a proxy would resolve the name itself."""
        return None if "forgejo" in self.platform.connection.pins else proxy_for(self.platform.forgejo.url)

    def environment(self, environ: Mapping[str, str] = os.environ) -> dict[str, str]:
        """The child's variables, without configuration and token: no prompts, none of the user's files."""
        environment = {
            **passed_on(environ, _PASSED_ON),
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_ATTR_NOSYSTEM": "1",
            "GIT_ALLOW_PROTOCOL": urlsplit(self.platform.forgejo.url).scheme,
            "GIT_TERMINAL_PROMPT": "0",
            "LC_ALL": "C",  # failures are recognised by git's messages
        }
        if ca_file := self.platform.connection.ca_file:
            environment["GIT_SSL_CAINFO"] = str(Path(ca_file).absolute())
        return environment

    @property
    def credential(self) -> dict[str, str]:
        """User and token, for the one process that talks to the forge."""
        return {"NEWSERVICE_GIT_USER": self.user, "NEWSERVICE_GIT_TOKEN": self.token.reveal()}

    @property
    def authorization(self) -> dict[str, str]:
        """Configuration for the same process: authenticates the first request, which git by default does not."""
        parts = urlsplit(self.platform.forgejo.url)
        word = base64.b64encode(f"{self.user}:{self.token.reveal()}".encode()).decode()
        return {f"http.{parts.scheme}://{parts.netloc}/.extraHeader": f"Authorization: Basic {word}"}
