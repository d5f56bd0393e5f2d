"""RFC 6749 §3.1.2 and §4.1.2.1, RFC 9700 §2.1, §4.1 and §4.11: where an answer may go (items 1, 2 and 10)."""

from typing import Any

import pytest

from services.identity.domain.redirects import matches, registrable, with_parameters
from tests.identity.conftest import World
from tests.identity.party import query

GOOD = "http://localhost:8080/signin/callback"


async def test_other_redirect_uris_get_a_page_and_no_redirect(world: World, subtests: pytest.Subtests) -> None:
    for uri in [
        GOOD + "/",
        GOOD + "?a=1",
        GOOD + "#x",
        GOOD.upper(),
        GOOD.replace("8080", "8081"),
        GOOD.replace("http://", "http://user@"),
        GOOD.replace("/signin/callback", "/signin/../signin/callback"),
        GOOD.replace("/signin/callback", "/signin/%2e%2e/signin/callback"),
        GOOD.replace("localhost", "localhost.evil.example"),
        GOOD.replace("localhost", "127.0.0.1"),
        "https://evil.example/",
        "//evil.example/",
        "javascript:alert(1)",
        GOOD + "%00",
        " " + GOOD,
    ]:
        with subtests.test(uri=uri):
            answer = await world.http().get(world["portal"].address(redirect_uri=uri))
            assert answer.status_code == 400
            assert "location" not in answer.headers
            assert "text/html" in answer.headers["content-type"]
            # The page may carry the request in the links that change its language, quoted, and nowhere else.
            assert f'="{uri}' not in answer.text


async def test_a_missing_or_unknown_client_gets_a_page_and_no_redirect(world: World, subtests: pytest.Subtests) -> None:
    parameters: Any
    for parameters in [{"redirect_uri": None}, {"client_id": None}, {"client_id": "nobody"}]:
        with subtests.test(parameters=parameters):
            answer = await world.http().get(world["portal"].address(**parameters))
            assert answer.status_code == 400
            assert "location" not in answer.headers


async def test_a_client_without_people_cannot_authorize(world: World) -> None:
    answer = await world.http().get(world["cases"].address(redirect_uri=GOOD))
    assert answer.status_code == 400
    assert "location" not in answer.headers


async def test_other_errors_go_back_with_state(world: World) -> None:
    answer = await world.http().get(world["portal"].address(response_type="token"))
    assert answer.status_code == 303
    found = query(answer.headers["location"])
    assert (found["error"], found["state"]) == ("unsupported_response_type", "st-1")


@pytest.mark.parametrize(
    ("uri", "problem"),
    [
        ("https://a.example/cb", None),
        ("https://a.example/cb?dummy1=lorem&dummy2=ipsum", None),
        ("http://localhost:1234/cb", None),
        ("http://a.example/cb", "is not https"),
        ("https://user@a.example/cb", "has user information"),
        ("https://a.example/cb#f", "has a fragment"),
        ("https://a.example/a/../cb", "has dot segments"),
        ("https://a.example/a/%2E%2e/cb", "has dot segments"),
        ("https://*.example/cb", "has a wildcard"),
        ("https://a.example/c b", "has characters that no URI has"),
        ("https://a.example\\@b.example/", "has characters that no URI has"),
        ("https:///cb", "has no host"),
        ("javascript:alert(1)//x", "has no host"),
        ("https://a.example:port/", "is no URI"),
    ],
)
def test_what_may_be_registered(uri: str, problem: str | None) -> None:
    assert registrable(uri, loopback_http=True) == problem


def test_only_a_native_loopback_port_may_differ() -> None:
    registered = ("http://127.0.0.1/cb", "https://a.example/cb")
    assert matches("http://127.0.0.1:5123/cb", registered, native=True)
    assert not matches("http://127.0.0.1:5123/cb", registered, native=False)
    assert not matches("http://127.0.0.1:5123/other", registered, native=True)
    assert not matches("http://localhost:5123/cb", registered, native=True)
    assert not matches("https://a.example:444/cb", registered, native=True)
    assert not matches("http://127.0.0.1:5123@evil.example/cb", registered, native=True)


def test_the_query_of_a_redirect_uri_stays() -> None:
    found = with_parameters("https://a.example/cb?x=1", {"code": "a b&c"})
    assert found == "https://a.example/cb?x=1&code=a+b%26c"
