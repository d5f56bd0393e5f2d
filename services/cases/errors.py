"""What can go wrong in the life of a case, by kind. Slugs are stable: programs and pages tell them apart."""

from services.kit.errors import Forbidden, Kind, NotFound, TongbanError


class CaseNotFound(NotFound):
    slug, title = "case-not-found", "There is no such case"


class DraftNotFound(NotFound):
    slug, title = "draft-not-found", "There is no such draft"


class FileNotFound(NotFound):
    slug, title = "file-not-found", "There is no such file"


class ItemNotFound(NotFound):
    slug, title = "item-not-found", "There is no such service item"


class ItemRetired(TongbanError):
    """`reason` is the catalogue's, for everybody to read."""

    kind, slug, title = Kind.CONFLICT, "item-retired", "This item is no longer offered"


class ItemSuspended(TongbanError):
    """For a time; `reason` is the catalogue's, for everybody to read."""

    kind, slug, title = Kind.CONFLICT, "item-suspended", "This item takes no applications for the time being"


class PageNotFound(NotFound):
    slug, title = "page-not-found", "The form has no such page"


class MaterialNotFound(NotFound):
    slug, title = "material-not-found", "The item asks for no such material"


class AnswersInvalid(TongbanError):
    """With `errors`, one for each field; `version` is the draft's after what was valid had been kept."""

    kind, slug, title = (
        Kind.INVALID,
        "answers-invalid",
        "Some answers are missing or not right",
    )


class SubmissionInvalid(TongbanError):
    kind, slug, title = (
        Kind.INVALID,
        "submission-invalid",
        "The application is not complete",
    )


class DraftSubmitted(TongbanError):
    """`case_id` names the case that it became."""

    kind, slug, title = (
        Kind.CONFLICT,
        "draft-submitted",
        "This draft has been submitted",
    )


class DraftChanged(TongbanError):
    kind, slug, title = (
        Kind.PRECONDITION_FAILED,
        "version-mismatch",
        "Changed in the meantime",
    )


class TooManyDrafts(TongbanError):
    kind, slug, title = Kind.CONFLICT, "too-many-drafts", "Too many open drafts"


class TooManyFiles(TongbanError):
    kind, slug, title = (
        Kind.CONFLICT,
        "too-many-files",
        "This material has as many files as it may have",
    )


class FileTooLarge(TongbanError):
    kind, slug, title = Kind.TOO_LARGE, "file-too-large", "The file is too large"


class FileEmpty(TongbanError):
    kind, slug, title = Kind.INVALID, "file-empty", "The file is empty"


class FileTypeRefused(TongbanError):
    kind, slug, title = (
        Kind.UNSUPPORTED,
        "file-type-refused",
        "This material does not take files of this type",
    )


class WrongStep(TongbanError):
    """The case is not at the step that the act belongs to; `case_status` says where it is."""

    kind, slug, title = Kind.CONFLICT, "wrong-step", "The case is not at this step"


class NoticeAlreadyGiven(TongbanError):
    """行政许可法 art. 32 (4): everything missing is told once."""

    kind, slug, title = (
        Kind.CONFLICT,
        "notice-already-given",
        "This case has had its one correction notice",
    )


class NoticeTooLate(TongbanError):
    """行政许可法 art. 32 (4): who is told nothing within five working days is accepted as of receipt."""

    kind, slug, title = (
        Kind.CONFLICT,
        "notice-too-late",
        "The five working days for the notice are over: the case counts as accepted",
    )


class SeparationOfDuties(TongbanError):
    """接办分离: who takes a case in does not decide it."""

    kind, slug, title = (
        Kind.CONFLICT,
        "separation-of-duties",
        "Who accepted the case may not decide it",
    )


class ReasonRequired(TongbanError):
    """行政许可法 art. 38 (2): a refusal gives its reasons."""

    kind, slug, title = Kind.INVALID, "reason-required", "A refusal needs a reason"


class UnknownGap(TongbanError):
    kind, slug, title = (
        Kind.INVALID,
        "unknown-gap",
        "The notice names something that the item does not ask for",
    )


class ResultDamaged(TongbanError):
    """The stored document no longer has the digest that sealed it."""

    kind, slug, title = (
        Kind.UNAVAILABLE,
        "result-damaged",
        "The document cannot be shown just now",
    )


class ItemUnusable(TongbanError):
    """A published item whose form cannot be used; poison to the consumer, so that somebody looks."""

    kind, slug, title = Kind.INVALID, "item-unusable", "The item's form cannot be used"


class NotItsTurn(Forbidden):
    """The step that the case is said to be opened for is not the one it waits for: what is left is an enquiry."""

    slug, title = "not-its-turn", "The case does not wait for this step: open it as an enquiry, with a reason"


class EnquiryReasonRequired(TongbanError):
    """The applicant reads why their case was opened: an enquiry says it in words."""

    kind, slug, title = Kind.INVALID, "reason-required", "An enquiry needs a reason"
