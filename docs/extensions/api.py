"""The reference of every public name: a page per module, in the order of the module's own list."""

import inspect
from collections.abc import Iterator
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType

from numpydoc.docscrape_sphinx import SphinxDocString
from sphinx.pycode import ModuleAnalyzer

import divergences
import gan
from extensions import rst
from extensions.docstrings import with_math

__all__ = ["pages"]

PARTS = {
    "Divergences": (
        "divergences.fdivergence", "divergences.bounds", "divergences.interval", "divergences.user", "divergences.matrices",
        "divergences.projections", "divergences.relations", "divergences.estimators", "divergences.conjugates",
        "divergences.proofs", "divergences.tables", "divergences.elementary", "divergences.contexts", "divergences.testing",
    ),
    "Distributions": ("divergences.families", "divergences.closed_forms", "divergences.densities"),
    "Transport": ("divergences.transport", "divergences.integral_metrics", "divergences.plot"),
}  # fmt: skip
"""Modules of `divergences` by topic; the catalogue has pages of its own, and of `gan` all modules are found."""

OURS = ("divergences", "gan")

ELSEWHERE = ("divergences.catalogue", "divergences.derived")
"""What they declare is on the pages of the divergences."""


def pages() -> dict[str, str]:
    """All pages, by the names of their files.

    Returns
    -------
    dict of str
        The pages in reStructuredText.

    Raises
    ------
    RuntimeError
        If a public name would be on no page.
    """
    parts = PARTS | {"Critics and GANs": tuple(_modules_of_gan())}
    _require_complete([module for modules in parts.values() for module in modules])
    written = {f"api/{module}.rst": _page(import_module(module)) for modules in parts.values() for module in modules}
    written["api.rst"] = _index(parts)
    return written


def _modules_of_gan() -> Iterator[str]:
    """Those that define a public name, and those that are imported by name."""
    public = {_home(gan, name) for name in gan.__all__}
    for module in iter_modules(gan.__path__, "gan."):
        text = f"gan.{module.name.rpartition('.')[2]}"
        if text in public | {"gan.bilinear", "gan.drawing", "gan.checkpoints"}:
            yield text


def _home(package: ModuleType, name: str) -> str:
    """The module that a name comes from; of a value, the one that lists it."""
    value = getattr(package, name)
    home = getattr(value, "__module__", None) if inspect.isclass(value) or inspect.isfunction(value) else None
    if home is None:
        listed = (f"{package.__name__}.{m.name}" for m in iter_modules(package.__path__) if not m.name.startswith("_"))
        home = next(m for m in listed if name in getattr(import_module(m), "__all__", ()))
    return str(home)


def _require_complete(modules: list[str]) -> None:
    """Compare the pages with what the packages export."""
    listed = {name for module in (*modules, *ELSEWHERE) for name in import_module(module).__all__}
    missing = sorted({*divergences.__all__, *gan.__all__} - listed - {"__version__"})
    if missing:
        msg = f"expected every public name in the reference, got none of {missing}; add their modules to extensions.api"
        raise RuntimeError(msg)


def _index(parts: dict[str, tuple[str, ...]]) -> str:
    text = (
        rst.heading("Reference")
        + ".. py:module:: divergences\n\n.. py:module:: gan\n\n"
        + (
            "Every public name. The divergences themselves are on :doc:`pages of their own <divergences>`, with what they\n"
            "declare; what all of them can do is documented once, at :obj:`divergences.FDivergence`.\n\n"
        )
    )
    for title, modules in parts.items():
        entries = "\n".join(f"   api/{module}" for module in modules)
        text += rst.heading(title, "-") + f".. toctree::\n   :maxdepth: 1\n\n{entries}\n\n"
        rows = ((f":doc:`api/{module}`", _summary(import_module(module)), _names(module)) for module in modules)
        text += rst.table(("module", "what it is", "names"), rows, label=title)
    return text


def _summary(module: ModuleType) -> str:
    return with_math((module.__doc__ or "").strip().split("\n\n")[0].replace("\n", " "))


def _names(module: str) -> str:
    public = (divergences.__all__, gan.__all__)[module.startswith("gan")]
    exported = [name for name in import_module(module).__all__ if name in public]
    package = module.partition(".")[0]
    return ", ".join(f":obj:`~{package}.{name}`" for name in exported) or "all of the module's own"


def _page(module: ModuleType) -> str:
    name = module.__name__
    introduction = str(SphinxDocString(with_math(inspect.cleandoc(module.__doc__ or ""))))
    entries = (_entry(module, item) for item in _in_order(module) if not inspect.ismodule(getattr(module, item)))
    return f"{rst.heading(name)}.. py:module:: {name}\n\n{introduction}\n\n{''.join(entries)}"


def _in_order(module: ModuleType) -> list[str]:
    """The public names as the source has them; those that are imported first, as they are listed."""
    order = ModuleAnalyzer.for_module(module.__name__)
    order.analyze()
    return sorted(module.__all__, key=lambda item: order.tagorder.get(item, -1))


def _entry(module: ModuleType, item: str) -> str:
    value, name = getattr(module, item), _public_name(module, item)
    if inspect.isclass(value):
        members = ", ".join(_members(value))
        return f".. autoclass:: {name}\n" + (f"   :members: {members}\n" if members else "") + "\n"
    if inspect.isroutine(value):
        return f".. autofunction:: {name}\n\n"
    return _value(module, item, name)


def _public_name(module: ModuleType, item: str) -> str:
    """The shortest name that the object is imported by."""
    package = module.__name__.partition(".")[0]
    exported = (divergences, gan)[package == "gan"]
    same = item in exported.__all__ and getattr(exported, item) is getattr(module, item)
    return f"{package}.{item}" if same else f"{module.__name__}.{item}"


def _members(kind: type) -> Iterator[str]:
    """Documented members of a class, those of private bases too, which have no page."""
    public = [base for base in kind.__mro__[1:] if base.__module__.split(".")[0] in OURS and not _is_private(base)]
    inherited = [base for base in kind.__mro__ if _is_private(base) and not any(issubclass(x, base) for x in public)]
    homes = [kind, *inherited]
    seen = set()
    for base in homes:
        for name, value in vars(base).items():
            if name in seen or (name.startswith("_") and name != "__call__"):
                continue
            if getattr(value, "__doc__", None) and _is_member(value):
                seen.add(name)
                yield name


def _is_private(base: type) -> bool:
    parts = [*base.__module__.split("."), base.__name__]
    return parts[0] in OURS and any(part.startswith("_") for part in parts)


def _is_member(value: object) -> bool:
    from functools import cached_property

    return inspect.isfunction(value) or isinstance(value, property | cached_property | classmethod | staticmethod)


def _value(module: ModuleType, item: str, name: str) -> str:
    """A value that is no function: what is written below it in the source, or its class."""
    home, value = _defining(module, item), getattr(module, item)
    words = ModuleAnalyzer.for_module(home).find_attr_docs().get(("", item))
    kind = type(value)
    text = with_math("\n".join(words).strip()) if words else f"The {rst.code(kind.__name__)} that is used by default."
    package, _, short = name.rpartition(".")
    return f".. py:data:: {short}\n   :module: {package}\n\n{rst.indented(text)}\n\n"


def _defining(module: ModuleType, item: str) -> str:
    """The module whose source assigns a value that is imported elsewhere."""
    home = module.__name__
    if hasattr(module, "__path__"):
        inner = (f"{home}.{m.name}" for m in iter_modules(module.__path__))
        home = next(m for m in inner if ("", item) in ModuleAnalyzer.for_module(m).find_attr_docs())
    return home
