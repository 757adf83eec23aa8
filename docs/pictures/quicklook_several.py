import matplotlib.pyplot as plt

from astroquery_mast.display import quicklook
from astroquery_mast.sandbox import Sandbox

figure, axes = plt.subplots(1, 2, layout="constrained")
figure.set_size_inches(11, 4.5)
webb = "jw01783-o001_t006_nircam_clear-f200w_i2d.fits"
with Sandbox():
    quicklook("mast:HST/product/j97c01020_drc.fits", axes[0])
    quicklook(f"mast:JWST/product/{webb}", axes[1])
