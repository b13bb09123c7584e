"""The README's small pictures of the tutorials: `python docs/thumbnails.py [NN …]` executes the pages for them."""

import base64
import io
import sys
from pathlib import Path

import jupytext
from nbclient import NotebookClient
from PIL import Image

HERE = Path(__file__).parent
TUTORIALS = HERE.parent / "tutorials"
SIZE = 240, 120  # pixels, twice as many as the README shows

# page: (which of its figures, the part of it that is shown: left, top, right, bottom, as shares)
ALL = 0, 0, 1, 1
CHOSEN = {
    "00": (1, (0.01, 0.02, 0.51, 0.52)), "01": (0, (0.35, 0.1, 0.6, 0.76)), "02": (0, (0.54, 0.09, 1, 0.93)),
    "03": (0, ALL), "04": (0, (0.2, 0, 0.69, 0.88)), "05": (0, ALL), "06": (0, ALL), "07": (1, ALL),
    "08": (0, (0.02, 0.1, 0.4, 1)), "09": (2, (0.12, 0, 1, 1)), "10": (0, (0.1, 0.1, 0.9, 0.5)), "11": (0, ALL),
    "12": (0, ALL), "13": (0, (0.085, 0, 0.485, 0.86)), "14": (0, ALL), "15": (1, (0, 0, 1, 0.48)),
    "16": (0, (0, 0, 1, 0.56))}


def figures(page: Path) -> list[Image.Image]:
    """What a page draws, in its order."""
    notebook = NotebookClient(jupytext.read(page), timeout=240, resources={"metadata": {"path": TUTORIALS}}).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    pictures = [output["data"]["image/png"] for output in outputs if "image/png" in output.get("data", {})]
    return [Image.open(io.BytesIO(base64.b64decode(picture))).convert("RGB") for picture in pictures]


def thumbnail(picture: Image.Image, part: tuple[float, float, float, float]) -> Image.Image:
    """The part of a picture, scaled into SIZE and centred on white."""
    width, height = picture.size
    left, top, right, bottom = part
    small = picture.crop((round(left * width), round(top * height), round(right * width), round(bottom * height)))
    small.thumbnail(SIZE, Image.Resampling.LANCZOS)
    card = Image.new("RGB", SIZE, "white")
    card.paste(small, ((SIZE[0] - small.width) // 2, (SIZE[1] - small.height) // 2))
    return card


if __name__ == "__main__":
    for number in sys.argv[1:] or CHOSEN:
        (page,) = TUTORIALS.glob(f"{number}_*.md")
        which, part = CHOSEN[number]
        thumbnail(figures(page)[which], part).quantize(64).save(HERE / "images" / f"{number}.png", optimize=True)
        print(f"{number}.png")
