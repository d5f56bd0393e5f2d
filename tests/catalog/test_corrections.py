"""Correction requests: who files, who answers, in what time, and that no personal data stands in them."""

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any, get_args

import pytest

from services.catalog import errors
from services.catalog.demo.organisations import CIVIL_AFFAIRS, HEALTH, ORGANISATIONS, POLICE
from services.catalog.domain.corrections import Answering, Correction, CorrectionState, answered
from services.catalog.domain.identity_numbers import holds_identity_number
from services.catalog.domain.items import Provenance
from services.catalog.handlers.organisations import register_organisations
from services.catalog.store.work import Work
from services.kit.service import Service
from tests.catalog.acting import Doors, officer

FINDER = officer("finder", f"editor@{CIVIL_AFFAIRS.id}")
SOURCE = officer("source", f"editor@{POLICE.id}")
STRANGER = officer("stranger", f"editor@{HEALTH.id}")
REGISTRAR = officer("registrar", "registrar@*")
NOW = datetime(2026, 3, 2, 3, tzinfo=UTC)


def test_the_table_of_states() -> None:
    def request(state: CorrectionState) -> Correction:
        people: dict[str, Any] = {"organisation_id": "o", "author": "a", "author_name": "A", "text": "t"}
        times = {"created_at": NOW, "updated_at": NOW, "due_at": NOW + timedelta(days=14)}
        return Correction(id="1", register="element", code="c", source="s", state=state, version=1, **people, **times)

    allowed = {}
    for state, act in product(CorrectionState, get_args(Answering)):
        try:
            after = answered(request(state), act, "words", "who", NOW)
        except errors.WrongState as error:
            assert error.members == {"state": state.value}
            continue
        assert (after.version, after.answer, after.answered_by) == (2, "words", "who")
        allowed[state.value, act] = after.state.value
    assert allowed == {
        ("open", "accept"): "accepted",
        ("open", "reject"): "rejected",
        ("open", "withdraw"): "withdrawn",
        ("accepted", "correct"): "corrected",
        ("accepted", "reject"): "rejected",
        ("accepted", "withdraw"): "withdrawn",
    }
    late = NOW + timedelta(days=14, seconds=1)
    assert [state for state in CorrectionState if request(state).overdue(late)] == ["open", "accepted"]
    assert not request(CorrectionState.OPEN).overdue(NOW + timedelta(days=14))


# The first is the standard's own example (GB 11643-1999, annex); the others are made up and belong to nobody.
@pytest.mark.parametrize(
    ("text", "held"),
    [
        ("11010519491231002X", True),
        ("他的号码是 440524188001010014，不对", True),
        ("11010519491231002x", True),
        ("1101 0519 4912 3100 2X", True),
        ("110105-19491231-002X", True),
        ("１１０１０５１９４９１２３１００２Ｘ", True),
        ("前9911010519491231002X后", True),
        ("110105194912310021", False),  # its check does not fit
        ("11010519491331002X", False),  # no such day
        ("91350100M000100Y43", False),
        ("511602000000202600001", False),
        ("办件编号 20260302000001", False),
        ("", False),
    ],
)
def test_identity_numbers_are_found_in_texts(text: str, held: bool) -> None:
    assert holds_identity_number(text) is held


@pytest.fixture
async def doors(catalog: Service, work: Callable[[], Work]) -> AsyncIterator[Doors]:
    await register_organisations(ORGANISATIONS, Provenance.DEMO, work())
    found = Doors(catalog)
    async with found.client:
        entry = {"content": {"name": {"zh": "户籍地址"}, "source": {"id": POLICE.id}}, "reason": "登记"}
        assert (await found(REGISTRAR, "PUT", "/registers/element/home_address", entry, If_None_Match="*"))[0] == 200
        yield found


def body(**more: Any) -> dict[str, Any]:
    said = "查到的户籍地址是拆迁前的门牌号。"
    return {"register": "element", "code": "home_address", "organisation": CIVIL_AFFAIRS.id, "text": said, **more}


async def test_a_request_goes_to_the_source_and_back(doors: Doors, catalog: Service) -> None:
    clock = {"now": NOW}
    catalog.context.clock = lambda: clock["now"]
    refused: list[tuple[Any, dict[str, Any], int, str]] = [
        (STRANGER, body(), 403, ""),
        (officer("reviewer", f"reviewer@{CIVIL_AFFAIRS.id}"), body(), 403, ""),
        (officer("citizen", realm="citizen"), body(), 403, ""),
        (FINDER, body(code="nothing"), 404, ""),
        (FINDER, body(register="organ"), 422, "register"),
        (FINDER, body(text="张三 11010519491231002X 的地址不对"), 422, "text"),
        (FINDER, body(text=" \u200b"), 422, "text"),
        (FINDER, body(text="<script>"), 422, "text"),
        (FINDER, body(text="错" * 1001), 422, "text"),
        (FINDER, body(item_code="NONE"), 422, "item_code"),
        (FINDER, body(more=1), 422, "more"),
        (SOURCE, body(organisation=POLICE.id), 422, "organisation"),
    ]
    for who, sent, wanted, field in refused:
        status, problem = await doors(who, "POST", "/corrections", sent)
        assert (status, problem.get("errors", [{}])[0].get("field", "")) == (wanted, field), sent
    status, made = await doors(FINDER, "POST", "/corrections", body())
    assert (status, made["state"], made["version"], made["acts"]) == (201, "open", 1, ["withdraw"])
    assert (made["source_name"]["zh"], made["entry_name"]["zh"]) == ("示例区公安分局", "户籍地址")
    # 14 days, to the end of the last in China.
    assert made["due_at"].startswith("2026-03-16T15:59:59")
    path = f"/corrections/{made['id']}"
    assert (await doors(STRANGER, "GET", path))[0] == 404
    assert (await doors(SOURCE, "GET", path))[1]["acts"] == ["accept", "reject"]

    async def listed(who: Any, query: str = "") -> list[str]:
        status, page = await doors(who, "GET", f"/corrections{query}")
        assert status == 200, page
        return [each["id"] for each in page["items"]]

    for who, query, seen in (
        (FINDER, "", True),
        (SOURCE, "", True),
        (REGISTRAR, "", True),
        (STRANGER, "", False),
        (SOURCE, "?state=open", True),
        (SOURCE, "?state=accepted", False),
        (SOURCE, f"?source={POLICE.id}", True),
        (SOURCE, f"?organisation={POLICE.id}", False),
        (SOURCE, "?overdue=true", False),
    ):
        assert bool(await listed(who, query)) is seen, query
    assert (await doors(officer("x"), "GET", "/corrections"))[0] == 403

    async def act(who: Any, name: str, version: int, answer: str = "已经核实") -> tuple[int, Any]:
        status, found = await doors(who, "POST", f"{path}/{name}", {"answer": answer}, If_Match=f'"{version}"')
        return status, found

    assert (await act(FINDER, "accept", 1))[0] == 403
    assert (await act(SOURCE, "withdraw", 1))[0] == 403
    assert (await act(STRANGER, "accept", 1))[0] == 404
    assert (await act(SOURCE, "accept", 2))[0] == 412
    assert (await act(SOURCE, "correct", 1))[0] == 409
    assert (await act(SOURCE, "burn", 1))[0] == 422
    assert (await act(SOURCE, "accept", 1, "11010519491231002X"))[0] == 422
    status, accepted = await act(SOURCE, "accept", 1)
    assert (status, accepted["state"], accepted["answer"], accepted["acts"]) == (
        200,
        "accepted",
        "已经核实",
        ["correct", "reject"],
    )
    # Its time runs out.
    clock["now"] = NOW + timedelta(days=15)
    assert (await doors(FINDER, "GET", path))[1]["overdue"] is True
    assert await listed(FINDER, "?overdue=true") == [made["id"]]
    status, corrected = await act(REGISTRAR, "correct", 2, "已改为新门牌号")
    assert (status, corrected["state"], corrected["overdue"], corrected["acts"]) == (200, "corrected", False, [])
    assert await listed(FINDER, "?overdue=true") == []
    audit = catalog.context.tables.audit.audit
    async with Work(catalog.context, readonly=True) as unit:
        rows = await unit.execute(audit.select().where(audit.c.object_type == "correction").order_by(audit.c.id))
        acts = [(row.actor, row.action, row.on_behalf_of) for row in rows]
    assert acts == [
        ("finder", "corrections.file", CIVIL_AFFAIRS.id),
        ("source", "corrections.accept", POLICE.id),
        ("registrar", "corrections.correct", POLICE.id),
    ]
