"""From what is recorded to what is wanted: files and their modes, entries, and whose each thing is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pytest

from generator.engine.recorded import parse_recorded, read_recorded
from generator.engine.transition import NOTHING, End, Transition, transition
from generator.infra_repo.registrations import Registration
from generator.infra_repo.trees import Nothing
from generator.template.files import ANSWERS_FILE, File

NOW, LATER = File("run.sh", b"one\ntwo\nthree\n"), File("run.sh", b"one\ntwo\nthree, and more\n")
RUNNABLE = File("run.sh", NOW.content, executable=True)


@dataclass(frozen=True)
class Tree:
    """Files in memory."""

    files: Mapping[str, File]

    def read(self, path: str) -> bytes | None:
        return self.files[path].content if path in self.files else None

    def executable(self, path: str) -> bool:
        return path in self.files and self.files[path].executable

    def obstacle(self, path: str) -> None:
        """Nothing is in the way of a file."""


def between(start: File | None, found: File | None, goal: File | None) -> Transition:
    first, last = (End((file,)) if file else NOTHING for file in (start, goal))
    return transition(first, last, Tree({found.path: found}) if found else Nothing(), "service")


@pytest.mark.parametrize(
    ("start", "found", "goal", "action", "written"),
    [
        # created: what exists is never changed
        (None, None, RUNNABLE, "create", RUNNABLE),
        (None, NOW, NOW, "unchanged", None),
        (None, LATER, NOW, "conflict", None),
        (None, NOW, RUNNABLE, "kept", None),
        # updated: the goal's content, and the goal's mode, unless somebody changed it
        (NOW, NOW, LATER, "update", LATER),
        (NOW, NOW, RUNNABLE, "update", RUNNABLE),
        (RUNNABLE, RUNNABLE, NOW, "update", NOW),
        (NOW, RUNNABLE, LATER, "update", File("run.sh", LATER.content, executable=True)),
        (RUNNABLE, NOW, RUNNABLE, "kept", None),
        (NOW, None, LATER, "kept", None),
        (NOW, NOW, None, "delete", None),
        (NOW, RUNNABLE, None, "delete", None),
        (NOW, LATER, None, "conflict", None),
        (NOW, None, None, "unchanged", None),
    ],
)
def test_one_file(start: File | None, found: File | None, goal: File | None, action: str, written: File | None) -> None:
    (change,) = between(start, found, goal).files
    assert (change.action, change.written) == (action, written)


def test_another_mode_is_an_edit() -> None:
    assert [item.edited for item in between(NOW, RUNNABLE, NOW).files] == [True]
    assert [item.edited for item in between(NOW, NOW, LATER).files] == [False]


def test_an_entry_left_to_a_person_keeps_the_version_that_is_recorded_but_no_service() -> None:
    """Else it would not come up again with the next update; and a service that goes leaves no answers file."""
    answers = File(ANSWERS_FILE, b"_commit: 1.0.0\n")
    start = End((answers,), (Registration("docs", "docs.md", ()),))
    goal = End((File(ANSWERS_FILE, b"_commit: 2.0.0\n"),), (Registration("more", "gone.md", ()),))
    tree = Tree({ANSWERS_FILE: answers, "docs.md": File("docs.md", b"\xff")})
    assert (transition(start, goal, tree, "infra").written, transition(start, goal, tree, "infra").conflicts) == (
        (),
        ("gone.md", "docs.md"),
    )
    ending = transition(start, NOTHING, tree, "infra")
    assert (ending.removed, ending.conflicts) == ((ANSWERS_FILE,), ("docs.md",))


def test_a_removal_takes_what_is_as_it_was_made_and_leaves_the_rest() -> None:
    start = End((NOW, File("own.sh", b"ours\n"), File("gone.sh", b"gone\n")))
    tree = Tree({"run.sh": NOW, "own.sh": File("own.sh", b"edited\n")})
    ending = transition(start, NOTHING, tree, "service")
    assert (ending.removed, ending.conflicts, ending.written) == (("run.sh",), ("own.sh",), ())


# --- what is recorded ----------------------------------------------------------------------------------------

SOUND = b"_commit: 1.0.0\nname: reader\nlayer: stack\n"


@pytest.mark.parametrize(
    ("content", "name", "problem"),
    [
        (SOUND, "reader", ""),
        (None, "", "there is no "),
        (b"a:\n\t[", "", "is not valid YAML: "),
        (b"- a\n", "", "names no service"),
        (b"layer: stack\n", "", "names no service"),
        (b"name: reader\n", "reader", "does not say which layer it is of"),
        (SOUND.replace(b"1.0.0", b"1.0.0-3-gabcdef1"), "reader", "which is no released version of the template"),
        (SOUND + b"profile: x\n", "reader", "has a profile that is none"),
        (b"[" * 300_000, "", "is not valid YAML"),
        (b"- " * 60_000 + b"a", "", "is not valid YAML"),
        (b"a: &a [1, 1, 1, 1, 1, 1, 1, 1]\n" + b"".join(
            b"%c: &%c [%s]\n" % (n + 1, n + 1, b", ".join([b"*%c" % n] * 8)) for n in range(97, 107)
        ), "", "is not valid YAML"),
    ],
)  # fmt: skip
def test_one_reader_says_what_is_recorded_and_what_is_wrong_with_it(
    content: bytes | None, name: str, problem: str
) -> None:
    """Nested so deeply that libyaml would take the process with it, or small and huge, it is a file like any other."""
    tree = Nothing() if content is None else Tree({f"a/{ANSWERS_FILE}": File("", content)})
    recorded = read_recorded(tree, "a/")
    assert recorded.name == name
    assert problem in (recorded.problem.message if recorded.problem else "")
    assert bool(recorded.problem) == bool(problem)


def test_what_differs_is_only_what_was_recorded() -> None:
    recorded = parse_recorded(SOUND + b"port: 80\nreplicas: 1\n")
    assert recorded.differing({"port": 81, "replicas": 1, "host": "x"}) == ("port",)
