"""Names and addresses that an adopted stack has already: the new files describe what is there."""

from __future__ import annotations

from typing import Any

from .hcl import Expression, parse
from .invariants import problems
from .rendering import VOLUME, stack

NAMES: dict[str, Any] = {
    "addresses": {
        "namespace": "travel",
        "deployment": "web-app",
        "service": "web-svc",
        "ingress": "main",
        "secret": "kv",
        "database_secret": "rotated",
    },
    "deployment": "guide-app",
    "service": "guide-svc",
    "ingress": "guide-web",
    "anubis": "guide-maze",
    "container": "app",
    "secret": "guide-kv",
    "database_secret": "guide-db",
    "selector": {"run": "guide", "app.kubernetes.io/name": "g"},
    "claims": {
        "data": {"address": "data_pvc", "name": "guide-data"},
        "films": {"address": "shared", "name": "guide-films"},
        "rules": {"address": "files", "name": "guide-rules"},
    },
}
VOLUMES = [
    VOLUME,
    {"name": "films", "mount": "/films", "kind": "nfs"},
    {"name": "rules", "mount": "/rules", "kind": "config"},
]
GIVEN: dict[str, Any] = {
    "names": NAMES,
    "secrets": {"A": "a"},
    "database": "postgres",
    "volumes": VOLUMES,
    "lan_host": {"host": "guide"},
    "cronjobs": [{"name": "tidy", "schedule": "@daily", "command": ["tidy"]}],
    "carveouts": [{"name": "hooks", "paths": ["/hooks"], "reason": "signed"}],
}


def test_everything_refers_to_the_given_addresses() -> None:
    files = stack(**GIVEN)
    assert not problems(files)
    blocks = [block for name, text in files.items() if name.endswith(".tf") for block in parse(text).blocks]
    labels = {block.labels for block in blocks}
    assert {
        ("kubernetes_namespace", "travel"),
        ("kubernetes_deployment", "web-app"),
        ("kubernetes_service", "web-svc"),
        ("main",),
        ("kubernetes_manifest", "kv"),
        ("kubernetes_manifest", "rotated"),
        ("kubernetes_persistent_volume_claim", "data_pvc"),
        ("shared",),
        ("kubernetes_config_map", "files"),
    } <= labels


def test_names_on_the_cluster_are_the_given_ones() -> None:
    files = stack(**GIVEN)
    deployment = parse(files["deployment.tf"]).one("resource")
    assert deployment.one("metadata")["name"] == "guide-app"
    container = deployment.one("spec", "template", "spec", "container")
    assert container["name"] == "app"
    references = [env.one("value_from", "secret_key_ref")["name"] for env in container.all("env")]
    assert references == ["guide-kv", "guide-db"]
    secrets = [block["manifest"]["spec"]["target"]["name"] for block in parse(files["secrets.tf"]).all("resource")]
    assert secrets == ["guide-kv", "guide-db"]
    assert parse(files["service.tf"]).one("resource", "metadata")["name"] == "guide-svc"


def test_volumes_of_every_kind_keep_their_names() -> None:
    files = stack(**GIVEN)
    storage = parse(files["storage.tf"])
    names = {block.labels[-1]: block.one("metadata")["name"] for block in storage.all("resource")}
    assert names == {"data_pvc": "guide-data", "files": "guide-rules"}
    assert storage.labelled("shared")["name"] == "guide-films"
    pod = parse(files["deployment.tf"]).one("resource", "spec", "template", "spec")
    assert {volume["name"]: list(volume.blocks[0].attributes.values()) for volume in pod.all("volume")} == {
        "data": [Expression("kubernetes_persistent_volume_claim.data_pvc.metadata[0].name")],
        "films": [Expression("module.shared.claim_name")],
        "rules": [Expression("kubernetes_config_map.files.metadata[0].name")],
    }


def test_every_ingress_has_the_given_name_in_its_own() -> None:
    ingress = parse(stack(**GIVEN)["ingress.tf"])
    assert {module.labels[0]: module["name"] for module in ingress.all("module")} == {
        "main": "guide-web",
        "ingress_hooks": "guide-web-hooks",
        "ingress_lan": "guide-web-lan",
    }
    assert {module["host"] for module in ingress.all("module")} == {"city-guide", "guide"}


def test_anubis_keeps_its_name_and_the_ingress_its_own() -> None:
    given = {"names": {"anubis": "maze"}, "anubis": True, "auth": "none", "auth_reason": "public content"}
    files = stack(**given)
    assert not problems(files)
    ingress = parse(files["ingress.tf"])
    assert ingress.labelled("anubis")["name"] == "maze"
    assert ingress.labelled("ingress")["name"] == "city-guide"


def test_an_ingress_named_as_the_host_or_the_service_needs_no_word_of_them() -> None:
    named = {"names": {"ingress": "guide", "service": "guide"}, "host": "guide"}
    main = parse(stack(**named)["ingress.tf"]).labelled("ingress")
    assert main["name"] == "guide"
    assert not {"host", "service_name"} & set(main.attributes)


def test_pods_keep_the_labels_that_a_deployment_cannot_change() -> None:
    labels = parse(stack(**GIVEN)["main.tf"]).one("locals")["labels"]
    assert labels == {"run": "guide", "app.kubernetes.io/name": "g"}


def test_the_ingress_finds_a_service_of_another_name() -> None:
    service = Expression("kubernetes_service.web-svc.metadata[0].name")
    main = parse(stack(**GIVEN)["ingress.tf"]).labelled("main")
    assert main["service_name"] == service
    assert main["host"] == "city-guide"
    assert "service_name" not in parse(stack()["ingress.tf"]).labelled("ingress").attributes


def test_the_tile_asks_the_service_by_its_name() -> None:
    given = {"names": NAMES, "volumes": VOLUMES, "namespace": "travel", "homepage": {"widget": {"type": "w"}}}
    annotations = parse(stack(**given)["ingress.tf"]).labelled("main")["extra_annotations"]
    assert annotations["gethomepage.dev/widget.url"] == "http://guide-svc.travel.svc.cluster.local"
