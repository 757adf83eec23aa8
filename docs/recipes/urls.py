"""
How do I get only the URLs, or the cloud URIs?
==============================================

You can download files with another program, or read them in the cloud. List the URLs of
the products instead of downloading them.
"""

from pathlib import Path

from astroquery_mast import Observations

observations = Observations.query_criteria(
    obs_collection="HST", project="HST", proposal_id=10452, calib_level=3
)
products = Observations.get_product_list(observations)
urls = Observations.get_product_urls(products, extension="_drc.fits")
Path("urls.txt").write_text("\n".join(urls))
print(len(urls), "URLs")
print(urls[0].rpartition("=")[2])

# %%
# You can pass the file to another program: ``wget --content-disposition -i urls.txt``.
#
# Many public files have a copy in an Amazon S3 bucket, which you can read without an
# account. List the URIs of the copies:

Observations.enable_cloud_dataset(verbose=False)
uris = Observations.get_cloud_uris(products, extension="_drc.fits")
print(*uris[:3], sep="\n")

# %%
# While the cloud is enabled, files with a cloud copy are also downloaded from there.
# Disable it to download from MAST again:

Observations.disable_cloud_dataset()

# %%
# See :doc:`/products` for URLs, and :doc:`/downloads` for the cloud.
