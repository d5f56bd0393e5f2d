"""HTTP of identity: request → use case → response."""

from services.identity.api import account, back_channel, enrolment, front_channel, metadata, registration

ROUTERS = (
    metadata.router,
    back_channel.router,
    registration.router,
    front_channel.router,
    account.router,
    enrolment.router,
)
