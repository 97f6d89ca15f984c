"""Pages as the site's generator wants them, from pages as forges show them.

Pages that stand elsewhere in the repository (the changelog) become pages of the site, and links to them follow. A block
of code has its language alone at its head. What belongs to an item of a list is indented by four, as Python-Markdown
counts, not by the width of the item's mark.
"""

from __future__ import annotations

import posixpath
import re
import shutil
from pathlib import Path

from markdown_it import MarkdownIt

ELSEWHERE = {
    "CHANGELOG.md": "docs/changelog.md",
    "templates/registrations/README.md": "docs/reference/registration-format.md",
}
"""Pages outside of ``docs``, and what they are called in the site."""

_NOT_STAGED = shutil.ignore_patterns("builder", "__init__.py", "__pycache__", "*.md")
_LINK = re.compile(r"(?<=\]\()([^)\s]+)(?=\))")
_FENCE = re.compile(r"^( *```)(\w+) .*$", re.M)
_INDENT = 4


def stage(root: Path, folder: Path) -> None:
    """Write the site's pages and configuration below ``folder``; ``root`` is the checkout."""
    shutil.copytree(root / "docs", folder / "docs", ignore=_NOT_STAGED)
    (folder / "zensical.toml").write_text(_configuration(root), encoding="utf-8")
    wanted = {str(page.relative_to(root)): page for page in sorted((root / "docs").rglob("*.md"))}
    wanted |= {name: root / name for name in ELSEWHERE}
    for name, page in wanted.items():
        place = folder / ELSEWHERE.get(name, name)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(staged(page.read_text(encoding="utf-8"), name), encoding="utf-8")


def _configuration(root: Path) -> str:
    """The site's configuration, with every decision in its navigation."""
    text = (root / "zensical.toml").read_text(encoding="utf-8")
    records = sorted((root / "docs" / "decisions").glob("[0-9]*.md"))
    names = ["decisions/README.md", *(f"decisions/{path.name}" for path in records)]
    return text.replace('"decisions/*.md"', ", ".join(f'"{name}"' for name in names))


def staged(text: str, name: str) -> str:
    """One page as the site has it; ``name`` is its path in the checkout."""
    return indented(_FENCE.sub(r"\1\2", _with_anchors(_with_links(text, name))))


def _with_links(text: str, name: str) -> str:
    here = posixpath.dirname(name)
    there = posixpath.dirname(ELSEWHERE.get(name, name))

    def moved(found: re.Match[str]) -> str:
        path, mark, anchor = found[0].partition("#")
        if not path or ":" in path:
            return found[0]
        target = posixpath.normpath(posixpath.join(here, path))
        if name not in ELSEWHERE and target not in ELSEWHERE:
            return found[0]
        return posixpath.relpath(ELSEWHERE.get(target, target), there) + mark + anchor

    return _LINK.sub(moved, text)


def _with_anchors(text: str) -> str:
    """Headings with ``<word>`` get the anchor that forges give them: Python-Markdown would take that for a tag."""

    def anchored(found: re.Match[str]) -> str:
        return f"{found[0]} {{#{anchor(found[1])}}}" if "<" in found[1] else found[0]

    return re.sub(r"^#+ (.*)$", anchored, text, flags=re.M)


def anchor(heading: str) -> str:
    """A heading's anchor, as forges make it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def indented(text: str) -> str:
    """The same page with everything inside of list items indented by four.

    An item of several blocks gets an empty line after it, or the next one would be taken for its last words.
    """
    lines = text.splitlines(keepends=True)
    more, ends = [0] * len(lines), set()
    for token in MarkdownIt("commonmark").enable("table").parse(text):
        if token.type == "list_item_open" and token.map:
            first, end = token.map
            mark = re.match(r"\s*(?:[-*+]|\d+[.)])\s+", lines[first])
            width = len(mark[0].strip()) + 1 if mark else _INDENT
            for number in range(first + 1, end):
                more[number] += max(0, _INDENT - width)
            if any(not line.strip() for line in lines[first:end]):
                ends.add(end)
    staged_lines = []
    for number, (extra, line) in enumerate(zip(more, lines, strict=True)):
        if number in ends and lines[number - 1].strip():
            staged_lines.append("\n")
        staged_lines.append(" " * extra + line if line.strip() else line)
    return "".join(staged_lines)
