"""Failpoints kill processes: nobody but a test may arm them."""

from collections.abc import Iterator

import pytest
from starlette.applications import Starlette

from services.kit import testing
from services.kit.service import Context, Role, Service, serve
from tests.kit.conftest import TABLES, TinySettings


@pytest.fixture(autouse=True)
def disarmed() -> Iterator[None]:
    yield
    testing.arm("")


def test_they_are_read_strictly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TONGBAN_PROFILE", "test")
    testing.arm("relay.after_ack=kill, consumer.before_commit=raise:2")
    for wrong in ("relay.after_ack", "relay.after_ack=die", "=kill", "a=raise:0", "a=raise:x"):
        with pytest.raises(testing.FailpointsRefused):
            testing.arm(wrong)


def test_a_service_whose_own_profile_is_another_does_not_serve_with_them(
    monkeypatch: pytest.MonkeyPatch, sqlite_url: str
) -> None:
    monkeypatch.setenv("TONGBAN_PROFILE", "test")
    testing.arm("relay.after_ack=kill")
    settings = TinySettings(profile="production", database_url=sqlite_url)
    with pytest.raises(testing.FailpointsRefused, match="test profile only"):
        serve(Service(Context.of(settings, TABLES), Starlette()), Role.ALL)


async def test_one_is_passed_the_times_that_were_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TONGBAN_PROFILE", "test")
    testing.arm("here=raise:2")
    await testing.failpoint("here")
    with pytest.raises(testing.FailpointReached):
        await testing.failpoint("here")
    await testing.failpoint("here")
