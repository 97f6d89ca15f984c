"""The job."""

import asyncio
import logging

from app import database

log = logging.getLogger(__name__)


def run() -> None:
    """Do what the job is for, which goes here; an exception makes the run a failed one."""
    if not asyncio.run(database.is_reachable()):
        raise RuntimeError("the database doesn't answer")
    log.info("done")
