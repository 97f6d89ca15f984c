"""How other programs write a value: the one list of forms by which a secret is masked, and found in answers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

SHORTEST = 6
"""Shorter forms are not looked for inside other text: they would be found in ordinary words."""

_WRAPPED = 16
"""From this length on a form is found across line breaks and spaces, too: no words meet so by chance."""

_BREAKS = r"(?:\\(?=\r?\n)|\s)"
_BREAK = re.compile(f"{_BREAKS}+")
_NESTED = 4
"""Encodings inside each other that are decoded before the forms are looked for: base64 of base64, for instance."""

_CHARACTER = r"(?:[A-Za-z0-9+/_-]|%2[BbFf]|\\/)"
_MOST = f"{_CHARACTER}{{12,}}"
_ENCODED = re.compile(
    f"{_MOST}(?:(?:={{0,2}}{_BREAKS}+{_MOST})+(?:{_BREAKS}+{_CHARACTER}{{1,11}})?|\\s*\\n\\s*{_CHARACTER}{{1,11}})?"
)
"""What may be base64 or hex, also in lines; in any text, long words and paths look like it."""

_UNREADABLE = bytes(byte if byte in b"\t\n\r" or 0x20 <= byte < 0x7F else 0 for byte in range(256))
_DIGITS = re.compile(r"[0-9A-Fa-f]{12,}")
_WRITTEN_OTHERWISE = (("%2b", "+"), ("%2f", "/"), ("%2B", "+"), ("%2F", "/"), ("\\/", "/"), ("-", "+"), ("_", "/"))

_HEX = re.compile(r"(?:%[0-9A-F]{2})+")


def compact(text: str) -> str:
    """A text without the line breaks, continuations and spaces that wrapping leaves in a long value."""
    return _BREAK.sub("", text)


def is_in(text: str, written: Mapping[str, str], nested: int = _NESTED) -> bool:
    """Whether one of the forms (``forms``) is in a text, also where it is wrapped, or encoded ``nested`` times more."""
    if len(text) < SHORTEST or not written:
        return False
    if any(map(text.__contains__, written)):  # in C: this is asked of every text, for every form of every secret
        return True
    whole = compact(text)
    if any(map(whole.__contains__, filter(None, written.values()))):
        return True
    return any(_encodes(found[0], written, nested) for found in _ENCODED.finditer(whole))


def masked(text: str, written: Mapping[str, str], mask: str) -> str:
    """The text with ``mask`` in place of each of the forms, the longest first."""
    if len(text) < SHORTEST or not written:
        return text
    for form in sorted(filter(text.__contains__, written), key=len, reverse=True):
        text = text.replace(form, mask)
    whole = compact(text)
    wrapped = set(filter(whole.__contains__, filter(None, written.values()))) if whole != text else ()
    for short in sorted(wrapped, key=len, reverse=True):
        text = re.sub(f"{_BREAKS}*".join(map(re.escape, short)), mask, text)
    return _ENCODED.sub(lambda found: mask if _encodes(compact(found[0]), written, _NESTED) else found[0], text)


def _encodes(text: str, written: Mapping[str, str], nested: int) -> bool:
    """Whether a text that looks encoded is, and holds one of the forms decoded."""
    return nested > 0 and any(is_in(inner, written, nested - 1) for inner in _decoded(text))


def _decoded(text: str) -> Iterator[str]:
    """What is readable in a text once it is decoded: from hex, and from base64, wherever either begins."""
    import binascii

    for otherwise, character in _WRITTEN_OTHERWISE:
        text = text.replace(otherwise, character)
    parts = [digits[0][start:] for digits in _DIGITS.finditer(text) for start in (0, 1)]
    contents = [bytes.fromhex(part[: len(part) // 2 * 2]) for part in parts]
    for start in range(4):
        part = text[start:].replace("=", "")
        part = part[: len(part) - (len(part) % 4 == 1)]
        contents.append(binascii.a2b_base64(part + "=" * (-len(part) % 4)))
    for content in contents:
        for readable in content.translate(_UNREADABLE).split(b"\0"):
            if len(readable) >= SHORTEST:
                yield readable.decode("ascii")


def forms(value: str) -> dict[str, str]:
    """The forms of a value that are looked for in text: each with what is left of it where it is wrapped, or nothing
    where it is too short for that."""
    found = (form for form in _all_forms(value) if len(form) >= SHORTEST)
    return {form: compact(form) if len(form) >= _WRAPPED else "" for form in found}


def _all_forms(value: str) -> Iterator[str]:
    """A value as it is, and as other programs write it: in addresses, JSON, HTML, YAML and shells, in hex and base64.

    Some are the value itself.
    """
    import html  # here: a command that learns of no secret needs none of them
    import json

    yield value
    content = value.encode("utf-8", "surrogateescape")
    yield from _in_addresses(content)
    for escaped in (json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1], repr(value)[1:-1]):
        yield escaped
        yield escaped.replace("/", "\\/")
    yield html.escape(value, quote=False)
    yield html.escape(value)
    yield html.escape(value).replace("&#x27;", "&#39;")
    yield from _in_shells(value)
    yield content.hex()
    yield content.hex().upper()
    for encoded in _in_base64(content):
        yield encoded
        yield encoded.replace("+", "-").replace("/", "_")
        yield from _in_addresses(encoded.encode())
        yield encoded.replace("/", "\\/")


def _in_addresses(content: bytes) -> Iterator[str]:
    """Percent-encoded: with and without slashes, a plus for a space, every character, and twice; in both cases."""
    from urllib.parse import quote, quote_plus

    once = quote(content, safe="")
    ways = (once, quote(content), quote_plus(content), quote(once), "".join(f"%{byte:02X}" for byte in content))
    for way in ways:
        yield way
        yield _HEX.sub(lambda found: found[0].lower(), way)


def _in_shells(value: str) -> Iterator[str]:
    """As a word of a command line: within either quotes, or with a backslash before each special character."""
    for quote in ("'\"'\"'", "'\\''", "''"):
        yield value.replace("'", quote)
    yield re.sub(r'([$`"\\!])', r"\\\1", value)
    yield re.sub(r"([^\w@%+=:,./-])", r"\\\1", value)


def _in_base64(content: bytes) -> Iterator[str]:
    """As it comes out of base64 at each of the three places that it can begin at: behind a user's name, for instance.

    Only the characters that depend on nothing around it, hence without padding.
    """
    import base64

    for before in range(3):
        whole = base64.b64encode(b"\0" * before + content).decode().rstrip("=")
        first, last = (0, 2, 3)[before], len(whole) - bool((before + len(content)) % 3)
        yield whole[first:last]
