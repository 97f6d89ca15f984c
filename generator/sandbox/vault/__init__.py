"""The sandbox's Vault: tokens, health, namespaces, and the secrets engines that are mounted in each."""

from __future__ import annotations

from generator.sandbox.vault.application import Vault
from generator.sandbox.vault.engine import Engine
from generator.sandbox.vault.kv import KvOne, KvTwo, Version
from generator.sandbox.vault.state import Namespace, Token

__all__ = ["Engine", "KvOne", "KvTwo", "Namespace", "Token", "Vault", "Version"]
