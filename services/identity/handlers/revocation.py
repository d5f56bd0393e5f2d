"""Ending tokens before their time, each end on record: who asked, for whom, why."""

from datetime import datetime
from typing import Literal

from services.identity.domain.clients import Client
from services.identity.store import Work
from services.kit.audit import AuditEntry

Reason = Literal["code_reused", "refresh_token_reused", "asked"]
"""RFC 6749 §4.1.2, RFC 9700 §4.14.2: somebody else may hold the code or token; RFC 7009: the client asked."""


async def revoke_family(
    work: Work, family_id: str, account_id: str, now: datetime, *, client: Client, reason: Reason
) -> None:
    """End all tokens of a family. `client` is the one that presented what tells."""
    if await work.tokens.revoke_family(family_id, now):
        work.audit(_entry("token_families", family_id, account_id, client, reason))


async def revoke_token(
    work: Work, token_id: str, account_id: str, expires_at: datetime, *, client: Client, reason: Reason
) -> None:
    """End one access token."""
    if await work.tokens.revoke_token(token_id, expires_at):
        work.audit(_entry("access_tokens", token_id, account_id, client, reason))


def _entry(kind: str, object_id: str, account_id: str, client: Client, reason: Reason) -> AuditEntry:
    realm = client.realm.value if client.realm is not None else None
    person = account_id if account_id != client.client_id else None
    return AuditEntry(client.client_id, "revoke", kind, object_id, realm, client.client_id, person, result=reason)
