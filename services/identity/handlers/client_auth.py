"""Client authentication (RFC 6749 §2.3, RFC 7523): who is asking, at every endpoint of the back channel."""

import re
from datetime import UTC, datetime, timedelta

from services.identity.domain.assertions import read_assertion, unverified_client_id
from services.identity.domain.checks import Endpoint, Facts, Stage, run
from services.identity.domain.parameters import Parameters
from services.identity.domain.tokens import fingerprint
from services.identity.errors import InvalidClient
from services.identity.handlers.provider import Provider
from services.identity.store import Work


async def authenticate(
    provider: Provider, endpoint: Endpoint, parameters: Parameters, authorization: str | None
) -> Facts:
    """The facts of a request whose client has proved itself; its assertion's replay is still to be noted."""
    if authorization is not None:
        used = authorization.partition(" ")[0]
        scheme = used if re.fullmatch(r"[A-Za-z0-9._~+-]{1,40}", used) else "private_key_jwt"
        raise InvalidClient("client authentication is private_key_jwt in the body", scheme=scheme)
    assertion = parameters.get("client_assertion")
    client_id = parameters.get("client_id") or (unverified_client_id(assertion) if assertion else None)
    facts = provider.facts(parameters, await provider.client(client_id))
    if assertion is not None and facts.client is not None and not facts.client.public:
        facts.assertion = read_assertion(assertion, facts.client)
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
