"""What reads strangers' bytes, fuzzed: it answers or refuses in OAuth's words, and never breaks in another way.

Each run of CI takes other examples, a few seconds of them; `make test-deep` takes many times as many.
"""

import base64
import json
import math
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, quote_plus, urlencode, urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from joserfc import jws
from joserfc.jwk import ECKey, KeySet

from services.identity.domain.assertions import read_assertion
from services.identity.domain.checks import Endpoint, Facts, Rules, Stage, run
from services.identity.domain.claims_request import read_claims
from services.identity.domain.clients import SCOPES, Client
from services.identity.domain.credentials import read_credentials
from services.identity.domain.jose import KeyRing, unverified_claims, unverified_header, verified
from services.identity.domain.parameters import MANY, Parameters
from services.identity.domain.redirects import matches, origin, registrable, with_parameters
from services.identity.domain.requests import read_request_object
from services.identity.domain.sessions import Limits
from services.identity.errors import InvalidRequest, InvalidRequestObject, OAuthError
from services.kit import dpop
from tests.identity.party import ISSUER
from tests.identity.suite import fapi2

KEY = ECKey.generate_key("P-256", auto_kid=True)
PUBLIC = KEY.as_dict(private=False)
ES256 = jws.JWSRegistry.algorithms["ES256"]
KEYS = KeySet.import_key_set({"keys": [PUBLIC]})
RING = KeyRing.of([PUBLIC | {"alg": "ES256", "use": "sig"}], {})
CLIENT = Client.model_validate(fapi2("bank", jwks={"keys": [PUBLIC]}))
PLAIN = CLIENT.model_copy(update={"profile": "standard", "dpop_bound_access_tokens": False, "require_pkce": False})
NOW = datetime(2026, 6, 1, tzinfo=UTC)
RULES = Rules(
    ISSUER,
    "urn:tongban:identity",
    timedelta(seconds=10),
    timedelta(minutes=5),
    timedelta(seconds=10),
    Limits(timedelta(minutes=15), timedelta(hours=12)),
)
ODD_NUMBERS = st.sampled_from([math.nan, math.inf, -math.inf, 1e308, -1, 0, 10**400, 2**63, True])
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | ODD_NUMBERS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=8,
)
NAMES = st.sampled_from(
    [
        *("iss", "sub", "aud", "exp", "iat", "nbf", "jti", "typ", "alg", "kid", "crit", "b64", "jwk", "htm", "htu"),
        *("ath", "nonce", "client_id", "redirect_uri", "response_type", "response_mode", "scope", "state", "prompt"),
        *("max_age", "claims", "acr_values", "resource", "code_challenge", "code_challenge_method", "dpop_jkt"),
        *("request", "request_uri", "id_token_hint", "ui_locales", "grant_type", "code", "code_verifier"),
    ]
)
FITTING = st.sampled_from(
    [
        *("bank", ISSUER, f"{ISSUER}/token", "ES256", "dpop+jwt", "JWT", "POST", "code", "openid", "S256", "none"),
        *("https://suite.example/test/a/tongban/callback", "query", "form_post", KEY.kid, "x" * 43, "login consent"),
        *(int(NOW.timestamp()), int(NOW.timestamp()) + 60),
    ]
)
OBJECTS = st.dictionaries(NAMES | st.text(max_size=10), FITTING | JSON, max_size=8)


def part(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")


def signed(header: dict[str, Any], claims: dict[str, Any]) -> str:
    """A JWT that KEY signed, whatever it says."""
    text = ".".join(part(json.dumps(value).encode()) for value in (header | {"alg": "ES256"}, claims))
    return f"{text}.{part(ES256.sign(text.encode(), KEY))}"


JWTS = st.one_of(
    st.text(max_size=200),
    st.lists(st.text(max_size=30) | st.binary(max_size=60).map(part), min_size=2, max_size=4).map(".".join),
    st.tuples(JSON, JSON, st.binary(max_size=64)).map(
        lambda parts: ".".join([*(part(json.dumps(value).encode()) for value in parts[:2]), part(parts[2])])
    ),
    st.tuples(OBJECTS, OBJECTS).map(lambda parts: signed(*parts)),
)


def parameters_are_read_or_refused(raw: bytes) -> None:
    """RFC 6749 §3.1 and Appendix B."""
    try:
        found = Parameters.parse(raw)
    except InvalidRequest:
        return
    for name in found:
        assert found[name] and not any(ord(c) < 0x20 or ord(c) == 0x7F for c in found[name])
    again = Parameters.parse(urlencode(found.pairs()).encode())
    assert again.pairs() == found.pairs() and again.repeated == found.repeated


def what_is_encoded_is_what_is_read(pairs: list[tuple[str, str]]) -> None:
    try:
        found = Parameters.parse(urlencode(pairs).encode())
    except (InvalidRequest, UnicodeEncodeError):
        return
    named = [name for name, value in pairs if value]
    assert set(found) == set(named)
    assert set(found.repeated) == {name for name in named if named.count(name) > 1} - MANY


def jwts_are_read_or_nothing(token: str) -> None:
    """RFC 7515, RFC 7519: text to claims, proved or not; what is proved is what was read before."""
    for found in (
        unverified_header(token),
        unverified_claims(token),
        RING.read(token, "at+jwt"),
        RING.read(token, "JWT"),
    ):
        assert found is None or isinstance(found, dict)
    proved = verified(token, KEYS, ("ES256", "PS256"))
    if proved is not None:
        assert json.dumps(proved) == json.dumps(unverified_claims(token))
        header = unverified_header(token)
        assert header is not None and header["alg"] == "ES256" and not {"crit", "b64"} & header.keys()


def assertions_are_judged(token: str) -> None:
    """RFC 7523 §3: whatever the client itself signs."""
    given = Parameters([("client_assertion", token), ("client_assertion_type", "x"), ("token", "t")])
    for client in (CLIENT, PLAIN):
        facts = Facts(RULES, NOW, given, client, f"{ISSUER}/revoke", read_credentials(given, None))
        facts.assertion = read_assertion(token, client)
        refused_or_not(Endpoint.REVOKE, Stage.WHO, facts)


def request_objects_are_judged(token: str) -> None:
    """RFC 9101 §6: the object of a client that signs nonsense."""
    for client in (CLIENT, PLAIN):
        facts = Facts(RULES, NOW, Parameters([("client_id", "bank"), ("request", token)]), client)
        facts.request_object = read_request_object(token, client)
        if facts.request_object.claims is not None:
            try:
                facts.parameters = facts.request_object.parameters()
            except InvalidRequestObject:
                return
        for stage in Stage:
            refused_or_not(Endpoint.AUTHORIZE, stage, facts)


def authorization_requests_are_judged(pairs: dict[str, Any]) -> None:
    """Every rule of the column, one after the other, though the one before refused."""
    given = [(name, value if isinstance(value, str) else json.dumps(value)) for name, value in pairs.items()]
    try:
        parameters = Parameters.parse(urlencode(given).encode())
    except (InvalidRequest, UnicodeEncodeError):
        return
    for client in (CLIENT, PLAIN):
        facts = Facts(RULES, NOW, parameters, client)
        for stage in Stage:
            refused_or_not(Endpoint.AUTHORIZE, stage, facts)


def refused_or_not(endpoint: Endpoint, stage: Stage, facts: Facts) -> None:
    try:
        run(endpoint, stage, facts)
    except OAuthError as error:
        assert error.description.isascii() and error.description.isprintable()
        assert not {'"', "\\"} & set(error.description)


def proofs_are_judged(token: str) -> None:
    """RFC 9449 §4.3, with the signature of the key in the header or without."""
    found = dpop.read([token])
    assert found is not None
    wanted = dpop.Wanted("POST", f"{ISSUER}/token", NOW.timestamp(), 60, "token")
    for rule in dpop.RULES:
        said = rule(found, wanted)
        assert said is None or (said.isascii() and '"' not in said)
    if not found.jkt:
        assert not found.header and not found.claims


def signed_proofs_are_judged(parts: tuple[dict[str, Any], dict[str, Any]]) -> None:
    header, claims = parts
    proofs_are_judged(signed(header | {"jwk": PUBLIC}, claims))


def basic_headers_are_read_or_not(header: str) -> None:
    """RFC 7617 §2, RFC 6749 §2.3.1."""
    found = read_credentials(Parameters([]), header)
    assert len(found.methods) == 1
    assert repr(found) == repr(replace(found, secret="another"))


def basic_round_trip(pair: tuple[str, str]) -> None:
    try:
        text = f"{quote_plus(pair[0])}:{quote_plus(pair[1])}"
    except UnicodeEncodeError:
        return
    found = read_credentials(Parameters([]), "Basic " + base64.b64encode(text.encode()).decode())
    assert (found.client_id, found.secret) == pair


def redirect_uris_match_as_they_are(uri: str) -> None:
    """RFC 9700 §2.1: character for character, the port of a native client's loopback apart (RFC 8252 §7.3)."""
    registered = ("https://a.example/cb?x=1", "http://127.0.0.1/cb", "http://[::1]:7/cb")
    if matches(uri, registered, native=False):
        assert uri in registered
    if matches(uri, registered, native=True) and uri not in registered:
        parts = urlsplit(uri)
        assert parts.hostname in ("127.0.0.1", "::1") and (parts.scheme, parts.path) == ("http", "/cb")
    if registrable(uri, loopback_http=True) is None:
        assert uri.isascii() and "#" not in uri and "@" not in urlsplit(uri).netloc
        led = with_parameters(uri, {"code": "a b&c", "iss": ISSUER})
        assert origin(led) == origin(uri)
        before, after = (parse_qsl(urlsplit(one).query, keep_blank_values=True) for one in (uri, led))
        assert after == [*before, ("code", "a b&c"), ("iss", ISSUER)]


def claims_parameters_are_read_or_not(text: str) -> None:
    """OpenID Connect Core §5.5."""
    found = read_claims(text, SCOPES)
    if found is not None:
        json.dumps(found.document())
        assert found.subjects is None or all(isinstance(one, str) for one in found.subjects)
        assert found.essential_acr is None or isinstance(found.essential_acr, list)


def addresses_are_normalized_once(address: str) -> None:
    """RFC 3986 §6.2.2: normal form is its own normal form."""
    found = dpop.normalized(address)
    if found is not None:
        assert dpop.normalized(found) == found
        assert "?" not in found and "#" not in found


ADDRESSES = st.one_of(
    st.text(max_size=100),
    st.builds(
        "{}://{}{}{}".format,
        st.sampled_from(["https", "HTTPS", "http", "ftp", "javascript"]),
        st.sampled_from(
            ["a.example", "A.Example", "127.0.0.1", "[::1]:7", "a.example:443", "u@a.example", "a.example:x"]
        ),
        st.sampled_from(["", "/", "/cb", "/a/../b", "/%2e%2e/%7Ea", "//b"]) | st.text(max_size=20).map("/{}".format),
        st.sampled_from(["", "?x=1", "#f", "?x=%zz&y", "?"]),
    ),
)
PAIRS = st.lists(st.tuples(NAMES | st.text(max_size=12), st.text(max_size=40)), max_size=12)
HEADERS = st.text(max_size=80) | st.binary(max_size=60).map(lambda raw: "Basic " + base64.b64encode(raw).decode())
JSON_TEXTS = st.text(max_size=200) | st.fixed_dictionaries(
    {}, optional={"userinfo": OBJECTS | JSON, "id_token": OBJECTS | JSON, "x": JSON}
).map(json.dumps)

PROPERTIES: dict[str, tuple[Callable[[Any], None], st.SearchStrategy[Any]]] = {
    "parameters": (parameters_are_read_or_refused, st.binary(max_size=300)),
    "encoded parameters": (what_is_encoded_is_what_is_read, PAIRS),
    "jwts": (jwts_are_read_or_nothing, JWTS),
    "assertions": (assertions_are_judged, JWTS),
    "request objects": (request_objects_are_judged, JWTS),
    "authorization requests": (authorization_requests_are_judged, OBJECTS),
    "proofs": (proofs_are_judged, JWTS),
    "signed proofs": (signed_proofs_are_judged, st.tuples(OBJECTS, OBJECTS)),
    "basic headers": (basic_headers_are_read_or_not, HEADERS),
    "basic round trip": (basic_round_trip, st.tuples(st.text(min_size=1, max_size=20), st.text(max_size=20))),
    "redirect uris": (redirect_uris_match_as_they_are, ADDRESSES),
    "claims parameters": (claims_parameters_are_read_or_not, JSON_TEXTS),
    "addresses": (addresses_are_normalized_once, ADDRESSES),
}


def fuzz(name: str, examples: int) -> None:
    hold, strategy = PROPERTIES[name]
    slow = [HealthCheck.too_slow, HealthCheck.data_too_large]
    chosen = settings(max_examples=examples, deadline=None, suppress_health_check=slow)
    chosen(given(strategy)(hold))()


@pytest.mark.parametrize("name", PROPERTIES)
def test_parsers(name: str) -> None:
    fuzz(name, 60)


@pytest.mark.deep
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("name", PROPERTIES)
def test_parsers_at_length(name: str) -> None:
    fuzz(name, 3000)
