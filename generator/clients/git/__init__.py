"""Git, through the program that the user has installed.

Nothing here touches the files of a checkout that a person works in, except ``Repository.switch``, which a person asks
for: commits for the infra repository are built from objects, and a new service's repository is built beside its
destination and then moved there. No command runs the user's own programs (hooks, monitors, filters), and only a push
or fetch sees a token.
"""

from __future__ import annotations

import os

os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")  # a missing git is reported when it is needed, not on import

from generator.clients.git.authors import FALLBACK_AUTHOR, Signature
from generator.clients.git.creation import adopt_folder, create_repository, locked, scratch_repository, write_files
from generator.clients.git.merging import merge_file, merges
from generator.clients.git.remote import Remote
from generator.clients.git.repository import REMEDY_FOR_UNFIT, Repository
from generator.clients.git.signing import Signer
from generator.clients.git.status import uncommitted

__all__ = [
    "FALLBACK_AUTHOR",
    "REMEDY_FOR_UNFIT",
    "Remote",
    "Repository",
    "Signature",
    "Signer",
    "adopt_folder",
    "create_repository",
    "locked",
    "merge_file",
    "merges",
    "scratch_repository",
    "uncommitted",
    "write_files",
]
