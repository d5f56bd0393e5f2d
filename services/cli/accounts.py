"""accounts load, invite: people that the operator declares, and links by which they set a password."""

import sys
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from services.cli.support import ACTOR, CommandError, opened, run_async
from services.identity.domain.account_file import Outcome, read_rows
from services.identity.domain.clients import Realm
from services.identity.handlers.accounts import LoadReport, load_accounts
from services.identity.handlers.enrolment import Invite, link
from services.identity.handlers.enrolment import invite as make_invite
from services.identity.handlers.passwords import Passwords
from services.identity.settings import IdentitySettings
from services.identity.store import Work

app = typer.Typer(name="accounts", help="Accounts of people, citizens and staff.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Accounts of people, citizens and staff."""


@app.command()
def load(file: Annotated[Path, typer.Argument(help="a list in JSON or YAML, UTF-8", metavar="FILE")]) -> None:
    """Open the accounts of a file, and bring name and claims of those that are there up to date.

    Each row has realm (citizen or staff), username and name, and optionally password (without one the account waits
    for its enrolment), assurance (1 to 4) and claims: the standard claims of OpenID Connect by name. Password and
    assurance count when the account is opened and change none that is there. Each row that cannot be taken is reported
    with its number and reason, the others are kept, and the exit status is 1.
    """
    try:
        rows = read_rows(file.read_text("utf-8-sig"))
    except (OSError, ValueError) as error:  # UnicodeDecodeError among them
        reason = error if not isinstance(error, (OSError, UnicodeError)) else "it cannot be read as UTF-8 text"
        raise CommandError(f"{file}: {reason}") from None
    report = run_async(_load(rows))
    for refused in report.refused:
        print(f"row {refused.row}: refused: {refused.reason}", file=sys.stderr)
    print(f"rows           {len(rows)}")
    for outcome in Outcome:
        print(f"{outcome.value:<15}{report.done.count(outcome)}")
    print(f"{'refused':<15}{len(report.refused)}")
    raise typer.Exit(1 if report.refused else 0)


@app.command()
def invite(
    user: Annotated[str, typer.Argument(help="user name", metavar="USER")],
    realm: Annotated[Realm, typer.Option(help="citizen or staff")],
) -> None:
    """Print a link by which a person sets a new password, who lost theirs or has none yet.

    It works once, and links printed before for the same account work no more. Once it is used, whoever was signed in
    to the account is signed out.
    """
    print(run_async(_invite(user, realm)))


async def _invite(user: str, realm: Realm) -> str:
    async with opened("identity") as service:
        settings = service.context.settings
        assert isinstance(settings, IdentitySettings)
        command = Invite(ACTOR, realm, user, timedelta(seconds=settings.enrolment_seconds))
        return link(settings, await make_invite(command, Work(service.context)))


async def _load(rows: list[object]) -> LoadReport:
    async with opened("identity") as service:
        passwords = Passwords(threads=1, queue=1)
        try:
            return await load_accounts(ACTOR, rows, lambda: Work(service.context), passwords)
        finally:
            await passwords.close()
