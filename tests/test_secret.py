"""A secret is masked wherever it could be printed, and only ``reveal`` hands it out."""

from __future__ import annotations

import copy
import json
import logging
import pickle
from dataclasses import dataclass
from typing import Any

import pytest
import yaml

from generator.base import secrets as secret
from generator.base.errors import ExitCode, SystemFailure
from generator.base.parallel import StepResult
from generator.base.secrets import MASK, Secret, redact
from generator.cli.json_lines import JsonReporter
from generator.cli.report import Result
from generator.cli.text import TextReporter
from generator.engine.credentials import Credential

CANARY = "canary-4f1c9e"


@dataclass(frozen=True)
class Holder:
    """Anything that has one among its fields."""

    token: Secret


def test_it_hands_out_its_value_when_asked() -> None:
    assert Secret(CANARY).reveal() == CANARY


@pytest.mark.parametrize(
    "shown",
    [
        repr,
        str,
        ascii,
        format,
        lambda value: f"{value}",
        lambda value: f"{value!r:>20}",
        lambda value: f"{value:>20}",
        lambda value: "%s %r" % (value, value),  # noqa: UP031 - as logging does
        lambda value: repr([value, {"key": value}]),
        lambda value: repr(Holder(value)),
        lambda value: repr(Credential(value, "somewhere")),
        lambda value: logging.LogRecord("x", 1, "x", 1, "%s", (value,), None).getMessage(),
        lambda value: json.dumps(value, default=str),
        lambda value: repr(vars(type(value)).keys()),
    ],
)
def test_every_form_of_it_is_masked(shown: Any) -> None:
    assert CANARY not in shown(Secret(CANARY))


@pytest.mark.parametrize("dump", [json.dumps, pickle.dumps, yaml.safe_dump, copy.deepcopy])
def test_it_is_never_serialised(dump: Any) -> None:
    with pytest.raises((TypeError, yaml.YAMLError)) as caught:
        dump(Secret(CANARY))
    assert CANARY not in str(caught.value)


def test_it_has_no_attributes_to_look_into() -> None:
    with pytest.raises(TypeError, match="__dict__"):
        vars(Secret(CANARY))


def test_equal_secrets_are_equal_and_text_is_not() -> None:
    assert Secret(CANARY) == Secret(CANARY)
    assert Secret(CANARY) != Secret("another-one")
    assert Secret(CANARY) != CANARY
    assert len({Secret(CANARY), Secret(CANARY)}) == 1


def test_text_is_printed_without_any_secret_that_is_known() -> None:
    Secret(CANARY)
    Secret(CANARY + "-longer")
    assert redact(f"token {CANARY}-longer, token {CANARY}.") == f"token {MASK}, token {MASK}."
    assert redact("nothing to hide") == "nothing to hide"


def test_short_values_do_not_turn_words_into_masks() -> None:
    Secret("")
    Secret("a")
    Secret("12345")
    assert redact("a banana and 12345") == "a banana and 12345"


def test_a_text_that_was_printed_before_its_secret_was_known_is_masked_from_then_on() -> None:
    text = "a value that comes to be known"
    with secret.forgotten_afterwards():
        assert redact(text) == text
        assert not secret.known_secret(text)
        Secret("comes to be")
        assert redact(text) == f"a value that {MASK} known"
        assert secret.known_secret(text)
        assert not secret.known_secret(text, words=False)
    assert redact(text) == text


def test_what_is_learned_within_is_forgotten_afterwards() -> None:
    Secret(CANARY)
    with secret.forgotten_afterwards():
        Secret("stacks")
        Secret(CANARY)
        assert redact(f"stacks/x {CANARY}") == f"{MASK}/x {MASK}"
        assert secret.masked_variables({"WORD": "stacks"}) == {"WORD": ""}
    assert redact(f"stacks/x {CANARY}") == f"stacks/x {MASK}"
    assert secret.masked_variables({"WORD": "stacks"}) == {}
    assert not secret.known_secret("stacks")


def report_all(reporter: JsonReporter | TextReporter) -> None:
    reporter.step(StepResult("x", "failed", 1, f"said {CANARY}"))
    reporter.progress(f"doing {CANARY}")
    reporter.error(SystemFailure("x.failed", f"it said {CANARY}", f"use {CANARY}"))
    reporter.result(Result("error", ExitCode.SYSTEM, CANARY, {"url": f"https://{CANARY}"}, (f"use {CANARY}",)))


@pytest.mark.parametrize("kind", ["json", "text"])
def test_the_reporters_are_the_last_net(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    Secret(CANARY)
    report_all(JsonReporter() if kind == "json" else TextReporter(verbose=True))
    out, err = capsys.readouterr()
    assert CANARY not in out + err
    assert (out + err).count(MASK) >= 6


def test_the_names_of_fields_are_never_masked(capsys: pytest.CaptureFixture[str]) -> None:
    """A secret may be a word of the contract's own; what comes as a key and is data is masked as any text."""
    with secret.forgotten_afterwards():
        for word in ("status", "summary", "pull_request"):
            Secret(word)
        Secret(CANARY)
        JsonReporter().result(Result("error", ExitCode.SYSTEM, "x", {"pull_request": CANARY, f"x/{CANARY}": "y"}))
        JsonReporter().progress("no summary")
    first, second = map(json.loads, capsys.readouterr()[0].splitlines())
    assert (first["status"], first["urls"]) == ("error", {"pull_request": MASK, f"x/{MASK}": "y"})
    assert second["summary"] == f"no {MASK}"


def test_json_escapes_hide_no_secret_from_the_net(capsys: pytest.CaptureFixture[str]) -> None:
    """A value with characters that JSON writes otherwise is found as JSON writes it."""
    value = 'quo"te\\and\nline-4f1c9e'
    Secret(value)
    JsonReporter().progress(f"said {value}")
    out, _ = capsys.readouterr()
    assert "4f1c9e" not in out
