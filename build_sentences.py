"""Compile the translations, ``citychat/locale``, into what the program reads: ``citychat/sentences``."""

from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

LOCALE = Path(__file__).resolve().parent / "citychat" / "locale"


def build(target: Path) -> None:
    """Write a file for each language into the folder."""
    for path in sorted(LOCALE.glob("*/LC_MESSAGES/citychat.po")):
        with path.open("rb") as source:
            catalogue = read_po(source, abort_invalid=True)
        with (target / f"{path.parents[1].name}.mo").open("wb") as compiled:
            write_mo(compiled, catalogue)
