"""clients list, token, disable: clients of identity, and who may register one."""

from datetime import datetime
from typing import Annotated

import typer

from services.cli.support import ACTOR, opened, run_async, table
from services.identity.domain.clients import Realm
from services.identity.handlers.registration import (
    DisableClient,
    MakeInitialToken,
    disable_client,
    list_clients,
    make_initial_token,
)
from services.identity.store import Work

app = typer.Typer(
    name="clients",
    help="Applications that people sign in to: those of the settings, and those that registered themselves.",
    no_args_is_help=True,
)


@app.command("list")
def list_() -> None:
    """Every client: its realm, how it came here, how it proves itself. No secret is shown."""
    run_async(_list())


async def _list() -> None:
    async with opened("identity") as service:
        found = await list_clients(Work(service.context, readonly=True))
    rows = [
        (
            row.client_id,
            row.document["client_name"]["zh"],
            row.document.get("realm") or "",
            "declared" if row.declared else "registered",
            row.document.get("profile", ""),
            row.document.get("token_endpoint_auth_method", ""),
            "" if row.enabled else "disabled",
            _when(row.updated_at),
        )
        for row in found
    ]
    print(table(("client", "name", "realm", "origin", "profile", "proves itself by", "state", "changed"), rows))


@app.command()
def token(
    realm: Annotated[Realm, typer.Option(help="whose people sign in to the clients that are registered with it")],
    uses: Annotated[int, typer.Option(min=1, max=1000, help="how many clients may be registered with it")] = 1,
    days: Annotated[int, typer.Option(min=1, max=366, help="how long it is good for")] = 7,
) -> None:
    """Make an initial access token, with which applications register themselves at /register. It is shown this once."""
    print(run_async(_token(MakeInitialToken(ACTOR, realm, uses, days))))


async def _token(command: MakeInitialToken) -> str:
    async with opened("identity") as service:
        return await make_initial_token(command, Work(service.context))


@app.command()
def disable(
    client_id: Annotated[str, typer.Argument(help="as `tongban clients list` shows it", metavar="CLIENT")],
) -> None:
    """Put an end to a client that registered itself: its tokens die at once, what people agreed to is forgotten."""
    ended = run_async(_disable(DisableClient(ACTOR, client_id)))
    print(f"{client_id} is disabled; {ended} sign-ins to it have ended")


async def _disable(command: DisableClient) -> int:
    async with opened("identity") as service:
        return await disable_client(command, Work(service.context))


def _when(value: datetime) -> str:
    return value.isoformat(timespec="seconds")
