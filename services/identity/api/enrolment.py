"""The page behind a one-time link: it sets a password. The token is in the address for the form alone."""

from collections.abc import Sequence
from dataclasses import replace
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from starlette.responses import Response

from services.identity.api.pages import form_fields, pages_of, problem_page
from services.identity.api.problems import Problem, new_password, refusal
from services.identity.api.reading import provider_of
from services.identity.domain.accounts import Account
from services.identity.errors import LinkUsed, OAuthError, SlowDown
from services.identity.handlers import enrolment
from services.kit.errors import TongbanError
from services.kit.pages import preferences_of_scope

router = APIRouter(tags=["enrolment"], include_in_schema=False)
# Neither a script nor another site learns the address. With no-referrer the form would come with `Origin: null`.
HEADERS = {"Referrer-Policy": "strict-origin", "Cache-Control": "no-store"}


@router.get("/enrol")
async def invited(request: Request) -> Response:
    """The form for a new password. Opening it uses nothing up: mail programs open links as well."""
    token = request.query_params.get("token", "")
    try:
        return await _form(request, token, await enrolment.invited(provider_of(request), token))
    except LinkUsed:
        return await _used(request)


@router.post("/enrol")
async def enrol(request: Request) -> Response:
    """The new password, typed twice."""
    try:
        form = await form_fields(request)
        token, provider = form.get("token", ""), provider_of(request)
        address = replace(preferences_of_scope(request.scope), path="/enrol", query=urlencode({"token": token[:100]}))
        request.state.preferences = address
        pages_of(request).forms.check(request, form.get("_token", ""))
        account = await enrolment.invited(provider, token)
        if problems := new_password(form):
            return await _form(request, token, account, problems)
        try:
            await enrolment.enrol(provider, token, form["new_password"])
        except SlowDown as error:
            refused = refusal(error)
            return await _form(request, token, account, [refused.problem], refused.status, refused.headers)
    except LinkUsed:
        return await _used(request)
    except (OAuthError, TongbanError) as error:
        return await problem_page(request, error, preferences_of_scope(request.scope).address)
    clients = await provider.clients()
    doors = [c for c in clients.values() if c.client_uri and c.first_party and c.realm is account.realm]
    return await pages_of(request).render(request, "identity/enrolled.html", {"account": account, "doors": doors})


async def _form(
    request: Request,
    token: str,
    account: Account,
    problems: Sequence[Problem] = (),
    status: int = 422,
    headers: dict[str, str] | None = None,
) -> Response:
    values = {
        "token": token,
        "account": account,
        "problems": [(f"f-{p.field}" if p.field else "", p.words) for p in problems],
        "errors": {p.field: p.words for p in problems},
    }
    headers = HEADERS | (headers or {})
    status = status if problems else 200
    return await pages_of(request).render(request, "identity/enrol.html", values, status=status, headers=headers)


async def _used(request: Request) -> Response:
    return await pages_of(request).render(
        request, "identity/link_used.html", status=LinkUsed.kind.status, headers=HEADERS
    )
