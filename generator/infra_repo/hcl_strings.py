"""Quoted strings of HCL, written and read; see its native syntax specification (templates, quoted literals). Pure."""

from __future__ import annotations

import re

_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\"}
_ESCAPE = re.compile(r'\\(?:u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([nrt"\\]))|\$\$\{|%%\{')


def quote(value: str) -> str:
    """``value`` as a quoted HCL string that means exactly that text, whatever it holds."""
    plain = "".join(_quote_character(char) for char in value)
    # After another marker, doubling would be ambiguous to readers: spell the last one as an escape there.
    plain = re.sub(r"(?<=\$)\$(?=\{)", r"\\u0024", plain)
    plain = re.sub(r"(?<=%)%(?=\{)", r"\\u0025", plain)
    return '"' + plain.replace("${", "$${").replace("%{", "%%{") + '"'


def _quote_character(char: str) -> str:
    if char in _SHORT:
        return _SHORT[char]
    if char.isprintable():
        return char
    return f"\\u{ord(char):04x}" if ord(char) <= 0xFFFF else f"\\U{ord(char):08x}"


_SHORT = {character: "\\" + name for name, character in _ESCAPES.items()}


def unquote(body: str) -> str:
    """The text that the inside of a quoted HCL string without interpolation means."""

    def decode(match: re.Match[str]) -> str:
        short, long, name = match.groups()
        if name:
            return _ESCAPES[name]
        if short or long:
            return chr(int(short or long, 16))
        return match.group()[1:]

    return _ESCAPE.sub(decode, body)
