"""Settings, read from the environment."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    """What the environment may change."""

    port: int = 8080
    log_level: str = "INFO"
    version: str = "dev"
    drain_seconds: int = 5
    shutdown_seconds: int = 20  # with the above less than the 30 that Kubernetes gives a pod to end

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> "Settings":
        """Read PORT, LOG_LEVEL, VERSION, DRAIN_SECONDS and SHUTDOWN_SECONDS; raises ValueError where one makes no sense."""
        level = environ.get("LOG_LEVEL", cls.log_level).upper()
        if level not in logging.getLevelNamesMapping():
            raise ValueError(f"LOG_LEVEL is not a log level: {level}")
        return cls(
            port=int(environ.get("PORT", cls.port)),
            log_level=level,
            version=environ.get("VERSION", cls.version),
            drain_seconds=int(environ.get("DRAIN_SECONDS", cls.drain_seconds)),
            shutdown_seconds=int(environ.get("SHUTDOWN_SECONDS", cls.shutdown_seconds)),
        )
