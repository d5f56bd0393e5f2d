"""The kiosk's addresses. What a citizen does at the portal is done here by the same views, behind the kiosk's door."""

from collections.abc import Sequence

from starlette.routing import BaseRoute, Route

from services.gateway.surfaces.base import leads_to
from services.gateway.surfaces.kiosk import leaving, start
from services.gateway.surfaces.kiosk.entry import View, framed, guarded
from services.gateway.surfaces.portal import (
    apply,
    bundles,
    cases,
    eligibility,
    guide,
    materials,
    search,
    submission,
    topics,
    versions,
)
from services.gateway.surfaces.portal.routes import MATERIALS


def routes() -> Sequence[BaseRoute]:
    """Every address of the kiosk."""
    return [
        Route("/idle", leaving.idle, methods=["GET"]),
        Route("/wiped", leaving.wiped, methods=["GET"]),
        Route("/end", leaving.ask_end, methods=["GET"]),
        _get("/", start.home),
        _get("/drafts", start.drafts),
        _get("/items", search.results),
        _get("/suggest", search.suggest),
        _get("/topics", topics.index),
        _get("/topics/{code}", topics.topic),
        _get("/bundles/{code}", bundles.guide),
        _post("/bundles/{code}", bundles.apply_answers),
        _get("/items/{code}", guide.guide),
        _get("/items/{code}/versions", versions.versions),
        _get("/items/{code}/eligibility", eligibility.ask),
        _post("/items/{code}/eligibility", eligibility.answer),
        _get("/items/{code}/apply", apply.start),
        _post("/items/{code}/apply", apply.begin),
        _get("/apply/{draft_id}", apply.resume),
        _get("/apply/{draft_id}/pages/{page}", apply.page),
        _post("/apply/{draft_id}/pages/{page}", apply.save),
        _get("/apply/{draft_id}/materials", materials.page),
        _get("/apply/{draft_id}/materials/{material}", leads_to(MATERIALS)),
        _post("/apply/{draft_id}/materials/{material}", materials.upload),
        _file("/apply/{draft_id}/materials/{material}/{file_id}", materials.file),
        _get("/apply/{draft_id}/materials/{material}/{file_id}/remove", leads_to(MATERIALS)),
        _post("/apply/{draft_id}/materials/{material}/{file_id}/remove", materials.remove),
        _get("/apply/{draft_id}/check", submission.check),
        _get("/apply/{draft_id}/submission", leads_to("/apply/{draft_id}/check")),
        _post("/apply/{draft_id}/submission", submission.submit),
        _get("/apply/{draft_id}/discard", apply.ask_discard),
        _post("/apply/{draft_id}/discard", apply.discard),
        _get("/cases", cases.listing),
        _get("/cases/{case_id}", cases.case),
        _get("/cases/{case_id}/submitted", cases.confirmation),
        _get("/cases/{case_id}/accesses", cases.accesses),
        _get("/cases/{case_id}/withdrawal", cases.ask_withdrawal),
        _post("/cases/{case_id}/withdrawal", cases.withdraw),
        _get("/cases/{case_id}/amendment", leads_to("/cases/{case_id}")),
        _post("/cases/{case_id}/amendment", cases.amend),
        _file("/cases/{case_id}/materials/{file_id}", cases.file),
        _file("/cases/{case_id}/result", cases.result),
    ]


def _get(path: str, view: View) -> Route:
    return Route(path, guarded(view), methods=["GET"])


def _file(path: str, view: View) -> Route:
    return Route(path, framed(view), methods=["GET"])


def _post(path: str, view: View) -> Route:
    return Route(path, guarded(view), methods=["POST"])
