"""How git reaches the forge, and the token with it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from urllib.parse import urlsplit

from generator.base.secrets import Secret
from generator.clients.git.process import PLAIN, configuration
from generator.platform.profile import Platform

# What git says of failures that another attempt does not mend.
PERMANENT = (
    "authentication failed",
    "error: 401",
    "error: 403",
    "error: 404",
    "not found",
    "certificate",
    "hook declined",
    "does not appear to be a git repository",
)

# Answers git's question for a password from the environment: never on a command line, never stored.
_HELPER = (
    '!f() { test "$1" = get || exit 0; '
    'printf \'username=%s\\npassword=%s\\n\' "$NEWSERVICE_GIT_USER" "$NEWSERVICE_GIT_TOKEN"; }; f'
)


@dataclass(frozen=True)
class Remote:
    """How git reaches the canonical forge: over the load balancer, with a token that only the child process sees."""

    platform: Platform
    user: str
    token: Secret

    @property
    def longest(self) -> float:
        """Seconds after which a git that talks to the forge is ended: a cut answer can make it wait for ever."""
        return 10 * float(self.platform.connection["timeout_seconds"])

    def environment(self, url: str) -> dict[str, str]:
        """The child's environment: no prompt, no configuration of the person's, https only, the pinned address.

        The token is offered to the forge's own address and to no other, whatever a rewriting rule says. Settings name
        the whole ``url``: for git the most exact one counts, and the clone's own configuration may name hosts.
        """
        parts = urlsplit(self.platform.url("forgejo"))
        settings = {
            **PLAIN,
            "safe.directory": "*",  # opened already, so the person trusts it; their own word for it is not read here
            "credential.helper": "",
            f"credential.{parts.scheme}://{parts.netloc}.helper": _HELPER,
            f"http.{url}.followRedirects": "false",
            # A forge that stops talking is given up; git itself would wait for ever.
            f"http.{url}.lowSpeedLimit": "1",
            f"http.{url}.lowSpeedTime": str(max(1, round(self.platform.connection["timeout_seconds"]))),
            f"http.{url}.sslVerify": "true",
        }
        pin = self.platform.pin("forgejo")
        if pin:
            # Git can move the address but not the port: the profile's port must be the URL's own.
            settings[f"http.{url}.curloptResolve"] = f"{parts.hostname}:{pin.port}:{pin.address}"
            settings[f"http.{url}.proxy"] = ""  # a proxy would resolve the name itself
        environment = {
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_ALLOW_PROTOCOL": parts.scheme,
            "GIT_TERMINAL_PROMPT": "0",
            "LC_ALL": "C",  # what went wrong is told apart by git's own words
            "NEWSERVICE_GIT_USER": self.user,
            "NEWSERVICE_GIT_TOKEN": self.token.reveal(),
            **configuration(settings),
        }
        if self.platform.ca_file:
            environment["GIT_SSL_CAINFO"] = self.platform.ca_file  # wins over the person's own setting
        return environment
