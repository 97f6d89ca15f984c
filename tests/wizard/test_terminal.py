"""The wizard as a person sees it: through a real pseudo-terminal of 80 columns and 24 lines."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from tests.full import few, full
from tests.wizard.terminal import BACK, COLOURS, DOWN, END, ENTER, ESCAPES, SPACE, STOP, UP, Terminal

pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded, use of forkpty:DeprecationWarning")

START, NEEDS, REVIEW, DECIDE = "What do you start from?", "What does it need?", "Your answers", "Carry it out?"
NAMED = ("--name=notes-app", "--title=Notes", "--description=Keeps notes")
ALL = (
    *NAMED,
    *("--tier=aux", "--kind=web", "--image-source=upstream", "--image=nginx:1", "--port=80", "--env={A: b}"),
    *("--memory=64Mi", "--probe=tcp", "--secrets=A1=b", "--db=none", "--volumes=[]", "--dns=lan"),
    *("--auth=required", "--access=Family", "--homepage=enabled=false", "--catalog-section=Optional"),
)
AFTER_NAMED = (
    *("tier", "kind", "language", "image_visibility", NEEDS, "memory"),
    *("dns", "auth", "access", "homepage", "catalog_section"),
)
Start = Callable[..., Terminal]


def recorded(folder: Path, name: str) -> dict[str, object]:
    return dict(yaml.safe_load((folder / "infra" / "stacks" / name / ".copier-answers.yml").read_text()))


def test_the_shortest_path_to_a_service(folder: Path, terminal: Start, untouched: Callable[..., bool]) -> None:
    """Fifteen questions: all but the name and what it does have a default, or are proposed."""
    shown = terminal()
    shown.answers(START, ("name", "notes-app"), "title", ("description", "Keeps notes"), *AFTER_NAMED, REVIEW)
    shown.asks(DECIDE)
    assert [number for _, number, _ in shown.headings] == list(range(1, 15))
    assert {total for _, _, total in shown.headings} == {14}
    assert "existing code" not in shown.words, "that is on the systems, and --no-provision looks at none"
    assert "the built-in profile" in shown.words
    assert "newservice init" in shown.words
    assert untouched()
    shown.picks(DECIDE, "carry it out")
    code, text = shown.ends()
    assert code == 0
    assert "notes-app: done" in text
    assert (folder / "infra" / "stacks" / "notes-app" / "main.tf").is_file()
    written = yaml.safe_load((folder / "notes-app" / ".copier-answers.yml").read_text())
    assert written["title"] == "Notes App"
    assert written["tier"] == "aux"
    assert not COLOURS.search(shown.raw), "NO_COLOR is set"


@full
def test_fewer_questions_where_one_answer_settles_another(folder: Path, terminal: Start) -> None:
    """An upstream image has a reference and no visibility; a gate of its own asks for the reason, not for groups."""
    shown = terminal("--name=reader", "--title=Reader", "--description=Reads", "--env", "TZ=UTC", "--tier", "edge")
    shown.answers((START, DOWN), "Docker Compose file", "kind", ("image", "ghcr.io/example/reader:1"), "port")
    shown.answers("memory", "probe")
    shown.asks(NEEDS)
    assert "environment variables; " not in shown.words, "env is given"
    shown.answers((NEEDS, SPACE, DOWN, DOWN, SPACE), ("secrets: name", "TOKEN"))
    shown.answers(("secrets: TOKEN", "api_token"), "secrets", ("volumes 1: name", "data"), "volumes 1: kind")
    shown.answers(("volumes 1: mount", "/data"), "volumes 1", "volumes", "backup", "dns", ("auth", DOWN))
    shown.answers(("auth_reason", "its own login"), "homepage", "catalog_section", REVIEW)
    shown.picks(DECIDE, "carry it out")
    code, text = shown.ends()
    assert code == 0, text
    unasked = {"name", "tier", "image_source", "image_visibility", "language", "access", "anubis", "database"}
    assert not unasked & _asked(shown)
    found = recorded(folder, "reader")
    assert found["auth_reason"] == "its own login"
    assert found["secrets"] == {"TOKEN": "api_token"}
    assert found["volumes"] == [{"name": "data", "mount": "/data"}]
    assert found["env"] == {"TZ": "UTC"}


def _asked(shown: Terminal) -> set[str]:
    return {line[2:].split(" ")[0].rstrip(":") for line in shown.text.splitlines() if line.startswith("? ")}


@full
def test_going_back_and_correcting_on_the_review(folder: Path, terminal: Start) -> None:
    """Back over a group's border, with both keys; a changed answer asks what follows of it; a new plan is made."""
    shown = terminal(*NAMED, PAGER="cat")
    shown.answers((START, DOWN), "Docker Compose file", "tier", ("kind", DOWN))
    shown.asks("image")
    shown.types("ghcr.io/x", BACK)
    shown.asks("kind")
    shown.until(lambda: shown.mark.startswith("worker"), "what was answered")
    shown.types("\x02")  # Ctrl-B
    shown.asks("tier")
    shown.types(BACK)
    shown.asks(START)
    shown.until(lambda: shown.mark.startswith("an image"), "what was chosen")
    shown.answers((START, UP), "tier", ("kind", UP), *AFTER_NAMED[2:])
    shown.picks(REVIEW, "change an answer ...")
    shown.picks("Change which answer?", "Exposure auth")
    shown.picks("auth", "app")
    shown.answers(("auth_reason", "its own login"))
    shown.picks(REVIEW, "change an answer ...")
    shown.picks("Change which answer?", "Exposure dns")
    shown.asks("dns")
    shown.types(DOWN, BACK)  # changed his mind
    shown.answers(REVIEW)
    shown.asks(DECIDE)
    shown.answers(DECIDE)  # the diffs, by Enter: nothing is carried out
    shown.sees('+ # auth = "app": its own login')
    shown.asks(DECIDE)
    shown.picks(DECIDE, "change an answer")
    shown.picks(REVIEW, "change an answer ...")
    shown.picks("Change which answer?", "Runtime memory")
    shown.answers(("memory", "64Gi"))
    shown.sees("more than a container of tier aux may have")
    shown.answers(("memory", "1Gi"), REVIEW)
    shown.picks(DECIDE, "carry it out")
    assert shown.ends()[0] == 0
    found = recorded(folder, "notes-app")
    assert (found["kind"], found["image_source"], found["dns"]) == ("web", "owned", "proxied")
    assert (found["auth"], found["auth_reason"], found["memory"]) == ("app", "its own login", "1Gi")


def test_interrupted_kept_and_taken_up_again(folder: Path, terminal: Start, untouched: Callable[..., bool]) -> None:
    """Ctrl-C keeps the answers for their owner alone; what was answered is not asked again."""
    shown = terminal()
    shown.answers(START, ("name", "notes-app"), ("title", "Notes"), ("description", "Keeps notes"))
    shown.answers(*AFTER_NAMED[:4], (NEEDS, DOWN, DOWN, SPACE))
    shown.asks("memory")
    shown.types(STOP)
    shown.answers("Save the answers in ./notes-app.answers.yml?")
    code, text = shown.ends()
    assert code == 130
    assert "newservice create --answers notes-app.answers.yml --infra" in text
    assert "nothing else was written" in text
    assert untouched("notes-app.answers.yml")
    kept = folder / "notes-app.answers.yml"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert yaml.safe_load(kept.read_text())["language"] == "python"
    again = terminal("--answers", "notes-app.answers.yml")
    again.answers("memory", (NEEDS, SPACE), ("database", DOWN), *AFTER_NAMED[6:])
    again.asks(REVIEW)
    assert again.headings[0] == ("Runtime", 1, 7)
    assert "as environment variables" not in again.words, "only what was ticked and not reached is offered again"
    assert "Keeps notes" in again.words
    again.picks(REVIEW, "save and stop")
    assert again.ends()[0] == 130
    last = terminal("--answers", "notes-app.answers.yml", "--yes")
    code, text = last.ends()
    assert code == 0, text
    assert recorded(folder, "notes-app")["description"] == "Keeps notes"


@pytest.mark.parametrize(
    ("keys", "after"),
    few(2, [((STOP,), 0), ((END,), 1), ((STOP, STOP), 4), ((END, "n"), 5)], apart=True),
    ids=["^C", "^D", "^C^C", "^D n"],
)
def test_stopping_leaves_nothing_behind(
    terminal: Start, untouched: Callable[..., bool], keys: tuple[str, ...], after: int
) -> None:
    said = ((START,), ("name", "notes-app"), ("title",), ("description", "Keeps notes"), ("tier",), ("kind",))
    shown = terminal()
    shown.answers(*said[:after])
    shown.asks(said[after][0])
    shown.types(keys[0])
    if keys[1:]:
        shown.sees("Save the answers in ./notes-app.answers.yml?")
        shown.types(keys[1])
    code, text = shown.ends()
    assert code == 130, text
    assert "nothing was written" in text
    assert "Traceback" not in text
    assert untouched()


@pytest.mark.parametrize("keys", few(1, [(DOWN, DOWN, DOWN, ENTER), (STOP,)]), ids=["stop", "Ctrl-C"])
def test_a_plan_that_is_declined_writes_nothing(
    terminal: Start, untouched: Callable[..., bool], keys: tuple[str, ...]
) -> None:
    shown = terminal(*ALL)
    shown.answers(REVIEW)
    shown.asks(DECIDE)
    shown.types(*keys)
    code, text = shown.ends()
    assert code == 130
    assert "nothing was written" in text
    assert not shown.headings, "everything was given"
    assert untouched()


@full
def test_yes_asks_for_no_review_and_no_confirmation(folder: Path, terminal: Start) -> None:
    shown = terminal("--yes", *NAMED)
    shown.answers(START, *AFTER_NAMED)
    code, text = shown.ends()
    assert code == 0
    assert REVIEW not in text
    assert DECIDE not in text
    assert (folder / "notes-app" / "README.md").is_file()


def test_a_wrong_flag_is_reported_before_anything_is_asked(terminal: Start, untouched: Callable[..., bool]) -> None:
    shown = terminal("--tier", "auxx", "--set", "memroy=1Gi")
    code, text = shown.ends()
    assert code == 2
    assert "did you mean aux?" in text
    assert "there is no question 'memroy'" in text
    assert "is missing" not in text
    assert not _asked(shown)
    assert untouched()


@full
def test_a_plan_that_is_refused_can_be_answered_otherwise(
    folder: Path, terminal: Start, untouched: Callable[..., bool]
) -> None:
    """Nothing of what was typed is lost to what stands in its way."""
    inside = ("--service-dir", str(folder / "infra" / "x"))
    shown = terminal(*NAMED, *inside)
    shown.answers(START, *AFTER_NAMED, REVIEW)
    shown.asks("What now?")
    assert "lies inside the infra repository's clone" in shown.words
    shown.picks("What now?", "change an answer")
    shown.picks(REVIEW, "change an answer ...")
    shown.picks("Change which answer?", "Image image_source")
    shown.picks("image_source", "upstream")
    shown.answers(("image", "nginx:1"), "port", "probe", REVIEW)
    shown.picks(DECIDE, "stop")
    shown.asks("Save the answers in ./notes-app.answers.yml?")
    shown.types("n")
    assert shown.ends()[0] == 130
    assert untouched()


@full
def test_typing_replaces_what_is_proposed_and_other_keys_edit_it(
    folder: Path, terminal: Start, untouched: Callable[..., bool]
) -> None:
    """What is proposed is marked without colour, and stands unmarked once it is taken."""
    shown = terminal(
        "--tier=aux", "--kind=worker", "--image-source=owned", "--language=go", "--image-visibility=public"
    )
    shown.sees("Typing replaces a text that is shown; Backspace and arrow keys edit it.")
    shown.answers(("name", "notes-app"))
    shown.asks("title")
    shown.until(lambda: shown.marked == "Notes App", "the mark")
    shown.types("Line two", BACK)
    shown.answers(("name", "\x7f", "s"), ("title", "Line two"), ("description", "Keeps notes"))
    shown.sees("title: Line two")
    shown.answers((NEEDS, SPACE, DOWN, SPACE))
    shown.sees(f"? {NEEDS} env, secrets")
    assert "selections" not in shown.words
    shown.types(BACK)
    shown.answers((NEEDS, SPACE, DOWN, SPACE))
    shown.sees(f"? {NEEDS} nothing")
    shown.answers(("memory", "\x1b[D", "\x7f", "1"), ("memory", "\x1b[200~512Mi\x1b[201~"), "catalog_section")
    shown.asks(REVIEW)
    assert shown.marked == ""
    assert "2561i" in shown.words
    shown.picks(REVIEW, "save and stop")
    assert shown.ends()[0] == 130
    kept = yaml.safe_load((folder / "notes-aps.answers.yml").read_text())
    assert (kept["name"], kept["title"], kept["memory"]) == ("notes-aps", "Line two", "512Mi")
    assert untouched("notes-aps.answers.yml")


def test_lines_and_numbers_where_the_cursor_can_not_be_moved(folder: Path, terminal: Start) -> None:
    shown = terminal(*NAMED, TERM="dumb")
    shown.sees(f"? {START} [1]")
    shown.types("new code\n")
    for prompt, line in (("tier [5]", "4"), ("kind [1]", "worker"), ("language [1]", "<"), ("kind [2]", "1")):
        shown.sees(f"? {prompt}")
        shown.types(line, "\n")
    for label in AFTER_NAMED[2:4]:
        shown.sees(f"? {label} [1]")
        shown.types("\n")
    shown.sees(f"? {NEEDS} (numbers; - for none)")
    shown.types("-\n")
    for prompt in (
        "memory [256Mi]",
        "dns [1]",
        "auth [1]",
        "access [1]",
        "homepage [1]",
        "catalog_section [Active Use]",
    ):
        shown.sees(f"? {prompt}")
        shown.types("\n")
    shown.sees(f"? {REVIEW} [1]")
    shown.types("\n")
    shown.sees(f"? {DECIDE} [2]")
    shown.types("1\n")
    code, text = shown.ends()
    assert code == 0, text
    assert not ESCAPES.search(shown.raw)
    assert recorded(folder, "notes-app")["tier"] == "edge"


@full
def test_a_window_that_becomes_smaller_or_larger(terminal: Start, untouched: Callable[..., bool]) -> None:
    """Everything fits again, and nothing breaks; a list that is longer than the window is scrolled."""
    shown = terminal(*NAMED, NO_COLOR="", COLORTERM="")
    shown.answers(START, *AFTER_NAMED[:6])
    shown.asks("dns")
    shown.resize(12, 44)
    shown.types(DOWN)
    shown.until(lambda: shown.mark.startswith("non-proxied"), "the mark")
    shown.resize(24, 80)
    shown.types(UP)
    shown.until(lambda: shown.mark.startswith("proxied"), "the mark")
    shown.answers("dns", *AFTER_NAMED[7:])
    shown.picks(REVIEW, "more questions ...")
    shown.picks("Answer which question?", "Adoption names")
    shown.asks("names")
    assert COLOURS.search(shown.raw), "colours where nobody minds"
    shown.types(STOP, STOP)
    assert shown.ends()[0] == 130
    assert untouched()
