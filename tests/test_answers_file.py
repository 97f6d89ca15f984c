"""The file that answers are kept in."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
import yaml

from generator.base.errors import UsageError
from generator.base.secrets import Secret
from generator.engine.answers_file import forget_answers, keep_answers, place_for, read_answers

ANSWERS = {"name": "notes-app", "title": "Notizen für alle", "env": {"A": "b"}, "volumes": []}


def test_kept_for_its_owner_alone_and_read_back(tmp_path: Path) -> None:
    path = place_for("notes-app", tmp_path)
    assert path.name == "notes-app.answers.yml"
    assert keep_answers(path, ANSWERS, replace=False) == ()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert yaml.safe_load(path.read_text(encoding="utf-8")) == ANSWERS
    assert [item.name for item in tmp_path.iterdir()] == [path.name]


def test_never_over_another_file(tmp_path: Path) -> None:
    taken = tmp_path / "notes-app.answers.yml"
    taken.symlink_to(tmp_path / "nowhere")
    path = place_for("notes-app", tmp_path)
    assert path.name == "notes-app.answers-2.yml"
    path.write_text("somebody was quicker\n")
    with pytest.raises(UsageError) as completed:
        keep_answers(path, ANSWERS, replace=False)
    assert completed.value.code == "answers.unwritable"
    assert path.read_text() == "somebody was quicker\n"
    assert len(list(tmp_path.iterdir())) == 2


def test_the_file_that_they_came_from_is_replaced(tmp_path: Path) -> None:
    path = place_for("notes-app", tmp_path)
    keep_answers(path, {"name": "notes-app"}, replace=False)
    assert place_for("notes-app", tmp_path, taken_up=path) == path
    keep_answers(path, ANSWERS, replace=True)
    assert yaml.safe_load(path.read_text(encoding="utf-8")) == ANSWERS


def test_a_credential_is_never_kept(tmp_path: Path) -> None:
    token = Secret("a-token-of-somebody")
    path = place_for("notes-app", tmp_path)
    left_out = keep_answers(path, {**ANSWERS, "env": {"TOKEN": token.reveal()}}, replace=False)
    assert left_out == ("env",)
    assert token.reveal() not in path.read_text(encoding="utf-8")
    assert "title" in yaml.safe_load(path.read_text(encoding="utf-8"))


def test_only_what_newservice_wrote_is_read_replaced_or_deleted(tmp_path: Path) -> None:
    ours = place_for("notes-app", tmp_path)
    keep_answers(ours, ANSWERS, replace=False)
    assert read_answers("notes-app", tmp_path).values == ANSWERS
    text = ours.read_text(encoding="utf-8")
    ours.chmod(0o666)  # anybody could have written it
    assert not read_answers("notes-app", tmp_path)
    ours.unlink()
    (tmp_path / "target.yml").write_text(text)
    ours.symlink_to(tmp_path / "target.yml")
    assert not read_answers("notes-app", tmp_path)
    assert place_for("notes-app", tmp_path, taken_up=ours).name == "notes-app.answers-2.yml"
    forget_answers(ours)
    assert ours.is_symlink()
    ours.unlink()
    ours.write_text(text.partition("\n")[2])  # somebody's own: it has no mark
    assert not read_answers("notes-app", tmp_path)
    assert place_for("notes-app", tmp_path, taken_up=ours).name == "notes-app.answers-2.yml"
    forget_answers(ours)
    assert ours.exists()
