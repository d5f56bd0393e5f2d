"""A stranger's program finds the provider from an API's address alone, and calls it with a token bound to its key."""

import json
import re

import httpx
from joserfc.jwk import ECKey

from services.local.secrets import DEPARTMENT
from tests.harness.platform import Platform
from tests.identity.dpop import Holder
from tests.identity.party import Party


async def test_from_an_address_to_a_call_with_proof(platform: Platform) -> None:
    """RFC 9728 §5, RFC 8414 §3, RFC 8707 §2, RFC 9449 §5 and §7: through the gateway, as departments' systems do."""
    api = f"{platform.url('portal')}/api/notify"
    address = f"{api}/subscriptions"
    key = ECKey.import_key(json.loads((platform.data_dir / "secrets" / f"{DEPARTMENT}.jwk").read_text("utf-8")))
    async with httpx.AsyncClient(timeout=30) as http:
        challenge = (await http.get(address)).headers["www-authenticate"]
        where = re.search(r'resource_metadata="([^"]+)"', challenge)
        assert where, challenge
        resource = (await http.get(where[1])).json()
        assert resource["resource"] == api
        issuer = resource["authorization_servers"][0]
        provider = (await http.get(f"{issuer}/.well-known/oauth-authorization-server")).json()
        holder, party, url = Holder(), Party(DEPARTMENT, key, http), provider["token_endpoint"]
        for _ in range(2):
            wanted = {"grant_type": "client_credentials", "resource": api}
            data = party.authenticated(client_assertion=party.assertion(aud=issuer), **wanted)
            answer = await http.post(url, data=data, headers={"DPoP": holder.proof(url)})
            holder.nonce = answer.headers["DPoP-Nonce"]
        token = answer.json()["access_token"]
        assert answer.json()["token_type"] == "DPoP"
        proof = holder.proof(address, "GET", ath=holder.ath(token))
        sent = {"Authorization": f"DPoP {token}", "DPoP": proof}
        assert (await http.get(f"{address}?limit=1", headers=sent)).status_code == 200
        assert (await http.get(address, headers=sent)).status_code == 401, "a proof is for one use"
        assert (await http.get(address, headers={"Authorization": f"Bearer {token}"})).status_code == 401
