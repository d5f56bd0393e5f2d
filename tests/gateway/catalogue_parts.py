"""What the catalogue's pages at the desk are tested with: answers of its doors, an officer with its roles."""

import re
from typing import Any

import httpx

from services.kit.service import Service
from tests.gateway.applications import ORGANISATION, item
from tests.gateway.conftest import Browser
from tests.gateway.desk_parts import granting, officer_at
from tests.gateway.world import SUBJECT, World

REVISION = "a" * 32
APPEAL = "b" * 32
CORRECTION = "e" * 32
HERE = f"/catalogue/revisions/{REVISION}"
BEHIND = f"/revisions/{REVISION}"
CODE = "510123002000"
THERE = f"/catalogue/items/{CODE}"
AT = "2026-11-24T02:00:00+00:00"
OTHER = "9" * 32
_PUBLISHED = ("item_version", "published_at")
EVERY_ROLE = [{"org": "*", "role": role} for role in ("editor", "reviewer", "registrar")]


def content(**changed: Any) -> dict[str, Any]:
    """What an author wrote."""
    written = {name: value for name, value in item().items() if name not in _PUBLISHED}
    return written | {"kind": "implementation", "topics": ["旧主题"], "channels": []} | changed


def finding(**changed: Any) -> dict[str, Any]:
    return {
        "rule": "no-basis",
        "field": "materials.photo",
        "cause": {"zh": "材料“证件照”没有依据", "en": "The material Photo has no basis"},
        "mend": {"zh": "写明是哪条法律要的，或者拿掉", "en": "Name the law that asks for it, or take it away"},
        "appealable": True,
    } | changed


def revision(**changed: Any) -> dict[str, Any]:
    """A revision as the catalogue shows it."""
    return {
        "id": REVISION,
        "code": CODE,
        "kind": "implementation",
        "name": item()["name"],
        "organisation": ORGANISATION["id"],
        "organisation_name": ORGANISATION["name"],
        "state": "draft",
        "version": 4,
        "from_version": 3,
        "provenance": "editor",
        "author": SUBJECT,
        "author_name": "林晓梅",
        "reviewer": None,
        "reviewer_name": None,
        "reason": "按新的条例改",
        "effective_at": None,
        "created_at": AT,
        "updated_at": AT,
        "content": content(),
        "findings": [],
        "touched": [],
        "touched_more": False,
        "acts": ["edited", "submitted", "discarded"],
    } | changed


def changes() -> list[dict[str, Any]]:
    """A comparison."""
    return [
        {"field": "limits.promised.amount", "kind": "changed", "left": 5, "right": 3},
        {"field": "materials.photo.required", "kind": "changed", "left": True, "right": False},
        {"field": "basis.0", "kind": "added", "left": None, "right": {"law": "居住证暂行条例", "article": "第三条"}},
        {"field": "form.properties.kind.title", "kind": "removed", "left": "谁办", "right": None},
    ]


def version(number: int) -> dict[str, Any]:
    return {
        "version": number,
        "published_at": AT,
        "provenance": "editor",
        "revision": REVISION,
        "author_name": "陈静",
        "reviewer_name": "赵强",
        "reason": "改了时限",
    }


def transition(act: str, **changed: Any) -> dict[str, Any]:
    return {
        "act": act,
        "at": AT,
        "actor": OTHER,
        "actor_name": "赵强",
        "reason": "时限写错了",
        "version": None,
        "revision": REVISION,
    } | changed


def organisation(**changed: Any) -> dict[str, Any]:
    return {
        "id": ORGANISATION["id"],
        "name": ORGANISATION["name"],
        "division": "511602000000",
        "uscc": None,
        "uscc_verified": False,
        "uscc_proof": None,
        "kind": "organ",
        "level": 4,
        "parent": None,
        "status": "active",
        "items": 4,
        "functions": [
            {"id": "f1", "name": {"zh": "户口", "en": None}, "basis": None, "items": [], "reason": {"zh": "上级办"}}
        ],
        "successors": [],
        "version": 2,
        "children": 0,
        "above": [],
        "history": [{"version": 1, "at": AT, "reason": "登记", "name": ORGANISATION["name"], "status": "active"}],
    } | changed


def entry(register: str = "element", **changed: Any) -> dict[str, Any]:
    told: dict[str, Any] = {
        "code": "birth_date",
        "name": {"zh": "出生日期", "en": "Date of birth"},
        "source": ORGANISATION,
        "status": "active",
        "elements": [],
    }
    told |= {"definition": None, "data_type": "date", "unit": None} if register == "element" else {}
    told |= {"sharing": "conditional", "condition": {"zh": "要用途", "en": None}} if register != "element" else {}
    return {"register": register, "version": 7, "updated_at": AT, "content": told | changed}


def appeal(**changed: Any) -> dict[str, Any]:
    return {
        "id": APPEAL,
        "code": CODE,
        "name": item()["name"],
        "organisation": ORGANISATION["id"],
        "organisation_name": ORGANISATION["name"],
        "revision_id": REVISION,
        "rule": "no-basis",
        "field": "materials.photo",
        "state": "open",
        "author": OTHER,
        "author_name": "陈静",
        "reason": "省里正在改条例",
        "created_at": AT,
        "decision": None,
        "until": None,
        "decided_at": None,
    } | changed


def correction(**changed: Any) -> dict[str, Any]:
    return {
        "id": CORRECTION,
        "register": "element",
        "code": "birth_date",
        "entry_name": {"zh": "出生日期", "en": "Date of birth"},
        "source": ORGANISATION["id"],
        "source_name": ORGANISATION["name"],
        "organisation": ORGANISATION["id"],
        "organisation_name": ORGANISATION["name"],
        "author_name": "陈静",
        "text": "有的人差一天",
        "item_code": CODE,
        "state": "open",
        "answer": None,
        "created_at": AT,
        "updated_at": AT,
        "due_at": AT,
        "overdue": True,
        "acts": ["accept", "reject"],
        "version": 1,
    } | changed


def running() -> dict[str, Any]:
    case = {"number": "511602-20261109-00871", "item_version": 3, "status": "accepted", "submitted_at": AT}
    return {"count": 12, "more": False, "cases": [case]}


def coverage() -> dict[str, Any]:
    return {
        "organisation": ORGANISATION,
        "functions": 1,
        "expected": 5,
        "fulfilled": 4,
        "published": 4,
        "by_depth": {"1": 1, "2": 0, "3": 1, "4": 2},
        "unlinted": 1,
        "not_online": [{"code": CODE, "name": item()["name"], "depth": 2, "reason": {"zh": "要验原件", "en": None}}],
        "not_online_more": True,
        "missing": [{"function": {"id": "f1", "name": {"zh": "户口", "en": None}}, "items": ["X"], "reason": None}],
    }


def fill(world: World) -> None:
    """Answers of every door that the pages read."""
    on = world.services.on
    for path, answer in {
        "/revisions": page(revision()),
        BEHIND: revision(),
        f"{BEHIND}/comparison": {"left": {"version": 3}, "right": {"version": None}, "changes": changes()},
        "/topics": {"topics": [{"code": "housing", "name": {"zh": "住房", "en": "Housing"}}], "life_events": []},
        "/item-types": {
            "item_types": [
                {"code": "01", "name": {"zh": "行政许可", "en": "Licence"}, "province": None},
                {"code": "20", "name": {"zh": "公共服务", "en": "Public service"}, "province": None},
                {
                    "code": "21",
                    "name": {"zh": "本省的类型", "en": "A type of this province"},
                    "province": "510000000000",
                },
                {"code": "22", "name": {"zh": "外省的类型", "en": "A type of another"}, "province": "440000000000"},
            ]
        },
        "/items": page({name: item()[name] for name in ("code", "name", "organisation")} | {"version": 3}),
        f"/items/{CODE}": item() | {"status": "published", "status_reason": "", "provenance": "editor"},
        f"/items/{CODE}/versions": page(version(3), version(2)),
        f"/items/{CODE}/history": page(transition("published", version=3), transition("drafted")),
        f"/items/{CODE}/comparison": {"left": 2, "right": 3, "changes": changes()},
        f"/items/{CODE}/in-force": {
            "version": 2,
            "status": "published",
            "valid_from": AT,
            "valid_to": None,
            "known_from": AT,
            "known_to": None,
        },
        "/appeals": page(appeal()),
        "/corrections": page(correction()),
        f"/corrections/{CORRECTION}": correction(),
        "/coverage": page(coverage()),
        "/coverage/.+": coverage(),
        "/organisations": page(organisation()),
        "/organisations/[^/]+": organisation(),
        "/registers/element": page(entry()),
        "/registers/resource": page(entry("resource")),
        "/registers/licence": page(entry("licence")),
        "/registers/element/.+": entry(),
        "/registers/resource/.+": entry("resource"),
        "/registers/licence/.+": entry("licence"),
        "/search/misses": page({"day": "2026-11-24", "words": "开店", "count": 7}),
        "/search/synonyms": httpx.Response(
            200, json={"synonyms": [{"word": "开店", "means": "公司设立登记"}]}, headers={"etag": '"3"'}
        ),
    }.items():
        on("catalog", "GET", path, answer)
    on("cases", "GET", f"/desk/items/{CODE}/running", running())


def page(*rows: dict[str, Any]) -> dict[str, Any]:
    return {"items": list(rows), "next": None}


async def keeper(service: Service, world: World, roles: list[dict[str, str]] | None = None) -> Browser:
    """An officer with these roles (all of the catalogue's) at a filled catalogue."""
    granting(world, EVERY_ROLE if roles is None else roles)
    fill(world)
    return await officer_at(service, world)


def fields_of(text: str) -> dict[str, Any]:
    """What the page's form would send: one value for each control, ticks as they are ticked."""
    form = text[text.rindex("<form", 0, text.index('name="version"')) :]
    form = form[: form.index("</form>")]
    found: dict[str, Any] = {}
    for tag in re.findall(r"<input [^>]+>", form):
        name, value = re.search(r'name="([^"]+)"', tag), re.search(r'value="([^"]*)"', tag)
        if name and ('type="checkbox"' not in tag or "checked" in tag):
            found.setdefault(name[1], []).append(_plain(value[1] if value else ""))
    for name, value in re.findall(r'<textarea[^>]* name="([^"]+)"[^>]*>\n(.*?)</textarea>', form, re.S):
        found[name] = _plain(value)
    for name, options in re.findall(r'<select[^>]* name="([^"]+)"[^>]*>(.*?)</select>', form, re.S):
        chosen = re.search(r'value="([^"]*)" selected', options)
        found[name] = chosen[1] if chosen else ""
    return found


def _plain(text: str) -> str:
    return text.replace("&#34;", '"').replace("&gt;", ">").replace("&lt;", "<").replace("&amp;", "&")
