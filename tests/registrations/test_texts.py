"""Items of lists in prose."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generator.base.errors import RefusedError
from generator.infra_repo.registrations import register, unregister
from generator.infra_repo.registrations.edits import State
from generator.infra_repo.registrations.text_edits import TextListItem
from tests.fuzz import examples

from .test_edits import added, refusal, registration

INLINE = TextListItem(r"Users(?: \((?P<count>\d+)\))?: ", r"\.", ", ", "new")
LINES = TextListItem(r"Users:\s+- ", r"\s*(?:\r?\n\r?\n|\Z)", "\n- ", "new")

SENTENCES = {
    "several": ("Users: a, b. More.", "Users: a, b, new. More."),
    "one": ("Users: a.", "Users: a, new."),
    "none": ("Users: . More.", "Users: new. More."),
    "remarks": ("Users: a (b, c. d), e `x, y.z`. More, new.", "Users: a (b, c. d), e `x, y.z`, new. More, new."),
    "counted": ("Users (2): a, b.", "Users (3): a, b, new."),
    "much counted": ("Users (9): a, b.", "Users (10): a, b, new."),
    "over lines": ("Users: a, b\n  and more.", "Users: a, b\n  and more, new."),
    "no break at the end": ("x\nUsers: a.", "x\nUsers: a, new."),
}


@pytest.mark.parametrize("shape", SENTENCES)
def test_item_of_a_sentence(shape: str) -> None:
    before, after = SENTENCES[shape]
    assert added(INLINE, before) == after


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("end", ["", "\n", "\n\nMore\n\n- other\n"])
def test_item_of_a_list_of_lines(newline: str, end: str) -> None:
    before = f"# T\n\nUsers:\n- a (its\n- b{end}".replace("\n", newline)
    assert added(LINES, before) == f"# T\n\nUsers:\n- a (its\n- b\n- new{end}".replace("\n", newline)


@pytest.mark.parametrize("item", ["new", "new (by hand, since May)"])
def test_item_is_known_with_whatever_remark(item: str) -> None:
    assert INLINE.find(f"Users: a, {item}, b.").state is State.PRESENT


@pytest.mark.parametrize("other", ["news", "a new", "`new`", "(new)", "new/old", "New"])
def test_item_is_not_known_by_its_looks(other: str) -> None:
    assert INLINE.find(f"new, Users: a, {other}. new. And new, too.").state is State.ABSENT


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("Users: new, b.", "Users: b."),
        ("Users: a, new, b.", "Users: a, b."),
        ("Users: a, new.", "Users: a."),
        ("Users: new.", "Users: ."),
        ("Users (3): a, new, b.", "Users (2): a, b."),
    ],
)
def test_item_among_others_is_taken_out(before: str, after: str) -> None:
    assert unregister(registration(INLINE), before).text == after


def test_item_with_a_remark_of_somebody_is_not_removed() -> None:
    assert refusal(unregister, INLINE, "Users: a, new (see above).").code == "registration.edited"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no list begins so"),
        ("Users none.", "no list begins so"),
        ("Users: a. Users: b.", "more than one list begins so"),
        ("Users: a (b.)", "does not end with"),
    ],
)
def test_other_texts_are_refused_with_the_item(text: str, reason: str) -> None:
    error = refusal(register, INLINE, text)
    assert error.code == "registration.place_not_found"
    assert reason in error.message
    assert error.hint.endswith("\nnew")


@pytest.mark.parametrize("value", ["a, b", "a.", "x (y), z"])
def test_an_item_that_would_be_read_as_something_else_is_refused(value: str) -> None:
    edit = TextListItem(INLINE.opening, INLINE.closing, INLINE.separator, value)
    assert refusal(register, edit, "Users: q.").code == "registration.place_not_found"


def test_a_wrong_pattern_is_a_fault_of_the_declaration() -> None:
    with pytest.raises(ValueError, match="no regular expression"):
        TextListItem("(", r"\.", ", ", "new")


@settings(max_examples=examples(200), deadline=None)
@given(st.text(alphabet="ab,. (`)\n\r:new012", max_size=30), st.text(alphabet="ab,. (`)\n", max_size=20))
def test_whatever_is_added_can_be_taken_out_again(items: str, after: str) -> None:
    text = f"Users (7): {items}.{after}"
    try:
        change = register(registration(INLINE), text)
    except RefusedError:
        return
    if change.action == "add":
        assert unregister(registration(INLINE), change.text).text == text
