"""Each kind of edit on awkward texts, and round trips over hostile ones."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from generator.base.errors import RefusedError
from generator.infra_repo.hcl import HclSyntaxError, parse
from generator.infra_repo.hcl_strings import quote
from generator.infra_repo.registrations import Registration, register, unregister
from generator.infra_repo.registrations.edits import Edit, State
from generator.infra_repo.registrations.hcl_edits import HclBlock, HclListItem, HclMapEntry
from generator.infra_repo.registrations.lines import one_line
from generator.infra_repo.registrations.markdown import escape, plain, tables
from generator.infra_repo.registrations.markdown_edits import MarkdownCellItem, MarkdownTableRow
from tests.fuzz import examples

HOSTILE = st.one_of(
    st.text(),
    st.lists(
        st.sampled_from(
            ["${", "$", "%{", "%", "{", "}", '"', "\\", "\n", "\r\n", "# ", "//", "/*", "*/", "<<EOT", "]", "|",
             "`", "**", "_", "~~", "[a](b)", "<b>", "<!--", "&amp;", "&#124;", "https://a.b", "www.a.b", "é", "🎉",
             "\u2028", "\u202e", "\x00", "\x85", ",", " ", "a", "\\u0024", "n", "---", "|-|"]
        ), max_size=12,
    ).map("".join),
)  # fmt: skip
PLAIN = HOSTILE.filter(lambda text: bool(one_line(text)))


def registration(*edits: Edit) -> Registration:
    return Registration("trial", "shared/file", tuple(edits))


def added(edit: Edit, text: str) -> str:
    """The text with the entry, which must be recognised, and taken out again byte for byte."""
    change = register(registration(edit), text)
    assert change.action == "add"
    again = register(registration(edit), change.text)
    assert (again.action, again.text) == ("present", change.text)
    back = unregister(registration(edit), change.text)
    assert (back.action, back.text) == ("remove", text)
    return change.text


def refusal(action: Callable[[Registration, str], object], edit: Edit, text: str) -> RefusedError:
    with pytest.raises(RefusedError) as caught:
        action(registration(edit), text)
    return caught.value


LISTS = {
    "one line": ('["a", "b"]', '["a", "b", "new"]'),
    "one line, closing comma": ('["a", "b",]', '["a", "b", "new",]'),
    "padded": ('[ "a" ]', '[ "a", "new" ]'),
    "empty": ("[]", '["new"]'),
    "empty, lines": ("[\n  ]", '[\n    "new",\n  ]'),
    "empty, remark": ("[\n    # none yet\n  ]", '[\n    # none yet\n    "new",\n  ]'),
    "lines": ('[\n    "a",\n  ]', '[\n    "a",\n    "new",\n  ]'),
    "no closing comma": ('[\n    "a",\n    "b"\n  ]', '[\n    "a",\n    "b",\n    "new"\n  ]'),
    "one item, no comma": ('[\n    "a"\n  ]', '[\n    "a",\n    "new"\n  ]'),
    "several a line": ('[\n    "a", "b",\n    "c", "d"\n  ]', '[\n    "a", "b",\n    "c", "d",\n    "new"\n  ]'),
    "remark behind": ('[\n    "a", # x, "new"\n  ]', '[\n    "a", # x, "new"\n    "new",\n  ]'),
    "remark behind, no comma": ('[\n    "a" # x\n  ]', '[\n    "a", # x\n    "new"\n  ]'),
    "remark below": ('[\n    "a",\n    # x\n  ]', '[\n    "a",\n    "new",\n    # x\n  ]'),
    "remark over lines": (
        '[\n    "a", /* x\n    y */\n  ]',
        '[\n    "a", /* x\n    y */\n    "new",\n  ]',
    ),
    "closing bracket by the last": ('["a",\n  "b"]', '["a",\n  "b", "new"]'),
    "expressions": (
        '[\n    var.x,\n    "${var.y}new",\n  ]',
        '[\n    var.x,\n    "${var.y}new",\n    "new",\n  ]',
    ),
}


@pytest.mark.parametrize("shape", LISTS)
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_list_item(shape: str, newline: str, unformatted: Callable[[str], bool]) -> None:
    before, after = (f"locals {{\n  é = 1\n  names = {part}\n}}".replace("\n", newline) for part in LISTS[shape])
    assert added(HclListItem(("locals", "names"), "new"), before) == after
    assert unformatted(before) or not unformatted(after)


def test_list_item_later_neighbours_stay() -> None:
    edit = HclListItem(("locals", "names"), "mine", "mine: why")
    text = added(edit, 'locals {\n  names = [\n    "a"\n  ]\n}\n')
    later = HclListItem(("locals", "names"), "later").insert(text)
    assert unregister(registration(edit), later).text == ('locals {\n  names = [\n    "a",\n    "later"\n  ]\n}\n')


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('["x", "mine", "y"]', '["x", "y"]'),
        ('["mine", "y"]', '["y"]'),
        ('[\n  "mine", "y",\n]', '[\n  "y",\n]'),
        ('[\n  "x", "mine",\n  "y",\n]', '[\n  "x",\n  "y",\n]'),
    ],
)
def test_list_item_among_others_is_taken_out(before: str, after: str) -> None:
    edit = HclListItem(("locals", "names"), "mine")
    assert edit.remove(f"locals {{\n  names = {before}\n}}\n") == f"locals {{\n  names = {after}\n}}\n"


@pytest.mark.parametrize("item", ['"mine", # by hand', '# by hand\n"mine",'])
def test_list_item_with_a_remark_of_somebody_is_not_removed(item: str) -> None:
    text = f'locals {{\n  names = [\n    "a",\n    {item}\n  ]\n}}\n'
    assert refusal(unregister, HclListItem(("locals", "names"), "mine"), text).code == "registration.edited"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no such attribute"),
        ("locals {\n  names = toset([])\n}\n", "plain list"),
        ("locals {\n  names = {}\n}\n", "plain list"),
        ("locals {\n  names = [\n}\n", "from line"),
        ("locals {\n  names = []\n}\nlocals {\n  names = []\n}\n", "more than once"),
        ('other "names" {\n  names = []\n}\n# locals { names = [] }\n', "no such attribute"),
        ("locals {\n  names = [for n in var.x : n]\n}\n", "plain list"),
    ],
)
def test_list_place_not_found(text: str, reason: str) -> None:
    error = refusal(register, HclListItem(("locals", "names"), "new"), text)
    assert error.code == "registration.place_not_found"
    assert reason in error.message
    assert '"new"' in error.hint


MAPS = {
    "empty": ("{}", '{ "k" = "v" }'),
    "one line": ('{ a = "b" }', '{ a = "b", "k" = "v" }'),
    "empty, lines": ("{\n  }", '{\n    # why\n    "k" = "v"\n  }'),
    "empty, remark": ("{\n    # none\n  }", '{\n    # none\n    # why\n    "k" = "v"\n  }'),
    "aligned": (
        '{\n    a      = "b"\n    longer = "k"\n  }',
        '{\n    a      = "b"\n    longer = "k"\n    # why\n    "k" = "v"\n  }',
    ),
    "commas": ('{\n    a = "k",\n  }', '{\n    a = "k",\n    # why\n    "k" = "v",\n  }'),
    "remark below": (
        '{\n    a = "b" # x\n    # k = v\n  }',
        '{\n    a = "b" # x\n    # why\n    "k" = "v"\n    # k = v\n  }',
    ),
}


@pytest.mark.parametrize("shape", MAPS)
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_map_entry(shape: str, newline: str, unformatted: Callable[[str], bool]) -> None:
    before, after = (f"locals {{\n  targets = {part}\n}}\n".replace("\n", newline) for part in MAPS[shape])
    assert added(HclMapEntry(("locals", "targets"), "k", "v", "why"), before) == after
    assert unformatted(before) or not unformatted(after)


@pytest.mark.parametrize("key", ["k", '"k"'])
def test_map_entry_of_another_value_has_drifted(key: str) -> None:
    text = f'locals {{\n  targets = {{\n    # why\n    {key} = "other"\n  }}\n}}\n'
    edit = HclMapEntry(("locals", "targets"), "k", "v", "why")
    change = register(registration(edit), text)
    assert (change.action, change.text) == ("update", text)
    replaced = register(registration(edit), text, replace=True).text
    assert replaced == text.replace("other", "v")
    assert refusal(unregister, edit, text).code == "registration.edited"


def test_nested_attribute_in_a_labelled_block() -> None:
    text = 'resource "a" "b" {\n  spec {\n    names = []\n  }\n}\nresource "a" "c" {\n  names = []\n}\n'
    after = added(HclListItem(("resource", "a", "b", "spec", "names"), "x"), text)
    assert after == text.replace("[]", '["x"]', 1)


BLOCK = HclBlock(("role", "pg_*"), '# why\nrole "pg_new" {\n  name = "é"\n  days = 7\n}')


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize(
    "rest", ["", "\n", '\n\n# next\nrole "z" {\n}\n', " # remark\n", '\nrole "z" {\n}\n'], ids=repr
)
def test_block_follows_the_last_of_its_kind(newline: str, rest: str) -> None:
    head = '# role "pg_new" {}\nrole "pg_é" {\n}\nrole "my_new" {\n}\n\nrole "pg_b" {\n}'.replace("\n", newline)
    rest = rest.replace("\n", newline)
    remark = rest.partition(newline)[0]
    own = "\n\n".replace("\n", newline) + BLOCK.block.replace("\n", newline)
    assert added(BLOCK, head + rest) == head + remark + own + rest[len(remark) :]


def test_block_is_known_by_its_labels_and_its_content_without_spacing() -> None:
    text = 'role "pg_new" {\n  name   = "é" # mine\n\n  days = 7\n}\n'
    assert BLOCK.find(text).state is State.PRESENT
    assert refusal(unregister, BLOCK, text).code == "registration.edited"
    drifted = text.replace("7", "8")
    assert register(registration(BLOCK), drifted).action == "update"
    assert BLOCK.find(BLOCK.replace(drifted)).state is State.PRESENT


def test_spaces_inside_strings_count() -> None:
    text = BLOCK.block.replace('"é"', '" é"')
    assert BLOCK.find(text).state is State.DRIFTED


def test_blocks_removed_in_any_order() -> None:
    text = 'role "pg_a" {\n}\n\nother "x" {\n}\n'
    first, second = BLOCK, HclBlock(BLOCK.after, 'role "pg_two" {\n}')
    both = second.insert(first.insert(text))
    assert second.remove(first.remove(both)) == first.remove(second.remove(both)) == text


@pytest.mark.parametrize("source", ["", "x = 1", "a {\n}\nb {\n}", "a {\n} # b", "a {", "x = 1\na {\n}"])
def test_a_declared_block_is_one_block(source: str) -> None:
    with pytest.raises((ValueError, HclSyntaxError), match=r"one block|comment lines|HCL"):
        HclBlock(("a", "*"), source)


ROW = MarkdownTableRow("Here", "Name", (("Name", "new"), ("What", "a thing"), ("Where", "there")))
TABLE = "## Here\n| Name | What | Where |\n|---|---|---|\n| a | b | c |\n"


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("rest", ["", "\n", "\ntext | text\n", "# New\n", "<!-- end -->\n", "```\n| new |\n```\n"])
def test_table_row(newline: str, rest: str) -> None:
    text = (TABLE + rest).replace("\n", newline)
    expected = (TABLE + "| new | a thing | there |\n" + rest).replace("\n", newline)
    assert added(ROW, text) == expected
    if not rest:
        assert added(ROW, text.rstrip()) == expected.rstrip()


@pytest.mark.parametrize(
    "text",
    [
        "## Here\n| Name | What | Where |\n|---|---|---|\n",
        "## Here (core)\n\n| Where | Name | What | More |\n|---|---|:-:|--:|\n| x | y | z | |\n",
        "Here\n----\n| Name | What | Where |\n|---|---|---|\n| a `\\|` b | ~~c~~ | d |\n",
        "```\n## Here\n```\n" + TABLE,
        "<!--\n" + TABLE + "-->\n" + TABLE,
    ],
)
def test_table_row_in_other_tables(text: str) -> None:
    row = tables(added(ROW, text))[0].rows[-1]
    assert {"new", "a thing", "there"} <= {cell.text for cell in row.cells}


def test_table_row_by_key_only() -> None:
    text = TABLE + "| **new** | other | new |\n"
    change = register(registration(ROW), text)
    assert (change.action, change.text) == ("update", text)
    assert register(registration(ROW), text, replace=True).text == TABLE + "| new | a thing | there |\n"
    assert refusal(unregister, ROW, text).code == "registration.edited"
    assert ROW.find(TABLE + "| other | new | new |\n").state is State.ABSENT


def test_table_row_in_another_section_is_reported_and_moved_on_request() -> None:
    elsewhere = TABLE.replace("Here", "There")
    text = added(ROW, elsewhere.replace("There", "Here")).replace("Here", "There") + "\n" + TABLE
    change = register(registration(ROW), text)
    assert change.action == "update"
    assert "There" in change.details[0]
    moved = register(registration(ROW), text, replace=True).text
    assert moved == elsewhere + "\n" + added(ROW, TABLE)


@pytest.mark.parametrize("text", ["", "## Here\nprose\n", "## There\n" + TABLE[8:], "## Here\n| A |\n|---|\n| b |\n"])
def test_table_place_not_found(text: str) -> None:
    error = refusal(register, ROW, text)
    assert error.code == "registration.place_not_found"
    assert "| new | a thing | there |" in error.hint


ITEM = MarkdownCellItem("Here", "Kind", "Public", "Names", "new")


@pytest.mark.parametrize(
    ("cell", "after"),
    [
        (" a, b ", " a, b, new "),
        ("a", "a, new"),
        (" `a`, b\\|c, newer  ", " `a`, b\\|c, newer, new  "),
        (" ", " new "),
        ("", " new"),
        ("   ", " new   "),
    ],
)
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_cell_item(cell: str, after: str, newline: str) -> None:
    source = "## Here\nnew\n\n| Kind | Names | Rest |\n|---|---|---|\n| Private | x |\n| **Public** |{}| new |"
    source = source.replace("\n", newline)
    assert added(ITEM, source.format(cell)) == source.format(after)


@pytest.mark.parametrize(("cell", "after"), [(" new, a ", " a "), (" a, new, b ", " a, b "), (" a,new,b ", " a,b ")])
def test_cell_item_among_others(cell: str, after: str) -> None:
    source = "## Here\n\n| Kind | Names |\n|---|---|\n| Public |{}|\n"
    assert ITEM.remove(source.format(cell)) == source.format(after)


@pytest.mark.parametrize("text", ["plain words, with (brackets) & more: a-b/c_d.e 5% +1!", "10 * 2 = 20", "„é“ 🎉"])
def test_ordinary_text_stays_readable(text: str) -> None:
    assert escape(text) == text


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("a|b", r"a\|b"),
        ("\\|", r"\\&#124;"),
        ("a\n| b", r"a \| b"),
        ("<script>", r"\<script>"),
        ("[a](b)", r"\[a\](b)"),
        ("**a** _b_ ~c~", r"\*\*a\*\* \_b\_ \~c\~"),
        ("`a`", r"\`a\`"),
        ("&lt;", r"\&lt;"),
        ("https://a.b and www.c.d", r"https:\/\/a.b and www\.c.d"),
        ("$a$", r"\$a\$"),
    ],
)
def test_markup_comes_out_as_text(text: str, source: str) -> None:
    assert escape(text) == source
    assert plain(source) == one_line(text)


@settings(deadline=None)
@given(HOSTILE)
def test_quoted_text_reads_back(value: str) -> None:
    containers = parse(f"locals {{\n  x = [{quote(value)}]\n}}\n").containers(("locals", "x"))
    assert containers[0] is not None
    assert [element.value for element in containers[0].elements] == [value]


@settings(deadline=None, max_examples=examples(50))
@given(HOSTILE, HOSTILE, PLAIN, st.sampled_from(sorted(MAPS)), st.booleans())
def test_map_entries_survive_hostile_text(key: str, value: str, comment: str, shape: str, crlf: bool) -> None:
    assume(key not in ("a", "longer"))
    text = f"locals {{\n  m = {MAPS[shape][0]}\n}}"
    added(HclMapEntry(("locals", "m"), key, value, comment), text.replace("\n", "\r\n") if crlf else text)


@settings(deadline=None, max_examples=examples(50))
@given(HOSTILE, HOSTILE, st.sampled_from(sorted(LISTS)), st.booleans())
def test_list_items_survive_hostile_text(value: str, comment: str, shape: str, crlf: bool) -> None:
    assume(value not in ("a", "b", "c", "d"))
    text = f"locals {{\n  m = {LISTS[shape][0]}\n}}"
    added(HclListItem(("locals", "m"), value, comment), text.replace("\n", "\r\n") if crlf else text)


@settings(deadline=None, max_examples=examples(50))
@given(PLAIN, HOSTILE)
def test_table_rows_survive_hostile_text(name: str, what: str) -> None:
    assume(one_line(name) != "a")
    row = MarkdownTableRow("Here", "Name", (("Name", name), ("What", what), ("Where", what)))
    cells = tables(added(row, TABLE))[0].rows[-1].cells
    assert [cell.text for cell in cells] == [one_line(name), one_line(what), one_line(what)]


@settings(deadline=None, max_examples=examples(50))
@given(PLAIN)
def test_cell_items_survive_hostile_text(value: str) -> None:
    assume(one_line(value) not in ("x", "y"))
    text = "## Here\n\n| Kind | Names |\n|---|---|\n| Public | x, y |\n"
    added(MarkdownCellItem("Here", "Kind", "Public", "Names", value), text)
