"""The servers of the run, what its first lines say, and the end of a test that does not end."""

import inspect
import os

import hypothesis
import pytest

from tests.support.ending import limit
from tests.support.patience import TEST_S
from tests.support.services.running import Running

RUNNING = pytest.StashKey[Running]()

# An example takes as long as the machine makes it take
hypothesis.settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("any machine")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addini("coroutine_timeout", "seconds after which the coroutine of a test is cancelled", default=str(TEST_S))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        if isinstance(item, pytest.Function) and inspect.iscoroutinefunction(item.obj):
            limit(item, float(config.getini("coroutine_timeout")))


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
