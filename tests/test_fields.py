"""Every text and list that people answer with comes back unchanged, through newservice and real parsers.

Answers are given as a person would give them, settled by newservice, rendered, and read from the files again. What
Terraform makes of the same text is asked at the end, for all that stands in quotes.
"""

from __future__ import annotations

import json
import re
import shlex
import tempfile
import unicodedata
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import yaml
from hypothesis import HealthCheck, assume, event, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from generator.base.errors import AnswersError
from generator.engine.checklist import Checklist
from generator.engine.project import Project
from generator.infra_repo.registrations import Registration, register, unregister
from generator.platform.profile import load_platform
from generator.sandbox.infra_repository import FILES as SANDBOX
from generator.template.answers import Answers, resolve

from .answers import QUESTIONS, TEMPLATE
from .fuzz import examples
from .stack import hcl, terraform
from .stack.hcl import Block
from .stack.rendering import files
from .stack.test_text import as_comment, comments, lines, plain_values

PLATFORM = load_platform(TEMPLATE.platform, None, environ={"HOME": "/nonexistent"})
SHAPES = TEMPLATE.shapes
FACTS = {"layer": "stack", "redis_index": 2, "anubis_redis_index": 3, "platform": PLATFORM.facts}
SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
FIELDS = settings(deadline=None, suppress_health_check=SLOW, max_examples=examples(25))
AT_ODDS = re.compile(
    r"runs backwards|more at its start|is used twice|a variable can have one source|has a gate already"
)
"""What newservice may have against answers that are right each for itself."""


def shape(*place: str | int, most: int = 60) -> st.SearchStrategy[str]:
    """Any text that the shape at a place in shapes.yml takes."""
    rule: Any = SHAPES
    for key in place:
        rule = rule[key]
    longest = min(rule.get("maxLength", most), most)
    pattern = rule["pattern"].removesuffix("$") + r"\Z"
    # Text that is only looked at would be generated as if it were read.
    anything = st.from_regex(pattern.replace("(?=/)", ""))
    return anything.filter(lambda text: len(text) <= longest and bool(re.search(pattern, text)))


def some(strategy: st.SearchStrategy[Any], least: int = 0, most: int = 3) -> st.SearchStrategy[list[Any]]:
    return st.lists(strategy, min_size=least, max_size=most)


def different(strategy: st.SearchStrategy[str]) -> st.SearchStrategy[list[str]]:
    """Paths that newservice takes for different ones."""
    return st.lists(strategy, min_size=1, max_size=3, unique_by=lambda path: path.rstrip("/"))


def maps(keys: st.SearchStrategy[str], values: st.SearchStrategy[Any], least: int = 1) -> st.SearchStrategy[Any]:
    return st.dictionaries(keys, values, min_size=least, max_size=3)


def answer(**changes: Any) -> Answers:
    """Complete answers; those that are right each for itself and at odds with one another are not looked at."""
    given = {"name": "city-guide", "title": "City Guide", "description": "Guides.", **changes}
    try:
        return resolve(TEMPLATE, QUESTIONS, given, FACTS)
    except AnswersError as error:
        completed = [problem.message for problem in error.problems]
        assert all(AT_ODDS.search(message) for message in completed), completed
        event("at odds")
        assume(False)
        raise


def stack_of(answers: Answers) -> dict[str, Block]:
    """The stack as data; the answers file holds what was answered."""
    recorded = yaml.safe_load(answers_file(answers))
    assert {name: recorded[name] for name in answers.public} == answers.public
    assert json.loads(json.dumps(answers.public)) == answers.public
    return {name: hcl.parse(text) for name, text in files(answers.context).items()}


def answers_file(answers: Answers) -> str:
    """As copier writes it, which would take half a second."""
    copied = {"_copier_answers": {"_commit": "v1.0.0", "_src_path": "x", **answers.values}}
    name = "templates/macros/answers.jinja"
    return TEMPLATE.environment.get_template(name).render({**answers.context, **copied})


def one_line(text: str) -> str:
    return " ".join(text.split())


mounts = shape("volumes", "items", "properties", "mount")
short = shape("volumes", "items", "properties", "name")
quantities = shape("volumes", "items", "properties", "size")
schedules = shape("backup", "anyOf", 1, "properties", "schedule")
routes = shape("paths", "items")
below = routes.filter(lambda route: route.strip("/") != "")
paths = shape("internal_monitor", "anyOf", 1, "properties", "path")
hosts = shape("lan_host", "anyOf", 1, "properties", "host")
labels = shape("dns_label")
words = some(plain_values, 1)
properties = shape("secrets", "values")
variables = shape("env", "keys", most=30) | st.sampled_from(["for", "if", "null", "true", "in", "_"])
fields = shape("homepage", "properties", "widget", "properties", "fields", "keys") | st.sampled_from(["for", "null"])
objects = shape("names", "properties", "deployment")
long_objects = shape("names", "properties", "secret")
addresses = shape("names", "properties", "addresses", "properties", "namespace")


# --- title, description, reasons, the dashboard's tile -------------------------------------------------------


@FIELDS
@given(
    title=lines, description=lines, auth_reason=lines, carved=lines, at_home=lines, group=lines, icon=lines,
    kind=shape("homepage", "properties", "widget", "properties", "type"),
    url=shape("homepage", "properties", "widget", "properties", "url"),
    settings_=maps(fields, lines), credentials=maps(fields, properties, least=0),
)  # fmt: skip
def test_texts_for_people(
    title: str, description: str, auth_reason: str, carved: str, at_home: str, group: str, icon: str, kind: str,
    url: str, settings_: dict[str, str], credentials: dict[str, str],
) -> None:  # fmt: skip
    assume(not {"type", "url"} & {*settings_, *credentials} and not settings_.keys() & credentials.keys())
    widget = {"type": kind, "url": url, "fields": settings_, "credentials": credentials}
    answers = answer(
        title=title, description=description, auth="app", auth_reason=auth_reason,
        carveouts=[{"name": "hooks", "paths": ["/hooks"], "reason": carved}],
        lan_host={"host": "cg", "auth": "none", "reason": at_home},
        homepage={"enabled": True, "group": group, "icon": icon, "widget": widget},
    )  # fmt: skip
    stack = stack_of(answers)
    tile = stack["ingress.tf"].labelled("ingress")["extra_annotations"]
    found = {key.removeprefix("gethomepage.dev/"): value for key, value in tile.items() if isinstance(value, str)}
    assert {key: value for key, value in found.items() if key not in ("enabled", "pod-selector")} == {
        "name": title, "description": description, "icon": icon, "group": group,
        "widget.type": kind, "widget.url": url, **{f"widget.{field}": value for field, value in settings_.items()},
    }  # fmt: skip
    if credentials:
        secret = stack["secrets.tf"].labelled("external_secret")["manifest"]["spec"]["data"]
        found = {item["secretKey"]: item["remoteRef"]["property"] for item in secret}
        assert found == {f"homepage-{field}": value for field, value in credentials.items()}
    assert comments(files(answers.context)["ingress.tf"]) == [
        f'# auth = "app": {as_comment(auth_reason)}',
        f'# auth = "none": {as_comment(carved)}',
        f'# auth = "none": {as_comment(at_home)}',
    ]


@FIELDS
@given(title=lines, description=lines)
def test_texts_in_the_repositories(title: str, description: str) -> None:
    """Those that the tests of the languages don't read: Go's strings, the catalogue and the pull request."""
    answers = answer(title=title, description=description, language="go")
    main = TEMPLATE.environment.get_template("templates/service/go/main.go.jinja").render(answers.context)
    found = dict(re.findall(r'^\t(title|description) += (".*")$', main, re.MULTILINE))
    # Of Go's escapes it has only those that are JSON's too, so that JSON reads it as Go does.
    assert {name: json.loads(text) for name, text in found.items()} == {"title": title, "description": description}
    (catalog,) = [entry for entry in registrations(answers) if entry.id == "catalog"]
    assert ["city-guide", one_line(description), "city-guide"] in rows(registered(catalog))
    request = TEMPLATE.environment.get_template("templates/pull_request.md.jinja")
    markdown = request.render({**answers.context, "registrations": [], "merging": Checklist()})
    assert plain(MarkdownIt("commonmark").parse(markdown)[1]) == one_line(description)


def rows(markdown: str) -> list[list[str]]:
    """The cells of all rows of all tables."""
    found: list[list[str]] = []
    tokens = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(markdown)
    for token, content in pairwise(tokens):
        if token.type == "tr_open":
            found.append([])
        if token.type == "td_open" and found:
            found[-1].append(plain(content))
    return found


def plain(token: Any) -> str:
    """What an inline token says; markup in it is marked as such."""
    return "".join(child.content if child.type == "text" else f"<{child.type}>" for child in token.children or [])


# --- what runs -----------------------------------------------------------------------------------------------


@FIELDS
@given(
    env=maps(variables, plain_values | st.booleans() | st.integers(-(10**19), 10**19)), command=words, args=words,
    migrate_command=words, path=paths, route=routes, tags=shape("tags"), upstream=st.booleans(),
    cpu=shape("cpu"), memory=st.integers(1, 4096), port=st.integers(1, 65535), service_port=st.integers(1, 65535),
)  # fmt: skip
def test_what_runs(
    env: dict[str, Any], command: list[str], args: list[str], migrate_command: list[str], path: str, route: str,
    tags: str, upstream: bool, cpu: str, memory: int, port: int, service_port: int,
) -> None:  # fmt: skip
    source = (
        {"image_source": "upstream", "image": "a:1", "diun_tags": tags}
        if upstream
        else {"migrate_command": migrate_command}
    )
    answers = answer(
        env=env, command=command, args=args, probe={"kind": "http", "path": path},
        metrics={"path": route, "port": port % 65535 + 1},  # the service's own may have other routes
        quota="own", cpu=cpu, memory=f"{memory}Mi", port=port, service_port=service_port, **source,
    )  # fmt: skip
    stack = stack_of(answers)
    pod = stack["deployment.tf"].one("resource", "spec", "template", "spec")
    container = pod.one("container")
    expected = {name: text_of(value) for name, value in env.items()}
    assert {item["name"]: item["value"] for item in container.all("env")} == expected
    assert (container["command"], container["args"]) == (command, args)
    assert {probe["path"] for probe in container.all("readiness_probe", "http_get")} == {path}
    assert container.one("resources")["requests"] == {"cpu": cpu, "memory": f"{memory}Mi"}
    service = stack["service.tf"].one("resource")
    assert service.one("metadata")["annotations"]["prometheus.io/path"] == route
    assert (service.one("spec", "port")["port"], service.one("spec", "port")["target_port"]) == (service_port, port)
    if upstream:
        metadata = stack["deployment.tf"].one("resource", "spec", "template", "metadata")
        assert metadata["annotations"]["diun.include_tags"] == tags
    else:
        assert pod.one("init_container")["command"] == migrate_command


def text_of(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


# --- data ----------------------------------------------------------------------------------------------------


@FIELDS
@given(
    secrets=maps(variables, properties), extract=st.booleans(),
    base=shape("database", "anyOf", 1, "properties", "name"),
    role=shape("database", "anyOf", 1, "properties", "role", most=32),
    scheme=shape("database", "anyOf", 1, "properties", "dsn_scheme"), engine=st.sampled_from(["postgres", "mysql"]),
    parts=maps(variables, st.sampled_from(["dsn", "password", "user", "host", "port", "name"])),
)  # fmt: skip
def test_secrets_and_databases(
    secrets: dict[str, str], extract: bool, base: str, role: str, scheme: str, engine: str, parts: dict[str, str]
) -> None:
    assume(
        not role.startswith("pg_")
        and role not in ("postgres", "root", "mysql")
        and base not in ("mysql", "sys", "postgres")
    )
    database = {"engine": engine, "name": base, "role": role, "dsn_scheme": scheme, "env": parts}
    answers = answer(secrets=secrets, secret_mode="extract" if extract else "select", database=database)
    stack = stack_of(answers)
    kept, rotated = (
        stack["secrets.tf"].labelled(name)["manifest"]["spec"] for name in ("external_secret", "db_external_secret")
    )
    if not extract:
        assert {item["secretKey"]: item["remoteRef"]["property"] for item in kept["data"]} == secrets
    container = stack["deployment.tf"].one("resource", "spec", "template", "spec", "container")
    keys = {item["name"]: item.one("value_from", "secret_key_ref")["key"] for item in container.all("env")}
    assert keys == {**(secrets if extract else {name: name for name in secrets}), **{name: name for name in parts}}
    server = f"var.{'postgresql' if engine == 'postgres' else 'mysql'}_host"
    port = {"postgres": "5432", "mysql": "3306"}[engine]
    dsn = f'"{scheme}://{role}:{{{{ .password }}}}@${{{server}}}:{port}/{base}"'
    values = {"dsn": dsn, "password": "{{ .password }}", "user": role, "host": server, "port": port, "name": base}
    found = rotated["target"]["template"]["data"]
    assert {name: getattr(value, "text", value) for name, value in found.items()} == {
        name: values[part] for name, part in parts.items()
    }
    for entry in registrations(answers):
        text = registered(entry)
        if entry.id == "vault-role":
            block = hcl.parse(text).labelled(f"{'pg' if engine == 'postgres' else 'mysql'}_{role}")
            assert block["username"] == role
        if entry.id == "pg-database":
            made = [block.attributes.get("triggers", {}) for block in hcl.parse(text).blocks]
            assert {"db_name": base, "username": role} in made


@FIELDS
@given(
    name=short, mount=mounts, sub_path=shape("volumes", "items", "properties", "sub_path"), nfs_path=mounts,
    size=quantities, claim=long_objects, address=addresses, below=mounts, schedule=schedules, days=st.integers(1, 3650),
)  # fmt: skip
def test_volumes_and_backups(
    name: str, mount: str, sub_path: str, nfs_path: str, size: str, claim: str, address: str, below: str,
    schedule: str, days: int,
) -> None:  # fmt: skip
    assume(name != "other" and not mount.startswith("/other"))
    path, nfs_path, below = mount.rstrip("/"), nfs_path.rstrip("/"), below.rstrip("/")
    answers = answer(
        volumes=[
            {"name": name, "mount": mount, "sub_path": sub_path, "size": size, "limit": size},
            {"name": "other", "mount": "/other", "kind": "nfs", "nfs_path": nfs_path, "size": size},
        ],
        names={"claims": {name: {"address": address, "name": claim}}},
        backup={"kind": "files", "files": [path + below], "schedule": schedule, "keep_days": days},
    )
    stack = stack_of(answers)
    container = stack["deployment.tf"].one("resource", "spec", "template", "spec", "container")
    found = {
        item["name"]: (item["mount_path"], item.attributes.get("sub_path")) for item in container.all("volume_mount")
    }
    assert found == {name: (path, sub_path), "other": ("/other", None)}
    resource = stack["storage.tf"].labelled(address)
    assert resource.one("metadata")["name"] == claim
    assert resource.one("metadata")["annotations"]["resize.topolvm.io/storage_limit"] == size
    assert resource.one("spec", "resources")["requests"] == {"storage": size}
    shared = stack["storage.tf"].labelled("nfs_other")
    assert (shared["nfs_path"], shared["storage"]) == (nfs_path, size)
    job = stack["backup.tf"].labelled("backup")
    assert job.one("spec")["schedule"] == schedule
    script = job.one("spec", "job_template", "spec", "template", "spec", "container")["command"]
    lines_ = "\n".join(str(getattr(word, "text", word)) for word in script).splitlines()
    (archived,) = [shlex.split(line) for line in lines_ if line.strip().startswith("tar ")]
    assert archived[archived.index("/source") + 1 :] == [f".{path}{below}"]
    (cleaned,) = [shlex.split(line) for line in lines_ if line.strip().startswith("find ")]
    assert f"+{days}" in cleaned


# --- jobs ----------------------------------------------------------------------------------------------------


@FIELDS
@given(
    name=short.filter(lambda name: name != "backup"), schedule=schedules, command=words, args=words, cpu=shape("cpu"),
    memory=st.integers(1, 4096), seconds=st.integers(1, 604800), env=maps(variables, plain_values),
    run_as=st.fixed_dictionaries({}, optional=dict.fromkeys(("uid", "gid", "fs_group"), st.integers(0, 2**31 - 1))),
)  # fmt: skip
def test_jobs(
    name: str, schedule: str, command: list[str], args: list[str], cpu: str, memory: int, seconds: int,
    env: dict[str, str], run_as: dict[str, int],
) -> None:  # fmt: skip
    job = {"name": name, "schedule": schedule, "command": command, "args": args, "cpu": cpu, "memory": f"{memory}Mi"}
    answers = answer(
        kind="cronjob", quota="own", env=env, run_as=run_as, cronjobs=[{**job, "deadline_seconds": seconds}]
    )
    spec = stack_of(answers)["cronjobs.tf"].one("resource").one("spec")
    assert spec["schedule"] == schedule
    assert spec.one("job_template", "spec")["active_deadline_seconds"] == seconds
    pod = spec.one("job_template", "spec", "template", "spec")
    container = pod.one("container")
    assert (container["name"], container["command"], container["args"]) == (name, command, args)
    assert container.one("resources")["requests"] == {"cpu": cpu, "memory": f"{memory}Mi"}
    assert {item["name"]: item["value"] for item in container.all("env")} == env
    identity = pod.one("security_context").attributes if run_as else {}
    names = {"uid": "run_as_user", "gid": "run_as_group", "fs_group": "fs_group"}
    assert identity == {names[key]: value for key, value in run_as.items()}


# --- exposure, and the files that all services share ---------------------------------------------------------


@FIELDS
@given(
    host=hosts, prefixes=different(routes), carved=different(below), carve=short, body=shape("max_body"), at_home=hosts,
    query=st.from_regex(r"\A[A-Za-z0-9._~!$&'()*+,;=:@%/?-]{0,20}\Z"), monitored=paths, average=st.integers(1, 10**6),
    burst=st.integers(1, 10**6), reason=lines, service_port=st.integers(1, 65535),
)  # fmt: skip
def test_exposure_and_registrations(
    host: str, prefixes: list[str], carved: list[str], carve: str, body: str, at_home: str, query: str, monitored: str,
    average: int, burst: int, reason: str, service_port: int,
) -> None:  # fmt: skip
    assume(carve != "lan" and not {host, at_home} & PROTECTED)
    probed = f"{carved[0].rstrip('/')}/{query}" if carved[0].endswith("/") else f"{carved[0]}?{query}"
    answers = answer(
        host=host, paths=prefixes, max_body=body, service_port=service_port, lan_host={"host": at_home},
        carveouts=[{"name": carve, "paths": carved, "reason": reason, "max_body": body, "probe_path": probed}],
        internal_monitor={"path": monitored}, rate_limit={"average": average, "burst": burst},
    )  # fmt: skip
    ingress = stack_of(answers)["ingress.tf"]
    main, opening, home = (
        ingress.labelled(name) for name in ("ingress", f"ingress_{carve.replace('-', '_')}", "ingress_lan")
    )
    assert main.attributes.get("ingress_path", ["/"]) == prefixes == home.attributes.get("ingress_path", ["/"])
    assert opening["ingress_path"] == carved
    assert (main.attributes.get("host", "city-guide"), opening["host"], home["host"]) == (host, host, at_home)
    assert {call.attributes.get("max_body_size", "none") for call in (main, opening, home)} == {body}
    completed = {entry.id: registered(entry) for entry in registrations(answers)}
    targets = values_of(completed["walloff-target"], "authentik_walloff_targets")
    assert targets[f"city-guide-{carve}"] == f"https://{host}.viktorbarzin.me{probed}"
    assert any(one_line(reason) in comment for comment in comments(completed["walloff-target"]))
    (monitor,) = [
        item for item in values_of(completed["kuma-monitor"], "internal_monitors") if item["name"] == "city-guide"
    ]
    port = "" if service_port == 80 else f":{service_port}"
    assert monitor["url"] == f"http://city-guide.city-guide.svc.cluster.local{port}{monitored}"
    assert main["allowed_groups"] == home["allowed_groups"] == ["Home Server Admins"]
    limit = hcl.parse(completed["rate-limit"]).labelled("middleware_city_guide_rate_limit")["manifest"]["spec"][
        "rateLimit"
    ]
    assert limit == {"average": average, "burst": burst}


PROTECTED = {"city-guide", *PLATFORM.facts["infra"]["protected_hosts"], "forgejo", "ci", "vault"}


def values_of(text: str, local: str) -> Any:
    """A local of a file of the infra repository."""
    (found,) = [block[local] for block in hcl.parse(text).all("locals") if local in block.attributes]
    return found


def registrations(answers: Answers) -> list[Registration]:
    return Project(TEMPLATE, PLATFORM, answers, Path("nowhere")).registrations


def registered(entry: Registration) -> str:
    """The file of the sandbox's infra repository with an entry, which can be taken out again."""
    before = shared(entry.path)
    change = register(entry, before)
    assert change.action == "add" or (entry.optional and change.action == "present")
    assert register(entry, change.text).action == "present"
    assert unregister(entry, change.text).text == before
    return change.text


@cache
def shared(path: str) -> str:
    return (SANDBOX / path).read_bytes().decode()


# --- names ---------------------------------------------------------------------------------------------------


@FIELDS
@given(
    name=shape("name"), namespace=labels, deployment=objects, service=objects, container=objects, secret=long_objects,
    rotated=long_objects, image=shape("image", most=200),
    address=st.lists(addresses, min_size=6, max_size=6, unique=True),
    selector=maps(
        shape("names", "properties", "selector", "keys") | st.sampled_from(["for", "if", "null"]),
        shape("names", "properties", "selector", "values"),
    ),
)  # fmt: skip
def test_names(
    name: str, namespace: str, deployment: str, service: str, container: str, secret: str, rotated: str, image: str,
    address: list[str], selector: dict[str, str],
) -> None:  # fmt: skip
    assume(secret != rotated and name not in PLATFORM.facts["infra"]["protected"])
    assume(namespace not in PLATFORM.facts["infra"]["protected_namespaces"] and name not in PROTECTED)
    kinds = ("namespace", "deployment", "service", "ingress", "secret", "database_secret")
    names = {
        "addresses": dict(zip(kinds, address, strict=True)), "deployment": deployment, "service": service,
        "container": container, "secret": secret, "database_secret": rotated, "selector": selector,
    }  # fmt: skip
    answers = answer(
        name=name, namespace=namespace, image_source="upstream", image=image, names=names, secrets={"A": "a"},
        database={"engine": "postgres", "name": "cg", "role": "cg"},
    )  # fmt: skip
    stack = stack_of(answers)
    (locals_,) = stack["main.tf"].all("locals")
    assert (locals_["namespace"], locals_["labels"]) == (namespace, selector)
    assert locals_["image"].endswith(image)
    workload = stack["deployment.tf"].labelled(address[1])
    assert workload.one("metadata")["name"] == deployment
    assert workload.one("spec", "template", "spec", "container")["name"] == container
    assert stack["service.tf"].labelled(address[2]).one("metadata")["name"] == service
    assert stack["ingress.tf"].labelled(address[3])["name"] == name
    for label, called in ((address[4], secret), (address[5], rotated)):
        assert stack["secrets.tf"].labelled(label)["manifest"]["metadata"]["name"] == called
    completed = {entry.id: registered(entry) for entry in registrations(answers)}
    assert [name, "Guides.", name] in rows(completed["catalog"])


# --- Terraform itself ----------------------------------------------------------------------------------------


@settings(FIELDS, max_examples=examples(2, texts=24))
@given(
    title=lines, description=lines, group=lines, icon=lines, settings_=maps(fields, lines),
    command=some(plain_values, 24, 24), args=some(plain_values, 24, 24), env=some(plain_values, 24, 24),
)  # fmt: skip
def test_terraform_reads_what_the_parser_reads(
    title: str, description: str, group: str, icon: str, settings_: dict[str, str], command: list[str],
    args: list[str], env: list[str],
) -> None:  # fmt: skip
    """All that stands in quotes, evaluated by Terraform, in normal form C as it keeps all text."""
    assume(not {"type", "url"} & settings_.keys())
    answers = answer(
        title=title, description=description, command=command, args=args,
        env={f"V{number}": text for number, text in enumerate(env)},
        homepage={"group": group, "icon": icon, "widget": {"type": "a", "fields": settings_}},
    )  # fmt: skip
    stack = files(answers.context)
    quoted = list(
        dict.fromkeys(text for name, file in stack.items() if name.endswith(".tf") for text in literals(file))
    )
    with tempfile.TemporaryDirectory() as folder:
        terraform.write(Path(folder), {"stack": stack})
        assert not terraform.badly_formatted(Path(folder))
        (Path(folder) / "values").mkdir()
        seen = terraform.evaluate(Path(folder, "values"), quoted, {})
    assert seen == [unicodedata.normalize("NFC", hcl.unquote(text[1:-1])) for text in quoted]
    assert len(quoted) > 24


def literals(text: str) -> Iterator[str]:
    """The quoted texts of a file, as written; labels of blocks are no expressions."""
    for node in hcl.nodes(hcl.syntax(text)):
        if node.type == "string_lit" and node.parent is not None and node.parent.type == "literal_value":
            yield hcl.source(node)
