"""Claims of every token that the provider issues."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from authlib.oidc.core.util import create_half_hash

from services.identity.domain.accounts import Account
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
    account: Account | None = None,
    session: SsoSession | None = None,
    auth_time: datetime | None = None,
) -> dict[str, Any]:
    """An access token for one audience (RFC 9068 §2.2). Without `account` it is the client's own.

    `auth_time` is that of the sign-in that gave the tokens, at a refresh too, whatever the session has seen since
    (RFC 9068 §2.2.1).
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
        "sub": account.id,
        "realm": account.realm.value,
        "name": account.name,
        "sid": session.id,
        "auth_time": seconds(auth_time),
        "acr": session.acr,
        "amr": list(session.amr),
    }
    if account.grants:
        claims["grants"] = [grant.claim() for grant in account.grants]
    return claims


def id_claims(
    *,
    issuer: str,
    client: Client,
    account: Account,
    session: SsoSession,
    auth_time: datetime,
    scope: Sequence[str],
    access_token: str,
    nonce: str | None,
    now: datetime,
    life: timedelta,
) -> dict[str, Any]:
    """An ID token (OpenID Connect Core §2). `auth_time` is the sign-in's, at a refresh too (§12.2)."""
    half_hash = create_half_hash(access_token, client.id_token_signed_response_alg)
    claims: dict[str, Any] = {
        "iss": issuer,
        "sub": account.id,
        "aud": client.client_id,
        "azp": client.client_id,
        "iat": seconds(now),
        "exp": seconds(now + life),
        "auth_time": seconds(auth_time),
        "acr": session.acr,
        "amr": list(session.amr),
        "sid": session.id,
        "at_hash": half_hash.decode() if isinstance(half_hash, bytes) else half_hash,
        "realm": account.realm.value,
    }
    if nonce is not None:
        claims["nonce"] = nonce
    return claims | told(account, IN_ID_TOKEN if "profile" in scope else ())


def logout_claims(
    *, issuer: str, client_id: str, account_id: str, session_id: str, token_id: str, now: datetime, life: timedelta
) -> dict[str, Any]:
    """A logout token (OpenID Connect Back-Channel Logout §2.4): `sid` and `events`, never a nonce."""
    return {
        "iss": issuer,
        "sub": account_id,
        "aud": client_id,
        "iat": seconds(now),
        "exp": seconds(now + life),
        "jti": token_id,
        "sid": session_id,
        "events": {LOGOUT_EVENT: {}},
    }


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
