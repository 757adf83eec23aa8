"""The content of associations of exposures: the JSON files of JWST, and the tables of HST.

In: the file of an association, with the names of the member exposures. Out: its content, which names the same
exposures as the product list, in the terms of the pipelines.
"""

from __future__ import annotations

import json
from typing import Any

from ..packaged import packaged
from .observation import base36, hash_digit
from .products import File

_FACTS: dict[str, Any] = packaged("associations")
#: Digits of an HST rootname that number the exposures of a visit.
_EXPOSURES = slice(6, 8)
#: One in this many associations has an exposure that was planned but not executed.
_INCOMPLETE = 8


def association_json(file: File) -> str:
    """Return a level-3 association of JWST; nodded IFU exposures are also each other's background, and coronagraphic
    images include the exposures of reference stars.
    """
    owner = file.owner
    kind = file.uri.split("_")[-3]
    candidate = owner.obs_id.partition("_")[0].partition("-")[2]
    suffixes = _FACTS["members"][str(owner.dataproduct_type)]
    members = [_member(name, suffix, exptype, candidate) for suffix, exptype in suffixes for name in file.members]
    content = {
        "asn_id": candidate,
        "asn_pool": f"{owner.obs_id[:7]}_20250401t120000_pool.csv",
        "asn_rule": _FACTS["rules"].get(kind) or _FACTS["rules"][str(owner.dataproduct_type)],
        "asn_type": kind,
        "code_version": "1.18.0",
        "constraints": f"DMSAttrConstraint({{'name': 'program', 'value': '{owner.proposal_id}'}})",
        "degraded_status": "No known degraded exposures in association.",
        "products": [{"members": members, "name": owner.obs_id}],
        "program": str(owner.proposal_id).zfill(5),
        "target": owner.obs_id.split("_")[1].removeprefix("t").lstrip("0"),
        "version_id": "20250401t120000",
    }
    return json.dumps(content, indent=1, sort_keys=True) + "\n"


def _member(exposure: str, suffix: str, exptype: str, candidate: str) -> dict[str, object]:
    own = f"o{exposure[7:10]}"
    return {
        "asn_candidate": f"('{own}', 'observation')",
        "exposerr": None,
        "expname": f"{exposure}_{suffix}.fits",
        # Exposures of other observations are those of a reference star.
        "exptype": exptype if own == candidate else "psf",
    }


def association_table(file: File, rows: int) -> dict[str, list[Any]]:
    """Return an HST association table: the exposures, possibly one that was not executed, the product, empty rows."""
    exposures = [member.upper() for member in file.members]
    kind = _FACTS["types"].get(file.owner.configuration[0], "DTH")
    absent = [_absent(exposures)] if is_incomplete(file.owner.obs_id) else []
    names = [*exposures, *absent, file.owner.obs_id.upper()]
    empty = rows - len(names)
    return {
        "MEMNAME": names + [""] * empty,
        "MEMTYPE": [f"EXP-{kind}"] * (len(names) - 1) + [f"PROD-{kind}"] + [""] * empty,
        "MEMPRSNT": [name not in absent for name in names] + [False] * empty,
    }


def is_incomplete(obs_id: str) -> bool:
    """Return whether an association has an exposure that was planned but not executed."""
    return hash_digit(obs_id, _INCOMPLETE) == 0


def _absent(exposures: list[str]) -> str:
    """Return a rootname of the visit that is not used by any exposure."""
    taken = {name[_EXPOSURES] for name in exposures}
    free = next(code for code in (base36(number, 2).upper() for number in range(35 * 36, 36**2)) if code not in taken)
    last = exposures[-1]
    return f"{last[:6]}{free}{last[8:]}"
