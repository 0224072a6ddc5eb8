"""The servers of the run, and what its first lines say."""

import os

import pytest

from tests.services.running import Running

RUNNING = pytest.StashKey[Running]()


def pytest_configure(config: pytest.Config) -> None:
    """The process that begins the run starts the servers; its workers inherit their addresses with the environment."""
    if hasattr(config, "workerinput"):
        return
    running = config.stash[RUNNING] = Running()
    running.start()
    if running.missing and os.environ.get("CI"):
        running.stop()
        raise pytest.UsageError("\n".join(running.missing))


def pytest_unconfigure(config: pytest.Config) -> None:
    if running := config.stash.get(RUNNING, None):
        running.stop()


def pytest_report_header(config: pytest.Config) -> list[str]:
    from tests.contract.conftest import matrices

    running = config.stash.get(RUNNING, None)
    return [*running.missing, *running.lines, matrices()] if running else []
