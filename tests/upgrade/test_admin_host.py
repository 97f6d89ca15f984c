"""The hosts that only administrators reach: release 1.0.0 entered them in a shared policy, 2.0.0 takes them out."""

from __future__ import annotations

from packaging.version import Version

from generator.infra_repo.entries import compare_registrations, registered_files
from generator.lifecycle.update import Upgrade, Upgrader
from generator.template.releases import Releases
from tests.answers import SMALLEST
from tests.upgrade.services import Files, Origin, infra, platform_of

POLICY = "stacks/authentik/admin-services-restriction.tf"
TEXT = """# Who may open what.
resource "authentik_policy_expression" "admin_services_restriction" {
  name = "admin-services-restriction"

  expression = <<-EOT
    # Hosts that only administrators reach.
    ADMIN_ONLY_HOSTS = {
        "grafana.example.com",  # dashboards
        # the next one is shown to guests on Fridays
        "wiki.example.com",
    }
    OTHER_HOSTS = {"wiki.example.com"}

    return request.context["host"] not in ADMIN_ONLY_HOSTS
  EOT
}
"""
SECOND = Version("2.0.0")


def made(text: str = TEXT) -> tuple[Origin, dict[str, bytes]]:
    """A stack of release 1.0.0 that only administrators reach, with its entries, in a repository with this policy."""
    origin = Origin("admins", {**SMALLEST, "auth": "required", "access": "admins"}, platform_of(None))
    shared = {**infra(origin.platform), POLICY: text.encode()}
    changes = compare_registrations(origin.maker.registrations(origin.answers["stack"]), Files(shared))
    own = {f"{origin.prefix('stack')}{file.path}": file.content for file in origin.files("stack")}
    return origin, {**shared, **{file.path: file.content for file in registered_files(changes)}, **own}


def updated(origin: Origin, tree: dict[str, bytes]) -> Upgrade:
    releases = Releases()
    assert releases.newest >= SECOND
    return Upgrader(releases, origin.platform).plan(Files(tree), origin.prefix("stack"))


def test_the_entry_is_taken_out_and_nothing_else() -> None:
    origin, tree = made()
    host = origin.answers["stack"].context["hostname"]
    entered = tree[POLICY].decode()
    assert f'        "{host}",\n' in entered
    assert entered != TEXT
    upgrade = updated(origin, tree)
    assert not upgrade.conflicts
    (entry,) = [item for item in upgrade.entries if item.id == "admin-host"]
    assert (entry.path, entry.action) == (POLICY, "remove")
    (after,) = [file.content.decode() for file in upgrade.written if file.path == POLICY]
    assert after == TEXT  # neighbours and comments to the letter


def test_the_policy_may_be_gone_already() -> None:
    """A platform that gave the list up itself has nothing to be taken out of."""
    origin, tree = made()
    del tree[POLICY]
    upgrade = updated(origin, tree)
    assert not upgrade.conflicts
    assert POLICY not in {file.path for file in upgrade.written}


def test_what_somebody_took_out_before_stays_out() -> None:
    origin, tree = made()
    tree[POLICY] = TEXT.encode()
    upgrade = updated(origin, tree)
    assert not upgrade.conflicts
    assert POLICY not in {file.path for file in upgrade.written}
    (entry,) = [item for item in upgrade.entries if item.id == "admin-host"]
    assert entry.action == "kept"
    assert any(POLICY in note for note in upgrade.notes)


def test_a_host_that_another_service_still_has_stays_closed() -> None:
    """Two services on two paths of one host: the first update must not open the door of the other."""
    origin, tree = made()
    given = {**origin.given, "name": "notes-beta", "host": origin.name, "paths": ["/beta"]}
    other = Origin("beta", given, origin.platform)
    tree |= {f"{other.prefix('stack')}{file.path}": file.content for file in other.files("stack")}
    upgrade = updated(origin, tree)
    assert POLICY not in {file.path for file in upgrade.written}
    (entry,) = [item for item in upgrade.entries if item.id == "admin-host"]
    assert (entry.action, entry.reason) == ("kept", "another service has the same entry")
    tree |= {file.path: file.content for file in upgrade.written}
    last = updated(other, tree)
    (after,) = [file.content.decode() for file in last.written if file.path == POLICY]
    assert after == TEXT
