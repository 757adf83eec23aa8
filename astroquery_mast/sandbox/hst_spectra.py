"""The list of HST spectra: files as served by the Hubble Legacy Archive, and download scripts of curl commands."""

from __future__ import annotations

import hashlib
import io
import json
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from shlex import quote as shell_quote
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import numpy as np

from .archive.catalog_hsc import SPECTRUM_COLUMNS
from .archive.scene import generator
from .downloads import manifest, missing_argument
from .packaged import cards, packaged
from .parameters import Params
from .reply import TEXT, Reply, ServiceError
from .requestlog import RequestRecord

_POINTS = 300
_RANGES = {"G800L": (5500.0, 10500.0)}
_LINES = (1215.67, 1549.0, 2798.0, 4861.3, 5006.8, 6562.8, 9068.6)
_ANGSTROM, _FLUX = "Angstrom", "erg s-1 cm-2 Angstrom-1"
_UNIT = 1e-16


def spectrum_bytes(row: Mapping[str, Any]) -> bytes:
    """Render the spectrum of a row of the list."""
    # astropy.io.fits takes longer to import than the archive takes to build.
    from astropy.io import fits  # noqa: PLC0415

    from .archive.fitsfile import binary_table  # noqa: PLC0415
    from .archive.headers import ascii_text  # noqa: PLC0415

    rng = generator("HST spectrum", row["DatasetName"])
    center = float(row["Wavelength"]) or 5500.0
    shortest, longest = _RANGES.get(row["SpectralElement"], (0.8 * center, 1.2 * center))
    wavelength = np.round(np.linspace(shortest, longest, _POINTS), 4)
    shape = (wavelength / wavelength[_POINTS // 2]) ** rng.uniform(-1.5, 1.0)
    for line in _LINES:
        shape = shape * (1.0 + rng.uniform(-0.5, 2.0) * np.exp(-0.5 * ((wavelength - line) / (0.004 * line)) ** 2))
    flux = np.round(shape * (1.0 + 0.02 * rng.standard_normal(_POINTS)), 4)
    columns = [
        fits.Column("WAVELENGTH", "D", unit=_ANGSTROM, array=wavelength),
        fits.Column("FLUX", "E", unit=_FLUX, array=_UNIT * flux),
        fits.Column("ERROR", "E", unit=_FLUX, array=_UNIT * np.full(_POINTS, 0.02)),
    ]
    primary = fits.PrimaryHDU()
    facts = {**row, "TargetName": ascii_text(row["TargetName"])}
    primary.header.extend([fits.Card(*card) for card in cards("HST spectrum", facts)])
    buffer = io.BytesIO()
    fits.HDUList([primary, binary_table(columns, name="SPECTRUM")]).writeto(buffer)
    return buffer.getvalue()


#: Programs and the names of their arguments. The first sends spectra of types 0 and 1, the second all others.
PROGRAMS = {"/cgi-bin/getdata.cgi": "dataset", "/cgi-bin/ecfproxy": "file_id"}
FIRST_OF_ECF = 2
ENDING = ".fits"


def spectrum_answer(record: RequestRecord) -> Reply:
    """Send the requested spectrum."""
    argument = PROGRAMS[record.path]
    asked = record.value(argument)
    if not asked:
        return missing_argument(argument)
    row = _row(argument, asked)
    if row is None:
        return Reply.text(f"{asked} was not found.", 404)
    name = f'"{row["DatasetName"]}{ENDING}"'
    return replace(Reply.file(spectrum_bytes(row), name, "application/fits"), framing="chunked")


def _row(argument: str, asked: str) -> dict[str, Any] | None:
    # Names contain plus signs, which clients do not always escape.
    asked = asked.replace(" ", "+")
    return _known()[argument].get(asked)


@cache
def _known() -> dict[str, dict[str, dict[str, Any]]]:
    """Return the rows of files by the argument of a program and the name of the file there."""
    known: dict[str, dict[str, dict[str, Any]]] = {"dataset": {}, "file_id": {}}
    for cells in packaged("spectra")["rows"]:
        row = dict(zip((name for name, _ in SPECTRUM_COLUMNS), cells, strict=True))
        if row["SpectrumType"] < FIRST_OF_ECF:
            known["dataset"][row["DatasetName"]] = row
        else:
            known["file_id"][f"{row['DatasetName']}{ENDING}"] = row
    return known


#: Folder of the scripts.
STAGE = packaged("endpoints")["stage"]["prefix"]
#: Maximum number of scripts that are kept.
MOST_KEPT = 64


class StagedScripts:
    """Download scripts that were created and can be retrieved."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, Reply] = OrderedDict()

    def request(self, params: Params, host: str) -> Reply:
        """Create a script and return its address."""
        files = _requested_files(params)
        states = {url: "COMPLETE" if _is_available(url) else "ERROR" for url, _ in files}
        wanted = [(url, path) for url, path in files if states[url] == "COMPLETE"]
        name = str(params.get("filename") or "mastDownload").replace("/", "_")
        stem = f"{STAGE}{_identifier(params)}/{name}"
        self._keep(f"{stem}.sh", Reply.text(_script(wanted), content_type="text/x-shellscript"))
        self._keep(f"{stem}_MANIFEST.html", Reply.text(manifest(states.items()), content_type="text/html"))
        answer = {
            "status": "COMPLETE",
            "msg": "",
            "bytesStreamed": 0,
            "url": f"http://{host}{stem}.sh",
            "manifestUrl": f"http://{host}{stem}_MANIFEST.html",
            "statusList": states,
            "progress": 1,
        }
        return Reply.json(answer, content_type=TEXT)

    def send(self, record: RequestRecord) -> Reply:
        """Send the script at the path of the request."""
        with self._lock:
            return self._kept.get(record.path, Reply.text(f"{record.path} was not found.", 404))

    def _keep(self, path: str, reply: Reply) -> None:
        with self._lock:
            self._kept[path] = reply
            while len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)


def _requested_files(params: Params) -> list[tuple[str, str]]:
    urls, paths = (str(params.get(name) or "").split(",") for name in ("urlList", "pathList"))
    if params.get("extension") != "curl":
        raise ServiceError(f"The parameter 'extension' must be 'curl', not '{params.get('extension')}'.")
    if not urls[0] or len(urls) != len(paths):
        raise ServiceError("The parameters 'urlList' and 'pathList' must be lists of the same length.")
    return list(zip(urls, paths, strict=True))


def _identifier(params: Params) -> UUID:
    return UUID(bytes=hashlib.sha256(json.dumps(params, sort_keys=True).encode()).digest()[:16])


def _is_available(url: str) -> bool:
    parts = urlsplit(url)
    argument = PROGRAMS.get(parts.path)
    return argument is not None and _row(argument, parse_qs(parts.query).get(argument, [""])[0]) is not None


def _script(files: list[tuple[str, str]]) -> str:
    lines = [
        f"curl --globoff --location --fail --create-dirs --output {shell_quote(path)} {shell_quote(url)}"
        for url, path in files
    ]
    return "\n".join(["#!/usr/bin/env bash", *lines, ""])
