"""Signs commits: with a key that the platform profile names, else as the person's git does.

No program may prompt: without a usable key or agent a signature fails, within ``SIGNING_SECONDS``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from generator.base.children import Ended
from generator.base.errors import SystemFailure
from generator.clients.git.process import as_text, configuration, failure, git_process, local_environment, words

SIGNING_SECONDS = 30.0
"""How long a signature may take: a smart card may want to be touched."""

REMEDY = (
    "unlock the key for an agent (gpg-agent, ssh-agent) and try it with `git commit -S`; name another one in git's "
    "user.signingKey, or as connection.signing_key in the platform profile"
)

_PROGRAMS = {"gpg.openpgp.program": "gpg", "gpg.x509.program": "gpgsm", "gpg.ssh.program": "ssh-keygen"}
_READ = r"^(commit\.gpgsign|user\.signingkey|gpg\.format|gpg\.program|gpg\.(openpgp|x509|ssh)\.program"
_READ += r"|gpg\.ssh\.defaultkeycommand)$"

_PROMPTING = ("GPG_TTY", "DISPLAY", "WAYLAND_DISPLAY", "SSH_ASKPASS", "GIT_ASKPASS")
"""Variables by which a program finds a person to ask for a passphrase."""


@dataclass(frozen=True)
class Signer:
    """How commits are signed: git's configuration for it. ``words`` name the key, for people."""

    settings: Mapping[str, str]
    words: str


def signer_for(folder: Path, key: Path | None = None, *, required: bool = False) -> Signer | None:
    """How commits made in ``folder`` are signed; None where the person's git signs none and none is ``required``.

    ``key``: an SSH key that signs all of them. A program that signs is never taken from the repository's own
    configuration, which may be another's.
    """
    if key is not None:
        settings = {"gpg.format": "ssh", "user.signingKey": str(key), "gpg.ssh.program": _PROGRAMS["gpg.ssh.program"]}
        return Signer(settings, f"the SSH key {key}")
    found = _settings(folder)
    if not required and found.get("commit.gpgsign", "").lower() not in ("true", "yes", "on", "1"):
        return None
    kind = found.get("gpg.format", "openpgp")
    default = {"gpg.openpgp.program": found.get("gpg.program", "")}
    settings = {name: found.get(name) or default.get(name) or program for name, program in _PROGRAMS.items()}
    settings |= {"gpg.program": settings["gpg.openpgp.program"], "gpg.format": kind}
    settings["gpg.ssh.defaultKeyCommand"] = found.get("gpg.ssh.defaultkeycommand", "")
    if chosen := found.get("user.signingkey"):
        settings["user.signingKey"] = chosen
    return Signer(settings, f"{kind}, {f'the key {chosen[:60]}' if chosen else 'the default key'}")


def signing_environment(environment: Mapping[str, str], signer: Signer | None) -> dict[str, str]:
    """``environment`` (of ``local_environment``) for a git that may sign; nothing in it can ask a person."""
    if signer is None:
        return dict(environment)
    count = int(environment.get("GIT_CONFIG_COUNT", "0"))
    before = [(environment[f"GIT_CONFIG_KEY_{at}"], environment[f"GIT_CONFIG_VALUE_{at}"]) for at in range(count)]
    quiet = {name: value for name, value in environment.items() if name not in _PROMPTING}
    return {**quiet, **configuration(signer.settings, before), "SSH_ASKPASS_REQUIRE": "never"}


def commit(
    folder: Path, arguments: tuple[str, ...], signer: Signer | None, environment: Mapping[str, str], given: bytes = b""
) -> str:
    """Run a git command that makes a commit, signed where there is a signer; its output.

    Raises ``SystemFailure`` where it fails, ``git.signing`` where that is for the signature.
    """
    ended = git_process(
        folder,
        *(*arguments, *(("--gpg-sign",) if signer else ())),
        environment=signing_environment(environment, signer),
        given=given,
        longest=SIGNING_SECONDS if signer else None,
    )
    if not ended.status:
        return as_text(ended.out)
    if signer is None or not (ended.late or _is_about_signing(ended)):
        raise failure(folder, arguments, ended)
    raise SystemFailure("git.signing", f"a commit can't be signed ({signer.words}): {_why(ended)}", REMEDY)


def try_signing(folder: Path, signer: Signer, identity: Mapping[str, str]) -> None:
    """Sign a commit in an empty repository at ``folder``, which nobody needs. Raises ``SystemFailure`` as ``commit``
    does. ``identity``: git's variables for who commits.
    """
    tree = git_process(folder, "hash-object", "-t", "tree", "-w", "--stdin").out.decode().strip()
    commit(folder, ("commit-tree", tree, "-m", "a trial"), signer, local_environment(identity))


def _settings(folder: Path) -> dict[str, str]:
    """The settings about signatures in force, by name in lower case; programs only from outside the repository."""
    found: dict[str, str] = {}
    asked = ("config", "--null", "--show-scope", "--get-regexp", _READ)
    ended = git_process(folder, *asked, environment={**local_environment(), "GIT_CONFIG_COUNT": "0"})
    parts = as_text(ended.out).split("\0")
    for scope, setting in zip(parts[::2], parts[1::2], strict=False):
        name, given, value = setting.partition("\n")
        runs = name.endswith(("program", "command"))
        if not (runs and scope in ("local", "worktree")):
            found[name] = value if given else "true"  # a name alone says yes
    return found


def _is_about_signing(ended: Ended) -> bool:
    said = words(ended).lower()
    return any(word in said for word in ("sign", "gpg", "key", "passphrase"))


def _why(ended: Ended) -> str:
    if ended.late:
        return f"it took longer than {SIGNING_SECONDS:g} seconds"
    return words(ended)
