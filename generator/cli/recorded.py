"""The answers of a service that exists, or was begun: the one place that finds them, for every command."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from generator.base.errors import (
    AnswersError,
    NewserviceError,
    PreflightError,
    RefusedError,
    SystemFailure,
    UsageError,
)
from generator.base.memo import run_parallel
from generator.cli.session import Session
from generator.clients.git import Repository as Clone
from generator.engine.answers_file import answers_place, forget_answers, read_answers
from generator.engine.change import Change, change_branch
from generator.engine.commits import RemoteCommit
from generator.engine.connections import Forge, open_forge
from generator.engine.ownership import of_tree
from generator.engine.project import BRANCH_PREFIX
from generator.engine.recorded import Recorded, read_recorded
from generator.engine.renamed import refuse_missing_infra_branch
from generator.fleet.snapshot import made_stacks
from generator.infra_repo.trees import Folder
from generator.template.amendment import Amendment
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
    what the forge raises where it can't be asked and nothing on this machine knows the service.
    """
    name = session.options["name"]
    if not name:
        raise UsageError("usage.name", f"{command} needs the service's name", f"newservice {command} NAME")
    check_name(session, name)
    if known := _with_its_change(session, name):
        return known
    if found := _find(session, name):
        return Known(session.look_back(found))
    if len(session.given()) > 1:
        return Known({})
    raise unknown(session, name)


def continued(session: Session) -> dict[str, Any]:
    """What was given, and where the service exists already or was begun, its recorded answers to everything else.

    What can't be seen now is reported by the plan, unless it is needed for answers: then it is mentioned.
    """
    given = session.given()
    name = given.get("name")
    if not isinstance(name, str):
        return given
    try:
        check_name(session, name)
        found = session.proposed or _find(session, name)
    except AnswersError:  # reported with everything else that is wrong
        return given
    except NewserviceError as error:
        if incomplete(session, given):
            session.reporter.progress(f"whether {name} exists is not known: {error.message}")
        return given
    if not found:
        return {**session.found, **given}
    _refuse_other_template(session, found)
    session.reporter.progress(f"continuing with the answers recorded in {found.place}")
    return {**session.look_back(found), **_followed(session, found, given), **given}


def adopted_before(session: Session, forge: Forge, name: str) -> bool:
    """Whether a stack or the repository itself records the answers of an adopted service: then they count.

    The proposal of an adoption counts as well. Raises ``RefusedError`` for a service that newservice made.
    """
    found = session.proposed = _first(name, recorded_on(session, forge, name))
    if found is not None and found.values.get("adopted") is not True:
        raise RefusedError(
            "adopt.made",
            f"{name} was made by newservice: there is nothing to adopt",
            f"newservice create {name} continues it, and newservice change {name} changes it",
        )
    return found is not None


def _at(forge: Forge, owner: str, repository: str, branch: str, prefix: str) -> Recorded:
    return read_recorded(RemoteCommit(forge.api, owner, repository, branch), prefix)


def _refuse_other_template(session: Session, found: Recorded) -> None:
    """Raise ``RefusedError`` where ``--template`` names another version than the one that made the service."""
    chosen = session.options.get("template")
    if chosen and not found.problem and str(found.version) != session.template.version:
        raise RefusedError(
            "template.recorded",
            f"{found.name} was made with template {found.version}, and --template says {chosen}",
            "leave --template out to continue; `newservice update` brings the newest version",
        )


def _followed(session: Session, found: Recorded, given: dict[str, Any]) -> dict[str, Any]:
    """The recorded answers that follow from given ones, so that these are compared and not what they lead to."""
    from generator.engine.versions import Versions  # heavy, with all that it renders
    from generator.template.releases import Releases

    versions = Versions(Releases(), session.platform)
    if not versions.knows(found):
        return {}
    try:
        return versions.made_by(found).follow(found, Amendment(given, replaced=frozenset(given)))
    except AnswersError:  # reported with everything else that is wrong
        return {}


def incomplete(session: Session, given: dict[str, Any]) -> bool:
    """Whether answers are missing, and nothing else is wrong with them."""
    try:
        session.answers(given)
    except AnswersError as error:
        return all(problem.code == "answer.missing" for problem in error.problems)
    return False


def planned_for(session: Session, name: str, version: str) -> None:
    """Use the version of the template that a plan was made with, for a new service or one that is recorded as its.

    Does nothing where that can't be seen, or the version is not known: then the plan no longer matches.
    """
    if version == session.template.version:
        return
    with suppress(NewserviceError):
        found = _find(session, name)
        if not found:
            session.use_template(version)
        elif not found.problem and str(found.version) == version:
            session.look_back(found)


def kept_file(name: str) -> Path | None:
    """The file in which an earlier run kept the service's answers."""
    return answers_place(name, Path.cwd()) if name and read_answers(name, Path.cwd()) else None


def forget_kept(session: Session, name: str) -> None:
    """Delete what was kept of the answers: a repository records them now."""
    for path in filter(None, (session.kept, kept_file(name))):
        forget_answers(path)


def _with_its_change(session: Session, name: str) -> Known | None:
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
    resolve(session.template, asked, {"name": name}, {"platform": session.facts})


def unknown(session: Session, name: str) -> UsageError:
    """The error for a service of which nothing is known; it names services with a similar name."""
    near = difflib.get_close_matches(name, {*_names(session)}, n=3)
    wrong = f"did you mean {' or '.join(near)}? Otherwise check the name" if near else "check the name"
    where = "" if session.options["no_provision"] else ", and no stack on the forge"
    return UsageError(
        "status.unknown",
        f"no answers found for {name}: none in {session.service_dir(name)}, no stack in {session.infra}{where}",
        f"{wrong}, or give the answers with --answers",
    )


def _find(session: Session, name: str) -> Recorded | None:
    """What the stack records on the forge, merged or waiting for review; else what this machine knows.

    Raises what the forge raises where it can't be asked and nothing here knows the service.
    """
    blind: NewserviceError | None = None
    try:
        found = None if session.options["no_provision"] else _first(name, _on_the_forge(session, name))
    except (PreflightError, SystemFailure) as error:
        found, blind = None, error
    found = found or _first(name, _here(session, name))
    if found is None and blind is not None:
        raise blind
    return found


def _first(name: str, places: Iterator[Recorded]) -> Recorded | None:
    return next((found for found in places if of_tree(found, name).ours), None)


def _on_the_forge(session: Session, name: str) -> Iterator[Recorded]:
    with open_forge(session.platform, session.environ) as forge:
        yield from recorded_on(session, forge, name)


def recorded_on(session: Session, forge: Forge, name: str) -> Iterator[Recorded]:
    """What the forge records of a service: its stack, merged or proposed; else the same of an adopted repository."""
    platform = session.platform
    infra, proposed = platform.infra, f"{BRANCH_PREFIX}{name}"
    places = [(infra.repository, branch, infra.stack(name)) for branch in (infra.branch, proposed)]
    places += [(name, branch, "") for branch in (platform.forgejo.branch, proposed)]
    found = run_parallel(*(partial(_at, forge, platform.forgejo.owner, *place) for place in places))
    yield from found[:2]
    yield from (recorded for recorded in found[2:] if recorded.values.get("adopted") is True)


def _here(session: Session, name: str) -> Iterator[Recorded]:
    yield read_recorded(Folder.behind(session.infra), session.platform.infra.stack(name))
    yield read_recorded(Folder.at(session.service_dir(name)))
    yield read_answers(name, Path.cwd())


def _names(session: Session) -> list[str]:
    """Services that exist or wait for review; those of the clone where the forge can't be asked."""
    infra = session.platform.infra
    local = Folder.behind(session.infra).folders(infra.stacks)
    if session.options["no_provision"]:
        return local
    look: Callable[[Forge], list[str]] = partial(_names_on, session)
    try:
        with open_forge(session.platform, session.environ) as forge:
            return look(forge)
    except (PreflightError, SystemFailure):
        return local


def _names_on(session: Session, forge: Forge) -> list[str]:
    owner, infra = session.platform.forgejo.owner, session.platform.infra
    heads = forge.api.branches(owner, infra.repository)
    refuse_missing_infra_branch(forge.api, session.platform, heads)
    waiting = [branch.removeprefix(BRANCH_PREFIX) for branch in heads if branch.startswith(BRANCH_PREFIX)]
    merged = made_stacks(forge.api.tree(owner, infra.repository, infra.branch), infra.stacks)
    return [*merged, *waiting]
