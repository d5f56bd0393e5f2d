"""staff invite, grant, revoke, show: members of staff and their roles."""

from datetime import timedelta
from typing import Annotated

import typer

from services.cli.support import ACTOR, CommandError, opened, run_async, table
from services.identity.domain.accounts import Account, Grant
from services.identity.domain.clients import ROLES
from services.identity.handlers.accounts import GrantRole, RevokeRole, find_staff, grant_role, revoke_role
from services.identity.handlers.enrolment import InviteStaff, invite_staff, link
from services.identity.settings import IdentitySettings
from services.identity.store import Work

app = typer.Typer(name="staff", help="Members of staff and their roles.", no_args_is_help=True)

User = Annotated[str, typer.Argument(help="user name in the staff realm", metavar="USER")]
Role = Annotated[str, typer.Argument(help=", ".join(ROLES))]
Organisation = Annotated[
    str, typer.Option("--organisation", help="id of the organisation as the catalogue shows it; '*' means every one")
]


@app.command()
def invite(
    username: Annotated[str, typer.Option(help="user name that they will sign in with")],
    name: Annotated[str, typer.Option(help="the person's name")],
    role: Annotated[str | None, typer.Option(help="a role to begin with, such as administrator")] = None,
    organisation: Annotated[
        str | None, typer.Option(help="where they hold it: an organisation's id, or '*' for every one")
    ] = None,
) -> None:
    """Open an account without a password and print the link by which its person sets one.

    The link works once. It is printed here and kept nowhere: `tongban accounts invite` makes another.
    """
    if (role is None) != (organisation is None):
        raise CommandError("--role and --organisation go together")
    grant = Grant(organisation, role) if organisation is not None and role is not None else None
    print(run_async(_invite(username, name, grant)))


async def _invite(username: str, name: str, grant: Grant | None) -> str:
    async with opened("identity") as service:
        settings = service.context.settings
        assert isinstance(settings, IdentitySettings)
        life = timedelta(seconds=settings.enrolment_seconds)
        command = InviteStaff(ACTOR, username, name, life, grant)
        return link(settings, await invite_staff(command, lambda: Work(service.context)))


@app.command()
def grant(user: User, role: Role, organisation: Organisation) -> None:
    """Give a role at an organisation. Giving it again changes nothing; tokens have it within five minutes."""
    _show(run_async(_change(GrantRole(ACTOR, user, organisation, role))))


@app.command()
def revoke(user: User, role: Role, organisation: Organisation) -> None:
    """Take a role back; tokens lose it within five minutes."""
    _show(run_async(_change(RevokeRole(ACTOR, user, organisation, role))))


@app.command()
def show(user: User) -> None:
    """The roles of a member of staff."""
    _show(run_async(_find(user)))


async def _change(command: GrantRole | RevokeRole) -> Account:
    async with opened("identity") as service:
        work = Work(service.context)
        if isinstance(command, GrantRole):
            return await grant_role(command, work)
        return await revoke_role(command, work)


async def _find(user: str) -> Account:
    async with opened("identity") as service:
        return await find_staff(user, Work(service.context))


def _show(account: Account) -> None:
    rows = [(account.username, one.role, one.organisation) for one in account.grants]
    print(table(("user", "role", "organisation"), rows) if rows else f"{account.username} has no role")
