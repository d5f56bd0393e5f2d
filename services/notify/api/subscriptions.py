"""Departments' webhook subscriptions: for staff with the role `integrator`, and for clients of departments with it."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request

from services.kit.auth import Caller, Principal, require_authentication
from services.kit.errors import Forbidden
from services.kit.http import IdempotencyKey, ListKeyset, Page
from services.notify.api.common import SubscriptionId, Writing, number_cursor, text_cursor
from services.notify.api.shapes import (
    AttemptView,
    CreatedSubscription,
    NewSecret,
    NewSubscription,
    Redelivered,
    RedeliveryOfOne,
    RedeliveryOfRange,
    RotatedSecret,
    SubscriptionChange,
    SubscriptionSummary,
    SubscriptionView,
    plain,
)
from services.notify.domain.subscriptions import Status
from services.notify.handlers import subscriptions as handlers
from services.notify.handlers.webhooks import SinkCheck


def integrator(principal: Caller) -> Principal:
    """Dependency: staff or a client that looks after some organisation's subscriptions. Raises Forbidden."""
    if principal.realm == "citizen" or not principal.organisations(handlers.ROLE):
        raise Forbidden(f"the role {handlers.ROLE} is needed")
    return principal


def recent(request: Request, principal: Annotated[Principal, Depends(integrator)]) -> Principal:
    """Dependency: the same, signed in a short time ago: whoever finds an open browser gets no secret of a department
    (RFC 9470). Raises InsufficientAuthentication.
    """
    require_authentication(principal, max_age=request.app.state.context.settings.step_up_seconds)
    return principal


def sink_check(request: Request) -> SinkCheck:
    found: SinkCheck = request.app.state.sink_check
    return found


Integrator = Annotated[Principal, Depends(integrator)]
RecentIntegrator = Annotated[Principal, Depends(recent)]
Check = Annotated[SinkCheck, Depends(sink_check)]
router = APIRouter(prefix="/subscriptions", dependencies=[Depends(integrator)], tags=["subscriptions"])


@router.post("", status_code=201, summary="Subscribe to the events of an organisation's cases")
async def create(
    new: NewSubscription, caller: RecentIntegrator, key: IdempotencyKey, work: Writing, check: Check
) -> CreatedSubscription:
    command = handlers.CreateSubscription(
        organisation=new.organisation,
        types=new.types,
        filters=plain(new.filters),
        sink=new.sink,
        max_in_flight=new.protocolsettings.max_in_flight,
        secret=new.secret,
    )
    standing, secret = await handlers.create_subscription(command, caller, key, work, check)
    return CreatedSubscription(**CreatedSubscription.fields_at(standing), secret=secret)


@router.get("", summary="Subscriptions, oldest first")
async def list_all(caller: Integrator, work: Writing, keyset: ListKeyset) -> Page[SubscriptionSummary]:
    found = await handlers.list_subscriptions(caller, text_cursor(keyset), keyset.limit + 1, work)
    shown, following = keyset.page(found, lambda subscription: (subscription.id,))
    items = [SubscriptionSummary(**SubscriptionSummary.fields_of(each)) for each in shown]
    return Page[SubscriptionSummary](items=items, next=following)


@router.get("/{subscription_id}", summary="One subscription and how its sink does")
async def get(subscription_id: SubscriptionId, caller: Integrator, work: Writing) -> SubscriptionView:
    standing = await handlers.get_subscription(subscription_id, caller, work)
    return SubscriptionView(**SubscriptionView.fields_at(standing))


@router.patch("/{subscription_id}", summary="Change, pause or resume; a new sink is asked first")
async def change(
    subscription_id: SubscriptionId, wanted: SubscriptionChange, caller: Integrator, work: Writing, check: Check
) -> SubscriptionView:
    command = handlers.ChangeSubscription(
        types=wanted.types,
        filters=plain(wanted.filters) if wanted.filters is not None else None,
        sink=wanted.sink,
        max_in_flight=wanted.protocolsettings.max_in_flight if wanted.protocolsettings else None,
        status=Status(wanted.status) if wanted.status else None,
    )
    standing = await handlers.change_subscription(subscription_id, command, caller, work, check)
    return SubscriptionView(**SubscriptionView.fields_at(standing))


@router.delete("/{subscription_id}", status_code=204, summary="Remove, with what waits for it")
async def remove(subscription_id: SubscriptionId, caller: Integrator, work: Writing) -> None:
    await handlers.remove_subscription(subscription_id, caller, work)


@router.post("/{subscription_id}/secrets", status_code=201, summary="Rotate the secret")
async def rotate(
    subscription_id: SubscriptionId, wanted: NewSecret, caller: RecentIntegrator, key: IdempotencyKey, work: Writing
) -> RotatedSecret:
    secret, until = await handlers.rotate_secret(
        subscription_id, wanted.overlap_hours, wanted.secret, caller, key, work
    )
    return RotatedSecret(secret=secret.value, previous_valid_until=until)


@router.get("/{subscription_id}/attempts", summary="Attempts to deliver, newest first")
async def attempts(
    subscription_id: SubscriptionId, caller: Integrator, work: Writing, keyset: ListKeyset
) -> Page[AttemptView]:
    found = await handlers.list_attempts(subscription_id, caller, number_cursor(keyset), keyset.limit + 1, work)
    shown, following = keyset.page(found, lambda attempt: (attempt.id,))
    names = ("id", "delivery_id", "event_id", "number", "at", "milliseconds", "status", "cause")
    items = [
        AttemptView(case_id=row.order_key, delivery_state=row.state, **{name: getattr(row, name) for name in names})
        for row in shown
    ]
    return Page[AttemptView](items=items, next=following)


@router.post("/{subscription_id}/redeliveries", status_code=202, summary="Send finished deliveries again")
async def redeliver(
    subscription_id: SubscriptionId, wanted: RedeliveryOfOne | RedeliveryOfRange, caller: Integrator, work: Writing
) -> Redelivered:
    if isinstance(wanted, RedeliveryOfOne):
        count = await handlers.redeliver(subscription_id, caller, work, delivery_id=wanted.delivery_id)
    else:
        count = await handlers.redeliver(subscription_id, caller, work, between=(wanted.from_, wanted.to))
    return Redelivered(count=count)
