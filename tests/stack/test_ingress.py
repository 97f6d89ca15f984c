"""The ways in: the service, its ingress, and the paths with a gate of their own."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest

from .hcl import Expression
from .rendering import SERVICE, UPSTREAM, file, stack

NAMESPACE = Expression("kubernetes_namespace.city_guide.metadata[0].name")


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
            "extra_annotations": {
                "gethomepage.dev/enabled": "true",
                "gethomepage.dev/name": SERVICE["title"],
                "gethomepage.dev/description": SERVICE["description"],
            },
        }

    @pytest.mark.parametrize("dns", ["proxied", "non-proxied", "none"])
    def test_public_reach_is_a_kind_of_record(self, dns: str) -> None:
        found = ingress(dns=dns)
        assert found["dns_type"] == dns
        assert "root_domain" not in found

    def test_the_home_network_has_its_own_domain_and_no_record(self) -> None:
        found = ingress(dns="lan")
        assert found["root_domain"] == "viktorbarzin.lan"
        assert found["allow_local_access_only"] is True
        assert found["ssl_redirect"] is False
        assert "dns_type" not in found

    def test_a_host_of_its_own(self) -> None:
        assert ingress(host="guide")["host"] == "guide"

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
