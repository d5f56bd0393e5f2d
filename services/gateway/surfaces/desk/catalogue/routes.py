"""The catalogue's addresses at the desk."""

from collections.abc import Sequence

from starlette.routing import BaseRoute, Route

from services.gateway.surfaces.base import leads_to
from services.gateway.surfaces.desk.catalogue import (
    appeals,
    corrections,
    coverage,
    editor,
    items,
    life,
    misses,
    organisations,
    reforms,
    registers,
    review,
)


def routes() -> Sequence[BaseRoute]:
    """Every address of the catalogue."""
    at = "/catalogue"
    return [
        Route(at, items.home, methods=["GET"]),
        Route(f"{at}/new", items.new, methods=["GET"]),
        Route(f"{at}/new", items.create, methods=["POST"]),
        Route(f"{at}/approvals", leads_to(f"{at}?show=review"), methods=["GET"]),
        Route(f"{at}/approvals", review.approve_many, methods=["POST"]),
        Route(f"{at}/revisions/{{revision}}", editor.page, methods=["GET"]),
        Route(f"{at}/revisions/{{revision}}", editor.change, methods=["POST"]),
        Route(f"{at}/revisions/{{revision}}/appeal", appeals.ask, methods=["GET"]),
        Route(f"{at}/revisions/{{revision}}/appeal", appeals.file, methods=["POST"]),
        Route(f"{at}/revisions/{{revision}}/{{act}}", review.ask, methods=["GET"]),
        Route(f"{at}/revisions/{{revision}}/{{act}}", review.act, methods=["POST"]),
        Route(f"{at}/items", items.search, methods=["GET"]),
        Route(f"{at}/items/{{code}}", life.page, methods=["GET"]),
        Route(f"{at}/items/{{code}}/history", life.history, methods=["GET"]),
        Route(f"{at}/items/{{code}}/comparison", life.comparison, methods=["GET"]),
        Route(f"{at}/items/{{code}}/in-force", life.in_force, methods=["GET"]),
        Route(f"{at}/items/{{code}}/{{act}}", life.ask, methods=["GET"]),
        Route(f"{at}/items/{{code}}/{{act}}", life.act, methods=["POST"]),
        Route(f"{at}/appeals", appeals.listing, methods=["GET"]),
        Route(f"{at}/appeals/{{appeal}}", leads_to(f"{at}/appeals"), methods=["GET"]),
        Route(f"{at}/appeals/{{appeal}}", appeals.decide, methods=["POST"]),
        Route(f"{at}/corrections", corrections.listing, methods=["GET"]),
        Route(f"{at}/corrections/new", corrections.new, methods=["GET"]),
        Route(f"{at}/corrections/new", corrections.file, methods=["POST"]),
        Route(f"{at}/corrections/{{correction}}", corrections.page, methods=["GET"]),
        Route(f"{at}/corrections/{{correction}}", corrections.answer, methods=["POST"]),
        Route(f"{at}/coverage", coverage.table, methods=["GET"]),
        Route(f"{at}/coverage/one", coverage.page, methods=["GET"]),
        Route(f"{at}/organisations", organisations.tree, methods=["GET"]),
        Route(f"{at}/organisations/one", organisations.page, methods=["GET"]),
        Route(f"{at}/organisations/form", organisations.form, methods=["GET"]),
        Route(f"{at}/organisations/form", organisations.keep, methods=["POST"]),
        Route(f"{at}/organisations/import", reforms.import_form, methods=["GET"]),
        Route(f"{at}/organisations/import", reforms.import_file, methods=["POST"]),
        Route(f"{at}/organisations/reform", reforms.form, methods=["GET"]),
        Route(f"{at}/organisations/reform", reforms.reform, methods=["POST"]),
        Route(f"{at}/registers/{{register}}", registers.listing, methods=["GET"]),
        Route(f"{at}/registers/{{register}}/form", registers.form, methods=["GET"]),
        Route(f"{at}/registers/{{register}}/form", registers.keep, methods=["POST"]),
        Route(f"{at}/misses", misses.page, methods=["GET"]),
        Route(f"{at}/misses", misses.keep, methods=["POST"]),
    ]
