"""Compiled templates are kept for later processes, where nobody else could have written them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from platformdirs import user_cache_path

from tests.full import few

pytestmark = pytest.mark.usefixtures("own_cache")

RENDERED = """
import sys
from pathlib import Path
import jinja2
import yaml
from generator.template.template import Template

root = Path(sys.argv[1])
(root / "copier.yml").write_text(sys.argv[2])
(root / "part").write_text(sys.argv[3])
made, compile_ = [], jinja2.Environment.compile


def counted(*arguments, **options):
    made.append(1)
    return compile_(*arguments, **options)


jinja2.Environment.compile = counted
parsed, load = [], yaml.load
yaml.load = lambda *arguments, **options: parsed.append(1) or load(*arguments, **options)
said = [Template(root).render("[% include 'part' %]!", {"name": "notes"}) for _ in range(2)]
print(len(made) + len(parsed), *said)
"""
OPTIONS = """
_envops: {variable_start_string: "[[", variable_end_string: "]]", block_start_string: "[%", block_end_string: "%]"}
"""
TEXT = "[[ name | upper ]]"


def rendered(folder: Path, text: str = TEXT, options: str = OPTIONS) -> tuple[int, str]:
    """How often a new process compiles or parses, and what it renders, twice."""
    folder.mkdir(exist_ok=True)
    command = [sys.executable, "-c", RENDERED, str(folder), options, text]
    count, *said = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    assert said[0] == said[1]
    return int(count), said[0]


@pytest.fixture
def cache() -> Path:
    return user_cache_path("newservice") / "templates"


def test_what_one_process_compiled_another_does_not(tmp_path: Path, cache: Path) -> None:
    assert rendered(tmp_path / "template") == (3, "NOTES!")
    assert rendered(tmp_path / "template") == (0, "NOTES!")
    assert {place.stat().st_mode & 0o777 for place in (cache, cache.parent)} == {0o700}
    assert len(os.listdir(cache)) == 3  # two texts, and what copier.yml says


def test_where_a_template_lies_says_nothing(tmp_path: Path, cache: Path) -> None:
    """A release is unpacked to another folder each time."""
    rendered(tmp_path / "one")
    assert rendered(tmp_path / "other") == (0, "NOTES!")
    assert len(os.listdir(cache)) == 3


def test_another_text_or_other_options_are_compiled_anew(tmp_path: Path) -> None:
    rendered(tmp_path / "template")
    assert rendered(tmp_path / "template", TEXT + "?") == (1, "NOTES?!")
    assert rendered(tmp_path / "template", TEXT.replace("]]", "))"), OPTIONS.replace("]]", "))")) == (3, "NOTES!")
    assert rendered(tmp_path / "template") == (0, "NOTES!")


@pytest.mark.parametrize("harm", few(1, ["cut", "empty", "changed", "foreign"]))
def test_what_is_damaged_is_compiled_again(tmp_path: Path, cache: Path, harm: str) -> None:
    rendered(tmp_path / "template")
    for place in cache.iterdir():
        content = place.read_bytes()
        changed = content[:-9] + bytes([content[-9] ^ 1]) + content[-8:]
        place.write_bytes({"cut": content[:-20], "empty": b"", "changed": changed, "foreign": b"j2" * 99}[harm])
    assert rendered(tmp_path / "template") == (3, "NOTES!")
    assert rendered(tmp_path / "template") == (0, "NOTES!")


@pytest.mark.parametrize("harm", few(2, ["writable", "folder writable", "link", "file"]))
def test_a_folder_that_others_could_write_to_is_not_used(tmp_path: Path, cache: Path, harm: str) -> None:
    rendered(tmp_path / "template")
    if harm == "writable":
        cache.chmod(0o770)
    elif harm == "folder writable":
        cache.parent.chmod(0o777)
    elif harm == "link":
        cache.rename(tmp_path / "elsewhere")
        cache.symlink_to(tmp_path / "elsewhere")
    else:
        shutil.rmtree(cache)
        cache.write_text("")
    before = sorted(tmp_path.rglob("*.cache"))
    for _ in range(2):
        assert rendered(tmp_path / "template") == (3, "NOTES!")
    assert sorted(tmp_path.rglob("*.cache")) == before
