"""What can go wrong in the catalogue, beside the kit's own errors."""

from services.kit.errors import Kind, TongbanError


class ItemNotFound(TongbanError):
    kind, slug, title = Kind.NOT_FOUND, "item-not-found", "No such service item"


class VersionNotFound(TongbanError):
    kind, slug, title = Kind.NOT_FOUND, "item-version-not-found", "No such version of this service item"
