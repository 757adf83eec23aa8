"""Text files: logs, associations, pools and source catalogs.

In: a file and its cataloged length. Out: that many bytes of text, filled up with white space where each
format allows it.
"""

from __future__ import annotations

import json

from .file import File
from .scene import generator

_CATALOG_ROWS = 400


def document(file: File, length: int) -> bytes:
    """Content of a text file."""
    text = {"log": _log, "association_json": _association, "pool": _pool, "catalog": _catalog}[file.kind.layout](file)
    content = text.encode()
    if len(content) > length:
        content = content[: content[:length].rindex(b"\n") + 1]
    # Empty lines mean nothing in any of the formats.
    return content + b"\n" * (length - len(content))


def _log(file: File) -> str:
    owner = file.owner
    lines = [
        f"{file.name}: processing log",
        f"observation  {owner.obs_id}",
        f"target       {owner.target_name}",
        f"instrument   {owner.instrument_name}  {owner.filters}",
        f"programme    {owner.proposal_id}  {owner.proposal_pi}",
        f"pipeline     {owner.provenance_name}",
        *(f"exposure     {member}: calibrated" for member in file.members),
        "Trailer file ends; the pipeline finished with status 0.",
    ]
    return "\n".join(lines) + "\n"


def _association(file: File) -> str:
    """Level-3 association in the form of the JWST pipeline."""
    owner = file.owner
    content = {
        "asn_type": file.uri.split("_")[-3],
        "asn_rule": "Asn_Lv3Image",
        "program": str(owner.proposal_id).zfill(5),
        "asn_id": owner.obs_id.split("_")[0].partition("-")[2],
        "target": owner.target_name,
        "products": [
            {
                "name": owner.obs_id,
                "members": [{"expname": f"{member}_cal.fits", "exptype": "science"} for member in file.members],
            }
        ],
    }
    return json.dumps(content, indent=2, sort_keys=True) + "\n"


def _pool(file: File) -> str:
    header = "FILENAME|PROGRAM|OBS_NUM|VISIT|INSTRUME|FILTER"
    number = str(file.owner.proposal_id).zfill(5)
    rows = [f"jw{number}001001_02101_{index:05d}_uncal.fits|{number}|001|001|JWST|ANY" for index in range(1, 9)]
    return "\n".join([header, *rows]) + "\n"


def _catalog(file: File) -> str:
    """Source list in astropy's ECSV form."""
    rng = generator("catalog", file.uri)
    ra, dec = file.owner.s_ra or 0.0, file.owner.s_dec or 0.0
    lines = [
        "# %ECSV 1.0",
        "# ---",
        "# datatype:",
        "# - {name: label, datatype: int64}",
        "# - {name: ra, unit: deg, datatype: float64}",
        "# - {name: dec, unit: deg, datatype: float64}",
        "# - {name: magnitude, unit: mag, datatype: float64}",
        "label ra dec magnitude",
    ]
    offsets = rng.uniform(-0.02, 0.02, (_CATALOG_ROWS, 2))
    magnitudes = 27.0 - 2.0 * rng.pareto(1.5, _CATALOG_ROWS).clip(0, 4)
    lines += [
        f"{label} {ra + east:.6f} {dec + north:.6f} {magnitude:.3f}"
        for label, ((east, north), magnitude) in enumerate(zip(offsets, magnitudes, strict=True), 1)
    ]
    return "\n".join(lines) + "\n"
