"""Back-channel logout (OpenID Connect Back-Channel Logout 1.0) through the kit's deliveries."""

from datetime import timedelta
from urllib.parse import urlencode

from services.identity.domain.claims import logout_claims
from services.identity.domain.jose import LOGOUT_TOKEN
from services.identity.domain.sessions import SsoSession
from services.identity.handlers.provider import Provider
from services.identity.store import Work
from services.kit import deliveries
from services.kit.deliveries import Builder, Content, Outgoing, Policy
from services.kit.ids import new_id

BUILDER = "logout-token"
TOKEN_LIFE = timedelta(minutes=2)
"""Back-Channel Logout §4: short, since the token is made anew for each try."""
POLICY = Policy(schedule=(0.0, 1.0, 5.0, 15.0, 60.0, 300.0, 1800.0, 3600.0), probe=5.0, timeout=10.0)
"""A sign-out is urgent, and a client that is back should hear of it within seconds."""


async def tell_clients(provider: Provider, work: Work, session: SsoSession) -> None:
    """Queue a logout token for every client of the session that wants one."""
    known = await provider.clients()
    for client_id in await work.sessions.clients(session.id):
        client = known.get(client_id)
        if client is None or client.backchannel_logout_uri is None:
            continue
        await deliveries.queue(
            work,
            endpoint_id=client_id,
            order_key=session.id,
            event_id=session.id,
            builder=BUILDER,
            body=f"{provider.subject(client, session.account_id)} {provider.sid(client, session.id)}".encode(),
            content_type="application/x-www-form-urlencoded",
        )


def logout_token_builder(provider: Provider) -> Builder:
    """Makes the body of one try: a fresh logout token, signed as the client's ID tokens are (§2.4)."""

    async def build(_: object, outgoing: Outgoing) -> Content:
        client = await provider.client(outgoing.endpoint_id)
        algorithm = client.id_token_signed_response_alg if client is not None else "RS256"
        subject, _, sid = outgoing.body.decode().partition(" ")
        claims = logout_claims(
            issuer=provider.settings.issuer,
            client_id=outgoing.endpoint_id,
            subject=subject,
            sid=sid,
            token_id=new_id(),
            now=outgoing.now,
            life=TOKEN_LIFE,
        )
        ring = await provider.keys.ring()
        body = urlencode({"logout_token": ring.sign(claims, algorithm, LOGOUT_TOKEN)})
        return Content({"Content-Type": "application/x-www-form-urlencoded"}, body.encode())

    return build
