"""The folders of the person who runs newservice: home, configuration, state and cache.

An account may have none of them: containers run under numbers without an entry in the list of accounts, and without
HOME. A HOME or XDG variable that is not absolute counts as unset, as the XDG specification has it.
"""

from __future__ import annotations

import os
import pwd
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from platformdirs import user_cache_path, user_config_path, user_state_path

NO_HOME = "this account has no home folder: HOME is not set to an absolute path, and the account has no entry"
"""Why a folder of the person's does not exist, for messages."""


def home(environ: Mapping[str, str] = os.environ) -> Path | None:
    """The person's home, by HOME or by the account; None without one."""
    if os.path.isabs(environ.get("HOME", "")):
        return Path(environ["HOME"])
    with suppress(KeyError):
        place = pwd.getpwuid(os.getuid()).pw_dir
        return Path(place) if os.path.isabs(place) else None
    return None


def expanded(text: str) -> Path:
    """A path that a person wrote, with ``~`` as the home; unchanged where no home is known."""
    first, slash, rest = text.partition("/")
    if first == "~":
        folder = home()
        return Path(text) if folder is None else folder / rest if slash else folder
    return Path(os.path.expanduser(text))


def config_folder() -> Path | None:
    """newservice's folder of the person's configuration; None without a home."""
    return _known(user_config_path)


def state_folder() -> Path | None:
    """newservice's folder of what it keeps for the person; None without a home."""
    return _known(user_state_path)


def cache_folder() -> Path | None:
    """newservice's folder of what may be deleted at any time; None without a home."""
    return _known(user_cache_path)


def _known(look: Callable[[str], Path]) -> Path | None:
    try:
        place = look("newservice")
    except RuntimeError:  # platformdirs' word for no home; its earlier versions return a relative path
        return None
    return place if place.is_absolute() else None
