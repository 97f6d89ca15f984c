"""``newservice``, and ``python -m generator``: the process, from its first line on.

Until the command listens to signals itself (most of a start is imports), one ends the process here: in words, with the
interface's exit code, and with a result where the arguments ask for JSON.
"""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress
from types import FrameType

_RESULT = (
    b'{"event": "result", "schema": 1, "status": "refused", "exit_code": 130, "service": "", "urls": {}, '
    b'"next": ["run the same command again"]}\n'
)


def _stop(_number: int, _frame: FrameType | None) -> None:
    with suppress(OSError):
        if "--json" in sys.argv:
            os.write(1, _RESULT)
        elif "_NEWSERVICE_COMPLETE" not in os.environ:  # there a person is typing
            os.write(2, b"\nstopped; nothing was written\n")
    os._exit(130)


def main() -> None:
    """Run the command and end the process with the interface's exit code."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # as under nohup
            signal.signal(number, _stop)
    from generator.cli import main as run  # most of a start

    run()


if __name__ == "__main__":
    main()
