"""How the documentation is built: ``python -m sphinx -W -b html docs docs/_build/html``, without any network."""

from __future__ import annotations

import os
import shutil
import sys
import zlib
from importlib.metadata import version as installed_version
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import recipes_sandbox
from column_table import column_table
from notebooks import write_notebook

project = "astroquery_mast"
author = "astroquery_mast developers"
copyright = "astroquery_mast developers"
release = installed_version("astroquery_mast")
version = ".".join(release.split(".")[:2])

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.intersphinx",
    "numpydoc",
    "sphinx_copybutton",
    "sphinx_design",
    "matplotlib.sphinxext.plot_directive",
    "pytest_doctestplus.sphinx.doctestplus",
    "sphinx_gallery.gen_gallery",
]
# The list of recipes is recipes.rst; sphinx-gallery writes another one.
exclude_patterns = ["_build", "_templates", "gallery/index.rst", "recipes"]
default_role = "obj"
nitpicky = False

# Every class and every method has a page of its own.
autosummary_generate = True
autosummary_generate_overwrite = True
templates_path = ["_templates"]
autodoc_member_order = "groupwise"
autodoc_typehints = "none"
numpydoc_show_class_members = False
# Copied examples are the code, without prompts and output.
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True


def inventory(project: str, names: dict[str, str]) -> str:
    """Write where the documentation of another package describes some of its objects, and return the file.

    With it, links to other packages work in pages that were built without the network.
    """
    lines = "".join(f"{name} py:{kind} 1 api/{page} -\n" for name, kind, page in _described(names))
    header = f"# Sphinx inventory version 2\n# Project: {project}\n# Version: \n# The rest is compressed using zlib.\n"
    path = Path(__file__).parent / "_build" / f"{project}.inv"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(header.encode() + zlib.compress(lines.encode()))
    return str(path)


def _described(names: dict[str, str]) -> list[tuple[str, str, str]]:
    """Return name, kind and page of objects, each of which has a page of its own."""
    pages = {name: ".".join(name.split(".")[:-1]) if kind == "method" else name for name, kind in names.items()}
    return [(name, kind, f"{pages[name]}.html#{name}") for name, kind in names.items()]


_ASTROPY = {
    "astropy.coordinates.SkyCoord": "class",
    "astropy.coordinates.SkyCoord.apply_space_motion": "method",
    "astropy.io.fits.Header": "class",
    "astropy.nddata.CCDData": "class",
    "astropy.table.MaskedColumn": "class",
    "astropy.table.Row": "class",
    "astropy.table.Table": "class",
    "astropy.table.Table.read": "method",
    "astropy.table.Table.write": "method",
    "astropy.table.vstack": "function",
    "astropy.time.Time": "class",
    "astropy.time.TimeDelta": "class",
    "astropy.timeseries.TimeSeries": "class",
    "astropy.units.Quantity": "class",
    "astropy.visualization.wcsaxes.WCSAxes": "class",
    "astropy.wcs.WCS": "class",
}
_ASTROPY_DOCS = "https://docs.astropy.org/en/stable/"
# The page of criteria includes it.
_COLUMNS = Path(__file__).parent / "_build" / "criteria_columns.txt"
_COLUMNS.parent.mkdir(exist_ok=True)
_COLUMNS.write_text(column_table(), "utf-8")

# Where the pages are published there is a network; everywhere else nobody is asked for anything.
_ONLINE = os.environ.get("READTHEDOCS") == "True"
intersphinx_mapping = (
    {
        "python": ("https://docs.python.org/3/", None),
        "astropy": (_ASTROPY_DOCS, None),
        "astroquery": ("https://astroquery.readthedocs.io/en/latest/", None),
        "matplotlib": ("https://matplotlib.org/stable/", None),
        "numpy": ("https://numpy.org/doc/stable/", None),
    }
    if _ONLINE
    else {"astropy": (_ASTROPY_DOCS, inventory("astropy", _ASTROPY))}
)

# Pages that can be downloaded as notebooks.
write_notebook(Path(__file__).parent / "quickstart.rst", Path(__file__).parent / "_build" / "quickstart.ipynb")

# The figures are drawn while the pages are built, from the sandbox.
plot_formats = [("png", 90)]
plot_html_show_formats = False
plot_html_show_source_link = False

# The recipes are run on the sandbox, one after the other; their output and pictures become pages.
shutil.rmtree(recipes_sandbox.COPY, ignore_errors=True)
shutil.copytree(recipes_sandbox.FOLDER, recipes_sandbox.COPY)
sphinx_gallery_conf = {
    "examples_dirs": str(recipes_sandbox.COPY),
    "gallery_dirs": "gallery",
    "filename_pattern": "/",
    "capture_repr": (),
    "reset_modules": ("matplotlib", "recipes_sandbox.begin"),
    "reset_modules_order": "both",
    "doc_module": ("astroquery_mast",),
    "download_all_examples": False,
    "show_signature": False,
    "write_computation_times": False,
    "min_reported_time": 3600,
}

# The pages must build, and be read, without asking anybody on the network for anything.
html_theme = "astropy-unified"
html_title = f"astroquery_mast {release}"
html_show_sourcelink = False
html_copy_source = False
html_static_path = ["_static"]
html_css_files = ["pages.css"]
html_logo = "_static/logo.svg"
html_favicon = "_static/logo.svg"
html_extra_path = ["llms.txt"]
html_theme_options = {
    "sst_project_name": "astroquery_mast",
    "goatcounter_analytics_url": False,
    "rtd_search": False,
    "navbar_links": [
        [
            "Related packages",
            [
                ["astropy", "https://docs.astropy.org", 3],
                ["astroquery", "https://astroquery.readthedocs.io", 3],
            ],
        ],
        ["MAST", "https://mast.stsci.edu", 3],
    ],
    "footer_links": [],
}
