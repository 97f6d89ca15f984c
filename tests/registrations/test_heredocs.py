"""Strings in a collection of code that an HCL file holds as a heredoc."""

from __future__ import annotations

import ast
import json
import textwrap
from collections.abc import Callable

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from generator.infra_repo.registrations import register, unregister
from generator.infra_repo.registrations.edits import State
from generator.infra_repo.registrations.embedded import quote
from generator.infra_repo.registrations.heredoc_edits import HclHeredocItem
from generator.infra_repo.registrations.lines import one_line
from tests.fuzz import examples

from .test_edits import HOSTILE, PLAIN, added, refusal, registration

PLACE = ("resource", "rule", "gate", "expression")
EDIT = HclHeredocItem(PLACE, "HOSTS = {", "}", "new")
# With a marker of Terraform's, a remark in the code would be a template.
REMARK = HOSTILE.map(one_line).filter(lambda text: "${" not in text and "%{" not in text)


def file(collection: str, *, before: str = "", after: str = "", call: bool = True) -> str:
    """An HCL file with the collection in a heredoc, which stands in a call or alone."""
    code = f"{before}HOSTS = {collection}\n{after}return host in HOSTS"
    start, end = ("trimspace(<<-EOT", "EOT\n  )") if call else ("<<-EOT", "EOT")
    text = textwrap.indent(code, "    ")
    return f'resource "rule" "gate" {{\n  name = "é"\n  expression = {start}\n{text}\n  {end}\n}}\n'


SETS = {
    "empty": ("{}", '{"new"}'),
    "empty, lines": ("{\n}", '{\n    "new",\n}'),
    "empty, remark": ("{\n    # none yet\n}", '{\n    # none yet\n    "new",\n}'),
    "lines": ('{\n    "a",\n}', '{\n    "a",\n    "new",\n}'),
    "other indentation": ('{\n  "a",\n}', '{\n  "a",\n  "new",\n}'),
    "tabs": ('{\n\t"a",\n}', '{\n\t"a",\n\t"new",\n}'),
    "no closing comma": ('{\n    "a",\n    "b"\n}', '{\n    "a",\n    "b",\n    "new"\n}'),
    "one line": ('{"a", "b"}', '{"a", "b", "new"}'),
    "one line, closing comma": ('{"a", "b",}', '{"a", "b", "new",}'),
    "several a line": ('{\n    "a", "b",\n    "c", "d",\n}', '{\n    "a", "b",\n    "c", "d",\n    "new",\n}'),
    "closing bracket by the last": ('{"a",\n    "b"}', '{"a",\n    "b", "new"}'),
    "remark behind": ('{\n    "a",  # "new", }\n}', '{\n    "a",  # "new", }\n    "new",\n}'),
    "remark behind, no comma": ('{\n    "a"  # x\n}', '{\n    "a",  # x\n    "new"\n}'),
    "remarks between": (
        '{\n    # "new",\n    "a",\n    # b\'s\n    "b",\n    # the end }\n}',
        '{\n    # "new",\n    "a",\n    # b\'s\n    "b",\n    "new",\n    # the end }\n}',
    ),
    "other quotes": ("{\n    'a', 'n\"}',\n}", "{\n    'a', 'n\"}',\n    \"new\",\n}"),
    "escapes": ('{\n    "a\\"}",\n    "$${new}",\n}', '{\n    "a\\"}",\n    "$${new}",\n    "new",\n}'),
    "expressions": (
        '{\n    OTHER, "ne" "w", f("new", {1}), r"new",\n}',
        '{\n    OTHER, "ne" "w", f("new", {1}), r"new",\n    "new",\n}',
    ),
}


@pytest.mark.parametrize("shape", SETS)
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("call", [True, False], ids=["in a call", "alone"])
def test_item(shape: str, newline: str, call: bool) -> None:
    before, after = (file(part, call=call).replace("\n", newline) for part in SETS[shape])
    assert added(EDIT, before) == after


def test_no_item_is_anything_to_terraforms_formatter(unformatted: Callable[[str], bool]) -> None:
    assert not unformatted("\n".join(file(after) for _, after in SETS.values()))


@pytest.mark.parametrize("written", ['"new"', "'new'", '"n\\u0065w"', '"\\x6eew"', '"\\U0000006eew"'])
def test_item_is_known_by_what_it_means(written: str) -> None:
    assert EDIT.find(file(f'{{\n    "a", {written},\n}}')).state is State.PRESENT


@pytest.mark.parametrize(
    "other", ['"New"', '"new "', '"$${new}"', '"\\\\new"', '"new" + x', 'f"new"', '# "new"', "new"]
)
def test_item_is_not_known_by_its_looks(other: str) -> None:
    text = file(f'{{\n    "a",\n    {other}\n}}', before='# HOSTS = {"new"}\n', after='x = {"new"}\n')
    assert EDIT.find(text).state is State.ABSENT


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('{\n    "new",\n    "b",\n}', '{\n    "b",\n}'),
        ('{\n    "a",\n    "new",\n    "b",\n}', '{\n    "a",\n    "b",\n}'),
        ('{"a", "new", "b"}', '{"a", "b"}'),
        ('{"new"}', "{}"),
    ],
)
def test_item_among_others_is_taken_out(before: str, after: str) -> None:
    assert unregister(registration(EDIT), file(before)).text == file(after)


def test_item_with_a_remark_of_somebody_is_not_removed() -> None:
    for remarked in ('"new",  # by hand', '# by hand\n    "new",'):
        text = file(f'{{\n    "a",\n    {remarked}\n}}')
        assert refusal(unregister, EDIT, text).code == "registration.edited"


HEREDOC = "<<-EOT\n    HOSTS = {\n    }\n  EOT\n"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no such attribute"),
        (file("{}").replace('"gate"', '"other"'), "no such attribute"),
        ('resource "rule" "gate" {\n  expression = "HOSTS = {}"\n}\n', "not written as one heredoc"),
        (f'resource "rule" "gate" {{\n  expression = f({HEREDOC}, {HEREDOC})\n}}\n', "not written as one heredoc"),
        (file("{}") + file("{}"), "more than once"),
        (file("[]"), "no line begins with 'HOSTS = {'"),
        (file("{}", before="# "), "no line begins"),
        (file("{}", before="X"), "no line begins"),
        (file("{}", after="HOSTS = {}\n"), "more than one line begins"),
        (file('{"a"'), "can't be read up to its '}'"),
        (file('{"a", ]}'), "can't be read"),
        (file('{"a",, "b"}'), "can't be read"),
        (file('{, "b"}'), "can't be read"),
        (file('{"a\n}'), "can't be read"),
        (file('{"""a""", "b" "\n}'), "can't be read"),
        (file("{`a`}"), "can't be read"),
        (file('{\n    "${var.host}",\n}'), "made by a template"),
        (file('{\n%{ for h in var.hosts ~}\n    "a",\n%{ endfor ~}\n}'), "made by a template"),
        (file("{") + "}\n", "from line"),
    ],
)
def test_place_not_found(text: str, reason: str) -> None:
    error = refusal(register, EDIT, text)
    assert error.code == "registration.place_not_found"
    assert reason in error.message
    assert "shared/file, 'HOSTS = { }' in the text of resource.rule.gate.expression: " in error.message
    assert '\n"new",' in error.hint


def test_templates_elsewhere_in_the_text_do_no_harm() -> None:
    around = '%{ if var.x ~}\nx = "${var.y}"\n%{ endif ~}\n'
    text = file('{\n    "a",\n}', before=around, after=around)
    assert added(EDIT, text) == text.replace('"a",\n', '"a",\n        "new",\n')


@pytest.mark.parametrize(
    ("opening", "closing"),
    [("HOSTS = [", "]"), ("HOSTS = (", ")"), ("const HOSTS = [", "]"), ("HOSTS = frozenset({", "})")],
)
def test_other_collections(opening: str, closing: str) -> None:
    edit = HclHeredocItem(PLACE, opening, closing, "new")
    text = file("{}").replace("HOSTS = {}", f'{opening}\n        "a",\n    {closing}')
    assert added(edit, text) == text.replace('"a",\n', '"a",\n        "new",\n')


def written(value: str) -> str:
    """The line that ends up in the code, as Terraform gives it to the code."""
    text = HclHeredocItem(PLACE, "HOSTS = {", "}", value).insert(file('{\n    "a",\n}'))
    line = text.split('"a",\n', 1)[1].split(",\n    }\n")[0].strip(" ")
    assert "${" not in line
    assert "%{" not in line
    assert "\n" not in line
    return line


@settings(deadline=None, max_examples=examples(200))
@given(HOSTILE)
def test_quoted_text_means_the_same_to_python(value: str) -> None:
    assert ast.literal_eval(written(value)) == value
    if all(char.isprintable() or ord(char) <= 0xFFFF for char in value):
        assert json.loads(written(value)) == value


@settings(deadline=None, max_examples=examples(100))
@given(HOSTILE, REMARK, st.sampled_from(sorted(SETS)), st.booleans(), st.booleans())
def test_items_survive_hostile_text(value: str, comment: str, shape: str, call: bool, crlf: bool) -> None:
    assume(value not in ("a", "b", "c", "d", 'n"}', 'a"}', "${new}"))
    collection = SETS[shape][0]
    if shape in ("lines", "tabs", "several a line"):
        collection = collection.replace("\n}", f"  # {comment}\n}}")
    text = file(collection, before=f"# {comment}\n", call=call)
    added(HclHeredocItem(PLACE, "HOSTS = {", "}", value), text.replace("\n", "\r\n") if crlf else text)


@settings(deadline=None, max_examples=examples(100))
@given(st.lists(PLAIN, unique=True, max_size=6), PLAIN, st.data())
def test_others_are_left_alone(values: list[str], value: str, data: st.DataObject) -> None:
    assume(value not in values)
    lines = "".join(f"    {quote(each)},{data.draw(st.sampled_from(['', '  # x', ' // x']))}\n" for each in values)
    text = file(f"{{\n{lines}}}")
    after = added(HclHeredocItem(PLACE, "HOSTS = {", "}", value), text)
    for each in values:
        assert HclHeredocItem(PLACE, "HOSTS = {", "}", each).find(after).state is State.PRESENT
