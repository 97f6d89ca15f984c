"""The macro that puts lines of HCL in order leaves nothing for ``terraform fmt`` to change, and changes no word."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.fuzz import examples

from . import hcl, terraform
from .rendering import template

CALL = "[% from 'templates/macros/fmt.jinja' import fmt %][% call fmt() %][[ text ]][% endcall %]"


def formatted(text: str) -> str:
    return template().render(CALL, {"text": text})


def dedented(text: str) -> str:
    return textwrap.dedent(text).lstrip("\n")


@pytest.mark.parametrize(
    ("written", "wanted"),
    [
        pytest.param(
            """
            resource "a" "b" {

            name = "x"
            namespace = local.namespace # where it is
              labels = {
            tier = local.tiers.aux
            "istio-injection" = "disabled"
            }


            count = 1

            }
            """,
            """
            resource "a" "b" {
              name      = "x"
              namespace = local.namespace # where it is
              labels = {
                tier              = local.tiers.aux
                "istio-injection" = "disabled"
              }

              count = 1
            }
            """,
            id="brackets, neighbours and blank lines",
        ),
        pytest.param(
            """
            labels = {
            # auth = "app": a comment between neighbours {
            a     = "one"
            long_name   = "two"
            # x = y
            b     = "b = c"
            "q = r" = "#"
            }
            """,
            """
            labels = {
              # auth = "app": a comment between neighbours {
              a         = "one"
              long_name = "two"
              # x = y
              b       = "b = c"
              "q = r" = "#"
            }
            """,
            id="comments, and strings that look like code",
        ),
        pytest.param(
            """
            lifecycle {
            ignore_changes = [
            spec[0].replicas, # FIRST
            metadata[0].annotations["a # b"],   # SECOND = 2
            plain,
            x, # THIRD
            ]
            }
            """,
            """
            lifecycle {
              ignore_changes = [
                spec[0].replicas,                 # FIRST
                metadata[0].annotations["a # b"], # SECOND = 2
                plain,
                x, # THIRD
              ]
            }
            """,
            id="the comments of neighbours",
        ),
        pytest.param(
            """
            container {
            name = "backup"
            command = ["/bin/sh", "-c", <<-EOT
              set -eu

              for file in *; do
                long=1
                name   = "$file" # {
              done
            EOT
            ]
            image = "alpine"
            }
            text = <<-END
            one = 1
            END
            """,
            """
            container {
              name = "backup"
              command = ["/bin/sh", "-c", <<-EOT
                set -eu

                for file in *; do
                  long=1
                  name   = "$file" # {
                done
              EOT
              ]
              image = "alpine"
            }
            text = <<-END
              one = 1
            END
            """,
            id="heredocs, whose lines are nobody's",
        ),
        pytest.param(
            """
            labels = merge(local.labels, {
            a = 1
            bcd = 2
            })
            if = [{
            a = 1
            }, {
            long = 2
            b = [1, 2]
            }]
            """,
            """
            labels = merge(local.labels, {
              a   = 1
              bcd = 2
            })
            if = [{
              a = 1
              }, {
              long = 2
              b    = [1, 2]
            }]
            """,
            id="several brackets in a line",
        ),
    ],
)
def test_lines_are_put_in_order(written: str, wanted: str, tmp_path: Path) -> None:
    assert formatted(dedented(written)) == dedented(wanted)
    terraform.write(tmp_path, {"s": {"main.tf": dedented(wanted)}})
    assert not terraform.badly_formatted(tmp_path)


# --- whatever a template says ------------------------------------------------------------------------------

NAMES = st.from_regex(r"[a-z_][a-z0-9_-]{0,12}", fullmatch=True)
KEYS = NAMES | st.sampled_from(['"a.b/c"', '"k = v"', '"# no comment"', '"{"', '"say \\"x\\" = 1"'])
STRINGS = [
    '"x"',
    '"a = b"',
    '"# text"',
    '"{ [ ("',
    '"}"',
    '"say \\"hi\\" # = {"',
    '"<<-EOT"',
    '"a ${var.a}"',
    '"\u2028 é"',
]
VALUES = st.sampled_from([*STRINGS, "1", "true", "local.a", "[]", "{}", "[1, 2]", "{ a = 1 }", 'f("x", 2)', "a[0].b"])
COMMENTS = st.sampled_from(["# plain", '# auth = "app": text {', "# }", "# <<-EOT", "#"])
SHELL = st.lists(st.sampled_from(["set -eu", "  x = 1 {", "", "a   =  b", "}", "# c", "echo '<<-X'"]), max_size=4)
REMARKS = st.sampled_from(["", " # one", "   # another"])
SPACES = st.integers(1, 4).map(" ".__mul__)


@st.composite
def lines_of(draw: st.DrawFn, depth: int = 0, *, in_map: bool = False) -> list[str]:
    """Lines between two brackets, without any care for columns; numbers tell the keys apart."""
    lines: list[str] = []
    kinds = ["pair", "pair", "comment", "blank", *(["map", "list", "heredoc"] if depth < 3 else [])]
    for number in range(draw(st.integers(1, 5))):
        kind = draw(st.sampled_from([*kinds, *(["block"] if depth < 3 and not in_map else [])]))
        name = draw(NAMES) + str(number)
        if kind == "pair":
            key = draw(KEYS) if in_map else name
            lines.append(f"{key}{draw(SPACES)}= {draw(VALUES)}")
        elif kind == "comment":
            lines.append(draw(COMMENTS))
        elif kind == "blank":
            lines += [""] * draw(st.integers(1, 3))
        elif kind == "list":
            lines += [f"{name} = [", *(f"{draw(VALUES)},{draw(REMARKS)}" for _ in range(3)), "]"]
        elif kind == "heredoc":
            shell = (f"  {line}".rstrip() for line in ("set -eu", *draw(SHELL)))
            lines += ["", f"{name} = <<-EOT", *shell, "EOT", ""]  # between blank lines, or it would have neighbours
        else:
            opening = f"{name} = {{" if kind == "map" else f"{name} {{"
            lines += [opening, *draw(lines_of(depth + 1, in_map=kind == "map")), "}"]
    return lines


def words(text: str) -> list[str]:
    """Lines without what the macro may change: spaces, and blank lines."""
    return [line.replace(" ", "") for line in text.split("\n") if line.strip(" ")]


def test_nothing_is_left_for_terraform_to_change(tmp_path_factory: pytest.TempPathFactory) -> None:
    count = 0

    @settings(
        max_examples=examples(12), deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
    )
    @given(st.lists(lines_of(), min_size=10, max_size=10))
    def check(bodies: list[list[str]]) -> None:
        nonlocal count
        stack = {}
        for number, body in enumerate(bodies):
            written = "\n".join(['resource "a" "b" {', *body, "}", ""])
            done = formatted(written)
            assert words(done) == words(written)
            assert formatted(done) == done
            assert not hcl.syntax(done).has_error, done
            stack[f"f{number}.tf"] = done
            count += 1
        folder = tmp_path_factory.mktemp("fmt")
        terraform.write(folder, {"s": stack})
        assert not (said := terraform.badly_formatted(folder)), said

    check()
    assert count >= 10 * examples(12)
