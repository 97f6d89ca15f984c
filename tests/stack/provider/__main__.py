"""``python -m tests.stack.provider RECORD``: what Terraform starts as a provider."""

from __future__ import annotations

import sys
from pathlib import Path

from .server import serve

sys.exit(serve(Path(sys.argv[1])))
