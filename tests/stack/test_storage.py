"""Volumes of each kind: what Terraform makes, and what the pod mounts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from . import terraform
from .hcl import Block, Expression, parse
from .rendering import VOLUME, file, stack
from .workload import job_pod, pod

TWO: dict[str, Any] = {
    "volumes": [
        {**VOLUME, "size": "2Gi", "limit": "8Gi"},
        {"name": "me-dia", "mount": "/srv/media", "sub_path": "a/b", "read_only": True},
    ]
}
NAMESPACE = Expression("kubernetes_namespace.city_guide.metadata[0].name")


def volume(**given: Any) -> dict[str, Any]:
    return {"name": "da-ta", "mount": "/data", **given}


def stored(**given: Any) -> Block:
    """What storage.tf has for a volume."""
    return file("storage.tf", volumes=[volume(**given)]).blocks[0]


def source(**given: Any) -> Block:
    """Where the pod's volume comes from."""
    (found,) = pod(volumes=[volume(**given)], hardening={}).one("volume").blocks
    return found


class TestBlock:
    def test_a_claim_grows_by_itself_and_terraform_lets_it(self) -> None:
        claim = file("storage.tf", **TWO).labelled("kubernetes_persistent_volume_claim", "data_encrypted")
        assert claim["wait_until_bound"] is False
        assert claim.one("metadata").attributes == {
            "name": "city-guide-data-encrypted",
            "namespace": NAMESPACE,
            "annotations": {
                "resize.topolvm.io/threshold": "10%",
                "resize.topolvm.io/increase": "100%",
                "resize.topolvm.io/storage_limit": "8Gi",
            },
        }
        assert claim.one("spec")["access_modes"] == ["ReadWriteOnce"]
        assert claim.one("spec")["storage_class_name"] == "proxmox-lvm-encrypted"
        assert claim.one("spec", "resources")["requests"] == {"storage": "2Gi"}
        assert claim.one("lifecycle")["ignore_changes"] == [Expression("spec[0].resources[0].requests")]

    def test_plain_storage_says_so_in_its_name(self) -> None:
        claim = stored(kind="block")
        assert claim.labels == ("kubernetes_persistent_volume_claim", "da_ta_proxmox")
        assert claim.one("metadata")["name"] == "city-guide-da-ta-proxmox"
        assert claim.one("spec")["storage_class_name"] == "proxmox-lvm"
        assert source(kind="block")["claim_name"] == Expression(
            "kubernetes_persistent_volume_claim.da_ta_proxmox.metadata[0].name"
        )

    def test_small_unless_asked(self) -> None:
        claim = stored()
        assert claim.one("spec", "resources")["requests"] == {"storage": "1Gi"}
        assert claim.one("metadata")["annotations"]["resize.topolvm.io/storage_limit"] == "5Gi"


def test_each_volume_is_mounted_as_asked() -> None:
    found = pod(**TWO, hardening={})
    assert [mount.attributes for mount in found.all("container", "volume_mount")] == [
        {"name": "data", "mount_path": "/data"},
        {"name": "me-dia", "mount_path": "/srv/media", "sub_path": "a/b", "read_only": True},
    ]
    assert {volume["name"]: volume.one("persistent_volume_claim")["claim_name"] for volume in found.all("volume")} == {
        "data": Expression("kubernetes_persistent_volume_claim.data_encrypted.metadata[0].name"),
        "me-dia": Expression("kubernetes_persistent_volume_claim.me_dia_encrypted.metadata[0].name"),
    }


class TestShared:
    @pytest.mark.parametrize(
        ("given", "expected"),
        [
            ({"kind": "nfs"}, {"nfs_path": "/srv/nfs/city-guide/da-ta"}),
            ({"kind": "nfs-ssd"}, {"nfs_path": "/srv/nfs-ssd/city-guide/da-ta"}),
            ({"kind": "nfs", "nfs_path": "/srv/old", "size": "2Ti"}, {"nfs_path": "/srv/old", "storage": "2Ti"}),
        ],
    )
    def test_a_folder_of_the_file_server(self, given: dict[str, Any], expected: dict[str, Any]) -> None:
        call = stored(**given)
        assert call.labels == ("nfs_da_ta",)
        assert call.attributes == {
            "source": "../../modules/kubernetes/nfs_volume",
            "name": "city-guide-da-ta",
            "namespace": NAMESPACE,
            "nfs_server": Expression("var.nfs_server"),
            **expected,
        }
        assert source(**given)["claim_name"] == Expression("module.nfs_da_ta.claim_name")

    def test_pods_may_share_it_and_take_turns_at_it(self) -> None:
        spec = file("deployment.tf", volumes=[volume(kind="nfs")], replicas=3).one("resource", "spec")
        assert spec["replicas"] == 3
        assert not spec.all("strategy")

    def test_it_is_saved_by_the_file_server(self) -> None:
        assert "backup.tf" not in stack(volumes=[volume(kind="nfs")])


class TestEphemeral:
    def test_it_needs_nothing_but_the_pod(self) -> None:
        assert "storage.tf" not in stack(volumes=[volume(kind="emptydir")])
        assert source(kind="emptydir") == Block("empty_dir", (), {}, ())
        assert source(kind="emptydir", size="2Gi").attributes == {"size_limit": "2Gi"}


class TestConfiguration:
    def test_files_of_the_stack_become_the_volume(self) -> None:
        resource = stored(kind="config")
        assert resource.labels == ("kubernetes_config_map", "da_ta")
        assert resource.one("metadata").attributes == {
            "name": "city-guide-da-ta",
            "namespace": NAMESPACE,
            "annotations": {"reloader.stakater.com/match": "true"},
        }
        assert source(kind="config")["name"] == Expression("kubernetes_config_map.da_ta.metadata[0].name")

    def test_the_pods_notice_new_files(self) -> None:
        metadata = file("deployment.tf", volumes=[volume(kind="config")]).one("resource", "metadata")
        assert metadata["annotations"] == {"reloader.stakater.com/search": "true"}

    def test_terraform_takes_the_files_at_the_top_of_the_folder(self, tmp_path: Path) -> None:
        data = stored(kind="config")["data"]
        expression = data.text if isinstance(data, Expression) else ""
        folder = tmp_path / "files" / "da-ta"
        assert terraform.evaluate(tmp_path, [expression], {}) == [{}], "no folder yet, no files"
        (folder / "below").mkdir(parents=True)
        (folder / "app.yml").write_text("greeting: ${hello} é\n", encoding="utf-8")
        (folder / "below" / "left.out").touch()
        assert terraform.evaluate(tmp_path, [expression], {}) == [{"app.yml": "greeting: ${hello} é\n"}]

    def test_terraform_refuses_files_that_are_not_text(self, tmp_path: Path) -> None:
        data = stored(kind="config")["data"]
        expression = data.text if isinstance(data, Expression) else ""
        folder = tmp_path / "files" / "da-ta"
        folder.mkdir(parents=True)
        (folder / "logo.png").write_bytes(b"\x89PNG\xff")
        with pytest.raises(AssertionError, match="UTF-8"):
            terraform.evaluate(tmp_path, [expression], {})


class TestJobs:
    VOLUMES = (
        volume(),
        {"name": "media", "mount": "/media", "kind": "nfs"},
        {"name": "t", "mount": "/t", "kind": "emptydir"},
    )

    def test_beside_a_running_service_they_leave_its_block_volumes_alone(self) -> None:
        job = {"name": "tidy", "schedule": "@daily", "command": ["tidy"]}
        found = job_pod("tidy", volumes=list(self.VOLUMES), cronjobs=[job], hardening={})
        assert [block["name"] for block in found.all("volume")] == ["media", "t"]
        assert [mount["name"] for mount in found.all("container", "volume_mount")] == ["media", "t"]
        assert not found.all("security_context")

    def test_alone_they_have_all(self) -> None:
        found = job_pod("run", volumes=list(self.VOLUMES), kind="cronjob", hardening={})
        assert [block["name"] for block in found.all("volume")] == ["da-ta", "media", "t"]
        assert found.one("security_context").attributes == {"fs_group": 1000}


def test_a_name_is_taken_over_from_an_adopted_stack() -> None:
    names = {"claims": {"data": {"address": "old_claim", "name": "old-data"}}}
    files = stack(volumes=[VOLUME], names=names)
    claim = parse(files["storage.tf"]).labelled("kubernetes_persistent_volume_claim", "old_claim")
    assert claim.one("metadata")["name"] == "old-data"
    for name in ("deployment.tf", "backup.tf"):
        assert "kubernetes_persistent_volume_claim.old_claim.metadata[0].name" in files[name]
