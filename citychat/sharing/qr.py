"""A QR code as a drawing."""

from functools import lru_cache
from io import BytesIO

KEPT = 64  # drawings; a host has one, each linked city another
QUIET_MODULES = 4  # the white margin that readers want


@lru_cache(KEPT)
def qr_svg(url: str) -> bytes:
    """Return the code of ``url``, black on white whatever the page's colours are: not every reader takes others."""
    import segno  # by who asks for a drawing

    drawn = BytesIO()
    code = segno.make(url, error="m", micro=False)
    code.save(
        drawn,
        kind="svg",
        xmldecl=False,
        omitsize=True,
        border=QUIET_MODULES,
        svgclass=None,
        lineclass=None,
        dark="#000",
        light="#fff",
    )
    return drawn.getvalue()
