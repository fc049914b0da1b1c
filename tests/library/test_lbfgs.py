"""nndl_lib.optim._lbfgs against dense BFGS and against torch.optim.LBFGS, evaluation by evaluation."""

import math
import re

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nndl_lib import data, functional, nn
from nndl_lib.optim import LBFGS, two_loop

# The same examples on every run; no file of past failures.
checks = settings(derandomize=True, deadline=None, max_examples=30, database=None)
F64 = {"dtype": torch.float64}


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


def problem(make, steps, scale=1.0, **options):
    """Losses of all evaluations, and the weights, of steps of an optimizer on a small network."""
    model = nn.MLP((2, 6, 2), nn.Tanh, generator=rng(), **F64)
    X, t = data.make_moons(40, 0.1, rng(), **F64)
    losses, optimizer = [], make(model.parameters(), **options)

    def closure():
        optimizer.zero_grad()
        loss = scale * functional.cross_entropy(model(X), t)
        loss.backward()
        losses.append(loss.item())
        return loss

    returned = [optimizer.step(closure).item() for _ in range(steps)]
    return losses, returned, torch.cat([p.detach().reshape(-1) for p in model.parameters()]), optimizer


@checks
@given(n=st.integers(1, 6), m=st.integers(0, 8), seed=st.integers(0, 2**32 - 1))
def test_two_loop_is_bfgs(n, m, seed):
    A = torch.randn(n, n, generator=rng(seed), **F64)
    A = A @ A.T + torch.eye(n, **F64)  # y = A s, so that y . s > 0
    steps = list(torch.randn(m, n, generator=rng(seed + 1), **F64))
    changes, g = [A @ s for s in steps], torch.randn(n, generator=rng(seed + 2), **F64)
    identity = torch.eye(n, **F64)
    H = identity * (changes[-1] @ steps[-1]) / (changes[-1] @ changes[-1]) if m else identity
    for s, y in zip(steps, changes):
        rho = 1 / (y @ s)
        left = identity - rho * torch.outer(s, y)
        H = left @ H @ left.T + rho * torch.outer(s, s)
    torch.testing.assert_close(two_loop(g, steps, changes), -H @ g, rtol=1e-9, atol=1e-9)


OPTIONS = [
    {"lr": 0.3},
    {"lr": 0.1, "tolerance_change": 0.0, "max_iter": 25},
    {"lr": 0.2, "history_size": 3},
    {"lr": 0.3, "history_size": 1, "max_iter": 7},
    {"lr": 0.2, "max_iter": 1},
    {"lr": 0.3, "max_iter": 10, "max_eval": 4},
    {"lr": 0.3, "tolerance_grad": 1e-2},
    {"lr": 0.3, "tolerance_change": 1e-4},
    {"lr": 1e-3, "tolerance_change": 1e-3},
    {"lr": 1e-3, "tolerance_change": 1e-3, "scale": 1e6},
]


@pytest.mark.parametrize("options", OPTIONS)
def test_same_bits_as_torchs(options):
    steps = 120 if options.get("max_iter") == 1 else 20
    losses, returned, weights, ours = problem(LBFGS, steps, **options)
    expected, others, torchs, theirs = problem(torch.optim.LBFGS, steps, **options)
    assert losses == expected and returned == others and torch.equal(weights, torchs)
    assert losses[-1] < losses[0]
    (found,), (state,) = ours.state.values(), theirs.state.values()
    assert [found[key] for key in ("n_iter", "func_evals")] == [state[key] for key in ("n_iter", "func_evals")]
    assert found["func_evals"] == len(losses) and len(found["old_stps"]) <= ours.param_groups[0]["history_size"]
    # The simple form, of the last pairs: what the class then has as its direction.
    if len(found["old_stps"]):
        direction = two_loop(found["prev_flat_grad"], found["old_stps"], found["old_dirs"])
        torch.testing.assert_close(found["d"], direction, rtol=1e-12, atol=1e-12 * direction.norm().item())


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("options", [{}, {"history_size": 2}, {"max_iter": 1}])
@pytest.mark.parametrize("at", [0, 1, 5])
def test_states_exchanged_with_torch(options, dtype, at, tmp_path):
    def run(params, optimizer, steps):
        def closure():
            optimizer.zero_grad()
            loss = (params[0] ** 4).sum() + (params[1] ** 2).sum() * params[0].sum() + params[0][:2] @ params[1][0]
            loss.backward()
            return loss

        return [optimizer.step(closure).item() for _ in range(steps)]

    for make, other_make in ((LBFGS, torch.optim.LBFGS), (torch.optim.LBFGS, LBFGS)):
        params = [torch.full(shape, 2.0, dtype=dtype, requires_grad=True) for shape in ((3,), (2, 2))]
        one = make(params, **{"lr": 0.05, "max_iter": 3, **options})
        run(params, one, at)
        torch.save(one.state_dict(), tmp_path / "state.pt")
        others = [p.detach().clone().requires_grad_() for p in params]
        other = other_make(others)
        other.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
        found, expected = run(others, other, 6), run(params, one, 6)
        assert found == expected and all(map(torch.equal, params, others))


def test_hundreds_of_evaluations():
    assert len(problem(LBFGS, 20, **OPTIONS[1])[0]) >= 100


@pytest.mark.parametrize("at", [0, 1, 5])
def test_a_saved_state_goes_on_to_the_same_bits(at):
    params = [torch.full((3,), 2.0, **F64, requires_grad=True) for _ in range(2)]

    def run(w, optimizer, steps):
        def closure():
            optimizer.zero_grad()
            loss = (w**4).sum() + (w[:2] * w[1:]).sum()
            loss.backward()
            return loss

        for _ in range(steps):
            optimizer.step(closure)

    one = LBFGS(params[:1], lr=0.1, max_iter=3)
    run(params[0], one, at)
    saved = one.state_dict()
    with torch.no_grad():
        params[1].copy_(params[0])
    run(params[0], one, 5)
    other = LBFGS(params[1:])
    other.load_state_dict(saved)
    run(params[1], other, 5)
    assert torch.equal(*params)
    if at:
        third = LBFGS([torch.zeros(4, **F64, requires_grad=True)])
        with pytest.raises(
            ValueError, match=re.escape("LBFGS: ") + r"\w+ of params\[0\] has shape \(3,\); expected \(4,\)"
        ):
            third.load_state_dict(saved)


def test_a_quadratic_is_solved_and_a_minimum_left_alone():
    w = torch.tensor([3.0, -1.0], **F64, requires_grad=True)
    unused = torch.ones(2, **F64, requires_grad=True)
    optimizer, modes = LBFGS([w, unused]), []

    def closure():
        modes.append(torch.is_grad_enabled())
        optimizer.zero_grad()
        loss = (w**2 * torch.tensor([1.0, 5.0], **F64)).sum()
        loss.backward()
        return loss

    with torch.no_grad():
        optimizer.step(closure)
    assert w.abs().max() < 1e-5 and all(modes) and (unused == 1).all()
    kept, calls = w.detach().clone(), len(modes)
    optimizer.step(closure)
    assert torch.equal(w, kept) and len(modes) == calls + 1


def refused(message, function, *args, **options):
    with pytest.raises(ValueError, match=re.escape(message)):
        function(*args, **options)


def test_what_is_refused():
    w = torch.ones(2, **F64, requires_grad=True)
    for closure in (None, w, 1.0):
        refused(f"LBFGS: closure is {closure!r}; expected a function", LBFGS([w]).step, closure)
    for loss, found in ((None, "None"), ("1", "'1'"), (torch.ones(2), "shape (2,)"), (torch.ones(0), "shape (0,)")):
        message = f"LBFGS: closure returned {found}; expected the loss, a number or a 0-d tensor"
        refused(message, LBFGS([w]).step, lambda: loss)
    message = "LBFGS: no parameter has a gradient after closure(); expected it to call loss.backward()"
    refused(message, LBFGS([w]).step, lambda: w.sum())
    for name in ("max_iter", "max_eval", "history_size"):
        for value in (0, 2.0, True):
            refused(f"LBFGS: {name} is {value!r}; expected an integer of at least 1", LBFGS, [w], **{name: value})
    for name in ("tolerance_grad", "tolerance_change"):
        for value in (-1.0, math.nan):
            refused(f"LBFGS: {name} is {value}; expected a finite number of at least 0", LBFGS, [w], **{name: value})
    refused("LBFGS: the learning rate lr is -1; expected a finite number of at least 0", LBFGS, [w], lr=-1)
    refused("LBFGS: line_search_fn is 'strong_wolfe'; expected None", LBFGS, [w], line_search_fn="strong_wolfe")
    groups = [{"params": w}, {"params": torch.ones(2)}]
    refused("LBFGS: params are two groups or more; expected one, as all weights take the same step", LBFGS, groups)
    refused("LBFGS: params is empty", LBFGS, [])
    optimizer = LBFGS([w])
    optimizer.param_groups[0]["lr"] = math.nan
    refused("LBFGS: the learning rate lr is nan; expected", optimizer.step, lambda: w.sum())
    message = (
        "two_loop: g has shape (2,), steps [(2,)] and changes []; expected g (n,) and as many steps (n,) as changes"
    )
    refused(message, two_loop, w, [w], [])
    refused("two_loop: g has shape (2,), steps [(2,)] and changes [(3,)]", two_loop, w, [w], [torch.ones(3)])
    refused("two_loop: g has shape (1, 2)", two_loop, w[None], [], [])


def test_a_loss_that_is_not_finite():
    for value in (math.nan, math.inf):
        w = torch.ones(2, **F64, requires_grad=True)
        optimizer, kept = LBFGS([w], lr=0.5), w.detach().clone()
        message = f"LBFGS: the loss is {value}; expected a finite number: try a smaller lr than 0.5"
        refused(message, optimizer.step, lambda: value * w.sum())
        assert torch.equal(w, kept)
    w = torch.ones(1, **F64, requires_grad=True)
    optimizer, calls = LBFGS([w], lr=1), []

    def closure():
        calls.append(1)
        w.grad = torch.ones_like(w)
        return w.sum() if len(calls) == 1 else w.sum() * math.nan

    refused("LBFGS: the loss is nan", optimizer.step, closure)
    assert len(calls) == 2


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_gradient_that_is_not_finite_leaves_the_weights_alone(value):
    w = torch.ones(2, **F64, requires_grad=True)

    def closure():
        w.grad = torch.tensor([1.0, -value], **F64)
        return 1.0

    refused(f"LBFGS: the largest gradient is {value}; expected a finite number", LBFGS([w]).step, closure)
    assert (w == 1).all()


def test_a_closure_may_return_a_float():
    w, other = (torch.tensor([3.0, -1.0], **F64, requires_grad=True) for _ in range(2))
    ours, theirs = LBFGS([w], lr=0.3), torch.optim.LBFGS([other], lr=0.3)

    def closure(x):
        x.grad = 4 * x.detach() ** 3
        return (x.detach() ** 4).sum().item()

    for _ in range(3):
        assert ours.step(lambda: closure(w)) == theirs.step(lambda: closure(other))
        assert torch.equal(w, other)


def test_a_sparse_gradient():
    w = torch.ones(2, 2, **F64, requires_grad=True)

    def closure():
        w.grad = torch.ones(2, 2, **F64).to_sparse()
        return 1.0

    refused("LBFGS: a gradient (2, 2) is sparse; expected a dense one", LBFGS([w]).step, closure)
