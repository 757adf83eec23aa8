"""The clients that take the place of those of ``astroquery.mast``: this package's, with private names in real use.

In: nothing.  Out: classes and ready-made objects under their public names.  They are subclasses, so that the clients of
this package stay without those names; all share one login.
"""

from __future__ import annotations

from ..catalogs import client as catalogs
from ..cutouts import client as cutouts
from ..downloads.client import DownloadMethods
from ..missions import client as missions
from ..observations import client as observations
from ..observations import search
from .private_names import ParseResultMixin, UnavailableCloud

__all__ = [
    "Catalogs",
    "CatalogsClass",
    "Hapcut",
    "HapcutClass",
    "Mast",
    "MastClass",
    "MastMissions",
    "MastMissionsClass",
    "Observations",
    "ObservationsClass",
    "Tesscut",
    "TesscutClass",
    "Zcut",
    "ZcutClass",
]


class MastClass(UnavailableCloud, ParseResultMixin, DownloadMethods):
    """`astroquery_mast.MastClass` with private names of ``astroquery.mast``."""


class ObservationsClass(ParseResultMixin, observations.ObservationsClass):
    """`astroquery_mast.ObservationsClass` with private names of ``astroquery.mast``."""

    _caom_all = search.CAOM_VALUES
    _caom_cone = search.CAOM_CONE
    _caom_filtered = search.CAOM_FILTERED
    _caom_filtered_position = search.CAOM_FILTERED_POSITION
    _caom_products = search.CAOM_PRODUCTS


class CatalogsClass(UnavailableCloud, catalogs.CatalogsClass):
    """`astroquery_mast.CatalogsClass` with private names of ``astroquery.mast``."""


class MastMissionsClass(UnavailableCloud, missions.MastMissionsClass):
    """`astroquery_mast.MastMissionsClass` with private names of ``astroquery.mast``."""


class TesscutClass(UnavailableCloud, cutouts.TesscutClass, DownloadMethods):
    """`astroquery_mast.TesscutClass` with private names of ``astroquery.mast``."""


class ZcutClass(UnavailableCloud, cutouts.ZcutClass, DownloadMethods):
    """`astroquery_mast.ZcutClass` with private names of ``astroquery.mast``."""


class HapcutClass(UnavailableCloud, cutouts.HapcutClass, DownloadMethods):
    """`astroquery_mast.HapcutClass` with private names of ``astroquery.mast``."""


Mast = MastClass()
Observations = ObservationsClass()
Catalogs = CatalogsClass()
MastMissions = MastMissionsClass()
Tesscut = TesscutClass()
Zcut = ZcutClass()
Hapcut = HapcutClass()
