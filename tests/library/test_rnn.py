"""nndl_lib.rnn against torch.nn in float64: parameters, outputs, states, gradients, gates, and what is refused."""

import copy
import math
import pickle
import re
from unittest import mock

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from nndl_lib import rnn
from nndl_lib.rnn import _layers as modules

# The same examples on every run; no file of past failures.
checks = settings(derandomize=True, deadline=None, max_examples=25, database=None)
F64 = {"dtype": torch.float64}
KINDS = {"RNN": (rnn.RNN, torch.nn.RNN), "LSTM": (rnn.LSTM, torch.nn.LSTM), "GRU": (rnn.GRU, torch.nn.GRU)}
CELLS = {
    "RNN": (rnn.RNNCell, torch.nn.RNNCell),
    "LSTM": (rnn.LSTMCell, torch.nn.LSTMCell),
    "GRU": (rnn.GRUCell, torch.nn.GRUCell),
}
kinds = st.sampled_from(sorted(KINDS))
sizes = {"D": st.integers(1, 4), "H": st.integers(1, 4), "T": st.integers(1, 6), "N": st.integers(1, 4)}
layers = st.integers(1, 3)
# A layer by its steps, as on a CPU, or in one call, as on a GPU.
ways = st.booleans().map(lambda fused: mock.patch.object(modules, "wants_fused", lambda x: fused))
options = {
    "num_layers": layers,
    "bias": st.booleans(),
    "bidirectional": st.booleans(),
    "batch_first": st.booleans(),
}


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


def normal(*shape, seed=0):
    return torch.randn(shape, generator=rng(seed), **F64)


def close(found, expected):
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)


def as_tuple(hx):
    return hx if isinstance(hx, tuple) else (hx,)


def pair(kind, *args, **kwargs):
    """A network of the library and torch's with the same weights."""
    ours, theirs = KINDS[kind]
    model, oracle = ours(*args, **kwargs, generator=rng(7), **F64), theirs(*args, **kwargs, **F64)
    oracle.load_state_dict(model.state_dict())
    return model, oracle


def first_state(kind, model, N, seed=3):
    shape = (model.num_layers * model.directions, N, model.hidden_size)
    parts = tuple(normal(*shape, seed=seed + k).requires_grad_() for k in range(1 + (kind == "LSTM")))
    return parts if kind == "LSTM" else parts[0]


def gradients(output, hx, wanted):
    """Gradients of a sum in which every entry of the output and of the state has a weight of its own."""
    parts = torch.cat([part.reshape(-1) for part in (output, *as_tuple(hx))])
    total = parts @ torch.linspace(-1, 2, len(parts), **F64)
    return torch.autograd.grad(total, wanted)


# --- against torch ---


@checks
@given(kind=kinds, **sizes, **options, start=st.booleans(), way=ways)
def test_networks_equal_torchs(kind, D, H, T, N, start, way, **kwargs):
    model, oracle = pair(kind, D, H, **kwargs)
    x = normal(*((N, T, D) if kwargs["batch_first"] else (T, N, D))).requires_grad_()
    hx = first_state(kind, model, N) if start else None
    with way:
        found, found_hx = model(x, hx)
    expected, expected_hx = oracle(x, hx)
    close((found, found_hx), (expected, expected_hx))
    states = as_tuple(hx) if start else ()
    mine, theirs = [x, *states, *model.parameters()], [x, *states, *oracle.parameters()]
    close(gradients(found, found_hx, mine), gradients(expected, expected_hx, theirs))


@checks
@given(kind=kinds, **sizes, num_layers=st.integers(1, 2), bidirectional=st.booleans(), way=ways, data=st.data())
def test_padded_batches_equal_torchs_packed_sequences(kind, D, H, T, N, way, data, **kwargs):
    model, oracle = pair(kind, D, H, **kwargs)
    lengths = data.draw(st.lists(st.integers(1, T), min_size=N, max_size=N))
    x, hx = normal(T, N, D).requires_grad_(), first_state(kind, model, N)
    packed, expected_hx = oracle(pack_padded_sequence(x, lengths, enforce_sorted=False), hx)
    expected, _ = pad_packed_sequence(packed, total_length=T)
    with way:
        found, found_hx = model(x, hx, lengths=lengths)
    close((found, found_hx), (expected, expected_hx))
    mine, theirs = [x, *as_tuple(hx), *model.parameters()], [x, *as_tuple(hx), *oracle.parameters()]
    close(gradients(found, found_hx, mine), gradients(expected, expected_hx, theirs))
    # Batch first, lengths as a tensor, and what stands after the ends is not looked at.
    other = KINDS[kind][0](D, H, batch_first=True, **kwargs, **F64)
    other.load_state_dict(model.state_dict())
    junk = x.detach().clone()
    for n, length in enumerate(lengths):
        junk[length:, n] = math.nan
    with way:
        junk_output, junk_hx = other(junk.transpose(0, 1), hx, lengths=torch.tensor(lengths, dtype=torch.int32))
    close((junk_output.transpose(0, 1), junk_hx), (expected, expected_hx))
    for gradient in gradients(junk_output, junk_hx, list(other.parameters())):
        assert gradient.isfinite().all()


@checks
@given(kind=kinds, D=sizes["D"], H=sizes["H"], N=sizes["N"], bias=st.booleans(), start=st.booleans())
def test_cells_equal_torchs(kind, D, H, N, bias, start):
    ours, theirs = CELLS[kind]
    cell, oracle = ours(D, H, bias=bias, **F64), theirs(D, H, bias=bias, **F64)
    assert list(cell.state_dict()) == list(oracle.state_dict())
    oracle.load_state_dict(cell.state_dict())
    cell.load_state_dict(oracle.state_dict())
    x, h, c = normal(N, D).requires_grad_(), normal(N, H, seed=1), normal(N, H, seed=2)
    hx = ((h, c) if kind == "LSTM" else h) if start else None
    found, expected = cell(x, hx), oracle(x, hx)
    close(found, expected)
    found, expected = (sum(part.square().sum() for part in as_tuple(y)) for y in (found, expected))
    close(torch.autograd.grad(found, [x, *cell.parameters()]), torch.autograd.grad(expected, [x, *oracle.parameters()]))


def test_relu_networks_equal_torchs():
    model, oracle = pair("RNN", 3, 5, 2, nonlinearity="relu")
    x = 3 * normal(4, 2, 3)
    close(model(x), oracle(x))
    assert (model(x)[0] == 0).any() and (model(x)[0] > 1).any()
    with mock.patch.object(modules, "wants_fused", lambda x: True):
        close(model(x), oracle(x))
    cell, other = rnn.RNNCell(3, 5, nonlinearity="relu", **F64), torch.nn.RNNCell(3, 5, nonlinearity="relu", **F64)
    other.load_state_dict(cell.state_dict())
    close(cell(x[0]), other(x[0]))


@pytest.mark.parametrize("kind", KINDS)
def test_draws_and_names_are_torchs(kind):
    ours, theirs = KINDS[kind]
    kwargs = {"num_layers": 2, "bidirectional": True}
    torch.manual_seed(5)
    expected = theirs(3, 4, **kwargs)
    torch.manual_seed(5)
    found = ours(3, 4, **kwargs)
    assert list(found.state_dict()) == list(expected.state_dict())
    for one, other in zip(found.parameters(), expected.parameters(), strict=True):
        assert torch.equal(one, other) and isinstance(one, torch.nn.Parameter)
    before = torch.get_rng_state()
    own = ours(3, 4, **kwargs, generator=rng(5))
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(one, other) for one, other in zip(own.parameters(), expected.parameters(), strict=True))
    cell, oracle = CELLS[kind]
    torch.manual_seed(5)
    expected = oracle(3, 4)
    for own in (cell(3, 4, generator=rng(5)), cell(3, 4, generator=rng(5), bias=True)):
        assert all(torch.equal(one, other) for one, other in zip(own.parameters(), expected.parameters(), strict=True))
    assert ours(3, 4, device="meta").weight_hh_l0.device.type == "meta"
    assert ours(3, 4, bias=False).bias_hh_l0 is None


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_sorting_by_length_is_undone(kind):
    # By length, the four are 2, 0, 3, 1: an order that is not its own inverse.
    model, x, lengths = pair(kind, 2, 3, bidirectional=True)[0], normal(4, 4, 2), [3, 1, 4, 2]
    hx = first_state(kind, model, 4)
    expected = model(x, hx, lengths=lengths)
    with mock.patch.object(modules, "wants_fused", lambda x: True):
        close(model(x, hx, lengths=lengths), expected)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_layer_is_one_call_where_it_is_wanted(kind):
    model, x = pair(kind, 2, 3, num_layers=3)[0], normal(4, 2, 2)
    with (
        mock.patch.object(modules, "wants_fused", lambda x: True),
        mock.patch.object(modules, "fused_layer", wraps=modules.fused_layer) as fused,
        mock.patch.object(type(model), "sequence", side_effect=AssertionError),
    ):
        model(x)
    assert fused.call_count == 3


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_class_with_its_own_steps_is_never_fused(kind):
    class Doubled(KINDS[kind][0]):
        def sequence(self, x, state, w):
            return tuple(2 * part for part in super().sequence(x, state, w))

    model, x = pair(kind, 2, 3)[0], normal(4, 2, 2)
    other = Doubled(2, 3, **F64)
    other.load_state_dict(model.state_dict())
    with mock.patch.object(modules, "wants_fused", lambda x: True):
        close(other(x)[0], 2 * model(x)[0])


@pytest.mark.parametrize("kind", KINDS)
def test_dropout_is_torchs(kind):
    model, oracle = pair(kind, 3, 4, 3, dropout=0.4)
    x = normal(5, 2, 3)
    model.generator = None
    torch.manual_seed(9)
    expected = oracle(x)
    torch.manual_seed(9)
    close(model(x), expected)
    model.generator = rng(1)
    once, again = model(x)[0], model(x)[0]
    assert not torch.equal(once, again)
    model.eval(), oracle.eval()
    close(model(x), oracle(x))
    single, plain = pair(kind, 3, 4, dropout=0.0)
    close(single(x), plain(x))


@pytest.mark.parametrize("kind", KINDS)
def test_networks_in_float32_on_other_strides_and_without_gradients(kind):
    model, oracle = pair(kind, 3, 4, 2)
    x = normal(2, 5, 3).transpose(0, 1)
    with torch.no_grad():
        close(model(x), oracle(x))
    model, oracle = model.float(), oracle.float()
    output, _ = model(x.float())
    assert output.dtype == torch.float32 and output.requires_grad
    torch.testing.assert_close(output, oracle(x.float())[0], rtol=1e-5, atol=1e-6)
    for twin in (copy.deepcopy(model), pickle.loads(pickle.dumps(rnn.LSTM(3, 4)))):
        assert twin(x.float())[0].shape == (5, 2, 4)


@pytest.mark.parametrize("kind", KINDS)
def test_networks_are_cells_step_by_step(kind):
    model, _ = pair(kind, 3, 4)
    cell = CELLS[kind][0](3, 4, **F64)
    cell.load_state_dict({name.removesuffix("_l0"): p for name, p in model.state_dict().items()})
    x, hx, outputs = normal(6, 2, 3), None, []
    for step in x:
        hx = cell(step, hx)
        outputs.append(as_tuple(hx)[0])
    output, end = model(x)
    close(output, torch.stack(outputs))
    close(tuple(part[0] for part in as_tuple(end)), as_tuple(hx))


@pytest.mark.parametrize("kind", KINDS)
def test_a_sequence_can_be_read_in_two_parts(kind):
    model, _ = pair(kind, 3, 4, 2)
    x = normal(6, 2, 3)
    first, hx = model(x[:4])
    second, end = model(x[4:], hx)
    close((torch.cat([first, second]), end), model(x))


def test_networks_print_as_torchs():
    for kind, (ours, theirs) in KINDS.items():
        others = {"num_layers": 2, "bias": False, "batch_first": True, "dropout": 0.5, "bidirectional": True}
        for kwargs in ({}, others):
            assert repr(ours(3, 4, **kwargs)) == repr(theirs(3, 4, **kwargs)), kind
        ours, theirs = CELLS[kind]
        assert repr(ours(3, 4)) == repr(theirs(3, 4)) and repr(ours(3, 4, bias=False)) == repr(theirs(3, 4, bias=False))


# --- the LSTM's backpropagation through time ---


def lstm_inputs(T=4, N=3, D=2, H=3):
    shapes = [(T, N, D), (N, H), (N, H), (4 * H, D), (4 * H, H), (4 * H,)]
    return [normal(*shape, seed=k).requires_grad_() for k, shape in enumerate(shapes)]


def test_gradients_through_time_agree_with_differences():
    inputs = lstm_inputs()
    assert torch.autograd.gradcheck(rnn.lstm_sequence, inputs)
    assert torch.autograd.gradcheck(lambda *inputs: rnn.lstm_sequence(*inputs)[0], inputs)
    assert torch.autograd.gradcheck(lambda *inputs: rnn.lstm_sequence(*inputs)[1], inputs)
    assert torch.autograd.gradcheck(rnn.lstm_sequence, lstm_inputs(T=1, N=1)[:-1])


def test_the_loss_of_a_later_change_of_outputs():
    # The outputs are the caller's: what the backward pass needs is kept apart from them.
    inputs = lstm_inputs()
    h, c = rnn.lstm_sequence(*inputs)
    expected = torch.autograd.grad(h.sum() + c.sum(), inputs)
    h, c = rnn.lstm_sequence(*inputs)
    total = h.sum() + c.sum()
    h.data.zero_(), c.data.zero_()
    close(torch.autograd.grad(total, inputs), expected)


def test_the_sequence_is_the_steps_one_after_another():
    x, h, c, W_x, W_h, b = inputs = lstm_inputs(T=6)
    found, cells, record = (*rnn.lstm_sequence(*inputs), [])
    for step in x:
        gates = rnn.lstm_step(step @ W_x.T + b, h @ W_h.T, c)
        h, c = gates.hidden, gates.cell
        record.append(gates)
    expected = torch.stack([step.hidden for step in record]), torch.stack([step.cell for step in record])
    close((found, cells), expected)
    close(gradients(found, cells, inputs), gradients(*expected, inputs))


def test_backward_twice_over_one_graph():
    inputs = lstm_inputs()
    h, _ = rnn.lstm_sequence(*inputs)
    once = torch.autograd.grad(h.sum(), inputs, retain_graph=True)
    close(torch.autograd.grad(h.sum(), inputs), once)


def test_second_derivatives_go_through_the_steps():
    model, _ = pair("LSTM", 2, 3)
    x = normal(4, 2, 2).requires_grad_()
    message = "lstm_sequence: create_graph is True; expected False, or the states of rnn.gates instead"
    with pytest.raises(ValueError, match=message):
        torch.autograd.grad(model(x)[0].sum(), x, create_graph=True)

    def hidden(x):
        return rnn.gates(model, x).hidden

    assert torch.autograd.gradgradcheck(hidden, x)


# --- gates ---


@checks
@given(kind=kinds, **sizes, num_layers=layers, batch_first=st.booleans(), padded=st.booleans(), data=st.data())
def test_gates_give_the_outputs(kind, D, H, T, N, padded, data, **kwargs):
    model, _ = pair(kind, D, H, **kwargs)
    x = normal(*((N, T, D) if kwargs["batch_first"] else (T, N, D)))
    lengths = data.draw(st.lists(st.integers(1, T), min_size=N, max_size=N)) if padded else None
    hx = first_state(kind, model, N)
    output, end = model(x, hx, lengths)
    output = output.transpose(0, 1) if model.batch_first else output
    found = rnn.gates(model, x, hx, lengths, layer=model.num_layers - 1)
    close(found.hidden, output)
    at = [T - 1] * N if lengths is None else [length - 1 for length in lengths]
    first = as_tuple(hx)[0][-1].unsqueeze(0)
    before = torch.cat([first, found.hidden[:-1]])
    mask = torch.arange(T).unsqueeze(1) <= torch.tensor(at)
    for part in found:
        assert part.shape == (T, N, H) and (part[~mask] == 0).all()
    if kind == "LSTM":
        cells = torch.cat([hx[1][-1].unsqueeze(0), found.cell[:-1]])
        close(found.cell[mask], (found.forget * cells + found.input * found.candidate)[mask])
        close(found.hidden[mask], (found.output * found.cell.tanh())[mask])
        close(torch.stack([found.cell[t, n] for n, t in enumerate(at)]), end[1][-1])
    if kind == "GRU":
        close(found.hidden[mask], ((1 - found.update) * found.candidate + found.update * before)[mask])
    if T > 0:
        close(torch.stack([found.hidden[t, n] for n, t in enumerate(at)]), as_tuple(end)[0][-1])


def test_gates_have_the_order_of_torch():
    # A bias of 100 on one block opens one gate and no other.
    orders = {"LSTM": ["input", "forget", "candidate", "output"], "GRU": ["reset", "update", "candidate"]}
    for kind, names in orders.items():
        for block, name in enumerate(names):
            model, _ = pair(kind, 2, 3)
            with torch.no_grad():
                model.bias_ih_l0[3 * block : 3 * block + 3] = 100.0
            found = rnn.gates(model, normal(4, 2, 2))
            for gate in names:
                assert (getattr(found, gate) > 0.999).all() == (gate == name), (kind, name, gate)


def test_gates_of_the_backward_direction():
    model, _ = pair("LSTM", 2, 3, 2, bidirectional=True)
    x, lengths = normal(5, 3, 2), [5, 2, 4]
    for given_lengths in (None, lengths):
        output, _ = model(x, lengths=given_lengths)
        close(rnn.gates(model, x, lengths=given_lengths, layer=1).hidden, output[..., :3])
        close(rnn.gates(model, x, lengths=given_lengths, layer=1, reverse=True).hidden, output[..., 3:])


def test_gates_of_a_layer_behind_dropout():
    model, _ = pair("GRU", 2, 3, 2, dropout=0.5)
    x = normal(5, 3, 2)
    model.generator = rng(4)
    output, _ = model(x)
    model.generator = rng(4)
    close(rnn.gates(model, x, layer=1).hidden, output)


def test_an_open_forget_gate_copies_cell_and_gradient():
    model, _ = pair("LSTM", 2, 3)
    with torch.no_grad():
        model.weight_hh_l0.zero_()
        model.bias_ih_l0[:3], model.bias_ih_l0[3:6] = -100.0, 100.0
    hx = (torch.zeros(1, 2, 3, **F64), normal(1, 2, 3).requires_grad_())
    output, (_, c) = model(normal(50, 2, 2), hx)
    close(c, hx[1])
    (gradient,) = torch.autograd.grad(c.sum(), hx[1])
    close(gradient, torch.ones_like(gradient))


# --- gradients by time lag ---


@checks
@given(kind=kinds, **sizes, num_layers=st.integers(1, 2), batch_first=st.booleans())
def test_lag_gradients_are_those_of_a_disturbed_state(kind, D, H, T, N, **kwargs):
    # The gradient at step t: continue from there, and differentiate by the state that is continued from.
    model, _ = pair(kind, D, H, **kwargs)
    x = normal(T, N, D)
    weights = normal(N, H, seed=5)
    last = (lambda h: h[:, -1]) if model.batch_first else (lambda h: h[-1])
    found = rnn.lag_gradients(model, x.transpose(0, 1) if model.batch_first else x, lambda h: (weights * last(h)).sum())
    assert (found.cell is None) == (kind != "LSTM")
    below = rnn.gates(model, x.transpose(0, 1) if model.batch_first else x, layer=0).hidden
    top, _ = pair(kind, H if model.num_layers > 1 else D, H)
    top.load_state_dict({f"{name}_l0": p for name, p in model.weights(model.num_layers - 1)._asdict().items()})
    x = below.detach() if model.num_layers > 1 else x
    for t in range(T):
        _, hx = top(x[: t + 1])
        parts = [part.detach().requires_grad_() for part in as_tuple(hx)]
        rest = parts[0] if t == T - 1 else top(x[t + 1 :], tuple(parts) if kind == "LSTM" else parts[0])[0][-1:]
        expected = torch.autograd.grad((weights * rest[0]).sum(), parts, materialize_grads=True, allow_unused=True)
        close(found.hidden[t], expected[0][0].norm(dim=1))
        if kind == "LSTM":  # the cell acts later by itself, and through the hidden state that is read from it
            reads = rnn.gates(top, x[: t + 1]).output[t] * (1 - parts[1][0].tanh() ** 2)
            close(found.cell[t], (expected[1][0] + expected[0][0] * reads).norm(dim=1))


def test_lag_gradients_leave_the_model_alone():
    model, _ = pair("LSTM", 2, 3)
    for p in model.parameters():
        p.requires_grad_(False)
    x = normal(5, 3, 2)
    with torch.no_grad():
        found = rnn.lag_gradients(model, x, lambda h: h[-1].sum())
    assert found.hidden.shape == found.cell.shape == (5, 3) and (found.hidden > 0).all() and not x.requires_grad
    assert all(p.grad is None for p in model.parameters()) and not found.hidden.requires_grad
    early = rnn.lag_gradients(model, x, lambda h: h[1].sum())
    assert (early.hidden[2:] == 0).all() and (early.cell[2:] == 0).all() and (early.hidden[:2] > 0).all()
    padded = rnn.lag_gradients(model, x, lambda h: h.sum(), lengths=[5, 2, 1])
    assert (padded.hidden[2:, 1] == 0).all() and (padded.hidden[:2, 1] > 0).all() and (padded.hidden[:, 0] > 0).all()
    hx = first_state("LSTM", model, 3)
    assert not torch.equal(rnn.lag_gradients(model, x, lambda h: h[-1].sum(), hx).hidden, found.hidden)


def test_lag_gradients_bad_arguments():
    model, x = rnn.GRU(2, 3), torch.randn(4, 2, 2)
    with pytest.raises(ValueError, match=re.escape("lag_gradients: the loss has shape (2, 3); expected a 0-d tensor")):
        rnn.lag_gradients(model, x, lambda h: h[-1])
    with pytest.raises(ValueError, match="lag_gradients: the loss does not depend on the outputs; expected one"):
        rnn.lag_gradients(model, x, lambda h: torch.tensor(1.0))
    with pytest.raises(ValueError, match="lag_gradients: the model has two directions; expected one"):
        rnn.lag_gradients(rnn.GRU(2, 3, bidirectional=True), x, torch.sum)
    with pytest.raises(ValueError, match=re.escape("lag_gradients: model is a Linear; expected an RNN, LSTM or GRU")):
        rnn.lag_gradients(torch.nn.Linear(2, 3), x, torch.sum)


# --- the forget gate's bias ---


def test_forget_bias():
    model = torch.nn.Sequential(rnn.LSTM(2, 3, 2, bidirectional=True, generator=rng(), **F64))
    before = copy.deepcopy(model.state_dict())
    assert rnn.forget_bias_(model, 1.5) is model
    for name, p in model.state_dict().items():
        if "bias" in name:
            expected = before[name].clone()
            expected[3:6] = 1.5 if "bias_ih" in name else 0.0
            assert torch.equal(p, expected)
        else:
            assert torch.equal(p, before[name])
    assert all(p.requires_grad for p in model.parameters())
    with pytest.raises(ValueError, match="forget_bias_: value is inf; expected a finite number"):
        rnn.forget_bias_(model, math.inf)
    for other in (rnn.GRU(2, 3), rnn.LSTM(2, 3, bias=False)):
        name = type(other).__name__
        with pytest.raises(ValueError, match=f"forget_bias_: {name} has no LSTM with a bias; expected at least one"):
            rnn.forget_bias_(other, 1.0)


# --- what is refused ---


def test_errors_are_in_the_name_of_the_class():
    class Mine(rnn.LSTM):
        pass

    class MyCell(rnn.RNNCell):
        pass

    refuses("Mine: hidden_size is 0; expected an integer of at least 1", Mine, 3, 0)
    refuses("MyCell: nonlinearity is 'elu'; expected 'tanh' or 'relu'", MyCell, 3, 4, nonlinearity="elu")
    refuses("MyCell: bias is 1; expected True or False", MyCell, 3, 4, 1)
    refuses("Mine: input has shape (2, 3); expected (T, N, 3)", Mine(3, 4), torch.zeros(2, 3))


def test_bad_steps():
    z, h = torch.zeros(2, 12), torch.zeros(2, 3)
    expected = "expected from_input (N, K), from_hidden (N, K) and "
    message = f"lstm_step: from_input has shape (2, 12), from_hidden (2, 12) and cell (1, 3); {expected}cell (N, H)"
    refuses(message, rnn.lstm_step, z, z, h[:1])
    message = f"gru_step: from_input has shape (2, 12), from_hidden (12,) and hidden (2, 3); {expected}hidden (N, H)"
    refuses(message, rnn.gru_step, z, z[0], h)
    refuses("rnn_step: from_input has shape (2, 3) and from_hidden (1, 3); expected", rnn.rnn_step, h, h[:1])
    x, W, message = (
        torch.zeros(5, 2, 4),
        torch.zeros(12, 4),
        "lstm_sequence: x has shape (5, 2, 4), h (3, 3), c (2, 3), ",
    )
    refuses(message, rnn.lstm_sequence, x, torch.zeros(3, 3), h, W, W[:, :3])


def refuses(message, function, *args, **kwargs):
    with pytest.raises(ValueError, match="^" + re.escape(message)):
        function(*args, **kwargs)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [0, -1, 2.0, True, None])
def test_bad_sizes(kind, size):
    ours, cell = KINDS[kind][0], CELLS[kind][0]
    expected = f"is {size!r}; expected an integer of at least 1"
    refuses(f"{kind}: input_size {expected}", ours, size, 3)
    refuses(f"{kind}: hidden_size {expected}", ours, 3, size)
    refuses(f"{kind}: num_layers {expected}", ours, 3, 4, size)
    refuses(f"{kind}Cell: input_size {expected}", cell, size, 3)
    refuses(f"{kind}Cell: hidden_size {expected}", cell, 3, size)


@pytest.mark.parametrize("kind", KINDS)
def test_bad_settings(kind):
    refuses(f"{kind}: dropout is 1; expected a number from 0 to below 1", KINDS[kind][0], 3, 4, dropout=1)
    for name, function in (("RNN", rnn.RNN), ("RNNCell", rnn.RNNCell)):
        refuses(f"{name}: nonlinearity is 'elu'; expected 'tanh' or 'relu'", function, 3, 4, nonlinearity="elu")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", [(0, 2, 3), (5, 0, 3), (5, 2, 4), (5, 3), (3,), (5, 2, 3, 1)])
def test_bad_sequences(kind, shape):
    x, ours = torch.zeros(shape), KINDS[kind][0]
    for flag, form in ((False, "(T, N, 3)"), (True, "(N, T, 3)")):
        message = f"{kind}: input has shape {shape}; expected {form} with T and N of at least 1"
        refuses(message, ours(3, 4, batch_first=flag), x)
        refuses(message, rnn.gates, ours(3, 4, batch_first=flag), x)


@pytest.mark.parametrize("kind", KINDS)
def test_bad_dtypes(kind):
    model, cell, x = KINDS[kind][0](3, 4), CELLS[kind][0](3, 4), torch.zeros(5, 2, 3)
    message = f"{kind}: input is torch.float64 and the weights are torch.float32; expected the same dtype for both"
    refuses(message, model, x.double())
    state, part = torch.zeros(1, 2, 4), "h" if kind == "LSTM" else "hx"
    hx = (state.double(), state) if kind == "LSTM" else state.double()
    refuses(
        f"{kind}: {part} is torch.float64 and input is torch.float32; expected the same dtype for both", model, x, hx
    )
    both = "torch.float32; expected the same dtype for both"
    refuses(f"{kind}Cell: input is torch.float64 and the weights are {both}", cell, x[0].double())
    hx = (state[0].double(), state[0]) if kind == "LSTM" else state[0].double()
    refuses(f"{kind}Cell: {part} is torch.float64 and input is {both}", cell, x[0], hx)


def test_integers_in_mixed_precision():
    with torch.autocast("cpu", torch.bfloat16):
        refuses(
            "RNN: input is torch.int64 and the weights are torch.float32", rnn.RNN(3, 4), torch.zeros(5, 2, 3).long()
        )


@pytest.mark.parametrize("kind", KINDS)
def test_bad_devices(kind):
    model, cell, x = KINDS[kind][0](3, 4), CELLS[kind][0](3, 4), torch.zeros(5, 2, 3)
    refuses(f"{kind}: input is on meta and the weights on cpu; expected one device for both", model, x.to("meta"))
    refuses(f"{kind}Cell: input is on meta and the weights on cpu; expected one device for both", cell, x[0].to("meta"))
    state, part = torch.zeros(1, 2, 4), "c" if kind == "LSTM" else "hx"
    hx = (state, state.to("meta")) if kind == "LSTM" else state.to("meta")
    refuses(f"{kind}: {part} is on meta and input on cpu; expected one device for both", model, x, hx)
    hx = (state[0], state[0].to("meta")) if kind == "LSTM" else state[0].to("meta")
    refuses(f"{kind}Cell: {part} is on meta and input on cpu; expected one device for both", cell, x[0], hx)


@pytest.mark.parametrize("kind", ["RNN", "GRU"])
@pytest.mark.parametrize("shape", [(2, 4), (1, 2, 5), (1, 3, 4), (3, 2, 4)])
def test_bad_states(kind, shape):
    expected = "expected hx (2, 2, 4): layers times directions, N, hidden size"
    message = f"{kind}: hx has shape {shape} and the steps of input (2, 3); {expected}"
    model, x = KINDS[kind][0](3, 4, bidirectional=True), torch.zeros(5, 2, 3)
    refuses(message, model, x, torch.zeros(shape))
    refuses(f"{kind}: hx is a tuple; expected a tensor (2, 2, 4)", model, x, (torch.zeros(2, 2, 4),))
    cell = CELLS[kind][0](3, 4)
    message = f"{kind}Cell: hx has shape (2, 5) and input (2, 3); expected hx (2, 4): N, hidden size"
    refuses(message, cell, x[0], torch.zeros(2, 5))


def test_bad_states_of_an_lstm():
    model, x, good = rnn.LSTM(3, 4, 2), torch.zeros(5, 2, 3), torch.zeros(2, 2, 4)
    refuses("LSTM: hx is a tensor (2, 2, 4); expected a pair (h, c), (2, 2, 4) each", model, x, good)
    refuses("LSTM: hx is 3 parts; expected a pair (h, c), (2, 2, 4) each", model, x, (good, good, good))
    refuses("LSTM: hx is a int; expected a pair (h, c), (2, 2, 4) each", model, x, 3)
    refuses("LSTM: c is a NoneType; expected a tensor (2, 2, 4)", model, x, (good, None))
    for name, hx in (("h", (good[:1], good)), ("c", (good, good[:1]))):
        refuses(
            f"LSTM: {name} has shape (1, 2, 4) and the steps of input (2, 3); expected {name} (2, 2, 4)", model, x, hx
        )
    cell = rnn.LSTMCell(3, 4)
    for name, hx in (("h", (good[0, :, :3], good[0])), ("c", (good[0], good[0, :, :3]))):
        refuses(f"LSTMCell: {name} has shape (2, 3) and input (2, 3); expected {name} (2, 4)", cell, x[0], hx)
    refuses("LSTMCell: hx is a tensor (2, 4); expected a pair (h, c), (2, 4) each", cell, x[0], good[0])
    refuses("LSTMCell: hx is 1 part; expected a pair (h, c), (2, 4) each", cell, x[0], [good[0]])
    for shape in ((2, 4), (3,), (2, 2, 3)):
        refuses(f"LSTMCell: input has shape {shape}; expected (N, 3)", cell, torch.zeros(shape))


def test_bad_lengths():
    model, x = rnn.RNN(3, 4), torch.zeros(5, 2, 3)
    refuses("RNN: lengths have shape (3,) and dtype torch.int64; expected (2,) integers", model, x, lengths=[1, 2, 3])
    refuses("RNN: lengths have shape () and dtype torch.int64; expected (2,) integers", model, x, lengths=3)
    for wrong, dtype in (([1.0, 2.0], "float32"), ([True, True], "bool")):
        message = f"RNN: lengths have shape (2,) and dtype torch.{dtype}; expected (2,) integers"
        refuses(message, model, x, lengths=wrong)
    for wrong in ("ab", [1, None], [[1], 2]):
        refuses(f"RNN: lengths are {wrong!r}; expected (2,) integers", model, x, lengths=wrong)
    for wrong in (0, 6, -1):
        refuses(f"RNN: lengths[1] is {wrong}; expected an integer from 1 to T = 5", model, x, lengths=[5, wrong])


def test_bad_layers():
    model, x = rnn.LSTM(3, 4, 2), torch.zeros(5, 2, 3)
    for layer in (2, -1, True, 0.5):
        refuses(f"gates: layer is {layer!r}; expected an integer from 0 to 1", rnn.gates, model, x, layer=layer)
    refuses("gates: reverse is True; expected False, as the model has one direction", rnn.gates, model, x, reverse=True)
    refuses("gates: model is a LSTM; expected an RNN, LSTM or GRU", rnn.gates, torch.nn.LSTM(3, 4), x)
    with pytest.raises(NotImplementedError, match="Recurrent has no step of its own"):
        rnn.Recurrent.step(torch.nn.Module.__new__(rnn.Recurrent), x, x, [x])


@pytest.mark.parametrize("kind", ["RNN", "LSTM", "GRU"])
def test_dropout_with_one_layer_warns_as_torchs(kind):
    make = getattr(rnn, kind)
    with pytest.warns(UserWarning, match="dropout") as torchs:
        getattr(torch.nn, kind)(2, 3, dropout=0.9)
    with pytest.warns(UserWarning, match=f"^{kind}: dropout is 0.9 and num_layers 1, so nothing is dropped") as caught:
        make(2, 3, dropout=0.9)
    assert len(caught) == len(torchs) == 1 and caught[0].filename == __file__  # it points at the call
    make(2, 3, 2, dropout=0.9), make(2, 3)  # no warning, which would be an error here
