"""What would reach out of a rehearsal: removed, or refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from generator.rehearsal.inert import ReachesOutError, inert
from generator.rehearsal.layout import Layout
from generator.rehearsal.terraform import Terraform

COMMAND = 'provisioner "local-exec" {\n    command = "touch TOUCHED"\n  }'
REMOTE = 'connection {\n    host = "192.0.2.1"\n  }\n  provisioner "remote-exec" {\n    inline = ["touch TOUCHED"]\n  }'


@pytest.fixture(scope="module")
def terraform() -> Iterator[Terraform]:
    found = Terraform()
    yield found
    found.close()


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (f'resource "null_resource" "a" {{\n  {COMMAND}\n}}\n', 'resource "null_resource" "a" {\n  \n}\n'),
        (f'resource "null_resource" "a" {{\n  {REMOTE}\n}}\n', 'resource "null_resource" "a" {\n  \n  \n}\n'),
        ('locals {\n  provisioner = "a"\n}\n', 'locals {\n  provisioner = "a"\n}\n'),
        ('module "a" {\n  source = "../b"\n}\n', 'module "a" {\n  source = "../b"\n}\n'),
    ],
)
def test_commands_are_removed(text: str, left: str) -> None:
    assert inert("main.tf", text.encode()).decode() == left


def test_commands_are_removed_from_json() -> None:
    text = b'{"resource": {"null_resource": {"a": {"provisioner": [{"local-exec": {"command": "a"}}]}}}}'
    assert inert("main.tf.json", text) == b'{"resource": {"null_resource": {"a": {}}}}'


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("main.tf", 'module "a" {\n  source = "git::https://192.0.2.1/a.git"\n}\n'),
        ("main.tf", 'module "a" {\n  source = "terraform-aws-modules/vpc/aws"\n}\n'),
        ("main.tf", 'module "a" {\n  source = var.source\n}\n'),
        ("main.tf", 'data "terraform_remote_state" "a" {\n  backend = "http"\n}\n'),
        ("main.tf", 'resource "null_resource" "a" {\n  provisioner "local-exec" {\n'),
        ("main.tf.json", '{"module": {"a": {"source": "a/b/c"}}}'),
        ("main.tf.json", '{"data": {"terraform_remote_state": {"a": {}}}}'),
        ("main.tf.json", "{"),
    ],
)
def test_what_cannot_be_left_out_is_refused(path: str, text: str) -> None:
    with pytest.raises(ReachesOutError, match=path):
        inert(path, text.encode())


def test_nothing_that_a_stack_says_is_carried_out(terraform: Terraform, tmp_path: Path) -> None:
    """Every place for a command, in a stack and in its module, applied and planned with the real Terraform."""
    command = COMMAND.replace("TOUCHED", str(tmp_path / "touched"))
    touch = {"local-exec": {"command": f"touch {tmp_path / 'touched'}"}}
    text = f'resource "null_resource" "a" {{\n  {command}\n}}\nresource "terraform_data" "b" {{\n  {command}\n}}\n'
    files = {
        "stacks/a/main.tf": f'module "m" {{\n  source = "../../modules/m"\n}}\n{text}',
        "modules/m/main.tf": text,
        "stacks/a/more.tf.json": json.dumps({"resource": {"terraform_data": {"c": {"provisioner": [touch]}}}}),
    }
    layout = Layout("stacks/a", {path: content.encode() for path, content in files.items()}, {})
    result = terraform.run(layout, layout)
    assert len(result["plan"]["resource_changes"]) == 5
    assert not list(tmp_path.iterdir())
