"""What Vault knows beside secrets: tokens and what they may do, and namespaces with their mounts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from generator.sandbox.vault.engine import Engine, Other
from generator.sandbox.vault.kv import KvOne, KvTwo

_ALL = ("create", "delete", "list", "patch", "read", "update")
_BELOW_ANY_MOUNT = ("*", "data/", "metadata/", "delete/", "undelete/", "destroy/")


@dataclass
class Token:
    """What a token is and may do: capabilities by path (``*`` at the end stands for anything).

    A rule's path begins with the mount, as a policy's does, or stands below every mount (``data/*``). The longest rule
    that fits counts. ``namespace`` is where the token is at home: it is good there and below. ``seconds`` is the life
    that is left, 0 without end.
    """

    policies: list[str] = field(default_factory=lambda: ["default", "sandbox"])
    seconds: int = 3600
    rules: dict[str, set[str]] = field(default_factory=lambda: {"*": set(_ALL)})
    namespace: str = ""

    def capabilities(self, below: str, whole: str = "") -> list[str]:
        """What it may do at a path: ``below`` begins after the mount, ``whole`` with it."""
        fitting = [rule for rule in self.rules if _fits(rule, below) or (whole and _fits(rule, whole))]
        held = self.rules[max(fitting, key=len)] if fitting else set()
        return sorted(held) if held else ["deny"]

    def sees(self, mount: str) -> bool:
        """Whether it may do anything on or below a mount."""
        if self.capabilities("", f"{mount}/") != ["deny"]:
            return True
        below = (f"{mount}/", *_BELOW_ANY_MOUNT[1:])
        return any(held and rule.startswith(below) for rule, held in self.rules.items())

    def good_in(self, namespace: str) -> bool:
        """Whether it is known in a namespace."""
        return not self.namespace or f"{namespace}/".startswith(f"{self.namespace}/")

    def seen_from_home(self, namespace: str, path: str) -> str:
        """A path of a namespace as this token's policies write it."""
        between = namespace.removeprefix(self.namespace).strip("/")
        return f"{between}/{path}" if between else path


def _fits(rule: str, path: str) -> bool:
    return rule == path or (rule[-1:] == "*" and path.startswith(rule[:-1]))


class Namespace:
    """One namespace and its mounts. ``path`` is empty for the root namespace."""

    def __init__(self, path: str) -> None:
        self.path = path
        own = {"cubbyhole": "cubbyhole", "identity": "identity", "sys": "system"}
        self.mounts: dict[str, Engine] = {name: _engine(name, kind, 0) for name, kind in own.items()}

    def mount(self, path: str, *, kind: str = "kv", version: int = 2) -> Engine:
        """Mount an engine. Raises ValueError where the path, or one above or below it, is in use."""
        path = path.strip("/")
        for used in self.mounts:
            if f"{path}/".startswith(f"{used}/") or f"{used}/".startswith(f"{path}/"):
                raise ValueError(f"path is already in use at {used}/")
        self.mounts[path] = _engine(path, kind, version)
        return self.mounts[path]

    def unmount(self, path: str) -> None:
        """Remove a mount with everything in it. Raises KeyError if it does not exist."""
        del self.mounts[path.strip("/")]

    def holding(self, path: str) -> Engine | None:
        """The engine that a path leads to; None where it leads nowhere."""
        return next((engine for name, engine in self.mounts.items() if f"{path}/".startswith(f"{name}/")), None)

    def stored(self) -> dict[str, Any]:
        """Everything that any engine holds, by path; with the namespace before it, where it has a name."""
        prefix = f"{self.path}: " if self.path else ""
        return {
            f"{prefix}{name}/{path}": value
            for name, engine in self.mounts.items()
            for path, value in engine.stored().items()
        }


def _engine(path: str, kind: str, version: int) -> Engine:
    """An engine of a kind. ``version`` is that of KV, and of no meaning elsewhere."""
    if kind == "kv":
        return (KvTwo if version == 2 else KvOne)(path, kind, {"version": str(version)})
    return (KvOne if kind in ("cubbyhole", "generic") else Other)(path, kind, None)
