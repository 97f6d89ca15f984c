"""What templates and registrations read: computed of the answers, in one form whatever form the answers had."""

from __future__ import annotations

from typing import Any

import pytest

from generator.base.errors import AnswersError
from generator.platform.profile import load_platform
from generator.template.answers import resolve
from tests.answers import QUESTIONS, SMALLEST, TEMPLATE, UPSTREAM, answer

HOOKS = {"name": "web-hooks", "paths": ["/hooks"], "reason": "signed webhooks"}
DATA = {"name": "data", "mount": "/data"}

SCRAPED: dict[str, Any] = {**UPSTREAM, "metrics": {"path": "/metrics"}}


def computed(value: str, **given: Any) -> Any:
    return answer({**SMALLEST, **given}).context[value]


@pytest.mark.parametrize(
    ("given", "listens", "deploys", "private"),
    [
        ({}, True, True, True),
        ({"image_visibility": "public"}, True, True, False),
        ({"kind": "worker"}, True, True, True),
        ({"kind": "worker", "port": 0}, False, True, True),
        ({"kind": "cronjob"}, False, False, True),
        ({"ci": False}, True, False, True),
        ({"ci": False, "updates": "ci"}, True, True, True),
        ({"updates": "keel"}, True, False, True),
        ({"updates": "pinned"}, True, False, True),
        ({"image_source": "upstream", "image": "nginx:1"}, True, False, False),
        ({"image_source": "upstream", "image": "nginx:1", "kind": "worker"}, False, False, False),
    ],
)
def test_what_there_is_of_it(given: dict[str, Any], listens: bool, deploys: bool, private: bool) -> None:
    answers = answer({**SMALLEST, **given})
    context = answers.context
    assert (context["listens"], context["deploys"], answers.private_image) == (listens, deploys, private)


MEDIA = {"name": "media", "mount": "/media/", "kind": "nfs"}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"volumes": [MEDIA]}, [("/srv/nfs/notes-app/media", 10001, 10001, "0755")]),
        (
            {"volumes": [{**MEDIA, "sub_path": "a/b"}]},
            [
                ("/srv/nfs/notes-app/media", 10001, 10001, "0755"),
                ("/srv/nfs/notes-app/media/a/b", 10001, 10001, "0755"),
            ],
        ),
        ({"volumes": [MEDIA], "run_as": {"uid": 5}}, [("/srv/nfs/notes-app/media", 5, 0, "0755")]),
        ({"volumes": [MEDIA], "run_as": {"uid": 5, "gid": 6}}, [("/srv/nfs/notes-app/media", 5, 6, "0755")]),
        ({"volumes": [MEDIA], "run_as": {"gid": 6}}, [("/srv/nfs/notes-app/media", 10001, 6, "0755")]),
        ({"volumes": [MEDIA], "language": "none"}, [("/srv/nfs/notes-app/media", None, None, "0777")]),
        ({"volumes": [{**MEDIA, "read_only": True}]}, [("/srv/nfs/notes-app/media", None, None, None)]),
        ({"volumes": [DATA]}, [("/srv/nfs/notes-app-backup", 0, 0, "0750")]),
        ({"volumes": [DATA], "backup": "none"}, []),
        ({"volumes": [{**DATA, "kind": "emptydir"}]}, []),
    ],
)
def test_who_writes_to_the_folders_on_the_file_server(given: dict[str, Any], expected: list[Any]) -> None:
    found = [tuple(item[key] for key in ("path", "uid", "gid", "mode")) for item in computed("writers", **given)]
    assert found == expected
    assert not any(item["exists"] for item in computed("writers", **given))


def test_a_folder_that_somebody_named_may_be_others_too() -> None:
    shared = {**MEDIA, "nfs_path": "/srv/nfs/photos", "sub_path": "mine"}
    found = [(item["path"], item["exists"]) for item in computed("writers", volumes=[shared])]
    assert found == [("/srv/nfs/photos", True), ("/srv/nfs/photos/mine", False)]


@pytest.mark.parametrize(("more", "warned"), [({}, True), ({"run_as": {"uid": 5}}, False)])
def test_an_image_whose_user_nobody_knows_is_warned_of(more: dict[str, Any], warned: bool) -> None:
    answers = answer({**UPSTREAM, "volumes": [MEDIA], **more})
    assert [note for note in answers.notes if "which user the image runs as" in note] != [] or not warned
    assert warned or not [note for note in answers.notes if "which user" in note]


@pytest.mark.parametrize(
    ("env", "folders", "expected"),
    [
        ({"PUID": "1000", "PGID": "100"}, {}, (1000, 100, "0755")),
        ({"PUID": "1000"}, {}, (None, None, "0777")),
        ({"PUID": "abc", "PGID": "100"}, {}, (None, None, "0777")),
        ({"PUID": "1000", "PGID": "100"}, {"uid_env": ""}, (None, None, "0777")),
    ],
)
def test_an_image_may_take_its_user_from_the_environment(
    env: dict[str, Any], folders: dict[str, Any], expected: tuple[Any, ...]
) -> None:
    """As those of LinuxServer do, which start as root and refuse another user."""
    facts = {"platform": load_platform(TEMPLATE.platform, environ={}).changed({"folders": folders}).facts}
    found = resolve(TEMPLATE, QUESTIONS, {**UPSTREAM, "volumes": [MEDIA], "env": env}, facts)
    assert [tuple(item[key] for key in ("uid", "gid", "mode")) for item in found.context["writers"]] == [expected]
    assert any("which user the image runs as" in note for note in found.notes) == (expected[0] is None)


def test_a_platform_may_leave_owners_and_modes_alone() -> None:
    off = {"folders": {"mode": "", "unknown_mode": "", "backup": {"mode": ""}}}
    facts = {"platform": load_platform(TEMPLATE.platform, environ={}).changed(off).facts}
    found = resolve(TEMPLATE, QUESTIONS, {**UPSTREAM, "volumes": [MEDIA, DATA]}, facts)
    assert {(item["uid"], item["gid"], item["mode"]) for item in found.context["writers"]} == {(None, None, None)}
    assert not [note for note in found.notes if "which user" in note]


@pytest.mark.parametrize("kind", ["nfs", "nfs-ssd"])
@pytest.mark.parametrize("tier", ["core", "cluster", "edge"])
def test_critical_tiers_stay_off_the_file_server(kind: str, tier: str) -> None:
    volume = {**MEDIA, "kind": kind}
    if tier == "edge":
        assert computed("drives", tier=tier, volumes=[volume])
        return
    with pytest.raises(AnswersError, match="1 answer to correct") as caught:
        computed("drives", tier=tier, volumes=[volume])
    (problem,) = caught.value.problems
    assert problem.question == "volumes"
    assert f"services of tier {tier} are critical" in problem.message
    assert computed("drives", tier=tier, volumes=[{**volume, "critical": False}])
    assert computed("drives", tier=tier, volumes=[DATA])


def test_a_slash_at_the_end_of_a_mount_means_nothing() -> None:
    (drive,) = computed("drives", volumes=[{"name": "data", "mount": "/var/lib/data/"}])
    assert drive["mount"] == "/var/lib/data"


@pytest.mark.parametrize(
    ("given", "systems", "secrets"),
    [
        ({}, ["forgejo", "github", "woodpecker"], ["WOODPECKER_TOKEN", "FORGEJO_GIT_TOKEN", "SLACK_WEBHOOK"]),
        (
            {"secrets": {"A": "a"}},
            ["forgejo", "github", "woodpecker", "vault"],
            ["WOODPECKER_TOKEN", "FORGEJO_GIT_TOKEN", "SLACK_WEBHOOK"],
        ),
        ({"updates": "pinned"}, ["forgejo", "github"], ["FORGEJO_GIT_TOKEN", "SLACK_WEBHOOK"]),
        ({"kind": "cronjob"}, ["forgejo", "github"], ["FORGEJO_GIT_TOKEN", "SLACK_WEBHOOK"]),
        ({"ci": False}, ["forgejo", "github"], []),
        ({"ci": False, "updates": "ci"}, ["forgejo", "github", "woodpecker"], ["WOODPECKER_TOKEN"]),
        ({"image_source": "upstream", "image": "nginx:1"}, ["forgejo"], []),
        ({"image_source": "upstream", "image": "nginx:1", "secrets": {"A": "a"}}, ["forgejo", "vault"], []),
    ],
)
def test_systems_and_actions_secrets(given: dict[str, Any], systems: list[str], secrets: list[str]) -> None:
    answers = answer({**SMALLEST, **given})
    assert list(answers.systems) == systems
    assert list(answers.actions_secrets) == secrets


def test_what_is_read_of_vault_is_named_once() -> None:
    widget = {"type": "gitea", "credentials": {"key": "token", "password": "password"}}
    given: dict[str, Any] = {"secrets": {"A": "token", "B": "token", "C": "Token"}, "homepage": {"widget": widget}}
    assert computed("vault_properties", **given) == ["token", "Token", "password"]
    assert computed("systems", homepage={"widget": widget})[-1] == "vault"
    assert computed("vault_properties", **given, kind="worker") == ["token", "Token"]
    assert computed("vault_properties", homepage={"enabled": False, "widget": widget}) == []


@pytest.mark.parametrize(
    ("given", "spec"),
    [
        ({}, {"kind": "http"}),
        ({"probe": "tcp"}, {"kind": "tcp"}),
        *(
            ({"probe": spec}, spec)
            for spec in (
                {"kind": "http", "path": "/up", "startup_seconds": 60, "which": ["readiness"]},
                {"kind": "tcp", "initial_seconds": 5, "period_seconds": 20, "timeout_seconds": 3, "failures": 4},
                {"kind": "http", "failures": 4, "readiness": {"failures": 1}, "liveness": {"period_seconds": 60}},
            )
        ),
    ],
)
def test_probe(given: dict[str, Any], spec: dict[str, Any]) -> None:
    default = {"path": "/healthz", "startup_seconds": 0, "which": ["liveness", "readiness"], "timeout_seconds": 5}
    timing: dict[str, Any] = {
        **dict.fromkeys(["initial_seconds", "period_seconds", "failures"]),
        "readiness": {},
        "liveness": {},
    }
    assert computed("probe_spec", **given) == {**default, **timing, **spec}


def test_nothing_is_probed_or_scraped_or_watched_where_nothing_listens() -> None:
    answers = answer({**SMALLEST, "kind": "cronjob"})
    assert answers.context["probe_spec"]["kind"] == "none"
    assert answers.context["scrape"] is None
    assert answers.context["monitor"] is None


def test_metrics() -> None:
    assert computed("scrape") == {"path": "/metrics", "port": 8080}
    assert computed("scrape", port=9000, metrics={"path": "/m"}) == {"path": "/m", "port": 9000}
    assert computed("scrape", metrics={"port": 9100}) == {"path": "/metrics", "port": 9100}
    assert computed("scrape", metrics="none") is None
    assert computed("scrape", language="none") is None
    assert answer(UPSTREAM).context["scrape"] is None


@pytest.mark.parametrize(
    ("database", "spec"),
    [
        (
            "postgres",
            {
                "engine": "postgres",
                "dsn_scheme": "postgresql",
                "vault_role": "pg-notes-app",
                "variable": "postgresql_host",
                "name": "notes_app",
                "role": "notes_app",
                "provision": "create",
                "env": {"DATABASE_URL": "dsn"},
            },
        ),
        (
            "mysql",
            {
                "engine": "mysql",
                "dsn_scheme": "mysql",
                "vault_role": "mysql-notes-app",
                "variable": "mysql_host",
                "port": 3306,
            },
        ),
        (
            {
                "engine": "postgres",
                "name": "guide",
                "role": "guide_rw",
                "provision": "exists",
                "dsn_scheme": "postgresql+asyncpg",
            },
            {
                "name": "guide",
                "role": "guide_rw",
                "provision": "exists",
                "dsn_scheme": "postgresql+asyncpg",
                "vault_role": "pg-guide-rw",
            },
        ),
    ],
)
def test_database(database: Any, spec: dict[str, Any]) -> None:
    assert spec.items() <= computed("db", database=database).items()


@pytest.mark.parametrize(("engine", "token"), [("postgres", "pg_host"), ("mysql", "mysql_host")])
def test_a_servers_address_is_the_variable_of_its_token(engine: str, token: str) -> None:
    facts: dict[str, Any] = {"profile": {"variables": {token: "db_address"}}}
    assert (
        resolve(TEMPLATE, QUESTIONS, {**SMALLEST, "database": engine}, facts).context["db"]["variable"] == "db_address"
    )
    facts = {"profile": {"databases": {engine: {"host": "mail_host"}}}}
    assert (
        resolve(TEMPLATE, QUESTIONS, {**SMALLEST, "database": engine}, facts).context["db"]["variable"] == "mail_host"
    )


def test_redis() -> None:
    assert computed("redis_db") is None
    assert computed("redis_db", redis=0) == 0
    picked = resolve(TEMPLATE, QUESTIONS, {**SMALLEST, "redis": True}, {"layer": "stack", "redis_index": 7})
    assert picked.context["redis_db"] == 7
    assert picked.values["redis_index"] == 7
    assert "redis_index" not in picked.public


@pytest.mark.parametrize(
    ("volume", "disk"),
    [
        (
            {},
            {
                "kind": "encrypted",
                "block": True,
                "nfs": False,
                "class": "proxmox-lvm-encrypted",
                "size": "1Gi",
                "limit": "5Gi",
                "address": "my_data_encrypted",
                "claim": "notes-app-my-data-encrypted",
                "sub_path": None,
                "read_only": False,
            },
        ),
        (
            {"kind": "block", "size": "2Gi", "limit": "9Gi"},
            {
                "block": True,
                "class": "proxmox-lvm",
                "size": "2Gi",
                "limit": "9Gi",
                "claim": "notes-app-my-data-proxmox",
            },
        ),
        (
            {"kind": "nfs"},
            {"block": False, "nfs": True, "path": "/srv/nfs/notes-app/my-data", "address": "nfs_my_data"},
        ),
        ({"kind": "nfs-ssd"}, {"block": False, "nfs": True, "path": "/srv/nfs-ssd/notes-app/my-data"}),
        ({"kind": "nfs", "nfs_path": "/mnt/media"}, {"nfs": True, "path": "/mnt/media"}),
        ({"kind": "emptydir", "size": "1Gi"}, {"block": False, "nfs": False, "size": "1Gi", "resource": "my_data"}),
        (
            {"kind": "config", "read_only": True},
            {"block": False, "nfs": False, "read_only": True, "resource": "my_data"},
        ),
    ],
)
def test_volumes_of_each_kind(volume: dict[str, Any], disk: dict[str, Any]) -> None:
    (found,) = computed("disks", hardening={}, volumes=[{"name": "my-data", "mount": "/data", **volume}])
    assert disk.items() <= found.items()


def test_volumes_are_known_before_the_names_that_they_get() -> None:
    """``drives`` is what questions may read before ``names`` is answered; ``disks`` adds the names to each."""
    given: dict[str, Any] = {
        "volumes": [{"name": kind, "mount": f"/{kind}", "kind": kind} for kind in ("encrypted", "nfs", "config")],
        "hardening": {},
    }
    drives, disks = computed("drives", **given), computed("disks", **given)
    assert [{key: value for key, value in disk.items() if key not in ("address", "claim")} for disk in disks] == drives
    assert not any({"address", "claim"} & set(drive) for drive in drives)
    assert [(disk["address"], disk["claim"]) for disk in disks] == [
        ("encrypted_encrypted", "notes-app-encrypted-encrypted"),
        ("nfs_nfs", "notes-app-nfs"),
        ("config", "notes-app-config"),
    ]


def test_what_is_kept_and_what_is_backed_up() -> None:
    kinds = ["encrypted", "block", "nfs", "nfs-ssd", "emptydir", "config"]
    volumes = [{"name": f"v{number}", "mount": f"/v{number}", "kind": kind} for number, kind in enumerate(kinds)]
    assert [disk["kind"] for disk in computed("stored", volumes=volumes)] == [
        kind for kind in kinds if kind != "emptydir"
    ]
    spec = {"kind": "files", "files": [], "schedule": "30 3 * * 0", "keep_days": 30, "deadline_seconds": 21600}
    assert computed("saves", volumes=volumes) == spec
    assert computed("saves", volumes=volumes, backup="none") is None
    sqlite = {"kind": "sqlite", "files": ["/v0/app.db"], "schedule": "@daily", "keep_days": 7}
    assert computed("saves", volumes=volumes, backup=sqlite) == {**sqlite, "deadline_seconds": 21600}
    assert computed("saves") is None


@pytest.mark.parametrize("kind", ["nfs", "nfs-ssd"])
def test_shared_volumes_alone_are_not_backed_up(kind: str) -> None:
    answers = answer({**SMALLEST, "volumes": [{"name": "media", "mount": "/media", "kind": kind}]})
    assert answers.context["backup"] == "none"
    assert answers.context["saves"] is None
    assert answers.notes == ()


def test_a_block_volume_that_nothing_saves_is_reported() -> None:
    volumes = [{"name": "data", "mount": "/data"}, {"name": "more", "mount": "/more", "kind": "block"}]
    assert answer({**SMALLEST, "volumes": volumes}).notes == ()
    (note,) = answer({**SMALLEST, "volumes": volumes, "backup": "none"}).notes
    assert note == "backup is none: nothing saves the volumes data, more"


def test_a_backup_of_shared_volumes_is_reported() -> None:
    shared = [{"name": "media", "mount": "/media", "kind": "nfs"}]
    (note,) = answer({**SMALLEST, "volumes": shared, "backup": "files"}).notes
    assert note == "backup is files: it saves block volumes, and there is none"


def test_a_backup_of_databases_alone_is_reported() -> None:
    sqlite = {"kind": "sqlite", "files": ["/data/app.db"]}
    (note,) = answer({**SMALLEST, "volumes": [DATA], "backup": sqlite, "env": {"DB": "/data/app.db"}}).notes
    assert note == "backup is sqlite: it saves the databases that files names, and nothing else on the volumes"


@pytest.mark.parametrize(
    ("given", "paths"),
    [
        ({"env": {"DATABASE_URL": "sqlite:////data/app"}}, ["/data/app"]),
        ({"env": {"A": "/data/a.db", "B": "file:/data/a.db?mode=ro"}, "args": ["--db=/data/b.sqlite3"]},
         ["/data/a.db", "/data/b.sqlite3"]),
        ({"env": {"A": "/data/a.db"}, "backup": {"kind": "files", "files": ["/data/notes"]}}, ["/data/a.db"]),
        ({"env": {"A": "/tmp/a.db", "B": "/database.txt", "C": "sqlite", "D": 1}}, []),
    ],
)  # fmt: skip
def test_a_copy_of_a_databases_file_is_reported(given: dict[str, Any], paths: list[str]) -> None:
    assert list(answer({**SMALLEST, "volumes": [DATA], **given}).notes) == [
        f"{path} looks like a SQLite database: a copy of its file may be torn; answer backup with kind sqlite and files"
        for path in paths
    ]


def test_a_volume_of_files_that_somebody_has_to_write_is_reported() -> None:
    volumes = [{"name": "rules", "mount": "/etc/rules", "kind": "config"}]
    (note,) = answer({**SMALLEST, "volumes": volumes}).notes
    assert note == "the volume rules holds what you put into files/rules of the stack, and nothing before"


def test_an_image_of_ours_that_nobody_moves_is_reported() -> None:
    (note,) = answer({**SMALLEST, "updates": "pinned"}).notes
    assert note == (
        "updates is pinned: the stack starts with the tag latest; name one as the default of image_tag in main.tf"
    )
    assert answer({**SCRAPED, "updates": "pinned", "probe": "tcp"}).notes == ()


def test_a_path_that_somebody_elses_image_may_not_have_is_reported() -> None:
    (note,) = answer(SCRAPED).notes
    assert note == (
        "probe is http: the container is asked for /healthz, and restarted where the image answers elsewhere; "
        "answer probe with its path, or tcp"
    )
    for probe in ("tcp", "none", {"kind": "http", "path": "/up"}):
        assert answer({**SCRAPED, "probe": probe}).notes == ()
    assert answer({**SMALLEST, "probe": "http"}).notes == ()


def test_a_file_named_like_a_database_is_reported() -> None:
    backup = {"kind": "files", "files": ["/data/a.sqlite3", "/data/notes"]}
    (note,) = answer({**SMALLEST, "volumes": [DATA], "backup": backup}).notes
    completed = "/data/a.sqlite3 is named like a SQLite database: a copy of its file may be torn"
    assert note == f"{completed}; answer backup with kind sqlite"


def test_jobs() -> None:
    tidy = {"name": "tidy-up", "schedule": "0 4 * * *", "command": ["tidy"]}
    assert computed("jobs") == []
    assert computed("jobs", memory="512Mi", cronjobs=[tidy]) == [
        {**tidy, "args": [], "deadline_seconds": 3600, "cpu": "10m", "memory": "512Mi", "memory_limit": "1024Mi",
         "migrate": False, "suspend": False, "resource": "tidy_up"},
    ]  # fmt: skip
    (job,) = computed("jobs", cronjobs=[{**tidy, "memory": "64Mi"}])
    assert (job["memory"], job["memory_limit"]) == ("64Mi", "128Mi")
    (job,) = computed("jobs", cronjobs=[{**tidy, "memory_limit": "1Gi"}])
    assert (job["memory"], job["memory_limit"]) == ("256Mi", "1Gi")


def test_a_service_of_jobs_has_one_from_the_start() -> None:
    (job,) = computed("jobs", kind="cronjob")
    assert (job["name"], job["schedule"]) == ("run", "0 4 * * *")


def test_openings() -> None:
    assert computed("openings", service_port=81, carveouts=[HOOKS]) == [
        {**HOOKS, "auth": "none", "probe_path": None, "service_port": 81, "max_body": "none", "resource": "web_hooks",
         "strip_identity": True, "anti_ai": False}
    ]  # fmt: skip
    assert computed("openings", kind="worker", carveouts=[HOOKS]) == []


def test_lan() -> None:
    assert computed("lan") is None
    assert computed("lan", lan_host={"host": "notes"}) == {
        "host": "notes", "hostname": "notes.viktorbarzin.lan", "auth": "required", "reason": None,
        "strip_identity": True,
    }  # fmt: skip
    assert computed("lan", kind="worker", lan_host={"host": "notes"}) is None
    assert computed("hostname", dns="lan") == "notes-app.viktorbarzin.lan"


def test_rate_limit_and_monitor() -> None:
    assert computed("limit") is None
    assert computed("limit", rate_limit={"average": 10, "burst": 50}) == {"average": 10, "burst": 50}
    assert computed("monitor") is None
    assert computed("monitor", kind="worker", internal_monitor={"path": "/up"}) == {"path": "/up"}


def test_tile() -> None:
    assert computed("tile") == {
        "enabled": True, "group": None, "icon": None, "description": "Keeps notes", "widget": None,
    }  # fmt: skip
    assert computed("tile", homepage={"description": "Yours"})["description"] == "Yours"
    homepage = {"widget": {"type": "gitea", "credentials": {"key": "token"}}}
    assert computed("tile", homepage=homepage)["widget"] == {
        "type": "gitea", "url": None, "fields": {}, "credentials": {"key": "token"},
    }  # fmt: skip
    for given in ({"homepage": {**homepage, "enabled": False}}, {"homepage": homepage, "kind": "worker"}):
        answers = answer({**SMALLEST, **given})
        assert (answers.context["tile"]["enabled"], answers.context["tile"]["widget"]) == (False, None)
        assert answers.vault_properties == (), "nothing reads what no widget shows"


WATCHED = {**HOOKS, "probe_path": "/hooks/ok"}
OTHER_GATE = {"auth": "app", "auth_reason": "its own login"}


@pytest.mark.parametrize(
    ("given", "gated"),
    [
        ({}, True),
        (OTHER_GATE, False),
        ({**OTHER_GATE, "carveouts": [WATCHED]}, False),
        ({**OTHER_GATE, "carveouts": [WATCHED, {"name": "staff", "paths": ["/staff"], "auth": "required"}]}, True),
        ({**OTHER_GATE, "lan_host": {"host": "notes"}}, True),
        ({**OTHER_GATE, "lan_host": {"host": "notes", "auth": "public"}}, False),
        ({"kind": "worker"}, False),
    ],
)
def test_who_may_pass_is_asked_where_any_door_has_the_sign_on(given: dict[str, Any], gated: bool) -> None:
    answers = answer({**SMALLEST, **given})
    assert answers.context["gated"] is gated
    assert ("access" in answers.values) is gated
    inside = {"metrics": {"port": 9090}} if given.get("kind", "web") != "cronjob" else {}
    notes = answer({**SMALLEST, **inside, **given, "access": ["Family"]}).notes
    assert notes == (() if gated else ("'access' was left out: it does not apply to these answers",))


def test_names_of_a_stack_made_by_hand() -> None:
    assert computed("address") == {
        "namespace": "notes_app", "deployment": "notes_app", "service": "notes_app", "ingress": "ingress",
        "secret": "external_secret", "database_secret": "db_external_secret",
    }  # fmt: skip
    assert computed("called") == {
        "deployment": "notes-app", "service": "notes-app", "ingress": "notes-app", "anubis": "notes-app",
        "container": "notes-app",
        "secret": "notes-app-secrets", "database_secret": "notes-app-db-creds", "selector": {"app": "notes-app"},
    }  # fmt: skip
    names = {"addresses": {"service": "svc"}, "container": "web", "selector": {"k8s-app": "notes"},
             "claims": {"data": {"address": "data_pvc", "name": "notes-data"}}}  # fmt: skip
    answers = answer({**SMALLEST, "names": names, "volumes": [{"name": "data", "mount": "/data"}]})
    assert answers.context["address"]["service"] == "svc"
    assert answers.context["address"]["deployment"] == "notes_app"
    assert answers.context["called"]["container"] == "web"
    assert answers.context["called"]["service"] == "notes-app"
    assert answers.context["called"]["selector"] == {"k8s-app": "notes"}
    assert (answers.context["disks"][0]["address"], answers.context["disks"][0]["claim"]) == ("data_pvc", "notes-data")


@pytest.mark.parametrize("kind", ["encrypted", "block", "nfs", "nfs-ssd", "config"])
def test_every_volume_that_has_a_name_can_keep_it(kind: str) -> None:
    """Half of the names is enough: the other half is the default."""
    given: dict[str, Any] = {"volumes": [{**DATA, "kind": kind}], "hardening": {}}
    (default,) = computed("disks", **given)
    (found,) = computed("disks", **given, names={"claims": {"data": {"address": "old", "name": "old-data"}}})
    assert (found["address"], found["claim"]) == ("old", "old-data")
    (found,) = computed("disks", **given, names={"claims": {"data": {"address": "old"}}})
    assert (found["address"], found["claim"]) == ("old", default["claim"])
    (found,) = computed("disks", **given, names={"claims": {"data": {"name": "old-data"}}})
    assert (found["address"], found["claim"]) == (default["address"], "old-data")


@pytest.mark.parametrize(
    ("given", "question", "value"),
    [
        ({}, "updates", "ci"),
        ({"ci": False}, "updates", "keel"),
        ({"image_source": "upstream", "image": "nginx:1"}, "updates", "keel"),
        ({"image_source": "upstream", "image": "postgis/postgis:17"}, "updates", "pinned"),
        ({"language": "go"}, "ci_test", "go"),
        ({"language": "svelte"}, "ci_test", "node"),
        ({"language": "static"}, "ci_test", "custom"),
        ({"language": "none"}, "ci_test", "none"),
        ({"kind": "worker", "image_source": "upstream", "image": "nginx:1"}, "port", 0),
        ({"kind": "worker", "image_source": "upstream", "image": "nginx:1", "port": 9000}, "probe", "tcp"),
        ({"memory": "1Gi"}, "memory_limit", "2Gi"),
        ({"memory": "1Gi", "tier": "core"}, "memory_limit", "1Gi"),
        ({"host": "n"}, "hostname", "n.viktorbarzin.me"),
        ({"tier": "core"}, "catalog_section", "Active Use"),
    ],
)
def test_defaults_that_follow_other_answers(given: dict[str, Any], question: str, value: Any) -> None:
    assert computed(question, **given) == value


def test_a_profile_without_the_gpus_tier_asks_for_none() -> None:
    platform = load_platform(TEMPLATE.platform, environ={"HOME": "/nonexistent"}).facts
    tiers = {**platform, "tiers": {"gold": {"memory_cap": "4Gi"}}, "default_tier": "gold"}
    assert "gpu" not in resolve(TEMPLATE, QUESTIONS, SMALLEST, {"profile": tiers}).values


@pytest.mark.parametrize("given", [{"names": {}}, {"language": "none"}, {"image_source": "upstream", "image": "a/b:1"}])
def test_programs_of_an_image_that_may_have_any_are_not_judged(given: dict[str, Any]) -> None:
    jobs = [{"name": "j", "schedule": "@daily", "command": ["tidy"]}]
    found = computed("warnings", **given, migrate_command=["alembic"], cronjobs=jobs)
    assert not [note for note in found if "no such program" in note]


def test_a_worker_that_exists_is_not_watched_for_standing_still() -> None:
    """Its units may take longer than a new service's are expected to."""
    assert computed("stall_seconds", kind="worker") == 900
    assert computed("stall_seconds", kind="worker", names={}) == 0
    assert computed("stall_seconds", kind="worker", names={}, stall_seconds=60) == 60


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"auth": "none", "auth_reason": "open"}, "metrics are on the port that the ingress leads to"),
        ({"port": 80}, "rights to ports below 1024"),
        ({"image_source": "upstream", "image": "a/b:1", "kind": "cronjob"}, "Keel watches no CronJobs"),
        ({"kind": "cronjob", "migrate_command": ["x"]}, "migrate_command is run by no job"),
        ({"migrate_command": ["alembic", "upgrade"]}, "migrate_command starts with alembic, and the image of new code"),
        ({"language": "go", "migrate_command": ["sh", "-c", "x"]}, "has no such program, only /service"),
        ({"cronjobs": [{"name": "j", "schedule": "@daily", "args": ["--all"]}]}, "the job j starts with --all"),
        (
            {"language": "go", "cronjobs": [{"name": "j", "schedule": "@daily", "args": ["--all"]}]},
            "the job j gives the code the arguments --all",
        ),
        (
            {
                "volumes": [{"name": "d", "mount": "/d"}],
                "cronjobs": [{"name": "j", "schedule": "@daily", "args": ["x"]}],
            },
            "cronjobs run without the volumes d",
        ),
        ({"language": "static", "database": "postgres"}, "nothing in the image reads"),
        (
            {"dns": "lan", "carveouts": [{"name": "a", "paths": ["/a"], "reason": "r", "probe_path": "/a"}]},
            "probe_path of the carve-out a is not watched",
        ),
    ],
)
def test_answers_that_are_allowed_and_hardly_meant_are_reported(given: dict[str, Any], expected: str) -> None:
    assert [note for note in computed("warnings", **given) if expected in note]
    assert not [note for note in computed("warnings") if expected in note]
