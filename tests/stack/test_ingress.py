"""The ways in: the service, its ingress, and the paths with a gate of their own."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest

from .hcl import Expression
from .rendering import PICKED, SERVICE, UPSTREAM, file, stack
from .workload import container, deployment, ignored

NAMESPACE = Expression("kubernetes_namespace.city_guide.metadata[0].name")


HOOKS: dict[str, Any] = {"name": "hooks", "paths": ["/hooks"], "reason": "signed"}
STAFF: dict[str, Any] = {"name": "staff", "paths": ["/staff"], "auth": "required"}


def ingress(label: str = "ingress", **given: Any) -> dict[str, Any]:
    return file("ingress.tf", **given).labelled(label).attributes


class TestService:
    def test_port_80_leads_to_the_container(self) -> None:
        service = file("service.tf", port=3000).labelled("kubernetes_service", "city_guide")
        assert service.one("metadata")["namespace"] == NAMESPACE
        assert service.one("spec", "port").attributes == {"name": "http", "port": 80, "target_port": 3000}

    def test_our_services_are_scraped(self) -> None:
        assert file("service.tf", port=3000).one("resource", "metadata")["annotations"] == {
            "prometheus.io/scrape": "true",
            "prometheus.io/port": "3000",
            "prometheus.io/path": "/metrics",
        }
        assert "annotations" not in file("service.tf", **UPSTREAM).one("resource", "metadata").attributes

    def test_metrics_of_a_port_of_their_own_are_scraped_there(self) -> None:
        given = {"metrics": {"path": "/internal/metrics", "port": 9090}, **UPSTREAM}
        service = file("service.tf", **given).one("resource")
        assert service.one("metadata")["annotations"] == {
            "prometheus.io/scrape": "true",
            "prometheus.io/port": "9090",
            "prometheus.io/path": "/internal/metrics",
        }
        assert [port["container_port"] for port in container(**given).all("port")] == [8080, 9090]
        assert len(service.all("spec", "port")) == 1, "Prometheus asks the pods, not the Service"

    def test_no_metrics_no_annotations(self) -> None:
        assert "annotations" not in file("service.tf", metrics="none").one("resource", "metadata").attributes

    @pytest.mark.parametrize(
        ("given", "name"),
        [({}, "http"), ({"kind": "worker"}, "http"), ({"kind": "worker", "probe": "tcp"}, "tcp")],
    )
    def test_its_port_is_called_after_what_it_speaks(self, given: dict[str, Any], name: str) -> None:
        assert file("service.tf", **given).one("resource", "spec", "port")["name"] == name


class TestIngress:
    def test_the_defaults(self) -> None:
        assert ingress() == {
            "source": "../../modules/kubernetes/ingress_factory",
            "namespace": NAMESPACE,
            "name": "city-guide",
            "port": 80,
            "tls_secret_name": Expression("var.tls_secret_name"),
            "dns_type": "proxied",
            "auth": "required",
            "allowed_groups": ["Home Server Admins"],
            "extra_annotations": {
                "gethomepage.dev/enabled": "true",
                "gethomepage.dev/name": SERVICE["title"],
                "gethomepage.dev/description": SERVICE["description"],
                "gethomepage.dev/pod-selector": "",
            },
        }

    @pytest.mark.parametrize("dns", ["proxied", "non-proxied"])
    def test_public_reach_is_a_kind_of_record(self, dns: str) -> None:
        found = ingress(dns=dns)
        assert found["dns_type"] == dns
        assert not {"root_domain", "external_monitor", "extra_middlewares"} & set(found)

    @pytest.mark.parametrize("dns", ["internal", "none"])
    def test_a_name_for_home_networks_alone_has_a_record_a_gate_and_no_monitor(self, dns: str) -> None:
        """Without a record of its own the wildcard would lead to it, from pods that the gate takes for home."""
        given: dict[str, Any] = {"dns": dns, "carveouts": [HOOKS], "lan_host": {"host": "guide"}}
        gate = "traefik-home-lans-only@kubernetescrd"
        found = ingress(**given)
        assert found["dns_type"] == "internal"
        assert (found["extra_middlewares"], found["external_monitor"]) == ([gate], False)
        hooks = ingress("ingress_hooks", **given)
        strip = "traefik-strip-auth-headers@kubernetescrd"
        assert (hooks["extra_middlewares"], hooks["external_monitor"]) == ([gate, strip], False)
        assert "dns_type" not in hooks
        assert not {"extra_middlewares", "external_monitor"} & set(ingress("ingress_lan", **given))

    def test_the_gate_comes_before_the_rate_limit(self) -> None:
        assert ingress(dns="internal", rate_limit={"average": 5, "burst": 9})["extra_middlewares"] == [
            "traefik-home-lans-only@kubernetescrd",
            "traefik-city-guide-rate-limit@kubernetescrd",
        ]

    def test_every_door_with_the_sign_on_names_who_may_pass(self) -> None:
        groups = ["Family", "Home Server Admins"]
        given: dict[str, Any] = {"access": groups, "carveouts": [HOOKS, STAFF], "lan_host": {"host": "guide"}}
        for label in ("ingress", "ingress_staff", "ingress_lan"):
            assert ingress(label, **given)["allowed_groups"] == groups
        assert "allowed_groups" not in ingress("ingress_hooks", **given)
        assert "allowed_groups" not in ingress(auth="public")

    def test_the_home_network_has_its_own_domain_and_no_record(self) -> None:
        found = ingress(dns="lan")
        assert found["root_domain"] == "viktorbarzin.lan"
        assert found["allow_local_access_only"] is True
        assert found["ssl_redirect"] is False
        assert "dns_type" not in found
        (own,) = container(dns="lan", env={"ME": "https://{host}"}).all("env")
        assert own["value"] == "https://city-guide.viktorbarzin.lan"

    def test_a_host_of_its_own(self) -> None:
        assert ingress(host="guide")["host"] == "guide"

    def test_some_paths_only(self) -> None:
        assert ingress(paths=["/guide", "/static"])["ingress_path"] == ["/guide", "/static"]

    def test_large_requests(self) -> None:
        assert ingress(max_body="500m")["max_body_size"] == "500m"

    def test_a_rate_limit_takes_the_place_of_the_platforms(self) -> None:
        found = ingress(rate_limit={"average": 50, "burst": 100})
        assert found["skip_default_rate_limit"] is True
        assert found["extra_middlewares"] == ["traefik-city-guide-rate-limit@kubernetescrd"]

    def test_a_tile_shows_what_the_service_says(self) -> None:
        tile = {
            "icon": "mdi-map",
            "group": "Productivity",
            "description": 'Shorter, with "${x}"',
            "widget": {"type": "customapi", "url": "https://api.example/x?a=$b", "fields": {"view": 'all "${x}"'}},
        }
        found = ingress(homepage=tile)["extra_annotations"]
        assert {key.removeprefix("gethomepage.dev/"): value for key, value in found.items()} == {
            "enabled": "true",
            "name": SERVICE["title"],
            "description": 'Shorter, with "${x}"',
            "pod-selector": "",
            "icon": "mdi-map",
            "group": "Productivity",
            "widget.type": "customapi",
            "widget.url": "https://api.example/x?a=$b",
            "widget.view": 'all "${x}"',
        }

    def test_a_widget_asks_the_service_unless_reported_where(self) -> None:
        found = ingress(homepage={"widget": {"type": "w"}}, service_port=8000)["extra_annotations"]
        assert found["gethomepage.dev/widget.url"] == "http://city-guide.city-guide.svc.cluster.local:8000"

    def test_a_tile_can_be_left_out(self) -> None:
        found = ingress(homepage={"enabled": False})
        assert found["homepage_enabled"] is False
        assert "extra_annotations" not in found

    @pytest.mark.parametrize("auth", ["required", "public"])
    def test_a_gate_that_explains_itself_has_no_comment(self, auth: str) -> None:
        assert ingress(auth=auth)["auth"] == auth
        assert "#" not in stack(auth=auth)["ingress.tf"]

    @pytest.mark.parametrize("auth", ["app", "none"])
    def test_a_reason_stands_right_above_the_gate(self, auth: str) -> None:
        text = stack(auth=auth, auth_reason="because  so")["ingress.tf"]
        assert f'  # auth = "{auth}": because so\n  auth = "{auth}"\n' in text


class TestCarveouts:
    GIVEN: ClassVar[dict[str, Any]] = {
        "carveouts": [
            {"name": "web-hooks", "paths": ["/hooks", "/in"], "reason": "signed", "probe_path": "/hooks/ping"},
            {"name": "staff", "paths": ["/staff"], "auth": "required"},
        ]
    }

    def test_each_is_an_ingress_to_the_same_service(self) -> None:
        assert ingress("ingress_web-hooks".replace("-", "_"), **self.GIVEN) == {
            "source": "../../modules/kubernetes/ingress_factory",
            "namespace": NAMESPACE,
            "name": "city-guide-web-hooks",
            "host": "city-guide",
            "service_name": Expression("kubernetes_service.city_guide.metadata[0].name"),
            "ingress_path": ["/hooks", "/in"],
            "port": 80,
            "tls_secret_name": Expression("var.tls_secret_name"),
            "anti_ai_scraping": False,
            "extra_middlewares": ["traefik-strip-auth-headers@kubernetescrd"],
            "auth": "none",
            "homepage_enabled": False,
        }
        assert ingress("ingress_staff", **self.GIVEN)["auth"] == "required"

    def test_the_record_and_the_reason_belong_where_they_are(self) -> None:
        text = stack(**self.GIVEN)["ingress.tf"]
        assert text.count("dns_type") == 1
        assert '  # auth = "none": signed\n  auth             = "none"\n' in text

    def test_on_the_home_network_they_stay_there(self) -> None:
        for label in ("ingress_web_hooks", "ingress_staff"):
            found = ingress(label, dns="lan", host="guide", **self.GIVEN)
            assert found["host"] == "guide"
            assert found["root_domain"] == "viktorbarzin.lan"
            assert found["allow_local_access_only"] is True

    def test_a_port_and_a_limit_of_their_own(self) -> None:
        given = {
            "port": 3000,
            "service_port": 8000,
            "metrics": {"port": 9090},
            "carveouts": [
                {"name": "git", "paths": ["/git"], "reason": "own login", "service_port": 9090, "max_body": "5g"},
                {"name": "raw", "paths": ["/raw"], "reason": "own login", "service_port": 9090},
                {"name": "same", "paths": ["/same"], "reason": "own login", "service_port": 8000},
            ],
        }
        assert ingress("ingress_git", **given)["port"] == 9090
        assert ingress("ingress_git", **given)["max_body_size"] == "5g"
        assert "max_body_size" not in ingress("ingress_raw", max_body="1g", **given)
        ports = [port.attributes for port in file("service.tf", **given).one("resource", "spec").all("port")]
        assert ports == [
            {"name": "http", "port": 8000, "target_port": 3000},
            {"name": "port-9090", "port": 9090, "target_port": 9090},
        ]
        assert [port["container_port"] for port in container(**given).all("port")] == [3000, 9090]


class TestHomeNetwork:
    GIVEN: ClassVar[dict[str, Any]] = {"lan_host": {"host": "guide"}, "max_body": "1g", "paths": ["/guide"]}

    def test_a_second_address_leads_to_the_same_service(self) -> None:
        assert ingress("ingress_lan", **self.GIVEN) == {
            "source": "../../modules/kubernetes/ingress_factory",
            "namespace": NAMESPACE,
            "name": "city-guide-lan",
            "host": "guide",
            "service_name": Expression("kubernetes_service.city_guide.metadata[0].name"),
            "ingress_path": ["/guide"],
            "port": 80,
            "tls_secret_name": Expression("var.tls_secret_name"),
            "root_domain": "viktorbarzin.lan",
            "allow_local_access_only": True,
            "ssl_redirect": False,
            "max_body_size": "1g",
            "auth": "required",
            "allowed_groups": ["Home Server Admins"],
            "homepage_enabled": False,
        }

    def test_the_first_stays_as_it_is(self) -> None:
        assert ingress(lan_host={"host": "guide"}) == ingress()

    def test_it_explains_an_open_gate(self) -> None:
        lan_host = {"host": "guide", "auth": "app", "reason": "its own login"}
        assert '  # auth = "app": its own login\n  auth             = "app"\n' in stack(lan_host=lan_host)["ingress.tf"]

    def test_the_rate_limit_holds_there_too(self) -> None:
        found = ingress("ingress_lan", rate_limit={"average": 1, "burst": 2}, **self.GIVEN)
        assert found["extra_middlewares"] == ["traefik-city-guide-rate-limit@kubernetescrd"]


class TestAnubis:
    GIVEN: ClassVar[dict[str, Any]] = {"anubis": True, "auth": "none", "auth_reason": "public content"}

    def test_it_stands_before_the_service_with_an_index_of_its_own(self) -> None:
        assert ingress("anubis", redis=True, **self.GIVEN) == {
            "source": "../../modules/kubernetes/anubis_instance",
            "namespace": NAMESPACE,
            "name": "city-guide",
            "target_url": Expression(
                '"http://${kubernetes_service.city_guide.metadata[0].name}.${local.namespace}.svc.cluster.local"'
            ),
            "cookie_domain": "viktorbarzin.me",
            "shared_store_url": Expression(f'"redis://${{var.redis_host}}:6379/{PICKED["anubis_redis_index"]}"'),
        }
        assert PICKED["anubis_redis_index"] != PICKED["redis_index"]

    def test_requests_go_to_it_first(self) -> None:
        found = ingress(**self.GIVEN)
        assert found["service_name"] == Expression("module.anubis.service_name")
        assert found["port"] == Expression("module.anubis.service_port")
        assert found["anti_ai_scraping"] is False
        assert found["extra_middlewares"] == ["traefik-x402@kubernetescrd"]
        assert "skip_default_rate_limit" not in found
        without = ingress(auth="none", auth_reason="public content")
        assert not {"anti_ai_scraping", "extra_middlewares"} & set(without)

    def test_carve_outs_and_the_home_network_pass_it_by(self) -> None:
        carveout = {"name": "feed", "paths": ["/feed"], "reason": "readers are programs"}
        for label in ("ingress_feed", "ingress_lan"):
            found = ingress(label, carveouts=[carveout], lan_host={"host": "cg"}, **self.GIVEN)
            assert found["service_name"] == Expression("kubernetes_service.city_guide.metadata[0].name")
            assert found["port"] == 80
            assert "traefik-x402@kubernetescrd" not in found.get("extra_middlewares", ())

    def test_another_port_of_the_service_and_another_domain(self) -> None:
        found = ingress("anubis", service_port=8000, dns="lan", **self.GIVEN)
        assert found["target_url"].text.endswith('.svc.cluster.local:8000"')
        assert found["cookie_domain"] == "viktorbarzin.lan"


class TestSleep:
    GIVEN: ClassVar[dict[str, Any]] = {
        "scale_to_zero": "dynamic",
        "carveouts": [HOOKS],
        "lan_host": {"host": "guide"},
    }

    def test_browsers_see_a_page_and_programs_wait(self) -> None:
        group = {"group": "city-guide", "display_name": SERVICE["title"]}
        assert ingress(**self.GIVEN)["sablier"] == {**group, "strategy": "dynamic"}
        assert ingress("ingress_lan", **self.GIVEN)["sablier"] == {**group, "strategy": "dynamic"}
        assert ingress("ingress_hooks", **self.GIVEN)["sablier"] == {**group, "strategy": "blocking"}
        assert ingress(scale_to_zero="blocking")["sablier"]["strategy"] == "blocking"

    def test_the_deployment_is_found_and_its_number_of_pods_left_alone(self) -> None:
        found = deployment(**self.GIVEN)
        labels = found.one("metadata")["labels"].text
        for label in ('"sablier.enable"      = "true"', '"sablier.group"       = "city-guide"', "local.tiers.aux"):
            assert label in labels
        text = stack(**self.GIVEN)["deployment.tf"]
        assert ignored(text)[-1] == ("spec[0].replicas", "# SABLIER_MANAGED_REPLICAS")

    @pytest.mark.parametrize("answer", [False, "off"])
    def test_most_never_sleep(self, answer: Any) -> None:
        assert stack(scale_to_zero=answer) == stack()
        assert "sablier" not in "".join(stack().values())


class TestNetworkPolicy:
    def allowed(self, **given: Any) -> dict[Any, list[str]]:
        policy = file("network_policy.tf", network_policy=True, **given).one("resource")
        assert policy.one("spec", "pod_selector")["match_labels"] == Expression("local.labels")
        assert policy.one("spec")["policy_types"] == ["Ingress"]
        found = {}
        for rule in policy.all("spec", "ingress"):
            labels = rule.one("from", "namespace_selector")["match_labels"]
            caller = labels["kubernetes.io/metadata.name"]
            found[caller if isinstance(caller, str) else caller.text] = [port["port"] for port in rule.all("ports")]
        return found

    def test_none_unless_asked(self) -> None:
        assert "network_policy.tf" not in stack()
        assert "network_policy.tf" not in stack(kind="worker", network_policy=True)

    def test_the_ingress_monitoring_and_neighbours(self) -> None:
        own: dict[str, list[str]] = {"local.namespace": []}
        assert self.allowed(**UPSTREAM) == {**own, "traefik": ["8080"]}
        assert self.allowed() == {**own, "traefik": ["8080"], "monitoring": ["8080"]}
        assert self.allowed(
            port=3000,
            metrics={"port": 9100},
            carveouts=[{**HOOKS, "service_port": 3001}],
            internal_monitor={"path": "/"},
            homepage={"widget": {"type": "gitea"}},
        ) == {
            **own,
            "traefik": ["3000", "3001"],
            "monitoring": ["9100"],
            "uptime-kuma": ["3000"],
            "homepage": ["3000"],
        }
