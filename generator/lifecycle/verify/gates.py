"""Judges what strangers meet at a service's addresses: the single sign-on, its own login, content, or nothing. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlsplit

from generator.base.checks import Check, CheckState
from generator.base.errors import NotAliveError
from generator.lifecycle.verify.sights import Met, Record, Sight, met
from generator.platform.profile import SignOn
from generator.template.answers import Door

SITE = "site.gate"
"""Id of the check."""

MOST_SHOWN = 4
"""How many groups of addresses one line names."""


class Verdict(StrEnum):
    """What that means; the worst first."""

    OPEN = "open"
    EXPOSED = "exposed"
    WALLED = "walled"
    UNSEEN = "unseen"
    ABSENT = "absent"
    RIGHT = "right"


@dataclass(frozen=True)
class Judged:
    """A door with its verdict, and what was met in a few words; ``outside``: by public DNS."""

    door: Door
    verdict: Verdict
    words: str
    outside: bool = False


_WANTED: dict[str, frozenset[Met]] = {
    "login": frozenset({Met.LOGIN, Met.OWN_LOGIN, Met.REFUSED}),
    "own login": frozenset({Met.CONTENT, Met.OWN_LOGIN, Met.REFUSED}),
    "session": frozenset({Met.ANONYMOUS, Met.CONTENT, Met.REFUSED}),
    "page": frozenset({Met.CONTENT, Met.REFUSED}),
}
"""What may be met, by what a door is to have (``Door.meets``)."""


def judge_door(sight: Sight, sign_on: SignOn) -> Judged:
    """The verdict on one door."""
    found, words = met(sight, sign_on)
    door = sight.door
    if sight.record is not None:
        return Judged(door, *_from_outside(door, sight.record, found, words, sign_on), outside=True)
    verdict = _verdict(door, found, sign_on)
    home = door.reach != "public" and found not in (Met.NOBODY, Met.SILENCE)
    return Judged(door, verdict, f"{words}, for this machine on the home network" if home else words)


def _verdict(door: Door, found: Met, sign_on: SignOn) -> Verdict:
    if found is Met.NOBODY:
        return Verdict.ABSENT
    if found is Met.DOWN and door.parked:
        return Verdict.RIGHT
    if found in (Met.DOWN, Met.SILENCE):
        return Verdict.UNSEEN
    if found in _WANTED[door.meets] or (door.meets == "session" and found is Met.LOGIN and not sign_on.anonymous):
        return Verdict.RIGHT
    return Verdict.OPEN if door.meets == "login" else Verdict.WALLED


def _from_outside(door: Door, record: Record, found: Met, words: str, sign_on: SignOn) -> tuple[Verdict, str]:
    """The verdict on a look by public DNS: what it could not see changes nothing, since the other look counts."""
    if record.unasked:
        return Verdict.RIGHT, f"not looked at ({record.unasked})"
    if not record.reachable:
        known = f"public DNS leads to {', '.join(record.addresses)}, which nobody outside reaches"
        words = known if record.addresses else "public DNS does not know the name"
        return (Verdict.ABSENT if door.reach == "public" else Verdict.RIGHT), words
    if found in (Met.DOWN, Met.SILENCE):
        return Verdict.RIGHT, words
    if door.reach == "public":
        return _verdict(door, found, sign_on), words
    return (Verdict.RIGHT if found in (Met.NOBODY, Met.REFUSED) else Verdict.EXPOSED), words


def judge_gates(judged: Sequence[Judged], remedy: Callable[[], str], again: str) -> Check:
    """One check from all doors.

    ``remedy`` says how what is wrong is put right, and is only asked then; ``again`` what brings what is not applied.
    """
    facts = {"pages": [_document(item) for item in judged]}
    by_verdict = {verdict: [item for item in judged if item.verdict is verdict] for verdict in Verdict}
    error = _error(by_verdict, remedy)
    if error is not None:
        return Check(SITE, CheckState.FAILED, error.message, error.hint, error.code, facts)
    if found := by_verdict[Verdict.UNSEEN]:
        hint = "see whether the service runs and the load balancer serves it, then run the same command again"
        return Check(SITE, CheckState.UNKNOWN, f"can't be judged: {_listed(found)}", hint, facts=facts)
    if found := by_verdict[Verdict.ABSENT]:
        return Check(SITE, CheckState.WAITING, f"not applied yet: {_listed(found)}", again, facts=facts)
    return Check(SITE, CheckState.OK, f"as the answers say: {_listed(judged)}", facts=facts)


def _error(by_verdict: dict[Verdict, list[Judged]], remedy: Callable[[], str]) -> NotAliveError | None:
    wrong = [item for verdict in (Verdict.OPEN, Verdict.EXPOSED, Verdict.WALLED) for item in by_verdict[verdict]]
    if not wrong:
        return None
    listed = _listed(wrong, gates=True)
    if by_verdict[Verdict.OPEN]:
        return NotAliveError("gate.open", f"open to strangers: {listed}", remedy())
    if by_verdict[Verdict.EXPOSED]:
        return NotAliveError("gate.exposed", f"reached from outside: {listed}", remedy())
    return NotAliveError("gate.walled", f"behind a login that should not be there: {listed}", remedy())


def _listed(judged: Sequence[Judged], *, gates: bool = False) -> str:
    """Addresses with what was met there; paths of one host where the same was met stand together."""
    groups: dict[tuple[str, str, bool], list[str]] = {}
    for item in judged:
        parts = urlsplit(item.door.url)
        words = f"{item.words}{f'; {_expected(item.door)}' if gates else ''}"
        groups.setdefault((f"{parts.scheme}://{parts.netloc}", words, item.outside), []).append(parts.path)
    shown = [
        f"{host}{', '.join(paths)}{' from outside' if outside else ''} ({words})"
        for (host, words, outside), paths in groups.items()
    ]
    more = f" and {len(shown) - MOST_SHOWN} more" if len(shown) > MOST_SHOWN else ""
    return "; ".join(shown[:MOST_SHOWN]) + more


def _expected(door: Door) -> str:
    place = door.what if door.what == "auth" else f"{door.what}.auth"
    return f"{place} is {door.auth}{'' if door.reach == 'public' else f', {door.reach} only'}"


def _document(item: Judged) -> dict[str, object]:
    door = item.door
    return {
        "url": door.url,
        "auth": door.auth,
        "answer": door.what,
        "reach": door.reach,
        "outside": item.outside,
        "verdict": item.verdict.value,
        "seen": item.words,
    }


@dataclass(frozen=True)
class Cause:
    """What may explain a gate that is not as the answers say.

    ``stack`` is its folder, ``edited`` the Terraform files there that differ from what the answers make, ``merged``
    whether it is on the default branch at all. ``change`` is the command that makes the wanted answers of the recorded.
    """

    stack: str
    branch: str
    merged: bool
    edited: tuple[str, ...] = ()
    change: str = ""

    @property
    def remedy(self) -> str:
        """What puts the gate right."""
        if self.change:
            return f"{self.change}, then merge and apply it"
        if self.edited:
            files = ", ".join(self.edited)
            return (
                f"{files} on {self.branch} is not what the answers make: `git log -p -- {self.edited[0]}` in the infra "
                f"clone shows the edit; revert it, merge that, and see that {self.stack} is applied"
            )
        if self.merged:
            return (
                f"the files of {self.stack} on {self.branch} say what the answers say: apply {self.stack}; if it is "
                "applied, look for another ingress of this host"
            )
        return f"{self.stack} is not on {self.branch}: something else answers for this host; find it, or choose another"
