"""Rules that hold for every stack, on combinations of everything that can be asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.full import few

from . import hcl, infra, terraform
from .combinations import combinations
from .invariants import dangling, problems, pulled_in_vain, untidy
from .rendering import RICH, UPSTREAM, VOLUME, stack

OF_EACH_SEED = 16


@pytest.mark.parametrize("seed", few(1, range(6)))
def test_every_stack_is_sound(seed: int, tmp_path: Path) -> None:
    found = combinations(seed, OF_EACH_SEED)
    for given, files in found:
        assert not problems(files), given
        blocks = [block for name, text in files.items() if name.endswith(".tf") for block in hcl.parse(text).blocks]
        private = given.get("image_source") != "upstream" and given.get("image_visibility") != "public"
        assert not list(pulled_in_vain(blocks, private=private)), given
        for repository in infra.repositories():
            assert not list(infra.wrong_arguments(repository, dict(files))), given
    stacks = {f"s{number}": files for number, (_, files) in enumerate(found)}
    terraform.write(tmp_path, stacks)
    for number, (given, _) in enumerate(found):
        assert not terraform.refused(tmp_path / f"s{number}"), given
    assert not terraform.badly_formatted(tmp_path)


EVERYTHING = {
    "database": "postgres",
    "migrate_command": ["migrate"],
    "volumes": [VOLUME, {"name": "conf", "mount": "/conf", "kind": "config"}],
    "cronjobs": [{"name": "tidy", "schedule": "@daily", "command": ["tidy"]}],
    **RICH,
}
BACKUPS_OWN = '{\n              job = "city-guide-backup"\n            }'
IGNORED = "spec[0].template[0].spec[0]"
BROKEN = [
    ("main.tf", "variable", 'variable "spare" {}\n\nvariable', "var.spare"),
    ("main.tf", "tls_secret_name", "tls", "var.tls_secret_name"),
    ("main.tf", "namespace = ", "name_space = ", "local.namespace"),
    ("deployment.tf", "kubernetes_manifest.db_external_secret", "kubernetes_manifest.gone", "kubernetes_manifest.gone"),
    ("backup.tf", "module.nfs_backup", "module.nfs_gone", "module.nfs_gone"),
    ("secrets.tf", '"city-guide-db-creds"', '"city-guide-secrets"', "ExternalSecret.city-guide-secrets is there twice"),
    ("cronjobs.tf", '"tidy" {', '"backup" {', "kubernetes_cron_job_v1.backup is there twice"),
    ("deployment.tf", "# KEEL_IGNORE_IMAGE", "# Keel", "# Keel"),
    ("deployment.tf", f"{IGNORED}.dns_config", f"{IGNORED}.dns", "ignored 0 times, not 1"),
    ("deployment.tf", "init_container[0].image", "init_container[1].image", "ignored 0 times, not 1"),
    ("cronjobs.tf", " # KYVERNO_LIFECYCLE_V1", "", "has no marker"),
    ("main.tf", '"keel.sh/enrolled" = "true"', '"a/b"              = "c"', "Keel is not told once"),
    ("deployment.tf", '"reloader.stakater.com/search" = "true"', '"a" = "b"', "does not notice"),
    ("secrets.tf", '"reloader.stakater.com/match" = "true"', '"a" = "b"', "does not find city-guide-secrets"),
    ("secrets.tf", '"reloader.stakater.com/match" = "true"', '"a" = "b"', "does not find city-guide-db-creds"),
    ("backup.tf", f"labels = {BACKUPS_OWN}", "labels = local.labels", "and no others"),
    ("deployment.tf", 'type = "Recreate"', 'type = "RollingUpdate"', "would wait for the claim"),
    ("deployment.tf", "replicas = 1", "replicas = 2", "share a ReadWriteOnce claim"),
    ("deployment.tf", 'name = "KEY"', 'name = "API_TOKEN"', "variable API_TOKEN is there twice"),
    ("deployment.tf", 'name = "conf"\n', 'name = "con"\n', "volumes and mounts differ"),
    ("deployment.tf", 'cpu    = "10m"', 'cp     = "10m"', "has no bounds"),
    ("deployment.tf", "limits = {\n", "limits = {\n  cpu = 1\n", "a CPU limit"),
    ("service.tf", 'name        = "http"', 'name        = "http-and-whatever"', "is too long"),
    ("service.tf", "selector = local.labels", "selector = local.image", "selects something else"),
    ("main.tf", "}\n\nlocals", "}\nlocals", "without a blank line between"),
    ("main.tf", "}\n\nlocals", "}\n\n\nlocals", "two blank lines"),
    ("service.tf", "spec {\n", "spec {\n\n", "behind an opening bracket"),
    ("service.tf", "spec {\n", "status {\n  }\n\n  spec {\n", "an empty block"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "old", "new", "expected"), few(5, BROKEN, apart=True))
def test_the_rules_notice_what_is_wrong(name: str, old: str, new: str, expected: str) -> None:
    files = stack(**EVERYTHING)
    assert not problems(files)
    assert old in files[name]
    broken = files[name].replace(old, new) if name == "secrets.tf" else files[name].replace(old, new, 1)
    found = problems({**files, name: broken})
    assert any(expected in problem for problem in found), found


def test_the_other_rules_notice_it_too() -> None:
    assert dangling(["output {\n  a = data.kubernetes_secret.gone.data\n}\n"]) == {"data.kubernetes_secret.gone"}
    assert dangling(['data "kubernetes_secret" "spare" {\n}\n']) == {"data.kubernetes_secret.spare"}
    assert untidy("\na") == ["does not end with one line break", "begins with a blank line"]
    assert untidy("a \n}\n\n")
    assert not untidy("  empty_dir {}\n")
    blocks = list(hcl.parse(stack(**UPSTREAM)["deployment.tf"]).blocks)
    assert list(pulled_in_vain(blocks, private=True))
    assert not list(pulled_in_vain(blocks, private=False))
