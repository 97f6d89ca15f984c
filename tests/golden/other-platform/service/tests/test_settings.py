"""Settings from the environment."""

import pytest

from app.settings import Settings


def test_defaults() -> None:
    assert Settings.from_environment({}) == Settings(port=8080, log_level="INFO")


def test_environment_wins() -> None:
    settings = Settings.from_environment({"PORT": "9000", "LOG_LEVEL": "debug"})
    assert (settings.port, settings.log_level) == (9000, "DEBUG")


def test_unknown_log_level_is_refused() -> None:
    with pytest.raises(ValueError, match="LOG_LEVEL"):
        Settings.from_environment({"LOG_LEVEL": "loud"})
