"""The kiosk: a shared touch screen in a hall. What was begun on the web goes on here; leaving it leaves nothing."""

from pathlib import Path

from services.gateway.surfaces.base import Surface
from services.gateway.surfaces.kiosk import routes
from services.gateway.surfaces.kiosk.frame import frame
from services.gateway.surfaces.portal import PORTAL

KIOSK = Surface(
    name="kiosk",
    routes=routes.routes,
    frame=frame,
    folder=Path(__file__).parent,
    also=(PORTAL.folder,),
    shared_device=True,
    signed_out_template="kiosk/signed-out.html",
)
