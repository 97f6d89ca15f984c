"""The image registry, for looking up tags: the OCI distribution API and its tokens."""

from __future__ import annotations

import base64
import re
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from generator.base.errors import PreflightError, SystemFailure
from generator.base.secrets import Secret
from generator.clients.patience import Patience
from generator.clients.transport import Api, http_client
from generator.platform.profile import Platform

if TYPE_CHECKING:
    import httpx

# A registry that has an image only in a format that is not listed answers that it does not exist.
_MANIFESTS = ", ".join(
    f"application/vnd.{kind}+json"
    for kind in (
        "oci.image.manifest.v1",
        "oci.image.index.v1",
        "docker.distribution.manifest.v2",
        "docker.distribution.manifest.list.v2",
    )
)
_PARAMETER = re.compile(r'\b(\w+)="([^"]*)"')
_REFUSED = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)


class Registry:
    """Client of one registry: what everyone can see, and what the holder of ``token`` can see."""

    def __init__(
        self, platform: Platform, token: Secret, source: str = "REGISTRY_TOKEN", patience: Patience | None = None
    ) -> None:
        client = http_client(platform, "registry", {})
        self._api = Api("registry", client, source, patience or Patience.of(platform))
        self._origin = _origin(platform.registry.url)
        self._user = platform.registry.owner
        self._token = token
        self._source = source
        self._passes: dict[str, str] = {}

    def close(self) -> None:
        """Close the connections."""
        self._api.close()

    def digest(self, name: str, tag: str, *, anonymous: bool = False) -> str | None:
        """Digest of the manifest under a tag of the image ``name`` (without the host), or None if it can't be seen.

        ``anonymous`` asks without the token; what is refused then counts as not visible. Raises ``PreflightError`` if
        the token is refused, or would have to be sent to another host. Source: OCI distribution specification.
        """
        response = self._manifest(name, tag, anonymous)
        if response is None or response.status_code == HTTPStatus.NOT_FOUND:
            return None
        self._api.parsed(response)  # a proxy's error page is not a manifest
        digest = response.headers.get("docker-content-digest", "")
        if not digest:
            raise SystemFailure(
                "registry.not_json",
                f"registry: the manifest of {name}:{tag} came without a digest",
                "the address is wrong, or a proxy answered; check registry.url in the platform profile",
            )
        return str(digest)

    def _manifest(self, name: str, tag: str, anonymous: bool) -> httpx.Response | None:
        """The answer to a request for a manifest: 200 or 404; None if anonymous access is refused."""
        known = "" if anonymous else self._passes.get(name, "")
        response = self._ask(name, tag, known)
        if response.status_code == HTTPStatus.UNAUTHORIZED:
            fresh = self._pass(name, response, anonymous)
            if fresh is None:
                return None
            if not anonymous:  # anonymous access can change at any time
                self._passes[name] = fresh
            response = self._ask(name, tag, fresh)
        if response.status_code not in _REFUSED:
            return response
        if anonymous:
            return None
        raise self._refusal(name, response.status_code)

    def _ask(self, name: str, tag: str, token: str) -> httpx.Response:
        headers = {"Accept": _MANIFESTS} | ({"Authorization": f"Bearer {token}"} if token else {})
        return self._api.request("GET", f"/v2/{name}/manifests/{tag}", headers=headers, allow=(404, *_REFUSED))

    def _pass(self, name: str, refused: httpx.Response, anonymous: bool) -> str | None:
        """A token for pulling one image, from the registry's realm; None if anonymous access is refused."""
        asked = dict(_PARAMETER.findall(refused.headers.get("www-authenticate", "")))
        realm = asked.get("realm", "")
        if _origin(realm) != self._origin:
            raise PreflightError(
                "registry.realm",
                f"registry: {self._origin} sends us to {_origin(realm) or 'nowhere'} for a token",
                "a credential goes to the registry alone; check registry.url in the platform profile",
            )
        query = {"scope": f"repository:{name}:pull"} | ({"service": asked["service"]} if "service" in asked else {})
        response = self._api.request(
            "GET",
            urlsplit(realm).path,
            params=query,
            headers={} if anonymous else {"Authorization": self._basic()},
            allow=(404, *_REFUSED),
        )
        if response.is_success:
            found = self._api.understood(response, lambda data: data.get("token") or data.get("access_token") or "")
            return Secret(str(found)).reveal()
        if anonymous:
            return None
        raise self._refusal(name, response.status_code)

    def _basic(self) -> str:
        pair = f"{self._user}:{self._token.reveal()}"
        return f"Basic {Secret(base64.b64encode(pair.encode()).decode()).reveal()}"

    def _refusal(self, name: str, status: int) -> PreflightError:
        return PreflightError(
            "registry.forbidden",
            f"registry: {name} answered {status}: there is no such image, or the token may not read it",
            f"the token in {self._source} needs the scope read:packages (on GitHub a classic token: fine-grained ones "
            "can't read packages)",
        )


def _origin(address: str) -> str:
    """Scheme, host and port, which a credential belongs to; empty if the address has none."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return ""
    return f"{parts.scheme}://{parts.netloc}".lower() if parts.scheme and parts.netloc else ""
