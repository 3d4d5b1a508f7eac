"""Networks: shapes, randomness from one generator alone, sizes counted by hand, and laws that are known."""

import math
from functools import partial

import numpy as np
import pytest
import scipy.stats
import torch
from torch import nn

import divergences as dv
from divergences.families import Normal
from gan.ascent import TrainingError
from gan.conditional import CodeHead, Conditional, with_labels
from gan.critics import lipschitz_constant
from gan.datasets import digits, ring
from gan.fitting import minimise
from gan.image_networks import AutoencoderEnergy, DCGANCritic, DCGANGenerator, pretrain
from gan.latents import CodedLatent, NormalLatent, UniformLatent
from gan.networks import Affine, FeatureMLP, GeneratorMLP, pushforward
from gan.vae import VAE, Posterior, normal_kl, variational_loss

torch.set_num_threads(1)

LATENTS = [NormalLatent(5), UniformLatent(3), CodedLatent(noise=2, categories=(3, 4), continuous=2)]
GENERATORS = [
    GeneratorMLP(width=8),
    GeneratorMLP(LATENTS[2], width=8, depth=1),
    Affine(dimension=64),
    DCGANGenerator(width=4),
    Conditional(GeneratorMLP(width=8), 3),
    Conditional(DCGANGenerator(width=4), 3),
    VAE(width=8),
]
CRITICS = [FeatureMLP(width=8), DCGANCritic(width=4), DCGANCritic(width=4, norm=nn.Identity), AutoencoderEnergy(8)]
dtypes = pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


def random(*shape, seed=0, dtype=torch.float64):
    return torch.randn(*shape, generator=rng(seed), dtype=dtype)


def deviation_of(n):
    """What the empirical distribution function of n points differs by, but for a chance of 1e-9: Massart (1990)."""
    return math.sqrt(math.log(2 / 1e-9) / (2 * n))


def count(network):
    return sum(part.numel() for part in network.parameters())


def arguments(architecture, n, like, seed=3):
    """Latent rows, and labels where there are any."""
    z = architecture.latent.draw(n, like, rng(seed))
    return (z, torch.arange(n) % 3) if isinstance(architecture, Conditional) else (z,)


@dtypes
@pytest.mark.parametrize("architecture", GENERATORS, ids=str)
def test_the_seed_alone_makes_the_generator(architecture, dtype):
    data = random(20, 64, dtype=dtype)
    before = torch.random.get_rng_state()
    first, second = architecture.build(data, rng(1)), architecture.build(data, rng(1))
    assert torch.equal(torch.random.get_rng_state(), before)
    z = arguments(architecture, 6, data)
    assert torch.equal(first(*z), second(*z))
    assert (first(*z).shape, first(*z).dtype) == ((6, 64), dtype)
    if not isinstance(architecture, Affine):
        assert not torch.equal(architecture.build(data, rng(2))(*z), first(*z))


@dtypes
@pytest.mark.parametrize("architecture", CRITICS, ids=str)
def test_the_seed_alone_makes_the_critic_and_its_features_are_of_its_points(architecture, dtype):
    x = random(20, 64, dtype=dtype)
    before = torch.random.get_rng_state()
    first, second = (architecture.build(x, x, rng(1), unit=1.0) for _ in range(2))
    assert torch.equal(torch.random.get_rng_state(), before)
    assert torch.equal(first(x), second(x))
    assert (first(x).shape, first(x).dtype) == ((20,), dtype)
    assert first.features(x).shape[0] == 20
    # the unit is what the output is worth
    doubled = architecture.build(x, x, rng(1), unit=2.0)
    assert torch.equal(doubled(x), 2 * first(x))


@pytest.mark.parametrize("architecture", CRITICS[:3], ids=str)
def test_a_critic_is_linear_in_its_features(architecture):
    x = random(200, 64)
    critic = architecture.build(x, x, rng(1), unit=1.0).eval()
    with torch.no_grad():
        # the last layer is all that is between them, so that least squares find it
        h = torch.cat([critic.features(x), torch.ones(200, 1, dtype=torch.float64)], dim=1)
        values = critic(x)
        fitted = h @ torch.linalg.lstsq(h, values[:, None]).solution[:, 0]
    assert len(x) > h.shape[1] + 50
    assert torch.allclose(fitted, values, rtol=0, atol=float(1e4 * torch.finfo(x.dtype).eps * values.abs().max()))


def test_a_critic_without_batch_norm_sees_each_point_for_itself():
    x = random(20, 64)
    for norm in (nn.Identity, partial(nn.GroupNorm, 1)):
        critic = DCGANCritic(width=4, norm=norm).build(x, x, rng(), unit=1.0)
        single = torch.cat([critic(row[None]) for row in x]).detach()
        assert torch.allclose(
            critic(x), single, rtol=0, atol=float(1e3 * torch.finfo(x.dtype).eps * single.abs().max())
        )
    batched = DCGANCritic(width=4).build(x, x, rng(), unit=1.0)
    assert not torch.allclose(batched(x)[:10], batched(x[:10]), rtol=1e-6)


def test_sizes_of_dcgan_are_those_counted_by_hand():
    """The widely used network of 64x64 images has 3 576 704 and 2 765 568 weights; ours has biases at either end."""
    image = torch.zeros(2, 3 * 64 * 64)
    shape = (3, 64, 64)
    generator = DCGANGenerator(shape, UniformLatent(100), width=64, doublings=4).build(image, rng())
    critic = DCGANCritic(shape, width=64, doublings=4).build(image, image, rng(), unit=1.0)
    assert (count(generator), count(critic)) == (3_576_704 + 3, 2_765_568 + 64 + 1)
    small = torch.zeros(2, 64)
    # 32 -> 64 channels of 2x2, norm, 64 -> 32 by 4x4, norm, 32 -> 1 by 4x4 with bias
    assert count(DCGANGenerator().build(small, rng())) == 32 * 64 * 4 + 128 + 64 * 32 * 16 + 64 + 32 * 16 + 1
    # 1 -> 32 by 4x4 with bias, 32 -> 64 by 4x4, norm, 64 channels of 2x2 -> 1 with bias
    expected = 32 * 16 + 32 + 32 * 64 * 16 + 128 + 64 * 4 + 1
    assert count(DCGANCritic().build(small, small, rng(), unit=1.0)) == expected
    # a label of three classes is three more channels of the image
    labelled = torch.zeros(2, 67)
    assert count(DCGANCritic().build(labelled, labelled, rng(), unit=1.0)) == expected + 3 * 32 * 16


def test_images_are_in_range_and_weights_start_as_their_source_says():
    network = DCGANGenerator(width=64).build(torch.zeros(2, 64), rng())
    pixels = network(UniformLatent(32).draw(50, torch.zeros(1), rng()))
    assert pixels.abs().max() <= 1
    for layer in network:
        if isinstance(layer, nn.ConvTranspose2d):
            w, n = layer.weight.detach(), layer.weight.numel()
            assert abs(w.mean()) < 6 * 0.02 / math.sqrt(n)
            assert abs(w.std() / 0.02 - 1) < 6 / math.sqrt(2 * n)
            assert layer.bias is None or not layer.bias.any()


def test_a_label_behind_an_image_is_a_constant_channel():
    x = random(9, 64)
    rows = with_labels(x, torch.arange(9) % 3, 3)
    critic = DCGANCritic(width=4, norm=nn.Identity).build(rows, rows, rng(), unit=1.0)
    planes = torch.eye(3, dtype=torch.float64)[torch.arange(9) % 3][:, :, None, None].expand(9, 3, 8, 8)
    images = torch.cat([x.reshape(9, 1, 8, 8), planes], dim=1)
    assert torch.equal(critic.features(rows), critic.body(images))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: DCGANGenerator((1, 9, 8)), r"multiples of 2\*\*2, got 9 and 8"),
        (lambda: DCGANGenerator().build(torch.zeros(2, 63), rng()), r"rows of 64 pixels.*got shape \(2, 63\)"),
        (lambda: DCGANCritic().build(torch.zeros(2, 63), torch.zeros(2, 63), rng(), unit=1.0), "rows of 64 pixels"),
        (lambda: Affine(scale=0.0), r"finite scale > 0, got 0.0 and 0.0"),
        (
            lambda: Affine().build(torch.zeros(2, 3), rng()),
            "expected 1 inputs and points of 1 coordinates, got 1 and 3",
        ),
        (lambda: CodedLatent(3, ()), "at least one code, got none"),
        (lambda: CodedLatent(3, (1,)), r"categories\[0\] to be at least 2, got 1"),
        (lambda: FeatureMLP(slope=2.0), r"slope in \[0, 1\], got 2.0"),
        (lambda: VAE(weight=0.0), "weight > 0, got 0.0"),
        (lambda: with_labels(torch.zeros(2, 1), torch.tensor([0, 3]), 3), r"labels in 0, ..., 2, got 0 to 3"),
        (lambda: with_labels(torch.zeros(2, 1), torch.tensor([0.0, 1.0]), 3), "one integer label per row"),
    ],
)
def test_what_cannot_be_built_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_the_affine_generator_has_the_normal_law_that_it_says():
    n = 20_000
    architecture = Affine(location=1.5, scale=0.4)
    network = architecture.build(torch.zeros(1, 1, dtype=torch.float64), rng())
    points = pushforward(network, architecture.latent, 1)(n, rng(1)).numpy()[:, 0]
    assert scipy.stats.kstest(points, scipy.stats.norm(1.5, 0.4).cdf).statistic < deviation_of(n)
    assert {name for name, _ in network.named_parameters()} == {"location", "log_scale"}


def test_generated_points_start_on_the_scale_of_the_data():
    """A generator of far and wide data is the generator of standard data, moved and scaled."""
    data = random(50, 2)
    near, far = (GeneratorMLP(width=8).build(x, rng(1)) for x in (data, 1000 + 100 * data))
    z = random(30, 8)
    assert torch.allclose(far(z), 1000 + 100 * near(z), rtol=1e-12)


def test_a_conditional_generator_reads_the_label_in_one_hot():
    architecture = Conditional(GeneratorMLP(NormalLatent(2), width=8), 3)
    network = architecture.build(random(20, 2), rng())
    z = random(6, 2)
    labels = torch.tensor([0, 1, 2, 2, 1, 0])
    by_hand = torch.cat([z, torch.eye(3, dtype=torch.float64)[labels]], dim=1)
    assert torch.equal(network(z, labels), network.network(by_hand))
    assert not torch.allclose(network(z, labels)[0], network(z, (labels + 1) % 3)[0])


@pytest.mark.parametrize("latent", LATENTS, ids=str)
def test_latent_rows_have_their_law(latent):
    n = 20_000
    z = latent.draw(n, torch.zeros(1, dtype=torch.float64), rng())
    assert z.shape == (n, latent.size)
    normal, uniform = scipy.stats.norm.cdf, scipy.stats.uniform(-1, 2).cdf
    laws = {
        NormalLatent: [normal] * 5,
        UniformLatent: [uniform] * 3,
        CodedLatent: [normal] * 2 + [None] * 7 + [uniform] * 2,
    }[type(latent)]
    for column, law in zip(z.T.numpy(), laws, strict=True):
        if law is not None:
            assert scipy.stats.kstest(column, law).statistic < deviation_of(n)
    if isinstance(latent, CodedLatent):
        for one_hot in torch.split(latent.codes(z)[:, :7], [3, 4], dim=1):
            assert torch.equal(one_hot.sum(1), torch.ones(n, dtype=torch.float64))
            assert set(one_hot.unique().tolist()) == {0.0, 1.0}
            k = one_hot.shape[1]
            assert (one_hot.mean(0) - 1 / k).abs().max() < deviation_of(n)


def test_entropy_of_codes_is_that_of_scipy():
    latent = CodedLatent(categories=(3, 4), continuous=2)
    parts = [scipy.stats.entropy(np.full(k, 1 / k)) for k in (3, 4)] + 2 * [scipy.stats.uniform(-1, 2).entropy()]
    assert latent.entropy == pytest.approx(sum(parts), rel=1e-14)


def test_the_posterior_of_codes_is_a_product_of_known_laws():
    latent = CodedLatent(noise=1, categories=(3, 4), continuous=2)
    features, z = random(12, 5), latent.draw(12, torch.zeros(1, dtype=torch.float64), rng(1))
    posterior = CodeHead(latent, width=8).build(features, rng(2))
    out, codes = posterior(features), latent.codes(z)
    law = torch.distributions.Normal(out[:, 7:9], (out[:, 9:11] / 2).exp())
    expected = law.log_prob(codes[:, 7:]).sum(1)
    for logits, one_hot in ((out[:, :3], codes[:, :3]), (out[:, 3:7], codes[:, 3:7])):
        expected = expected + torch.distributions.Categorical(logits=logits).log_prob(one_hot.argmax(1))
    assert torch.allclose(posterior.log_density(features, codes), expected, rtol=1e-12)


def test_the_energy_is_the_squared_distance_to_the_reconstruction():
    x = 3 + 2 * random(40, 6)
    critic = AutoencoderEnergy(width=8, code=2).build(x, x, rng(), unit=1.0)
    spread = ((x - x.mean(0)) ** 2).mean().sqrt()
    by_hand = torch.linalg.vector_norm(x - critic.reconstruct(x), dim=1) ** 2 / (6 * spread**2)
    assert torch.allclose(critic(x), by_hand, rtol=1e-12)
    assert critic.features(x).shape == (40, 2)
    assert lipschitz_constant(critic) == math.inf  # a square has none


def test_pretraining_on_real_data_lowers_their_energy_and_not_that_of_noise():
    split = digits()
    real, noise = split.test.stock.points, 2 * torch.rand(450, 64, generator=rng(1), dtype=torch.float64) - 1
    critic = AutoencoderEnergy().build(split.training.stock.points, noise, rng(), unit=1.0)
    before = critic(real).mean()
    losses = pretrain(critic, split.training.sampler, rng(2), steps=300)
    assert losses.shape == (300,)
    assert critic(real).mean() < before / 3
    assert critic(real).mean() < critic(noise).mean() / 3


def test_a_loss_that_is_not_finite_stops_and_names_its_step():
    """The weight before the bad step is that of the steps before, and every loss is told."""
    weight = nn.Parameter(torch.ones(()))
    losses = minimise([weight], weight.square, steps=5, learning_rate=0.1)
    assert losses[0] == 1.0
    assert (losses.diff() < 0).all()
    kept, seen = weight.detach().clone(), iter([1.0, math.nan])
    with pytest.raises(TrainingError, match="finite loss, got nan at step 2; take a smaller learning_rate"):
        minimise([weight], lambda: 0 * weight + next(seen), steps=5, learning_rate=0.1)
    assert weight == kept


def test_the_divergence_of_the_vae_is_the_closed_form_of_the_library():
    mean, log_deviation = random(30, 4), random(30, 4, seed=1)
    exact = dv.kl(Normal(mean.numpy(), log_deviation.exp().numpy()), Normal(0.0, 1.0)).sum(1)
    # four terms of size at most largest, each right to a few units
    largest = float((mean**2 + torch.exp(2 * log_deviation) + 1 + 2 * log_deviation.abs()).sum(1).max())
    assert np.abs(normal_kl(mean, log_deviation).numpy() - exact).max() <= 16 * np.finfo(float).eps * largest
    assert not normal_kl(torch.zeros(2, 3), torch.zeros(2, 3)).any()
    tiny = torch.full((1, 1), 1e-9, dtype=torch.float64)
    assert float(normal_kl(0 * tiny, tiny)) == pytest.approx(1e-18, rel=1e-6, abs=1e-24)


def _linear_model(slope, noise, posterior_slope, posterior_deviation, x):
    """Loss of x = slope z + sqrt(noise) e with q(z|x) = N(posterior_slope x, deviation^2), its mean over z exact."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(3)  # exact for the square
    mean = posterior_slope * x
    posterior = Posterior(mean, torch.full_like(mean, math.log(posterior_deviation)))
    losses = [
        variational_loss(x, slope * (mean + posterior_deviation * node), posterior, noise) for node in nodes.tolist()
    ]
    return sum(w * float(loss) for w, loss in zip(weights / weights.sum(), losses, strict=True))


def test_the_loss_bounds_the_likelihood_and_meets_it_at_the_true_posterior():
    """Linear model: x is N(0, a^2 + noise), and the true posterior is known."""
    a, noise = 1.3, 0.4
    x = 2 * random(50, 1)
    likelihood = scipy.stats.norm(0, math.sqrt(a * a + noise)).logpdf(x.numpy()).mean()
    true_slope, true_deviation = a / (a * a + noise), math.sqrt(noise / (a * a + noise))
    for slope, deviation in ((true_slope, true_deviation), (0.1, 0.5), (true_slope, 1.0), (1.0, true_deviation)):
        loss = _linear_model(a, noise, slope, deviation, x)
        bound = loss / noise + math.log(2 * math.pi * noise) / 2
        if (slope, deviation) == (true_slope, true_deviation):
            assert bound == pytest.approx(-likelihood, rel=1e-12)
        else:
            assert bound > -likelihood + 1e-3


def test_training_the_vae_learns_codes():
    data = ring(scale=0.05).sampler(400, rng())
    model = VAE(width=16).build(data, rng())
    posterior = model.posterior(data)
    assert posterior.mean.shape == posterior.log_deviation.shape == (400, 2)
    z = posterior.draw(rng(1))
    noise = torch.randn(400, 2, generator=rng(1), dtype=torch.float64)
    assert torch.equal(z, posterior.mean + posterior.log_deviation.exp() * noise)
    model.loss(data, rng()).backward()
    assert all(part.grad is not None and part.grad.isfinite().all() for part in model.parameters())
