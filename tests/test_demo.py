"""The demo: it does the main job, and says what is missing when something is."""

from __future__ import annotations

import io
import sys
from contextlib import redirect_stdout
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table
from astropy.wcs import WCS

from astroquery_mast import Observations, conf, demo
from astroquery_mast.sandbox import Sandbox


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Run the demo once; give its folder and what it printed."""
    folder = tmp_path_factory.mktemp("demo")
    with redirect_stdout(io.StringIO()) as printed:
        assert demo.main(["--download-dir", str(folder)]) == 0
    return folder, printed.getvalue()


def test_the_demo_brings_images_and_pictures(finished: tuple[Path, str]) -> None:
    """There are two Hubble images, a public and an exclusive one of Webb, and a picture of three of them."""
    folder, _ = finished
    images = sorted(path.name for path in folder.rglob("*.fits"))
    assert [name.rsplit("_", 1)[1] for name in images] == ["drc.fits", "drc.fits", "i2d.fits", "i2d.fits"]
    pictures = list(folder.rglob("*.png"))
    assert len(pictures) == 3
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in pictures)
    assert all(path.with_suffix(".fits").is_file() for path in pictures)


def test_the_demo_says_where_the_files_are(finished: tuple[Path, str]) -> None:
    """The last line names the folder."""
    folder, printed = finished
    assert printed.rstrip().splitlines()[-1].endswith(str(folder.resolve()))


def test_the_demo_shows_a_refusal_and_then_the_exclusive_file(finished: tuple[Path, str]) -> None:
    """The exclusive file is an ERROR with advice at first, and COMPLETE after the login."""
    _, printed = finished
    refused, _, given = printed.partition("Observations.login(")
    assert "    ERROR  jw03435" in refused
    assert "MAST_API_TOKEN" in refused
    assert "    COMPLETE  jw03435" in given


def test_the_demo_leaves_nobody_logged_in(finished: tuple[Path, str]) -> None:
    """The sandbox's token is forgotten at the end."""
    assert not Observations.authenticated()


def test_the_demo_does_not_print_the_token(finished: tuple[Path, str]) -> None:
    """A token is nothing to show, not even the sandbox's."""
    assert Sandbox.token not in finished[1]


def test_a_second_demo_keeps_the_public_files(finished: tuple[Path, str], capsys: pytest.CaptureFixture[str]) -> None:
    """Whole public files are not fetched again, and the exclusive file is still refused without a token."""
    folder, _ = finished
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*.fits") if "jw03435" not in path.name}
    assert demo.main(["--download-dir", str(folder)]) == 0
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert "    ERROR  jw03435" in capsys.readouterr().out


def test_without_matplotlib_there_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The picture is left out, and the reader told how to get it."""
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    assert demo.save_picture(np.zeros((4, 4)), WCS(naxis=2), tmp_path / "x.fits") is None
    assert "astroquery_mast[plot]" in capsys.readouterr().out
    assert not list(tmp_path.iterdir())


def test_without_the_sandbox_extra_there_is_a_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where Werkzeug is missing, the demo says what to install, and fails without a traceback."""
    monkeypatch.setattr("astroquery_mast.sandbox", sys.modules["astroquery_mast.sandbox"])
    for name in [name for name in sys.modules if name.startswith("astroquery_mast.sandbox")]:
        monkeypatch.delitem(sys.modules, name)
    for name in [name for name in sys.modules if name.split(".")[0] == "werkzeug"]:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setitem(sys.modules, "werkzeug", None)
    assert demo.main([]) == 1
    assert "astroquery_mast[sandbox]" in capsys.readouterr().out


def test_header_facts_leave_out_clear_filters() -> None:
    """Of a filter wheel set to CLEAR nothing is said, and the center is that of the pixels."""
    primary = fits.Header({"TELESCOP": "HST", "FILTER1": "CLEAR1L", "FILTER2": "F814W", "EXPTIME": 2686.238})
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.crval, wcs.wcs.crpix, wcs.wcs.cdelt = [150.0, 2.0], [5.5, 3.0], [-1 / 60, 1 / 60]
    facts = demo.header_facts(primary, np.zeros((5, 10)), wcs)
    assert facts["filter"] == "F814W"
    assert facts["exposure (s)"] == "2686.2"
    assert facts["shape"] == "5 x 10 pixels, 5.0 x 10.0 arcmin"
    assert facts["WCS center"] == "10h00m00.0s +02d00m00.0s (ICRS)"


def test_an_unknown_target_ends_the_demo(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A name without a position gives a sentence and the exit status 1."""
    assert demo.main(["--target", "no such thing", "--download-dir", str(tmp_path)]) == 1
    assert 'Could not resolve "no such thing"' in capsys.readouterr().out


def test_an_archive_out_of_reach_ends_the_demo(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With --live and no network there is a sentence and the exit status 1."""
    with Sandbox() as archive:
        address = archive.url
    with conf.set_temp("resolver_server", address):
        assert demo.main(["--live", "--download-dir", str(tmp_path)]) == 1
    assert "could not be reached" in capsys.readouterr().out


def test_the_live_demo_logs_in_from_the_environment(mast_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """With no token at hand, that of the environment is used."""
    monkeypatch.setenv("MAST_API_TOKEN", mast_sandbox.token)
    assert demo.log_in(None)
    assert Observations.authenticated()


def test_the_live_demo_says_how_to_log_in(mast_sandbox: Sandbox, capsys: pytest.CaptureFixture[str]) -> None:
    """With no token in the environment either, the reader is told where one is made; nobody is asked."""
    assert not demo.log_in(None)
    assert f"{conf.auth_server}/token" in capsys.readouterr().out
    assert not mast_sandbox.requests.of("whoami")


def test_a_field_without_exclusive_data_is_no_failure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Where everything is public, the last step says so."""
    demo.exclusive_file(Table({"dataRights": ["PUBLIC"]}), tmp_path, None)
    assert "None of these observations is exclusive" in capsys.readouterr().out
