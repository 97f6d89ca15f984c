"""The service in Go: every form of it satisfies Go's own tools and its own tests, and the program really runs."""

from __future__ import annotations

import json
import re
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from generator.template.answers import Answers, resolve
from generator.template.questions import load_questions
from generator.template.template import Template
from tests.full import few, full

from .test_text import FRAGMENTS, labels_of, readme_texts
from .trees import REPOSITORY_ID, texts_of

pytestmark = pytest.mark.slow

TEMPLATE = Template.installed()
FACTS = {"woodpecker_repo_id": REPOSITORY_ID}

COMMON = {"name": "city-guide", "title": "City Guide", "description": "Guides people.", "language": "go"}
HOSTILE = {
    "title": """ "City's" \\ ${x} ${{ github.token }} {{ y }} `z` ]] 😀 # <b> [a](b) %s \\n &amp; --- : */ //""",
    "description": '- "very" ' + "long, " * 48,
}
PARTS = {"DB_HOST": "host", "DB_PORT": "port", "DB_NAME": "name", "DB_USER": "user", "DB_PASSWORD": "password"}
APART = {"port": 9090, "path": "/m/"}


def on_probe(path: str) -> dict[str, str]:
    return {"kind": "http", "path": path}


# Each value of kind, port, database, metrics and probe, with the values beside which it is written differently.
VARIANTS: dict[str, dict[str, Any]] = {
    "web": COMMON,
    "web-hostile": {
        **COMMON,
        **HOSTILE,
        "metrics": "none",
        "database": "postgres",
        "probe": on_probe("/api/up?deep=1"),
    },
    "web-apart": {
        **COMMON,
        "metrics": APART,
        "probe": on_probe("/a/./b//"),
        "database": {"engine": "mysql", "env": PARTS},
    },
    "web-metrics-first": {**COMMON, "metrics": {"path": "/stats"}, "probe": on_probe("/%6detrics/")},
    "worker": {**COMMON, "kind": "worker", "database": {"engine": "mysql", "dsn_scheme": "mysql+pymysql"}},
    "worker-apart": {**COMMON, "kind": "worker", "metrics": APART, "probe": "tcp"},
    "worker-silent": {**COMMON, "kind": "worker", "port": 0},
    "worker-bare": {**COMMON, "kind": "worker", "metrics": "none", "database": {"engine": "postgres", "env": PARTS}},
    "cronjob": {**COMMON, "kind": "cronjob", "ci": False},
    "cronjob-database": {
        **COMMON,
        "kind": "cronjob",
        "database": {"engine": "postgres", "env": {"URL": "dsn", "PW": "password"}, "dsn_scheme": "postgresql+asyncpg"},
    },
    "web-redis": {**COMMON, "redis": True, "database": "postgres", "migrate_command": ["/service", "migrations"]},
    "worker-redis": {
        **COMMON,
        "kind": "worker",
        "redis": 2,
        "database": "mysql",
        "migrate_command": ["/service", "migrations"],
    },
    "cronjob-redis": {**COMMON, "kind": "cronjob", "redis": 0},
    "web-some-parts": {
        **COMMON,
        "name": "con",
        "database": {"engine": "mysql", "env": {"PW": "password", "H": "host"}},
    },
}


def answers_for(given: Mapping[str, Any], facts: Mapping[str, Any] | None = None) -> Answers:
    return resolve(TEMPLATE, load_questions(TEMPLATE), dict(given), {**FACTS, **(facts or {})})


@dataclass
class Service:
    """A rendered service, Go's tools in its folder, and the program once it is built."""

    folder: Path
    environment: dict[str, str]
    files: dict[str, str] = field(default_factory=dict)

    def go(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["go", *arguments], cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False
        )

    def expect(self, *arguments: str) -> str:
        done = self.go(*arguments)
        assert done.returncode == 0, f"go {' '.join(arguments)}:\n{done.stdout}{done.stderr}"
        return done.stdout

    def fetch(self) -> None:
        """Have the modules at hand; a wrong checksum is a failure, an unreachable proxy a reason to skip."""
        before = {name: self.files.get(name) for name in ("go.mod", "go.sum")}
        done = self.go("mod", "download")
        if done.returncode != 0:
            assert "go.sum" not in done.stderr, done.stderr
            assert "checksum" not in done.stderr, done.stderr
            pytest.skip(f"Go's modules can't be fetched here: {done.stderr.strip()[-300:]}")
        for name, text in before.items():  # what Go would add, the image's build refuses
            if text is not None:
                assert (self.folder / name).read_text(encoding="utf-8") == text, name

    @property
    def program(self) -> Path:
        program = self.folder / "bin" / "service"
        if not program.exists():
            self.fetch()
            self.expect("build", "-o", str(program), ".")
        return program

    def run(self, *arguments: str, **environment: str) -> tuple[int, list[dict[str, Any]]]:
        """Run the program to its end; its exit code and its log."""
        command = [str(self.program), *arguments]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
        assert done.stderr == ""
        return done.returncode, [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture(scope="session")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("services")


@pytest.fixture(scope="session")
def rendered(root: Path) -> dict[str, dict[str, str]]:
    """Each variant's files, on disk below ``root`` too."""
    trees = {name: dict(texts_of(TEMPLATE, answers_for(given).context)) for name, given in VARIANTS.items()}
    for name, files in trees.items():
        for path, text in files.items():
            target = root / name / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")
    return trees


@pytest.fixture(scope="session")
def services(root: Path, rendered: dict[str, dict[str, str]], go_environment: dict[str, str]) -> dict[str, Service]:
    return {name: Service(root / name, go_environment, files) for name, files in rendered.items()}


# --- What is written --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("variant", VARIANTS)
def test_text_is_tidy(rendered: dict[str, dict[str, str]], variant: str) -> None:
    for path, text in rendered[variant].items():
        assert text.endswith("\n"), path
        assert not text.endswith("\n\n"), path
        assert not text.startswith("\n"), path
        assert not re.search(r"[ \t]+$", text, re.MULTILINE), path
        assert not re.search(r"\[%|%\]|\[#|#\]", text), path
        assert "\n\n\n" not in text, path


ALWAYS = {".dockerignore", ".gitignore", "Dockerfile", "README.md", "go.mod", "logs.go", "main.go", "settings.go"}


@pytest.mark.parametrize(
    ("variant", "files"),
    [
        ("web", {"server.go", "metrics.go"}),
        ("web-hostile", {"server.go", "database.go", "go.sum"}),
        ("worker", {"server.go", "metrics.go", "work.go", "together.go", "database.go", "go.sum"}),
        ("worker-apart", {"server.go", "metrics.go", "work.go", "together.go"}),
        ("worker-silent", {"work.go"}),
        ("cronjob", {"work.go"}),
    ],
)
def test_files_are_those_that_the_answers_need(
    rendered: dict[str, dict[str, str]], variant: str, files: set[str]
) -> None:
    written = {path for path in rendered[variant] if "/" not in path}
    assert {path for path in written if not path.endswith("_test.go")} == ALWAYS | files
    assert {
        path.replace(".go", "_test.go") for path in (ALWAYS | files) - {"main.go"} if path.endswith(".go")
    } <= written


def test_without_a_database_there_is_no_dependency(rendered: dict[str, dict[str, str]]) -> None:
    for name, files in rendered.items():
        assert (
            ("require" in files["go.mod"])
            == ("go.sum" in files)
            == ("database" in VARIANTS[name] or "redis" in VARIANTS[name])
        ), name
    assert rendered["web"]["go.mod"] == "module github.com/viktorbarzin/city-guide\n\ngo 1.26\n"


def test_module_path_is_one_that_go_takes(rendered: dict[str, dict[str, str]]) -> None:
    github = {**TEMPLATE.platform["github"], "url": "https://git.example.org:8443", "owner": "Acme"}
    platform = {**TEMPLATE.platform, "github": github}
    del platform["connection"]
    files = dict(texts_of(TEMPLATE, answers_for(COMMON, {"platform": platform}).context))
    assert files["go.mod"].startswith("module git.example.org/acme/city-guide\n")
    assert rendered["web-some-parts"]["go.mod"].startswith("module github.com/viktorbarzin/con-service\n")


@pytest.mark.parametrize("variant", VARIANTS)
def test_image_is_small_and_unprivileged(rendered: dict[str, dict[str, str]], variant: str) -> None:
    dockerfile = rendered[variant]["Dockerfile"]
    assert re.findall(r"^FROM (\S+)", dockerfile, re.MULTILINE) == [
        "golang:1.26",
        "gcr.io/distroless/static-debian13:nonroot",
    ]
    final = dockerfile[dockerfile.rindex("\nFROM ") :]
    assert re.findall(r"^(?:COPY|USER|ENTRYPOINT) .*", final, re.MULTILINE) == [
        "COPY --from=build /service /service",
        "USER 10001:10001",
        'ENTRYPOINT ["/service"]',
    ]
    assert "CGO_ENABLED=0 go build -trimpath" in dockerfile
    listens = "server.go" in rendered[variant]
    assert ('CMD ["/service", "healthcheck"]' in final) == ("EXPOSE 8080" in final) == listens
    assert ("go.sum" in dockerfile) == ("go mod download" in dockerfile) == ("go.sum" in rendered[variant])


def test_free_text_is_text_in_the_readme_and_the_image(rendered: dict[str, dict[str, str]]) -> None:
    title, description = HOSTILE["title"], HOSTILE["description"]
    files = rendered["web-hostile"]
    assert readme_texts(files["README.md"]) == (" ".join(title.split()), " ".join(description.split()))
    labels = labels_of(files["Dockerfile"])
    assert labels["org.opencontainers.image.title"] == title
    assert labels["org.opencontainers.image.description"] == description


@pytest.mark.parametrize("variant", VARIANTS)
def test_readme_tells_every_setting(rendered: dict[str, dict[str, str]], variant: str) -> None:
    files = rendered[variant]
    completed = set(re.findall(r"^\| `([A-Z_]+)` \|", files["README.md"], re.MULTILINE))
    code = files["settings.go"] + files.get("database.go", "")
    read = set(re.findall(r'(?:number\(|getenv\(|\{"[a-z]+", )"([A-Z_]+)"', code))
    assert read
    assert read <= completed
    assert {"PORT"} & completed == ({"PORT"} if "server.go" in files else set())


# --- What Go says -----------------------------------------------------------------------------------------------


def test_gofmt_would_change_nothing(root: Path, services: dict[str, Service]) -> None:
    done = subprocess.run(["gofmt", "-d", str(root)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("variant", few(2, VARIANTS))
def test_vet_and_its_own_tests_pass(services: dict[str, Service], variant: str) -> None:
    service = services[variant]
    service.fetch()
    service.expect("vet", "./...")
    assert service.expect("test", "./...").startswith("ok ")


def test_free_text_is_text_in_go(tmp_path: Path, go_environment: dict[str, str]) -> None:
    """Go itself reads the strings back: each fragment alone, at both ends of a word, and all together."""
    texts = [form for fragment in FRAGMENTS for form in (fragment, f"{fragment}x", f"x{fragment}")]
    texts += ["".join(FRAGMENTS), "".join(reversed(FRAGMENTS)), *HOSTILE.values()]
    module = TEMPLATE.environment.get_template("templates/macros/literals.jinja").module
    literals = "".join(f"\t\t{module.go(text)},\n" for text in texts)  # type: ignore[attr-defined]
    source = (
        'package main\n\nimport (\n\t"encoding/json"\n\t"os"\n)\n\nfunc main() {\n'
        f"\t_ = json.NewEncoder(os.Stdout).Encode([]string{{\n{literals}\t}})\n}}\n"
    )
    (tmp_path / "go.mod").write_text("module example.org/texts\n\ngo 1.26\n")
    (tmp_path / "main.go").write_text(source, encoding="utf-8")
    assert json.loads(Service(tmp_path, go_environment).expect("run", ".")) == texts


# --- What runs --------------------------------------------------------------------------------------------------


class Running:
    """The program under way."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.log: list[dict[str, Any]] = []

    def until(self, message: str, times: int = 1) -> dict[str, Any]:
        """The record that says this for the given time; reads the log so far. Each line must be JSON."""
        assert self.process.stdout
        while len(found := [record for record in self.log if record["message"] == message]) < times:
            line = self.process.stdout.readline()
            assert line, f"'{message}' was never logged: {self.log}"
            self.log.append(json.loads(line))
        return found[times - 1]

    def client(self, number: int = 1) -> httpx.Client:
        """A client of one of the ports that are listened on."""
        port = self.until("listening", number)["address"].rsplit(":", 1)[1]
        return httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False)

    def end(self) -> int:
        """Say that it shall end; the exit code."""
        assert self.process.stdout
        self.process.send_signal(signal.SIGTERM)
        self.log += [json.loads(line) for line in self.process.stdout]
        return self.process.wait(timeout=10)


@contextmanager
def started(service: Service, **environment: str) -> Iterator[Running]:
    command = [str(service.program)]
    with subprocess.Popen(
        command, env={"PORT": "0", "DRAIN_SECONDS": "0", **environment}, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield Running(process)
        finally:
            process.kill()


def test_web_answers_and_stops_gracefully(services: dict[str, Service]) -> None:
    service = services["web"]
    with started(service) as running, running.client() as client:
        assert client.get("/").json() == {"title": "City Guide", "description": "Guides people."}
        assert client.get("/healthz").json() == {"status": "ok"}
        scraped = client.get("/metrics")
        assert scraped.headers["Content-Type"].startswith("text/plain; version=0.0.4")
        assert 'http_requests_total{method="GET",route="/healthz",status="200"} 1\n' in scraped.text
        assert client.get("/nothing").status_code == 404
        assert service.run("healthcheck", PORT=str(client.base_url.port)) == (0, [])
        assert running.end() == 0
        assert service.run("healthcheck", PORT=str(client.base_url.port))[0] == 1
    assert [record["message"] for record in running.log] == ["started", "listening", "request", "request", "stopped"]
    assert {record["level"] for record in running.log} == {"info"}


SAMPLE = r'[a-z_]+(\{[a-z]+="(?:[^"\\]|\\.)*"(,[a-z]+="(?:[^"\\]|\\.)*")*\})? [0-9.e+-]+'


def test_metrics_are_what_prometheus_reads(services: dict[str, Service]) -> None:
    with started(services["web"]) as running, running.client() as client:
        client.get("/")
        lines = client.get("/metrics").text.splitlines()
    samples = [line for line in lines if not line.startswith("# ")]
    assert samples
    assert [line for line in samples if not re.fullmatch(SAMPLE, line)] == []
    types = dict(line.split()[2:] for line in lines if line.startswith("# TYPE "))
    assert types == {
        "build_info": "gauge",
        "http_requests_total": "counter",
        "http_request_duration_seconds": "histogram",
    }


def test_free_text_and_the_probes_path_reach_the_answers(services: dict[str, Service]) -> None:
    with started(services["web-hostile"]) as running, running.client() as client:
        assert client.get("/").json() == HOSTILE
        assert client.get("/api/up?deep=1").json() == {"status": "ok"}
        assert client.get("/metrics").status_code == 404
        assert client.get("/readyz").status_code == 503
        assert running.end() == 0
    away = next(record for record in running.log if record["message"] == "database unreachable")
    assert "DATABASE_URL" in away["error"]


def test_a_path_that_servemux_would_clean_is_answered_as_it_stands(services: dict[str, Service]) -> None:
    with started(services["web-metrics-first"]) as running, running.client() as client:
        assert "\n# HELP http_requests_total " in client.get("/stats").text
        raw = client.build_request("GET", "/%6detrics/")
        assert raw.url.raw_path == b"/%6detrics/"
        assert client.send(raw).json() == {"status": "ok"}
        assert running.end() == 0


@full
def test_worker_works_answers_and_stops_gracefully(services: dict[str, Service]) -> None:
    with (
        started(services["worker-apart"], METRICS_PORT="0") as running,
        running.client() as one,
        running.client(2) as two,
    ):
        running.until("work done")
        found = {client.get("/m/").status_code: client for client in (one, two)}
        assert set(found) == {200, 404}
        assert 'work_units_total{outcome="success"} 1\n' in found[200].get("/m/").text
        assert found[404].get("/healthz").json() == {"status": "ok"}
        assert running.end() == 0
    assert running.log[-1]["message"] == "stopped"


def test_worker_without_a_port_stops_gracefully(services: dict[str, Service]) -> None:
    with started(services["worker-silent"]) as running:
        running.until("work done")
        assert running.end() == 0
    assert running.log[-1]["message"] == "stopped"


def test_cronjob_ends_by_itself(services: dict[str, Service]) -> None:
    code, log = services["cronjob"].run()
    assert code == 0
    assert [record["message"] for record in log] == ["started", "nothing to do yet", "stopped"]


@full
def test_cronjob_that_can_not_work_fails(services: dict[str, Service]) -> None:
    code, log = services["cronjob-database"].run()
    assert code == 1
    assert "URL is not set" in log[-1]["error"]


@pytest.mark.parametrize(
    ("arguments", "environment", "said"),
    [((), {"PORT": "http"}, "PORT"), ((), {"LOG_LEVEL": "loud"}, "LOG_LEVEL"), (("serve",), {}, '"serve"')],
)
def test_nonsense_is_refused(
    services: dict[str, Service], arguments: tuple[str, ...], environment: dict[str, str], said: str
) -> None:
    code, log = services["web"].run(*arguments, **environment)
    assert code == 1
    assert (log[-1]["message"], log[-1]["level"]) == ("failed", "error")
    assert said in log[-1]["error"]
