"""On a CUDA GPU: the same values as torch there, the same training as on the CPU, nothing to be said twice."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

from nndl_lib import data, functional, inspection, models, nn, optim, rnn, runtime, training
from nndl_lib.data import (
    TensorLoader,
    augmentation,
)
from nndl_lib.rnn import _layers
from nndl_lib.training import Trainer, checkpoint, processes, train_ensemble

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU"),
]
GPU = torch.device("cuda", 0)
F64 = {"dtype": torch.float64}
ROOT = Path(__file__).parent.parent.parent


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


def normal(*shape, seed=0, dtype=torch.float64):
    return torch.randn(shape, generator=rng(seed), dtype=dtype).to(GPU)


def close(found, expected, rtol=1e-12, atol=1e-12):
    torch.testing.assert_close(found, expected, rtol=rtol, atol=atol)


def same(one, other, *inputs, **tolerance):
    """Equal values on the GPU, and equal gradients of a weighted sum by each input."""
    results = []
    for function in (one, other):
        leaves = [x.clone().requires_grad_() for x in inputs]
        y = function(*leaves)
        weights = torch.linspace(-1, 2, y.numel(), dtype=y.dtype, device=y.device).reshape(y.shape)
        results.append([y.detach(), *torch.autograd.grad((weights * y).sum(), leaves)])
    for found, expected in zip(*results, strict=True):
        assert found.device == GPU
        close(found, expected, **tolerance)


def test_the_gpu_is_the_default(monkeypatch):
    monkeypatch.delenv("NNDL_DEVICE", raising=False)
    assert runtime.get_device() == torch.device("cuda")
    model = nn.MLP([2, 4, 2], generator=rng())
    trainer = Trainer(model, F.cross_entropy, optim.Adam(model.parameters()), progress=False)
    trainer.fit(TensorLoader(*data.make_moons(20, 0.1, rng()), batch_size=8, generator=rng()), 1)  # data on the CPU
    assert next(model.parameters()).is_cuda


# --- functions and modules ---


@pytest.mark.parametrize(
    "shape, O, kernel, options",
    [
        ((3, 4, 9, 8), 6, (3, 2), {"stride": (2, 1), "padding": (1, 2), "dilation": (1, 2), "groups": 2}),
        ((5, 3, 12, 12), 4, (5, 5), {"padding": "same"}),
        ((2, 8, 7, 7), 8, (3, 3), {"groups": 8}),
        ((40, 16, 14, 14), 8, (3, 3), {"padding": 1}),
    ],
)
def test_convolution(shape, O, kernel, options):
    weight = normal(O, shape[1] // options.get("groups", 1), *kernel, seed=1)
    inputs = normal(*shape), weight, normal(O, seed=2)
    same(lambda *x: functional.conv2d(*x, **options), lambda *x: F.conv2d(*x, **options), *inputs, atol=1e-10)


@pytest.mark.parametrize(
    "one, other",
    [
        (lambda x: functional.max_pool2d(x, 3, 2, 1), lambda x: F.max_pool2d(x, 3, 2, 1)),
        (lambda x: functional.avg_pool2d(x, 2), lambda x: F.avg_pool2d(x, 2)),
        (
            lambda x: functional.batch_norm(x, None, None, training=True),
            lambda x: F.batch_norm(x, None, None, training=True),
        ),
        (lambda x: functional.layer_norm(x, (8, 8)), lambda x: F.layer_norm(x, (8, 8))),
    ],
)
def test_pools_and_normalization(one, other):
    same(one, other, normal(4, 6, 8, 8), rtol=1e-10, atol=1e-10)


def test_losses():
    z, t = normal(30, 7), torch.randint(7, (30,), generator=rng(1)).to(GPU)
    y = torch.rand(30, 7, generator=rng(2), **F64).to(GPU)
    for r in ("mean", "sum", "none"):
        same(lambda z: functional.cross_entropy(z, t, reduction=r), lambda z: F.cross_entropy(z, t, reduction=r), z)
    with pytest.raises(ValueError, match="^cross_entropy: reduction is 'average'; expected 'mean', 'sum' or 'none'"):
        functional.cross_entropy(z, t, reduction="average")
    for name in ("mse_loss", "binary_cross_entropy_with_logits"):
        same(lambda z: getattr(functional, name)(z, y), lambda z: getattr(F, name)(z, y), z)
    close(functional.softmax(z, 1), F.softmax(z, 1))
    assert functional.accuracy(z, t) == (z.argmax(dim=1) == t).double().mean().item()


def test_the_card_goes_on_after_bad_values():
    # Looked at before a kernel gets them: an assertion on the card would end every later call.
    z, t = normal(4, 3), torch.tensor([0, 1, 3, 2], device=GPU)
    with pytest.raises(ValueError, match=r"^cross_entropy: target\[2\] is 3; expected classes 0 to 2"):
        functional.cross_entropy(z, t)
    z[1, 2] = torch.nan
    with pytest.raises(ValueError, match=r"^cross_entropy: input\[1, 2\] is nan; expected finite numbers"):
        functional.cross_entropy(z, t.clamp(max=2))
    for call, where in (
        (
            lambda: functional.conv2d(normal(1, 1, 4, 4), torch.ones(1, 1, 2, 2, **F64)),
            "input is on cuda:0 and weight is on cpu",
        ),
        (lambda: nn.Linear(3, 2, device=GPU, **F64)(z.cpu()), "x is on cpu and weight on cuda:0"),
        (lambda: rnn.LSTM(3, 2, device=GPU, **F64)(z[None].cpu()), "input is on cpu and the weights on cuda:0"),
        (
            lambda: rnn.GRU(3, 2, device=GPU, **F64)(z[None], torch.zeros(1, 4, 2, **F64)),
            "hx is on cpu and input on cuda:0",
        ),
    ):
        with pytest.raises(ValueError, match=f"{where}; expected one device for (both|all)"):
            call()
    with pytest.raises(ValueError, match="^cross_entropy: input is on cuda:0 and target is on cpu"):
        functional.cross_entropy(normal(4, 3), t.cpu())
    torch.cuda.synchronize()
    assert torch.ones(3, device=GPU).sum().item() == 3


def test_dropout_draws_from_a_generator_of_the_gpu():
    x = torch.ones(2000, device=GPU)
    one, other = (functional.dropout(x, 0.25, generator=runtime.generator(3, GPU)) for _ in range(2))
    assert torch.equal(one, other) and 0.2 < (one == 0).double().mean() < 0.3


@pytest.mark.parametrize(
    "make, image",
    [
        (lambda: models.LeNet(generator=rng()), (1, 28, 28)),
        (lambda: models.ResNet(models.BasicBlock, [1, 1], num_classes=5, channels=8, generator=rng()), (3, 32, 32)),
        (lambda: models.DenseNet(8, (2, 2), 16, num_classes=5, generator=rng()), (3, 32, 32)),
    ],
)
def test_networks_compute_what_they_do_on_the_cpu(make, image):
    model = make().double().eval()
    x = torch.randn(4, *image, generator=rng(1), **F64)
    with torch.no_grad():
        expected = model(x)
        found = model.to(GPU)(x.to(GPU))
    close(found.cpu(), expected, rtol=1e-10, atol=1e-10)
    rows = inspection.architecture_table(model, image).rows
    assert sum(row.parameters for row in rows) == sum(p.numel() for p in model.parameters())


def test_augmentation():
    images = torch.rand(6, 1, 12, 12, generator=rng(), **F64)
    close(augmentation.rotate(images.to(GPU), 20).cpu(), augmentation.rotate(images, 20))
    moved = augmentation.random_affine(images.to(GPU), degrees=10, generator=runtime.generator(0, GPU))
    assert moved.device == GPU and moved.shape == images.shape


# --- recurrent networks ---


@pytest.mark.parametrize("name", ["RNN", "LSTM", "GRU"])
@pytest.mark.parametrize("padded", [False, True])
@pytest.mark.parametrize(
    "options", [{}, {"num_layers": 2, "bidirectional": True}, {"bias": False, "batch_first": True}]
)
def test_recurrent_networks(name, padded, options):
    model = getattr(rnn, name)(3, 5, generator=rng(), **options, **F64)
    x = torch.randn(*((4, 6, 3) if model.batch_first else (6, 4, 3)), generator=rng(1), **F64)
    lengths = [4, 2, 6, 3] if padded else None  # sorted, an order that is not its own inverse
    size = (model.num_layers * model.directions, 4, 5)
    starts = [torch.randn(size, generator=rng(2 + k), **F64) for k in range(len(model.states))]

    def run(x):
        x, *states = (y.to(x.device, copy=True).requires_grad_() for y in (x, *starts))
        output, hx = model(x, tuple(states) if len(states) > 1 else states[0], lengths)
        ends = hx if isinstance(hx, tuple) else (hx,)
        parts = torch.cat([part.flatten() for part in (output, *ends)])
        weights = torch.linspace(-1, 2, len(parts), **F64).to(parts.device)
        return [
            *(
                y.cpu()
                for y in (parts.detach(), *torch.autograd.grad(parts @ weights, [x, *states, *model.parameters()]))
            )
        ]

    expected = run(x)  # by steps, on the CPU
    model.to(GPU)
    close(run(x.to(GPU)), expected)
    close(
        rnn.gates(model, x.to(GPU), lengths=lengths, layer=model.num_layers - 1).hidden[..., :5].cpu(),
        rnn.gates(model.cpu(), x, lengths=lengths, layer=model.num_layers - 1).hidden[..., :5],
    )


def test_recurrent_networks_of_relu_and_without_gradients():
    model, x = rnn.RNN(3, 5, nonlinearity="relu", generator=rng(), **F64), torch.randn(6, 4, 3, generator=rng(1), **F64)
    expected = model(3 * x)[0]
    assert (expected == 0).any() and (expected > 1).any()
    close(model.to(GPU)(3 * x.to(GPU))[0].cpu(), expected)
    with torch.no_grad():
        close(model(3 * x.to(GPU))[0].cpu(), expected)


@pytest.mark.parametrize("name", ["RNN", "LSTM", "GRU"])
def test_a_layer_of_a_recurrent_network_is_one_call(name, monkeypatch):
    calls, fused = [], _layers.fused_layer
    monkeypatch.setattr(_layers, "fused_layer", lambda *args: calls.append(args[0]) or fused(*args))
    getattr(rnn, name)(3, 5, 2, device=GPU)(normal(4, 2, 3, dtype=torch.float32))
    assert calls == [{"RNN": "RNN_TANH"}.get(name, name)] * 2


def test_a_recurrent_network_with_a_step_of_its_own():
    class Sums(rnn.Recurrent):
        gates = 1

        def step(self, from_input, from_hidden, state):
            step = rnn.RNNState(from_input + from_hidden)
            return step, [step.hidden]

    model, x = Sums(3, 5, 2, generator=rng(), **F64), torch.randn(4, 2, 3, generator=rng(1), **F64)
    expected = model(x)[0]
    close(model.to(GPU)(x.to(GPU))[0].cpu(), expected)


@pytest.mark.filterwarnings("ignore:RNN module weights are not part of single contiguous chunk")  # cuDNN copies them
def test_shared_weights_of_a_recurrent_network_stay_shared():
    model, x = rnn.GRU(5, 5, 2, generator=rng(), **F64), torch.randn(4, 2, 5, generator=rng(1), **F64)
    model.weight_hh_l0 = model.weight_ih_l0
    expected = model(x)[0]
    close(model.to(GPU)(x.to(GPU))[0].cpu(), expected)
    assert model.weight_hh_l0 is model.weight_ih_l0


@pytest.mark.filterwarnings("error")
def test_weights_of_recurrent_networks_lie_side_by_side():
    # torch warns where cuDNN has to copy them in each call.
    for model in (
        rnn.LSTM(2, 4, 2, device=GPU),
        rnn.GRU(2, 4, bidirectional=True).to(GPU),
        rnn.RNN(2, 4).cuda().double(),
    ):
        optimizer = optim.Adam(model.parameters(), lr=0.1)
        x = normal(5, 3, 2, dtype=model.weight_hh_l0.dtype)
        model(x)[0].sum().backward()
        optimizer.step()
        model.load_state_dict({name: w.clone() for name, w in model.state_dict().items()})
        before = model(x)[0]
        model.to(torch.float64)
        close(model(x.double())[0].float(), before.float(), rtol=1e-2, atol=1e-2)  # cuDNN may round to TF32


def test_gradients_in_evaluation():
    model = rnn.LSTM(2, 4, device=GPU, **F64).eval()
    x = normal(5, 3, 2).requires_grad_()
    (found,) = torch.autograd.grad(model(x)[0].sum(), x)
    (expected,) = torch.autograd.grad(rnn.gates(model, x).hidden.sum(), x)
    close(found, expected)


@pytest.mark.parametrize("name", ["RNN", "LSTM", "GRU"])
def test_recurrent_networks_in_mixed_precision_and_in_ensembles(name):
    model = getattr(rnn, name)(3, 8, device=GPU)
    x = normal(5, 2, 3, dtype=torch.float32)
    rounded = x.bfloat16()
    expected = model(rounded.float())[0]
    with torch.autocast("cuda", torch.bfloat16):
        close(model(rounded)[0], expected, rtol=1e-6, atol=1e-6)  # in float32 all the same
    models = [getattr(rnn, name)(3, 8, generator=rng(k), device=GPU, **F64) for k in range(3)]
    if name != "LSTM":  # whose backpropagation through time has no rule for that
        state = {k: torch.stack([m.state_dict()[k] for m in models]) for k in models[0].state_dict()}
        outputs = torch.func.vmap(lambda s: torch.func.functional_call(models[0], s, (x.double(),))[0])(state)
        close(outputs, torch.stack([m(x.double())[0] for m in models]))


# --- optimizers, training ---


@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW", "NAdam", "RMSprop", "Rprop"])
def test_optimizers(name):
    ours, theirs = (torch.nn.Linear(7, 3, **F64) for _ in range(2))
    theirs.load_state_dict(ours.state_dict())
    ours.to(GPU), theirs.to(GPU)
    one, other = (
        getattr(optim, name)(ours.parameters(), lr=0.01),
        getattr(torch.optim, name)(theirs.parameters(), lr=0.01),
    )
    for step in range(6):
        for model, optimizer in ((ours, one), (theirs, other)):
            optimizer.zero_grad()
            model(normal(9, 7, seed=step)).square().mean().backward()
            optim.clip_grad_norm_(model.parameters(), 0.5)
            optimizer.step()
    tolerance = 1e-6 if name == "NAdam" else 1e-10  # torch rounds a factor of NAdam's to float32
    close(list(ours.parameters()), list(theirs.parameters()), rtol=tolerance, atol=tolerance)


def moons(device=GPU):
    X, t = data.make_moons(60, 0.1, rng(), **F64)
    return TensorLoader(X, t, batch_size=16, generator=rng(1), device=device)


def trainer_of(device=GPU, seed=0, **options):
    layers = [nn.Linear(2, 8, generator=rng(seed), **F64), nn.BatchNorm1d(8, **F64), nn.Tanh()]
    model = torch.nn.Sequential(*layers, torch.nn.Dropout(0.1), nn.Linear(8, 2, generator=rng(seed), **F64))
    optimizer = optim.Adam(model.parameters(), lr=0.02)
    return Trainer(model, functional.cross_entropy, optimizer, device=device, progress=False, **options)


def test_training_is_that_of_the_cpu():
    found = {}
    for device in ("cpu", GPU):
        model = nn.MLP([2, 8, 2], nn.Tanh, generator=rng(), **F64)
        trainer = Trainer(model, functional.cross_entropy, optim.SGD(model.parameters(), 0.1, 0.9), device=device)
        found[device] = trainer.fit(moons(device), 20, moons(device))
    close(found[GPU]["cost"], found["cpu"]["cost"], rtol=1e-10)
    close(found[GPU]["validation_cost"], found["cpu"]["validation_cost"], rtol=1e-10)


def test_the_order_of_a_loader_is_that_of_the_cpu():
    for one, other in zip(moons(), moons("cpu")):
        assert one[0].device == GPU and torch.equal(one[0].cpu(), other[0]) and torch.equal(one[1].cpu(), other[1])
    own = TensorLoader(torch.arange(20, device=GPU), batch_size=6, generator=runtime.generator(0, GPU))
    assert sorted(torch.cat([batch for (batch,) in own]).tolist()) == list(range(20))


def test_a_training_goes_on_where_it_was_saved(tmp_path):
    torch.manual_seed(0)  # for dropout
    whole = trainer_of()
    whole.fit(moons(), 6)
    torch.manual_seed(0)
    part, path = trainer_of(checkpoint=tmp_path / "c.pt"), tmp_path / "c.pt"
    part.fit(moons(), 3)
    other = trainer_of(seed=5, checkpoint=path)
    torch.rand(7, device=GPU)  # the state of the card's random numbers is the checkpoint's
    other.fit(moons(), 6, resume=True)
    close(other.history["cost"], whole.history["cost"], rtol=1e-12)
    on_cpu = trainer_of("cpu", seed=6)
    on_cpu.load(path)
    for name, w in on_cpu.model.state_dict().items():
        assert torch.equal(w, other.model.state_dict()[name].cpu()), name


def test_half_precision_skips_steps_that_overflow():
    model = nn.MLP([2, 4, 2], generator=rng())
    trainer = Trainer(model, F.cross_entropy, optim.SGD(model.parameters(), 0.1), device=GPU, precision="float16")
    trainer._scaler = torch.amp.GradScaler("cuda", init_scale=2.0**40)  # scaled gradients are infinite
    X, t = data.make_moons(40, 0.1, rng())
    history = trainer.fit(TensorLoader(X, t, batch_size=8, generator=rng(1)), 10)
    assert trainer._scaler.get_scale() < 2.0**40 and all(p.isfinite().all() for p in model.parameters())
    assert history["cost"][-1] < history["cost"][0]


@pytest.mark.filterwarnings("ignore")  # the compiler's own
def test_a_compiled_model():
    plain, compiled = trainer_of(), trainer_of(compile=True)
    torch.manual_seed(0)
    expected = plain.evaluate(moons())
    close(compiled.evaluate(moons()), expected, rtol=1e-10)


def test_training_of_an_ensemble():
    found = {}
    for device in ("cpu", GPU):
        X, t = (x.to(device) for x in data.make_moons(40, 0.1, rng(), **F64))
        members = [nn.MLP([2, 6, 2], nn.Tanh, generator=rng(k), **F64).to(device) for k in range(3)]
        ensemble = training.Ensemble(members)
        options = {"lr": 0.1, "epochs": 4, "batch_size": 10, "generator": [rng(10 + k) for k in range(3)]}
        train_ensemble(ensemble, functional.cross_entropy, X, t, **options)
        found[device] = [p.detach().cpu() for p in ensemble.parameters()]
    close(found[GPU], found["cpu"], rtol=1e-10)


def test_the_loop_of_the_chapters():
    X, t = (x.to(GPU) for x in data.make_moons(40, 0.1, rng(), **F64))
    model = nn.MLP([2, 6, 2], generator=rng(), **F64).to(GPU)
    history = training.train(
        model, functional.cross_entropy, X, t, lr=0.2, epochs=20, batch_size=10, generator=rng(1), validation=(X, t)
    )
    assert history.cost[-1] < history.cost[0] and history.cost.device == GPU
    options = {"lr": 0.2, "epochs": 1, "batch_size": 40, "generator": runtime.generator(0, GPU)}
    expected = functional.cross_entropy(model(X), t).item()
    close(training.train(model, functional.cross_entropy, X, t, **options).cost.item(), expected)  # all rows, once each


# --- several processes ---


def test_sums_and_objects_by_nccl(tmp_path):
    if not torch.distributed.is_nccl_available():
        pytest.skip("needs NCCL")
    torch.distributed.init_process_group("nccl", init_method=f"file://{tmp_path}/meet", rank=0, world_size=1)
    try:
        with processes.started() as here:
            assert (here.rank, here.world_size) == (0, 1)
            x = torch.tensor([1.0, 2.0], device=GPU)
            assert processes._sum(x).tolist() == [1, 2]
            assert processes._gathered({"rank": here.rank}) == [{"rank": 0}]
            trainer = trainer_of(checkpoint=tmp_path / "c.pt")
            trainer.fit(moons(), 2)
        assert set(checkpoint.load(tmp_path / "c.pt")) >= {"model", "random"}
    finally:
        torch.distributed.destroy_process_group()


def test_more_processes_than_gpus():
    code = "from nndl_lib.training import processes\nwith processes.started('cuda') as here: print(here)"
    count = torch.cuda.device_count()
    environment = os.environ | {"WORLD_SIZE": str(count + 1), "RANK": str(count), "LOCAL_RANK": str(count)}
    environment |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "29517", "PYTHONPATH": str(ROOT)}
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, timeout=100)
    assert f"'cuda:{count}' (from the argument) was asked for" in run.stderr and run.returncode == 1
