"""Declared arguments: what fits passes unchanged, what does not is refused in the words of the declaration."""

import inspect
import re

import numpy as np
import pytest
import torch
from torch import Tensor

from nndl_lib import _arguments as arguments
from nndl_lib._declared import check_shapes, checked, count, number, one_of, scalar

X, t = torch.ones(5, 3), torch.ones(5)


@checked(
    X="finite N D",
    t="N",
    mask="bool D",
    classes="int64 N",
    images="any N ... 2",
    steps=count(least=0),
    lr=arguments.check_positive,
    share=number(0, below=1),
    b=scalar,
    mode=one_of("sum", "mean"),
)
def fit(X, t, /, mask=None, classes=None, *, images=None, steps=1, lr=0.1, share=0.5, b=0.0, mode="sum", other=None):
    """Fit."""
    return X, t, mask, classes, images, steps, lr, share, b, mode, other


def refused(message, *args, **kwargs):
    with pytest.raises(ValueError, match=re.escape(message) + "$"):
        fit(*args, **kwargs)


def test_what_fits_passes_unchanged():
    mask, classes, images = torch.ones(3, dtype=torch.bool), torch.zeros(5, dtype=torch.int64), torch.zeros(5, 7, 0, 2)
    result = fit(
        X,
        t,
        mask,
        classes=classes,
        images=images,
        steps=np.int64(3),
        lr=1,
        b=torch.tensor(2),
        mode="mean",
        other="anything",
    )
    assert all(got is given for got, given in zip(result, (X, t, mask, classes, images)))
    assert result[5:] == (3, 1.0, 0.5, torch.tensor(2), "mean", "anything")
    assert type(result[5]) is int and type(result[6]) is float  # as the function wants them
    assert fit(X, t)[2:5] == (None, None, None)
    assert inspect.signature(fit).parameters["lr"].default == 0.1 and fit.__doc__ == "Fit."


def test_shapes():
    both = "expected X (N, D) and t (N,)"
    refused(f"fit: X has shape (5, 3) and t (4,); {both}", X, t[:4])
    refused(f"fit: X has shape (5,) and t (5,); {both}", t, t)
    refused(f"fit: X has shape (0, 3) and t (0,); {both}, with sizes of at least 1", X[:0], t[:0])
    refused(
        "fit: X has shape (5, 3), t (5,) and mask (2,); expected X (N, D), t (N,) and mask (D,)",
        X,
        t,
        torch.ones(2, dtype=torch.bool),
    )
    for shape in [(5, 3), (4, 2), (2,), ()]:
        refused(
            f"fit: X has shape (5, 3), t (5,) and images {shape}; expected X (N, D), t (N,) and images (N, ..., 2)",
            X,
            t,
            images=torch.ones(shape),
        )

    @checked(x="", y="...", z="2 ...")
    def points(x, y, z):
        return x + y + z.sum()

    assert points(torch.ones(()), torch.ones(()), torch.ones(2)) == 4
    with pytest.raises(
        ValueError,
        match=re.escape("points: x has shape (1,), y () and z (3, 3); expected x (), y (...) and z (2, ...)"),
    ):
        points(torch.ones(1), torch.ones(()), torch.ones(3, 3))


def test_several_axes_of_one_name():
    @checked(x="*S", target="*S", scale="2 *S 1")
    def error(x, target, scale=None):
        return (x - target).sum()

    def wrong(message, *given):
        with pytest.raises(ValueError, match=re.escape(message) + "$"):
            error(*given)

    for shape in [(), (3,), (4, 3)]:
        assert error(torch.ones(shape), torch.ones(shape), torch.ones(2, *shape, 1)) == 0
    wrong("error: x has shape (4, 1) and target (4,); expected one shape for all", torch.ones(4, 1), torch.ones(4))
    wrong("error: x has shape (0,) and target (0,); expected sizes of at least 1", torch.ones(0), torch.ones(0))
    message = (
        "error: x has shape (4,), target (4,) and scale (2, 1); expected x (...), target (...) and scale (2, ..., 1)"
    )
    wrong(message, torch.ones(4), torch.ones(4), torch.ones(2, 1))


def test_sizes_that_may_be_0():
    @checked(x="N? D", t="N?")
    def rows(x, t):
        return len(x)

    assert rows(X, t) == 5 and rows(X[:0], t[:0]) == 0
    for x, y in ((X[:0], t), (X[:, :0], t)):
        message = f"rows: x has shape {tuple(x.shape)} and t (5,); expected x (N, D) and t (N,)"
        with pytest.raises(ValueError, match=re.escape(message)):
            rows(x, y)


def test_shapes_in_the_name_of_another():
    check_shapes("Layer", input=("N C", X), weight=("C", torch.ones(3)), bias=("C", None))
    message = "Layer: input has shape (5, 3) and weight (2,); expected input (N, C) and weight (C,)"
    with pytest.raises(ValueError, match=re.escape(message)):
        check_shapes("Layer", input=("N C", X), weight=("C", torch.ones(2)))


def test_kinds():
    refused("fit: X is a list; expected a tensor, e.g. torch.tensor(X)", [[1.0]], t)
    refused("fit: t is a NoneType; expected a tensor, e.g. torch.tensor(t)", X, None)  # it has no default
    refused("fit: X is torch.float32 and t is torch.float64; expected one floating-point dtype for all", X, t.double())
    refused("fit: X is torch.int64 and t is torch.int64; expected one floating-point dtype for all", X.long(), t.long())
    refused("fit: mask is torch.float32; expected torch.bool", X, t, torch.ones(3))
    refused("fit: classes is torch.int32; expected torch.int64", X, t, classes=torch.ones(5, dtype=torch.int32))
    refused("fit: X is on cpu and t is on meta; expected one device for all", X, t.to("meta"))
    refused(
        "fit: X[1, 2] is nan; expected finite numbers",
        X.clone().index_put_((torch.tensor(1), torch.tensor(2)), torch.tensor(torch.nan)),
        t,
    )
    fit(X, t * torch.inf)  # only X is said to be finite


def test_values():
    refused("fit: steps is -1; expected an integer of at least 0", X, t, steps=-1)
    refused("fit: lr is 0; expected a finite number greater than 0", X, t, lr=0)
    refused("fit: share is 1; expected a number from 0 to below 1", X, t, share=1)
    refused("fit: b has shape (5,); expected a number or a 0-d tensor", X, t, b=t)
    refused("fit: mode is 'none'; expected 'sum' or 'mean'", X, t, mode="none")
    refused("fit: steps is None; expected an integer of at least 0", X, t, steps=None)  # its default is another


def test_wrong_calls_get_pythons_own_error():
    for args, kwargs, message in [
        ((X,), {}, "missing"),
        ((X, t, None, None, 1), {}, "positional"),
        ((X, t, None), {"mask": None}, "multiple values"),
        ((X, t), {"rate": 1}, "unexpected"),
    ]:
        with pytest.raises(TypeError, match=message):
            fit(*args, **kwargs)


def test_layers_speak_in_their_own_name():
    class Scale(torch.nn.Module):
        @checked(size=count())
        def __init__(self, size):
            super().__init__()
            self.size = size

        @checked(x="N D")
        def forward(self, x: Tensor) -> Tensor:
            return x * self.size

        @checked(x="N D")
        def undo(self, x: Tensor) -> Tensor:
            return x / self.size

    assert Scale(2)(X).sum() == 30
    for call, message in [
        (lambda: Scale(0), "Scale: size is 0"),
        (lambda: Scale(2)(t), "Scale: x has shape (5,); expected (N, D)"),
        (lambda: Scale(2).undo(t), "undo: x has"),
    ]:
        with pytest.raises(ValueError, match=re.escape(message)):
            call()


def test_what_is_built_on_a_private_layer_speaks_in_its_own_name():
    class _Base(torch.nn.Module):
        @checked(size=count())
        def __init__(self, size):
            super().__init__()

    class Layer(_Base):
        pass

    with pytest.raises(ValueError, match="^Layer: size is 0"):
        Layer(0)


def test_none_where_the_annotation_says_so():
    @checked(x="N", b=scalar, steps=count())
    def total(x: Tensor | None, b: float | None = 0.0, steps: int = 1):
        return x, b, steps

    assert total(None, None) == (None, None, 1)
    with pytest.raises(ValueError, match="steps is None"):
        total(None, None, None)


def test_defaults_are_as_the_function_wants_them():
    @checked(size=arguments.check_pair, stride=arguments.check_pair, padding=arguments.check_pair)
    def sizes(size, stride=2, *, padding=1, other=3):
        return size, stride, padding, other

    assert sizes(5) == sizes(5, 2, padding=1) == sizes(stride=2, size=5) == ((5, 5), (2, 2), (1, 1), 3)


def test_the_first_that_is_declared_is_the_first_to_be_refused():
    with pytest.raises(ValueError, match="steps is 0.5"):
        fit(X, t, mode="none", share=2, steps=0.5)


def test_a_declaration_is_of_arguments_that_are_there():
    with pytest.raises(TypeError, match="has no y"):
        checked(y="N")(lambda x: x)


def test_under_torch_func_and_compilation():
    @checked(x="finite N", least=number())
    def total(x, least=0.0):
        return (x * x).sum() + least

    assert torch.func.grad(total)(t).equal(2 * t)
    assert torch.func.vmap(total)(X).equal(torch.full((5,), 3.0))
    assert torch.compile(total, backend="eager", fullgraph=True)(t) == 5
