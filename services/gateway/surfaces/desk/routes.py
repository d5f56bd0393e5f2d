"""The desk's addresses."""

from collections.abc import Sequence

from starlette.routing import BaseRoute, Route

from services.gateway.surfaces.base import leads_to
from services.gateway.surfaces.desk import account, acts, cases, catalogue, queues, subscriptions


def routes() -> Sequence[BaseRoute]:
    """Every address of the desk."""
    return [
        Route("/", queues.home, methods=["GET"]),
        Route("/queues/{queue}", queues.queue, methods=["GET"]),
        Route("/search", queues.search, methods=["GET"]),
        Route("/cases/{case_id}", cases.case, methods=["GET"]),
        Route("/cases/{case_id}/enquiry", cases.ask_reason, methods=["GET"]),
        Route("/cases/{case_id}/enquiry", cases.enquire, methods=["POST"]),
        Route("/cases/{case_id}/materials/{file_id}", cases.file, methods=["GET"]),
        Route("/cases/{case_id}/materials/{file_id}", cases.enquired_file, methods=["POST"]),
        Route("/cases/{case_id}/{act}", acts.form_again, methods=["GET"]),
        Route("/cases/{case_id}/{act}", acts.act, methods=["POST"]),
        Route("/subscriptions", subscriptions.listing, methods=["GET"]),
        Route("/subscriptions", subscriptions.create, methods=["POST"]),
        Route("/subscriptions/new", subscriptions.new, methods=["GET"]),
        Route("/subscriptions/{subscription_id}", subscriptions.page, methods=["GET"]),
        Route(
            "/subscriptions/{subscription_id}/{change}", leads_to("/subscriptions/{subscription_id}"), methods=["GET"]
        ),
        Route("/subscriptions/{subscription_id}/{change}", subscriptions.change, methods=["POST"]),
        Route("/account", account.page, methods=["GET"]),
        *catalogue.routes(),
    ]
