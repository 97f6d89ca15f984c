"""The static site: its texts, its own check, and a real server with its Caddyfile."""

from __future__ import annotations

import gzip
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import Message
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from hypothesis import given

from generator.template.template import PACKAGE, Template
from tests.answers import render

from .conftest import answers_for
from .frontends import caddy_program
from .servers import free_port
from .test_text import FRAGMENTS, HOSTILE, LINES, TEMPLATE, labels_of, readme_texts
from .trees import VARIANTS, Tree

FOLDER = PACKAGE.parent / "templates" / "service" / "static"
COMMON = {
    "name": "city-guide",
    "title": "City Guide",
    "description": "Guides people through a city.",
    "language": "static",
}
GIVEN: dict[str, dict[str, Any]] = {
    "plain": {**COMMON, "metrics": "none"},
    "rich": {
        **COMMON,
        "title": VARIANTS["postgres-dsn-private"]["title"] + "</title><script>",
        "port": 9000,
        "probe": {"kind": "http", "path": "/api/he'alth?deep=1"},
        "metrics": {"path": "/internal/prometheus"},
    },
    "apart": {**COMMON, "metrics": {"port": 9100}},
}
ANSWERS = answers_for(TEMPLATE, COMMON)


@pytest.fixture(scope="module")
def drawn(template: Template, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Tree]:
    """One rendered repository for each of ``GIVEN``."""
    return {
        name: Tree.write(tmp_path_factory.mktemp(name), render(template, answers_for(template, given), "service"))
        for name, given in GIVEN.items()
    }


def rendered(path: str, **changed: Any) -> str:
    """One file of the template."""
    source = (FOLDER / f"{path}.jinja").read_text(encoding="utf-8")
    return TEMPLATE.render(source, {**ANSWERS.context, **changed})


class Texts(HTMLParser):
    """The tags of a page, and the text that each holds; the description is that of ``<meta>``."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.texts: dict[str, str] = {}
        self._inside = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self._inside = tag
        given = dict(attrs)
        if given.get("name") == "description":
            self.texts["description"] = str(given["content"])

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        self.texts[self._inside] = self.texts.get(self._inside, "") + data


def test_every_site_has_the_same_files(drawn: dict[str, Tree]) -> None:
    for tree in drawn.values():
        assert set(tree.texts) == {
            ".copier-answers.yml",
            ".dockerignore",
            ".forgejo/renovate.json",
            ".github/workflows/build.yml",
            ".woodpecker/deploy.yml",
            "Caddyfile",
            "Dockerfile",
            "README.md",
            "scripts/test",
            "site/404.html",
            "site/index.html",
            "site/style.css",
        }
        assert os.access(tree.root / "scripts" / "test", os.X_OK)


@pytest.mark.parametrize("name", GIVEN)
def test_text_is_tidy(drawn: dict[str, Tree], name: str) -> None:
    for path, text in drawn[name].texts.items():
        assert text.endswith("\n"), path
        assert not text.endswith("\n\n"), path
        assert not text.startswith("\n"), path
        assert not re.search(r"[ \t]+$", text, re.MULTILINE), path
        assert path in (".copier-answers.yml", "scripts/test") or "\n\n\n" not in text, path


@HOSTILE
@given(title=LINES, description=LINES)
def test_text_comes_back_from_html(title: str, description: str) -> None:
    page = Texts(rendered("site/index.html", title=title, description=description))
    assert (page.texts["title"], page.texts["description"]) == (title, description)
    assert (page.texts["h1"], page.texts["p"]) == (title, description)
    assert page.tags == Texts(rendered("site/index.html")).tags
    missing = Texts(rendered("site/404.html", title=title))
    assert missing.texts["title"] == f"Not found: {title}"


def test_no_free_text_reaches_what_the_server_reads() -> None:
    hostile = "".join(FRAGMENTS)
    assert rendered("Caddyfile", title=hostile, description=hostile) == rendered("Caddyfile")


def test_text_comes_back_from_the_whole_tree(drawn: dict[str, Tree]) -> None:
    title, tree = GIVEN["rich"]["title"], drawn["rich"]
    assert Texts(tree.read("site/index.html")).texts["title"] == title
    assert readme_texts(tree.read("README.md"))[0] == " ".join(title.split())
    assert labels_of(tree.read("Dockerfile"))["org.opencontainers.image.title"] == title


def test_the_image_is_small_and_unprivileged(drawn: dict[str, Tree]) -> None:
    dockerfile = drawn["apart"].read("Dockerfile")
    assert re.findall(r"^FROM (\S+)", dockerfile, re.MULTILINE) == ["caddy:2-alpine", "alpine:3"]
    assert "\nUSER 10001:10001\nEXPOSE 8080 9100\n" in dockerfile
    assert 'CMD wget -q -O /dev/null "http://127.0.0.1:$PORT/healthz"\n' in dockerfile


# --- The site's own check ------------------------------------------------------------------------------------


def checked(site: Path, script: Path) -> subprocess.CompletedProcess[str]:
    """What scripts/test says of a site, with the standard library alone."""
    command = [sys.executable, "-I", "-S", str(script), str(site)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("name", GIVEN)
def test_the_generated_site_passes_its_own_check(drawn: dict[str, Tree], name: str) -> None:
    done = subprocess.run([drawn[name].root / "scripts" / "test"], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("2 pages ")


FAULTS = {
    "index.html: line 14: </main> where </p> was expected": ("index.html", "</p>", ""),
    "index.html: line 14: </div> where </body> was expected": ("index.html", "</main>", "</main></div>"),
    "index.html: no title": ("index.html", "<title>City Guide</title>", "<title> </title>"),
    "index.html: no <!doctype html>": ("index.html", "<!doctype html>\n", ""),
    "index.html: <html> names no language": ("index.html", ' lang="en"', ""),
    "index.html: /style.css leads nowhere": ("index.html", None, None),
    "index.html: map.png leads nowhere": ("index.html", "<h1>", '<img alt="" src="map.png"><h1>'),
    "index.html: a/../two.png leads nowhere": (
        "index.html",
        "<h1>",
        '<img alt="" srcset="style.css 1x, a/../two.png 2x"><h1>',
    ),
    "index.html: line 12: <img> without alt": ("index.html", "<h1>", '<img src="data:,x"><h1>'),
    "index.html: 404.html#far: there is no such id": ("index.html", "<h1>", '<a href="404.html#far">x</a><h1>'),
    'index.html: id "x" stands 2 times': ("index.html", "<h1>", '<b id="x"></b><b id="x"></b><h1>'),
    "style.css: a.woff2 leads nowhere": ("style.css", "main {", "@font-face { src: url('a.woff2') }\nmain {"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_the_check_finds(fault: str, drawn: dict[str, Tree], tmp_path: Path) -> None:
    tree = drawn["plain"]
    shutil.copytree(tree.root / "site", tmp_path, dirs_exist_ok=True)
    name, old, new = FAULTS[fault]
    if old is None or new is None:
        (tmp_path / "style.css").unlink()
    else:
        page = tree.read(f"site/{name}")
        assert old in page
        (tmp_path / name).write_text(page.replace(old, new, 1), encoding="utf-8")
    done = checked(tmp_path, tree.root / "scripts" / "test")
    assert done.returncode == 1
    assert fault in done.stderr.splitlines()


def test_the_check_lets_good_links_pass(drawn: dict[str, Tree], tmp_path: Path) -> None:
    tree = drawn["plain"]
    shutil.copytree(tree.root / "site", tmp_path, dirs_exist_ok=True)
    (tmp_path / "über uns").mkdir()
    page = tree.read("site/index.html")
    (tmp_path / "über uns" / "index.html").write_text(
        page.replace("<h1>", '<h1 id="top">').replace("</main>", '<a href="#top">x</a><a href="../">y</a><br></main>')
    )
    links = (
        "/%C3%BCber%20uns/#top",
        "https://example.org/x",
        "mailto:a@example.org",
        "//example.org",
        "/healthz",
        "?a=b",
    )
    (tmp_path / "index.html").write_text(
        page.replace("</main>", "".join(f'<a href="{link}">x</a>' for link in links) + "</main>")
    )
    done = checked(tmp_path, tree.root / "scripts" / "test")
    assert (done.returncode, done.stderr) == (0, "")


# --- The real server -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def caddy() -> str:
    """The server's program."""
    return caddy_program()


@contextmanager
def serving(
    caddy: str, tree: Tree, home: Path, lines: list[dict[str, Any]], drain: int = 0
) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """The server on ``tree``; every line that it writes must be JSON and lands in ``lines``.

    Yields its address and its process, which gets SIGTERM at the end.
    """
    port = free_port()
    environment = {"PORT": str(port), "SITE": "site", "DRAIN_SECONDS": str(drain), "XDG_DATA_HOME": str(home)}
    environment["HOME"] = str(home)
    command = [caddy, "run", "--config", "Caddyfile"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=tree.root, env=environment, stdout=pipe, stderr=subprocess.STDOUT) as process:
        assert process.stdout
        try:
            for line in process.stdout:
                lines.append(json.loads(line))
                if lines[-1]["msg"] == "serving initial configuration":
                    break
            yield f"http://127.0.0.1:{port}", process
            process.send_signal(signal.SIGTERM)
            lines += [json.loads(line) for line in process.stdout]
            assert process.wait(timeout=30) == 0
        finally:
            process.kill()


def answer(url: str) -> tuple[int, Message, bytes]:
    """Status, headers and body of a GET, without its compression."""
    try:
        response = urlopen(Request(url, headers={"Accept-Encoding": "gzip"}), timeout=10)
    except HTTPError as error:
        response = error
    with response:
        body = response.read()
        packed = response.headers["Content-Encoding"] == "gzip"
        return response.status, response.headers, gzip.decompress(body) if packed else body


@pytest.mark.parametrize("name", GIVEN)
def test_the_caddyfile_is_valid_and_formatted(caddy: str, drawn: dict[str, Tree], name: str, tmp_path: Path) -> None:
    environment = {"HOME": str(tmp_path)}
    for command in (["fmt"], ["adapt", "--validate", "--config"]):
        run = subprocess.run(
            [caddy, *command, "Caddyfile"], cwd=drawn[name].root, env=environment, capture_output=True, text=True
        )
        assert run.returncode == 0, run.stderr
        assert "not formatted" not in run.stderr
        if command == ["fmt"]:
            assert run.stdout == drawn[name].read("Caddyfile")


def test_the_server_serves_the_site(caddy: str, drawn: dict[str, Tree], tmp_path: Path) -> None:
    lines: list[dict[str, Any]] = []
    tree = drawn["rich"]
    (tree.root / "site" / "long.txt").write_text("x" * 5000)
    with serving(caddy, tree, tmp_path, lines) as (url, _):
        status, headers, body = answer(f"{url}/")
        assert (status, headers["Content-Type"]) == (200, "text/html; charset=utf-8")
        assert body.decode() == tree.read("site/index.html")
        for path in ("/healthz", "/api/he'alth?deep=1"):
            status, headers, body = answer(url + path)
            assert (status, json.loads(body), headers["Content-Type"]) == (200, {"status": "ok"}, "application/json")
        assert answer(f"{url}/long.txt")[1]["Content-Encoding"] == "gzip"
        assert b"caddy_http_requests_in_flight" in answer(f"{url}/internal/prometheus")[2]
        for path in ("/nowhere", "/metrics", "/Caddyfile"):
            status, headers, body = answer(url + path)
            assert (status, body.decode()) == (404, tree.read("site/404.html"))
            assert headers["X-Content-Type-Options"] == "nosniff"
    logged = [line["request"]["uri"] for line in lines if line["msg"] == "handled request"]
    assert logged == ["/", "/long.txt", "/nowhere", "/metrics", "/Caddyfile"]
    assert not [line for line in lines if line["level"] == "error"]
