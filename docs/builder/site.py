"""The site: staged, built with warnings as errors, and its links checked."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

from docs.builder.staging import stage

NOT_FOUND = "404.html"
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_FETCHED = {("script", "src"), ("img", "src"), ("iframe", "src"), ("source", "src"), ("object", "data")}


class SiteError(RuntimeError):
    """The site can't be built, or a link of it leads nowhere."""


@dataclass(frozen=True)
class Built:
    """What was built: pages, and links by kind."""

    pages: int
    internal: int
    external: int


def build(root: Path, site: Path) -> Built:
    """Build the site of the checkout ``root`` into the folder ``site``, in place of what is there.

    Raises ``SiteError`` for any warning of the generator and for links that lead nowhere.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        stage(root, folder)
        command = [
            sys.executable,
            "-m",
            "zensical",
            "build",
            "--strict",
            "--config-file",
            str(folder / "zensical.toml"),
        ]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        shown = _COLOUR.sub("", done.stdout + done.stderr)
        if done.returncode or "warning" in shown.lower():
            raise SiteError(shown)
        shutil.rmtree(site, ignore_errors=True)
        shutil.copytree(folder / "site", site)
    return check(site)


@dataclass
class _Page(HTMLParser):
    """Anchors and addresses of a page."""

    anchors: set[str] = field(default_factory=set)
    links: list[str] = field(default_factory=list)
    fetched: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take down what the tag names."""
        known = {name: value or "" for name, value in attrs}
        self.anchors |= {known[name] for name in ("id", "name") if name in known}
        for name, value in known.items():
            if (tag, name) in _FETCHED or (tag == "link" and name == "href" and known.get("rel") != "canonical"):
                self.fetched.append(value)
            elif name == "href":
                self.links.append(value)


def check(site: Path) -> Built:
    """Look at every address of every page. Raises ``SiteError`` with all that are wrong."""
    pages = {path.relative_to(site).as_posix(): _read(path) for path in sorted(site.rglob("*.html"))}
    wrong = [line for name, page in pages.items() for line in _wrong(site, pages, name, page)]
    if wrong:
        raise SiteError("\n".join(wrong))
    links = [link for page in pages.values() for link in page.links]
    external = sum(1 for link in links if urlsplit(link).scheme)
    return Built(len(pages), len(links) - external, external)


def _read(path: Path) -> _Page:
    page = _Page()
    page.feed(path.read_text(encoding="utf-8"))
    return page


def _wrong(site: Path, pages: dict[str, _Page], name: str, page: _Page) -> Iterator[str]:
    for link in page.fetched:
        if urlsplit(link).scheme not in ("", "data") or link.startswith("//"):
            yield f"{name}: fetches {link} from elsewhere"
    for link in [*page.links, *page.fetched]:
        parts = urlsplit(link)
        if parts.scheme or link.startswith("//"):
            if parts.scheme in ("http", "https") and not re.fullmatch(r"[\w-]+(\.[\w-]+)*(:\d+)?", parts.netloc):
                yield f"{name}: {link} is no address"
            continue
        target = _target(site, name, unquote(parts.path))
        if target is None or not target.is_file():
            yield f"{name}: {link} leads nowhere"
        elif parts.fragment and target.suffix == ".html":
            there = pages[target.resolve().relative_to(site.resolve()).as_posix()]
            if unquote(parts.fragment) not in there.anchors:
                yield f"{name}: {link} has no such anchor"


def _target(site: Path, name: str, path: str) -> Path | None:
    """The file behind a path; the page for what is not found is shown anywhere, so it alone begins at the root."""
    if path.startswith("/") != (name == NOT_FOUND) and path:
        return None
    target = (site if name == NOT_FOUND else (site / name).parent) / path.lstrip("/") if path else site / name
    return target / "index.html" if target.is_dir() else target
