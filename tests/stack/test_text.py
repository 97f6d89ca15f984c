"""Whatever people write comes out as text: read back by a parser of HCL, and evaluated by Terraform itself."""

from __future__ import annotations

import re
import tempfile
import unicodedata
from functools import lru_cache
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.fuzz import examples

from . import hcl, terraform
from .rendering import RICH, answers, files, template

HOSTS = {
    "pg_host": "postgresql_host",
    "mysql_host": "mysql_host",
    "redis_host": "redis_host",
    "mail_host": "mail_host",
    "nfs_server": "nfs_server",
}
HOSTILE = [
    '"', "'", "`", "\\", "\\n", '\\"', "\\u0024{x}", "$", "%", "{", "}", "${", "%{", "$${", "%%{", "${x}", "%{if x}",
    "$${x}", "${~", "~}", "{{ .x }}", "{{", "}}", "[[", "]]", "[%", "%]", "[#", "#]", "#", "//", "/*", "*/", '"""',
    "EOT", "<<EOT", "---", "|", ">", ": ", "- ", "&", "*", "!", "@", "😀", "👩‍👩‍👧", "é", "e\u0301",
    "\u200f", "\ufeff", " ",
]  # fmt: skip
TOKENS = ["{host}", *(f"{{{token}}}" for token in HOSTS)]
LINE = re.compile(template().shapes["line"]["pattern"][:-1] + r"\Z")
VALUE = re.compile(template().shapes["env"]["values"]["anyOf"][0]["pattern"][:-1] + r"\Z")

characters = st.characters(exclude_categories=("Cs", "Cc"))


def texts(pieces: list[str], accepted: re.Pattern[str]) -> st.SearchStrategy[str]:
    """Text of hostile pieces and any characters, as far as the question takes it."""
    piece = st.one_of(st.sampled_from(pieces), characters.filter(lambda char: bool(accepted.search(f"x{char}"))))
    return st.lists(piece, min_size=1, max_size=12).map("".join).filter(lambda text: bool(accepted.search(text)))


lines = texts(HOSTILE, LINE)
plain_values = texts([*HOSTILE, "\n", "\t", "\r\n", "\x85"], VALUE).filter(
    lambda text: not any(mark in text for mark in TOKENS)
)
values = texts([*HOSTILE, *TOKENS, *TOKENS, "\n", "\t", "\x85"], VALUE)

quick = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


@lru_cache(maxsize=1)
def _base() -> dict[str, Any]:
    return answers(auth="app", auth_reason="its own login", **RICH).context


def rendered(**changes: Any) -> dict[str, str]:
    """The stack with some answers replaced; text that the questions accept, so they need not be asked again."""
    return files({**_base(), **changes})


@settings(quick, max_examples=examples(400))
@given(title=lines, description=lines, reason=lines, carved=lines, group=lines, icon=lines, value=plain_values)
@example("${x}", "%{x}", '"', "*/", "$${x}", "%%{x}", "$$${x}%%%{x}")
@example("}", "a } b", "{{{ deep }}}", "} and {", "{", "%}", "}")
@example("]]", "[[ name ]]", "[% x %]", "[# x #]", "{{ x }}", "\\", "\\u0024{x}\n\t")
def test_text_is_read_back_as_it_was_written(
    title: str, description: str, reason: str, carved: str, group: str, icon: str, value: str
) -> None:
    stack = rendered(
        title=title,
        description=description,
        auth_reason=reason,
        openings=[{**_base()["openings"][0], "reason": carved}],
        tile={"enabled": True, "group": group, "icon": icon, "description": description, "widget": None},
        env={"VALUE": value},
    )
    ingress = hcl.parse(stack["ingress.tf"])
    assert ingress.labelled("ingress")["extra_annotations"] == {
        "gethomepage.dev/enabled": "true",
        "gethomepage.dev/name": title,
        "gethomepage.dev/description": description,
        "gethomepage.dev/pod-selector": "",
        "gethomepage.dev/icon": icon,
        "gethomepage.dev/group": group,
    }
    assert [block["auth"] for block in ingress.all("module")] == ["app", "none"]
    assert comments(stack["ingress.tf"]) == [
        f'# auth = "app": {as_comment(reason)}',
        f'# auth = "none": {as_comment(carved)}',
    ]
    for module in stack["ingress.tf"].split("\nmodule "):
        assert deepest_end(module) == module.rstrip().count("\n"), module
    assert environment(stack)["VALUE"] == value
    assert not comments(stack["main.tf"])[1:]


def as_comment(text: str) -> str:
    """A text as a comment has it: braces that don't pair up are parentheses, for guards count braces everywhere."""
    line, rest = " ".join(text.split()), text
    for _ in range(2):
        rest = re.sub(r"\{([^{}]*)\}", r"\1", rest)
    return line.translate({ord("{"): "(", ord("}"): ")"}) if re.search("[{}]", rest) else line


def deepest_end(text: str) -> int:
    """The line in which a block ends for somebody who only counts braces."""
    depth = 0
    for brace in re.finditer("[{}]", text):
        depth += 1 if brace[0] == "{" else -1
        if depth == 0:
            return text[: brace.start()].count("\n")
    return -1


def comments(text: str) -> list[str]:
    return [hcl.source(node).rstrip("\n") for node in hcl.nodes(hcl.syntax(text)) if node.type == "comment"]


def environment(stack: dict[str, str]) -> dict[str, Any]:
    pod = hcl.parse(stack["deployment.tf"]).one("resource", "spec", "template", "spec")
    return {env["name"]: env.attributes.get("value") for env in pod.all("container", "env")}


@settings(quick, max_examples=examples(4, texts=30))
@given(st.lists(values, min_size=30, max_size=30), st.lists(lines, min_size=8, max_size=8))
@example(
    ["{pg_host}", "${pg_host}", "$${pg_host}", "%{pg_host}", "%%{pg_host}", "$$$", "$%{x}", "%${x}", "{{pg_host}}",
     "{pg_{host}}", "{host}{mysql_host}", "a$", "%", "\\{redis_host}", "\\u0024{mail_host}", "${host}"],
    ["${x}", "$${x}", "$$${x}", "%{x}", "%%{x}", "%%%{x}", "$%{x}", "%${x}"],
)  # fmt: skip
def test_terraform_sees_the_text_that_was_written(entries: list[str], titles: list[str]) -> None:
    """Four times 38 texts at a time, because starting Terraform takes longer than reading them."""
    env = {f"V{number}": entry for number, entry in enumerate(entries)}
    stack = rendered(env=env)
    found = [environment_source(stack), *(title_source(rendered(title=title)) for title in titles)]
    expressions = [expression for group in found for expression in group]
    with tempfile.TemporaryDirectory() as folder:
        terraform.write(Path(folder), {"stack": stack})
        assert not terraform.badly_formatted(Path(folder))
        (Path(folder) / "values").mkdir()
        seen = terraform.evaluate(Path(folder, "values"), expressions, {name: f"<{name}>" for name in HOSTS.values()})
    # Terraform's strings are in normal form C, whoever writes them
    assert seen == [unicodedata.normalize("NFC", text) for text in [*map(filled_in, entries), *titles]]


def environment_source(stack: dict[str, str]) -> list[str]:
    """The expressions of the literal variables, as written."""
    pattern = re.compile(r'^            name  = "V\d+"\n            value = (.*)$', re.MULTILINE)
    return pattern.findall(stack["deployment.tf"])


def title_source(stack: dict[str, str]) -> list[str]:
    return re.findall(r'^    "gethomepage.dev/name" +=(.*)$', stack["ingress.tf"], re.MULTILINE)


def filled_in(text: str) -> str:
    """What the question `env` promises: tokens stand for values, and everything else for itself."""
    text = text.replace("{host}", "city-guide.viktorbarzin.me")
    return re.sub(r"\{(\w+)\}", lambda token: f"<{HOSTS[token[1]]}>" if token[1] in HOSTS else token[0], text)


def test_numbers_and_booleans_become_the_text_that_programs_expect() -> None:
    stack = rendered(env={"ON": True, "OFF": False, "COUNT": 3, "SHARE": 0.5, "EMPTY": ""})
    assert environment(stack) == {"ON": "true", "OFF": "false", "COUNT": "3", "SHARE": "0.5", "EMPTY": ""} | {
        "API_TOKEN": None,
        "KEY": None,
    }
