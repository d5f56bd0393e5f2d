"""What can go wrong in notify, beside the kit's own errors."""

from services.kit.errors import Kind, TongbanError


class MessageNotFound(TongbanError):
    kind, slug, title = Kind.NOT_FOUND, "message-not-found", "No such message"


class SubscriptionNotFound(TongbanError):
    kind, slug, title = Kind.NOT_FOUND, "subscription-not-found", "No such subscription"


class DeliveryNotFound(TongbanError):
    kind, slug, title = Kind.NOT_FOUND, "delivery-not-found", "No such delivery of this subscription"


class SinkNotVerified(TongbanError):
    kind, slug, title = Kind.CONFLICT, "sink-not-verified", "The sink has not agreed to be called yet"


class TooManySecrets(TongbanError):
    kind, slug, title = Kind.CONFLICT, "too-many-secrets", "The secret was rotated too often within the overlap"


class SecretGone(TongbanError):
    kind, slug, title = Kind.CONFLICT, "secret-gone", "The secret made with this key has been rotated away"


class TooManySubscriptions(TongbanError):
    kind, slug, title = Kind.CONFLICT, "too-many-subscriptions", "This organisation has as many subscriptions as it may"
