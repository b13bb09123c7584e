"""The site: sphinx-build -W docs docs/_build/html. Every tutorial is executed anew at each build."""

import inspect
import shutil
import sys
from importlib import import_module
from pathlib import Path

import jupytext

import tinyvae

HERE = Path(__file__).parent
REPOSITORY = "https://github.com/tinyvae/tinyvae"

project, author, copyright = "tinyvae", "the tinyvae authors", "the tinyvae authors"
release = version = tinyvae.__version__
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.linkcode", "sphinx.ext.napoleon"]
exclude_patterns = ["_build", "results/*", "tutorials/exercises/*"]
nitpicky = False

myst_enable_extensions = ["dollarmath", "amsmath"]
myst_heading_anchors = 3
suppress_warnings = ["myst.header"]  # a page may begin with its notebook header
nb_execution_mode = "force"  # a cache keyed on the page would not see that the library has changed
nb_execution_timeout = 240
nb_execution_raise_on_error = True
nb_merge_streams = True

html_theme = "furo"
html_title = "tinyvae"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_theme_options = {"source_repository": REPOSITORY, "source_branch": "main", "source_directory": "docs/"}
autodoc_member_order = "bysource"
autodoc_typehints = "none"


def linkcode_resolve(domain: str, info: dict) -> str | None:
    """The line on GitHub where a documented object begins."""
    thing = import_module(info["module"])
    for name in info["fullname"].split("."):
        thing = getattr(thing, name, None)
    try:
        path, line = inspect.getsourcefile(thing), inspect.getsourcelines(thing)[1]
    except TypeError:  # an attribute has no source of its own
        return None
    return f"{REPOSITORY}/blob/main/{Path(path).relative_to(HERE.parent).as_posix()}#L{line}"


def bring_tutorials(app) -> None:
    """Copy the tutorials below docs/, where Sphinx looks, and give each its notebook and its script to download."""
    target, downloads = HERE / "tutorials", HERE / "_static" / "downloads"
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(HERE.parent / "tutorials", target, ignore=shutil.ignore_patterns("exercises", "__pycache__"))
    downloads.mkdir(parents=True, exist_ok=True)
    for page in target.glob("[0-9]*.md"):
        notebook = jupytext.read(page)
        for ending in ("ipynb", "py"):
            kind = {"ipynb": "ipynb", "py": "py:percent"}[ending]
            jupytext.write(notebook, downloads / f"{page.stem}.{ending}", fmt=kind)
        lines = page.read_text(encoding="utf-8").split("\n")
        title = next(i for i, line in enumerate(lines) if line.startswith("# "))
        links = " · ".join(f"[{text}](../_static/downloads/{page.stem}.{ending})"
                           for text, ending in (("open as notebook", "ipynb"), ("download .py", "py")))
        page.write_text("\n".join([*lines[: title + 1], "", links, *lines[title + 1 :]]), encoding="utf-8")


def setup(app) -> None:
    app.connect("builder-inited", bring_tutorials)


sys.dont_write_bytecode = True  # importing the library must not leave files in the tree
