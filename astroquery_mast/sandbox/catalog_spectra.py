"""The programs on the server of the Hubble Legacy Archive that hand out the files of the list of HST spectra.

In: a `RequestRecord`. Out: a FITS file without a declared length, as programs send them; 404 for an unknown data set.
"""

from __future__ import annotations

from functools import cache

from .archive.catalog_hsc_rows import SPECTRUM_COLUMNS
from .archive.catalog_spectrum import spectrum_bytes
from .archive.catalogs import spectra
from .reply import Reply
from .requestlog import RequestRecord

__all__ = ["PROGRAMS", "is_known", "spectrum_answer"]

#: Program to the name of its argument. The first sends the spectra of type 0 and 1, the second all others.
PROGRAMS = {"/cgi-bin/getdata.cgi": "dataset", "/cgi-bin/ecfproxy": "file_id"}
FIRST_OF_ECF = 2
ENDING = ".fits"


def spectrum_answer(record: RequestRecord) -> Reply:
    """Send the spectrum that the request names."""
    argument = PROGRAMS[record.path]
    asked = record.value(argument)
    if not asked:
        # The program says so with a status of 200.
        return Reply(200, (("Content-Type", "text/plain"),), f"{argument} parameter is required\n".encode(), "chunked")
    row = _row(argument, asked)
    if row is None:
        return Reply.text(f"{asked} was not found.", 404)
    disposition = f'attachment; filename="{row["DatasetName"]}{ENDING}"'
    headers = (("Content-Type", "application/fits"), ("Content-Disposition", disposition))
    return Reply(200, headers, spectrum_bytes(row), framing="chunked")


def is_known(argument: str, asked: str) -> bool:
    """Return whether a program whose argument is ``argument`` has a file of that name."""
    return _row(argument, asked) is not None


def _row(argument: str, asked: str) -> dict[str, object] | None:
    # Names hold plus signs, which clients do not always escape.
    asked = asked.replace(" ", "+")
    is_ecf = argument == "file_id"
    if is_ecf and not asked.endswith(ENDING):
        return None
    row = _known().get(asked.removesuffix(ENDING) if is_ecf else asked)
    return row if row is not None and (int(str(row["SpectrumType"])) >= FIRST_OF_ECF) == is_ecf else None


@cache
def _known() -> dict[str, dict[str, object]]:
    names = [name for name, _ in SPECTRUM_COLUMNS]
    rows = (dict(zip(names, row, strict=True)) for row in spectra())
    return {str(row["DatasetName"]): row for row in rows}
