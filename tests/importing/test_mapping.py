"""From keys of a Compose file to answers: right values, and nothing lost silently."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from generator.base.errors import AnswersError
from generator.lifecycle.importing import answers_file
from tests.answers import QUESTIONS, UPSTREAM, answer
from tests.importing.snippets import app, read

# --- image ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        ("nginx", "docker.io/library/nginx:latest"),
        ("nginx:1.27", "docker.io/library/nginx:1.27"),
        ("acme/thing", "docker.io/acme/thing:latest"),
        ("acme/thing:v1", "docker.io/acme/thing:v1"),
        ("ghcr.io/acme/thing:1.2", "ghcr.io/acme/thing:1.2"),
        ("localhost:5000/thing:1", "localhost:5000/thing:1"),
        ("registry.acme.org:5000/a/b/thing", "registry.acme.org:5000/a/b/thing:latest"),
        ("index.docker.io/acme/thing:1", "docker.io/acme/thing:1"),
        ("acme/thing@sha256:" + "a" * 64, "docker.io/acme/thing@sha256:" + "a" * 64),
        ("acme/thing:1.2@sha256:" + "a" * 64, "docker.io/acme/thing:1.2@sha256:" + "a" * 64),
        ("acme/thing:${TAG:-3.1}", "docker.io/acme/thing:3.1"),
    ],
)
def test_image(tmp_path: Path, image: str, expected: str) -> None:
    found = app(tmp_path, f"image: '{image}'")
    assert found.answers["image"] == expected
    assert found.answers["image_source"] == "upstream"
    assert ("image" in found.of("assumed")) == (expected.endswith(":latest") or "$" in image)


def test_an_image_of_an_unknown_tag_is_asked_for(tmp_path: Path) -> None:
    found = app(tmp_path, "image: 'acme/thing:${TAG}'")
    assert found.missing == {"image"}
    assert "TAG" in found.of("missing")["image"][0]
    assert app(tmp_path, "image: 'acme/thing:${TAG}'", env="TAG=5").answers["image"] == "docker.io/acme/thing:5"


def test_built_images_are_owned(tmp_path: Path) -> None:
    found = read(tmp_path, "services: {shop: {build: {context: ./src, target: prod}, ports: [8080]}}")
    assert (found.answers["image_source"], found.answers["language"]) == ("owned", "none")
    assert "image" not in found.answers
    assert "./src" in found.unexpressed
    assert "build.target" in found.unexpressed
    both = app(tmp_path, "{build: .}")
    assert both.answers["image"] == "ghcr.io/acme/thing:1.2"


# --- ports, kind and host ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ports", "expected", "others"),
    [
        (["8080:80"], 80, 0),
        (["127.0.0.1:8080:8000/tcp"], 8000, 0),
        (["[::1]:8080:8000"], 8000, 0),
        ([3000], 3000, 0),
        (["22:22", "8080:3000"], 3000, 1),  # 22:22 is text, not a number to the base of sixty
        (["53:53/udp", "53:53/tcp", "5380:5380"], 5380, 2),
        (["8443:443", "8080:80"], 80, 1),
        ([{"target": 9000, "published": "80", "protocol": "tcp"}], 9000, 0),
        (["7000:7000", "7001:7001"], 7000, 1),
        (["${PORT:-9090}:8096"], 8096, 0),
        (["8080-8081:8080-8081"], 8080, 1),
    ],
)
def test_port(tmp_path: Path, ports: list[Any], expected: int, others: int) -> None:
    found = app(tmp_path, f"ports: {ports}")
    assert (found.answers["kind"], found.answers["port"]) == ("web", expected)
    assert len(found.of("unexpressed").get("port", [])) == others


def test_without_a_port_it_is_asked_which_one_there_is(tmp_path: Path) -> None:
    found = app(tmp_path, "{}")
    assert not {"kind", "port"} & set(found.answers)
    assert "port" in found.of("missing")


def test_ports_that_speak_no_http(tmp_path: Path) -> None:
    found = app(tmp_path, "ports: ['1883:1883', '51820:51820/udp']")
    assert (found.answers["kind"], found.answers["port"]) == ("worker", 1883)


@pytest.mark.parametrize(
    "text",
    [
        "healthcheck: {test: 'curl -f http://localhost:7575/api || exit 1'}",
        "{network_mode: host, environment: {WEB_PORT: 7575}}",
        "labels: ['traefik.http.services.x.loadbalancer.server.port=7575']",
        "environment: {VIRTUAL_HOST: a.acme.org, VIRTUAL_PORT: '7575'}",
        "expose: ['7575']",
    ],
)
def test_ports_that_only_others_name(tmp_path: Path, text: str) -> None:
    found = app(tmp_path, text)
    assert (found.answers["kind"], found.answers["port"]) == ("web", 7575)


def test_a_site_without_a_port_is_asked_for_it(tmp_path: Path) -> None:
    found = app(tmp_path, "labels: {traefik.enable: 'true'}")
    assert "port" in found.of("missing")
    assert found.answers["kind"] == "web"


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("Host(`notes.acme.org`)", {"host": "notes"}),
        ("Host(`notes.acme.org`) && PathPrefix(`/app`)", {"host": "notes", "paths": ["/app"]}),
        ("Host(`notes.acme.org`, `www.acme.org`)", {"host": "notes"}),
        ("Host(`notes.acme.org`) || Host(`www.acme.org`)", {"host": "notes"}),
        ("Host(`notes.${DOMAIN:-acme.org}`)", {"host": "notes"}),
        ("Host(`${DOMAIN}`)", {}),
        ("PathPrefix(`/x`)", {}),
    ],
)
def test_host(tmp_path: Path, rule: str, expected: dict[str, Any]) -> None:
    found = app(tmp_path, f"{{ports: [80], labels: ['traefik.http.routers.x.rule={rule}']}}")
    assert {key: found.answers[key] for key in ("host", "paths") if key in found.answers} == expected
    assert ("www" in found.unexpressed) == ("www" in rule)


def test_middlewares_of_traefik_are_reported(tmp_path: Path) -> None:
    labels = {
        "traefik.http.middlewares.login.basicauth.users": "ann:$$apr1$$abcdefgh",
        "traefik.http.routers.x.middlewares": "login",
    }
    found = app(tmp_path, f"{{ports: [80], labels: {labels}}}")
    assert len(found.of("unexpressed")["auth"]) == 2
    assert "apr1" not in str(found.findings)


def test_tile(tmp_path: Path) -> None:
    found = app(
        tmp_path,
        """
        ports: [80]
        labels:
          homepage.name: The thing
          homepage.description: Keeps things
          homepage.group: Home
          homepage.icon: thing.png
          homepage.href: https://thing.acme.org
          homepage.widget.type: thing
          homepage.widget.key: ${THING_KEY}
          homepage.widget.fields: all
          homepage.odd: x
        """,
    )
    assert (found.answers["title"], found.answers["description"]) == ("The thing", "Keeps things")
    assert found.answers["homepage"] == {
        "group": "Home",
        "icon": "thing.png",
        "widget": {"type": "thing", "credentials": {"key": "homepage_key"}, "fields": {"fields": "all"}},
    }
    assert "homepage.odd" in found.unexpressed
    assert not found.of("missing")


# --- variables -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"A": 1, "B": "x", "C": True, "D": 1.5}, {"A": "1", "B": "x", "C": "true", "D": "1.5"}),
        (["A=1", "B=x=y", "C="], {"A": "1", "B": "x=y", "C": ""}),
        (["A"], {"A": "from .env"}),
        ({"A": None}, {"A": "from .env"}),
        ({"URL": "${A}/x"}, {"URL": "from .env/x"}),
        ({"V": "${W:-1.10}"}, {"V": "1.10"}),
        ({"P": "a$$b"}, {"P": "a$b"}),
    ],
)
def test_env(tmp_path: Path, environment: Any, expected: dict[str, str]) -> None:
    assert app(tmp_path, f"environment: {json.dumps(environment)}", env="A=from .env\n").answers["env"] == expected


def test_numbers_keep_their_form(tmp_path: Path) -> None:
    text = "{VERSION: 1.10, ON: yes, MASK: 0022, AT: 12:30}"
    text = f"services: {{thing: {{image: 'acme/thing:1', environment: {text}}}}}"
    assert read(tmp_path, text).answers["env"] == {"VERSION": "1.10", "ON": "yes", "MASK": "0022", "AT": "12:30"}


def test_names_that_the_cluster_does_not_take(tmp_path: Path) -> None:
    text = """
    services:
      thing: {image: "acme/thing:1", environment: {cache.address: "redis://store:6379", "a b": x, FINE: y}}
      store: {image: "redis:7"}
    """
    found = read(tmp_path, text)
    assert found.answers["env"] == {"FINE": "y"}
    assert "cache.address" in found.unexpressed
    assert "a b is" in found.unexpressed


def test_env_files_come_before_the_environment(tmp_path: Path) -> None:
    text = "{env_file: [a.env, {path: b.env}, {path: none.env, required: false}], environment: {TWO: mine}}"
    found = app(tmp_path, text, a_env="ONE=1\nTWO=2\nTHREE=3\n", b_env="THREE=4\n")
    assert found.answers["env"] == {"ONE": "1", "TWO": "mine", "THREE": "4"}
    assert found.imported.draft.origins["env.THREE"] == "b.env:1 THREE"


def test_an_env_file_that_is_not_there_is_missing(tmp_path: Path) -> None:
    assert app(tmp_path, "env_file: settings.env").missing == {"env"}
    assert app(tmp_path, "env_file: ../settings.env").missing == {"env"}


def test_addresses_of_others_are_asked_for(tmp_path: Path) -> None:
    found = app(tmp_path, "{environment: {OLLAMA_URL: '${OLLAMA}', OPENAI_BASE_URL: 'https://${OPENAI}'}, ports: [80]}")
    assert found.missing == {"env.OLLAMA_URL", "env.OPENAI_BASE_URL"}


def test_the_index_needs_redis() -> None:
    given = {**UPSTREAM, "env": {"INDEX": "{redis_index}"}}
    with pytest.raises(AnswersError) as caught:
        answer(given)
    assert [problem.question for problem in caught.value.problems] == ["redis"]
    answer({**given, "redis": 3})


def test_variables_without_a_value_are_asked_for(tmp_path: Path) -> None:
    found = app(tmp_path, "environment: {MAIL_HOST: '${MAIL}', A: '${B:?say it}', KEPT: x}")
    assert found.missing == {"env.MAIL_HOST", "env.A"}
    assert found.answers["env"] == {"KEPT": "x"}
    complete = app(
        tmp_path, "environment: {MAIL_HOST: '${MAIL}', A: '${B:?}'}", given={"env": {"MAIL_HOST": "m", "A": 1}}
    )
    assert complete.missing == set()
    assert complete.answers["env"] == {"MAIL_HOST": "m", "A": 1}


@pytest.mark.parametrize(
    ("variable", "value", "expected"),
    [
        ("APP_URL", "https://thing.example.com", "https://{host}"),
        ("BASE_URL", "http://localhost:8080/sub", "https://{host}/sub"),
        ("DOMAIN", "${DOMAIN}", "{host}"),
        ("BASE_URL", "${BASE_URL}", "https://{host}"),
        ("THING_URL", "${THING_URL}", "https://{host}"),
        ("PUBLIC_URL", "https://${SUB}.${DOMAIN}", "https://{host}"),
        ("OLLAMA_BASE_URL", "http://localhost:11434", "http://localhost:11434"),
        ("HOST", "0.0.0.0", "0.0.0.0"),
        ("API_URL", "https://api.acme.org", "https://api.acme.org"),
    ],
)
def test_own_address(tmp_path: Path, variable: str, value: str, expected: str) -> None:
    found = app(tmp_path, f"{{ports: ['8080:80'], environment: {{{variable}: '{value}'}}}}")
    assert found.answers["env"] == {variable: expected}


@pytest.mark.parametrize("value", ["admin@example.com", "changeme", "<your name>", "https://your-domain/x"])
def test_placeholders_are_asked_for(tmp_path: Path, value: str) -> None:
    assert app(tmp_path, f"environment: {{CONTACT: '{value}'}}").missing == {"env.CONTACT"}


def test_a_variable_that_names_another_service_is_asked_for(tmp_path: Path) -> None:
    text = """
    services:
      thing: {image: "acme/thing:1", ports: [80], environment: {TIKA_URL: "http://tika:9998", MODE: tika}}
      tika: {image: "apache/tika:3"}
    """
    found = read(tmp_path, text)
    assert found.missing == {"env.TIKA_URL"}
    assert found.answers["env"] == {"MODE": "tika"}
    assert "tika" in found.unexpressed


# --- secrets -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("ADMIN_PASSWORD", "hunter-22"), ("SECRET_KEY", "${SECRET_KEY}"), ("JWT_SECRET", "${X:?}"),
        ("API_KEY", "12345"),
        ("SMTP_PASS", "q1w2e3"), ("app__secret", "zzz111"), ("TELEGRAM_TOKEN", "${T}"), ("PIN", "1234"),
        ("SENDER", "smtp://ann:pa55word@mail.acme.org"), ("HOOK", "https://hooks.slack.com/services/T0/B0/abc"),
        ("THING", "ghp_abcdefghijklmnopqrstuvwxyz0123456789"), ("SOMETHING", "0123456789abcdef0123456789abcdef"),
        ("LOGIN", "ann:$$2y$$10$$abcdefghijklmnopqrstuv"), ("CERT", "-----BEGIN RSA PRIVATE KEY-----\\nabc"),
        ("MESSAGE", "hello ${DB_PASSWORD:-pw55word}"), ("SECRET_KEY", "/9j4AAQSkZJRgABAQAAAQ"),
    ],
)  # fmt: skip
def test_secrets(tmp_path: Path, variable: str, value: str) -> None:
    found = app(tmp_path, f'environment: {{{variable}: "{value}"}}')
    assert list(found.answers["secrets"]) == [variable]
    assert "env" not in found.answers
    assert f"secrets.{variable}" in found.of("secret")
    shown = value.replace("$$", "$").replace("\\n", "\n")
    assert shown not in str(found.answers) + str(found.findings)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("PASSWORD_LOGIN_ENABLED", "true"), ("TOKEN_EXPIRY", "3600"), ("MAX_TOKENS", "4096"), ("PUBLIC_KEY", "abc"),
        ("SMTP_PASSWORD", ""), ("SMTP_PASSWORD", "${SMTP_PASSWORD:-}"), ("SECRET_FILE", "/data/secret"),
        ("TZ", "Europe/Sofia"),
        ("OIDC_CLIENT_ID", "thing"), ("KEYBOARD", "de"), ("PASSWORD_RESET", "off"), ("SSL_KEY", "/certs/key.pem"),
        ("AUTH", "ldap"), ("KEYCLOAK_REALM", "home"), ("ALLOW_PASSWORD", "true"), ("MYSQL_RANDOM_ROOT_PASSWORD", "yes"),
    ],
)  # fmt: skip
def test_what_is_no_secret(tmp_path: Path, variable: str, value: str) -> None:
    found = app(tmp_path, f"environment: {{{variable}: '{value}'}}")
    assert "secrets" not in found.answers
    assert found.answers["env"] == {variable: "" if "${" in value else value}


def test_the_value_of_a_secret_in_another_variable(tmp_path: Path) -> None:
    found = app(tmp_path, "{environment: {ADMIN_PASSWORD: hunter-22, OTHER: hunter-22}, ports: [80]}")
    assert found.answers["secrets"] == {"ADMIN_PASSWORD": "admin_password", "OTHER": "other"}


def test_secrets_as_files(tmp_path: Path) -> None:
    text = """
    services:
      thing:
        image: acme/thing:1
        environment: {ADMIN_PASSWORD_FILE: /run/secrets/admin}
        secrets: [admin, {source: other, target: elsewhere}]
    secrets: {admin: {file: ./admin.txt}, other: {environment: X}}
    """
    found = read(tmp_path, text, admin_txt="planted-value")
    assert found.answers["secrets"] == {"ADMIN_PASSWORD": "admin_password"}
    assert "elsewhere" in found.unexpressed
    assert "/run/secrets/admin:" not in found.unexpressed


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("serve --token abc123def --level=info", ["serve", "--token", "$(TOKEN)", "--level=info"]),
        ("serve --api-key=abc123def", ["serve", "--api-key=$(API_KEY)"]),
        ("['serve', '--password', '${ADMIN_PW}']", ["serve", "--password", "$(ADMIN_PW)"]),
        ("['serve', '--x=${ADMIN_PW}']", ["serve", "--x=$(ADMIN_PW)"]),
        ("['--db=postgres://u:hunter-22@db.acme.test/x']", ["--db=$(DB)"]),
    ],
)
def test_secrets_in_a_command(tmp_path: Path, command: str, expected: list[str]) -> None:
    quoted = command if command.startswith("[") else f"'{command}'"
    found = app(tmp_path, f"{{command: {quoted}}}", env="ADMIN_PW=hunter-22\n")
    assert found.answers["args"] == expected
    assert len(found.answers["secrets"]) == 1
    assert "abc123def" not in str(found.findings)


def test_secrets_of_a_command_are_apart(tmp_path: Path) -> None:
    command = "['--dsn', 'redis://u:hunter-22@a.test/0', 'redis://u:hunter-33@b.test/0', --token, abc-123-def]"
    found = app(tmp_path, f"{{command: {command}, environment: {{TOKEN: ghi-456-jkl}}}}")
    assert found.answers["args"] == ["--dsn", "$(ARGUMENT)", "$(ARGUMENT_2)", "--token", "$(TOKEN_2)"]
    assert sorted(found.answers["secrets"]) == ["ARGUMENT", "ARGUMENT_2", "TOKEN", "TOKEN_2"]


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("{entrypoint: \"sh -c 'PASSWORD=letmein exec app'\"}", {"command"}),
        ("{command: [env, API_KEY=abc-123-def, app]}", {"args"}),
        ("{command: [app, 'http://acme.test/x?level=info&token=abc-123-def']}", {"args"}),
        ("{command: [app, '--level=info', 'PASSWORD=$$PASSWORD', 'PASSWORD_FILE=/run/x']}", set()),
    ],
)
def test_secrets_within_a_word_are_asked_for(tmp_path: Path, text: str, asked: set[str]) -> None:
    found = app(tmp_path, text)
    assert found.missing == asked
    assert asked.isdisjoint(found.answers)


def test_a_secret_in_the_address_of_a_check(tmp_path: Path) -> None:
    check = "curl -f http://localhost:8080/health?token=abc-123-def"
    found = app(tmp_path, f"{{ports: [8080], healthcheck: {{test: '{check}'}}}}")
    assert found.answers["probe"] == "tcp"
    assert "a secret stands in its address" in found.unexpressed


def test_secrets_in_labels_and_addresses_are_known(tmp_path: Path) -> None:
    labels = "{acme.password: hunter-2222, homepage.description: 'log in with hunter-2222'}"
    found = app(tmp_path, f"{{labels: {labels}, build: 'https://ann:hunter-3333@acme.test/x.git'}}")
    assert "description" not in found.answers
    order = [question.name for question in QUESTIONS]
    assert "hunter" not in answers_file(found.imported.draft, order, "compose.yaml", "newservice create")


def test_a_secret_in_a_command_that_is_one_text(tmp_path: Path) -> None:
    found = app(tmp_path, "{command: 'sh -c \"serve ${ADMIN_PW}\"'}", env="ADMIN_PW=hunter-22\n")
    assert found.missing == {"args"}
    assert "args" not in found.answers


# --- process -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("command: serve --port 80 'a b'", {"args": ["serve", "--port", "80", "a b"]}),
        ("command: [serve, --now]", {"args": ["serve", "--now"]}),
        ("entrypoint: /bin/x -y", {"command": ["/bin/x", "-y"]}),
        ("command: 'sh -c \"echo $$HOME\"'", {"args": ["sh", "-c", "echo $HOME"]}),
        ("user: '1000:1001'", {"run_as": {"uid": 1000, "gid": 1001, "fs_group": 1001}}),
        ("user: '1000'", {"run_as": {"uid": 1000}}),
        ("user: root", {"run_as": {"uid": 0}}),
        ("user: '${PUID:-1000}:${PGID:-1000}'", {"run_as": {"uid": 1000, "gid": 1000, "fs_group": 1000}}),
        ("mem_limit: 512m", {"memory": "256Mi", "memory_limit": "512Mi"}),
        ("mem_limit: 128m", {"memory": "128Mi", "memory_limit": "128Mi"}),
        ("deploy: {resources: {limits: {memory: 1G}, reservations: {memory: 512M, cpus: '0.25'}}}",
         {"memory": "512Mi", "memory_limit": "1Gi", "cpu": "250m"}),
        ("mem_limit: 1073741824", {"memory": "256Mi", "memory_limit": "1Gi"}),
        ("read_only: true", {"hardening": {"read_only_root": True}}),
        ("{cap_drop: [ALL], security_opt: ['no-new-privileges:true']}", {"hardening": {"drop_capabilities": True}}),
        ("deploy: {replicas: 2}", {"replicas": 2}),
    ],
)  # fmt: skip
def test_process(tmp_path: Path, text: str, expected: dict[str, Any]) -> None:
    found = app(tmp_path, text)
    keys = ("command", "args", "run_as", "memory", "memory_limit", "cpu", "hardening", "replicas")
    assert {key: found.answers[key] for key in keys if key in found.answers} == expected
    assert found.missing == set()


@pytest.mark.parametrize(
    ("text", "reported"),
    [
        ("user: node", "node"), ("privileged: true", "privileged"), ("cap_add: [NET_ADMIN]", "NET_ADMIN"),
        ("devices: ['/dev/dri:/dev/dri']", "/dev/dri"), ("network_mode: host", "network_mode"), ("pid: host", "pid"),
        ("sysctls: {net.core.somaxconn: 1024}", "sysctls"), ("cpus: 2", "CPU limits"), ("shm_size: 1g", "shm_size"),
        ("ulimits: {nofile: 1024}", "ulimits"), ("extra_hosts: ['a:1.2.3.4']", "extra_hosts"), ("ipc: host", "ipc"),
        ("cap_drop: [MKNOD]", "capabilities"), ("security_opt: ['seccomp:unconfined']", "seccomp"),
        ("working_dir: /srv", "working_dir"), ("configs: [a]", "configs"), ("platform: linux/arm64", "linux/arm64"),
        ("network_mode: 'service:vpn'", "network_mode"), ("brand_new_key: 1", "brand_new_key"),
        ("entrypoint: []", "empties"),
        ("labels: {odd.label: x}", "odd.label"), ("deploy: {placement: {constraints: [a]}}", "deploy.placement"),
        ("group_add: ['44']", "group_add"), ("dns: 1.1.1.1", "dns"),
    ],
)  # fmt: skip
def test_what_is_not_expressed_is_reported(tmp_path: Path, text: str, reported: str) -> None:
    assert reported in app(tmp_path, text).unexpressed


@pytest.mark.parametrize(
    "key", ["restart: always", "container_name: box", "logging: {driver: none}", "init: true", "tty: true"]
)
def test_what_has_no_meaning_is_not_reported(tmp_path: Path, key: str) -> None:
    assert app(tmp_path, key).unexpressed == ""


@pytest.mark.parametrize(
    "text",
    [
        "deploy: {resources: {reservations: {devices: [{driver: nvidia, count: 1, capabilities: [gpu]}]}}}",
        "runtime: nvidia",
        "gpus: all",
        "devices: ['/dev/nvidia0:/dev/nvidia0']",
    ],
)
def test_gpu(tmp_path: Path, text: str) -> None:
    found = app(tmp_path, text)
    assert (found.answers["tier"], found.answers["gpu"]) == ("gpu", True)
    assert found.missing == {"gpu_memory"}


def test_what_create_would_refuse_is_asked_for(tmp_path: Path) -> None:
    found = app(tmp_path, "{mem_limit: 100g, volumes: ['data:/data dir']}")
    assert found.missing == {"memory_limit", "volumes.data"}
    assert "memory_limit" not in found.answers


# --- health --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("check", "expected"),
    [
        ("{test: 'curl -f http://localhost/healthz || exit 1'}", {"kind": "http", "path": "/healthz"}),
        ("{test: [CMD, curl, -f, 'http://127.0.0.1:80/a?b=c']}", {"kind": "http", "path": "/a?b=c"}),
        ("{test: [CMD-SHELL, 'wget -q --spider http://localhost || exit 1']}", {"kind": "http", "path": "/"}),
        ("{test: [CMD, wget, '-O-', 'http://thing:80/up'], interval: 1m30s, timeout: 5s, retries: 4, start_period: 2m}",
         {"kind": "http", "path": "/up", "startup_seconds": 120, "period_seconds": 90, "timeout_seconds": 5,
          "failures": 4}),
        ("{test: 'pg_isready', interval: 10s}", {"kind": "tcp", "period_seconds": 10}),
        ("{test: 'curl -f http://localhost:9000/x'}", "tcp"),
        ("{test: 'curl -f https://localhost/x'}", "tcp"),
        ("{test: 'curl -f http://localhost:$$PORT/x'}", "tcp"),
        ("{test: 'curl -f http://other.acme.org/x'}", "tcp"),
        ("{test: [NONE]}", "tcp"),
        ("{disable: true}", "tcp"),
    ],
)  # fmt: skip
def test_probe(tmp_path: Path, check: str, expected: Any) -> None:
    found = app(tmp_path, f"{{ports: [80], healthcheck: {check}}}")
    assert found.answers["probe"] == expected
    if expected == "tcp":
        assert "probe" in found.of("assumed")


def test_without_a_check_the_port_is_asked(tmp_path: Path) -> None:
    found = app(tmp_path, "ports: [80]")
    assert found.answers["probe"] == "tcp"
    assert "probe" not in app(tmp_path, "healthcheck: {test: pg_isready}").answers


# --- volumes -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mount", "expected"),
    [
        ("'data:/data'", {"name": "data", "kind": "encrypted", "mount": "/data"}),
        ("'thing_db:/var/lib/thing'", {"name": "db", "kind": "encrypted", "mount": "/var/lib/thing"}),
        ("'./uploads:/app/uploads'", {"name": "uploads", "kind": "encrypted", "mount": "/app/uploads"}),
        ("'/mnt/tank/media:/media:ro'", {"name": "media", "kind": "nfs", "mount": "/media", "read_only": True}),
        ("'/srv/films:/library/films'", {"name": "films", "kind": "nfs", "mount": "/library/films"}),
        ("'cache:/app/cache'", {"name": "cache", "kind": "emptydir", "mount": "/app/cache"}),
        ("'/data'", {"name": "data", "kind": "encrypted", "mount": "/data"}),
        ("'./conf.yml:/etc/thing/conf.yml:ro'",
         {"name": "conf-yml", "kind": "config", "sub_path": "conf.yml", "mount": "/etc/thing/conf.yml",
          "read_only": True}),
        ("'./conf:/etc/thing:ro'", {"name": "thing", "kind": "config", "mount": "/etc/thing", "read_only": True}),
        ("'./conf:/config'", {"name": "config", "kind": "encrypted", "mount": "/config"}),
        ("'${DATA}:/data'", {"name": "data", "kind": "encrypted", "mount": "/data"}),
        ("{type: bind, source: ./x, target: /x, read_only: false}", {"name": "x", "kind": "encrypted", "mount": "/x"}),
        ("{type: tmpfs, target: /scratch, tmpfs: {size: 64m}}",
         {"name": "scratch", "kind": "emptydir", "size": "64Mi", "mount": "/scratch"}),
        ("{type: volume, source: data, target: /data, volume: {subpath: a}}",
         {"name": "data", "kind": "encrypted", "mount": "/data", "sub_path": "a"}),
        ("'backup:/backup'", {"name": "saved", "kind": "nfs", "mount": "/backup"}),
    ],
)  # fmt: skip
def test_volumes(tmp_path: Path, mount: str, expected: dict[str, Any]) -> None:
    found = app(tmp_path, f"volumes: [{mount}]")
    assert found.answers["volumes"] == [expected]


@pytest.mark.parametrize(
    "source",
    ["/var/run/docker.sock", "/run/docker.sock", "/dev/ttyUSB0", "/proc", "/sys", "/", "/etc/passwd", "/var/lib/docker",
     "/var/log", "/etc/localtime", "/lib/modules", "/srv/thing/app.sock", "/root/.ssh"],
)  # fmt: skip
def test_the_hosts_own_files_are_refused(tmp_path: Path, source: str) -> None:
    found = app(tmp_path, f"volumes: ['{source}:/inside:ro']")
    assert "volumes" not in found.answers
    assert source in found.unexpressed


def test_a_volume_that_is_mounted_twice(tmp_path: Path) -> None:
    found = app(tmp_path, "volumes: ['data:/a', 'data:/b', '/x:/a']")
    assert [item["mount"] for item in found.answers["volumes"]] == ["/a"]
    assert "/b" in found.unexpressed


def test_names_of_volumes_differ(tmp_path: Path) -> None:
    found = app(tmp_path, "{volumes: ['./a:/one/data', './b:/two/data', './c:/9'], tmpfs: [/tmp]}")
    assert [item["name"] for item in found.answers["volumes"]] == ["data", "data-2", "v-9", "tmp"]


def test_sqlite_is_never_on_nfs(tmp_path: Path) -> None:
    found = app(tmp_path, "{volumes: ['media:/media'], environment: {DATABASE_PATH: /media/thing.db}}")
    assert found.answers["volumes"][0]["kind"] == "encrypted"
    assert "SQLite" in str(found.of("assumed")["volumes.media"])
