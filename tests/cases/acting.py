"""Citizens and officers who act on cases over HTTP, as the desk's tests drive them."""

from collections.abc import Callable
from typing import Any

import httpx

from tests.cases.conftest import SIMPLE, Client

As = Callable[[str], Client]
STEPS = {"acceptance": None, "review": {"opinion": "approve"}, "decision": {"outcome": "granted"}, "delivery": None}
DOERS = {"acceptance": "clerk", "review": "officer", "decision": "officer", "delivery": "clerk"}


async def submitted(as_: As, person: str = "lin") -> str:
    answer = await as_(person)("POST", "/cases", {"item_code": SIMPLE, "answers": {"shop": "晓梅"}})
    assert answer.status_code == 201, answer.text
    case_id: str = answer.json()["id"]
    return case_id


async def act(as_: As, case: str, step: str, seen: int, body: Any = "usual", **more: Any) -> httpx.Response:
    person = more.pop("person", DOERS.get(step, "clerk"))
    return await as_(person)(
        "POST", f"/desk/cases/{case}/{step}", STEPS[step] if body == "usual" else body, seen=seen, **more
    )


async def brought_to(as_: As, case: str, status: str) -> None:
    for version, (step, reached) in enumerate(
        zip(STEPS, ("accepted", "reviewed", "decided", "delivered"), strict=True), start=1
    ):
        answer = await act(as_, case, step, version)
        assert answer.status_code == 200, answer.text
        assert answer.json()["status"] == reached
        if reached == status:
            return
