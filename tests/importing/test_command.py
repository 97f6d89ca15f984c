"""``newservice import compose``: the file that it writes, what it says, and that ``create`` takes it."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
import yaml

from generator.cli.runner import run_command
from tests.invoke import Command, Desk

COMPOSE = """\
services:
  db:
    image: postgres:16
    environment: {POSTGRES_PASSWORD: canary-of-the-database}
  broker:
    image: redis:7
  webserver:
    image: ghcr.io/paperless-ngx/paperless-ngx:2.11
    container_name: paperless
    depends_on: [db, broker]
    ports: ["8000:8000"]
    user: "1000:1000"
    environment:
      PAPERLESS_REDIS: redis://broker:6379
      PAPERLESS_DBHOST: db
      PAPERLESS_DBPASS: canary-of-the-database
      PAPERLESS_URL: https://paperless.example.com
      PAPERLESS_SECRET_KEY: ${KEY}
      PAPERLESS_ADMIN_PASSWORD: canary-of-the-admin
      PAPERLESS_TIME_ZONE: ${TZ:-Europe/Sofia}
    command: ["--token", "canary-of-the-command"]
    labels: {homepage.widget.type: paperlessngx, homepage.widget.key: canary-of-the-widget}
    volumes:
      - data:/usr/src/paperless/data
      - /srv/photos:/photos:ro
      - ./paperless.conf:/etc/paperless.conf:ro
      - /var/run/docker.sock:/var/run/docker.sock
    healthcheck: {test: ["CMD", "curl", "-f", "http://localhost:8000"], interval: 30s}
"""
CANARIES = ("canary-of", "canary%2Dof")


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Command:
    return Command(capsys)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "compose.yaml").write_text(COMPOSE)
    (tmp_path / ".env").write_text("KEY=canary-of-the-env-file\n")
    return tmp_path


def test_answers_are_written_with_their_origins(folder: Path, command: Command) -> None:
    done = command("import", "compose", "compose.yaml", "--json")
    assert done.result["status"] == "partial"
    assert done.code == 8
    assert done.result["answers"] == "paperless.answers.yml"
    assert done.result["next"][-1] == "newservice create --answers paperless.answers.yml"
    written = folder / "paperless.answers.yml"
    assert stat.S_IMODE(written.stat().st_mode) == 0o600
    text = written.read_text()
    assert yaml.safe_load(text) == done.of("answers")[0]["document"]
    assert "# compose.yaml:8 services.webserver.image\nimage: ghcr.io/paperless-ngx/paperless-ngx:2.11\n" in text
    assert "# - description: " in text
    assert (
        "# assumed: nothing sets TZ, so the file's own default is taken\n  PAPERLESS_TIME_ZONE: Europe/Sofia\n" in text
    )
    assert "docker.sock is refused" in text


def test_findings(folder: Path, command: Command) -> None:
    done = command("import", "compose", "compose.yaml", "--json", "--dry-run")
    findings = done.of("finding")
    assert {item["kind"] for item in findings} == {"origin", "assumed", "missing", "unexpressed", "secret"}
    assert [item["question"] for item in findings if item["kind"] == "missing"] == ["description"]
    origins = {item["question"]: item["origin"] for item in findings if item["kind"] == "origin"}
    assert origins["port"] == "compose.yaml:11 services.webserver.ports[0]"
    assert set(done.of("answers")[0]["document"]["secrets"]) == {
        "PAPERLESS_SECRET_KEY",
        "PAPERLESS_ADMIN_PASSWORD",
        "TOKEN",
    }
    assert "answers" not in done.result
    assert not (folder / "paperless.answers.yml").exists()


def test_complete_answers(folder: Path, command: Command) -> None:
    done = command("import", "compose", "compose.yaml", "--description", "Finds letters", "--name", "letters", "--json")
    assert (done.code, done.result["status"], done.result["service"]) == (0, "success", "letters")
    assert "# given on the command line\ndescription: Finds letters\n" in (folder / "letters.answers.yml").read_text()
    again = command(
        "import", "compose", "compose.yaml", "--description", "Finds letters", "--name", "letters", "--json"
    )
    assert (again.code, again.result["status"]) == (0, "unchanged")


def test_no_file_is_replaced(folder: Path, command: Command) -> None:
    (folder / "paperless.answers.yml").write_text("mine")
    done = command("import", "compose", "compose.yaml", "--json")
    assert (done.code, done.of("error")[0]["code"]) == (4, "import.exists")
    assert (folder / "paperless.answers.yml").read_text() == "mine"
    assert command("import", "compose", "compose.yaml", "--out", "other.yml").code == 8
    assert (folder / "other.yml").exists()
    assert command("import", "compose", "compose.yaml", "--out", "nowhere/other.yml").code == 2


@pytest.mark.parametrize("flags", [["--json"], [], ["--verbose"], ["--dry-run"], ["--dry-run", "--json"], ["--quiet"]])
def test_no_value_of_a_secret_is_seen(folder: Path, command: Command, flags: list[str]) -> None:
    done = command("import", "compose", "compose.yaml", *flags)
    assert done.code == 8
    seen = done.out + done.err + "".join(path.read_text() for path in folder.glob("*.answers.yml"))
    assert not [canary for canary in CANARIES if canary in seen]


@pytest.mark.parametrize(
    "line",
    ["    ports: {canary-of-x: 1}", "    environment: {A: [canary-of-x]}", "    image: ${canary-of-x",
     "    command: {canary-of-x: a}",
     "  canary-of-x: &a [*a]", "    healthcheck: canary-of-x"],
)  # fmt: skip
def test_no_error_quotes_a_file(folder: Path, command: Command, line: str) -> None:
    (folder / "compose.yaml").write_text(f"services:\n  thing:\n    restart: always\n{line}\n")
    done = command("import", "compose", "compose.yaml")
    assert done.code == 2
    assert "canary-of-x" not in (done.out + done.err).replace("services.thing.ports.canary-of-x", "").replace(
        "services.canary-of-x", ""
    )


def test_missing_answers_are_named_to_people(folder: Path, command: Command) -> None:
    done = command("import", "compose", "compose.yaml")
    assert "! description" in done.out
    assert "1 thing is missing" in done.err
    assert "PAPERLESS_TIME_ZONE" in done.out


def test_other_files_of_variables(folder: Path, command: Command) -> None:
    (folder / "prod.env").write_text("TZ=Asia/Tokyo\n")
    done = command("import", "compose", "compose.yaml", "--env-file", "prod.env", "--dry-run", "--json")
    assert done.of("answers")[0]["document"]["env"]["PAPERLESS_TIME_ZONE"] == "Asia/Tokyo"
    assert command("import", "compose", "compose.yaml", "--env-file", "none.env").code == 2


def test_variables_of_the_shell_play_no_part(folder: Path, command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    done = command("import", "compose", "compose.yaml", "--dry-run", "--json")
    assert done.of("answers")[0]["document"]["env"]["PAPERLESS_TIME_ZONE"] == "Europe/Sofia"


def test_create_takes_the_answers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    desk = Desk(tmp_path, Command(capsys))
    desk.prepare()
    (tmp_path / "compose.yaml").write_text(COMPOSE)
    place = tmp_path / "imported.yml"
    code = run_command(
        ["import", "compose", str(tmp_path / "compose.yaml"), "--description", "Letters", "--out", str(place)]
    )
    assert code == 0
    done = desk.create(yaml.safe_load(place.read_text()))
    assert done.code == 0, done.out
    stack = desk.infra / "stacks" / "paperless"
    deployment = (stack / "deployment.tf").read_text()
    assert 'value = "redis://${var.redis_host}:6379/0"' in deployment
    assert '"$(TOKEN)"' in deployment
    assert "canary" not in "".join(path.read_text() for path in stack.rglob("*") if path.is_file())
