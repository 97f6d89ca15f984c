"""Commands and smaller texts come out as they were written, too: see ``test_text`` for the larger ones."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from . import hcl
from .rendering import UPSTREAM, answers, files
from .test_text import comments, lines, plain_values, quick
from .workload import IN_THE_JOB

JOB: dict[str, Any] = {"name": "tidy", "schedule": "@daily", "command": ["tidy"], "migrate": True}


@lru_cache(maxsize=1)
def _base() -> dict[str, Any]:
    return answers(
        cronjobs=[JOB],
        migrate_command=["up"],
        lan_host={"host": "guide", "auth": "app", "reason": "its own login"},
        homepage={"widget": {"type": "w", "fields": {"view": "all"}}},
    ).context


@lru_cache(maxsize=1)
def _upstream() -> dict[str, Any]:
    return answers(**UPSTREAM, diun_tags="^1").context


@quick
@given(
    words=st.lists(plain_values, min_size=1, max_size=4),
    others=st.lists(plain_values, min_size=1, max_size=4),
    reason=lines,
    field=lines,
)
@example(["${x}", "%{x}", "", "a\n\tb"], ["$${x}", "]", '"', "\\"], "${x} */", "%%{x}")
def test_words_are_read_back_as_they_were_written(words: list[str], others: list[str], reason: str, field: str) -> None:
    base = _base()
    stack = files(
        {
            **base,
            "command": words,
            "args": others,
            "migrate_command": others,
            "jobs": [{**base["jobs"][0], "command": others, "args": words}],
            "lan": {**base["lan"], "reason": reason},
            "tile": {**base["tile"], "widget": {**base["tile"]["widget"], "fields": {"view": field}}},
        }
    )
    pod = hcl.parse(stack["deployment.tf"]).one("resource", "spec", "template", "spec")
    assert (pod.one("container")["command"], pod.one("container")["args"]) == (words, others)
    assert pod.one("init_container")["command"] == others
    job = hcl.parse(stack["cronjobs.tf"]).one("resource", *IN_THE_JOB)
    assert (job.one("container")["command"], job.one("container")["args"]) == (others, words)
    assert job.one("init_container")["command"] == others
    # Braces without a partner are round ones there: the infra repository's guard counts them.
    round_ = str.maketrans("{}", "()")
    told = f'# auth = "app": {" ".join(reason.split())}'
    assert [line.translate(round_) for line in comments(stack["ingress.tf"])] == [told.translate(round_)]
    annotations = hcl.parse(stack["ingress.tf"]).labelled("ingress")["extra_annotations"]
    assert annotations["gethomepage.dev/widget.view"] == field


@quick
@given(lines)
@example(r"^v\d+\.\d+${x}$")
def test_tags_are_read_back_as_they_were_written(tags: str) -> None:
    stack = files({**_upstream(), "diun_tags": tags})
    annotations = hcl.parse(stack["deployment.tf"]).one("resource", "spec", "template", "metadata")["annotations"]
    assert annotations == {"diun.enable": "true", "diun.include_tags": tags}
