"""Libraries that are imported at their first use."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from generator.base.lazy_import import lazily

LIBRARY = """
import threading
begun = [thread for thread in threading.enumerate() if thread.name == "first"]
begun[0].begun.set()
assert begun[0].go.wait(60)
value = object()
"""


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The name of a module that tells its thread when its import begins, and waits before its end."""
    name = "newservice_lazily_tested"
    (tmp_path / f"{name}.py").write_text(LIBRARY)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield name
    sys.modules.pop(name, None)


class User(threading.Thread):
    """A thread that uses the library."""

    def __init__(self, name: str, library: object) -> None:
        super().__init__(name=name, daemon=True)
        self.begun, self.go = threading.Event(), threading.Event()
        self.library = library
        self.found: object = None

    def run(self) -> None:
        self.found = self.library.value  # type: ignore[attr-defined]


def test_no_thread_sees_half_a_library(library: str) -> None:
    later = lazily(library)
    assert library not in sys.modules
    first, second = User("first", later), User("second", later)
    first.start()
    assert first.begun.wait(60)
    second.start()
    second.join(0.05)
    assert second.is_alive()  # it waits for the first one's import
    first.go.set()
    for thread in (first, second):
        thread.join(60)
    assert first.found is second.found is sys.modules[library].value


def test_what_is_not_there_is_reported_at_the_first_use() -> None:
    later = lazily("newservice_not_installed")
    with pytest.raises(ModuleNotFoundError, match="newservice_not_installed"):
        _ = later.anything
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = lazily("json").no_such_name
