"""Which files a filter covers: read from a tree's ``.gitattributes`` as git reads them."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from generator.infra_repo.attributes import filters
from generator.infra_repo.trees import Files, Folder
from tests.checkout import git

PATHS = [
    *("a.tfvars", "config.tfvars", "secrets/a", "secrets/deep/er/b.yml", "stacks/x/main.tf", "stacks/x/secrets/a.tf"),
    *("stacks/x/terraform.tfvars", "stacks/secrets", "a b/c d.txt", "[x].tf", "x.TF", "é/ü.tf", "a*b.tf", "-filter"),
    *("stacks/y-1/z_2.tfvars", "docs/a.md", "docs/.hidden", "#a", "!b", "a\\b.tf", "secretsx/a", "x/secrets/y/z"),
]

EXAMPLES = {
    "git-crypt": "*.tfvars filter=git-crypt diff=git-crypt\nsecrets/** filter=git-crypt diff=git-crypt\n",
    "everything but one": "* filter=a\n/stacks/x/*.tf -filter\ndocs/** !filter\n",
    "the last line": "*.tf filter=a\nx/** filter=b\nstacks/** filter=c\n*.tf filter=d text\n",
    "stars": "**/secrets/** filter=a\nstacks/** filter=b\n**/a filter=c\ns*/x/* filter=d\nstacks/**/secrets filter=e\n",
    "a folder is no file": "secrets/ filter=a\ndocs filter=b\n/secrets filter=c\n",
    "quoted": '"a b/*" filter=a\n"\\303\\251/*.tf" filter=b\n"docs/\\x" filter=c\n',
    "sets": "[xyz].tf filter=a\n\\[x\\].tf filter=b\n[!a-c]*.md filter=c\n*[[:digit:]].tfvars filter=d\n"
    "x.[[:upper:]]? filter=e\n",
    "escapes": "a\\*b.tf filter=a\n\\#a filter=b\n!b filter=c\n\\!b filter=d\n",
    "macros": "[attr]sealed filter=a -diff\n*.tfvars sealed\ndocs/* -sealed\n"
    "*.tf text sealed=1\nsecrets/* sealed -filter\n",
    "comments": "# *.tf filter=a\n\n   *.tf filter=b # filter=c\n\t*.md\tfilter=d\r\n*.tfvars\n",
    "alone": "*.tf filter\n*.md filter=\n",
    "a macro that is defined later": "*.tf sealed\n[attr]sealed filter=a\n*.md sealed\n[attr]sealed filter=b\n",
    "a macro in a macro": "[attr]outer inner\n[attr]inner filter=a\n*.tf outer\n[attr]binary filter=b\n*.md binary\n",
    "a macro that is unset": "[attr]sealed filter=a\n*.tf sealed\nstacks/x/* -sealed\nsecrets/** sealed=1\n",
    "a macro that names itself": "[attr]one two\n[attr]two one filter=a\n*.tf two\n",
    "odd words": "*.tf filter=a\n*.md filter=a b~d\na* -filter=x\ndocs/* filter=b=c\nx* filter=\xa0\ns* filter=ü\n",
    "odd quotes": '"*.tf" filter=a\n"docs/*"filter=b\n"a\\q" filter=c\n"stacks/* filter=d\n',
    "more stars": "stacks/x** filter=a\ndocs** filter=b\n***/a filter=c\nsecrets/***/b.yml filter=d\n",
    "sets without an end": "[x filter=a\n*[ filter=b\na* filter=c\n*.tf\\ filter=d\n",
    "ranges": "[z-a]* filter=a\n[[:space:]-]* filter=b\n[a-]* filter=c\n[\\]-a]* filter=d\n",
    "bytes": "é/?.tf filter=a\né/??.tf filter=b\n",
}


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("attributes")
    git(folder, "init", "--quiet")
    return folder


def as_git_says(folder: Path, files: dict[str, str]) -> dict[str, str]:
    for name in ("", "secrets/", "stacks/", "stacks/x/", "docs/"):
        place = folder / name / ".gitattributes"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(files.get(name, ""), newline="")
    asked = ["git", "check-attr", "-z", "--stdin", "filter"]
    given = "".join(f"{path}\0" for path in PATHS).encode()
    said = subprocess.run(asked, cwd=folder, input=given, capture_output=True, check=True).stdout.decode().split("\0")
    found = zip(said[::3], said[2::3], strict=False)
    return {path: name for path, name in found if name not in ("unspecified", "unset", "set", "")}


@pytest.mark.parametrize("text", EXAMPLES.values(), ids=EXAMPLES)
def test_a_filter_covers_what_git_says(repository: Path, text: str) -> None:
    expected = as_git_says(repository, {"": text})
    assert filters(Folder(repository), PATHS) == expected


def test_the_file_of_the_deepest_folder_counts(repository: Path) -> None:
    files = {
        "": "[attr]sealed filter=m\n*.tf filter=top\n*.tfvars filter=top\n",
        "secrets/": "** filter=s\ndeep/er/* filter=e\n",
        "stacks/": "x/*.tf -filter\n*.tfvars filter=stacks\nsecrets sealed\n",
        "stacks/x/": "/terraform.tfvars filter=x\n",
    }
    expected = as_git_says(repository, files)
    assert len(set(expected.values())) >= 5
    assert filters(Folder(repository), PATHS) == expected
    assert filters(Files({f"{name}.gitattributes": text.encode() for name, text in files.items()}), PATHS) == expected


PIECES = [
    "*",
    "**",
    "/",
    "a",
    "x",
    "secrets",
    "stacks",
    ".tf",
    ".tfvars",
    "?",
    "[a-z]",
    "[!x]",
    "[]a]",
    "[a",
    "\\*",
    "é",
    "-",
    "***",
    "[z-a]",
    "[[:space:]]",
    '"',
    "\\",
]
LINES = st.tuples(
    st.lists(st.sampled_from(PIECES), min_size=1, max_size=6).map("".join),
    st.lists(
        st.sampled_from(["filter=a", "filter=b", "-filter", "!filter", "text", "mine", "-mine", "outer", "b~d"]),
        min_size=1,
        max_size=3,
    ),
).map(lambda line: f"{line[0]} {' '.join(line[1])}\n")


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(top=st.lists(LINES, max_size=6).map("".join), stacks=st.lists(LINES, max_size=3).map("".join))
def test_any_lines_are_read_as_git_reads_them(repository: Path, top: str, stacks: str) -> None:
    macros = "[attr]mine filter=m\n[attr]outer mine\n"
    expected = as_git_says(repository, {"": f"{macros}{top}", "stacks/": stacks})
    assert filters(Folder(repository), PATHS) == expected
