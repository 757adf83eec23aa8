"""Draw the times of ``speed.csv`` as pairs of bars, on a logarithmic axis."""

import csv
from pathlib import Path

import matplotlib.pyplot as plt

PEER, OURS = "astroquery.mast", "astroquery_mast"

# Sphinx runs this in its folder.
with Path("speed.csv").open(encoding="utf-8", newline="") as file:
    rows = [row for row in csv.DictReader(file) if row["compared with"] == PEER and row["other"].endswith("s")]

fig, ax = plt.subplots(figsize=(9, 0.52 * len(rows) + 0.9), layout="constrained")
for place, row in enumerate(reversed(rows)):
    for offset, key, name, color in ((-0.2, "other", PEER, "#9aa7b4"), (0.2, OURS, OURS, "#0b6fae")):
        seconds = float(row[key].split()[0])
        ax.barh(place + offset, seconds, height=0.36, color=color, label=None if place else name)
        text = f"{seconds:,.3g} s" if seconds < 1000 else f"{seconds:,.0f} s"
        at = (seconds, place + offset)
        ax.annotate(text, at, xytext=(4, 0), textcoords="offset points", va="center", fontsize=8)
ax.set_yticks(range(len(rows)), [f"{row['task']}  ({float(row['ratio']):.3g} x)" for row in reversed(rows)])
ax.set_xscale("log")
ax.set_xlim(0.01, max(float(row["other"].split()[0]) for row in rows) * 4)
ax.set_xlabel("time (s), logarithmic")
ax.spines[["top", "right"]].set_visible(False)
ax.tick_params(axis="y", length=0, labelsize=9)
handles, labels = ax.get_legend_handles_labels()
ax.legend(handles[::-1], labels[::-1], loc="upper right", frameon=False)
