"""Every kind of answer at a prompt, from its shape alone; typed by a script in place of a person."""

from __future__ import annotations

from typing import Any

import pytest

from generator.template.questions import MISSING, Question
from generator.wizard.asking import ask_question
from generator.wizard.fields import words_of
from generator.wizard.interview import Interview
from generator.wizard.prompter import Back
from tests.answers import QUESTIONS, SMALLEST, TEMPLATE, UPSTREAM, answer
from tests.wizard.script import BACK, ENTER, Script

BY_NAME = {question.name: question for question in QUESTIONS}
PUBLIC = [question for question in QUESTIONS if question.public]
DISK = {"name": "data", "mount": "/data"}


def ask(
    name: str, *replies: tuple[str, Any], said: Any = MISSING, begun: list[Any] | None = None, **given: Any
) -> tuple[Any, Script]:
    script = Script(*replies)
    talk = Interview(TEMPLATE, QUESTIONS, {**SMALLEST, **given}, {"platform": TEMPLATE.platform})
    found = ask_question(script, BY_NAME[name], talk.before(name), said, (begun if begun is not None else []).append)
    assert script.through
    return found, script


def settings(question: Question) -> dict[str, Any]:
    """Answers with which a question applies and is right by default."""
    base: dict[str, Any] = {**SMALLEST, "auth": "none", "auth_reason": "a public page"}
    if "upstream" in str(question.when):
        return {**base, **UPSTREAM}
    special: dict[str, dict[str, Any]] = {
        "gpu": {"tier": "gpu"},
        "secret_mode": {"secrets": {"A": "a"}},
        "backup": {"volumes": [DISK]},
        "access": {"auth": "required"},
    }
    return base | special.get(question.name, {})


@pytest.mark.parametrize("question", PUBLIC, ids=lambda item: item.name)
def test_enter_takes_what_is_shown_at_every_question(question: Question) -> None:
    """Nothing but Enter, at every prompt; and nothing that is shown is wider than 80 columns."""
    given = settings(question)
    talk = Interview(TEMPLATE, QUESTIONS, given, {"platform": TEMPLATE.platform})
    resolution = talk.before(question.name)
    default = resolution.default(question)
    required = default is MISSING and not question.suggest
    needed = (question.shape or {}).get("items", {})
    if default == [] and ("required" in needed or question.name == "ci_steps"):
        first = f"{question.name} 1: name" if "required" in needed else f"{question.name} 1"
        with pytest.raises(Back):  # there is nothing to take: its first field is needed, or one of several
            ask_question(Script((first, BACK)), question, resolution)
        return
    script = Script(*([(question.name, given[question.name])] if required else []), enter=True)
    found = ask_question(script, question, resolution)
    assert script.through
    if question.offer and question.shape and words_of(question.shape):
        assert found != default  # it was ticked: the first that is something
    elif question.suggest:
        assert found == "Notes App"
    else:
        assert found == (given[question.name] if required else default)


def test_every_choice_says_what_it_leads_to() -> None:
    """All fixed choices of all questions, and all words of structured answers."""
    for question in PUBLIC:
        for choice in question.choices if isinstance(question.choices, tuple) else ():
            assert choice in question.explains, f"{question.name}: {choice}"
        if question.shape and not isinstance(question.explains, str):
            wanted = {str(word).lower() if isinstance(word, bool) else word for word in words_of(question.shape)}
            assert wanted <= {str(key) for key in question.explains}, question.name


def test_every_field_of_a_form_has_its_line_of_help() -> None:
    def look(shape: Any, where: str) -> None:
        for name, field in shape.get("properties", {}).items():
            if "helps" in shape:
                completed = name in shape["helps"] or "enum" in field
                assert completed, f"{where}.{name}"
            look(field, f"{where}.{name}")
        assert set(shape.get("helps", {})) <= set(shape.get("properties", {})), where
        assert set(shape.get("first", ())) <= set(shape.get("properties", {})), where
        for inner in [*shape.get("anyOf", ()), shape.get("items"), shape.get("values")]:
            if inner:
                look(inner, where)

    for name, shape in TEMPLATE.shapes.items():
        look(shape, name)


# --- text and choices ----------------------------------------------------------------------------------------


def test_a_wrong_text_is_reported_with_its_reason_and_stays_to_be_corrected() -> None:
    found, script = ask("memory", ("memory", "lots"), ("memory", "64Gi"), ("memory", "1Gi"))
    assert found == "1Gi"
    assert script.proposed["memory"] == "64Gi"
    assert "must be an amount of bytes" in script.text_said
    assert "is more than a container of tier aux may have" in script.text_said


def test_a_choice_that_the_answers_before_forbid_is_reported() -> None:
    found, script = ask("language", ("language", "svelte"), ("language", "go"), kind="worker")
    assert found == "go"
    assert "svelte does not go with kind worker" in script.text_said


def test_what_was_said_before_is_shown() -> None:
    _, script = ask("memory", ("memory", ENTER), said="512Mi")
    assert script.proposed["memory"] == "512Mi"
    assert ask("dns", ("dns", ENTER), said="lan")[0] == "lan"
    assert ask("tier", ("tier", ENTER), said="not a choice any more")[0] == "aux"


def test_the_tiers_say_what_the_profile_says_of_them() -> None:
    _, script = ask("tier", ("tier", ENTER))
    completed = {option.value: option.explains for option in script.shown["tier"]}
    assert "4Gi" in completed["aux"]
    assert "2 times" in completed["aux"]
    assert "GPU" in completed["gpu"]
    assert "times" not in completed["core"]


def test_what_is_not_touched_stays_as_it_is() -> None:
    """Enter at a text changes nothing of it, whatever it holds; one that no line can hold is shown as YAML."""
    held = {"CERT": "line1\nline2\n", "SP": "  padded  ", "ON": True, "N": 5, "Q": "yes", "E": ""}
    plain = [step for key in ("SP", "ON", "N", "Q", "E") for step in (("env", f"change {key}"), (f"env: {key}", ENTER))]
    cert = [("env", "change CERT"), ("env: CERT (YAML)", ENTER)]
    found, script = ask("env", *plain, *cert, ("env", ENTER), said=held)
    assert found == held
    assert {key: type(value) for key, value in found.items()} == {key: type(value) for key, value in held.items()}
    assert script.proposed["env: SP"] == "  padded  "
    assert "\n" not in script.proposed["env: CERT (YAML)"]
    new = [("env", "change CERT"), ("env: CERT (YAML)", '"line1'), ("env: CERT (YAML)", '"line1\\nother\\n"')]
    assert ask("env", *new, ("env", ENTER), said=held)[0]["CERT"] == "line1\nother\n"
    emptied = [("env", "change CERT"), ("env: CERT (YAML)", "")]
    assert ask("env", *emptied, ("env", ENTER), said=held)[0]["CERT"] == ""
    assert ask("title", ("title", ENTER), said="  padded  ")[0] == "  padded  "
    words = ["a\nb", ""]
    assert ask("command", ("command (YAML)", ENTER), said=words)[0] == words


def test_blanks_that_are_typed_are_there_where_blanks_are_a_value() -> None:
    found, _ = ask("env", ("env: name", " I "), ("env: I", " x "), ("env", ENTER))
    assert found == {"I": " x "}
    assert ask("memory", ("memory", " 1Gi "))[0] == "1Gi"
    assert ask("homepage", ("homepage", "icon"), ("homepage: icon", " map "), ("homepage", ENTER))[0]["icon"] == "map"


def test_no_word_that_can_be_typed_means_something_else() -> None:
    found, _ = ask("env", ("env: name", "MISSING"), ("env: MISSING", "MISSING"), ("env", ENTER))
    assert found == {"MISSING": "MISSING"}


@pytest.mark.parametrize("text", ["0123", "010", "0x50", "1:30", "00", "8_0"])
def test_a_number_is_written_in_plain_digits(text: str) -> None:
    """YAML takes 0123 for 83, and 1:30 for 90."""
    found, script = ask("port", ("port", text), ("port", "80"))
    assert found == 80
    assert "in plain digits, without a zero before it" in script.text_said
    with pytest.raises(ValueError, match="plain digits"):
        BY_NAME["redis"].cast(text)
    uid = [("run_as", "uid"), ("run_as: uid", text), ("run_as: uid", "5"), ("run_as", ENTER)]
    assert ask("run_as", *uid)[0] == {"uid": 5}
    assert [BY_NAME["port"].cast(value) for value in ("0", " 80 ", "80\n", 83)] == [0, 80, 80, 83]


def test_truth_is_reported_in_one_way_and_never_as_a_text() -> None:
    _, script = ask("redis", ("redis", ENTER))
    assert [option.title for option in script.shown["redis"]][:3] == ["no", "yes", "a number ..."]
    assert script.shown["redis"][1].explains == "a free index of the shared Redis, in REDIS_URL"
    _, script = ask("env", ("env", ENTER), said={"A": True, "B": "yes", "C": "true", "D": 5, "E": "5", "F": "word"})
    completed = {option.title: option.explains for option in script.shown["env"]}
    assert [completed[f"change {key}"] for key in "ABCDEF"] == ["true", '"yes"', '"true"', "5", '"5"', "word"]
    _, script = ask("volumes", ("volumes", ENTER), said=[{**DISK, "read_only": True}])
    assert script.shown["volumes"][2].explains.endswith("read_only: yes")


# --- lists and maps ------------------------------------------------------------------------------------------


def test_a_map_asks_key_and_value_and_can_be_changed() -> None:
    found, script = ask(
        "env",
        ("env: name", "1A"),
        ("env: name", "LOG_LEVEL"),
        ("env: LOG_LEVEL", "info"),
        ("env", "add ..."),
        ("env: name", "TZ"),
        ("env: TZ", "UTC"),
        ("env", "change LOG_LEVEL"),
        ("env: LOG_LEVEL", "debug"),
        ("env", "add ..."),
        ("env: name", "GONE"),
        ("env: GONE", "1"),
        ("env", "remove ..."),
        ("env: remove", "GONE"),
        ("env", "done"),
    )
    assert found == {"LOG_LEVEL": "debug", "TZ": "UTC"}
    assert "must be an environment variable's name" in script.text_said


def test_a_map_that_is_wrong_as_a_whole_is_not_done() -> None:
    found, script = ask(
        "secrets",
        ("secrets: name", "TZ"),
        ("secrets: TZ", "tz"),
        ("secrets", "done"),
        ("secrets", "remove ..."),
        ("secrets: remove", "TZ"),
        ("secrets", "add ..."),
        ("secrets: name", "TOKEN"),
        ("secrets: TOKEN", "ghp_0123456789"),
        ("secrets: TOKEN", "api_token"),
        ("secrets", ENTER),
        env={"TZ": "UTC"},
    )
    assert found == {"TOKEN": "api_token"}
    assert "a variable can have one source" in script.text_said
    assert "values are never given here" in script.text_said


def test_a_list_of_maps_asks_what_it_needs_and_offers_the_rest() -> None:
    found, script = ask(
        "volumes",
        ("volumes 1: name", "data"),
        ("volumes 1: kind", ENTER),
        ("volumes 1: mount", "data"),
        ("volumes 1: mount", "/data"),
        ("volumes 1", "size"),
        ("volumes 1: size", "2Gi"),
        ("volumes 1", "read_only"),
        ("volumes 1: read_only", "yes"),
        ("volumes 1", "read_only"),
        ("volumes 1: read_only", "leave out"),
        ("volumes 1", ENTER),
        ("volumes", "add ..."),
        ("volumes 2: name", "media"),
        ("volumes 2: kind", "nfs"),
        ("volumes 2: mount", "/media"),
        ("volumes 2", ENTER),
        ("volumes", "change 2"),
        ("volumes 2", "mount"),
        ("volumes 2: mount", "/films"),
        ("volumes 2", ENTER),
        ("volumes", ENTER),
    )
    assert found == [{**DISK, "size": "2Gi"}, {"name": "media", "kind": "nfs", "mount": "/films"}]
    assert "must be an absolute path" in script.text_said
    kinds = {option.title: option.explains for option in script.shown["volumes 1: kind"]}
    assert "backed up" in kinds["encrypted"]
    assert "never for SQLite" in kinds["nfs"]


def test_what_a_list_can_not_have_is_reported_when_it_is_there() -> None:
    found, script = ask(
        "volumes",
        ("volumes 1: name", "db"),
        ("volumes 1: kind", "nfs"),
        ("volumes 1: mount", "/db"),
        ("volumes 1", ENTER),
        ("volumes", "done"),
        ("volumes", "change 1"),
        ("volumes 1", "kind"),
        ("volumes 1: kind", "encrypted"),
        ("volumes 1", ENTER),
        ("volumes", ENTER),
        env={"DATABASE_URL": "sqlite:////db/app.db"},
    )
    assert found == [{"name": "db", "mount": "/db"}]
    assert "SQLite is never kept on NFS" in script.text_said


def test_a_field_that_is_needed_is_asked_until_it_is_there() -> None:
    found, script = ask(
        "cronjobs",
        ("cronjobs", "change 1"),
        ("cronjobs 1", "schedule"),
        ("cronjobs 1: schedule", "soon"),
        ("cronjobs 1: schedule", ""),
        ("cronjobs 1: schedule", "@daily"),
        ("cronjobs 1", ENTER),
        ("cronjobs", ENTER),
        kind="cronjob",
    )
    assert found == [{"name": "run", "schedule": "@daily"}]
    assert "schedule is needed" in script.text_said


def test_a_command_is_one_line() -> None:
    found, script = ask("command", ("command", 'python -m "app x'), ("command", 'python -m "app x"'))
    assert found == ["python", "-m", "app x"]
    assert "can't be split into words" in script.text_said
    assert ask("command", ("command", ENTER), said=["a", "b c"])[1].proposed["command"] == "a 'b c'"
    assert ask("command", ("command", ""), said=["a"])[0] == []


def test_a_list_of_words_is_a_menu_where_words_hold_spaces() -> None:
    found, script = ask(
        "access",
        ("access", "add ..."),
        ("access 2", "Home Server Admins"),
        ("access", "done"),
        ("access", "change 2"),
        ("access 2", "Family"),
        ("access", ENTER),
    )
    assert found == ["Home Server Admins", "Family"]
    assert "a group is there twice" in script.text_said


def test_words_and_more_settings() -> None:
    assert ask("probe", ("probe", "tcp"))[0] == "tcp"
    found, _ = ask(
        "probe",
        ("probe", "more settings ..."),
        ("probe", "path"),
        ("probe: path", "/alive"),
        ("probe", "startup_seconds"),
        ("probe: startup_seconds", "soon"),
        ("probe: startup_seconds", "60"),
        ("probe", "readiness"),
        ("probe: readiness", "failures"),
        ("probe: readiness: failures", "2"),
        ("probe: readiness", ENTER),
        ("probe", ENTER),
    )
    assert found == {"kind": "http", "path": "/alive", "startup_seconds": 60, "readiness": {"failures": 2}}
    assert ask("probe", ("probe", ENTER), said=found)[0] == found


def test_a_map_inside_of_a_form() -> None:
    found, _ = ask(
        "database",
        ("database", "more settings ..."),
        ("database", "env"),
        ("database: env", "add ..."),
        ("database: env: name", "PGPASSWORD"),
        ("database: env: PGPASSWORD", "password"),
        ("database: env", ENTER),
        ("database", "engine"),
        ("database: engine", "mysql"),
        ("database", ENTER),
    )
    assert found == {"engine": "mysql", "env": {"DATABASE_URL": "dsn", "PGPASSWORD": "password"}}


def test_truth_and_numbers() -> None:
    assert ask("redis", ("redis", "yes"))[0] is True
    assert ask("redis", ("redis", "a number ..."), ("redis", "99"), ("redis", "a number ..."), ("redis", "7"))[0] == 7
    assert ask("scale_to_zero", ("scale_to_zero", "off"))[0] is False
    assert ask("scale_to_zero", ("scale_to_zero", "dynamic"))[0] == "dynamic"
    assert ask("outage_page", ("outage_page", True))[0] is True
    assert ask("replicas", ("replicas", "0"))[0] == 0
    assert ask("run_as", ("run_as", "uid"), ("run_as: uid", "1000"), ("run_as", ENTER))[0] == {"uid": 1000}


def test_yaml_stays_possible() -> None:
    found, script = ask(
        "volumes",
        ("volumes", "write it as YAML ..."),
        ("volumes (YAML)", "[{name: data"),
        ("volumes (YAML)", "name=data"),
        ("volumes (YAML)", "name=data,mount=/data"),
        said=[{"name": "old", "mount": "/old"}],
    )
    assert found == [DISK]
    assert script.proposed["volumes (YAML)"] == "name=data"
    assert "'mount' is missing" in script.text_said
    yaml = "{engine: postgres, name: other}"
    found, _ = ask("database", ("database", "write it as YAML ..."), ("database (YAML)", yaml))
    assert found == {"engine": "postgres", "name": "other"}


# --- going back ----------------------------------------------------------------------------------------------


def test_going_back_inside_of_an_answer_goes_back_one_prompt() -> None:
    found, _ = ask(
        "volumes",
        ("volumes 1: name", "dta"),
        ("volumes 1: kind", BACK),
        ("volumes 1: name", "data"),
        ("volumes 1: kind", ENTER),
        ("volumes 1: mount", "/data"),
        ("volumes 1", BACK),
        ("volumes 1: mount", ENTER),
        ("volumes 1", "size"),
        ("volumes 1: size", BACK),
        ("volumes 1", ENTER),
        ("volumes", "add ..."),
        ("volumes 2: name", BACK),
        ("volumes", "remove ..."),
        ("volumes: remove", BACK),
        ("volumes", "write it as YAML ..."),
        ("volumes (YAML)", BACK),
        ("volumes", ENTER),
    )
    assert found == [DISK]


def test_going_back_out_of_an_answer_keeps_what_was_begun() -> None:
    begun: list[Any] = []
    add = [("env", "add ..."), ("env: name", "B"), ("env: B", "2")]
    with pytest.raises(Back):
        ask("env", ("env: name", "A"), ("env: A", "1"), *add, ("env", BACK), begun=begun)
    assert begun == [{"A": "1"}, {"A": "1", "B": "2"}]
    begun.clear()
    with pytest.raises(Back):
        ask("env", ("env: name", BACK), begun=begun)
    assert begun == []
    for name in ("memory", "dns", "anubis"):
        with pytest.raises(Back):
            ask(name, (name, BACK), auth="none", auth_reason="open")


def test_what_comes_out_is_what_flags_make_of_the_same() -> None:
    """A field that is what it is anyway is left out, as on a command line."""
    found, _ = ask(
        "carveouts",
        ("carveouts 1: name", "hooks"),
        ("carveouts 1: paths 1", "/hooks"),
        ("carveouts 1: paths", ENTER),
        ("carveouts 1: auth", "none"),
        ("carveouts 1: reason", "signed webhooks"),
        ("carveouts 1", ENTER),
        ("carveouts", ENTER),
    )
    assert found == [{"name": "hooks", "paths": ["/hooks"], "reason": "signed webhooks"}]
    assert answer({**SMALLEST, "carveouts": found}).context["openings"][0]["auth"] == "none"
