"""staff grant, revoke, show: roles of members of staff."""

from typing import Annotated

import typer

from services.cli.support import ACTOR, opened, run_async, table
from services.identity.domain.accounts import Account
from services.identity.handlers.accounts import GrantRole, RevokeRole, find_staff, grant_role, revoke_role
from services.identity.store import Work

app = typer.Typer(name="staff", help="Members of staff and their roles.", no_args_is_help=True)

User = Annotated[str, typer.Argument(help="user name in the staff realm", metavar="USER")]
Role = Annotated[str, typer.Argument(help="intake, review, decide, deliver, integrator, auditor or administrator")]
Organisation = Annotated[
    str, typer.Option("--organisation", help="id of the organisation as the catalogue shows it; '*' means every one")
]


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
