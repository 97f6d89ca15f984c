"""Runs several checks at once, so that a dead system neither hides nor delays another."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TypeVar

from generator.base.checks import Check, CheckState
from generator.base.errors import NewserviceError, PreflightError

Seen = TypeVar("Seen")

_NOT_AS_DESCRIBED = (AttributeError, LookupError, TypeError, ValueError)
"""What is raised on reading an answer that is JSON, but not the JSON of that system."""


def attempt(name: str, look: Callable[[], Seen], failure: CheckState = CheckState.FAILED) -> Seen | Check:
    """What ``look`` sees, or a check that says why it saw nothing; ``failure`` is for systems that fail to answer."""
    try:
        return look()
    except PreflightError as error:
        return Check(name, CheckState.FAILED, error.message, error.hint)
    except NewserviceError as error:
        return Check(name, failure, error.message, error.hint)
    except _NOT_AS_DESCRIBED as error:
        summary = f"the answer is not one that this system gives ({type(error).__name__})"
        return Check(name, failure, summary, "the address is wrong, or a proxy answered; check the platform profile")


@dataclass
class Part:
    """Checks that run one after the other, and the ids that are reported in any case.

    A check that ``look`` does not reach is reported as unknown, with the one that prevented it.
    """

    ids: tuple[str, ...]
    look: Callable[[], Iterable[Check]]
    _found: dict[str, Check] = field(default_factory=dict)
    _fault: BaseException | None = None

    def run(self) -> None:
        """Run check after check; an error in between belongs to the next one."""
        try:
            for check in self.look():
                self._found[check.id] = check
        except NewserviceError as error:
            name = next((name for name in self.ids if name not in self._found), "")
            if name:
                self._found[name] = Check(name, CheckState.FAILED, error.message, error.hint)
            else:
                self._fault = error
        except BaseException as error:  # noqa: BLE001 - our own bug, raised again once the others have finished
            self._fault = error

    def checks(self, late: str = "") -> list[Check]:
        """Every check of this part: those of ``ids``, or all that were found if it has no ids.

        ``late`` is the summary for a part that did not finish in time. Raises again what was a bug of newservice.
        """
        if self._fault is not None:
            raise self._fault
        found = dict(self._found)
        waiting = next((name for name in self.ids if name not in found), "") if late else ""
        if waiting:
            remedy = "check that the system is up, and check the network"
            found[waiting] = Check(waiting, CheckState.FAILED, late, remedy)
        failed = next((check.id for check in found.values() if check.state is CheckState.FAILED), "")
        why = f"not proven: see {failed}" if failed else "not proven"
        return [found.get(name) or Check(name, CheckState.UNKNOWN, why) for name in self.ids or found]


def gather(parts: Iterable[Part], seconds: float | None = None) -> list[Check]:
    """All checks of all parts in their order, after at most ``seconds`` if given.

    Threads that are still waiting then are left to their own time limits; they end with the process.
    """
    started = [(part, threading.Thread(target=part.run, name="newservice-look", daemon=True)) for part in parts]
    for _, thread in started:
        thread.start()
    deadline = None if seconds is None else time.monotonic() + seconds
    for _, thread in started:
        thread.join(None if deadline is None else max(deadline - time.monotonic(), 0))
    late = f"no answer within {seconds:g} s" if seconds is not None else ""
    return [check for part, thread in started for check in part.checks(late if thread.is_alive() else "")]
