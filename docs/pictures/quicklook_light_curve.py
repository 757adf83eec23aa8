from astroquery_mast.display import quicklook
from astroquery_mast.sandbox import Sandbox

name = "tess2018206045859-s0001-0000000261136679-0120-s_lc.fits"
with Sandbox():
    quicklook(f"mast:TESS/product/{name}")
