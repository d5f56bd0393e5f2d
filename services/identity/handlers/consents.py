"""Consent (OpenID Connect Core §3.1.2.4): the answer to the question, and taking it back."""

from dataclasses import dataclass

from services.identity.domain.parameters import Parameters
from services.identity.domain.sessions import Next, SsoSession
from services.identity.domain.tokens import fingerprint
from services.identity.errors import AccessDenied
from services.identity.handlers.authorize import (
    Cookies,
    Outcome,
    SendBack,
    ask_consent,
    ask_sign_in,
    examine,
    give_code,
    send_error,
    step_of,
    unanswered,
)
from services.identity.handlers.provider import Provider
from services.identity.handlers.sessions import touch
from services.kit.audit import AuditEntry


async def withdraw(provider: Provider, session: SsoSession, client_id: str) -> None:
    """Forget what the person agreed to for a client, and end every token that it gave. Again changes nothing."""
    account_id, realm = session.account_id, session.realm.value
    async with provider.work() as work:
        if not await work.consents.withdraw(account_id, client_id):
            return
        work.audit(AuditEntry(account_id, "consent", "clients", client_id, realm, client_id, result="withdrawn"))
        for family_id in await work.consents.revoke_families(account_id, client_id, work.now()):
            work.audit(
                AuditEntry(
                    account_id, "revoke", "token_families", family_id, realm, client_id, result="consent_withdrawn"
                )
            )


@dataclass(frozen=True, slots=True)
class Answer:
    """What the person answered: under which request, for whom the question was shown (`shown_to`), yes or no."""

    parameters: Parameters
    cookies: Cookies
    shown_to: str
    agreed: bool


def shown_to(session_id: str) -> str:
    """What a question bears, so that only who saw it can answer: it proves nothing, the cookie says who that is."""
    return fingerprint(f"consent {session_id}")


async def answer(provider: Provider, command: Answer) -> Outcome:
    """Remember the consent and give the code, or take the refusal back to the client.

    Where the session has ended since, or another person has signed in, the page that fits comes instead.
    """
    facts = await examine(provider, command.parameters, command.cookies)
    if isinstance(facts, SendBack):
        return facts
    session, client = facts.session, facts.known_client
    left = (*unanswered(facts, "select_account"), "consent")
    if session is None or step_of(facts, left, answering=True) is not Next.CONSENT:
        return ask_sign_in(facts)
    async with provider.work() as work:
        if command.shown_to != shown_to(session.id):
            return await ask_consent(work, facts, session)
        entry = AuditEntry(
            session.account_id,
            "consent",
            "clients",
            client.client_id,
            session.realm.value,
            client.client_id,
            purpose=facts.asked.words(),
            result="given" if command.agreed else "refused",
        )
        work.audit(entry)
        if not command.agreed:
            return await send_error(provider, facts, AccessDenied("the person did not agree"), work)
        await touch(work, session, facts.now)
        if not client.first_party:
            await work.consents.save(session.account_id, client.client_id, facts.asked.joined(facts.consent))
        return await give_code(provider, work, facts, session)
