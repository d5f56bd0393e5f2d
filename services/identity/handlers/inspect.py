"""Revocation (RFC 7009), introspection (RFC 7662) and userinfo (OpenID Connect Core §5.3)."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson

from services.identity.domain import claims as made
from services.identity.domain.checks import Endpoint, Facts, Stage, run
from services.identity.domain.claims_request import asked_of
from services.identity.domain.clients import Client
from services.identity.domain.encryption import encrypted
from services.identity.domain.jose import ACCESS_TOKEN, INTROSPECTION, USERINFO
from services.identity.domain.parameters import Parameters
from services.identity.domain.person import scope_claims, told
from services.identity.domain.sessions import SsoSession
from services.identity.domain.tokens import Family, family_of, fingerprint
from services.identity.errors import InvalidToken, OAuthError
from services.identity.handlers.client_auth import authenticate, note_assertion
from services.identity.handlers.provider import Provider
from services.identity.handlers.revocation import revoke_family, revoke_token
from services.identity.handlers.sender import NOTHING, Shown, gather, note_proof
from services.identity.store import Work

INACTIVE: dict[str, Any] = {"active": False}
"""All that is said of a token that is dead, unknown or none of the asker's business (RFC 7662 §2.2)."""


async def revoke(provider: Provider, parameters: Parameters, authorization: str | None) -> None:
    """End a token of the client; a refresh token takes its family along. An unknown token is no error (§2.2)."""
    facts = await authenticate(provider, Endpoint.REVOKE, parameters, authorization)
    ring = await provider.keys.ring()
    async with provider.work() as work:
        refused = await _checked(provider, work, facts, Endpoint.REVOKE)
        if refused is None:
            text, client = parameters["token"], facts.known_client
            claims = ring.read(text, ACCESS_TOKEN)
            if claims is not None and claims.get("client_id") == client.client_id:
                token_id, expires_at = str(claims["jti"]), datetime.fromtimestamp(claims["exp"], UTC)
                found = await _found(work, token_id)
                person = found[0].account_id if found is not None else client.client_id
                await revoke_token(work, token_id, person, expires_at, client=client, reason="asked")
            elif claims is None:
                presented = await work.tokens.presented(fingerprint(text))
                if presented is not None and presented.family.client_id == client.client_id:
                    family = presented.family
                    await revoke_family(work, family.id, family.account_id, facts.now, client=client, reason="asked")
    if refused is not None:
        raise refused


async def introspect(
    provider: Provider, parameters: Parameters, authorization: str | None, *, signed: bool = False
) -> dict[str, Any] | str:
    """Tell a client about its own token, or a service about a token that was issued for it. `signed`: as a JWT."""
    facts = await authenticate(provider, Endpoint.INTROSPECT, parameters, authorization)
    ring = await provider.keys.ring()
    answer = INACTIVE
    # What a proof leaves behind is one row; by a secret nothing is written.
    async with provider.reading() if facts.assertion is None else provider.single() as work:
        refused = await _checked(provider, work, facts, Endpoint.INTROSPECT)
        if refused is None:
            text, client_id = parameters["token"], facts.known_client.client_id
            claims = ring.read(text, ACCESS_TOKEN)
            if claims is not None:
                theirs = client_id == claims.get("client_id") or claims.get("aud") == f"urn:tongban:{client_id}"
                if theirs and (await active(provider, work, claims, facts.now))[0]:
                    answer = made.introspection(claims)
            else:
                answer = await _introspect_refresh(provider, work, text, facts)
    if refused is not None:
        raise refused
    if not signed:
        return answer
    client = facts.known_client
    claims = made.signed_introspection(
        issuer=provider.settings.issuer, audience=client.client_id, now=facts.now, answer=answer
    )
    return ring.sign(claims, client.introspection_signed_response_alg, INTROSPECTION)


async def _introspect_refresh(provider: Provider, work: Work, text: str, facts: Facts) -> dict[str, Any]:
    presented = await work.tokens.presented(fingerprint(text))
    if presented is None or presented.family.client_id != facts.known_client.client_id:
        return INACTIVE
    family, session = presented.family, presented.session
    alive = family.revoked_at is None and family.expires_at > facts.now and presented.token.used_at is None
    if not alive or not session.alive(facts.now, provider.rules.sessions):
        return INACTIVE
    return {
        "active": True,
        "client_id": family.client_id,
        "sub": provider.subject(facts.known_client, family.account_id),
        "sid": provider.sid(facts.known_client, family.session_id),
        "scope": family.scope,
        "exp": made.seconds(family.expires_at),
        "iss": provider.settings.issuer,
    } | ({"cnf": dict(family.binding)} if family.binding else {})


async def _checked(provider: Provider, work: Work, facts: Facts, endpoint: Endpoint) -> OAuthError | None:
    """Note the assertion and run the checks; a refusal is returned, so that the note is committed all the same."""
    try:
        await note_assertion(provider, work, facts)
        run(endpoint, Stage.WHAT, facts)
    except OAuthError as error:
        return error
    return None


async def active(
    provider: Provider, work: Work, claims: Mapping[str, Any], now: datetime
) -> tuple[bool, Family | None]:
    """Whether an access token of ours still counts: not expired, not revoked, its family and session alive.

    With it comes the family: who the person is stands there alone, since `sub` may be pairwise.
    """
    if claims.get("iss") != provider.settings.issuer or claims["exp"] <= now.timestamp():
        return False, None
    token_id = str(claims["jti"])
    if family_of(token_id) is None:
        return not await work.tokens.is_revoked(token_id), None
    found = await _found(work, token_id)
    if found is None:
        return False, None
    family, session, revoked = found
    alive = not revoked and family.revoked_at is None and session.alive(now, provider.rules.sessions)
    return alive, family


async def _found(work: Work, token_id: str) -> tuple[Family, SsoSession, bool] | None:
    family_id = family_of(token_id)
    return await work.tokens.family(family_id, token_id) if family_id is not None else None


async def userinfo(
    provider: Provider, token: str, scheme: str = "bearer", shown: Shown = NOTHING
) -> dict[str, Any] | str:
    """Claims about the person that the access token's scopes allow; a JWT or JWE where the client registered so.

    `scheme`: how the token came, `bearer` or `dpop`.

    Raises InvalidToken, InvalidDpopProof, InsufficientScope.
    """
    facts = provider.facts(Parameters([]))
    facts.scheme, facts.address = scheme, f"{provider.settings.issuer}{Endpoint.USERINFO.path}"
    gather(provider, facts, shown, token)
    run(Endpoint.USERINFO, Stage.WHO, facts)
    claims = (await provider.keys.ring()).read(token, ACCESS_TOKEN)
    async with provider.reading() as work:
        alive, family = await active(provider, work, claims, facts.now) if claims is not None else (False, None)
        facts.token = claims if alive else None
        account = await work.accounts.by_id(family.account_id) if family is not None else None
    # Strangers' proofs are not written down: whoever has no token could fill the table.
    if facts.proof is not None and facts.proof.jkt == facts.confirmation.get("jkt"):
        async with provider.work() as work:
            await note_proof(work, facts)
    run(Endpoint.USERINFO, Stage.WHAT, facts)
    assert claims is not None
    if account is None or not account.enabled:
        raise InvalidToken("the account is closed")
    scope = str(claims.get("scope", "")).split(" ")
    asked = asked_of(account, family.claims.get("userinfo", {})) if family is not None else {}
    client = await provider.client(str(claims["client_id"]))
    if client is None:
        raise InvalidToken("the client is known no more")
    ours = made.house_claims(account) if client.first_party else {}
    return await _for_client(
        provider, client, {"sub": claims["sub"]} | ours | told(account, scope_claims(scope)) | asked
    )


async def _for_client(provider: Provider, client: Client, claims: dict[str, Any]) -> dict[str, Any] | str:
    """Userinfo's answer as the client registered it: JSON, signed, encrypted, or both in that order (§5.3.2)."""
    signing, encryption = client.userinfo_signed_response_alg, client.userinfo_encrypted_response_alg
    if signing is None and encryption is None:
        return claims
    text = orjson.dumps(claims).decode()
    if signing is not None:
        named = {"iss": provider.settings.issuer, "aud": client.client_id}
        text = (await provider.keys.ring()).sign(claims | named, signing, USERINFO)
    if encryption is not None:
        content = client.userinfo_encrypted_response_enc
        text = encrypted(text, client.keys, encryption, content, nested=signing is not None)
    return text
