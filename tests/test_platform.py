"""The platform profile: which one is in force, how it is merged, and what is told when it is wrong."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import is_dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from types import UnionType
from typing import Any, cast, get_args, get_origin, get_type_hints
from urllib.parse import urlsplit

import pytest
import yaml

from generator.base.errors import UsageError
from generator.platform.profile import Pin, Platform, load_platform
from generator.platform.rules import merge, rules, unusable
from generator.sandbox import Sandbox
from tests.answers import TEMPLATE
from tests.invoke import Command

BUILTIN = TEMPLATE.platform


def profile(tmp_path: Path, content: Any, name: str = "platform.yml") -> Path:
    path = tmp_path / name
    path.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
    return path


def loaded(tmp_path: Path, content: Any) -> Platform:
    return load_platform(BUILTIN, profile(tmp_path, content), {})


def completed(tmp_path: Path, content: Any) -> str:
    with pytest.raises(UsageError) as caught:
        loaded(tmp_path, content)
    assert caught.value.code in ("platform.invalid", "platform.unreadable")
    assert caught.value.hint
    assert str(tmp_path / "platform.yml") in caught.value.message
    return caught.value.message


# --- which one is in force ---------------------------------------------------------------------------------


def test_without_any_profile_the_built_in_one_is_in_force() -> None:
    platform = load_platform(BUILTIN, None, {})
    assert platform.source == "built-in"
    assert platform.data == BUILTIN


def test_the_persons_configuration_wins_over_the_built_in_one() -> None:
    folder = Path.home() / ".config" / "newservice"
    folder.mkdir(parents=True)
    path = profile(folder, {"name": "mine"})
    platform = load_platform(BUILTIN, None, {})
    assert (platform.name, platform.source) == ("mine", str(path))


def test_the_variable_wins_over_the_configuration_and_the_flag_over_both(tmp_path: Path) -> None:
    folder = Path.home() / ".config" / "newservice"
    folder.mkdir(parents=True)
    profile(folder, {"name": "configured"})
    environ = {"NEWSERVICE_PLATFORM": str(profile(tmp_path, {"name": "variable"}, "variable.yml"))}
    flag = profile(tmp_path, {"name": "flag"}, "flag.yml")
    assert load_platform(BUILTIN, None, environ).name == "variable"
    assert load_platform(BUILTIN, flag, environ).name == "flag"
    assert load_platform(BUILTIN, None, {"NEWSERVICE_PLATFORM": ""}).name == "configured"


# --- how it is merged --------------------------------------------------------------------------------------


def test_keys_left_out_keep_the_built_in_value(tmp_path: Path) -> None:
    platform = loaded(tmp_path, {"forgejo": {"owner": "team"}, "connection": {"timeout_seconds": 5}})
    assert platform.forgejo.owner == "team"
    assert platform.forgejo.url == BUILTIN["forgejo"]["url"]
    assert platform.connection.timeout_seconds == 5
    assert platform.connection.load_balancer == Pin("10.0.20.203", 443)
    assert {**platform.data, "forgejo": 0, "connection": 0} == {**BUILTIN, "forgejo": 0, "connection": 0}


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("tiers", {"aux": {"memory_cap": "1Gi"}}),
        ("catalog", {"default": "All"}),
        ("actions_secrets", {"DEPLOY": "woodpecker"}),
        ("actions_secrets", {}),
    ],
)
def test_maps_of_the_platforms_own_words_are_replaced(tmp_path: Path, key: str, words: dict[str, Any]) -> None:
    assert loaded(tmp_path, {key: words}).data[key] == words


@pytest.mark.parametrize(
    "said",
    [
        {"tiers": {"aux": {"memory_cap": "1Gi", "quota": {}}}},
        {"tiers": {"aux": {"memory_cap": "1Gi", "quota": None}}},
        {"tiers": {"aux": {"memory_cap": "1Gi", "quota": {"memory": "2Gi", "cpu": "500m"}}}},
        {"quota_label": None},
        {"anubis_pods": None},
        {"gpu": {"memory": None}},
        {"monitors": {"internal": False, "job_alerts": None}},
    ],
)
def test_what_a_platform_does_not_have_is_left_out(tmp_path: Path, said: dict[str, Any]) -> None:
    assert loaded(tmp_path, said).data == merge(BUILTIN, said)


def test_the_built_in_profile_is_never_changed(tmp_path: Path) -> None:
    before = yaml.safe_dump(BUILTIN)
    loaded(tmp_path, {"forgejo": {"owner": "team"}, "infra": {"protected": ["mine"]}, "catalog": {"default": "All"}})
    assert yaml.safe_dump(BUILTIN) == before


def test_a_database_may_be_behind_the_address_of_another_token(tmp_path: Path) -> None:
    profile = {"databases": {"mysql": {"host": "pg_host"}}, "variables": {"pg_host": "gateway"}}
    platform = loaded(tmp_path, profile)
    assert platform.facts["databases"]["mysql"] == {**BUILTIN["databases"]["mysql"], "host": "pg_host"}
    assert platform.facts["variables"] == {**BUILTIN["variables"], "pg_host": "gateway"}


def test_facts_hold_no_connection() -> None:
    facts = load_platform(BUILTIN, None, {}).facts
    assert set(facts) == set(BUILTIN) - {"connection", "registrations", "checks"}
    assert BUILTIN["connection"]["load_balancer"]["address"] not in yaml.safe_dump(facts)


def test_only_what_the_load_balancer_serves_is_pinned(tmp_path: Path) -> None:
    balancer = {"address": "192.0.2.7", "port": 8443, "systems": ["vault"]}
    platform = loaded(tmp_path, {"connection": {"load_balancer": balancer}})
    assert platform.connection.pins == {"vault": Pin("192.0.2.7", 8443)}
    assert platform.pin("vault", platform.vault.host) == Pin("192.0.2.7", 8443)
    assert platform.pin("vault", "vault.example.test") is None
    assert platform.pin("forgejo", platform.forgejo.host) is None
    assert loaded(tmp_path, {"connection": {"load_balancer": None}}).connection.pins == {}


def test_addresses(tmp_path: Path) -> None:
    platform = loaded(tmp_path, {"forgejo": {"url": "https://git.example.test:8443/", "owner": "team"}})
    assert platform.forgejo.url == "https://git.example.test:8443"
    assert platform.forgejo.host == "git.example.test"
    assert platform.forgejo.clone_url("reader") == "https://git.example.test:8443/team/reader.git"
    assert platform.github.clone_url("reader") == f"https://github.com/{BUILTIN['github']['owner']}/reader.git"


def test_the_persons_folder_may_be_written_with_a_tilde(tmp_path: Path) -> None:
    platform = loaded(tmp_path, {"connection": {"infra_clone": "~/infra", "ca_file": "~/ca.pem"}})
    assert platform.connection.infra_clone == Path.home() / "infra"
    assert platform.connection.ca_file == str(Path.home() / "ca.pem")
    assert load_platform(BUILTIN, None, {}).connection.ca_file is None


def test_credentials_name_their_sources(tmp_path: Path) -> None:
    platform = loaded(tmp_path, {"connection": {"credentials": {"forgejo": {"environment": "MY_TOKEN"}}}})
    sources = platform.connection.credentials
    assert sources["forgejo"].environment == "MY_TOKEN"
    assert sources["forgejo"].vault == BUILTIN["connection"]["credentials"]["forgejo"]["vault"]
    assert sources["forgejo_git"].fallback == "forgejo"


def test_a_sandboxs_profile_is_one(tmp_path: Path) -> None:
    with Sandbox.start(tmp_path / "platform") as sandbox:
        platform = load_platform(BUILTIN, sandbox.profile, {})
        assert platform.vault.url == sandbox.urls["vault"]
        assert platform.connection.pins.get("vault") == Pin("127.0.0.1", sandbox.port)


def test_a_home_that_does_not_exist_is_no_fault_of_the_profile(tmp_path: Path) -> None:
    """Only what uses the path finds out, and reports it."""
    path = "~nobody-has-this-name/infra"
    assert loaded(tmp_path, {"connection": {"infra_clone": path}}).connection.infra_clone == Path(path)


def test_an_address_is_read_without_its_slash(tmp_path: Path) -> None:
    platform = loaded(tmp_path, {"github": {"api_url": "https://api.example.test/"}, "vault": {"namespace": "/a/b/"}})
    assert platform.github.api_url == "https://api.example.test"
    assert platform.vault.namespace == "a/b"
    assert platform.registry.url == f"https://{BUILTIN['registry']['host']}"
    assert {name: system.host for name, system in platform.systems.items()} == {
        name: urlsplit(BUILTIN[name]["url"] or f"https://{BUILTIN[name]['host']}").hostname
        for name in ("forgejo", "github", "registry", "woodpecker", "vault")
    }


def test_a_convention_of_templates_alone_is_no_change_in_python(tmp_path: Path) -> None:
    """A key that the built-in profile has and no field reads is checked, merged and passed on like any other."""
    builtin = {**BUILTIN, "pager": {"team": "ops", "loud": False, "share": 0.5, "channels": ["mail"]}}
    own = {"team": "desk", "loud": True, "share": 1}
    assert load_platform(builtin, profile(tmp_path, {"pager": own}), {}).facts["pager"] == {**own, "channels": ["mail"]}
    path = profile(tmp_path, {"pager": {"team": 1, "loud": 1, "share": True, "chanels": []}})
    with pytest.raises(UsageError) as caught:
        load_platform(builtin, path, {})
    assert caught.value.message == (
        f"{path}: there is no key 'pager.chanels', did you mean 'pager.channels'?; 'pager.loud' must be true or false; "
        "'pager.share' must be a number; 'pager.team' must be text"
    )


def fits(value: Any, kind: Any) -> bool:
    """Whether a value is of an annotated type, however deep."""
    origin, inner = get_origin(kind), get_args(kind)
    if origin is UnionType:
        return any(fits(value, one) for one in inner)
    if is_dataclass(kind) and isinstance(value, cast(type, kind)):
        return all(fits(getattr(value, name), hint) for name, hint in get_type_hints(kind).items())
    if origin is not None:
        items = value.values() if isinstance(value, Mapping) else value
        return isinstance(value, origin) and not isinstance(value, str) and all(fits(item, inner[-1]) for item in items)
    return kind is Any or isinstance(value, (int, float) if kind is float else kind)


def test_fields_are_of_the_types_that_the_built_in_profile_has() -> None:
    """A profile's types are the built-in one's; that those are the fields' own, no type checker sees."""
    platform = load_platform(BUILTIN, None, {})
    assert fits(platform, Platform)
    assert not fits(platform.changed({"infra": {"branch": 1}}), Platform)
    assert not fits(platform.changed({"connection": {"credentials": {"github": {"vault": None}}}}), Platform)


# --- what is told when it is wrong -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a: [", "is not valid YAML"),
        ("- a", "is not a platform profile"),
        ("", "is not a platform profile"),
        ({"forgejoo": {}}, "there is no key 'forgejoo', did you mean 'forgejo'?"),
        ({"forgejo": {"ownr": "x"}}, "there is no key 'forgejo.ownr', did you mean 'forgejo.owner'?"),
        ({"connection": {"credentials": {"mine": {}}}}, "there is no key 'connection.credentials.mine'"),
        ({1: 2}, "there is no key '1'"),
        ("forgejo:", "'forgejo' must be a map"),
        ({"forgejo": "https://x"}, "'forgejo' must be a map"),
        ({"tiers": ["gold"]}, "'tiers' must be a map"),
        ({"tiers": None}, "'tiers' must be a map"),
        ({"tiers": {"gold": "1Gi"}}, "'tiers.gold' must be a map"),
        ({"tiers": {"gold": {"memory": "1Gi"}}}, "'tiers.gold' lacks memory_cap"),
        ({"catalog": {"default": 1}}, "'catalog.default' must be text"),
        ({"actions_secrets": {"A": "nobody"}}, "'actions_secrets.A' must be one of forgejo, "),
        (
            {"databases": {"postgres": {"host": "postgresql_host"}}},
            "'databases.postgres.host' must be one of pg_host, mysql_host, redis_host, mail_host, nfs_server",
        ),
        ({"databases": {"mysql": {"host": 3306}}}, "'databases.mysql.host' must be text"),
        ({"variables": {"db_host": "x"}, "databases": {"mysql": {"host": "db_host"}}}, "no key 'variables.db_host'"),
        ({"anubis_middlewares": "toll@file"}, "'anubis_middlewares' must be a list"),
        ({"domain": {"a": "b"}}, "'domain' must be text"),
        ({"domain": None}, "'domain' must be text"),
        ({"domain": 5}, "'domain' must be text"),
        ({"infra": {"protected": "vault"}}, "'infra.protected' must be a list"),
        ({"connection": {"timeout_seconds": "soon"}}, "'connection.timeout_seconds' must be a number"),
        ({"connection": {"timeout_seconds": True}}, "'connection.timeout_seconds' must be a number"),
        ({"connection": {"ca_file": 1}}, "'connection.ca_file' must be text"),
        ({"connection": {"load_balancer": {"port": None}}}, "'connection.load_balancer.port' must be a number"),
        ({"schema": 2}, "'schema' is 2, and this newservice reads 1"),
        ({"template_url": "https://git.example.test/x"}, "'template_url' must end with .git"),
        ({"tiers": {}}, "'default_tier' must be one of tiers: there are none (built in is aux)"),
        ({"tiers": {"gold": {"memory_cap": "1Gi"}}}, "'default_tier' must be one of gold (built in is aux)"),
        ({"tiers": {"aux": {"memory_cap": "lots"}}}, "'tiers.aux.memory_cap' must be an amount of bytes"),
        ({"tiers": {1: {"memory_cap": "1Gi"}}}, "'tiers.1': the name must be text"),
        ({"tiers": {"aux": {"memory_cap": "1Gi", "quota": "3Gi"}}}, "'tiers.aux.quota' must be a map"),
        ({"tiers": {"aux": {"memory_cap": "1Gi", "quota": {"memory": 3}}}}, "'tiers.aux.quota.memory' must be text"),
        (
            {"tiers": {"aux": {"memory_cap": "1Gi", "quota": {"memory": "3G"}}}},
            "quota.memory' must be an amount of bytes",
        ),
        ({"tiers": {"aux": {"memory_cap": "1Gi", "quota": {"cpu": "1.5"}}}}, "quota.cpu' must be an amount of CPU"),
        ({"tiers": {"aux": {"memory_cap": "1Gi", "quota": {"pods": 0}}}}, "quota.pods' must be at least 1"),
        ({"tiers": {"aux": {"memory_cap": "1Gi", "quota": {"disk": "1Gi"}}}}, "there is no key 'tiers.aux.quota.disk'"),
        ({"quota_label": "a label"}, "'quota_label' must be a name of Kubernetes"),
        ({"gpu": {"memory": {"capacity": 0}}}, "'gpu.memory.capacity' must be at least 1"),
        ({"gpu": {"memory": 14000}}, "'gpu.memory' must be a map"),
        ({"gpu": None}, "'gpu' must be a map"),
        ({"anubis_pods": {"number": 1.5}}, "'anubis_pods.number' must be a whole number"),
        ({"monitors": {"job_alerts": "/etc/rules"}}, "'monitors.job_alerts' must be a file inside"),
        ({"default_tier": "zzz"}, "'default_tier' must be one of core, cluster, gpu, edge, aux"),
        ({"memory_burst": {"tiers": ["edge", "zzz"]}}, "'memory_burst.tiers' must be one of core"),
        ({"database_images": ["postgres("]}, "'database_images' must be a regular expression"),
        ({"image_notes": [{"image": "["}]}, "'image_notes' lacks note"),
        ({"image_notes": [{"image": "[", "note": "n"}]}, "'image_notes' must be a regular expression"),
        ({"keel_digest": {"sources": ["own"]}}, "'keel_digest.sources' must be one of owned, upstream"),
        ({"anti_ai": "bots"}, "'anti_ai' must be one of browsers, everywhere, nowhere"),
        ({"strip_identity_middlewares": [""]}, "'strip_identity_middlewares' must not be empty"),
        ({"memory_burst": {"factor": 0.5}}, "'memory_burst.factor' must be at least 1"),
        ({"catalog": {"aux": "Optional"}}, "'catalog' lacks default"),
        ({"infra": {"protected": ["vault", 1]}}, "'infra.protected' must be a list of words"),
        ({"infra": {"stacks": "../../etc"}}, "'infra.stacks' must be a folder inside of the infra repository"),
        ({"infra": {"stacks": "/etc"}}, "'infra.stacks' must be a folder"),
        ({"infra": {"stacks": "a//b"}}, "'infra.stacks' must be a folder"),
        ({"infra": {"apply": "scripts/tg apply"}}, "'infra.apply' must be a command with <stack> in it"),
        ({"infra": {"pipeline": {"never": ["../vault"]}}}, "'infra.pipeline.never' must be names of stacks"),
        ({"infra": {"pipeline": {"skip": None}}}, "'infra.pipeline.skip' must be text"),
        ({"infra": {"file_server": "-oProxyCommand=x"}}, "'infra.file_server' must be a host"),
        ({"infra": {"branch": "a..b"}}, "'infra.branch' must be a branch's name"),
        ({"forgejo": {"branch": "-x"}}, "'forgejo.branch' must be a branch's name"),
        ({"forgejo": {"owner": "a/b"}}, "'forgejo.owner' must be a name"),
        ({"forgejo": {"url": "http://git.example.test"}}, "'forgejo.url' must be an address that starts with https://"),
        ({"vault": {"url": "https://vault.example.test?x"}}, "'vault.url' must be an address"),
        ({"vault": {"mount": "/kv"}}, "'vault.mount' must be a mount's path"),
        ({"registry": {"host": "https://ghcr.io"}}, "'registry.host' must be a host"),
        ({"registry": {"keep_versions": 1.5}}, "'registry.keep_versions' must be a whole number"),
        *(
            ({"woodpecker": {"old_pipelines": [path]}}, "'woodpecker.old_pipelines' must be a path inside a repository")
            for path in ("/a.yml", "../a.yml", "a/../b.yml", "", "*.yml", ".woodpecker/deploy.yml")
        ),
        ({"redis": {"port": 70000}}, "'redis.port' must be at most 65535"),
        ({"mirror": {"interval": "often"}}, "'mirror.interval' must be a duration"),
        ({"backup": {"path": "/srv/../etc"}}, "'backup.path' must be an absolute path"),
        ({"variables": {"pg_host": "a b"}}, "'variables.pg_host' must be a variable of Terraform"),
        ({"name": "a\x1b[31mb"}, "'name' must be one line of text"),
        ({"connection": {"timeout_seconds": 0}}, "'connection.timeout_seconds' must be more than 0"),
        ({"connection": {"timeout_seconds": float("nan")}}, "is not valid YAML: a number is not finite"),
        ({"connection": {"retry": {"attempts": -5}}}, "'connection.retry.attempts' must be at least 1"),
        ({"connection": {"load_balancer": {"systems": ["vualt"]}}}, "systems' must be one of forgejo, github"),
        ({"connection": {"credentials": {"registry": {"or": "nobody"}}}}, "or' must be one of forgejo, forgejo_git"),
        ({"connection": {"credentials": {"github": {"vault": "ghp_x"}}}}, "vault' must be a path in Vault"),
    ],
)
def test_a_wrong_profile_is_reported_with_its_place(tmp_path: Path, content: Any, message: str) -> None:
    assert message in completed(tmp_path, content)


@pytest.mark.parametrize(
    "said",
    [
        {"template_url": "https://me:sesame@git.example.test/x.git"},
        {"template_url": "git+https://sesame@git.example.test/x"},
        {"template_url": "ssh://git:sesame@git.example.test/x.git"},
        {"template_url": "https://me:ses/same@git.example.test/x.git"},
        {"registry": {"url": "http://me:sesame@registry.example.test"}},
        {"backup": {"image": "https://me:sesame@registry.example.test/a:1"}},
        {"infra": {"protected": ["https://me:sesame@git.example.test"]}},
        {"checks": [{"run": ["curl", "https://me:sesame@git.example.test"]}]},
    ],
)
def test_no_address_has_a_password(tmp_path: Path, said: dict[str, Any]) -> None:
    message = completed(tmp_path, said)
    assert "must be an address without user and password" in message
    for part in ("sesame", "ses/", "me:"):
        assert part not in message


@pytest.mark.parametrize(
    "address", ["ssh://git@git.example.test/x.git", "git@git.example.test:x.git", "https://[::1]:8443/a@b/x.git"]
)
def test_an_address_without_a_password_is_one(tmp_path: Path, address: str) -> None:
    assert loaded(tmp_path, {"template_url": address}).data["template_url"] == address


def test_each_rule_is_about_a_key() -> None:
    """A rule for a key that no profile has would hold nothing."""

    def keys(data: dict[str, Any], prefix: str = "") -> Iterator[str]:
        for key, value in data.items():
            yield prefix + key
            yield from keys(value, f"{prefix}{key}.") if isinstance(value, dict) else ()

    known = list(keys(BUILTIN))
    assert len(rules()) > 20
    for rule in rules():
        assert [key for key in rule.keys if not any(fnmatchcase(path, key) for path in known)] == [], rule
        assert bool(rule.pattern) == bool(rule.message), rule
    assert list(unusable(BUILTIN, BUILTIN)) == []


def test_a_small_file_is_no_large_profile(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 8)]
    assert "its aliases come to more than" in completed(tmp_path, "\n".join(lines))
    assert loaded(tmp_path, "forgejo: &a {owner: team}\ngithub: *a\n").github.owner == "team"


def test_all_that_is_wrong_is_reported_in_one_go(tmp_path: Path) -> None:
    wrong = {"nonsense": 1, "forgejo": {"ownr": "x"}, "tiers": [], "schema": 9, "redis": {"port": 0}}
    message = completed(tmp_path, {**wrong, "default_tier": "gold"})
    for part in ("'nonsense'", "'forgejo.ownr'", "'tiers' must be", "'schema' is 9", "'redis.port' must be at least 1"):
        assert part in message
    assert "default_tier" not in message  # which tiers there are is not known


def test_a_file_that_can_not_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"nothing\.yml can't be read: No such file") as caught:
        load_platform(BUILTIN, tmp_path / "nothing.yml", {})
    assert caught.value.code == "platform.unreadable"
    with pytest.raises(UsageError, match="can't be read: Is a directory"):
        load_platform(BUILTIN, tmp_path, {})
    (tmp_path / "bytes.yml").write_bytes(b"name: \xff\n")
    with pytest.raises(UsageError, match="not valid YAML"):
        load_platform(BUILTIN, tmp_path / "bytes.yml", {})


def test_the_command_says_so_with_exit_code_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    done = Command(capsys)("plan", "reader", "--platform", profile(tmp_path, {"tiers": []}), "--json")
    assert done.code == 2
    assert [error["code"] for error in done.of("error")] == ["platform.invalid"]
