"""The conversation of ``create`` and ``change``: questions, review, what is done with the plan, and what is kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import partial
from pathlib import Path
from typing import Any

from generator.base.errors import UsageError
from generator.engine.answers_file import answers_text, home_place, keep_answers, place_for, place_named
from generator.template.questions import Question
from generator.wizard.asking import ask_question, say
from generator.wizard.interview import Interview, Row, Step
from generator.wizard.layout import brief, shown, wrap
from generator.wizard.prompter import Back, BackToStart, Option, Prompter
from generator.wizard.texts import refuse


class Stopped(Exception):  # noqa: N818 - a wish, no error
    """The person stops here; ``kept`` is the file with the answers, if there is one."""

    def __init__(self, kept: Path | None = None) -> None:
        super().__init__()
        self.kept = kept


class Choice(Enum):
    """What a person wants to do with a plan."""

    CARRY_OUT = "carry it out"
    DIFFS = "show the diffs"
    CHANGE = "change an answer"
    AGAIN = "try again"
    KEEP = "save the answers and stop"
    STOP = "stop"


def open_with(prompter: Prompter, opening: str) -> None:
    """Say what a conversation is about, and which keys it takes."""
    say(prompter, opening)
    say(prompter, f"Enter accepts what is shown. {prompter.typing} {prompter.back} goes back, Ctrl-C stops.")


@dataclass
class Conversation:
    """Asks, reviews, and keeps. ``opening`` says on what it works; ``folder`` is where answers are kept.

    ``taken_up`` is the file whose answers were given, if any; ``keeps``: a person who stops may save the answers.
    ``returns``: something was asked before, to which a person can go back.
    """

    prompter: Prompter
    interview: Interview
    opening: str
    folder: Path
    taken_up: Path | None = None
    keeps: bool = True
    returns: bool = False

    def ask(self) -> dict[str, Any]:
        """Everything that is to be asked, without a review; the answers.

        Raises ``BackToStart`` where the person goes back to what was asked before.
        """
        if self.opening:
            open_with(self.prompter, self.opening)
        while step := self.interview.step:
            self._step(step)
        return self.interview.result

    def review(self) -> dict[str, Any]:
        """All answers, and everything that can be done with them, until the person goes on.

        Raises ``Stopped``.
        """
        while True:
            self._show()
            more = bool(self.interview.more)
            options = [
                Option(None, "go on", "to the plan; nothing is written yet"),
                Option(self._change, "change an answer ..."),
                *([Option(self._more, "more questions ...", "everything else, with its default")] if more else []),
                self._end,
            ]
            try:
                chosen = self.prompter.select("Your answers", options)
                if chosen is None:
                    return self.interview.result
                chosen()
            except Back:
                continue

    def choose(self, *, plan: bool) -> Choice:
        """What is to be done with a plan that was shown, or with one that can't be carried out.

        Raises ``Stopped``.
        """
        options = [Option(Choice.CARRY_OUT, "carry it out"), Option(Choice.DIFFS, "show the diffs", "of every file")]
        again = Option(Choice.AGAIN, "try again", "with the same answers, once the cause is fixed")
        options = [
            *(options if plan else []),
            Option(Choice.CHANGE, "change an answer", "and look at the new plan"),
            *([] if plan else [again]),
            *([Option(Choice.KEEP, "save and stop", f"the answers go into {self._place()}")] if self.keeps else []),
            Option(Choice.STOP, "stop", "nothing is written"),
        ]
        while True:
            chosen = None
            self.prompter.say("")
            try:
                chosen = self.prompter.select("Carry it out?" if plan else "What now?", options, 1 if plan else 0)
                if chosen is Choice.KEEP:
                    self._keep_and_stop()
            except Back:
                if chosen is Choice.KEEP:
                    continue
                return Choice.CHANGE
            if chosen is Choice.STOP:
                raise self.stopped()
            return Choice(chosen)

    def stopped(self) -> Stopped:
        """Offers to keep the answers of a person who stops, where he typed some. Another Ctrl-C is a no."""
        if not self.keeps or not self.interview.touched or not self.interview.kept:
            return Stopped()
        try:
            replaces = " (replaces the existing file)" if self._place_is_ours() else ""
            if self.prompter.confirm(f"Save the answers in {self._place()}{replaces}?", default=True):
                return self._keep()
        except (KeyboardInterrupt, EOFError, Back):
            pass
        return Stopped()

    def save(self) -> Path:
        """Keep the answers before they are used; nothing is asked. The file. Raises ``UsageError``."""
        path = self._path()
        self._left_out(keep_answers(path, self.interview.kept, replace=self._place_is_ours()))
        return path

    # --- questions ---------------------------------------------------------------------------------------------

    def _step(self, step: Step) -> None:
        self.prompter.say("")
        self.prompter.say(f"{step.group} · {step.number} of {step.total}", strong=True)
        refuse(self.prompter, step.open or step.wrong)
        try:
            if step.question is None:
                self._needs(step)
            else:
                self._question(step.question)
        except Back:
            self._back()

    def _back(self) -> None:
        if not self.interview.go_back():
            if self.returns:
                raise BackToStart(self.interview)
            say(self.prompter, "  this is the first question")

    def _question(self, question: Question) -> None:
        self.interview.answer(question.name, self._asked(question))

    def _asked(self, question: Question) -> Any:
        """The answer. Its valid part is kept while the person still edits it."""
        resolution, said = self.interview.before(question.name), self.interview.said(question.name)
        return ask_question(
            self.prompter, question, resolution, said, partial(self.interview.keep_aside, question.name)
        )

    def _needs(self, step: Step) -> None:
        """Which of the questions that most services don't need are asked."""
        options = [Option(item.name, item.name, item.offer) for item in step.offers]
        self.interview.tick(self.prompter.tick("What does it need?", options, self.interview.ticked))

    # --- review ------------------------------------------------------------------------------------------------

    def _show(self) -> None:
        self.prompter.say("")
        rows, width = self.interview.review, self.prompter.width()
        groups = max(len(row.question.group) for row in rows) + 2
        names = max(len(row.question.name) for row in rows) + 2
        last = ""
        for row in rows:
            group, last = ("" if row.question.group == last else row.question.group), row.question.group
            first, *rest = wrap(shown(row.value, row.question.shape or {}), max(width - groups - names, 20))
            self.prompter.say(f"{group:<{groups}}{row.question.name:<{names}}{first}")
            for line in rest:
                self.prompter.say(" " * (groups + names) + line)
        self.prompter.say("")

    def _change(self) -> None:
        picked = self._pick("Change which answer?", self.interview.review)
        self._changed(picked)

    def _more(self) -> None:
        while self.interview.more:
            try:
                picked = self._pick("Answer which question?", self.interview.more, "done")
            except Back:
                return
            if picked is None:
                return
            self._changed(picked)

    def _pick(self, label: str, rows: Sequence[Row], done: str = "") -> Any:
        names = max(len(row.question.group) for row in rows) + 2
        options = [Option(None, done, "back to the review")] if done else []
        for row in rows:
            title = f"{row.question.group:<{names}}{row.question.name}"
            options.append(Option(row.question, title, brief(row.value, row.question.shape or {}), row.question.name))
        return self.prompter.select(label, options)

    def _changed(self, question: Question) -> None:
        """Another answer and what follows from it; going back undoes all of it."""
        before = self.interview.copy()
        self.prompter.say("")
        self.prompter.say(question.group, strong=True)
        try:
            self.interview.set(question.name, self._asked(question))
            while step := self.interview.step:
                self.prompter.say("")
                say(self.prompter, f"{step.group}: this follows from {question.name}")
                refuse(self.prompter, step.wrong)
                if step.question is None:
                    self._needs(step)
                else:
                    self._question(step.question)
        except Back:
            self.interview = before

    @property
    def _end(self) -> Option:
        """How the review is left."""
        if self.keeps:
            return Option(self._keep_and_stop, "save and stop", f"the answers go into {self._place()}")
        return Option(self._stop, "stop", "nothing changes")

    def _stop(self) -> None:
        raise Stopped

    # --- keeping -----------------------------------------------------------------------------------------------

    @property
    def _name(self) -> str:
        return str(self.interview.kept.get("name") or "service")

    def _path(self) -> Path:
        return place_for(self._name, self.folder, self.taken_up)

    def _place(self) -> str:
        return f"./{self._path().name}"

    def _place_is_ours(self) -> bool:
        return self._path().exists()

    def _keep_and_stop(self) -> None:
        """Raises ``Stopped``, or ``Back`` where they can't be written and the person wants to do something else."""
        raise self._keep()

    def _keep(self) -> Stopped:
        """Keep them, somewhere else where the folder can't be written. Raises ``Back``."""
        keep: Callable[[], Stopped] = partial(self._kept_in, self._path(), replace=self._place_is_ours())
        while True:
            try:
                return keep()
            except UsageError as error:
                refuse(self.prompter, [error.message])
            keep = self._another_way()

    def _another_way(self) -> Callable[[], Stopped]:
        home = home_place(self._name)
        options = [
            *([Option(partial(self._kept_in, home), "in your home folder", f"as ~/{home.name}")] if home else []),
            Option(self._kept_where_named, "somewhere else ..."),
            Option(self._on_the_screen, "on the screen", "to be copied; no file is written"),
            Option(Stopped, "nowhere", "they are lost"),
        ]
        picked: Callable[[], Stopped] = self.prompter.select("Save the answers where?", options)
        return picked

    def _kept_in(self, path: Path, *, replace: bool = False) -> Stopped:
        self._left_out(keep_answers(path, self.interview.kept, replace=replace))
        return Stopped(path)

    def _kept_where_named(self) -> Stopped:
        return self._kept_in(place_named(self.prompter.text("File or folder"), self._name))

    def _on_the_screen(self) -> Stopped:
        text, left_out = answers_text(self.interview.kept, self.prompter.width())
        self.prompter.say("")
        self.prompter.say(text)
        self._left_out(left_out)
        return Stopped()

    def _left_out(self, names: Sequence[str]) -> None:
        for name in names:
            say(self.prompter, f"  {name} contains one of your credentials, and is not saved")
