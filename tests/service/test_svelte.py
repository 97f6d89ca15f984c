"""The SvelteKit service: its lock and its texts, its own linters and tests, and a real start and stop."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
from hypothesis import given

from generator.template.template import PACKAGE, Template
from tests.answers import LANGUAGES, render
from tests.full import full

from .conftest import answers_for
from .databases import postgres, redis
from .frontends import new_workshop, running
from .node import Workshop
from .servers import free_port
from .svelte_lock import COMBINATIONS, REGISTRY, Combination
from .test_text import HOSTILE, LINES, TEMPLATE, labels_of, readme_texts
from .trees import VARIANTS, Tree

FOLDER = PACKAGE.parent / "templates" / "service" / "svelte"
COMMON = {
    "name": "city-guide",
    "title": "City Guide",
    "description": "Guides people through a city.",
    "language": "svelte",
}
PARTS = {"DB_HOST": "host", "DB_PORT": "port", "DB_NAME": "name", "DB_USER": "user", "DB_PASSWORD": "password"}
MIGRATE = LANGUAGES["svelte"]["migrate"]
GIVEN: dict[str, dict[str, Any]] = {
    "rich": {
        **COMMON,
        "title": VARIANTS["postgres-dsn-private"]["title"] + "</title><script>",
        "description": VARIANTS["postgres-dsn-private"]["description"],
        "port": 9000,
        "probe": {"kind": "http", "path": "/api/he'alth/?deep=1"},
        "metrics": {"path": "/internal/prometheus"},
        "max_body": "5m",
        "database": {"engine": "postgres", "env": PARTS},
        "migrate_command": MIGRATE,
        "redis": 3,
    },
    "mysql": {**COMMON, "metrics": {"port": 9100}, "database": "mysql", "migrate_command": MIGRATE},
    "plain": {**COMMON, "metrics": "none"},
}
ANSWERS = answers_for(TEMPLATE, COMMON)


@pytest.fixture(scope="module")
def drawn(template: Template, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Tree]:
    """One rendered repository for each of ``GIVEN``."""
    return {
        name: Tree.write(tmp_path_factory.mktemp(name), render(template, answers_for(template, given), "service"))
        for name, given in GIVEN.items()
    }


# --- Without npm ---------------------------------------------------------------------------------------------


def rendered(path: str, **changed: Any) -> str:
    """One file of the template."""
    source = (FOLDER / f"{path}.jinja").read_text(encoding="utf-8")
    return TEMPLATE.render(source, {**ANSWERS.context, **changed})


def package_and_lock(combination: Combination) -> tuple[dict[str, Any], dict[str, Any]]:
    """``package.json`` and the packages of its lock."""
    scrape, engine, redis = combination
    said = {
        "scrape": {"path": "/metrics", "port": 8080} if scrape else None,
        "db": {"engine": engine} if engine else None,
        "redis_db": 0 if redis else None,
    }
    package, lock = (json.loads(rendered(path, **said)) for path in ("package.json", "package-lock.json"))
    assert (lock["name"], lock["version"], lock["lockfileVersion"]) == (package["name"], package["version"], 3)
    return package, lock["packages"]


def place_of(name: str, needed_by: str, packages: Mapping[str, Any]) -> str | None:
    """Where Node finds ``name`` for the package at ``needed_by``: in its own folder, then in each one above."""
    folder = needed_by
    while True:
        path = f"{folder}/node_modules/{name}".lstrip("/")
        if path in packages:
            return path
        if not folder:
            return None
        folder = folder.rpartition("node_modules/")[0].rstrip("/")


@pytest.mark.parametrize("combination", COMBINATIONS)
def test_the_lock_holds_what_is_needed_and_no_more(combination: Combination) -> None:
    package, packages = package_and_lock(combination)
    for kind in ("dependencies", "devDependencies", "engines"):
        assert packages[""].get(kind) == package.get(kind)
    reached, waiting = {""}, [""]
    while waiting:
        path = waiting.pop()
        entry = packages[path]
        optional = {name for name, meta in entry.get("peerDependenciesMeta", {}).items() if meta.get("optional")}
        for kind in ("dependencies", "devDependencies", "optionalDependencies", "peerDependencies"):
            for name in entry.get(kind, {}):
                found = place_of(name, path, packages)
                assert found or name in optional, f"{path} needs {name}"
                if found and found not in reached:
                    reached.add(found)
                    waiting.append(found)
    assert reached == set(packages)


@pytest.mark.parametrize("combination", COMBINATIONS)
def test_the_lock_takes_every_package_from_the_public_registry(combination: Combination) -> None:
    _, packages = package_and_lock(combination)
    assert len(packages) > 200
    for path, entry in packages.items():
        if path:
            assert entry["resolved"].startswith(REGISTRY), path
            assert entry["integrity"].startswith("sha512-"), path


@HOSTILE
@given(title=LINES, description=LINES)
def test_text_comes_back_from_json(title: str, description: str) -> None:
    service = json.loads(rendered("src/lib/service.json", title=title, description=description))
    assert service == {"title": title, "description": description}
    assert json.loads(rendered("package.json", description=description))["description"] == description


def test_text_comes_back_from_the_whole_tree(drawn: dict[str, Tree]) -> None:
    title, description = GIVEN["rich"]["title"], GIVEN["rich"]["description"]
    tree = drawn["rich"]
    assert json.loads(tree.read("src/lib/service.json")) == {"title": title, "description": description}
    assert readme_texts(tree.read("README.md")) == (" ".join(title.split()), " ".join(description.split()))
    assert labels_of(tree.read("Dockerfile"))["org.opencontainers.image.title"] == title


def test_only_what_is_asked_for_is_there(drawn: dict[str, Tree]) -> None:
    files = {name: set(tree.texts) for name, tree in drawn.items()}
    assert files["rich"] - files["plain"] == {
        "bin/migrate.js",
        "migrations/README.md",
        "src/hooks.ts",
        "src/lib/server/database.test.ts",
        "src/lib/server/database.ts",
        "src/lib/server/metrics.ts",
        "src/lib/server/migrate.test.ts",
        "src/lib/server/migrate.ts",
        "src/lib/server/redis.test.ts",
        "src/lib/server/redis.ts",
        "src/routes/metrics/+server.ts",
        "src/routes/readyz/+server.ts",
    }
    redis = {"src/lib/server/redis.test.ts", "src/lib/server/redis.ts"}
    assert files["rich"] - files["mysql"] == {"src/hooks.ts", "src/routes/metrics/+server.ts"} | redis
    assert files["plain"] < files["rich"]


@pytest.mark.parametrize("name", GIVEN)
def test_text_is_tidy(drawn: dict[str, Tree], name: str) -> None:
    for path, text in drawn[name].texts.items():
        assert text.endswith("\n"), path
        assert not text.endswith("\n\n"), path
        assert not text.startswith("\n"), path
        assert not re.search(r"[ \t]+$", text, re.MULTILINE), path
        assert path == ".copier-answers.yml" or "\n\n\n" not in text, path


def test_the_image_holds_the_server_only(drawn: dict[str, Tree]) -> None:
    needed = ["package.json", "node_modules", "migrations", "src/lib/server", "bin", "build"]
    for name, copied in {"rich": needed, "plain": ["package.json", "bin", "build"]}.items():
        dockerfile = drawn[name].read("Dockerfile")
        assert re.findall(r"^COPY --from=build /src/(\S+)", dockerfile, re.MULTILINE) == copied
        assert "\nUSER 10001:10001\n" in dockerfile
        command = dockerfile[dockerfile.index("HEALTHCHECK") :].split("CMD ", 1)[1].splitlines()[0]
        assert "/healthz" in json.loads(command)[2]
    assert "BODY_SIZE_LIMIT=5M " in drawn["rich"].read("Dockerfile")
    assert "BODY_SIZE_LIMIT=Infinity " in drawn["plain"].read("Dockerfile")


def test_every_migration_command_is_in_the_image(drawn: dict[str, Tree]) -> None:
    program, script = MIGRATE
    assert (program, (drawn["rich"].root / script).is_file()) == ("node", True)
    assert (drawn["plain"].root / script).exists() is False


def test_the_route_of_a_redis_alone_is_its_own(template: Template, tmp_path: Path) -> None:
    given = {**COMMON, "redis": 3, "probe": {"kind": "http", "path": "/readyz"}}
    tree = Tree.write(tmp_path, render(template, answers_for(template, given), "service"))
    assert "src/hooks.ts" not in tree.texts
    assert 'away("redis")' in tree.read("src/routes/readyz/+server.ts")
    assert "database" not in tree.read("src/routes/readyz/+server.ts")
    assert "| `REDIS_URL` |" in tree.read("README.md")


# --- With npm ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    """An empty folder with Node.js at hand."""
    return new_workshop(tmp_path_factory.mktemp("workshop"))


def answer(url: str) -> tuple[int, str]:
    """Status and body of a GET."""
    try:
        with urlopen(url, timeout=10) as response:
            return response.status, response.read().decode()
    except HTTPError as error:
        with error:
            return error.code, error.read().decode()


@full
@pytest.mark.slow
def test_linters_and_tests_pass_and_the_server_runs_as_the_stack_asks(
    workshop: Workshop, drawn: dict[str, Tree]
) -> None:
    workshop.take(drawn["rich"])
    workshop.install()
    for script in ("lint", "check", "test", "build"):
        workshop.check("run", script)
    lines: list[dict[str, Any]] = []
    with (
        postgres() as (port, started),
        redis(redis_port := free_port()) as asked,
        running(
            workshop,
            lines,
            DB_HOST="127.0.0.1",
            DB_PORT=str(port),
            DB_USER="role",
            REDIS_URL=f"redis://127.0.0.1:{redis_port}/3",
            VERSION="v1.2.3",
        ) as (url, _),
    ):
        status, page = answer(url)
        assert (status, answer(f"{url}/readyz")) == (200, (200, '{"status":"ok"}'))
        assert ["select", "3"] in asked
        assert b"user\0role\0" in started[0]
        for path in ("/healthz", "/api/he'alth/?deep=1", "/api/he'alth/"):
            assert answer(url + path) == (200, '{"status":"ok"}'), path
        assert answer(f"{url}/nowhere")[0] == 404
        metrics = answer(f"{url}/internal/prometheus")[1]
    assert "<script>" not in page[page.index("<title>") : page.index("</title>")]
    assert 'build_info{version="v1.2.3"} 1' in metrics
    assert 'http_requests_total{method="GET",route="/healthz",status="200"} 3' in metrics
    assert 'http_requests_total{method="other",route="unmatched",status="404"} 1' in metrics
    requests = [(line["path"], line["status"]) for line in lines if line["message"] == "request"]
    assert requests == [("/", 200), ("/nowhere", 404)]
    assert [line["message"] for line in lines][-1] == "stopped"
    assert next(line["version"] for line in lines if line["message"] == "started") == "v1.2.3"


@full
@pytest.mark.slow
def test_mysql_and_metrics_on_a_port_of_their_own(workshop: Workshop, drawn: dict[str, Tree]) -> None:
    workshop.take(drawn["mysql"])
    workshop.install()
    for script in ("lint", "check", "test"):
        workshop.check("run", script)
    # Without a database and without metrics nothing is left that would not compile.
    workshop.take(drawn["plain"])
    for script in ("lint", "check", "test"):
        workshop.check("run", script)


@full
@pytest.mark.slow
def test_npm_finds_the_lock_in_step(workshop: Workshop, drawn: dict[str, Tree]) -> None:
    asked = ("ci", "--dry-run", "--offline", "--ignore-scripts")
    for tree in drawn.values():
        workshop.take(tree)
        workshop.check(*asked)
    package = workshop.folder / "package.json"
    package.write_text(package.read_text(encoding="utf-8").replace('"vite": "^8', '"vite": "^7'), encoding="utf-8")
    refused = workshop.npm(*asked)
    assert refused.returncode
    assert "vite@" in refused.stderr
