"""One planned file, wherever it goes: to a disk or into a store; and what a refusal means for just this file.

In: a `~astroquery_mast.products.plan.PlannedFile` and a callable that opens an address. Out: a frozen `TransferResult`.
Products flow, after "transfer"; picklable by name, so that the workers of other processes find it.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from ..products.manifest import Status, TransferResult
from ..products.plan import PlannedFile
from .store import is_remote
from .transfer import OpenUrl, transfer
from .upload import transfer_to

__all__ = ["fetch", "with_rights"]

_REFUSED = re.compile(r"HTTPError: 40[13]\b")


def fetch(planned: PlannedFile, open_url: OpenUrl, **how: Any) -> TransferResult:
    """Bring one file to where it goes."""
    carry_out = transfer_to if is_remote(planned.local_path) else transfer
    return with_rights(carry_out(planned, open_url, **how), planned)


def with_rights(result: TransferResult, planned: PlannedFile) -> TransferResult:
    """Return a result whose message, after a refusal, says whose the file is and when it becomes public."""
    refused = result.status is Status.ERROR and _REFUSED.match(result.message or "")
    if not refused or planned.rights is None:
        return result
    day = f"; release date {planned.release}" if planned.release else ""
    return replace(result, message=f"{result.message} (dataRights: {planned.rights}{day}.)")
