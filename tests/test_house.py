"""The house: no file imports from a floor above its own, and drawing, map, version and disk say the same."""

import ast
import re
from pathlib import Path

import pytest

import tinyvae

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "tinyvae"
FILES = sorted(PACKAGE.rglob("*.py"))
LONGEST = 350  # lines of a file: more of them are two ideas


def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


# {"vae" or "datasets/": its file or folder} of what lies in the package, on disk.
ROOMS = {path.stem if path.is_file() else f"{path.name}/": path for path in PACKAGE.iterdir()
         if path.suffix == ".py" or (path.is_dir() and path.name != "__pycache__")}


def drawing(page: str) -> list[list[str]]:
    """The floors that docs/design.md draws, from the ground up: each the names of its files and folders."""
    block = re.search(r"\n\n((?: {4}.*\n)+)", page)
    assert block is not None
    floors = [re.split(r" {2,}", line.strip(), maxsplit=1) for line in block[1].splitlines()]
    assert all(len(parts) == 2 for parts in floors), "a floor is: its names, two spaces or more, and a clause"
    return [names.split(", ") for names, _ in reversed(floors)]


def room_of(module: str) -> str:
    """The room of a module such as tinyvae.cli.runs; of a name that is no module's, the front door."""
    first = module.removeprefix("tinyvae").removeprefix(".").split(".")[0]
    return next((room for room in ROOMS if room.rstrip("/") == first), "__init__")


def imports(code: str) -> set[str]:
    """The rooms that the code of one file asks for something, wherever in it: also late, and for types alone.

    What the package says of itself, its version and docstring, everybody may read off the front door, __init__.py.
    """
    nodes = list(ast.walk(ast.parse(code)))
    asked, own = set(), {"tinyvae"}  # own: what the package is called in this file
    for node in nodes:
        if isinstance(node, ast.Import):
            asked |= {alias.name for alias in node.names if alias.name.startswith("tinyvae.")}
            own |= {alias.asname for alias in node.names if alias.name == "tinyvae" and alias.asname}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute here"
            if node.module == "tinyvae":
                asked |= {f"tinyvae.{alias.name}" for alias in node.names}
            elif (node.module or "").startswith("tinyvae."):
                asked.add(node.module)
    for node in nodes:
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in own:
            asked.add(f"tinyvae.{node.attr}")
    return {room_of(module) for module in asked - {"tinyvae.__version__", "tinyvae.__doc__"}}


def climbs(floors: list[list[str]], files: dict[str, list[str]]) -> list[str]:
    """Each import that does not go down, as a line; files: {room: the code of its files}."""
    height = {room: floor for floor, rooms in enumerate(floors) for room in rooms}
    return [f"{room} imports {other}" for room, codes in files.items() for code in codes for other in imports(code)
            if other != room and height[other] >= height[room]]


FLOORS = drawing(text_of(ROOT / "docs" / "design.md"))


def test_every_file_and_folder_is_on_one_floor_of_the_drawing():
    drawn = [room for floor in FLOORS for room in floor]
    assert set(drawn) == ROOMS.keys()
    assert len(drawn) == len(ROOMS)


def test_no_floor_imports_from_above_or_beside():
    codes = {room: [text_of(file) for file in ([path] if path.is_file() else sorted(path.rglob("*.py")))]
             for room, path in ROOMS.items()}
    assert sum(map(len, codes.values())) == len(FILES)
    assert climbs(FLOORS, codes) == []


@pytest.mark.parametrize(("code", "asked"), [
    ("from tinyvae.functions import sigmoid", {"functions"}),
    ("from tinyvae import gaussian, layers", {"gaussian", "layers"}),
    ("import tinyvae.vae", {"vae"}),
    ("from tinyvae.cli.runs import Config", {"cli/"}),
    ("def late():\n    from tinyvae import vae", {"vae"}),
    ("if TYPE_CHECKING:\n    from tinyvae.vae import VAE", {"vae"}),
    ("import tinyvae\ntinyvae.datasets.load", {"datasets/"}),
    ("import tinyvae as tv\ntv.vae.VAE", {"vae"}),
    ("import tinyvae as tv\ntv.fit", {"__init__"}),
    ("from tinyvae import VAE", {"__init__"}),
    ("import tinyvae\ntinyvae.__version__, tinyvae.__doc__", set()),
    ("import numpy as np\nnp.vae", set()),
])
def test_imports_are_found_wherever_they_stand(code, asked):
    assert imports(code) == asked


def test_what_climbs_is_found():
    floors = drawing("\n\n    vae               upstairs\n    layers, gaussian  downstairs\n")
    assert floors == [["layers", "gaussian"], ["vae"]]
    down, up, beside = "from tinyvae import layers", "from tinyvae import vae", "from tinyvae import gaussian"
    assert climbs(floors, {"vae": [down, up], "layers": []}) == []
    assert climbs(floors, {"vae": [down], "layers": ["", up, beside]}) == \
        ["layers imports vae", "layers imports gaussian"]


@pytest.mark.parametrize("file", FILES, ids=[str(file.relative_to(PACKAGE)) for file in FILES])
def test_a_file_of_the_package_is_short(file):
    lines = len(text_of(file).splitlines())
    assert lines <= LONGEST


def test_the_map_in_the_readme_has_every_file_and_folder():
    where = text_of(ROOT / "README.md").split("\n## Where to read on\n")[1]
    linked = {Path(path).stem + ("" if path.endswith(".py") else "/")
              for path in re.findall(r"\]\(tinyvae/([\w.]+)\)", where)}
    assert linked == ROOMS.keys() - {"__init__", "__main__"}


def test_what_the_guide_for_contributors_names_is_there():
    guide = ROOT / ".github" / "CONTRIBUTING.md"
    named = re.findall(r"`((?:\.ci|docs|tests|tinyvae|tutorials)/[\w./]+)`", text_of(guide))
    linked = re.findall(r"\]\(([^)#]+)\)", text_of(guide))
    paths = [*(ROOT / name for name in named if "NN" not in name), *(guide.parent / link for link in linked)]
    assert len(paths) > 20
    assert [path for path in paths if not path.exists()] == []


def test_the_changelog_ends_at_the_version_of_the_package():
    page = text_of(ROOT / "docs" / "changelog.md")
    assert re.findall(r"^## (.*)$", page, re.MULTILINE)[0] == "Unreleased"
    versions = re.findall(r"^## (\d+\.\d+\.\d+), \d{4}-\d\d-\d\d$", page, re.MULTILINE)
    assert versions[0] == tinyvae.__version__
    assert versions == sorted(versions, key=lambda version: [*map(int, version.split("."))], reverse=True)


def test_the_citation_is_of_the_version_of_the_package():
    cited = re.search(r"version *= \{(.*)\}", text_of(ROOT / "docs" / "citation.md"))
    assert cited is not None
    assert cited[1] == tinyvae.__version__
