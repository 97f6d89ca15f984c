"""Git, through the program that the user has installed.

Nothing here touches the files of a checkout that a person works in, except ``Repository.switch``, which a person asks
for: commits for the infra repository are built from objects, and a new service's repository is built beside its
destination and then moved there. No command runs the user's own programs (hooks, monitors, filters, merge drivers), and
only a push or fetch sees a token. Which settings count is in ``process``; docs/decisions/0031-git-settings.md says why.
"""

from __future__ import annotations

from generator.clients.git.authors import FALLBACK_AUTHOR, Signature
from generator.clients.git.creation import adopt_folder, create_repository, locked, scratch_repository, write_files
from generator.clients.git.merging import merge_file, merges
from generator.clients.git.remote import Remote
from generator.clients.git.repository import REMEDY_FOR_UNFIT, Repository
from generator.clients.git.signing import Signer
from generator.clients.git.working_tree import filtered, staged_executables, uncommitted

__all__ = [
    "FALLBACK_AUTHOR",
    "REMEDY_FOR_UNFIT",
    "Remote",
    "Repository",
    "Signature",
    "Signer",
    "adopt_folder",
    "create_repository",
    "filtered",
    "locked",
    "merge_file",
    "merges",
    "scratch_repository",
    "staged_executables",
    "uncommitted",
    "write_files",
]
