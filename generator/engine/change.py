"""A change of a service that exists: the answers that it has, and those that it is to have. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from generator.engine.recorded import Recorded
from generator.engine.versions import Maker, Versions
from generator.template.amendment import AnswerChange, combined, differences
from generator.template.answers import Answers, resolve

CHANGE_PREFIX = "newservice-change/"
"""What the branches that change a service begin with, in the infra repository and in the service's own."""


def change_branch(name: str) -> str:
    """The branch on which a service's change waits for review, where no onboarding does."""
    return f"{CHANGE_PREFIX}{name}"


@dataclass(frozen=True)
class Change:
    """From the answers that a stack records to ``wanted``, all made by one version of the template.

    ``start`` is the record that ``wanted`` follows from: of the default branch, or of the branch that waits for review.
    ``before`` are the answers in force: those of the default branch, or ``start``'s where the stack is not merged.
    ``differing`` is what is asked for now; ``proposed`` what differs from the default branch in the end.
    ``waits``: a branch proposes answers already, whose systems may have followed them. ``onboarding``: the stack itself
    is not merged yet. ``served``: the answers whose secrets and registration the systems may still have: those in force
    or, once the end of CI is merged, the ones before that.
    """

    versions: Versions
    maker: Maker
    start: Recorded
    before: Answers
    wanted: Answers
    differing: tuple[AnswerChange, ...] = ()
    waits: bool = False
    onboarding: bool = False
    served: Answers | None = None

    @property
    def name(self) -> str:
        """The service's name."""
        return self.wanted.name

    @property
    def proposed(self) -> tuple[AnswerChange, ...]:
        """What differs between the answers in force and the wanted ones."""
        return masked(self.maker, differences(self.before.public, self.wanted.public))

    def concerns(self, recorded: Recorded) -> bool:
        """Whether a tree records one of the change's ends, and not what someone else made of it meanwhile."""
        ends = (dict(self.start.values), self.wanted.public)
        return any(all(recorded.values.get(key) == value for key, value in end.items()) for end in ends)


def masked(maker: Maker, differing: Iterable[AnswerChange]) -> tuple[AnswerChange, ...]:
    """The same, without what could be a secret's value by mistake."""
    quiet = {question.name for question in maker.questions if question.quiet}

    def hidden(value: Any) -> Any:
        return value if value is None else "(not shown)"

    return tuple(
        replace(item, old=hidden(item.old), new=hidden(item.new)) if item.place.partition(".")[0] in quiet else item
        for item in differing
    )


def carried(common: Recorded, merged: Recorded, branch: Recorded) -> Recorded:
    """What a ``branch`` says, brought onto what the default branch (``merged``) says since they parted.

    ``common`` is what both said then. The version of the template, and whatever the branch did not change, are those of
    the default branch.
    """
    said = {
        name: combined(common.values.get(name), merged.values.get(name), branch.values.get(name))
        for name in {**merged.values, **branch.values}
    }
    own = {key: value for key, value in merged.document.items() if key not in merged.values}
    return Recorded(merged.place, {**own, **{name: value for name, value in said.items() if value is not None}})


def answers_of(maker: Maker, recorded: Recorded, wanted: Mapping[str, Any], facts: Mapping[str, Any]) -> Answers:
    """The ``wanted`` answers of people, for a tree that another version may have made, with what it ``recorded``.

    ``facts`` are newservice's own and newer than those recorded. Raises ``AnswersError`` for an answer that the version
    does not take.
    """
    own, _ = maker.split(recorded)
    known: Collection[str] = {question.name for question in maker.questions if question.public}
    given = {name: value for name, value in wanted.items() if name in known}
    return resolve(maker.template, maker.questions, given, {**own, **facts})
