"""RP-initiated logout (OpenID Connect RP-Initiated Logout 1.0): at once for a fitting hint, else after a question."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from services.identity.domain.checks import Endpoint, Facts, Stage, run
from services.identity.domain.clients import Client, Realm
from services.identity.domain.jose import ID_TOKEN
from services.identity.domain.parameters import Parameters
from services.identity.domain.redirects import with_parameters
from services.identity.domain.sessions import SsoSession
from services.identity.handlers.authorize import Cookies
from services.identity.handlers.provider import Provider
from services.identity.handlers.sessions import current_session, end_session
from services.identity.store import Work


@dataclass(frozen=True, slots=True)
class SignedOut:
    """Nobody is signed in (any more) in `realms`; `location` leads back to the client, None shows our own page.

    `frames`: what the page loads so that clients drop the browser's cookies (OpenID Connect Front-Channel Logout §3).
    """

    realms: tuple[Realm, ...]
    location: str | None
    client: Client | None
    frames: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AskToSignOut:
    """Anybody can link here, so the person is asked."""

    client: Client | None
    parameters: Parameters


async def log_out(
    provider: Provider, parameters: Parameters, cookies: Cookies, *, confirmed: bool = False
) -> SignedOut | AskToSignOut:
    """End the browser's session, or the one that a hint of ours names where the browser has none.

    Raises OAuthError for a request that is not valid: then nothing is sent anywhere.
    """
    facts, hint = await _examine(provider, parameters)
    client = facts.client
    realms = (client.realm,) if client is not None and client.realm is not None else tuple(Realm)
    async with provider.work() as work:
        sessions = await _sessions(provider, work, realms, cookies)
        if not all(_fits(provider, client, session, hint) for session in sessions) and not confirmed:
            return AskToSignOut(client, parameters)
        if not sessions:
            sessions = await _named(provider, client, work, hint)
        frames: list[str] = []
        for session in sessions:
            if await end_session(provider, work, session, "signed_out"):
                frames += await frames_of(provider, work, session)
    return SignedOut(realms, _location(parameters), client, tuple(frames))


async def frames_of(provider: Provider, work: Work, session: SsoSession) -> list[str]:
    """Logout addresses of the session's clients that have one; `iss` and `sid` for those that want them (§2)."""
    known = await provider.clients()
    issuer = provider.settings.issuer
    found = []
    for client_id in sorted(await work.sessions.clients(session.id)):
        client = known.get(client_id)
        if client is not None and (uri := client.frontchannel_logout_uri) is not None:
            told = {"iss": issuer, "sid": provider.sid(client, session.id)}
            found.append(with_parameters(uri, told) if client.frontchannel_logout_session_required else uri)
    return found


async def _examine(provider: Provider, parameters: Parameters) -> tuple[Facts, Mapping[str, Any] | None]:
    text = parameters.get("id_token_hint")
    hint = (await provider.keys.ring()).read(text, ID_TOKEN) if text else None
    if hint is not None and hint.get("iss") != provider.settings.issuer:
        hint = None
    named = str(hint["aud"]) if hint is not None else parameters.get("client_id")
    facts = provider.facts(parameters, await provider.client(named))
    run(Endpoint.LOGOUT, Stage.WHO, facts)
    return facts, hint


async def _sessions(provider: Provider, work: Work, realms: tuple[Realm, ...], cookies: Cookies) -> list[SsoSession]:
    found = [await current_session(provider, work, realm, cookies.get(realm)) for realm in realms]
    return [session for session in found if session is not None]


def _fits(provider: Provider, client: Client | None, session: SsoSession, hint: Mapping[str, Any] | None) -> bool:
    """Whether the hint is of this very session; else the person is asked (RP-Initiated Logout §2)."""
    if hint is None or client is None or hint.get("sid") != provider.sid(client, session.id):
        return False
    return hint.get("sub") == provider.subject(client, session.account_id)


async def _named(
    provider: Provider, client: Client | None, work: Work, hint: Mapping[str, Any] | None
) -> list[SsoSession]:
    """The session of the hint, where the browser has lost its cookie: whoever holds the hint is its client."""
    named = provider.session_of(client, str(hint.get("sid"))) if hint is not None and client is not None else None
    found = await work.sessions.by_id(named) if named is not None else None
    return [found] if found is not None and _fits(provider, client, found, hint) else []


def _location(parameters: Parameters) -> str | None:
    target = parameters.get("post_logout_redirect_uri")
    if target is None:
        return None
    state = parameters.get("state")
    return with_parameters(target, {"state": state}) if state is not None else target
