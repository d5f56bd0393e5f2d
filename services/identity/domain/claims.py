"""Claims of every token that the provider issues."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from authlib.oidc.core.util import create_half_hash

from services.identity.domain.accounts import Account
from services.identity.domain.claims_request import Requested, asked_of
from services.identity.domain.clients import Client
from services.identity.domain.person import IN_ID_TOKEN, told
from services.identity.domain.sessions import SsoSession

LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"


def seconds(moment: datetime) -> int:
    """A NumericDate (RFC 7519 §2)."""
    return int(moment.timestamp())


def access_claims(
    *,
    issuer: str,
    audience: str,
    client: Client,
    token_id: str,
    scope: str,
    now: datetime,
    life: timedelta,
    subject: str | None = None,
    sid: str | None = None,
    account: Account | None = None,
    session: SsoSession | None = None,
    auth_time: datetime | None = None,
    for_userinfo: bool = False,
) -> dict[str, Any]:
    """An access token for one audience (RFC 9068 §2.2). Without `account` it is the client's own.

    `auth_time` is that of the sign-in that gave the tokens, at a refresh too, whatever the session has seen since
    (RFC 9068 §2.2.1). `for_userinfo`: nothing of the person is in it, since its client can read it (§6).
    """
    claims: dict[str, Any] = {
        "iss": issuer,
        "aud": audience,
        "client_id": client.client_id,
        "iat": seconds(now),
        "exp": seconds(now + life),
        "jti": token_id,
    }
    if scope:
        claims["scope"] = scope
    if account is None or session is None or auth_time is None:
        grants = [grant.claim() for grant in client.grants]
        return claims | {"sub": client.client_id} | ({"grants": grants} if grants else {})
    claims |= {
        "sub": subject,
        "realm": account.realm.value,
        "sid": sid,
        "auth_time": seconds(auth_time),
        "acr": session.acr,
        "amr": list(session.amr),
    }
    if not for_userinfo:
        claims["name"] = account.name
        if account.grants:
            claims["grants"] = [grant.claim() for grant in account.grants]
    return claims


def id_claims(
    *,
    issuer: str,
    client: Client,
    subject: str,
    sid: str,
    account: Account,
    session: SsoSession,
    auth_time: datetime,
    scope: Sequence[str],
    requested: Requested,
    access_token: str,
    nonce: str | None,
    now: datetime,
    life: timedelta,
) -> dict[str, Any]:
    """An ID token (OpenID Connect Core §2). `auth_time` is the sign-in's, at a refresh too (§12.2); `requested` are the
    claims that the parameter `claims` asks for here (§5.5).
    """
    half_hash = create_half_hash(access_token, client.id_token_signed_response_alg)
    claims: dict[str, Any] = {
        "iss": issuer,
        "sub": subject,
        "aud": client.client_id,
        "azp": client.client_id,
        "iat": seconds(now),
        "exp": seconds(now + life),
        "auth_time": seconds(auth_time),
        "acr": session.acr,
        "amr": list(session.amr),
        "at_hash": half_hash.decode() if isinstance(half_hash, bytes) else half_hash,
    }
    # A fapi2 client that hears of no sign-out has no use for it, and its conformance plan warns of what it did not ask.
    if not client.fapi2 or client.backchannel_logout_uri or client.frontchannel_logout_uri:
        claims["sid"] = sid
    if client.first_party:
        claims |= house_claims(account)
    if nonce is not None:
        claims["nonce"] = nonce
    return told(account, IN_ID_TOKEN if "profile" in scope else ()) | asked_of(account, requested) | claims


def house_claims(account: Account) -> dict[str, str]:
    """What no specification knows: for our own surfaces alone, in ID tokens and at userinfo."""
    return {"realm": account.realm.value}


def logout_claims(
    *, issuer: str, client_id: str, subject: str, sid: str, token_id: str, now: datetime, life: timedelta
) -> dict[str, Any]:
    """A logout token (OpenID Connect Back-Channel Logout §2.4): `sid` and `events`, never a nonce."""
    return {
        "iss": issuer,
        "sub": subject,
        "aud": client_id,
        "iat": seconds(now),
        "exp": seconds(now + life),
        "jti": token_id,
        "sid": sid,
        "events": {LOGOUT_EVENT: {}},
    }


def signed_introspection(*, issuer: str, audience: str, now: datetime, answer: Mapping[str, Any]) -> dict[str, Any]:
    """An introspection answer to be signed for who asked (RFC 9701 §5): neither `sub` nor `exp` outside the member, so
    that it is taken for no token.
    """
    return {"iss": issuer, "aud": audience, "iat": seconds(now), "token_introspection": dict(answer)}


def introspection(claims: Mapping[str, Any]) -> dict[str, Any]:
    """The answer about an active token (RFC 7662 §2.2)."""
    told = (
        "iss",
        "sub",
        "aud",
        "client_id",
        "iat",
        "exp",
        "jti",
        "scope",
        "sid",
        "acr",
        "auth_time",
        "realm",
        "grants",
        "cnf",
    )
    # RFC 9449 §6.2: a bound token is told with its key, so that the resource can hold a proof to it.
    kind = "DPoP" if "jkt" in claims.get("cnf", {}) else "Bearer"
    return {"active": True, "token_type": kind} | {name: claims[name] for name in told if name in claims}
