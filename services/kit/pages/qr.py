"""QR codes (ISO/IEC 18004) in pages."""

import segno
from markupsafe import Markup


def qr(text: str, name: str) -> Markup:
    """`text` as a picture (SVG) that is called `name`. An eighth of it may be unreadable: paper is folded.

    Its own border is two modules wide; the standard's four are there with the padding of `.qr__code`.
    """
    code = segno.make(text, error="m", micro=False)
    drawn = code.svg_inline(omitsize=True, border=2, title=name, svgclass=None, lineclass=None)
    return Markup(drawn.replace("<svg ", '<svg role="img" ', 1))  # noqa: S704 - segno escapes the title; the rest is numbers
