"""A pytest plugin for a service's own tests: a module that needs a package which is not here is left out, and noted.

The job's machine installs nothing. What is left out because of the service itself (a module of its own that is
missing) is not: pytest meets that error itself.
"""

from __future__ import annotations

import importlib.util
import json
import os
from pathlib import Path


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Whether a module cannot be imported on this machine, where a real one would have installed what it needs."""
    if not (collection_path.name.startswith("test_") and collection_path.suffix == ".py"):
        return None
    missing = _missing(collection_path)
    with Path(os.environ["CHAIN_CALLS"]).open("a", encoding="utf-8") as calls:
        calls.write(json.dumps({"program": "pytest", "module": collection_path.name, "lacks": missing}) + "\n")
    return True if missing else None


def _missing(path: Path) -> str:
    spec = importlib.util.spec_from_file_location(f"looked_at_{path.stem}", path)
    if spec is None or spec.loader is None:
        return ""
    try:
        spec.loader.exec_module(importlib.util.module_from_spec(spec))
    except ModuleNotFoundError as error:
        package = str(error.name).partition(".")[0]
        return "" if Path(package).exists() else package
    except Exception:  # noqa: BLE001 - whatever else is wrong is pytest's to tell
        return ""
    return ""
