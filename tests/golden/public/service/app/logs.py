"""Structured logs: one JSON object a line, on standard output."""

import json
import logging
import sys
from datetime import UTC, datetime

QUIET_PATHS = ("/healthz", "/metrics", "/livez")


class JsonFormatter(logging.Formatter):
    """Formats a record as JSON."""

    def format(self, record: logging.LogRecord) -> str:
        entry = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info and record.exc_info[0]:
            entry["exception"] = self.formatException(record.exc_info)
        return json.dumps(entry, ensure_ascii=False)


def is_worth_logging(record: logging.LogRecord) -> bool:
    """Whether a line of uvicorn's access log is more than a probe or a scrape that went well."""
    match record.args:
        case (_, _, str(path), _, int(status)) if status < 400:
            return path.partition("?")[0] not in QUIET_PATHS
    return True


def configure(level: str) -> None:
    """Send every logger's records, uvicorn's included, to standard output as JSON."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.getLogger("uvicorn.access").addFilter(is_worth_logging)
