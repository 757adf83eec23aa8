"""Which file lies under which name: a register in a folder whose names are not the archive's alone.

In: the path of a file, and its URI.  Out: a line in a file beside it; and, for a later call, the URIs by name.
Products flow, beside "plan" and "transfer".

Names of files are not unique in MAST.  In ``<collection>/<obs_id>/`` they nearly always are; in a folder for all files
(``flat=True``, or a path template) the next call may bring another file of the same name, and neither its size nor
its name would tell.  The register does: `REGISTER` holds a line of JSON for each file, and the last line of a name
counts.  It is a witness, and not a condition: without it, or where a line of it cannot be read, files are known by
their names and sizes as before.  Lines are appended in one piece, so that several processes may write.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path

from ..products.file_names import REGISTER, case_folded

__all__ = ["holders", "note"]


def holders(folder: Path) -> dict[str, str]:
    """Return what is registered in a folder."""
    found: dict[str, str] = {}
    try:
        lines = (folder / REGISTER).read_bytes().splitlines()
    except (OSError, ValueError):
        return found
    for line in lines:
        with suppress(ValueError, TypeError, KeyError, RecursionError):
            entry = json.loads(line)
            found[case_folded(str(entry["name"]))] = str(entry["uri"])
    return found


def note(path: Path, uri: str) -> None:
    """Register a file that has come."""
    # A line that somebody else was killed in does not spoil this one.
    line = b"\n" + json.dumps({"name": path.name, "uri": uri}).encode() + b"\n"
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    # The file is there and whole in any case.
    with suppress(OSError):
        handle = os.open(path.with_name(REGISTER), flags, 0o666)
        try:
            os.write(handle, line)
        finally:
            os.close(handle)
