"""The catalogue at the desk: for editors, reviewers and the registrar. Rights are judged by the catalogue service."""

from services.gateway.surfaces.desk.catalogue.routes import routes

__all__ = ["routes"]
