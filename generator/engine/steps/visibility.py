"""How visible the copies of a service's code may be: no copy more than any other that exists.

A copy is closed whenever that is wanted, and opened only where a person agreed to it (``Run.opens``).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from generator.base.errors import SystemFailure
from generator.base.memo import quietly, run_parallel
from generator.clients.forgejo import Repository
from generator.clients.github import Mirror
from generator.engine.context import Run
from generator.engine.plan import Decision
from generator.engine.steps.base import absent, drifted, present


class Visibility(StrEnum):
    """Who may see a copy. Internal: not everyone, but more people than those who were let in."""

    PRIVATE = "private"
    INTERNAL = "internal"
    PUBLIC = "public"


class Treatment(StrEnum):
    """What is to be done about one copy."""

    CREATE_PRIVATE = "create private"
    CREATE_PUBLIC = "create public"
    CLOSE = "close"
    OPEN = "open"
    LEAVE = "leave"


@dataclass(frozen=True)
class Copies:
    """What the answers want, and how visible each copy is; None for one that does not exist.

    ``opens``: a private one is opened where the answers want it public.
    """

    wants_private: bool
    forgejo: Visibility | None
    github: Visibility | None
    opens: bool = False

    @property
    def closed(self) -> bool:
        """Whether no copy may be public: the answers say so, or one that exists is not and stays so."""
        hidden = not {self.forgejo, self.github} <= {None, Visibility.PUBLIC}
        return self.wants_private or (hidden and not self.opens)

    @property
    def treatment_of_forgejo(self) -> Treatment:
        """What is to be done about the canonical repository.

        There ``internal`` comes from the repository's owner. So its own flag is set where the answers want private.
        """
        if self.wants_private and self.forgejo is Visibility.INTERNAL:
            return Treatment.CLOSE
        return self._treatment(self.forgejo)

    @property
    def treatment_of_github(self) -> Treatment:
        """What is to be done about the mirror. There ``internal`` is the mirror's own setting, and stays."""
        return self._treatment(self.github)

    def _treatment(self, copy: Visibility | None) -> Treatment:
        if copy is None:
            return Treatment.CREATE_PRIVATE if self.closed else Treatment.CREATE_PUBLIC
        if self.opens and not self.closed and copy is Visibility.PRIVATE:
            return Treatment.OPEN
        return Treatment.CLOSE if self.closed and copy is Visibility.PUBLIC else Treatment.LEAVE


def wants_private(run: Run) -> bool:
    """Whether the answers want repository and mirror private: both are to be as visible as the image."""
    return run.answers.private_image


def copies_of(run: Run, canonical: Repository | None, mirror: Mirror | None) -> Copies:
    """Both copies as they were seen. Pure."""
    forgejo = github = None
    if canonical is not None:
        hidden = Visibility.INTERNAL if canonical.limited else Visibility.PUBLIC
        forgejo = Visibility.PRIVATE if canonical.private else hidden
    if mirror is not None:
        hidden = Visibility.INTERNAL if mirror.internal else Visibility.PRIVATE
        github = hidden if mirror.private else Visibility.PUBLIC
    return Copies(wants_private(run), forgejo, github, run.opens)


def glance(run: Run) -> None:
    """Look at both copies, beside what else is looked at, for the check before a push, which meets a failure."""
    run_parallel(quietly(run.canonical), quietly(run.mirror_repository))


def look_again(run: Run) -> Copies:
    """Both copies as they are now: as they were seen in this pass only where that began a moment ago.

    Raises ``SystemFailure`` or ``PreflightError`` where one can't be seen.
    """
    view = run if run.recent else run.fresh()
    run_parallel(view.canonical, view.mirror_repository)
    return copies_of(view, view.canonical(), view.mirror_repository())


def decide_forgejo(copies: Copies, where: str) -> Decision:
    """The decision about the canonical repository, which ``where`` names. Pure."""
    words = f"{copies.github} on GitHub"
    return _decide(copies, copies.treatment_of_forgejo, where, copies.forgejo, "repository", words)


def decide_github(copies: Copies, where: str) -> Decision:
    """The decision about the mirror, which ``where`` names. Pure."""
    words = f"{copies.forgejo} on Forgejo"
    return _decide(copies, copies.treatment_of_github, where, copies.github, "mirror", words)


def _decide(
    copies: Copies, treatment: Treatment, where: str, own: Visibility | None, kind: str, elsewhere: str
) -> Decision:
    if treatment is Treatment.CREATE_PUBLIC:
        return absent(f"{where}, public")
    if treatment is Treatment.CREATE_PRIVATE:
        because = "" if copies.wants_private else f": {elsewhere}, so the {kind} is created private"
        return absent(f"{where}{because or ', private'}")
    if treatment is Treatment.CLOSE:
        return drifted(f"{where} becomes private{'' if copies.wants_private else f', as it is {elsewhere}'}")
    if treatment is Treatment.OPEN:
        return drifted(f"{where} becomes public")
    as_wanted = own is (Visibility.PRIVATE if copies.wants_private else Visibility.PUBLIC)
    return present(f"{where} exists{'' if as_wanted else f'; it is {own} there, and stays so'}")


def check_before_push(
    run: Run, else_first: Callable[[Run], None] = lambda _: None, again: str = "run the same command again"
) -> None:
    """Look at both copies again; see ``look_again``. Raises ``SystemFailure`` where one has to be closed first.

    The steps close it before anything is pushed. What is found here was changed since then. ``else_first`` is called
    before the failure is raised; ``again`` says what closes it.
    """
    copies = look_again(run)
    treatments = {
        f"{run.owner}/{run.name} on Forgejo": copies.treatment_of_forgejo,
        f"{run.mirror} on GitHub": copies.treatment_of_github,
    }
    exposed = [name for name, treatment in treatments.items() if treatment is Treatment.CLOSE]
    if exposed:
        else_first(run)
        raise SystemFailure(
            "visibility.differs",
            f"{' and '.join(exposed)} became visible to more people than the service may be; nothing was pushed",
            f"{again}: it makes the repository private first",
        )
