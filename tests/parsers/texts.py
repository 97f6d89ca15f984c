"""Texts for parsers: fragments of a language in any order, repeated thousands of times, and real texts with faults."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st

ODD = ("\0", "\ufeff", "\u2028", "\x85", "\x1b[31m", "\u202e", "é", "😀", "\t", "\r", "\r\n", "\n", " ", "", "0", "-1")
YAML = (
    *(
        "[",
        "]",
        "{",
        "}",
        "- ",
        "? ",
        ": ",
        ", ",
        "#",
        "|",
        ">",
        "|2-\n",
        "'",
        '"',
        "\n",
        "\n  ",
        "\n    ",
        "--- ",
        "...\n",
    ),
    *(
        "&a ",
        "*a",
        "<<: ",
        "!!binary ",
        "!!set ",
        "!!timestamp ",
        "!!bool ",
        "!!int ",
        "!!float ",
        "!!omap ",
        "!!merge ",
    ),
    *(
        "!!python/name:os.system ",
        "!x ",
        "%YAML 1.1\n",
        "%TAG ! x\n",
        "a: ",
        "b: 1",
        "name: notes",
        "~",
        "yes",
        "2020-01-01",
    ),
    *(
        "1e999",
        ".inf",
        ".nan",
        "0x1f",
        "0b1",
        "017",
        "1:59",
        "1_000",
        "=",
        "\\ud800",
        "\\x00",
        "\\N",
        "_commit: 2.3.0\n",
    ),
    *(
        "layer: stack\n",
        "layer: service\n",
        "profile: ",
        "_src_path: x\n",
        "image_source: owned\n",
        "secrets: ",
        "env: ",
    ),
)
JSON = (
    *(
        "[",
        "]",
        "{",
        "}",
        ",",
        ":",
        '"',
        '"a"',
        '"a":',
        "1",
        "-",
        "1e999",
        "0.1",
        "true",
        "null",
        "NaN",
        "-Infinity",
        " ",
    ),
    *(
        '"\\ud800"',
        '"\\u0000"',
        "\\",
        "/*",
        "99999999999999999999999",
        '"name"',
        '"schema"',
        '"kind":"newservice plan"',
    ),
    *('"id"', '"sha"', '"commit"', '"data"', '"tree"', '"services"', '"state"', '"message"', '"errors"', '"version"'),
    *('"jsonrpc":"2.0"', '"method":"ping"', '"params"', '"id":1'),
)
HCL = (
    *(
        "[",
        "]",
        "{",
        "}",
        "(",
        ")",
        "=",
        " = ",
        "\n",
        '"',
        "${",
        "%{",
        "}\n",
        "<<EOT\n",
        "<<-EOT\n",
        "EOT\n",
        "#",
        "//",
        "/*",
    ),
    *(
        "*/",
        ",",
        "a",
        "locals",
        'module "notes" {\n',
        'resource "x" "y" {\n',
        "source = ",
        "1",
        "-",
        "!",
        "? ",
        ": ",
        "...",
    ),
    *("for x in ", "if ", "\\", "\\u0041", "~}", "*", "[*]", ".", "&&", "==", "é", "\t", "\r\n"),
)
MARKDOWN = (
    *(
        "|",
        "\\|",
        "| a ",
        "|---|",
        "|:-:|",
        "\n",
        "\n\n",
        "# ",
        "## Active Use\n",
        "===\n",
        "---\n",
        "```\n",
        "~~~\n",
        "<!--",
    ),
    *("-->", "    ", "\t", "[a](b)", "**", "_", "`", "&amp;", "&#0;", "&#xfffff;", "<b>", "> ", "* ", " ", "-", "#"),
)
HEADERS = (
    *(
        "<",
        ">",
        ";",
        ",",
        'rel="next"',
        "rel=next",
        "rel=",
        "https://",
        "http://127.0.0.1",
        "/api/v3/x",
        "?page=2",
        "//",
        "@",
    ),
    *(
        'realm="',
        '"',
        'service="',
        "Bearer ",
        "=",
        "a",
        " ",
        "[",
        "]",
        "%00",
        ":99999",
        "..",
        "Mon, 01 Jan 2024 00:00:00 GMT",
    ),
    *("99999999999999999999", "-5", "1e9", "٣", "9" * 400, "Feb", "31", "+9999"),
)
REPEATS = (1, 1, 1, 1, 1, 2, 3, 70, 3000, 60_000)
NESTED = {
    "[": "]",
    "{": "}",
    "(": ")",
    "{a: ": "}",
    "[1, ": "]",
    '{"a": ': "}",
    "a {\n": "}\n",
    "f(": ")",
    "b = {": "}",
    "!": "x",
}
"""What closes what, so that a text may be deep and right."""
DEEP = tuple(f"{before}{opened * 2000}{closed * 2000}" for opened, closed in NESTED.items() for before in ("", "a = "))


def made_of(fragments: Sequence[str], samples: Sequence[str] = ()) -> st.SearchStrategy[str]:
    """Texts of these fragments; and ``samples`` with a part cut out, doubled or replaced by one of the fragments."""
    parts = st.sampled_from((*fragments, *fragments, *ODD, *DEEP))
    pieces = st.builds(_repeated, parts, st.sampled_from(REPEATS))
    whole = st.lists(pieces, max_size=25).map(lambda found: "".join(found)[:100_000])
    whole |= st.sampled_from(DEEP)
    if not samples:
        return whole
    cut = st.floats(0, 1)
    faulty = st.builds(_faulty, st.sampled_from(samples), st.lists(st.tuples(cut, cut, pieces), min_size=1, max_size=4))
    return whole | faulty | st.text(max_size=50)


def _repeated(text: str, times: int) -> str:
    return text * min(times, 1 + 60_000 // max(len(text), 1))


def _faulty(sample: str, faults: Sequence[tuple[float, float, str]]) -> str:
    text = sample
    for first, second, piece in faults:
        start, end = sorted((round(first * len(text)), round(second * len(text))))
        if end - start > 80:
            end = start + (end - start) % 80
        text = text[:start] + piece + text[end:]
    return text[:100_000]
