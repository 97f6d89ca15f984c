"""Text that others wrote: what is within bounds is read, and everything else is refused, quickly and by name."""

from __future__ import annotations

import os
import threading
import time
from contextlib import suppress
from pathlib import Path
from socket import socketpair

import pytest
import yaml

from generator.base.external import (
    DEEPEST,
    MOST_JSON_BYTES,
    MOST_YAML_BYTES,
    ExternalTextError,
    read_bounded,
    read_json,
    read_yaml,
)
from generator.engine.recorded import parse_recorded
from generator.infra_repo.hcl import HclSyntaxError, parse
from generator.platform.rules import has_user
from tests.answers import SMALLEST
from tests.invoke import Command, Desk


def aliases(levels: int, first: str, inside: str) -> str:
    lines = [f"a{level}: &a{level} " + inside.format(", ".join([f"*a{level - 1}"] * 9)) for level in range(1, levels)]
    return "\n".join([f"a0: &a0 {first}", *lines])


REFUSED_YAML = {
    "lists": ("[" * 50_000, "nested deeper"),
    "maps": ("{a: " * 50_000, "nested deeper"),
    "lists by dashes": ("- " * 50_000, "nested deeper"),
    "keys": ("? " * 50_000, "nested deeper"),
    "indented": ("".join(f"{' ' * level}a:\n" for level in range(300)), "nested deeper"),
    "one level too deep": ("[" * (DEEPEST + 1) + "]" * (DEEPEST + 1), "nested deeper"),
    "deep by an alias": (f"x: &a {'[' * 40}{']' * 40}\ny: {'[' * 40}*a{']' * 40}", "nested deeper"),
    "aliases": (aliases(9, "[x, x]", "[{}]"), "aliases come to more"),
    "merged": (aliases(9, "{x: 1}", "{{<<: [{}]}}"), "aliases come to more"),
    "aliases of a text": (f"- &a x\n- [{', '.join(['*a'] * 10_001)}]", "aliases come to more"),
    "itself": ("a: &a [1, {b: *a}]", "holds itself"),
    "itself merged": ("&a {<<: *a}", "holds itself"),
    "no anchor": ("a: *b", "alias"),
    "values": (f"[{'1,' * 100_001}]", "more than 100000 values"),
    "bytes": ("a" * (MOST_YAML_BYTES + 1), "larger than 1024 KiB"),
    "a key twice": ("a: 1\nb: 2\na: 3", "given twice"),
    "a key twice, once quoted": ("{a: 1, 'a': 2}", "given twice"),
    "hexadecimal": ("0x" + "f" * 100_000, "more digits"),
    "base sixty": ("1" + ":59" * 1_000, "more digits"),
    "infinite": (".inf", "not finite"),
    "not a number": ("a: [.nan]", "not finite"),
    "half of a character": (r'"\ud800"', "line 1"),
    "null character": (r'"a\0b"', "null character"),
    "null byte": (b"a\0b", "control characters"),
    "UTF-16": ("a: b".encode("utf-16"), "not UTF-8"),
    "Latin-1": ("a: ü".encode("latin-1"), "not UTF-8"),
    "bytes of a pipe that are not text": ("a: \udcff", "not UTF-8"),
    "bytes in it": ("!!binary aGk=", "a bytes"),
    "a set": ("!!set {a}", "a set"),
    "pairs": ("!!pairs [a: 1]", "a tuple"),
    "no truth": ("!!bool maybe", "KeyError"),
    "no time": ("!!timestamp x", "AttributeError"),
    "no number": ('!!int ""', "IndexError"),
    "no date": ("2020-99-99", "ValueError"),
    "a map as a key": ("? {a: b}\n: c", "unhashable"),
    "Python": ("!!python/object/apply:os.system [true]", "constructor"),
    "a tab": ("a:\n\tb: c", "line 2"),
    "documents": ("a\n---\nb", "another document"),
}

REFUSED_JSON = {
    "lists": ("[" * 50_000, "nested deeper"),
    "maps": ('{"a":' * 50_000, "nested deeper"),
    "one level too deep": ("[" * (DEEPEST + 1) + "]" * (DEEPEST + 1), "nested deeper"),
    "infinite": ("1e999", "not finite"),
    "infinite by name": ("-Infinity", "not finite"),
    "not a number": ('{"a": NaN}', "not finite"),
    "a million digits": ("1" * 1_000_000, "more digits"),
    "twenty-one digits": ("9" * 21, "more digits"),
    "a key twice": ('{"a": 1, "a": 2}', "given twice"),
    "half of a character": (r'["\ud800"]', "half of a character"),
    "half of a character as a key": (r'{"\udfff": 1}', "half of a character"),
    "null character": (r'"\u0000"', "null character"),
    "UTF-16": ("[1]".encode("utf-16"), "not UTF-8"),
    "UTF-32": ("[1]".encode("utf-32"), "not UTF-8"),
    "Latin-1": ('"ü"'.encode("latin-1"), "not UTF-8"),
    "values": (f"[{'1,' * 1_000_000}1]", "more than 1000000 values"),
    "bytes": (" " * (MOST_JSON_BYTES + 1), "larger than"),
    "a page": ("<html></html>", "Expecting value"),
    "nothing": ("", "Expecting value"),
    "more behind it": ("[1] [2]", "Extra data"),
}


@pytest.mark.parametrize(("text", "reason"), REFUSED_YAML.values(), ids=REFUSED_YAML)
def test_yaml_beyond_a_bound_is_refused(text: str | bytes, reason: str) -> None:
    began = time.process_time()
    with pytest.raises(ExternalTextError, match=reason):
        read_yaml(text)
    assert time.process_time() - began < 2


@pytest.mark.parametrize(("text", "reason"), REFUSED_JSON.values(), ids=REFUSED_JSON)
def test_json_beyond_a_bound_is_refused(text: str | bytes, reason: str) -> None:
    began = time.process_time()
    with pytest.raises(ExternalTextError, match=reason):
        read_json(text)
    assert time.process_time() - began < 2


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("\ufeffa: ü".encode(), {"a": "ü"}),
        ("a: &a {b: 1}\nc: {<<: *a, d: 2}", {"a": {"b": 1}, "c": {"b": 1, "d": 2}}),
        ("[" * DEEPEST + "]" * DEEPEST, None),
        ("18446744073709551615", 2**64 - 1),
        ("a: 1e999", {"a": "1e999"}),  # which YAML takes for text
        ("[on, ~, 1.5, 'on']", [True, None, 1.5, "on"]),
    ],
)
def test_yaml_within_bounds_is_read(text: str | bytes, value: object) -> None:
    found = read_yaml(text)
    assert value is None or found == value


def test_json_within_bounds_is_read() -> None:
    assert read_json('\ufeff{"a": [1, 2.5, null, true, "é"]}'.encode()) == {"a": [1, 2.5, None, True, "é"]}
    assert read_json("[" * DEEPEST + "]" * DEEPEST)


def test_what_is_refused_is_not_quoted() -> None:
    """It may be a file of secrets that was named by mistake."""
    for text in (
        "hunter2: [",
        "a: hunter2: b",
        "!hunter2 a",
        "a: *hunter2",
        "&hunter2 &b c",
        "%hunter2 x",
        "`hunter2`",
    ):
        with pytest.raises(ExternalTextError) as caught:
            read_yaml(text)
        assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "text", [b"[" * 50_000, aliases(9, "[x, x]", "[{}]").encode(), b"name: !!bool x", b"\xff\xfea"]
)
def test_a_bad_answers_file_is_a_finding(text: bytes) -> None:
    recorded = parse_recorded(text, "stacks/x/.copier-answers.yml")
    assert recorded.problem is not None
    assert recorded.problem.code == "update.unreadable"
    assert not recorded.document


@pytest.mark.parametrize("word", ["a" * 60_000, "a." * 30_000, "https:/" * 9_000, "1e9" * 20_000])
def test_a_long_word_is_looked_through_in_no_time(word: str) -> None:
    """The search for an address with a password in it once took time by the square of the length."""
    began = time.process_time()
    assert not has_user(word)
    assert has_user(f"{word} https://user:password@git.example.test/")
    assert time.process_time() - began < 1


# --- files -----------------------------------------------------------------------------------------------------


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    monkeypatch.chdir(tmp_path)
    return Command(capsys)


def _place(kind: str, folder: Path) -> str:
    path = folder / "answers.yml"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "sparse":
        with path.open("wb") as stream:
            stream.truncate(10 * 2**30)
    elif kind == "link to a device":
        path.symlink_to("/dev/zero")
    elif kind == "a byte too many":
        path.write_bytes(b"#" * (MOST_YAML_BYTES + 1))
    else:
        return kind
    return str(path)


KINDS = [
    "pipe",
    "folder",
    "sparse",
    "link to a device",
    "a byte too many",
    "/dev/zero",
    "/dev/tty",
    "/proc/self/environ",
]


@pytest.mark.parametrize("kind", KINDS)
def test_only_a_regular_file_of_a_fitting_size_is_read(tmp_path: Path, kind: str) -> None:
    with pytest.raises(OSError) as caught:  # noqa: PT011 - what kind it is does not matter
        read_bounded(Path(_place(kind, tmp_path)))
    assert caught.value.strerror


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in ("/dev/tty", "a byte too many")])
@pytest.mark.parametrize("line", ["plan --no-provision --answers", "apply", "plan reader --no-provision --platform"])
def test_every_file_that_a_person_names_is_read_within_bounds(
    command: Command, tmp_path: Path, line: str, kind: str
) -> None:
    completed = command(*line.split(), _place(kind, tmp_path), "--json")
    assert completed.code == 2, completed.out
    (error,) = completed.of("error")
    assert error["code"] in ("answers.unreadable", "plan.unreadable", "platform.unreadable")
    assert "PATH" not in error["message"]


def handed(content: bytes, *, socket: bool = False) -> int:
    """A pipe, or a pair of sockets, that another process has written to."""
    if socket:
        ours, theirs = (each.detach() for each in socketpair())
    else:
        ours, theirs = os.pipe()

    def write() -> None:
        with suppress(BrokenPipeError), os.fdopen(theirs, "wb") as stream:
            stream.write(content)

    threading.Thread(target=write, daemon=True).start()
    return ours


@pytest.mark.parametrize("place", ["/dev/fd/{}", "/proc/self/fd/{}"])
@pytest.mark.parametrize("socket", [False, True])
def test_answers_come_through_a_pipe_of_the_shell(desk: Desk, place: str, socket: bool) -> None:
    """``--answers <(command)``: as ``-`` reads standard input."""
    source = handed(yaml.safe_dump(SMALLEST).encode(), socket=socket)
    places = ("--infra", desk.infra, "--service-dir", desk.service, "--no-provision")
    completed = desk.command("plan", "--answers", place.format(source), *places, "--json")
    os.close(source)
    assert completed.code == 0, completed.of("error")


def test_a_pipe_of_the_shell_has_bounds(command: Command) -> None:
    source = handed(b"#" * (MOST_YAML_BYTES + 1))
    wrong = {
        f"/dev/fd/{source}": "Larger than 1024 KiB",
        "/dev/fd/999999": "Bad file descriptor",
        "/dev/fd/99999999999999999999": "No such file or directory",
    }
    for place, reason in wrong.items():
        (error,) = command("plan", "--answers", place, "--no-provision", "--json").of("error")
        assert (error["code"], reason in error["message"]) == ("answers.unreadable", True), error
    os.close(source)


@pytest.mark.parametrize("line", ["apply", "plan reader --no-provision --platform", "fleet update --retry"])
def test_no_other_file_comes_through_a_pipe(command: Command, line: str) -> None:
    source = handed(b"{}")
    assert command(*line.split(), f"/dev/fd/{source}", "--json").code == 2
    os.close(source)


SLOW = {
    "blank lines": "\nEOT\nEOT" + "\n" * 60_000 + "-1 ?",
    "other blanks": "\u2028\n" * 30_000,
    "tabs": "a {\n" + "\t" * 60_000 + ",",
    "carriage returns": "}" + "\r" * 60_000 + "/*",
}


@pytest.mark.parametrize("text", SLOW.values(), ids=SLOW)
def test_blanks_in_hcl_are_not_looked_through_again_and_again(text: str) -> None:
    began = time.process_time()
    with pytest.raises(HclSyntaxError, match="in a row from line"):
        parse(text)
    assert time.process_time() - began < 0.5


def test_a_large_file_of_hcl_is_read() -> None:
    assert parse("a = 1" + "\n" * 500 + "b = 2\n").settings(("x",)) == []
    text = 'module "notes" {\n  source = "x"\n  ports  = ["80", "443"]\n}\n\n' * 3_500
    assert len(parse(text).blocks(("module", "notes"))) == 3_500
