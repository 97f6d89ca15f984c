"""What Vault knows beside secrets: tokens and what they may do, and namespaces with their mounts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from generator.sandbox.vault.engine import BUILT_IN, Engine, Other
from generator.sandbox.vault.kv import KvTwo
from generator.sandbox.vault.kv_one import KvOne

_ALL = ("create", "delete", "list", "patch", "read", "update")
_DEFAULT: dict[str, set[str]] = {
    "auth/token/lookup-self": {"read"},
    "cubbyhole/*": {"create", "delete", "list", "read", "update"},
    "sys/capabilities-self": {"update"},
}
"""What the policy ``default`` allows, as far as the sandbox has it."""


@dataclass
class Token:
    """What a token is and may do: capabilities by path (``*`` at the end stands for anything).

    A rule's path begins with the mount, as a policy's does; the longest rule that fits counts. ``namespace`` is where
    the token is at home: it is good there and below. ``seconds`` is the life that is left, 0 without end. ``uses`` are
    the requests that are left, 0 without limit; what has had its last one is not known any more.
    """

    policies: list[str] = field(default_factory=lambda: ["default", "sandbox"])
    seconds: int = 3600
    rules: dict[str, set[str]] = field(default_factory=lambda: {"*": set(_ALL)})
    namespace: str = ""
    uses: int = 0
    renewable: bool = True

    def capabilities(self, path: str) -> list[str]:
        """What it may do at a path, which begins with the mount."""
        rules = (_DEFAULT if "default" in self.policies else {}) | self.rules
        fitting = [rule for rule in rules if _fits(rule, path.lstrip("/"))]
        held = rules[max(fitting, key=lambda rule: (rule[-1:] != "*", len(rule)))] if fitting else set()
        return sorted(held) if held else ["deny"]

    def sees(self, mount: str) -> bool:
        """Whether it may do anything on or below a mount."""
        if self.capabilities(f"{mount}/") != ["deny"]:
            return True
        return any(held and rule.startswith(f"{mount}/") for rule, held in self.rules.items())

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
    if kind in ("cubbyhole", "generic"):
        return KvOne(path, kind, None)
    return Other(path, kind, None if kind in BUILT_IN else {})
