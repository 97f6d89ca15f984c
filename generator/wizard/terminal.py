"""A terminal that can move its cursor: questionary, and nothing else knows it."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Container, Sequence
from typing import Any

import questionary
from prompt_toolkit.document import Document
from prompt_toolkit.filters import Condition
from prompt_toolkit.formatted_text import FormattedText, StyleAndTextTuples
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent, merge_key_bindings
from prompt_toolkit.keys import Keys
from prompt_toolkit.lexers import Lexer
from prompt_toolkit.output import Output, create_output
from prompt_toolkit.output.vt100 import Vt100_Output
from prompt_toolkit.shortcuts import print_formatted_text
from questionary.styles import merge_styles_default

from generator.wizard.layout import WIDEST, cells, columns
from generator.wizard.prompter import Back, Option

STYLE = questionary.Style([("highlighted", "bold"), ("pointer", "bold"), ("quiet", "")])


class Terminal:
    """The prompts of questionary, with a way back and with lines that explain the choices."""

    back = "Shift-Tab"
    typing = "Typing replaces a text that is shown; Backspace and arrow keys edit it."

    def width(self) -> int:
        """One column stays free: some terminals begin a new line when the last one is written."""
        return max(min(shutil.get_terminal_size().columns, WIDEST + 1) - 1, 20)

    def say(self, text: str, *, strong: bool = False) -> None:
        """Some lines."""
        questionary.print(text, style="bold" if strong else None, output=_output())

    def text(self, label: str, default: str = "", placeholder: str = "") -> str:
        """One line; what a terminal takes for a command is no part of it. The first key replaces what is proposed."""
        proposed = _Proposed(default)
        found = questionary.text(
            f"{label}:",
            default=default,
            placeholder=placeholder or None,
            style=STYLE,
            lexer=proposed,
            output=_output(),
        )
        proposed.watch(found)
        unchanged = Condition(lambda: _at_start(found, default))
        return str(_asked(found, Keys.BackTab, back_here=unchanged))

    def confirm(self, label: str, *, default: bool) -> bool:
        """Yes or no; Enter is the default."""
        return bool(_asked(questionary.confirm(label, default=default, style=STYLE, output=_output())))

    def select(self, label: str, options: Sequence[Option], chosen: int = 0) -> Any:
        """One of the options."""
        shown = [_Explained(self, options, number) for number in range(len(options))]
        found = questionary.select(
            label,
            choices=shown,
            default=shown[chosen],
            pointer=">",
            instruction="(arrows, then Enter)",
            use_indicator=False,
            style=STYLE,
            output=_output(),
        )
        _watched(found, shown)
        return options[_asked(found)].value

    def tick(self, label: str, options: Sequence[Option], ticked: Container[Any] = ()) -> list[Any]:
        """Any number of the options."""
        shown = [_Explained(self, options, number, room=2) for number in range(len(options))]
        for choice, option in zip(shown, options, strict=True):
            choice.checked = option.value in ticked
        found = questionary.checkbox(
            label,
            choices=shown,
            pointer=">",
            instruction="(Space ticks, Enter goes on)",
            style=STYLE,
            output=_output(),
            erase_when_done=True,
        )
        _watched(found, shown)
        picked = _asked(found)
        _stands(label, ", ".join(options[number].title for number in picked) or "nothing")
        return [options[number].value for number in picked]

    def password(self, label: str) -> str:
        """One line that is not shown."""
        return str(questionary.password(label, style=STYLE, output=_output()).unsafe_ask())


class _Explained(questionary.Choice):
    """A choice with its explanation, laid out again whenever it is drawn: a window may change its size."""

    over: Callable[[], bool]

    def __init__(self, terminal: Terminal, options: Sequence[Option], number: int, room: int = 0) -> None:
        self._terminal, self._option = terminal, options[number]
        self._indent = min(max(cells(option.title) for option in options), 32) + 2
        self._room = 3 + room  # the pointer, and the mark of what is ticked
        self.over = lambda: False
        super().__init__(options[number].title, value=number)

    @property
    def title(self) -> Any:
        """The choice alone once it is made: it stands behind the question then."""
        if self.over():
            return self._option.stands or self._option.title
        width = self._terminal.width() - self._room
        lines = columns(self._option.title, self._option.explains, self._indent, width)
        return [("class:text", ("\n" + " " * self._room).join(lines))]

    @title.setter
    def title(self, _: Any) -> None:
        """Made of the option; questionary's own constructor sets it."""


class _Proposed(Lexer):
    """A text that is proposed: it is marked, and goes when something is typed before any other key was pressed."""

    def __init__(self, text: str) -> None:
        self._fresh = bool(text)
        self._bindings = KeyBindings()
        fresh = Condition(lambda: self._fresh)
        self._bindings.add(Keys.Any, filter=fresh)(self._replace)
        self._bindings.add(Keys.BracketedPaste, filter=fresh)(self._replace)

    def watch(self, question: questionary.Question) -> None:
        """Begin with this question."""
        application = question.application
        application.key_bindings = merge_key_bindings([application.key_bindings or KeyBindings(), self._bindings])
        application.key_processor.after_key_press += self._touched

    def lex_document(self, document: Document) -> Callable[[int], StyleAndTextTuples]:
        """Reverse until a key is pressed: that needs no colour."""

        def line(number: int) -> StyleAndTextTuples:
            style = "reverse" if self._fresh else "class:answer"
            return [(style, document.lines[number])] if number < len(document.lines) else []

        return line

    def _replace(self, event: KeyPressEvent) -> None:
        event.current_buffer.text = ""
        event.current_buffer.insert_text(event.data.replace("\r\n", "\n").replace("\r", "\n"))

    def _touched(self, _: object) -> None:
        self._fresh = False


def _stands(label: str, text: str) -> None:
    """The line that remains of a removed prompt."""
    parts = [("class:qmark", "?"), ("class:question", f" {label} "), ("class:answer", text)]
    print_formatted_text(FormattedText(parts), style=merge_styles_default([STYLE]), output=_output())


def _watched(question: questionary.Question, choices: Sequence[_Explained]) -> None:
    for choice in choices:
        choice.over = lambda: question.application.is_done


def _asked(question: questionary.Question, *keys: Keys, back_here: Condition | None = None) -> Any:
    """The answer. Shift-Tab goes back, and Ctrl-B where it has nothing else to do; Ctrl-D on nothing is the end."""
    bindings = KeyBindings()

    def back(event: KeyPressEvent) -> None:
        event.app.exit(exception=Back(), style="class:aborting")

    bindings.add(Keys.BackTab, eager=True)(back)
    bindings.add(Keys.ControlB, eager=True, filter=back_here if back_here is not None else True)(back)
    if not keys:  # a line has an end of its own

        @bindings.add(Keys.ControlD, eager=True)
        def _(event: KeyPressEvent) -> None:
            event.app.exit(exception=EOFError(), style="class:aborting")

    application = question.application
    application.key_bindings = merge_key_bindings([application.key_bindings or KeyBindings(), bindings])
    return question.unsafe_ask()


def _at_start(question: questionary.Question, default: str) -> bool:
    """Nothing was typed, or the cursor can't go further back."""
    buffer = question.application.current_buffer
    return buffer.text == default or buffer.cursor_position == 0


def _output() -> Output:
    """The terminal, which is never asked where its cursor is: some don't answer, and a slow line answers late."""
    output = create_output(sys.stdout)
    if isinstance(output, Vt100_Output):
        output.enable_cpr = False
    return output
