"""Client authentication (RFC 6749 §2.3, RFC 7523): who is asking, at every endpoint of the back channel."""

import hmac
from datetime import UTC, datetime, timedelta

from services.identity.domain.assertions import read_assertion
from services.identity.domain.checks import Endpoint, Facts, Stage, run
from services.identity.domain.credentials import read_credentials
from services.identity.domain.parameters import Parameters
from services.identity.domain.tokens import fingerprint
from services.identity.handlers.provider import Provider
from services.identity.handlers.sender import NOTHING, Shown, gather
from services.identity.store import Work

NO_DIGEST = "0" * 64
"""Compared with where there is no client or it has no secret: no HMAC of ours is that."""


async def authenticate(
    provider: Provider,
    endpoint: Endpoint,
    parameters: Parameters,
    authorization: str | None,
    shown: Shown = NOTHING,
) -> Facts:
    """The facts of a request whose client has proved itself; its assertion's replay is still to be noted."""
    credentials = read_credentials(parameters, authorization)
    client = await provider.client(credentials.client_id)
    facts = provider.facts(parameters, client)
    facts.credentials, facts.address = credentials, f"{provider.settings.issuer}{endpoint.path}"
    if credentials.secret is not None:
        # The same work whether the client exists or not.
        digest = provider.reading().clients.secret_digest(credentials.client_id or "", credentials.secret)
        facts.secret_fits = hmac.compare_digest(digest, (client and client.secret_digest) or NO_DIGEST)
    if credentials.assertion is not None and client is not None:
        facts.assertion = read_assertion(credentials.assertion, client)
    gather(provider, facts, shown)
    run(endpoint, Stage.WHO, facts)
    return facts


async def note_assertion(provider: Provider, work: Work, facts: Facts) -> None:
    """Write down that the assertion was used; whether it was new is judged by the check `assertion_unused`."""
    if facts.assertion is None or facts.assertion.claims is None:
        return
    claims = facts.assertion.claims
    name = fingerprint(f"{facts.known_client.client_id}\0{claims['jti']}")
    # Kept for as long as the checks would take it again.
    expires = datetime.fromtimestamp(float(claims["exp"]), UTC) + provider.rules.skew + timedelta(seconds=1)
    facts.assertion_unused = await work.tokens.use_assertion(name, expires)
