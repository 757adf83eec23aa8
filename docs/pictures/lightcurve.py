import matplotlib.pyplot as plt
from astropy import units as u

from astroquery_mast import CasJobs
from astroquery_mast.sandbox import Sandbox

sql = """
SELECT d.obsTime, d.filterType, d.psfFlux, d.psfFluxErr
FROM fGetNearestObjEq(148.8491, 69.5569, 0.05) AS nb
JOIN Detection AS d ON d.objID = nb.objID
WHERE d.psfFlux > 0
"""
with Sandbox() as archive:
    CasJobs.login(archive.casjobs_user, archive.casjobs_password)
    detections = CasJobs.query(sql, context="PanSTARRS_DR2")

period = 0.5424
figure, ax = plt.subplots(figsize=(8, 5), layout="constrained")
colors = ["tab:green", "tab:red", "tab:purple", "tab:brown", "black"]
for name, color in zip("grizy", colors, strict=True):
    rows = detections[detections["filterType"] == name]
    magnitude = (rows["psfFlux"] * u.Jy).to_value(u.ABmag)
    error = 1.0857 * rows["psfFluxErr"] / rows["psfFlux"]
    phase = rows["obsTime"] / period % 1
    ax.errorbar(phase, magnitude, error, fmt="o", color=color, label=name)
    ax.errorbar(phase + 1, magnitude, error, fmt="o", color=color)
ax.invert_yaxis()
ax.set(xlabel=f"Phase (P = {period} d)", ylabel="PSF magnitude (AB)")
figure.legend(loc="outside right center")
