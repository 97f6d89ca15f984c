"""Variables in Compose files: the specification's examples, generated texts, and files of variables."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generator.lifecycle.importing.env_files import EnvFileError, read_env
from generator.lifecycle.importing.interpolation import DEEPEST, InterpolationError, fill
from tests.fuzz import examples

KNOWN = {"SET": "value", "EMPTY": ""}


@pytest.mark.parametrize(
    ("text", "expected", "states"),
    [
        ("$SET and ${SET}", "value and value", ["set", "set"]),
        ("${EMPTY}|${UNSET}|$UNSET", "||", ["set", "unset", "unset"]),
        ("${SET:-d} ${EMPTY:-d} ${UNSET:-d}", "value d d", ["set", "default", "default"]),
        ("${SET-d} ${EMPTY-d} ${UNSET-d}", "value  d", ["set", "set", "default"]),
        ("${SET:?e} ${EMPTY:?e} ${UNSET:?e}", "value  ", ["set", "required", "required"]),
        ("${SET?e} ${EMPTY?e} ${UNSET?e}", "value  ", ["set", "set", "required"]),
        ("${SET:+a} ${EMPTY:+a} ${UNSET:+a}", "a  ", ["alternative"]),
        ("${SET+a} ${EMPTY+a} ${UNSET+a}", "a a ", ["alternative", "alternative"]),
        ("${UNSET:-${SET}}", "value", ["default", "set"]),
        ("${UNSET:-${OTHER:-deep}}", "deep", ["default", "default"]),
        ("${UNSET:-a:-b?c+d}", "a:-b?c+d", ["default"]),
        ("${UNSET:-http://x:80/${SET}/y}", "http://x:80/value/y", ["default", "set"]),
        ("${SET:+${EMPTY:-x}}", "x", ["alternative", "default"]),
        ("${UNSET:-}", "", ["default"]),
        ("$$SET $${SET} $$$SET", "$SET ${SET} $value", ["set"]),
        ("cost $5, $ and $.", "cost $5, $ and $.", []),
        ("^a$", "^a$", []),
        ("$SET_and", "", ["unset"]),
        ("${SET}_and", "value_and", ["set"]),
        ("${UNSET:-{\"a\": 1}}", '{"a": 1}', ["default"]),
        ("ünïcode ${SET}", "ünïcode value", ["set"]),
    ],
)  # fmt: skip
def test_forms(text: str, expected: str, states: list[str]) -> None:
    found = fill(text, KNOWN)
    assert found.text == expected
    assert [use.state for use in found.uses] == states


@pytest.mark.parametrize("text", ["${", "${SET", "${}", "${1A}", "${SET/a/b}", "${SET SET}", "${-x}", "${UNSET:-${}}"])
def test_what_is_no_variable(text: str) -> None:
    with pytest.raises(InterpolationError, match=r"\$\$"):
        fill(text, KNOWN)


def test_depth_is_bounded() -> None:
    text = "${A:-" * (DEEPEST + 2) + "x" + "}" * (DEEPEST + 2)
    with pytest.raises(InterpolationError, match="deeper"):
        fill(text, {})
    assert fill("${A:-" * 5 + "x" + "}" * 5, {}).text == "x"


@dataclass(frozen=True)
class Piece:
    """A part of a text, as it is written and as it comes out."""

    written: str
    value: str


NAMES = st.sampled_from(["SET", "EMPTY", "UNSET", "_under1"])
PLAIN = st.text(st.characters(exclude_characters="$}{", codec="utf-8"), max_size=8)


def _join(pieces: list[Piece]) -> Piece:
    return Piece("".join(piece.written for piece in pieces), "".join(piece.value for piece in pieces))


def _braced(inside: st.SearchStrategy[Piece]) -> st.SearchStrategy[Piece]:
    def made(name: str, operator: str, other: Piece) -> Piece:
        value = KNOWN.get(name)
        given_ = bool(value) if operator[0] == ":" else value is not None
        shown = {
            "-": value if given_ else other.value,
            "?": value if given_ else "",
            "+": other.value if given_ else "",
        }
        return Piece(f"${{{name}{operator}{other.written}}}", shown[operator[-1]] or "")

    operators = st.sampled_from([":-", "-", ":?", "?", ":+", "+"])
    return st.builds(made, NAMES, operators, st.lists(inside, max_size=3).map(_join))


TEXTS = st.lists(
    st.recursive(
        st.one_of(
            PLAIN.map(lambda text: Piece(text, text)),
            st.just(Piece("$$", "$")),
            NAMES.map(lambda name: Piece(f"${{{name}}}", KNOWN.get(name, ""))),
        ),
        _braced,
        max_leaves=8,
    ),
    max_size=5,
).map(_join)


@settings(max_examples=examples(300), deadline=None)
@given(TEXTS)
def test_whatever_is_nested(text: Piece) -> None:
    assert fill(text.written, KNOWN).text == text.value


@settings(max_examples=examples(300), deadline=None)
@given(st.text(max_size=60))
def test_any_text_is_filled_in_or_refused(text: str) -> None:
    with suppress(InterpolationError):
        fill(text, KNOWN)
    if "$" not in text:
        assert fill(text, KNOWN).text == text


# --- files of variables --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A=1", {"A": "1"}),
        ("export A = 1 ", {"A": "1"}),
        ("A: 1", {"A": "1"}),
        ("A=", {"A": ""}),
        ("A", {"A": None}),
        ("# A=1\n\n  # B\nB=2", {"B": "2"}),
        ("A=1 # a comment", {"A": "1"}),
        ("A=1# no comment", {"A": "1# no comment"}),
        ("A=#all", {"A": ""}),
        ('A="1 # no comment" # a comment', {"A": "1 # no comment"}),
        ("A='$B ${B}'", {"A": "$B ${B}"}),
        (r"A='it\'s'", {"A": "it's"}),
        (r'A="a\nb\t\"c\" \\ \$B"', {"A": 'a\nb\t"c" \\ $B'}),
        ('A="two\nlines"\nB=2', {"A": "two\nlines", "B": "2"}),
        ("A=1\nB=${A}2\nC=\"${B}3\"", {"A": "1", "B": "12", "C": "123"}),
        ("A=${OUTSIDE}-${UNSET:-x}", {"A": "out-x"}),
        ("A=a=b=c", {"A": "a=b=c"}),
        ("A=1\r\nB=2\r\n", {"A": "1", "B": "2"}),
        ("A=1\nA=2", {"A": "2"}),
        ("A=pa$$word", {"A": "pa$word"}),
    ],
)  # fmt: skip
def test_env_files(text: str, expected: dict[str, str | None]) -> None:
    assert {item.name: item.value for item in read_env(text, {"OUTSIDE": "out"})} == expected


def test_raw_files() -> None:
    assert read_env("A='$B' # x", {}, raw=True)[0].value == "'$B' # x"


@pytest.mark.parametrize(
    ("text", "line"), [("A=1\n=x", 2), ("a b c", 1), ('\nA="open', 2), ("A=${", 1), ("A='open\nB=1", 1)]
)
def test_faults_name_the_line_and_quote_nothing(text: str, line: int) -> None:
    with pytest.raises(EnvFileError, match=f"line {line}:") as caught:
        read_env(text, {})
    assert "open" not in str(caught.value)


@settings(max_examples=examples(200), deadline=None)
@given(st.text(max_size=200))
def test_any_file_is_read_or_refused(text: str) -> None:
    with suppress(EnvFileError):
        read_env(text, {})


def test_a_large_file_is_read_in_no_time() -> None:
    read_env('A="' + "x\n" * 100_000 + '"\n' + "B='" + "\\'" * 50_000 + "'", {})
    read_env("A='\n" * 50_000, {})
