"""A query's result before it is encoded: `Dataset`; and the refusal a service answers instead: `ServiceError`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from .archive.columns import Columns

__all__ = ["Columns", "Dataset", "ServiceError"]


class ServiceError(Exception):
    """A service cannot do what was asked; the text is what the archive would say.

    Raise it for anything wrong with the parameters. It becomes HTTP 200 with ``status: ERROR``, as MAST does it.
    """


@dataclass(frozen=True)
class Dataset:
    """Columns and rows of a result, or portal properties of columns (``histograms``) or of the table as a whole."""

    columns: Columns
    rows: Sequence[tuple[object, ...]] = ()
    histograms: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    properties: Mapping[str, object] = field(default_factory=dict)

    @property
    def names(self) -> list[str]:
        """The column names in order."""
        return [name for name, _ in self.columns]

    def without_empty_columns(self) -> Dataset:
        """Return the dataset without the columns that are null in every row."""
        kept = [i for i in range(len(self.columns)) if any(row[i] is not None for row in self.rows)]
        return Dataset(tuple(self.columns[i] for i in kept), [tuple(row[i] for i in kept) for row in self.rows])
