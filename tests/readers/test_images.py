"""Images as CCDData: pixels, unit, sky coordinates, mask and uncertainty for each mission."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy import units as u
from astropy.io import fits
from astropy.nddata import CCDData, StdDevUncertainty
from astropy.wcs import WCS, DistortionLookupTable
from astroquery import log
from hypothesis import given
from hypothesis import strategies as st

from astroquery_mast import MastMissions, Observations
from astroquery_mast.exceptions import CorruptDataWarning, InputWarning, InvalidArgumentError, InvalidResponseError
from astroquery_mast.readers import read_image
from astroquery_mast.sandbox import Sandbox

Array = Any
SHAPE = (4, 6)
PIXELS = np.arange(24, dtype=np.float32).reshape(SHAPE)


def sky_header(**cards: Any) -> fits.Header:
    """Return a header with sky coordinates and north up."""
    wcs = WCS(naxis=2)
    wcs.wcs.ctype, wcs.wcs.crval = ["RA---TAN", "DEC--TAN"], [150.0, 2.0]
    wcs.wcs.crpix, wcs.wcs.cdelt = [3.5, 2.5], [-1e-4, 1e-4]
    header = wcs.to_header()
    header.update(cards)
    return header


def exposure(telescope: str, *parts: tuple[str, int, Array], **cards: Any) -> fits.HDUList:
    """Return a file whose extensions have names, versions and pixels."""
    primary = fits.PrimaryHDU(header=fits.Header({"TELESCOP": telescope, "TARGNAME": "M51"}))
    images = [fits.ImageHDU(pixels, sky_header(**cards), name=name, ver=ver) for name, ver, pixels in parts]
    return fits.HDUList([primary, *images])


# -- missions ---------------------------------------------------------------------------------------------------------


def test_a_drizzled_image_is_masked_where_it_has_no_weight() -> None:
    """WHT sets the mask and not the uncertainty, and NaN is masked, too."""
    science, weight = PIXELS.copy(), np.full(SHAPE, 500.0)
    weight[0, 0], science[1, 1] = 0.0, np.nan
    context = np.ones(SHAPE, dtype=np.int32)
    file = exposure("HST", ("SCI", 1, science), ("WHT", 1, weight), ("CTX", 1, context), BUNIT="ELECTRONS/S")
    image = read_image(file)
    assert isinstance(image, CCDData)
    assert np.array_equal(image.data, science, equal_nan=True)
    assert image.unit == u.electron / u.s
    assert np.argwhere(image.mask).tolist() == [[0, 0], [1, 1]]
    assert image.uncertainty is None
    assert image.flags is None


def chips() -> fits.HDUList:
    """Return an exposure with two chips, as from ACS."""
    flags = np.zeros(SHAPE, dtype=np.int16)
    flags[0, :3] = [16, 4096, -32768]
    first = [("SCI", 1, PIXELS), ("ERR", 1, PIXELS / 10), ("DQ", 1, flags)]
    second = [("SCI", 2, PIXELS + 100), ("ERR", 2, PIXELS / 5), ("DQ", 2, flags[::-1].copy())]
    return exposure("HST", *first, *second, BUNIT="ELECTRONS")


def test_a_chip_has_its_own_errors_and_flags() -> None:
    """The first chip or the selected one is read, with the extensions that follow it in the file."""
    first, second = read_image(chips()), read_image(chips(), extension=("SCI", 2))
    assert first.unit == second.unit == u.electron
    assert np.array_equal(first.data, PIXELS)
    assert np.array_equal(second.data, PIXELS + 100)
    assert isinstance(second.uncertainty, StdDevUncertainty)
    assert np.array_equal(second.uncertainty.array, PIXELS / 5)
    assert second.uncertainty.unit == u.electron
    assert np.argwhere(first.mask).tolist() == [[0, 0], [0, 1], [0, 2]]
    assert np.argwhere(second.mask).tolist() == [[3, 0], [3, 1], [3, 2]]
    assert second.flags[3].tolist() == [16, 4096, -32768, 0, 0, 0]
    assert np.array_equal(read_image(chips(), extension=4).data, second.data)


def test_other_chips_are_logged() -> None:
    """A log message mentions other chips, unless a chip is selected."""
    with log.log_to_list() as said:
        read_image(chips())
    assert any("extension=('SCI', 2)" in record.getMessage() for record in said)
    with log.log_to_list() as said:
        read_image(chips(), extension=("SCI", 1))
        read_image(chips(), extension="SCI")
    assert not said


@pytest.mark.parametrize(
    ("flags", "masked"),
    [
        (0, []),
        (16, [0]),
        (32768, [2]),
        ("16, 4096", [0, 1]),
        ([16, 32768], [0, 2]),
        ("~4096", [0, 2]),
        (None, [0, 1, 2]),
    ],
)
def test_bits_can_be_selected(flags: Any, masked: list[int]) -> None:
    """Each selected bit of the data quality masks pixels, including the sign bit."""
    assert np.flatnonzero(read_image(chips(), flags=flags).mask[0]).tolist() == masked


@given(st.integers(-(2**15), 2**15 - 1), st.integers(0, 2**16 - 1))
def test_a_pixel_with_one_of_the_bits_is_masked(value: int, bits: int) -> None:
    """The bits are also correct for 16-bit numbers, which are signed in FITS."""
    quality = np.full(SHAPE, value, dtype=np.int16)
    file = exposure("HST", ("SCI", 1, PIXELS), ("DQ", 1, quality))
    assert read_image(file, flags=bits).mask.all() == bool((value % 2**16) & bits)


def test_jwst_masks_do_not_use() -> None:
    """Only DO_NOT_USE, the first bit, masks a pixel; a corrected jump (4) does not."""
    quality = np.zeros(SHAPE, dtype=np.uint32)
    quality[0, :3] = [4, 1, 5]
    file = exposure("JWST", ("SCI", 1, PIXELS), ("ERR", 1, PIXELS / 10), ("DQ", 1, quality), BUNIT="MJy/sr")
    image = read_image(file)
    assert image.unit == u.MJy / u.sr
    assert np.argwhere(image.mask).tolist() == [[0, 1], [0, 2]]
    assert read_image(file, flags=4).mask[0, :3].tolist() == [True, False, True]


def test_a_combined_jwst_image_has_errors_and_no_flags() -> None:
    """In i2d files, ERR is the uncertainty and WHT the mask; other extensions are ignored."""
    weight, error = np.ones(SHAPE, dtype=np.float32), PIXELS / 7
    weight[2, 3] = 0
    parts = [("SCI", 1, PIXELS), ("ERR", 1, error), ("CON", 1, PIXELS), ("WHT", 1, weight), ("VAR_POISSON", 1, PIXELS)]
    image = read_image(exposure("JWST", *parts, BUNIT="MJy/sr"))
    assert np.array_equal(image.uncertainty.array, error)
    assert np.argwhere(image.mask).tolist() == [[2, 3]]


def integrations() -> fits.HDUList:
    """Return a file with three integrations and world coordinates for two axes."""
    cube = np.stack([PIXELS, PIXELS + 100, PIXELS + 200])
    quality = np.zeros(cube.shape, dtype=np.uint32)
    quality[2, 0, 0] = 1
    return exposure("JWST", ("SCI", 1, cube), ("ERR", 1, cube / 10), ("DQ", 1, quality), BUNIT="DN/s")


def test_integrations_are_read_together_or_one_by_one() -> None:
    """A single integration has sky coordinates, and the cube, which has an additional axis, does not."""
    cube = read_image(integrations())
    assert cube.shape == (3, *SHAPE)
    assert cube.unit == u.DN / u.s
    assert cube.wcs is None
    for chosen in (2, -1, [2]):
        last = read_image(integrations(), plane=chosen)
        assert np.array_equal(last.data, PIXELS + 200)
        assert np.array_equal(last.uncertainty.array, (PIXELS + 200) / 10)
        assert np.argwhere(last.mask).tolist() == [[0, 0]]
        assert list(last.wcs.wcs.ctype) == ["RA---TAN", "DEC--TAN"]


def test_a_read_of_a_ramp_is_selected_by_two_numbers() -> None:
    """Integration and group select one image, and the integration alone selects all its groups."""
    ramp = np.arange(2 * 3 * 24, dtype=np.uint16).reshape(2, 3, *SHAPE)
    file = exposure("JWST", ("SCI", 1, ramp), BUNIT="DN")
    assert np.array_equal(read_image(file, plane=(1, 2)).data, ramp[1, 2])
    assert np.array_equal(read_image(file, plane=1).data, ramp[1])
    assert read_image(file).data.dtype == np.uint16


def test_a_spectral_cube_keeps_its_wavelengths() -> None:
    """The cube has world coordinates for all three axes, and a plane has sky coordinates."""
    axis = {"WCSAXES": 3, "CTYPE3": "WAVE", "CUNIT3": "m", "CRPIX3": 1.0, "CRVAL3": 2e-6, "CDELT3": 1e-9}
    cube = np.stack([PIXELS] * 5)
    file = exposure("JWST", ("SCI", 1, cube), BUNIT="MJy/sr", **axis)
    assert list(read_image(file).wcs.wcs.ctype) == ["RA---TAN", "DEC--TAN", "WAVE"]
    assert list(read_image(file, plane=4).wcs.wcs.ctype) == ["RA---TAN", "DEC--TAN"]


def test_a_tess_frame_has_its_uncertainty() -> None:
    """The extensions of TESS frames are found, although they are named after camera and CCD."""
    parts = [("CAMERA.CCD 1.1 cal", 1, PIXELS), ("CAMERA.CCD 1.1 uncert", 1, PIXELS / 9)]
    image = read_image(exposure("TESS", *parts, BUNIT="electrons/s"))
    assert image.unit == u.electron / u.s
    assert np.array_equal(image.uncertainty.array, PIXELS / 9)


def test_wfpc2_has_the_flags_in_a_separate_file(tmp_path: Path) -> None:
    """The flags of each chip are in the same extension of the c1m file."""
    flags = [np.zeros(SHAPE, dtype=np.int16) for _ in range(2)]
    flags[1][3, 3] = 2
    path = tmp_path / "u2ba0101t_c1m.fits"
    exposure("HST", ("SCI", 1, flags[0]), ("SCI", 2, flags[1])).writeto(path)
    file = exposure("HST", ("SCI", 1, PIXELS), ("SCI", 2, PIXELS), BUNIT="COUNTS")
    image = read_image(file, extension=("SCI", 2), quality=path)
    assert image.unit == u.ct
    assert np.argwhere(image.mask).tolist() == [[3, 3]]
    assert image.flags[3, 3] == 2
    assert not read_image(file, extension=("SCI", 1), quality=path).mask.any()


def test_constant_arrays_of_hst_are_read() -> None:
    """NPIX1, NPIX2 and PIXVALUE define constant flags, and constant errors of 0 mean that there are no errors."""
    file = exposure("HST", ("SCI", 1, PIXELS), ("ERR", 1, None), ("DQ", 1, None))
    for name, value in ("ERR", 0.0), ("DQ", 64):
        file[name].header.update(NPIX1=6, NPIX2=4, PIXVALUE=value)
    image = read_image(file)
    assert image.uncertainty is None
    assert image.mask.all()
    assert not read_image(file, flags=16).mask.any()


def test_an_image_in_the_primary_hdu_is_read(tmp_path: Path) -> None:
    """Files of GALEX, Pan-STARRS, DSS and many HLSPs are read, also with gzip, and with native byte order."""
    path = tmp_path / "AIS_100-fd-int.fits.gz"
    fits.PrimaryHDU(PIXELS, sky_header()).writeto(path)
    image = read_image(path)
    assert np.array_equal(image.data, PIXELS)
    assert image.data.dtype == np.dtype("=f4")
    assert image.unit == u.dimensionless_unscaled
    assert image.mask.tolist() == np.zeros(SHAPE).tolist()
    assert read_image(path, unit="ct / s").unit == u.ct / u.s


def test_a_compressed_image_is_read(tmp_path: Path) -> None:
    """Lossless tile compression, as in Pan-STARRS images, gives the same pixels."""
    path = tmp_path / "x.fits"
    numbers = np.arange(24, dtype=np.int16).reshape(SHAPE)
    fits.HDUList([fits.PrimaryHDU(), fits.CompImageHDU(numbers, sky_header())]).writeto(path)
    image = read_image(path)
    assert np.array_equal(image.data, numbers)
    assert image.wcs.has_celestial


# -- headers ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("ELECTRONS/S", u.electron / u.s),
        ("electrons/s", u.electron / u.s),
        ("e-/s", u.electron / u.s),
        ("COUNTS", u.ct),
        ("COUNTS/S", u.ct / u.s),
        ("cps", u.ct / u.s),
        ("DN/s", u.DN / u.s),
        ("ADU", u.adu),
        ("MJy/sr", u.MJy / u.sr),
        ("mJy/arcsec^2", u.mJy / u.arcsec**2),
        ("erg/s/cm2/Angstrom", u.erg / u.s / u.cm**2 / u.AA),
    ],
)
def test_units_are_read_from_the_header(text: str, unit: u.UnitBase) -> None:
    """Units are parsed in the spellings of the missions and of the standard."""
    assert read_image(exposure("HST", ("SCI", 1, PIXELS), BUNIT=text)).unit == unit


def test_an_unknown_unit_gives_a_warning() -> None:
    """The image is dimensionless, unless the unit is specified."""
    file = exposure("HST", ("SCI", 1, PIXELS), BUNIT="scaled density")
    with pytest.warns(InputWarning, match="'scaled density' is not a valid unit"):
        assert read_image(file).unit == u.dimensionless_unscaled
    assert read_image(file, unit="Jy").unit == u.Jy


def test_headers_of_the_extension_and_the_file_are_combined() -> None:
    """If both headers have a keyword, that of the extension is used."""
    file = exposure("HST", ("SCI", 1, PIXELS), EXPTIME=10.0)
    file[0].header["EXPTIME"] = 20.0
    meta = read_image(file).meta
    assert (meta["TELESCOP"], meta["EXPTIME"]) == ("HST", 10.0)


def test_distortions_of_a_table_are_in_the_coordinates() -> None:
    """Lookup tables of HST are read from the file and applied."""
    wcs = WCS(sky_header())
    table = np.full((2, 2), 0.5, dtype=np.float32)
    wcs.cpdis1, wcs.cpdis2 = (
        DistortionLookupTable(shift * table, (1.0, 1.0), (1.0, 1.0), (5.0, 3.0)) for shift in (1, 0)
    )
    primary, *distortions = wcs.to_fits()
    file = fits.HDUList([fits.PrimaryHDU(), fits.ImageHDU(PIXELS, primary.header, name="SCI"), *distortions])
    assert [hdu.name for hdu in distortions] == ["WCSDVARR", "WCSDVARR"]
    image = read_image(file)
    plain = read_image(exposure("HST", ("SCI", 1, PIXELS)))
    assert image.wcs.cpdis1 is not None
    moved = plain.wcs.world_to_pixel(image.wcs.pixel_to_world(2, 2))
    assert np.allclose(moved, [2.5, 2.0], atol=1e-3)


def test_a_missing_table_of_distortions_gives_a_warning() -> None:
    """The image has no coordinates, because they would be wrong."""
    with pytest.warns(CorruptDataWarning, match="world coordinates of the header cannot be read"):
        file = exposure("HST", ("SCI", 1, PIXELS), CPDIS1="LOOKUP", DP1="EXTVER: 1", CPERR1=0.5)
        assert read_image(file).wcs is None


def test_a_distorted_cube_has_sky_coordinates_in_each_plane() -> None:
    """SIP coefficients apply to two axes of a cube."""
    cube = np.stack([PIXELS, PIXELS])
    file = exposure("JWST", ("SCI", 1, cube), A_ORDER=2, B_ORDER=2, A_2_0=1e-4, B_0_2=1e-4)
    file[1].header["CTYPE1"], file[1].header["CTYPE2"] = "RA---TAN-SIP", "DEC--TAN-SIP"
    assert read_image(file, plane=0).wcs.sip is not None
    assert read_image(file).wcs is None


def test_a_header_without_coordinates_gives_none() -> None:
    """Without a WCS in the header, wcs is None."""
    assert read_image(fits.HDUList([fits.PrimaryHDU(PIXELS)])).wcs is None


def test_corrections_of_headers_give_no_warning() -> None:
    """Nonstandard dates are in most files, and users cannot change that."""
    file = exposure("HST", ("SCI", 1, PIXELS), RADECSYS="ICRS")
    file[1].header["DATE-OBS"] = "2005/01/20"
    assert read_image(file).wcs.has_celestial


# -- errors -----------------------------------------------------------------------------------------------------------


def table_file(*names: str, pixels: bool = False) -> fits.HDUList:
    """Return a file with a table, and an image after it."""
    columns = [fits.Column(name, "E") for name in names]
    if pixels:
        columns.append(fits.Column("FLUX", "24E", dim="(6,4)"))
    aperture = fits.ImageHDU(np.ones((3, 3), dtype=np.int32), name="APERTURE")
    return fits.HDUList([fits.PrimaryHDU(), fits.BinTableHDU.from_columns(columns, nrows=2), aperture])


@pytest.mark.parametrize(
    ("file", "advice"),
    [
        (table_file("TIME", "SAP_FLUX"), r"a light curve \(use read_light_curve\)"),
        (table_file("WAVELENGTH", "FLUX"), r"a spectrum \(use read_spectrum\)"),
        (table_file("MEMNAME"), r"a table \(use read_catalog\)"),
        (table_file("TIME", pixels=True), r"target pixels \(download it and use lightkurve.read\)"),
        (fits.HDUList([fits.PrimaryHDU()]), "open_product returns its contents"),
    ],
)
def test_other_types_of_files_raise_with_advice(file: fits.HDUList, advice: str) -> None:
    """The message names the reader, also for a light curve with an aperture image."""
    with pytest.raises(InvalidArgumentError, match=advice):
        read_image(file)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"extension": "SCY"}, r"no extension 'SCY'. Images: \('SCI', 1\), \('ERR', 1\), \('DQ', 1\), \('SCI', 2\)"),
        ({"extension": 9}, "no extension 9"),
        ({"extension": 0}, "extension=0 has no image"),
        ({"extension": 1.5}, "no extension 1.5"),
        ({"plane": 0}, "plane=0 is not valid: the image has shape"),
        ({"plane": "x"}, "plane='x' must be an integer"),
        ({"flags": 3.5}, "flags=3.5 cannot be parsed"),
        ({"flags": "bad"}, "flags='bad' cannot be parsed"),
        ({"unit": "bananas"}, "unit='bananas' is not a unit"),
        ({"quality": exposure("HST", ("DQ", 1, np.zeros((2, 2), dtype=np.int16)))}, "has no data quality of shape"),
        ({"quality": fits.HDUList([fits.PrimaryHDU()])}, "has no data quality of shape"),
    ],
)
def test_invalid_arguments_raise(arguments: dict[str, Any], message: str) -> None:
    """The message lists the valid values."""
    with pytest.raises(InvalidArgumentError, match=message):
        read_image(chips(), **arguments)


def test_a_missing_plane_raises() -> None:
    """The message has the number of planes."""
    for plane in (3, -4, (0, 0)):
        with pytest.raises(InvalidArgumentError, match=r"the image has shape \(3, 4, 6\), or \(3,\) planes"):
            read_image(integrations(), plane=plane)


# -- products ---------------------------------------------------------------------------------------------------------


def test_a_product_is_read_as_astropy_reads_it(mast_sandbox: Sandbox) -> None:
    """Rows of both clients give the same arrays and coordinates as astropy."""
    del mast_sandbox
    found = Observations.query_criteria(object_name="M51", obs_collection="HST", instrument_name="ACS/WFC")
    products = Observations.get_product_list(found[:1], verbose=False)
    row = Observations.filter_products(products, extension="_flt.fits")[0]
    image = read_image(row, extension=("SCI", 2))
    with Observations.read_product(row) as hdus:
        assert np.array_equal(image.data, hdus["SCI", 2].data)
        assert np.array_equal(image.uncertainty.array, hdus["ERR", 2].data)
        assert np.array_equal(image.mask, hdus["DQ", 2].data != 0)
        assert image.wcs.wcs.compare(WCS(hdus["SCI", 2].header).wcs)
    rows = MastMissions.get_unique_product_list(MastMissions.query_object("M51", sci_instrume="WFC3")[:1])
    public = rows[(rows["access"] == "PUBLIC") & [str(name).endswith("_flt.fits") for name in rows["filename"]]]
    assert read_image(public[0]).uncertainty is not None


class Counted(io.BytesIO):
    """A file in memory that counts the bytes that are read."""

    def __init__(self, content: bytes, asked: list[int]) -> None:
        super().__init__(content)
        self._asked = asked

    def read(self, size: int | None = -1, /) -> bytes:
        """Read and count the bytes."""
        found = super().read(size)
        self._asked.append(len(found))
        return found


def test_reading_a_plane_reads_a_small_part_of_the_file(tmp_path: Path) -> None:
    """Only the headers and the plane are read, and no other planes or chips."""
    cube = np.zeros((8, 512, 512), dtype=np.float32)
    cube[5] = 7.0
    path = tmp_path / "x.fits"
    exposure("JWST", ("SCI", 1, cube), ("ERR", 1, cube), ("AREA", 1, cube), BUNIT="MJy/sr").writeto(path)
    content, asked = path.read_bytes(), list[int]()

    class Watched:
        """A client whose files count the bytes that are read."""

        @staticmethod
        def read_product(product: object) -> fits.HDUList:
            """Open the file."""
            assert product == "mast:JWST/product/x.fits"
            return fits.open(Counted(content, asked))

    image = read_image("mast:JWST/product/x.fits", client=Watched, plane=5)
    assert (image.data == 7.0).all()
    assert sum(asked) < 2 * image.data.nbytes + 100_000


def test_a_truncated_file_raises_an_error_of_the_package(tmp_path: Path) -> None:
    """A file truncated anywhere gives an image without the missing parts, or an error with the file name."""
    path = tmp_path / "x.fits"
    chips().writeto(path)
    content = path.read_bytes()
    for length in range(80, len(content), 911):
        path.write_bytes(content[:length])
        try:
            image = read_image(path)
        except InvalidArgumentError as err:
            assert "no image" in str(err)
        except InvalidResponseError as err:
            assert "x.fits" in str(err)
        else:
            assert np.array_equal(image.data, PIXELS)


def test_an_inconsistent_header_raises_an_error_of_the_package(tmp_path: Path) -> None:
    """Errors of other libraries are converted."""
    path = tmp_path / "x.fits"
    chips().writeto(path)
    path.write_bytes(path.read_bytes().replace(b"NAXIS1  =", b"NAXIS7  =", 1))
    with pytest.raises(InvalidResponseError, match=r"x\.fits"):
        read_image(path)


def test_a_missing_file_raises(tmp_path: Path) -> None:
    """The message says that the file does not exist, and not that it is damaged."""
    with pytest.raises((FileNotFoundError, InvalidArgumentError), match="No such file"):
        read_image(tmp_path / "no.fits")


def test_cutouts_in_one_file_are_selected_by_number() -> None:
    """The extensions of Zcut files have the same name and no versions."""
    file = exposure("HST", ("CUTOUT", 1, PIXELS), ("CUTOUT", 1, PIXELS + 1))
    with log.log_to_list() as said:
        assert np.array_equal(read_image(file).data, PIXELS)
    assert ["extension=2 for the next" in record.getMessage() for record in said] == [True]
    assert np.array_equal(read_image(file, extension=2).data, PIXELS + 1)
