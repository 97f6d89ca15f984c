"""What others do in the middle of a command, on the embedded platform."""

from __future__ import annotations

import re
from collections.abc import Callable

from generator.sandbox import Sandbox
from generator.sandbox.messages import Request, Response


def meanwhile(sandbox: Sandbox, system: str, method: str, path: str, do: Callable[[], object]) -> None:
    """Do something once, when the first fitting request comes (``path`` is searched), before anything is done about it.

    A response that ``do`` returns is the answer to that request.
    """
    application, waiting = getattr(sandbox, system), [do]

    def answer(request: Request) -> Response:
        if waiting and request.method == method and re.search(path, request.path):
            done = waiting.pop()()
            if isinstance(done, Response):
                return done
        response: Response = application(request)
        return response

    sandbox.lead_to(system, answer)
