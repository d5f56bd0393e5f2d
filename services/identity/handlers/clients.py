"""Declaring clients from the settings, at each start of a server."""

from services.identity.handlers.provider import Provider
from services.kit import deliveries
from services.kit.audit import AuditEntry
from services.kit.settings import SettingsError


async def declare_clients(provider: Provider) -> None:
    """Make the database's clients those of the settings (upsert by id), and their logout addresses known.

    Raises SettingsError for settings without clients: they would disable every one that is there.
    """
    declared = provider.settings.clients
    if not declared:
        raise SettingsError(f"{provider.settings.environment_names('clients')[0]} is not set: nobody could sign in")
    async with provider.work() as work:
        changed, gone = await work.clients.declare(declared)
        for action, names in (("declare", changed), ("disable", gone)):
            for name in names:
                work.audit(AuditEntry("settings", action, "clients", name, client=name))
        for client in declared:
            if client.backchannel_logout_uri is None:
                continue
            known = await deliveries.endpoint(work, client.client_id)
            await deliveries.register(work, client.client_id, client.backchannel_logout_uri)
            if known is not None and known.state != "active":
                await deliveries.resume(work, client.client_id)
    provider.forget_clients()
