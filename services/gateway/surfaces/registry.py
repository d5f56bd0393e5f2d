"""Which surfaces there are."""

from collections.abc import Iterable

from services.gateway.surfaces.base import Surface
from services.gateway.surfaces.desk import DESK
from services.gateway.surfaces.kiosk import KIOSK
from services.gateway.surfaces.portal import PORTAL
from services.kit.settings import SettingsError

KNOWN = {surface.name: surface for surface in (PORTAL, KIOSK, DESK)}
"""Every surface by name."""


def surfaces(names: Iterable[str]) -> list[Surface]:
    """The surfaces of these names. Raises SettingsError for a name that there is none of."""
    found = []
    for name in names:
        if name not in KNOWN:
            raise SettingsError(f"TONGBAN_GATEWAY_SURFACES: there is no surface {name}; there are {', '.join(KNOWN)}")
        found.append(KNOWN[name])
    return found
