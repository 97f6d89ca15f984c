"""Objects in a list of an HCL file."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from generator.infra_repo.hcl import parse
from generator.infra_repo.registrations import register, unregister
from generator.infra_repo.registrations.edits import State
from generator.infra_repo.registrations.hcl_objects import HclListObject, Value
from generator.infra_repo.registrations.lines import one_line
from tests.fuzz import examples

from .test_edits import HOSTILE, added, refusal, registration

PLACE = ("locals", "objects")
ATTRIBUTES: tuple[tuple[str, Value], ...] = (
    ("name", "new"), ("url", "http://é"), ("codes", ("200", "300")), ("port", 80), ("ratio", 0.5), ("on", True),
    ("none", None),
)  # fmt: skip
EDIT = HclListObject(PLACE, "name", ATTRIBUTES)
LINES = ['name  = "new"', 'url   = "http://é"', 'codes = ["200", "300"]', "port  = 80", "ratio = 0.5", "on    = true",
         "none  = null"]  # fmt: skip
IN_LINE = '{ name = "new", url = "http://é", codes = ["200", "300"], port = 80, ratio = 0.5, on = true, none = null }'


def block(indent: str) -> str:
    return "{\n" + "".join(f"{indent}  {line}\n" for line in LINES) + f"{indent}}}"


OWN = block("    ")
OTHER = '{\n      name = "a"\n    }'
LISTS = {
    "empty": ("[]", f"[{IN_LINE}]"),
    "empty, lines": ("[\n  ]", f"[\n    {OWN},\n  ]"),
    "empty, remark": ("[\n    # none yet\n  ]", f"[\n    # none yet\n    {OWN},\n  ]"),
    "lines": (f"[\n    {OTHER},\n  ]", f"[\n    {OTHER},\n    {OWN},\n  ]"),
    "no closing comma": (f"[\n    {OTHER}\n  ]", f"[\n    {OTHER},\n    {OWN}\n  ]"),
    "remark behind": (f"[\n    {OTHER}, # x\n  ]", f"[\n    {OTHER}, # x\n    {OWN},\n  ]"),
    "remark below": (f"[\n    {OTHER},\n    # x\n  ]", f"[\n    {OTHER},\n    {OWN},\n    # x\n  ]"),
    "remarks inside": (
        '[\n    {\n      # "new"\n      name = "a" # name = "new"\n    },\n  ]',
        f'[\n    {{\n      # "new"\n      name = "a" # name = "new"\n    }},\n    {OWN},\n  ]',
    ),
    "one line": ('[{ name = "a" }]', f'[{{ name = "a" }}, {IN_LINE}]'),
    "one line each": ('[\n    { name = "a" },\n  ]', f'[\n    {{ name = "a" }},\n    {OWN},\n  ]'),
    "brackets together": ('[{\n    name = "a"\n  }]', f'[{{\n    name = "a"\n  }}, {IN_LINE}]'),
    "others": (
        f'[\n    local.x,\n    "new",\n    merge({{ name = "new" }}, {{}}),\n    {OTHER},\n  ]',
        f'[\n    local.x,\n    "new",\n    merge({{ name = "new" }}, {{}}),\n    {OTHER},\n    {OWN},\n  ]',
    ),
    "nested": (
        '[\n    { name = "a", inner = { name = "new" } },\n  ]',
        f'[\n    {{ name = "a", inner = {{ name = "new" }} }},\n    {OWN},\n  ]',
    ),
}


def file(objects: str) -> str:
    return f"locals {{\n  é       = 1\n  objects = {objects}\n}}"


@pytest.mark.parametrize("shape", LISTS)
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_object(shape: str, newline: str, unformatted: Callable[[str], bool]) -> None:
    before, after = (file(part).replace("\n", newline) for part in LISTS[shape])
    assert added(EDIT, before) == after
    if newline == "\n":
        assert unformatted(before) or not unformatted(after)


@pytest.mark.parametrize(
    "written",
    [
        IN_LINE,
        IN_LINE.replace(" = ", ": ").replace("name", '"name"'),
        "{" + ", ".join(reversed(IN_LINE[2:-2].split(", ", 2)[:2])) + ", " + IN_LINE[2:-2].split(", ", 2)[2] + ",}",
        block("  ").replace("80", "80 # eighty").replace('["200", "300"]', '[\n"200", # ok\n"300",\n]'),
        block("").replace('"new"', '"\\u006eew"'),
    ],
    ids=["one line", "other signs", "other order", "with remarks", "escaped"],
)
def test_object_is_known_by_what_it_means(written: str) -> None:
    assert EDIT.find(file(f"[\n{written}\n]")).state is State.PRESENT


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("80", "81", "port"),
        ("80", '"80"', "port"),
        ("true", "false", "on"),
        ("null", '"null"', "none"),
        ('["200", "300"]', '["300", "200"]', "codes"),
        ('["200", "300"]', '["200"]', "codes"),
        ('["200", "300"]', "var.codes", "codes"),
        ("http://é", "http://${var.x}", "url"),
        ("on    = true", "# on = true", "on"),
        ("on    = true", "on = true\n extra = 1", "extra"),
        ("on    = true", "(var.x) = true", "on, (var.x)"),
    ],
)
def test_object_of_other_content_has_drifted(old: str, new: str, expected: str) -> None:
    text = file(f"[\n    {OTHER},\n    {OWN.replace(old, new)},\n    {OTHER},\n  ]")
    change = register(registration(EDIT), text)
    assert (change.action, change.text) == ("update", text)
    assert change.details == (f'the object "new" has another {expected}',)
    assert refusal(unregister, EDIT, text).code == "registration.edited"
    replaced = register(registration(EDIT), text, replace=True).text
    assert replaced == file(f"[\n    {OTHER},\n    {OWN},\n    {OTHER},\n  ]")


def test_one_of_two_with_the_key_is_enough() -> None:
    text = file(f"[\n    {OWN.replace('80', '81')},\n    {OWN},\n  ]")
    assert EDIT.find(text).state is State.PRESENT


@pytest.mark.parametrize(
    "edited",
    [OWN.replace("80", "80 # eighty"), f"# by hand\n    {OWN}", f"{OWN}, # by hand", block("        ")],
    ids=["remark inside", "remark above", "remark behind", "indented anew"],
)
def test_an_edited_object_is_not_removed(edited: str) -> None:
    text = file(f"[\n    {OTHER},\n    {edited}\n  ]")
    assert EDIT.find(text).state is State.PRESENT
    assert refusal(unregister, EDIT, text).code == "registration.edited"


def test_an_object_among_others_is_taken_out() -> None:
    later = HclListObject(PLACE, "name", (("name", "later"),))
    for empty in ("[\n  ]", f"[\n    {OTHER}\n  ]", f"[\n    {OTHER},\n  ]"):
        both = added(later, added(EDIT, file(empty)))
        assert unregister(registration(EDIT), both).text == later.insert(file(empty))


@pytest.mark.parametrize(
    ("objects", "reason"),
    [
        ("concat([], [])", "plain list"),
        ("{}", "plain list"),
        ("[for x in var.y : { name = x }]", "plain list"),
        ("[\n", "from line"),
        ("[]\n}\nlocals {\n  objects = []", "more than once"),
    ],
)
def test_place_not_found(objects: str, reason: str) -> None:
    error = refusal(register, EDIT, file(objects))
    assert error.code == "registration.place_not_found"
    assert reason in error.message
    assert error.hint.endswith(f"{block('')},")


VALUE: st.SearchStrategy[Value] = st.one_of(
    HOSTILE, st.lists(HOSTILE, max_size=3).map(tuple), st.none(), st.booleans(), st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
)  # fmt: skip
NAME = st.from_regex(r"[A-Za-z_][A-Za-z0-9_-]{0,12}", fullmatch=True)


@settings(deadline=None, max_examples=examples(150))
@given(HOSTILE, st.dictionaries(NAME, VALUE, max_size=5), HOSTILE, st.sampled_from(sorted(LISTS)), st.booleans())
def test_objects_survive_hostile_text(
    name: str, attributes: dict[str, Value], comment: str, shape: str, crlf: bool
) -> None:
    assume(name != "a")
    edit = HclListObject(PLACE, "name", tuple({**attributes, "name": name}.items()))
    text = file(LISTS[shape][0].replace("# x", f"# {one_line(comment)}"))
    after = added(edit, text.replace("\n", "\r\n") if crlf else text)
    (container,) = parse(after).containers(PLACE)
    assert container is not None
    last = after.encode()[container.elements[-1].start : container.elements[-1].end].decode()
    (own,) = parse(f"x = {last}\n").containers(["x"])
    assert own is not None
    texts = {key: value for key, value in edit.attributes if isinstance(value, str)}
    assert [element.key for element in own.elements] == [key for key, _ in edit.attributes]
    assert {element.key: element.value for element in own.elements if element.value is not None} == texts
