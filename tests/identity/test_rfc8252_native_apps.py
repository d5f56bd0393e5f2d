"""RFC 8252: apps are led back to by a scheme of theirs (§7.1), by https (§7.2), by a loopback address (§7.3)."""

from typing import Any

import pytest
from pydantic import ValidationError

from services.identity.domain.clients import ClientDeclaration
from services.identity.domain.redirects import registrable
from tests.identity.conftest import Starter, World
from tests.identity.party import query
from tests.identity.test_rfc9449_dpop import APP as BOUND

SCHEME, LOOPBACK, HTTPS = "com.example.app:/callback", "http://127.0.0.1/callback", "https://app.example/callback"
APP: dict[str, Any] = BOUND | {
    "dpop_bound_access_tokens": False,
    "redirect_uris": [SCHEME, LOOPBACK, HTTPS],
    "post_logout_redirect_uris": ["com.example.app:/done"],
}
PUBLIC = {"client_id": "app", "client_assertion": None, "client_assertion_type": None, "resource": None}


async def test_section_7_every_way_back(start: Starter, subtests: pytest.Subtests) -> None:
    world: World = await start(more=[APP])
    app = world["app"]
    for uri, source in (
        (SCHEME, "com.example.app:"),
        (LOOPBACK, "http://127.0.0.1"),
        (LOOPBACK.replace("127.0.0.1", "127.0.0.1:51004"), "http://127.0.0.1:51004"),
        (HTTPS, "https://app.example"),
    ):
        with subtests.test(uri=uri):
            browser, asked = world.browser(), dict[str, Any](redirect_uri=uri, resource=None)
            page = await browser.http.get(app.address(**asked))
            assert f"form-action 'self' {source}" in page.headers["content-security-policy"]
            back = (await browser.sign_in(app, **asked)).headers["location"]
            assert back.startswith(f"{uri}?code=")
            answer = await app.redeem(query(back)["code"], **PUBLIC | {"redirect_uri": uri})
            assert answer.status_code == 200, answer.text
    for uri in (
        "com.example.app:/other",
        "com.example.app:/callback?x",
        "COM.example.app:/callback",
        "other.app:/callback",
    ):
        with subtests.test(uri=uri):
            assert (await world.http().get(app.address(redirect_uri=uri))).status_code == 400


async def test_sign_out_leads_back_to_an_app(start: Starter) -> None:
    world: World = await start(more=[APP])
    asked = {"client_id": "app", "post_logout_redirect_uri": "com.example.app:/done", "state": "s"}
    answer = await world.http().get("/logout", params=asked)
    page = answer.headers["content-security-policy"] if answer.status_code == 200 else answer.headers["location"]
    assert "com.example.app:" in page


@pytest.mark.parametrize(
    ("uri", "problem"),
    [
        ("com.example.app:/callback", None),
        ("com.example.app://callback/more", None),
        ("com.example.app:/a/../b", "has dot segments"),
        ("com.example.app:callback", "has no plain path"),
        ("com.example.app:///callback", "has no plain path"),
        ("com.example.app://callback", None),
        ("com.example.app:", "has no plain path"),
        ("com.example.app:/callback#x", "has a fragment"),
        ("com.example.app://user@host/x", "has user information"),
        ("myapp:/callback", "has no host"),
        ("javascript:alert(1)", "has no host"),
        ("data:text/html,x", "has no host"),
        ("Com.Example:/callback", "has no host"),
    ],
)
def test_section_7_1_a_scheme_is_a_domain_name_turned_round(uri: str, problem: str | None) -> None:
    assert registrable(uri, loopback_http=True, private_use=True) == problem
    assert registrable(uri, loopback_http=True) is not None


def test_schemes_of_apps_are_for_apps() -> None:
    assert ClientDeclaration.model_validate(APP)
    for changed, reason in (
        ({"application_type": "web"}, "application_type native"),
        ({"backchannel_logout_uri": SCHEME}, "no host"),
        ({"subject_type": "pairwise", "resources": []}, "sector_identifier_uri"),
        ({"profile": "fapi2", "dpop_bound_access_tokens": True}, "fapi2"),
    ):
        with pytest.raises(ValidationError, match=reason):
            ClientDeclaration.model_validate(APP | changed)
