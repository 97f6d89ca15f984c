"""The job that saves block volumes: where it runs, and what its scripts do on a real file system."""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import subprocess
import tarfile
import textwrap
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from .hcl import Block, Expression, parse
from .rendering import VOLUME, stack
from .workload import IN_THE_JOB, ignored

TWO: dict[str, Any] = {
    "volumes": [VOLUME, {"name": "me-dia", "mount": "/srv/media", "sub_path": "a/b", "read_only": True}]
}
SQLITE: dict[str, Any] = {
    "volumes": [VOLUME],
    "backup": {"kind": "sqlite", "files": ["/data/app.db", "/data/sub/other.sqlite3"], "keep_days": 30},
}


def backup(**given: Any) -> Block:
    return parse(stack(**given)["backup.tf"])


def job(**given: Any) -> Block:
    return backup(**given).labelled("kubernetes_cron_job_v1", "backup")


class TestJob:
    def test_it_goes_to_the_file_server(self) -> None:
        assert backup(**TWO).labelled("nfs_backup").attributes == {
            "source": "../../modules/kubernetes/nfs_volume",
            "name": "city-guide-backup",
            "namespace": Expression("kubernetes_namespace.city_guide.metadata[0].name"),
            "nfs_server": Expression("var.nfs_server"),
            "nfs_path": "/srv/nfs/city-guide-backup",
        }

    def test_it_runs_where_the_service_does_and_only_reads(self) -> None:
        found = job(**TWO)
        assert found.one("spec")["schedule"] == "30 3 * * 0"
        assert found.one("spec")["concurrency_policy"] == "Forbid"
        required = found.one(
            *IN_THE_JOB, "affinity", "pod_affinity", "required_during_scheduling_ignored_during_execution"
        )
        assert required["topology_key"] == "kubernetes.io/hostname"
        assert required.one("label_selector")["match_labels"] == Expression("local.labels")
        container = found.one(*IN_THE_JOB, "container")
        assert container["image"] == "docker.io/library/alpine:3.22"
        assert container.one("resources")["limits"] == {"memory": container.one("resources")["requests"]["memory"]}
        assert {mount["mount_path"]: mount.attributes for mount in container.all("volume_mount")} == {
            "/source/data": {"name": "source-data", "mount_path": "/source/data", "read_only": True},
            "/source/srv/media": {
                "name": "source-me-dia",
                "mount_path": "/source/srv/media",
                "sub_path": "a/b",
                "read_only": True,
            },
            "/backup": {"name": "backup", "mount_path": "/backup"},
        }

    def test_beside_a_service_that_sleeps_it_runs_anywhere_unless_that_is_awake(self) -> None:
        affinity = job(volumes=[VOLUME], scale_to_zero="dynamic").one(*IN_THE_JOB, "affinity", "pod_affinity")
        assert not affinity.all("required_during_scheduling_ignored_during_execution")
        term = affinity.one("preferred_during_scheduling_ignored_during_execution", "pod_affinity_term")
        assert term["topology_key"] == "kubernetes.io/hostname"

    @pytest.mark.parametrize("given", [{"replicas": 0}, {"kind": "cronjob"}])
    def test_without_a_running_pod_it_may_run_anywhere(self, given: dict[str, Any]) -> None:
        assert not job(volumes=[VOLUME], **given).all(*IN_THE_JOB, "affinity")

    def test_it_is_not_taken_for_the_service(self) -> None:
        template = job(**TWO).one(*IN_THE_JOB[:-1])
        assert template.one("metadata")["labels"] == {"job": "city-guide-backup"}

    def test_drift_is_ignored_where_it_happens(self) -> None:
        path = "spec[0].job_template[0].spec[0].template[0].spec[0].dns_config"
        assert ignored(stack(**TWO)["backup.tf"]) == [(path, "# KYVERNO_LIFECYCLE_V1")]

    def test_a_volume_may_be_called_backup(self) -> None:
        volumes = job(volumes=[{"name": "backup", "mount": "/backup"}]).all(*IN_THE_JOB, "volume")
        assert [volume["name"] for volume in volumes] == ["source-backup", "backup"]

    def test_block_volumes_alone_are_saved(self) -> None:
        shared = {"name": "media", "mount": "/media", "kind": "nfs"}
        volumes = job(volumes=[VOLUME, shared]).all(*IN_THE_JOB, "volume")
        assert [volume["name"] for volume in volumes] == ["source-data", "backup"]

    def test_as_often_and_as_long_as_asked(self) -> None:
        given = {"backup": {"kind": "files", "schedule": "15 */6 * * *", "keep_days": 7}}
        assert job(volumes=[VOLUME], **given).one("spec")["schedule"] == "15 */6 * * *"
        assert "-mtime +7 " in stack(volumes=[VOLUME], **given)["backup.tf"]

    def test_a_database_is_opened_for_writing_because_its_lock_is_a_file(self) -> None:
        mounts = job(**SQLITE).all(*IN_THE_JOB, "container", "volume_mount")
        assert not [mount for mount in mounts if "read_only" in mount.attributes]

    def test_nothing_is_installed_when_it_runs(self) -> None:
        found = job(**SQLITE).one(*IN_THE_JOB, "container")
        assert found["image"] == "docker.io/library/python:3.12-alpine"
        assert found.one("security_context")["read_only_root_filesystem"] is True
        for given in (SQLITE, TWO):
            assert not re.search(r"\b(apk|apt|pip)\b", stack(**given)["backup.tf"])

    def test_one_that_hangs_or_finds_no_place_ends(self) -> None:
        place = ("spec", "job_template", "spec")
        assert job(**TWO).one(*place)["active_deadline_seconds"] == 21600
        asked = {"kind": "files", "deadline_seconds": 86400}
        assert job(volumes=[VOLUME], backup=asked).one(*place)["active_deadline_seconds"] == 86400
        never = {"backup": {"deadline_seconds": 0}}
        assert "active_deadline_seconds" not in job(**TWO, profile=never).one(*place).attributes
        unbounded = {"kind": "files", "deadline_seconds": 0}
        assert "active_deadline_seconds" not in job(volumes=[VOLUME], backup=unbounded).one(*place).attributes

    def test_where_nobody_listens_nothing_is_pushed(self) -> None:
        assert "prometheus-pushgateway.monitoring:9091/metrics/job/city-guide-backup" in stack(**TWO)["backup.tf"]
        assert "wget" not in stack(**TWO, profile=UNHEARD)["backup.tf"]

    def test_none_means_none(self) -> None:
        files = stack(volumes=[VOLUME], backup="none")
        assert "backup.tf" not in files
        assert not [name for name, text in files.items() if "backup" in text]


def script(folder: Path, **given: Any) -> str:
    """The job's script, told to work below ``folder``; it holds nothing that Terraform would replace."""
    heredoc = re.search(r"<<-EOT\n(.*?)\n *EOT\n", stack(**given)["backup.tf"], re.DOTALL)
    assert heredoc is not None
    assert "${" not in heredoc[1]
    assert "%{" not in heredoc[1]
    return textwrap.dedent(heredoc[1]).replace("/source", f"{folder}/source").replace("/backup", f"{folder}/backup")


UNHEARD: dict[str, Any] = {"backup": {"push": ""}}


def run(folder: Path, profile: dict[str, Any] = UNHEARD, **given: Any) -> subprocess.CompletedProcess[str]:
    """Run the script; nobody hears of it unless the profile says so."""
    command = ["/bin/sh", "-c", script(folder, profile=profile, **given)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def old(path: Path, days: int) -> None:
    then = time.time() - days * 86400
    os.utime(path, (then, then))


def made(folder: Path, kept: set[str]) -> Path:
    """The one thing that is new below ``folder/backup``, beside those that were kept."""
    found = {path.name for path in (folder / "backup").iterdir()}
    assert kept < found
    (name,) = found - kept
    return folder / "backup" / name


class TestFiles:
    @pytest.fixture(autouse=True)
    def volumes(self, tmp_path: Path) -> None:
        for folder, text in {"data": "kept", "srv/media": "seen"}.items():
            (tmp_path / "source" / folder / "deep").mkdir(parents=True)
            (tmp_path / "source" / folder / "deep" / "notes.txt").write_text(text, encoding="utf-8")
        (tmp_path / "backup").mkdir()
        for name, days in {"recent.tar.gz": 29, "old.tar.gz": 32, "torn.tar.gz.partial": 32, "letter.txt": 99}.items():
            (tmp_path / "backup" / name).touch()
            old(tmp_path / "backup" / name, days)

    def test_all_volumes_are_in_one_archive_and_old_ones_go(self, tmp_path: Path) -> None:
        done = run(tmp_path, **TWO)
        assert done.returncode == 0, done.stderr
        archive = made(tmp_path, {"recent.tar.gz", "letter.txt"})
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.tar\.gz", archive.name)
        assert f"{archive}: " in done.stdout
        with tarfile.open(archive) as content:
            names = {member.name: member for member in content if member.isfile()}
            assert set(names) == {"./data/deep/notes.txt", "./srv/media/deep/notes.txt"}
            notes = content.extractfile(names["./data/deep/notes.txt"])
            assert notes is not None
            assert notes.read() == b"kept"

    def test_chosen_files_are_all_that_is_saved(self, tmp_path: Path) -> None:
        done = run(
            tmp_path, **TWO | {"backup": {"kind": "files", "files": ["/data/deep", "/srv/media/deep/notes.txt"]}}
        )
        assert done.returncode == 0, done.stderr
        with tarfile.open(made(tmp_path, {"recent.tar.gz", "letter.txt"})) as content:
            files = [member.name for member in content if member.isfile()]
        assert files == ["./data/deep/notes.txt", "./srv/media/deep/notes.txt"]

    @pytest.mark.parametrize("lost", ["source", "source/srv/media"])
    def test_what_fails_says_so_and_removes_nothing(self, tmp_path: Path, lost: str) -> None:
        shutil.rmtree(tmp_path / lost)
        given = TWO | {"backup": {"kind": "files", "files": ["/data", "/srv/media"]}}
        assert run(tmp_path, **given).returncode != 0
        found = {path.name for path in (tmp_path / "backup").iterdir()}
        assert {"recent.tar.gz", "old.tar.gz"} <= found
        assert not {name for name in found if re.match(r"\d{4}-.*\.tar\.gz$", name)}


class TestSqlite:
    @pytest.fixture(autouse=True)
    def volumes(self, tmp_path: Path) -> None:
        (tmp_path / "source" / "data" / "sub").mkdir(parents=True)
        for name in ("app.db", "sub/other.sqlite3"):
            with sqlite3.connect(tmp_path / "source" / "data" / name) as database:
                database.execute("PRAGMA journal_mode = WAL")
                database.execute("CREATE TABLE guides (city TEXT)")
                database.execute("INSERT INTO guides VALUES ('Sofia')")
            database.close()
        for name, days in {"2020-recent": 29, "2020-old": 32, "2020-torn.partial": 32, "letters": 99}.items():
            (tmp_path / "backup" / name).mkdir(parents=True)
            (tmp_path / "backup" / name / "kept").touch()
            old(tmp_path / "backup" / name, days)

    def test_the_copy_is_whole_while_somebody_writes(self, tmp_path: Path) -> None:
        writer = sqlite3.connect(tmp_path / "source" / "data" / "app.db")
        writer.execute("INSERT INTO guides VALUES ('Varna')")
        writer.commit()  # in the write-ahead log, where a copy of the file would miss it
        writer.execute("INSERT INTO guides VALUES ('not yet')")
        done = run(tmp_path, **SQLITE)
        writer.close()
        assert done.returncode == 0, done.stderr
        archive = made(tmp_path, {"2020-recent", "letters"})
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d", archive.name)
        assert cities(archive / "data" / "app.db") == ["Sofia", "Varna"]
        assert cities(archive / "data" / "sub" / "other.sqlite3") == ["Sofia"]
        assert not (tmp_path / "backup" / "2020-old").exists()
        assert not (tmp_path / "backup" / "2020-torn.partial").exists()

    @pytest.mark.parametrize("broken", ["missing", "garbage"])
    @pytest.mark.parametrize("name", ["app.db", "sub/other.sqlite3"])
    def test_what_fails_leaves_no_finished_copy_and_deletes_nothing(
        self, tmp_path: Path, broken: str, name: str
    ) -> None:
        database = tmp_path / "source" / "data" / name
        for path in database.parent.glob(f"{database.name}*"):
            path.unlink()
        if broken == "garbage":
            database.write_bytes(b"not a database, and long enough to tell" * 100)
        assert run(tmp_path, **SQLITE).returncode != 0
        assert database.exists() == (broken == "garbage"), "nothing is made in the service's volume"
        before = {"2020-recent", "2020-old", "2020-torn.partial", "letters"}
        assert made(tmp_path, before).name.endswith(".partial")


class TestPush:
    """What is pushed, to a stand-in of the Pushgateway on loopback."""

    @pytest.fixture(autouse=True)
    def volumes(self, tmp_path: Path) -> None:
        for folder in ("source/data/sub", "source/srv/media", "backup"):
            (tmp_path / folder).mkdir(parents=True)
        for name in ("app.db", "sub/other.sqlite3"):
            sqlite3.connect(tmp_path / "source" / "data" / name).close()

    @pytest.fixture
    def pushed(self) -> Iterator[tuple[dict[str, Any], list[tuple[str, str]]]]:
        """A profile that names the stand-in, and the paths and bodies that it gets."""
        heard: list[tuple[str, str]] = []

        class Pushgateway(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                heard.append((self.path, body))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        with HTTPServer(("127.0.0.1", 0), Pushgateway) as server:
            Thread(target=server.serve_forever, daemon=True).start()
            yield {"backup": {"push": f"http://127.0.0.1:{server.server_port}/metrics/job/<app>-backup"}}, heard
            server.shutdown()

    @pytest.mark.parametrize("given", [TWO, SQLITE], ids=["files", "sqlite"])
    def test_a_success_is_reported_with_its_time(
        self, tmp_path: Path, pushed: tuple[dict[str, Any], list[tuple[str, str]]], given: dict[str, Any]
    ) -> None:
        profile, heard = pushed
        before = int(time.time())
        done = run(tmp_path, profile, **given)
        assert done.returncode == 0, done.stderr
        ((path, body),) = heard
        assert path == "/metrics/job/city-guide-backup"
        found = re.fullmatch(r"backup_last_success_timestamp (\d+)\n", body)
        assert found is not None, body
        assert before <= int(found[1]) <= int(time.time())

    @pytest.mark.parametrize("given", [TWO, SQLITE], ids=["files", "sqlite"])
    def test_a_failure_is_not(
        self, tmp_path: Path, pushed: tuple[dict[str, Any], list[tuple[str, str]]], given: dict[str, Any]
    ) -> None:
        shutil.rmtree(tmp_path / "source")
        assert run(tmp_path, pushed[0], **given).returncode != 0
        assert pushed[1] == []

    def test_a_pushgateway_that_is_gone_spoils_no_backup(self, tmp_path: Path) -> None:
        with HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
            port = server.server_port
        done = run(tmp_path, {"backup": {"push": f"http://127.0.0.1:{port}/metrics/job/<app>"}}, **TWO)
        assert done.returncode == 0
        assert "the Pushgateway did not take the time" in done.stderr
        assert made(tmp_path, set()).suffixes == [".tar", ".gz"]


def cities(path: Path) -> list[str]:
    database = sqlite3.connect(path)
    assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    found = [row[0] for row in database.execute("SELECT city FROM guides ORDER BY city")]
    database.close()
    return found
