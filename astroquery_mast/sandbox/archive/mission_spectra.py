"""The searches of spectral libraries: ULLYSES, CLASSY and IUE.

In: nothing, or for IUE the archive. Out: tables, and files that are downloaded by their ``mast:`` URI. Names and rough
places of the targets are public; everything measured is made up.
"""

# ruff: noqa: E501 - one column per line, so that the table can be read as a table

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from .file import File
from .mission import MissionFile, MissionProduct, MissionTable, Row, Value, columns, moment
from .observation import Observation, dice
from .products import Kind, dimensions, length_of
from .rendering import render_file

if TYPE_CHECKING:
    from .archive import Archive

_SEARCH = (("search_pos", "s", "n", "Search Position", "Right ascension and declination that were searched"),)
_FOUND = (
    ("ang_sep", "f", "d", "Ang Sep (')", "Separation from the searched position in arcmin"),
    ("search_key", "s", "n", "Search Key", "Name of the dataset behind the searched position"),
)

# fmt: off
ULLYSES_COLUMNS = columns((
    *_SEARCH,
    ("target_name_ullyses", "s", "d", "ULLYSES Target Name", "Name of the target in the programme (e.g. AV-75)"),
    ("target_name_hlsp", "s", "", "HLSP Target Name", "Name of the target in file names, in small letters"),
    ("simbad_link", "s", "", "SIMBAD", "Name of the target for a name resolver"),
    ("target_classification", "s", "d", "Target Classification", "Class of the target (e.g. Early-O Supergiant, T Tauri Star)"),
    ("targ_ra", "r", "di", "RA (J2000)", "Right ascension in degrees, 0 to 360"),
    ("targ_dec", "d", "d", "Dec (J2000)", "Declination in degrees, -90 to +90"),
    ("host_galaxy_name", "s", "d", "Host Galaxy", "Galaxy that holds the target (e.g. LMC, SMC, WLM)"),
    ("spectral_type", "s", "d", "Spectral Type", "Spectral type (e.g. O4 If)"),
    ("bmv0_mag", "f", "d", "(B-V)0", "Colour corrected for reddening, mag"),
    ("u_mag", "f", "d", "U", "U magnitude"),
    ("b_mag", "f", "d", "B", "B magnitude"),
    ("v_mag", "f", "d", "V", "V magnitude"),
    ("gaia_g_mean_mag", "f", "d", "Gaia G", "Mean Gaia G magnitude"),
    ("star_mass", "f", "d", "Star Mass", "Mass in solar masses; T Tauri stars only"),
    ("instrument", "s", "d", "Instrument", "Instrument (COS or STIS)"),
    ("grating", "s", "d", "Grating", "Grating (e.g. G130M, E140M)"),
    ("filter", "s", "d", "Filter", "Filter, if any"),
    ("observation_id", "s", "i", "Observation ID", "Name of the observation"),
    *_FOUND,
))
CLASSY_COLUMNS = columns((
    *_SEARCH,
    ("Target", "s", "di", "Target", "Name of the galaxy (e.g. J0021+0052)"),
    ("ra", "r", "di", "RA (J2000)", "Right ascension in degrees, 0 to 360"),
    ("dec", "d", "d", "Dec (J2000)", "Declination in degrees, -90 to +90"),
    ("z", "f", "d", "Redshift", "Redshift"),
    ("logM", "f", "d", "log M", "Logarithm of the stellar mass in solar masses"),
    ("logSFR", "f", "d", "log SFR", "Logarithm of the star formation rate in solar masses per year"),
    ("OH12", "f", "d", "12+log(O/H)", "Oxygen abundance"),
    ("EBV", "f", "d", "E(B-V)", "Reddening, mag"),
    ("gratings", "s", "d", "Gratings", "Gratings of the coadded spectrum"),
    *_FOUND,
))
IUE_COLUMNS = columns((
    *_SEARCH,
    ("iue_data_id", "s", "di", "Data ID", "Camera and number of the image (e.g. LWP13000)"),
    ("iue_target_name", "s", "d", "Target Name", "Name of the target"),
    ("iue_ra", "r", "di", "RA (J2000)", "Right ascension in degrees, 0 to 360"),
    ("iue_dec", "d", "d", "Dec (J2000)", "Declination in degrees, -90 to +90"),
    ("iue_camera", "c8", "d", "Camera", "Camera (LWP, LWR, SWP)"),
    ("iue_image_number", "i", "d", "Image Number", "Number of the image"),
    ("iue_dispersion", "s", "d", "Dispersion", "HIGH or LOW"),
    ("iue_aperture", "s", "d", "Aperture", "LARGE or SMALL"),
    ("iue_obs_start", "t", "d", "Start Time", "When the observation began"),
    ("iue_exposure_time", "f", "d", "Exposure Time", "Exposure time in seconds"),
    ("iue_program", "s", "", "Program", "Name of the programme"),
    *_FOUND,
))

_ULLYSES_TARGETS = (
    ("AV-15", "SMC", "Early-O Supergiant", "O6.5 I(f)", 11.588, -73.416),
    ("AV-75", "SMC", "Early-O Supergiant", "O5.5 I(f)", 12.635, -72.876),
    ("AV-232", "SMC", "Late-O Supergiant", "O7 Iaf+", 14.880, -72.175),
    ("SK-67D22", "LMC", "Early-O Supergiant", "O2 If*/WN5", 74.364, -67.651),
    ("SK-65D47", "LMC", "Early-O Supergiant", "O4 If", 80.229, -65.455),
    ("VFTS-72", "LMC", "Early-O Dwarf", "O2 V-III", 84.394, -69.019),
    ("A15", "WLM", "Late-O Supergiant", "O7 V((f))", 0.506, -15.517),
    ("NGC3109-EBU20", "NGC 3109", "Late-O Supergiant", "O8 I", 150.782, -26.156),
    ("SEXTANS-A-S3", "SEXTANS A", "Early-O Dwarf", "O3-5 Vz", 152.739, -4.686),
    ("AA-TAU", "MILKY WAY", "T Tauri Star", "M0.6", 68.731, 24.481),
    ("BP-TAU", "MILKY WAY", "T Tauri Star", "M0.5", 64.816, 29.107),
    ("GM-AUR", "MILKY WAY", "T Tauri Star", "K6.0", 73.796, 30.366),
    ("TW-HYA", "MILKY WAY", "T Tauri Star", "M0.5", 165.466, -34.705),
)
_CLASSY_TARGETS = """
    J0021+0052 J0036-3333 J0127-0619 J0144+0453 J0337-0502 J0405-3648 J0808+3948 J0823+2806 J0926+4427 J0934+5514
    J0938+5428 J0940+2935 J0944+3442 J1016+3754 J1024+0524 J1044+0353 J1105+4444 J1148+2546 J1225+6109 J1253-0312
    J1323-0132 J1359+5726 J1418+2102 J1429+0643 J1444+4237 J1545+0858 J1612+0817
"""
# fmt: on

_BANDS = {"G130M": ("COS", 113.0, 146.0), "G160M": ("COS", 138.0, 179.0), "E140M": ("STIS", 114.0, 171.0)}
_RELEASE = "dr7"
_SPECTRUM = Kind(".fits", "spectrum", "SCIENCE", "CSPEC", "Coadded spectrum", True, 4)


@cache
def ullyses_table() -> MissionTable:
    """Spectra of massive and of young stars: a row per star and grating."""
    rows = [_ullyses_row(target, grating) for target in _ULLYSES_TARGETS for grating in _BANDS]
    return MissionTable("ullyses", "observation_id", ("targ_ra", "targ_dec"), ULLYSES_COLUMNS, rows)


def _ullyses_row(target: tuple[str, str, str, str, float, float], grating: str) -> Row:
    name, galaxy, kind, spectral_type, ra, dec = target
    rng = dice("ULLYSES", name)
    visual, young = rng.uniform(11.0, 19.0), kind == "T Tauri Star"
    colour = rng.uniform(1.0, 1.6) if young else -0.32
    instrument = _BANDS[grating][0]
    row: dict[str, Value] = {
        "target_name_ullyses": name,
        "target_name_hlsp": name.lower(),
        "simbad_link": name.replace("-", " "),
        "target_classification": kind,
        "targ_ra": ra,
        "targ_dec": dec,
        "host_galaxy_name": galaxy,
        "spectral_type": spectral_type,
        "bmv0_mag": round(colour, 2),
        "u_mag": round(visual + 2.0 * colour, 2),
        "b_mag": round(visual + colour, 2),
        "v_mag": round(visual, 2),
        "gaia_g_mean_mag": round(visual - 0.2, 3),
        "star_mass": round(rng.uniform(0.4, 1.1), 2) if young else None,
        "instrument": instrument,
        "grating": grating,
        "filter": None,
        "observation_id": f"ullyses_hst_{instrument.lower()}_{name.lower()}_{grating.lower()}",
    }
    return row


@cache
def classy_table() -> MissionTable:
    """Spectra of star-forming galaxies: a row per galaxy."""
    rows = [_classy_row(target) for target in _CLASSY_TARGETS.split()]
    return MissionTable("classy", "Target", ("ra", "dec"), CLASSY_COLUMNS, rows)


def _classy_row(target: str) -> Row:
    """Row of a galaxy; its name holds its place to the minute."""
    rng = dice("CLASSY", target)
    sign = -1.0 if target[5] == "-" else 1.0
    row: dict[str, Value] = {
        "Target": target,
        "ra": round(15.0 * (int(target[1:3]) + (int(target[3:5]) + rng.random()) / 60.0), 6),
        "dec": round(sign * (int(target[6:8]) + (int(target[8:10]) + rng.random()) / 60.0), 6),
        "z": round(rng.uniform(0.002, 0.18), 5),
        "logM": round(rng.uniform(6.2, 10.1), 2),
        "logSFR": round(rng.uniform(-2.0, 1.6), 2),
        "OH12": round(rng.uniform(6.98, 8.77), 2),
        "EBV": round(rng.uniform(0.0, 0.67), 3),
        "gratings": "G130M,G160M,G185M",
    }
    return row


def iue_table(archive: Archive) -> MissionTable:
    """Spectra of the archive's IUE observations."""
    found = archive.query("SELECT * FROM observation WHERE obs_collection = 'IUE' ORDER BY obsid")
    rows = [_iue_row(observation) for observation in found]
    return MissionTable("iue", "iue_data_id", ("iue_ra", "iue_dec"), IUE_COLUMNS, rows)


def _iue_row(observation: Mapping[str, Any]) -> Row:
    name = str(observation["obs_id"]).upper()
    row: dict[str, Value] = {
        "iue_data_id": name,
        "iue_target_name": observation["target_name"],
        "iue_ra": observation["s_ra"],
        "iue_dec": observation["s_dec"],
        "iue_camera": name[:3],
        "iue_image_number": int(name[3:]),
        "iue_dispersion": "LOW",
        "iue_aperture": "LARGE",
        "iue_obs_start": moment(observation["t_min"], digits=0),
        "iue_exposure_time": observation["t_exptime"],
        "iue_program": observation["proposal_id"],
    }
    return row


def iue_datasets(archive: Archive) -> dict[str, list[int]]:
    """Observations whose files belong to an image: only itself."""
    found = archive.query("SELECT obsid, obs_id FROM observation WHERE obs_collection = 'IUE'")
    return {str(row["obs_id"]).upper(): [int(str(row["obsid"]))] for row in found}


def iue_product(dataset: str, row: Mapping[str, Any]) -> MissionProduct:
    """File of an image, from a product row."""
    filename = str(row["productFilename"])
    return MissionProduct(
        dataset=dataset,
        filename=filename,
        uri=str(row["dataURI"]),
        file=str(row["dataURI"]),
        access="PUBLIC",
        size=row["size"],
        suffix="MXLO",
        category="CALIBRATED",
        instrument="IUE",
        filters=row["filters"],
    )


@cache
def library_files(mission: str) -> dict[str, list[MissionFile]]:
    """Files of every dataset of ``ullyses`` or ``classy``."""
    if mission == "ullyses":
        return {str(row["observation_id"]): [_ullyses_file(row)] for row in ullyses_table().rows}
    return {str(row["Target"]): list(_classy_files(row)) for row in classy_table().rows}


def _ullyses_file(row: Row) -> MissionFile:
    target, grating = str(row["target_name_hlsp"]), str(row["grating"]).lower()
    name = f"hlsp_ullyses_hst_{str(row['instrument']).lower()}_{target}_{grating}_{_RELEASE}_cspec"
    uri = f"mast:HLSP/ullyses/{target}/{_RELEASE}/{name}.fits"
    return _spectrum(str(row["observation_id"]), uri, str(row["grating"]), (row["targ_ra"], row["targ_dec"]), target)


def _classy_files(row: Row) -> Iterator[MissionFile]:
    target = str(row["Target"])
    for grating in ("G130M", "G160M"):
        name = f"hlsp_classy_hst_cos_{target.lower()}_{grating.lower()}_v1_coadded"
        uri = f"mast:HLSP/classy/{target.lower()}/{name}.fits"
        yield _spectrum(target, uri, grating, (row["ra"], row["dec"]), target)


def _spectrum(dataset: str, uri: str, grating: str, at: tuple[Value, Value], target: str) -> MissionFile:
    instrument, shortest, longest = _BANDS[grating]
    filename = uri.rpartition("/")[2]
    start = round(57000.0 + dice(uri).uniform(0.0, 3000.0), 6)
    owner = Observation(
        obs_collection="HLSP",
        instrument_name=f"{instrument}/FUV",
        obs_id=filename.removesuffix(".fits"),
        target_name=target,
        dataproduct_type="spectrum",
        calib_level=4,
        s_ra=float(at[0] or 0.0),
        s_dec=float(at[1] or 0.0),
        filters=grating,
        em_min=shortest,
        em_max=longest,
        t_min=start,
        t_max=start + 0.1,
        t_exptime=4000.0,
        proposal_id="0",
    )
    described = MissionProduct(
        dataset=dataset,
        filename=filename,
        uri=uri,
        file=uri,
        access="PUBLIC",
        size=length_of(_SPECTRUM, *dimensions(owner)),
        suffix="CSPEC" if "cspec" in filename else "COADDED",
        category="CALIBRATED",
        instrument=instrument,
        filters=grating,
    )
    return MissionFile(described, partial(render_file, File(uri, owner, _SPECTRUM)))
