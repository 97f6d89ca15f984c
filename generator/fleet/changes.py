"""Changes of services that are under way, as the fleet sees them. Pure."""

from __future__ import annotations

from generator.base.errors import AnswersError, RefusedError
from generator.engine.change import answers_of
from generator.engine.recorded import Recorded
from generator.engine.versions import Versions
from generator.fleet.findings import Finding, State
from generator.template.files import ANSWERS_FILE

SETTLED = frozenset({State.CURRENT, State.BEHIND, State.EDITED})
"""The states of trees that can be read, and of which nothing else is the matter."""


def in_review(finding: Finding, url: str) -> Finding:
    """The finding for a tree whose change waits for review."""
    message = "; ".join(filter(None, ("a change waits for review", finding.message)))
    return finding.but(State.WAITING, url=url, message=message, hint=f"review and merge {url}")


def unfinished(finding: Finding, message: str) -> Finding:
    """The finding for a tree whose change has stopped, or has reached only one of a service's two trees."""
    return finding.but(State.UNFINISHED, message=message, hint=f"newservice change {finding.place.name}")


def parted(versions: Versions, stack: Recorded, service: Recorded) -> tuple[str, ...]:
    """The questions in which a service's repository differs from its stack, where that makes other files there.

    A change leaves a repository alone whose files stay the same, and so does its record of the answers.
    """
    try:
        _, public = versions.made_by(stack).split(stack)
        differing = service.differing(public)
        if not differing:
            return ()
        maker = versions.made_by(service)
        ends = (maker.answers(service), answers_of(maker, service, public, {}))
        before, after = (maker.files(answers, without=(ANSWERS_FILE,)) for answers in ends)
    except (RefusedError, AnswersError):  # what can't be read is said where the tree is looked at
        return ()
    return () if {*before} == {*after} else differing
