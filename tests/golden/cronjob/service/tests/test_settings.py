"""Settings from the environment."""

import pytest

from app.settings import Settings


def test_defaults() -> None:
    assert Settings.from_environment({}) == Settings(log_level="INFO")


def test_environment_wins() -> None:
    assert Settings.from_environment({"LOG_LEVEL": "debug"}).log_level == "DEBUG"


def test_unknown_log_level_is_refused() -> None:
    with pytest.raises(ValueError, match="LOG_LEVEL"):
        Settings.from_environment({"LOG_LEVEL": "loud"})
