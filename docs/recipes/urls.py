"""
How do I get only the URLs, or the cloud URIs?
==============================================

You may want to download files with another program, or read them in the cloud. List the
URLs of the products instead of downloading them.
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
# Other programs can now use the file, for example ``wget --content-disposition -i
# urls.txt``.
#
# Many public files have a copy in an Amazon S3 bucket, which you can read without an
# account. These are their addresses:

Observations.enable_cloud_dataset(verbose=False)
uris = Observations.get_cloud_uris(products, extension="_drc.fits")
print(*uris[:3], sep="\n")

# %%
# While the cloud is enabled, downloads come from there if a copy exists. Switch it off
# again to download from MAST:

Observations.disable_cloud_dataset()

# %%
# More about URLs: :doc:`/products`. More about the cloud: :doc:`/downloads`.
