"""The roles of the officer who is signed in, only to choose what a page offers: rights are judged by the services."""

import base64
import json
from dataclasses import dataclass

from services.gateway.domain.sessions import Session
from services.gateway.surfaces.base import Site

EVERYWHERE = "*"
CATALOGUE = ("editor", "reviewer", "registrar")
"""Roles at the catalogue; the others are at cases."""


@dataclass(frozen=True, slots=True)
class Grant:
    """A role at an organisation, or everywhere ("*")."""

    organisation: str
    role: str


async def of(site: Site, session: Session) -> tuple[Grant, ...]:
    """The grants in the officer's access token. Raises SessionEnded, ProviderAway.

    The token came straight from the token endpoint over its own connection, so its signature proves nothing more
    (OpenID Connect Core §3.1.3.7, 6); what cannot be read gives no grants.
    """
    token = await site.sessions.access_token(session, site.services["cases"].audience)
    try:
        payload = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return tuple(Grant(str(each["org"]), str(each["role"])) for each in claims.get("grants", ()))
    except (ValueError, IndexError, KeyError, TypeError, AttributeError):
        return ()
