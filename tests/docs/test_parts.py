"""Generated parts: regenerated from the code, with what was written by hand kept."""

from __future__ import annotations

import pytest
from click import Command, Option

from docs.builder import commands, questions
from docs.builder.conditions import in_words
from docs.builder.parts import PartError, Rows, kept, regenerate, rows, table
from generator.template.template import Template

PAGE = """# Title

<!-- generated: fruits -->

| fruit | colour | meaning |
|---|---|---|
| `apple` | green | eaten raw |
| `plum` | blue | gone |

<!-- end -->

Words of somebody's.
"""


def fruits(_argument: str, old: Rows) -> str:
    return table(["fruit", "colour", "meaning"], [(name, "red", kept(old, name, "meaning")) for name in FRUITS])


FRUITS = ("`apple`", "`pear`")


def test_facts_are_regenerated_and_words_are_kept() -> None:
    made = regenerate(PAGE, {"fruits": fruits})
    assert rows(made) == {
        "`apple`": {"fruit": "`apple`", "colour": "red", "meaning": "eaten raw"},
        "`pear`": {"fruit": "`pear`", "colour": "red", "meaning": ""},
    }
    assert made.startswith("# Title\n")
    assert made.endswith("\n\nWords of somebody's.\n")
    assert regenerate(made, {"fruits": fruits}) == made


def test_the_argument_is_handed_on() -> None:
    page = "<!-- generated: echo one two -->\n<!-- end -->\n"
    assert "\n\none two\n\n" in regenerate(page, {"echo": lambda argument, _old: argument})


@pytest.mark.parametrize(
    "page",
    [
        "<!-- generated: nuts -->\n<!-- end -->\n",
        "<!-- generated: fruits -->\nno end\n",
        "<!-- generated: fruits -->\n<!-- generated: fruits -->\n<!-- end -->\n",
    ],
)
def test_wrong_marks_are_refused(page: str) -> None:
    with pytest.raises(PartError):
        regenerate(page, {"fruits": fruits})


def test_cells_may_hold_bars() -> None:
    assert rows("| a | b |\n|---|---|\n| `x` | one \\| two |\n")["`x`"]["b"] == "one \\| two"


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        (True, ""),
        (False, "never"),
        ("[[ kind == 'web' ]]", "`kind` is `web`"),
        ("[[ kind == 'web' and auth in ['app', 'none'] ]]", "`kind` is `web` and `auth` is `app` or `none`"),
        ("[[ kind != 'cronjob' and port != 0 ]]", "`kind` is not `cronjob` and `port` is not `0`"),
        ("[[ secrets != {} ]]", "`secrets` is not empty"),
        ("[[ tier == platform.gpu.tier ]]", "`tier` is `platform.gpu.tier`"),
        ("[[ gated ]]", "`gated`"),
        ("[[ not ci ]]", "not `ci`"),
        ("[[ drives | list != [] ]]", "`drives | list != []`"),
    ],
)
def test_conditions_in_words(expression: str | bool, expected: str) -> None:
    assert in_words(Template.installed(), expression) == expected


def test_a_new_question_gets_a_section_and_a_gone_one_leaves() -> None:
    names = list(questions.QUESTIONS)
    page = questions.with_all_questions(
        "# Questions\n\n## Service\n\n### `name`\n\n<!-- generated: question name -->\n<!-- end -->\n\nBy hand.\n\n"
        "### `gone`\n\n<!-- generated: question gone -->\n<!-- end -->\n\nOld words.\n\n## Notes\n\nLast.\n"
    )
    found = [line.split()[3] for line in page.splitlines() if line.startswith("<!-- generated")]
    assert found == names
    assert "By hand." in page
    assert "Old words." not in page
    assert page.rstrip().endswith("Last.")
    assert questions.with_all_questions(page) == page


def test_a_new_command_gets_a_section(monkeypatch: pytest.MonkeyPatch) -> None:
    known = [
        ("newservice one", Command("one", help="First.\n\nMore.")),
        ("newservice two", Command("two", help="Second.")),
    ]
    monkeypatch.setattr(commands, "commands", lambda: iter(known))
    page = commands.with_all_commands("# Commands\n\n## `newservice one`\n\nBy hand.\n")
    assert page.index("By hand.") < page.index("## `newservice two`\n\nSecond.\n")
    assert commands.with_all_commands(page) == page


def test_flags_are_reported_with_placeholder_default_and_repetition(monkeypatch: pytest.MonkeyPatch) -> None:
    command = Command(
        "one",
        params=[
            Option(["--wave"], default=10, type=int, help="So many."),
            Option(["--only"], multiple=True, metavar="GLOB", help="Those that fit."),
            Option(["--seed"], metavar="a|b", help="Where it is.  [default: nowhere]"),
        ],
    )
    monkeypatch.setattr(commands, "commands", lambda: iter([("newservice one", command)]))
    monkeypatch.setattr(commands, "common", lambda: ["--elsewhere"])
    found = rows(commands.flags_part("newservice one", {}))
    assert {first: row["meaning"] for first, row in found.items()} == {
        "`--wave` INTEGER": "So many. Default: 10.",
        "`--only` GLOB": "Those that fit. May be repeated.",
        "`--seed` a or b": "Where it is. Default: nowhere.",
    }
