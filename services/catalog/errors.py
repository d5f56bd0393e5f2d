"""What can go wrong in the catalogue, beside the kit's own errors."""

from services.kit.errors import Kind, TongbanError


class ItemNotFound(TongbanError):
    kind, slug, title = Kind.NOT_FOUND, "item-not-found", "No such service item"


class VersionNotFound(TongbanError):
    kind, slug, title = Kind.NOT_FOUND, "item-version-not-found", "No such version of this service item"


class RevisionNotFound(TongbanError):
    kind, slug, title = Kind.NOT_FOUND, "revision-not-found", "No such revision"


class RevisionOpen(TongbanError):
    """One revision of a code is under way at a time; `revision` names it."""

    kind, slug, title = Kind.CONFLICT, "revision-open", "A revision of this code is under way"


class WrongState(TongbanError):
    """The act does not follow from where the item or its revision stands; `state` says where that is."""

    kind, slug, title = Kind.CONFLICT, "wrong-state", "This cannot be done from where it stands"


class AuthorReviews(TongbanError):
    """审核: whoever wrote any of a revision does not review it."""

    kind, slug, title = Kind.CONFLICT, "author-reviews", "Who wrote a revision may not review it"


class Overtaken(TongbanError):
    """Another version came into force since the revision was begun (`from_version`, `in_force`): versions would
    overlap. To save the draft again, having compared the two, begins it from what is in force."""

    kind, slug, title = Kind.CONFLICT, "revision-overtaken", "Another version came into force in the meantime"


class ItemIsRetired(TongbanError):
    kind, slug, title = Kind.CONFLICT, "item-is-retired", "This code is retired"


class BundleNotSuspended(TongbanError):
    """A bundle leads to items: what takes no cases for a time is an item of it."""

    kind, slug, title = Kind.CONFLICT, "bundle-not-suspended", "A bundle is changed or retired, its items are suspended"


class ContentInvalid(TongbanError):
    """With `errors`, one for each field of the content."""

    kind, slug, title = Kind.INVALID, "content-invalid", "The content cannot be taken so"


class LintRefused(TongbanError):
    """`errors` are the lint's findings: rule, field, cause and mend (each in two languages)."""

    kind, slug, title = Kind.INVALID, "lint-refused", "The catalogue's rules refuse this content"


class CodeNotMinted(TongbanError):
    """With `errors`, one for each thing that the new code needs and that is missing or wrong."""

    kind, slug, title = Kind.INVALID, "code-not-minted", "No code can be made for this item"


class CodeTaken(TongbanError):
    """一事一码: `code` names an item, a draft or an alias already."""

    kind, slug, title = Kind.CONFLICT, "code-taken", "This code is taken"


class CodesUsedUp(TongbanError):
    """The digits that the standard gives to a number are all used; `prefix` says where."""

    kind, slug, title = Kind.CONFLICT, "codes-used-up", "There is no free number left for this code"


class AliasNotFound(TongbanError):
    kind, slug, title = Kind.NOT_FOUND, "alias-not-found", "The item does not go by this code"


class EntryNotFound(TongbanError):
    kind, slug, title = Kind.NOT_FOUND, "register-entry-not-found", "No such entry in this register"


class SecondSource(TongbanError):
    """一数一源: another organisation holds what is claimed (`holder`, `code`)."""

    kind, slug, title = Kind.CONFLICT, "second-source", "Another organisation is the source of this"


class NameTaken(TongbanError):
    """The same source has an entry of this name under another `code`."""

    kind, slug, title = Kind.CONFLICT, "register-name-taken", "An entry of this name is there already"


class StillUsed(TongbanError):
    """What would be closed is named by `items` in force or by other `entries`; `more`: these are not all."""

    kind, slug, title = Kind.CONFLICT, "register-entry-still-used", "This entry is still in use"


class NotAppealable(TongbanError):
    kind, slug, title = Kind.CONFLICT, "not-appealable", "This refusal cannot be let pass"


class NoSuchFinding(TongbanError):
    kind, slug, title = Kind.CONFLICT, "no-such-finding", "The lint does not refuse this now"


class AppealNotFound(TongbanError):
    kind, slug, title = Kind.NOT_FOUND, "appeal-not-found", "No such appeal"


class AppealOpen(TongbanError):
    """The same refusal is being appealed already; `appeal` names it."""

    kind, slug, title = Kind.CONFLICT, "appeal-open", "An appeal about this is open"


class AppealDecided(TongbanError):
    kind, slug, title = Kind.CONFLICT, "appeal-decided", "This appeal is decided"


class OwnAppeal(TongbanError):
    kind, slug, title = Kind.CONFLICT, "own-appeal", "Who appealed may not decide"


class CorrectionNotFound(TongbanError):
    kind, slug, title = Kind.NOT_FOUND, "correction-not-found", "No such correction request"


class OrganisationNotFound(TongbanError):
    kind, slug, title = Kind.NOT_FOUND, "organisation-not-found", "No such organisation"


class OrganisationInvalid(TongbanError):
    """With `errors`, one for each field."""

    kind, slug, title = Kind.INVALID, "organisation-invalid", "The organisation cannot be kept so"


class OrganisationClosed(TongbanError):
    """机构改革: `successors` took over."""

    kind, slug, title = Kind.CONFLICT, "organisation-closed", "This organisation was closed"


class ReformNeeded(TongbanError):
    """What its items carry changes with them, by a reform; `errors` name the fields."""

    kind, slug, title = Kind.CONFLICT, "reform-needed", "This changes by a reform of organisations"


class ReformRefused(TongbanError):
    """With `errors`, one for each thing that stands against the reform."""

    kind, slug, title = Kind.INVALID, "reform-refused", "The organisations cannot be reformed so"


class DivisionNotFound(TongbanError):
    kind, slug, title = Kind.NOT_FOUND, "division-not-found", "No division has or had this code"
