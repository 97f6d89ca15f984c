"""Images: who moves them, what they are called, and what a person should know about them."""

from __future__ import annotations

from typing import Any

import pytest

from generator.base.errors import AnswersError
from generator.template.answers import resolve
from tests.answers import QUESTIONS, TEMPLATE

from .rendering import PICKED, SERVICE, answers, file, stack
from .workload import deployment, ignored, pod

KEEL = {
    "keel.sh/policy": "force",
    "keel.sh/trigger": "poll",
    "keel.sh/pollSchedule": "@every 5m",
    "keel.sh/match-tag": "true",
}
LINUXSERVER: dict[str, Any] = {"image_source": "upstream", "image": "lscr.io/linuxserver/reader:1.2.3", "probe": "tcp"}


def keels(**given: Any) -> dict[str, Any]:
    return dict(deployment(**given).one("metadata").attributes.get("annotations", {}))


def upstream(image: str, **given: Any) -> dict[str, Any]:
    return {"image_source": "upstream", "image": image, "probe": "tcp", **given}


class TestKeel:
    def test_an_image_of_ours_whose_tag_stays_is_followed_by_its_digest(self) -> None:
        assert keels(updates="keel") == KEEL
        assert keels(ci=False) == KEEL

    def test_what_terraform_writes_is_not_ignored(self) -> None:
        found = [path for path, _ in ignored(stack(updates="keel")["deployment.tf"])]
        assert not [path for path in found if any(annotation in path for annotation in KEEL)]
        assert "spec[0].template[0].spec[0].container[0].image" in found

    def test_the_migration_has_the_same_image_and_counts_for_nothing(self) -> None:
        given = {"updates": "keel", "migrate_command": ["migrate"]}
        assert keels(**given) == KEEL
        containers = [*pod(**given).all("container"), *pod(**given).all("init_container")]
        assert {block["image"].text for block in containers} == {"local.image"}

    @pytest.mark.parametrize(
        "given",
        [
            {},
            upstream("ghcr.io/org/app:latest"),
            upstream("ghcr.io/org/app:1.2.3"),
            {"updates": "keel", "profile": {"keel_digest": {"sources": []}}},
        ],
    )
    def test_nothing_else_has_the_tag_matched(self, given: dict[str, Any]) -> None:
        assert "keel.sh/match-tag" not in keels(**given)
        assert 'metadata[0].annotations["keel.sh/match-tag"]' in [
            path for path, _ in ignored(stack(**given)["deployment.tf"])
        ]

    def test_a_pinned_image_has_only_the_refusal(self) -> None:
        assert keels(updates="pinned") == {"keel.sh/policy": "never"}

    def test_a_platform_has_annotations_of_its_own(self) -> None:
        own = {"keel_digest": {"sources": ["owned", "upstream"], "annotations": {"keel.sh/policy": "all"}}}
        assert keels(updates="keel", profile=own) == {"keel.sh/policy": "all"}
        assert keels(**upstream("ghcr.io/org/app:latest"), profile=own) == {"keel.sh/policy": "all"}

    def test_a_tag_without_a_version_never_moves_and_that_is_said(self) -> None:
        def stays(**given: Any) -> bool:
            return any(note.startswith("updates is keel, which moves versions") for note in answers(**given).notes)

        assert stays(**upstream("ghcr.io/org/app:latest"))
        assert stays(**upstream("ghcr.io/org/app:v4"))
        assert not stays(**upstream("ghcr.io/org/app:v1.2.3-alpine"))
        assert not stays(**upstream("ghcr.io/org/app:latest", updates="pinned"))
        assert not stays(updates="keel")


DATABASES = [
    "postgres:16",
    "docker.io/library/mysql:8.4.8",
    "mariadb:11",
    "redis:8-alpine",
    "mongo:7",
    "clickhouse/clickhouse-server:24.8",
    "postgis/postgis:17-3.5",
    "pgvector/pgvector:pg17",
    "ghcr.io/immich-app/postgres:16@sha256:" + "0" * 64,
    "ghcr.io/viktorbarzin/cnpg-postgis-pgvector:17",
    "tensorchord/vchord-postgres:pg17-v0.4.3",
    "dolthub/dolt-sql-server:2.0.3",
    "elasticsearch:7.17.28",
    "qdrant/qdrant:v1.15.0",
]


class TestDatabases:
    @pytest.mark.parametrize("image", DATABASES)
    def test_their_images_are_pinned_and_unwatched(self, image: str) -> None:
        given = upstream(image, kind="worker")
        assert keels(**given) == {"keel.sh/policy": "never"}
        assert "keel.sh/enrolled" not in stack(**given)["main.tf"]
        assert "diun" not in stack(**given)["deployment.tf"]
        assert [note for note in answers(**given).notes if "moved by hand" in note]

    @pytest.mark.parametrize(("question", "value"), [("updates", "keel"), ("diun_tags", "^17")])
    def test_nobody_may_move_or_watch_them(self, question: str, value: str) -> None:
        with pytest.raises(AnswersError) as caught:
            answers(**upstream("postgres:16", kind="worker", **{question: value}))
        assert [problem.question for problem in caught.value.problems] == [question]

    @pytest.mark.parametrize(
        "image",
        [
            "prom/postgres-exporter:1.0.0",
            "oliver006/redis_exporter:1.0.0",
            "mongo-express:1.0.0",
            "org/mysqldump:1.0.0",
            "dolthub/dolt-workbench:0.3.73",
            "org/postgres-backup-local:17.0.0",
        ],
    )
    def test_what_is_only_called_after_one_is_none(self, image: str) -> None:
        assert answers(**upstream(image)).values["updates"] == "keel"

    def test_a_platform_may_leave_them_to_keel(self) -> None:
        found = answers(**upstream("postgres:16", updates="keel", diun_tags="^17"), profile={"database_images": []})
        assert not [note for note in found.notes if "database" in note]

    def test_an_earlier_answer_is_asked_for_and_never_replaced(self) -> None:
        recorded = {**SERVICE, **upstream("postgres:16", kind="worker"), "names": {}, "updates": "keel"}
        with pytest.raises(AnswersError) as caught:
            resolve(TEMPLATE, QUESTIONS, {}, recorded=recorded)
        assert [problem.question for problem in caught.value.problems] == ["updates"]
        again = resolve(TEMPLATE, QUESTIONS, {"updates": "pinned"}, recorded=recorded)
        assert again.values["updates"] == "pinned"
        with pytest.raises(AnswersError) as caught:
            resolve(TEMPLATE, QUESTIONS, {"updates": "pinned"}, recorded={**recorded, "diun_tags": "^17"})
        assert [problem.question for problem in caught.value.problems] == ["diun_tags"]


class TestNotes:
    @pytest.mark.parametrize(
        ("given", "said"),
        [
            ({"env": {"DOCKER_MODS": "linuxserver/mods:x"}}, ["DOCKER_MODS"]),
            ({"volumes": [{"name": "books", "kind": "nfs", "mount": "/books"}]}, ["NO_CHOWN"]),
            ({"volumes": [{"name": "books", "kind": "nfs-ssd", "mount": "/books"}], "env": {"NO_CHOWN": "true"}}, []),
            ({"volumes": [{"name": "books", "mount": "/books"}]}, []),
            ({}, []),
        ],
    )
    def test_what_people_trip_over(self, given: dict[str, Any], said: list[str]) -> None:
        notes = " ".join(answers(**LINUXSERVER, **given).notes)
        assert [word for word in ("DOCKER_MODS", "NO_CHOWN") if word in notes] == said
        assert "NO_CHOWN" not in " ".join(answers(**upstream("ghcr.io/org/reader:1.2.3"), **given).notes)
        assert not [
            note for note in answers(**LINUXSERVER, **given, profile={"image_notes": []}).notes if "DOCKER_MODS" in note
        ]


class TestName:
    def test_everything_that_names_the_image_follows(self) -> None:
        found = answers(image_name="guide_x")
        assert found.context["image_repository"] == "ghcr.io/viktorbarzin/guide_x"
        assert found.delivery.image == "viktorbarzin/guide_x"
        assert found.delivery.variables["IMAGE_NAME"] == "ghcr.io/viktorbarzin/guide_x"
        assert file("main.tf", image_name="guide_x").one("locals")["image"].text.count("viktorbarzin/guide_x:") == 1

    @pytest.mark.parametrize("name", ["Guide", "a/b", "a:b", "-a", "a..b", ""])
    def test_a_name_that_no_registry_takes(self, name: str) -> None:
        with pytest.raises(AnswersError) as caught:
            answers(image_name=name)
        assert [problem.question for problem in caught.value.problems] == ["image_name"]

    def test_its_own_by_default_also_for_an_earlier_service(self) -> None:
        recorded = resolve(TEMPLATE, QUESTIONS, {}, {"layer": "stack", **PICKED}, recorded={**SERVICE, "names": {}})
        assert recorded.values["image_name"] == "city-guide"
