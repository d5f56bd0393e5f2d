"""What `tongban run` prints when everything is ready."""

from pathlib import Path

from sqlalchemy.engine import make_url

from services.kit.settings import ServiceSettings, read_name
from services.local import secrets
from services.local.jars import pinned


def addresses(settings: dict[str, ServiceSettings]) -> dict[str, str]:
    """What people and programs open: each surface, the identity service, the API."""
    gateway = settings["gateway"]
    found = {surface: str(getattr(gateway, f"{surface}_origin")) for surface in secrets.SURFACES}
    return found | {"identity": gateway.issuer, "API": f"{found['portal']}/api/"}


def started(data_dir: Path, settings: dict[str, ServiceSettings], seconds: float, people: dict[str, str]) -> str:
    """The text. `people` are the demonstration accounts: user name to who they are."""
    rows = [("event bus", _bus(data_dir, settings)), ("databases", _databases(data_dir, settings))]
    rows += list(addresses(settings).items())
    width = max(len(name) for name in people) if people else 0
    rows += [("sign in as" if not i else "", f"{name:<{width}}  {who}") for i, (name, who) in enumerate(people.items())]
    rows += [
        ("password", f"{secrets.password(data_dir)}   (of all of them; made for this data folder)"),
        ("deliveries", f"may go to loopback addresses in the {settings['gateway'].profile} profile"),
        ("logs", str(data_dir / "logs")),
    ]
    lines = [f"  {name:<12}{text}" for name, text in rows]
    return "\n".join([f"Tongban 通办 is ready after {seconds:.1f} s.", *lines, "Ctrl-C stops everything."])


def _bus(data_dir: Path, settings: dict[str, ServiceSettings]) -> str:
    servers = ", ".join(settings["cases"].kafka)
    if read_name("TONGBAN_KAFKA"):
        return f"Kafka at {servers}"
    version = next(jar.version for jar in pinned() if jar.artifact.startswith("kafka_"))
    return f"Apache Kafka {version} on {servers}, its data in {data_dir / 'kafka'}"


def _databases(data_dir: Path, settings: dict[str, ServiceSettings]) -> str:
    urls = [make_url(found.database_url) for found in settings.values()]
    if all(url.get_backend_name() == "sqlite" for url in urls):
        return f"SQLite, one file for each service in {data_dir / 'sqlite'}"
    return ", ".join(url.set(drivername=url.get_backend_name()).render_as_string() for url in urls)
