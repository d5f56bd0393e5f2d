"""Every rule that a request must pass: one small module each, its source in the docstring, and where it applies.

Rows run from the top down. WHO is decided first: its errors are shown on a page (authorize, logout) or in a 401 body.
WHERE is next: a request that is signed or was pushed has been unfolded by then; its errors are shown on the page too.
WHAT comes after: its errors go to the client, by redirect or in a body. A rule without an x here does not run.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from types import ModuleType

from services.identity.domain.checks import (
    acr_essential,
    assertion_audience,
    assertion_id,
    assertion_signature,
    assertion_subject,
    assertion_times,
    assertion_unused,
    claims_parameter,
    client_authenticated,
    client_grant,
    client_known,
    client_one_method,
    client_secret,
    code_known,
    code_redirect_uri,
    code_unexpired,
    code_unused,
    code_verifier,
    consent_given,
    dpop_binding,
    dpop_code,
    dpop_id,
    dpop_jkt,
    dpop_key,
    dpop_method,
    dpop_nonce,
    dpop_one,
    dpop_refresh,
    dpop_required,
    dpop_scheme,
    dpop_signature,
    dpop_target,
    dpop_time,
    dpop_token,
    dpop_type,
    dpop_unused,
    family_alive,
    fapi2_algorithms,
    frame,
    id_token_hint,
    introspection_client,
    logout_client,
    max_age,
    mtls_binding,
    mtls_refresh,
    mtls_required,
    parameters_once,
    pkce_challenge,
    post_logout_redirect,
    prompt,
    prompt_none,
    pushed_known,
    pushed_required,
    redirect_uri,
    refresh_known,
    refresh_reuse,
    registration,
    request_object_audience,
    request_object_flat,
    request_object_issuer,
    request_object_required,
    request_object_signature,
    request_object_times,
    request_one_way,
    request_uri,
    resource_granted,
    resource_named,
    resource_one,
    resources_allowed,
    response_mode,
    response_type,
    scope,
    scope_machine,
    scope_not_wider,
    session_alive,
    text_limits,
    token_active,
    token_given,
    token_scope,
)
from services.identity.domain.checks.facts import Facts, Rules

__all__ = ["TABLE", "Endpoint", "Facts", "Rules", "Stage", "run"]


class Stage(StrEnum):
    """Whose request it is; where its answer goes, which a request object may say; what it asks for."""

    WHO = "who"
    WHERE = "where"
    WHAT = "what"


class Endpoint(IntEnum):
    """Columns of the table. The token endpoint has one for each grant type."""

    AUTHORIZE = 0
    CODE = 1
    REFRESH = 2
    MACHINE = 3
    REVOKE = 4
    INTROSPECT = 5
    USERINFO = 6
    LOGOUT = 7
    PAR = 8

    @property
    def path(self) -> str:
        """Where the endpoint is below the issuer."""
        return "/token" if self in (Endpoint.CODE, Endpoint.REFRESH, Endpoint.MACHINE) else f"/{self.name.lower()}"


@dataclass(frozen=True, slots=True)
class Row:
    """One check and the endpoints that it guards."""

    name: str
    check: Callable[[Facts], None]
    stage: Stage
    columns: str

    def guards(self, endpoint: Endpoint) -> bool:
        return self.columns[endpoint] == "x"


def _row(module: ModuleType, stage: Stage, columns: str) -> Row:
    marks = columns.replace(" ", "")
    if len(marks) != len(Endpoint):
        raise ValueError(f"{module.__name__}: one mark for each endpoint")
    return Row(module.__name__.rpartition(".")[2], module.check, stage, marks)


WHO, WHERE, WHAT = Stage

# fmt: off
TABLE: tuple[Row, ...] = (
    #                                      authorize
    #                                      |  code
    #                                      |  |  refresh
    #                                      |  |  |  machine (client_credentials)
    #                                      |  |  |  |  revoke
    #                                      |  |  |  |  |  introspect
    #                                      |  |  |  |  |  |  userinfo
    #                                      |  |  |  |  |  |  |  logout
    #                                      |  |  |  |  |  |  |  |  pushed request
    _row(parameters_once,          WHO,   "x  x  x  x  x  x  -  x  x"),
    _row(client_known,             WHO,   "x  -  -  -  -  -  -  -  -"),
    _row(request_one_way,          WHO,   "x  -  -  -  -  -  -  -  x"),
    _row(pushed_known,             WHO,   "x  -  -  -  -  -  -  -  -"),
    _row(client_one_method,        WHO,   "-  x  x  x  x  x  -  -  x"),
    _row(client_authenticated,     WHO,   "-  x  x  x  x  x  -  -  x"),
    _row(client_secret,            WHO,   "-  x  x  x  x  x  -  -  x"),
    _row(assertion_signature,      WHO,   "-  x  x  x  x  x  -  -  x"),
    _row(assertion_subject,        WHO,   "-  x  x  x  x  x  -  -  x"),
    _row(assertion_audience,       WHO,   "-  x  x  x  x  x  -  -  x"),
    _row(assertion_times,          WHO,   "-  x  x  x  x  x  -  -  x"),
    _row(assertion_id,             WHO,   "-  x  x  x  x  x  -  -  x"),
    _row(dpop_required,            WHO,   "-  x  x  x  -  -  -  -  -"),
    _row(dpop_one,                 WHO,   "-  x  x  x  -  -  x  -  x"),
    _row(dpop_signature,           WHO,   "-  x  x  x  -  -  x  -  x"),
    _row(fapi2_algorithms,         WHO,   "-  x  x  x  -  -  -  -  x"),
    _row(dpop_type,                WHO,   "-  x  x  x  -  -  x  -  x"),
    _row(dpop_key,                 WHO,   "-  x  x  x  -  -  x  -  x"),
    _row(dpop_id,                  WHO,   "-  x  x  x  -  -  x  -  x"),
    _row(dpop_method,              WHO,   "-  x  x  x  -  -  x  -  x"),
    _row(dpop_target,              WHO,   "-  x  x  x  -  -  x  -  x"),
    _row(dpop_time,                WHO,   "-  x  x  x  -  -  x  -  x"),
    _row(dpop_token,               WHO,   "-  -  -  -  -  -  x  -  -"),
    _row(dpop_nonce,               WHO,   "-  x  x  x  -  -  x  -  x"),
    _row(mtls_required,            WHO,   "-  x  x  x  -  -  -  -  -"),
    _row(introspection_client,     WHO,   "-  -  -  -  -  x  -  -  -"),
    _row(logout_client,            WHO,   "-  -  -  -  -  -  -  x  -"),
    _row(post_logout_redirect,     WHO,   "-  -  -  -  -  -  -  x  -"),
    _row(request_object_signature, WHERE, "x  -  -  -  -  -  -  -  x"),
    _row(request_object_issuer,    WHERE, "x  -  -  -  -  -  -  -  x"),
    _row(request_object_audience,  WHERE, "x  -  -  -  -  -  -  -  x"),
    _row(request_object_times,     WHERE, "x  -  -  -  -  -  -  -  x"),
    _row(request_object_flat,      WHERE, "x  -  -  -  -  -  -  -  x"),
    _row(redirect_uri,             WHERE, "x  -  -  -  -  -  -  -  x"),
    _row(frame,                    WHERE, "x  -  -  -  -  -  -  -  -"),
    _row(assertion_unused,         WHAT,  "-  x  x  x  x  x  -  -  x"),
    _row(dpop_unused,              WHAT,  "-  x  x  x  -  -  x  -  x"),
    _row(client_grant,             WHAT,  "x  x  x  x  -  -  -  -  x"),
    _row(request_uri,              WHAT,  "x  -  -  -  -  -  -  -  x"),
    _row(pushed_required,          WHAT,  "x  -  -  -  -  -  -  -  -"),
    _row(request_object_required,  WHAT,  "x  -  -  -  -  -  -  -  x"),
    _row(registration,             WHAT,  "x  -  -  -  -  -  -  -  x"),
    _row(response_type,            WHAT,  "x  -  -  -  -  -  -  -  x"),
    _row(response_mode,            WHAT,  "x  -  -  -  -  -  -  -  x"),
    _row(text_limits,              WHAT,  "x  -  -  -  -  -  -  -  x"),
    _row(scope,                    WHAT,  "x  -  -  -  -  -  -  -  x"),
    _row(scope_machine,            WHAT,  "-  -  -  x  -  -  -  -  -"),
    _row(dpop_jkt,                 WHAT,  "x  -  -  -  -  -  -  -  x"),
    _row(pkce_challenge,           WHAT,  "x  -  -  -  -  -  -  -  x"),
    _row(prompt,                   WHAT,  "x  -  -  -  -  -  -  -  x"),
    _row(max_age,                  WHAT,  "x  -  -  -  -  -  -  -  x"),
    _row(acr_essential,            WHAT,  "x  -  -  -  -  -  -  -  x"),
    _row(claims_parameter,         WHAT,  "x  -  -  -  -  -  -  -  x"),
    _row(id_token_hint,            WHAT,  "x  -  -  -  -  -  -  -  x"),
    _row(prompt_none,              WHAT,  "x  -  -  -  -  -  -  -  -"),
    _row(consent_given,            WHAT,  "x  -  -  -  -  -  -  -  -"),
    _row(code_known,               WHAT,  "-  x  -  -  -  -  -  -  -"),
    _row(code_unused,              WHAT,  "-  x  -  -  -  -  -  -  -"),
    _row(code_unexpired,           WHAT,  "-  x  -  -  -  -  -  -  -"),
    _row(code_redirect_uri,        WHAT,  "-  x  -  -  -  -  -  -  -"),
    _row(code_verifier,            WHAT,  "-  x  -  -  -  -  -  -  -"),
    _row(dpop_code,                WHAT,  "-  x  -  -  -  -  -  -  -"),
    _row(refresh_known,            WHAT,  "-  -  x  -  -  -  -  -  -"),
    _row(family_alive,             WHAT,  "-  -  x  -  -  -  -  -  -"),
    _row(session_alive,            WHAT,  "-  x  x  -  -  -  -  -  -"),
    _row(refresh_reuse,            WHAT,  "-  -  x  -  -  -  -  -  -"),
    _row(dpop_refresh,             WHAT,  "-  -  x  -  -  -  -  -  -"),
    _row(mtls_refresh,             WHAT,  "-  -  x  -  -  -  -  -  -"),
    _row(scope_not_wider,          WHAT,  "-  -  x  -  -  -  -  -  -"),
    _row(resource_one,             WHAT,  "-  x  x  x  -  -  -  -  -"),
    _row(resources_allowed,        WHAT,  "x  -  -  x  -  -  -  -  x"),
    _row(resource_granted,         WHAT,  "-  x  x  -  -  -  -  -  -"),
    _row(resource_named,           WHAT,  "-  -  -  x  -  -  -  -  -"),
    _row(token_given,              WHAT,  "-  -  -  -  x  x  -  -  -"),
    _row(token_active,             WHAT,  "-  -  -  -  -  -  x  -  -"),
    _row(dpop_scheme,              WHAT,  "-  -  -  -  -  -  x  -  -"),
    _row(dpop_binding,             WHAT,  "-  -  -  -  -  -  x  -  -"),
    _row(mtls_binding,             WHAT,  "-  -  -  -  -  -  x  -  -"),
    _row(token_scope,              WHAT,  "-  -  -  -  -  -  x  -  -"),
)
# fmt: on


def run(endpoint: Endpoint, stage: Stage, facts: Facts) -> None:
    """Run the checks of one column and stage in order. Raises the first OAuthError."""
    for check in _COLUMNS[endpoint, stage]:
        check(facts)


_COLUMNS = {
    (endpoint, stage): [row.check for row in TABLE if row.stage is stage and row.guards(endpoint)]
    for endpoint in Endpoint
    for stage in Stage
}
