"""The demo: it runs the typical workflow, and explains what is missing if it cannot."""

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
    """Run the demo once; return its folder and its output."""
    folder = tmp_path_factory.mktemp("demo")
    with redirect_stdout(io.StringIO()) as printed:
        assert demo.main(["--download-dir", str(folder)]) == 0
    return folder, printed.getvalue()


def test_the_demo_downloads_images_and_saves_pictures(finished: tuple[Path, str]) -> None:
    """There are two images of Hubble and two of Webb, a spectrum, a light curve, and pictures of all in one folder."""
    folder, _ = finished
    images = sorted(path.stem for path in folder.rglob("*.fits"))
    assert sorted(name.rsplit("_", 1)[1] for name in images) == ["drc", "drc", "i2d", "i2d", "lc", "x1dsum"]
    pictures = sorted(folder.glob("*.png"))
    assert sorted(path.stem for path in pictures) == sorted([*images, "footprints"])
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in pictures)
    assert not list((folder / "mastDownload").rglob("*.png"))


def test_the_demo_prints_all_paths(finished: tuple[Path, str]) -> None:
    """All pictures are in one list, followed by the path of the data and what to do next."""
    folder, printed = finished
    _, _, end = printed.partition("Pictures to look at:\n")
    listed = [line.strip() for line in end.splitlines() if line.endswith(".png")]
    assert sorted(listed) == sorted(str(path) for path in folder.resolve().glob("*.png"))
    assert f"The data files are in {folder.resolve() / 'mastDownload'}" in end
    pages = [line.rpartition("docs/")[2] for line in end.partition("What to do next:\n")[2].splitlines()]
    assert len(pages) == 3
    assert all((Path(__file__).parents[1] / "docs" / page).is_file() for page in pages)


def test_the_demo_describes_an_image(finished: tuple[Path, str]) -> None:
    """The size of an image in pixels and on the sky, its unit and its center are printed."""
    _, printed = finished
    _, _, image = printed.partition(">>> read_image('j97c01030_drc.fits')\n")
    size, center, *_ = image.splitlines()
    assert size == "    256 x 256 pixels, 3.4 x 3.4 arcmin, values in electron / s"
    assert center == "    center 13h29m52.6s +47d11m59.0s (ICRS)"


def test_the_demo_shows_a_refusal_and_then_the_exclusive_file(finished: tuple[Path, str]) -> None:
    """The exclusive file is an ERROR with advice at first, and COMPLETE after the login."""
    _, printed = finished
    refused, _, given = printed.partition("Observations.login(")
    assert "    ERROR  jw03435" in refused
    assert "MAST_API_TOKEN" in refused
    assert "    COMPLETE  jw03435" in given


def test_the_demo_logs_out(finished: tuple[Path, str]) -> None:
    """The demo logs out at the end."""
    assert not Observations.authenticated()


def test_the_demo_does_not_print_the_token(finished: tuple[Path, str]) -> None:
    """No token is printed, not even the sandbox's."""
    assert Sandbox.token not in finished[1]


def test_a_second_demo_keeps_the_public_files(finished: tuple[Path, str], capsys: pytest.CaptureFixture[str]) -> None:
    """Complete public files are not downloaded again, and the exclusive file is still refused without a token."""
    folder, _ = finished
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*.fits") if "jw03435" not in path.name}
    assert demo.main(["--download-dir", str(folder)]) == 0
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert "    ERROR  jw03435" in capsys.readouterr().out


def test_without_matplotlib_there_is_a_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """There are no pictures, and a message says once how to install matplotlib."""
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    path = tmp_path / "x.fits"
    wcs = WCS(naxis=2)
    wcs.wcs.ctype, wcs.wcs.cdelt = ["RA---TAN", "DEC--TAN"], [-1 / 60, 1 / 60]
    fits.PrimaryHDU(np.zeros((4, 8)), wcs.to_header()).writeto(path)
    album = demo.Album(tmp_path / "pictures")
    demo.look_at(path, album)
    demo.look_at(path, album)
    printed = capsys.readouterr().out
    assert printed.count("astroquery_mast[plot]") == 1
    assert printed.count("8 x 4 pixels, 8.0 x 4.0 arcmin, values in no unit") == 2
    assert not album.pictures
    assert not album.folder.exists()


def test_without_the_sandbox_extra_there_is_a_message(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without Werkzeug, the demo says what to install, and fails without a traceback."""
    monkeypatch.setattr("astroquery_mast.sandbox", sys.modules["astroquery_mast.sandbox"])
    for name in [name for name in sys.modules if name.startswith("astroquery_mast.sandbox")]:
        monkeypatch.delitem(sys.modules, name)
    for name in [name for name in sys.modules if name.split(".")[0] == "werkzeug"]:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setitem(sys.modules, "werkzeug", None)
    assert demo.main([]) == 1
    assert "astroquery_mast[sandbox]" in capsys.readouterr().out


@pytest.mark.filterwarnings("ignore::astroquery.exceptions.NoResultsWarning")
@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("no such thing", 'Could not resolve "no such thing"'),
        ("HD 209458", "There are no such images within 0.1 deg of HD 209458"),
    ],
)
def test_a_target_without_images_ends_the_demo(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], target: str, reason: str
) -> None:
    """The demo lists targets with images, and exits with 1; no folder is created or mentioned."""
    folder = tmp_path / "demo"
    assert demo.main(["--target", target, "--download-dir", str(folder)]) == 1
    printed = " ".join(capsys.readouterr().out.split())
    assert reason in printed
    _, _, targets = printed.partition("The sandbox has images of ")
    assert {"M51", "GOODS-S", "COSMOS"} <= set(targets.partition(":")[0].split(", "))
    assert "data files are in" not in printed
    assert not folder.exists()


def test_another_target_has_pictures(tmp_path: Path) -> None:
    """The target is one that the sandbox suggests."""
    assert demo.main(["--target", "GOODS-S", "--download-dir", str(tmp_path)]) == 0
    assert len(list(tmp_path.glob("*.png"))) >= 6


def test_an_unreachable_server_ends_the_demo(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With --live and no network, there is a message, and the exit status is 1."""
    with Sandbox() as archive:
        address = archive.url
    with conf.set_temp("resolver_server", address):
        assert demo.main(["--live", "--download-dir", str(tmp_path)]) == 1
    assert "could not be reached" in capsys.readouterr().out


def test_the_live_demo_logs_in_from_the_environment(mast_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a sandbox, the token from the environment is used."""
    monkeypatch.setenv("MAST_API_TOKEN", mast_sandbox.token)
    assert demo.log_in(None)
    assert Observations.authenticated()


def test_the_live_demo_says_how_to_log_in(mast_sandbox: Sandbox, capsys: pytest.CaptureFixture[str]) -> None:
    """Without a token in the environment, a message says where to create one, and there is no prompt."""
    assert not demo.log_in(None)
    assert f"{conf.auth_server}/token" in capsys.readouterr().out
    assert not mast_sandbox.requests.of("whoami")


def test_a_field_without_exclusive_data_is_not_a_failure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """If all data are public, the last step says so."""
    demo.exclusive_file(Table({"dataRights": ["PUBLIC"]}), demo.Album(tmp_path), None)
    assert "None of these observations is under exclusive access today" in capsys.readouterr().out
