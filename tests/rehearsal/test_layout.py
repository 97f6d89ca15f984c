"""What a stack is laid out with: its own files, what Terragrunt adds, modules, files and stand-ins."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from generator.base.contained import Obstacle
from generator.rehearsal.layout import NOTHING, PLACEHOLDER, VALUES, lay_out
from generator.rehearsal.terragrunt import added, generated

BINARY = b"\x00GITCRYPT\x00\xff\xfe"


@dataclass(frozen=True)
class Tree:
    """An infra repository in memory."""

    content: Mapping[str, bytes]

    def read(self, path: str) -> bytes | None:
        return self.content.get(path)

    def executable(self, path: str) -> bool:
        return self.content.get(path) is None

    def obstacle(self, path: str) -> Obstacle | None:
        """Nothing is in the way: nothing is written."""

    def paths(self, folder: str) -> list[str]:
        return [path for path in self.content if path.startswith(f"{folder}/")]


def tree(files: Mapping[str, str | bytes]) -> Tree:
    return Tree({path: text if isinstance(text, bytes) else text.encode() for path, text in files.items()})


def laid_out(text: str, files: Mapping[str, str | bytes] | None = None) -> tuple[dict[str, bytes], dict[str, str]]:
    found = lay_out(tree({"stacks/a/main.tf": text, **(files or {})}), "stacks/a")
    return dict(found.files), dict(found.requested)


def values(text: str, files: Mapping[str, str | bytes] | None = None) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(laid_out(text, files)[0][f"stacks/a/{VALUES}"])
    return found


# --- files ---------------------------------------------------------------------------------------------------


def test_modules_are_followed_wherever_they_are_called_from() -> None:
    files, _ = laid_out(
        'module "m" {\n  source = "../../modules/m"\n}\nmodule "own" { source = "./own" }\n',
        {
            "modules/m/main.tf": 'module "n" {\n  source = "../n"\n}\nmodule "m" {\n  source = "../m"\n}',
            "modules/m/deep/more.txt": "text",
            "modules/n/main.tf": 'module "up" {\n  source = "../../../../etc"\n}\nmodule "no" {\n  source = "../no"\n}',
            "modules/other/main.tf": "",
            "stacks/a/own/main.tf": "",
            "stacks/b/main.tf": "",
            "README.md": "",
        },
    )
    assert set(files) == {
        *("stacks/a/main.tf", "stacks/a/own/main.tf", f"stacks/a/{VALUES}"),
        *("modules/m/main.tf", "modules/m/deep/more.txt", "modules/n/main.tf"),
    }


def test_files_that_are_named_come_along_and_what_can_not_be_read_has_a_placeholder() -> None:
    text = """
locals {
  a = file("${path.module}/a.conf")
  b = templatefile("${path.module}/../../shared/b.tpl", { a = 1 })
  c = file("${path.root}/secrets/key.pem")
  d = filebase64("${path.module}/logo.png")
  e = file("${path.module}/missing.txt")
  f = filesha256("${path.module}/logo.png")
  g = fileexists("${path.module}/not-read.txt") ? 1 : 0
  h = file("${path.module}/../../../outside.txt")
  i = templatefile("../../shared/plain.tpl", {})
  j = file("/etc/hostname")
}
"""
    files, _ = laid_out(
        text,
        {
            "stacks/a/a.conf": "a",
            "shared/b.tpl": "b",
            "stacks/a/secrets/key.pem": BINARY,
            "stacks/a/logo.png": BINARY,
            "shared/plain.tpl": "plain",
            "shared/other": "not named",
        },
    )
    assert files["stacks/a/a.conf"] == b"a"
    assert files["shared/b.tpl"] == b"b"
    assert files["shared/plain.tpl"] == b"plain"
    assert not [path for path in files if path.startswith("/")]
    assert files["stacks/a/secrets/key.pem"] == PLACEHOLDER
    assert files["stacks/a/missing.txt"] == PLACEHOLDER
    assert files["stacks/a/logo.png"] in (BINARY, PLACEHOLDER)
    assert "stacks/a/not-read.txt" not in files
    assert "shared/other" not in files
    assert not [path for path in files if path.startswith("..")]


def test_a_module_reads_files_of_its_own_and_of_the_root() -> None:
    files, _ = laid_out(
        'module "m" {\n  source = "../../modules/m"\n}',
        {
            "modules/m/main.tf": 'locals {\n  a = file("${path.module}/a")\n  b = file("${path.root}/b")\n}',
            "modules/m/a": "a",
            "stacks/a/b": "b",
        },
    )
    assert (files["modules/m/a"], files["stacks/a/b"]) == (b"a", b"b")


def test_a_stack_that_does_not_exist_has_only_what_is_added() -> None:
    found = lay_out(tree({"stacks/b/main.tf": ""}), "stacks/a")
    assert dict(found.files) == {f"stacks/a/{VALUES}": b"{}", f"stacks/a/{NOTHING}": b""}


def test_the_id_changes_with_every_file_and_no_order() -> None:
    files = {"stacks/a/main.tf": "locals {}\n", "stacks/a/b.txt": "b"}
    once = lay_out(tree(files), "stacks/a")
    assert lay_out(tree(dict(reversed(files.items()))), "stacks/a").id == once.id
    others = [
        lay_out(tree({**files, "stacks/a/b.txt": "c"}), "stacks/a").id,
        lay_out(tree({**files, "stacks/a/c.txt": "c"}), "stacks/a").id,
        lay_out(tree({path.replace("/a/", "/d/"): text for path, text in files.items()}), "stacks/d").id,
    ]
    assert len({once.id, *others}) == 4


def test_providers_are_those_that_any_file_requires() -> None:
    text = 'terraform {\n  required_providers {\n    a = {\n      source = "some/a"\n    }\n  }\n}\n'
    module = 'module "m" {\n  source = "../../modules/m"\n}\n'
    found = lay_out(
        tree({"stacks/a/main.tf": text + module, "modules/m/main.tf": text.replace("some/a", "some/b")}), "stacks/a"
    )
    assert found.providers == {"some/a", "some/b"}


# --- variables -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("", "value-of-x"),
        ("type = string", "value-of-x"),
        ("type = number", 1),
        ("type = bool", False),
        ("type = list(string)", []),
        ("type = set(string)", []),
        ("type = map(string)", {}),
        ("type = any", "value-of-x"),
        ('description = "a"\n  type = number', 1),
        ('description = "the default = x"', "value-of-x"),
    ],
)
def test_a_variable_without_a_default_has_a_value_of_its_type(body: str, expected: Any) -> None:
    assert values(f'variable "x" {{\n  {body}\n}}\n') == {"x": expected}


def test_a_variable_on_one_line_and_one_whose_type_a_module_says() -> None:
    text = 'variable "x" { type = list(string) }\nvariable "y" {}\nmodule "m" {\n  source = "../../modules/m"\n}\n'
    module = 'variable "z" { type = bool }\nvariable "y" {\n  type = map(string)\n}\n'
    assert values(text, {"modules/m/main.tf": module}) == {"x": [], "y": {}}


def test_a_variable_with_a_default_and_one_of_a_module_have_none() -> None:
    text = 'variable "x" {\n  default = null\n}\nmodule "m" {\n  source = "../../modules/m"\n}\n'
    assert values(text, {"modules/m/main.tf": 'variable "y" {}\n'}) == {}


def test_a_file_that_is_no_hcl_stops_nothing() -> None:
    assert values('variable "x" {}\n', {"stacks/a/broken.tf": 'variable "y" {'}) == {"x": "value-of-x"}


ROOT = """
terraform {
  extra_arguments "common" {
    optional_var_files = ["${get_repo_root()}/config.tfvars", "${get_repo_root()}/secrets.tfvars.json"]
  }
}
"""
INCLUDE = 'include "root" {\n  path = find_in_parent_folders()\n}\n'


def test_variables_that_terragrunt_passes_in_are_those_of_the_repository() -> None:
    files = {
        "terragrunt.hcl": ROOT,
        "stacks/a/terragrunt.hcl": INCLUDE,
        "config.tfvars": 'x = "here"\nmore = {\n  y = 1\n}\n',
        "secrets.tfvars.json": '{"z": "there"}',
    }
    text = 'variable "x" {}\nvariable "y" {}\nvariable "z" {}\n'
    assert values(text, files) == {"y": "value-of-y"}
    found, _ = laid_out(text, files)
    assert found["stacks/a/config.auto.tfvars"] == files["config.tfvars"].encode()
    assert found["stacks/a/secrets.auto.tfvars.json"] == b'{"z": "there"}'


@pytest.mark.parametrize("content", [BINARY, b"{", b"[]"])
def test_variables_that_can_not_be_read_have_stand_ins(content: bytes) -> None:
    files: dict[str, str | bytes] = {"terragrunt.hcl": ROOT, "stacks/a/terragrunt.hcl": INCLUDE}
    files["secrets.tfvars.json"] = content
    assert values('variable "z" {}\n', files) == {"z": "value-of-z"}


# --- what is read of secrets ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('a = data.vault_kv_secret_v2.s.data["key"]', {"key": "value-of-key"}),
        ("a = data.vault_kv_secret_v2.s.data.key", {"key": "value-of-key"}),
        ('a = data.kubernetes_secret.s.binary_data["tls.crt"]', {"tls.crt": "value-of-tls.crt"}),
        ('a = lookup(data.vault_kv_secret_v2.s.data, "key", "")', {"key": "value-of-key"}),
        ('a = jsondecode(data.vault_kv_secret_v2.s.data["key"])', {"key": "{}"}),
        ('a = jsondecode(data.vault_kv_secret_v2.s.data["key"])["user"]', {"key": '{"user": "value-of-user"}'}),
        (
            'x = jsondecode(data.vault.s.data["key"])\na = local.x["b"].c\nd = lookup(local.x["e"], "f", "")',
            {"key": '{"b": {"c": "value-of-c"}, "e": {"f": "value-of-f"}}'},
        ),
        (
            'a = [for m in local.all : data.vault.s.data[m.key_name]]\n  all = [{ key_name = "one" }]',
            {"one": "value-of-one"},
        ),
        ("a = 1", {}),
        ('a = data.vault_kv_secret_v2.s.data["${local.b}"]', {}),
    ],
)
def test_keys_that_are_read_of_secrets_have_stand_ins(text: str, expected: dict[str, str]) -> None:
    _, requested = laid_out(f"locals {{\n  {text}\n}}\n")
    assert {key: requested.get(key) for key in expected} == expected
    if not expected:
        assert requested == {}


def test_what_is_decoded_is_what_a_module_takes() -> None:
    read = 'jsondecode(data.vault.s.data["%s"])'
    text = "".join(f"locals {{\n  {name} = {read % name}\n}}\n" for name in ("clients", "key", "logins"))
    arguments = "  ids = local.clients\n  text = local.key\n  all = local.logins\n"
    call = f'module "m" {{\n  source = "../../modules/m"\n{arguments}}}\n'
    module = 'variable "ids" { type = list(string) }\nvariable "text" {\n  type = string\n}\nvariable "all" {}\n'
    used = 'locals {\n  a = var.all["app"]["user"]\n}\n'
    _, requested = laid_out(text + call, {"modules/m/main.tf": module + used})
    assert json.loads(requested["clients"]) == []
    assert json.loads(requested["key"]) == "value-of-key"
    assert json.loads(requested["logins"]) == {"app": {"user": "value-of-user"}}


def test_what_is_read_of_a_variable_is_in_it() -> None:
    assert values('variable "x" {}\nlocals {\n  a = var.x["b"].c\n}\n') == {"x": {"b": {"c": "value-of-c"}}}


# --- Terragrunt ----------------------------------------------------------------------------------------------


def generate(path: str, contents: str) -> str:
    return f'generate "{path}" {{\n  path      = "{path}"\n  if_exists = "overwrite"\n  contents  = {contents}\n}}\n'


def test_files_that_are_generated_are_read_and_computed_ones_left_out() -> None:
    text = (
        generate("a.tf", '<<EOF\nlocals {\n  a = "$${b}"\n}\nEOF')
        + generate("b.tf", '"locals {}"')
        + generate("c.tf", "<<EOF\n${local.c}\nEOF")
        + generate("d.tf", "local.d")
        + generate("e.tf", '<<-EOF\n  # "quoted"\n  EOF')
    )
    found = generated(text)
    assert found.keys() >= {"a.tf", "b.tf", "e.tf"}
    assert not found.keys() & {"c.tf", "d.tf"}
    assert '"${b}"' in found["a.tf"]
    assert generated("generate {") == {}


def test_a_stack_has_what_its_own_and_the_included_configurations_add() -> None:
    files = {
        "terragrunt.hcl": generate("root.tf", '"# root"') + generate("both.tf", '"# root"'),
        "stacks/shared.hcl": generate("shared.tf", '"# shared"'),
        "stacks/a/terragrunt.hcl": INCLUDE
        + 'include "s" {\n  path = find_in_parent_folders("shared.hcl")\n}\n'
        + generate("both.tf", '"# own"'),
    }
    assert dict(added(tree(files), "stacks/a").files) == {
        "root.tf": "# root",
        "shared.tf": "# shared",
        "both.tf": "# own",
    }
    assert dict(added(tree(files), "stacks/b").files) == {}
    assert dict(added(tree({"stacks/a/terragrunt.hcl": INCLUDE}), "stacks/a").files) == {}
