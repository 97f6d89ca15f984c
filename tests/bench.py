"""How long commands take against copier's own, as ratios of medians measured in turns in one run."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml

from generator.template.release_check import plain_template
from generator.template.template import Template
from tests import speed
from tests.answers import RICH
from tests.checkout import infra_checkout
from tests.fleet import bench as fleet

ROUNDS = 5
BIN = Path(sys.executable).parent


def seconds(*command: str) -> float:
    """Wall time of one whole process. Raises ``CalledProcessError`` when it fails."""
    started = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - started


def ratio(title: str, ours: list[str], theirs: list[str], target: float) -> None:
    """Both in turns, so that a machine that gets slower does so for both. ``target``: the most that it may be."""
    pairs = [(seconds(*ours), seconds(*theirs)) for _ in range(ROUNDS + 1)][1:]
    mine, other = (statistics.median(column) for column in zip(*pairs, strict=True))
    completed = f"target {target}: {'met' if mine / other <= target else 'missed'}"
    sys.stdout.write(f"{title:<48} {mine:6.3f} s / {other:6.3f} s = {mine / other:.2f} ({completed})\n")


def main() -> None:
    """Print one line for each comparison."""
    newservice, copier = str(BIN / "newservice"), str(BIN / "copier")
    for flag in ("--version", "--help"):
        ratio(f"newservice {flag} / copier --version", [newservice, flag], [copier, "--version"], 0.3)
    click = [sys.executable, "-c", "import click"]
    ratio("newservice --version / python -c 'import click'", [newservice, "--version"], click, 1.5)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        template = plain_template(Template.installed(), place / "template")
        answers = place / "answers.yml"
        answers.write_text(yaml.safe_dump(RICH))
        infra = infra_checkout(place / "infra")
        plan = [newservice, "plan", "--answers", str(answers), "--no-provision", "--infra", str(infra)]
        copy = [copier, "copy", "--defaults", "--overwrite", "--quiet", "--data-file", str(answers)]
        for layer in ("service", "stack"):
            target = str(place / f"copied-{layer}")
            theirs = [*copy, "--data", f"layer={layer}", str(template), target]
            ours = [*plan, "--service-dir", str(place / "x")]
            ratio(f"plan of both layers / copier copy of the {layer}", ours, theirs, 0.3)
    speed.main()
    fleet.main()


if __name__ == "__main__":
    main()
