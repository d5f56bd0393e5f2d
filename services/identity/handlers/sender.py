"""What a request proves of its sender: DPoP proofs (RFC 9449), client certificates (RFC 8705); facts for the checks.

shown = Shown(proofs, certificate)      what came with the request, from `api.senders`
gather(provider, facts, shown)          before the checks of WHO; `authenticate` does it
await note_proof(work, facts)           in the transaction, before the checks of WHAT
pushed(facts)                           what a pushed request keeps of its proof (§10.1)
"""

from dataclasses import dataclass

from services.identity.domain.checks import Facts
from services.identity.handlers.provider import Provider
from services.identity.store import Work
from services.kit import dpop, replays


@dataclass(frozen=True, slots=True)
class Shown:
    """The DPoP headers of a request, its method, and the thumbprint of the certificate of its connection."""

    proofs: tuple[str, ...] = ()
    certificate: str | None = None
    method: str = "POST"


NOTHING = Shown()


def gather(provider: Provider, facts: Facts, shown: Shown, token: str | None = None) -> None:
    """Read the proof and what it must be about. `token`: the access token that it comes with, at a resource."""
    facts.certificate = shown.certificate
    facts.proof = dpop.read(shown.proofs)
    if facts.proof is None:
        return
    now, settings = facts.now.timestamp(), provider.settings
    facts.wanted = dpop.Wanted(shown.method, facts.address, now, settings.dpop_proof_seconds, token)
    nonce = facts.proof.claims.get("nonce")
    # At a resource `ath` says it already: no proof is made before its token, and that lives for minutes (§11.2).
    unasked = nonce is None and (token is not None or not settings.dpop_nonce_required)
    facts.nonce_fits = unasked or provider.nonces.fits(nonce, now)


async def note_proof(work: Work, facts: Facts) -> None:
    """Write down that the proof was used; whether it was new is judged by the check `dpop_unused`."""
    if facts.proof is not None and facts.wanted is not None:
        facts.proof_unused = await replays.first_use(work, facts.proof, facts.wanted)


def pushed(facts: Facts) -> dict[str, str]:
    """Parameters that a pushed request gains by its proof: the code will be bound to that key (RFC 9449 §10.1)."""
    return {"dpop_jkt": facts.proof.jkt} if facts.proof is not None else {}
