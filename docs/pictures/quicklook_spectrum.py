from astroquery_mast.display import quicklook
from astroquery_mast.sandbox import Sandbox

with Sandbox():
    quicklook("mast:HST/product/lc4301010_x1dsum.fits")
