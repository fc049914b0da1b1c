"""nndl_lib.training against torch.optim.SGD, step for step, and what it records."""

import math
import re

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from nndl_lib import data, functional, nn, optim, training

# The same examples on every run; no file of past failures.
checks = settings(derandomize=True, deadline=None, max_examples=20, database=None)
seeds = st.integers(0, 2**32 - 1)
F64 = {"dtype": torch.float64}


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


def close(found, expected):
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)


def moons(N=40, seed=0):
    return data.make_moons(N, 0.1, rng(seed), **F64)


def model_of(sizes=(2, 5, 2), seed=0):
    return nn.MLP(sizes, nn.Tanh, generator=rng(seed), **F64)


OPTIONS = {"lr": 0.1, "epochs": 3, "batch_size": 8}


# --- minibatches ---


@checks
@given(N=st.integers(1, 40), batch_size=st.integers(1, 50), seed=seeds)
def test_every_example_once_an_epoch(N, batch_size, seed):
    batches = list(training.minibatches(N, batch_size, rng(seed)))
    assert all(rows.dtype == torch.int64 and rows.ndim == 1 for rows in batches)
    assert sorted(torch.cat(batches).tolist()) == list(range(N))
    assert [len(rows) for rows in batches[:-1]] == [batch_size] * (len(batches) - 1)
    assert 1 <= len(batches[-1]) <= batch_size
    again = torch.cat(list(training.minibatches(N, batch_size, rng(seed))))
    assert torch.equal(torch.cat(batches), again)


def test_epochs_differ_in_their_order():
    generator = rng()
    before = torch.get_rng_state()
    first, second = (torch.cat(list(training.minibatches(30, 7, generator))) for _ in range(2))
    assert not torch.equal(first, second)
    assert not torch.equal(first, torch.arange(30))
    assert torch.equal(torch.get_rng_state(), before)  # nothing is drawn from the global generator


def test_every_order_is_as_likely():
    generator = rng()
    firsts = [next(training.minibatches(4, 1, generator)).item() for _ in range(2000)]
    assert all(firsts.count(k) == pytest.approx(500, abs=100) for k in range(4))


@pytest.mark.parametrize("value", [0, -1, 2.0, True, "3"])
def test_minibatches_bad_numbers(value):
    expected = re.escape(f"is {value!r}; expected an integer of at least 1")
    with pytest.raises(ValueError, match="minibatches: N " + expected):
        training.minibatches(value, 3, rng())
    with pytest.raises(ValueError, match="minibatches: batch_size " + expected):
        training.minibatches(3, value, rng())


# --- the steps ---


@checks
@given(
    batch_size=st.sampled_from([1, 7, 40, 100]),
    momentum=st.sampled_from([0.0, 0.5, 0.9]),
    lr=st.floats(0.001, 0.05),
    seed=seeds,
)
def test_train_equals_torchs_sgd(batch_size, momentum, lr, seed):
    X, t = moons(seed=seed)
    model, oracle = model_of(seed=seed), model_of(seed=seed)
    options = {"lr": lr, "epochs": 3, "batch_size": batch_size, "momentum": momentum, "validation": moons(20, seed + 1)}
    history = training.train(model, functional.cross_entropy, X, t, generator=rng(seed), **options)

    optimizer = torch.optim.SGD(oracle.parameters(), lr=lr, momentum=momentum)
    generator, (X_val, t_val) = rng(seed), options["validation"]
    for epoch in range(3):
        total = 0.0
        for rows in torch.randperm(len(X), generator=generator).split(batch_size):
            optimizer.zero_grad()
            loss = F.cross_entropy(oracle(X[rows]), t[rows])
            loss.backward()
            optimizer.step()
            total += loss.item() * len(rows)
        assert history.cost[epoch].item() == pytest.approx(total / len(X), rel=1e-12)
        with torch.no_grad():
            expected = F.cross_entropy(oracle(X_val), t_val)
            right = (oracle(X_val).argmax(1) == t_val).double().mean()
        close(history.validation_cost[epoch], expected)
        close(history.validation_accuracy[epoch], right)
    for one, other in zip(model.parameters(), oracle.parameters(), strict=True):
        close(one.detach(), other.detach())


def test_history_shapes():
    X, t = moons()
    history = training.train(model_of(), functional.cross_entropy, X, t, generator=rng(), **OPTIONS)
    assert history.cost.shape == (3,) and history.cost.dtype == torch.float64 and not history.cost.requires_grad
    assert history.validation_cost is None and history.validation_accuracy is None
    history = training.train(
        model_of(), functional.cross_entropy, X, t, generator=rng(), validation=moons(10), **OPTIONS
    )
    for values in history:
        assert values.shape == (3,) and values.dtype == torch.float64 and not values.requires_grad


def test_cost_of_one_full_batch_is_the_cost_before_its_step():
    X, t = moons()
    model = model_of()
    before = functional.cross_entropy(model(X), t).detach()
    history = training.train(model, functional.cross_entropy, X, t, lr=0.1, epochs=1, batch_size=40, generator=rng())
    close(history.cost[0], before)


def test_training_separates_the_moons():
    X, t = moons(200)
    model = model_of((2, 16, 2))
    history = training.train(
        model, functional.cross_entropy, X, t, lr=0.5, epochs=60, batch_size=20, generator=rng(), momentum=0.9
    )
    assert history.cost[-1] < 0.05 * history.cost[0]
    assert functional.accuracy(model(X), t) > 0.98


def test_binary_targets_give_an_accuracy_with_their_loss_alone():
    X, t = moons()
    t = t.double().unsqueeze(1)
    bce = functional.binary_cross_entropy_with_logits
    for loss, targets, measured in (
        (bce, t, True),
        (functional.mse_loss, t, False),
        (bce, 0.9 * t, False),
        (lambda z, t: bce(z, t), t, False),
        (lambda z, t: bce(z, t.double()), t.long(), True),
    ):
        model = model_of((2, 5, 1))
        history = training.train(model, loss, X, targets, generator=rng(), validation=(X, targets), **OPTIONS)
        assert history.validation_cost.shape == (3,)
        assert (history.validation_accuracy is not None) == measured
        if measured:
            assert history.validation_accuracy[-1].item() == functional.accuracy(model(X), targets)


def test_targets_that_are_no_answers_to_the_outputs_have_no_accuracy():
    X, t = moons()
    counts = torch.arange(len(X)).unsqueeze(1)  # integers, of which each output is an estimate

    def squared(z, t):
        return functional.mse_loss(z, t.double())

    history = training.train(
        model_of((2, 5, 1)), squared, X, counts, generator=rng(), validation=(X, counts), **(OPTIONS | {"lr": 1e-4})
    )
    assert history.validation_cost.shape == (3,) and history.validation_accuracy is None


def test_frozen_parameters_stay():
    X, t = moons()
    model = model_of()
    model[0].weight.requires_grad_(False)
    kept = [p.detach().clone() for p in model.parameters()]
    training.train(model, functional.cross_entropy, X, t, generator=rng(), **OPTIONS)
    assert [torch.equal(p, before) for p, before in zip(model.parameters(), kept)] == [True, False, False, False]


def test_parameters_that_are_not_used_stay():
    X, t = moons()
    model = model_of()
    model.spare = nn.Linear(2, 2, **F64)
    model.forward = lambda x: model[2](model[1](model[0](x)))
    before = model.spare.weight.detach().clone()
    training.train(model, functional.cross_entropy, X, t, generator=rng(), **OPTIONS)
    assert torch.equal(model.spare.weight, before)


def test_old_gradients_do_not_count():
    X, t = moons()
    fresh, used = model_of(), model_of()
    functional.cross_entropy(used(X), t).backward()
    for model in (fresh, used):
        training.train(model, functional.cross_entropy, X, t, generator=rng(), **OPTIONS)
    for one, other in zip(fresh.parameters(), used.parameters()):
        assert torch.equal(one, other)


class Recorder(torch.nn.Module):
    """A linear model that notes in which mode it was called, and whether a gradient was wanted."""

    def __init__(self):
        super().__init__()
        self.layer, self.calls = nn.Linear(2, 2, generator=rng(), **F64), []

    def forward(self, x):
        self.calls.append((len(x), self.training, torch.is_grad_enabled()))
        return self.layer(x)


def test_modes_of_training_and_validation():
    X, t = moons()
    model = Recorder().eval()
    training.train(
        model, functional.cross_entropy, X, t, lr=0.1, epochs=2, batch_size=20, generator=rng(), validation=moons(10)
    )
    assert model.calls == 2 * [(20, True, True), (20, True, True), (10, False, False)]
    assert not any(part.training for part in model.modules())  # as it came
    for part in (model, model.layer):
        part.train()
    model.layer.eval()  # a part that the reader has frozen stays so
    for validation in (None, moons(10)):
        training.train(model, functional.cross_entropy, X, t, generator=rng(), validation=validation, **OPTIONS)
        assert model.training and not model.layer.training


@pytest.mark.parametrize("where", ["training", "validation"])
def test_modes_after_an_error(where):
    X, t = moons()
    model = torch.nn.Sequential(model_of(), torch.nn.BatchNorm1d(2, **F64), nn.Dropout(0.5))
    model[1].eval()

    def loss(z, t):
        if torch.is_grad_enabled() == (where == "training"):
            raise KeyboardInterrupt
        return functional.cross_entropy(z, t)

    for whole in (False, True):
        if whole:
            model.eval()
        before = [part.training for part in model.modules()]
        with pytest.raises(KeyboardInterrupt):
            training.train(model, loss, X, t, generator=rng(), validation=(X, t), **OPTIONS)
        assert [part.training for part in model.modules()] == before


def test_normalization_that_the_reader_stopped_keeps_its_statistics():
    X, t = moons()
    model = torch.nn.Sequential(torch.nn.BatchNorm1d(2, **F64), model_of(), nn.Dropout(0.5, generator=rng()))
    model[0].eval()
    training.train(model, functional.cross_entropy, X, t, generator=rng(), **OPTIONS)
    assert torch.equal(model[0].running_mean, torch.zeros(2, **F64)) and model[0].num_batches_tracked == 0
    drawn = model[2].generator.get_state()
    assert not torch.equal(drawn, rng().get_state())  # dropout was on all the same


@pytest.mark.parametrize("make", [None, torch.optim.SGD, torch.optim.AdamW, optim.SGD, optim.Adam])
@pytest.mark.parametrize("at", ["before", "within"])
def test_a_frozen_layer_does_not_move(make, at):
    # It was frozen after a backward pass: a gradient of before is still there.
    X, t = moons()
    model = model_of()
    functional.cross_entropy(model(X), t).backward()
    kept = []

    def freeze():
        model[0].requires_grad_(False)
        kept.extend(p.detach().clone() for p in model[0].parameters())

    def transform(x):
        transform.calls += 1
        if transform.calls == 7:  # in the second epoch
            freeze()
        return x

    transform.calls = 0
    if at == "before":
        freeze()
    options = {"epochs": 3, "batch_size": 8, "transform": transform if at == "within" else None}
    options |= (
        {"lr": 0.1, "momentum": 0.9}
        if make is None
        else {"optimizer": make(model.parameters(), lr=0.1, weight_decay=0.1)}
    )
    before = model[2].weight.detach().clone()
    training.train(model, functional.cross_entropy, X, t, generator=rng(), **options)
    assert all(torch.equal(p, q) for p, q in zip(model[0].parameters(), kept, strict=True))
    assert not torch.equal(model[2].weight, before)


def test_data_are_not_changed():
    X, t = moons()
    kept = X.clone(), t.clone()
    training.train(model_of(), functional.cross_entropy, X, t, generator=rng(), validation=(X, t), **OPTIONS)
    assert torch.equal(X, kept[0]) and torch.equal(t, kept[1])


# --- an optimizer, a transformation, early stopping ---


def same_weights(one, other):
    return all(torch.equal(p, q) for p, q in zip(one.parameters(), other.parameters(), strict=True))


@pytest.mark.parametrize("make", [torch.optim.SGD, optim.SGD])
def test_an_optimizer_takes_the_steps(make):
    X, t = moons()
    model, other = model_of(), model_of()
    optimizer = make(other.parameters(), lr=0.1, momentum=0.9)
    one = training.train(model, functional.cross_entropy, X, t, generator=rng(), momentum=0.9, **OPTIONS)
    two = training.train(
        other, functional.cross_entropy, X, t, generator=rng(), epochs=3, batch_size=8, optimizer=optimizer
    )
    close(one.cost, two.cost)
    for p, q in zip(model.parameters(), other.parameters()):
        close(p, q)


def test_an_optimizer_keeps_its_state_between_calls():
    X, t = moons()
    once, twice = model_of(), model_of()
    optimizer, generator = optim.Adam(twice.parameters(), lr=0.01), rng()
    options = {"batch_size": 8, "optimizer": optimizer, "generator": generator}
    for epochs in (1, 2):
        training.train(twice, functional.cross_entropy, X, t, epochs=epochs, **options)
    options |= {"optimizer": optim.Adam(once.parameters(), lr=0.01), "generator": rng()}
    training.train(once, functional.cross_entropy, X, t, epochs=3, **options)
    assert same_weights(once, twice)


def test_an_optimizer_of_a_part_trains_that_part():
    X, t = moons()
    model = model_of()
    kept = [p.detach().clone() for p in model.parameters()]
    options = {"epochs": 2, "batch_size": 8, "optimizer": optim.SGD(model[2].parameters(), lr=0.1)}
    training.train(model, functional.cross_entropy, X, t, generator=rng(), **options)
    assert [torch.equal(p, before) for p, before in zip(model.parameters(), kept)] == [True, True, False, False]


def test_the_transformation_is_for_training_alone():
    X, t = moons()
    seen = []

    def transform(x):
        seen.append(x.clone())
        return -x

    model, other = model_of(), model_of()
    one = training.train(
        model, functional.cross_entropy, X, t, generator=rng(), validation=(X, t), transform=transform, **OPTIONS
    )
    two = training.train(other, functional.cross_entropy, -X, t, generator=rng(), validation=(X, t), **OPTIONS)
    assert same_weights(model, other) and all(torch.equal(a, b) for a, b in zip(one, two))
    assert [len(x) for x in seen] == 3 * [8] * 5
    generator = rng()
    for epoch in range(3):
        order = torch.cat(list(training.minibatches(40, 8, generator)))
        assert torch.equal(torch.cat(seen[5 * epoch : 5 * epoch + 5]), X[order])


def test_early_stopping_ends_and_restores():
    X, t = moons(30)
    validation = moons(200, 1)
    model, oracle = model_of((2, 30, 2)), model_of((2, 30, 2))
    options = {"lr": 2.0, "batch_size": 5, "momentum": 0.9}
    stopping = training.EarlyStopping(patience=4)
    history = training.train(
        model,
        functional.cross_entropy,
        X,
        t,
        generator=rng(),
        epochs=300,
        validation=validation,
        early_stopping=stopping,
        **options,
    )
    epochs = len(history.cost)
    assert 4 < epochs < 300 and epochs == stopping.epoch == stopping.best_epoch + 5
    assert all(len(values) == epochs for values in history)
    assert stopping.best == history.validation_cost.min().item() == history.validation_cost[stopping.best_epoch].item()
    training.train(
        oracle,
        functional.cross_entropy,
        X,
        t,
        generator=rng(),
        epochs=stopping.best_epoch + 1,
        validation=validation,
        **options,
    )
    assert same_weights(model, oracle) and model.training


def test_early_stopping_restores_at_the_last_epoch_too():
    X, t = moons(30)
    model = model_of((2, 30, 2))
    stopping = training.EarlyStopping(patience=100)
    history = training.train(
        model,
        functional.cross_entropy,
        X,
        t,
        lr=2.0,
        momentum=0.9,
        batch_size=5,
        generator=rng(),
        epochs=12,
        validation=moons(200, 1),
        early_stopping=stopping,
    )
    assert len(history.cost) == 12 and stopping.best_epoch < 11
    with torch.no_grad():
        X_val, t_val = moons(200, 1)
        close(functional.cross_entropy(model(X_val), t_val), history.validation_cost.min())


def test_divergence_names_the_optimizers_learning_rate():
    X, t = moons()
    model = nn.Linear(2, 2, generator=rng(), **F64)
    for validation in (None, (1e10 * X, t)):
        optimizer = optim.SGD(model.parameters(), lr=1e308)
        with pytest.raises(ValueError, match=r"expected a learning rate smaller than lr = 1e\+308"):
            training.train(
                model,
                functional.cross_entropy,
                1e10 * X,
                t,
                epochs=2,
                batch_size=40,
                generator=rng(),
                optimizer=optimizer,
                validation=validation,
            )


# --- what is refused ---


@pytest.mark.parametrize("own", [True, False])
def test_divergence_names_epoch_step_and_learning_rate(own):
    # The weight is multiplied by 1 - 2 * lr * x**2 = -1e40 a step: the squared error overflows in the fifth.
    X, t = torch.full((4, 1), 1e20, **F64), torch.zeros(4, 1, **F64)
    loss = functional.mse_loss if own else F.mse_loss
    model = nn.Linear(1, 1, bias=False, **F64)
    with torch.no_grad():
        model.weight.fill_(1e-20)
    costs, w = [], 1e-20
    while math.isfinite(costs[-1] if costs else 0):
        costs.append((1e20 * w) * (1e20 * w) if abs(w) < 1e130 else math.inf)
        w *= 1 - 2 * 0.5 * 1e40
    epoch, step = divmod(len(costs) - 1, 2)
    with pytest.raises(
        ValueError, match=f"train: in epoch {epoch}, step {step}, .*; expected a learning rate smaller than lr = 0.5"
    ):
        training.train(model, loss, X, t, lr=0.5, epochs=50, batch_size=2, generator=rng())


def test_divergence_where_the_loss_refuses_the_output():
    X, t = moons()
    with pytest.raises(
        ValueError, match=r"train: in epoch 0, step 1, the model's output is not finite; .* lr = 1e\+308"
    ) as raised:
        training.train(
            nn.Linear(2, 2, generator=rng(), **F64),
            functional.cross_entropy,
            1e10 * X,
            t,
            lr=1e308,
            epochs=2,
            batch_size=20,
            generator=rng(),
        )
    assert "cross_entropy" in str(raised.value.__cause__)


def test_divergence_of_the_validation_is_an_error_too():
    X, t = moons()
    model = nn.Linear(2, 2, generator=rng(), **F64)
    with pytest.raises(ValueError, match="train: in epoch 0, .*lr = 1e"):
        training.train(
            model,
            functional.cross_entropy,
            1e10 * X,
            t,
            lr=1e308,
            epochs=1,
            batch_size=40,
            generator=rng(),
            validation=(1e10 * X, t),
        )


def test_other_errors_of_the_loss_stay_as_they_are():
    X, t = moons()
    with pytest.raises(ValueError, match=r"^cross_entropy: target\["):
        training.train(model_of(), functional.cross_entropy, X, t + 1, generator=rng(), **OPTIONS)


def refused(message, X=None, t=None, loss=functional.cross_entropy, **options):
    data = moons()
    X, t = data[0] if X is None else X, data[1] if t is None else t
    model = model_of()
    kept = [p.detach().clone() for p in model.parameters()]
    with pytest.raises(ValueError, match=re.escape(message)):
        training.train(model, loss, X, t, generator=rng(), **(OPTIONS | options))
    assert all(torch.equal(p, before) for p, before in zip(model.parameters(), kept))


@pytest.mark.parametrize("value", [0, -1, 2.0, True])
def test_bad_counts(value):
    for name in ("epochs", "batch_size"):
        refused(f"train: {name} is {value!r}; expected an integer of at least 1", **{name: value})


@pytest.mark.parametrize("lr", [0, -0.1, math.nan, math.inf, "0.1"])
def test_bad_learning_rate(lr):
    refused(f"train: lr is {lr!r}; expected a finite number greater than 0", lr=lr)


@pytest.mark.parametrize("momentum", [-0.1, 1.0, math.nan])
def test_bad_momentum(momentum):
    refused(f"train: momentum is {momentum}; expected a number from 0 to below 1", momentum=momentum)


def test_bad_data():
    X, t = moons()
    rows = "expected X (N, ...) and t (N, ...), with N of at least 1"
    refused(f"train: X has shape (40, 2) and t (39,); {rows}", t=t[:39])
    refused(f"train: X has shape (0, 2) and t (0,); {rows}", X=X[:0], t=t[:0])
    refused(f"train: X has shape () and t (); {rows}", X=X[0, 0], t=t[0])
    refused(f"train: validation: X has shape (40, 2) and t (39,); {rows}", validation=(X, t[:39]))
    refused("train: X is a list; expected a tensor, e.g. torch.tensor(X)", X=X.tolist())
    refused("train: validation: t is a NoneType; expected a tensor", validation=(X, None))
    refused("train: validation is a Tensor; expected a pair (X, t)", validation=X)
    refused("train: transform gave a NoneType; expected a tensor", transform=lambda x: None)
    refused("train: transform gave (7, 2) for 8 rows; expected as many rows", transform=lambda x: x[1:])
    refused("train: transform gave () for 8 rows; expected as many rows", transform=lambda x: x.sum())
    X[3, 1] = math.nan
    refused("train: X[3, 1] is nan; expected finite numbers", X=X)
    refused("train: validation: X[3, 1] is nan; expected finite numbers", validation=(X, t))


def test_loss_that_is_no_number():
    def loss(z, t):
        return functional.cross_entropy(z, t, reduction="none")

    refused("train: the loss has shape (8,); expected a 0-d tensor, the minibatch's average", loss=loss)
    for value, kind in ((None, "NoneType"), (0.5, "float")):
        refused(f"train: the loss is a {kind}; expected a 0-d tensor", loss=lambda z, t: value)
    refused("train: the loss has no gradient; expected one computed from", loss=lambda z, t: torch.tensor(0.5))


def test_bad_combinations():
    model = model_of()
    optimizer, stopping = optim.SGD(model.parameters(), lr=0.1), training.EarlyStopping(1)
    both = "beside an optimizer; expected none of them, as it has its own"
    refused("train: lr is not given; expected a learning rate lr or an optimizer", lr=None)
    refused(f"train: lr is 0.1, momentum is 0.0 {both}", optimizer=optimizer)
    refused(f"train: lr is None, momentum is 0.9 {both}", optimizer=optimizer, lr=None, momentum=0.9)
    refused("train: the optimizer has a parameter (5, 2); expected the model's", optimizer=optimizer, lr=None)
    refused("SGD'>; expected one of torch.optim or nndl_lib.optim", optimizer=optim.SGD, lr=None)
    refused(
        "train: early_stopping without validation; expected validation=(X, t), whose cost it compares",
        early_stopping=stopping,
    )
    frozen = model_of().requires_grad_(False)
    with pytest.raises(
        ValueError, match="train: all parameters of the optimizer are frozen; expected one that requires"
    ):
        training.train(
            frozen,
            functional.cross_entropy,
            *moons(),
            epochs=1,
            batch_size=8,
            generator=rng(),
            optimizer=optim.SGD(frozen.parameters(), lr=0.1),
        )
    for make in (torch.optim.LBFGS, optim.LBFGS):
        with pytest.raises(
            ValueError, match="train: optimizer is LBFGS, whose step needs a closure; expected one without"
        ):
            training.train(
                model,
                functional.cross_entropy,
                *moons(),
                epochs=1,
                batch_size=8,
                generator=rng(),
                optimizer=make(model.parameters()),
            )
    X, t = moons()
    stopping.step(1.0, model)
    refused(
        "train: early_stopping has seen 1 values already; expected a new one",
        early_stopping=stopping,
        validation=(X, t),
    )
    refused("train: early_stopping is 3; expected a training.EarlyStopping", early_stopping=3, validation=(X, t))


def test_other_kinds_of_arguments():
    refused("train: loss is 0.5; expected a function", loss=0.5)
    refused(
        "train: loss is <class 'torch.nn.modules.loss.CrossEntropyLoss'>; expected a function",
        loss=torch.nn.CrossEntropyLoss,
    )
    refused("train: transform is 2.0; expected a function", transform=2.0)
    refused("train: lr is not given", lr=None)
    refused("train: lr is True; expected a finite number greater than 0", lr=True)
    refused("train: momentum is '0.9'; expected a number from 0 to below 1", momentum="0.9")
    for generator in (0, None, "0"):
        with pytest.raises(ValueError, match=f"train: generator is {generator!r}; expected a torch.Generator"):
            training.train(model_of(), functional.cross_entropy, *moons(), generator=generator, **OPTIONS)
    with pytest.raises(ValueError, match="train: model is <function .*>; expected a torch.nn.Module"):
        training.train(lambda x: x, functional.cross_entropy, *moons(), generator=rng(), **OPTIONS)
    X, t = moons()
    one, other = model_of(), model_of()
    training.train(one, functional.cross_entropy, X, t, generator=rng(), **OPTIONS)
    numbers = {"lr": np.float32(0.1), "epochs": np.int64(3), "batch_size": np.uint8(8)}
    training.train(other, functional.cross_entropy, X, t, generator=rng(), **(numbers | {"lr": 0.1}))
    assert same_weights(one, other)
    training.train(other, functional.cross_entropy, X, t, generator=rng(), **numbers)
