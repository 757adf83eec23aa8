"""
How do I find JWST files by header keyword?
===========================================

``JwstFiles`` searches single FITS files by their headers: exposure type, subarray,
coronagraphic mask, dither pattern, and about 200 more. This recipe finds the
coronagraphic images of a star, and the images of the reference star that belong to
them.
"""

from astroquery_mast import JwstFiles

criteria = {"program": 1386, "instrument": "NIRCam", "exp_type": "NRC_CORON"}
science = JwstFiles.query_criteria(is_psf=False, suffix="cal", **criteria)
references = JwstFiles.query_criteria(is_psf=True, suffix="cal", **criteria)
for files in (science, references):
    columns = "filename", "targprop", "coronmsk", "filter", "effexptm"
    files[columns].pprint(max_lines=8, max_width=-1)
    print()

# %%
# To see which values a keyword has, list them:

JwstFiles.list_values("coronmsk", program=1386).pprint()

# %%
# Each row is a file, so you can download it without a product list. Every file is
# checked against the MD5 checksum of MAST:

manifest = JwstFiles.download_products(
    science[:2], download_dir="coronagraphy", flat=True
)
manifest["Local Path", "Status"].pprint(max_width=-1)

# %%
# More about these files: :doc:`/jwst_files`.
