"""With ``-v``, a table of what was asked, assumed and left out for each application of the corpus."""

from __future__ import annotations

import pytest

from .table import HEAD, PROPERTY


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if terminalreporter.verbosity < 1:
        return
    reports = [*terminalreporter.getreports("passed"), *terminalreporter.getreports("failed")]
    rows = {str(value) for report in reports for name, value in report.user_properties if name == PROPERTY}
    if rows:
        terminalreporter.section("imported Compose files")
        terminalreporter.write_line("\n".join([HEAD, *sorted(rows)]))
