"""Coverage (应上尽上): what each department should have, has, and has online at which depth; the rest with reasons."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from services.gateway.surfaces.desk.catalogue import asked, officer
from services.kit.pages import pick

BAR = 60
PER_PAGE = 50


async def table(request: Request) -> Response:
    """The table, a department a row."""
    who = await officer.entered(request)
    cursor, division = officer.cursor_of(request), request.query_params.get("division", "")
    if division and not (len(division) == 12 and division.isascii() and division.isdecimal()):
        division = ""
    page, names = await asyncio.gather(
        who.get("/coverage", division=division, cursor=cursor, limit=PER_PAGE), who.organisations()
    )
    rows = page["items"]
    most = max((row["published"] for row in rows), default=0)
    named = dict(names)
    shown = {
        "division": division,
        "rows": [(row, _id(row), _name(row, named), bars(row["by_depth"], most)) for row in rows],
        "depths": asked.depths(),
        "next": officer.address("/catalogue/coverage", division=division, cursor=page["next"]) if page["next"] else "",
        "first": officer.address("/catalogue/coverage", division=division) if cursor else "",
    }
    return await who.show("coverage", shown, current="coverage")


async def page(request: Request) -> Response:
    """One department: its figures, and every item and function that is not there, with the reason."""
    who = await officer.entered(request)
    id_ = officer.asked(request, "organisation")
    row, names = await asyncio.gather(who.get(f"/coverage/{officer.safe(id_)}"), who.organisations())
    shown = {
        "row": row,
        "name": _name(row, dict(names)),
        "depths": [(name, counted(row["by_depth"], name)) for name, _text in asked.depths()],
        "depth_names": dict(asked.depths()),
        "bars": bars(row["by_depth"], row["published"]),
    }
    return await who.show("coverage-one", shown, current="coverage")


def counted(by_depth: Mapping[str, int], depth: str) -> int:
    """Items online at this depth; JSON has its keys as text."""
    return int(by_depth.get(depth, 0))


def bars(by_depth: Mapping[str, int], most: int) -> Sequence[tuple[str, int, int, int]]:
    """One bar, a piece for each depth from the deepest: class, start, width, count. `most` items fill it."""
    found, start = [], 0
    for depth in ("4", "3", "2", "1"):
        number = counted(by_depth, depth)
        width = round(BAR * number / most) if most else 0
        width = min(max(width, 1 if number else 0), BAR - start)
        if width:
            found.append((f"d{depth}", start, width, number))
        start += width
    return found


def _id(row: Mapping[str, Any]) -> str:
    found = row["organisation"]
    return str(found["id"] if isinstance(found, Mapping) else found)


def _name(row: Mapping[str, Any], names: Mapping[str, str]) -> str:
    found = row["organisation"]
    if isinstance(found, Mapping) and found.get("name"):
        return pick(found["name"])
    id_ = _id(row)
    return names.get(id_, id_)
