"""PyTorch's own test databases find no difference that tests/torch_differences.py does not know."""

import subprocess
import sys

import pytest
import torch

from tests.chapters import ROOT
from tests.torch_calls import derivatives, outcome


def databases(*arguments):
    # A program of its own: the import of torch's databases changes torch for the whole process.
    done = subprocess.run(
        [sys.executable, "-m", "tests.torch_databases", *arguments], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_sample():
    table = databases("--sample")
    assert table.count(" equal ") > 70, "fewer counterparts were found than there were"


@pytest.mark.launch
def test_every_sample():
    databases()


def call(function, *arguments, dtype=torch.float64, wide=False):
    given = [torch.tensor(t, dtype=torch.float64).to(dtype).to(torch.float64 if wide else dtype) for t in arguments]
    return derivatives(function, [t.requires_grad_() for t in given], {}, second=dtype == torch.float64)


def kind(ours, theirs=torch.exp, x=(0.0, 1.0, 2.0), dtype=torch.float64):
    return outcome(lambda wide=False: call(theirs, x, dtype=dtype, wide=wide), lambda: call(ours, x, dtype=dtype))[0]


class WrongGradient(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.exp()

    @staticmethod
    def backward(ctx, grad):
        return grad * ctx.saved_tensors[0].exp() * (1 + 1e-9)


def fails(error):
    def function(x):
        raise error

    return function


def test_outcomes():
    assert kind(torch.exp) == "equal"
    assert kind(lambda x: 1 / (-x).exp()) == "equal"
    assert kind(lambda x: x.exp() * (1 + 1e-9)) == "different"
    assert kind(WrongGradient.apply) == "different"
    assert kind(lambda x: x.exp().detach()) == "different"  # no gradient
    assert kind(lambda x: x.detach().exp() * (1 + x - x.detach())) == "different"  # no second gradient
    assert kind(lambda x: x.exp().float()) == "different"
    assert kind(lambda x: x.exp().unsqueeze(0)) == "different"
    assert kind(lambda x: x.exp().where(x > 0, torch.nan)) == "different"
    assert kind(fails(ValueError("no"))) == kind(fails(TypeError("no"))) == "refused"
    assert kind(fails(RuntimeError("no"))) == "different"
    assert kind(torch.exp, theirs=fails(RuntimeError("no"))) == "different"
    assert kind(fails(ValueError("no")), theirs=fails(RuntimeError("no"))) == "equal"


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_rounding_is_no_difference(dtype):
    unit = torch.finfo(dtype).eps
    assert kind(lambda x: x.double().exp().to(dtype), dtype=dtype) == "equal"
    assert kind(lambda x: x.exp() * (1 + unit), dtype=dtype) == "equal"
    assert kind(lambda x: x.exp() * (1 + 40 * unit), dtype=dtype) == "different"


def test_an_argument_that_is_changed_is_noticed():
    def run(function):
        return derivatives(function, [torch.ones(3)], {}, second=False)

    assert outcome(lambda: run(torch.exp_), lambda: run(torch.exp))[0] == "different"
