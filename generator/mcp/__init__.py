"""The commands as tools for agents: a server of the Model Context Protocol over standard input and output."""

from __future__ import annotations

from generator.mcp.server import Settings, serve

__all__ = ["Settings", "serve"]
