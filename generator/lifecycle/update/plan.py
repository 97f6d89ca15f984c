"""Plan the update of a service's repository or a stack to another version of the template. Nothing is written."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

from packaging.version import Version

from generator.base.errors import RefusedError, UsageError
from generator.engine.recorded import Recorded, read_recorded
from generator.engine.transition import Transition, transition
from generator.engine.versions import Maker, Versions
from generator.infra_repo.modules import outdated
from generator.infra_repo.tree_diff import Repo, merge_trees
from generator.infra_repo.trees import Tree
from generator.template.amendment import UNAMENDED, Amendment, AnswerChange, differences
from generator.template.answers import Answers
from generator.template.files import ANSWERS_FILE
from generator.template.gates import NO_CONSENT, Consent, check_gates, losses, openings
from generator.template.template import Template


@dataclass(frozen=True)
class Standing:
    """The status of a tree: what is recorded of it, and which files differ from what newservice made."""

    recorded: Recorded
    newest: Version
    edited: tuple[str, ...] = ()
    deleted: tuple[str, ...] = ()

    @property
    def behind(self) -> bool:
        """Whether a newer version of the template was released."""
        return self.recorded.version < self.newest


@dataclass(frozen=True, kw_only=True)
class Upgrade(Transition):
    """What an update changes: from what is ``recorded`` to ``answers`` of the template's version ``to``.

    ``differing``: the answers that change, where a person asked for other ones; ``accepted``: what is lost and opened
    by that, as the person agreed.
    """

    recorded: Recorded
    to: str
    answers: Answers
    differing: tuple[AnswerChange, ...] = ()
    accepted: tuple[str, ...] = ()

    @property
    def changes(self) -> bool:
        """Whether the update writes anything."""
        return bool(self.written or self.removed or self.conflicts)

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person should know about the answers, and about entries that stay as someone made them."""
        kept = [f"{item.path}: {item.reason}" for item in self.entries if item.action == "kept" and item.reason]
        return (*self.accepted, *self.answers.notes, *kept)


def _refuse_opening(before: Answers, after: Answers) -> None:
    """Raise ``RefusedError`` if the template alone would make a private service public."""
    if before.private_image and not after.private_image:
        raise RefusedError(
            "update.opens",
            f"{before.name} is recorded as private, and a newer template never makes a service public: everyone could "
            "see its repositories and its image",
            "to make it public, ask for it with --image-visibility public --open",
        )


@dataclass
class Upgrader(Versions):
    """Plans updates of one service or of many. Not thread-safe."""

    def standing(self, tree: Tree, prefix: str = "") -> Standing:
        """The status of the tree below ``prefix``. Raises ``UnreadableError``, or ``RefusedError`` as ``plan`` does."""
        recorded = self._read(tree, prefix)
        maker = self.made_by(recorded)
        # The answers file is slow to render; neither it nor files that belong to their owner count as edited.
        made = maker.files(maker.answers(recorded), without=(ANSWERS_FILE,))
        own = [file for file in made if not file.once]
        touched = [item for item in merge_trees(_repo(recorded), own, own, tree, prefix) if item.edited]
        edited = tuple(item.path for item in touched if item.before)
        deleted = tuple(item.path for item in touched if not item.before)
        return Standing(recorded, self.releases.target(recorded.version), edited, deleted)

    def plan(
        self,
        tree: Tree,
        prefix: str = "",
        *,
        to: Version | None = None,
        template: Template | None = None,
        amendment: Amendment = UNAMENDED,
        consent: Consent = NO_CONSENT,
    ) -> Upgrade:
        """Plan updating the tree below ``prefix`` to a release (default: the newest) or an unreleased ``template``.

        ``amendment``: what is to be different in the recorded answers, and answers to questions that are new in that
        version; recorded answers that were derived from others follow. ``consent``: what may be lost and opened by it.
        Raises ``UnreadableError``; ``AnswersError`` for a wrong answer, or a question without one; ``RefusedError``
        where the tree is of a newer or unknown version, or something would be lost or opened without consent;
        ``UsageError`` for an older version, or consent to a loss that there is not.
        """
        recorded = self._read(tree, prefix)
        old = self.made_by(recorded)
        to = to or self.releases.target(recorded.version)
        new = self.maker(to) if template is None else self.unreleased(template)
        if template is None and to < recorded.version:
            raise UsageError(
                "update.downgrade",
                f"{prefix or recorded.name} is of template {recorded.version}, which is newer than {to}",
                "updates go forward only; revert the commit that brought the newer one",
            )
        before = old.answers(recorded)
        derived = old.follow(recorded, amendment) if amendment.touched else {}
        after = new.answers(recorded, amendment, self._news(before, old, new), derived)
        accepted = self._pass_gates(before, after, consent) if amendment.touched or consent != NO_CONSENT else ()
        if not amendment.touched:
            _refuse_opening(before, after)
        goal = new.end(after)
        if recorded.layer == "stack" and (why := outdated(goal.files, tree, prefix, new.template.version)):
            raise RefusedError(
                "update.platform", why, "update its modules first, or update to an earlier version with --to"
            )
        claimed = partial(self.claimed, tree, recorded.name)
        found = transition(old.end(before), goal, tree, _repo(recorded), prefix, claimed)
        differing = differences(before.public, after.public) if amendment.touched else ()
        to_version = new.template.version
        return Upgrade(
            found.files,
            found.entries,
            recorded=recorded,
            to=to_version,
            answers=after,
            differing=differing,
            accepted=accepted,
        )

    def _pass_gates(self, before: Answers, after: Answers, consent: Consent) -> tuple[str, ...]:
        """What these answers lose and open, with a person's consent. Raises ``RefusedError`` or ``UsageError``.

        The installed template judges: an older one declares nothing.
        """
        judge = self.unreleased(Template.installed())
        lost = losses(judge.template, judge.questions, before, after)
        opened = openings(judge.template, judge.questions, before, after)
        check_gates(lost, opened, consent.accepted, consent.opened)
        return (*(f"lost: {loss.what} ({loss.place})" for loss in lost), *(opening.what for opening in opened))

    def _read(self, tree: Tree, prefix: str) -> Recorded:
        """What is recorded below ``prefix``. Raises ``RefusedError`` if the answers are a stack's of another folder."""
        recorded = read_recorded(tree, prefix).sound()
        own = self.platform.infra.stack(recorded.name)
        if recorded.layer == "stack" and prefix != own:
            raise RefusedError(
                "update.misplaced",
                f"{prefix or 'this folder'} has the answers of {recorded.name}, whose stack is {own}",
                "newservice does not update a copied stack: create one with newservice create",
            )
        return recorded

    def _news(self, made: Answers, old: Maker, new: Maker) -> dict[str, Any]:
        """Settings that are new in ``new`` and that the profile in force sets to something other than its default.

        Raises ``RefusedError`` if such a profile describes another platform than the recorded one.
        """
        data = self.platform.data
        found = {
            key: data[key]
            for key, value in new.template.platform.items()
            if key not in old.template.platform and data.get(key, value) != value
        }
        here = f"{self.platform.forgejo.owner}, {self.platform.domain}"
        there = f"{made.platform['forgejo']['owner']}, {made.platform['domain']}"
        if found and here != there:
            raise RefusedError(
                "update.other_platform",
                f"{made.name} is of {there}; the profile in force is of {here}",
                "name its own profile with --platform",
            )
        return found


def _repo(recorded: Recorded) -> Repo:
    return "service" if recorded.layer == "service" else "infra"
