"""A terminal's picture as SVG: text that can be selected, readable on light pages and on dark ones."""

from __future__ import annotations

from html import escape
from xml.etree import ElementTree

from docs.builder.terminal import Picture, Run

_WIDTH, _HEIGHT, _SIZE, _MARGIN = 8.4, 19, 14, 14
_FONT = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace"
_PAPER, _INK = "#1d2330", "#d8dee9"
_COLOURS = {
    "default": _INK,
    "black": "#5c6773",
    "red": "#ff7b72",
    "green": "#7ee787",
    "brown": "#f2cc60",
    "blue": "#79c0ff",
    "magenta": "#d2a8ff",
    "cyan": "#76e3ea",
    "white": "#ffffff",
}
_NAMESPACE = "{http://www.w3.org/2000/svg}"


def draw(picture: Picture, title: str) -> str:
    """The picture as a document of its own; ``title`` says what it shows."""
    width = picture.columns * _WIDTH + 2 * _MARGIN
    height = len(picture.lines) * _HEIGHT + 2 * _MARGIN
    lines = "\n".join(_line(number, line) for number, line in enumerate(picture.lines))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{escape(title)}" '
        f'viewBox="0 0 {width:.0f} {height}" width="{width:.0f}" height="{height}">\n'
        f"<title>{escape(title)}</title>\n"
        f"<style>text {{ font: {_SIZE}px {_FONT}; white-space: pre; }}</style>\n"
        f'<rect width="100%" height="100%" rx="8" fill="{_PAPER}" stroke="#5c6773"/>\n'
        f"{lines}\n</svg>\n"
    )


def text_of(document: str) -> str:
    """What a drawn picture says, line by line."""
    return "\n".join("".join(line.itertext()) for line in ElementTree.fromstring(document).iter(f"{_NAMESPACE}text"))  # noqa: S314 - our own file


def _line(number: int, line: tuple[Run, ...]) -> str:
    bottom = _MARGIN + (number + 1) * _HEIGHT - 5
    behind, shown, column = "", "", 0
    for run in line:
        ink, paper = _ink(run)
        left, width = _MARGIN + column * _WIDTH, len(run.text) * _WIDTH
        if paper:
            behind += f'<rect x="{left:.1f}" y="{bottom - 14}" width="{width:.1f}" height="{_HEIGHT}" fill="{paper}"/>'
        weight = ' font-weight="bold"' if run.bold else ""
        shown += (
            f'<tspan x="{left:.1f}" textLength="{width:.1f}" lengthAdjust="spacingAndGlyphs" '
            f'fill="{ink}"{weight}>{escape(run.text)}</tspan>'
        )
        column += len(run.text)
    return f'{behind}<text xml:space="preserve" y="{bottom}">{shown}</text>'


def _ink(run: Run) -> tuple[str, str]:
    ink = _colour(run.colour)
    paper = "" if run.background == "default" else _colour(run.background)
    return (paper or _PAPER, ink) if run.reverse else (ink, paper)


def _colour(name: str) -> str:
    plain = name.removeprefix("bright")
    if plain in _COLOURS:
        return _COLOURS[plain]
    return f"#{name}" if len(name) == 6 else _INK
