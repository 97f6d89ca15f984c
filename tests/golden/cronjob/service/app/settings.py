"""Settings, read from the environment."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    """What the environment may change."""

    log_level: str = "INFO"
    version: str = "dev"

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> "Settings":
        """Read LOG_LEVEL and VERSION; raises ValueError where one makes no sense."""
        level = environ.get("LOG_LEVEL", cls.log_level).upper()
        if level not in logging.getLevelNamesMapping():
            raise ValueError(f"LOG_LEVEL is not a log level: {level}")
        return cls(
            log_level=level,
            version=environ.get("VERSION", cls.version),
        )
