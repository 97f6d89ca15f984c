"""The sandbox's Vault: tokens, health, namespaces, and the secrets engines that are mounted in each."""

from __future__ import annotations

from generator.sandbox.vault.application import Vault
from generator.sandbox.vault.engine import Engine
from generator.sandbox.vault.kv import KvTwo
from generator.sandbox.vault.kv_one import KvOne
from generator.sandbox.vault.state import Namespace, Token
from generator.sandbox.vault.versions import Settings, Version

__all__ = ["Engine", "KvOne", "KvTwo", "Namespace", "Settings", "Token", "Vault", "Version"]
