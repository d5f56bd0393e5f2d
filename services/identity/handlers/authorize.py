"""The authorization endpoint (RFC 6749 §3.1, OpenID Connect Core §3.1.2): a code, a page, or an error by redirect."""

from dataclasses import dataclass

from services.identity.domain.checks import Endpoint, Facts, Stage, run
from services.identity.domain.clients import Client, Realm
from services.identity.domain.jose import ID_TOKEN
from services.identity.domain.parameters import Parameters
from services.identity.domain.redirects import with_parameters
from services.identity.domain.sessions import Next, SsoSession, next_step
from services.identity.domain.tokens import AuthorizationCode, fingerprint, new_secret
from services.identity.errors import OAuthError
from services.identity.handlers.provider import Provider
from services.identity.handlers.sessions import current_session, touch
from services.identity.store import Work
from services.kit.ids import new_id

Cookies = dict[Realm, str | None]
"""The SSO cookies of a browser, by realm."""


@dataclass(frozen=True, slots=True)
class SendBack:
    """Back to the client, with a code or an error."""

    location: str


@dataclass(frozen=True, slots=True)
class AskPerson:
    """Show the sign-in page, with a choice of the present account where `choose` names one."""

    client: Client
    parameters: Parameters
    choose: str | None = None

    @property
    def realm(self) -> Realm:
        assert self.client.realm is not None
        return self.client.realm


async def authorize(provider: Provider, parameters: Parameters, cookies: Cookies) -> SendBack | AskPerson:
    """Raises OAuthError where client or redirect URI are not valid: then nothing is sent anywhere (item 2)."""
    facts = await examine(provider, parameters, cookies)
    if isinstance(facts, SendBack):
        return facts
    client = facts.known_client
    prompts = parameters.words("prompt")
    step = next_step(facts.session, facts.now, prompts=prompts, max_age=_max_age(parameters), hinted=facts.hinted)
    if step is Next.CODE and facts.session is not None:
        async with provider.work() as work:
            await touch(work, facts.session, facts.now)
            return await give_code(provider, work, facts, facts.session)
    if step is Next.CHOOSE and facts.session is not None:
        async with provider.reading() as work:
            account = await work.accounts.by_id(facts.session.account_id)
        return AskPerson(client, parameters, account.name if account is not None else None)
    return AskPerson(client, parameters)


async def go_on(provider: Provider, parameters: Parameters, cookies: Cookies) -> SendBack | AskPerson:
    """The person chose to go on with the account that is signed in."""
    facts = await examine(provider, parameters, cookies)
    if isinstance(facts, SendBack):
        return facts
    step = next_step(facts.session, facts.now, prompts=(), max_age=_max_age(parameters), hinted=facts.hinted)
    if step is not Next.CODE or facts.session is None:
        return AskPerson(facts.known_client, parameters)
    async with provider.work() as work:
        await touch(work, facts.session, facts.now)
        return await give_code(provider, work, facts, facts.session)


async def examine(provider: Provider, parameters: Parameters, cookies: Cookies) -> Facts | SendBack:
    """Gather the facts of an authorization request and check them; an error that may be sent back is a SendBack."""
    client = await provider.client(parameters.get("client_id"))
    facts = provider.facts(parameters, client)
    run(Endpoint.AUTHORIZE, Stage.WHO, facts)
    try:
        if client is not None and client.realm is not None:
            async with provider.reading() as work:
                facts.session = await current_session(provider, work, client.realm, cookies.get(client.realm))
        if hint := parameters.get("id_token_hint"):
            facts.hint = (await provider.keys.ring()).read(hint, ID_TOKEN)
        run(Endpoint.AUTHORIZE, Stage.WHAT, facts)
    except OAuthError as error:
        return send_error(provider, parameters, error)
    return facts


async def give_code(provider: Provider, work: Work, facts: Facts, session: SsoSession) -> SendBack:
    """Issue a code for a checked request and the session that answers it."""
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
            scope=" ".join(parameters.words("scope")),
            resources=parameters.many("resource"),
            claims={},
            nonce=parameters.get("nonce"),
            code_challenge=parameters.get("code_challenge"),
            dpop_jkt=parameters.get("dpop_jkt"),
            auth_time=session.auth_time,
            expires_at=work.now() + provider.code_life,
        )
    )
    return _answer(provider, parameters, {"code": code})


def send_error(provider: Provider, parameters: Parameters, error: OAuthError) -> SendBack:
    """The error of a request whose client and redirect URI are good."""
    return _answer(provider, parameters, error.members())


def _answer(provider: Provider, parameters: Parameters, members: dict[str, str]) -> SendBack:
    if "state" in parameters:
        members["state"] = parameters["state"]
    # RFC 9207 §2: in success and error alike, so that a client cannot be led to another server (mix-up).
    members["iss"] = provider.settings.issuer
    return SendBack(with_parameters(parameters["redirect_uri"], members))


def _max_age(parameters: Parameters) -> int | None:
    value = parameters.get("max_age")
    return int(value) if value is not None else None
