"""nndl_lib.training._ensemble: outputs and states of the members against each alone, and bootstrap rows."""

import copy
import re

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nndl_lib import functional, nn, rnn, training

# The same examples on every run; no file of past failures.
checks = settings(derandomize=True, deadline=None, max_examples=15, database=None)
seeds = st.integers(0, 2**32 - 1)
F64 = {"dtype": torch.float64}


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


def close(found, expected):
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)


def refused(message):
    return pytest.raises(ValueError, match=re.escape(message))


def mlps(M=3, sizes=(4, 6, 3), activation=nn.Tanh, **options):
    return [nn.MLP(sizes, activation, generator=rng(k), **(F64 | options)) for k in range(M)]


class Residual(torch.nn.Module):
    """No Sequential, with a buffer that does not persist and one that does."""

    def __init__(self, seed):
        super().__init__()
        self.inner = torch.nn.Sequential(nn.Linear(4, 4, generator=rng(seed), **F64), torch.nn.Tanh())
        self.register_buffer("gain", torch.tensor(1.0 + seed, **F64), persistent=False)
        self.register_buffer("count", torch.tensor(seed))

    def forward(self, x):
        return x + self.gain * self.inner(x) + self.count


def torchs(M, *activations):
    torch.manual_seed(0)
    return [
        torch.nn.Sequential(
            torch.nn.Linear(4, 5, **F64), *(make() for make in activations), nn.Linear(5, 2, bias=False, **F64)
        )
        for _ in range(M)
    ]


MODELS = {
    "mlp": mlps,
    "deep": lambda M: mlps(M, (4, 3, 5, 2)),
    "linear": lambda M: [torch.nn.Sequential(nn.Linear(4, 2, generator=rng(k), **F64)) for k in range(M)],
    **{
        a.__name__: lambda M, a=a: mlps(M, activation=a)
        for a in (nn.ReLU, nn.Sigmoid, nn.ELU, nn.Softplus, nn.Step, nn.Identity)
    },
    "leaky": lambda M: mlps(M, activation=lambda: nn.LeakyReLU(0.3)),
    "torch": lambda M: torchs(M, torch.nn.ReLU, torch.nn.Sigmoid, torch.nn.Tanh, torch.nn.ELU, torch.nn.Identity),
    "by vmap": lambda M: torchs(M, torch.nn.SiLU),
    "residual": lambda M: [Residual(k) for k in range(M)],
    "layer": lambda M: [nn.Linear(4, 3, generator=rng(k), **F64) for k in range(M)],
    "norm": lambda M: torchs(M, lambda: torch.nn.LayerNorm(5, **F64), torch.nn.ReLU),
    "layer norm": lambda M: torchs(M, lambda: nn.LayerNorm(5, **F64), torch.nn.ReLU),
    "batch norm": lambda M: torchs(M, lambda: nn.BatchNorm1d(5, track_running_stats=False, **F64), torch.nn.ReLU),
}


@pytest.mark.parametrize("kind", MODELS)
@pytest.mark.parametrize("M", [1, 3])
def test_outputs_and_gradients_are_the_members(kind, M):
    models = MODELS[kind](M)
    ensemble = training.Ensemble(models)
    assert len(ensemble) == M
    shared, own = torch.randn(7, 4, generator=rng(1), **F64), torch.randn(M, 5, 4, generator=rng(2), **F64)
    expected = (
        torch.stack([model(shared) for model in models]),
        torch.stack([model(x) for model, x in zip(models, own)]),
    )
    found = ensemble(shared), ensemble(own, own=True)
    for one, other in zip(found, expected):
        close(one, other)
    if kind != "Step":
        sum(z.square().sum() for z in found).backward()
        sum(z.square().sum() for z in expected).backward()
        names = [name for name, _ in models[0].named_parameters()]
        stacked = dict(ensemble.named_parameters())
        assert list(stacked) == [f"members.{name}" for name in names]
        for name in names:
            close(stacked[f"members.{name}"].grad, torch.stack([model.get_parameter(name).grad for model in models]))
    for model, back in zip(models, ensemble.unstack(), strict=True):
        assert type(back) is type(model)
        close(back(shared), model(shared))


def test_members_of_an_mlp_are_computed_without_vmap(monkeypatch):
    def fail(*args, **options):
        raise AssertionError("vmap")

    ensemble, other = training.Ensemble(mlps()), training.Ensemble(torchs(2, torch.nn.SiLU))
    monkeypatch.setattr("nndl_lib.training._ensemble.vmap", fail)
    ensemble(torch.zeros(2, 4, **F64))
    with pytest.raises(AssertionError, match="vmap"):
        other(torch.zeros(2, 4, **F64))


def test_a_class_of_its_own_is_not_taken_for_an_mlp():
    class Doubled(nn.MLP):
        def forward(self, x):
            return 2 * super().forward(x)

    class Shifted(nn.Linear):
        def forward(self, x):
            return super().forward(x) + 1

    for models in (
        [Doubled([4, 3], generator=rng(k), **F64) for k in range(2)],
        [torch.nn.Sequential(Shifted(4, 3, generator=rng(k), **F64)) for k in range(2)],
    ):
        x = torch.randn(5, 4, generator=rng(), **F64)
        close(training.Ensemble(models)(x), torch.stack([model(x) for model in models]))


def test_models_and_ensemble_share_nothing():
    models = mlps()
    x = torch.randn(5, 4, generator=rng(), **F64)
    ensemble = training.Ensemble(models)
    before, members = ensemble(x).detach(), [model(x).detach() for model in models]
    backs = ensemble.unstack()
    with torch.no_grad():
        for p in [*ensemble.parameters()]:
            p += 1
        for model, expected in zip(models, members):
            assert torch.equal(model(x), expected)
        for back, expected in zip(backs, before):
            close(back(x), expected)
        for model in (*models, *backs):
            for p in model.parameters():
                p.zero_()
        assert ensemble(x).abs().sum() > 0
    assert all(p.is_leaf and p.requires_grad for model in (ensemble, *backs) for p in model.parameters())


def test_buffers_are_stacked_and_come_back():
    ensemble = training.Ensemble([Residual(k) for k in range(3)])
    assert ensemble.members.gain.tolist() == [1, 2, 3] and ensemble.members.count.tolist() == [0, 1, 2]
    assert list(ensemble.state_dict()) == ["members.count", "members.inner.0.weight", "members.inner.0.bias"]
    backs = ensemble.unstack()
    assert [(m.gain.item(), m.count.item()) for m in backs] == [(1, 0), (2, 1), (3, 2)]
    backs[0].count += 5
    assert ensemble.members.count.tolist() == [0, 1, 2]


def test_state_goes_through_a_file_and_copies():
    ensemble, other = training.Ensemble(mlps()), training.Ensemble(mlps()[::-1])
    other.load_state_dict(ensemble.state_dict())
    x = torch.randn(5, 4, generator=rng(), **F64)
    assert torch.equal(other(x), ensemble(x)) and torch.equal(copy.deepcopy(ensemble)(x), ensemble(x))


def test_frozen_parameters_stay_frozen():
    models = mlps()
    for model in models:
        model[0].weight.requires_grad_(False)
    ensemble = training.Ensemble(models)
    frozen = [False, True, True, True]
    assert [p.requires_grad for p in ensemble.parameters()] == frozen
    assert [p.requires_grad for p in ensemble.unstack()[1].parameters()] == frozen


def test_modes_reach_the_members_and_dropout_differs():
    models = [torch.nn.Sequential(nn.Linear(4, 50, generator=rng(), **F64), torch.nn.Dropout()) for _ in range(2)]
    x = torch.randn(3, 4, generator=rng(), **F64)
    ensemble = training.Ensemble(models)
    one, other = ensemble(x)
    assert not torch.equal(one == 0, other == 0) and (one == 0).any()
    one, other = ensemble.eval()(x)
    assert torch.equal(one, other) and not (one == 0).any()
    assert not training.Ensemble([model.eval() for model in models]).members.training
    assert not ensemble.unstack()[0].training


def test_average_is_of_probabilities():
    x = torch.randn(5, 4, generator=rng(), **F64)
    models = mlps()
    y = torch.stack([functional.softmax(model(x), dim=1) for model in models]).mean(dim=0)
    close(training.Ensemble(models).average(x), y)
    models = mlps(sizes=(4, 6, 1))
    y = torch.stack([functional.sigmoid(model(x)) for model in models]).mean(dim=0)
    close(training.Ensemble(models).average(x), y)


# --- bootstrap ---


@checks
@given(N=st.integers(1, 30), M=st.integers(1, 8), seed=seeds)
def test_bootstrap_rows_and_mask(N, M, seed):
    rows, out_of_bag = training.bootstrap(N, M, rng(seed))
    assert rows.shape == out_of_bag.shape == (M, N) and rows.dtype == torch.int64 and out_of_bag.dtype == torch.bool
    assert 0 <= rows.min() and rows.max() < N
    for m in range(M):
        assert set(out_of_bag[m].nonzero().flatten().tolist()) == set(range(N)) - set(rows[m].tolist())
    assert torch.equal(rows, training.bootstrap(N, M, rng(seed))[0])


def test_bootstrap_draws_uniformly_with_replacement():
    before = torch.get_rng_state()
    rows, out_of_bag = training.bootstrap(100, 300, rng())
    assert torch.equal(torch.get_rng_state(), before)
    assert out_of_bag.double().mean().item() == pytest.approx((1 - 1 / 100) ** 100, abs=0.005)
    counts = rows.flatten().bincount(minlength=100)
    assert 220 < counts.min() and counts.max() < 380


@pytest.mark.parametrize("value", [0, -1, 2.0, True])
def test_bootstrap_refuses(value):
    with refused(f"bootstrap: N is {value!r}; expected an integer of at least 1"):
        training.bootstrap(value, 3, rng())
    with refused(f"bootstrap: M is {value!r}; expected an integer of at least 1"):
        training.bootstrap(3, value, rng())
    with refused("bootstrap: generator is 0; expected a torch.Generator"):
        training.bootstrap(3, 3, 0)


# --- what is refused ---


def test_no_models():
    with refused("Ensemble: models is empty; expected at least one module"):
        training.Ensemble([])
    with refused("Ensemble: models[0] is Tanh(), without parameters; expected some to stack"):
        training.Ensemble([nn.Tanh()])
    model = torch.nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4))
    with refused("Ensemble: models is a Sequential; expected a list of modules"):  # not an ensemble of its layers
        training.Ensemble(model)
    model[1].weight = model[0].weight
    with refused("Ensemble: 1.weight of models[0] is a parameter in two places; expected none that is shared"):
        training.Ensemble([model])


def frozen(model):
    model[2].bias.requires_grad_(False)
    return model


def with_extra(model):
    model.register_buffer("extra", torch.zeros(2))
    return model


def with_more(model):
    return torch.nn.Sequential(*model, nn.Linear(3, 3, **F64))


@pytest.mark.parametrize(
    "make, message",
    [
        (
            lambda: mlps(1, (4, 7, 3))[0],
            (
                "module '0': Linear(in_features=4, out_features=7, bias=True); "
                "expected, as in models[0], module '0': Linear(in_features=4, out_features=6, bias=True)"
            ),
        ),
        (lambda: mlps(1, activation=nn.ReLU)[0], "module '1': ReLU(); expected, as in models[0], module '1': Tanh()"),
        (
            lambda: torch.nn.Sequential(*mlps()[0]),
            "module '': Sequential(); expected, as in models[0], module '': MLP()",
        ),
        (lambda: mlps(1)[0].eval(), "the mode of '': evaluation; expected, as in models[0], the mode of '': training"),
        (
            lambda: mlps(1, dtype=torch.float32)[0],
            (
                "0.weight: (6, 4), torch.float32, on cpu; "
                "expected, as in models[0], 0.weight: (6, 4), torch.float64, on cpu"
            ),
        ),
        (
            lambda: mlps(1, device="meta")[0],
            "0.weight: (6, 4), torch.float64, on meta; expected, as in models[0], 0.weight",
        ),
        (
            lambda: frozen(mlps(1)[0]),
            (
                "2.bias: (3,), torch.float64, on cpu, without gradient; "
                "expected, as in models[0], 2.bias: (3,), torch.float64, on cpu"
            ),
        ),
        (
            lambda: with_extra(mlps(1)[0]),
            "extra: (2,), torch.float32, on cpu, without gradient; expected, as in models[0], the end",
        ),
    ],
)
def test_models_that_differ(make, message):
    with refused(f"Ensemble: models[2] has {message}"):
        training.Ensemble([*mlps(2), make()])


def test_models_that_lack_something():
    extra = [with_extra(model) for model in mlps(2)]
    with refused("Ensemble: models[1] has the end: nothing; expected, as in models[0], extra: (2,), torch.float32"):
        training.Ensemble([extra[0], mlps(1)[0]])
    with refused("Ensemble: models[1] has the mode of '': training; expected, as in models[0], module '3': Linear("):
        training.Ensemble([with_more(mlps()[0]), torch.nn.Sequential(*mlps()[1])])
    with refused("Ensemble: models[1] has module '1': LeakyReLU(negative_slope=0.2)"):
        training.Ensemble([mlps(1, activation=lambda s=s: nn.LeakyReLU(s))[0] for s in (0.1, 0.2)])


def test_settings_that_are_not_printed():
    class Scaled(torch.nn.Module):
        def __init__(self, scale):
            super().__init__()
            self.layer, self.scale = nn.Linear(4, 2, generator=rng(), **F64), scale

        def forward(self, x):
            return self.scale * self.layer(x)

    with refused("Ensemble: models[1] has scale of '': 3.0; expected, as in models[0], scale of '': 2.0"):
        training.Ensemble([Scaled(2.0), Scaled(3.0)])
    x = torch.randn(5, 4, generator=rng(), **F64)
    close(training.Ensemble([Scaled(2.0)] * 2)(x), Scaled(2.0)(x).expand(2, 5, 2))


class Last(torch.nn.Module):
    """What a recurrent network says after the last step."""

    def __init__(self, network, seed):
        super().__init__()
        self.network = network(4, 3, generator=rng(seed), **F64)

    def forward(self, x):
        return self.network(x)[0][-1]


@pytest.mark.parametrize("network", [rnn.RNN, rnn.GRU, rnn.LSTM])
def test_recurrent_networks_of_the_book(network):
    models = [network(4, 3, generator=rng(k), **F64) for k in range(3)]
    x = torch.randn(6, 5, 4, generator=rng(), **F64)
    ensemble = training.Ensemble(models)
    outputs, states = ensemble(x)  # of members that give a tuple, a tuple
    close(outputs, torch.stack([model(x)[0] for model in models]))
    alone = [model(x)[1] for model in models]  # h, or for the LSTM h and c
    for found, each in zip(states, zip(*alone)) if network is rnn.LSTM else [(states, alone)]:
        close(found, torch.stack(each))
    with refused("Ensemble: the members give a tuple; expected one tensor, of logits"):
        ensemble.average(x)
    models = [Last(network, k) for k in range(3)]
    close(training.Ensemble(models)(x), torch.stack([model(x) for model in models]))


def test_dropout_of_the_book_draws_from_a_copy_of_its_generator():
    models = [
        torch.nn.Sequential(nn.Linear(4, 50, generator=rng(), **F64), nn.Dropout(generator=rng(k))) for k in range(2)
    ]
    before = models[0][1].generator.get_state()
    x = torch.randn(3, 4, generator=rng(), **F64)
    one, other = training.Ensemble(models)(x)
    assert not torch.equal(one == 0, other == 0) and (one == 0).any() and (other == 0).any()
    assert torch.equal(models[0][1].generator.get_state(), before)
    assert torch.equal(torch.stack([one, other]), training.Ensemble(models)(x))


def test_inputs_that_do_not_fit():
    ensemble = training.Ensemble(mlps())
    weights = "and the weights torch.float64 (3, 6, 4); expected one dtype and X (N, 4), with own (3, N, 4)"
    for shape in ((5, 3), (4,), (2, 5, 4)):
        with refused(f"Ensemble: X is torch.float64 {(3, *shape)}, for all members, {weights}"):
            ensemble(torch.zeros(shape, **F64))
    with refused(f"Ensemble: X is torch.float32 (3, 5, 4), for all members, {weights}"):
        ensemble(torch.zeros(5, 4))
    for shape in ((2, 5, 4), (5, 4), ()):
        with refused(f"Ensemble: X has shape {shape} with own; expected (3, N, ...)"):
            ensemble(torch.zeros(shape, **F64), own=True)
    with refused("Ensemble: X has shape (2, 4) with own; expected (3, N, ...)"):
        training.Ensemble([Residual(k) for k in range(3)])(torch.zeros(2, 4, **F64), own=True)
