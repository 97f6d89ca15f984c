"""Pages of Markdown, as a reader sees them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).parent.parent


@dataclass(frozen=True)
class Page:
    """A page and what a reader sees in it."""

    path: Path

    @cached_property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @cached_property
    def tokens(self) -> list[Token]:
        return MarkdownIt("commonmark").enable("table").parse(self.text)

    @cached_property
    def inline(self) -> list[Token]:
        return [child for token in self.tokens for child in token.children or []]

    @cached_property
    def spans(self) -> list[str]:
        return [token.content for token in self.inline if token.type == "code_inline"]

    @cached_property
    def fences(self) -> list[tuple[str, str]]:
        return [(token.info, token.content) for token in self.tokens if token.type == "fence"]

    @cached_property
    def links(self) -> list[str]:
        return [str(token.attrs["href"]) for token in self.inline if token.type == "link_open"]

    @cached_property
    def headings(self) -> list[tuple[str, str]]:
        pairs = zip(self.tokens, self.tokens[1:], strict=False)
        return [(mark.tag, text.content) for mark, text in pairs if mark.type == "heading_open"]

    @cached_property
    def anchors(self) -> set[str]:
        texts = (re.sub(r"[^\w\- ]", "", text.lower()) for _, text in self.headings)
        return {text.replace(" ", "-") for text in texts}

    def rows(self, column: str, section: str = "") -> dict[str, str]:
        """Rows of the tables whose first header is ``column``: what the first cell starts with, and the whole row."""
        found: dict[str, str] = {}
        here, head = "", ""
        cells: list[str] = []
        for before, token in zip(self.tokens, self.tokens[1:], strict=False):
            if before.type == "heading_open" and before.tag == "h2":
                here = token.content
            if token.type == "tr_open":
                cells = []
            elif before.type in ("th_open", "td_open"):
                cells.append(token.content)
                head = cells[0] if before.type == "th_open" else head
            elif token.type == "tr_close" and before.type == "td_close" and head == column and section in here:
                code = re.match("`([^`]+)`", cells[0])
                found[code[1] if code else cells[0]] = " | ".join(cells)
        return found


@cache
def page_at(path: Path) -> Page:
    return Page(path)


def page(path: str) -> Page:
    return page_at(ROOT / path)
