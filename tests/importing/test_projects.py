"""Whole Compose files: which service is taken, shared databases, merge keys, extends, include; files that are none."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml

from generator.base.errors import AnswersError, UsageError
from generator.lifecycle.importing import answers_file
from generator.lifecycle.importing.project import MOST_BYTES, load_project
from tests.answers import QUESTIONS
from tests.importing.snippets import app, read
from tests.test_external import REFUSED_YAML

# --- which service, and its name -----------------------------------------------------------------------------


def test_the_service_that_people_reach_is_taken(tmp_path: Path) -> None:
    text = """
    services:
      worker: {image: "acme/shop:1", command: work, depends_on: [db]}
      db: {image: "postgres:16"}
      site: {image: "acme/shop:1", ports: ["80:8000"], depends_on: [db]}
      proxy: {image: "traefik:3", ports: ["443:443"]}
      watch: {image: "containrrr/watchtower:1"}
    """
    found = read(tmp_path, text)
    assert (found.answers["name"], found.answers["port"]) == ("site", 8000)
    assert "worker" in found.unexpressed
    assert "Keel" in found.unexpressed
    assert "ingress" in found.unexpressed
    assert read(tmp_path, text, service="worker").answers["args"] == ["work"]
    with pytest.raises(UsageError, match="no service shop") as caught:
        read(tmp_path, text, service="shop")
    assert caught.value.code == "import.no_service"
    assert "worker, db, site" in caught.value.hint


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{name: my-notes, services: {app: {image: 'acme/thing:1'}}}", "my-notes"),
        ("{services: {notes_app: {image: 'acme/thing:1'}}}", "notes-app"),
        ("{services: {app: {image: 'acme/thing:1'}}}", "thing"),
        ("{services: {web: {image: 'acme/thing:1', container_name: Fine_Name}}}", "fine-name"),
        ("{services: {server: {image: 'ghcr.io/acme/server:1'}}}", "acme"),
        ("{services: {2fauth: {image: 'acme/thing:1'}}}", "fauth"),
    ],
)
def test_name(tmp_path: Path, text: str, expected: str) -> None:
    assert read(tmp_path, text).answers["name"] == expected


def test_a_database_by_itself_is_a_service(tmp_path: Path) -> None:
    found = read(
        tmp_path, "services: {db: {image: 'postgres:16', environment: {POSTGRES_PASSWORD: hunter-22}, ports: [5432]}}"
    )
    assert found.answers["image"] == "docker.io/library/postgres:16"
    assert (found.answers["kind"], found.answers["port"]) == ("worker", 5432)
    assert "database" not in found.answers


# --- shared databases ----------------------------------------------------------------------------------------


def shared(folder: Path, image: str, own: str, environment: str, more: str = "") -> Any:
    text = f"""
    services:
      thing:
        image: acme/thing:1
        ports: [80]
        depends_on: [store]
        environment: {environment}
      store:
        image: {image}
        environment: {own}
        {more}
    """
    return read(folder, text, env="PW=hunter-22\n")


PG = "{POSTGRES_USER: ann, POSTGRES_PASSWORD: '${PW}', POSTGRES_DB: things}"


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ("{DB_HOST: store, DB_PORT: 5432, DB_USER: ann, DB_PASSWORD: '${PW}', DB_NAME: things}",
         {"DB_HOST": "host", "DB_PORT": "port", "DB_USER": "user", "DB_PASSWORD": "password", "DB_NAME": "name"}),
        ("['THING_DBHOST=store', 'THING_DBUSER=ann', 'THING_DBPASS=${PW}', 'THING_DBNAME=things']",
         {"THING_DBHOST": "host", "THING_DBUSER": "user", "THING_DBPASS": "password", "THING_DBNAME": "name"}),
        ("{database__host: store, database__user: ann, database__password: '${PW}', database__name: things}",
         {"database__host": "host", "database__user": "user", "database__password": "password",
          "database__name": "name"}),
        ("{PGHOST: store, PGUSER: ann, PGPASSWORD: '${PW}', PGDATABASE: things}",
         {"PGHOST": "host", "PGUSER": "user", "PGPASSWORD": "password", "PGDATABASE": "name"}),
        ("{STORE_SERVER: store, STORE_USER: ann, STORE_PW: '${PW}'}",
         {"STORE_SERVER": "host", "STORE_USER": "user", "STORE_PW": "password"}),
    ],
)  # fmt: skip
def test_connections(tmp_path: Path, environment: str, expected: dict[str, str]) -> None:
    found = shared(tmp_path, "postgres:16", PG, environment)
    default = {} if "name" in expected.values() else {"name": "things"}
    assert found.answers["database"] == {"engine": "postgres", "env": expected, **default}
    assert found.missing == set()
    assert "secrets" not in found.answers
    assert "hunter" not in str(found.answers) + str(found.findings)


@pytest.mark.parametrize(
    ("image", "url", "engine", "scheme"),
    [
        ("postgres:16", "postgres://ann:${PW}@store:5432/things", "postgres", "postgres"),
        (
            "postgres:16",
            "postgresql+asyncpg://ann:${PW}@store/things?sslmode=disable",
            "postgres",
            "postgresql+asyncpg",
        ),
        ("bitnami/postgresql:16", "postgresql://ann@store", "postgres", "postgresql"),
        ("mariadb:11", "mysql+pymysql://ann:${PW}@store/things", "mysql", "mysql+pymysql"),
        ("lscr.io/linuxserver/mariadb:11", "mariadb://ann:${PW}@store:3306/things", "mysql", "mariadb"),
    ],
)
def test_addresses(tmp_path: Path, image: str, url: str, engine: str, scheme: str) -> None:
    found = shared(tmp_path, image, "{}", f"{{DATABASE_URL: '{url}'}}")
    assert found.answers["database"] == {"engine": engine, "dsn_scheme": scheme, "env": {"DATABASE_URL": "dsn"}}
    assert "hunter" not in str(found.answers) + str(found.findings)
    assert ("database.env.DATABASE_URL" in found.of("assumed")) == ("?" in url)


def test_other_forms(tmp_path: Path) -> None:
    environment = "KC_DB: postgres, KC_DB_URL: 'jdbc:postgresql://store:5432/things', KC_DB_USERNAME: ann"
    environment = f"{{{environment}, KC_DB_PASSWORD: '${{PW}}'}}"
    found = shared(tmp_path, "postgres:16", PG, environment)
    assert found.answers["env"] == {"KC_DB": "postgres", "KC_DB_URL": "jdbc:postgresql://{pg_host}:5432/thing"}
    assert found.answers["database"]["env"] == {"KC_DB_USERNAME": "user", "KC_DB_PASSWORD": "password"}
    found = shared(
        tmp_path,
        "mysql:8",
        "{MYSQL_PASSWORD: '${PW}'}",
        "{DB_HOST: 'store:3306', DB_PASS: '${PW}', DB_CONNECTION: mysql}",
    )
    assert found.answers["env"] == {"DB_HOST": "{mysql_host}:3306", "DB_CONNECTION": "mysql"}
    assert found.answers["database"]["env"] == {"DB_PASS": "password"}


def test_a_password_in_a_file(tmp_path: Path) -> None:
    environment = "{DB_HOST: store, DB_USER: ann, DB_PASSWORD_FILE: /run/secrets/db}"
    found = shared(tmp_path, "postgres:16", "{POSTGRES_PASSWORD_FILE: /run/secrets/db}", environment)
    assert found.answers["database"]["env"] == {"DB_HOST": "host", "DB_USER": "user", "DB_PASSWORD": "password"}


def test_what_the_shared_database_lacks_is_reported(tmp_path: Path) -> None:
    more = "{volumes: ['./init.sql:/docker-entrypoint-initdb.d/init.sql'], command: postgres -c x=y}"
    thing = "{image: 'acme/thing:1', environment: {DB_HOST: store, DB_PASSWORD: x1}}"
    text = f"services: {{thing: {thing}, store: {{image: 'pgvector/pgvector:pg16', {more[1:-1]}}}}}"
    found = read(tmp_path, text)
    assert "pgvector" in found.unexpressed
    assert "scripts" in found.unexpressed
    assert "settings of the database" in found.unexpressed
    assert "not moved" in found.of("assumed")["database"][0]


def test_a_connection_that_nothing_says_is_asked_for(tmp_path: Path) -> None:
    found = shared(tmp_path, "postgres:16", PG, "{}")
    assert found.answers["database"] == "postgres"
    assert found.missing == {"database.env"}


def test_two_databases(tmp_path: Path) -> None:
    text = """
    services:
      thing: {image: "acme/thing:1", environment: {DB_HOST: one, DB_PASSWORD: x, OTHER_URL: "mysql://a@two/b"}}
      one: {image: "postgres:16"}
      two: {image: "mysql:8"}
    """
    found = read(tmp_path, text)
    assert found.answers["database"]["engine"] == "postgres"
    assert "two" in found.unexpressed
    assert found.missing == {"env.OTHER_URL"}


@pytest.mark.parametrize(
    ("environment", "expected", "index"),
    [
        ("{REDIS_URL: 'redis://store:6379/0'}", {}, True),
        ("{BROKER: 'redis://:abc12345@store:6379'}", {"BROKER": "redis://{redis_host}:6379/{redis_index}"}, True),
        ("{REDIS_HOST: store, REDIS_PORT: 6379, REDIS_DB: 1}",
         {"REDIS_HOST": "{redis_host}", "REDIS_PORT": "6379", "REDIS_DB": "{redis_index}"}, True),
        ("{REDIS_HOST: store, REDIS_PASSWORD: abc12345}", {"REDIS_HOST": "{redis_host}"}, False),
        ("{CACHE: 'store:6379', CACHE_DRIVER: redis}", {"CACHE": "{redis_host}:6379", "CACHE_DRIVER": "redis"}, False),
    ],
)  # fmt: skip
def test_redis(tmp_path: Path, environment: str, expected: dict[str, str], index: bool) -> None:
    found = shared(tmp_path, "valkey/valkey:8", "{}", environment)
    assert found.answers["redis"] is True
    assert found.answers.get("env", {}) == expected
    assert found.missing == set()
    assert any("no variable names the index" in text for text in found.of("assumed")["redis"]) is not index
    assert "abc12345" not in str(found.findings)


def test_words_that_are_no_hosts(tmp_path: Path) -> None:
    text = """
    services:
      thing: {image: "acme/thing:1", depends_on: [redis, mysql], environment: {DB_TYPE: mysql, QUEUE_CONNECTION: redis,
        CACHE_STORE: redis, DB_HOST: mysql, DB_PASSWORD: x1, REDIS_HOST: redis}}
      redis: {image: "redis:7"}
      mysql: {image: "mysql:8"}
    """
    found = read(tmp_path, text)
    kept = {"DB_TYPE": "mysql", "QUEUE_CONNECTION": "redis", "CACHE_STORE": "redis", "REDIS_HOST": "{redis_host}"}
    assert found.answers["env"] == kept
    assert found.answers["database"]["env"] == {"DB_HOST": "host", "DB_PASSWORD": "password"}


# --- the format ----------------------------------------------------------------------------------------------


def test_anchors_merge_keys_and_extensions(tmp_path: Path) -> None:
    text = """
    x-env: &env {A: one, B: two}
    x-more: &more {B: three, C: four}
    x-base: &base
      restart: always
      environment: {<<: [*env, *more], D: five}
    services:
      thing:
        <<: *base
        image: acme/thing:1
        x-note: nothing
    """
    found = read(tmp_path, text)
    assert found.answers["env"] == {"A": "one", "B": "two", "C": "four", "D": "five"}
    assert found.imported.draft.origins["env.B"] == "compose.yaml:2 services.thing.environment.B"
    assert found.imported.draft.origins["image"] == "compose.yaml:10 services.thing.image"
    assert found.unexpressed == ""


def test_extends_and_include(tmp_path: Path) -> None:
    text = """
    include: [more.yml]
    services:
      base: {image: "acme/thing:1", environment: [A=1, B=2], volumes: ["data:/data"]}
      thing:
        extends: {service: common, file: common.yml}
        ports: [80]
        environment: {B: mine}
    """
    common = """
    services:
      common: {image: "acme/common:2", environment: [A=1, B=2], command: run, ports: [81], volumes: ["data:/data"]}
    """
    more = 'services: {db: {image: "postgres:16", environment: {POSTGRES_PASSWORD: x}}}'
    found = read(tmp_path, text, service="thing", common_yml=common, more_yml=more)
    assert found.answers["image"] == "docker.io/acme/common:2"
    assert found.answers["env"] == {"A": "1", "B": "mine"}
    assert found.answers["args"] == ["run"]
    assert found.answers["port"] == 80
    assert found.imported.draft.origins["image"] == "common.yml:3 services.thing.image"
    assert "db" in found.unexpressed


def test_files_that_include_many_are_each_read_once(tmp_path: Path) -> None:
    for level in range(8):
        below = ", ".join([f"l{level + 1}.yml"] * 9)
        (tmp_path / f"l{level}.yml").write_text(f"include: [{below}]\nservices: {{}}\n")
    services = "".join(f"  a{number}: {{extends: {{service: a, file: a.yml}}}}\n" for number in range(300))
    text = f"include: [l0.yml]\nservices:\n  thing: {{image: 'acme/thing:1'}}\n{services}"
    began = time.monotonic()
    common = f"x-long: {'y' * 100_000}\nservices: {{a: {{image: 'acme/a:1'}}}}"
    found = read(tmp_path, text, service="thing", a_yml=common, l8_yml="services: {b: {image: 'acme/b:1'}}")
    assert time.monotonic() - began < 20
    assert "the service b (acme/b:1)" in found.unexpressed


def test_a_project_of_too_many_files(tmp_path: Path) -> None:
    for number in range(120):
        (tmp_path / f"f{number}.yml").write_text("services: {}\n")
    text = f"include: [{', '.join(f'f{number}.yml' for number in range(120))}]\nservices: {{a: {{image: 'x/y:1'}}}}"
    with pytest.raises(UsageError, match="more than 100 files"):
        read(tmp_path, text)


def test_an_included_file_has_the_form_of_compose(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"more\.yml:1 services: must be a map"):
        read(tmp_path, "include: [more.yml]\nservices: {a: {image: 'x/y:1'}}", more_yml="services: [b, c]")


def test_names_that_compose_does_not_take(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"compose\.yaml:1 services: has a name of other signs"):
        read(tmp_path, 'services: {"a\\nname: other": {image: "x/y:1"}}')


def test_a_key_with_line_breaks_adds_no_answer(tmp_path: Path) -> None:
    labels = '{"traefik.http.routers.a\\nplanted: 1\\n.rule": "Host(`x.acme.test`)"}'
    found = read(tmp_path, f'services: {{thing: {{image: "x/y:1", labels: {labels}}}}}')
    assert found.answers["host"] == "x"
    order = [question.name for question in QUESTIONS]
    source, following = "compose.yaml\nplanted: 2\n", "newservice create --answers 'a\nplanted: 3\n'"
    assert yaml.safe_load(answers_file(found.imported.draft, order, source, following)) == found.answers


@pytest.mark.parametrize(
    "line",
    ["extends: {service: a, file: ../other.yml}", "extends: {service: a, file: /etc/other.yml}",
     "extends: {service: a, file: 'https://acme.org/x.yml'}", "extends: {service: a, file: a/../../x.yml}"],
)  # fmt: skip
def test_nothing_outside_the_folder_is_read(tmp_path: Path, line: str) -> None:
    folder = tmp_path / "inside"
    folder.mkdir()
    (tmp_path / "other.yml").write_text("services: {a: {image: planted}}")
    with pytest.raises(UsageError) as caught:
        app(folder, line)
    assert caught.value.code == "import.outside"
    assert "compose.yaml:" in caught.value.message


@pytest.mark.parametrize("include", ["['../x.yml']", "[{path: [a.yml, 'git@acme.org:x.git']}]", "['oci://acme.org/x']"])
def test_includes_from_elsewhere_are_refused(tmp_path: Path, include: str) -> None:
    with pytest.raises(UsageError, match="not in the Compose file's folder"):
        read(tmp_path, f"include: {include}\nservices: {{a: {{image: x}}}}", a_yml="services: {}")


def test_links_that_lead_out_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("services: {a: {image: planted}}\n")
    folder = tmp_path / "inside"
    folder.mkdir()
    (folder / "common.yml").symlink_to(tmp_path / "secret")
    (folder / ".env").symlink_to(tmp_path / "secret")
    with pytest.raises(UsageError, match="does not exist in the Compose file's folder"):
        app(folder, "extends: {service: a, file: common.yml}")
    assert app(folder, "env_file: .env").missing == {"env"}


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("services:\n  a:\n    image: [x]", "compose.yaml:3 services.a.image: must be text"),
        ("services:\n  a: {image: x, ports: 80}", "compose.yaml:2 services.a.ports: must be a list"),
        ("services:\n  a: {image: x}\n  b: 5", "compose.yaml:3 services.b: must be a map"),
        ("services: []", "compose.yaml"),
        ("services: {}", "compose.yaml has no services"),
        ("volumes: {a: {}}", "compose.yaml has no services"),
        ("- a", "compose.yaml:1: it is not a map"),
        ("", "compose.yaml:1: it is not a map"),
        ("a: 1\nb: [", "compose.yaml:"),
        ("services:\n  a:\n    image: ${", "compose.yaml:3 services.a.image: a variable begins"),
        ("services:\n  a: {extends: b}\n  b: {extends: a}", "it extends itself"),
        ("services:\n  a: {extends: {service: c}}", "a service that does not exist"),
        ("include: [compose.yaml]\nservices: {a: {image: x}}", "it includes itself"),
        ("services:\n  a: {image: x}\n  a: {image: y}", "compose.yaml:3: a key is given twice"),
        ("services: {a: {image: x, environment: {A: [planted-value]}}}", "services.a.environment.A: must be"),
    ],
)  # fmt: skip
def test_files_that_are_none(tmp_path: Path, text: str, where: str) -> None:
    with pytest.raises(UsageError) as caught:
        read(tmp_path, text)
    assert caught.value.code in ("import.invalid", "import.variable")
    assert where in caught.value.message
    assert caught.value.hint
    assert "planted" not in str(caught.value)


@pytest.mark.parametrize("text", [text for text, _ in REFUSED_YAML.values()], ids=list(REFUSED_YAML))
def test_hostile_yaml(tmp_path: Path, text: str | bytes) -> None:
    path = tmp_path / "compose.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode(errors="surrogatepass"))
    began = time.monotonic()
    with pytest.raises(UsageError) as caught:
        load_project(path)
    assert caught.value.code in ("import.invalid", "import.unreadable")
    assert time.monotonic() - began < 20


def test_hostile_files(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "large").write_bytes(b"#" * (MOST_BYTES + 1))
    (tmp_path / "latin").write_bytes("services: {a: {image: é}}".encode("latin-1"))
    for name in ("folder", "pipe", "large", "nothing", "latin", "a\0b"):
        with pytest.raises(UsageError) as caught:
            load_project(tmp_path / name)
        assert caught.value.code in ("import.unreadable", "import.invalid"), name
    for name in ("/dev/zero", "/proc/self/environ"):
        with pytest.raises(UsageError):
            load_project(Path(name))


@pytest.mark.parametrize("value", ["1e999", "1.0e999", "9" * 400, "0x" + "f" * 30, "-.5", "1:2:3"])
def test_numbers_that_are_none(tmp_path: Path, value: str) -> None:
    service = f"{{image: 'acme/thing:1', mem_limit: {value}, cpus: {value}, environment: {{N: {value}}}}}"
    text = f"services: {{a: {service}}}"
    with suppress(UsageError):
        assert read(tmp_path, text).answers["env"] == {"N": value}


def test_long_texts_take_no_time(tmp_path: Path) -> None:
    long = "a" * 50_000
    began = time.monotonic()
    for text in (
        f"environment: {{A_PASSWORD: '{long}', B: '://{long}', C: '{'://' * 10_000}', D: '{'-----BEGIN ' * 3_000}'}}",
        f"{{healthcheck: {{test: 'curl {'http://' * 20_000}'}}, ports: [80]}}",
        f"volumes: ['{'/media' * 30_000}:{'/media' * 1_000}']",
        f"labels: ['traefik.http.routers.a.rule={'Host(' * 30_000}']",
        f"environment: ['{'A' * 100_000}=x']",
        f"user: '{'1' * 100_000}'",
        f"command: '{'x ' * 80_000}'",
    ):
        app(tmp_path, text)
    assert time.monotonic() - began < 30


# --- answers that win ----------------------------------------------------------------------------------------


def test_given_answers_win(tmp_path: Path) -> None:
    text = "{ports: [80], environment: {A: one, B: two, C_TOKEN: '${C}'}, volumes: ['data:/data']}"
    given = {
        "name": "mine",
        "port": 81,
        "description": "Mine",
        "env": {"A": "other", "C_TOKEN": "in the open"},
        "volumes": [],
    }
    found = app(tmp_path, text, given=given)
    assert found.answers["env"] == {"A": "other", "B": "two", "C_TOKEN": "in the open"}
    assert (found.answers["name"], found.answers["port"], found.answers["volumes"]) == ("mine", 81, [])
    assert "secrets" not in found.answers
    assert not found.of("missing")


@pytest.mark.parametrize(
    "given", [{"port": "many"}, {"env": "x"}, {"nothing": 1}, {"env": {"A B": 1}}, {"tier": "huge"}]
)
def test_wrong_answers_are_refused(tmp_path: Path, given: dict[str, Any]) -> None:
    with pytest.raises(AnswersError):
        app(tmp_path, "{ports: [80], environment: {A: one}}", given=given)
