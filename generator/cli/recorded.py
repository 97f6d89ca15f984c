"""The answers that a service was made with, for commands that look at one that exists."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from generator.base.errors import NewserviceError, UsageError
from generator.cli.session import Session
from generator.clients.git import Repository as Clone
from generator.engine.change import Change, change_branch
from generator.engine.commits import RemoteCommit
from generator.engine.connections import open_forge
from generator.engine.context import BRANCH_PREFIX
from generator.engine.ownership import of_tree
from generator.engine.recorded import Recorded, read_recorded
from generator.infra_repo.trees import Folder
from generator.template.answers import resolve


@dataclass(frozen=True)
class Known:
    """What is recorded of a service: its answers ``in_force``, and where its change goes on, if a stack is known.

    ``change`` leads to the answers that wait for review, or to the same ones. ``branches``: of the infra repository.
    """

    in_force: dict[str, Any]
    change: Change | None = None
    branches: frozenset[str] = frozenset()

    @property
    def waiting(self) -> Change | None:
        """The change, where a branch of the infra repository may hold it."""
        return self.change if self.change and change_branch(self.change.name) in self.branches else None


def recorded(session: Session, command: str) -> Known:
    """The answers of a service: those that its stack records on the forge, else those that it was created with.

    None where it can't be found and answers were given. ``command`` is the one that asks, for messages. Raises
    ``UsageError`` without a name, or where nothing is known of it; ``AnswersError`` for what can't be a service's name;
    what the forge raises where it can't be asked.
    """
    name = session.options["name"]
    if not name:
        raise UsageError("usage.name", f"{command} needs the service's name", f"newservice {command} NAME")
    check_name(session, name)
    if known := _on_the_forge(session, name):
        return known
    for found in _recorded(session, name):
        if of_tree(found, name).ours:
            return Known(session.look_back(found))
    if len(session.given()) > 1:
        return Known({})
    raise UsageError(
        "status.unknown",
        f"no answers found for {name}: not in {session.service_dir(name)}, and no stack here or on the forge",
        "check the name, or give the answers with --answers",
    )


def _on_the_forge(session: Session, name: str) -> Known | None:
    """What the stack on the forge records; None where there is none that can be used, or it can't be seen now.

    A folder on this machine may be older than that, for a change leaves it alone.
    """
    from generator.engine.versions import Versions  # heavy, with all that it renders
    from generator.lifecycle.change import Wish, change_of, look
    from generator.template.releases import Releases

    if session.options["no_provision"]:
        return None
    versions = Versions(Releases(), session.platform)
    clone = Clone.open(session.infra)
    try:
        with open_forge(session.platform, session.environ) as forge:
            begun = look(session.platform, versions, forge, clone, name, brief=True)
            if begun is None:
                return None
            change = change_of(versions, begun, Wish())
    except NewserviceError:  # whoever looks at the service next finds the same, and says so
        return None
    finally:
        if clone is not None:
            clone.close()
    merged = begun.line.merged
    in_force = session.look_back(merged if of_tree(merged, name).ours else begun.recorded)
    return Known(in_force, change, frozenset(begun.repository.heads))


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
