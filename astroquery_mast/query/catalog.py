"""The catalogues that MAST cross-matches, and the services that do it.

In: what the user calls a catalogue.  Out: the name of a Mashup service, and that under which its columns are known.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np

from ..exceptions import InvalidArgumentError
from ..tables.names import no_such

__all__ = ["CROSSMATCHES", "OBSERVATIONS", "Crossmatch", "as_version", "find_crossmatch"]


@dataclass(frozen=True)
class Crossmatch:
    """A catalogue that positions are matched with."""

    name: str
    services: Mapping[int, str]
    choice: str = ""
    columns_ids: Mapping[int, str] = field(default_factory=dict)
    extended: bool = False

    def service(self, options: Mapping[str, Any]) -> tuple[str, str]:
        """Return the service, and the name under which its columns are known."""
        for name, value in options.items():
            if value is not None and name != self.choice:
                raise InvalidArgumentError(f"{name}={value!r}: the cross-match with {self.name} has no {name}.")
        chosen: Any = as_version(options.get(self.choice))
        key: Any = list(self.services)[-1] if chosen is None else chosen
        if key not in self.services:
            known = ", ".join(map(str, sorted(self.services)))
            raise InvalidArgumentError(f"{self.choice}={chosen!r}: the cross-match with {self.name} has {known}.")
        return self.services[key], self.columns_ids.get(key, self.services[key])


def as_version(given: Any) -> Any:
    """Return the number of a version, which may be written as text; what is none is returned as text, to be refused."""
    if isinstance(given, str) and given.strip().isdecimal():
        return int(given)
    return repr(given) if isinstance(given, bool | np.bool_) else given


def _gaia(name: str, releases: tuple[int, ...]) -> Crossmatch:
    return Crossmatch(
        name,
        {number: f"Mast.GaiaDR{number}.Crossmatch" for number in releases},
        "version" if len(releases) > 1 else "",
        {number: f"Mast.Catalogs.GaiaDR{number}.Cone" for number in releases},
    )


_TESS = {0: "Mast.Catalogs.Tess.Cone"}

CROSSMATCHES: Mapping[str, Crossmatch] = MappingProxyType(
    {
        "tic": Crossmatch("TIC", {0: "Mast.Tic.Crossmatch"}, columns_ids=_TESS),
        "ctl": Crossmatch("CTL", {0: "Mast.Ctl.Crossmatch"}, columns_ids=_TESS),
        "gaia": _gaia("Gaia", (1, 2, 3)),
        **{f"gaiadr{number}": _gaia(f"GaiaDR{number}", (number,)) for number in (1, 2, 3)},
        "tgas": Crossmatch("Tgas", {0: "Mast.Tgas.Crossmatch"}, columns_ids={0: "Mast.Catalogs.Tgas.Cone"}),
        "hsc": Crossmatch(
            "HSC",
            {2: "Mast.Hsc.Crossmatch.MagAutov3", 1: "Mast.Hsc.Crossmatch.MagAper2v3"},
            "magtype",
            dict.fromkeys((1, 2), "Mast.Hsc.Db.v3"),
        ),
        "galex": Crossmatch("GALEX", {0: "Mast.Galex.Crossmatch"}, columns_ids={0: "Mast.Galex.Catalog"}),
        "sdss": Crossmatch("SDSS", {0: "Mast.Sdss.Crossmatch"}),
        "2mass": Crossmatch("2MASS", {0: "Mast.2Mass.Crossmatch"}),
    }
)
"""Name in lower case → catalogue."""

OBSERVATIONS = Crossmatch(
    "the observations", {0: "Mast.Caom.Crossmatch"}, columns_ids={0: "Mast.Caom.Cone"}, extended=True
)
"""The footprints of all observations."""


def find_crossmatch(catalog: Any) -> Crossmatch:
    """Return the cross-match of a name."""
    name = catalog.strip() if isinstance(catalog, str) else ""
    key = name.lower().replace("-", "").replace(" ", "")
    if key in CROSSMATCHES:
        return CROSSMATCHES[key]
    if key.startswith("mast.") and ".crossmatch" in key:
        for known in (*CROSSMATCHES.values(), OBSERVATIONS):
            for number, service in known.services.items():
                if service.lower() == name.lower():
                    ids = {number: known.columns_ids.get(number, service)}
                    return Crossmatch(known.name, {number: service}, "", ids, known.extended)
        return Crossmatch(name, {0: name})
    shown = [known.name for known in CROSSMATCHES.values()]
    raise no_such(f"catalog={catalog!r} cannot be cross-matched.", name, shown)
