"""The portal's addresses."""

from collections.abc import Sequence

from starlette.routing import BaseRoute, Route

from services.gateway.surfaces.base import leads_to
from services.gateway.surfaces.portal import (
    account,
    apply,
    bundles,
    cases,
    developers,
    eligibility,
    guide,
    inbox,
    materials,
    search,
    submission,
    topics,
    versions,
)

MATERIALS = "/apply/{draft_id}/materials"


def routes() -> Sequence[BaseRoute]:
    """Every address of the portal, in the order of a citizen's way."""
    return [
        Route("/", search.home, methods=["GET"]),
        Route("/items", search.results, methods=["GET"]),
        Route("/suggest", search.suggest, methods=["GET"]),
        Route("/topics", topics.index, methods=["GET"]),
        Route("/topics/{code}", topics.topic, methods=["GET"]),
        Route("/bundles/{code}", bundles.guide, methods=["GET"]),
        Route("/bundles/{code}", bundles.apply_answers, methods=["POST"]),
        Route("/items/{code}.json", guide.document, methods=["GET"]),
        Route("/items/{code}", guide.guide, methods=["GET"]),
        Route("/items/{code}/print", guide.printed, methods=["GET"]),
        Route("/items/{code}/versions", versions.versions, methods=["GET"]),
        Route("/items/{code}/eligibility", eligibility.ask, methods=["GET"]),
        Route("/items/{code}/eligibility", eligibility.answer, methods=["POST"]),
        Route("/items/{code}/apply", apply.start, methods=["GET"]),
        Route("/items/{code}/apply", apply.begin, methods=["POST"]),
        Route("/apply/{draft_id}", apply.resume, methods=["GET"]),
        Route("/apply/{draft_id}/pages/{page}", apply.page, methods=["GET"]),
        Route("/apply/{draft_id}/pages/{page}", apply.save, methods=["POST"]),
        Route("/apply/{draft_id}/materials", materials.page, methods=["GET"]),
        Route("/apply/{draft_id}/materials/{material}", leads_to(MATERIALS), methods=["GET"]),
        Route("/apply/{draft_id}/materials/{material}", materials.upload, methods=["POST"]),
        Route("/apply/{draft_id}/materials/{material}/{file_id}", materials.file, methods=["GET"]),
        Route("/apply/{draft_id}/materials/{material}/{file_id}/remove", leads_to(MATERIALS), methods=["GET"]),
        Route("/apply/{draft_id}/materials/{material}/{file_id}/remove", materials.remove, methods=["POST"]),
        Route("/apply/{draft_id}/check", submission.check, methods=["GET"]),
        Route("/apply/{draft_id}/submission", leads_to("/apply/{draft_id}/check"), methods=["GET"]),
        Route("/apply/{draft_id}/submission", submission.submit, methods=["POST"]),
        Route("/apply/{draft_id}/discard", apply.ask_discard, methods=["GET"]),
        Route("/apply/{draft_id}/discard", apply.discard, methods=["POST"]),
        Route("/cases", cases.listing, methods=["GET"]),
        Route("/cases/{case_id}", cases.case, methods=["GET"]),
        Route("/cases/{case_id}/submitted", cases.confirmation, methods=["GET"]),
        Route("/cases/{case_id}/accesses", cases.accesses, methods=["GET"]),
        Route("/cases/{case_id}/withdrawal", cases.ask_withdrawal, methods=["GET"]),
        Route("/cases/{case_id}/withdrawal", cases.withdraw, methods=["POST"]),
        Route("/cases/{case_id}/amendment", leads_to("/cases/{case_id}"), methods=["GET"]),
        Route("/cases/{case_id}/amendment", cases.amend, methods=["POST"]),
        Route("/cases/{case_id}/materials/{file_id}", cases.file, methods=["GET"]),
        Route("/cases/{case_id}/result", cases.result, methods=["GET"]),
        Route("/inbox", inbox.listing, methods=["GET"]),
        Route("/inbox/{message_id}", inbox.message, methods=["GET"]),
        Route("/account", account.page, methods=["GET"]),
        Route("/account", account.save, methods=["POST"]),
        Route("/api/", developers.documents, methods=["GET"]),
    ]
