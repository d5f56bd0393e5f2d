"""Subscriptions of departments: create, read, change, pause, remove, rotate the secret, look at attempts, re-send.

A sink is asked before it is called. The asking is done outside any transaction: the subscription waits as `pending`
until the answer is recorded; whoever dies in between leaves it so, and it can be asked again (status `active`). While
one that had agreed before is asked again, events are queued for it and wait.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from services.kit import deliveries
from services.kit.audit import AuditEntry
from services.kit.auth import Principal
from services.kit.errors import FieldProblem, Forbidden, Invalid
from services.kit.idempotency import once
from services.kit.ids import new_id
from services.notify.domain.subscriptions import (
    MAX_SECRETS,
    MAX_SUBSCRIPTIONS,
    Secret,
    Status,
    Subscription,
    new_secret,
    overlap_end,
)
from services.notify.errors import (
    DeliveryNotFound,
    SecretGone,
    SinkNotVerified,
    SubscriptionNotFound,
    TooManySecrets,
    TooManySubscriptions,
)
from services.notify.handlers.webhooks import SinkCheck
from services.notify.handlers.work import Work

ROLE = "integrator"


@dataclass(frozen=True, slots=True)
class CreateSubscription:
    """What a department asks for; `secret` if it brings its own."""

    organisation: str
    types: tuple[str, ...]
    filters: tuple[dict[str, Any], ...]
    sink: str
    max_in_flight: int
    secret: str | None = None


@dataclass(frozen=True, slots=True)
class ChangeSubscription:
    """What is to be different; None leaves it."""

    types: tuple[str, ...] | None = None
    filters: tuple[dict[str, Any], ...] | None = None
    sink: str | None = None
    max_in_flight: int | None = None
    status: Status | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """A subscription and how its sink does."""

    subscription: Subscription
    waiting: int = 0
    parked: int = 0
    failing_since: datetime | None = None


async def create_subscription(
    command: CreateSubscription, caller: Principal, key: str, work: Work, check: SinkCheck
) -> tuple[Standing, str]:
    """Create and, if its sink agrees, activate. The subscription and its secret.

    The same Idempotency-Key gives the same answer, secret included: whoever asks again has not seen the first answer.
    That too is recorded. Raises Forbidden, Invalid (sink), TooManySubscriptions, SecretGone.
    """
    caller.require(ROLE, command.organisation)
    if not await check.permitted(command.sink):
        raise Invalid(fields=[FieldProblem("sink", "address-refused", "this address may not be called")])

    async def act() -> list[str]:
        if await work.subscriptions.count(command.organisation) >= MAX_SUBSCRIPTIONS:
            raise TooManySubscriptions(f"at most {MAX_SUBSCRIPTIONS}")
        subscription_id, now = new_id(), work.now()
        subscription = Subscription(
            id=subscription_id,
            organisation=command.organisation,
            types=command.types,
            filters=command.filters,
            sink=command.sink,
            max_in_flight=command.max_in_flight,
            status=Status.PENDING,
            reason=None,
            owner=caller.sub,
            version=0,
            created_at=now,
            changed_at=now,
        )
        await work.subscriptions.add(subscription)
        secret = Secret(new_id(), command.secret or new_secret())
        await work.subscriptions.add_secret(subscription_id, secret)
        await deliveries.register(
            work, subscription_id, command.sink, max_in_flight=command.max_in_flight, state="paused"
        )
        _audit(work, caller, "subscription.create", subscription_id)
        return [subscription_id, secret.id]

    request = [command.organisation, command.types, command.filters, command.sink, command.max_in_flight]
    request = ["subscription", *request, _digest(command.secret)]
    async with work:
        (subscription_id, secret_id), repeated = await once(
            work, caller=caller.sub, key=key, request=request, act=act, keep=lambda found: found
        )
    if not repeated:
        await _ask(subscription_id, caller, work, check)
    async with work:
        standing = await _standing(await _own(subscription_id, caller, work), work)
        secret = await _kept_secret(subscription_id, secret_id, caller, work, repeated=repeated)
    return standing, secret.value


async def list_subscriptions(caller: Principal, after: str | None, limit: int, work: Work) -> Sequence[Subscription]:
    """Subscriptions of the organisations that the caller looks after. Raises Forbidden when there is none."""
    organisations = caller.organisations(ROLE)
    if not organisations:
        raise Forbidden(f"the role {ROLE} is needed")
    async with work:
        found = await work.subscriptions.page(organisations, after, limit)
        _audit(work, caller, "subscription.list", "*")
    return found


async def get_subscription(subscription_id: str, caller: Principal, work: Work) -> Standing:
    """One subscription. Raises SubscriptionNotFound, for another organisation's too."""
    async with work:
        found = await _own(subscription_id, caller, work)
        _audit(work, caller, "subscription.read", subscription_id)
        return await _standing(found, work)


async def change_subscription(
    subscription_id: str, command: ChangeSubscription, caller: Principal, work: Work, check: SinkCheck
) -> Standing:
    """Change fields, pause, resume. A new sink is asked first; so is that of a pending or disabled one.

    Raises SubscriptionNotFound, Invalid (sink), SinkNotVerified when a subscription that never agreed is paused.
    """
    if command.sink is not None and not await check.permitted(command.sink):
        raise Invalid(fields=[FieldProblem("sink", "address-refused", "this address may not be called")])
    async with work:
        found = await _own(subscription_id, caller, work, locked=True)
        changed = _changed(found, command)
        # A sink that refuses a subscription which we had switched off leaves it switched off.
        refused = Status.DISABLED if changed.sink == found.sink and found.status is Status.DISABLED else Status.PENDING
        asking = changed.status is Status.PENDING and (command.sink is not None or command.status is Status.ACTIVE)
        await work.subscriptions.change(
            subscription_id,
            types=list(changed.types),
            filters=list(changed.filters),
            sink=changed.sink,
            max_in_flight=changed.max_in_flight,
            status=changed.status.value,
            reason=changed.reason,
            wished=changed.wished.value,
        )
        await deliveries.register(work, subscription_id, changed.sink, max_in_flight=changed.max_in_flight)
        if changed.status is Status.ACTIVE and found.status is not Status.ACTIVE:
            await deliveries.resume(work, subscription_id)
        elif changed.status is not Status.ACTIVE and found.status is Status.ACTIVE:
            await deliveries.pause(work, subscription_id)
        _audit(work, caller, "subscription.change", subscription_id)
    if asking:
        await _ask(subscription_id, caller, work, check, refused)
    async with work:
        return await _standing(await _own(subscription_id, caller, work), work)


def _changed(found: Subscription, command: ChangeSubscription) -> Subscription:
    fields = {name: getattr(command, name) for name in ("types", "filters", "sink", "max_in_flight")}
    changed = replace(found, **{name: value for name, value in fields.items() if value is not None})
    changed = replace(changed, wished=command.status or found.wished)
    if changed.sink != found.sink:
        return replace(changed, status=Status.PENDING, reason=None)
    if command.status is None or command.status is found.status:
        return changed
    if command.status is Status.PAUSED:
        if found.status is not Status.ACTIVE:
            raise SinkNotVerified("only an active subscription can be paused")
        return replace(changed, status=Status.PAUSED)
    if found.status is Status.PAUSED:
        return replace(changed, status=Status.ACTIVE)
    return replace(changed, status=Status.PENDING)


async def remove_subscription(subscription_id: str, caller: Principal, work: Work) -> None:
    """Remove a subscription, its secrets, what waits for it and its attempts. Raises SubscriptionNotFound."""
    async with work:
        await _own(subscription_id, caller, work, locked=True)
        await work.subscriptions.remove(subscription_id)
        await deliveries.remove(work, subscription_id)
        _audit(work, caller, "subscription.remove", subscription_id)


async def rotate_secret(
    subscription_id: str, overlap_hours: int, secret: str | None, caller: Principal, key: str, work: Work
) -> tuple[Secret, datetime]:
    """A new secret; those before it sign beside it until the overlap ends. (new secret, end of the others).

    Raises SubscriptionNotFound, TooManySecrets, SecretGone.
    """

    async def act() -> list[str]:
        now = work.now()
        await work.subscriptions.drop_expired(subscription_id, now)
        if len(await work.subscriptions.secrets(subscription_id)) >= MAX_SECRETS:
            raise TooManySecrets(f"at most {MAX_SECRETS} secrets are valid at a time")
        end = overlap_end(now, overlap_hours)
        new = Secret(new_id(), secret or new_secret())
        await work.subscriptions.add_secret(subscription_id, new, expire_others=end)
        _audit(work, caller, "subscription.rotate-secret", subscription_id)
        return [new.id, end.isoformat()]

    async with work:
        await _own(subscription_id, caller, work, locked=True)
        request = ["secret", subscription_id, overlap_hours, _digest(secret)]
        answer, repeated = await once(
            work, caller=caller.sub, key=key, request=request, act=act, keep=lambda found: found
        )
        found = await _kept_secret(subscription_id, answer[0], caller, work, repeated=repeated)
    return found, datetime.fromisoformat(answer[1])


def _digest(secret: str | None) -> str | None:
    """What stands for a brought secret in the fingerprint of its request: another one is another request."""
    return None if secret is None else hashlib.sha256(secret.encode()).hexdigest()


async def _kept_secret(
    subscription_id: str, secret_id: str, caller: Principal, work: Work, *, repeated: bool
) -> Secret:
    """The secret that a request made. Told again it is read again, which is recorded. Raises SecretGone."""
    found = next((one for one in await work.subscriptions.secrets(subscription_id) if one.id == secret_id), None)
    if found is None:
        raise SecretGone
    if repeated:
        _audit(work, caller, "subscription.read-secret", subscription_id)
    return found


async def list_attempts(
    subscription_id: str, caller: Principal, before: int | None, limit: int, work: Work
) -> list[Any]:
    """Attempts, newest first. Raises SubscriptionNotFound."""
    async with work:
        await _own(subscription_id, caller, work)
        _audit(work, caller, "subscription.read-attempts", subscription_id)
        return await deliveries.attempts(work, subscription_id, before=before, limit=limit)


async def redeliver(
    subscription_id: str,
    caller: Principal,
    work: Work,
    *,
    delivery_id: int | None = None,
    between: tuple[datetime, datetime] | None = None,
) -> int:
    """Send finished deliveries again, by id or by when they were queued. How many.

    Raises SubscriptionNotFound, DeliveryNotFound.
    """
    async with work:
        await _own(subscription_id, caller, work, locked=True)
        if delivery_id is not None and await deliveries.delivery(work, subscription_id, delivery_id) is None:
            raise DeliveryNotFound
        count = await deliveries.redeliver(work, subscription_id, delivery_id=delivery_id, between=between)
        _audit(work, caller, "subscription.redeliver", subscription_id)
        return count


async def _own(subscription_id: str, caller: Principal, work: Work, *, locked: bool = False) -> Subscription:
    if locked:
        await deliveries.endpoint(work, subscription_id, locked=True)
    found = await work.subscriptions.one(subscription_id, locked=locked)
    if found is None or not caller.holds(ROLE, found.organisation):
        raise SubscriptionNotFound
    return found


async def _ask(
    subscription_id: str, caller: Principal, work: Work, check: SinkCheck, refused: Status = Status.PENDING
) -> None:
    """Ask the sink and record its answer, unless the subscription has changed meanwhile.

    Where it agrees, the subscription becomes what its owner wished, active or paused; else `refused`.
    """
    async with work:
        asked = await work.subscriptions.one(subscription_id)
        secrets = await work.subscriptions.secrets(subscription_id)
    if asked is None or asked.status is not Status.PENDING:
        return
    refusal = await check.refusal(asked, secrets, work)
    async with work:
        await deliveries.endpoint(work, subscription_id, locked=True)
        found = await work.subscriptions.one(subscription_id, locked=True)
        if found is None or found.sink != asked.sink or found.status is not Status.PENDING:
            return
        status = found.wished if refusal is None else refused
        agreed = found.agreed or refusal is None
        reason = refusal[:200] if refusal else None
        await work.subscriptions.change(subscription_id, status=status.value, reason=reason, agreed=agreed)
        if status is Status.ACTIVE:
            await deliveries.resume(work, subscription_id)
        elif status is Status.PAUSED:
            await deliveries.pause(work, subscription_id)
        _audit(work, caller, "subscription.ask-sink", subscription_id, result=reason or "agreed")


async def _standing(subscription: Subscription, work: Work) -> Standing:
    point = await deliveries.endpoint(work, subscription.id)
    counts = await deliveries.counts(work, subscription.id)
    since = point.failing_since if point else None
    return Standing(subscription, counts["waiting"], counts["parked"], since)


def _audit(work: Work, caller: Principal, action: str, subscription_id: str, result: str = "done") -> None:
    work.audit(
        AuditEntry(
            actor=caller.sub,
            action=action,
            object_type="subscription",
            object_id=subscription_id,
            realm=caller.realm,
            client=caller.client_id,
            result=result[:64],
        )
    )
