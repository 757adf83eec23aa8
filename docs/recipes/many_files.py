"""
How do I download many files, resume, verify, and retry?
========================================================

If a large download is interrupted, run the same script again. Complete files are kept,
and partial files are resumed. The manifest lists the status of each file. With it, you
can retry failed downloads and verify your files later.
"""

from astroquery_mast import Observations

observations = Observations.query_criteria(
    obs_collection="HST", project="HST", proposal_id=10452, calib_level=3
)
products = Observations.get_product_list(observations)
images = Observations.filter_products(products, extension="_drc.fits")

# %%
# Check the size before you start. A dry run downloads nothing:

plan = Observations.download_products(images, dry_run=True)
print(plan.meta["files"], "files,", round(plan.meta["total_bytes"] / 1e6), "MB")

# %%
# Download six files at a time, and save the manifest:

manifest = Observations.download_products(images, max_workers=6)
manifest.write("manifest.ecsv", overwrite=True)

# %%
# The second time, nothing is downloaded:

manifest = Observations.download_products(images)

# %%
# Retry failed downloads, even on another day. You only need the manifest:

manifest = Observations.retry_downloads("manifest.ecsv")
print((manifest["Status"] == "COMPLETE").sum(), "of", len(manifest), "complete")

# %%
# Verify that the files on disk have not changed, for example after you copied them to
# another disk. They are compared with the SHA-256 checksums in the manifest:

checked = Observations.verify_downloads("manifest.ecsv")
print(checked[:3])

# %%
# See :doc:`/downloads` for the choice of folders, and for processing files while others
# are downloaded.
