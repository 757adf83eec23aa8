"""Tables that result from matching source catalogs: the matches, or the catalogs that would be read.

In: which observations and catalogs cover which positions, and the matches in each catalog.  Out: tables, whose ``meta``
lists what is missing and why.  Warnings report it as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import numpy as np
from astropy import units as u
from astropy.table import Table

from ...exceptions import AuthenticationWarning, InputWarning
from ...products.manifest import masked_column
from ...sky.positions import Positions
from ...tables.columns import plain_cells
from ...tables.result_table import ResultTable
from ...tables.rows import Floats, RowNumbers
from ...tables.table import stack_tables
from ...targets.batch import TargetMeta, with_leading_columns
from ...targets.pairs import Matches, nearest_of
from ...warn import warn_no_results, warn_user
from .source_catalogs import SourceCatalog, with_common_units

NOT_READABLE = "exclusive access: log in with an account that has access"
_SHOWN = 3
# The columns of a plan, with their types and units.
_PLAN: Mapping[str, tuple[str, ...]] = {
    "dataURI": ("U",),
    "obs_collection": ("U",),
    "obs_id": ("U",),
    "size": ("i8", "byte"),
    "positions": ("i8",),
    "reason": ("U",),
}
# The lists in ``meta`` of positions without a source, and the message that counts them.
_LISTS = ("outside", "nocat", "unmatched", "failed")
_MISSING = (
    "Positions without an observation: {}; without a readable catalog: {}; without a source within the "
    "radius: {}; failed: {}."
)


@dataclass(frozen=True)
class Coverage:
    """Which observations cover which positions, and their catalogs."""

    positions: Positions
    # Pairs of a position (its row) and an observation that covers it.
    rows: RowNumbers
    obsids: Any
    failed: list[str]
    # Rows of positions that no observation covers.
    outside: list[int]
    # Whether the sky coverage of the requested collections is known.
    known: bool = True
    products: Table = field(default_factory=Table)
    catalogs: list[SourceCatalog] = field(default_factory=list)

    def by(self, catalogs: Iterable[SourceCatalog]) -> RowNumbers:
        """Return the rows covered by the observations of some catalogs."""
        obsids = {obsid for catalog in catalogs for obsid in catalog.obsids}
        return np.unique(self.rows[np.isin(self.obsids, list(obsids))]) if obsids else np.arange(0)


def nowhere(positions: Positions) -> Coverage:
    """Return an empty coverage, for collections whose sky coverage is unknown."""
    return Coverage(positions, np.arange(0), np.array([], dtype=str), positions.failures(), [], known=False)


def covered_by(positions: Positions, found: Sequence[Table]) -> Coverage:
    """Return the coverage by observations, from the results for several collections."""
    rows = np.concatenate([np.asarray(each["input_row"], dtype=np.int64) for each in found])
    obsids = np.concatenate([np.array(plain_cells(each["obsid"]), dtype=str) for each in found])
    failed = list(dict.fromkeys(chain.from_iterable(each.meta["failed"] for each in found)))
    outside = set.intersection(*(set(each.meta["nomatch"]) for each in found))
    return Coverage(positions, rows, obsids, failed, sorted(outside))


@dataclass(frozen=True)
class CatalogDetections:
    """The sources in one catalog that match positions."""

    sources: Table
    inputs: RowNumbers
    separation: Floats
    collection: str
    obs_id: str | None = None
    uri: str | None = None

    def __len__(self) -> int:
        """Return the number of matches."""
        return len(self.inputs)


# -- tables of matches -------------------------------------------------------------------------------------------------


def join_detections(found: Sequence[CatalogDetections], *, best: bool) -> Table:
    """Return one table of the matches in all catalogs, sorted by position and separation."""
    parts = [each for each in found if len(each)]
    sources = [each.sources for each in parts]
    with_common_units(sources)
    counts = list(map(len, parts))
    inputs = np.concatenate([np.arange(0), *(each.inputs for each in parts)])
    away = np.concatenate([np.empty(0), *(each.separation for each in parts)])
    order = np.lexsort((away, inputs))
    matches = Matches(order, inputs[order], away[order])
    if best:
        matches = nearest_of(matches)
    part = np.repeat(np.arange(len(parts)), counts)[matches.rows]
    values = {
        name: _values_of_matches([getattr(each, name) for each in parts], part)
        for name in ("collection", "obs_id", "uri")
    }
    return with_leading_columns(
        stack_tables(sources),
        matches.rows,
        {
            "input_row": (matches.inputs, None, "Row number of the input position"),
            "separation": (matches.separation, u.arcsec, "Angle between the position and the source"),
            "obs_collection": (values["collection"], None, "Collection that the catalog belongs to"),
            "obs_id": (values["obs_id"], None, "Observation that detected the source"),
            "dataURI": (values["uri"], None, "Catalog that contains the source"),
        },
    )


def _values_of_matches(values: Sequence[str | None], part: RowNumbers) -> Any:
    """Return the value of the catalog of each match, masked if the catalog has no value."""
    texts = np.array([value or "" for value in values], dtype=str)[part] if len(values) else np.array([], dtype="U1")
    absent = np.array([value is None for value in values], dtype=bool)[part] if len(values) else False
    return np.ma.MaskedArray(texts, mask=absent)


def note_coverage(
    table: Table,
    coverage: Coverage,
    read: Sequence[SourceCatalog],
    skipped: Mapping[str, str],
    hints: Sequence[str] = (),
) -> None:
    """Record in a table's ``meta`` what is missing and why, and warn about it."""
    matched = np.unique(table["input_row"])
    outside = np.setdiff1d(coverage.outside, matched)
    covered = coverage.by(read) if coverage.known else coverage.positions.known
    without = np.setdiff1d(coverage.rows, [*covered, *matched])
    table.meta = TargetMeta(
        rows=[len(table)],
        catalogs=[catalog.uri for catalog in read],
        skipped=[f"{uri}: {why}" for uri, why in skipped.items()],
        outside=outside.tolist(),
        nocat=without.tolist(),
    )
    table.meta.note(failed=coverage.failed, unmatched=np.setdiff1d(covered, matched).tolist())
    _warn_of_skipped(skipped, len(coverage.catalogs))
    if not len(table):
        warn_no_results([_MISSING.format(*(len(table.meta[name]) for name in _LISTS)), *hints])


def _warn_of_skipped(skipped: Mapping[str, str], number: int) -> None:
    """Warn once about the catalogs that were not read."""
    if skipped:
        exclusive = sum(why == NOT_READABLE for why in skipped.values())
        shown = "; ".join(f"{uri}: {why}" for uri, why in list(skipped.items())[:_SHOWN])
        more = "; ..." if len(skipped) > _SHOWN else ""
        message = f"{len(skipped)} of {number} catalogs were not read ({exclusive} of them are exclusive), "
        category = AuthenticationWarning if exclusive else InputWarning
        warn_user(f"{message}see meta['skipped']: {shown}{more}", category)


def table_of_catalogs(coverage: Coverage, skipped: Mapping[str, str]) -> Table:
    """Return a table of the catalogs that would be read."""
    rows = [
        (each.uri, each.collection, each.obs_id, each.size, len(coverage.by([each])), skipped.get(each.uri))
        for each in coverage.catalogs
    ]
    cells = list(zip(*rows, strict=True)) or [()] * len(_PLAN)
    table = ResultTable(
        {name: masked_column(values, *kind) for (name, kind), values in zip(_PLAN.items(), cells, strict=True)}
    )
    wanted = np.ma.getmaskarray(table["reason"])
    table.add_column(np.where(wanted, "read", "skip"), index=len(_PLAN) - 1, name="action")
    sizes = table["size"][wanted]
    unknown = int(np.ma.getmaskarray(sizes).sum())
    known = int(np.ma.filled(sizes, 0).sum())
    table.meta = {
        "total_bytes": known,
        "unknown_sizes": unknown,
        "outside": coverage.outside,
        "failed": coverage.failed,
    }
    return table
