"""The house: what an import loads, which file may import which, and that nothing public is undocumented."""

import ast
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import divergences as dv
import gan

ROOT = Path(__file__).parents[1]
HEAVY = ("torch", "jax", "ot", "sympy", "scipy", "matplotlib", "hypothesis")

ORDER = [
    "divergences._version",
    "divergences._extras",
    "divergences._arrays",
    "divergences._pairs",
    "divergences.elementary",
    "divergences.contexts",
    "divergences.interval",
    "divergences.bounds",
    "divergences._dual",
    "divergences._inversion",
    "divergences._convex",
    "divergences._special",
    "divergences.families.distribution",
    "divergences.families.continuous",
    "divergences.families.discrete",
    "divergences.families.multivariate",
    "divergences.families.directional",
    "divergences.families.composed",
    "divergences.families.images",
    "divergences.families.tilted",
    "divergences.families.conversion",
    "divergences.families",
    "divergences._objects",
    "divergences.closed_forms.formulas",
    "divergences.closed_forms.affinities",
    "divergences.closed_forms.geodesics",
    "divergences.closed_forms.tilts",
    "divergences.closed_forms.spheres",
    "divergences.closed_forms.expectations",
    "divergences.closed_forms.variations",
    "divergences.closed_forms.registry",
    "divergences.closed_forms",
    "divergences.densities.kernels",
    "divergences.densities.landmarks",
    "divergences.densities.zones",
    "divergences.densities.tails",
    "divergences.densities.asymptotes",
    "divergences.densities.integral",
    "divergences.densities.panels",
    "divergences.densities.joints",
    "divergences.densities.extent",
    "divergences.densities.quadrature",
    "divergences.densities.lattice",
    "divergences.densities.monte_carlo",
    "divergences.densities.several",
    "divergences.densities.value",
    "divergences.densities",
    "divergences._between",
    "divergences._logs",
    "divergences._deciding",
    "divergences._pieces",
    "divergences._steps",
    "divergences.proofs",
    "divergences.balls",
    "divergences.conjugates",
    "divergences.fdivergence",
    "divergences.catalogue",
    "divergences._spoken",
    "divergences._smooth",
    "divergences._examined",
    "divergences.user",
    "divergences.derived",
    "divergences.relations.nodes",
    "divergences.relations.search",
    "divergences.relations.ends",
    "divergences.relations.proof",
    "divergences.relations.pairs",
    "divergences.relations.extremes",
    "divergences.relations.joint",
    "divergences.relations.inequalities",
    "divergences.relations",
    "divergences.projections",
    "divergences.estimators",
    "divergences.matrices",
    "divergences.tables",
    "divergences.transport.result",
    "divergences.transport.exact",
    "divergences.transport.packed",
    "divergences.transport.inputs",
    "divergences.transport.inverses",
    "divergences.transport.quantiles",
    "divergences.transport.decays",
    "divergences.transport.atoms",
    "divergences.transport.known_distances",
    "divergences.transport.bures",
    "divergences.transport.between_distributions",
    "divergences.transport.masses",
    "divergences.transport.ground",
    "divergences.transport.potentials",
    "divergences.transport.certificate",
    "divergences.transport.feasibility",
    "divergences.transport.nearly_tight",
    "divergences.transport.mass_rows",
    "divergences.transport.roads",
    "divergences.transport.staircase",
    "divergences.transport.forest",
    "divergences.transport.rounding",
    "divergences.transport.line",
    "divergences.transport.levels",
    "divergences.transport.area",
    "divergences.transport.quantile_line",
    "divergences.transport.arc",
    "divergences.transport.cycle",
    "divergences.transport.shift",
    "divergences.transport.circle",
    "divergences.transport.tree_metric",
    "divergences.transport.tree",
    "divergences.transport.simplex",
    "divergences.transport.routing",
    "divergences.transport.dense",
    "divergences.transport.program",
    "divergences.transport.matrix_roads",
    "divergences.transport.assignment",
    "divergences.transport.matrix",
    "divergences.transport.monge",
    "divergences.transport.shared_simplex",
    "divergences.transport.histograms",
    "divergences.transport.clouds.arcs",
    "divergences.transport.clouds.hierarchy",
    "divergences.transport.clouds.splitting",
    "divergences.transport.clouds.merging",
    "divergences.transport.clouds.progress",
    "divergences.transport.clouds.tiles",
    "divergences.transport.clouds.program",
    "divergences.transport.clouds.sweeps",
    "divergences.transport.clouds.columns",
    "divergences.transport.clouds.finish",
    "divergences.transport.clouds.distinct",
    "divergences.transport.clouds.lazy",
    "divergences.transport.clouds.threads",
    "divergences.transport.clouds.road",
    "divergences.transport.clouds",
    "divergences.transport.points",
    "divergences.transport.extension",
    "divergences.transport.kantorovich_dual",
    "divergences.transport.gradients",
    "divergences.transport.weak_duality",
    "divergences.transport",
    "divergences.integral_metrics.measures",
    "divergences.integral_metrics.variation",
    "divergences.integral_metrics.balls",
    "divergences.integral_metrics.kernels",
    "divergences.integral_metrics.embeddings",
    "divergences.integral_metrics.slices",
    "divergences.integral_metrics.directions",
    "divergences.integral_metrics",
    "divergences.plot.canvas",
    "divergences.plot.plans",
    "divergences.plot.potentials",
    "divergences.plot",
    "divergences._names",
    "divergences",
    "divergences.testing",
    "divergences._hypothesis",
    "divergences.commands.running",
    "divergences.commands.printing",
    "divergences.commands.naming",
    "divergences.commands.reading",
    "divergences.commands.entries",
    "divergences.commands.comparing",
    "divergences.commands.transporting",
    "divergences.commands.listing",
    "divergences.commands.proving",
    "divergences.commands.bounding",
    "divergences.commands",
    "divergences.__main__",
    "gan.expectations",
    "gan.sources",
    "gan.problems",
    "gan.known",
    "gan.known_ratios",
    "gan.funnels",
    "gan.gradients",
    "gan.latents",
    "gan.datasets",
    "gan.partitions",
    "gan.metrics",
    "gan.logs",
    "gan.certificates",
    "gan.objectives",
    "gan.adversarial",
    "gan.pairwise_games",
    "gan.shares",
    "gan.spectral",
    "gan.envelopes",
    "gan.perceptrons",
    "gan.critics",
    "gan.table",
    "gan.non_negative",
    "gan.lipschitz",
    "gan.networks",
    "gan.conditional",
    "gan.terms",
    "gan.minibatch",
    "gan.couplings",
    "gan.primal",
    "gan.brackets",
    "gan.confidence",
    "gan.clipping",
    "gan.plug_in",
    "gan.budget",
    "gan.ascent",
    "gan.fitting",
    "gan.image_networks",
    "gan.vae",
    "gan.baselines",
    "gan.padding",
    "gan.result",
    "gan.stacks",
    "gan.finite_w1",
    "gan.ratios",
    "gan.held_out",
    "gan.sampled_w1",
    "gan.sampled_ratio",
    "gan.estimation",
    "gan.optimizers",
    "gan.players",
    "gan.games",
    "gan.lookahead",
    "gan.bilinear",
    "gan.checkpoints",
    "gan.supply",
    "gan.training",
    "gan.presets",
    "gan.drawing",
    "gan.command_estimate",
    "gan",
    "gan.__main__",
]
"""A file imports only from files above it."""


def run(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT).stdout


def test_import_loads_nothing_heavy():
    loaded = run(f"import divergences, sys; print([m for m in {HEAVY} if m in sys.modules])")
    assert loaded.strip() == "[]"


def test_values_load_nothing_heavy():
    loaded = run(f"import divergences as dv, sys; dv.js([1.], [1.]); print([m for m in {HEAVY} if m in sys.modules])")
    assert loaded.strip() == "[]"


def test_divergences_work_without_torch():
    """As in an environment that has no torch: its import fails, POT's own tolerance of that included."""
    code = """
import sys

class NoTorch:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "torch":
            raise ModuleNotFoundError("No module named 'torch'", name="torch")

sys.meta_path.insert(0, NoTorch())
import divergences as dv
print(dv.kl([.5, .5], [.5, .5]), dv.wasserstein([[0., 0.]], [[3., 4.]]).value)
"""
    assert run(code).strip() == "0.0 5.0"


def test_hypothesis_knows_how_to_draw_a_divergence():
    """In whatever order the two are imported."""
    code = """
{first}
from hypothesis import strategies as st
import divergences as dv
print(isinstance(st.from_type(dv.FDivergence), st.SearchStrategy), st.from_type(dv.FDivergence).validate())
"""
    for first in ("import divergences.testing", "import hypothesis"):
        assert run(code.replace("{first}", first)).strip() == "True None"


def test_missing_extras_are_named():
    """Without sympy or torch the error says what brings them."""
    code = """
import importlib.util
found = importlib.util.find_spec
importlib.util.find_spec = lambda name: None if name in ("sympy", "torch") else found(name)
import divergences as dv
for attempt in (dv.kl.prove, lambda: __import__("gan")):
    try:
        attempt()
    except ModuleNotFoundError as error:
        print(error)
"""
    lines = run(code).splitlines()
    assert lines == [
        "expected sympy to be installed, which a proof needs; pip install 'divergences[symbolic]' brings it",
        "expected torch to be installed, which the package gan needs; pip install 'divergences[gan]' brings it",
    ]


def files():
    return sorted(path for package in ("divergences", "gan") for path in (ROOT / package).rglob("*.py"))


def module_of(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def place(module):
    """Position in the order."""
    assert module in ORDER, f"{module} has no place in the order"
    return ORDER.index(module)


@pytest.mark.parametrize("path", files(), ids=module_of)
def test_imports_go_one_way(path):
    module = module_of(path)
    for node in ast.walk(ast.parse(path.read_text())):
        names = [node.module] if isinstance(node, ast.ImportFrom) and node.level == 0 else []
        names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        for name in (name for name in names if name.split(".")[0] in ("divergences", "gan")):
            if name == "divergences" and module.startswith("gan"):
                continue  # the public interface of the package below
            parts = [f"{name}.{alias.name}" for alias in node.names] if isinstance(node, ast.ImportFrom) else []
            targets = [part for part in parts if part in ORDER or name == "divergences"] or [
                name
            ]  # modules of a package
            for target in targets:
                assert place(target) < place(module), f"{module} imports {target}, which is not above it"


@pytest.mark.parametrize("package", [dv, gan], ids=["divergences", "gan"])
def test_every_public_name_is_there_and_documented(package):
    assert sorted(set(package.__all__)) == sorted(package.__all__)
    for name in set(package.__all__) - {"__version__", "FAMILIES", "FDIVERGENCES", "PRESETS"}:
        assert inspect.getdoc(getattr(package, name)), name
    assert set(package.__all__) <= set(dir(package))


def test_no_module_bears_the_name_of_a_public_function():
    modules = {path.stem for path in files()}
    assert not modules & {*dv.__all__, *gan.__all__}


def test_every_declared_divergence_is_exported_under_its_name():
    for d in dv.FDIVERGENCES:
        assert eval(d.name, vars(dv)) == d
        assert type(d).__doc__
        assert repr(d) == f"divergences.{d.name}"
    for family in dv.FAMILIES:
        assert getattr(dv, family.__name__) is family
        assert all(family(parameter) in dv.FDIVERGENCES for parameter in family.examples)


def test_unknown_names_are_refused():
    with pytest.raises(AttributeError, match="module 'divergences' has no attribute 'kl_div'"):
        dv.kl_div  # noqa: B018
