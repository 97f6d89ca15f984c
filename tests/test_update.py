"""What newservice made can be updated later by plain ``copier update``, without newservice."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from generator.platform.profile import load_platform
from generator.sandbox.infra_repository import infra_files
from generator.template.answers import resolve
from tests.answers import QUESTIONS, RICH, TEMPLATE, render
from tests.checkout import add_questions, commit_all, git, published_template
from tests.full import few, full
from tests.invoke import Command, Desk
from tests.world import ELSEWHERE

NEW_QUESTION = """
on_call:
  type: str
  group: Service
  help: Who is called at night.
  choices: [nobody, owner]
  default: nobody
"""
LOCAL = "<!-- our own words -->\n"
LOCAL_HCL = "# our own words\n"


@dataclass(frozen=True)
class Published:
    """A template repository with two versions, and what was made from the first."""

    template: Path
    url: str
    desk: Desk
    name: str
    profile: dict[str, Any]

    @property
    def stack(self) -> Path:
        return self.desk.infra / "stacks" / self.name


def append(path: Path, text: str) -> None:
    path.write_text(path.read_text(encoding="utf-8") + text, encoding="utf-8")


def release(template: Path, version: str) -> None:
    """The next version: a question, a fact of the platform, and a change in each layer that shows them."""
    config = template / "copier.yml"
    text = config.read_text(encoding="utf-8")
    assert text.count(f'default: "{TEMPLATE.version}"') == 1
    config.write_text(text.replace(f'default: "{TEMPLATE.version}"', f'default: "{version}"'))
    add_questions(template, NEW_QUESTION)
    append(template / "templates" / "platform.yml", "pager: the-pager\n")
    for language in ("python", "go"):
        append(template / "templates" / "service" / language / "README.md.jinja", "\nOn call: [[ on_call ]].\n")
    append(template / "templates" / "stack" / "terragrunt.hcl.jinja", "\n# [[ platform.pager ]]: [[ on_call ]]\n")
    append(template / "templates" / "stack" / "extra.tf", "# [[ platform.pager ]]\n")
    commit_all(template, version)
    git(template, "tag", f"v{version}")


WORKER: dict[str, Any] = {
    "name": "mail-sorter",
    "title": "Mail Sorter",
    "description": "Sorts mail",
    "kind": "worker",
    "language": "go",
    "port": 0,
    "redis": True,
}
CRONJOB: dict[str, Any] = {
    "name": "rate-watch",
    "title": "Rate Watch",
    "description": "Keeps the day's rates",
    "kind": "cronjob",
    "database": "postgres",
}
SOMEBODY: dict[str, Any] = {"forgejo": {"owner": "somebody"}}
every_kind = pytest.mark.parametrize(
    "published",
    few(
        1,
        [
            (RICH, SOMEBODY),
            (WORKER, SOMEBODY),
            (CRONJOB, SOMEBODY),
            ({**RICH, "tier": "gold"}, yaml.safe_load(ELSEWHERE.read_text(encoding="utf-8"))),
        ],
    ),
    ids=["web", "worker", "cronjob", "elsewhere"],
    indirect=True,
)


@pytest.fixture
def published(request: pytest.FixtureRequest, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Published:
    """Service and stack, made and committed with version 1.0.0; version 9.1.0 is out."""
    given, profile = getattr(request, "param", (RICH, SOMEBODY))
    template = published_template(tmp_path / "newservice.git", TEMPLATE.version)
    url = f"file://{template}"
    path = tmp_path / "platform.yml"
    path.write_text(yaml.safe_dump({**profile, "template_url": url}))
    desk = Desk(tmp_path / "desk", Command(capsys))
    for name, content in infra_files(load_platform(TEMPLATE.platform, path, environ={})).items():
        (desk.infra / name).parent.mkdir(parents=True, exist_ok=True)
        (desk.infra / name).write_bytes(content)
    commit_all(desk.infra, "infra")
    completed = desk.create(given, "--platform", path)
    assert completed.code == 0, completed.out
    commit_all(desk.service, "feat: the service")
    commit_all(desk.infra, "feat: the stack")
    release(template, "9.1.0")
    return Published(template, url, desk, given["name"], {**profile, "template_url": url})


def copier_update(folder: Path, *more: str) -> str:
    """The command that a person would type, in a process of its own."""
    command = [sys.executable, "-m", "copier", "update", "--defaults", *more]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stderr


def recorded(folder: Path) -> dict[str, Any]:
    answers: dict[str, Any] = yaml.safe_load((folder / ".copier-answers.yml").read_text(encoding="utf-8"))
    return answers


def changed(folder: Path) -> dict[str, str]:
    """State by path of everything that is not as committed."""
    completed = git(folder, "status", "--porcelain=v1", "-z", "--untracked-files=all", "--", ".")
    return {entry[3:].rpartition("/")[2]: entry[:2] for entry in completed.split("\0") if entry}


@full
@every_kind
def test_copier_brings_the_next_version_into_the_service(published: Published) -> None:
    service = published.desk.service
    readme = service / "README.md"
    readme.write_text(LOCAL + readme.read_text())
    commit_all(service, "docs: our own words")
    before = recorded(service)
    copier_update(service)
    assert changed(service) == {".copier-answers.yml": " M", "README.md": " M"}
    text = readme.read_text()
    assert text.startswith(LOCAL)
    assert text.endswith("\nOn call: nobody.\n")
    assert recorded(service) == {**before, "_commit": "v9.1.0", "on_call": "nobody"}
    assert before["_src_path"] == published.url


@every_kind
def test_copier_brings_the_next_version_into_the_stack(published: Published) -> None:
    stack = published.stack
    main = stack / "main.tf"
    main.write_text(LOCAL_HCL + main.read_text())
    (stack / "extra.tf").write_text("locals {}\n")
    commit_all(published.desk.infra, "feat: our own words")
    before = recorded(stack)
    copier_update(stack)
    assert changed(published.desk.infra) == {".copier-answers.yml": " M", "terragrunt.hcl": " M"}
    assert main.read_text().startswith(LOCAL_HCL)
    assert (stack / "extra.tf").read_text() == "locals {}\n"
    assert (stack / "terragrunt.hcl").read_text().endswith("\n# the-pager: nobody\n")
    assert recorded(stack) == {**before, "_commit": "v9.1.0", "on_call": "nobody"}
    assert before["_src_path"] == published.url


@full
def test_an_edit_of_the_same_line_is_left_as_a_conflict_and_nothing_is_lost(published: Published) -> None:
    """What copier does then is its own affair, but neither side may vanish."""
    stack = published.stack
    append(stack / "terragrunt.hcl", "\n# our own ending\n")
    commit_all(published.desk.infra, "feat: our own ending")
    copier_update(stack)
    text = (stack / "terragrunt.hcl").read_text()
    assert "# our own ending" in text
    assert "# the-pager: nobody" in text
    assert "<<<<<<<" in text


@full
@every_kind
def test_what_somebody_removed_stays_away(published: Published) -> None:
    """Copier asks for the files that are written once before it has read any answer."""
    for folder, path in ((published.desk.service, "README.md"), (published.stack, "terragrunt.hcl")):
        (folder / path).unlink()
        commit_all(folder if folder == published.desk.service else published.desk.infra, "chore: not needed")
        copier_update(folder)
        assert not (folder / path).exists()
        assert recorded(folder)["_commit"] == "v9.1.0"


def narrow(template: Path, version: str) -> None:
    """One more version: two files have another condition, which one more question decides."""
    config = template / "copier.yml"
    config.write_text(config.read_text(encoding="utf-8").replace('default: "9.1.0"', f'default: "{version}"'))
    add_questions(template, NEW_QUESTION.replace("on_call", "on_leave"))
    place = template / "templates" / "files.jinja"
    text = place.read_text(encoding="utf-8")
    narrower = text.replace("'service.tf': listens,", "'service.tf': listens and on_leave == 'owner',")
    wider = narrower.replace(
        "'network_policy.tf': kind == 'web' and network_policy,", "'network_policy.tf': kind == 'web',"
    )
    assert len({text, narrower, wider}) == 3
    place.write_text(wider, encoding="utf-8")
    commit_all(template, version)
    git(template, "tag", f"v{version}")


@full
def test_files_come_and_go_with_their_conditions(published: Published) -> None:
    """The earlier version knows neither the conditions nor the question that they read."""
    narrow(published.template, "9.2.0")
    stack = published.stack
    assert (stack / "service.tf").exists()
    copier_update(stack)
    assert not (stack / "service.tf").exists()
    assert (stack / "network_policy.tf").exists()
    completed = copier_update_with(published, "on_leave=owner")
    assert (stack / "service.tf").exists(), completed


def copier_update_with(published: Published, answer: str) -> str:
    """The same version once more with another answer, as a person changes one."""
    commit_all(published.desk.infra, "chore: template")
    return copier_update(published.stack, "--data", answer)


@every_kind
def test_only_the_published_address_is_recorded(published: Published) -> None:
    """No path of this machine but the one that the profile gave as the template's address."""
    for folder in (published.desk.service, published.stack):
        own = {"connection", "registrations", "checks"}
        assert recorded(folder)["profile"] == {key: value for key, value in published.profile.items() if key not in own}
        for path in folder.rglob("*"):
            if path.is_file() and ".git" not in path.parts:
                assert str(published.desk.folder.parent) not in path.read_text().replace(published.url, ""), path


PROFILE = {
    "template_url": "https://git.example/newservice.git",
    "domain": "example.test",
    "forgejo": {"owner": "team"},
    "storage": {"encrypted": {"class": "luks"}, "threshold": "20%"},
    "infra": {"protected": ["infra", "mine"], "stacks": "apps"},
    "tiers": {"gold": {"memory_cap": "1Gi"}},
    "default_tier": "gold",
    "catalog": {"default": "Everything"},
    "actions_secrets": {},
}


def test_copier_reads_the_profile_as_newservice_does(tmp_path: Path) -> None:
    """The recorded difference and the template's own facts make what newservice had: merged, or replaced."""
    path = tmp_path / "platform.yml"
    path.write_text(yaml.safe_dump(PROFILE))
    facts = load_platform(TEMPLATE.platform, path, environ={}).facts
    given = {**RICH, "tier": "gold"}
    answers = resolve(TEMPLATE, QUESTIONS, given, {"platform": facts})
    files = render(TEMPLATE, answers, "stack")
    recorded = yaml.safe_load(next(file.content for file in files if file.path == ".copier-answers.yml"))
    assert recorded["profile"] == PROFILE
    alone = resolve(TEMPLATE, QUESTIONS, given, {"profile": recorded["profile"]})
    assert alone.context["platform"] == facts
    assert render(TEMPLATE, alone, "stack") == files


def test_the_templates_own_platform_is_not_recorded() -> None:
    facts = load_platform(TEMPLATE.platform, environ={"HOME": "/nonexistent"}).facts
    answers = resolve(TEMPLATE, QUESTIONS, RICH, {"platform": facts})
    for layer in ("service", "stack"):
        files = {file.path: file.content for file in render(TEMPLATE, answers, layer)}
        recorded = yaml.safe_load(files[".copier-answers.yml"])
        assert "profile" not in recorded
        assert "platform" not in recorded
        assert recorded["_src_path"] == TEMPLATE.platform["template_url"]
        assert recorded["_src_path"].endswith(".git")  # by which copier knows that it is a repository
