"""Draw the picture of the README on the sandbox: ``python docs/pictures/readme.py`` writes ``readme.png``."""

from pathlib import Path

import matplotlib.pyplot as plt
from PIL import Image

from astroquery_mast import Observations
from astroquery_mast.display import plot_footprints, quicklook
from astroquery_mast.sandbox import Sandbox

HERE = Path(__file__).parent
HEIGHT, COLORS = 480, 128

with Sandbox():
    images = Observations.query_criteria(
        object_name="M51", radius="0.1 deg", obs_collection="HST", instrument_name="ACS/WFC", calib_level=3
    )
    products = Observations.get_product_list(images[:4], verbose=False)
    drizzled = Observations.filter_products(products, productSubGroupDescription="DRC", extension="fits")
    center = Observations.resolve_object("M51")
    axes = [plot_footprints(images, coordinates=center, radius="0.1 deg"), quicklook(drizzled[3])]
parts = []
for number, ax in enumerate(axes):
    path = HERE / f"readme_{number}.png"
    ax.figure.savefig(path, dpi=100)
    parts.append(Image.open(path).convert("RGB"))
    path.unlink()
    plt.close(ax.figure)
scaled = [part.resize((part.width * HEIGHT // part.height, HEIGHT), Image.Resampling.LANCZOS) for part in parts]
picture = Image.new("RGB", (sum(part.width for part in scaled), HEIGHT), "white")
left = 0
for part in scaled:
    picture.paste(part, (left, 0))
    left += part.width
picture.quantize(COLORS).save(HERE / "readme.png", optimize=True)
