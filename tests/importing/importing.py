"""Runs ``import compose`` on an application of the corpus, in this process, and reads what it says."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import yaml

from tests.invoke import Command

from .corpus import Application
from .found import Finding, Imported


def import_application(command: Command, application: Application, folder: Path) -> Imported:
    """What the command says in JSON, and the answers file that it wrote. ``folder`` is empty, and gets a copy."""
    place, out = folder / application.name, folder / "answers.yml"
    shutil.copytree(application.file.parent, place, ignore=shutil.ignore_patterns("expected.yml"))
    chosen = application.expected.get("choose")
    more = ("--service", chosen) if chosen else ()
    done = command("import", "compose", place / "compose.yml", "--out", out, *more, "--json")
    written = out.read_text(encoding="utf-8") if out.exists() else ""
    events = [json.loads(line) for line in done.out.splitlines()]
    findings = tuple(
        Finding(event["kind"], event["question"] or "", event["message"], event["origin"] or "")
        for event in events
        if event["event"] == "finding"
    )
    errors = tuple(Finding("error", event["code"], event["message"]) for event in events if event["event"] == "error")
    answers = yaml.safe_load(written) or {}
    documents = [event["document"] for event in events if event["event"] == "answers"]
    assert not written or documents == [answers], "the file and the output differ"
    return Imported(done.code, answers, findings + errors, done.out + done.err + written)
