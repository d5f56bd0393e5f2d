"""The citizens' portal: search, guide, application, cases, inbox."""

from pathlib import Path

from services.gateway.surfaces.base import Surface
from services.gateway.surfaces.portal import routes
from services.gateway.surfaces.portal.frame import frame

PORTAL = Surface(name="portal", routes=routes.routes, frame=frame, folder=Path(__file__).parent)
