"""The training loop: the same again for the same seed, after a kill, and on several processes; clear when it diverges."""

import math
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import divergences as dv
import gan
from gan import checkpoints
from gan.adversarial import minimax, non_saturating
from gan.conditional import Conditional
from gan.datasets import digits, fgan_mixture, ring
from gan.games import Alternating, Simultaneous, SingleStep
from gan.logs import CsvLog
from gan.lookahead import Extragradient, Optimistic
from gan.metrics import yardstick
from gan.networks import Affine, FeatureMLP, GeneratorMLP
from gan.optimizers import SGD, Adam, RMSProp
from gan.partitions import modes_of
from gan.perceptrons import perceptron
from gan.presets import PRESETS
from gan.shares import Share
from gan.terms import FeatureMatching
from gan.training import Settings, train

torch.set_num_threads(1)

SMALL = GeneratorMLP(width=16)


def gauge(data=None, samples=50):
    numbers = torch.Generator().manual_seed(0)
    data = data or ring()
    return yardstick(data, modes_of(data), numbers, samples=samples, points=200)


def weights(trained):
    return [p.detach().clone() for network in (trained.generator, trained.critic) for p in network.parameters()]


def same(first, second):
    return all(torch.equal(a, b) for a, b in zip(weights(first), weights(second), strict=True))


def run(steps=6, *, every=2, average=0.5, game=None, rng=0, **changes):
    settings = Settings(steps=steps, every=every, average=average, batch=16, pool=500)
    arguments = {
        "generator": SMALL,
        "constraint": gan.GradientPenalty(),
        "game": game or Alternating(critic_steps=2),
        "settings": settings,
        "measure": gauge(),
        "rng": rng,
    }
    return train(gan.wasserstein, ring(), **(arguments | changes))


def test_the_same_seed_trains_the_same_networks():
    assert same(run(), run())
    assert not same(run(), run(rng=1))


@pytest.mark.parametrize("game", [Alternating(2), Simultaneous(), Extragradient(), Optimistic()], ids=str)
def test_a_killed_run_goes_on_bit_for_bit(tmp_path, game):
    """Two steps, then four more from the checkpoint, are six steps: weights, averages, history and log."""
    whole = run(game=game, log=CsvLog(tmp_path / "whole.csv"))
    run(2, game=game, checkpoints=tmp_path / "run", log=CsvLog(tmp_path / "parts.csv"))
    CsvLog(tmp_path / "parts.csv")({**CsvLog(tmp_path / "parts.csv").rows()[-1], "step": 3.0})  # logged, then killed
    parts = run(game=game, checkpoints=tmp_path / "run", log=CsvLog(tmp_path / "parts.csv"))
    assert same(whole, parts)
    one, other = (
        [row | {"seconds": 0.0} for row in CsvLog(tmp_path / name).rows()] for name in ("whole.csv", "parts.csv")
    )
    assert one == other
    assert [row["step"] for row in one] == [2, 4, 6]


def test_a_process_killed_in_the_middle_loses_nothing_before_its_last_checkpoint(tmp_path):
    """The process ends itself at an arbitrary step, without any chance to tidy up."""
    script = (
        "import os, sys, torch; torch.set_num_threads(1)\n"
        "from tests.gan.test_training import run\n"
        "from gan.games import Alternating, Dynamics\n"
        "step, count = Dynamics.step, [0]\n"
        "def mortal(self):\n"
        "    count[0] += 1\n"
        "    if count[0] == 6: os._exit(9)\n"
        "    return step(self)\n"
        "Dynamics.step = mortal\n"
        "run(8, checkpoints=sys.argv[1])\n"
    )
    killed = subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=False)
    assert killed.returncode == 9
    assert checkpoints.load(checkpoints.latest(tmp_path))["step"] == 4
    assert same(run(8, checkpoints=tmp_path), run(8))


def test_a_checkpoint_of_another_training_is_refused(tmp_path):
    run(2, checkpoints=tmp_path)
    with pytest.raises(ValueError, match=r"expected a checkpoint of this training in .*, got one of"):
        run(4, checkpoints=tmp_path, game=Simultaneous())


def test_checkpoints_hold_any_state_and_are_whole_or_not_there(tmp_path):
    state = {"a": [torch.arange(3), {"b": (1, 2.5, None, True, "x")}], 0: {"step": torch.tensor(1.0)}}
    path = checkpoints.save(tmp_path, 7, state)
    read = checkpoints.load(path)
    assert torch.equal(read["a"][0], torch.arange(3))
    assert read["a"][1] == {"b": (1, 2.5, None, True, "x")}
    assert read[0]["step"].item() == 1.0
    (tmp_path / "step-000000009.partial").write_bytes(b"cut off")
    assert checkpoints.latest(tmp_path) == path
    assert checkpoints.latest(tmp_path / "nowhere") is None
    with pytest.raises(
        TypeError, match="expected tensors, numbers, strings and containers of them in the state, got set"
    ):
        checkpoints.save(tmp_path, 8, {"a": {1, 2}})
    other = tmp_path / "step-000000010.safetensors"
    other.write_bytes(b"no such file")
    with pytest.raises(ValueError, match=r"expected a checkpoint in .*, got a file that safetensors cannot read"):
        checkpoints.load(other)


def test_two_processes_train_the_networks_of_one(tmp_path):
    """Each works on half of every batch; the mean of their gradients is that of the joint batch, up to the order of sums."""
    script = (
        "import sys, torch; torch.set_num_threads(1)\n"
        "import torch.distributed as together\n"
        "from tests.gan.test_training import run, weights\n"
        "together.init_process_group('gloo')\n"
        "trained = run(dtype=torch.float64)\n"
        "if together.get_rank() == 0: torch.save(weights(trained), sys.argv[1])\n"
        "together.destroy_process_group()\n"
    )
    program, out = tmp_path / "two.py", tmp_path / "weights.pt"
    program.write_text(script)
    path = os.pathsep.join([str(Path.cwd()), os.environ.get("PYTHONPATH", "")])
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    environment = os.environ | {"PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
    subprocess.run([*launch, str(program), str(out)], check=True, env=environment, capture_output=True, timeout=300)
    alone = run(dtype=torch.float64)
    for a, b in zip(torch.load(out), weights(alone), strict=True):
        assert torch.allclose(a, b, rtol=1e-10, atol=1e-12)


def test_a_diverging_training_names_step_and_quantity():
    fast = Settings(steps=50, batch=16, pool=100, critic_optimizer=SGD(1e30), generator_optimizer=SGD(1e30))
    with pytest.raises(gan.TrainingError, match=r"expected a finite loss of the \w+, got \S+ at step \d+; lower its"):
        train(minimax, ring(), generator=SMALL, settings=fast, measure=gauge())


def doubles(architecture, *shape, seed=0):
    """A network of doubles, and points that it is to be differentiated at."""
    numbers = torch.Generator().manual_seed(seed)
    points = 3 * torch.randn(*shape, dtype=torch.float64, generator=numbers) + 1
    if isinstance(architecture, GeneratorMLP):
        return architecture.build(points, numbers), torch.randn(9, 8, dtype=torch.float64, generator=numbers)
    return architecture.build(points, points, numbers, unit=2.5), points


@pytest.mark.parametrize("depth", [1, 2, 4])
@pytest.mark.parametrize("kind", [gan.MLP, GeneratorMLP])
def test_written_gradients_are_those_of_autograd(kind, depth):
    """By points and by parameters, to 1e-12; and only those that are asked for."""
    network, x = doubles(kind(width=16, depth=depth), 12, 2)
    fast = perceptron(network)
    leaves = [x.requires_grad_(), *network.parameters()]
    assert torch.equal(fast(x), network(x))
    ours, theirs = (torch.autograd.grad(f(x).square().mean(), leaves) for f in (fast, network))
    for a, b in zip(ours, theirs, strict=True):
        assert torch.allclose(a, b, rtol=1e-12, atol=1e-14)
    for p in network.parameters():
        p.requires_grad = False
    fast(x).square().mean().backward()
    assert torch.allclose(x.grad, theirs[0], rtol=1e-12, atol=1e-14)
    assert all(p.grad is None for p in network.parameters())
    with torch.no_grad():
        assert torch.equal(fast(x), network(x))


@pytest.mark.parametrize("depth", [1, 2, 4])
@pytest.mark.parametrize("rule", [gan.GradientPenalty(), gan.GradientPenalty(one_sided=True, power=1)], ids=repr)
def test_the_penalty_of_written_slopes_is_that_of_double_backward(rule, depth):
    network, x = doubles(gan.MLP(width=16, depth=depth), 24, 2)
    other = torch.nn.Sequential(network)  # the same function, of a shape that is not known
    assert perceptron(other) is None
    gradients = []
    for critic in (network, other):
        penalty = rule.penalty(critic, x[:12], x[12:], torch.Generator().manual_seed(1))
        weights = [p for p in network.parameters() if p.ndim == 2]
        gradients.append([penalty.detach(), *torch.autograd.grad(penalty, weights)])
    for a, b in zip(*gradients, strict=True):
        assert torch.allclose(a, b, rtol=1e-12, atol=1e-14)


def test_written_gradients_are_of_known_shapes_only():
    """A hook, a parametrization, another activation or a missing bias are left to autograd."""
    linear, relu = torch.nn.Linear, torch.nn.ReLU
    hooked = torch.nn.Sequential(linear(2, 3), relu(), linear(3, 1))
    assert perceptron(hooked) is not None
    hooked[0].register_forward_hook(lambda *_: None)
    spectral = gan.SpectralNorm().attach(doubles(gan.MLP(width=4), 5, 2)[0], torch.Generator().manual_seed(0))
    others = [
        torch.nn.Sequential(linear(2, 3), torch.nn.Tanh(), linear(3, 1)),
        torch.nn.Sequential(linear(2, 3, bias=False), relu(), linear(3, 1)),
        torch.nn.Sequential(linear(2, 3), relu()),
        linear(2, 1),
    ]
    assert [perceptron(module) for module in [hooked, spectral, *others]] == [None] * 6


class Mine(gan.critics.Standardised):
    """Standardised, and then something else."""

    def forward(self, x):
        return super().forward(x) + 1


def test_a_forward_of_ones_own_is_kept():
    x = torch.randn(5, 2, generator=torch.Generator().manual_seed(0))
    layers = torch.nn.Sequential(torch.nn.Linear(2, 4), torch.nn.ReLU(), torch.nn.Linear(4, 1))
    assert perceptron(gan.critics.Standardised(layers, x, x, None)) is not None
    assert perceptron(Mine(layers, x, x, None)) is None
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert perceptron(layers) is None
    layers[0].forward = lambda z: z
    assert perceptron(layers) is None
    with pytest.raises(ValueError, match="expected a network of one output, got 2"):
        perceptron(torch.nn.Sequential(torch.nn.Linear(2, 2))).slope(x)


def test_an_update_that_leaves_the_finite_numbers_stops_with_the_step_and_the_network():
    for rate in (1e30, 3e38):
        changes = {"settings": Settings(steps=1, every=1, batch=16, pool=500, generator_optimizer=gan.Adam(rate))}
        with pytest.raises(
            gan.TrainingError, match=r"expected finite (weights|generated points) .*after step 1.*lower"
        ):
            run(1, **changes)


def test_seconds_are_those_of_the_call(tmp_path):
    first = run(4, checkpoints=tmp_path)
    again = run(4, checkpoints=tmp_path)
    assert first.seconds > 0
    assert (again.seconds, again.step, again.history) == (0.0, 4, ())


def test_critics_of_stacked_digits_look_at_three_channels():
    rows, numbers = torch.zeros(2, 192), torch.Generator().manual_seed(0)
    for name, preset in gan.PRESETS.items():
        if name != "ebgan":
            critic = preset.on_images(4, (3, 8, 8)).critic
            network = critic.build(rows, rows, numbers, unit=1.0)
            assert next(part for part in network.modules() if isinstance(part, torch.nn.Conv2d)).in_channels == 3


def test_written_gradients_are_not_differentiated_twice():
    network, x = doubles(gan.MLP(width=8), 6, 2)
    (slope,) = torch.autograd.grad(perceptron(network)(x.requires_grad_()).square().sum(), x, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        slope.sum().backward()


def test_rmsprop_steps_as_that_of_torch():
    ours, theirs = ([torch.nn.Parameter(torch.ones(3, 2)), torch.nn.Parameter(torch.zeros(2))] for _ in range(2))
    optimizers = [RMSProp(1e-2).make(ours), torch.optim.RMSprop(theirs, lr=1e-2, alpha=0.99)]
    for step in range(5):
        for parameters, optimizer in zip((ours, theirs), optimizers, strict=True):
            for p in parameters:
                p.grad = torch.sin(p.detach() * 3 + step)
            optimizer.step()
    for a, b in zip(ours, theirs, strict=True):
        assert torch.allclose(a, b, rtol=1e-6)


def test_a_training_with_a_projection_goes_on_bit_for_bit(tmp_path):
    """WGAN: clipped weights, and the state of RMSProp."""
    wgan = {
        "constraint": gan.WeightClipping(0.05),
        "settings": Settings(
            steps=4, every=2, batch=16, pool=200, critic_optimizer=RMSProp(1e-3), generator_optimizer=RMSProp(1e-3)
        ),
    }
    short = wgan | {"settings": Settings(**(vars(wgan["settings"]) | {"steps": 2}))}
    run(**short, checkpoints=tmp_path)
    assert same(run(**wgan, checkpoints=tmp_path), run(**wgan))


@pytest.mark.parametrize("objective", [non_saturating, gan.least_squares, gan.hinge, gan.relativistic], ids=str)
def test_one_value_for_both_needs_an_objective_that_has_one(objective):
    with pytest.raises(
        TypeError, match=r"expected an objective whose generator minimises its value for SingleStep\(\), got "
    ):
        train(objective, ring(), game=SingleStep(), measure=gauge())


def test_one_value_for_both_leaves_out_no_term():
    with pytest.raises(TypeError, match=r"expected terms without a loss of the generator for SingleStep\(\)"):
        train(minimax, ring(), critic=FeatureMLP(), terms=[FeatureMatching()], game=SingleStep(), measure=gauge())


def test_progress_is_shown_when_asked_for(capfd):
    run(2, every=2)
    assert capfd.readouterr() == ("", "")
    run(2, every=2, progress=True)
    assert "2/2" in capfd.readouterr().err


def test_data_are_a_data_set():
    with pytest.raises(
        TypeError, match=r"expected data to be a DataSet, got ndarray; gan\.datasets has some, and of_stock"
    ):
        train(minimax, np.zeros((5, 2)))


def test_wasserstein_needs_a_constraint():
    with pytest.raises(TypeError, match=r"expected a Lipschitz constraint for gan\.wasserstein, got None"):
        train(gan.wasserstein, ring())


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_trains(name):
    preset = PRESETS[name]
    trained = train(
        preset.objective,
        ring(),
        generator=SMALL,
        critic=preset.critic,
        constraint=preset.constraint,
        game=preset.game,
        settings=preset.settings(steps=3, every=3, pool=100),
        measure=gauge(),
    )
    assert math.isfinite(trained.history[-1].critic_loss)
    assert trained.history[-1].quality.w1.lower > 0


def test_the_presets_of_the_papers():
    """WGAN, algorithm 1; WGAN-GP, algorithm 1."""
    wgan, penalised = PRESETS["wgan"], PRESETS["wgan-gp"]
    assert (wgan.constraint, wgan.game, wgan.batch) == (gan.WeightClipping(limit=0.01), Alternating(critic_steps=5), 64)
    assert wgan.optimizer.learning_rate == 5e-5
    assert (penalised.constraint, penalised.game) == (gan.GradientPenalty(weight=10.0), Alternating(critic_steps=5))
    assert penalised.optimizer == Adam(1e-4, (0.0, 0.9))


def test_weights_are_clipped_after_every_step_of_the_critic():
    wgan = PRESETS["wgan"]
    trained = train(
        wgan.objective,
        ring(),
        generator=SMALL,
        constraint=wgan.constraint,
        game=wgan.game,
        settings=wgan.settings(steps=3, every=3, pool=100),
        measure=gauge(),
    )
    assert max(p.abs().max().item() for p in trained.critic.parameters()) <= 0.01


def test_the_f_gan_game_finds_the_projection():
    """Reverse KL of a normal from the mixture: trained location and scale against the exact minimum by quadrature."""
    settings = Settings(
        steps=400,
        batch=256,
        every=400,
        pool=20_000,
        critic_optimizer=Adam(1e-2, (0.5, 0.9)),
        generator_optimizer=Adam(1e-2, (0.5, 0.9)),
    )
    data = fgan_mixture()
    trained = train(
        gan.variational(dv.kl),
        data,
        generator=Affine(location=1.0, scale=1.8),
        game=SingleStep(),
        settings=settings,
        measure=gauge(data),
    )
    mean, deviation = trained.generator.location.item(), trained.generator.log_scale.exp().item()
    assert mean == pytest.approx(1.01, abs=0.2)  # the mean and the deviation of the mixture: moment matching
    assert deviation == pytest.approx(1.83, abs=0.2)


def test_the_generator_is_the_average_of_its_path():
    """Decay 0.5 over two steps from w0: w1 is the first average, then (w1 + w2) / 2."""
    plain = [weights(run(steps, every=steps, average=0.0))[0] for steps in (1, 2)]
    averaged = weights(run(2, every=2, average=0.5))[0]
    assert torch.allclose(averaged, (plain[0] + plain[1]) / 2, rtol=1e-6)


def test_conditional_generators_make_points_of_the_class_asked_for():
    split = digits()
    trained = train(
        non_saturating,
        split.training,
        generator=Conditional(GeneratorMLP(width=32), classes=10),
        settings=Settings(steps=30, batch=64, every=30, critic_optimizer=Adam(1e-3), generator_optimizer=Adam(1e-3)),
    )
    z = trained.latent.draw(5, torch.zeros(1), torch.Generator().manual_seed(0))
    one, other = (trained.generator(z, torch.full((5,), k)) for k in (0, 1))
    assert one.shape == (5, 64)
    assert not torch.allclose(one, other)


def test_terms_are_added_to_the_losses():
    plain = run(2, every=2, constraint=gan.GradientPenalty(), critic=FeatureMLP(width=8))
    matched = run(2, every=2, critic=FeatureMLP(width=8), terms=(FeatureMatching(weight=5.0),))
    assert not same(plain, matched)


def test_shares_of_a_batch_make_the_batch():
    rows = torch.arange(10)
    parts = [Share(k, 2).of(rows) for k in range(2)]
    assert sorted(torch.cat(parts).tolist()) == rows.tolist()


def test_the_sampler_draws_what_the_generator_makes():
    trained = run(2, every=2)
    points = trained.sampler(1000, torch.Generator().manual_seed(0))
    assert points.shape == (1000, 2)
    assert np.isfinite(points.numpy()).all()
    assert torch.equal(points, trained.sampler(1000, torch.Generator().manual_seed(0)))


def test_the_command_line_trains_draws_and_goes_on(tmp_path):
    """With 8 steps, then 12: the second call starts at the checkpoint."""
    command = [
        sys.executable,
        "-m",
        "gan",
        "train",
        "--preset",
        "non-saturating",
        "--every",
        "4",
        "--out",
        str(tmp_path),
    ]
    first = subprocess.run([*command, "--steps", "8"], check=True, capture_output=True, text=True)
    assert re.findall(r"^step (\d+)", first.stdout, re.MULTILINE) == ["4", "8"]
    second = subprocess.run([*command, "--steps", "12"], check=True, capture_output=True, text=True)
    assert re.findall(r"^step (\d+)", second.stdout, re.MULTILINE) == ["12"]
    assert [row["step"] for row in CsvLog(tmp_path / "log.csv").rows()] == [4, 8, 12]
    assert (tmp_path / "generated.png").stat().st_size > 1000
    other = subprocess.run([*command, "--seed", "1", "--steps", "16"], check=False, capture_output=True, text=True)
    assert other.returncode == 2
    assert other.stderr.startswith("gan: expected a checkpoint of this training")
    assert "Traceback" not in other.stderr
