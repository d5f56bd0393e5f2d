"""Requests that come by another way than the query: pushed (RFC 9126), or as a signed object (RFC 9101); how they wait.

One mechanism for both: while somebody is at a page of ours the request is in the database and the page holds its
reference, so that nobody can change it there. It is used up by the answer to the client, a code or an error.
"""

from datetime import timedelta
from typing import Any

from services.identity.domain.checks import Endpoint, Facts, Stage, run
from services.identity.domain.jose import ID_TOKEN
from services.identity.domain.parameters import Parameters
from services.identity.domain.requests import PushedRequest, is_pushed, new_request_uri, read_request_object
from services.identity.errors import InvalidRequestUri, OAuthError
from services.identity.handlers import sender
from services.identity.handlers.client_auth import authenticate, note_assertion
from services.identity.handlers.provider import Provider
from services.identity.store import Work

_PROOF = frozenset({"client_id", "client_secret", "client_assertion", "client_assertion_type"})
"""Parameters of a pushed request that are about the client and no part of what it asks for."""


async def push(
    provider: Provider, parameters: Parameters, authorization: str | None, shown: sender.Shown = sender.NOTHING
) -> dict[str, Any]:
    """Take a request in (RFC 9126 §2), after every check that needs no person. Raises OAuthError."""
    facts = await authenticate(provider, Endpoint.PAR, parameters, authorization, shown)
    ring = await provider.keys.ring()
    life = timedelta(seconds=provider.settings.pushed_request_seconds)
    request_uri, refused = new_request_uri(), None
    async with provider.work() as work:
        # What a refusal leaves behind must stay (the used assertion, the used proof): commit, then raise.
        try:
            await note_assertion(provider, work, facts)
            await sender.note_proof(work, facts)
            unfold(facts)
            run(Endpoint.PAR, Stage.WHERE, facts)
            if hint := facts.parameters.get("id_token_hint"):
                facts.hint = ring.read(hint, ID_TOKEN)
            run(Endpoint.PAR, Stage.WHAT, facts)
            await work.requests.add(_pushed(facts, request_uri, life))
        except OAuthError as error:
            refused = error
    if refused is not None:
        raise refused
    return {"request_uri": request_uri, "expires_in": provider.settings.pushed_request_seconds}


def _pushed(facts: Facts, request_uri: str, life: timedelta, *, opened: bool = False) -> PushedRequest:
    client_id = facts.known_client.client_id
    more = {"client_id": client_id} | sender.pushed(facts)
    asked = [pair for pair in facts.parameters.pairs() if pair[0] not in _PROOF and pair[0] not in more]
    return PushedRequest(request_uri, client_id, Parameters([*more.items(), *asked]), facts.now + life, opened)


async def find_pushed(provider: Provider, parameters: Parameters) -> PushedRequest | None:
    """The request that a browser brings the reference of."""
    if not is_pushed(parameters):
        return None
    async with provider.reading() as work:
        return await work.requests.find(parameters["request_uri"], work.now())


def unfold(facts: Facts) -> None:
    """Put the request in the place of its reference or of the object that holds it; what stands beside is ignored (RFC
    9101 §6.3, RFC 9126 §4). Raises InvalidRequestObject.
    """
    if facts.pushed is not None:
        facts.parameters = facts.pushed.parameters
    elif text := facts.parameters.get("request"):
        facts.request_object = read_request_object(text, facts.known_client)
        if facts.request_object.claims is not None:
            facts.parameters = facts.request_object.parameters()


async def keep(provider: Provider, facts: Facts) -> None:
    """A page comes before the answer: let a pushed request live for as long as somebody may take over it, and keep a
    request object in the same way.
    """
    life = timedelta(seconds=provider.settings.sign_in_seconds)
    if facts.pushed is not None and not facts.pushed.opened:
        async with provider.work() as work:
            await work.requests.open(facts.pushed.request_uri, facts.now + life)
    elif facts.pushed is None and facts.request_object is not None:
        facts.pushed = _pushed(facts, new_request_uri(), life, opened=True)
        async with provider.work() as work:
            await work.requests.add(facts.pushed)


async def use_up(work: Work, facts: Facts) -> None:
    """The request is answered once (RFC 9126 §7.3). Raises InvalidRequestUri for all but one of parallel answers."""
    if facts.pushed is not None and not await work.requests.take(facts.pushed.request_uri, work.now()):
        raise InvalidRequestUri("the pushed request is unknown, expired or used")
