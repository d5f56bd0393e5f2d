"""The authorization endpoint (RFC 6749 §3.1, OpenID Connect Core §3.1.2): a code, a page, or an error by redirect."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from services.identity.domain.checks import Endpoint, Facts, Stage, run
from services.identity.domain.clients import Client, Realm
from services.identity.domain.consents import Consent
from services.identity.domain.jose import ID_TOKEN
from services.identity.domain.parameters import Parameters
from services.identity.domain.redirects import with_parameters
from services.identity.domain.sessions import Next, SsoSession, next_step
from services.identity.domain.tokens import AuthorizationCode, fingerprint, new_secret
from services.identity.errors import InvalidRequestObject, OAuthError
from services.identity.handlers.provider import Provider
from services.identity.handlers.requests import find_pushed, keep, unfold, use_up
from services.identity.handlers.sessions import current_session, touch
from services.identity.store import Work
from services.kit.ids import new_id

Cookies = dict[Realm, str | None]
"""The SSO cookies of a browser, by realm."""
ANSWER_LIFE = timedelta(minutes=10)
"""How long after a sign-in the questions that follow it may be answered without another one, where `prompt=login`."""


@dataclass(frozen=True, slots=True)
class SendBack:
    """Back to the client, with a code or an error: by redirect, or by a form that posts itself (`form_post`)."""

    client: Client
    redirect_uri: str
    members: Mapping[str, str]
    form_post: bool = False

    @property
    def location(self) -> str:
        """The address to redirect to."""
        return with_parameters(self.redirect_uri, self.members)


@dataclass(frozen=True, slots=True)
class AskPerson:
    """Show the sign-in page, with a choice of the present account where `choose` names one.

    `parameters` are what is asked for, `waiting` is how the page carries the request on.
    """

    client: Client
    parameters: Parameters
    waiting: Parameters
    choose: str | None = None

    @property
    def realm(self) -> Realm:
        assert self.client.realm is not None
        return self.client.realm


@dataclass(frozen=True, slots=True)
class AskConsent:
    """Ask the person who is signed in whether the client may have what it asks for."""

    client: Client
    parameters: Parameters
    waiting: Parameters
    asked: Consent
    name: str
    session_id: str


Outcome = SendBack | AskPerson | AskConsent
"""What a valid request leads to."""


async def authorize(provider: Provider, parameters: Parameters, cookies: Cookies, *, framed: bool = False) -> Outcome:
    """Raises OAuthError where client or redirect URI are not valid: then nothing is sent anywhere (item 2)."""
    facts = await examine(provider, parameters, cookies, framed=framed)
    if isinstance(facts, SendBack):
        return facts
    return await proceed(provider, facts, facts.parameters.words("prompt"))


async def go_on(provider: Provider, parameters: Parameters, cookies: Cookies) -> Outcome:
    """The person chose to go on with the account that is signed in."""
    facts = await examine(provider, parameters, cookies)
    if isinstance(facts, SendBack):
        return facts
    return await proceed(provider, facts, unanswered(facts, "select_account"))


def unanswered(facts: Facts, *answered: str) -> tuple[str, ...]:
    """The prompts that are left when a form of ours was answered: `login` is, by a sign-in that is as young."""
    if facts.session is not None and facts.now - facts.session.auth_time < ANSWER_LIFE:
        answered = (*answered, "login")
    return tuple(word for word in facts.parameters.words("prompt") if word not in answered)


async def proceed(provider: Provider, facts: Facts, prompts: tuple[str, ...]) -> Outcome:
    """A code, or the page that has to come before."""
    session, step = facts.session, step_of(facts, prompts)
    if step is Next.CODE and session is not None:
        async with provider.work() as work:
            await touch(work, session, facts.now)
            return await give_code(provider, work, facts, session)
    await keep(provider, facts)
    if step is Next.SIGN_IN or session is None:
        return ask_sign_in(facts)
    async with provider.reading() as work:
        if step is Next.CONSENT:
            return await ask_consent(work, facts, session)
        account = await work.accounts.by_id(session.account_id)
    return ask_sign_in(facts, account.name if account is not None else None)


def step_of(facts: Facts, prompts: tuple[str, ...], *, answering: bool = False) -> Next:
    """What comes next for these facts and what is left of the prompts. `answering`: a question that follows the sign-in
    is being answered, and the sign-in may have aged for as long as that takes.
    """
    max_age = facts.max_age
    if answering and max_age is not None:
        max_age = max(max_age, int(ANSWER_LIFE.total_seconds()))
    return next_step(
        facts.session,
        facts.now,
        prompts=prompts,
        max_age=max_age,
        meant=facts.session is not None and facts.meant(facts.session.account_id),
        consented=facts.consented,
    )


def ask_sign_in(facts: Facts, choose: str | None = None) -> AskPerson:
    """The sign-in page of a checked request."""
    return AskPerson(facts.known_client, facts.parameters, facts.waiting, choose)


async def ask_consent(work: Work, facts: Facts, session: SsoSession) -> AskConsent:
    """The question to the person of this session."""
    account = await work.accounts.by_id(session.account_id)
    assert account is not None
    return AskConsent(facts.known_client, facts.parameters, facts.waiting, facts.asked, account.name, session.id)


async def examine(
    provider: Provider, parameters: Parameters, cookies: Cookies, *, framed: bool = False
) -> Facts | SendBack:
    """Gather the facts of an authorization request and check them; an error that may be sent back is a SendBack."""
    client = await provider.client(parameters.get("client_id"))
    facts = provider.facts(parameters, client)
    facts.framed = framed
    facts.pushed = await find_pushed(provider, parameters)
    run(Endpoint.AUTHORIZE, Stage.WHO, facts)
    try:
        unfold(facts)
        run(Endpoint.AUTHORIZE, Stage.WHERE, facts)
    except InvalidRequestObject as error:
        # Nothing in it is believed: the answer goes where the plain parameters say, if that is registered.
        facts.parameters, facts.request_object = parameters, None
        run(Endpoint.AUTHORIZE, Stage.WHERE, facts)
        return await send_error(provider, facts, error)
    try:
        if client is not None and client.realm is not None:
            async with provider.reading() as work:
                session = await current_session(provider, work, client.realm, cookies.get(client.realm))
                await note_session(work, facts, session)
        if hint := facts.parameters.get("id_token_hint"):
            facts.hint = (await provider.keys.ring()).read(hint, ID_TOKEN)
        run(Endpoint.AUTHORIZE, Stage.WHAT, facts)
    except OAuthError as error:
        return await send_error(provider, facts, error)
    return facts


async def note_session(work: Work, facts: Facts, session: SsoSession | None) -> None:
    """Whose request it is, and what they have agreed to where that is asked for."""
    facts.session = session
    if session is not None and not facts.known_client.first_party:
        facts.consent = await work.consents.find(session.account_id, facts.known_client.client_id)


async def give_code(provider: Provider, work: Work, facts: Facts, session: SsoSession) -> SendBack:
    """Issue a code for a checked request and the session that answers it. Raises InvalidRequestUri."""
    await use_up(work, facts)
    parameters, client = facts.parameters, facts.known_client
    code = new_secret()
    await work.tokens.add_code(
        AuthorizationCode(
            code_hash=fingerprint(code),
            family_id=new_id(),
            client_id=client.client_id,
            account_id=session.account_id,
            session_id=session.id,
            redirect_uri=parameters["redirect_uri"],
            scope=" ".join(facts.scope),
            resources=parameters.many("resource"),
            claims=facts.claims.document() if facts.claims is not None else {},
            nonce=parameters.get("nonce"),
            code_challenge=parameters.get("code_challenge"),
            dpop_jkt=parameters.get("dpop_jkt"),
            auth_time=session.auth_time,
            expires_at=work.now() + provider.code_life,
        )
    )
    return _answer(provider, facts, {"code": code})


async def send_error(provider: Provider, facts: Facts, error: OAuthError, work: Work | None = None) -> SendBack:
    """The error of a request whose client and redirect URI are good. Raises InvalidRequestUri."""
    if facts.pushed is not None:
        async with work or provider.work() as used:
            await use_up(used, facts)
    return _answer(provider, facts, error.members())


def _answer(provider: Provider, facts: Facts, members: dict[str, str]) -> SendBack:
    parameters = facts.parameters
    if "state" in parameters:
        members["state"] = parameters["state"]
    # RFC 9207 §2: in success and error alike, so that a client cannot be led to another server (mix-up).
    members["iss"] = provider.settings.issuer
    # OAuth 2.0 Form Post Response Mode §2; what else `response_mode` may be is judged by its check.
    form_post = parameters.get("response_mode") == "form_post"
    return SendBack(facts.known_client, parameters["redirect_uri"], members, form_post)
