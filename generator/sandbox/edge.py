"""The platform's front door: Traefik with the single sign-on before it, as the merged ingresses would make them.

What is merged is applied, unless :attr:`Edge.applied` holds another commit. Sources: the platform's ingress module,
its Traefik middlewares and catch-all, and its outposts of Authentik.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from urllib.parse import quote

from generator.platform.profile import Platform
from generator.sandbox.ingresses import Ingress, ingresses_of
from generator.sandbox.messages import Request, Response, json_response, text_response
from generator.sandbox.repositories import BareRepository

_RECORD = {"A": 1, "AAAA": 28}
_INTERNAL = "192.0.2.203"
"""The address in records of the kind `internal`: it leads nowhere from outside."""


class Edge:
    """Answers for every host below the platform's domains that no system has.

    ``applied`` is the commit of the infra repository that is applied; None for whatever its default branch has.
    ``infra`` is that repository; None where there is none.
    """

    def __init__(self, platform: Platform, infra: Callable[[], BareRepository | None]) -> None:
        self.applied: str | None = None
        self._platform = platform
        self._infra = infra
        self._lock = threading.Lock()
        self._read: tuple[str, tuple[Ingress, ...]] = ("", ())

    def serves(self, host: str) -> bool:
        """Whether a host is below one of the platform's domains."""
        return host.endswith((f".{self._platform.domain}", f".{self._platform.lan_domain}"))

    def __call__(self, request: Request) -> Response:
        """Answer a request from the home network."""
        return self._answer(request, at_home=True)

    def from_outside(self, request: Request) -> Response:
        """Answer a request from the internet; by the CDN's tunnel where the name has no record of its own."""
        return self._answer(request, at_home=self._by_tunnel(request.host))

    def resolve(self, request: Request) -> Response:
        """Answer a question to public DNS, in JSON (RFC 8427 as public resolvers have it)."""
        name, kind = request.parameter("name").rstrip(".").lower(), request.parameter("type", "A")
        found = self._record(name)
        answer = [{"name": name, "type": _RECORD["A"], "TTL": 300, "data": found}] if found and kind == "A" else []
        status = 0 if found else 3
        return json_response(
            200, {"Status": status, "Question": [{"name": name, "type": _RECORD[kind]}], "Answer": answer}
        )

    def _record(self, name: str) -> str:
        """Where public DNS leads; empty for a name that it does not know."""
        own = {ingress.dns for ingress in self._ingresses() if ingress.host == name}
        if "internal" in own:
            return _INTERNAL
        return "127.0.0.1" if name.endswith(f".{self._platform.domain}") else ""

    def _by_tunnel(self, host: str) -> bool:
        """Whether requests come through the tunnel: from inside of the cluster, past every list of addresses."""
        own = {ingress.dns for ingress in self._ingresses() if ingress.host == host}
        return host.endswith(f".{self._platform.domain}") and own.isdisjoint({"internal", "non-proxied"})

    def _ingresses(self) -> tuple[Ingress, ...]:
        bare = self._infra()
        commit = bare and (self.applied or bare.heads().get(self._platform.infra.branch))
        if bare is None or not commit:
            return ()
        with self._lock:
            if self._read[0] != commit:
                self._read = commit, ingresses_of(bare, commit, self._platform)
            return self._read[1]

    def _answer(self, request: Request, *, at_home: bool) -> Response:
        ingress = self._route(request)
        if ingress is None:
            return self._unrouted(request)
        if ingress.home_only and not at_home:
            return text_response(403, "Forbidden")
        response = self._gate(ingress, request) or self._behind(ingress, request)
        headers = {**response.headers, "Content-Security-Policy": "frame-ancestors 'self'"}
        return Response(response.status, response.body, response.content_type, headers)

    def _route(self, request: Request) -> Ingress | None:
        """The ingress with the longest path that the request's begins with, letter by letter, as Traefik does it."""
        fitting = [
            (len(path), ingress)
            for ingress in self._ingresses()
            for path in ingress.paths
            if ingress.host == request.host and request.path.startswith(path)
        ]
        return max(fitting, key=lambda item: item[0], default=(0, None))[1]

    def _unrouted(self, request: Request) -> Response:
        if request.host.endswith(f".{self._platform.domain}"):  # the catch-all's page
            return Response(404, b"<!DOCTYPE html><title>404</title>\n", "text/html; charset=utf-8")
        return Response(
            404, b"404 page not found\n", "text/plain; charset=utf-8", {"X-Content-Type-Options": "nosniff"}
        )

    def _gate(self, ingress: Ingress, request: Request) -> Response | None:
        """What the single sign-on says to somebody without a session; None where it is not asked."""
        sign_on = self._platform.sign_on
        if ingress.auth not in ("required", "public"):
            return None
        if sign_on is None:
            return text_response(401, "Unauthorized")
        host = sign_on.anonymous if ingress.auth == "public" and sign_on.anonymous else sign_on.host
        back = quote(f"https://{host}{sign_on.callback}callback?X-authentik-auth-callback=true", safe="")
        query = f"client_id=sandbox&redirect_uri={back}&response_type=code&state={quote(request.host)}"
        return Response(302, headers={"Location": f"https://{sign_on.host}/application/o/authorize/?{query}"})

    def _behind(self, ingress: Ingress, request: Request) -> Response:
        """The service's own answer."""
        if ingress.challenge:
            return Response(200, b"<!DOCTYPE html><title>Making sure you're not a bot!</title>\n", "text/html")
        if ingress.auth == "app" and request.path != "/login":
            return Response(302, headers={"Location": "/login"})
        return Response(200, f"{ingress.name}: {request.path}\n".encode(), "text/html; charset=utf-8")
