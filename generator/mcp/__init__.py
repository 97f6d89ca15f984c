"""The commands as tools for agents: a server of the Model Context Protocol over standard input and output.

May import cli and everything below it; only ``server`` needs the package mcp.
"""
