"""The command line: what it prints is what the library says, and whatever it is given, it ends with one line."""

import csv
import io
import json
import math
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from scipy.sparse import load_npz

import divergences as dv
from divergences.__main__ import COMMANDS, main
from divergences.catalogue import FDIVERGENCES
from divergences.commands.entries import source
from divergences.commands.naming import all_divergences, divergence

ROOT = Path(__file__).parents[2]
P, Q = [0.5, 0.25, 0.25], [0.25, 0.25, 0.5]


@pytest.fixture(autouse=True)
def in_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.save("p.npy", P)
    Path("q.csv").write_text("q\n0.25\n0.25\n0.5\n")
    np.save("x.npy", [[0.0, 0.0], [1.0, 0.0]])
    np.save("y.npy", [[0.0, 3.0], [1.0, 4.0]])


@pytest.fixture
def run(capsys):
    def ended(*arguments):
        code = main(arguments)
        out, err = capsys.readouterr()
        return code, out, err

    return ended


@pytest.fixture
def printed(run):
    def output(*arguments):
        code, out, err = run(*arguments)
        assert (code, err) == (0, "")
        return out

    return output


@pytest.fixture
def refused(run):
    """The one line of an error."""

    def line(*arguments, code=2):
        ended, out, err = run(*arguments)
        assert (ended, out) == (code, ""), err
        assert re.fullmatch(r"divergences: [^\n]+\n", err)
        return err

    return line


def standard_input(monkeypatch, content):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))


def values(text):
    return json.loads(text, parse_constant=pytest.fail)["values"]


# --------------------------------------------------------------------------------------------------------------- help


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_tells_the_exit_codes(command, capsys):
    with pytest.raises(SystemExit) as ended:
        main([*command.split(), "--help"])
    out = capsys.readouterr().out
    assert ended.value.code == 0
    assert "exit codes" in out
    assert "Ctrl-C" in out


def test_help_loads_nothing_to_compute_with():
    code = """
import sys, divergences
from divergences.__main__ import main
before = set(sys.modules)
try:
    main(["compare", "--help"])
except SystemExit:
    print(sorted({"numpy", "scipy", "sympy", "torch", "json", "csv", "dataclasses"} & (set(sys.modules) - before)))
"""
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert ended.stdout.splitlines()[-1] == "[]"


def test_the_module_runs_as_a_program():
    command = [sys.executable, "-m", "divergences", "compare", "p.npy", "q.csv", "-d", "tv"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, env=environment())
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "D(p.npy||q.csv)  value\ntv               0.25\n", "")


def environment():
    return {**os.environ, "PYTHONPATH": str(ROOT)}


# ------------------------------------------------------------------------------------------------------------ compare


def test_compare_prints_the_values_of_the_library(printed):
    found = values(printed("compare", "p.npy", "q.csv", "--json"))
    assert found == {d.name: float(d(P, Q)) for d in all_divergences()}
    assert set(found) > {d.name for d in FDIVERGENCES} | {"chernoff"}


def test_every_name_that_is_printed_is_understood():
    for d in all_divergences():
        assert divergence(d.name) == d
        assert divergence(d.name.replace("(", ":").rstrip(")")) == d


def test_families_take_their_parameter_after_a_colon_or_in_brackets(printed):
    found = values(printed("compare", "p.npy", "q.csv", "-d", "alpha:0.5,renyi(2),renyi:inf,tsallis:0.5", "--json"))
    expected = [dv.alpha(0.5), dv.renyi(2), dv.renyi(math.inf), dv.tsallis(0.5)]
    assert found == {d.name: float(d(P, Q)) for d in expected}


def test_infinities_are_strings_in_json_and_words_elsewhere(printed):
    np.save("r.npy", [1.0, 0.0, 0.0])
    assert values(printed("compare", "p.npy", "r.npy", "-d", "kl", "--json")) == {"kl": "inf"}
    assert printed("compare", "p.npy", "r.npy", "-d", "kl") == "D(p.npy||r.npy)  value\nkl               inf\n"


def test_rows_of_batches_are_compared_one_by_one(printed):
    rng = np.random.default_rng(0)
    p, q = rng.dirichlet(np.ones(4), 3), rng.dirichlet(np.ones(4))
    np.save("p.npy", p.T)
    np.savetxt("q.txt", q)
    np.savetxt("rows.csv", p, delimiter=",", header="a,b,c,d")
    out = printed("compare", "rows.csv", "q.txt", "-d", "kl,js", "--csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert [(row["row"], row["divergence"]) for row in rows] == [(str(k), d) for d in ("kl", "js") for k in range(3)]
    expected = [*dv.kl(p, q), *dv.js(p, q)]
    assert [float(row["value"]) for row in rows] == pytest.approx(expected, rel=1e-14)
    along = values(printed("compare", "p.npy", "q.txt", "-d", "js", "--axis", "0", "--json"))
    assert along["js"] == pytest.approx(expected[3:], rel=1e-14)
    assert printed("compare", "rows.csv", "q.txt", "-d", "js").startswith(
        "row  D(rows.csv||q.txt)  value\n0    js                  0."
    )


def test_bounds_hold_the_values(printed):
    pytest.importorskip("flint")
    found = json.loads(printed("compare", "p.npy", "q.csv", "--bounds", "--json"))
    for d in FDIVERGENCES:
        bounds = d.enclose(P, Q)
        assert (
            found["lower"][d.name] == bounds.lower <= found["values"][d.name] <= bounds.upper == found["upper"][d.name]
        )
    table = printed("compare", "p.npy", "q.csv", "-d", "tv", "--bounds").split()
    assert table == ["D(p.npy||q.csv)", "value", "lower", "upper", "tv", "0.25", "0.25", "0.25"]


def test_bounds_of_batches_are_rows_as_well(printed):
    pytest.importorskip("flint")
    np.save("p.npy", [P, Q])
    found = json.loads(printed("compare", "p.npy", "q.csv", "-d", "kl", "--bounds", "--json"))
    assert found["values"]["kl"][1] == found["lower"]["kl"][1] == found["upper"]["kl"][1] == 0
    assert found["lower"]["kl"][0] <= dv.kl(P, Q) <= found["upper"]["kl"][0]


def test_normalize_takes_counts(printed):
    Path("counts.txt").write_text("2 1 1")
    assert values(printed("compare", "counts.txt", "q.csv", "-d", "kl", "--normalize", "--json"))["kl"] == dv.kl(P, Q)


def test_single_precision_is_measured_by_its_own_tolerance_and_compared_in_double(printed):
    p, q = np.array([0.1, 0.2, 0.7], np.float32), np.array([0.3, 0.3, 0.4], np.float32)
    np.save("p.npy", p)
    np.save("q.npy", q)
    exact = dv.kl(p.astype(float), q.astype(float), normalize=True)
    assert values(printed("compare", "p.npy", "q.npy", "-d", "kl", "--json"))["kl"] == exact


# -------------------------------------------------------------------------------------------------------------- files

TEXTS = {
    "lines": b"0.5\n0.25\n0.25\n",
    "one line": b"0.5 0.25\t0.25",
    "commas": b"0.5,0.25, 0.25\r\n",
    "semicolons": b"0.5;0.25;0.25\n",
    "quotes": b'"0.5","0.25","0.25"\n',
    "a header": b"a,b,c\n0.5,0.25,0.25\n",
    "a comment": b"# made by hand\n\n0.5 # half\n0.25\n0.25\n",
    "a byte order mark": b"\xef\xbb\xbf0.5\n0.25\n0.25\n",
    "UTF-16": "p\r\n0.5\r\n0.25\r\n0.25\r\n".encode("utf-16"),
    "exponents": b"+5e-1\n.25\n25E-2",
}


@pytest.mark.parametrize("content", TEXTS.values(), ids=TEXTS)
@pytest.mark.parametrize("piped", [False, True], ids=["file", "stdin"])
def test_text_of_many_kinds_is_one_vector(content, piped, printed, monkeypatch):
    Path("p.txt").write_bytes(content)
    standard_input(monkeypatch, content)
    assert values(printed("compare", "-" if piped else "p.txt", "q.csv", "-d", "js", "--json"))["js"] == dv.js(P, Q)


def saved(function, *arrays, **named):
    file = io.BytesIO()
    function(file, *arrays, **named)
    return file.getvalue()


BINARIES = {
    "p.npy": saved(np.save, P),
    "p.npz": saved(np.savez, P),
    "named.npz:p": saved(np.savez_compressed, q=Q, p=P),
    "without a suffix": saved(np.save, P),
    "big-endian.npy": saved(np.save, np.array(P, ">f8")),
    "longdouble.npy": saved(np.save, np.array(P, np.longdouble)),
    "half.npy": saved(np.save, np.array(P, np.float16)),
}


@pytest.mark.parametrize("place", BINARIES)
def test_arrays_of_numpy_are_read(place, printed):
    Path(place.partition(":")[0]).write_bytes(BINARIES[place])
    assert values(printed("compare", place, "q.csv", "-d", "js", "--json"))["js"] == dv.js(P, Q)


def test_arrays_of_numpy_come_from_standard_input_too(printed, monkeypatch):
    standard_input(monkeypatch, BINARIES["p.npy"])
    assert values(printed("compare", "-", "q.csv", "-d", "js", "--json"))["js"] == dv.js(P, Q)


def test_integers_and_truth_values_are_numbers(printed):
    np.save("p.npy", [True, False])
    np.save("q.npy", np.array([0, 1], np.uint8))
    assert values(printed("compare", "p.npy", "q.npy", "-d", "tv", "--json"))["tv"] == 1


# ------------------------------------------------------------------------------------------------------- wrong files

WRONG = {
    "empty": (b"", "an empty file"),
    "a header alone": (b"a,b\n", "none below a header"),
    "words": (b"0.5\nhalf\n", "line 2, column 1, got 'half'"),
    "two headers": (b"a,b\nc,d\n0.5,0.5\n", "line 2, column 1, got 'c'"),
    "an empty field": (b"0.5,0.5,\n", "line 1, column 3, got an empty field"),
    "a header that begins like a number": (b"1st,2nd\n0.5,0.5\n", "line 1, column 1, got '1st'"),
    "underscores": (b"0.5\n0_5\n", "line 2, column 1, got '0_5'"),
    "decimal commas": (b"0,5;0,5\n", "line 1, column 1, got '0,5'; write numbers as 0.5"),
    "ragged": (b"0.5 0.5\n1\n", "rows of one length, got 2 numbers in the first and 1 in line 2"),
    "NaN": (b"0.5\nnan\n0.5\n", "finite, got value nan at index 1"),
    "infinity": (b"0.5\ninf\n0.5\n", "finite, got value inf"),
    "negative": (b"0.75\n-0.25\n0.5\n", "non-negative, got value -0.25 at index 1"),
    "mass 2": (b"1\n0.5\n0.5\n", "mass 1 within .*, got mass 2.0; pass --normalize if these are weights .p is bad"),
    "other length": (b"0.5\n0.5\n", "same space, got 2 and 3 outcomes"),
    "null characters": (b"0.5\0 0.5", "null characters"),
    "a picture": (b"\x89PNG\r\n\x1a\n\xff\xfe", "text, CSV, npy or npz"),
    "pickled": (saved(np.save, np.array([{}], object)), "Object arrays cannot be loaded when allow_pickle=False"),
    "a pickled member": (saved(np.savez, np.array([{}], object)), "Object arrays cannot be loaded"),
    "complex": (saved(np.save, np.array([1j])), "real numbers, got dtype complex128; take the real part"),
    "strings": (saved(np.save, np.array(["a"])), "real numbers, got dtype <U1"),
    "records": (saved(np.save, np.zeros(2, "f8,f8")), "real numbers, got dtype"),
    "dates": (saved(np.save, np.array(["2026-01-01"], "M8[D]")), "real numbers, got dtype datetime64"),
    "no numbers": (saved(np.save, np.zeros((0, 3))), "an empty array of shape"),
    "a number": (saved(np.save, np.float64(1)), "an axis -1, got shape"),
    "a cut npy": (saved(np.save, np.ones(99))[:200], "numpy refuses"),
    "a cut npz": (saved(np.savez, np.ones(99))[:200], "numpy refuses"),
    "several arrays": (saved(np.savez, a=P, b=Q), "one array, or its name after a colon, got a, b; write file.npz:a"),
    "no array": (saved(np.savez), "got other content|one array|numpy refuses|text, CSV|null"),
}


@pytest.mark.parametrize(("content", "said"), WRONG.values(), ids=WRONG)
def test_wrong_files_are_refused_in_one_line(content, said, refused):
    Path("bad").write_bytes(content)
    assert re.search(said, refused("compare", "bad", "q.csv"))


def test_files_that_are_no_files_are_refused(refused):
    assert "No such file" in refused("compare", "nosuch.npy", "q.csv")
    assert "Is a directory" in refused("compare", ".", "q.csv")
    assert "null" in refused("compare", "a\0b", "q.csv")
    Path("text.npy").write_text("0.5 0.5")
    assert "to be the npy file of its name, got other content" in refused("compare", "text.npy", "q.csv")
    np.savez("two.npz", a=P, b=Q)
    assert "an array 'c', got a, b" in refused("compare", "two.npz:c", "q.csv")
    assert "No such file" in refused("compare", "nosuch.npz:a", "q.csv")
    Path("really.npz").write_bytes(BINARIES["p.npy"])
    assert "leave ':a' out" in refused("compare", "really.npz:a", "q.csv")


def test_standard_input_is_read_once(refused, monkeypatch):
    assert "one array from standard input, got '-' for p, q" in refused("compare", "-", "-")
    assert "several '-'" in refused("wasserstein", "-", "y.npy", "--weights-x", "-")
    monkeypatch.setattr(sys, "stdin", None)
    assert "got it closed" in refused("compare", "-", "q.csv")


HEADS = ("", "\x93NUMPY", "PK\x03\x04")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(head=st.sampled_from([x.encode("latin-1") for x in HEADS]), tail=st.binary(max_size=300))
@example(
    head=b"\x93NUMPY", tail=b"\x01\x00v\x00{'descr': '<f8', 'fortran_order': False, 'shape': (10**15,), }" + b" " * 60
)
@example(head=b"", tail=b"1" * 5000)
@example(head=b"", tail=b"[1, 2]")
def test_no_bytes_give_a_traceback(head, tail, capsys):
    Path("bytes").write_bytes(head + tail)
    ends_well(capsys)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), content=st.sampled_from([BINARIES["p.npy"], BINARIES["p.npz"], BINARIES["named.npz:p"]]))
def test_no_broken_array_gives_a_traceback(data, content, capsys):
    broken = bytearray(content)
    for _ in range(data.draw(st.integers(1, 4))):
        broken[data.draw(st.integers(0, len(broken) - 1))] = data.draw(st.integers(0, 255))
    Path("bytes").write_bytes(broken)
    ends_well(capsys)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(alphabet="0123456789.,;eE+-# \n\tnaif\"'x_", max_size=60))
def test_no_text_gives_a_traceback(text, capsys):
    Path("bytes").write_text(text)
    ends_well(capsys)


def ends_well(capsys):
    for arguments in (("compare", "bytes", "bytes", "-d", "tv"), ("wasserstein", "bytes", "bytes")):
        code = main(arguments)
        out, err = capsys.readouterr()
        assert code in (0, 2)
        assert bool(out) == (code == 0)
        assert re.fullmatch(r"" if code == 0 else r"divergences: [^\n]+\n", err)


# ----------------------------------------------------------------------------------------------------- wrong arguments

NAMES = {
    "kl_div": "did you mean kl?",
    "JS": "did you mean js?",
    "hellinger": "did you mean squared_hellinger?",
    "alfa:0.5": "did you mean alpha:",
    "alpha": "a parameter for the family alpha, got 'alpha'; write it after a colon, as in alpha:",
    "kl:2": "no parameter for kl",
    "alpha:x": "a number as parameter of alpha, got 'x'",
    "weighted_js:2": "in its domain",
    "renyi:-1": "renyi",
    "renyi:nan": "renyi",
    "kl,,js": "the name of a divergence, got ''",
    "": "the name of a divergence, got ''",
    "zzzzzz": "there are kl, reverse_kl",
    "alpha(0.5": "the name of a divergence",
}


@pytest.mark.parametrize("name", NAMES)
def test_unknown_divergences_are_refused_with_the_nearest(name, refused):
    assert NAMES[name] in refused("compare", "p.npy", "q.csv", "--divergence", name)


ARGUMENTS = {
    (): "required: command",
    ("compute",): "invalid choice: 'compute'",
    ("compare", "p.npy"): "required: q",
    ("compare", "p.npy", "q.csv", "--axis", "x"): "--axis: invalid int value",
    ("compare", "p.npy", "q.csv", "--axis", "3"): "to have an axis 3",
    ("compare", "p.npy", "q.csv", "--json", "--csv"): "not allowed with",
    ("compare", "p.npy", "q.csv", "-d", "renyi:2", "--bounds"): "f-divergences beside --bounds, got renyi(2.0)",
    ("wasserstein", "x.npy", "y.npy", "--p", "0"): "p must be a finite positive number, got 0.0; for p = inf",
    ("wasserstein", "x.npy", "y.npy", "--p", "-1"): "p must be a finite positive number, got -1.0",
    ("wasserstein", "x.npy", "y.npy", "--p", "two"): "expected a number, got 'two'",
    ("wasserstein", "x.npy", "y.npy", "--metric", "taxi"): "metric must be 'euclidean', another name",
    ("wasserstein", "x.npy", "p.npy"): "the same number of coordinates, got 2",
    (
        "wasserstein",
        "x.npy",
        "y.npy",
        "--weights-x",
        "p.npy",
    ): "--weights-x must hold one weight per point, 2, got 3; lea",
    ("wasserstein", "x.npy", "y.npy", "--weights-y", "x.npy"): "--weights-y must be a non-empty one-dimensional array",
    ("wasserstein", "x.npy", "y.npy", "--plan", "."): "got a folder",
    ("wasserstein", "x.npy", "y.npy", "--plan", "no/such/plan.npz"): "a place that cannot be written",
    ("bound", "kl"): "required: --given",
    ("bound", "kl", "--given", "tv"): "a name and a number, got 'tv'; write --given tv=0.3",
    ("bound", "kl", "--given", "tv=big"): "a name and a number",
    ("bound", "kl", "--given", "tv=2"): "in the range of tv, [0, 1], got 2.0",
    ("bound", "kl", "--given", "tv=nan"): "in the range of tv",
    ("bound", "renyi:2", "--given", "tv=0.3"): "an f-divergence, got renyi(2.0)",
    ("bound", "kl", "--given", "t=0.3"): "the name of a divergence, got 't'",
    ("prove", "kll"): "did you mean kl?",
    ("prove", "chernoff"): "an f-divergence, got chernoff",
    ("table", "-d", "kl,x"): "the name of a divergence, got 'x'",
}


@pytest.mark.parametrize("arguments", ARGUMENTS, ids=" ".join)
def test_wrong_arguments_are_refused_in_one_line(arguments, refused):
    assert ARGUMENTS[arguments] in refused(*arguments)


def test_weights_that_are_none_are_refused(refused):
    Path("w.txt").write_text("3\n1\n")
    assert "--weights-x must have mass 1" in refused("wasserstein", "x.npy", "y.npy", "--weights-x", "w.txt")
    Path("w.txt").write_text("1.5\n-0.5\n")
    assert "--weights-x must be non-negative" in refused("wasserstein", "x.npy", "y.npy", "--weights-x", "w.txt")


# -------------------------------------------------------------------------------------------------------- wasserstein


def test_wasserstein_prints_the_certificate(printed):
    found = json.loads(printed("wasserstein", "x.npy", "y.npy", "--p", "2", "--json"))
    exact = dv.wasserstein(np.load("x.npy"), np.load("y.npy"), p=2)
    assert found["lower"] == exact.bounds.lower <= 12.5**0.5 <= exact.bounds.upper == found["upper"]
    assert (found["value"], found["cost"], found["gap"]) == (exact.value, 12.5, exact.bounds.gap)
    assert (found["method"], found["points"], found["dimension"]) == (str(exact.method), [2, 2], 2)
    rows = dict(line.split(maxsplit=1) for line in printed("wasserstein", "x.npy", "y.npy").splitlines())
    assert (rows["value"], rows["points"]) == ("3.5", "2 and 2")


def test_the_plan_is_saved_where_it_was_asked_for(printed):
    np.save("a.npy", [0.75, 0.25])
    assert "3 entries of 2 x 2" in printed("wasserstein", "x.npy", "y.npy", "--weights-x", "a.npy", "--plan", "plan")
    plan = load_npz("plan").toarray()
    np.testing.assert_allclose(plan.sum(1), [0.75, 0.25])
    np.testing.assert_allclose(plan.sum(0), [0.5, 0.5])


def test_a_line_of_text_is_a_point(printed):
    Path("x.csv").write_text("x,y\n0,0\n")
    Path("y.csv").write_text("3,4\n")
    found = json.loads(printed("wasserstein", "x.csv", "y.csv", "--json"))
    assert (found["value"], found["points"], found["dimension"]) == (5, [1, 1], 2)
    Path("x.txt").write_text("0\n1\n")
    np.save("y.npy", [5.0, 6.0])
    found = json.loads(printed("wasserstein", "x.txt", "y.npy", "--json"))
    assert (found["value"], found["points"], found["dimension"]) == (5, [2, 2], 1)


def test_metrics_are_those_of_scipy(printed):
    assert json.loads(printed("wasserstein", "x.npy", "y.npy", "--metric", "chebyshev", "--json"))["value"] == 3.5


def test_a_solver_that_stops_early_ends_with_1_and_an_interrupted_one_with_its_bounds(refused, monkeypatch):
    from divergences import transport

    def raising(error):
        def wasserstein(*_, **__):
            raise error

        return wasserstein

    monkeypatch.setattr(transport, "wasserstein", raising(transport.TransportError("expected an optimum,\ngot none")))
    assert refused("wasserstein", "x.npy", "y.npy", code=1) == "divergences: expected an optimum, got none\n"
    monkeypatch.setattr(transport, "wasserstein", raising(transport.Interrupted(dv.Bounds(1.0, 2.0, 3.0))))
    assert "1.0 <= value <= 3.0" in refused("wasserstein", "x.npy", "y.npy", code=130)


# ----------------------------------------------------------------------------------------------- table, prove, bound


def test_the_table_has_a_row_for_every_declaration(printed):
    pytest.importorskip("sympy")
    rows = json.loads(printed("table", "--json"), parse_constant=pytest.fail)["divergences"]
    assert [row["divergence"] for row in rows] == [d.name for d in FDIVERGENCES]
    assert rows[0] == {
        "divergence": "kl",
        "f": "u*log(u)",
        "conjugate": "exp(t - 1)",
        "domain": "(-inf, inf)",
        "range": "[0, inf)",
        "symmetric": False,
        "metric": None,
        "source": "Kullback & Leibler (1951), eq. 2.4.",
    }
    assert all(row["source"] for row in rows)
    some = list(csv.DictReader(io.StringIO(printed("table", "-d", "kl,js", "--csv"))))
    assert [(row["divergence"], row["metric"], row["symmetric"]) for row in some] == [
        ("kl", "", "no"),
        ("js", "0.5", "yes"),
    ]
    lines = printed("table", "--divergence", "tv,modified_gan").splitlines()
    assert lines[0].split() == [
        "divergence",
        "f(u)",
        "f*(t)",
        "domain",
        "of",
        "f*",
        "range",
        "symmetric",
        "metric",
        "source",
    ]
    assert lines[-1].startswith("... cut at")


def test_sources_are_citations_or_the_last_sentence():
    assert source(type(dv.kl)) == "Kullback & Leibler (1951), eq. 2.4."
    assert source(dv.hockey_stick).startswith("Polyanskiy, Poor & Verdu (2010);")
    assert source(dv.t_power) == "Called so in TensorFlow Probability."
    assert source(dv.alpha) == "Nowozin et al. (2016), table 5; Cichocki & Amari (2010), eq. 3."


def test_prove_prints_every_step(printed):
    pytest.importorskip("sympy")
    steps = dv.kl.prove().steps
    out = printed("prove", "kl")
    assert out.startswith("kl: f(u) = u*log(u)\n   1. ")
    assert all(f". {step.claim}" in out for step in steps)
    assert out.endswith(f"{len(steps)} steps, all decided by sympy\n")
    found = json.loads(printed("prove", "hockey_stick:3", "--json"))
    assert found["divergence"] == "hockey_stick(3.0)"
    assert found["symbolic"]
    assert all(step["claim"] and step["expression"] and step["decided_by"] == "sympy" for step in found["steps"])


def test_without_sympy_a_proof_says_what_brings_it(refused, monkeypatch):
    import importlib.util

    found = importlib.util.find_spec
    monkeypatch.setattr("divergences._extras.find_spec", lambda name: None if name == "sympy" else found(name))
    assert "pip install 'divergences[symbolic]'" in refused("prove", "kl", code=1)
    assert "pip install 'divergences[symbolic]'" in refused("table", code=1)


def test_bound_prints_the_ends_and_their_pairs(printed):
    exact = dv.bound(dv.kl, given=dv.tv, value=0.3)
    found = json.loads(printed("bound", "kl", "--given", "tv=0.3", "--json"), parse_constant=pytest.fail)
    assert (found["lower"], found["upper"]) == (exact.lower, "inf")
    pair = found["smallest"]
    assert pair["attained"]
    assert dv.tv(pair["p"], pair["q"]) == pytest.approx(0.3, rel=1e-12)
    assert dv.kl(pair["p"], pair["q"]) == pytest.approx(found["lower"], rel=1e-9)
    lines = printed("bound", "kl", "--given", "tv=0.3").splitlines()
    assert lines[0] == "kl of all pairs with tv = 0.3"
    assert lines[2].split() == ["at", "least", repr(exact.lower), "proven"]
    assert lines[3].split(maxsplit=3) == ["at", "most", "inf", "there is no bound"]


def test_bound_takes_members_of_families_on_both_sides(printed):
    found = json.loads(printed("bound", "alpha:0.5", "--given", "hockey_stick(1)=0.3", "--json"))
    assert (found["divergence"], found["given"], found["value"]) == ("alpha(0.5)", "hockey_stick(1.0)", 0.3)


# ------------------------------------------------------------------------------------------------------------ endings


@pytest.mark.parametrize(("error", "code"), [(KeyboardInterrupt, 130), (MemoryError, 1), (OverflowError, 1)])
def test_other_endings_are_one_line_too(error, code, refused, monkeypatch):
    said = "expected to go on"

    def stopped(_):
        raise error(said)

    monkeypatch.setattr(COMMANDS["compare"][0], "run", stopped)
    refused("compare", "p.npy", "q.csv", code=code)


def test_a_closed_pipe_is_no_error_to_talk_about():
    np.save("p.npy", np.full((20000, 2), 0.5))
    for arguments in (["compare", "p.npy", "p.npy", "-d", "kl"], ["--help"]):
        command = [sys.executable, "-m", "divergences", *arguments]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment()) as process:
            process.stdout.close()
            assert process.stderr.read() == b""
        assert process.returncode == (1 if "compare" in arguments else 0)


def test_a_full_disk_is_told():
    if not Path("/dev/full").exists():
        pytest.skip("needs /dev/full")
    command = [sys.executable, "-m", "divergences", "compare", "p.npy", "q.csv"]
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False, env=environment())
    assert ended.returncode == 1
    assert ended.stderr.startswith("divergences: ")
    assert ended.stderr.count("\n") == 1
