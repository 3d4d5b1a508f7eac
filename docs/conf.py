"""Settings of the documentation; `make docs` builds it. What is generated comes from `docs/extensions`."""

import os
import sys
from pathlib import Path

# Every process that executes pages computes on one core, and there is one of them per core.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# The kernels of the pages, which are processes of their own, draw as the gallery does.
os.environ["MATPLOTLIBRC"] = str(Path(__file__).parent / "matplotlibrc")
sys.path.insert(0, str(Path(__file__).parent))

from divergences import __version__

project = "divergences"
author = "The divergences developers"
project_copyright = author
version = release = __version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.mathjax",
    "numpydoc",
    "myst_nb",
    "sphinx_design",
    "sphinx_copybutton",
    "sphinx_gallery.gen_gallery",
    "extensions",  # ours: generated pages, the statements, dollars in docstrings
]

nitpicky = True  # a name that looks like a reference is one
nitpick_ignore_regex = [("py:.*", r"(scipy|numpy|torch)\..*")]  # their pages are not here
smartquotes = False  # f''(u) has two primes, not a quotation mark
default_role = "name"  # of `extensions.names`: `kl` links where there is such an object, and is code otherwise
exclude_patterns = [
    "_build",
    "examples",  # sphinx-gallery reads these itself
    # and leaves these beside its pages, which MyST-NB would take for pages too
    *(f"auto_examples/**.{kind}" for kind in ("ipynb", "py", "md5", "json", "zip")),
    "data",
    "images",
    "extensions",
]

# ------------------------------------------------------------------------------------------------------ docstrings

autodoc_member_order = "bysource"
autodoc_typehints = "none"  # the sections of the docstrings say types and shapes, in words
numpydoc_show_class_members = False  # `extensions.api` chooses the members
numpydoc_xref_param_type = False  # "array (..., n)" is no class
numpydoc_class_members_toctree = False

# ----------------------------------------------------------------------------------------------- pages that compute

myst_enable_extensions = ["amsmath", "attrs_inline", "colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
nb_execution_mode = "force"  # a cache would not see that the packages have changed
nb_execution_raise_on_error = True
nb_execution_timeout = 300
nb_execution_excludepatterns = ["auto_examples/**"]

sphinx_gallery_conf = {
    "examples_dirs": ["examples"],
    "gallery_dirs": ["auto_examples"],
    "subsection_order": ["examples/divergences", "examples/transport", "examples/gan"],
    "within_subsection_order": "FileNameSortKey",
    "filename_pattern": r"plot_",
    "abort_on_example_error": True,
    "parallel": os.cpu_count() or 1,
    "capture_repr": (),  # what a block prints is shown, not what its last expression is
    "reset_modules": ("matplotlib", "extensions.pictures.house_style"),
    "thumbnail_size": (560, 360),  # shown at half of it
    "image_srcset": ["2x"],  # sharp on screens of twice the density
    "remove_config_comments": True,
    "show_memory": False,
    "show_signature": False,
    "write_computation_times": False,  # that page would load a table from the network
    "min_reported_time": 1e9,  # times differ from machine to machine
}

# ------------------------------------------------------------------------------------------------------------- HTML

html_theme = "pydata_sphinx_theme"
html_title = "divergences"
html_static_path = ["_static"]
html_css_files = ["house.css"]
html_copy_source = False
html_show_sourcelink = False
html_last_updated_fmt = None
html_context = {"default_mode": "auto"}  # light or dark, as the reader's system is
html_theme_options = {
    "logo": {"text": f"divergences {release}"},
    "navigation_with_keys": False,
    "show_toc_level": 2,
    "header_links_before_dropdown": 6,
    "footer_start": ["copyright"],
    "footer_end": [],
}
mathjax_path = "mathjax/tex-svg.js"  # `extensions.mathjax` puts it there, so that no page needs the network
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True
