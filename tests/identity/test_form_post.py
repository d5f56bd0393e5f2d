"""OAuth 2.0 Form Post Response Mode: the answer as a form that posts itself, its values as they are."""

import html
import re

import httpx
import pytest

from tests.identity.conftest import World
from tests.identity.party import ISSUER, query

STATE = "a b&c=d\"<é>'%2B+"


def posted(page: httpx.Response) -> tuple[str, dict[str, str]]:
    """Where the page's form posts, and what."""
    action = re.search(r'<form id="back"[^>]* action="([^"]*)" method="post">', page.text)
    assert action, page.text
    fields = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', page.text)
    return html.unescape(action[1]), {name: html.unescape(value) for name, value in fields}


async def test_the_code_is_posted_with_values_as_they_came(world: World) -> None:
    portal, browser = world["portal"], world.browser()
    page = await browser.sign_in(portal, response_mode="form_post", state=STATE)
    assert page.status_code == 200
    action, fields = posted(page)
    assert action == portal.redirect_uri
    assert set(fields) == {"code", "state", "iss"}
    assert (fields["state"], fields["iss"]) == (STATE, ISSUER)
    assert '"<é>' not in page.text
    assert (await portal.redeem(fields["code"])).status_code == 200
    # Without scripts there is a button to press.
    assert '<button type="submit"' in page.text
    # Somebody who is signed in already gets there at once.
    again = posted(await browser.http.get(portal.address(response_mode="form_post", state=None)))[1]
    assert set(again) == {"code", "iss"}


async def test_the_page_runs_our_script_and_posts_to_the_client_alone(world: World) -> None:
    portal = world["portal"]
    page = await world.browser().sign_in(portal, response_mode="form_post")
    policy = dict(part.strip().split(" ", 1) for part in page.headers["content-security-policy"].split(";"))
    assert policy["form-action"] == "'self' http://localhost:8080"
    # The pages' own script sends it: nothing inline runs here either.
    assert policy["script-src"] == "'self'"
    assert "data-goes-on" in page.text
    assert policy["frame-ancestors"] == "'none'"
    assert page.headers["cache-control"] == "no-store"
    # The client sees who posts (`Origin`), and no address of ours.
    assert page.headers["referrer-policy"] == "strict-origin"


async def test_errors_are_posted_too(world: World, subtests: pytest.Subtests) -> None:
    http, portal = world.http(), world["portal"]
    for parameters, error in (
        ({"prompt": "none"}, "login_required"),
        ({"scope": "profile"}, "invalid_scope"),
        ({"response_type": "code id_token"}, "unsupported_response_type"),
    ):
        with subtests.test(error=error):
            page = await http.get(portal.address(response_mode="form_post", state=STATE, **parameters))
            assert page.status_code == 200
            action, fields = posted(page)
            assert action == portal.redirect_uri
            assert (fields["error"], fields["state"], fields["iss"]) == (error, STATE, ISSUER)
            assert "code" not in fields


async def test_other_modes_are_refused(world: World, subtests: pytest.Subtests) -> None:
    http, portal = world.http(), world["portal"]
    for mode in ("fragment", "jwt", "query.jwt", "form_post.jwt", "web_message", "FORM_POST"):
        with subtests.test(mode=mode):
            answer = await http.get(portal.address(response_mode=mode))
            assert answer.status_code == 303
            assert query(answer.headers["location"])["error"] == "invalid_request"
    assert "code" in query((await world.browser().sign_in(portal, response_mode="query")).headers["location"])


async def test_a_bad_redirect_uri_is_posted_to_by_nobody(world: World) -> None:
    portal = world["portal"]
    page = await world.http().get(portal.address(response_mode="form_post", redirect_uri="https://evil.example/"))
    assert page.status_code == 400
    assert 'id="back"' not in page.text
