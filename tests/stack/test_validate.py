"""Real Terraform on whole stacks: everything that ``init`` and ``validate`` know, the providers' schemas included."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

from generator.platform.profile import load_platform
from generator.rehearsal.provider.record import schema_of
from generator.rehearsal.provider.records import REGISTRY, SCHEMAS
from generator.sandbox.infra_repository import FILES as SANDBOX
from generator.template.template import Template
from tests.full import few, full

from . import infra
from .terragrunt import generated, required_providers, required_variables, without_providers
from .validate import Diagnostic, Validator

GOLDEN = Path(__file__).parents[1] / "golden"
CASES = sorted(path.parent.name for path in GOLDEN.glob("*/stack"))
OF_THEIR_OWN = [case for case in CASES if (GOLDEN / case / "platform.yml").is_file()]
"""Cases of another platform, whose infra repository has other tiers and other places for its modules."""

SOUND = """
variable "host" { type = string }

variable "tls_secret_name" {
  type      = string
  sensitive = true
}

resource "kubernetes_namespace" "app" {
  metadata {
    name   = "app"
    labels = { tier = local.tiers.aux }
  }
}

resource "kubernetes_deployment" "app" {
  metadata {
    name      = "app"
    namespace = kubernetes_namespace.app.metadata[0].name
  }
  spec {
    replicas = 1
    selector {
      match_labels = { app = "app" }
    }
    template {
      metadata {
        labels = { app = "app" }
      }
      spec {
        container {
          name  = "app"
          image = "docker.io/library/app:1"
          env {
            name  = "HOST"
            value = var.host
          }
          port {
            container_port = 8080
          }
        }
      }
    }
  }
  lifecycle {
    ignore_changes = [spec[0].template[0].spec[0].dns_config]
  }
}

data "kubernetes_secret" "app" {
  metadata {
    name      = "app"
    namespace = "app"
  }
}

module "ingress" {
  source          = "../../modules/kubernetes/ingress_factory"
  namespace       = kubernetes_namespace.app.metadata[0].name
  name            = "app"
  port            = 80
  ingress_path    = ["/"]
  tls_secret_name = var.tls_secret_name
  auth            = "required"
  dns_type        = "proxied"
}

module "certificate" {
  source          = "../../modules/kubernetes/setup_tls_secret"
  namespace       = "app"
  tls_secret_name = data.kubernetes_secret.app.metadata[0].name
}
"""

WRONG: dict[str, tuple[str, str, str]] = {
    "no HCL": ("replicas = 1", "replicas = ", "Invalid expression"),
    "misspelt block": ("container {", "contaner {", 'Blocks of type "contaner" are not expected here'),
    "block that belongs elsewhere": ("env {", "rule {", 'Blocks of type "rule" are not expected here'),
    "missing block": (
        'metadata {\n    name      = "app"\n    namespace = "app"\n  }',
        "",
        'At least 1 "metadata" blocks',
    ),
    "misspelt attribute": ("replicas = 1", "replica = 1", 'An argument named "replica" is not expected here'),
    "missing attribute": ("container_port = 8080", "", '"container_port" is required'),
    "attribute of a wrong type": ("container_port = 8080", 'container_port = "web"', "a number is required"),
    "list for a text": ('image = "docker.io/library/app:1"', "image = []", "string required"),
    "wrong path to ignore": ("spec[0].dns_config]", "spec[0].dns_conf]", "no argument, nested block, or exported"),
    "unknown resource type": ('"kubernetes_namespace" "app"', '"kubernetes_namespaces" "app"', "Invalid resource type"),
    "unknown data source": ('"kubernetes_secret" "app"', '"kubernetes_secrets" "app"', "Invalid data source"),
    "wrong exported attribute": ("app.metadata[0].name\n  name ", "app.meta[0].name\n  name ", "Unsupported attribute"),
    "undeclared variable": ("value = var.host", "value = var.hots", "Reference to undeclared input variable"),
    "undeclared local": ("local.tiers.aux", "local.tires.aux", "Reference to undeclared local value"),
    "unknown tier": ("local.tiers.aux", "local.tiers.extra", 'does not have an attribute named "extra"'),
    "undeclared resource": ("app.metadata[0].name\n  name ", "apps.metadata[0].name\n  name ", "undeclared resource"),
    "undeclared module argument": ("ingress_path ", "ingress_paths ", 'An argument named "ingress_paths" is not'),
    "missing module argument": ("tls_secret_name = var.tls_secret_name", "", '"tls_secret_name" is required'),
    "module argument of a wrong type": ('ingress_path    = ["/"]', 'ingress_path    = "/"', "list of string required"),
    "module argument out of its range": ('auth            = "required"', 'auth = "all"', "Invalid value for variable"),
    "module that is not there": ("kubernetes/ingress_factory", "kubernetes/ingress", "Unreadable module directory"),
}

PARTS = 3


@pytest.fixture(scope="module")
def validator(tmp_path_factory: pytest.TempPathFactory) -> Validator:
    return Validator(SANDBOX, tmp_path_factory.mktemp("validator"))


def verdicts(validator: Validator, names: Iterable[str]) -> dict[str, list[Diagnostic]]:
    """What is said of wrong stacks, which are validated together and with one that is not wrong."""
    stacks = {"sound": {"main.tf": SOUND}}
    for name in names:
        right, wrong, _ = WRONG[name]
        assert SOUND.count(right) == 1, name
        stacks[name.replace(" ", "-")] = {"main.tf": SOUND.replace(right, wrong)}
    return validator.errors(stacks)


def kept(case: str) -> dict[str, str]:
    """The files of a golden stack that Terraform reads."""
    return {path.name: path.read_text(encoding="utf-8") for path in (GOLDEN / case / "stack").glob("*.tf")}


def completed(found: Mapping[str, list[Diagnostic]]) -> str:
    return "\n".join(f"{name}: {error}" for name, errors in found.items() for error in errors)


# --- golden stacks -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("where", ["sandbox", "named"])
def test_every_golden_stack_is_valid(where: str, tmp_path: Path) -> None:
    checkout = SANDBOX if where == "sandbox" else infra.named_checkout()
    if checkout is None:
        pytest.skip("NEWSERVICE_INFRA_CHECKOUT names no checkout of an infra repository")
    stacks = {case: kept(case) for case in CASES if case not in OF_THEIR_OWN}
    assert len(stacks) >= 7
    assert not completed(Validator(checkout, tmp_path).errors(stacks))


@pytest.mark.parametrize("case", OF_THEIR_OWN)
def test_every_golden_stack_of_another_platform_is_valid_there(case: str, tmp_path: Path) -> None:
    checkout = other_infra(case, tmp_path / "infra")
    assert not completed(Validator(checkout, tmp_path / "validator").errors({case: kept(case)}))


def other_infra(case: str, folder: Path) -> Path:
    """The sandbox's infra repository with a case's tiers, and with modules where its profile says they are."""
    profile = GOLDEN / case / "platform.yml"
    platform = load_platform(Template.installed().platform, profile, environ={}).facts
    defaults = load_platform(Template.installed().platform, None, environ={}).facts
    any_stack = Path("stacks", "any")
    for name, source in platform["modules"].items():
        here = os.path.normpath(any_stack / defaults["modules"][name])
        shutil.copytree(SANDBOX / here, folder / os.path.normpath(any_stack / source))
    root = (SANDBOX / "terragrunt.hcl").read_text(encoding="utf-8")
    tiers = json.dumps({name: name for name in platform["tiers"]})
    before, _, _ = root.partition('generate "tiers"')
    block = f'generate "tiers" {{\n  path = "tiers.tf"\n  contents = <<EOF\nlocals {{\n  tiers = {tiers}\n}}\nEOF\n}}\n'
    return infra_of(folder, before + block)


def infra_of(folder: Path, root: str) -> Path:
    """An infra repository with a root ``terragrunt.hcl``."""
    folder.mkdir(exist_ok=True)
    (folder / "terragrunt.hcl").write_text(root, encoding="utf-8")
    return folder


# --- what is refused -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("part", few(1, range(PARTS)))
def test_wrong_stacks_are_refused_and_a_sound_one_is_not(part: int, validator: Validator) -> None:
    names = list(WRONG)[part::PARTS]
    found = verdicts(validator, names)
    assert found.keys() == {name.replace(" ", "-") for name in names}
    for name in names:
        slug = name.replace(" ", "-")
        assert {error.file for error in found[slug]} == {f"stacks/{slug}/main.tf"}
        assert WRONG[name][2] in completed({name: found[slug]})


@full
def test_an_error_tells_its_place(validator: Validator) -> None:
    (error,) = verdicts(validator, ["misspelt attribute"])["misspelt-attribute"]
    assert error.file == "stacks/misspelt-attribute/main.tf"
    assert "replica" in SOUND.replace("replicas = 1", "replica = 1").splitlines()[error.line - 1]


@full
def test_an_error_in_a_shared_module_is_reported_of_those_that_call_it(tmp_path: Path) -> None:
    checkout = tmp_path / "infra"
    shutil.copytree(SANDBOX / "modules", checkout / "modules")
    shutil.copy(SANDBOX / "terragrunt.hcl", checkout)
    (checkout / "modules" / "broken").mkdir()
    (checkout / "modules" / "broken" / "main.tf").write_text('resource "kubernetes_namespace" {\n}\n')
    call = 'module "broken" {\n  source = "../../modules/broken"\n}\n'
    stacks = {f"s{number}": {"main.tf": SOUND + call * (number == 2)} for number in range(5)}
    assert set(Validator(checkout, tmp_path / "validator").errors(stacks)) == {"s2"}


# --- the stand-in itself -------------------------------------------------------------------------------------


@full
def test_what_is_served_is_what_was_recorded(tmp_path: Path) -> None:
    """Terraform's own view of the stand-ins, against the records that they were given."""
    recorded = [json.loads(path.read_text(encoding="utf-8")) for path in SCHEMAS.glob("*.json")]
    assert len(recorded) >= 5
    required = {Path(provider["source"]).name: {"source": provider["source"]} for provider in recorded}
    checkout = infra_of(tmp_path / "infra", "")
    validator = Validator(checkout, tmp_path / "validator")
    root = validator.lay_out({"all": {"main.tf.json": json.dumps({"terraform": {"required_providers": required}})}})
    validator.terraform(root, "init", backend=False)
    served = json.loads(validator.terraform(root, "providers", "schema"))["provider_schemas"]
    for provider in recorded:
        answer = served[f"{REGISTRY}/{provider['source']}"]
        for kind in ("provider", "resource_schemas", "data_source_schemas"):
            known = schemas_of(provider[kind], kind)
            assert without_prose(answer.get(kind, {})) == without_prose(known), provider["source"]


def schemas_of(recorded: dict[str, Any], kind: str) -> dict[str, Any]:
    """What is recorded of one kind, without what only plans need to know."""
    if kind == "provider":
        return dict(schema_of(recorded))
    return {name: schema_of(schema) for name, schema in recorded.items()}


def without_prose(value: Any) -> Any:
    """A schema without what Terraform adds to each block and attribute, which is always plain here."""
    if isinstance(value, dict):
        return {
            key: without_prose(inner) for key, inner in value.items() if (key, inner) != ("description_kind", "plain")
        }
    return value


@full
def test_a_provider_without_a_record_refuses_whatever_is_of_it(tmp_path: Path) -> None:
    checkout = infra_of(
        tmp_path / "infra",
        'generate "providers" {\n  path = "providers.tf"\n  contents = <<EOF\nterraform {\n  required_providers {\n'
        '    other = {\n      source = "somebody/other"\n      version = "~> 2024.10"\n    }\n'
        '    early = {\n      source = "somebody/early"\n      version = "3.0.2-rc07"\n    }\n  }\n}\nEOF\n}\n',
    )
    stacks = {
        "none": {"main.tf": "locals {\n  a = 1\n}\n"},
        "resource": {"main.tf": 'resource "other_thing" "a" {\n}\n'},
        "data": {"main.tf": 'data "early_thing" "a" {\n}\n'},
    }
    found = Validator(checkout, tmp_path / "validator").errors(stacks)
    assert set(found) == {"resource", "data"}
    assert "Invalid resource type" in completed(found)
    assert "Invalid data source" in completed(found)


# --- what Terragrunt adds ------------------------------------------------------------------------------------


def test_the_files_that_terragrunt_generates_are_read() -> None:
    files = generated((SANDBOX / "terragrunt.hcl").read_text(encoding="utf-8"))
    assert set(files) == {"providers.tf", "tiers.tf"}
    assert required_providers(files.values())["cloudflare/cloudflare"] == "~> 4"
    assert 'provider "kubernetes"' in files["providers.tf"]
    below = without_providers(files["providers.tf"])
    assert 'provider "kubernetes"' not in below
    assert "required_providers" in below
    assert 'variable "kube_config_path"' in below


def test_a_computed_file_is_refused() -> None:
    with pytest.raises(AssertionError, match="'a' is computed"):
        generated('generate "a" {\n  path = "a.tf"\n  contents = <<EOF\n${local.a}\nEOF\n}\n')
    with pytest.raises(AssertionError, match="'a' is computed"):
        generated('generate "a" {\n  path = "a.tf"\n  contents = local.a\n}\n')


def test_variables_without_default_are_given_a_value() -> None:
    files = {
        "a.tf": 'variable "a" {}\nvariable "b" {\n  default = 1\n}\n',
        "b.tf": 'variable "c" {\n  type = string\n}\n',
        "c.tf": "not HCL {",
        "README.md": 'variable "d" {}',
    }
    assert required_variables(files) == {"a", "c"}
