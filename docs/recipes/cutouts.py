"""
How do I get cutouts of Hubble mosaics and TESS images?
=======================================================

If you only need a small part of a large image, MAST can cut it out for you. ``Hapcut``
makes cutouts from Hubble mosaics, and ``Tesscut`` from TESS full-frame images.
"""

import numpy as np
from astropy import units as u
from astropy.visualization import make_lupton_rgb
from astropy.wcs import WCS
from matplotlib import pyplot as plt

from astroquery_mast import Hapcut, Tesscut

cutouts = Hapcut.get_cutouts("M51", size=48 * u.arcsec)
for cutout in cutouts[:5]:
    print(cutout.filename, cutout["SCI"].shape)

# %%
# There is a cutout for each filter. All have the same pixel grid, so you can combine
# three of them into a color image:

blue, green, red = (cutouts[number]["SCI"] for number in (0, 1, 4))
layers = [image.data for image in (red, green, blue)]
background = [layer.min() for layer in layers]
rgb = make_lupton_rgb(*layers, minimum=background, stretch=6, Q=3)
ax = plt.subplot(projection=WCS(red.header))
ax.imshow(rgb, origin="lower")
ax.set_xlabel("Right ascension")
ax.set_ylabel("Declination")
ax.set_title("F435W, F555W, F814W")
plt.show()

# %%
# A TESS cutout is a target pixel file: a stack of images with times. Sum the pixels to
# get a simple light curve:

star = Tesscut.get_cutouts(object_name="HD 209458", size=11, sector=14)
pixels = star[0]["PIXELS"].data
figure, (left, right) = plt.subplots(
    1, 2, figsize=(9, 3), width_ratios=(1, 2), layout="constrained"
)
left.imshow(np.nanmean(pixels["FLUX"], axis=0), origin="lower")
left.set_title("Mean image")
right.plot(pixels["TIME"], np.nansum(pixels["FLUX"], axis=(1, 2)), ".")
right.set_xlabel("Time (BJD - 2457000 d)")
right.set_ylabel("Flux (e-/s)")
plt.show()

# %%
# See :doc:`/cutouts` for other formats, several sectors, and moving targets.
