"""The dynamic variant of the OpenID Foundation's plans: each module registers its client first and deletes it after."""

import pytest
from joserfc.jwk import RSAKey

from services.identity.domain.clients import Realm
from services.identity.handlers.registration import MakeInitialToken, make_initial_token
from tests.identity.conftest import World
from tests.identity.party import STRANGER_KEY, Party
from tests.identity.suite import BASE, CALLBACK, DONE, KNOWN_IN_ID_TOKEN, Person

pytestmark = pytest.mark.parametrize("copied_url", ["sqlite"], indirect=True)


async def test_register_sign_in_delete(world: World, subtests: pytest.Subtests) -> None:
    """OIDCCCreateDynamicClientRegistrationRequest and the members that modules add; oidcc-idtoken-signature;
    UnregisterDynamicallyRegisteredClient. No PKCE, as the Basic plan sends its requests, which has to be registered.
    """
    http = world.http()
    token = await make_initial_token(MakeInitialToken("operator", Realm.CITIZEN, 10, 1), world.work())
    key = RSAKey.generate_key(2048, {"use": "sig", "alg": "RS256"}, private=False, auto_kid=True)
    body = {
        "client_name": "OIDC certification suite",
        "grant_types": ["authorization_code"],
        "response_types": ["code"],
        "jwks": {"keys": [key.as_dict(private=False)]},
        "redirect_uris": [CALLBACK],
        "contacts": ["certification@oidf.org"],
        "require_pkce": False,
    }
    for more in (
        {"token_endpoint_auth_method": "client_secret_basic"},
        {"token_endpoint_auth_method": "client_secret_post", "post_logout_redirect_uris": [DONE]},
        {"token_endpoint_auth_method": "client_secret_basic", "grant_types": ["authorization_code", "refresh_token"]},
        {
            "token_endpoint_auth_method": "client_secret_basic",
            "backchannel_logout_uri": f"{BASE}/backchannel_logout",
            "backchannel_logout_session_required": True,
            "frontchannel_logout_uri": f"{BASE}/frontchannel_logout",
            "frontchannel_logout_session_required": True,
            "post_logout_redirect_uris": [DONE],
        },
    ):
        with subtests.test(more=more):
            answer = await http.post("/register", json=body | more, headers={"Authorization": f"Bearer {token}"})
            assert answer.status_code == 201, answer.text
            assert answer.headers["content-type"].startswith("application/json")
            found = answer.json()
            by_post = more["token_endpoint_auth_method"] == "client_secret_post"
            party = Party(found["client_id"], STRANGER_KEY, http, CALLBACK, world.clock, secret=found["client_secret"])
            claims = await Person(world.http(), by_post=by_post).id_token(party)
            assert claims["header"]["alg"] == "RS256" and claims["header"]["kid"]
            assert claims.keys() - {"header"} <= KNOWN_IN_ID_TOKEN
            bearer = {"Authorization": f"Bearer {found['registration_access_token']}"}
            gone = await http.delete(found["registration_client_uri"], headers=bearer)
            assert gone.status_code == 204
