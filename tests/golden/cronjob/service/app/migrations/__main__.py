"""Brings the database up to date: ``python -m app.migrations``.

Runs the files of this folder that have not run yet, by their names, and notes each in the table schema_migrations.
"""

import logging
import os
import sys
from importlib.resources import files

import psycopg
from psycopg.conninfo import make_conninfo

from app import logs
from app.database import connection_arguments
from app.settings import Settings

log = logging.getLogger(__name__)

# One process at a time; the lock ends with the connection.
LOCK = "SELECT pg_advisory_lock(hashtext('schema_migrations'))"
TABLE = "CREATE TABLE IF NOT EXISTS schema_migrations (name text PRIMARY KEY)"


def migrate(connection: psycopg.Connection) -> None:
    """Run what has not run yet; raises psycopg.Error where a statement fails, and undoes what its file did."""
    with connection.cursor() as cursor:
        cursor.execute(LOCK)
        cursor.execute(TABLE)
        cursor.execute("SELECT name FROM schema_migrations")
        known = {name for (name,) in cursor.fetchall()}
        for file in sorted(files(__package__).iterdir(), key=lambda file: file.name):
            if file.name.endswith(".sql") and file.name not in known:
                cursor.execute(file.read_text(encoding="utf-8"))
                cursor.execute("INSERT INTO schema_migrations (name) VALUES (%s)", (file.name,))
                connection.commit()
                log.info("migrated: %s", file.name)


def main() -> int:
    """Migrate; 0 where it went well, and 1 where it failed."""
    logs.configure(Settings.from_environment(os.environ).log_level)
    arguments = connection_arguments(os.environ)
    if not arguments:
        log.error("no database is configured")
        return 1
    try:
        with psycopg.connect(make_conninfo(**arguments)) as connection:
            migrate(connection)
    except psycopg.Error:
        log.exception("failed")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
