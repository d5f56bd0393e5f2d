"""keys list, rotate, retire, rewrap, reseal: the signing keys of identity and the data keys of every service."""

import asyncio
from typing import Annotated

import typer
from sqlalchemy import select

from services.cli.platform import AnyService, ServiceName
from services.cli.support import ACTOR, CommandError, chosen, opened, run_async, table
from services.identity.domain.clients import SigningAlgorithm
from services.identity.handlers.keys import RetireKey, RotateKeys, list_keys, retire_key, rotate_keys
from services.identity.store import Work
from services.kit import resealing
from services.kit.audit import AuditEntry
from services.kit.crypto import PUBLISH_SECONDS, Crypto
from services.kit.db import UnitOfWork
from services.kit.service import Service

app = typer.Typer(
    name="keys",
    help=(
        "Signing keys of the identity service (published, then signing, then retired: no verification ever fails) and "
        "data keys, which encrypt what each service stores."
    ),
    no_args_is_help=True,
)


@app.command("list")
def list_(
    data: Annotated[bool, typer.Option("--data", help="the data keys of the services instead")] = False,
    service: AnyService = None,
) -> None:
    """Every signing key with its state; with --data the data keys. No private part is shown."""
    run_async(_list_data(service) if data else _list_signing())


async def _list_signing() -> None:
    async with opened("identity") as found:
        keys = await list_keys(Work(found.context, readonly=True))
    rows = [
        (key.kid, key.algorithm, key.state.value, *map(_when, (key.published_at, key.signing_at, key.retired_at)))
        for key in keys
    ]
    print(table(("key id", "algorithm", "state", "published", "signing since", "retired"), rows))


async def _list_data(service: str | None) -> None:
    rows: list[tuple[object, ...]] = []
    for name in chosen(service):
        async with opened(name) as found, UnitOfWork(found.context, readonly=True) as work:
            keys = found.context.tables.data_keys
            shown = select(keys.c.id, keys.c.purpose, keys.c.master, keys.c.created_at).order_by(keys.c.created_at)
            rows += [
                (name, row.id, row.purpose, row.master, _when(row.created_at)) for row in await work.execute(shown)
            ]
    print(table(("service", "key id", "purpose", "master key", "made"), rows))


@app.command()
def rotate(
    data: Annotated[
        str | None, typer.Option("--data", help="make a new data key for this service instead", metavar="SERVICE")
    ] = None,
    algorithm: Annotated[SigningAlgorithm | None, typer.Option(help="only the keys of this algorithm")] = None,
    force: Annotated[
        bool, typer.Option("--force", help="even if verifiers may not have seen the next key yet")
    ] = False,
) -> None:
    """Let the next signing keys sign and publish their successors.

    With --data: make a new data key, wait until every process writes with it, then seal anew what older keys protect.
    """
    if data is not None:
        run_async(_rotate_data(data))
        return
    run_async(_rotate_signing(algorithm, force))


async def _rotate_signing(algorithm: str | None, force: bool) -> None:
    async with opened("identity") as found:
        for key in await rotate_keys(RotateKeys(ACTOR, algorithm, force), Work(found.context)):
            print(f"{key.kid} signs {key.algorithm}")


async def _rotate_data(service: str) -> None:
    async with opened(service) as found:
        key_id = await _crypto(found).rotate()
        async with UnitOfWork(found.context) as work:
            work.audit(AuditEntry(ACTOR, "rotate", "data_keys", key_id))
        print(f"{service}: data key {key_id} is written with in {PUBLISH_SECONDS} seconds; then older fields follow")
        # Every process has read the new key by then: nobody meets a field that it cannot open.
        await asyncio.sleep(PUBLISH_SECONDS + 1)
        await _reseal(found)


@app.command()
def reseal(service: ServiceName) -> None:
    """Seal by the newest data key what older ones still protect; goes on where `rotate --data` was stopped."""
    run_async(_reseal_only(service))


async def _reseal_only(service: str) -> None:
    async with opened(service) as found:
        await _reseal(found)


async def _reseal(service: Service) -> None:
    key_id = _crypto(service).active_key
    done = await resealing.reseal(service.context)
    async with UnitOfWork(service.context) as work:
        work.audit(AuditEntry(ACTOR, "reseal", "data_keys", key_id, result=f"{done.renewed} fields"))
    print(f"{service.name}: {done.renewed} fields sealed anew by data key {key_id}")
    if done.unreadable:
        raise CommandError(f"{done.unreadable} fields cannot be read: the log says where")
    if done.left:
        raise CommandError("a process goes on writing with an older key: start the service again, then reseal")


def _crypto(service: Service) -> Crypto:
    if service.context.crypto is None:
        raise CommandError(f"{service.name} encrypts nothing")
    return service.context.crypto


# A key id is a thumbprint (RFC 7638) in base64url, and one of 64 begins with a hyphen: that makes it no option.
@app.command(context_settings={"ignore_unknown_options": True, "help_option_names": ["--help"]})
def retire(key_id: Annotated[str, typer.Argument(help="as `tongban keys list` shows it", metavar="KEY-ID")]) -> None:
    """Take a signing key out of use at once: for a key that others may hold.

    Tokens that it signed fail here within seconds and at every other service, which read the keys anew, in a minute.
    """
    run_async(_retire(key_id))
    print(f"{key_id} is out of use: the other services refuse its tokens within a minute")


async def _retire(key_id: str) -> None:
    async with opened("identity") as found:
        await retire_key(RetireKey(ACTOR, key_id), Work(found.context))


@app.command()
def rewrap(service: ServiceName) -> None:
    """Wrap the data keys of a service by its present master key; then TONGBAN_…_PREVIOUS_MASTER_KEYS can be emptied."""
    print(f"{service}: {run_async(_rewrap(service))} data keys wrapped anew")


async def _rewrap(service: str) -> int:
    async with opened(service) as found:
        changed = await _crypto(found).rewrap()
        async with UnitOfWork(found.context) as work:
            work.audit(AuditEntry(ACTOR, "rewrap", "data_keys", service, result=f"{changed} keys"))
        return changed


def _when(value: object) -> str:
    return value.isoformat(timespec="seconds") if hasattr(value, "isoformat") else ""
