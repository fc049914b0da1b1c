"""One call of a sample of PyTorch's databases, here or there, as tensors by name; and how two such calls compare.

Beside the values: the gradients by all tensors that require one and by all parameters, the second gradients, arguments
and buffers as they are after the call, and the losses and weights of an optimizer.
"""

import inspect
import warnings
from functools import partial

import torch
from torch.utils._pytree import tree_leaves, tree_map

from nndl_lib import autograd

DTYPES = torch.float64, torch.float32, torch.float16, torch.bfloat16
STYLES = "as it is", "not contiguous", "by position", "by name", "without defaults"


def run_layer(cls, theirs, made, given, style, dtype, training, second, wide=False) -> dict:
    args, kwargs = restyled(theirs, made, style)
    layer = cls(*args, **kwargs).to(dtype).train(training)
    if given is None:
        return {}
    torch.manual_seed(1)
    for value in layer.state_dict().values():  # other than the ones and zeros of a new normalization
        if value.is_floating_point():
            value.copy_(torch.rand(value.shape, dtype=torch.float64) + 0.1)
    layer = layer.double() if wide else layer
    args, kwargs = fresh(restyled(theirs.forward, given, style, bound=True), style, wide)
    return derivatives(layer, args, kwargs, second, dict(layer.named_parameters())) | layer.state_dict()


def run_function(function, theirs, sample, style, second, wide=False) -> dict:
    args, kwargs = fresh(restyled(theirs, sample, style), style, wide)
    return derivatives(function, args, kwargs, second)


def run_arrays(function, sample) -> dict:
    def wrap(t):
        if isinstance(t, torch.Tensor):
            return autograd.Tensor(t.detach().numpy().copy(), t.requires_grad) if t.is_floating_point() else t.numpy()
        return t

    (args, kwargs), names = tree_map(wrap, arguments_of(sample)), {"dim": "axis", "keepdim": "keepdims"}
    output = function(*args, **{names.get(key, key): value for key, value in kwargs.items()})
    if not isinstance(output, autograd.Tensor):
        return {"output 0": torch.as_tensor(output)}
    found = {"output 0": torch.as_tensor(output.data)}
    leaves = [t for t in tree_leaves((args, kwargs)) if isinstance(t, autograd.Tensor) and t.requires_grad]
    if output.requires_grad:
        output.backward(signal(found["output 0"]).numpy())
        found |= {
            f"gradient {k}": torch.as_tensor(0 * t.data if t.grad is None else t.grad) for k, t in enumerate(leaves)
        }
    return found


def run_optimizers(classes, kwargs, dtype, wide=False, params=None) -> dict:
    torch.manual_seed(0)
    shapes, wider = ((), (3,), (2, 3), (1, 2, 2)), torch.float64 if wide else dtype
    w, goals = ([torch.randn(shape, dtype=torch.float64).to(dtype).to(wider) for shape in shapes] for _ in range(2))
    w, found = [torch.nn.Parameter(p) for p in w], {}
    optimizer = None

    def closure():
        optimizer.zero_grad()
        loss = sum(((p - goal) ** 2).sum() for p, goal in zip(w, goals))
        loss.backward()
        return loss

    for k, cls in enumerate(classes):
        state = optimizer and optimizer.state_dict()
        optimizer = cls(w if params is None else params, **kwargs)
        if state is not None:
            optimizer.load_state_dict(state)
        found |= {f"loss {k} {step}": optimizer.step(closure).detach() for step in range(4)}
        found |= {f"weight {k} {i}": p.detach().clone() for i, p in enumerate(w)}
    return found


def derivatives(function, args, kwargs, second, parameters=None) -> dict:
    torch.manual_seed(42)
    outputs = [
        torch.as_tensor(t) for t in tree_leaves(function(*args, **kwargs)) if isinstance(t, (torch.Tensor, float))
    ]
    tensors = [t for t in tree_leaves((args, kwargs)) if isinstance(t, torch.Tensor)]
    leaves = {str(k): t for k, t in enumerate(t for t in tensors if t.requires_grad)} | (parameters or {})
    found = {f"output {k}": t.detach() for k, t in enumerate(outputs)}
    found |= {f"argument {k} after the call": t for k, t in enumerate(tensors) if not t.requires_grad}
    for order in ("gradient", "second gradient")[: 1 + second]:
        outputs = [t for t in outputs if t.requires_grad]
        if leaves and outputs:
            options = {"create_graph": second, "materialize_grads": True}
            outputs = torch.autograd.grad(outputs, [*leaves.values()], [signal(t) for t in outputs], **options)
            found |= {f"{order} {name}": t.detach() for name, t in zip(leaves, outputs)}
    return found


def signal(t):
    return torch.linspace(-1, 2, t.numel(), dtype=torch.float64).cos().reshape(t.shape).to(t.dtype)


# --- arguments ---


def arguments_of(sample) -> tuple[tuple, dict]:
    return ((sample.input,) if hasattr(sample, "input") else ()) + tuple(sample.args), sample.kwargs


def restyled(function, sample, style, bound=False) -> tuple[tuple, dict]:
    """The arguments in this style, or as they are where torch does not say how it calls them."""
    args, kwargs = arguments_of(sample)
    names = parameters_of(function)[1:] if bound else parameters_of(function)
    defaults = {p.name: p.default for p in names}
    plain = all(p.kind is p.POSITIONAL_OR_KEYWORD for p in names[: len(args)]) and len(args) <= len(names)
    if style == "by name" and plain:
        return (), {**dict(zip(defaults, args)), **kwargs}
    if style == "without defaults":
        return args, {key: value for key, value in kwargs.items() if not same(value, defaults.get(key, ...))}
    if style == "by position" and plain and kwargs.keys() <= defaults.keys():
        given = defaults | dict(zip(defaults, args)) | kwargs
        last = max((k for k, p in enumerate(names) if not same(given[p.name], p.default)), default=-1)
        if all(p.kind is p.POSITIONAL_OR_KEYWORD and given[p.name] is not p.empty for p in names[: last + 1]):
            return tuple(given.values())[: last + 1], {}
    return args, kwargs


def parameters_of(function) -> list[inspect.Parameter]:
    for f in [cls.__init__ for cls in function.__mro__] if isinstance(function, type) else [function]:
        try:
            found = list(inspect.signature(f).parameters.values())
        except ValueError:  # written in C; for functions torch has stand-ins in Python
            stand_in = torch.overrides.get_testing_overrides().get(f, lambda *args, **kwargs: None)
            found = list(inspect.signature(stand_in).parameters.values())
        found = found[1:] if isinstance(function, type) else found
        if not any(p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD) for p in found):
            return found
    return []


def same(value, default) -> bool:
    return (
        value is default
        or isinstance(value, (bool, int, float, str))
        and type(value) is type(default)
        and value == default
    )


def fresh(given, style, wide):
    from torch.testing._internal.common_utils import noncontiguous_like

    def copy(t):
        if not isinstance(t, torch.Tensor):
            return t
        new = t.detach().clone()
        new = new.double() if wide and t.is_floating_point() else new
        return (noncontiguous_like(new) if style == "not contiguous" else new).requires_grad_(t.requires_grad)

    return tree_map(copy, given)


# --- outcomes ---


def outcome(theirs, ours) -> tuple[str, str]:
    """ "equal", or "refused" or "different" and why; of two calls, the first None where an error is expected."""
    expected, error = attempt(theirs) if theirs else (None, "an error")
    found, refusal = attempt(ours)
    if expected is None:
        return ("different", f"accepted; torch: {error}") if refusal is None else ("equal", "")
    if refusal is not None:
        kind = "refused" if isinstance(refusal, (TypeError, ValueError)) else "different"
        return kind, f"{type(refusal).__name__}: {refusal}"
    exact = None
    for key, right in expected.items():
        if key not in found and (key.startswith("argument") or not right.count_nonzero()):
            continue
        if key not in found:
            return "different", f"no {key}"
        reason = unlike(found[key], right)
        if reason and found[key].shape == right.shape and found[key].dtype == right.dtype in DTYPES[1:]:
            # Rounding: no further than twice what torch is from float64, and units in the last place of the largest
            # entry: one for what is rounded to 16 bits in the end, some for sums that add up in 32.
            exact = exact or attempt(partial(theirs, wide=True))[0] or expected
            off, theirs_off = ((t.double() - exact[key]).abs().nan_to_num().max() for t in (found[key], right))
            units = (16 if right.dtype == torch.float32 else 1) * torch.finfo(right.dtype).eps
            largest = exact[key].abs().nan_to_num(0, 0, 0).max()
            reason = None if off <= 2 * theirs_off + units * largest else reason
        if reason:
            return "different", f"{key}: {reason}"
    return "equal", ""


def unlike(found, right) -> str | None:
    tolerance = {"rtol": 1e-12, "atol": 1e-12} if right.dtype == torch.float64 else {}
    try:
        torch.testing.assert_close(found, right, equal_nan=True, **tolerance)
    except AssertionError as message:
        return str(message)


def attempt(call) -> tuple[dict | None, Exception | None]:
    with warnings.catch_warnings(action="ignore"):
        try:
            return call(), None
        except Exception as error:
            return None, error
