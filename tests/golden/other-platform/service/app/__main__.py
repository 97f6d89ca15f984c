"""Runs the service: ``python -m app``."""

import os

import uvicorn

from app import logs
from app.main import app
from app.settings import Settings


def main() -> None:
    """Serve until SIGTERM or SIGINT; requests under way may finish first."""
    settings = Settings.from_environment(os.environ)
    logs.configure(settings.log_level)
    uvicorn.run(
        app,
        host="0.0.0.0",  # all interfaces of the container
        port=settings.port,
        log_config=None,  # uvicorn's loggers go through ours
        server_header=False,
        timeout_graceful_shutdown=settings.shutdown_seconds,
    )


if __name__ == "__main__":
    main()
