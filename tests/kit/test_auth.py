"""Access tokens at a service: the issuer's keys come and go while the service lives (RFC 9068 §4)."""

import asyncio
import base64
import time
from types import SimpleNamespace
from typing import Any

import orjson
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from services.kit import auth
from services.kit.auth import CACHED_TOKENS, KEEP_SECONDS, KEY_SECONDS, REFETCH_SECONDS, KeysAway, TokenVerifier
from services.kit.errors import Unauthenticated
from tests.kit.conftest import TinySettings

ISSUER = "https://id.example"


class Issuer:
    """Signs tokens, publishes keys, and may be away."""

    def __init__(self) -> None:
        self.keys: list[ECKey] = []
        self.fetches = 0
        self.away = False
        self.answering = asyncio.Event()
        self.answering.set()
        self.new_key()

    def new_key(self) -> ECKey:
        self.keys.append(ECKey.generate_key("P-256", auto_kid=True))
        return self.keys[-1]

    async def __call__(self) -> dict[str, Any]:
        self.fetches += 1
        await asyncio.sleep(0)  # as a network would, it lets the others go on
        await self.answering.wait()
        if self.away:
            raise OSError("no route")
        return {"keys": [key.as_dict(private=False) for key in self.keys]}

    def token(self, key: ECKey | None = None, *, kid: Any = None, **claims: Any) -> str:
        key = key or self.keys[0]
        now = int(time.time())
        found = {"iss": ISSUER, "aud": "urn:tongban:notify", "sub": "a", "client_id": "c", "iat": now, "exp": now + 300}
        header = {"alg": "ES256", "typ": "at+jwt", "kid": kid or key.kid}
        return jwt.encode(header, found | {"jti": f"-.{self.fetches}"} | claims, key)


class Clock:
    """The verifier's monotonic clock, moved on by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def forward(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock()
    monkeypatch.setattr(auth, "time", SimpleNamespace(monotonic=lambda: found.now, time=time.time))
    return found


@pytest.fixture
def issuer() -> Issuer:
    return Issuer()


@pytest.fixture
def verifier(issuer: Issuer, clock: Clock) -> TokenVerifier:
    return TokenVerifier(TinySettings(profile="test", issuer=ISSUER), keys=issuer)


async def settled() -> None:
    """Let what runs in the background come to its end."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_a_retired_key_is_refused_once_the_keys_have_their_age(
    verifier: TokenVerifier, issuer: Issuer, clock: Clock
) -> None:
    stolen = issuer.keys[0]
    token, other = issuer.token(stolen), issuer.token(stolen, jti="-.2")
    assert (await verifier.verify(token)).sub == "a"
    issuer.new_key()
    issuer.keys.remove(stolen)
    clock.forward(KEY_SECONDS)
    for refused in (token, other):
        with pytest.raises(Unauthenticated):
            await verifier.verify(refused)
    assert (await verifier.verify(issuer.token())).sub == "a"


async def test_keys_are_read_once_in_their_age_however_many_ask(
    verifier: TokenVerifier, issuer: Issuer, clock: Clock
) -> None:
    token = issuer.token()
    await asyncio.gather(*(verifier.verify(token) for _ in range(20)))
    clock.forward(KEY_SECONDS - 1)
    await verifier.verify(token)
    assert issuer.fetches == 1
    clock.forward(1)
    await asyncio.gather(*(verifier.verify(token) for _ in range(20)))
    assert issuer.fetches == 2


async def test_no_good_token_fails_through_rotations(verifier: TokenVerifier, issuer: Issuer, clock: Clock) -> None:
    """As identity rotates: published long enough, then signing, then kept until its last token has expired."""
    signing, following = issuer.keys[0], issuer.new_key()
    alive = [issuer.token(signing)]
    for _ in range(6):
        clock.forward(KEY_SECONDS + 3)
        signing, following = following, issuer.new_key()
        alive = [*alive[-2:], issuer.token(signing)]
        del issuer.keys[:-4]
        for token in alive:
            await verifier.verify(token)


async def test_unknown_keys_cost_one_read(verifier: TokenVerifier, issuer: Issuer, clock: Clock) -> None:
    await verifier.verify(issuer.token())
    clock.forward(REFETCH_SECONDS + 1)
    foreign = ECKey.generate_key("P-256")
    forged = [issuer.token(foreign, kid=f"kid-{number}") for number in range(50)]
    results = await asyncio.gather(*(verifier.verify(token) for token in forged), return_exceptions=True)
    assert {type(result) for result in results} == {Unauthenticated}
    assert issuer.fetches == 2
    # A key that signs earlier than it should is found all the same.
    key = issuer.new_key()
    clock.forward(REFETCH_SECONDS + 1)
    assert (await verifier.verify(issuer.token(key))).sub == "a"


async def test_an_issuer_that_is_away_is_asked_once_a_second(
    verifier: TokenVerifier, issuer: Issuer, clock: Clock
) -> None:
    issuer.away = True
    token = issuer.token()
    for _ in range(2):
        results = await asyncio.gather(*(verifier.verify(token) for _ in range(20)), return_exceptions=True)
        assert {type(result) for result in results} == {KeysAway}
    assert issuer.fetches == 1
    issuer.away = False
    clock.forward(1)
    assert (await verifier.verify(token)).sub == "a"


async def test_old_keys_serve_while_the_issuer_is_away_and_not_for_ever(
    verifier: TokenVerifier, issuer: Issuer, clock: Clock
) -> None:
    token = issuer.token()
    await verifier.verify(token)
    issuer.away = True
    clock.forward(KEY_SECONDS)
    assert (await verifier.verify(token)).sub == "a"
    # From the second failure on nobody waits for an issuer that does not answer.
    issuer.answering.clear()
    clock.forward(2)
    assert (await verifier.verify(issuer.token(jti="-.2"))).sub == "a"
    with pytest.raises(KeysAway):
        await verifier.verify(issuer.token(issuer.new_key()))
    issuer.answering.set()
    await settled()
    clock.forward(KEEP_SECONDS)
    with pytest.raises(KeysAway):
        await verifier.verify(token)


async def test_a_request_that_is_given_up_does_not_end_the_read(
    verifier: TokenVerifier, issuer: Issuer, clock: Clock
) -> None:
    issuer.answering.clear()
    first, second = (asyncio.create_task(verifier.verify(issuer.token())) for _ in range(2))
    await settled()
    first.cancel()
    await settled()
    issuer.answering.set()
    assert (await second).sub == "a"
    assert issuer.fetches == 1


async def test_keys_are_read_over_http(issuer: Issuer, clock: Clock) -> None:
    answers = ["503 Away", "200 OK", "404 Gone", "200 OK"]

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        body = orjson.dumps(await issuer())
        head = f"HTTP/1.1 {answers.pop(0)}\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
        writer.write(head.encode() + body)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/jwks"
        verifier = TokenVerifier(TinySettings(profile="test", issuer=ISSUER, jwks_url=url))
        with pytest.raises(KeysAway):
            await verifier.verify(issuer.token())
        for _ in range(3):
            clock.forward(KEY_SECONDS)
            assert (await verifier.verify(issuer.token())).sub == "a"


@pytest.mark.parametrize("document", [[], {}, {"keys": 1}, {"keys": [1]}, {"keys": [{"kty": "EC"}]}, None])
async def test_an_answer_that_is_no_set_of_keys_is_none(clock: Clock, issuer: Issuer, document: Any) -> None:
    async def answer() -> dict[str, Any]:
        found: dict[str, Any] = document
        return found

    verifier = TokenVerifier(TinySettings(profile="test", issuer=ISSUER), keys=answer)
    with pytest.raises((KeysAway, Unauthenticated)):
        await verifier.verify(issuer.token())


@pytest.mark.parametrize("kid", [["a"], {"a": 1}, 7, True])
async def test_a_key_id_of_another_type_is_unknown(verifier: TokenVerifier, issuer: Issuer, kid: Any) -> None:
    header = base64.urlsafe_b64encode(orjson.dumps({"alg": "ES256", "typ": "at+jwt", "kid": kid})).decode().rstrip("=")
    with pytest.raises(Unauthenticated):
        await verifier.verify(f"{header}.{issuer.token().partition('.')[2]}")


async def test_a_token_expires_though_it_was_verified_before(
    verifier: TokenVerifier, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = issuer.token()
    await verifier.verify(token)
    monkeypatch.setattr(auth.time, "time", lambda: time.time() + 306)
    with pytest.raises(Unauthenticated):
        await verifier.verify(token)


async def test_the_cache_is_bounded(verifier: TokenVerifier, issuer: Issuer, monkeypatch: pytest.MonkeyPatch) -> None:
    assert CACHED_TOKENS <= 4096
    monkeypatch.setattr(auth, "CACHED_TOKENS", 3)
    for number in range(8):
        await verifier.verify(issuer.token(jti=f"-.{number}"))
        assert len(verifier._seen) <= 3
