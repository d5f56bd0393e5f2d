"""RFC 9700 §4.14: refresh tokens rotate, a second use ends the family, a lost reply is made good once (item 5)."""

import asyncio
from datetime import timedelta

from services.identity.domain.tokens import RefreshToken, Reuse, judge_refresh
from services.kit.clock import utc_now
from tests.identity.conftest import Starter, World
from tests.identity.party import CASES, CATALOG


async def error(answer_of: object) -> str:
    answer = await answer_of  # type: ignore[misc]
    assert answer.status_code == 400
    return str(answer.json()["error"])


async def test_each_refresh_gives_a_new_token_and_the_old_one_is_spent(world: World) -> None:
    portal = world["portal"]
    first = (await world.browser().tokens(portal))["refresh_token"]
    second = (await portal.refresh(first)).json()["refresh_token"]
    assert second != first
    third = (await portal.refresh(second)).json()["refresh_token"]
    # The successor was used, so nobody lost a reply: this is a thief, or the victim of one.
    assert await error(portal.refresh(first)) == "invalid_grant"
    assert await error(portal.refresh(third)) == "invalid_grant"


async def test_of_parallel_refreshes_one_succeeds_and_the_family_lives(start: Starter) -> None:
    world: World = await start()
    replica: World = await start()
    first = (await world.browser().tokens(world["portal"]))["refresh_token"]
    parties = [world["portal"], replica["portal"]] * 5
    answers = await asyncio.gather(*(party.refresh(first) for party in parties))
    assert sorted(answer.status_code for answer in answers) == [200] + [400] * 9
    won = next(a for a in answers if a.status_code == 200).json()["refresh_token"]
    assert (await world["portal"].refresh(won)).status_code == 200


async def test_a_lost_reply_is_made_good_once(world: World) -> None:
    portal = world["portal"]
    first = (await world.browser().tokens(portal))["refresh_token"]
    lost = (await portal.refresh(first)).json()["refresh_token"]
    world.clock.forward(seconds=3)
    again = (await portal.refresh(first)).json()["refresh_token"]
    assert again != lost
    # One token of a family is alive: the lost one is not, and whoever shows it ends the family.
    assert await error(portal.refresh(lost)) == "invalid_grant"
    assert await error(portal.refresh(again)) == "invalid_grant"


async def test_a_second_lost_reply_ends_the_family(world: World) -> None:
    portal = world["portal"]
    first = (await world.browser().tokens(portal))["refresh_token"]
    await portal.refresh(first)
    world.clock.forward(seconds=2)
    again = (await portal.refresh(first)).json()["refresh_token"]
    world.clock.forward(seconds=2)
    assert await error(portal.refresh(first)) == "invalid_grant"
    assert await error(portal.refresh(again)) == "invalid_grant"


async def test_after_the_grace_reuse_ends_the_family(world: World) -> None:
    portal = world["portal"]
    first = (await world.browser().tokens(portal))["refresh_token"]
    second = (await portal.refresh(first)).json()["refresh_token"]
    world.clock.forward(seconds=11)
    assert await error(portal.refresh(first)) == "invalid_grant"
    assert await error(portal.refresh(second)) == "invalid_grant"


async def test_without_grace_the_first_reuse_ends_the_family(start: Starter) -> None:
    world: World = await start(refresh_grace_seconds=0)
    portal = world["portal"]
    first = (await world.browser().tokens(portal))["refresh_token"]
    second = (await portal.refresh(first)).json()["refresh_token"]
    assert await error(portal.refresh(first)) == "invalid_grant"
    assert await error(portal.refresh(second)) == "invalid_grant"


async def test_another_client_cannot_use_or_end_it(world: World) -> None:
    portal = world["portal"]
    first = (await world.browser().tokens(portal))["refresh_token"]
    assert await error(world["kiosk"].refresh(first)) == "invalid_grant"
    assert (await portal.refresh(first)).status_code == 200


async def test_an_idle_session_ends_its_refresh_tokens(world: World) -> None:
    portal = world["portal"]
    first = (await world.browser().tokens(portal))["refresh_token"]
    world.clock.forward(minutes=20)
    second = (await portal.refresh(first)).json()["refresh_token"]
    world.clock.forward(minutes=20)
    third = (await portal.refresh(second)).json()["refresh_token"]
    world.clock.forward(minutes=21)
    assert await error(portal.refresh(third)) == "invalid_grant"


async def test_scope_may_repeat_and_narrow_but_not_widen(world: World) -> None:
    portal = world["portal"]
    first = (await world.browser().tokens(portal, scope="openid"))["refresh_token"]
    assert await error(portal.refresh(first, scope="openid profile")) == "invalid_scope"
    answer = await portal.refresh(first, scope="openid")
    assert answer.json()["scope"] == "openid"


async def test_a_refreshed_id_token_tells_the_time_of_the_sign_in(world: World) -> None:
    portal = world["portal"]
    tokens = await world.browser().tokens(portal)
    before = await portal.claims(tokens["id_token"])
    world.clock.forward(minutes=5)
    answer = (await portal.refresh(tokens["refresh_token"], resource=CATALOG)).json()
    after = await portal.claims(answer["id_token"])
    assert (after["auth_time"], after["sid"]) == (before["auth_time"], before["sid"])
    assert after["iat"] >= before["iat"] + 300
    assert "nonce" not in after


async def test_new_tokens_carry_the_roles_of_now(world: World) -> None:
    from services.identity.handlers import RevokeRole, revoke_role

    desk = world["desk"]
    tokens = await world.browser().tokens(desk, "clerk")
    granted = (await desk.claims(tokens["access_token"]))["grants"]
    assert {grant["role"] for grant in granted} == {"intake", "deliver"}
    await revoke_role(RevokeRole("operator", "clerk", "*", "deliver"), world.work())
    again = (await desk.refresh(tokens["refresh_token"], resource=CASES)).json()
    assert (await desk.claims(again["access_token"]))["grants"] == [{"org": "*", "role": "intake"}]


def test_the_rule() -> None:
    now, grace = utc_now(), timedelta(seconds=10)

    def used(ago: float, *, successor_used: bool = False) -> RefreshToken:
        return RefreshToken("h", "f", "s", now - timedelta(seconds=ago), None, successor_used)

    assert judge_refresh(RefreshToken("h", "f", None, None, None, False), now, grace) is Reuse.FIRST
    assert judge_refresh(used(0.5), now, grace) is Reuse.CONCURRENT
    assert judge_refresh(used(0.5, successor_used=True), now, grace) is Reuse.STOLEN
    assert judge_refresh(used(5), now, grace) is Reuse.LOST_REPLY
    assert judge_refresh(used(10), now, grace) is Reuse.STOLEN
    assert judge_refresh(used(0.5), now, timedelta()) is Reuse.STOLEN
