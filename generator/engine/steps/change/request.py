"""The pull request of a change: opened, or updated where an earlier change opened it."""

from __future__ import annotations

from generator.engine.context import Run
from generator.engine.executor import Done
from generator.engine.plan import Decision
from generator.engine.steps.base import absent, drifted, present
from generator.engine.steps.change.line import TITLE, Line
from generator.engine.steps.change.text import body, described, says


def decide_request(line: Line, text: str, *, pending: bool) -> Decision:
    """The decision about a pull request whose section is to be ``text``, empty where that has nothing to say.

    ``pending``: there is more to commit.
    """
    if line.proposed and line.pull is not None:
        outdated = pending or (text and not says(line.pull.body, text))
        return drifted(f"{line.pull.url} says what changes") if outdated else present(line.pull.url)
    if not line.waits and not pending:
        return present(f"nothing to propose: {line.default} has it")
    return absent(f"{line.branch} into {line.default}")


def request(run: Run, repository: str, line: Line, title: str, text: str) -> Done:
    """Open the pull request of a branch, or change its section; other text of it stays, and so does a title by people,
    which may say that it is a draft."""
    owner, pull = run.owner, line.pull
    if line.proposed and pull is not None:
        own = title if pull.title.startswith(TITLE.format(name=run.name)) else pull.title
        text = described(pull.body, text) if text else pull.body
        run.forgejo.edit_pull_request(owner, repository, pull.number, title=own, body=text)
        return Done(pull.url, run.fresh().since)
    return opened(run, repository, line.default, line.branch, title, body(text))


def opened(run: Run, repository: str, base: str, head: str, title: str, text: str) -> Done:
    """Open the pull request of a branch; returns its address or the branch's name."""
    run.forgejo.create_pull_request(run.owner, repository, base=base, head=head, title=title, body=text)
    view = run.fresh()
    made = view.forgejo.newest_pull_request(run.owner, repository, base, head)
    return Done(made.url if made else head, view.since)
