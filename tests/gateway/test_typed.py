"""Nothing typed is lost: on errors, conflicts, outages, limits, and when the session ends."""

import re
from datetime import timedelta

import httpx
import pytest

from tests.gateway.applications import CASE, DRAFT, draft
from tests.gateway.conftest import Browser, Clock, path_of, token_of
from tests.gateway.world import Call, World, problem

PAGE = f"/apply/{DRAFT}/pages/who"
CHECK = f"/apply/{DRAFT}/check"
MATERIALS = f"/apply/{DRAFT}/materials"
PUT = f"/drafts/{DRAFT}/pages/who"


async def test_a_service_that_is_away_loses_nothing(person: Browser, world: World) -> None:
    token = await person.token(PAGE)

    def away(_: Call) -> httpx.Response:
        return httpx.Response(500, text="Traceback: password=secret")

    world.services.on("cases", "PUT", PUT, away)
    answer = await person.http.post(PAGE, data={"_token": token, "name": "林", "version": "4"})
    assert answer.status_code == 503
    assert 'value="林"' in answer.text
    assert "secret" not in answer.text
    world.services.away.add("cases")
    whole = await person.http.post(f"{PAGE}?back=check", data={"_token": token, "name": "<林>", "version": "4"})
    assert whole.status_code == 503
    assert "都已存好" not in whole.text, "it is not"
    assert hidden(whole.text, "&lt;林&gt;", name="name")
    assert f'action="{PAGE}?back=check"' in whole.text
    world.services.away.clear()
    world.services.on("cases", "PUT", PUT, draft(version=5, answers={"kind": "person"}))
    sent = await person.http.post(PAGE, data={"_token": token_of(whole), "name": "<林>", "version": "4"})
    assert sent.status_code == 303


def hidden(page: str, value: str, name: str) -> bool:
    """Whether a form of this page sends `value` (as HTML has it) under `name`."""
    return f'<input type="hidden" name="{name}" value="{value}">' in page


@pytest.mark.parametrize("more_settings", [{"post_rate": "3/minute"}])
async def test_a_form_sent_too_often_can_be_sent_again(person: Browser, world: World) -> None:
    token = await person.token(PAGE)
    fields = {"_token": token, "name": "林", "version": "4"}
    answers = [await person.http.post(PAGE, data=fields) for _ in range(4)]
    assert answers[-1].status_code == 429
    assert answers[-1].headers["retry-after"] == "60"
    assert hidden(answers[-1].text, "林", "name")


OURS = {"origin": "https://portal.test", "sec-fetch-site": "same-origin"}


@pytest.mark.parametrize(
    ("headers", "kept"),
    [
        (OURS, True),
        ({"origin": OURS["origin"]}, True),
        ({}, False),
        (OURS | {"sec-fetch-site": "cross-site"}, False),
        (OURS | {"origin": "https://evil.test"}, False),
        ({"origin": "null"}, False),
    ],
)
async def test_a_form_whose_token_lapsed_is_kept_where_it_is_surely_ours(
    person: Browser, headers: dict[str, str], kept: bool
) -> None:
    """Another site's words must not get into a form with a good token."""
    answer = await person.http.post(PAGE, data={"_token": "old", "name": "打过的", "version": "4"}, headers=headers)
    assert answer.status_code == 403
    assert hidden(answer.text, "打过的", "name") is kept
    assert ("打过的" in answer.text) is kept


async def test_what_was_typed_when_the_session_ended_is_there_after_the_sign_in(
    person: Browser, world: World, clock: Clock
) -> None:
    page = await person.get(PAGE)
    fields = dict(re.findall(r'name="(_token|version|owner)" value="([^"]+)"', page.text))
    clock.ahead = timedelta(minutes=20)
    answer = await person.http.post(PAGE, data=fields | {"kind": "person", "name": "打到一半"})
    assert answer.status_code == 303
    back = httpx.URL(answer.headers["location"]).params["next"]
    assert back.startswith(f"{PAGE}?held=")
    returned = await person.callback(await person.begin(answer.headers["location"]))
    assert path_of(returned) == back
    shown = await person.get(back)
    assert 'value="打到一半"' in shown.text
    assert 'value="person" checked' in shown.text
    assert "打到一半" not in (await person.get(back)).text, "it is handed back once"


async def test_a_reason_for_a_withdrawal_waits_for_the_sign_in(person: Browser, world: World, clock: Clock) -> None:
    page = await person.get(f"/cases/{CASE}/withdrawal")
    fields = dict(re.findall(r'name="(_token|owner)" value="([^"]+)"', page.text))
    clock.ahead = timedelta(minutes=20)
    answer = await person.http.post(f"/cases/{CASE}/withdrawal", data=fields | {"reason": "不想办了"})
    back = httpx.URL(answer.headers["location"]).params["next"]
    assert back.startswith(f"/cases/{CASE}/withdrawal?held=")
    await person.callback(await person.begin(answer.headers["location"]))
    assert "不想办了" in (await person.get(back)).text
    assert not world.services.made("cases", "POST", f"/cases/{CASE}/withdrawal")


async def test_what_a_page_hands_over_when_its_session_ended_is_held_and_not_done(
    person: Browser, world: World
) -> None:
    """Even where somebody has signed in again since (another window)."""
    page = await person.get(PAGE)
    fields = dict(re.findall(r'name="(_token|version|owner)" value="([^"]+)"', page.text))
    answer = await person.http.post(f"{PAGE}?back=check", data=fields | {"name": "打到一半", "hold": "1"})
    back = httpx.URL(answer.headers["location"]).params["next"]
    assert back.startswith(f"{PAGE}?back=check&held=")
    assert not world.services.made("cases", "PUT", PUT)
    assert 'value="打到一半"' in (await person.get(back)).text


async def test_a_session_that_ends_under_a_form_loses_nothing(person: Browser, world: World, clock: Clock) -> None:
    """The provider ended it: that shows only when a token is asked for."""
    page = await person.get(PAGE)
    fields = dict(re.findall(r'name="(_token|version|owner)" value="([^"]+)"', page.text))
    clock.ahead = timedelta(minutes=6)
    world.provider.refuse = "invalid_grant"
    answer = await person.http.post(PAGE, data=fields | {"name": "打到一半"})
    assert httpx.URL(answer.headers["location"]).params["next"].startswith(f"{PAGE}?held=")


async def test_a_save_whose_answer_was_lost_goes_on(person: Browser, world: World) -> None:
    """The gateway gave up waiting, the draft was saved all the same: it was changed here and not elsewhere."""
    world.services.on("cases", "PUT", PUT, lambda _: problem(412, "refused"))
    stored = draft(version=5, answers={"kind": "person", "name": "林"})
    world.services.on("cases", "GET", f"/drafts/{DRAFT}", stored)
    fields = {"kind": "person", "name": "林", "version": "4"}
    assert path_of(await person.post(PAGE, fields, page=PAGE)) == f"/apply/{DRAFT}/pages/stay"
    answer = await person.post(PAGE, fields | {"name": "林晓"}, page=PAGE)
    assert answer.status_code == 409


async def test_a_draft_changed_elsewhere_keeps_what_was_typed_here(person: Browser, world: World) -> None:
    world.services.on("cases", "PUT", PUT, lambda _: problem(412, "refused"))
    world.services.on("cases", "GET", f"/drafts/{DRAFT}", draft(version=9, answers={"name": "别处"}))
    answer = await person.post(PAGE, {"name": "这里", "version": "4"}, page=PAGE)
    assert answer.status_code == 409
    assert 'value="这里"' in answer.text
    assert "别处改过" in answer.text
    assert 'name="version" value="9"' in answer.text, "saving once more is what the person wants"


async def test_what_is_wrong_comes_back_as_typed(person: Browser, world: World) -> None:
    errors = [
        {"field": "answers.kind", "reason": "required", "detail": ""},
        {"field": "answers.name", "reason": "too_long", "detail": ""},
    ]
    world.services.on("cases", "PUT", PUT, lambda _: problem(422, "refused", errors=errors, version=7))
    typed = "长" * 23
    answer = await person.post(PAGE, {"name": typed, "version": "4"}, page=PAGE)
    assert answer.status_code == 422
    assert f'value="{typed}"' in answer.text
    assert "有 2 处要改" in answer.text
    for words in ("请选一项：替谁办", "姓名最多 20 个字，多了 3 个"):
        assert answer.text.count(words) == 2, "the summary repeats the field's own words"
    assert '<a href="#f-name">' in answer.text
    assert 'id="f-name"' in answer.text
    assert 'name="version" value="7"' in answer.text, "what was valid was kept under a new version"
