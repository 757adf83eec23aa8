"""
How do I find JWST files by header keyword?
===========================================

``JwstFiles`` searches individual FITS files by about 200 header keywords, such as
exposure type, subarray, coronagraphic mask, and dither pattern. This recipe finds
coronagraphic images of a star, and the images of its reference star.
"""

from astroquery_mast import JwstFiles

criteria = {"program": 1386, "instrument": "NIRCam", "exp_type": "NRC_CORON"}
science = JwstFiles.query_criteria(is_psf=False, suffix="cal", **criteria)
references = JwstFiles.query_criteria(is_psf=True, suffix="cal", **criteria)
for files in (science, references):
    columns = "filename", "targprop", "coronmsk", "filter", "effexptm"
    print(files[columns])
    print()

# %%
# To find out which values a keyword has, list them:

print(JwstFiles.list_values("coronmsk", program=1386))

# %%
# Each row is a file, so you do not need a product list to download it. Each file is
# verified with MAST's MD5 checksum:

manifest = JwstFiles.download_products(
    science[:2], download_dir="coronagraphy", flat=True
)
print(manifest)

# %%
# See :doc:`/jwst_files` for more about these searches.
