"""Dynamic registration (RFC 7591) and management (RFC 7592) of clients, and what operators do with them."""

import hmac
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from services.identity.domain.clients import SECRET_METHODS, ClientDeclaration, Realm
from services.identity.domain.registration import Metadata, check_update, declaration_of, metadata_of, new_client_id
from services.identity.domain.tokens import fingerprint, new_secret
from services.identity.errors import ClientDeclared, ClientUnknown, InvalidClientMetadata, InvalidToken
from services.identity.handlers.clients import hear_logouts
from services.identity.handlers.provider import Provider
from services.identity.store import Work
from services.identity.store.registration import Registered
from services.kit import deliveries
from services.kit.audit import AuditEntry

NO_TOKEN = "0" * 64
"""Compared with where there is no such client: the fingerprint of nothing that anybody has."""


@dataclass(frozen=True, slots=True)
class MakeInitialToken:
    """Let strangers register as many clients as `uses` says, for people of one realm."""

    actor: str
    realm: Realm
    uses: int
    days: int


@dataclass(frozen=True, slots=True)
class DisableClient:
    """Put an end to a registered client."""

    actor: str
    client_id: str


async def make_initial_token(command: MakeInitialToken, work: Work) -> str:
    """A new initial access token (RFC 7591 §1.2), told this once."""
    secret = new_secret()
    name = fingerprint(secret)
    async with work:
        expires = work.now() + timedelta(days=command.days)
        await work.registration.add_token(name, command.realm, command.uses, expires)
        text = f"{command.uses} uses, {command.days} days"
        work.audit(AuditEntry(command.actor, "make", "initial_access_tokens", name[:16], command.realm, result=text))
    return secret


async def register(provider: Provider, metadata: Metadata, token: str) -> dict[str, Any]:
    """Register a client (RFC 7591 §3). What is refused uses the initial access token up by nothing."""
    management = new_secret()
    async with provider.work() as work:
        name = fingerprint(token)
        realm = await work.registration.take_token(name, work.now())
        if realm is None:
            raise InvalidToken("the initial access token is unknown, used up or expired")
        secret = new_secret()
        client = declaration_of(metadata, client_id=new_client_id(), realm=realm, secret=secret)
        _check_possible(provider, client)
        await work.registration.add(client, fingerprint(management))
        await hear_logouts(work, client)
        work.audit(_entry(client, "register", f"initial access token {name[:16]}"))
        issued = int(work.now().timestamp())
    provider.forget_clients()
    return _answer(provider, client, management) | _secret(client) | {"client_id_issued_at": issued}


async def read(provider: Provider, client_id: str, token: str) -> dict[str, Any]:
    """What is registered (RFC 7592 §2.1)."""
    async with provider.reading() as work:
        found = await _managed(work, client_id, token)
    return _answer(provider, found.client, token)


async def update(provider: Provider, client_id: str, metadata: Metadata, token: str) -> dict[str, Any]:
    """Other metadata in the place of all that were there (RFC 7592 §2.2). The secret stays: one is made only for a
    client that had none and now needs it.
    """
    async with provider.work() as work:
        old = (await _managed(work, client_id, token, locked=True)).client
        check_update(metadata, client_id)
        sent = metadata.get("client_secret")
        if sent is not None and not _is_secret(work, old.client_id, old.secret_digest, sent):
            raise InvalidClientMetadata("client_secret must be the client's own")
        assert old.realm is not None
        had_secret = old.secret_digest is not None
        client = declaration_of(metadata, client_id=client_id, realm=old.realm, secret=new_secret())
        _check_possible(provider, client)
        if had_secret and client.client_secret is not None:
            client = client.model_copy(update={"client_secret": None})
        kept = old.secret_digest if client.token_endpoint_auth_method in SECRET_METHODS else None
        await work.registration.replace(client, kept_digest=kept)
        await hear_logouts(work, client)
        work.audit(_entry(client, "update"))
    provider.forget_clients()
    return _answer(provider, client, token) | _secret(client)


async def remove(provider: Provider, client_id: str, token: str) -> None:
    """The client goes, with all that it holds (RFC 7592 §2.3)."""
    async with provider.work() as work:
        found = await _managed(work, client_id, token, locked=True)
        await _end(work, found.client, client_id)
    provider.forget_clients()


async def disable_client(command: DisableClient, work: Work) -> int:
    """What `remove` does, by an operator: how many people's tokens ended. Raises ClientUnknown, ClientDeclared."""
    async with work:
        found = await work.registration.find(command.client_id, locked=True)
        if found is None:
            if await work.registration.is_declared(command.client_id):
                raise ClientDeclared("take it out of TONGBAN_IDENTITY_CLIENTS and start the service again")
            raise ClientUnknown()
        return await _end(work, found.client, command.actor)


async def list_clients(work: Work) -> list[Any]:
    """Every client, as rows."""
    async with work:
        return await work.registration.listed()


def _check_possible(provider: Provider, client: ClientDeclaration) -> None:
    """RFC 8705 §3.4: nobody registers for certificates where no proxy tells of them."""
    if client.tls_client_certificate_bound_access_tokens and not provider.settings.client_certificate_header:
        raise InvalidClientMetadata("tls_client_certificate_bound_access_tokens is not supported here")


async def _end(work: Work, client: ClientDeclaration, actor: str) -> int:
    await work.registration.disable(client.client_id)
    ended = await work.registration.end_all(client.client_id)
    await deliveries.remove(work, client.client_id)
    work.audit(_entry(client, "disable", actor=actor, result=f"{ended} families ended"))
    return ended


async def _managed(work: Work, client_id: str, token: str, *, locked: bool = False) -> Registered:
    """The client that the registration access token manages. An unknown client and a wrong token are told alike."""
    found = await work.registration.find(client_id, locked=locked)
    fits = hmac.compare_digest(fingerprint(token), found.token_hash if found is not None else NO_TOKEN)
    if found is None or not fits:
        # RFC 7592 §2: 401 for a client that there is not, too.
        raise InvalidToken("the registration access token is not of this client")
    return found


def _is_secret(work: Work, client_id: str, digest: str | None, sent: object) -> bool:
    if digest is None or not isinstance(sent, str):
        return False
    return hmac.compare_digest(work.clients.secret_digest(client_id, sent), digest)


def _answer(provider: Provider, client: ClientDeclaration, management: str) -> dict[str, Any]:
    return metadata_of(client) | {
        "registration_access_token": management,
        "registration_client_uri": f"{provider.settings.issuer}/register/{client.client_id}",
    }


def _secret(client: ClientDeclaration) -> dict[str, Any]:
    if client.client_secret is None:
        return {}
    # RFC 7591 §3.2.1: 0, it does not expire.
    return {"client_secret": client.client_secret.get_secret_value(), "client_secret_expires_at": 0}


def _entry(
    client: ClientDeclaration,
    action: str,
    purpose: str | None = None,
    *,
    actor: str | None = None,
    result: str = "done",
) -> AuditEntry:
    client_id, realm = client.client_id, client.realm.value if client.realm is not None else None
    return AuditEntry(actor or client_id, action, "clients", client_id, realm, client_id, None, purpose, result)
