"""A stop that is asked for from outside ends every wait at once: by an event in a server, by a signal anywhere."""

from __future__ import annotations

import json
import signal
import threading
import time

import pytest

from generator.base.errors import SystemFailure
from generator.base.stopping import pause, stop_event, stopped_by
from generator.clients.patience import Patience
from tests.answers import UPSTREAM
from tests.full import few
from tests.world import World


def test_a_pause_ends_with_the_event_of_this_thread_s_command() -> None:
    stop = threading.Event()
    with stopped_by(stop):
        pause(0)
        stop.set()
        with pytest.raises(KeyboardInterrupt):
            pause(60)
    pause(0)  # nobody's event any more
    assert not stop_event().is_set()


def test_another_command_s_event_is_another() -> None:
    stop, seen = threading.Event(), []
    with stopped_by(stop):
        thread = threading.Thread(target=lambda: seen.append(stop_event()))
        thread.start()
        thread.join()
        assert stop_event() is stop
    assert seen != [stop]


def test_a_signal_ends_a_pause() -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)  # who runs tests side by side ignores it in each
    main = threading.main_thread().ident
    assert main is not None
    timer = threading.Timer(0.05, signal.pthread_kill, (main, signal.SIGINT))
    begun = time.monotonic()
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        pause(60)
    assert time.monotonic() - begun < 30


def test_patience_ends_with_the_command(world: World) -> None:
    stop = threading.Event()
    with stopped_by(stop):
        patience = Patience.of(world.platform)
    stop.set()
    tried = []

    def fail() -> None:
        tried.append(1)
        raise SystemFailure("x.failed", "it failed", passing=True, after=1)

    with pytest.raises(SystemFailure):
        patience(fail, repeatable=True)
    assert len(tried) == 1


@pytest.mark.parametrize("number", few(1, [signal.SIGINT, signal.SIGTERM]))
def test_verify_that_waits_is_interrupted_as_by_a_person(world: World, number: signal.Signals) -> None:
    assert world.run("create", UPSTREAM).code == 0
    with world.start("verify", UPSTREAM, str(UPSTREAM["name"]), "--wait", "--timeout", "120") as process:
        assert process.stdout is not None
        first = process.stdout.readline()  # it has looked once
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
    assert json.loads(first)["event"] == "progress", first + out
    assert (process.returncode, json.loads(out.splitlines()[-1])["exit_code"]) == (130, 130), out + err
