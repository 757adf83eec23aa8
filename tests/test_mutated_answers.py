"""Mutated responses of MAST lead only to documented exceptions and warnings, and without delay.

Every case is a public call to a sandbox whose responses are mutated: values, keys, declared types, bytes, statuses,
headers, lengths and addresses.  Files that the package reads are mutated, too.  A case depends only on its number, so
that it can be repeated::

    python tests/test_mutated_answers.py 50000            # this number of cases
    python tests/test_mutated_answers.py 1 4711           # the case with this number
    python tests/test_mutated_answers.py 500 0 cutout     # calls with this word in their names
"""

from __future__ import annotations

import faulthandler
import gc
import logging
import random
import re
import shutil
import sys
import tempfile
import threading
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import astroquery.exceptions
import pytest
from astropy.coordinates import SkyCoord
from astropy.table import Table
from astropy.utils.exceptions import AstropyWarning
from astroquery import log
from mutations import changed, changed_bytes, changer_of

from astroquery_mast import (
    Catalogs,
    Hapcut,
    JwstFilesClass,
    MastClass,
    MastMissions,
    Observations,
    Tesscut,
    Zcut,
    conf,
)
from astroquery_mast.exceptions import MastError
from astroquery_mast.observations.search import KNOWN_VALUES
from astroquery_mast.sandbox import Fault, Sandbox
from astroquery_mast.sandbox.identity import TOKEN
from astroquery_mast.sandbox.reply import Reply
from astroquery_mast.sandbox.requestlog import ENDPOINTS, RequestRecord
from astroquery_mast.service import retrying
from astroquery_mast.service.connections import PACES
from astroquery_mast.service.mast_service import ColumnMetadata
from astroquery_mast.service.name_cache import KNOWN_NAMES
from astroquery_mast.utils import get_cloud_paths

CASES = 600
"""The number of cases in the test suite."""
SLOW = 15.0
"""The maximum duration of a call in seconds; its timeout is three."""

DOCUMENTED = (
    MastError,
    *(kind for kind in vars(astroquery.exceptions).values() if isinstance(kind, type) and issubclass(kind, Exception)),
)

# -- the calls -----------------------------------------------------------------------------------------------------

M51 = SkyCoord(202.4696, 47.1952, unit="deg")
TWO = SkyCoord([202.4696, 202.48], [47.1952, 47.2], unit="deg")
FAR = SkyCoord([202.4696, 210.802], [47.1952, 54.349], unit="deg")
NEAR = {"radius": "0.02 deg"}
DEEP = "189.49206 62.20615"
STAR = "84.291187 -80.469125"
HSC = {"catalog": "Hsc", **NEAR}
OBSID = "24000000"

Call = Callable[["Place"], Any]


@dataclass
class Place:
    """The environment of a case: a temporary folder, and the lists that were requested before anything is mutated."""

    folder: Path
    products: Table
    dataset: Table
    files: Table
    spectra: Table

    def fetch(self, **options: Any) -> Any:
        """Download two products."""
        return Observations.download_products(
            self.products, download_dir=self.folder, verbose=False, timeout=3, on_error="ignore", **options
        )


def _open_product(place: Place) -> bytes:
    with Observations.open_product(place.products[0], block_size=8192) as stream:
        stream.seek(100_000)
        return stream.read(10)


def _in_the_cloud(place: Place) -> Any:
    Observations.enable_cloud_dataset(verbose=False)
    try:
        return place.fetch(), Observations.get_cloud_uris(place.products, check=True)
    finally:
        Observations.disable_cloud_dataset()


def _login(_: Place) -> Any:
    client = MastClass()
    try:
        return client.login(TOKEN), client.session_info()
    finally:
        client.logout()


def _verify(place: Place) -> Any:
    return Observations.retry_downloads(Observations.verify_downloads(place.fetch()), verbose=False, timeout=3)


def _refresh(place: Place) -> Any:
    place.folder.mkdir(parents=True, exist_ok=True)
    (place.folder / "jw01386001001_gs-id_1_cal.fits").write_bytes(b"old")
    return JwstFilesClass().refresh(place.folder, verbose=False, timeout=3, on_error="ignore")


def _fetch_jwst(place: Place) -> Any:
    client = JwstFilesClass()
    table = client.query_criteria(**MIRI, suffix="i2d", columns="exp_type", limit=1)
    return client.download_products(table, download_dir=place.folder, verbose=False, timeout=3, on_error="ignore")


# Queries that clients cache, which each of these sends again.
MIRI = {"program": 1386, "instrument": "MIRI"}
CALLS: dict[str, Call] = {
    "observations criteria": lambda _: Observations.query_criteria(proposal_id=10501),
    "observations pages": lambda _: Observations.query_criteria(proposal_id=10501, pagesize=3),
    "observations region": lambda _: Observations.query_region(M51, radius=0.001),
    "observations polygon": lambda _: Observations.query_region(region="CIRCLE 202.4696 47.1952 0.001"),
    "observations object": lambda _: Observations.query_object("M51", radius=0.001),
    "observations count": lambda _: Observations.query_criteria_count(obs_collection="GALEX"),
    "observations iter": lambda _: list(Observations.query_criteria_iter(proposal_id=10501, pagesize=5)),
    "observations near": lambda _: Observations.query_region(TWO, radius=0.001),
    "observations far": lambda _: Observations.query_region(FAR, radius=0.001, merge_nearby=False),
    "observations names": lambda _: Observations.query_object(["M51", "M101"], radius=0.001),
    "observations counts": lambda _: Observations.query_region_count(FAR, radius=0.02),
    "observations async": lambda _: Observations.query_criteria_async(proposal_id=10501),
    "observations missions": lambda _: Observations.list_missions(),
    "observations columns": lambda _: Observations.list_columns(),
    "observations metadata": lambda _: (
        Observations.get_metadata("observations"),
        Observations.get_metadata("products"),
    ),
    "observations values": lambda _: Observations.list_values("instrument_name", obs_collection="HST"),
    "observations crossmatch": lambda _: Observations.crossmatch(TWO, verbose=False),
    "observations products": lambda _: Observations.get_unique_product_list([OBSID], verbose=False),
    "observations batches": lambda _: Observations.get_product_list([OBSID, "24000001"], batch_size=1, verbose=False),
    "service request": lambda _: Observations.service_request(
        "Mast.Caom.Filtered", {"columns": "*", "filters": [{"paramName": "obs_collection", "values": ["FUSE"]}]}
    ),
    "names one": lambda _: Observations.resolve_object("M51"),
    "names many": lambda _: Observations.resolve_object(["M51", "M101", "HUDF"]),
    "names all": lambda _: Observations.resolve_object("M51", resolve_all=True),
    "names by resolver": lambda _: Observations.resolve_object(["M51", "M101"], resolver="NED"),
    "catalogs hsc": lambda _: Catalogs.query_region(M51, **HSC),
    "catalogs tic": lambda _: Catalogs.query_region(M51, catalog="TIC", **NEAR),
    "catalogs gaia": lambda _: Catalogs.query_region(M51, catalog="Gaia", **NEAR),
    "catalogs panstarrs": lambda _: Catalogs.query_region(M51, catalog="Panstarrs", **NEAR),
    "catalogs count": lambda _: Catalogs.query_criteria_count("TIC", coordinates=M51, Tmag=">0", **NEAR),
    "catalogs criteria": lambda _: Catalogs.query_criteria("TIC", coordinates=M51, Tmag=[5, 16], **NEAR),
    "catalogs many": lambda _: Catalogs.query_region(TWO, catalog="TIC", **NEAR),
    "catalogs metadata": lambda _: (Catalogs.get_metadata("panstarrs"), Catalogs.get_metadata("TIC")),
    "catalogs crossmatch": lambda _: Catalogs.crossmatch(TWO, "TIC", radius=0.01, verbose=False),
    "catalogs matchid": lambda _: Catalogs.query_hsc_matchid(14967510),
    "catalogs spectra": lambda _: Catalogs.get_hsc_spectra(),
    "catalogs spectra files": lambda place: Catalogs.download_hsc_spectra(
        place.spectra, download_dir=place.folder, verbose=False
    ),
    "missions criteria": lambda _: MastMissions.query_criteria(sci_pep_id=10452, sci_instrume="ACS", limit=20),
    "missions all": lambda _: MastMissions.query_criteria(sci_pep_id=10452, limit=None),
    "missions region": lambda _: MastMissions.query_region(M51, radius=2, select_cols="sci_start_time"),
    "missions regions": lambda _: MastMissions.query_region(TWO, radius=1),
    "missions count": lambda _: MastMissions.query_criteria(sci_pep_id=10452, count_only=True),
    "missions columns": lambda _: MastMissions.get_column_list(mission="iue"),
    "missions available": lambda _: MastMissions.get_available_missions(),
    "missions products": lambda place: MastMissions.get_product_list(place.dataset, verbose=False),
    "missions batches": lambda place: MastMissions.get_product_list(place.dataset, batch_size=1, verbose=False),
    "missions files": lambda place: MastMissions.download_products(
        place.files, download_dir=place.folder, verbose=False, timeout=3, on_error="ignore"
    ),
    "cutouts sectors": lambda _: Tesscut.get_sectors(coordinates=STAR),
    "cutouts moving": lambda _: Tesscut.get_sectors(object_name="Eleonora", moving_target=True),
    "cutouts tess": lambda _: Tesscut.get_cutouts(coordinates=STAR, size=2, sector=[1, 2]),
    "cutouts tess files": lambda place: Tesscut.download_cutouts(
        coordinates=STAR, size=2, sector=[1, 2], path=place.folder, timeout=3
    ),
    "cutouts surveys": lambda _: Zcut.get_surveys(DEEP),
    "cutouts deep": lambda _: Zcut.get_cutouts(DEEP, size=2),
    "cutouts deep files": lambda place: Zcut.download_cutouts(DEEP, size=2, path=place.folder, timeout=3),
    "cutouts deep zip": lambda place: Zcut.download_cutouts(DEEP, size=2, path=place.folder, inflate=False, timeout=3),
    "cutouts hap": lambda _: Hapcut.get_cutouts("202.4696 47.1952", size=2),
    "cutouts hap files": lambda place: Hapcut.download_cutouts(
        "202.4696 47.1952", size=2, path=place.folder, timeout=3
    ),
    "jwst criteria": lambda _: JwstFilesClass().query_criteria(program=1386, date_obs="2022-07-20..", columns="band"),
    "jwst endings": lambda _: JwstFilesClass().query_criteria(**MIRI, suffix=["cal", "i2d"], columns="exp_type"),
    "jwst exclusions": lambda _: JwstFilesClass().query_criteria(**MIRI, exp_type="!MIR_IMAGE", columns="date_obs"),
    "jwst nothing": lambda _: JwstFilesClass().query_criteria(**MIRI, exp_type="MIR_4QMP"),
    "jwst count": lambda _: JwstFilesClass().query_criteria_count(**MIRI, is_psf=True),
    "jwst values": lambda _: JwstFilesClass().list_values("filter", **MIRI),
    "jwst columns": lambda _: JwstFilesClass().list_columns(),
    "jwst files": _fetch_jwst,
    "jwst refresh": _refresh,
    "account whoami": lambda _: MastClass().session_info(),
    "account login": _login,
    "files products": lambda place: place.fetch(),
    "files zip": lambda place: place.fetch(bundle="zip"),
    "files tar": lambda place: place.fetch(bundle="tar.gz"),
    "files script": lambda place: place.fetch(curl_flag=True),
    "files one": lambda place: Observations.download_file(
        place.products["dataURI"][0], local_path=place.folder / "one.fits", verbose=False
    ),
    "files open": _open_product,
    "files verify": _verify,
    "cloud list": lambda _: Observations.list_cloud_datasets(),
    "cloud paths": lambda place: get_cloud_paths(list(place.products["dataURI"]), verbose=False),
    "cloud files": _in_the_cloud,
}

KEPT: dict[str, Call] = {
    "kept observations": lambda _: Observations.query_criteria(proposal_id=10501, pagesize=7, cache=True),
    "kept catalog": lambda _: Catalogs.query_region(M51, catalog="TIC", cache=True, **NEAR),
    "kept mission": lambda _: MastMissions.query_criteria(sci_pep_id=10452, limit=None, cache=True),
    "kept files": lambda place: place.fetch(),
    "kept parts": lambda place: place.fetch(),
}

# -- one case ------------------------------------------------------------------------------------------------------


@dataclass
class Report:
    """The outcomes of the cases."""

    cases: int = 0
    answers: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    raw: dict[str, list[str]] = field(default_factory=dict)
    slow: list[str] = field(default_factory=list)
    slowest: float = 0.0

    def note(self, outcome: str, case: str, where: str | None = None) -> None:
        """Record one outcome; ``where`` is the place that raised an undocumented exception."""
        self.outcomes[outcome] += 1
        if where is not None:
            self.raw.setdefault(f"{outcome} at {where}", []).append(case)

    def lines(self) -> Iterator[str]:
        """Yield the lines of the report."""
        yield f"{self.cases} calls, {self.answers} changed answers and files, the slowest call {self.slowest:.1f} s"
        yield from (f"{number:7d}  {name}" for name, number in self.outcomes.most_common())
        yield from (f"RAW {len(cases)} x {what}: case {', '.join(cases[:5])}" for what, cases in self.raw.items())
        yield from (f"SLOW {case}" for case in self.slow)


class Changer:
    """Mutates the responses of one case, from the n-th of an endpoint on, or only this one."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.first = rng.choice((0, 0, 0, 0, 0, 0, 1, 1, 2, 3))
        self.seed = rng.randrange(1 << 30)
        self.always = rng.random() < 0.7
        self.seen = self.changed = 0
        self.lock = threading.Lock()

    def strikes(self, _: RequestRecord) -> bool:
        """Return whether to mutate a response."""
        with self.lock:
            place = self.seen
            self.seen += 1
            struck = place == self.first or (self.always and place > self.first)
            self.changed += struck
        return struck

    def __call__(self, reply: Reply) -> Reply:
        """Mutate a response, in another way for each retry."""
        return changed(random.Random(self.seed + self.changed), reply)


class Cases:
    """The cases, one after the other, in one sandbox."""

    def __init__(self, sandbox: Sandbox, folder: Path, calls: str = "") -> None:
        self.sandbox = sandbox
        self.folder = folder
        self.calls = {name: call for name, call in {**CALLS, **KEPT}.items() if calls in name}
        # Calls that write files take ten times as long.
        self.weights = [1 if re.match("cutouts (tess|deep|hap)|files|kept", name) else 5 for name in self.calls]
        self.place = Place(
            folder,
            Observations.get_product_list([OBSID], verbose=False)[:2],
            datasets := MastMissions.query_criteria(sci_pep_id=10452, sci_instrume="ACS", limit=None)[:2],
            MastMissions.get_product_list(datasets, verbose=False)[:3],
            Catalogs.get_hsc_spectra()[:2],
        )
        self.report = Report()

    def run(self, number: int) -> None:
        """Run the case with a number."""
        rng = random.Random(number)
        name = rng.choices(list(self.calls), self.weights)[0]
        call, case = self.calls[name], f"{number} ({name})"
        place = replace(self.place, folder=self.folder / f"case{number}")
        _forget()
        self.report.cases += 1
        changer = Changer(rng)
        try:
            with (
                warnings.catch_warnings(record=True) as warned,
                conf.set_temp("max_attempts", rng.choice((1, 3, 6))),
            ):
                warnings.simplefilter("always")
                if name in KEPT:
                    self._change_files(name, call, place, rng)
                else:
                    self._change_answers(changer)
                self._observe(call, place, case)
        finally:
            self.sandbox.faults.clear()
            self.sandbox.requests.clear()
            shutil.rmtree(place.folder, ignore_errors=True)
        self.report.answers += changer.changed
        for warning in warned:
            documented = issubclass(warning.category, AstropyWarning)
            where = None if documented else f"{warning.filename}:{warning.lineno}: {warning.message}"
            self.report.note(warning.category.__name__, case, where)

    def _change_answers(self, changer: Changer) -> None:
        """Mutate responses of all endpoints."""
        fault = Fault("changed", bends=(changer,))
        for endpoint in ENDPOINTS:
            self.sandbox.faults.add(endpoint, fault, times=None, where=changer.strikes)

    def _change_files(self, name: str, call: Call, place: Place, rng: random.Random) -> None:
        """Mutate the files that a first call wrote."""
        for client in (Observations, Catalogs, MastMissions):
            client.cache_location = place.folder / "cache"
        (place.folder / "cache").mkdir(parents=True)
        if name == "kept parts":
            size = rng.randrange(1, 200_000)
            self.sandbox.faults.add("download", Fault.cut(size), times=None)
        call(place)
        self.sandbox.faults.clear()
        for path in place.folder.rglob("*"):
            if path.is_file() and rng.random() < 0.7:
                body = path.read_bytes()
                ways = [changed_bytes, changer_of(body) if body else changed_bytes]
                path.write_bytes(rng.choice(ways)(rng, body))
                self.report.answers += 1

    def _observe(self, call: Call, place: Place, case: str) -> None:
        """Make the call, and record its outcome."""
        started = time.monotonic()
        try:
            found = call(place)
            str(found[:1] if isinstance(found, Table) else found)
        except DOCUMENTED as err:
            self.report.note(type(err).__name__, case)
        except Exception as err:  # noqa: BLE001 - this is what is looked for
            frames = [
                frame for frame in traceback.extract_tb(err.__traceback__) if "astroquery_mast/" in frame.filename
            ]
            at = frames[-1] if frames else traceback.extract_tb(err.__traceback__)[-1]
            words = f"{at.filename.rpartition('astroquery_mast/')[2]}:{at.lineno}"
            self.report.note(f"raw {type(err).__name__}", case, words)
        else:
            self.report.note("returned", case)
        elapsed = time.monotonic() - started
        self.report.slowest = max(self.report.slowest, elapsed)
        if elapsed > SLOW:
            self.report.slow.append(f"{elapsed:.1f} s: case {case}")


def _remembered(answer: Callable[[RequestRecord, str], Reply]) -> Callable[[RequestRecord, str], Reply]:
    """Cache the responses, so that each is created only once before it is mutated."""
    known: dict[tuple[object, ...], Reply] = {}

    def remembered(record: RequestRecord, target: str) -> Reply:
        headers = (record.headers.get(name) for name in ("range", "if-range", "authorization"))
        # Each Mashup request has another cache breaker, so the key must not depend on it.
        key = (record.method, target, re.sub(rb"cacheBreaker%22[^,]*?%2C", b"", record.body), *headers)
        if key not in known:
            known[key] = answer(record, target)
        return known[key]

    return remembered


_columns: list[ColumnMetadata] = []


def _forget() -> None:
    """Clear what other cases have stored."""
    KNOWN_NAMES.clear()
    KNOWN_VALUES.clear()
    PACES.clear()
    if not _columns:
        _columns.extend(each for each in gc.get_objects() if isinstance(each, ColumnMetadata))
    for columns in _columns:
        columns.forget()


@contextmanager
def cases_in(sandbox: Sandbox, folder: Path, calls: str = "") -> Iterator[Cases]:
    """Set up the environment of cases."""
    cases = Cases(sandbox, folder, calls)
    with ExitStack() as settings:
        for name, value in (("timeout", 3.0), ("read_timeout", 2.0), ("max_workers", 2)):
            settings.enter_context(conf.set_temp(name, value))
        settings.enter_context(conf.set_temp("max_response_size", 50_000_000))
        answer, level = sandbox._routes.answer, log.level
        settings.callback(setattr, sandbox._routes, "answer", answer)
        sandbox._routes.answer = _remembered(answer)
        settings.callback(log.setLevel, level)
        log.setLevel(logging.CRITICAL)
        yield cases
        _forget()


@pytest.mark.timeout(600)
def test_mutated_responses_and_files_lead_to_documented_exceptions(mast_sandbox: Sandbox, tmp_path: Path) -> None:
    """Whatever the response or file, a call raises and warns as documented, and does not take long."""
    with cases_in(mast_sandbox, tmp_path) as cases:
        for number in range(CASES):
            cases.run(number)
    report = cases.report
    assert not report.raw
    assert not report.slow
    assert report.outcomes["returned"] > CASES / 10
    assert len([name for name in report.outcomes if name.endswith("Error")]) > 5


def main(cases: int, first: int = 0, calls: str = "") -> None:
    """Run many cases, and print their outcomes."""
    retrying.pause = lambda _seconds, _stopped: None
    with tempfile.TemporaryDirectory() as folder, Sandbox() as sandbox, cases_in(sandbox, Path(folder), calls) as tried:
        for number in range(first, first + cases):
            faulthandler.dump_traceback_later(5 * SLOW, exit=True)  # a call that does not end stops the program
            tried.run(number)
            faulthandler.cancel_dump_traceback_later()
            if tried.report.cases % 1000 == 0:
                sys.stdout.write("\n".join(tried.report.lines()) + "\n\n")
                sys.stdout.flush()
    sys.stdout.write("\n".join(tried.report.lines()) + "\n")


if __name__ == "__main__":
    main(*(kind(word) for kind, word in zip((int, int, str), sys.argv[1:], strict=False)))
