"""Woodpecker's pipeline: its substitution, then its commands in a shell with a stand-in for kubectl."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from generator.template.template import Template

from .conftest import rendered
from .trees import VARIANTS, Tree, load_yaml

IMAGE = {"IMAGE_NAME": "ghcr.io/viktorbarzin/null", "IMAGE_TAG": "01234567"}
LOOKED = "-n guides get deployment/null --ignore-not-found --output name"


def substituted(text: str, known: dict[str, str]) -> str:
    """What Woodpecker makes of a pipeline's text: ``${X}`` is a value or empty, ``$${X}`` stays as ``${X}``."""
    return re.sub(
        r"\$?\$\{(\w+)\}",
        lambda match: match[0][1:] if match[0].startswith("$$") else known.get(match[1], ""),
        text,
    )


# Up to 3.17 a pipeline's variables are substituted too; after it they only reach the steps' environment.
@pytest.fixture(params=[{}, IMAGE], ids=["unknown-when-substituted", "known-when-substituted"])
def commands(request: pytest.FixtureRequest, richest: Tree) -> list[str]:
    pipeline = load_yaml(substituted(richest.read(".woodpecker/deploy.yml"), request.param))
    return [str(command) for command in pipeline["steps"][0]["commands"]]


def run(
    commands: list[str], folder: Path, variables: dict[str, str], *, fails: str = "-", applied_at: int = 1
) -> tuple[int, list[str], str]:
    """Run the commands as a step does: one after another until one fails.

    ``fails`` is the kubectl command that does; the Deployment exists when it is looked for the ``applied_at``-th time.
    """
    kubectl, calls = folder / "kubectl", folder / "calls"
    kubectl.write_text(
        f"""#!/bin/sh
echo "$*" >> {calls}
printf "%s\\0" "$@" > {folder}/arguments
case "$*" in
*" {fails} "*) echo "Error from server (Forbidden)" >&2; exit 3 ;;
*" get "*) [ "$(grep -c " get " {calls})" -lt {applied_at} ] || echo deployment.apps/null ;;
esac
""",
        encoding="utf-8",
    )
    (folder / "sleep").write_text(f'#!/bin/sh\necho "sleep $*" >> {calls}\n', encoding="utf-8")
    for program in (kubectl, folder / "sleep"):
        program.chmod(0o755)
    script = "\n".join(["set -e", *commands])
    environment = {"PATH": f"{folder}:/usr/bin:/bin", **variables}
    done = subprocess.run(["sh", "-c", script], env=environment, capture_output=True, text=True)
    return done.returncode, calls.read_text(encoding="utf-8").splitlines() if calls.exists() else [], done.stderr


def test_sets_the_image_and_waits(commands: list[str], tmp_path: Path) -> None:
    status, calls, _ = run(commands, tmp_path, IMAGE)
    assert status == 0
    assert calls == [
        LOOKED,
        "-n guides set image deployment/null null=ghcr.io/viktorbarzin/null:01234567",
        "-n guides rollout status deployment/null --timeout=300s",
    ]


@pytest.mark.parametrize(
    "value",
    [
        *("1.0 deployment/other=evil", " ", "--all=true x", "a\tb", "1.0\n2.0", "*", "~", "$HOME", "$(id)", "`id`"),
        *("a; exit 0", "a && false", "a'b", 'a"b', "a\\b", "ünï cödé", "${{ github.token }}", "${IMAGE_NAME}"),
    ],
)
@pytest.mark.parametrize("name", IMAGE)
def test_a_value_of_the_trigger_is_one_word(richest: Tree, tmp_path: Path, name: str, value: str) -> None:
    """Whoever may start the pipeline chooses its variables: a shell must neither split nor run them."""
    pipeline = load_yaml(substituted(richest.read(".woodpecker/deploy.yml"), {}))
    given = IMAGE | {name: value}
    status, _, _ = run([str(pipeline["steps"][0]["commands"][3])], tmp_path, given)
    words = (tmp_path / "arguments").read_text(encoding="utf-8").split("\0")
    image = f"null={given['IMAGE_NAME']}:{given['IMAGE_TAG']}"
    assert (status, words) == (0, ["-n", "guides", "set", "image", "deployment/null", image, ""])


def test_the_migration_runs_with_the_new_image_too(trees: dict[str, Tree], tmp_path: Path) -> None:
    pipeline = load_yaml(substituted(trees["worker"].read(".woodpecker/deploy.yml"), {}))
    _, calls, _ = run([str(command) for command in pipeline["steps"][0]["commands"]], tmp_path, IMAGE)
    image = "ghcr.io/viktorbarzin/null:01234567"
    assert calls[1] == f"-n city-guide set image deployment/city-guide city-guide={image} migrate={image}"


def test_names_of_an_adopted_stack(template: Template, tmp_path: Path) -> None:
    names = {"deployment": "guide-web", "container": "app"}
    tree = rendered(template, {**VARIANTS["none-private"], "namespace": "guides", "names": names}, tmp_path / "tree")
    pipeline = load_yaml(substituted(tree.read(".woodpecker/deploy.yml"), {}))
    _, calls, _ = run([str(command) for command in pipeline["steps"][0]["commands"]], tmp_path, IMAGE)
    assert calls == [
        "-n guides get deployment/guide-web --ignore-not-found --output name",
        "-n guides set image deployment/guide-web app=ghcr.io/viktorbarzin/null:01234567",
        "-n guides rollout status deployment/guide-web --timeout=300s",
    ]
    assert "`guide-web` in the namespace `guides`" in tree.read("README.md")


@pytest.mark.parametrize("missing", IMAGE)
@pytest.mark.parametrize("empty", [True, False], ids=["empty", "unset"])
def test_refuses_an_image_that_is_not_named(commands: list[str], tmp_path: Path, missing: str, empty: bool) -> None:
    variables = {name: value for name, value in IMAGE.items() if name != missing}
    if empty:
        variables[missing] = ""
    status, calls, said = run(commands, tmp_path, variables)
    assert (status, calls) == (1, [])
    assert missing in said


@pytest.mark.parametrize(("fails", "called"), [("get", 1), ("set", 2), ("rollout", 3)])
def test_fails_with_kubectl(commands: list[str], tmp_path: Path, fails: str, called: int) -> None:
    """A cluster that can't be asked is no reason to wait."""
    status, calls, said = run(commands, tmp_path, IMAGE, fails=fails)
    assert (status, len(calls)) == (3, called)
    assert "Forbidden" in said


def test_waits_for_a_stack_that_is_applied_later(commands: list[str], tmp_path: Path) -> None:
    status, calls, _ = run(commands, tmp_path, IMAGE, applied_at=4)
    assert status == 0
    assert calls[:-2] == [LOOKED, *["sleep 10", LOOKED] * 3]
    assert [call.split()[2] for call in calls[-2:]] == ["set", "rollout"]


def test_a_stack_that_is_never_applied_is_named(commands: list[str], tmp_path: Path) -> None:
    """Ten minutes; then nothing was changed, and the last line says what to do."""
    status, calls, said = run(commands, tmp_path, IMAGE, applied_at=1000)
    assert status == 1
    assert calls == [LOOKED, *["sleep 10", LOOKED] * 60]
    assert said.splitlines()[-1] == (
        "The stack is not applied yet: merge it, and once it is applied run: newservice create null"
    )


def test_a_platform_may_wait_for_no_stack(other_platform: Tree, tmp_path: Path) -> None:
    commands = [str(command) for command in other_platform.pipeline["steps"][0]["commands"]]
    _, calls, _ = run(commands, tmp_path, IMAGE)
    assert [call.split()[2] for call in calls] == ["set", "rollout"]
