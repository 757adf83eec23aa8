"""The files of an observation.

In: an `Observation`. Out: the rows of its product list, and `File`, from which a file is rendered. Suffixes,
descriptions and groups are those of the missions' pipelines.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple
from zlib import crc32

from .instruments import APERTURES
from .layout import Frame, Unit, frame_of, gzip_size, plan, size
from .observation import Observation

__all__ = ["File"]


class Kind(NamedTuple):
    """A kind of file of a family of observations.

    ``ending`` follows the stem of the URI; ``layout`` names the content (see `layout.plan`); ``group`` is the
    sub-group, the suffix in capitals; ``recommended`` marks the minimum recommended products; ``stem`` says
    whose name the file bears.
    """

    ending: str
    layout: str
    role: str
    group: str | None
    description: str
    recommended: bool = False
    level: int = 2
    stem: str = "own"


def _dads(
    suffix: str, layout: str, text: str, role: str = "AUXILIARY", *, recommended: bool = False, level: int = 2
) -> Kind:
    code = suffix.upper()
    return Kind(f"_{suffix}.fits", layout, role, code, f"DADS {code} file - {text}", recommended, level)


_TRL = Kind("_trl.txt", "log", "INFO", "TRL", "DADS TRL file - Processing log", False, 2)
_SPT = _dads("spt", "telemetry", "Telemetry header ACS/WFC3/STIS/COS", level=1)
_ASN = _dads("asn", "members", "Association table ACS/WFC3/STIS/COS")
_JIT = _dads("jit", "jitter", "Pointing history", level=1)
_JIF = _dads("jif", "jitter_image", "Pointing histogram", level=1)
_RAW = _dads("raw", "raw", "Raw exposure ACS/WFC3/STIS", "SCIENCE", level=1)
_FLT = _dads("flt", "exposure", "Calibrated exposure ACS/WFC3/STIS", "SCIENCE")
_FLC = _dads("flc", "exposure", "Calibrated exposure with CTE correction ACS/WFC3", "SCIENCE")
_DRZ = _dads("drz", "drizzled", "Calibrated combined image ACS/WFC3", "SCIENCE", recommended=True, level=3)
_DRC = _dads(
    "drc", "drizzled", "Calibrated combined image with CTE correction ACS/WFC3", "SCIENCE", recommended=True, level=3
)
_CRJ = _dads("crj", "cleaned", "Cosmic rays rejected ACS/STIS", "SCIENCE")
_X1D = _dads("x1d", "spectrum", "Extracted spectrum STIS/COS", "SCIENCE", recommended=True)
_X1DSUM = _dads("x1dsum", "spectrum", "Extracted spectrum, combined COS", "SCIENCE", recommended=True, level=3)
_TAG = _dads("tag", "events", "Time-tag events STIS", "SCIENCE", level=1)
_RAWTAG = _dads("rawtag", "events", "Raw time-tag events COS", "SCIENCE", level=1)
_CORRTAG = _dads("corrtag", "events", "Corrected time-tag events COS", "SCIENCE")


def _picture(suffix: str, text: str = "Preview", *, thumb: bool = False) -> Kind:
    role, layout = ("THUMBNAIL", "thumbnail") if thumb else ("PREVIEW", "picture")
    return Kind(f"{suffix}.jpg", layout, role, None, f"{text}-Full" if not thumb else "Thumbnail", False, 3)


_ENGINEERING = (_SPT, _TRL, _JIT, _JIF)
_WFC_EXPOSURE = (_RAW, _FLT, _FLC, *_ENGINEERING, _picture("_flt"))
_CHIP_EXPOSURE = (_RAW, _FLT, *_ENGINEERING, _picture("_flt"))
_DRIZZLES = (_DRZ, _DRC, _ASN, _SPT, _TRL, _picture("_drc"), _picture("_drc_thumb", thumb=True))
_DRIZZLE = (_DRZ, _ASN, _SPT, _TRL, _picture("_drz"), _picture("_drz_thumb", thumb=True))

_HST: dict[str, tuple[Kind, ...]] = {
    "ACS/WFC exposure": _WFC_EXPOSURE,
    "WFC3/UVIS exposure": _WFC_EXPOSURE,
    "ACS exposure": _CHIP_EXPOSURE,
    "WFC3 exposure": _CHIP_EXPOSURE,
    "ACS/WFC composite": (*_DRIZZLES, _CRJ),
    "WFC3/UVIS composite": _DRIZZLES,
    "ACS composite": _DRIZZLE,
    "WFC3 composite": _DRIZZLE,
    "STIS exposure": (_TAG, _RAW, _FLT, _X1D, *_ENGINEERING, _picture("_x1d")),
    "STIS image": (_RAW, _FLT, _CRJ, *_ENGINEERING, _picture("_flt")),
    "COS exposure": (_RAWTAG, _CORRTAG, _FLT, _X1D, *_ENGINEERING, _picture("_x1d")),
    "COS composite": (_X1DSUM, _ASN, _SPT, _TRL, _picture("_x1dsum")),
    "HAP": (
        Kind("_drc.fits", "drizzled", "SCIENCE", "DRC", "HAP fits science image", True, 3),
        Kind("_point-cat.ecsv", "catalog", "CATALOG", "POINT-CAT", "HAP point source catalog", False, 3),
        Kind("_segment-cat.ecsv", "catalog", "CATALOG", "SEGMENT-CAT", "HAP segment source catalog", False, 3),
        Kind("_trl.txt", "log", "INFO", "TRL", "HAP processing log", False, 3),
        _picture("_drc", "HAP preview"),
    ),
}


def _jwst(
    suffix: str, layout: str, text: str, role: str = "SCIENCE", *, recommended: bool = False, level: int = 2
) -> Kind:
    return Kind(f"_{suffix}.fits", layout, role, suffix.upper(), text, recommended, level)


_UNCAL = _jwst("uncal", "ramp", "Uncalibrated 4-D exposure", level=1)
_RATE = _jwst("rate", "rate", "Countrate image", recommended=False)
_RATEINTS = _jwst("rateints", "rates", "Countrate per integration")
_CAL = _jwst("cal", "rate", "Calibrated exposure", recommended=True)
_GUIDE = (
    Kind("_gs-acq1_cal.fits", "guide", "AUXILIARY", "GS-ACQ1", "Guide star acquisition", False, 2, "visit"),
    Kind("_gs-id_1_cal.fits", "guide", "AUXILIARY", "GS-ID", "Guide star identification", False, 2, "visit"),
)
_ASN_JSON = Kind("_asn.json", "association_json", "INFO", "ASN", "Association of exposures", False, 3, "association")
_POOL = Kind("_pool.csv", "pool", "INFO", "POOL", "Association pool of the programme", False, 3, "program")


def _jwst_pictures(suffix: str) -> tuple[Kind, ...]:
    return _picture(f"_{suffix}"), _picture(f"_{suffix}_thumb", thumb=True)


_JWST: dict[str, tuple[Kind, ...]] = {
    "image 2": (_UNCAL, _RATE, _RATEINTS, _CAL, *_GUIDE, *_jwst_pictures("cal")),
    "spectrum 2": (
        _UNCAL,
        _RATE,
        _CAL,
        _jwst("x1d", "extracted", "Extracted spectrum"),
        *_GUIDE,
        *_jwst_pictures("cal"),
    ),
    "cube 2": (_UNCAL, _RATE, _CAL, _jwst("s3d", "cube", "Spectral cube"), *_GUIDE, *_jwst_pictures("cal")),
    "timeseries 2": (_UNCAL, _RATE, _RATEINTS, *_GUIDE, *_jwst_pictures("rateints")),
    "image 3": (
        _jwst("i2d", "resampled", "Resampled and combined 2-D image", recommended=True, level=3),
        Kind("_cat.ecsv", "catalog", "CATALOG", "CAT", "Source catalog", True, 3),
        *_jwst_pictures("i2d"),
        _ASN_JSON,
        _POOL,
    ),
    "spectrum 3": (
        _jwst("x1d", "extracted", "Extracted spectrum", recommended=True, level=3),
        _jwst("s2d", "resampled", "Rectified 2-D spectrum", recommended=True, level=3),
        *_jwst_pictures("x1d"),
        _ASN_JSON,
        _POOL,
    ),
    "cube 3": (
        _jwst("s3d", "cube", "Spectral cube", recommended=True, level=3),
        _jwst("x1d", "extracted", "Extracted spectrum", recommended=True, level=3),
        *_jwst_pictures("s3d"),
        _ASN_JSON,
        _POOL,
    ),
    "timeseries 3": (
        _jwst("x1dints", "extracted_series", "Extracted spectrum per integration", recommended=True, level=3),
        Kind("_whtlt.ecsv", "catalog", "SCIENCE", "WHTLT", "White light curve", True, 3),
        *_jwst_pictures("x1dints"),
        _ASN_JSON,
        _POOL,
    ),
}

_LONG_CADENCE = Kind("_llc.fits", "light_curve", "SCIENCE", "LLC", "Lightcurve Long Cadence", True, 3)
_OTHER: dict[str, tuple[Kind, ...]] = {
    "TESS timeseries": (
        Kind("_lc.fits", "light_curve", "SCIENCE", "LC", "Light curves", True, 2),
        Kind("_tp.fits", "target_pixels", "SCIENCE", "TP", "Target pixel files", True, 2),
        Kind("_dvs.jpg", "picture", "INFO", "DVS", "TCE summary report", False, 3),
    ),
    "TESS image": (
        Kind("-ffic.fits", "full_frame", "SCIENCE", "FFIC", "FFI Calibrated image", True, 2),
        Kind("-ffic.jpg", "picture", "PREVIEW", None, "Preview-Full", False, 2),
    ),
    "GALEX image": (
        Kind("d-int.fits.gz", "survey_image", "SCIENCE", "Imaging Only", "Intensity map", True, 2),
        Kind("d-cnt.fits.gz", "survey_image", "SCIENCE", "Imaging Only", "Count map", False, 2),
        Kind("d-rrhr.fits.gz", "survey_image", "AUXILIARY", "Imaging Only", "Effective exposure map", False, 2),
        Kind("d-int_2color.jpg", "picture", "PREVIEW", None, "Preview-Full", False, 2),
    ),
    "HLSP timeseries": (Kind(".fits", "quick_light_curve", "SCIENCE", None, "FITS light curve", True, 4),),
    "HLSP image": (Kind(".fits", "mosaic", "SCIENCE", None, "Drizzled image", True, 4), _picture("", "Preview")),
    "HLSP large": (Kind(".fits", "large_mosaic", "SCIENCE", None, "Drizzled mosaic", True, 4), _picture("", "Preview")),
    "HLSP spectrum": (Kind(".fits", "spectrum", "SCIENCE", None, "Coadded spectrum", True, 4), _picture("", "Preview")),
    "HLA image": (
        Kind("_drz.fits&config=ops", "mosaic", "SCIENCE", "DRZ", "HLA simple fits science image", True, 3),
        Kind("_drz_small.jpg&config=ops", "picture", "PREVIEW", None, "Preview-Full", False, 3),
    ),
    "Kepler timeseries": (_LONG_CADENCE,),
    "K2 timeseries": (_LONG_CADENCE,),
    "IUE spectrum": (Kind(".mxlo.gz", "spectrum", "SCIENCE", None, "Merged extracted spectrum", True, 2),),
    "FUSE spectrum": (Kind("_vo.fits", "spectrum", "SCIENCE", None, "Preview spectrum", True, 2),),
    "SWIFT image": (Kind("_sk.img.gz", "survey_image", "SCIENCE", None, "Sky image", True, 2),),
    "PS1 image": (Kind(".unconv.fits", "mosaic", "SCIENCE", None, "Stack image", True, 3),),
}

_VERSIONS = {
    "CALACS": "10.3.5",
    "CALWF3": "3.7.1",
    "CALSTIS": "3.4.2",
    "CALCOS": "3.4.4",
    "CALJWST": "1.18.0",
    "HAP-SVM": "DrizzlePac 3.7.0",
}
_RECOMMENDED = "Minimum Recommended Products"
_STEP = {"image": "image3", "spectrum": "spec3", "cube": "spec3", "timeseries": "tso3"}


def kinds_of(observation: Observation) -> tuple[Kind, ...]:
    """Kinds of files that an observation has of its own (not those of its members); none when it is only planned."""
    if observation.calib_level < 0 or observation.obs_id.startswith("bulk"):
        return ()
    if observation.obs_collection == "HST":
        return _hst_kinds(observation)
    if observation.obs_collection == "JWST":
        return _JWST[f"{observation.dataproduct_type} {observation.calib_level}"]
    family = f"{observation.obs_collection} {observation.dataproduct_type}"
    if family == "HLSP image" and observation.provenance_name == "M51":
        family = "HLSP large"
    return _OTHER[family]


def _hst_kinds(observation: Observation) -> tuple[Kind, ...]:
    if observation.project == "HAP":
        return _HST["HAP"]
    configuration = str(observation.instrument_name)
    instrument = configuration.partition("/")[0]
    form = "composite" if observation.calib_level == 3 else "exposure"
    if instrument == "STIS" and observation.dataproduct_type == "image":
        form = "image"
    if configuration == "WFC3/IR" and observation.dataproduct_type == "spectrum" and form == "exposure":
        return _HST["WFC3 exposure"]
    return _HST.get(f"{configuration} {form}") or _HST[f"{instrument} {form}"]


def _stem(observation: Observation, whose: str) -> str:
    """The part of a URI that precedes the ending."""
    collection, obs_id = observation.obs_collection, observation.obs_id
    if whose == "visit":
        return f"mast:JWST/product/{obs_id[:13]}"
    if whose == "program":
        return f"mast:JWST/product/{obs_id[:7]}_20250401t120000"
    if whose == "association":
        step = _STEP[str(observation.dataproduct_type)]
        return f"mast:JWST/product/{obs_id[:12]}_20250401t120000_{step}_{crc32(obs_id.encode()) % 100000:05d}"
    if collection in {"HST", "JWST"} or (collection == "TESS" and observation.dataURL):
        return f"mast:{collection}/product/{obs_id.lower()}"
    if observation.dataURL is None:
        return (observation.jpegURL or f"mast:{collection}/url/pub/{obs_id}").removesuffix("-ffic.jpg")
    for kind in kinds_of(observation):
        if observation.dataURL.endswith(kind.ending):
            return observation.dataURL.removesuffix(kind.ending)
    raise ValueError(f"{observation.dataURL} is no file of {obs_id}")


def uri_of(observation: Observation, kind: Kind) -> str:
    """URI of one of the observation's files."""
    return _stem(observation, kind.stem) + kind.ending


def file_name(uri: str) -> str:
    """Name under which a file is kept; generated files are named in the query of their URI."""
    if "filename=" in uri:
        return uri.partition("filename=")[2].partition("&")[0]
    return uri.rpartition("/")[2]


def dimensions(observation: Observation) -> tuple[Frame, int]:
    """Frame of an observation's images, and number of its detectors."""
    aperture = APERTURES.get(observation.instrument_name or "")
    return frame_of(observation.instrument_name, observation.obs_id), aperture.detectors if aperture else 1


def length_of(kind: Kind, frame: Frame, detectors: int) -> int:
    """Length of a file in bytes; see `dimensions`."""
    length = size(kind.layout, frame, detectors)
    return gzip_size(length) if kind.ending.endswith(".gz") else length


def product_rows(observation: Observation) -> Iterator[tuple[object, ...]]:
    """Rows of the product table."""
    kinds = kinds_of(observation)
    if not kinds:
        return
    form = _form(observation)
    version = _VERSIONS.get(str(observation.provenance_name))
    project = observation.provenance_name if observation.provenance_name in _VERSIONS else observation.project
    unknown_size = observation.obs_collection == "IUE" or observation.obsid % 41 == 0
    frame, detectors = dimensions(observation)
    stems = {whose: _stem(observation, whose) for whose in {kind.stem for kind in kinds}}
    for kind in kinds:
        uri = stems[kind.stem] + kind.ending
        yield (
            observation.obsid,
            observation.obs_collection,
            observation.dataproduct_type,
            observation.obs_id,
            kind.description,
            form,
            uri,
            kind.role,
            _RECOMMENDED if kind.recommended else None,
            kind.group,
            None,
            project,
            version,
            observation.proposal_id,
            file_name(uri),
            None if unknown_size and kind.role == "INFO" else length_of(kind, frame, detectors),
            "PUBLIC" if kind.role == "INFO" else observation.dataRights,
            kind.level,
            observation.filters,
        )


def _form(observation: Observation) -> str:
    """``S`` simple, ``C`` composite, ``D`` derived from several observations."""
    if observation.project == "HAP" or observation.obs_collection == "HLSP":
        return "D"
    return "C" if observation.members else "S"


def kind_of(observation: Observation, uri: str) -> Kind:
    """Kind of one of the observation's files."""
    for kind in kinds_of(observation):
        if uri_of(observation, kind) == uri:
            return kind
    raise KeyError(uri)


@dataclass(frozen=True)
class File:
    """A file to be rendered: its URI, the observation that owns it, its kind and the exposures it is made of."""

    uri: str
    owner: Observation
    kind: Kind
    members: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Name of the file."""
        return file_name(self.uri)

    @property
    def units(self) -> tuple[Unit, ...]:
        """Header and data units that the file has when it is a FITS file."""
        return plan(self.kind.layout, *dimensions(self.owner))
