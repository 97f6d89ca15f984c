"""The tools of the MCP server."""

from __future__ import annotations

from docs.builder.parts import Rows, kept, sentence, table


def tools_part(_argument: str, old: Rows) -> str:
    """Every tool that a server can offer, with what it takes; what it is for is kept."""
    from generator.mcp.tools import tools  # heavy, with the protocol's library

    lines: list[tuple[str, str, str]] = []
    text: dict[str, str] = {}
    for tool in tools(writes=True):
        names = ", ".join(f"`{name}`" for name in tool.properties)
        takes = f"as `{text[names]}`" if text.get(names) else names
        text.setdefault(names, tool.name if names else "")
        lines.append((f"`{tool.name}`", takes, kept(old, f"`{tool.name}`", "what", sentence(tool.title))))
    return table(["tool", "takes", "what"], lines)
