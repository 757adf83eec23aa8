"""Sources detected at many positions, from the source catalogs of the observations that cover them.

In: positions, and criteria for the observations.  Out: one table of matches that names the catalog of each, or a table
of the catalogs that would be read.  Each catalog is read once, several at a time, and only its matches are kept.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from astropy.io import fits
from astropy.table import Row, Table
from astroquery import log

from ...downloads.download import DownloadRequest
from ...downloads.product_flow import Downloads, ProductFlow
from ...exceptions import DownloadError, InvalidArgumentError, LoginError, MastError, QueryTimeoutError
from ...products.manifest import Status
from ...products.plan import EXCLUSIVE
from ...query.known_catalogs import find_crossmatch
from ...query.values import is_integer
from ...service.mast_service import CallOptions, MastService
from ...service.parallel import JobFailure, RunOptions, SharedState, UnfinishedError, progress_bar, run
from ...service.retrying import Deadline
from ...sky.position import as_radius
from ...sky.positions import Positions
from ...tables.mashup import reading
from ...targets.crossmatch import CrossmatchSearch
from ...targets.targets import ManyTargets
from ..many import ManyObservations
from ..search import CAOM_CONE, CAOM_PRODUCTS, ObservationSearch, Place, QueryArguments
from .source_catalogs import SourceCatalog, as_plain_table, catalogs_in, matching_sources
from .tables import (
    NOT_READABLE,
    CatalogDetections,
    Coverage,
    covered_by,
    join_detections,
    note_coverage,
    nowhere,
    table_of_catalogs,
)

HUBBLE_CATALOG = "HSC"
_NEEDED = ("obsid", "obs_collection")
# Which observations of a collection have source catalogs.
_WITH_CATALOGS: Mapping[str, Mapping[str, Any]] = {
    "JWST": {"dataproduct_type": "image", "calib_level": [3, 4]},
    "HST": {"dataproduct_type": "image", "calib_level": [3, 4], "project": "HAP"},
}


def _as_spelled(name: Any) -> Any:
    """Return the name of a collection as MAST spells it, if it is known here."""
    known = {*_WITH_CATALOGS, HUBBLE_CATALOG, "HLSP"}
    return name.strip().upper() if isinstance(name, str) and name.strip().upper() in known else name


@dataclass(frozen=True)
class DetectionQuery:
    """A query as the user wrote it; the fields are parameters of ``crossmatch_detections``."""

    table: Any
    radius: Any
    obs_collection: str | Iterable[str] = "JWST"
    criteria: Mapping[str, Any] | None = None
    best: bool = False
    max_size: int | None = None
    download_dir: str | os.PathLike[str] | None = None
    columns: Mapping[str, str | None] | None = None

    def __post_init__(self) -> None:
        """Raise if an argument is not valid."""
        if self.max_size is not None and not is_integer(self.max_size, 1):
            raise InvalidArgumentError(f"max_size must be a number of bytes, or None, got {self.max_size!r}.")
        if not self.collections or not all(isinstance(name, str) and name.strip() for name in self.collections):
            raise InvalidArgumentError(f"obs_collection must be one or more names, got {self.obs_collection!r}.")
        as_radius(self.radius)

    @property
    def collections(self) -> list[str]:
        """The requested collections, without duplicates."""
        given = [self.obs_collection] if isinstance(self.obs_collection, str) else self.obs_collection
        return list(dict.fromkeys(map(_as_spelled, given))) if isinstance(given, Iterable) else []

    def criteria_for(self, collection: str) -> dict[str, Any]:
        """Return the criteria for the observations of a collection."""
        return {"obs_collection": collection, **_WITH_CATALOGS.get(collection, {}), **(self.criteria or {})}

    @property
    def degrees(self) -> float:
        """The radius in degrees."""
        return float(as_radius(self.radius).deg)


class DetectionSearch:
    """Matches positions with the sources in catalogs."""

    def __init__(self, service: MastService, flow: ProductFlow, read_product: Callable[[str | Row], Any]) -> None:
        self._service = service
        self._flow = flow
        self._read_product = read_product
        self._search = ObservationSearch(service)

    def plan(self, query: DetectionQuery, options: RunOptions) -> Table:
        """Return a table of the catalogs that would be read."""
        coverage = self._coverage(query, options, options.deadline())
        _, skipped = self._divided(coverage.catalogs, query)
        return table_of_catalogs(coverage, skipped)

    def table(self, query: DetectionQuery, options: RunOptions) -> Table:
        """Return the matches; warn if there are no matches, or if catalogs were not read."""
        deadline = options.deadline()
        coverage = self._coverage(query, options, deadline)
        chosen, skipped = self._divided(coverage.catalogs, query)
        files, failed = self._downloaded(chosen, coverage.products, query, options.until(deadline))
        skipped |= failed
        left = [catalog for catalog in chosen if catalog.uri not in skipped]
        found, failed = self._read(left, files, coverage.positions, query.degrees, options.until(deadline))
        skipped |= failed
        read = [catalog for catalog in left if catalog.uri not in skipped]
        if HUBBLE_CATALOG in query.collections:
            found.append(self._in_hubble_catalog(coverage.positions, query, options.until(deadline)))
        table = join_detections(found, best=query.best)
        hints = [] if len(table) or len(coverage.rows) else self._hints(query)
        note_coverage(table, coverage, read, skipped, hints)
        if options.verbose:
            counts = len(table), len(coverage.positions), len(table.meta["outside"]), len(read), deadline.elapsed()
            log.info("%d detections at %d positions (%d are not covered), in %d catalogs, in %.1f s.", *counts)
        return table

    # -- choice of catalogs --------------------------------------------------------------------------------------------

    def _coverage(self, query: DetectionQuery, options: RunOptions, deadline: Deadline) -> Coverage:
        """Query the observations that cover the positions, and their products."""
        positions = ManyTargets(self._service).positions(query.table, None, None, deadline, **(query.columns or {}))
        positions = replace(positions, names={})
        collections = [name for name in query.collections if name != HUBBLE_CATALOG]
        if not collections:
            return nowhere(positions)
        found = [self._observations(name, positions, query, options, deadline) for name in collections]
        with reading(CAOM_CONE):
            covered = covered_by(positions, found)
        if not len(covered.rows):
            return covered
        products = self._flow.listed(Table({"obsid": np.unique(covered.obsids)}), False, deadline)
        with reading(CAOM_PRODUCTS):
            return replace(covered, products=products, catalogs=catalogs_in(products))

    def _observations(
        self, collection: str, positions: Positions, query: DetectionQuery, options: RunOptions, deadline: Deadline
    ) -> Table:
        """Return the observations of a collection that cover positions, one row per pair."""
        place = Place(positions, None, query.radius)
        arguments = QueryArguments(place, query.criteria_for(collection), columns=_NEEDED)
        timeout = None if options.timeout is None else max(deadline.remaining(), 1e-3)
        call = CallOptions(timeout=timeout, max_workers=options.max_workers)
        return ManyObservations(self._service, self._search).covering(arguments, call)

    def _hints(self, query: DetectionQuery) -> list[str]:
        """Return which criteria match no observation anywhere; each criterion is checked by itself."""
        given = [("obs_collection", name) for name in query.collections] + list((query.criteria or {}).items())
        queries = (self._search.query_anywhere(QueryArguments(Place(), {name: value})) for name, value in given)
        return [hint for query in queries for hint in self._search.hints(query.criteria)]

    def _divided(
        self, catalogs: Sequence[SourceCatalog], query: DetectionQuery
    ) -> tuple[list[SourceCatalog], dict[str, str]]:
        """Return the catalogs to read, and why the others are skipped."""
        exclusive = any(catalog.rights == EXCLUSIVE for catalog in catalogs)
        login = exclusive and Downloads(self._service).log_in_by_environment()
        may_read = login or self._service.login.accepted
        reasons = {catalog.uri: _why_skipped(catalog, query.max_size, may_read=may_read) for catalog in catalogs}
        skipped = {uri: reason for uri, reason in reasons.items() if reason is not None}
        return [catalog for catalog in catalogs if catalog.uri not in skipped], skipped

    # -- reading catalogs ----------------------------------------------------------------------------------------------

    def _downloaded(
        self, catalogs: Sequence[SourceCatalog], products: Table, query: DetectionQuery, options: RunOptions
    ) -> tuple[dict[str, Row], dict[str, str]]:
        """Download catalogs if a folder is given; return their manifest rows, and why the others failed."""
        if query.download_dir is None or not catalogs:
            return {}, {}
        wanted = products[[catalog.row for catalog in catalogs]]
        request = DownloadRequest(query.download_dir)
        manifest = self._flow.download_products(wanted, request, replace(options, on_error="ignore"), {})
        files, failed = _by_outcome(manifest)
        if failed and not files:
            why = next(iter(failed.values()))
            raise DownloadError(f"None of {len(failed)} catalogs could be downloaded. First error: {why}", manifest)
        return files, failed

    def _read(
        self,
        catalogs: Sequence[SourceCatalog],
        files: Mapping[str, Row],
        positions: Positions,
        radius: float,
        options: RunOptions,
    ) -> tuple[list[CatalogDetections], dict[str, str]]:
        """Read several catalogs at a time; return the matches in each, and why others were not read."""
        deadline = options.deadline()
        work = partial(self._matches, files=files, positions=positions, radius=radius)
        found: list[CatalogDetections] = []
        errors: dict[str, MastError] = {}
        with (
            progress_bar(len(catalogs), "Reading", "catalog", shown=options.verbose) as bar,
            closing(run(catalogs, work, options, SharedState(deadline), ordered=True)) as outcomes,
        ):
            for job, outcome in outcomes:
                bar.update(1)
                if isinstance(outcome, JobFailure):
                    errors[job.item.uri] = _why(outcome.error, deadline)
                else:
                    found.append(outcome)
        if errors and not found and not any(isinstance(error, LoginError) for error in errors.values()):
            raise next(iter(errors.values()))
        return found, {uri: NOT_READABLE if isinstance(err, LoginError) else str(err) for uri, err in errors.items()}

    def _matches(
        self, catalog: SourceCatalog, *, files: Mapping[str, Row], positions: Positions, radius: float
    ) -> CatalogDetections:
        """Read a catalog and return its sources that match positions."""
        content = self._read_product(files.get(catalog.uri, catalog.uri))
        try:
            with reading(catalog.uri):
                sources, inputs, away = matching_sources(content, catalog.uri, positions, radius)
        finally:
            if isinstance(content, fits.HDUList):
                content.close()
        return CatalogDetections(sources, inputs, away, catalog.collection, catalog.obs_id, catalog.uri)

    def _in_hubble_catalog(self, positions: Positions, query: DetectionQuery, options: RunOptions) -> CatalogDetections:
        """Return the matches in the Hubble Source Catalog, which MAST crossmatches itself."""
        crossmatch = find_crossmatch(HUBBLE_CATALOG)
        search = CrossmatchSearch(self._service)
        table = search.table(
            *(positions, (crossmatch, *crossmatch.service({})), query.radius, replace(options, verbose=False)),
            best=False,
            columns={},
            chunk_size=None,
            cache=None,
            payload=False,
        )
        assert isinstance(table, Table)
        inputs, away = np.asarray(table["input_row"], dtype=np.int64), np.asarray(table["separation"].filled(np.nan))
        table.remove_columns(["input_row", "separation"])
        return CatalogDetections(as_plain_table(table), inputs, away, HUBBLE_CATALOG)


def _by_outcome(manifest: Table | None) -> tuple[dict[str, Row], dict[str, str]]:
    """Return the manifest rows of complete files, and why the others failed."""
    files, failed = {}, {}
    for row in () if manifest is None else manifest:
        if row["Status"] == str(Status.COMPLETE):
            files[str(row["dataURI"])] = row
        else:
            failed[str(row["dataURI"])] = str(row["Message"])
    return files, failed


def _why_skipped(catalog: SourceCatalog, most: int | None, *, may_read: bool) -> str | None:
    """Return why a catalog is not to be read; None if it is."""
    if catalog.rights == EXCLUSIVE and not may_read:
        return NOT_READABLE
    if most is not None and catalog.size is not None and catalog.size > most:
        return f"{catalog.size} bytes exceed max_size"
    return None


def _why(error: Exception, deadline: Deadline) -> MastError:
    """Return why a catalog was not read; errors that are not a `MastError` are raised, since they are bugs."""
    if isinstance(error, UnfinishedError):
        return QueryTimeoutError(f"Timed out after {deadline.seconds:g} s, before this catalog was read.")
    if not isinstance(error, MastError):
        raise error
    return error
