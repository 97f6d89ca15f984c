"""What became of each application, as rows of a table: what was asked, assumed and left out."""

from __future__ import annotations

from .corpus import Application
from .found import Imported

HEAD = "| application | as documented | asked | assumed | not expressed | kept in Vault |\n|---|---|---|---|---|---|"
PROPERTY = "imported"
"""Under which a test records the row of its application."""


def row(application: Application, imported: Imported, wrong: list[str]) -> str:
    """One line of Markdown."""
    asked = sorted({finding.question for finding in imported.said("missing")})
    assumed = sorted({finding.question.partition(".")[0] for finding in imported.said("assumed")} - {""})
    left = [finding.path.removeprefix("services.") or finding.question for finding in imported.said("unexpressed")]
    secret = sorted(finding.question.rpartition(".")[2] for finding in imported.said("secret"))
    lists = [", ".join(dict.fromkeys(words)) or "nothing" for words in (asked, assumed, left, secret)]
    return f"| {' | '.join([application.name, '; '.join(wrong) or 'yes', *lists])} |"
