"""What the desk's tests share: a case as officers get it, the queues, and an officer's browser."""

import base64
import json
from typing import Any

import httpx

from services.kit.service import Service
from tests.gateway.applications import CASE, case
from tests.gateway.conftest import Browser
from tests.gateway.world import World, client_key

DESK = "https://desk.test"
HERE = f"/cases/{CASE}"
BEHIND = f"/desk/cases/{CASE}"
SETTINGS = {"surfaces": ["desk"], "desk_origin": DESK, "desk_private_key": client_key()}
QUEUES = {
    "intake": 2,
    "review": None,
    "decision": None,
    "delivery": 0,
    "returned": 1,
    "overdue": 0,
    "due_soon": 1,
}
EVERYTHING = QUEUES | {"review": 1, "decision": 1}
GRANTS = [{"org": "*", "role": "intake"}, {"org": "*", "role": "deliver"}]


def desk_case(**changed: Any) -> dict[str, Any]:
    """A case as an officer gets it."""
    return case(opinion=None, opinion_note=None, actions=["accept", "return"]) | changed


def summary(**changed: Any) -> dict[str, Any]:
    """A row of a queue."""
    names = ("id", "number", "status", "version", "item", "submitted_at", "due", "applicant")
    row = {name: case()[name] for name in names} | {"updated_at": case()["submitted_at"]}
    return row | {"act_by": "2026-12-01", "act_days_left": 5} | changed


def granting(world: World, grants: list[dict[str, str]]) -> None:
    """From now on access tokens carry these grants, as the identity service's do."""
    usual = world.provider._token

    def with_grants(form: dict[str, str]) -> httpx.Response:
        answer = usual(form)
        body = answer.json()
        if answer.status_code == 200 and form["grant_type"] != "client_credentials":
            claims = base64.urlsafe_b64encode(json.dumps({"grants": grants}).encode()).decode().rstrip("=")
            body["access_token"] = f"e30.{claims}.{body['access_token']}"
        return httpx.Response(answer.status_code, json=body)

    world.provider._token = with_grants  # type: ignore[method-assign]


async def officer_at(service: Service, world: World, **queues: Any) -> Browser:
    """An officer signed in at the desk."""
    world.services.on("cases", "GET", "/desk/queues", QUEUES | queues)
    world.services.on("cases", "GET", BEHIND, desk_case())
    browser = Browser(service, world, DESK)
    await browser.sign_in("/")
    return browser
