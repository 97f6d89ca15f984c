"""The site: built with warnings as errors, the same as the pages on a forge, and fit for a phone."""

from __future__ import annotations

import re
import shutil
import tomllib
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from markdown_it import MarkdownIt

from docs.builder.site import Built, SiteError, build, check
from docs.builder.staging import ELSEWHERE, anchor, indented, staged
from tests.docs.browser import Visit, browser, look
from tests.full import few, full
from tests.pages import ROOT

COUNTED = {"h1", "h2", "h3", "h4", "li", "pre", "table", "tr", "img", "strong", "em"}
PHONE, DESK = 390, 1280
PAGES = [*sorted(str(path.relative_to(ROOT)) for path in (ROOT / "docs").rglob("*.md")), *ELSEWHERE]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Built]:
    """The site, built strictly; every link inside was followed."""
    folder = tmp_path_factory.mktemp("site") / "site"
    return folder, build(ROOT, folder)


def address(name: str) -> str:
    """Where the site has a page of the checkout."""
    place = ELSEWHERE.get(name, name).removeprefix("docs/")
    return re.sub(r"README\.html$", "index.html", re.sub(r"\.md$", ".html", place))


def test_every_page_is_in_the_site_and_in_its_navigation(site: tuple[Path, Built]) -> None:
    folder, built = site
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*.html")} - {"404.html"}
    assert found == {address(name) for name in PAGES}
    assert built.pages == len(found) + 1
    assert built.internal > 1000
    links = set(re.findall(r'<a href="([^"#]+)" class="md-nav__link', index(folder)))
    assert {link.removeprefix("./") for link in links} >= found


def index(folder: Path) -> str:
    return (folder / "index.html").read_text(encoding="utf-8")


def test_the_navigation_names_pages_that_exist() -> None:
    nav = tomllib.loads((ROOT / "zensical.toml").read_text(encoding="utf-8"))["project"]["nav"]

    def leaves(item: object) -> list[str]:
        if isinstance(item, dict):
            return [leaf for value in item.values() for leaf in leaves(value)]
        return [leaf for value in item for leaf in leaves(value)] if isinstance(item, list) else [str(item)]

    known = {ELSEWHERE.get(name, name).removeprefix("docs/") for name in PAGES}
    assert set(leaves(nav)) - {"decisions/*.md"} <= known


class Article(HTMLParser):
    """The elements of a page's own text."""

    def __init__(self) -> None:
        super().__init__()
        self.depth = 0
        self.found: Counter[str] = Counter()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.depth += tag == "article"
        if self.depth and tag in COUNTED:
            self.found[tag] += 1

    def handle_endtag(self, tag: str) -> None:
        self.depth -= tag == "article"


@pytest.mark.parametrize("name", PAGES)
def test_a_page_reads_the_same_as_on_a_forge(name: str, site: tuple[Path, Built]) -> None:
    """Forges read CommonMark, the generator a Markdown of its own: lists and blocks have to be the same."""
    there, here = Article(), Article()
    text = (ROOT / name).read_text(encoding="utf-8")
    there.feed("<article>" + MarkdownIt("commonmark").enable("table").render(text))
    here.feed((site[0] / address(name)).read_text(encoding="utf-8"))
    assert here.found == there.found


@full
@pytest.mark.parametrize(
    ("words", "wrong"),
    few(
        1,
        [
            ("[gone](nowhere.md) [gone](tutorial.md#nowhere)", "page does not exist(.|\n)*anchor does not exist"),
            ('<img src="https://example.test/a.png" alt="">', "from elsewhere"),
        ],
        apart=True,
    ),
)
def test_what_leads_nowhere_stops_the_build(words: str, wrong: str, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "docs", tmp_path / "docs", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("zensical.toml", *ELSEWHERE):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    page = tmp_path / "docs" / "index.md"
    page.write_text(f"{page.read_text(encoding='utf-8')}\n{words}\n", encoding="utf-8")
    with pytest.raises(SiteError, match=wrong):
        build(tmp_path, tmp_path / "site")


@pytest.mark.parametrize(
    ("address", "wrong"),
    [
        ("other.html", "leads nowhere"),
        ("page.html#nowhere", "has no such anchor"),
        ("/page.html", "leads nowhere"),
        ("https:///path", "is no address"),
    ],
)
def test_links_of_built_pages_are_followed(address: str, wrong: str, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text(f'<p id="here"><a href="{address}">x</a>', encoding="utf-8")
    with pytest.raises(SiteError, match=wrong):
        check(tmp_path)


def test_right_links_are_counted(tmp_path: Path) -> None:
    links = '<a href="page.html#here"></a><a href="#here"></a><a href="https://example.test/a"></a>'
    (tmp_path / "page.html").write_text(f'<p id="here">{links}', encoding="utf-8")
    assert check(tmp_path) == Built(pages=1, internal=2, external=1)


def test_staging_moves_links_and_indents_lists() -> None:
    assert staged("[c](../CHANGELOG.md#x) [o](other.md)", "docs/a.md") == "[c](changelog.md#x) [o](other.md)"
    assert staged("[a](docs/how-to/agents.md)", "CHANGELOG.md") == "[a](how-to/agents.md)"
    assert staged("```console checked\n$ x\n```\n", "docs/a.md") == "```console\n$ x\n```\n"
    assert staged("### `<step>.refused`\n", "docs/a.md") == "### `<step>.refused` {#steprefused}\n"
    assert anchor("`<step>.refused`") == "steprefused"
    assert indented("1. one\n\n   more\n2. two\n   - in\n     it\n") == (
        "1. one\n\n    more\n\n2. two\n    - in\n        it\n"
    )


@pytest.mark.skipif(not browser(), reason="there is no chromium on this machine")
def test_pages_fit_a_phone_and_a_desk_and_can_be_searched(site: tuple[Path, Built], tmp_path: Path) -> None:
    folder = tmp_path / "site"
    shutil.copytree(site[0], folder)
    (folder / "wide.html").write_text('<div style="width: 800px">wider than a phone</div>', encoding="utf-8")
    pages = sorted(path.relative_to(site[0]).as_posix() for path in site[0].rglob("*.html"))
    visits = [Visit(page, (DESK, PHONE)) for page in [*pages, "wide.html"] if page != "404.html"]
    seen = look(folder, [*visits, Visit("index.html", (DESK,), "auth_reason")], tmp_path / "profile")
    wide = {item.page for item in seen for width, came in zip(item.widths, item.wide, strict=True) if came > width}
    assert wide == {"wide.html"}  # and a page that is too wide is found
    assert {urlsplit(name).hostname for item in seen for name in item.fetched} == {"127.0.0.1"}
    assert "/reference/questions.html?h=auth_reason#auth_reason" in seen[-1].results[0]
