"""The database connection."""

import asyncio
import logging
import os
from collections.abc import Mapping

import psycopg
from psycopg.conninfo import make_conninfo

# psycopg's argument: the variable that holds it. The password is rotated; a restart brings the new one.
VARIABLES = {
    "conninfo": "RATES_DSN",
}

log = logging.getLogger(__name__)


def connection_arguments(environ: Mapping[str, str]) -> dict[str, str]:
    """psycopg's arguments that the environment holds; empty where no database is configured."""
    return {name: environ[key] for name, key in VARIABLES.items() if environ.get(key)}


async def is_reachable(timeout_seconds: float = 2) -> bool:
    """Whether the database answers a query; never raises for a database that is away."""
    arguments = connection_arguments(os.environ)
    if not arguments:
        return False
    try:
        async with (
            asyncio.timeout(timeout_seconds),
            await psycopg.AsyncConnection.connect(make_conninfo(**arguments)) as connection,
        ):
            await connection.execute("SELECT 1")
    except (psycopg.Error, TimeoutError) as error:
        log.warning("database unreachable: %s", type(error).__name__)  # the text may hold the DSN
        return False
    return True
