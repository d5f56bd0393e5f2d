"""The token endpoint (RFC 6749 §3.2): code, refresh with rotation, client credentials.

Our own rather than Authlib's grants: its server is synchronous, takes a code by SELECT and DELETE (five parallel calls
gave five tokens), has no family of refresh tokens and no resource indicators; see README.md.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from services.identity.domain import claims as made
from services.identity.domain.accounts import Account
from services.identity.domain.checks import Endpoint, Facts, Stage, run
from services.identity.domain.checks.code_unused import CodeReused
from services.identity.domain.checks.refresh_reuse import RefreshReused
from services.identity.domain.clients import Client
from services.identity.domain.encryption import encrypted
from services.identity.domain.jose import ACCESS_ALGORITHM, ACCESS_TOKEN, ID_TOKEN
from services.identity.domain.parameters import Parameters
from services.identity.domain.sessions import SsoSession
from services.identity.domain.tokens import Family, Reuse, fingerprint, judge_refresh, new_secret, new_token_id
from services.identity.errors import InvalidGrant, OAuthError, UnsupportedGrantType
from services.identity.handlers.client_auth import authenticate, note_assertion
from services.identity.handlers.provider import Provider
from services.identity.handlers.revocation import revoke_family
from services.identity.handlers.sender import NOTHING, Shown, note_proof
from services.identity.handlers.sessions import touch
from services.identity.store import Work


@dataclass(frozen=True, slots=True)
class Grant:
    """What was granted: enough to make the tokens after the transaction."""

    audience: str
    scope: str
    token_id: str
    account: Account | None = None
    session: SsoSession | None = None
    auth_time: datetime | None = None
    nonce: str | None = None
    refresh_token: str | None = None
    claims: Mapping[str, Any] = field(default_factory=dict)


async def token(
    provider: Provider, parameters: Parameters, authorization: str | None, shown: Shown = NOTHING
) -> dict[str, Any]:
    """Answer a token request (RFC 6749 §5.1). Raises OAuthError."""
    grant_type = parameters.required("grant_type")
    if grant_type not in _GRANTS:
        raise UnsupportedGrantType("grant types: " + " ".join(_GRANTS))
    endpoint, grant = _GRANTS[grant_type]
    facts = await authenticate(provider, endpoint, parameters, authorization, shown)
    refused: OAuthError | None = None
    # A client's own token leaves nothing behind but what proved the client; a rotation is one statement.
    async with provider.work() if endpoint is Endpoint.CODE else provider.single() as work:
        # What a refusal leaves behind must stay (the used assertion, a revoked family): commit, then raise.
        try:
            await note_assertion(provider, work, facts)
            await note_proof(work, facts)
            granted = await grant(provider, work, facts)
        except OAuthError as error:
            refused = error
    if refused is not None:
        raise refused
    return await _answer(provider, facts.known_client, granted, facts.now, facts.binding)


async def _code(provider: Provider, work: Work, facts: Facts) -> Grant:
    now = facts.now
    code_hash = fingerprint(facts.parameters.get("code", ""))
    facts.code, facts.session = await work.tokens.code(code_hash) or (None, None)
    try:
        run(Endpoint.CODE, Stage.WHAT, facts)
        if not await work.tokens.use_code(code_hash, now):
            raise CodeReused("the code was used before")
    except CodeReused:
        # RFC 6749 §4.1.2: somebody else may hold the code, so all that it gave is ended.
        if facts.code is not None:
            found = facts.code
            await revoke_family(
                work, found.family_id, found.account_id, now, client=facts.known_client, reason="code_reused"
            )
        raise
    code, session, client = facts.code, facts.session, facts.known_client
    assert code is not None and session is not None
    account = await _account(work, code.account_id)
    life = timedelta(seconds=provider.settings.refresh_token_seconds)
    family = Family(
        code.family_id,
        client.client_id,
        account.id,
        session.id,
        code.scope,
        code.resources,
        code.claims,
        # Others' refresh tokens are bound to the client by its authentication, and its keys may change (RFC 9449 §5).
        facts.binding if client.public else {},
        code.auth_time,
        min(now + life, session.expires_at),
    )
    refresh_token = new_secret() if client.may("refresh_token") else None
    await work.tokens.add_family(family, fingerprint(refresh_token) if refresh_token is not None else None)
    return Grant(
        _audience(provider, facts, code.resources),
        code.scope,
        new_token_id(family.id),
        account,
        session,
        code.auth_time,
        code.nonce,
        refresh_token,
        code.claims,
    )


async def _refresh(provider: Provider, work: Work, facts: Facts) -> Grant:
    now = facts.now
    token_hash = fingerprint(facts.parameters.get("refresh_token", ""))
    facts.presented = await work.tokens.presented(token_hash)
    # FAPI 2.0 Security Profile §5.3.2.1 forbids rotation: its clients prove by their key that the token is theirs.
    refresh_token = None if facts.known_client.fapi2 else new_secret()
    try:
        run(Endpoint.REFRESH, Stage.WHAT, facts)
        assert facts.presented is not None
        family, session = facts.presented.family, facts.presented.session
        account = await _account(work, family.account_id)
        await touch(work, session, now)
        # Last: once the token is exchanged, nothing that could fail keeps its successor from the client.
        if refresh_token is not None:
            await _rotate(provider, work, facts, fingerprint(refresh_token))
    except RefreshReused:
        if facts.presented is not None:
            lost = facts.presented.family
            async with work.whole() as one:
                await revoke_family(
                    one, lost.id, lost.account_id, now, client=facts.known_client, reason="refresh_token_reused"
                )
        raise
    scope = " ".join(facts.parameters.words("scope")) or family.scope
    return Grant(
        _audience(provider, facts, family.resources),
        scope,
        new_token_id(family.id),
        account,
        session,
        family.auth_time,
        None,
        refresh_token,
        family.claims,
    )


async def _rotate(provider: Provider, work: Work, facts: Facts, successor_hash: str) -> None:
    """Exchange the presented token for its successor, or make good a lost reply (RFC 9700 §4.14.2)."""
    assert facts.presented is not None
    token, now = facts.presented.token, facts.now
    if judge_refresh(token, now, provider.rules.refresh_grace) is Reuse.FIRST:
        if not await work.tokens.exchange_refresh(token, successor_hash, now):
            raise InvalidGrant("the refresh token is being used by another request")
        return
    lost = token.successor_hash
    async with work.whole() as one:
        replayed = await one.tokens.replay_refresh(token.token_hash, successor_hash, now)
        good = replayed and lost is not None and await one.tokens.spend_refresh(lost, now)
        if good:
            await one.tokens.add_refresh(successor_hash, token.family_id)
    if not good:
        raise RefreshReused("the refresh token was used before")


async def _machine(provider: Provider, work: Work, facts: Facts) -> Grant:
    run(Endpoint.MACHINE, Stage.WHAT, facts)
    return Grant(facts.parameters.many("resource")[0], "", new_token_id(None))


_GRANTS: dict[str, tuple[Endpoint, Callable[[Provider, Work, Facts], Awaitable[Grant]]]] = {
    "authorization_code": (Endpoint.CODE, _code),
    "refresh_token": (Endpoint.REFRESH, _refresh),
    "client_credentials": (Endpoint.MACHINE, _machine),
}


async def _account(work: Work, account_id: str) -> Account:
    account = await work.accounts.by_id(account_id)
    if account is None or not account.enabled:
        raise InvalidGrant("the account is closed")
    return account


def _audience(provider: Provider, facts: Facts, granted: tuple[str, ...]) -> str:
    """The one audience: the resource named now, else the only one granted, else the provider's own (RFC 9068 §3)."""
    named = facts.parameters.many("resource")
    if named:
        return named[0]
    return granted[0] if len(granted) == 1 else provider.settings.audience


async def _answer(
    provider: Provider, client: Client, grant: Grant, now: datetime, binding: Mapping[str, str]
) -> dict[str, Any]:
    ring = await provider.keys.ring()
    settings = provider.settings
    life = timedelta(seconds=settings.access_token_seconds)
    subject = provider.subject(client, grant.account.id) if grant.account is not None else client.client_id
    sid = provider.sid(client, grant.session.id) if grant.session is not None else ""
    access = made.access_claims(
        issuer=settings.issuer,
        audience=grant.audience,
        client=client,
        token_id=grant.token_id,
        scope=grant.scope,
        now=now,
        life=life,
        subject=subject,
        sid=sid,
        account=grant.account,
        session=grant.session,
        auth_time=grant.auth_time,
        for_userinfo=grant.audience == settings.audience,
    )
    if binding:
        access["cnf"] = dict(binding)  # RFC 7800 §3.1
    access_token = ring.sign(access, ACCESS_ALGORITHM, ACCESS_TOKEN)
    answer: dict[str, Any] = {
        "access_token": access_token,
        "token_type": "DPoP" if "jkt" in binding else "Bearer",
        "expires_in": settings.access_token_seconds,
    }
    if grant.scope:
        answer["scope"] = grant.scope
    if grant.refresh_token is not None:
        answer["refresh_token"] = grant.refresh_token
    if grant.account is not None and grant.session is not None and grant.auth_time is not None:
        identity = made.id_claims(
            issuer=settings.issuer,
            client=client,
            subject=subject,
            sid=sid,
            account=grant.account,
            session=grant.session,
            auth_time=grant.auth_time,
            scope=grant.scope.split(" "),
            requested=grant.claims.get("id_token", {}),
            access_token=access_token,
            nonce=grant.nonce,
            now=now,
            life=timedelta(seconds=settings.id_token_seconds),
        )
        id_token = ring.sign(identity, client.id_token_signed_response_alg, ID_TOKEN)
        if encryption := client.id_token_encrypted_response_alg:
            id_token = encrypted(id_token, client.keys, encryption, client.id_token_encrypted_response_enc)
        answer["id_token"] = id_token
    return answer
