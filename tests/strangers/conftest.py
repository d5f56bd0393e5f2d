"""One provider behind a TLS front for all trials."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.strangers.applications import APPLICATIONS
from tests.strangers.provider import Provider

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All on one worker, which starts the one provider."""
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.xdist_group("strangers"))
            # The first one waits for Kafka and the provider, and a loaded machine is slow, not wrong.
            item.add_marker(pytest.mark.timeout(400))


@pytest.fixture(scope="session")
def provider(tmp_path_factory: pytest.TempPathFactory, kafka: str) -> Iterator[Provider]:
    """The provider with every application declared; those that a test runs end with it."""
    found = Provider(tmp_path_factory.mktemp("strangers"), APPLICATIONS, kafka)
    try:
        found.start()
        yield found
    finally:
        found.stop()
