"""Withholds the push of an update that a mirror would publish: the mirror stayed public, the repository did not."""

from __future__ import annotations

from generator.base.errors import NewserviceError
from generator.engine.connections import Forge
from generator.fleet.findings import State
from generator.fleet.planning import Task, Verb
from generator.fleet.source import Source


def withheld(forge: Forge, mirror: str, source: Source, task: Task) -> Task:
    """The task, with nothing left to do where its push would become visible to more people than the repository is.

    ``mirror`` is the full name of the service's mirror. It is asked for once, and only where something would be pushed
    to a repository that is not public. Where its visibility can't be seen, nothing is pushed either.
    """
    if task.verb is not Verb.PUSH or not source.closed:
        return task
    try:
        public = forge.mirror_is_public(mirror)
    except NewserviceError as error:
        message = f"nothing was pushed: it can't be seen whether the mirror {mirror} is public ({error.message})"
        return task.now(task.finding.but(State.FAILED, message=message, hint=error.hint))
    if not public:
        return task
    message = f"nothing was pushed: {source.full_name} is not public, and its mirror {mirror} is"
    hint = f"newservice create {task.place.name} makes the mirror private; then run the same command again"
    return task.now(task.finding.but(State.EXPOSED, message=message, hint=hint))
