"""Files that are not UTF-8, or no text at all: what is written stays byte for byte, and nothing else is written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from generator.clients.git import merge_file
from generator.infra_repo.entries import merge_entries, registered_files
from generator.infra_repo.registrations import Registration, load
from generator.infra_repo.texts import read_text
from generator.infra_repo.tree_diff import merge_trees
from generator.template.files import File
from tests.answers import RICH
from tests.change.forge import change
from tests.checkout import commit_all
from tests.full import few
from tests.invoke import Desk
from tests.registrations.conftest import DECLARATIONS, FILES, MYSQL, render, service
from tests.world import World

NAME = str(RICH["name"])
CATALOG, DATABASE = ".claude/reference/service-catalog.md", "stacks/dbaas/modules/dbaas/main.tf"
ROW = f"| {NAME} |"
"""What the catalogue's snippet begins with."""

Encoding = Callable[[bytes], bytes]


def latin_1(content: bytes) -> bytes:
    return content + "\n# grün\n".encode("latin-1")


UNEDITABLE: dict[str, tuple[Encoding, str]] = {
    "latin-1": (latin_1, "Latin-1"),
    "git-crypt": (lambda _: b"\0GITCRYPT\0" + bytes(range(256)), "git-crypt"),
    "utf-16": (lambda content: content.decode().encode("utf-16"), "UTF-16"),
    "utf-16-be": (lambda content: b"\xfe\xff" + content.decode().encode("utf-16-be"), "UTF-16"),
    "utf-16 without a mark": (lambda content: content.decode().encode("utf-16-le"), "UTF-16 without"),
    "utf-32": (lambda content: content.decode().encode("utf-32"), "UTF-32"),
    "git-crypt, all ASCII": (lambda _: b"\0GITCRYPT\0abcdef", "git-crypt"),
    "git-lfs": (lambda _: b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", "Git LFS"),
    "ansible-vault": (lambda _: b"$ANSIBLE_VAULT;1.1;AES256\n6162\n", "Ansible Vault"),
    "sops, yaml": (lambda _: b"a: ENC[AES256_GCM,data:x,iv:y,tag:z,type:str]\nsops:\n    mac: x\n", "SOPS"),
    "sops, json": (lambda _: b'{"data": "ENC[AES256_GCM,data:x]",\n "sops": {}}\n', "SOPS"),
    "age": (lambda _: b"age-encryption.org/v1\n-> X25519 x\n", "age"),
    "age, armoured": (lambda _: b"-----BEGIN AGE ENCRYPTED FILE-----\nx\n", "age"),
    "pgp": (lambda _: b"-----BEGIN PGP MESSAGE-----\n\nx\n", "PGP"),
    "picture": (lambda _: b"\x89PNG\r\n\x1a\n\0\0", "binary"),
    "text with NUL": (lambda content: content + b"\0", "binary"),
    "a surrogate": (lambda content: content + b"\xed\xa0\x80", "not UTF-8"),
    "cut in a character": (lambda content: content + "ü".encode()[:1], "not UTF-8"),
}


@pytest.mark.parametrize("kind", UNEDITABLE)
def test_one_reader_says_what_a_file_is(kind: str) -> None:
    make, name = UNEDITABLE[kind]
    found = read_text(make(b"# Services\n\n| a | b |\n"))
    assert name in found.problem
    assert found.mark == ""


@pytest.mark.parametrize(
    "content",
    [b"", b"plain\n", "grün\n".encode(), b"\xef\xbb\xbfmarked\n", b"one\r\ntwo\n", b"\xef\xbb\xbf",
     b"sops: is a tool\n", b"how to seal: ENC[AES256_GCM,data:...]\n"],
)  # fmt: skip
def test_text_is_the_same_bytes_again(content: bytes) -> None:
    found = read_text(content)
    assert (found.problem, (found.mark + found.content).encode()) == ("", content)


# --- entries, byte for byte ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Tree:
    """Files in memory."""

    files: dict[str, bytes] = field(default_factory=dict)

    def read(self, path: str) -> bytes | None:
        return self.files.get(path)

    def executable(self, path: str) -> bool:
        return False

    def obstacle(self, path: str) -> None:
        return None


KINDS = {place.stem: place for place in sorted(FILES.iterdir())}
SHAPES: dict[str, Encoding] = {
    "mark": lambda content: b"\xef\xbb\xbf" + content,
    "crlf": lambda content: content.replace(b"\n", b"\r\n"),
    "mark and crlf": lambda content: b"\xef\xbb\xbf" + content.replace(b"\n", b"\r\n"),
    "mixed": lambda content: content.replace(b"\n", b"\r\n", content.count(b"\n") // 2),
    "mixed the other way": lambda content: content.replace(b"\n", b"\r\n").replace(b"\r\n", b"\n", 7),
    "no end": lambda content: content.rstrip(b"\n"),
    "not English": lambda content: content + "# größer, 漢字, 😀\n".encode(),
}


def declared(kind: str) -> Registration:
    """A registration of the template, for a service that needs it."""
    variables = service(db=MYSQL) if kind == "mysql-database" else service()
    return next(item for item in load(DECLARATIONS, render, variables) if item.id == kind)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("kind", KINDS)
def test_what_can_be_edited_stays_byte_for_byte(kind: str, shape: str) -> None:
    """The entry and nothing else, and without the entry it is the same file again."""
    item, content = declared(kind), SHAPES[shape](KINDS[kind].read_bytes())
    (added,) = registered_files(merge_entries((), [item], Tree({item.path: content})))
    assert added.content != content
    assert added.content.startswith(b"\xef\xbb\xbf") == content.startswith(b"\xef\xbb\xbf")
    assert added.content.count(b"\xef\xbb\xbf") == content.count(b"\xef\xbb\xbf")
    (gone,) = registered_files(merge_entries([item], (), Tree({item.path: added.content})))
    assert gone.content == content


@pytest.mark.parametrize("encoding", UNEDITABLE)
@pytest.mark.parametrize("kind", few(1, [*KINDS]))
def test_what_can_t_be_edited_is_refused_with_what_to_paste(kind: str, encoding: str) -> None:
    """When an entry is added, and when it is removed."""
    item, (make, name) = declared(kind), UNEDITABLE[encoding]
    added = registered_files(merge_entries((), [item], Tree({item.path: KINDS[kind].read_bytes()})))[0].content
    for start, goal, content in (((), [item], KINDS[kind].read_bytes()), ([item], (), added)):
        (found,) = merge_entries(start, goal, Tree({item.path: make(content)}))
        assert (found.action, found.before, found.after) == ("refuse", "", "")
        assert found.refusal
        assert found.refusal.code == "registration.not_text"
        assert name in found.refusal.message
        assert found.refusal.hint.endswith(item.snippet)
    (kept,) = merge_entries([item], [item], Tree({item.path: make(KINDS[kind].read_bytes())}))
    assert (kept.action, bool(kept.reason)) == ("kept", True)


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16"])
@pytest.mark.parametrize("kind", few(1, [*KINDS]))
def test_what_a_person_added_by_hand_is_found_where_it_can_be_read(kind: str, encoding: str) -> None:
    item, (make, _) = declared(kind), UNEDITABLE[encoding]
    content = KINDS[kind].read_bytes()
    added = registered_files(merge_entries((), [item], Tree({item.path: content})))[0].content
    (found,) = merge_entries((), [item], Tree({item.path: make(added)}))
    assert found.action == "present"
    gone = merge_entries([item], (), Tree({item.path: make(content)}))
    assert [found.action for found in gone] == ([] if item.optional else ["absent"])


# --- the command --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [CATALOG, DATABASE])
@pytest.mark.parametrize("encoding", few(2, [*UNEDITABLE]))
def test_files_only_refuses_and_writes_nothing(desk: Desk, encoding: str, path: str) -> None:
    place = desk.infra / path
    place.write_bytes(UNEDITABLE[encoding][0](place.read_bytes()))
    commit_all(desk.infra, "another encoding")
    before = desk.snapshot()
    for command in ("plan", "create"):
        completed = desk.create(RICH, "--diff", command=command)
        (error,) = completed.of("error")
        assert (completed.code, error["code"]) == (4, "registration.not_text")
        assert path in error["message"]
        assert NAME in error["hint"]
    assert desk.snapshot().keys() - {"answers.yml"} == before.keys() - {"answers.yml"}
    assert desk.changed() == []


def spoil(world: World, encoding: str, *paths: str) -> None:
    """Somebody commits shared files in another encoding."""
    bare = world.infra.bare
    files = {path: UNEDITABLE[encoding][0](bare.file(world.base, path) or b"") for path in paths}
    bare.commit_files(world.base, files, "chore: another encoding\n", 1_790_000_000)


@pytest.mark.parametrize("encoding", few(2, [*UNEDITABLE]))
def test_nothing_is_written_to_any_system(world: World, encoding: str) -> None:
    spoil(world, encoding, CATALOG)
    world.sandbox.journal.clear()
    for command in ("plan", "create"):
        done = world.run(command, RICH)
        (error,) = done.of("error")
        assert (done.code, error["code"]) == (4, "infra.commit.refused")
        assert CATALOG in error["message"]
        assert ROW in error["hint"]
    assert {entry.method for entry in world.sandbox.journal} <= {"GET", "HEAD"}


@pytest.mark.parametrize("encoding", few(1, [*UNEDITABLE]))
def test_a_service_that_exists_is_looked_at_changed_and_removed(world: World, encoding: str) -> None:
    """No command ends as a fault of newservice's; entries that can't be reached are named, with their text."""
    created = world.run("create", RICH)
    assert created.code == 0
    world.merge(NAME)
    shared = sorted({item["path"] for item in created.of("plan")[0]["registrations"]})
    spoil(world, encoding, *shared)

    for command in (("status", NAME), ("doctor",), ("secrets", "show", NAME), ("fleet", "status")):
        assert world.command(*command).code in (0, 3), command
    verified = world.command("verify", NAME)
    (check,) = [item for item in verified.of("check") if item["id"] == "infra.docs"]
    readable = encoding in ("latin-1", "utf-16", "utf-16-be", "utf-32", "a surrogate", "cut in a character")
    assert check["state"] == ("ok" if readable else "unknown"), check
    assert readable or (CATALOG in check["summary"] and ROW in check["hint"])

    assert change(world, NAME, "--memory", "1Gi").code == 0, "what it does not touch is not its concern"
    opened = change(world, NAME, "--image-visibility", "public", "--open")
    assert (opened.code, opened.result["status"]) == (6, "refused")
    assert any("registration" in line or NAME in line for line in opened.result["next"][1:])
    removed = world.command("remove", NAME, "--yes")
    assert removed.code == 0, removed.out
    proposal = next(pull for pull in world.infra.pulls.values() if "remove" in pull.title)
    assert CATALOG in proposal.body


# --- a service's own files ----------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", few(2, ["latin-1", "utf-16", "picture", "git-crypt"]))
def test_own_files_that_are_no_text_are_shown_as_binary(desk: Desk, encoding: str) -> None:
    assert desk.create(RICH).code == 0
    readme = desk.service / "README.md"
    readme.write_bytes(UNEDITABLE[encoding][0](readme.read_bytes()))
    completed = desk.create(RICH, "--diff", command="plan")
    assert completed.of("plan")[0]["diffs"]["README.md"] == "Binary files a/README.md and b/README.md differ\n"
    text = desk.command("plan", "--answers", desk.folder / "answers.yml", "--infra", desk.infra,
                        "--service-dir", desk.service, "--no-provision", "--diff")  # fmt: skip
    assert text.code in (0, 4)
    assert "Binary files a/README.md and b/README.md differ" in text.out + text.err


def merged(found: bytes, base: bytes, wanted: bytes) -> tuple[str, bytes]:
    (change_,) = merge_trees("service", [File("a", base)], [File("a", wanted)], Tree({"a": found}), merge=merge_file)
    assert change_.after
    return change_.action, change_.after.content


LINES = b"one\ntwo\nthree\nfour\nfive\n"


@pytest.mark.parametrize(
    ("found", "wanted", "action", "result"),
    [
        # line ends of each line stay, whatever others are like
        (b"one\r\ntwo\nthree\r\nfour\r\nfive\n", LINES + b"six\n", "update",
         b"one\r\ntwo\nthree\r\nfour\r\nfive\nsix\r\n"),
        (b"one\ntwo\nthree\r\nfour\nfive\n", b"zero\n" + LINES, "update", b"zero\none\ntwo\nthree\r\nfour\nfive\n"),
        (LINES.replace(b"\n", b"\r\n") + b"own\r\n", LINES.replace(b"one", b"1"), "update",
         LINES.replace(b"one", b"1").replace(b"\n", b"\r\n") + b"own\r\n"),
        # a byte order mark is a person's
        (b"\xef\xbb\xbf" + LINES, LINES + b"six\n", "update", b"\xef\xbb\xbf" + LINES + b"six\n"),
        # two encodings never come into one file
        (LINES + b"gr\xfcn\n", b"zero\n" + LINES, "update", b"zero\n" + LINES + b"gr\xfcn\n"),
        (LINES + b"gr\xfcn\n", "größe\n".encode() + LINES, "conflict", LINES + b"gr\xfcn\n"),
        (LINES.decode().encode("utf-16"), LINES + b"six\n", "conflict", LINES.decode().encode("utf-16")),
        (LINES.decode().encode("utf-16"), LINES, "kept", LINES.decode().encode("utf-16")),
        (b"\x89PNG\r\n\x1a\n\0\r\n\n", LINES + b"six\n", "conflict", b"\x89PNG\r\n\x1a\n\0\r\n\n"),
    ],
)  # fmt: skip
def test_an_own_file_keeps_its_bytes(found: bytes, wanted: bytes, action: str, result: bytes) -> None:
    assert merged(found, LINES, wanted) == (action, result)
