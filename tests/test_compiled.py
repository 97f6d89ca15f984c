from __future__ import annotations

import os
from pathlib import Path

import pytest
from jinja2 import DictLoader, Environment

from generator.template.template_cache import Compiled

SOURCE = "[[ name | upper ]]"


def environment(kept: Compiled, source: str = SOURCE) -> Environment:
    return Environment(
        loader=DictLoader({"it": source}), bytecode_cache=kept, variable_start_string="[[", variable_end_string="]]"
    )


def rendered(kept: Compiled, source: str = SOURCE) -> str:
    return environment(kept, source).get_template("it").render(name="notes")


def compilations(kept: Compiled, source: str = SOURCE) -> int:
    """How often a template had to be compiled to be rendered."""
    counted = environment(kept, source)
    made: list[int] = []
    compile_ = counted.compile

    def counting(*arguments: object, **options: object) -> object:
        made.append(1)
        return compile_(*arguments, **options)  # type: ignore[call-overload]

    counted.compile = counting  # type: ignore[method-assign, assignment]
    assert counted.get_template("it").render(name="notes")
    return len(made)


def left(place: Path) -> Compiled:
    kept = Compiled()
    rendered(kept)
    kept.keep(place)
    return kept


def taken_up(place: Path) -> Compiled:
    kept = Compiled()
    kept.load(place)
    return kept


def test_what_one_process_compiled_another_does_not(tmp_path: Path) -> None:
    place = tmp_path / "cache" / "compiled"
    left(place)
    assert compilations(taken_up(place)) == 0
    assert compilations(Compiled()) == 1
    assert (place.stat().st_mode & 0o777, place.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert os.listdir(place.parent) == [place.name]


def test_another_text_or_other_delimiters_are_compiled_anew(tmp_path: Path) -> None:
    place = tmp_path / "cache" / "compiled"
    left(place)
    assert rendered(taken_up(place), "[[ name ]]!") == "notes!"
    other = Environment(loader=DictLoader({"it": SOURCE}), bytecode_cache=taken_up(place))
    assert other.get_template("it").render(name="notes") == SOURCE


@pytest.mark.parametrize("harm", ["cut", "changed", "writable", "folder", "link"])
def test_what_is_damaged_or_could_be_somebody_elses_is_not_taken_up(tmp_path: Path, harm: str) -> None:
    place = tmp_path / "cache" / "compiled"
    left(place)
    content = place.read_bytes()
    if harm == "cut":
        place.write_bytes(content[:-20])
    elif harm == "changed":
        place.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    elif harm == "writable":
        place.chmod(0o666)
    elif harm == "folder":
        place.parent.chmod(0o777)
    else:
        place.rename(tmp_path / "elsewhere")
        place.symlink_to(tmp_path / "elsewhere")
    assert compilations(taken_up(place)) == 1


def test_a_cache_that_can_not_be_written_is_no_failure(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    left(tmp_path / "file" / "compiled")
    assert compilations(taken_up(tmp_path / "nothing")) == 1
