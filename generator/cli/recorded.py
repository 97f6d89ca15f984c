"""The answers that a service was made with, for commands that look at one that exists."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from generator.base.errors import UsageError
from generator.cli.session import Session
from generator.engine.commits import RemoteCommit
from generator.engine.connections import open_forge
from generator.engine.context import BRANCH_PREFIX
from generator.engine.ownership import of_tree
from generator.engine.recorded import Recorded, read_recorded
from generator.infra_repo.trees import Folder
from generator.template.answers import resolve


def recorded(session: Session, command: str) -> dict[str, Any]:
    """The answers that the service was made with; none where it can't be found and answers were given.

    ``command`` is the one that asks, for messages. Raises ``UsageError`` without a name, or where nothing is known of
    it; ``AnswersError`` for what can't be a service's name; what the forge raises where it can't be asked.
    """
    name = session.options["name"]
    if not name:
        raise UsageError("usage.name", f"{command} needs the service's name", f"newservice {command} NAME")
    check_name(session, name)
    for found in _recorded(session, name):
        if of_tree(found, name).ours:
            return session.look_back(found)
    if len(session.given()) > 1:
        return {}
    raise UsageError(
        "status.unknown",
        f"no answers found for {name}: not in {session.service_dir(name)}, and no stack here or on the forge",
        "check the name, or give the answers with --answers",
    )


def check_name(session: Session, name: str) -> None:
    """Raise ``AnswersError`` for what can't be a service's name, before a path is made of it."""
    names = [question.name for question in session.questions]
    asked = session.questions[: names.index("name") + 1]
    resolve(session.template, asked, {"name": name}, {"platform": session.platform.facts})


def _recorded(session: Session, name: str) -> Iterator[Recorded]:
    """What is recorded where a service's answers may be: its folder, the infra clone, and the forge's branches."""
    infra = session.platform.infra
    stack = infra.stack(name)
    yield read_recorded(Folder(session.service_dir(name)))
    yield read_recorded(Folder(session.infra), stack)
    if session.options["no_provision"]:
        return
    owner = session.platform.forgejo.owner
    with open_forge(session.platform, session.environ) as forge:
        for branch in (infra.branch, f"{BRANCH_PREFIX}{name}"):
            yield read_recorded(RemoteCommit(forge.api, owner, infra.repository, branch), stack)
