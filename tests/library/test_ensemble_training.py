"""nndl_lib.training._ensemble_training: every member against ``training.train`` of it alone."""

import contextlib
import math
import re

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from nndl_lib import functional, nn, optim, rnn, training
from nndl_lib.training import train_ensemble

# The same examples on every run; no file of past failures.
checks = settings(derandomize=True, deadline=None, max_examples=12, database=None)
F64 = {"dtype": torch.float64}
M, N, D, K = 3, 20, 4, 3


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


def close(found, expected, tolerance=1e-12):
    torch.testing.assert_close(found, expected, rtol=tolerance, atol=tolerance)


def mlps(outputs=K, activation=nn.Tanh):
    return [nn.MLP([D, 6, outputs], activation, generator=rng(k), **F64) for k in range(M)]


def data(seed=0, N=N):
    return torch.randn(N, D, generator=rng(seed), **F64), torch.randint(K, (N,), generator=rng(seed + 1))


def one_hot(t):
    return F.one_hot(t, K).double()


def compare(models, loss, X, t, targets=None, rows=None, orders=None, validation=None, tolerance=1e-12, **options):
    """Train an ensemble of the models, and each model alone, and compare all that came of it."""
    ensemble = training.Ensemble(models)
    generators = rng(9) if orders is None else [rng(s) for s in orders]
    everything = {"rows": rows, "generator": generators, "validation": validation, **options}
    history = train_ensemble(ensemble, loss, X, t if targets is None else targets, **everything)
    decay = options.pop("weight_decay", 0.0)
    for m, (model, member) in enumerate(zip(models, ensemble.unstack(), strict=True)):
        own = slice(None) if rows is None else rows[m]
        t_m = t if targets is None else targets[m]
        settings = dict(options, validation=validation, generator=rng(9 if orders is None else orders[m]))
        if decay:
            lr, momentum = settings.pop("lr"), settings.pop("momentum", 0.0)
            settings["optimizer"] = torch.optim.SGD(model.parameters(), lr=lr, momentum=momentum, weight_decay=decay)
        alone = training.train(model, loss, X[own], t_m[own], **settings)
        for p, q in zip(member.parameters(), model.parameters(), strict=True):
            close(p, q, tolerance)
        for found, expected in zip(history, alone):
            assert (found is None) == (expected is None)
            if found is not None:
                assert found.shape == (M, options["epochs"]) and not found.requires_grad
                close(found[m], expected, tolerance)
    assert ensemble.training
    return history


@checks
@given(
    batch_size=st.sampled_from([1, 7, 10, N - 1, N, 50]),
    momentum=st.sampled_from([0.0, 0.9]),
    decay=st.sampled_from([0.0, 0.1]),
    bagged=st.sampled_from([None, 5, N]),
    orders=st.sampled_from([None, (1, 2, 3)]),
    own_targets=st.booleans(),
)
def test_each_member_is_trained_as_alone(batch_size, momentum, decay, bagged, orders, own_targets):
    X, t = data()
    compare(
        mlps(),
        functional.cross_entropy,
        X,
        t,
        targets=torch.randint(K, (M, N), generator=rng(5)) if own_targets else None,
        rows=torch.randint(N, (M, bagged), generator=rng(6)) if bagged else None,
        orders=orders,
        validation=data(3, 11),
        lr=0.1,
        epochs=2,
        batch_size=batch_size,
        momentum=momentum,
        weight_decay=decay,
    )


OPTIONS = {"lr": 0.1, "epochs": 3, "batch_size": 6}


@pytest.mark.parametrize("own_targets", [False, True])
@pytest.mark.parametrize("batch_size", [6, N])
@pytest.mark.parametrize("bagged", [False, True])
def test_squared_loss_of_several_outputs(own_targets, batch_size, bagged):
    X, t = data()
    targets = one_hot(torch.randint(K, (M, N), generator=rng(5))) if own_targets else None
    rows = training.bootstrap(N, M, rng(6))[0] if bagged else None
    validation = (X[:7], one_hot(t[:7]))
    history = compare(
        mlps(),
        functional.mse_loss,
        X,
        one_hot(t),
        targets,
        rows,
        validation=validation,
        **(OPTIONS | {"batch_size": batch_size}),
    )
    assert history.validation_accuracy is None


def test_two_classes_and_their_accuracy():
    X, t = data()
    t = (t > 0).double().unsqueeze(1)
    bce = functional.binary_cross_entropy_with_logits
    history = compare(mlps(1), bce, X, t, validation=(X, t), **OPTIONS)
    assert history.validation_accuracy.shape == (M, 3)
    assert compare(mlps(1), bce, X, 0.9 * t, validation=(X, 0.9 * t), **OPTIONS).validation_accuracy is None
    assert compare(mlps(1), functional.mse_loss, X, t, validation=(X, t), **OPTIONS).validation_accuracy is None


def test_several_yes_or_no_questions_and_their_accuracy():
    X, t = data()
    targets = (one_hot(t) + one_hot((t + 1) % K)).clamp(max=1)
    bce = functional.binary_cross_entropy_with_logits
    history = compare(mlps(), bce, X, targets, validation=(X, targets), **OPTIONS)
    models = mlps()
    training.train(models[0], bce, X, targets, generator=rng(9), **OPTIONS)
    right = ((models[0](X) >= 0) == targets).double().mean()
    close(history.validation_accuracy[0, -1], right)


def test_torchs_losses_and_models_by_vmap():
    X, t = data()
    torch.manual_seed(0)
    layers = [[torch.nn.Linear(D, 5, **F64), torch.nn.SiLU(), torch.nn.Linear(5, K, **F64)] for _ in range(M)]
    compare([torch.nn.Sequential(*three) for three in layers], F.cross_entropy, X, t, validation=(X, t), **OPTIONS)


@pytest.mark.parametrize("norm", [nn.BatchNorm1d, nn.LayerNorm])
@pytest.mark.parametrize("kind", ["plain", "residual", "highway", "dense"])
def test_networks_with_normalization(kind, norm):
    X, t = data()
    models = [nn.deep_mlp(D, 5, K, 4, kind=kind, norm=norm, generator=rng(k), **F64) for k in range(M)]
    # Under vmap the norms' gradient is autograd's, alone it is by hand: last digits differ, and training adds to that.
    compare(models, functional.cross_entropy, X, t, validation=data(3, 11), tolerance=1e-11, **OPTIONS)
    compare(models, functional.cross_entropy, X, t, orders=(1, 2, 3), momentum=0.9, tolerance=1e-11, **OPTIONS)


def test_running_statistics_are_each_members_own():
    X, t = data()
    models = [nn.deep_mlp(D, 5, K, 3, norm=nn.BatchNorm1d, generator=rng(k), **F64) for k in range(M)]
    ensemble = training.Ensemble(models)
    train_ensemble(ensemble, functional.cross_entropy, X, t, generator=rng(), **OPTIONS)
    for model, member in zip(models, ensemble.unstack(), strict=True):
        training.train(model, functional.cross_entropy, X, t, generator=rng(), **OPTIONS)
        buffers = dict(member.named_buffers())
        assert buffers["0.1.num_batches_tracked"] == 12  # three epochs of four minibatches
        for name, buffer in model.named_buffers():
            close(buffers[name], buffer)


def test_validation_with_targets_of_each_member():
    X, t = data()
    targets = torch.randint(K, (M, N), generator=rng(5))
    ensemble = training.Ensemble(mlps())
    history = train_ensemble(
        ensemble, functional.cross_entropy, X, t, generator=rng(), validation=(X, targets), **OPTIONS
    )
    with torch.no_grad():
        for m, z in enumerate(ensemble(X)):
            close(history.validation_cost[m, -1], functional.cross_entropy(z, targets[m]))
            assert history.validation_accuracy[m, -1].item() == pytest.approx(functional.accuracy(z, targets[m]))


@pytest.mark.parametrize("make", [optim.Adam, torch.optim.Adam, optim.RMSprop])
def test_an_optimizer_that_works_entry_by_entry(make):
    X, t = data()
    models = mlps()
    ensemble = training.Ensemble(models)
    options = {"epochs": 3, "batch_size": 6}
    train_ensemble(
        ensemble,
        functional.cross_entropy,
        X,
        t,
        generator=rng(),
        optimizer=make(ensemble.parameters(), lr=0.01),
        **options,
    )
    for model, member in zip(models, ensemble.unstack()):
        optimizer = make(model.parameters(), lr=0.01)
        training.train(model, functional.cross_entropy, X, t, generator=rng(), optimizer=optimizer, **options)
        for p, q in zip(member.parameters(), model.parameters()):
            close(p, q)


def test_a_full_batch_draws_nothing_and_indexes_nothing():
    X, t = data()
    seen = []

    class Watched(training.Ensemble):
        def forward(self, x, own=False):
            seen.append((x, self.training))
            return super().forward(x, own)

    generator = rng()
    before = generator.get_state()
    options = {"lr": 0.1, "epochs": 2, "batch_size": N, "validation": data(3)}
    train_ensemble(Watched(mlps()), functional.cross_entropy, X, t, generator=generator, **options)
    assert torch.equal(generator.get_state(), before)
    assert [mode for _, mode in seen] == [True, False, True, False]
    assert seen[0][0] is X and seen[2][0] is X


def test_frozen_parameters_stay():
    X, t = data()
    models = mlps()
    for model in models:
        model[0].weight.requires_grad_(False)
    ensemble = training.Ensemble(models)
    kept = [p.detach().clone() for p in ensemble.parameters()]
    train_ensemble(ensemble, functional.cross_entropy, X, t, generator=rng(), weight_decay=0.1, **OPTIONS)
    assert [torch.equal(p, q) for p, q in zip(ensemble.parameters(), kept)] == [True, False, False, False]


def test_a_layer_that_is_frozen_with_a_gradient_stays():
    X, t = data()
    ensemble = training.Ensemble(mlps())
    ensemble(X).square().sum().backward()
    ensemble.members[0].requires_grad_(False)
    kept = [p.detach().clone() for p in ensemble.parameters()]
    optimizer = torch.optim.AdamW(ensemble.parameters(), lr=0.1)
    options = {"epochs": 2, "batch_size": 6, "optimizer": optimizer}
    train_ensemble(ensemble, functional.cross_entropy, X, t, generator=rng(), **options)
    assert [torch.equal(p, q) for p, q in zip(ensemble.parameters(), kept)] == [True, True, False, False]


@pytest.mark.parametrize("where", [None, "training", "validation"])
def test_every_part_is_in_its_own_mode_afterwards(where):
    X, t = data()
    norm = lambda: torch.nn.Sequential(nn.BatchNorm1d(4, **F64), *mlps()[0], torch.nn.Dropout(0.5))  # noqa: E731
    ensemble = training.Ensemble([norm(), norm()])
    seen = []
    ensemble.register_forward_pre_hook(lambda module, inputs: seen.append([part.training for part in module.modules()]))

    def loss(z, t, reduction):
        if where == ("training" if torch.is_grad_enabled() else "validation"):
            raise KeyboardInterrupt
        return functional.cross_entropy(z, t, reduction=reduction)

    for whole in (False, True):
        ensemble.eval() if whole else ensemble.members[0].eval()
        before = [part.training for part in ensemble.modules()]
        with pytest.raises(KeyboardInterrupt) if where else contextlib.nullcontext():
            train_ensemble(ensemble, loss, X, t, generator=rng(), validation=(X, t), **OPTIONS)
        assert [part.training for part in ensemble.modules()] == before
        assert seen[0] == ([True] * len(before) if whole else before)  # dropout was on
        assert where == "training" or not any(seen[-1])
        seen.clear()


def test_old_gradients_do_not_count_and_data_stay():
    X, t = data()
    kept = X.clone(), t.clone()
    fresh, used = (training.Ensemble(mlps()) for _ in range(2))
    used(X).square().sum().backward()
    for ensemble in (fresh, used):
        train_ensemble(ensemble, functional.cross_entropy, X, t, generator=rng(), **OPTIONS)
    assert all(torch.equal(p, q) for p, q in zip(fresh.parameters(), used.parameters()))
    assert torch.equal(X, kept[0]) and torch.equal(t, kept[1])


# --- what is refused ---


def refused(message, models=None, X=None, t=None, loss=functional.cross_entropy, **options):
    ensemble = training.Ensemble(mlps() if models is None else models)
    kept = [p.detach().clone() for p in ensemble.parameters()]
    X, t = data()[0] if X is None else X, data()[1] if t is None else t
    with pytest.raises(ValueError, match=re.escape(message)):
        train_ensemble(ensemble, loss, X, t, **({"generator": rng()} | OPTIONS | options))
    return all(torch.equal(p, q) for p, q in zip(ensemble.parameters(), kept))


def test_bad_numbers():
    for value in (0, -1, 2.0, True):
        for name in ("epochs", "batch_size"):
            assert refused(f"train_ensemble: {name} is {value!r}; expected an integer of at least 1", **{name: value})
    for lr in (0, -0.1, math.nan, math.inf):
        assert refused(f"train_ensemble: lr is {lr}; expected a finite number greater than 0", lr=lr)
    for value in (-0.1, math.nan, 1.0):
        assert refused(f"train_ensemble: momentum is {value}; expected a number from 0 to below 1", momentum=value)
    for value in (-0.1, math.nan, math.inf):
        assert refused(
            f"train_ensemble: weight_decay is {value}; expected a finite number of at least 0", weight_decay=value
        )
    for count in (0, 2, 4):
        message = f"train_ensemble: there are {count} generators for 3 members; expected one, or 3"
        assert refused(message, generator=[rng() for _ in range(count)])


def test_bad_data():
    X, t = data()
    fit = "expected X (N, ...) and t (N, ...) or (3, N, ...), with N of at least 1"
    assert refused(f"train_ensemble: X has shape (20, 4) and t (19,); {fit}", t=t[:19])
    assert refused(f"train_ensemble: X has shape (20, 4) and t (2, 20); {fit}", t=t.expand(2, N))
    assert refused(f"train_ensemble: X has shape (0, 4) and t (0,); {fit}", X=X[:0], t=t[:0])
    assert refused(f"train_ensemble: X has shape () and t (); {fit}", X=X[0, 0], t=t[0])
    assert refused(f"train_ensemble: validation: X has shape (20, 4) and t (19,); {fit}", validation=(X, t[:19]))
    message = (
        "train_ensemble: X has shape (3, 4) and t (3, 3), and there are 3 members; "
        "expected another number of members than of rows"
    )
    assert refused(message, X=X[:3], t=torch.zeros(3, 3, **F64), loss=functional.mse_loss)
    broken = X.clone()
    broken[3, 1] = math.nan
    assert refused("train_ensemble: X[3, 1] is nan; expected finite numbers", X=broken)
    assert refused("train_ensemble: validation: X[3, 1] is nan; expected finite numbers", validation=(broken, t))


def test_bad_rows():
    rows = torch.zeros(M, 5, dtype=torch.int64)
    for wrong in (rows[:2], rows[0], rows[:, :0], rows.int(), rows.bool()):
        expected = "(3, n)" if wrong.shape == (2, 5) else "(M, n)"
        message = f"rows has shape {tuple(wrong.shape)}; expected {expected}"
        if wrong.shape == rows.shape:
            message = f"rows is {wrong.dtype}; expected torch.int64"
        assert refused(f"train_ensemble: {message}", rows=wrong)
    for value in (-1, N):
        rows[1, 2] = value
        assert refused(f"train_ensemble: rows[1, 2] is {value}; expected numbers from 0 to {N - 1}", rows=rows)


def test_bad_combinations():
    models = mlps()
    other = optim.SGD(models[0].parameters(), lr=0.1)
    both = "beside an optimizer; expected none of them, as it has its own"
    assert refused("train_ensemble: lr is not given; expected a learning rate lr or an optimizer", lr=None)
    assert refused(f"train_ensemble: lr is 0.1, momentum is 0.0, weight_decay is 0.0 {both}", optimizer=other)
    assert refused(f"lr is None, momentum is 0.5, weight_decay is 0.0 {both}", optimizer=other, lr=None, momentum=0.5)
    assert refused(
        f"lr is None, momentum is 0.0, weight_decay is 0.5 {both}", optimizer=other, lr=None, weight_decay=0.5
    )
    message = "train_ensemble: the optimizer has a parameter (6, 4); expected the model's"
    assert refused(message, optimizer=other, lr=None)
    message = "train_ensemble: optimizer is LBFGS, whose step needs a closure; expected one without"
    assert refused(message, optimizer=torch.optim.LBFGS(models[0].parameters()), lr=None)
    assert refused("train_ensemble: validation is a Tensor; expected a pair (X, t)", validation=data()[0])
    assert refused("train_ensemble: generator is 0; expected a torch.Generator", generator=0)
    assert refused("train_ensemble: generator[1] is 1; expected a torch.Generator", generator=[rng(), 1, 2])
    with pytest.raises(ValueError, match="^train_ensemble: ensemble is a MLP; expected a training.Ensemble"):
        train_ensemble(models[0], functional.cross_entropy, *data(), generator=rng(), **OPTIONS)
    networks = [rnn.RNN(4, 3, generator=rng(k), **F64) for k in range(3)]
    message = (
        "train_ensemble: the members give a tuple, as recurrent networks do; expected one tensor, which the loss takes"
    )
    assert refused(message, models=networks, X=torch.zeros(20, 5, 4, **F64))


def test_bad_losses():
    assert refused("expected one that takes reduction='none'", loss=lambda z, t: functional.cross_entropy(z, t))
    expected = "one entry or more for each of 6 examples of 3 members"
    message = f"train_ensemble: the loss has shape (); expected (18, ...), {expected}"
    assert refused(message, loss=lambda z, t, reduction: functional.cross_entropy(z, t))
    assert refused("cross_entropy: target[", t=data()[1] + 1)
    assert refused("train_ensemble: loss is 0.5; expected a function", loss=0.5)
    assert refused("train_ensemble: loss is <class 'torch.nn", loss=torch.nn.CrossEntropyLoss)


def test_divergence_names_the_member():
    X, t = data()
    models = mlps()
    with torch.no_grad():
        models[1][2].weight.mul_(1e200)
    # Its squared loss is infinite at once; that of the other members never is.
    lower = "expected a learning rate smaller than lr ="
    message = f"train_ensemble: in epoch 0, step 0, the loss of member 1 is inf; {lower} 0.1"
    refused(message, models=models, t=one_hot(t), loss=lambda z, t, reduction: F.mse_loss(z, t, reduction=reduction))
    refused(
        f"train_ensemble: in epoch 0, step 4, the validation loss of member 1 is inf; {lower} 1e-310",
        models=models,
        loss=lambda z, t, reduction: (z[:, 0] - 1).square() if len(z) == 3 else 0 * z[:, 0],
        lr=1e-310,
        validation=(X[:1], t[:1]),
    )
    with torch.no_grad():
        models[2][2].bias.fill_(math.nan)
    refused(f"train_ensemble: in epoch 0, step 0, the output of member 2 is not finite; {lower} 0.1", models=models)
