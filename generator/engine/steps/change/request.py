"""The pull request of a change: opened, or brought up to date where an earlier change opened it."""

from __future__ import annotations

from generator.engine.context import Run
from generator.engine.executor import Done
from generator.engine.plan import Decision
from generator.engine.steps.base import absent, drifted, present
from generator.engine.steps.change.line import Line
from generator.engine.steps.change.text import body, described


def decide_request(line: Line, text: str, *, pending: bool, settled: bool) -> Decision:
    """The decision about a pull request whose section is to be ``text``.

    ``pending``: there is more to commit. ``settled``: no answer is to change any more, and the text stays.
    """
    if line.proposed and line.pull is not None:
        wanted = line.pull.body if settled else described(line.pull.body, text)
        if pending or wanted != line.pull.body:
            return drifted(f"{line.pull.url} says what changes")
        return present(line.pull.url)
    if not line.waits and not pending:
        return present(f"nothing to propose: {line.default} has it")
    return absent(f"{line.branch} into {line.default}")


def request(run: Run, repository: str, line: Line, title: str, text: str) -> Done:
    """Open the pull request of a branch, or change its section; other text of it stays."""
    owner, pull = run.owner, line.pull
    if line.proposed and pull is not None:
        own = pull.title if line.branch == run.infra_branch else title
        run.forgejo.edit_pull_request(owner, repository, pull.number, title=own, body=described(pull.body, text))
        return Done(pull.url, run.fresh().since)
    base = line.default
    run.forgejo.create_pull_request(owner, repository, base=base, head=line.branch, title=title, body=body(text))
    opened = run.fresh()
    made = opened.forgejo.newest_pull_request(owner, repository, base, line.branch)
    return Done(made.url if made else line.branch, opened.since)
