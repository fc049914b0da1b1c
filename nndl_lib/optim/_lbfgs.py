"""L-BFGS: steps along an approximate Newton direction, kept as the last few differences of weights and of gradients.

Derived in chapter 06, "Optimization". ``two_loop`` is the direction as it is taught; ``LBFGS`` is the optimizer, with
the names, defaults and decisions of ``torch.optim.LBFGS``. n is the number of weights in all parameters together.
"""

import math
from collections.abc import Callable, Iterable
from numbers import Real
from typing import Any

import torch
from torch import Tensor

from nndl_lib._arguments import check_function, check_list, check_tensors
from nndl_lib._declared import checked, count
from nndl_lib.optim._base import Optimizer


def _tensors(value: Iterable[Tensor], name: str, caller: str) -> list[Tensor]:
    tensors = check_list(value, name, caller, "a list of tensors")
    check_tensors(caller, **{f"{name}[{k}]": x for k, x in enumerate(tensors)})
    return tensors


@checked(g="n", steps=_tensors, changes=_tensors)
def two_loop(g: Tensor, steps: list[Tensor], changes: list[Tensor]) -> Tensor:
    """The direction ``-H g`` (n,), where H is the inverse Hessian that BFGS makes of the last m steps.

    ``steps`` are s_i, the differences of the weights, and ``changes`` are y_i, those of the gradient, each (n,), the
    oldest first; every ``y_i . s_i`` is above 0. H starts as ``(s . y) / (y . y)`` of the last pair times the identity,
    and for each pair becomes ``(I - rho s y') H (I - rho y s') + rho s s'`` with ``rho = 1 / (y . s)``. The two loops
    multiply that out from right to left: 4 m n multiplications, and no matrix. Without pairs, it is ``-g``.

    Source: Liu & Nocedal (1989), https://doi.org/10.1007/BF01589116; Nocedal (1980), from whom the loops are.

    Raises:
        ValueError: there are not as many changes as steps, or one of them is not of the shape of g, (n,).
    """
    _check_pairs(g, steps, changes)
    newest = (changes[-1] @ steps[-1]) / (changes[-1] @ changes[-1]) if steps else 1
    return _two_loop(g, steps, changes, [1 / (y @ s) for s, y in zip(steps, changes)], newest)


def _two_loop(
    g: Tensor, steps: list[Tensor], changes: list[Tensor], rho: list[Tensor], scale: Tensor | float
) -> Tensor:
    # H starts as scale times the identity. addcmul rounds q - a y once, as torch.optim.LBFGS does: the same bits.
    q, coefficients = -g, []
    for s, y, r in zip(reversed(steps), reversed(changes), reversed(rho)):  # the newest first
        a = (s @ q) * r
        q = torch.addcmul(q, a, y, value=-1)
        coefficients.append(a)
    q = q * scale
    for s, y, r, a in zip(steps, changes, rho, reversed(coefficients)):  # the oldest first
        q = torch.addcmul(q, a - (y @ q) * r, s)
    return q


class LBFGS(Optimizer):
    """L-BFGS on all parameters as one vector. ``step`` takes a closure and makes up to max_iter iterations.

    Convention: lr multiplies the direction, 1 being the Newton step; the first step, along -g, is shortened to
    ``min(1, 1 / sum |g|)`` of that. Pairs with ``y . s`` of at most 1e-10 are left out, whatever the scale of the cost.
    There is one group, and no line search unless asked for; without one, a cost that is not nearly quadratic may grow.

    Source: as ``two_loop``; decisions and tolerances as ``torch.optim.LBFGS``.
    """

    _torchs: dict[str, bool | None] = {}

    @checked(max_iter=count())
    def __init__(
        self,
        params: Iterable,
        lr: float = 1,
        max_iter: int = 20,
        max_eval: int | None = None,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
        history_size: int = 100,
        line_search_fn: str | None = None,
    ):
        """Take parameters and settings.

        Args:
            max_iter: iterations in one step, at most.
            max_eval: calls of the closure in one step, after which no iteration starts; 5/4 of max_iter.
            tolerance_grad: stop where no entry of the gradient is larger.
            tolerance_change: stop where no weight, or the cost, changed more.
            history_size: how many pairs are kept.
            line_search_fn: None: steps of length lr.

        Raises:
            ValueError: as the other optimizers, or a setting is outside its range, or there is more than one group.
        """
        max_eval = max_iter * 5 // 4 if max_eval is None else max_eval
        settings = {"lr": lr, "max_iter": max_iter, "max_eval": max_eval, "history_size": history_size}
        settings |= {"tolerance_grad": tolerance_grad, "tolerance_change": tolerance_change}
        super().__init__(params, {**settings, "line_search_fn": line_search_fn})

    def add_param_group(self, group: dict[str, Any]) -> None:
        """Add the one group. Raises ValueError where there is one already."""
        if self.param_groups:
            raise ValueError("LBFGS: params are two groups or more; expected one, as all weights take the same step")
        super().add_param_group(group)

    @torch.no_grad()
    def step(self, closure: Callable[[], Tensor]) -> Tensor:  # type: ignore[override] # as torch's, it needs one
        """Make up to max_iter iterations; return the loss from before them, as the closure's first call gave it.

        The closure sets the gradients to zero, computes the loss and its gradient, and returns the loss, 0-d. Each
        iteration waits for the device: its decisions are made of numbers.

        Raises:
            ValueError: there is no function, it gave no number or no gradient, a setting is outside its range, or the
                loss or a gradient became NaN or infinite.
        """
        check_function(closure, "closure", "LBFGS")
        (group,) = self.param_groups
        self._check(group)
        params, state = group["params"], self.state.setdefault(group["params"][0], {"n_iter": 0, "func_evals": 0})
        evaluate = torch.enable_grad()(closure)
        first = evaluate()
        loss, g, largest = self._measured(first)
        calls = 1
        state["func_evals"] += 1
        if largest <= group["tolerance_grad"]:
            return first
        for k in range(1, group["max_iter"] + 1):
            d = _direction(g, state, group["history_size"])
            t = float(min(1.0, 1.0 / g.abs().sum()) * group["lr"]) if state["n_iter"] == 0 else group["lr"]
            state["n_iter"] += 1
            previous, slope = loss, g @ d
            state["prev_flat_grad"], state["prev_loss"], state["d"], state["t"] = g, loss, d, t
            if slope > -group["tolerance_change"]:
                break
            _move(params, d, t)
            if k == group["max_iter"]:
                break  # the next step begins with a call of the closure, at these weights
            loss, g, largest = self._measured(evaluate())
            calls += 1
            state["func_evals"] += 1
            if (
                calls >= group["max_eval"]
                or largest <= group["tolerance_grad"]
                or (d * t).abs().max() <= group["tolerance_change"]
                or abs(loss - previous) < group["tolerance_change"]
            ):
                break
        return first

    def _measured(self, loss: Tensor | float) -> tuple[float, Tensor, float]:
        # What the closure has left: the loss as a number, the gradient (n,), and its largest entry.
        (group,) = self.param_groups
        if not isinstance(loss, Real) and not (isinstance(loss, Tensor) and loss.numel() == 1):
            found = f"shape {tuple(loss.shape)}" if isinstance(loss, Tensor) else repr(loss)
            raise ValueError(f"LBFGS: closure returned {found}; expected the loss, a number or a 0-d tensor")
        value = _finite(float(loss), "the loss", group)
        if all(p.grad is None for p in group["params"]):
            raise ValueError("LBFGS: no parameter has a gradient after closure(); expected it to call loss.backward()")
        self._check_all()
        g = _flat_gradient(group["params"])
        largest = _finite(g.abs().max().item(), "the largest gradient", group)
        return value, g, largest

    def _names(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        sometimes = "d", "t", "old_dirs", "old_stps", "ro", "H_diag", "prev_flat_grad", "prev_loss", "al"
        return ("n_iter", "func_evals"), sometimes

    def _shapes(self, state, p):
        n = sum(p.numel() for p in self.param_groups[0]["params"])
        names = [name for name in ("d", "prev_flat_grad", "n_iter", "func_evals", "t", "prev_loss") if name in state]
        shapes = [(name, state[name], (n,) if name in ("d", "prev_flat_grad") else ()) for name in names]
        lists = {"old_dirs": (n,), "old_stps": (n,), "ro": ()}
        return shapes + [(name, value, lists[name]) for name in lists for value in state.get(name, ())]

    def _loaded(self, name, value, p):
        if isinstance(value, list):
            return [self._loaded(name, entry, p) for entry in value]
        if not isinstance(value, Tensor):
            return value
        return value.item() if name == "t" else value.detach().to(p, copy=True)


def _direction(g: Tensor, state: dict, history_size: int) -> Tensor:
    # That of two_loop, after the last step and its change of the gradient have joined the pairs that are kept.
    if state["n_iter"] == 0:
        state["old_dirs"], state["old_stps"], state["ro"], state["H_diag"] = [], [], [], 1
        return -g
    changes, steps, rho = state["old_dirs"], state["old_stps"], state["ro"]  # torch's names; old_dirs are no directions
    y, s = g - state["prev_flat_grad"], state["d"] * state["t"]
    curvature = y @ s
    if curvature > 1e-10:
        steps.append(s)
        changes.append(y)
        rho.append(1 / curvature)
        del steps[:-history_size], changes[:-history_size], rho[:-history_size]
        state["H_diag"] = curvature / (y @ y)
    return _two_loop(g, steps, changes, rho, state["H_diag"])


def _flat_gradient(params: list[Tensor]) -> Tensor:
    return torch.cat([(torch.zeros_like(p) if p.grad is None else p.grad).reshape(-1) for p in params])


def _move(params: list[Tensor], d: Tensor, t: float) -> None:
    parts = d.split([p.numel() for p in params])
    torch._foreach_add_(params, [part.view_as(p) for part, p in zip(parts, params)], alpha=t)


def _finite(number: float, name: str, group: dict) -> float:
    if not math.isfinite(number):
        raise ValueError(f"LBFGS: {name} is {number}; expected a finite number: try a smaller lr than {group['lr']}")
    return number


def _check_pairs(g: Tensor, steps: list[Tensor], changes: list[Tensor]) -> None:
    if len(steps) != len(changes) or any(v.shape != g.shape for v in (*steps, *changes)):
        raise ValueError(
            f"two_loop: g has shape {tuple(g.shape)}, steps {[tuple(s.shape) for s in steps]} and changes "
            f"{[tuple(y.shape) for y in changes]}; expected g (n,) and as many steps (n,) as changes (n,)"
        )
