"""Files are written whole or not at all, in one way."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

import generator
from generator.base.files import is_private, write_file

CODE = Path(generator.__file__).parent


def test_content_and_mode(tmp_path: Path) -> None:
    write_file(tmp_path / "text", "ä\n", 0o644)
    write_file(tmp_path / "bytes", b"\0\1")
    assert (tmp_path / "text").read_bytes() == "ä\n".encode()
    assert (tmp_path / "bytes").read_bytes() == b"\0\1"
    assert [(tmp_path / name).stat().st_mode & 0o777 for name in ("text", "bytes")] == [0o644, 0o600]
    assert sorted(os.listdir(tmp_path)) == ["bytes", "text"]


def test_what_exists_is_replaced_only_where_that_is_meant(tmp_path: Path) -> None:
    place = tmp_path / "file"
    place.write_text("old")
    with pytest.raises(FileExistsError):
        write_file(place, "new", replace=False)
    assert place.read_text() == "old"
    write_file(place, "new")
    assert place.read_text() == "new"
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.parametrize("content", ["\ud800", object()], ids=["no UTF-8", "no content"])
def test_a_failure_leaves_nothing_behind(tmp_path: Path, content: object) -> None:
    place = tmp_path / "file"
    place.write_text("old")
    with pytest.raises((UnicodeEncodeError, AttributeError)):
        write_file(place, content)  # type: ignore[arg-type]
    assert place.read_text() == "old"
    assert os.listdir(tmp_path) == ["file"]


def test_a_folder_in_the_way_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    with pytest.raises(OSError, match="taken"):
        write_file(tmp_path / "taken", "new")
    assert os.listdir(tmp_path) == ["taken"]


def test_private(tmp_path: Path) -> None:
    place = tmp_path / "file"
    write_file(place, "")
    assert is_private(place)
    place.chmod(0o620)
    assert not is_private(place)
    (tmp_path / "link").symlink_to(place)
    assert not is_private(tmp_path / "link")


def test_no_module_has_an_atomic_write_of_its_own() -> None:
    own = re.compile(r"mkstemp|NamedTemporaryFile\([^)]*delete=False")
    found = {
        str(path.relative_to(CODE))
        for path in CODE.rglob("*.py")
        if "sandbox" not in path.parts and own.search(path.read_text(encoding="utf-8"))
    }
    # The trace of a fault is written to a new file of the system's choice.
    assert found == {"base/files.py", "cli/faults.py"}
