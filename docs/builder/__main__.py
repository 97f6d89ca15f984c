"""``make docs``: regenerates generated parts, shown output and pictures, then builds the site and checks its links.

``--check`` writes nothing into the checkout but the site, and fails where something is out of date.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path

from docs.builder.drawing import draw
from docs.builder.parts import PartError
from docs.builder.pictures import FOLDER, SHOTS, take
from docs.builder.reference import ROOT, pages, regenerated, rerun
from docs.builder.site import SiteError, build

SITE = ROOT / "site"


def main(arguments: list[str]) -> int:
    """Regenerate everything, or check it; returns the process's exit code."""
    only_look = "--check" in arguments
    began = time.monotonic()
    try:
        changed = [str(path.relative_to(ROOT)) for path in _changed(write=not only_look)]
        built = build(ROOT, SITE)
    except (PartError, SiteError, TimeoutError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    for name in changed:
        sys.stdout.write(f"{'out of date' if only_look else 'regenerated'}: {name}\n")
    sys.stdout.write(
        f"{built.pages} pages in site/, {built.internal} links inside lead somewhere, {built.external} lead outside; "
        f"{time.monotonic() - began:.1f} s\n"
    )
    return 1 if only_look and changed else 0


def _changed(*, write: bool) -> Iterator[Path]:
    """Every file whose contents have changed."""
    for make in (regenerated, rerun):
        for page in pages():
            text = make(page)
            if text != page.read_text(encoding="utf-8"):
                if write:
                    page.write_text(text, encoding="utf-8")
                yield page
    for shot in SHOTS:
        picture = FOLDER / f"{shot.name}.svg"
        text = draw(take(shot), shot.title)
        if not picture.exists() or text != picture.read_text(encoding="utf-8"):
            if write:
                picture.write_text(text, encoding="utf-8")
            yield picture


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
