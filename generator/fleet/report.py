"""The findings of a fleet command as a file: text, JSON, or a self-contained HTML page."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from generator.base.errors import UsageError
from generator.base.files import write_file
from generator.base.secrets import redact, redacted
from generator.fleet.findings import Finding, State, counted
from generator.infra_repo.registrations.lines import one_line

SCHEMA = 1
"""Version of the JSON report."""

FORMS = (".html", ".json", ".txt")

_GOOD = frozenset({State.CURRENT, State.EDITED, State.ARCHIVED, State.CLEAN})
_UNDER_WAY = frozenset({State.BEHIND, State.WAITING, State.UNFINISHED, State.DECLINED, State.PENDING, State.CHANGED})


@dataclass(frozen=True)
class Report:
    """All findings of one command, in order; ``notes`` are about the run itself."""

    command: str
    platform: str
    template: str
    findings: tuple[Finding, ...]
    made: datetime
    notes: tuple[str, ...] = ()

    @property
    def document(self) -> dict[str, Any]:
        """The report as a JSON object; ``--retry`` reads it."""
        document: dict[str, Any] = {
            "schema": SCHEMA,
            "command": self.command,
            "platform": self.platform,
            "template": self.template,
            "made": self.made.astimezone(UTC).isoformat(timespec="seconds"),
            "counts": counted(self.findings),
            "notes": list(self.notes),
            "services": [finding.document() for finding in self.findings],
        }
        return dict(redacted(document, key=str))


def check_report(path: Path) -> Path:
    """Return the path if a report can be written there. Raises ``UsageError`` otherwise."""
    if path.suffix not in FORMS:
        raise UsageError("fleet.report", f"{path} is not a type of report", f"let it end in {' or '.join(FORMS)}")
    if not path.absolute().parent.is_dir():
        raise UsageError("fleet.report", f"{path}: there is no folder {path.absolute().parent}", "create it first")
    return path


def write_report(report: Report, path: Path) -> None:
    """Write a report atomically, in the form that the path's suffix names. Raises ``UsageError``."""
    form = {".html": as_page, ".json": as_json, ".txt": as_text}[path.suffix]
    try:
        write_file(path, form(report), 0o644)
    except OSError as error:
        raise UsageError("fleet.report", f"{path} can't be written: {error.strerror}", "check --report") from error


def as_json(report: Report) -> str:
    """The report as one JSON object."""
    return json.dumps(report.document, indent=2, ensure_ascii=False) + "\n"


def as_text(report: Report) -> str:
    """The report as text: a line for each tree, and what to do about those that need attention."""
    lines = [f"newservice {report.command}, template {report.template}, {summary(report.findings)}", ""]
    lines += [f"  {one_line(note)}" for note in report.notes] + ([""] if report.notes else [])
    for finding in report.findings:
        lines += lines_of(finding)
    return redact("\n".join(lines) + "\n")


def as_page(report: Report) -> str:
    """The report as a self-contained HTML page without scripts; what needs a person comes first."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    template = environment.get_template("report.html.jinja")
    document = report.document
    services = [{**item, "tone": tone(State(item["state"]))} for item in document["services"]]
    services.sort(key=lambda item: list(reversed(_SIGNS)).index(item["tone"]))
    return template.render({**document, "services": services, "counts": _toned(report)})


def summary(findings: Sequence[Finding]) -> str:
    """The number of findings in each state, in one line."""
    counts = ", ".join(f"{count} {state}" for state, count in counted(findings).items())
    return counts or "no service was found"


def lines_of(finding: Finding) -> list[str]:
    """One tree as text: a line, followed by its files and remedy where they matter."""
    place = finding.place
    versions = f"{finding.version} -> {finding.to}" if finding.version != finding.to else finding.version
    name, state = one_line(place.name), finding.state
    head = f"  {_SIGNS[tone(state)]} {name:<24} {place.layer:<8} {versions:<16} {state.value:<11}"
    details = " ".join(part for part in (finding.action, finding.url, finding.message) if part)
    lines = [f"{head} {one_line(details)}".rstrip()]
    lines += [
        f"      {file.action:<11} {one_line(file.path)}" for file in finding.files if finding.state in _WITH_FILES
    ]
    if finding.remedy and tone(finding.state) == "bad":
        lines.append(f"      {one_line(finding.remedy)}")
    return lines


def tone(state: State) -> str:
    """Whether a state is good, under way, or needs a person."""
    return "good" if state in _GOOD else "open" if state in _UNDER_WAY else "bad"


_SIGNS = {"good": "=", "open": "~", "bad": "!"}
_WITH_FILES = frozenset({State.CONFLICT, State.EDITED, State.DIRTY, State.BEHIND, State.CHANGED})


def _toned(report: Report) -> list[dict[str, Any]]:
    counts = counted(report.findings)
    return [{"state": state, "count": count, "tone": tone(State(state))} for state, count in counts.items()]
