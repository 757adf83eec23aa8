"""Where the metadata of catalogues' columns comes from: besides Mashup's there are those of Catalogs.MAST.

As everywhere the package's snapshot comes first, and the archive is asked when that is not enough.  For some catalogues
its configuration says nothing of types; which of their columns hold numbers is then told by histograms.
"""

from __future__ import annotations

from dataclasses import replace

from astroquery import log

from ..config import seconds_setting
from ..exceptions import InvalidResponseError, MastError
from ..query.request import MashupRequest
from ..service.columns import ColumnMetadata
from ..service.deadline import Deadline
from ..tables.columns import Columns, snapshot
from .answer import continuous_columns, read_metadata

__all__ = ["CatalogColumns"]

_PATIENCE = 20.0
# Configuration of columns without types → service whose histograms tell them.
_HISTOGRAMS = {
    "Mast.Catalogs.Tess.Cone": "Mast.Catalogs.All.Tic",
    "Mast.Catalogs.Dd.Cone": "Mast.Catalogs.All.DiskDetective",
}


class CatalogColumns(ColumnMetadata):
    """Gives the columns of catalogues, and remembers what the archive said; see `ColumnMetadata` for parameters.

    The columns of Catalogs.MAST have names such as ``panstarrs/dr2/mean``.
    """

    def refresh(self, config_id: str) -> Columns:
        """Ask the archive for the columns of a catalogue; see `ColumnMetadata.refresh`."""
        known = snapshot().get(config_id, {})
        if "/" in config_id:
            columns = self._metadata(config_id)
        else:
            columns = self._typed(config_id, super().refresh(config_id), known)
        # What the package knows has types and units that astropy reads.
        return self._remember(config_id, {**columns, **known})

    def _metadata(self, config_id: str) -> Columns:
        """The columns of a table of Catalogs.MAST."""
        service = f"The list of columns of {config_id}"
        url = f"{self._endpoints.catalogs}/{config_id}/metadata.json"
        response = self._wire.request("GET", url, deadline=self._limit(), service=service, attempts=1)
        return read_metadata(response.content, service)

    def _typed(self, config_id: str, columns: Columns, known: Columns) -> Columns:
        """The same columns, with numbers marked as such where nothing tells of what type they are."""
        untyped = [name for name, column in columns.items() if name not in known and not column.type_name]
        service = _HISTOGRAMS.get(config_id)
        if service is None or not untyped:
            return columns
        try:
            page = self._wire.page(MashupRequest(service, format="extjs"), self._limit()).page
            if page.document is None:
                raise InvalidResponseError(f"{service} sent no histograms.", service=service)
            numbers = continuous_columns(page.document, service)
        except MastError as err:
            log.debug("It is not known which columns of %s hold numbers: %s", config_id, err)
            return columns
        typed = {
            name: replace(columns[name], type_name="float", continuous=True) for name in untyped if name in numbers
        }
        return {**columns, **typed}

    @staticmethod
    def _limit() -> Deadline:
        """How long metadata may take."""
        return Deadline.start(min(_PATIENCE, seconds_setting("timeout")))

    def _key(self, config_id: str) -> tuple[str, str]:
        if "/" in config_id:
            return self._endpoints.catalogs_server, config_id
        return super()._key(config_id)
