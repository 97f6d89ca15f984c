"""The terminal pictures of the documentation: each a real command in a real terminal, on the embedded platform.

What differs from run to run is made the same each time: the sandbox's port, commits, durations, and the folder. Steps
end in an order of their own, and are put into the plan's order. Nothing else is touched.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

from docs.builder.drawing import text_of
from docs.builder.events import steps
from docs.builder.scenes import Scene, scene
from docs.builder.terminal import Picture, Run, Terminal

FOLDER = Path(__file__).parent.parent / "pictures"
ANSWERS = (
    *("city-guide", "--title", "City Guide", "--description", "Guides through cities"),
    *("--db", "postgres", "--secrets", "API_TOKEN=api_token"),
)
WIDE, TALL = 104, 160
"""Columns of a wide picture; rows that hold the whole output of any command."""


@dataclass(frozen=True)
class Shot:
    """A picture to be taken: its name, what it shows, the line that one types, and how it is taken."""

    name: str
    title: str
    typed: str
    take: Callable[[Scene], Picture]


def _plan(place: Scene) -> Picture:
    return _whole(place.terminal("plan", *ANSWERS, columns=WIDE, rows=TALL))


def _create(place: Scene) -> Picture:
    """The run alone: the plan before it has a picture of its own."""
    whole = _whole(place.terminal("create", *ANSWERS, "--non-interactive", columns=WIDE, rows=TALL))
    number = next(index for index, line in enumerate(whole.text.splitlines()) if _ENDED.match(line))
    return in_order(replace(whole, lines=whole.lines[number:]))


def _fleet(place: Scene) -> Picture:
    place.settle_fleet()
    return _whole(place.terminal("fleet", "status", columns=WIDE, rows=TALL))


def _wizard(place: Scene) -> Picture:
    """Enter, until the question of the picture is asked."""
    terminal = place.terminal("create", *ANSWERS[:5], columns=80, rows=24)
    try:
        terminal.press_until("\r", WIZARD_QUESTION)
        return terminal.picture()
    finally:
        terminal.close()


WIZARD_QUESTION = "? auth"
"""What stands on the wizard's screen when the picture is taken."""

SHOTS = (
    Shot(
        "wizard",
        "The wizard in a terminal of 80 by 24: a question with its choices, and what each of them means",
        "newservice create city-guide",
        _wizard,
    ),
    Shot(
        "plan",
        "A plan: the files of both repositories as trees, registrations, and steps with their state",
        "newservice plan city-guide --db postgres --secrets API_TOKEN=api_token …",
        _plan,
    ),
    Shot(
        "create",
        "A run: every step with its state and how long it took, links, and what a person does next",
        "newservice create city-guide --db postgres --secrets API_TOKEN=api_token …",
        _create,
    ),
    Shot("fleet", "The fleet: every service and where it stands", "newservice fleet status", _fleet),
)


def take(shot: Shot) -> Picture:
    """The picture as it is now."""
    with scene() as place:
        taken = same_each_time(shot.take(place), place)
    prompt = (Run("$ ", "green", bold=True), Run(shot.typed, bold=True))
    return replace(taken, lines=(prompt, (), *taken.lines)) if shot.name != "wizard" else taken


def words(text: str) -> str:
    """What a picture says, wherever its lines are folded."""
    return " ".join(text.split())


def committed(shot: Shot) -> str:
    """What the picture in the documentation says."""
    return text_of((FOLDER / f"{shot.name}.svg").read_text(encoding="utf-8"))


def _whole(terminal: Terminal) -> Picture:
    terminal.wait_for_end()
    return terminal.picture()


_ENDED = re.compile(r"  [+=~!.] [a-z_.]+ +(done|unchanged|failed|skipped) ")
_PROGRESS = re.compile(r"    .* \.\.\.$")
_COMMIT = re.compile(r"\b(?=\d*[a-f])(?=[a-f]*\d)[0-9a-f]{8}\b")
_COMMITS = ("3f8cd4fe", "ce2ec299", "7a41b0d2", "b95e06c8")


def in_order(picture: Picture) -> Picture:
    """The lines of steps in the plan's order, each with what is folded below it; lines of progress are left out."""
    wanted = {step.id: number for number, step in enumerate(steps())}
    blocks: list[tuple[int, list[tuple[Run, ...]]]] = []
    after = count(len(wanted))
    for line in picture.lines:
        text = "".join(run.text for run in line)
        if _ENDED.match(text):
            blocks.append((wanted[text.split()[1]], [line]))
        elif blocks and blocks[-1][0] < len(wanted) and text.startswith(" " * 8):
            blocks[-1][1].append(line)
        elif not _PROGRESS.match(text):
            blocks.append((next(after), [line]))
    sorted_blocks = sorted(blocks, key=lambda block: block[0])
    return replace(picture, lines=tuple(line for _, lines in sorted_blocks for line in lines))


def same_each_time(picture: Picture, place: Scene) -> Picture:
    """The picture without what differs from run to run."""
    commits: dict[str, str] = {}

    def commit(found: re.Match[str]) -> str:
        return commits.setdefault(found[0], _COMMITS[len(commits) % len(_COMMITS)])

    def shown(text: str) -> str:
        text = text.replace(str(place.work), "~/services").replace(f":{place.sandbox.port}", ":8443")
        text = re.sub(r"\b\d+\.\d s\b", lambda found: "0.1 s".rjust(len(found[0])), text)
        return _COMMIT.sub(commit, text)

    return replace(
        picture, lines=tuple(tuple(replace(run, text=shown(run.text)) for run in line) for line in picture.lines)
    )
