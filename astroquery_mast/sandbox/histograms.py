"""How often each value occurs in each column: ``Mast.Caom.All``, from which clients read the list of missions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING

from .archive import COLUMNS_CONFIG, OBSERVATION_COLUMNS
from .dataset import Dataset

if TYPE_CHECKING:
    from .archive import Archive

__all__ = ["caom_all"]

#: The columns with few enough values for a list, and those binned; the others carry no histogram.
DISCRETE = (
    "intentType",
    "obs_collection",
    "provenance_name",
    "instrument_name",
    "project",
    "filters",
    "wavelength_region",
    "dataproduct_type",
    "calib_level",
    "proposal_type",
    "dataRights",
    "sequence_number",
)
BINNED = ("t_min", "t_max", "t_exptime", "em_min", "em_max", "t_obs_release")
BINS = 20


def caom_all(archive: Archive, params: Mapping[str, object]) -> Dataset:
    """Return no rows, but for every column its portal properties and the distribution of its values."""
    config = COLUMNS_CONFIG["Mast.Caom.Cone"]
    columns = tuple((name, kind) for name, kind in OBSERVATION_COLUMNS if name in (*DISCRETE, *BINNED))
    return Dataset(columns, histograms={name: _properties(archive, name, config.get(name, {})) for name, _ in columns})


def _properties(archive: Archive, name: str, config: Mapping[str, object]) -> dict[str, object]:
    histogram = _discrete(archive, name, config) if name in DISCRETE else _binned(archive, name)
    labelled = {key if key.startswith("vot.") else f"cc.{key}": value for key, value in config.items()}
    return {"histObj": histogram, **labelled}


def _discrete(archive: Archive, name: str, config: Mapping[str, object]) -> dict[str, object]:
    separator = config.get("separator")
    counts: Counter[str] = Counter()
    sql = f'SELECT "{name}" AS value, COUNT(*) AS count FROM observation WHERE value IS NOT NULL GROUP BY 1'
    for row in archive.query(sql):
        value = str(row["value"])
        for token in value.split(separator) if isinstance(separator, str) else (value,):
            counts[token] += int(str(row["count"]))
    entries = [{"count": count, "key": key} for key, count in sorted(counts.items())]
    return {"hist": entries, **{str(entry["key"]): entry for entry in entries}}


def _binned(archive: Archive, name: str) -> dict[str, object]:
    limits = archive.query(f'SELECT MIN("{name}") AS low, MAX("{name}") AS high FROM observation')[0]
    low, high = (0.0 if limits[end] is None else float(str(limits[end])) for end in ("low", "high"))
    width = (high - low) / BINS or 1.0
    counts = archive.query(
        f'SELECT MIN(CAST(("{name}" - ?) / ? AS INTEGER), ?) AS bin, COUNT(*) AS count FROM observation '
        f'WHERE "{name}" IS NOT NULL GROUP BY 1 ORDER BY 1',
        (low, width, BINS - 1),
    )
    entries = [{"key": low + width * int(str(row["bin"])), "count": row["count"]} for row in counts]
    return {"hist": {"hist": entries}, "min": low, "max": high, "type": "numeric"}
