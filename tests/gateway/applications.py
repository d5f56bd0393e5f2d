"""An item, a draft and a case as the services send them."""

from typing import Any

DRAFT = "d" * 32
CASE = "c" * 32
ITEM_NAME = {"zh": "居住证办理", "en": "Residence permit"}
ORGANISATION = {"id": "11510000000000001X", "name": {"zh": "区公安分局", "en": "Public Security Bureau"}}


def form() -> dict[str, Any]:
    """A form of three pages, the second only for companies."""
    text = {"type": "string", "minLength": 1, "maxLength": 20, "x-widget": "text"}
    kinds = {"person": {"zh": "个人", "en": "Person"}, "company": {"zh": "企业", "en": "Company"}}
    return {
        "type": "object",
        "properties": {
            "kind": {"type": "string", "enum": ["person", "company"], "title": "替谁办", "x-enum-titles": kinds},
            "name": text | {"title": "姓名", "x-title-en": "Name", "x-autocomplete": "name"},
            "company": text | {"title": "单位名称"},
            "since": {"type": "string", "format": "date", "x-widget": "date", "title": "哪天住下"},
            "people": {"type": "integer", "minimum": 1, "title": "几个人", "x-widget": "text"},
        },
        "required": ["kind", "name", "since"],
        "allOf": [
            {
                "if": {"properties": {"kind": {"const": "company"}}, "required": ["kind"]},
                "then": {"required": ["company"]},
            }
        ],
        "x-pages": [
            {"id": "who", "title": {"zh": "谁来办", "en": "Who"}, "fields": ["kind", "name"]},
            {
                "id": "company",
                "title": {"zh": "单位", "en": "Company"},
                "fields": ["company"],
                "when": {"field": "kind", "const": "company"},
            },
            {"id": "stay", "title": {"zh": "住处", "en": "Stay"}, "fields": ["since", "people"]},
        ],
    }


def item(**changed: Any) -> dict[str, Any]:
    material = {
        "id": "photo",
        "name": {"zh": "证件照", "en": "Photo"},
        "note": None,
        "required": True,
        "media_types": ["image/png"],
        "max_bytes": 1024 * 1024,
        "max_files": 1,
    }
    return {
        "code": "510123002000",
        "code_system": "gb-12",
        "item_version": 3,
        "name": ITEM_NAME,
        "summary": {"zh": "住满半年可以办。", "en": None},
        "organisation": ORGANISATION,
        "division": "511602000000",
        "item_type": "01",
        "subjects": ["person"],
        "case_kind": "promised",
        "limits": {
            "statutory": {"amount": 20, "unit": "working_day", "note": None},
            "promised": {"amount": 5, "unit": "working_day", "note": None},
        },
        "fee": {"charged": False, "note": None},
        "visits": 0,
        "conditions": [{"zh": "住满半年。", "en": None}],
        "basis": [{"law": "居住证暂行条例", "article": "第二条", "text": None}],
        "materials": [material],
        "steps": [],
        "contact": {"phone": "0826-000 0201", "complaint_phone": None, "address": None, "hours": None},
        "form": form(),
        "published_at": "2026-11-01T00:00:00+00:00",
    } | changed


def draft(**changed: Any) -> dict[str, Any]:
    brief = {"code": "510123002000", "version": 3, "name": ITEM_NAME, "organisation": ORGANISATION}
    return {
        "id": DRAFT,
        "version": 4,
        "item": brief,
        "status": "open",
        "answers": {},
        "materials": [],
        "problems": [],
        "amends": None,
        "case_id": None,
        "notice": None,
        "created_at": "2026-11-23T02:00:00+00:00",
        "updated_at": "2026-11-23T02:00:00+00:00",
        "expires_at": "2027-02-20T02:00:00+00:00",
    } | changed


def due(**changed: Any) -> dict[str, Any]:
    return {
        "date": "2026-12-01",
        "days": 5,
        "basis": "promised",
        "counting_from": "2026-11-25",
        "days_left": 3,
        "days_used": 2,
        "estimate": False,
        "provisional": False,
        "statutory_date": "2026-12-22",
        "statutory_days": 20,
    } | changed


def case(**changed: Any) -> dict[str, Any]:
    applicant = {"kind": "applicant", "name": None, "organisation": None}
    return {
        "id": CASE,
        "number": "511602-20261124-00001",
        "status": "submitted",
        "version": 1,
        "item": draft()["item"],
        "channel": "portal",
        "submitted_at": "2026-11-24T02:00:00+00:00",
        "received_at": "2026-11-24T02:00:00+00:00",
        "accepted_at": None,
        "applicant": {"sub": "0" * 32, "name": "林晓梅"},
        "answers": {"kind": "person", "name": "林晓梅", "since": "2026-03-02"},
        "materials": [],
        "due": due(days_left=None, days_used=None, estimate=True, counting_from=None),
        "timeline": [
            {"event": "submitted", "version": 1, "at": "2026-11-24T02:00:00+00:00", "actor": applicant, "note": None}
        ],
        "notice": None,
        "amendment": None,
        "decision": None,
        "result": None,
        "delivered_at": None,
        "withdrawn_at": None,
    } | changed
