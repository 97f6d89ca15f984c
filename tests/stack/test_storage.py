"""Claims, their mounts, and the job that backs them up."""

from __future__ import annotations

import os
import re
import subprocess
import tarfile
import textwrap
import time
from pathlib import Path
from typing import Any

from .hcl import Block, Expression, parse
from .rendering import VOLUME, stack

TWO: dict[str, Any] = {
    "volumes": [
        {**VOLUME, "size": "2Gi", "limit": "8Gi"},
        {"name": "me-dia", "mount": "/srv/media", "sub_path": "a/b", "read_only": True},
    ]
}
IN_THE_POD = ("spec", "job_template", "spec", "template", "spec")


def storage() -> Block:
    return parse(stack(**TWO)["storage.tf"])


def test_a_claim_grows_by_itself_and_terraform_lets_it() -> None:
    claim = storage().labelled("kubernetes_persistent_volume_claim", "data_encrypted")
    assert claim["wait_until_bound"] is False
    metadata = claim.one("metadata")
    assert metadata["name"] == "city-guide-data-encrypted"
    assert metadata["annotations"] == {
        "resize.topolvm.io/threshold": "10%",
        "resize.topolvm.io/increase": "100%",
        "resize.topolvm.io/storage_limit": "8Gi",
    }
    assert claim.one("spec")["access_modes"] == ["ReadWriteOnce"]
    assert claim.one("spec")["storage_class_name"] == "proxmox-lvm-encrypted"
    assert claim.one("spec", "resources")["requests"] == {"storage": "2Gi"}
    assert claim.one("lifecycle")["ignore_changes"] == [Expression("spec[0].resources[0].requests")]


def test_each_volume_is_mounted_as_asked() -> None:
    pod = parse(stack(**TWO)["deployment.tf"]).one("resource", "spec", "template", "spec")
    assert [mount.attributes for mount in pod.all("container", "volume_mount")] == [
        {"name": "data", "mount_path": "/data"},
        {"name": "me-dia", "mount_path": "/srv/media", "sub_path": "a/b", "read_only": True},
    ]
    assert {volume["name"]: volume.one("persistent_volume_claim")["claim_name"] for volume in pod.all("volume")} == {
        "data": Expression("kubernetes_persistent_volume_claim.data_encrypted.metadata[0].name"),
        "me-dia": Expression("kubernetes_persistent_volume_claim.me_dia_encrypted.metadata[0].name"),
    }


def test_the_backup_goes_to_the_file_server() -> None:
    call = storage().labelled("nfs_backup")
    assert call.attributes == {
        "source": "../../modules/kubernetes/nfs_volume",
        "name": "city-guide-backup",
        "namespace": Expression("kubernetes_namespace.city_guide.metadata[0].name"),
        "nfs_server": Expression("var.nfs_server"),
        "nfs_path": "/srv/nfs/city-guide-backup",
    }
    assert "nfs_server" in {block.labels[0] for block in parse(stack(**TWO)["main.tf"]).all("variable")}


def test_the_backup_runs_beside_the_service_and_only_reads() -> None:
    job = storage().labelled("kubernetes_cron_job_v1", "backup")
    assert job.one("spec")["schedule"] == "30 3 * * 0"
    assert job.one("spec")["concurrency_policy"] == "Forbid"
    required = job.one(*IN_THE_POD, "affinity", "pod_affinity", "required_during_scheduling_ignored_during_execution")
    assert required["topology_key"] == "kubernetes.io/hostname"
    assert required.one("label_selector")["match_labels"] == Expression("local.labels")
    container = job.one(*IN_THE_POD, "container")
    assert container["image"] == "docker.io/library/alpine:3.22"
    assert container.one("resources")["limits"] == {"memory": container.one("resources")["requests"]["memory"]}
    mounts = {mount["mount_path"]: mount.attributes for mount in container.all("volume_mount")}
    assert {path: mount.get("read_only", False) for path, mount in mounts.items()} == {
        "/source/data": True,
        "/source/me-dia": True,
        "/backup": False,
    }
    names = [volume["name"] for volume in job.all(*IN_THE_POD, "volume")]
    assert sorted(names) == sorted(mount["name"] for mount in mounts.values())


def test_the_backup_is_not_taken_for_the_service() -> None:
    job = storage().labelled("kubernetes_cron_job_v1", "backup")
    assert not job.one("spec", "job_template", "spec", "template", "metadata").attributes


def test_the_jobs_drift_is_ignored_where_it_happens() -> None:
    line = "ignore_changes = [spec[0].job_template[0].spec[0].template[0].spec[0].dns_config] # KYVERNO_LIFECYCLE_V1\n"
    assert line in stack(**TWO)["storage.tf"]


def test_a_volume_may_be_called_backup() -> None:
    job = parse(stack(volumes=[{"name": "backup", "mount": "/backup"}])["storage.tf"]).labelled("backup")
    names = [volume["name"] for volume in job.all(*IN_THE_POD, "volume")]
    assert len(set(names)) == len(names) == 2


def script(folder: Path) -> str:
    """The job's script, told to work below ``folder``; it holds nothing that Terraform would replace."""
    heredoc = re.search(r"<<-EOT\n(.*?)\n *EOT\n", stack(**TWO)["storage.tf"], re.DOTALL)
    assert heredoc is not None
    assert "${" not in heredoc[1]
    assert "%{" not in heredoc[1]
    return textwrap.dedent(heredoc[1]).replace("/source", f"{folder}/source").replace("/backup", f"{folder}/backup")


def run(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["/bin/sh", "-c", script(folder)], capture_output=True, text=True, check=False)


def prepare(folder: Path) -> None:
    (folder / "source" / "data").mkdir(parents=True)
    (folder / "source" / "data" / "notes.txt").write_text("kept", encoding="utf-8")
    (folder / "backup").mkdir()
    for name, days in {"recent.tar.gz": 29, "old.tar.gz": 32, "torn.tar.gz.partial": 32, "letter.txt": 99}.items():
        (folder / "backup" / name).touch()
        then = time.time() - days * 86400
        os.utime(folder / "backup" / name, (then, then))


def test_the_script_archives_and_clears_away_what_is_too_old(tmp_path: Path) -> None:
    prepare(tmp_path)
    done = run(tmp_path)
    assert done.returncode == 0, done.stderr
    before = {"recent.tar.gz", "letter.txt"}
    (made,) = {path.name for path in (tmp_path / "backup").iterdir()} - before
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.tar\.gz", made)
    assert before < {path.name for path in (tmp_path / "backup").iterdir()}
    with tarfile.open(tmp_path / "backup" / made) as archive:
        content = archive.extractfile("./data/notes.txt")
        assert content is not None
        assert content.read() == b"kept"


def test_a_failed_backup_says_so_and_removes_nothing(tmp_path: Path) -> None:
    prepare(tmp_path)
    (tmp_path / "source" / "data" / "notes.txt").unlink()
    (tmp_path / "source" / "data").rmdir()
    (tmp_path / "source").rmdir()
    assert run(tmp_path).returncode != 0
    found = {path.name for path in (tmp_path / "backup").iterdir()}
    assert {"recent.tar.gz", "old.tar.gz"} <= found
    assert not {name for name in found if re.match(r"\d{4}-.*\.tar\.gz$", name)}
