"""Proof of life: every trap judged on its own, then the command against the embedded platform."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest

from generator.base.checks import Check, CheckState
from generator.base.errors import PreflightError, RefusedError, SystemFailure
from generator.base.secrets import Secret
from generator.cli import verify as command
from generator.cli.json_lines import JsonReporter
from generator.cli.session import Session
from generator.clients.github import WorkflowRun
from generator.clients.registry import Registry
from generator.clients.woodpecker import Pipeline, Registration
from generator.engine.delivery import Delivery, own_pipeline
from generator.engine.plan import Action, Decision, State
from generator.engine.project import InfraState
from generator.infra_repo.entries import RegistrationChange
from generator.lifecycle.verify import Look, Rhythm, follow, look
from generator.lifecycle.verify.build import (
    ImageFacts,
    MirrorFacts,
    PipelineFacts,
    RunFacts,
    judge_image,
    judge_images,
    judge_mirror,
    judge_pipeline,
    judge_run,
)
from generator.lifecycle.verify.infra import InfraFacts, judge_entries, judge_secrets, judge_stack, judge_watchers
from generator.lifecycle.verify.look import CHECKS
from generator.platform.profile import load_platform
from generator.sandbox import Sandbox
from generator.sandbox.faults import Status
from generator.template.answers import DeclaredDelivery, Watcher
from generator.template.template import Template
from tests import contracts
from tests.world import World, fully_both

OK, WAITING, FAILED, UNKNOWN, SKIPPED = CheckState
SHA, OTHER = "0123abcd" * 5, "ffff0000" * 5
WORKFLOW = ".github/workflows/build.yml"
DECLARED = DeclaredDelivery(
    workflow=WORKFLOW,
    image="owner/app",
    tags=("{sha:.8}", "latest"),
    variables={"IMAGE_NAME": "registry/owner/app", "IMAGE_TAG": "{sha:.8}"},
)
DELIVERY = Delivery.of(DECLARED, SHA)


# --- judging: no system is asked -----------------------------------------------------------------------------------


def mirror(**given: Any) -> Check:
    facts: dict[str, Any] = {
        "where": "owner/app",
        "canonical": SHA,
        "seen": True,
        "mirrored": SHA,
        "mirrors": 1,
        "errors": (),
    }
    return judge_mirror(MirrorFacts(**(facts | given)))


@pytest.mark.parametrize(
    ("given", "state", "word"),
    [
        ({}, OK, "0123abcd on both sides"),
        ({"canonical": None, "mirrored": None}, FAILED, "no commit on Forgejo"),
        ({"seen": False, "mirrored": None}, UNKNOWN, "missing, or the token is not allowed to see it"),
        ({"mirrored": OTHER}, WAITING, "ffff0000, Forgejo at 0123abcd"),
        ({"mirrored": None}, WAITING, "at nothing"),
        ({"mirrored": OTHER, "mirrors": 0}, FAILED, "no push mirror"),
        ({"mirrors": 0}, FAILED, "the next commit stays on Forgejo"),
        ({"mirrored": OTHER, "errors": ("refusing to allow",)}, FAILED, "refusing to allow"),
    ],
)
def test_mirror(given: dict[str, Any], state: CheckState, word: str) -> None:
    check = mirror(**given)
    assert (check.id, check.state) == ("mirror.commit", state)
    assert word in check.summary
    assert check.well or check.hint


def workflow_run(conclusion: str = "success", status: str = "completed", **given: Any) -> WorkflowRun:
    run = WorkflowRun(7, 1, SHA, WORKFLOW, status, conclusion, "https://forge/run/7")
    return replace(run, **given)


@pytest.mark.parametrize(
    ("runs", "state", "word"),
    [
        ([workflow_run()], OK, "success"),
        ([], WAITING, "has no run"),
        ([workflow_run(sha=OTHER)], WAITING, "has no run"),
        ([workflow_run(path=".github/workflows/other.yml")], WAITING, "has no run"),
        ([workflow_run("", "queued")], WAITING, "queued"),
        ([workflow_run("", "in_progress")], WAITING, "in progress"),
        # A run that is under way may have the conclusion of an earlier attempt.
        ([workflow_run("success", "in_progress")], WAITING, "in progress"),
        *(
            ([workflow_run(word)], FAILED, word.replace("_", " "))
            for word in ("failure", "cancelled", "skipped", "timed_out", "neutral", "stale", "action_required")
        ),
        ([workflow_run("")], FAILED, "no conclusion"),
        # The newest run counts, in whatever order GitHub lists them.
        ([workflow_run("failure", number=2), workflow_run()], FAILED, "failure"),
        ([workflow_run("failure"), workflow_run(number=2)], OK, "success"),
    ],
)
def test_run(runs: list[WorkflowRun], state: CheckState, word: str) -> None:
    check = judge_run(RunFacts(SHA, runs), WORKFLOW)
    assert (check.id, check.state) == ("ci.run", state)
    assert word in check.summary


def test_a_run_that_never_comes_and_the_job_that_failed() -> None:
    assert judge_run(RunFacts(SHA, [], enabled=False), WORKFLOW).state is FAILED
    assert judge_run(RunFacts(SHA, [], enabled=None), WORKFLOW).state is WAITING
    red = judge_run(RunFacts(SHA, [workflow_run("failure")], ("Lint", "Deploy")), WORKFLOW)
    assert "failure in Lint, Deploy" in red.summary


REFUSAL = PreflightError("registry.forbidden", "registry: owner/app answered 403", "read:packages")
BOTH = {"0123abcd": "sha256:1", "latest": "sha256:1"}


@pytest.mark.parametrize(
    ("digests", "anybody", "private", "ci", "state", "word"),
    [
        (BOTH, False, True, OK, OK, "owner/app has 0123abcd, latest"),
        (BOTH, True, False, OK, OK, "has"),
        (BOTH, True, True, OK, FAILED, "anyone can pull"),
        (BOTH, False, False, OK, FAILED, "only a token can pull"),
        # latest alone is another commit's image
        ({"0123abcd": None, "latest": "sha256:0"}, False, True, OK, FAILED, "no 0123abcd"),
        ({"0123abcd": None, "latest": "sha256:0"}, False, True, WAITING, WAITING, "the build makes it"),
        ({"0123abcd": None, "latest": "sha256:0"}, False, True, FAILED, WAITING, "the build makes it"),
        ({"0123abcd": None, "latest": "sha256:0"}, False, True, UNKNOWN, WAITING, "the build makes it"),
        ({"0123abcd": "sha256:1", "latest": None}, False, True, OK, FAILED, "no latest"),
        # a registry says "not found" of what may not be seen, too
        ({"0123abcd": None, "latest": None}, False, True, OK, UNKNOWN, "not allowed to read"),
        ({"0123abcd": None, "latest": None}, False, True, SKIPPED, UNKNOWN, "not allowed to read"),
        ({"0123abcd": None, "latest": None}, False, True, WAITING, WAITING, "no 0123abcd and no latest"),
        ({"0123abcd": "sha256:1", "latest": "sha256:2"}, False, True, OK, FAILED, "different images"),
        ({"0123abcd": "sha256:1", "latest": "sha256:2"}, False, True, WAITING, WAITING, "different images"),
    ],
)
def test_image(
    digests: dict[str, str | None], anybody: bool, private: bool, ci: CheckState, state: CheckState, word: str
) -> None:
    check = judge_image(ImageFacts(digests, anybody), DELIVERY, private=private, ci=ci)
    assert (check.id, check.state) == ("image.tags", state)
    assert word in check.summary


@pytest.mark.parametrize(
    ("found", "state", "words"),
    [
        ([BOTH, BOTH], OK, ["owner/app has", "owner/app-worker has"]),
        ([BOTH, {"0123abcd": None, "latest": "sha256:0"}], FAILED, ["owner/app-worker has latest but no 0123abcd"]),
        ([{"0123abcd": None, "latest": None}, BOTH], UNKNOWN, ["owner/app: no tag can be seen"]),
        (
            [{"0123abcd": None, "latest": None}, {"0123abcd": "sha256:1", "latest": None}],
            FAILED,
            ["app:", "app-worker has"],
        ),
    ],
)
def test_every_image_counts(found: list[dict[str, str | None]], state: CheckState, words: list[str]) -> None:
    each = replace(DELIVERY, further=("owner/app-worker",)).each
    checks = [
        judge_image(ImageFacts(digests, False), one, private=True, ci=OK)
        for digests, one in zip(found, each, strict=True)
    ]
    check = judge_images(checks)
    assert (check.id, check.state) == ("image.tags", state)
    assert len(check.summary.split("; ")) == len(words)
    assert all(word in check.summary for word in words)


def test_a_registry_that_refuses_the_token() -> None:
    refused = ImageFacts({}, open=False, refusal=REFUSAL)
    seen = judge_image(refused, DELIVERY, private=True, ci=OK)
    assert (seen.state, seen.summary, seen.hint) == (UNKNOWN, REFUSAL.message, REFUSAL.hint)
    assert judge_image(refused, DELIVERY, private=True, ci=WAITING).state is WAITING  # not there before the first build


REGISTERED = Registration(101, "owner/app", "7", True, {})
TOLD = {"IMAGE_NAME": "registry/owner/app", "IMAGE_TAG": "0123abcd"}


def pipeline(status: str = "success", number: int = 1, **given: Any) -> Pipeline:
    return replace(Pipeline(number, status, TOLD, (), (("deploy", status),)), **given)


def deployed(*pipelines: Pipeline, ci: CheckState = OK, registration: Registration | None = REGISTERED) -> Check:
    return judge_pipeline(PipelineFacts(registration, pipelines, own_pipeline(pipelines, DELIVERY)), DELIVERY, ci)


@pytest.mark.parametrize(
    ("pipelines", "ci", "state", "word"),
    [
        ([pipeline()], OK, OK, "pipeline 1 (IMAGE_TAG=0123abcd): success"),
        ([], WAITING, WAITING, "the build starts it"),
        ([], FAILED, WAITING, "the build starts it"),
        ([], OK, FAILED, "started no pipeline"),  # 204: nothing ran
        ([pipeline(variables={})], OK, FAILED, "started no pipeline"),
        ([pipeline(variables={**TOLD, "IMAGE_TAG": "ffff0000"})], OK, FAILED, "started no pipeline"),
        ([pipeline(variables={**TOLD, "IMAGE_NAME": "registry/other"})], OK, FAILED, "started no pipeline"),
        *(([pipeline(word)], OK, WAITING, word) for word in ("created", "pending", "running")),
        ([pipeline("blocked")], OK, WAITING, "waits for approval"),
        *(([pipeline(word)], OK, FAILED, word) for word in ("failure", "killed", "canceled", "declined", "skipped")),
        ([pipeline("error", errors=("secret not found",), steps=())], OK, FAILED, "secret not found"),
        ([pipeline("a-state-of-tomorrow")], OK, FAILED, "a-state-of-tomorrow"),
        ([pipeline("failure", steps=(("clone", "success"), ("deploy", "failure")))], OK, FAILED, "in step deploy"),
        ([pipeline(steps=())], OK, FAILED, "no step of it has run"),
        ([pipeline(steps=(("deploy", "skipped"),))], OK, FAILED, "no step of it has run"),
        ([pipeline("failure"), pipeline(number=2)], OK, OK, "pipeline 2"),
        ([pipeline(), pipeline("failure", number=2)], OK, FAILED, "pipeline 2"),
        # another image was deployed after ours; a pipeline of something else, or one that failed, changes nothing
        ([pipeline(), pipeline(number=2, variables={**TOLD, "IMAGE_TAG": "ffff0000"})], OK, FAILED, "after it"),
        ([pipeline(), pipeline("failure", 2, variables={**TOLD, "IMAGE_TAG": "ffff0000"})], OK, OK, "success"),
        ([pipeline(), pipeline(number=2, variables={})], OK, OK, "success"),
        ([pipeline(), pipeline(number=2, variables={"IMAGE_NAME": "other", "IMAGE_TAG": "1"})], OK, OK, "success"),
        ([pipeline(variables={**TOLD, "IMAGE_TAG": "ffff0000"}), pipeline(number=2)], OK, OK, "pipeline 2"),
    ],
)
def test_pipeline(pipelines: list[Pipeline], ci: CheckState, state: CheckState, word: str) -> None:
    check = deployed(*pipelines, ci=ci)
    assert (check.id, check.state) == ("deploy.pipeline", state)
    assert word in check.summary


def test_a_registration_that_is_missing_or_switched_off() -> None:
    assert deployed(pipeline(), registration=None).state is FAILED
    assert deployed(pipeline(), registration=replace(REGISTERED, active=False)).state is FAILED


def test_secrets() -> None:
    assert judge_secrets(Decision(State.PRESENT, Action.NONE, "secret/app has a")).state is OK
    for action in (Action.CREATE, Action.UPDATE, Action.REFUSE):
        check = judge_secrets(Decision(State.DRIFTED, action, "secret/app: b"))
        assert (check.state, check.summary) == (FAILED, "missing: secret/app: b")


def infra(*, ours: bool = True, pull_request: str = "", entries: tuple[RegistrationChange, ...] = ()) -> InfraFacts:
    return InfraFacts("master", "stacks/app", InfraState((), entries, made_by_us=ours), pull_request)


def entry(action: str) -> RegistrationChange:
    error = RefusedError("registration.place_not_found", "gone", "paste it") if action == "refuse" else None
    return RegistrationChange("catalog", "catalog.md", action, "", "", error)


def test_stack() -> None:
    assert judge_stack(infra()).state is OK
    assert judge_stack(infra(ours=False)).state is FAILED
    asked = judge_stack(infra(ours=False, pull_request="https://forge/pulls/1"))
    assert (asked.state, asked.hint) == (WAITING, "review and merge https://forge/pulls/1")
    assert judge_stack(InfraFacts("master", "stacks/app", None)).state is FAILED


@pytest.mark.parametrize(
    ("action", "asked", "state", "word"),
    [
        ("present", "", OK, "catalog on master"),
        ("update", "", OK, "edited since: catalog"),
        ("add", "", FAILED, "no pull request adds it"),
        ("add", "https://forge/pulls/1", WAITING, "not on master: catalog"),
        ("refuse", "", UNKNOWN, "the place of catalog was not found"),
    ],
)
def test_entries(action: str, asked: str, state: CheckState, word: str) -> None:
    found = (entry(action),)
    check = judge_entries("infra.docs", infra(pull_request=asked, entries=found), found)
    assert (check.id, check.state) == ("infra.docs", state)
    assert word in check.summary


def test_watchers_are_lines_of_the_stack_and_no_comments() -> None:
    asked = [Watcher("Prometheus", ("prometheus.io/scrape", "true"))]
    for text, state in (
        ('annotations = {\n  "prometheus.io/scrape" = "true"\n}', OK),
        ('  "prometheus.io/scrape" = "false"', FAILED),
        ('# "prometheus.io/scrape" = "true"', FAILED),
        ('"prometheus.io/scrape" = "false"\nother = "true"', FAILED),
        ("", FAILED),
    ):
        watched = judge_watchers(asked, text)
        assert [check.state for check in watched] == [state]
        assert judge_entries("infra.monitors", infra(), (), watched).state is state
    assert judge_entries("infra.monitors", infra(), (), ()).state is SKIPPED


# --- waiting -----------------------------------------------------------------------------------------------------


@dataclass
class Clock:
    """Time that passes only by sleeping; ``between`` happens during the pauses, in order."""

    between: list[Callable[[], object]]
    now: float = 0.0

    def __post_init__(self) -> None:
        self.pauses: list[float] = []
        self.rhythm = Rhythm(first=2, factor=2, longest=8, sleep=self.sleep, clock=lambda: self.now)

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds
        if self.between:
            self.between.pop(0)()


def seen(state: CheckState, summary: str = "") -> Look:
    return Look((Check("ci.run", state, summary), Check("vault.secrets", OK, "there")))


def followed(looks: list[Look], seconds: float = 60) -> tuple[Look, list[str], Clock]:
    clock, left = Clock([]), list(looks)
    completed: list[str] = []
    last = follow(lambda: left.pop(0) if len(left) > 1 else left[0], seconds, completed.append, clock.rhythm)
    return last, completed, clock


def test_waiting_tells_changes_only_and_stops_when_all_is_well() -> None:
    last, completed, clock = followed([seen(WAITING, "queued")] * 3 + [seen(WAITING, "running"), seen(OK, "green")])
    assert last.alive
    assert completed == ["ci.run: waiting, queued", "ci.run: waiting, running", "ci.run: ok, green"]
    assert clock.pauses == [2, 4, 8, 8]


def test_waiting_ends_early_where_nothing_can_come() -> None:
    assert followed([seen(WAITING), seen(FAILED)])[2].pauses == [2]
    assert followed([seen(UNKNOWN)])[2].pauses == []  # a missing scope stays missing
    passing = replace(seen(UNKNOWN), passing=frozenset({"ci.run"}))
    assert followed([passing, seen(OK)])[0].alive


def test_waiting_ends_when_the_time_is_up() -> None:
    last, _, clock = followed([seen(WAITING)], seconds=11)
    assert not last.alive
    assert clock.pauses == [2, 4, 5]
    assert followed([seen(WAITING)], seconds=0)[2].pauses == []


# --- the registry --------------------------------------------------------------------------------------------------


@pytest.fixture
def sandbox(tmp_path: Any) -> Iterator[Sandbox]:
    with Sandbox.start(tmp_path / "platform") as sandbox:
        yield sandbox


@contextmanager
def registry(sandbox: Sandbox, token: str = "") -> Iterator[Registry]:
    platform = load_platform(Template.installed().platform, sandbox.profile, {})
    client = Registry(platform, Secret(token or sandbox.tokens.registry))
    yield client
    client.close()


def test_registry(sandbox: Sandbox) -> None:
    private = sandbox.registry.put_image("owner/app", ["0123abcd"])
    public = sandbox.registry.put_image("owner/site", ["latest"], private=False)
    with registry(sandbox) as client:
        assert client.digest("owner/app", "0123abcd") == private
        assert client.digest("owner/app", "latest") is None
        assert client.digest("owner/none", "latest") is None
        assert client.digest("owner/app", "0123abcd", anonymous=True) is None
        assert client.digest("owner/site", "latest", anonymous=True) == public
    with registry(sandbox, sandbox.tokens.github) as client:  # what it falls back to
        assert client.digest("owner/app", "0123abcd") == private
    sandbox.github.tokens[sandbox.tokens.github].scopes.remove("read:packages")
    with registry(sandbox, sandbox.tokens.github) as client:
        with pytest.raises(PreflightError, match="may not read it") as refused:
            client.digest("owner/app", "0123abcd")
        assert "read:packages" in refused.value.hint
        sandbox.registry.silent = True
        assert client.digest("owner/app", "0123abcd", anonymous=True) is None


@pytest.mark.parametrize(
    "realm", ["https://forgejo.sandbox.test:{port}/token", "http://registry.sandbox.test/token", ""]
)
def test_the_registrys_token_goes_to_the_registry_alone(sandbox: Sandbox, realm: str) -> None:
    sandbox.registry.put_image("owner/app", ["latest"])
    sandbox.registry.realm = realm.format(port=sandbox.port)
    with registry(sandbox) as client, pytest.raises(PreflightError) as refused:
        client.digest("owner/app", "latest")
    assert refused.value.code == "registry.realm"
    assert {exchange.system for exchange in sandbox.journal} == {"registry"}
    assert not sandbox.journal.find(path="/token")


def test_a_registry_that_redirects_or_answers_with_a_page(sandbox: Sandbox) -> None:
    sandbox.registry.put_image("owner/app", ["latest"])
    elsewhere = {"Location": f"{sandbox.urls['forgejo']}/token"}
    for path in ("/manifests/", "/token"):
        sandbox.faults.add("registry", "GET", path, 1, Status(307, headers=elsewhere))
        with registry(sandbox) as client, pytest.raises(SystemFailure):
            client.digest("owner/app", "latest")
    assert {exchange.system for exchange in sandbox.journal} == {"registry"}
    sandbox.faults.add("registry", "GET", "/manifests/", 1, "html200")
    with registry(sandbox) as client, pytest.raises(SystemFailure) as page:
        client.digest("owner/app", "latest")
    assert page.value.code == "registry.not_json"


# --- the command ---------------------------------------------------------------------------------------------------

NAME = "city-guide"
OWNED = {
    "name": NAME,
    "title": "City Guide",
    "description": "Guides through the city.",
    "secrets": {"API_TOKEN": "api_token"},
    "internal_monitor": {"path": "/healthz"},
}


@dataclass
class Life:
    """A service that was created, and what makes it live."""

    world: World

    @property
    def sha(self) -> str:
        return self.world.canonical(NAME).bare.heads()[self.world.branch]

    @property
    def mirror(self) -> str:
        return self.world.mirror_name(NAME)

    @property
    def image(self) -> str:
        return f"{self.world.platform.registry.owner}/{NAME}"

    @property
    def variables(self) -> dict[str, str]:
        host = self.world.platform.registry.host
        return {"IMAGE_NAME": f"{host}/{self.image}", "IMAGE_TAG": self.sha[:8]}

    def build(self, conclusion: str | None = None) -> None:
        self.run = self.world.sandbox.github.record_run(
            self.mirror,
            self.sha,
            status="completed" if conclusion else "in_progress",
            conclusion=conclusion,
            path=f"{WORKFLOW}@refs/heads/{self.world.branch}",  # GitHub may name the reference too
        )

    def green(self) -> None:
        self.world.sandbox.github.update_run(self.mirror, self.run, conclusion="success")

    def red(self) -> None:
        self.world.sandbox.github.update_run(
            self.mirror, self.run, conclusion="failure", jobs={"Lint and test": "failure", "Deploy": "skipped"}
        )

    def push(self) -> None:
        self.world.sandbox.registry.put_image(self.image, [self.sha[:8], "latest"])

    def deploy(self, status: str = "success") -> None:
        self.pipeline = self.world.sandbox.woodpecker.record_pipeline(self.mirror, self.variables, status=status)

    def verify(self, *more: str) -> dict[str, Any]:
        completed = self.world.command("verify", NAME, *more)
        self.exit_code, self.progress, self.result = completed.code, completed.of("progress"), completed.result
        self.checks = {check["id"]: check for check in completed.of("check")}
        assert tuple(self.checks) == CHECKS
        return {id_: check["state"] for id_, check in self.checks.items()}

    @contextmanager
    def watched(self) -> Iterator[Callable[[], Look]]:
        """Looks without the command around them, which takes most of the time."""
        sandbox = self.world.sandbox
        options = {"platform": str(sandbox.profile), "infra": str(sandbox.infra), "name": NAME}
        session = Session(options, JsonReporter(io.StringIO()), {**os.environ, **sandbox.environment})
        with command.opened(session, session.answers(OWNED)) as (run, registry):
            yield lambda: look(run.fresh(), registry)


def states(seen: Look) -> dict[str, str]:
    return {check.id: check.state.value for check in seen.checks}


ALIVE = dict.fromkeys(CHECKS, "ok")


@pytest.fixture
def life(world: World) -> Life:
    world.have(OWNED)
    world.sandbox.journal.clear()
    return Life(world)


@fully_both
def test_from_created_to_alive(life: Life, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fresh, it is not alive and says what it waits for; ``--wait`` sees each thing come, until all is there."""
    early = {"mirror.commit": "ok", "vault.secrets": "ok"}
    for name in ("slack", "forgejo_git"):  # what is only written needs not be at hand for a look
        monkeypatch.delenv(life.world.platform.connection.credentials[name].environment)
    monkeypatch.setattr(life.world.sandbox.vault, "secrets", {NAME: life.world.sandbox.vault.secrets[NAME]})
    assert life.verify() == dict.fromkeys(CHECKS, "waiting") | early
    assert life.exit_code == 7
    assert life.result["status"] == "partial"
    assert life.checks["infra.stack"]["hint"].startswith("review and merge https://")
    assert f"newservice verify {NAME} --wait" in life.result["next"]
    clock = Clock([life.build, life.push, life.deploy, life.green, lambda: life.world.merge_request(NAME)])
    monkeypatch.setattr(command, "RHYTHM", clock.rhythm)
    assert life.verify("--wait") == ALIVE
    assert life.exit_code == 0
    assert life.result["status"] == "success"
    completed = [item["summary"] for item in life.progress if item["summary"].startswith("ci.run")]
    assert [line.split(", ")[0] for line in completed] == ["ci.run: waiting", "ci.run: waiting", "ci.run: ok"]
    assert len(clock.pauses) == 5

    assert life.world.sandbox.journal.writes() == []
    if contracts.FOLDER.is_dir():
        used, problems = contracts.check(life.world.sandbox.journal, complete=True)
        assert problems == []
        assert len(used) >= 10


def commit(life: Life, path: str, old: str, new: str) -> None:
    """Change a file of the infra repository's default branch."""
    bare, branch = life.world.infra.bare, life.world.base
    text = (bare.file(branch, path) or b"").decode()
    assert old in text
    bare.commit_files(branch, {path: text.replace(old, new)}, "by hand", 1_800_000_000)


def test_each_thing_that_is_not_well_is_the_only_one(life: Life) -> None:
    """One thing is broken at a time, told alone, and mended again."""
    life.build("success")
    life.push()
    life.deploy()
    life.world.merge_request(NAME)
    sandbox, vault = life.world.sandbox, life.world.sandbox.vault
    tags = sandbox.registry.images[life.image].tags
    digest, entry, base = tags["latest"], vault.secrets[NAME], life.world.infra.bare.heads()[life.world.base]

    def infra_again() -> None:
        life.world.infra.bare.update(f"refs/heads/{life.world.base}", base)

    def take(path: str, old: str, new: str = "") -> Callable[[], object]:
        return lambda: commit(life, path, old, new)

    stack = f"stacks/{NAME}"
    breaks: list[tuple[str, str, Callable[[], object], Callable[[], object]]] = [
        ("ci.run", "failed", life.red, life.green),
        *(
            (
                "ci.run",
                "failed",
                lambda word=word: sandbox.github.update_run(life.mirror, life.run, conclusion=word),
                life.green,
            )
            for word in ("cancelled", "skipped")
        ),
        ("image.tags", "failed", lambda: tags.pop(life.sha[:8]), lambda: tags.update({life.sha[:8]: digest})),
        ("image.tags", "failed", lambda: setattr(sandbox.registry.images[life.image], "private", False),
         lambda: setattr(sandbox.registry.images[life.image], "private", True)),
        ("deploy.pipeline", "failed",
         lambda: sandbox.woodpecker.finish(life.mirror, life.pipeline, "error", [{"type": "linter", "message": "bad"}]),
         lambda: sandbox.woodpecker.finish(life.mirror, life.pipeline)),
        ("vault.secrets", "failed", lambda: vault.secrets.pop(NAME), lambda: vault.secrets.update({NAME: entry})),
        ("infra.docs", "failed", take(".claude/reference/service-catalog.md", f"| {NAME} |", "| x |"), infra_again),
        ("infra.registrations", "failed",
         take("stacks/kyverno/modules/kyverno/ghcr-credentials.tf", f'"{NAME}"', '"x"'), infra_again),
        ("infra.monitors", "failed",
         take("stacks/uptime-kuma/modules/uptime-kuma/main.tf", f'"{NAME}"', '"x"'), infra_again),
        ("infra.monitors", "failed", take(f"{stack}/service.tf", "prometheus.io/scrape", "x"), infra_again),
        ("infra.stack", "failed", take(f"{stack}/.copier-answers.yml", f"name: {NAME}", "name: x"), infra_again),
    ]  # fmt: skip
    with life.watched() as watch:
        assert states(watch()) == ALIVE
        for id_, state, harm, mend in breaks:
            harm()
            seen = watch()
            unmerged = {"infra.pipeline": "waiting"} if id_ == "infra.stack" else {}
            assert states(seen) == ALIVE | unmerged | {id_: state}, id_
            assert not seen.alive
            assert not seen.may_come
            mend()
        assert watch().alive


def test_what_can_not_be_seen_is_unknown(life: Life) -> None:
    """A refused token, and answers that are none, never look like success or failure."""
    life.build("success")
    life.push()
    life.deploy()
    life.world.merge_request(NAME)
    faults = life.world.sandbox.faults
    cases = (
        ("image.tags", "registry", "/token$", "403", "read:packages"),  # first: later a token is at hand
        ("image.tags", "registry", "/manifests/", "html200", "profile"),
        ("ci.run", "github", "/actions/runs$", "403", "Actions, read"),
        ("ci.run", "github", "/actions/runs$", "404", "Actions, read"),
        ("ci.run", "github", "/actions/runs$", "html200", "api_url"),
        ("deploy.pipeline", "woodpecker", "/pipelines$", "html200", "profile"),
        ("deploy.pipeline", "woodpecker", "/pipelines/1$", "403", "scope"),
        ("vault.secrets", "vault", f"/{NAME}$", "403", "scope"),
        ("mirror.commit", "github", f"/repos/[^/]*/{NAME}$", "404", "scope repo"),
    )
    with life.watched() as watch:
        for id_, system, path, kind, word in cases:
            fault = faults.add(system, "GET", path, None, kind)
            seen = watch()
            faults.clear()
            assert fault.hits, path
            assert states(seen)[id_] == "unknown", id_
            assert {state for other, state in states(seen).items() if other != id_} <= {"ok", "waiting", "unknown"}
            assert word in next(check.hint for check in seen.checks if check.id == id_)
            assert not seen.passing
    life.world.sandbox.registry.silent = True
    life.world.sandbox.registry.images.clear()
    assert life.verify() == ALIVE | {"image.tags": "unknown"}
    assert life.exit_code == 7

    faults.add("*", "GET", "", None, "403")
    completed = life.world.command("verify", NAME, "--service-dir", str(life.world.folder / NAME))
    assert (completed.code, completed.result["status"]) == (3, "error")


def test_waiting_ends_at_the_first_failure_or_when_the_time_is_up(life: Life, monkeypatch: pytest.MonkeyPatch) -> None:
    life.build()
    clock = Clock([life.red])
    monkeypatch.setattr(command, "RHYTHM", clock.rhythm)
    assert life.verify("--wait")["ci.run"] == "failed"
    assert (life.exit_code, len(clock.pauses)) == (7, 1)
    assert "failure in Lint and test" in life.checks["ci.run"]["summary"]
    assert life.result["next"][0].startswith("read its log")

    # A commit that comes later makes the red run the run of another commit.
    life.world.canonical(NAME).bare.commit_files(life.world.branch, {"x": "x"}, "mended", 1_800_000_000)
    clock = Clock([])
    monkeypatch.setattr(command, "RHYTHM", clock.rhythm)
    late = life.verify("--wait", "--timeout", "20")
    assert (late["mirror.commit"], late["ci.run"]) == ("waiting", "waiting")
    assert (life.exit_code, clock.now) == (7, 20)

    canonical = life.world.canonical(NAME)
    canonical.mirrors[0].last_error = "remote rejected"
    if contracts.FOLDER.is_dir():
        used, problems = contracts.check(life.world.sandbox.journal, complete=True)
        assert problems == []
        assert "github GET /repos/{owner}/{repo}/actions/runs/{run_id}/jobs" in used
    assert life.verify()["mirror.commit"] == "failed"
    assert "remote rejected" in life.checks["mirror.commit"]["summary"]


def test_somebody_elses_image(world: World) -> None:
    """Nothing is built: what does not apply is skipped with its reason, and a merged stack is all there is to see."""
    answers = {"name": "wiki", "title": "Wiki", "description": "Notes.", "image_source": "upstream",
               "image": "docker.io/library/wiki:1.2"}  # fmt: skip
    assert world.run("create", answers).code == 0
    assert world.command("verify", "wiki").code == 7
    world.merge("wiki")
    completed = world.command("verify", "wiki")
    found = {check["id"]: check["state"] for check in completed.of("check")}
    skipped = ("mirror.commit", "ci.run", "image.tags", "deploy.pipeline", "vault.secrets")
    assert {id_ for id_, state in found.items() if state == "skipped"} >= set(skipped)
    assert all(check["summary"] for check in completed.of("check"))
    assert (completed.code, completed.result["status"]) == (0, "success")
    assert world.sandbox.journal.find("registry") == []


@pytest.mark.parametrize(
    "flags",
    [("--wait", "--timeout", "-1"), ("--timeout", "5")],
)
def test_flags_that_are_refused(world: World, flags: tuple[str, ...]) -> None:
    completed = world.command("verify", NAME, *flags)
    assert completed.code == 2
    assert world.command("verify").code == 2


def test_the_declared_delivery_is_what_the_generated_files_do() -> None:
    """The tag and the variables' names stand in the templates: they may not drift from what is looked for."""
    from tests.answers import answer

    answers = answer(OWNED)
    build = (Template.installed().root / "templates" / "ci" / "build.yml.jinja").read_text(encoding="utf-8")
    delivery = Delivery.of(answers.delivery, SHA)
    assert "tag=${GITHUB_SHA::8}" in build
    assert delivery.tags == (SHA[:8], "latest")
    assert "${{ env.IMAGE_NAME }}:latest" in build
    assert set(delivery.variables) == {"IMAGE_NAME", "IMAGE_TAG"}
    assert "variables: {IMAGE_NAME: env.IMAGE_NAME, IMAGE_TAG: env.IMAGE_TAG}" in build
    assert delivery.variables["IMAGE_NAME"] == answers.context["image_repository"]
    for more, tags, variables in (
        ({"ci": False, "updates": "keel"}, ("latest",), {}),
        ({"ci": False, "updates": "pinned"}, (), {}),
        ({"updates": "pinned"}, (SHA[:8], "latest"), {}),
        ({"ci": False, "updates": "ci"}, (SHA[:8], "latest"), answers.delivery.variables),
    ):
        declared = answer({**OWNED, **more}).delivery
        assert Delivery.of(declared, SHA).tags == tags
        assert declared.variables == variables
