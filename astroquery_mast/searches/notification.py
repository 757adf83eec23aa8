"""Read the list of files that MAST mails to subscribers of programs, as changes.

In: the attachment of such a mail, or its contents.  Out: `Changes`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from astropy.table import Table

from ..exceptions import InvalidArgumentError
from ..missions.responses import as_subscription
from ..products.manifest import masked_column
from ..tables.columns import plain_cells
from .changes import Changes
from .comparison import ChangeKind, plain_cell

__all__ = ["read_notification"]

_EVENTS: Mapping[str, ChangeKind] = {
    "new": ChangeKind.NEW,
    "first": ChangeKind.NEW,
    "reprocessed": ChangeKind.REPROCESSED,
    "public": ChangeKind.PUBLIC_NOW,
}
_UNKNOWN = "UNKNOWN"
_TITLE = "MAST notification"


def read_notification(notification: str | os.PathLike[str] | Sequence[Mapping[str, Any]]) -> Changes:
    """Return the files listed in a MAST notification for subscribers.

    Parameters
    ----------
    notification : path-like or list of dict
        The JSON file attached to the mail, or its contents.

    Returns
    -------
    Changes
        One row for each event: ``change`` is ``NEW`` (events ``New`` and ``First``), ``REPROCESSED`` or ``PUBLIC NOW``;
        other events are in upper case, and ``UNKNOWN`` if the event is missing.  The other columns are those of the
        notification.  `~astroquery_mast.MastMissionsClass.download_products` takes the rows, of any mission.

    Raises
    ------
    InvalidQueryError
        If the notification cannot be read, or is not a list of files.

    Examples
    --------
    >>> from astroquery_mast import read_notification
    >>> mailed = [
    ...     {
    ...         "mission": "jwst",
    ...         "fileset": "jw01189001001_02101_00001",
    ...         "event_type": "Reprocessed",
    ...         "filename": "jw01189001001_02101_00001_nrs1_cal.fits",
    ...     }
    ... ]
    >>> read_notification(mailed)["change", "filename"].pprint()
       change                   filename
    ----------- ---------------------------------------
    REPROCESSED jw01189001001_02101_00001_nrs1_cal.fits
    """
    given = Path(notification) if isinstance(notification, str) else notification
    table = as_subscription(given)
    if table is None:
        raise InvalidArgumentError(
            f"notification must be a JSON file or a list of dictionaries, got {notification!r:.80}."
        )
    events = _cells(table, "event_type")
    changes = Changes(
        {
            "change": [_EVENTS.get(event.casefold(), event.upper() or _UNKNOWN) for event in events],
            "reason": masked_column([None] * len(table), "U1"),
        }
    )
    for name in table.colnames:
        if name not in changes.colnames:
            changes[name] = table[name]
    title = given.name if isinstance(given, os.PathLike) and hasattr(given, "name") else _TITLE
    changes.meta.update(search=title, key=["mission", "filename"])
    return changes


def _cells(table: Table, name: str) -> list[str]:
    """Return the texts of a column; empty strings where the value or the column is missing."""
    if name not in table.colnames:
        return [""] * len(table)
    return [str(cell).strip() if cell is not None else "" for cell in map(plain_cell, plain_cells(table[name]))]
