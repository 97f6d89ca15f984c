"""The embedded platform: Forgejo, GitHub, Woodpecker and Vault on loopback, over real HTTPS and with real git.

It answers as the real servers do, as far as newservice talks to them, and forgets everything when it stops.

May import platform and everything below it; only cli and mcp use it, through the names below.
"""

from __future__ import annotations

from generator.sandbox.faults import Fault, FaultKind, Status
from generator.sandbox.journal import Exchange, Journal, sequence
from generator.sandbox.sandbox import Sandbox
from generator.sandbox.tokens import Tokens

__all__ = ["Exchange", "Fault", "FaultKind", "Journal", "Sandbox", "Status", "Tokens", "sequence"]
