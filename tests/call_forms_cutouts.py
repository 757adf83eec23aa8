"""Cutout calls from the documentation of ``astroquery.mast`` (mast_cut.rst), with other targets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import astropy.units as u
from astropy.coordinates import SkyCoord
from astropy.utils.exceptions import AstropyDeprecationWarning
from astroquery.exceptions import InvalidQueryError
from call_forms_checks import OLD_NAME, Form, cutouts, equals, fetched, form, holds, opens, rising, table

STAR = SkyCoord(107.18696, -70.50919, unit="deg")
DEEP = SkyCoord(189.49206, 62.20615, unit="deg")
GALAXY = SkyCoord(202.469575, 47.195258, unit="deg")
SURVEY = "candels_gn_30mas"
# ``product`` is accepted with a warning; its only value is SPOC.
NO_TICA = (InvalidQueryError, "Input product must be SPOC")
PRODUCT = (AstropyDeprecationWarning, "TICA")
SECTORS = ("sectorName", "sector", "camera", "ccd")


def _jpegs(manifest: Any) -> None:
    assert all(Path(path).read_bytes().startswith(b"\xff\xd8") for path in manifest["Local Path"])


def _shapes(count: int, shape: tuple[int, int]) -> Any:
    """Check that the FITS files of a manifest have cutouts of a shape."""
    from astropy.io import fits

    def check(manifest: Any) -> None:
        assert len(manifest) >= count
        for path in manifest["Local Path"]:
            with fits.open(path) as opened:
                assert opened[1].data.shape == shape

    return check


CUTOUTS: dict[str, Form] = {
    "Tesscut.get_cutouts, all sectors": form(
        lambda m: m.Tesscut.get_cutouts(coordinates=STAR), cutouts(range(2, 100), (5, 5))
    ),
    "Tesscut.get_cutouts, sector": form(
        lambda m: m.Tesscut.get_cutouts(coordinates=STAR, sector=9),
        cutouts(1, (5, 5)),
        holds(lambda found: [hdu.name for hdu in found[0]] == ["PRIMARY", "PIXELS", "APERTURE"]),
        holds(lambda found: found[0][0].header["SECTOR"] == 9),
    ),
    "Tesscut.get_cutouts, size": form(
        lambda m: m.Tesscut.get_cutouts(coordinates=STAR, size=5, sector=9), cutouts(1, (5, 5))
    ),
    "Tesscut.get_cutouts, tica": form(
        lambda m: m.Tesscut.get_cutouts(coordinates=STAR, product="tica", sector=28), raises=NO_TICA, warns=PRODUCT
    ),
    "Tesscut.get_cutouts, objectname": form(
        lambda m: m.Tesscut.get_cutouts(objectname="TIC 261136679", sector=4), cutouts(1, (5, 5)), warns=OLD_NAME
    ),
    "Tesscut.get_cutouts, objectname, size": form(
        lambda m: m.Tesscut.get_cutouts(objectname="TIC 261136679", size=5),
        cutouts(range(2, 100), (5, 5)),
        warns=OLD_NAME,
    ),
    "Tesscut.get_cutouts, moving target": form(
        lambda m: m.Tesscut.get_cutouts(objectname="Eleonora", moving_target=True, sector=6),
        cutouts(1, (5, 5)),
        holds(lambda found: found[0][0].header["SECTOR"] == 6),
        warns=OLD_NAME,
    ),
    "Tesscut.get_cutouts, moving target, size": form(
        lambda m: m.Tesscut.get_cutouts(objectname="Eleonora", moving_target=True, size=5, sector=6),
        cutouts(1, (5, 5)),
        warns=OLD_NAME,
    ),
    "Tesscut.get_cutouts, moving target, tica": form(
        lambda m: m.Tesscut.get_cutouts(objectname="Eleonora", product="tica", moving_target=True, sector=6),
        raises=NO_TICA,
        warns=(OLD_NAME, PRODUCT),
    ),
    "Tesscut.download_cutouts, angles": form(
        lambda m: m.Tesscut.download_cutouts(coordinates=STAR, size=[5, 7] * u.arcmin, sector=9),
        fetched(".", files=1),
        opens,
        holds(lambda found: Path(found["Local Path"][0]).name.startswith("tess-s0009-")),
    ),
    "Tesscut.download_cutouts, a square": form(
        lambda m: m.Tesscut.download_cutouts(coordinates=STAR, size=[5, 5] * u.arcmin, sector=9),
        fetched(".", files=1),
        opens,
    ),
    "Tesscut.download_cutouts, tica": form(
        lambda m: m.Tesscut.download_cutouts(coordinates=STAR, product="tica", size=[5, 7] * u.arcmin, sector=27),
        raises=NO_TICA,
        warns=PRODUCT,
    ),
    "Tesscut.get_sectors": form(lambda m: m.Tesscut.get_sectors(coordinates=STAR), table(*SECTORS), rising("sector")),
    "Tesscut.get_sectors, tica": form(
        lambda m: m.Tesscut.get_sectors(coordinates=STAR, product="tica"), raises=NO_TICA, warns=PRODUCT
    ),
    "Tesscut.get_sectors, objectname": form(
        lambda m: m.Tesscut.get_sectors(objectname="TIC 261136679"), table(*SECTORS), warns=OLD_NAME
    ),
    "Tesscut.get_sectors, moving target": form(
        lambda m: m.Tesscut.get_sectors(objectname="Ceres", moving_target=True), table(*SECTORS), warns=OLD_NAME
    ),
    "Zcut.get_cutouts, size": form(
        lambda m: m.Zcut.get_cutouts(coordinates=DEEP, size=5),
        cutouts(range(2, 10), (5, 5)),
        holds(lambda found: [hdu.name for hdu in found[0]][:2] == ["PRIMARY", "CUTOUT"]),
    ),
    "Zcut.get_cutouts, survey": form(lambda m: m.Zcut.get_cutouts(coordinates=DEEP, survey=SURVEY), cutouts(1, (5, 5))),
    "Zcut.download_cutouts, units": form(
        lambda m: m.Zcut.download_cutouts(coordinates=DEEP, size=[20, 30], units="px"),
        fetched(".", files=range(2, 10)),
        opens,
        _shapes(2, (20, 30)),
    ),
    "Zcut.download_cutouts, survey": form(
        lambda m: m.Zcut.download_cutouts(coordinates=DEEP, size=[5, 10], units="px", survey=SURVEY),
        fetched(".", files=1),
        _shapes(1, (5, 10)),
    ),
    "Zcut.download_cutouts, pictures": form(
        lambda m: m.Zcut.download_cutouts(
            coordinates=DEEP, size=[5, 10], units="px", survey=SURVEY, cutout_format="jpg"
        ),
        fetched("."),
        _jpegs,
    ),
    "Zcut.download_cutouts, units of another size": form(
        lambda m: m.Zcut.download_cutouts(coordinates=DEEP, size=[5, 10] * u.arcsec, units="px"),
        raises=(InvalidQueryError, "units='px' does not match the units of size"),
    ),
    "Zcut.download_cutouts, form": form(
        lambda m: m.Zcut.download_cutouts(coordinates=DEEP, size=[20, 30], units="px", form="jpg"),
        raises=(InvalidQueryError, "Did you mean 'cutout_format'"),
    ),
    "Zcut.get_surveys": form(
        lambda m: m.Zcut.get_surveys(coordinates=DEEP),
        equals(["candels_gn_60mas", "candels_gn_30mas", "goods_north"]),
    ),
    "Hapcut.get_cutouts": form(
        lambda m: m.Hapcut.get_cutouts(coordinates=GALAXY, size=5),
        cutouts(range(1, 50), (5, 5)),
        holds(lambda found: [hdu.name for hdu in found[0]] == ["PRIMARY", "SCI", "WHT"]),
    ),
    "Hapcut.download_cutouts": form(
        lambda m: m.Hapcut.download_cutouts(coordinates=GALAXY, size=[50, 100]),
        fetched("."),
        _shapes(1, (50, 100)),
        holds(lambda found: all(Path(path).name.startswith("hst_cutout_") for path in found["Local Path"])),
    ),
}
