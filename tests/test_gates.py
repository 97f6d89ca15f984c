"""What a change of answers loses and opens: declared by the questions, judged without knowing any resource."""

from __future__ import annotations

import itertools
import random
import re
from functools import cache
from typing import Any

import pytest
from packaging.version import Version

from generator.base.errors import AnswersError, ExitCode, NewserviceError, RefusedError, UsageError
from generator.template.answers import Answers, resolve
from generator.template.gates import Loss, Opening, check_gates, losses, openings
from generator.template.questions import Question, load_questions
from generator.template.releases import Releases
from tests.answers import QUESTIONS, RICH, SMALLEST, TEMPLATE, answer, render, values_of
from tests.stack.hcl import parse
from tests.test_golden import CASES, project
from tests.test_pairwise import services

DATA: dict[str, Any] = {"name": "data", "mount": "/data", "size": "4Gi"}
MEDIA = {"name": "media", "kind": "nfs", "mount": "/media"}
HOOKS = {"name": "hooks", "paths": ["/hooks"], "auth": "none", "reason": "signed webhooks"}
BELIEVED = {**HOOKS, "strip_identity": False}
ADMIN = {"name": "admin", "paths": ["/admin"], "auth": "required"}
OPEN = {"auth": "none", "auth_reason": "a public page"}
APP = {"auth": "app", "auth_reason": "its own login"}
LAN = {"host": "guide", "auth": "none", "reason": "a page for guests"}
POSTGRES = {"engine": "postgres"}
UPSTREAM_IMAGE = {"image_source": "upstream", "image": "ghcr.io/example/app:1.0"}


def volumes(*items: dict[str, Any]) -> dict[str, Any]:
    return {"volumes": list(items)}


# --- what is lost ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after", "places"),
    [
        ({}, {}, []),
        (volumes(DATA), volumes(), ["volumes.data"]),
        (volumes(DATA), volumes({**DATA, "name": "files"}), ["volumes.data"]),
        (volumes(DATA), volumes({**DATA, "kind": "block"}), ["volumes.data"]),
        (volumes({**DATA, "kind": "block"}), volumes(DATA), ["volumes.data"]),
        (volumes(DATA), volumes({"name": "data", "mount": "/data", "kind": "nfs"}), ["volumes.data"]),
        (volumes(DATA), volumes({"name": "data", "mount": "/data", "kind": "emptydir"}), ["volumes.data"]),
        (volumes(DATA), volumes({**DATA, "size": "1Gi"}), ["volumes.data"]),
        (volumes(DATA), volumes({**DATA, "size": "5Gi"}), []),
        (volumes(DATA), volumes({**DATA, "size": "4096Mi"}), []),
        (volumes(DATA), volumes({**DATA, "limit": "9Gi", "mount": "/files", "sub_path": "deep"}), []),
        (volumes(DATA), volumes({**DATA, "sub_path": "deep"}, MEDIA), []),
        (volumes(DATA, MEDIA), volumes(MEDIA, DATA), []),
        (volumes(MEDIA), volumes(), ["volumes.media"]),
        (volumes(MEDIA), volumes({**MEDIA, "kind": "nfs-ssd"}), ["volumes.media"]),
        (volumes(MEDIA), volumes({**MEDIA, "nfs_path": "/srv/elsewhere"}), ["volumes.media"]),
        (volumes(MEDIA), volumes({**MEDIA, "name": "films", "nfs_path": "/srv/nfs/notes-app/media"}), []),
        (volumes({**MEDIA, "read_only": True}), volumes(), []),
        (volumes(MEDIA), volumes({**MEDIA, "read_only": True}), []),
        (volumes({"name": "tmp", "mount": "/x", "kind": "emptydir"}), volumes(), []),
        (volumes(DATA), {**volumes(DATA), "names": {"claims": {"data": {"name": "old"}}}}, ["volumes.data"]),
        (volumes(DATA), {**volumes(DATA), "names": {"claims": {"data": {"address": "old"}}}}, ["volumes.data"]),
        (volumes(MEDIA), {**volumes(MEDIA), "names": {"claims": {"media": {"name": "old"}}}}, []),
        (volumes(DATA), {**volumes(DATA), "names": {"deployment": "old", "selector": {"app": "old"}}}, []),
        ({}, {"namespace": "other"}, ["namespace"]),
        (volumes(DATA, MEDIA), {**volumes(DATA, MEDIA), "namespace": "other"}, ["namespace", "volumes.data"]),
        ({}, {"names": {"addresses": {"namespace": "other"}}}, ["namespace"]),
        ({"database": "postgres"}, {}, ["database"]),
        ({"database": "postgres"}, {"database": "mysql"}, ["database"]),
        ({"database": "postgres"}, {"database": {**POSTGRES, "name": "other"}}, ["database"]),
        ({"database": "postgres"}, {"database": {**POSTGRES, "role": "other"}}, ["database"]),
        ({"database": "postgres"}, {"database": {**POSTGRES, "name": "notes_app", "provision": "exists"}}, []),
        ({"database": "postgres"}, {"database": {**POSTGRES, "env": {"DB": "dsn"}}}, []),
        ({"redis": 3}, {"redis": 4}, ["redis"]),
        ({"redis": 3}, {}, ["redis"]),
        ({}, {"redis": 3}, []),
        ({"secrets": {"A": "a", "B": "b"}}, {"secrets": {"A": "a"}}, []),
        ({"secrets": {"A": "a"}}, {}, []),
        ({"secrets": {"A": "a"}}, {"secrets": {"A": "a"}, "name": "other"}, ["vault", "namespace"]),
        ({}, {"kind": "worker", "memory": "1Gi", "env": {"A": "b"}, "replicas": 0}, []),
        (volumes(DATA), {**volumes(DATA), "backup": "none", **UPSTREAM_IMAGE}, []),
    ],
)  # fmt: skip
def test_what_a_change_loses(before: dict[str, Any], after: dict[str, Any], places: list[str]) -> None:
    found = losses(TEMPLATE, QUESTIONS, answer({**SMALLEST, **before}), answer({**SMALLEST, **after}))
    assert [loss.place for loss in found] == places
    assert all(loss.what and loss.backup for loss in found)


def lost(before: dict[str, Any], after: dict[str, Any]) -> Loss:
    (found,) = losses(TEMPLATE, QUESTIONS, answer({**SMALLEST, **before}), answer({**SMALLEST, **after}))
    return found


def test_a_loss_says_what_really_goes_and_how_to_save_it() -> None:
    claim = lost(volumes(DATA), {})
    assert claim.what == "the claim notes-app-data-encrypted and everything on it"
    assert "create job --from=cronjob/notes-app-backup" in claim.backup
    unsaved = lost({**volumes(DATA), "backup": "none"}, {})
    assert (
        unsaved.backup
        == "kubectl -n notes-app exec deploy/notes-app -- tar -C /data -cf - . > notes-app-data-encrypted.tar"
    )
    assert "can't shrink" in lost(volumes(DATA), volumes({**DATA, "size": "1Gi"})).what
    assert "the files stay on the file server" in lost(volumes(MEDIA), {}).what
    assert "the data stays on the server" in lost({"database": "postgres"}, {}).what
    assert "pg_dump -U postgres -Fc notes_app" in lost({"database": "postgres"}, {}).backup
    assert "mysqldump" in lost({"database": "mysql"}, {}).backup
    job = {"kind": "cronjob", "backup": "none"}
    assert "in a pod of your own" in lost({**job, **volumes(DATA)}, {"kind": "cronjob"}).backup


@pytest.mark.parametrize("case", CASES)
def test_the_same_answers_lose_and_open_nothing(case: str) -> None:
    answers = project(case).answers
    assert losses(TEMPLATE, QUESTIONS, answers, answers) == ()
    assert openings(TEMPLATE, QUESTIONS, answers, answers) == ()


# --- what opens --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after", "questions"),
    [
        ({}, {}, []),
        ({}, {"image_visibility": "public"}, ["image_visibility"]),
        ({"image_visibility": "public"}, {}, []),
        ({}, UPSTREAM_IMAGE, []),
        (UPSTREAM_IMAGE, {}, []),
        (UPSTREAM_IMAGE, {"image_visibility": "public"}, ["image_visibility"]),
        ({}, OPEN, ["auth"]),
        ({}, APP, ["auth"]),
        ({}, {"auth": "public"}, ["auth"]),
        (APP, OPEN, ["auth"]),
        (APP, {"auth": "public"}, ["auth"]),
        ({"auth": "public"}, OPEN, ["auth"]),
        (OPEN, APP, []),
        (OPEN, {}, []),
        (OPEN, {"auth": "public"}, []),
        ({"access": ["Family"]}, {"access": ["Family", "Friends"]}, ["access"]),
        ({"access": ["Family"]}, {"access": ["Friends"]}, ["access"]),
        ({"access": ["Family", "Friends"]}, {"access": ["Friends"]}, []),
        (OPEN, {"access": ["Family"]}, []),
        ({}, {"carveouts": [HOOKS]}, ["carveouts"]),
        ({"carveouts": [HOOKS]}, {}, []),
        (OPEN, {**OPEN, "carveouts": [HOOKS]}, []),
        (OPEN, {**OPEN, "carveouts": [{**HOOKS, "service_port": 9000}]}, ["carveouts"]),
        ({**OPEN, "carveouts": [ADMIN]}, OPEN, ["carveouts"]),
        (OPEN, {**OPEN, "carveouts": [ADMIN]}, []),
        ({"carveouts": [HOOKS]}, {"carveouts": [{**HOOKS, "paths": ["/hooks", "/git"]}]}, ["carveouts"]),
        ({"carveouts": [HOOKS]}, {"carveouts": [{**HOOKS, "reason": "another"}]}, []),
        ({}, {"carveouts": [ADMIN]}, []),
        ({"carveouts": [HOOKS]}, {"carveouts": [BELIEVED]}, ["carveouts"]),
        ({"carveouts": [BELIEVED]}, {"carveouts": [{**BELIEVED, "reason": "another"}]}, []),
        ({"carveouts": [BELIEVED]}, {"carveouts": [HOOKS]}, []),
        ({**OPEN, "carveouts": [HOOKS]}, {**OPEN, "carveouts": [BELIEVED]}, []),
        ({"lan_host": LAN}, {"lan_host": {**LAN, "strip_identity": False}}, ["lan_host"]),
        ({**OPEN, "paths": ["/site"]}, {**OPEN, "paths": ["/"]}, ["paths"]),
        ({"paths": ["/site"]}, {"paths": ["/"]}, []),
        ({**OPEN, "paths": ["/"]}, {**OPEN, "paths": ["/site"]}, []),
        ({"dns": "lan"}, {"dns": "proxied"}, ["dns"]),
        ({"dns": "internal"}, {"dns": "non-proxied"}, ["dns"]),
        ({"dns": "none"}, {"dns": "proxied"}, ["dns"]),
        ({"dns": "lan", **OPEN}, {"dns": "internal", **OPEN}, []),
        ({"dns": "proxied"}, {"dns": "lan"}, []),
        ({"dns": "proxied"}, {"dns": "non-proxied"}, []),
        ({"dns": "lan"}, {"dns": "proxied", **OPEN}, ["dns", "auth"]),
        ({}, {"lan_host": {"host": "guide"}}, []),
        ({}, {"lan_host": LAN}, ["lan_host"]),
        (OPEN, {**OPEN, "lan_host": LAN}, []),
        ({**OPEN, "carveouts": [ADMIN]}, {**OPEN, "carveouts": [ADMIN], "lan_host": LAN}, ["lan_host"]),
        ({"lan_host": LAN}, {}, []),
        ({"kind": "worker"}, {}, []),
        ({"kind": "worker"}, OPEN, ["kind"]),
        ({"kind": "worker"}, {"carveouts": [HOOKS]}, ["kind"]),
        ({"kind": "worker"}, {"dns": "lan"}, []),
        ({"network_policy": True}, {}, ["network_policy"]),
        ({"network_policy": True}, {"kind": "worker"}, ["network_policy"]),
        ({"network_policy": True}, {"kind": "cronjob"}, []),
        ({}, {"network_policy": True}, []),
        ({"hardening": {"non_root": True}}, {"hardening": {}}, []),
        ({**OPEN, "anubis": True, "anubis_redis_index": 4}, OPEN, []),
        ({}, {"memory": "1Gi", "host": "other", "rate_limit": {"average": 1, "burst": 9}}, []),
    ],
)  # fmt: skip
def test_what_a_change_opens(before: dict[str, Any], after: dict[str, Any], questions: list[str]) -> None:
    found = openings(TEMPLATE, QUESTIONS, completed(before), completed(after))
    assert [opening.question for opening in found] == questions
    assert all(opening.what for opening in found)


def completed(given: dict[str, Any]) -> Answers:
    facts = {key: value for key, value in given.items() if key == "anubis_redis_index"}
    return resolve(
        TEMPLATE, QUESTIONS, {**SMALLEST, **{key: value for key, value in given.items() if key not in facts}}, facts
    )


Doors = list[tuple[str, str, bool, bool]]


@cache
def doors(service: str) -> Doors:
    """What the rendered ingresses let in: path, which host, whether from the internet, whether without a login."""
    answers = covered()[service]
    found: Doors = []
    for file in render(TEMPLATE, answers, "stack"):
        for module in parse(file.content.decode()).all("module") if file.path == "ingress.tf" else []:
            if "auth" not in module.attributes:
                continue  # Anubis
            home = module.attributes.get("allow_local_access_only", False)
            closed = home or "traefik-home-lans-only@kubernetescrd" in module.attributes.get("extra_middlewares", [])
            host = "lan" if module.labels == ("ingress_lan",) else "main"
            for path in module.attributes.get("ingress_path", ["/"]):
                found.append((path.rstrip("/") + "/", host, not closed, module["auth"] != "required"))
    return found


def strangers(service: str, path: str) -> set[str]:
    """Where someone without a login gets to a path from."""
    found = set()
    for host in ("main", "lan"):
        over = [door for door in doors(service) if door[1] == host and path.startswith(door[0])]
        if over and (nearest := max(over, key=lambda door: len(door[0])))[3]:
            found |= {"home", "internet"} if nearest[2] else {"home"}
    return found


@cache
def covered() -> dict[str, Answers]:
    """The services of the covering array, by their numbers."""
    return {str(number): service.answers for number, service in enumerate(services(1))}


def test_whatever_the_ingresses_let_in_anew_is_an_opening() -> None:
    """Over services of every kind: what strangers reach is read off the rendered files alone."""
    opened, kinds = 0, covered()
    for before, after in random.Random(20).sample(list(itertools.permutations(kinds, 2)), 150):
        found = openings(TEMPLATE, QUESTIONS, kinds[before], kinds[after])
        paths = {door[0] for door in [*doors(before), *doors(after)]}
        wider = [path for path in paths if not strangers(after, path) <= strangers(before, path)]
        at_doors = [
            item for item in found if item.question in ("kind", "dns", "auth", "paths", "carveouts", "lan_host")
        ]
        assert at_doors or not wider, (kinds[before].public, kinds[after].public, wider)
        opened += bool(wider)
    assert opened > 40


def test_an_opening_says_for_whom() -> None:
    def said(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
        return [item.what for item in openings(TEMPLATE, QUESTIONS, completed(before), completed(after))]

    assert said({}, {"carveouts": [HOOKS]}) == [
        "https://notes-app.viktorbarzin.me/hooks opens to everybody on the internet, without a login"
    ]
    last = "; headers that look like the single sign-on's reach the app as they are sent"
    assert said({"dns": "lan"}, {"dns": "lan", **OPEN}) == [
        f"https://notes-app.viktorbarzin.lan/ opens to everybody on the home networks, without a login{last}"
    ]
    assert said({"access": ["Family"]}, {"access": ["Family", "Friends"]}) == [
        "https://notes-app.viktorbarzin.me opens to members of Friends, who pass the single sign-on"
    ]
    (app,) = said({}, APP)
    assert app.endswith(f"everybody on the internet, with nothing before the app's own login{last}")
    (without_gate,) = said({**OPEN, "carveouts": [ADMIN]}, OPEN)
    assert without_gate.endswith(last)
    assert not any(what.endswith(last) for what in said({}, {**APP, "carveouts": [ADMIN]}))
    assert not any(what.endswith(last) for what in said({"kind": "worker"}, APP))
    (believed,) = said({"carveouts": [HOOKS]}, {"carveouts": [BELIEVED]})
    assert believed.startswith("https://notes-app.viktorbarzin.me/hooks passes on headers that look like")
    assert believed.endswith("everybody on the internet can say who they are")
    assert said({}, {"lan_host": LAN}) == [
        "https://guide.viktorbarzin.lan opens to everybody on the home networks, without a login"
    ]


# --- what older versions recorded ----------------------------------------------------------------------------


@pytest.mark.parametrize("version", [str(release.version) for release in Releases().all])
def test_services_of_every_version_are_judged(version: str) -> None:
    older = Releases().template(Version(version))
    facts = {"access": "admins"} if version == "1.0.0" else {}
    given = {**RICH, **volumes(DATA, MEDIA), "auth": "required", "redis": 3, **facts}
    del given["auth_reason"]
    before = resolve(older, load_questions(older), given)
    after = answer({**SMALLEST, "name": RICH["name"], "access": ["Home Server Admins", "Family"], **OPEN})
    lost = [loss.place for loss in losses(TEMPLATE, QUESTIONS, before, after)]
    assert lost == ["database", "redis", "volumes.data", "volumes.media"]
    assert [item.question for item in openings(TEMPLATE, QUESTIONS, before, after)] == ["auth"]
    same = {**given, "access": ["Home Server Admins", "Family"]}
    assert losses(TEMPLATE, QUESTIONS, before, answer(same)) == ()
    assert [item.question for item in openings(TEMPLATE, QUESTIONS, before, answer(same))] == ["access"]
    kept = answer({**given, "access": ["Home Server Admins"]})
    assert openings(TEMPLATE, QUESTIONS, before, kept) == ()


def test_a_declaration_reads_what_an_older_version_lacks_as_its_default() -> None:
    older = Releases().template(Version("1.0.0"))
    before = resolve(older, load_questions(older), SMALLEST)
    assert "network_policy" not in before.context
    declared = Question(
        "buckets", "yaml", stateful="[[ [{'id': network_policy, 'place': 'x', 'what': 'y'}] | to_json ]]"
    )
    after = answer({**SMALLEST, "network_policy": True})
    found = losses(TEMPLATE, (*QUESTIONS, declared), before, after)
    assert [loss for loss in found if loss.place == "x"] == [Loss("x", "y", "")]


def test_a_declaration_that_fails_is_a_fault_of_the_template() -> None:
    declared = Question("memory", "str", stateful="[[ nothing.of_it ]]", opens="[[ before.nothing ]]")
    answers = answer(SMALLEST)
    for judge, key in ((losses, "stateful"), (openings, "opens")):
        with pytest.raises(NewserviceError, match=f"the key {key} of question 'memory'") as caught:
            judge(TEMPLATE, (declared,), answers, answers)
        assert caught.value.code == "template.broken"


# --- every name of something stateful is declared ----------------------------------------------------------
FULL = {
    **RICH,
    "redis": 3,
    "access": ["Family"],
    "volumes": [DATA, {"name": "cache", "mount": "/cache", "kind": "block", "sensitive": False}, MEDIA],
}
MORE: dict[str, list[Any]] = {
    "name": ["other-guide"],
    "namespace": ["other"],
    "database": ["none", "mysql", {"engine": "postgres", "name": "other"}, {"engine": "postgres", "role": "other"}],
    "volumes": [
        [],
        [DATA],
        [{**volume, "kind": "encrypted"} for volume in FULL["volumes"]],
        [{**volume, "kind": "block", "sensitive": False} for volume in FULL["volumes"]],
        [{**volume, "name": f"{volume['name']}-2"} for volume in FULL["volumes"]],
    ],
    "names": [
        {"claims": {"data": {"name": "other"}}},
        {"claims": {"cache": {"address": "other"}}},
        {"claims": {"media": {"name": "other", "address": "nfs_other"}}},
        {"addresses": {"namespace": "other", "secret": "other", "database_secret": "other"}},
        {"secret": "other", "database_secret": "other-db", "service": "other", "ingress": "other"},
    ],
    "secrets": [{}, {"OTHER": "other"}],
    "secret_mode": ["extract"],
}
"""Answers beside those that copier.yml has for examples."""


def stateful_names(answers: Answers) -> dict[tuple[str, ...], str]:
    """What of a rendered stack keeps data, with the place that stands for it; read off the files alone."""
    files = {file.path: file.content.decode() for file in render(TEMPLATE, answers, "stack")}
    text = "\n".join(content for path, content in files.items() if path.endswith(".tf"))
    (namespace,) = re.findall(r'^  namespace\s+= "([^"]+)"$', files["main.tf"], re.MULTILINE)
    found = {}
    for block in [block for path, content in files.items() if path.endswith(".tf") for block in parse(content).walk()]:
        kind = block.labels[0] if block.type == "resource" else block.type
        if kind.startswith("kubernetes_persistent_volume_claim"):
            metadata, spec = block.one("metadata"), block.one("spec")
            names = (metadata["name"], str(metadata["namespace"]), str(spec["storage_class_name"]), namespace)
            found[(*block.labels, *names)] = "volumes"
        elif kind.startswith("kubernetes_namespace"):
            found[(*block.labels, namespace)] = "namespace"
        elif kind == "module" and "nfs_path" in block.attributes and block.labels != ("nfs_backup",):
            found["files", str(block["nfs_path"])] = "volumes"
    for role in re.findall(r'key = "static-creds/([^"]+)"', text):
        found["role", role] = "database"
        found.update({("base", base): "database" for base in re.findall(r'DATABASE_URL"?\s*= "[^"]+/([^"/]+)"', text)})
    for path in re.findall(r'key = "([^"/]+)"', text):
        found["vault", path] = "vault"
    for index in re.findall(r'redis://[^"]+/(\d+)"', text):
        found["redis", index] = "redis"
    return found


def test_every_answer_that_names_something_stateful_declares_it() -> None:
    """One question after the other is answered differently: whatever disappears from the stack is a loss."""
    facts = {"layer": "stack", "redis_index": 5, "anubis_redis_index": 6}
    before = resolve(TEMPLATE, QUESTIONS, FULL, facts)
    kept = stateful_names(before)
    assert sorted(set(kept.values())) == ["database", "namespace", "redis", "vault", "volumes"]
    tried, seen = set(), set()
    for question in (question for question in QUESTIONS if question.public):
        for value in [*values_of(question), *MORE.get(question.name, [])]:
            try:
                after = resolve(TEMPLATE, QUESTIONS, {**FULL, question.name: value}, facts)
            except AnswersError:
                continue
            tried.add(question.name)
            now = stateful_names(after)
            gone = {place for key, place in kept.items() if key not in now}
            if not any(key[0] == "vault" for key in now):
                gone.discard("vault")  # nothing is read of it any more, and nothing was deleted
            if any(key[0] == "role" and key in kept for key in now) and not any(key[0] == "base" for key in now):
                gone.discard("database")  # its name is in no variable any more
            found = {loss.place.partition(".")[0] for loss in losses(TEMPLATE, QUESTIONS, before, after)}
            assert gone <= found, (question.name, value)
            if gone:
                seen.add(question.name)
    assert len(tried) > 40
    assert seen == {"name", "namespace", "database", "redis", "volumes", "names"}
    assert {question.name for question in QUESTIONS if question.stateful} == seen - {"names"}


# --- the gate ----------------------------------------------------------------------------------------------

CLAIM = Loss("volumes.data", "the claim", "copy it")
BASE = Loss("database", "the database", "dump it")
DOOR = Opening("auth", "https://x opens to everybody")


@pytest.mark.parametrize(
    ("accepted", "opened"),
    [((), False), (("volumes.data",), True), (("database",), False), (("volumes.data", "database"), False)],
)
def test_what_is_neither_accepted_nor_opened_is_refused(accepted: tuple[str, ...], opened: bool) -> None:
    with pytest.raises(RefusedError) as caught:
        check_gates((CLAIM, BASE), (DOOR,), accepted, opened)
    error = caught.value
    assert error.exit_code == ExitCode.REFUSED
    assert error.code == ("change.opens" if len(accepted) == 2 else "change.loss")
    for loss in (CLAIM, BASE):
        asked = loss.place not in accepted
        assert (loss.what in error.message, loss.backup in error.hint) == (asked, asked)
        assert (f"--accept-loss {loss.place}" in error.hint) == asked
    assert ("--open" in error.hint, DOOR.what in error.message) == (not opened, not opened)


def test_what_is_accepted_and_opened_passes() -> None:
    check_gates((CLAIM, BASE), (DOOR,), ("database", "volumes.data"), True)
    check_gates((), (), (), True)


@pytest.mark.parametrize(
    ("place", "lost", "message", "hint"),
    [
        ("volumes.dat", (CLAIM, BASE), "it loses something at volumes.data, database", "did you mean volumes.data?"),
        ("namespace", (CLAIM,), "it loses something at volumes.data", "leave it out"),
        ("volumes.data", (), "it loses nothing at all", "leave it out"),
    ],
)
def test_an_accepted_place_must_lose_something(place: str, lost: tuple[Loss, ...], message: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        check_gates(lost, (), [*(loss.place for loss in lost), place], False)
    assert caught.value.code == "change.accept_loss"
    assert message in caught.value.message
    assert caught.value.hint == hint
