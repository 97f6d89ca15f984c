"""What `make bench` measures a create with."""

from __future__ import annotations

from pathlib import Path

from generator.sandbox import Exchange, Sandbox, sequence
from tests import speed
from tests.full import full


def exchange(name: str, began: float, ended: float) -> Exchange:
    return Exchange("forgejo", "GET", name, "", 200, b"", b"", "", "", began=began, ended=ended)


def test_the_longest_chain() -> None:
    parallel = [
        exchange("a", 0, 1),
        exchange("b", 0, 3),
        exchange("c", 1, 2),
        exchange("d", 2.5, 3),
        exchange("e", 3, 4),
    ]
    assert [item.path for item in sequence(parallel)] == ["a", "c", "d", "e"]
    assert sequence([]) == []


@full
def test_a_create_is_measured(tmp_path: Path) -> None:
    """With a latency that says more than the machine's load; what is asked at the same time arrives a moment apart."""
    work = tmp_path / "work"
    work.mkdir()
    with Sandbox.start(tmp_path / "platform", latency=0.25) as sandbox, speed.started(sandbox, work) as process:
        speed.measured(sandbox, process, "create", "loads")
        first, second = (speed.measured(sandbox, process, "create", "measured") for _ in range(2))
        assert process.stdin is not None
        process.stdin.close()
    assert 0 < len(second.chain) < len(first.chain) <= speed.MOST_IN_SEQUENCE + 3, first.chain
    assert first.requests <= 95
    assert any(what.startswith("forgejo POST") for what in first.chain)
    assert not any(what.split()[1] in ("POST", "PUT", "PATCH") for what in second.chain)
