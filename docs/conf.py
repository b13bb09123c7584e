"""The site: `sphinx-build -W -b html docs docs/_build/html` builds it and executes every tutorial anew."""

import inspect
import re
import shutil
from pathlib import Path

import jupytext
from docutils import nodes
from sphinx.addnodes import pending_xref

import tinyvae

HERE = Path(__file__).parent
REPOSITORY = "https://github.com/tinyvae/tinyvae"

project, author, copyright = "tinyvae", "the tinyvae authors", "the tinyvae authors"
release = version = tinyvae.__version__
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.viewcode"]
exclude_patterns = ["_build", "**.ipynb"]

myst_enable_extensions = ["amsmath", "dollarmath"]
myst_heading_anchors = 3
highlight_language = "none"
nb_execution_mode = "force"  # a cache keyed on the page would not see that the library has changed
nb_execution_timeout = 240  # seconds a cell
nb_execution_raise_on_error = True
nb_merge_streams = True

autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
autodoc_typehints = "none"

mathjax4_config = {"output": {"scale": 0.92, "displayOverflow": "linebreak"}}

html_theme = "furo"
html_title = "tinyvae"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_theme_options = {"footer_icons": [{"name": "source", "url": REPOSITORY, "html": "GitHub"}]}


def bring_tutorials(app) -> None:
    """Copy the tutorials below docs/, where Sphinx looks, each with its notebook and its script beside it."""
    folder = HERE / "tutorials"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(HERE.parent / "tutorials", folder, ignore=shutil.ignore_patterns("exercises", "__pycache__"))
    for page in folder.glob("[0-9]*.md"):
        notebook = jupytext.read(page)
        jupytext.write(notebook, page.with_suffix(".ipynb"))
        jupytext.write(notebook, page.with_suffix(".py"), fmt="py:percent")


def mend_source(app, docname: str, source: list[str]) -> None:
    """Offer downloads below a tutorial's title; lead links, which are right in the repository, to the right place."""

    def place(match: re.Match) -> str:
        link, path = match.groups()
        if path.startswith("docs/"):  # tutorials/ lies beside docs/ in the repository, and below it here
            return f"{link}../{path.removeprefix('docs/')}"
        return f"{link}{path}" if re.match(r"tutorials/\d", path) else f"{link}{REPOSITORY}/blob/main/{path}"

    text = re.sub(r"(\]\(|\]: )\.\./([^)\s]+)", place, source[0])
    if docname.startswith("tutorials/"):
        name = Path(docname).name
        downloads = (f"{{download}}`open as notebook <{name}.ipynb>` · {{download}}`download .py <{name}.py>`, "
                     f"to run in `tutorials/` of a clone of [the repository]({REPOSITORY})")
        text = re.sub(r"^# .*$", rf"\g<0>\n\n{downloads}", text, count=1, flags=re.MULTILINE)
    source[0] = text


def lay_out_docstring(app, what, name, thing, options, lines: list[str]) -> None:
    """Docstrings are plain text: prose stays prose, and what was indented or aligned by hand stands as it is."""
    parts = "\n".join(lines).strip().split("\n\n")
    if inspect.isclass(thing):  # the fields of a record are told by the comments beside them
        parts.append("\n".join(re.findall(r"^    \w+: .*$", inspect.getsource(thing), re.MULTILINE)))
    lines.clear()
    for part in filter(None, parts):
        if re.search(r"^ |\S  ", part, re.MULTILINE):
            part = "::\n\n" + re.sub("^", "    ", part, flags=re.MULTILINE)
        else:
            part = re.sub(r"`(.+?)`|(\*[\w-]+\*)|([\\|*])", literal_or_escaped, part)
        lines += [*part.split("\n"), ""]


def literal_or_escaped(match: re.Match) -> str:
    code, emphasis, special = match.groups()
    return f"``{code}``" if code else emphasis or f"\\{special}"


def skip_field(app, what, name, thing, skip, options) -> bool | None:
    return True if str(thing.__doc__).startswith("Alias for field number") else None


def link_names(app, document) -> None:
    """Names such as `tv.ELBO` or `gaussian.kl`, wherever they stand, lead to their entry in the API reference."""
    known = {"tv": "tinyvae", "tinyvae": "tinyvae", "vae": "tinyvae.VAE"}
    for node in list(document.findall(nodes.literal)):
        first, dot, name = node.astext().removesuffix("()").partition(".")
        if dot:
            target = f"{known.get(first, f'tinyvae.{first}')}.{name}"
            node.replace_self(pending_xref("", node.deepcopy(), refdomain="py", reftype="obj", reftarget=target))


def setup(app) -> None:
    app.connect("builder-inited", bring_tutorials)
    app.connect("source-read", mend_source)
    app.connect("autodoc-process-docstring", lay_out_docstring)
    app.connect("autodoc-skip-member", skip_field)
    app.connect("doctree-read", link_names)
