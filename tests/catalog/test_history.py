"""History: versions side by side, what was in force when and known when, and any sequence of acts against a model."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from services.catalog import app
from services.catalog.demo.organisations import ORGANISATIONS
from services.catalog.domain import periods
from services.catalog.domain.comparison import changes
from services.catalog.domain.items import Provenance
from services.catalog.domain.life import ItemStatus
from services.catalog.handlers import drafting, organisations, publishing, reviewing, standing
from services.catalog.publisher import Publisher
from services.catalog.store.work import Work
from services.contracts.base import Text
from services.contracts.catalog_items import Material
from services.kit.errors import TongbanError
from services.kit.service import Service
from tests.catalog.conftest import Clock, settings_for
from tests.catalog.contents import REGISTRATION
from tests.catalog.desk import CODE, ITEM, Desk, slug
from tests.catalog.people import BOTH, CHEN, GATEWAY, XU, ZHAO, ZHOU
from tests.harness.templates import Template

Works = Callable[[], Work]


def test_contents_are_compared_field_by_field() -> None:
    photo = Material(id="photo", name=Text(zh="照片"), required=True)
    paper = Material(id="paper", name=Text(zh="表格"), required=False)
    left = REGISTRATION.model_copy(update={"materials": (photo, paper), "topics": ("a", "b"), "visits": 0})
    form = {**left.form, "properties": dict(reversed(list(left.form["properties"].items())))}
    first = next(iter(left.form["properties"]))
    form["properties"][first] = {**form["properties"][first], "title": "另一个题目"}
    right = left.model_copy(
        update={
            "name": Text(zh="失业登记", en="Registering as out of work"),
            "materials": (photo.model_copy(update={"required": False}),),
            "topics": ("a", "c", "d"),
            "visits": None,
            "visit_reason": Text(zh="要核对本人"),
            "form": form,
        }
    )
    found = {change.field: (change.kind, change.left, change.right) for change in changes(left, right)}
    assert found.pop("form.properties.*")[0] == "changed"  # asked in another order
    assert found.pop(f"form.properties.{first}.title") == (
        "changed",
        left.form["properties"][first]["title"],
        "另一个题目",
    )
    assert found == {
        "name.en": ("changed", left.name.en, "Registering as out of work"),
        "topics.1": ("changed", "b", "c"),
        "topics.2": ("added", None, "d"),
        "visits": ("removed", 0, None),
        "visit_reason": ("added", None, {"zh": "要核对本人", "en": None}),
        "materials.photo.required": ("changed", True, False),
        "materials.paper": ("removed", paper.model_dump(mode="json"), None),
    }
    assert changes(left, left) == []
    assert {change.kind for change in changes(None, left)} == {"added"}
    assert {change.field for change in changes(None, left)} >= {"code", "name", "form"}


async def test_in_force_on_that_day_and_known_on_that_day(desk: Desk, catalog: Service, clock: Clock) -> None:
    """Noon of the 26th: version 1. On the 27th version 2 is approved for the 1st, on the 29th withdrawn; on the 30th it
    is suspended and resumed on the 2nd."""

    async def held(**asked: str) -> tuple[int | None, str | None]:
        answer = await desk.at(GATEWAY).get(f"{ITEM}/in-force", params=asked)
        assert answer.status_code == 200, answer.text
        return answer.json()["version"], answer.json()["status"]

    clock.move(days=1)
    handed_in = await desk.submitted()
    approved = (await desk.act(ZHAO, "approve", handed_in, effective_from="2026-12-01")).json()
    clock.move(days=2)
    await desk.act(ZHAO, "withdraw", approved)
    clock.move(days=1)
    await desk.stand(ZHAO, "suspend")
    clock.move(days=2)
    await desk.stand(ZHOU, "resume")
    for day, known, version, status in [
        ("2026-11-25", "2026-12-02", None, None),
        ("2026-11-26", "2026-11-25", None, None),
        ("2026-11-26", "2026-11-26", 1, "published"),
        ("2026-12-01", "2026-11-26", 1, "published"),
        ("2026-11-30", "2026-11-27", 1, "published"),
        ("2026-12-01", "2026-11-27", 2, "published"),
        ("2026-12-01", "2026-11-28", 2, "published"),
        ("2026-12-01", "2026-11-29", 1, "published"),
        ("2026-12-01", "2026-11-30", None, "suspended"),
        ("2026-11-30", "2026-12-02", None, "suspended"),
        ("2026-11-29", "2026-12-02", 1, "published"),
        ("2026-12-02", "2026-12-02", 1, "published"),
        ("2030-01-01", "2030-01-01", 1, "published"),  # what will be known is what is known
        ("9999-12-31", "9999-12-31", 1, "published"),
        ("0001-01-01", "0001-01-01", None, None),
    ]:
        assert await held(valid_on=day, known_on=known) == (version, status), (day, known)
    assert await held() == (1, "published")
    assert slug(await desk.at(GATEWAY).get("/items/NOT-THERE/in-force")) == (404, "item-not-found")
    assert slug(await desk.at(GATEWAY).get(f"{ITEM}/in-force?valid_on=2026-02-30")) == (422, "invalid")


async def test_a_first_version_to_come_is_known_before_it_holds(desk: Desk, catalog: Service, clock: Clock) -> None:
    content = desk.content(kind="base")
    for name in ("code", "code_system", "form"):
        del content[name]
    body = {"kind": "base", "content": content, "reason": "新增", "department": "14"}
    draft = (await desk.at(CHEN).post("/revisions", json=body)).json()
    handed_in = (await desk.act(CHEN, "submit", draft)).json()
    approved = (await desk.act(ZHAO, "approve", handed_in, effective_from="2026-12-01")).json()
    path = f"/items/{draft['code']}"
    assert (await desk.at(GATEWAY).get(f"{path}/in-force")).json()["version"] is None
    assert (await desk.at(GATEWAY).get(f"{path}/in-force?valid_on=2026-12-01")).json()["version"] == 1
    assert slug(await desk.at(GATEWAY).get(path)) == (404, "item-not-found")
    assert [each["act"] for each in (await desk.at(ZHOU).get(f"{path}/history")).json()["items"]] == [
        "reviewed",
        "submitted",
        "drafted",
    ]
    assert (await desk.at(ZHAO).get(f"/revisions/{approved['id']}/comparison")).json()["left"] == {"version": 0}
    clock.move(days=5)
    assert await Publisher(catalog.context).publish_due() == 1
    assert (await desk.at(GATEWAY).get(path)).json()["item_version"] == 1


async def test_versions_and_revisions_stand_side_by_side(desk: Desk) -> None:
    handed_in = await desk.submitted(content=desk.content(visits=1))
    compared = (await desk.at(ZHAO).get(f"/revisions/{handed_in['id']}/comparison")).json()
    assert compared == {
        "left": {"version": 1},
        "right": {"version": None},
        "changes": [{"field": "visits", "kind": "changed", "left": 0, "right": 1}],
    }
    await desk.act(ZHAO, "approve", handed_in)
    compared = (await desk.at(CHEN).get(f"{ITEM}/comparison?left=2&right=1")).json()
    assert compared["changes"] == [{"field": "visits", "kind": "changed", "left": 1, "right": 0}]
    assert slug(await desk.at(CHEN).get(f"{ITEM}/comparison?left=1&right=9")) == (404, "item-version-not-found")
    assert slug(await desk.at(CHEN).get(f"{ITEM}/comparison?left=1")) == (422, "invalid")
    pages, path = [], f"{ITEM}/versions?limit=1"
    while path:
        page = (await desk.at(CHEN).get(path)).json()
        pages += [each["version"] for each in page["items"]]
        path = page["next"] and f"{ITEM}/versions?limit=1&cursor={page['next']}"
    assert pages == [2, 1]
    for cursor in ("WyJhIl0", "WzEsMl0", "W3RydWVd"):
        assert slug(await desk.at(CHEN).get(f"{ITEM}/history?cursor={cursor}"))[0] == 400
        assert slug(await desk.at(CHEN).get(f"/revisions?cursor={cursor}"))[0] == 400


@dataclass
class Model:
    """What the catalogue should say, by brute force: after every act, everything that it then knows, kept whole."""

    now: datetime
    version: int = 0
    sequence: int = 0
    status: ItemStatus | None = None
    known: list[tuple[datetime, tuple[periods.Period, ...]]] = field(default_factory=list)

    def timeline(self) -> tuple[periods.Period, ...]:
        return self.known[-1][1] if self.known else ()

    def holds(self, version: int, status: ItemStatus, at: datetime) -> None:
        marks = [(p.valid_from, p.version, p.status) for p in self.timeline() if p.valid_from < at]
        self._keep([*marks, (at, version, status)])

    def nothing_ahead(self) -> None:
        self._keep([(p.valid_from, p.version, p.status) for p in self.timeline() if p.version <= self.version])

    def _keep(self, marks: list[tuple[datetime, int, ItemStatus]]) -> None:
        ends = [each[0] for each in marks[1:]] + [None]
        found = tuple(periods.Period(v, s, since, end) for (since, v, s), end in zip(marks, ends, strict=True))
        self.known.append((self.now, found))

    def answer(self, valid_at: datetime, known_at: datetime) -> tuple[int, ItemStatus] | None:
        lines = [line for since, line in self.known if since <= known_at]
        for period in lines[-1] if lines else ():
            if period.valid_from <= valid_at and (period.valid_to is None or valid_at < period.valid_to):
                return period.version, period.status
        return None


OPTIONS = {
    None: ("draft", "draft", "draft", "draft", "resume", "rollback", "import", "suspend", "retire"),
    "draft": ("submit", "submit", "edit", "discard", "import"),
    "submitted": ("ahead", "ahead", "ahead", "approve", "return", "suspend"),
    "reviewed": ("withdraw", "edit", "import", "suspend", "resume", "wait", "wait", "retire"),
}
"""What is tried while the open revision is in some state: mostly what can be done, and what cannot."""


PLANS = st.lists(st.tuples(st.integers(0, 97), st.integers(1, 40), st.integers(0, 3)), min_size=16, max_size=20)
Plan = list[tuple[int, int, int]]


@settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck))
@given(plan=PLANS)
def test_any_sequence_of_acts_keeps_what_always_holds(
    plan: Plan, sqlite_template: Template, tmp_path_factory: pytest.TempPathFactory
) -> None:
    asyncio.run(_play(plan, sqlite_template, tmp_path_factory.mktemp("history")))


@pytest.mark.deep
@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
@given(plan=PLANS)
def test_many_sequences_of_acts(
    plan: Plan, sqlite_template: Template, tmp_path_factory: pytest.TempPathFactory
) -> None:
    asyncio.run(_play(plan, sqlite_template, tmp_path_factory.mktemp("history")))


async def _play(plan: Plan, template: Template, folder: Path) -> None:
    await template.make()
    with template.copy(folder) as url:
        service = app.build(settings_for(url, folder))
        try:
            await _follow(plan, service)
        finally:
            await service.close()


async def _follow(plan: Plan, service: Service) -> None:
    clock = Clock()
    service.context.clock = clock
    publisher = Publisher(service.context)

    def work() -> Work:
        return Work(service.context)

    await organisations.register_organisations(ORGANISATIONS, Provenance.DEMO, work())
    await publishing.publish_items([REGISTRATION], Provenance.IMPORT, work())
    model = Model(clock.now, 1, 1, ItemStatus.PUBLISHED)
    model.holds(1, ItemStatus.PUBLISHED, clock.now)
    visits = 10
    for choice, hours, who in plan:
        clock.move(hours=hours)
        model.now = clock.now
        visits += 1
        # Whatever is due takes force before anything else is done, as it does within a second.
        before = await _state(work())
        await publisher.publish_due()
        _compare(model, before, await _state(work()), None, clock.now)
        before = await _state(work())
        options = OPTIONS[before["opened"][0][2] if before["opened"] else None]
        act = options[choice % len(options)] if before["status"] != "retired" else ("rollback", "draft")[choice % 2]
        effective = periods.day_of(clock.now) + timedelta(days=1 + who) if act == "ahead" else None
        try:
            await _do(act, who, visits, effective, before, work)
            done = True
        except TongbanError:
            done = False
        after = await _state(work())
        if done:
            _compare(model, before, after, effective, clock.now)
        else:
            assert after == before, act
        _check_always(after)
        # What is asked at some instants of both times is answered as the model answers.
        for number in range(6):
            valid_at = clock.now + timedelta(hours=(choice * (number + 3)) % 150 - 50)
            known_at = clock.now - timedelta(hours=(choice * number + who) % 120)
            async with work() as unit:
                held = await unit.periods.held(CODE, valid_at, known_at)
            found = (held.period.version, held.period.status) if held else None
            assert found == model.answer(valid_at, known_at), (act, valid_at, known_at)


async def _do(act: str, who: int, visits: int, effective: date | None, state: dict[str, Any], work: Works) -> None:
    editor, reviewer = (CHEN, XU, BOTH, CHEN)[who], (ZHAO, BOTH, ZHAO, BOTH)[who]
    body = REGISTRATION.model_dump(mode="json") | {"visits": visits}
    open_id, seen = state["open"] or ("0" * 32, 1)
    match act:
        case "draft":
            await drafting.begin_draft(editor, "implementation", CODE, body, "x", work())
        case "edit":
            await drafting.edit_draft(editor, open_id, seen, body, "x", work())
        case "submit":
            await reviewing.submit(editor, open_id, seen, "x", work())
        case "return":
            await reviewing.return_(reviewer, open_id, seen, "x", work())
        case "approve" | "ahead":
            await reviewing.approve(reviewer, open_id, seen, "x", effective, work())
        case "withdraw":
            await reviewing.withdraw(reviewer, open_id, seen, "x", work())
        case "discard":
            await drafting.discard_draft(editor, open_id, seen, "x", work())
        case "suspend":
            await standing.suspend(ZHOU, CODE, None, "x", work())
        case "resume":
            await standing.resume(ZHOU, CODE, None, "x", work())
        case "retire":
            await standing.retire(ZHOU, CODE, None, "x", work())
        case "rollback":
            await standing.roll_back(ZHOU, CODE, None, 1 + who, "x", work())
        case "import":
            await publishing.publish_items(
                [REGISTRATION.model_copy(update={"visits": visits})], Provenance.IMPORT, work()
            )


async def _state(work: Work) -> dict[str, Any]:
    """Everything of the item as the tables have it."""
    async with work:

        async def rows(query: str) -> list[Any]:
            return [tuple(row) for row in await work.execute(text(query))]

        [(version, sequence, status)] = await rows("SELECT version, sequence, status FROM items")
        opened = await rows(
            "SELECT id, version, state, author, reviewer, effective_at FROM revisions WHERE open_code IS NOT NULL"
        )
        return {
            "version": version,
            "sequence": sequence,
            "status": status,
            "versions": [each[0] for each in await rows("SELECT version FROM item_versions ORDER BY version")],
            "events": await rows("SELECT headers FROM outbox WHERE topic = 'catalog.items' ORDER BY id"),
            "open": opened[0][:2] if opened else None,
            "opened": opened,
            "revisions": await rows("SELECT id, state, author, reviewer FROM revisions ORDER BY id"),
            "writers": await rows("SELECT revision_id, actor FROM transitions WHERE act IN ('drafted', 'edited')"),
            "periods": await rows(
                "SELECT version, status, valid_from, valid_to, known_from, known_to FROM item_periods"
            ),
        }


def _compare(
    model: Model, before: dict[str, Any], after: dict[str, Any], effective: date | None, now: datetime
) -> None:
    """Let the model do what an act did, told by what it did to the item and to the revision alone."""
    waited, waits = (any(row[2] == "reviewed" for row in state["opened"]) for state in (before, after))
    if after["sequence"] > before["sequence"]:
        model.version, model.sequence = after["version"], after["sequence"]
        model.status = ItemStatus(after["status"])
        model.holds(model.version, model.status, now)
    elif waited and not waits:
        model.nothing_ahead()
    elif waits and not waited and effective is not None:
        model.holds(model.version + 1, ItemStatus.PUBLISHED, periods.midnight(effective))


def _check_always(state: dict[str, Any]) -> None:
    assert state["versions"] == list(range(1, state["version"] + 1))
    sequences = [int(row[0].split(b'ce_aggregateversion","')[1].split(b'"')[0]) for row in state["events"]]
    assert sequences == list(range(1, state["sequence"] + 1))
    assert len(state["opened"]) <= 1
    writers = {(revision, actor) for revision, actor in state["writers"]}
    for revision, _, author, reviewer in state["revisions"]:
        assert reviewer is None or (reviewer != author and (revision, reviewer) not in writers)
    instants = sorted({known for *_, known, _ in state["periods"]})
    for instant in instants:
        known = sorted(
            (row[2], row[3]) for row in state["periods"] if row[4] <= instant and (row[5] is None or instant < row[5])
        )
        for (_, end), (since, _) in pairwise(known):
            assert end is not None
            assert end <= since, known
        assert [end for _, end in known if end is None] == [None] * bool(known)
