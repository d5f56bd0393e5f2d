"""The services by name: how the supervisor and the commands reach them without knowing them.

Each service offers the same two things: `settings.<Name>Settings` and `app.build(settings) -> Service`; one that has
demonstration data offers `demo.load_demo(service)` too.
"""

from collections.abc import Awaitable, Callable
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from services.kit.service import Service
from services.kit.settings import SERVICES, ServiceSettings, SettingsError

DemoLoader = Callable[[Service], Awaitable[None]]


def known(name: str) -> str:
    """`name` itself. Raises SettingsError for a name that is no service's."""
    if name not in SERVICES:
        raise SettingsError(f"there is no service {name!r}: it is one of {', '.join(SERVICES)}")
    return name


def settings_class(name: str) -> type[ServiceSettings]:
    """The settings of service `name`. Raises SettingsError for a name that is no service's."""
    module = import_module(f"services.{known(name)}.settings")
    found: type[ServiceSettings] = getattr(module, f"{name.title()}Settings")
    return found


def settings_classes() -> list[type[ServiceSettings]]:
    """The settings of every service."""
    return [settings_class(name) for name in SERVICES]


def narrowed(name: str, *required: str) -> ServiceSettings:
    """The settings of a service for a command that needs only `required` of them: a migration needs no Kafka."""
    narrow: type[ServiceSettings] = type(name, (settings_class(name),), {"required": required})
    return narrow.load()


def build(name: str, **given: Any) -> Service:
    """Build service `name` from the environment (and `given` fields). Raises SettingsError."""
    settings = settings_class(name).load(**given)
    service: Service = import_module(f"services.{name}.app").build(settings)
    return service


def demo_loader(name: str) -> DemoLoader | None:
    """What loads the demonstration data of service `name`, if it has any."""
    if find_spec(f"services.{name}.demo") is None:
        return None
    loader: DemoLoader | None = getattr(import_module(f"services.{name}.demo"), "load_demo", None)
    return loader


def demo_people() -> dict[str, str]:
    """The demonstration accounts of the local profile: user name to who that is."""
    found: dict[str, str] = import_module("services.identity.demo").people()
    return found


def warm() -> None:
    """Import everything that any service needs, so that forked processes share it."""
    import_module("services.kit.migrations")
    for name in SERVICES:
        import_module(f"services.{name}.app")
        demo_loader(name)
