"""The departments' desk: queues, cases with the five steps, webhook subscriptions. Dense, for the staff realm."""

from pathlib import Path

from services.gateway.surfaces.base import Surface
from services.gateway.surfaces.desk import routes
from services.gateway.surfaces.desk.frame import frame

DESK = Surface(
    name="desk",
    routes=routes.routes,
    frame=frame,
    folder=Path(__file__).parent,
    resources=("cases", "notify", "catalog"),
)
