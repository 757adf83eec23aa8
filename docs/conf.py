"""How the documentation is built: ``python -m sphinx -W -b html docs docs/_build/html``, without any network."""

from __future__ import annotations

from importlib.metadata import version as installed_version

project = "astroquery_mast"
author = "astroquery_mast developers"
copyright = "astroquery_mast developers"
release = installed_version("astroquery_mast")
version = ".".join(release.split(".")[:2])

extensions = [
    "sphinx.ext.autodoc",
    "numpydoc",
    "matplotlib.sphinxext.plot_directive",
    "pytest_doctestplus.sphinx.doctestplus",
]
exclude_patterns = ["_build", "api"]
default_role = "obj"
nitpicky = False

# Every class has a page of its own, on which autodoc lists the members.
autodoc_member_order = "groupwise"
autodoc_typehints = "none"
numpydoc_show_class_members = False

# The figures are drawn while the pages are built, from the sandbox.
plot_formats = [("png", 90)]
plot_html_show_formats = False
plot_html_show_source_link = False

# The pages must build, and be read, without asking anybody on the network for anything.
html_theme = "astropy-unified"
html_title = f"astroquery_mast {release}"
html_show_sourcelink = False
html_copy_source = False
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
