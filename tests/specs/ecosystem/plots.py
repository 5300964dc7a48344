"""matplotlib's fonts and styles: pictures drawn in memory."""

import hashlib
import io

import matplotlib

matplotlib.use("Agg")

import matplotlib.font_manager
import matplotlib.pyplot as plt
import matplotlib.style

print(len(matplotlib.style.available), matplotlib.style.available[:3])
fonts = {entry.name for entry in matplotlib.font_manager.fontManager.ttflist}
print(sorted(name for name in fonts if name.startswith(("DejaVu", "STIX", "cm"))))


def digest(kind, style):
    with plt.style.context([style, {"svg.hashsalt": "fixed"}]):
        figure, axes = plt.subplots(figsize=(3, 2))
        axes.plot([1, 2, 4, 8], label=r"$\sum_{i=0}^n x_i^2$")
        axes.set_title("größe", fontfamily="DejaVu Serif")
        axes.legend()
        memory = io.BytesIO()
        metadata = {"png": {}, "svg": {"Date": None}, "pdf": {"CreationDate": None}}[kind]
        figure.savefig(memory, format=kind, metadata=metadata)
        plt.close(figure)
    return hashlib.sha256(memory.getvalue()).hexdigest()



for style in ["default", "ggplot", "dark_background"]:
    print(style, digest("png", style))
print(digest("svg", "default"), digest("pdf", "default"))
