"""Runs the job once: ``python -m app``."""

import logging
import os
import signal
import sys
import time

from app import job, logs
from app.settings import Settings

log = logging.getLogger(__name__)


def main() -> int:
    """Run the job; 0 where it went well, and 1 where it failed."""
    settings = Settings.from_environment(os.environ)
    logs.configure(settings.log_level)
    # The first process of a container ignores SIGTERM unless it says otherwise.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    log.info("started, version %s", settings.version)
    started = time.perf_counter()
    try:
        job.run()
    except Exception:
        log.exception("failed")
        return 1
    log.info("finished in %.3f seconds", time.perf_counter() - started)
    return 0


if __name__ == "__main__":
    sys.exit(main())
