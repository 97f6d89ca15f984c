"""Every combination of gate, reach, image, storage and database: 192 stacks, half of them with smaller features."""

from __future__ import annotations

import itertools
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.full import few, full

from . import infra, terraform
from .invariants import problems
from .rendering import RICH, UPSTREAM, VOLUME, stack

IMAGES: dict[str, dict[str, Any]] = {
    "private": {"image_visibility": "private"},
    "public": {"image_visibility": "public"},
    "upstream": UPSTREAM,
}
VOLUMES: dict[str, list[dict[str, Any]]] = {"stateless": [], "volume": [VOLUME]}
REACHES = ["proxied", "non-proxied", "lan", "none"]
DATABASES = ["none", "postgres"]


def variants(auth: str) -> dict[str, dict[str, str]]:
    reason = {"auth_reason": 'the app\'s own "login"'} if auth in ("app", "none") else {}
    found = {}
    for dns, image, volume, database in itertools.product(REACHES, IMAGES, VOLUMES, DATABASES):
        # every other one, so that each answer meets the smaller features both ways
        positions = (
            REACHES.index(dns),
            list(IMAGES).index(image),
            list(VOLUMES).index(volume),
            DATABASES.index(database),
        )
        rich = RICH if sum(positions) % 2 else {}
        found[f"{auth}-{dns}-{image}-{volume}-{database}"] = stack(
            auth=auth, dns=dns, volumes=VOLUMES[volume], database=database, **reason, **IMAGES[image], **rich
        )
    return found


@full
@pytest.mark.parametrize("auth", few(1, ["app", "required", "public", "none"]))
def test_every_combination_is_a_sound_stack(auth: str, tmp_path: Path) -> None:
    stacks = variants(auth)
    assert len(stacks) == 48
    for name, files in stacks.items():
        assert not problems(files), name
        for repository in infra.repositories():
            assert not list(infra.wrong_arguments(repository, files)), name
    terraform.write(tmp_path, stacks)
    for name in stacks:
        assert not terraform.refused(tmp_path / name), name
    assert not unexplained_gates(stacks)
    for repository in infra.repositories():
        guarded(repository, tmp_path)
    assert not terraform.badly_formatted(tmp_path)


def unexplained_gates(stacks: dict[str, dict[str, str]]) -> list[str]:
    """The platform's rule in our own words: right above each open gate stands what guards it instead."""
    wrong = []
    for name, files in stacks.items():
        lines = files["ingress.tf"].splitlines()
        for above, line in itertools.pairwise(lines):
            gate = re.fullmatch(r'\s*auth\s*=\s*"(\w+)"', line)
            if gate and gate[1] in ("app", "none") and not re.match(rf'\s*# auth = "{gate[1]}": \S', above):
                wrong.append(f"{name}: {line}")
    return wrong


def guarded(repository: Path, stacks: Path) -> None:
    """The repository's own guards let the stacks pass, where it has some."""
    for guard in filter(Path.is_file, (repository / guard for guard in infra.GUARDS)):
        done = subprocess.run([sys.executable, guard, stacks], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


def test_the_checks_notice_what_is_wrong(tmp_path: Path) -> None:
    gates = stack(auth="none", auth_reason="why")
    assert not unexplained_gates({"a": gates})
    assert unexplained_gates({"a": {"ingress.tf": re.sub(" *# auth.*\n", "", gates["ingress.tf"])}})
    terraform.write(tmp_path, {"a": {"main.tf": "a = 1\nbcd = 2\n"}})
    assert "Unsupported argument" in terraform.refused(tmp_path / "a")[0]
    assert "main.tf" in terraform.badly_formatted(tmp_path)


def test_module_calls_are_checked_against_the_modules() -> None:
    repositories = infra.repositories()
    assert repositories, "the sandbox's own is always there"
    files = stack(volumes=[VOLUME])
    for repository in repositories:
        assert not list(infra.wrong_arguments(repository, files))
        broken = {"ingress.tf": files["ingress.tf"].replace("dns_type", "dns_typ").replace("  name ", "  nam ")}
        assert sorted(infra.wrong_arguments(repository, broken)) == [
            "ingress: dns_typ is not declared",
            "ingress: nam is not declared",
            "ingress: name is missing",
        ]
