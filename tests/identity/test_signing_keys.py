"""Signing keys: publish, sign, retire without one failed verification; encrypted at rest (item 12)."""

import asyncio
import base64
import json
import os

import pytest
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError
from joserfc.jwk import KeySet
from sqlalchemy import select

from services.identity.domain.clients import SIGNING_ALGORITHMS
from services.identity.domain.jose import ACCESS_TOKEN, ID_TOKEN, KeyRing, new_key
from services.identity.domain.keys import KeyState
from services.identity.errors import KeyTooYoung, KeyUnknown
from services.identity.handlers import RetireKey, RotateKeys, keys, list_keys, retire_key, rotate_keys
from services.identity.handlers.keys import ensure_keys
from services.identity.handlers.workers import Housekeeping
from services.identity.store.tables import KEYS
from services.kit.crypto import WrongMasterKey
from services.kit.database import is_outage
from tests.identity.conftest import Starter, World
from tests.identity.party import CATALOG, Party
from tests.identity.test_core_subjects import client, tokens_of


async def states(world: World) -> dict[str, dict[str, list[str]]]:
    found: dict[str, dict[str, list[str]]] = {}
    for key in await list_keys(world.work(readonly=True)):
        found.setdefault(key.algorithm, {}).setdefault(key.state.value, []).append(key.kid)
    return found


async def machine_token(party: Party) -> str:
    answer = await party.token(grant_type="client_credentials", resource=CATALOG)
    return str(answer.json()["access_token"])


async def test_replicas_that_start_together_make_one_set_of_keys(start: Starter) -> None:
    world: World = await start()
    async with world.work() as work:
        for key in await work.keys.all():
            await work.keys.remove(key.kid)
    await asyncio.gather(*(ensure_keys(world.work()) for _ in range(6)))
    for algorithm in SIGNING_ALGORITHMS:
        found = (await states(world))[algorithm]
        assert {state: len(kids) for state, kids in found.items()} == {"signing": 1, "published": 1}


async def test_a_key_signs_only_after_it_was_published_long_enough(world: World) -> None:
    with pytest.raises(KeyTooYoung):
        await rotate_keys(RotateKeys("operator"), world.work())
    before = await states(world)
    world.clock.forward(seconds=601)
    await rotate_keys(RotateKeys("operator"), world.work())
    after = await states(world)
    for algorithm in SIGNING_ALGORITHMS:
        assert after[algorithm]["signing"] == before[algorithm]["published"]
        assert after[algorithm]["retired"] == before[algorithm]["signing"]
        assert len(after[algorithm]["published"]) == 1


async def test_no_verification_fails_through_a_rotation(start: Starter, monkeypatch: pytest.MonkeyPatch) -> None:
    world: World = await start(key_publish_seconds=0)
    replica: World = await start(key_publish_seconds=0)
    monkeypatch.setattr(keys, "REFRESH_SECONDS", 0.2)
    cases = world["cases"]
    old = await machine_token(cases)
    kids = set()
    for round_ in range(3):
        await rotate_keys(RotateKeys("operator", algorithm="ES256"), world.work())
        for party in (cases, replica["cases"]) * 3:
            token = await machine_token(party)
            for verifier in (cases, replica["cases"]):
                claims = await verifier.claims(token)
                kids.add(claims["header"]["kid"])
            await asyncio.sleep(0.05)
        assert (await replica["cases"].claims(old))["sub"] == "cases", round_
    assert len(kids) >= 3


async def test_id_tokens_of_every_algorithm_verify_through_rotations_of_each(
    start: Starter, monkeypatch: pytest.MonkeyPatch
) -> None:
    clients = [
        client(f"k-{algorithm.lower()}", "k.example", id_token_signed_response_alg=algorithm)
        for algorithm in SIGNING_ALGORITHMS
    ]
    first: World = await start(more=clients, key_publish_seconds=0)
    second: World = await start(more=clients, key_publish_seconds=0)
    monkeypatch.setattr(keys, "REFRESH_SECONDS", 0.1)
    browser = first.browser()
    names = [declared["client_id"] for declared in clients]
    tokens = {name: await tokens_of(first[name], browser) for name in names}
    kids: dict[str, set[str]] = {name: set() for name in names}
    for algorithm in (*SIGNING_ALGORITHMS, None):
        await rotate_keys(RotateKeys("operator", algorithm=algorithm), first.work())
        for world in (first, second, first):
            # Refreshed at both replicas, side by side, and verified by what either publishes.
            answers = await asyncio.gather(*(world[name].refresh(tokens[name]["refresh_token"]) for name in names))
            published = [KeySet.import_key_set((await w[names[0]].http.get("/jwks")).json()) for w in (first, second)]
            for name, answer in zip(names, answers, strict=True):
                tokens[name] = answer.json()
                for keys_ in published:
                    found = jwt.decode(tokens[name]["id_token"], keys_, algorithms=list(SIGNING_ALGORITHMS))
                    kids[name].add(str(found.header["kid"]))
            await asyncio.sleep(0.05)
    assert all(len(seen) >= 2 for seen in kids.values()), kids


async def test_the_master_key_changes_and_no_signing_key_is_lost(start: Starter) -> None:
    world: World = await start()
    token = await machine_token(world["cases"])
    new = base64.b64encode(os.urandom(32)).decode()
    old = world.settings.master_key.get_secret_value()
    both: World = await start(master_key=new, previous_master_keys=[old])
    crypto = both.service.context.crypto
    assert crypto is not None
    assert await crypto.rewrap() == 2
    # The old one is out of the settings: what it protected can be read all the same.
    after: World = await start(master_key=new)
    assert (await after["cases"].claims(token))["sub"] == "cases"
    assert (await after["cases"].claims(await machine_token(after["cases"])))["sub"] == "cases"
    with pytest.raises(WrongMasterKey):
        await start()


async def test_a_retired_key_leaves_when_its_last_token_has_expired(world: World) -> None:
    world.clock.forward(seconds=601)
    await rotate_keys(RotateKeys("operator"), world.work())
    retired = (await states(world))["ES256"]["retired"]
    for seconds, shown, kept in ((400, True, True), (300, False, True), (12 * 3600, False, False)):
        world.clock.forward(seconds=seconds)
        await Housekeeping(world.provider).round()
        world.provider.keys.forget()
        assert (retired[0] in (await world.http().get("/jwks")).text) is shown
        # Kept for the hints of sessions that still last.
        assert (retired[0] in str(await states(world))) is kept


def test_a_key_that_is_kept_for_hints_speaks_for_no_access_token() -> None:
    public, private = new_key("ES256")
    before = KeyRing.of([public], {"ES256": private})
    after = KeyRing.of([], {}, [public])
    claims = {"sub": "a", "exp": 1}
    hint, access = (before.sign(claims, "ES256", typ) for typ in (ID_TOKEN, ACCESS_TOKEN))
    assert before.read(access, ACCESS_TOKEN) == after.read(hint, ID_TOKEN) == claims
    assert after.read(access, ACCESS_TOKEN) is None
    assert after.jwks == b'{"keys":[]}'


async def test_keys_rotate_on_schedule(world: World) -> None:
    before = await states(world)
    world.clock.forward(days=89)
    await Housekeeping(world.provider).round()
    assert await states(world) == before
    world.clock.forward(days=2)
    await Housekeeping(world.provider).round()
    assert (await states(world))["RS256"]["signing"] == before["RS256"]["published"]


async def test_a_stolen_key_can_be_taken_out_at_once(world: World) -> None:
    cases = world["cases"]
    token = await machine_token(cases)
    signing = (await states(world))["ES256"]["signing"][0]
    await retire_key(RetireKey("operator", signing), world.work())
    world.provider.keys.forget()
    assert signing not in (await cases.http.get("/jwks")).text
    assert (await cases.claims(await machine_token(cases)))["header"]["kid"] != signing
    with pytest.raises(InvalidKeyIdError):
        await cases.claims(token)
    with pytest.raises(KeyUnknown):
        await retire_key(RetireKey("operator", signing), world.work())


async def test_private_parts_are_encrypted_and_never_published(world: World) -> None:
    async with world.work(readonly=True) as work:
        rows = (await work.execute(select(KEYS.c.private))).scalars().all()
    for row in rows:
        assert b'"kty"' not in row
        assert b'"d"' not in row
    document = (await world.http().get("/jwks")).json()
    assert len(document["keys"]) == 8
    for key in document["keys"]:
        assert not {"d", "p", "q", "dp", "dq", "qi", "k"} & key.keys()
        assert {"kid", "alg", "use", "kty"} <= key.keys()
        assert key["use"] == "sig"
    assert json.dumps(document)


async def test_the_database_lets_one_key_of_an_algorithm_sign(world: World) -> None:
    async with world.work(readonly=True) as work:
        published = next(key for key in await work.keys.all() if key.state is KeyState.PUBLISHED)
    with pytest.raises(Exception) as caught:
        async with world.work() as work:
            await work.keys.set_signing(published.kid, work.now())
    assert "unique" in str(caught.value).lower()
    assert not is_outage(caught.value)
