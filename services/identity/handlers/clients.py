"""Declaring clients from the settings, at each start of a server."""

from services.identity.domain.clients import ClientDeclaration
from services.identity.handlers.provider import Provider
from services.identity.store import Work
from services.identity.store.clients import RegisteredAlready
from services.kit import deliveries
from services.kit.audit import AuditEntry
from services.kit.settings import SettingsError


async def declare_clients(provider: Provider) -> None:
    """Make the database's clients those of the settings (upsert by id), and their logout addresses known.

    Raises SettingsError for settings without clients: they would disable every one that is there.
    """
    declared, setting = provider.settings.clients, provider.settings.environment_names("clients")[0]
    if not declared:
        raise SettingsError(f"{setting} is not set: nobody could sign in")
    async with provider.work() as work:
        try:
            changed, gone = await work.clients.declare(declared)
        except RegisteredAlready as error:
            raise SettingsError(f"{setting} declares clients that registered themselves: {error}") from None
        for action, names in (("declare", changed), ("disable", gone)):
            for name in names:
                work.audit(AuditEntry("settings", action, "clients", name, client=name))
        for client in declared:
            await hear_logouts(work, client)
    provider.forget_clients()


async def hear_logouts(work: Work, client: ClientDeclaration) -> None:
    """Let the deliveries know the client's logout address, afresh where it had failed for too long, or forget it."""
    if client.backchannel_logout_uri is None:
        await deliveries.remove(work, client.client_id)
        return
    known = await deliveries.endpoint(work, client.client_id)
    await deliveries.register(work, client.client_id, client.backchannel_logout_uri)
    if known is not None and known.state != "active":
        await deliveries.resume(work, client.client_id)
