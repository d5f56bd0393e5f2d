"""People for the fault tests."""

from tests.faults.driver import Person
from tests.harness.platform import Platform


async def citizen(platform: Platform) -> Person:
    """lin, signed in at the portal's client."""
    return await Person(platform, "lin").sign_in()
