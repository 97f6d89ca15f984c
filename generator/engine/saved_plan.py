"""A plan that is kept to be carried out later: to and from a document, and what moved since. Pure.

The document holds no secret: answers are public, the sources of seeds are references, contents are digests.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from generator.base.errors import UsageError
from generator.base.external import ExternalTextError, read_json
from generator.base.secrets import redacted
from generator.engine.plan import Plan
from generator.engine.plan_inputs import Basis

SCHEMA = 1
"""Version of the document."""

KIND = "newservice plan"

Item = Mapping[str, Any]


@dataclass(frozen=True)
class SavedPlan:
    """What a plan saw and wants, and where it is to be carried out.

    ``begun``: it was begun to be carried out, so that what it wanted may be there by its own doing. ``own``: it was
    read from a document that this person made on this machine.
    """

    service: str
    digest: str
    basis: Basis
    steps: tuple[Item, ...]
    files: tuple[Item, ...]
    registrations: tuple[Item, ...]
    provision: bool
    service_dir: Path
    infra: Path
    seeds: tuple[str, ...] = ()
    begun: bool = False
    own: bool = field(default=False, compare=False)

    @property
    def started(self) -> SavedPlan:
        """The same, about to be carried out."""
        return replace(self, begun=True)


def keep(plan: Plan, *, provision: bool, service_dir: Path, infra: Path, seeds: tuple[str, ...] = ()) -> SavedPlan:
    """A plan as it is kept; ``seeds`` are references, never values. Raises ``ValueError`` for one without a basis."""
    if plan.basis is None:
        raise ValueError("a plan is kept together with what it was made from")
    return SavedPlan(
        service=plan.service,
        digest=plan.digest,
        basis=plan.basis,
        steps=tuple(plan.as_document()["steps"]),
        files=tuple(
            {
                "repo": item.repo,
                "path": item.path,
                "action": item.shown,
                "before": None if item.before is None else content_digest(item.before.content),
                "after": content_digest(item.content),
            }
            for item in plan.files
        ),
        registrations=tuple(
            {
                "id": item.id,
                "path": item.path,
                "action": item.action,
                "before": content_digest(item.before.encode()),
                "after": content_digest(item.after.encode()),
            }
            for item in plan.registrations
        ),
        provision=provision,
        service_dir=service_dir,
        infra=infra,
        seeds=seeds,
    )


def content_digest(content: bytes) -> str:
    """A file's content as a document records it."""
    return "sha256:" + hashlib.sha256(content).hexdigest()


def to_text(saved: SavedPlan, key: bytes | None = None) -> str:
    """The document as JSON text, with the mark of who holds ``key``.

    Everything passes the last net under secrets, as whatever is printed does.
    """
    basis = saved.basis.as_document()
    document = {
        "kind": KIND,
        "schema": SCHEMA,
        "service": saved.service,
        "digest": saved.digest,
        "begun": saved.begun,
        **basis,
        "profile": {"source": saved.basis.profile_source, **basis["profile"]},
        "provision": saved.provision,
        "service_dir": str(saved.service_dir),
        "infra": str(saved.infra),
        "seeds": list(saved.seeds),
        "steps": list(saved.steps),
        "files": list(saved.files),
        "registrations": list(saved.registrations),
    }
    clean = redacted(document)
    if key:
        clean["mark"] = _mark(clean, key)
    return json.dumps({**clean, "checksum": _checksum(clean)}, indent=2, ensure_ascii=False) + "\n"


def from_text(text: str, where: str, key: bytes | None = None) -> SavedPlan:
    """The plan in a document, which is one's own where ``key`` made its mark.

    Raises ``UsageError`` for a text that is no saved plan, one of a newer newservice, and one that is not as it was
    written.
    """
    document = _document(text)
    if document is None:
        raise UsageError("plan.unreadable", f"{where} is no plan that newservice saved", "newservice plan --out FILE")
    if document.get("schema") != SCHEMA:
        raise UsageError(
            "plan.newer",
            f"{where} is a plan of form {document.get('schema')}, and this newservice reads form {SCHEMA}",
            "use the newservice that made it, or make a new plan",
        )
    recorded = document.pop("checksum", None)
    try:
        if recorded != _checksum(document):
            raise ValueError("checksum")
        mark = str(document.pop("mark", ""))
        own = key is not None and hmac.compare_digest(mark.encode(), _mark(document, key).encode())
        return replace(_saved(document), own=own)
    except (KeyError, TypeError, ValueError, AttributeError):
        raise UsageError(
            "plan.damaged", f"{where} is not as newservice wrote it", "a plan is not edited: make a new one"
        ) from None


def is_plan(text: str) -> bool:
    """Whether a text is a saved plan, whole or not: one that may be replaced by another."""
    return _document(text) is not None


def _document(text: str) -> dict[str, Any] | None:
    try:
        document = read_json(text)
    except ExternalTextError:
        return None
    return document if isinstance(document, dict) and document.get("kind") == KIND else None


def _saved(document: Mapping[str, Any]) -> SavedPlan:
    template, profile = document["template"], document["profile"]
    return SavedPlan(
        service=str(document["service"]),
        digest=str(document["digest"]),
        basis=Basis(
            newservice=document["newservice"],
            template=template["version"],
            template_digest=template["digest"],
            profile_source=profile["source"],
            profile_digest=profile["digest"],
            profile=dict(profile["values"]),
            answers=dict(document["answers"]),
        ),
        steps=_items(document["steps"], "id", "state", "action", "summary"),
        files=_items(document["files"], "repo", "path", "action", "before", "after"),
        registrations=_items(document["registrations"], "id", "path", "action", "before", "after"),
        provision=bool(document["provision"]),
        service_dir=Path(document["service_dir"]),
        infra=Path(document["infra"]),
        seeds=tuple(map(str, document["seeds"])),
        begun=bool(document["begun"]),
    )


def _items(found: Any, *keys: str) -> tuple[Item, ...]:
    for item in found:
        for key in keys:
            item[key]
    return tuple(found)


def _checksum(document: Mapping[str, Any]) -> str:
    return content_digest(json.dumps(document, sort_keys=True).encode())


def _mark(document: Mapping[str, Any], key: bytes) -> str:
    """Who has the key has made, or carried out, this very document."""
    return "hmac-sha256:" + hmac.new(key, json.dumps(document, sort_keys=True).encode(), hashlib.sha256).hexdigest()
