"""Proxies of the environment: one rule for every client, never for pinned systems, and no credential in any message."""

from __future__ import annotations

import socket
from dataclasses import replace

import pytest
import yaml

from generator.base.errors import PreflightError, SystemFailure
from generator.base.secrets import Secret
from generator.clients.git import Repository
from generator.clients.git.remote import Remote
from generator.clients.github import GitHub
from generator.clients.patience import Patience
from generator.clients.proxies import proxy_for
from generator.clients.transport import Api, http_client
from generator.platform.profile import Platform, load_platform
from generator.template.template import Template
from tests.answers import RICH, UPSTREAM
from tests.full import few
from tests.tunnel import PASSWORD, USER, tunnel
from tests.world import World

NAMES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
PLAIN = PASSWORD.replace("%2F", "/")


@pytest.fixture(autouse=True)
def _none(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)


def unpinned(world: World) -> Platform:
    """The platform with every system reached by its name; the profile on disk says so too."""
    profile = yaml.safe_load(world.sandbox.profile.read_text())
    profile["connection"]["load_balancer"] = None
    world.sandbox.profile.write_text(yaml.safe_dump(profile))
    return load_platform(Template.installed().platform, world.sandbox.profile, {})


def by_http(platform: Platform, system: str = "forgejo", attempts: int = 1) -> None:
    """One request. Raises where it does not get through."""
    api = Api(system, http_client(platform, system, {}), "TOKEN", Patience(attempts, 0, 0))
    try:
        api.request("GET", "/api/v1/version", allow=tuple(range(300, 500)))
    finally:
        api.close()


def by_git(world: World, platform: Platform) -> None:
    """One fetch. Raises where it does not get through."""
    repository = Repository.open(world.sandbox.infra)
    assert repository is not None
    remote = Remote(platform, platform.forgejo.owner, Secret(world.sandbox.tokens.forgejo))
    try:
        repository.fetch(remote, platform.forgejo.clone_url(platform.infra.repository), platform.infra.branch)
    finally:
        repository.close()


def test_pinned_systems_never_use_one(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    with tunnel() as proxy:
        for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        monkeypatch.setenv("NO_PROXY", "localhost")
        assert world.run("create", RICH).code == 0
        assert world.command("doctor").code == 0
        assert proxy.asked == []


def test_all_other_systems_use_it(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    unpinned(world)
    with tunnel(closed=True) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.with_credentials)
        monkeypatch.setenv("NO_PROXY", "localhost")
        completed = world.run("create", RICH)
        assert completed.code == 0, completed
        shown = world.command("doctor")
        assert PASSWORD not in completed.out + completed.err + shown.out
        assert PLAIN not in completed.out + completed.err + shown.out
        systems = ("forgejo", "woodpecker", "vault")
        assert {world.sandbox.urls[name].split("/")[2].rpartition(":")[0] for name in systems} <= proxy.hosts


def test_git_takes_the_same_way(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    platform = unpinned(world)
    with tunnel(closed=True) as proxy:
        monkeypatch.setenv("all_proxy", proxy.with_credentials)
        by_git(world, platform)
        assert proxy.hosts == {platform.systems["forgejo"].host}


EXCEPTIONS = ["*", ".sandbox.test", "other.test, FORGEJO.sandbox.test", "forgejo.sandbox.test:{port}", "test"]
NO_EXCEPTIONS = ["", "other.test", "jo.sandbox.test", "forgejo.sandbox.test:1", "127.0.0.0/8"]


@pytest.mark.parametrize("text", few(2, EXCEPTIONS))
def test_an_exception_holds_for_every_client(world: World, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """Reached directly, that host does not exist; the proxy would have carried it."""
    platform = unpinned(world)
    with tunnel() as proxy:
        monkeypatch.setenv("https_proxy", proxy.url)
        monkeypatch.setenv("no_proxy", text.format(port=world.sandbox.port))
        with pytest.raises((SystemFailure, AssertionError)):
            by_http(platform)
        with pytest.raises(SystemFailure):
            by_git(world, platform)
        assert proxy.asked == []


@pytest.mark.parametrize("text", few(2, NO_EXCEPTIONS))
def test_what_is_no_exception_is_none_for_any_client(world: World, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    platform = unpinned(world)
    with tunnel() as proxy:
        monkeypatch.setenv("https_proxy", proxy.url)
        monkeypatch.setenv("NO_PROXY", text)
        by_http(platform)
        seen = len(proxy.asked)
        by_git(world, platform)
        assert seen
        assert len(proxy.asked) > seen


@pytest.mark.parametrize(
    ("environ", "url", "proxy"),
    [
        ({}, "https://a.test", ""),
        ({"https_proxy": "p:1"}, "https://a.test", "http://p:1 (https_proxy)"),
        ({"HTTPS_PROXY": "https://p"}, "https://a.test", "https://p:443 (HTTPS_PROXY)"),
        (
            {"https_proxy": "http://one:1", "HTTPS_PROXY": "http://two:2"},
            "https://a.test",
            "http://one:1 (https_proxy)",
        ),
        ({"https_proxy": "", "ALL_PROXY": "http://p:1"}, "https://a.test", "http://p:1 (ALL_PROXY)"),
        ({"http_proxy": "http://p:1"}, "https://a.test", ""),
        ({"http_proxy": "http://p:1"}, "http://a.test", "http://p:1 (http_proxy)"),
        ({"HTTP_PROXY": "http://p:1"}, "http://a.test", ""),
        ({"all_proxy": "http://p:1"}, "https://localhost:3000", ""),
        ({"all_proxy": "http://p:1"}, "https://127.0.0.2", ""),
        ({"all_proxy": "http://p:1"}, "https://[::1]:1", ""),
        ({"all_proxy": "http://p:1", "no_proxy": "10.0.0.0/8"}, "https://10.1.2.3", ""),
        ({"all_proxy": "http://p:1", "no_proxy": "10.0.0.0/8"}, "https://11.1.2.3", "http://p:1 (all_proxy)"),
        ({"all_proxy": "http://p:1", "no_proxy": "fd00::/8"}, "https://[fd00::1]", ""),
        ({"all_proxy": "http://p:1", "no_proxy": "10.1.2.3:443"}, "https://10.1.2.3", ""),
        ({"all_proxy": "http://p:1", "no_proxy": "a.test:8443"}, "https://a.test", "http://p:1 (all_proxy)"),
        ({"all_proxy": "http://p:1", "no_proxy": "b.test a.test"}, "https://x.a.test", ""),
        ({"all_proxy": "http://p:1", "no_proxy": "*.a.test"}, "https://x.a.test.", ""),
        ({"all_proxy": "http://p:1", "no_proxy": "a.test"}, "https://ba.test", "http://p:1 (all_proxy)"),
        ({"all_proxy": "http://p:1", "no_proxy": ",, ."}, "https://a.test", "http://p:1 (all_proxy)"),
        ({"all_proxy": "http://u:pw-4711@[fd00::1]:3128"}, "https://a.test", "http://[fd00::1]:3128 (all_proxy)"),
    ],
)
def test_which_proxy_an_address_has(environ: dict[str, str], url: str, proxy: str) -> None:
    assert str(proxy_for(url, environ) or "") == proxy


@pytest.mark.parametrize("text", ["socks5://u:pw-4711@p:1", "http://", "http://u:pw-4711@p:99999999", "http://[::1"])
def test_a_variable_that_names_no_http_proxy_is_reported_without_its_value(text: str) -> None:
    with pytest.raises(PreflightError) as caught:
        proxy_for("https://a.test", {"https_proxy": text})
    assert caught.value.code == "proxy.invalid"
    assert "https_proxy" in caught.value.message
    assert "pw-4711" not in str(caught.value)


def dead_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@pytest.mark.parametrize("refuses", [True, False])
def test_a_proxy_that_is_dead_or_refuses_is_named_without_its_credentials(
    world: World, monkeypatch: pytest.MonkeyPatch, refuses: bool
) -> None:
    platform = unpinned(world)
    with tunnel(closed=True, accepts=False) as proxy:
        port = proxy.port if refuses else dead_port()
        monkeypatch.setenv("https_proxy", f"http://{USER}:{PASSWORD}@127.0.0.1:{port}")
        with pytest.raises(SystemFailure) as http:
            by_http(platform)
        with pytest.raises(SystemFailure) as git:
            by_git(world, platform)
        for said in (str(http.value), str(git.value)):
            assert f"through the proxy http://127.0.0.1:{port} (https_proxy)" in said
            assert ("407" in said) == refuses
            assert USER not in said
            assert PLAIN not in said
            assert PASSWORD not in said
        completed = world.run("plan", UPSTREAM)
        assert completed.code == 3
        assert f"http://127.0.0.1:{port}" in completed.out
        assert PASSWORD not in completed.out + completed.err
        assert PLAIN not in completed.out + completed.err


@pytest.mark.parametrize(("refusal", "attempts"), [("407 Proxy Auth", 1), ("403 Forbidden", 1), ("502 Bad Gateway", 3)])
def test_a_proxy_that_refuses_is_asked_once(
    world: World, monkeypatch: pytest.MonkeyPatch, refusal: str, attempts: int
) -> None:
    """A wrong password that is sent again and again locks an account."""
    platform = unpinned(world)
    with tunnel(closed=True, accepts=False, refusal=refusal) as proxy:
        monkeypatch.setenv("https_proxy", proxy.with_credentials)
        with pytest.raises(SystemFailure):
            by_http(platform, attempts=3)
        assert len(proxy.asked) == attempts
        with pytest.raises(SystemFailure) as git:
            by_git(world, platform)
        assert git.value.passing == (attempts > 1)


def test_github_is_reached_through_it_and_its_token_is_not_shown_to_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    platform = replace(world.platform, github=replace(world.platform.github, api_url="https://api.github.test/api/v3"))
    with tunnel(closed=True, accepts=False) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.with_credentials)
        github = GitHub(platform, Secret(world.sandbox.tokens.github), patience=Patience(3, 0, 0))
        with pytest.raises(SystemFailure) as caught:
            github.login()
        github.close()
        assert proxy.asked == ["api.github.test:443"]
        assert "through the proxy" in str(caught.value)
        assert world.sandbox.tokens.github not in "".join(proxy.said)
        assert PLAIN not in str(caught.value)
