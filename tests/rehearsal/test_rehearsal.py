"""Real Terraform on golden stacks in the sandbox's infra repository: what it would do, and what it leaves behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from generator.rehearsal import Rehearsals
from generator.rehearsal.changes import AttributeChange
from generator.rehearsal.layout import lay_out
from generator.rehearsal.terraform import Terraform
from tests.full import few
from tests.processes import descendants, until

from .stacks import GOLDEN, Tree, golden, sandbox

CASES = sorted(path.parent.name for path in GOLDEN.glob("*/stack") if not (path.parent / "platform.yml").is_file())
"""Stacks of the sandbox's platform."""
DEPLOYMENT = "stacks/rich/deployment.tf"


@pytest.fixture(scope="module")
def rehearsals() -> Iterator[Rehearsals]:
    found = Rehearsals()
    yield found
    found.close()


def again(tree: Tree, case: str) -> Tree:
    """The same stack, which is another one to whatever keeps results: a file has come that nothing reads."""
    return tree.having({f"stacks/{case}/read-by-nobody.txt": "x"})


# --- what it would do ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", few(3, ["rich", "media", "cronjob", *(set(CASES) - {"rich", "media", "cronjob"})]))
def test_what_was_applied_is_planned_without_a_change(case: str, rehearsals: Rehearsals) -> None:
    created = rehearsals.rehearse(f"stacks/{case}", None, golden(case))
    assert {change.action for change in created.changes} == {"create"}
    assert len(created.changes) >= 4
    found = rehearsals.rehearse(f"stacks/{case}", golden(case), again(golden(case), case))
    assert (found.changes, found.refused, found.unrecorded) == ((), (), ())
    gone = rehearsals.rehearse(f"stacks/{case}", golden(case), sandbox())
    assert {change.action for change in gone.changes} == {"delete"}
    assert {change.address for change in gone.changes} == {change.address for change in created.changes}


CONTAINER = 'spec.template.spec.container["city-guide"]'


@pytest.mark.parametrize(
    ("file", "old", "new", "address", "expected", "restarts"),
    [
        (
            DEPLOYMENT,
            'name  = "WORKERS"\n            value = "2"',
            'name  = "WORKERS"\n            value = "3"',
            "kubernetes_deployment.city_guide",
            [('spec.template.spec.container.env["WORKERS"].value', '"2"', '"3"')],
            True,
        ),
        (
            DEPLOYMENT,
            "replicas = 1",
            "replicas = 2",
            "kubernetes_deployment.city_guide",
            [("spec.replicas", '"1"', '"2"')],
            False,
        ),
        (
            DEPLOYMENT,
            "fs_group = 1000",
            "fs_group = 1001",
            "kubernetes_deployment.city_guide",
            [("spec.template.spec.security_context.fs_group", '"1000"', '"1001"')],
            True,
        ),
        (
            "stacks/rich/secrets.tf",
            'key = "city-guide", property = "api_token"',
            'key = "city-guide", property = "other_token"',
            "kubernetes_manifest.external_secret",
            [("manifest.spec.data[0].remoteRef.property", '"api_token"', '"other_token"')],
            False,
        ),
    ],
)
def test_one_change_is_one_update_at_its_attribute(
    file: str,
    old: str,
    new: str,
    address: str,
    expected: list[tuple[str, str, str]],
    restarts: bool,
    rehearsals: Rehearsals,
) -> None:
    tree = golden("rich")
    (change,) = rehearsals.rehearse("stacks/rich", tree, tree.changed(file, old, new)).changes
    assert (change.address, change.action, change.restarts) == (address, "update", restarts)
    assert change.attributes == tuple(AttributeChange(*item) for item in expected)


def test_another_version_of_an_api_replaces_and_says_what_follows(rehearsals: Rehearsals) -> None:
    tree = golden("rich")
    text = (
        tree.content["stacks/rich/secrets.tf"].decode().replace("external-secrets.io/v1", "external-secrets.io/v2", 1)
    )
    (change,) = rehearsals.rehearse("stacks/rich", tree, tree.having({"stacks/rich/secrets.tf": text})).changes
    assert (change.action, change.replaced_by) == ("replace", ("manifest.apiVersion",))
    assert change.loses
    assert "Secret" in change.effect


def test_what_moves_and_what_is_forgotten_is_not_lost(rehearsals: Rehearsals) -> None:
    tree = golden("rich")
    main = tree.content["stacks/rich/storage.tf"].decode()
    moved = main.replace('"data_encrypted"', '"data"')
    blocks = (
        "moved {\n  from = kubernetes_persistent_volume_claim.data_encrypted\n"
        "  to   = kubernetes_persistent_volume_claim.data\n}\n"
    )
    others = {
        path: content.decode().replace(
            "kubernetes_persistent_volume_claim.data_encrypted", "kubernetes_persistent_volume_claim.data"
        )
        for path, content in tree.content.items()
        if path.startswith("stacks/rich/") and path.endswith(".tf")
    }
    found = rehearsals.rehearse(
        "stacks/rich", tree, tree.having({**others, "stacks/rich/storage.tf": moved, "stacks/rich/moved.tf": blocks})
    )
    (change,) = found.changes
    assert (change.action, change.previous) == ("move", "kubernetes_persistent_volume_claim.data_encrypted")
    assert not found.lost
    called = ("ingress", "ingress_hooks", "ingress_staff")
    blocks = "".join(
        f"removed {{\n  from = module.{name}\n  lifecycle {{\n    destroy = false\n  }}\n}}\n" for name in called
    )
    without = tree.without("stacks/rich/ingress.tf").having({"stacks/rich/removed.tf": blocks})
    assert {change.action for change in rehearsals.rehearse("stacks/rich", tree, without).changes} == {"forget"}


def test_what_is_imported_is_no_creation_and_replaces_nothing(rehearsals: Rehearsals) -> None:
    case = "smallest"
    block = 'import {\n  to = kubernetes_manifest.extra\n  id = "apiVersion=v1,kind=ConfigMap,namespace=n,name=a"\n}\n'
    manifest = '{\n    apiVersion = "v1"\n    kind = "ConfigMap"\n    metadata = { name = "a", namespace = "n" }\n  }'
    text = f'resource "kubernetes_manifest" "extra" {{\n  manifest = {manifest}\n}}\n{block}'
    found = rehearsals.rehearse(f"stacks/{case}", golden(case), golden(case).having({f"stacks/{case}/extra.tf": text}))
    assert [(change.address, change.action) for change in found.changes] == [("kubernetes_manifest.extra", "import")]


# --- what Terraform refuses ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "line", "summary"),
    [
        ("locals {\n  a = \n}\n", 2, "Invalid expression"),
        ("locals {\n  a = var.unknown\n}\n", 2, "Reference to undeclared input variable"),
        ('locals {\n  a = "x" + 1\n}\noutput "a" {\n  value = local.a\n}\n', 2, "Invalid operand"),
        ('\n\nmodule "m" {\n  source = "../../modules/not-there"\n}\n', 3, "Unreadable module directory"),
    ],
)
def test_what_is_refused_has_its_place(text: str, line: int, summary: str, rehearsals: Rehearsals) -> None:
    tree = golden("smallest")
    wrong = tree.having({"stacks/smallest/wrong.tf": text})
    for before, after, side in ((tree, wrong, "after"), (wrong, tree, "before"), (None, wrong, "after")):
        found = rehearsals.rehearse("stacks/smallest", before, after)
        assert (found.changes, found.side) == ((), side)
        assert [refusal.place for refusal in found.refused] == [f"stacks/smallest/wrong.tf:{line}"]
        assert summary in str(found.refused[0])
        assert tempfile.gettempdir() not in str(found.refused)
        assert found.as_document()["refused"] == [str(refusal) for refusal in found.refused]


def test_a_fault_in_a_module_is_at_the_module(rehearsals: Rehearsals) -> None:
    path = "modules/kubernetes/ingress_factory/main.tf"
    tree = golden("rich")
    lines = len(tree.content[path].decode().splitlines())
    wrong = tree.having({path: tree.content[path].decode() + 'locals {\n  wrong = "a" + "b"\n}\n'})
    uses = wrong.having({path: wrong.content[path].decode() + 'output "wrong" {\n  value = local.wrong\n}\n'})
    found = rehearsals.rehearse("stacks/rich", tree, uses)
    assert {refusal.place for refusal in found.refused} == {f"{path}:{lines + 2}"}


def test_what_no_stand_in_knows_is_named(rehearsals: Rehearsals) -> None:
    tree = golden("smallest")
    unknown = tree.having({"stacks/smallest/extra.tf": 'resource "kubernetes_no_such_thing" "a" {\n}\n'})
    found = rehearsals.rehearse("stacks/smallest", tree, unknown)
    assert found.unrecorded == ("kubernetes_no_such_thing",)
    assert not found.changes


# --- what is kept --------------------------------------------------------------------------------------------


def test_a_state_is_kept_and_a_broken_or_foreign_one_does_no_harm(
    rehearsals: Rehearsals, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))  # other processes keep theirs in the usual one
    tree = again(golden("smallest"), "smallest")
    changed = golden("smallest")
    folder = Path(os.environ["XDG_CACHE_HOME"]) / "newservice" / "rehearsals"
    known = set(folder.iterdir()) if folder.exists() else set()
    assert not rehearsals.rehearse("stacks/smallest", tree, changed).changes
    (file,) = set(folder.iterdir()) - known
    good = file.read_bytes()
    assert file.stat().st_mode & 0o077 == 0
    other = json.dumps({"version": 4, "resources": []}).encode()
    for content in (b"", good[:-9], b"{}", other, b"0" * 64 + b"\n" + other, b"\xff\xfe"):
        file.write_bytes(content)
        assert not rehearsals.rehearse("stacks/smallest", tree, changed).changes
        assert file.read_bytes() != content
    file.unlink()
    file.mkdir()
    assert not rehearsals.rehearse("stacks/smallest", tree, changed).changes
    assert set(folder.iterdir()) == {*known, file}


def test_a_state_that_was_kept_is_what_the_plan_begins_with(rehearsals: Rehearsals) -> None:
    tree = golden("smallest")
    wanted = tree.changed("stacks/smallest/deployment.tf", "replicas = 1", "replicas = 2")
    first = rehearsals.rehearse("stacks/smallest", tree, wanted)
    assert [change.action for change in first.changes] == ["update"]
    assert rehearsals.rehearse("stacks/smallest", tree, wanted) == first


# --- what is left behind -------------------------------------------------------------------------------------


def sockets(pid: int) -> set[str]:
    """Inodes of the sockets that a process has open."""
    found = set()
    for handle in Path(f"/proc/{pid}/fd").iterdir():
        try:
            target = os.readlink(handle)
        except OSError:
            continue
        if target.startswith("socket:["):
            found.add(target[8:-1])
    return found


def test_no_socket_of_a_network_is_opened_and_nothing_is_left() -> None:
    before = set(Path(tempfile.gettempdir()).iterdir())
    known = set(descendants(os.getpid()))
    rehearsals = Rehearsals()
    rehearsals.rehearse("stacks/rich", None, golden("rich"))
    (worker,) = set(descendants(os.getpid())) - known
    of_networks = {
        line.split()[9]
        for table in ("tcp", "tcp6", "udp", "udp6")
        for line in Path(f"/proc/{worker}/net/{table}").read_text().splitlines()[1:]
    }
    assert sockets(worker)
    assert not sockets(worker) & of_networks
    rehearsals.close()
    rehearsals.close()
    assert not set(descendants(os.getpid())) - known
    assert set(Path(tempfile.gettempdir()).iterdir()) <= before


STARTED = """
    import sys, threading, time
    from generator.rehearsal.layout import lay_out
    from generator.rehearsal.terraform import Terraform
    from tests.rehearsal.stacks import golden
    layout = lay_out(golden("rich"), "stacks/rich")
    terraform = Terraform(layout.providers)
    terraform.run(None, layout)
    print("idle", flush=True)
    if sys.argv[1] == "working":
        while True:
            terraform.run(layout, layout)
    time.sleep(600)
"""


@pytest.fixture
def short() -> Iterator[Path]:
    """A folder for temporary files whose path is as short as the usual one."""
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        yield Path(name)


@pytest.mark.parametrize(
    ("when", "number"),
    few(
        3,
        [
            ("idle", signal.SIGKILL),
            ("working", signal.SIGKILL),
            ("working", signal.SIGINT),
            ("idle", signal.SIGINT),
            ("idle", signal.SIGTERM),
            ("working", signal.SIGTERM),
        ],
        apart=True,
    ),
)
def test_terraform_ends_with_whoever_started_it(when: str, number: signal.Signals, short: Path) -> None:
    environment = {**os.environ, "TMPDIR": str(short), "PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, "-c", textwrap.dedent(STARTED), when]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == b"idle\n"
        started = descendants(process.pid)
        assert started
        assert list(short.iterdir())
        process.send_signal(number)
        process.wait(20)
        until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in started), 20)
        until(lambda: not list(short.iterdir()), 20)
    finally:
        process.kill()
        process.communicate()


def test_a_process_that_ended_is_started_again_for_the_next_stack() -> None:
    known = set(descendants(os.getpid()))
    rehearsals = Rehearsals()
    try:
        rehearsals.rehearse("stacks/smallest", None, golden("smallest"))
        (worker,) = set(descendants(os.getpid())) - known
        os.kill(worker, signal.SIGKILL)
        until(lambda: worker not in descendants(os.getpid()))
        assert rehearsals.rehearse("stacks/smallest", None, golden("smallest")).changes
    finally:
        rehearsals.close()


def test_terraform_gets_no_credential_and_no_home(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("VAULT_TOKEN", "KUBECONFIG", "TF_TOKEN_app_terraform_io", "TF_VAR_secret", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "the-hidden-value")
    known = set(descendants(os.getpid()))
    layout = lay_out(golden("smallest"), "stacks/smallest")
    terraform = Terraform(layout.providers)
    try:
        terraform.run(None, layout)
        (worker,) = set(descendants(os.getpid())) - known
        environment = Path(f"/proc/{worker}/environ").read_bytes()
        assert b"the-hidden-value" not in environment
        assert os.environ["HOME"].encode() not in environment.split(b"PYTHONPATH=")[0]
    finally:
        terraform.close()
