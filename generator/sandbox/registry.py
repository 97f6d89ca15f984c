"""The sandbox's container registry: the OCI distribution API, as far as reading tags goes, with tokens for a pull."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import secrets
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from werkzeug.exceptions import HTTPException

from generator.sandbox.messages import Request, Response, Router, json_response, route, text_response

_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"


class RegistryError(Exception):
    """Ends a handler with an error answer (OCI distribution specification, error codes)."""

    def __init__(self, status: int, code: str, message: str, challenge: str = "") -> None:
        super().__init__(message)
        self.response = json_response(
            status,
            {"errors": [{"code": code, "message": message}]},
            {"WWW-Authenticate": challenge} if challenge else {},
        )


@dataclass
class Image:
    """An image's tags, each with its manifest's digest; ``private`` ones are shown to those who may read packages."""

    private: bool
    tags: dict[str, str] = field(default_factory=dict)


class Registry:
    """The registry's state and its HTTP face.

    ``accepts`` says whether a password may read packages. ``silent`` makes it answer "no such manifest" for what may
    not be seen, as the real one may; ``realm`` is where it sends clients for a token.
    """

    def __init__(self, web: str, accepts: Callable[[str], bool]) -> None:
        self.images: dict[str, Image] = {}
        self.silent = False
        self.realm = f"{web}/token"
        self.lock = threading.RLock()
        self._service = web.removeprefix("https://")
        self._accepts = accepts
        self._pulls: dict[str, str] = {}
        self.manifests: dict[str, bytes] = {}
        self._router = Router([self])

    def put_image(self, name: str, tags: Iterable[str], *, private: bool = True) -> str:
        """Push a new image under ``tags``; its digest. ``name`` is ``owner/name``."""
        with self.lock:
            config = {"mediaType": "application/vnd.docker.container.image.v1+json", "size": 2, "digest": _new_digest()}
            manifest = json.dumps({"schemaVersion": 2, "mediaType": _MANIFEST, "config": config, "layers": []}).encode()
            digest = _digest(manifest)
            self.manifests[digest] = manifest
            image = self.images.setdefault(name, Image(private))
            image.private = private
            image.tags |= dict.fromkeys(tags, digest)
            return digest

    def __call__(self, request: Request) -> Response:
        """Answer one request."""
        try:
            match = self._router.match(request.method, request.path)
        except HTTPException:
            return text_response(404, "404 page not found\n")
        try:
            with self.lock:
                return match.handler(request, **match.arguments)
        except RegistryError as error:
            return error.response

    @route("GET", "/token")
    def token(self, request: Request) -> Response:
        """A token to pull one image; anonymous callers get one if the image is public."""
        name = request.parameter("scope").removeprefix("repository:").removesuffix(":pull")
        password = _password(request)
        if password is not None and not self._accepts(password):
            raise RegistryError(403, "DENIED", "denied")
        image = self.images.get(name)
        seen = password is not None or (image is not None and not image.private)
        if not seen and not self.silent:
            raise RegistryError(401, "UNAUTHORIZED", "authentication required")
        token = secrets.token_urlsafe(24)
        self._pulls[token] = name if seen else ""
        return json_response(200, {"token": token})

    @route("GET", "/v2/")
    def version(self, request: Request) -> Response:  # noqa: ARG002 - every handler is called in the same way
        """Nobody comes in without a token, which tells that it is a registry."""
        challenge = f'Bearer realm="{self.realm}",service="{self._service}"'
        raise RegistryError(401, "UNAUTHORIZED", "authentication required", challenge)

    @route("GET", "/v2/<owner>/<name>/manifests/<reference>")
    def manifest(self, request: Request, owner: str, name: str, reference: str) -> Response:
        """A manifest by tag or digest."""
        full_name = f"{owner}/{name}"
        scheme, _, token = request.header("authorization").partition(" ")
        if scheme != "Bearer" or token not in self._pulls:
            challenge = f'Bearer realm="{self.realm}",service="{self._service}",scope="repository:{full_name}:pull"'
            raise RegistryError(401, "UNAUTHORIZED", "authentication required", challenge)
        image = self.images.get(full_name) if self._pulls[token] == full_name else None
        if image is None:
            raise RegistryError(404, "NAME_UNKNOWN", "repository name not known to registry")
        digest = image.tags.get(reference, reference)
        if digest not in image.tags.values():
            raise RegistryError(404, "MANIFEST_UNKNOWN", "manifest unknown")
        if _MANIFEST not in request.header("accept"):
            raise RegistryError(404, "MANIFEST_UNKNOWN", f"the Accept header does not support {_MANIFEST}")
        return Response(200, self.manifests[digest], _MANIFEST, {"Docker-Content-Digest": digest})


def _password(request: Request) -> str | None:
    scheme, _, value = request.header("authorization").partition(" ")
    if scheme != "Basic":
        return None
    try:
        return base64.b64decode(value, validate=True).decode().partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        return ""


def _new_digest() -> str:
    return _digest(secrets.token_bytes(16))


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"
