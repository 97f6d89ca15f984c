"""The template's data files that nothing else checks have a form, and what breaks it is named."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from generator.base.errors import NewserviceError
from generator.template.template import Template

FILES = Template.installed().root / "templates"
Change = Callable[[dict[str, Any]], None]


def at(*place: Any, value: Any = None) -> Change:
    """Sets a value; removes the key where none is given."""

    def change(data: Any) -> None:
        for key in place[:-1]:
            data = data[key]
        if value is None:
            del data[place[-1]]
        else:
            data[place[-1]] = value

    return change


@pytest.mark.parametrize(
    ("file", "change", "words"),
    [
        ("import.yml", at("companion", value=[]), "companion is not known; known are general_names, "),
        ("import.yml", at("companions", 1, "engin", value="x"), "companions[1].engin is not known; known are images"),
        ("import.yml", at("companions", 1, "engine"), "companions[1].engine is missing"),
        ("import.yml", at("companions", 1, "images", value="postgis"), "companions[1].images must be a list"),
        ("import.yml", at("companions", 1, "images", 0, value="postgis("), "companions[1].images[0] must be a regular"),
        ("import.yml", at("databases", "mysql", "port", value="3306"), "databases.mysql.port must be a whole number"),
        ("import.yml", at("databases", "mysql", "port", value=True), "databases.mysql.port must be a whole number"),
        ("import.yml", at("other_ports", "20", value="FTP"), "other_ports.20: the key must be a number"),
        ("import.yml", at("traefik", value=["x"]), "traefik must be a map"),
        ("import.yml", at("traefik", "rule", value=""), "traefik.rule must be a regular expression"),
        ("import.yml", at("volumes", "default", value=1), "volumes.default must be text"),
        ("import.yml", at("unexpressed", True, value="x"), "unexpressed.True: the key must be text"),
        ("import.yml", at("homepage"), "homepage is missing"),
        ("detection.yml", at("languages", "node", "alone", value="yes"), "languages.node.alone must be true or false"),
        ("detection.yml", at("builders", 0, "file", value="x"), "builders[0].file is not known; known are name"),
        ("detection.yml", at("tests", "files", value=None), "tests.files is missing"),
    ],
)
def test_what_breaks_the_form_is_named(tmp_path: Path, file: str, change: Change, words: str) -> None:
    data = yaml.safe_load((FILES / file).read_text(encoding="utf-8"))
    change(data)
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / file).write_text(yaml.safe_dump(data), encoding="utf-8")
    template = Template(tmp_path)
    with pytest.raises(NewserviceError) as raised:
        _ = template.imports if file == "import.yml" else template.detection
    assert raised.value.code == "template.broken"
    assert str(raised.value).startswith(f"templates/{file}: {words}")


def test_a_file_that_is_no_map(tmp_path: Path) -> None:
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "import.yml").write_text("- 1\n", encoding="utf-8")
    with pytest.raises(NewserviceError, match=r"templates/import\.yml: it must be a map"):
        _ = Template(tmp_path).imports
