"""Uploaded files: the name that a request gives one."""

from email.message import Message

from services.kit.uploads import safe_filename


def file_name(content_disposition: str | None, media_type: str) -> str:
    """A harmless name from a Content-Disposition header (RFC 6266, `filename*` of RFC 8187), its suffix fitting."""
    raw = ""
    if content_disposition:
        message = Message()
        message["content-disposition"] = content_disposition
        try:
            raw = message.get_filename() or ""
        except (LookupError, ValueError, TypeError):
            # TypeError: parameters numbered twice, or beside one without a number (RFC 2231 §3).
            raw = ""
    return safe_filename(raw, media_type)
