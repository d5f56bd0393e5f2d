"""Appeals: what may be let pass, by whom, until when; that it is public, and that it ends."""

import json
from collections.abc import AsyncIterator, Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from services.catalog.demo.for_livelihood import UNEMPLOYMENT
from services.catalog.demo.organisations import HEALTH, LABOUR, ORGANISATIONS
from services.catalog.domain.items import Provenance
from services.catalog.domain.life import Actor
from services.catalog.handlers.drafting import open_draft
from services.catalog.handlers.lint import findings_of
from services.catalog.handlers.organisations import register_organisations
from services.catalog.handlers.publishing import publish_items
from services.catalog.store.work import Work
from services.contracts.base import Text
from services.contracts.catalog_items import Condition, Material
from services.kit.service import Service
from tests.catalog.acting import Doors, officer

EDITOR = officer("editor", f"editor@{LABOUR.id}")
REGISTRAR = officer("registrar", "registrar@*")
NOW = datetime(2026, 3, 2, 3, tzinfo=UTC)
CONTENT = UNEMPLOYMENT.model_copy(
    update={
        "materials": (Material(id="m", name=Text(zh="证明"), required=True),),
        "conditions": (Condition(zh="甲", expression="1 +"),),
    }
)


@pytest.fixture
async def opened(catalog: Service, work: Callable[[], Work]) -> AsyncIterator[tuple[Doors, str, dict[str, datetime]]]:
    """The doors, the id of a draft that the lint refuses, and the clock."""
    clock = {"now": NOW}
    catalog.context.clock = lambda: clock["now"]
    await register_organisations(ORGANISATIONS, Provenance.DEMO, work())
    await publish_items([UNEMPLOYMENT], Provenance.DEMO, work())
    async with work() as unit:
        revision = await open_draft(CONTENT, 1, Actor("editor", "Editor"), "begun", unit)
    doors = Doors(catalog)
    async with doors.client:
        yield doors, revision.id, clock


def because(rule: str = "no-basis", field: str = "materials.m", reason: str = "省里正在修订") -> dict[str, Any]:
    return {"rule": rule, "field": field, "reason": reason}


async def test_a_refusal_is_let_pass_for_a_time(
    opened: tuple[Doors, str, dict[str, datetime]], work: Callable[[], Work], catalog: Service
) -> None:
    doors, revision, clock = opened
    path = f"/revisions/{revision}/appeals"

    async def refused() -> set[tuple[str, str]]:
        return {(each.rule, each.field) for each in await findings_of(CONTENT, work())}

    before = {
        ("no-basis", "materials.m"),
        ("unobtainable", "materials.m"),
        ("condition", "conditions.0.expression"),
    }
    assert await refused() == before
    slugs = [
        (EDITOR, path, because("condition", "conditions.0.expression"), 409, "not-appealable"),
        (EDITOR, path, because("nonsense"), 409, "not-appealable"),
        (EDITOR, path, because(field="materials.n"), 409, "no-such-finding"),
        (EDITOR, path, because(reason=""), 422, "invalid"),
        (EDITOR, path, because(reason="\u202e"), 422, "invalid"),
        (officer("other", f"editor@{HEALTH.id}"), path, because(), 404, "revision-not-found"),
        (officer("reviewer", f"reviewer@{LABOUR.id}"), path, because(), 403, "forbidden"),
        (EDITOR, f"/revisions/{'0' * 32}/appeals", because(), 404, "revision-not-found"),
    ]
    for who, where, sent, wanted, slug in slugs:
        status, problem = await doors(who, "POST", where, sent)
        assert (status, problem["type"].rpartition(":")[2]) == (wanted, slug), sent
    status, made = await doors(EDITOR, "POST", path, because())
    assert (status, made["state"], made["code"], made["author_name"]) == (201, "open", CONTENT.code, "editor name")
    assert made["name"]["zh"] == "失业登记"
    status, again = await doors(EDITOR, "POST", path, because())
    assert (status, again["appeal"]) == (409, made["id"])
    assert await refused() == before  # an appeal alone lets nothing pass
    # Who sees it, and who decides.
    one = f"/appeals/{made['id']}"
    for who, seen in ((EDITOR, True), (REGISTRAR, True), (officer("other", f"editor@{HEALTH.id}"), False)):
        assert (await doors(who, "GET", one))[0] == (200 if seen else 404)
        assert bool((await doors(who, "GET", "/appeals?state=open"))[1]["items"]) is seen
    assert (await doors(officer("x"), "GET", "/appeals"))[0] == 403
    assert (await doors(REGISTRAR, "GET", f"/appeals?state=granted&code={CONTENT.code}"))[1]["items"] == []
    yes = {"granted": True, "reason": "修订前照旧收，改好就撤。", "until": "2027-03-02"}
    both_roles = officer("editor", "registrar@*", f"editor@{LABOUR.id}")
    undecided = [
        (EDITOR, yes, 403, ""),
        (both_roles, yes, 409, ""),  # who appealed does not decide
        (REGISTRAR, yes | {"until": None}, 422, "until"),
        (REGISTRAR, yes | {"until": "2026-03-02"}, 422, "until"),  # today
        (REGISTRAR, yes | {"until": "2028-03-03"}, 422, "until"),  # two years and a day
        (REGISTRAR, yes | {"until": "morgen"}, 422, "until"),
        (REGISTRAR, yes | {"granted": False}, 422, "until"),
        (REGISTRAR, yes | {"reason": ""}, 422, "reason"),
    ]
    for who, sent, wanted, field in undecided:
        status, problem = await doors(who, "POST", f"{one}/decision", sent)
        assert (status, problem.get("errors", [{}])[0].get("field", "")) == (wanted, field), sent
    status, granted = await doors(REGISTRAR, "POST", f"{one}/decision", yes)
    assert (status, granted["state"], granted["until"]) == (200, "granted", "2027-03-02")
    assert (await doors(REGISTRAR, "POST", f"{one}/decision", yes))[0] == 409
    assert await refused() == before - {("no-basis", "materials.m")}
    assert len(await findings_of(CONTENT, work(), exempt=False)) == 3
    async with work() as unit:
        [public] = (await unit.appeals.exemptions([CONTENT.code], date(2027, 3, 2)))[CONTENT.code]
        assert (public.rule, public.field, public.reason) == ("no-basis", "materials.m", yes["reason"])
        assert await unit.appeals.exemptions([CONTENT.code], date(2027, 3, 3)) == {}
    told = (await doors(EDITOR, "GET", f"/items/{CONTENT.code}"))[1]["exemptions"]
    assert told == [{"rule": "no-basis", "field": "materials.m", "reason": yes["reason"], "until": "2027-03-02"}]
    # Another code for the item is another event, and tells of it too.
    alias = f"/items/{CONTENT.code}/aliases/OLD-9"
    assert (await doors(REGISTRAR, "PUT", alias, {"reason": "省平台的编码"}))[0] == 204
    outbox = catalog.context.tables.outbox
    async with work() as unit:
        events = (await unit.execute(outbox.select().where(outbox.c.key == CONTENT.code).order_by(outbox.c.id))).all()
    last = json.loads(events[-1].value)
    assert (last["aliases"], last["exemptions"]) == (["OLD-9"], told)
    # The last day passes, the next refuses again.
    clock["now"] = datetime(2027, 3, 2, 15, 59, tzinfo=UTC)
    assert ("no-basis", "materials.m") not in await refused()
    clock["now"] += timedelta(minutes=1)
    assert await refused() == before
    assert (await doors(EDITOR, "GET", f"/items/{CONTENT.code}"))[1]["exemptions"] == []
    # Then it may be appealed again, and refused.
    status, second = await doors(EDITOR, "POST", path, because())
    assert status == 201
    no = {"granted": False, "reason": "已经一年，请改。"}
    assert (await doors(REGISTRAR, "POST", f"/appeals/{second['id']}/decision", no))[1]["state"] == "refused"
    assert await refused() == before
    async with Work(catalog.context, readonly=True) as unit:
        history = await unit.history.listed(CONTENT.code, None, 10)
    assert [(done.act.value, done.actor) for _, done in reversed(history)][1:] == [
        ("appealed", "editor"),
        ("exempted", "registrar"),
        ("aliased", "registrar"),
        ("appealed", "editor"),
        ("appeal_refused", "registrar"),
    ]
