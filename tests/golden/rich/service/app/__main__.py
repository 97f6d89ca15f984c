"""Runs the service: ``python -m app``."""

import contextlib
import os

import uvicorn
from prometheus_client import Info

from app import logs
from app.main import app
from app.server import Protocol, Server
from app.settings import Settings


def main() -> None:
    """Serve until SIGTERM or SIGINT; requests under way may finish first."""
    settings = Settings.from_environment(os.environ)
    logs.configure(settings.log_level)
    app.version = settings.version
    Info("build", "What runs.").info({"version": settings.version})
    config = uvicorn.Config(
        app,
        host="0.0.0.0",  # all interfaces of the container
        port=settings.port,
        http=Protocol,
        log_config=None,  # uvicorn's loggers go through ours
        server_header=False,
        timeout_keep_alive=120,  # longer than proxies keep theirs, which never meet a closed one
        timeout_graceful_shutdown=settings.shutdown_seconds,
    )
    with contextlib.suppress(KeyboardInterrupt):
        Server(config, settings.drain_seconds).run()


if __name__ == "__main__":
    main()
