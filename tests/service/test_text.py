"""Whatever a title or a description holds comes out as text, read back by each language's own parser."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from generator.template.answers import resolve
from generator.template.questions import load_questions
from generator.template.template import Template
from tests.fuzz import examples

from .trees import VARIANTS, Tree, sources_of

TEMPLATE = Template.installed()
ANSWERS = resolve(TEMPLATE, load_questions(TEMPLATE), VARIANTS["none-private"])

FRAGMENTS = [
    *("${x}", "${{ github.token }}", "{{ x }}", "{% x %}", "[[ x ]]", "[% x %]", "[# x #]", "]]", "%{x}", "$(id)"),
    *('"', "'", '"""', "'''", "\\", "\\\\", '\\"', "\\$", "`", "```", "~~~", "\\n", "\\u0041", "$HOME", "$$"),
    *("# ", "## ", " #", "- ", "+ ", "* ", "1. ", "2) ", "> ", "---", "===", "***", "___", "| a | b |", ": ", "  "),
    *("[a](http://b)", "![i](j)", "[x]: /y", "<b>", "</b>", "<!-- ", "<script>", "<http://a.b>", "&amp;", "&#35;"),
    *("_a_", "__a__", "*a*", "~~a~~", "$a$", "http://a.b", "www.a.b", "a@b.c", ":smile:", "FROM x", "<<EOF"),
    *("😀", "é", "\u00a0", "\u3000", "\u200b", "\u202e", "\ufeff", "\u2019"),
]
CHARACTERS = st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp"), exclude_characters="\ufffe\uffff")
LINES = (
    st.lists(st.one_of(st.sampled_from(FRAGMENTS), st.text(CHARACTERS, max_size=10)), min_size=1, max_size=12)
    .map("".join)
    .map(lambda text: text[:300])
    .filter(lambda text: text.strip() != "")
)
HOSTILE = settings(max_examples=examples(300), deadline=None)


def rendered(path: str, **changed: str) -> str:
    """One file of the template."""
    return TEMPLATE.render(sources()[path], {**ANSWERS.context, **changed})


@cache
def sources() -> dict[str, str]:
    """The templates, by the paths that they are rendered to."""
    found = sources_of(TEMPLATE, ANSWERS.context)
    return {path: source.text for path, source in found if source.text is not None}


def readme_texts(markdown: str) -> tuple[str, str]:
    """The first heading's and the first paragraph's text; fails where they are more than text."""
    tokens = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(markdown)
    kinds = [token.type for token in tokens[:6]]
    assert kinds == ["heading_open", "inline", "heading_close", "paragraph_open", "inline", "paragraph_close"]
    assert (tokens[6].tag, tokens[7].content) == ("h2", "Run")
    texts = []
    for token in (tokens[1], tokens[4]):
        assert {child.type for child in token.children or []} <= {"text"}
        texts.append("".join(child.content for child in token.children or []))
    return texts[0], texts[1]


def keywords_of_fastapi(source: str) -> dict[str, Any]:
    """The literal arguments of the call ``FastAPI(...)``."""
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    call = next(call for call in calls if isinstance(call.func, ast.Name) and call.func.id == "FastAPI")
    constants = [keyword for keyword in call.keywords if isinstance(keyword.value, ast.Constant)]
    return {str(keyword.arg): ast.literal_eval(keyword.value) for keyword in constants}


def labels_of(dockerfile: str) -> dict[str, str]:
    """The labels of a Dockerfile: double-quoted words, where a backslash keeps a quote, a dollar or a backslash."""
    block = re.search(r"^LABEL ((?:.*\\\n)*.*)$", dockerfile, re.MULTILINE)
    assert block
    labels = {}
    for line in block.group(1).splitlines():
        pair = re.fullmatch(r'\s*([a-z.]+)="((?:[^"\\$]|\\["\\$])*)"(?: \\)?', line)
        assert pair, line
        labels[pair.group(1)] = re.sub(r"\\(.)", r"\1", pair.group(2))
    return labels


@HOSTILE
@given(title=LINES, description=LINES)
def test_markdown(title: str, description: str) -> None:
    texts = readme_texts(rendered("README.md", title=title, description=description))
    assert texts == (" ".join(title.split()), " ".join(description.split()))


def test_markdown_where_each_fragment_starts_or_ends_the_line() -> None:
    for fragment in FRAGMENTS:
        for text in (f"{fragment}x", f"{fragment} x", f"x{fragment}", f"x {fragment}"):
            plain = " ".join(text.split())
            assert readme_texts(rendered("README.md", title=text, description=text)) == (plain, plain)


@HOSTILE
@given(description=LINES)
def test_toml(description: str) -> None:
    project = tomllib.loads(rendered("pyproject.toml", description=description))["project"]
    assert project["description"] == description
    assert project["name"] == "city-guide"


@HOSTILE
@given(title=LINES, description=LINES)
def test_python(title: str, description: str) -> None:
    source = rendered("app/main.py", title=title, description=description)
    assert keywords_of_fastapi(source) == {"title": title, "description": description}


@HOSTILE
@given(title=LINES, description=LINES)
def test_dockerfile(title: str, description: str) -> None:
    dockerfile = rendered("Dockerfile", title=title, description=description)
    labels = labels_of(dockerfile)
    assert labels["org.opencontainers.image.title"] == title
    assert labels["org.opencontainers.image.description"] == description
    plain = rendered("Dockerfile", title="a", description="b")
    assert re.sub(r"image\.(title|description)=.*", "", dockerfile) == re.sub(
        r"image\.(title|description)=.*", "", plain
    )


def test_python_stays_as_the_formatter_would_write_it(tmp_path: Path) -> None:
    texts = [*FRAGMENTS, "".join(FRAGMENTS)[:300], "\"''", '\'""', "\"'", "x" * 300, "x" * 90]
    for number, text in enumerate(text for text in texts if text.strip()):
        source = rendered("app/main.py", title=text, description=text[::-1])
        (tmp_path / f"main{number}.py").write_text(source, encoding="utf-8")
    ruff = [str(Path(sys.executable).parent / "ruff"), "format", "--isolated", "--no-cache", "--line-length", "100"]
    done = subprocess.run([*ruff, "--diff", "."], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("path", [".github/workflows/build.yml", ".woodpecker/deploy.yml"])
def test_no_free_text_reaches_what_ci_executes(path: str) -> None:
    hostile = "".join(FRAGMENTS)
    assert rendered(path, title=hostile, description=hostile) == rendered(path)


def test_the_whole_tree_too(richest: Tree) -> None:
    """The properties above render single files; the renderer gives the same."""
    given = VARIANTS["postgres-dsn-private"]
    title, description = given["title"], given["description"]
    assert readme_texts(richest.read("README.md")) == (" ".join(title.split()), " ".join(description.split()))
    assert tomllib.loads(richest.read("pyproject.toml"))["project"]["description"] == description
    assert keywords_of_fastapi(richest.read("app/main.py")) == {"title": title, "description": description}
    assert labels_of(richest.read("Dockerfile"))["org.opencontainers.image.title"] == title
    assert yaml.safe_load(richest.read(".copier-answers.yml"))["title"] == title
