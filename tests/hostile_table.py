"""What hostile calls are made of: the words of their source, ordinary arguments by name, and hostile ones by kind.

A public function whose ordinary arguments cannot be found makes tests/library/test_hostile.py fail: say in ORDINARY
what a parameter of that name may be. The entries are source text; the first with which the call runs is taken.
"""

import copy
import importlib
import math as math  # a word of calls, as operator is
import operator as operator
import pickle
import tempfile

import matplotlib.pyplot as plt
import numpy as np
import torch
from torch import Tensor, nn

import nndl_lib
from nndl_lib import autograd
from tests.public_names import current

NAMES = current()
MODULES = {name: importlib.import_module(name) for name in sorted(NAMES, key=lambda name: (name.count("."), name))}
LEAVES, MADE, FOLDER = [], [], tempfile.TemporaryDirectory()

# --- The words of calls ---


def G():
    return torch.Generator().manual_seed(0)


def rand(*shape):
    return torch.rand(*shape, generator=G())


def labels(N, K=4):
    return torch.arange(N) % K


def array(*shape):
    return rand(*shape).double().numpy()


def leaf(x):
    """x times 1 of a leaf whose gradient is looked at afterwards."""
    LEAVES.append(x.detach().clone().requires_grad_() if isinstance(x, Tensor) else autograd.Tensor(np.array(x), True))
    return LEAVES[-1] * 1.0


def torch_array(*shape):
    return rand(*shape).double()


def model():
    """A network with a part in evaluation mode, as someone leaves it who freezes its statistics."""
    network = nndl_lib.nn.MLP([4, 4, 4], generator=G())
    network.append(nn.BatchNorm1d(4).eval())
    MADE.append(network)
    return network


def loss(output, target=None, reduction="mean"):
    return (output if target is None else output - target.reshape(-1, 1)).square().mean()


def energy(x):
    return x.square().sum()


def descended(parameter):
    cost = energy(parameter)
    cost.backward()
    return cost


def draw(k):
    figure = plt.figure(figsize=(1, 1))
    figure.subplots().plot([0, k])
    return figure


def saved(owner=None):
    path = FOLDER.name + "/saved.pt"
    owner.save(path) if owner else nndl_lib.training.checkpoint.save({"a": rand(2)}, path)
    return path


def strided(x):
    """The same values, every second entry of a larger memory."""
    return torch.stack([x, x], dim=-1)[..., 0]


def turned(x):
    """The same values, axes stored in another order."""
    return x.transpose(0, -1).contiguous().transpose(0, -1)


def spread(x):
    """The first row, expanded: all rows share its memory."""
    return x[:1].expand(x.shape)


def holding(x, value):
    """x with one entry of this value."""
    return torch.cat([torch.full_like(x.flatten()[:1], value), x.flatten()[1:]]).reshape(x.shape)


def cast(value, dtype):
    """Tensors, modules, and those of a list or tuple, as floats of another dtype; integers as they are."""
    if isinstance(value, (list, tuple)):
        parts = [cast(part, dtype) for part in value]
        return type(value)(*parts) if hasattr(value, "_fields") else type(value)(parts)
    return (
        value.to(dtype)
        if isinstance(value, nn.Module) or isinstance(value, Tensor) and value.is_floating_point()
        else value
    )


def mapped(value, change):
    """Arrays, and those of tensors, changed."""
    if not hasattr(value, "requires_grad"):
        return change(value)
    changed = change(value.detach().numpy())
    changed = torch.tensor(changed) if isinstance(value, Tensor) else changed
    return leaf(changed) if value.requires_grad and LEAVES.pop() is not None else changed


def pickled(thing):
    return pickle.loads(pickle.dumps(thing))


def twice(function, *args, **given):
    """The result of a second call, after one with copies of networks, which must have left all else as it was."""
    looked_at = (Tensor, np.ndarray, list, dict)
    before = {name: copy.deepcopy(value) for name, value in given.items() if isinstance(value, looked_at)}
    function(
        *args,
        **{
            name: G()
            if isinstance(value, torch.Generator)
            else copy.deepcopy(value)
            if isinstance(value, nn.Module)
            else value
            for name, value in given.items()
        },
    )
    for name, value in before.items():
        arrays = isinstance(value, (Tensor, np.ndarray))
        as_it_was = (
            torch.equal(*map(torch.as_tensor, (given[name], value))) if arrays else str(given[name]) == str(value)
        )
        assert as_it_was, f"the call changed its argument {name}"
    return function(*args, **given)


def added(y):
    """A result to which its owner adds 1 in place, before it is differentiated."""
    first = next(part for part in (y if isinstance(y, (tuple, list)) else [y]) if hasattr(part, "requires_grad"))
    first += 1
    return y


def plus(y):
    """The same with a new tensor."""
    if isinstance(y, (tuple, list)):
        first = next(i for i, part in enumerate(y) if hasattr(part, "requires_grad"))
        parts = [part + 1 if i == first else part for i, part in enumerate(y)]
        return type(y)(*parts) if hasattr(y, "_fields") else type(y)(parts)
    return y + 1


def overwritten(y):
    """A result whose first row its owner overwrites, before it is differentiated."""
    first = next(part for part in (y if isinstance(y, (tuple, list)) else [y]) if hasattr(part, "requires_grad"))
    first[0 if first.ndim else ...] = 3.0
    return y


def alike(theirs, ours):
    """A layer of torch's with the parameters of ours."""
    theirs.load_state_dict(ours.state_dict())
    return theirs


# --- The table of ordinary arguments: by name, by type, by function and name ---

X, IMAGES, LAYER = "rand(4, 4)", "rand(4, 4, 8, 8)", "nndl_lib.nn.Linear(4, 4, generator=G())"
CHARACTERS = "nndl_lib.text.CharacterModel(4, generator=G())"
LSTM, NODE = "nndl_lib.rnn.LSTM(4, 4, generator=G())", "leaf(array(4, 4))"
ORDINARY = {
    "input x X z Z tensor values images H": [X, IMAGES, "rand(5, 4, 4)", "rand(4)", "rand(2, 4, 32, 32)"],
    "target t": ["labels(4)", X, "rand(4)"],
    "weight w W": ["rand(4)", X, "rand(4, 4, 3, 3)"],
    "g bias running_mean running_var mean": ["rand(4)"],
    "boxes boxes1 boxes2": ["(rand(4, 4) + torch.tensor([0.0, 0.0, 1.0, 1.0]))"],
    "scores": ["rand(4)"],
    "ids": ["labels(200, 96)", "labels(8, 96).reshape(2, 4)"],
    "ngrams": ["labels(8).reshape(4, 2)"],
    "prompt": ["labels(5)"],
    "lengths": ["torch.tensor([5, 4, 2, 1])"],
    "mask": ["torch.ones(4, 4)"],
    "penalize": ["torch.ones(4)"],
    "hx h c hidden cell state": [
        X,
        "rand(1, 4, 4)",
        "(rand(4, 4), rand(4, 4))",
        "(rand(1, 4, 4), rand(1, 4, 4))",
        "{'a': 1}",
    ],
    "from_input from_hidden": ["rand(4, 4)", "rand(4, 12)", "rand(4, 16)"],
    "weight_ih weight_hh": ["rand(16, 4)"],
    "kernel_size size kernel": ["2", "(4, 4)"],
    "padding": ["0", "1"],
    "stride dilation groups step_size world_size": ["1"],
    "rank layer step start": ["0"],
    "k order lag T T_max total_iters n num_layers seed length streams": ["2"],
    "epochs steps batch_size patience degree M N D": ["2"],
    "in_features out_features features in_channels out_channels channels": ["4"],
    "num_features num_classes input_size hidden_size embedding_size growth width inputs outputs depth": ["4"],
    "normalized_shape": ["(4,)"],
    "input_shape": ["(4, 4)"],
    "sizes": ["[4, 4]"],
    "dim axis": ["1", "0"],
    "degrees down right": ["1.0"],
    "factor val value gain": ["2.0"],
    "reduction": ["'sum'"],
    "nonlinearity": ["'tanh'", "'relu'"],
    "text": ["'words'"],
    "names": ["['a', 'b', 'c', 'd']"],
    "fractions": ["(0.5, 0.5)"],
    "tensors": ["rand(4, 4), labels(4)", "[rand(4, 4), rand(4, 4)]"],
    "models": [f"[{LAYER}, {LAYER}]"],
    "params parameters": ["[nn.Parameter(rand(4))]"],
    "model module network block": ["model()", LAYER],
    "centers": ["[[0.0, 0.0], [1.0, 1.0]]"],
    "loss cost": ["loss", "energy"],
    "f": ["energy"],
    "scheme": ["nndl_lib.nn.init.xavier_normal_"],
    "then schedule": ["nndl_lib.optim.schedules.constant"],
    "closure": ["lambda: descended(p)"],
    "activation": ["nndl_lib.nn.ReLU"],
    "loader validation batch": ["[(rand(4, 4), labels(4))]", "(rand(4, 4), labels(4))"],
    "ax": ["plt.figure().subplots()"],
    "path": ["FOLDER.name + '/new.pt'"],
    "state_dict": ["{owner}.state_dict()"],
    "group": ["{'params': [nn.Parameter(rand(4))]}"],
    "device": ["torch.device('cpu')"],
    "dtype": ["torch.float64"],
    "draw": ["draw"],
    "now": ["['a']"],
    # by type
    "Tensor": [X, "rand(4)"],
    "Generator": ["G()"],
    "int": ["2"],
    "float": ["0.5"],
    "bool": ["True"],
    "str": ["'a'"],
    "Callable": ["torch.square"],
    # by module or function; those of functions are always given
    "autograd.a autograd.b autograd.z autograd.other": [NODE],
    "autograd.end trace.end": ["leaf(array(1))"],
    "autograd.gradient": ["array(4, 4)", "array(1)"],
    "autograd.tensors": [f"[{NODE}, {NODE}]"],
    "autograd.target": ["labels(4).numpy()"],
    "autograd.condition": ["array(4, 4) > 0.5"],
    "autograd.data": ["array(4, 4)"],
    "__ipow__.other": ["2.0"],
    "autograd.index": ["1"],
    "autograd.value autograd.exponent": ["2.0"],
    "reshape.shape": ["2, 8"],
    "digit_canvases.X": ["rand(4, 1, 8, 8)"],
    "digit_canvases.side": ["16"],
    "digit_canvases.most": ["2"],
    "roi_align.boxes": ["torch.cat([torch.zeros(4, 1), rand(4, 2), 2 + rand(4, 2)], dim=1)"],
    "roi_align.output_size": ["2", "(2, 2)"],
    "conv2d_loops.input": ["rand(2, 4, 4, 4)"],
    "padding_sizes.kernel_size": ["(2, 2)"],
    "image_grid.images": ["rand(4, 8, 8)"],
    "padding_sizes.stride padding_sizes.dilation": ["(1, 1)"],
    "check_gradients.x numerical_gradient.x": ["rand(4, 4).double()"],
    "check_gradients.gradient": ["2 * rand(4, 4).double()"],
    "two_loop.steps two_loop.changes": ["[rand(4)]"],
    "train.lr train_ensemble.lr": ["0.1"],
    "LBFGS.params": ["[(p := nn.Parameter(rand(4)))]"],
    "train_ensemble.ensemble": [f"nndl_lib.training.Ensemble([{LAYER}, {LAYER}])"],
    "train_ensemble.loss": ["nndl_lib.functional.cross_entropy"],
    "receptive_field.layers": ["[nndl_lib.nn.Conv2d(4, 4, 3, generator=G())]"],
    "DenseNet.layers": ["[1, 1]"],
    "DenseNet.in_channels LeNet.in_channels ResNet.in_channels ResNet.channels": ["4"],
    "DenseNet.small LeNet.small ResNet.small": ["True"],
    "ResNet.block": ["nndl_lib.models.BasicBlock"],
    "ResNet.layers": ["[1]"],
    "ResNeXtBlock.cardinality": ["2"],
    "ResNeXtBlock.base_width": ["64"],
    "decision_regions.X layer_space.H": ["rand(4, 2)"],
    "decision_regions.predict": ["lambda x: (x[:, 0] > 0.5).long()"],
    "decision_regions.t layer_space.t": ["labels(4, 2)"],
    "fit.predict": ["torch.square"],
    "fit.x": ["rand(4)"],
    "fit.t": ["rand(4)"],
    "cost_contours.cost": ["lambda w, b: w + b"],
    "cost_contours.horizontal cost_contours.vertical": ["(0.0, 1.0)"],
    "curves.series": ["{'a': rand(4)}"],
    "confusion_matrix.counts": ["rand(4, 4)"],
    "draw_graph.places": ["{'a': (0.0, 0.0), 'b': (1.0, 0.0)}"],
    "draw_graph.arrows lay_out.arrows": ["[('a', 'b')]"],
    "record.X": [X],
    "record.tensors": ["True"],
    "make_line.w": ["0.5"],
    "step.value": ["0.5"],
    "max_norm_.c": ["0.5"],
    "max_norm_.weight": [X],
    "forget_bias_.model gates.model lag_gradients.model": [LSTM],
    "gates.x lag_gradients.x": ["rand(5, 4, 4)"],
    "lag_gradients.loss": ["energy"],
    "bits_per_character.model sample.model": [CHARACTERS],
    "Trainer.model": ["(m := model())"],
    "Trainer.optimizer": ["nndl_lib.optim.SGD(m.parameters(), lr=0.1)"],
    "Trainer.device": ["'cpu'"],
    "Trainer.progress": ["False"],
    "load.path": ["saved({owner})"],
    "static_html.axes explore.axes": ["k=[1, 2]"],
    "set_random_state.state": ["nndl_lib.training.checkpoint.random_state()"],
    "critical_learning_rate.X": [X],
    "weight_norm.name": ["'weight'"],
    "rnn_step.from_hidden": [X],
    "gru_step.from_input gru_step.from_hidden": ["rand(4, 12)"],
    "lstm_step.from_input lstm_step.from_hidden": ["rand(4, 16)"],
    "weight_norm.module Dense.block Residual.block Residual.shortcut": [LAYER],
    "lstm_sequence.x": ["rand(5, 4, 4)"],
    "until.x at_end.x reverse.x": ["rand(5, 4, 4)"],
    "RNN.options RNNCell.options initialize.options": ["generator=G()"],
    "log_softmax.axis": ["-1"],
    "save.state": ["{'a': rand(4)}"],
    "delayed_copy.lag": ["1"],
    "windows.batch": ["2"],
    "optim.state": ["{}"],
    "Highway.norm deep_mlp.norm": ["nndl_lib.nn.BatchNorm1d"],
}
TABLE = {name: choices for names, choices in ORDINARY.items() for name in names.split()}
# Objects whose methods want more of them than that they were made.
OWNERS = {
    "nndl_lib.autograd.Tensor": [
        NODE,
        "leaf(array(1))",
        "autograd.Tensor(array(4, 4))",
        "autograd.Tensor(np.array(1))",
    ],
    "nndl_lib.text.NGram": ["nndl_lib.text.NGram(order=2).fit(labels(200, 96))"],
    "nndl_lib.training.EarlyStopping": ["[s := nndl_lib.training.EarlyStopping(2), s.step(0.5, model())][0]"],
}
TRAINERS = "the parts of a trainer, which checks what they are given"
INSIDE = "steps inside a layer, which checks what they are given"
OUTSIDE = {  # who is not called, and why
    "nndl_lib.checks": "exercises and their checks: wrong answers are tried in tests/wrong_answers",
    "nndl_lib.compatibility": "versions of Python and torch",
    "nndl_lib.data.mnist": "the network",
    "nndl_lib.interactive.draw_digit": "JavaScript",
    "nndl_lib.interactive.playground": "JavaScript",
    "nndl_lib.interactive.explore": "shows what static_html returns",
    "nndl_lib.training.processes": "several processes",
    "nndl_lib.models.AlexNet": "a second a call; made of layers that are tried",
    "nndl_lib.optim.Optimizer": "abstract; the base of those in optim",
    "nndl_lib.rnn.Recurrent": "abstract; the base of RNN, LSTM and GRU",
    "nndl_lib.training.Callback": TRAINERS,
    "nndl_lib.training.ProgressBar.*": TRAINERS,
    "nndl_lib.autograd.Node": "the graph inside its tensors",
    "nndl_lib.optim.LBFGS.add_param_group": "there is one group",
    **{
        f"nndl_lib.rnn.{layer}.{step}": INSIDE
        for layer in ("RNN", "LSTM", "GRU")
        for step in ("weights", "flatten_parameters", "sequence", "step")
    },
}

# --- The table of hostile arguments: by kind of the ordinary one, {}, what is given, and what gives the same result ---
# "" where nothing does, "any" where torch alone says what is right, "=" where an error is no answer.

WRONG = {"None": ("None", ""), "string": ("'ab'", "")}
LAYOUTS = {
    "strided": ("strided({})", "={}"),
    "turned": ("turned({})", "={}"),
    "expanded": ("spread({})", "=spread({}).clone()"),
}
HALF = {  # all tensors and networks of a call, and what is done to the result of the ordinary form
    name + large: (
        f"cast({{}}, torch.{name})",
        f"cast(cast({{}}, torch.{name}), torch.float32)",
        f"cast({{}}, torch.{name})",
    )
    for name in ("float16", "bfloat16")
    for large in ("", " large")
}
DTYPES = {
    name: (f"mapped({{}}, lambda a: a.astype(np.{name}))", f"mapped({{}}, lambda a: 1.0 * a.astype(np.{name}))")
    for name in ("float16", "float32")
}
EDGES = {
    value: (f"mapped({{}}, lambda a: np.full_like(a, {value}))", "any")
    for value in ("np.nan", "np.inf", "-np.inf", "1e30", "-1e3", "0.0")
}
HOSTILE = {
    "tensor": HALF
    | LAYOUTS
    | WRONG
    | {
        "list": ("{}.tolist()", "{}"),
        "ndarray": ("{}.numpy()", "{}"),
        "float": ("0.5", ""),
        "integer": ("({} * 9).long()", "({} * 9).long().float()"),
        "bool": ("({} > 0.5)", "({} > 0.5).float()"),
        "complex": ("{}.cfloat()", "{}"),
        "float64": ("{}.double()", "{}"),
        "requires_grad": ("leaf({})", "={}"),
        "0-d": ("{}.flatten()[0]", "{}.flatten()[:1]"),
        "empty": ("{}[:0]", ""),
        "meta": ("{}.to('meta')", ""),
        "nan": ("holding({}, math.nan)", "{}"),
        "all nan": ("{} * math.nan", ""),
        "inf": ("holding({}, math.inf)", "holding({}, 1e30)"),
        "-inf": ("holding({}, -math.inf)", "holding({}, -1e30)"),
    },
    "labels": LAYOUTS
    | WRONG
    | {
        "list": ("{}.tolist()", "{}"),
        "ndarray": ("{}.numpy()", "{}"),
        "floats": ("{}.float()", "{}"),
        "int32": ("{}.int()", "{}"),
        "uint8": ("{}.byte()", "{}"),
        "bool": ("({} > 0)", "({} > 0).long()"),
        "negative": ("{} - 1", ""),
        "too large": ("{} + 1000", ""),
        "empty": ("{}[:0]", ""),
        "0-d": ("{}.flatten()[0]", "{}.flatten()[:1]"),
        "meta": ("{}.to('meta')", ""),
    },
    "array": DTYPES
    | EDGES
    | WRONG
    | {
        "list": ("mapped({}, np.ndarray.tolist)", "{}"),
        "turned": ("mapped({}, lambda a: np.asfortranarray(a))", "={}"),
        "integer": ("mapped({}, lambda a: (9 * a).astype(int))", "mapped({}, lambda a: np.floor(9 * a))"),
        "bool": ("mapped({}, lambda a: a > 0.5)", "mapped({}, lambda a: 1.0 * (a > 0.5))"),
        "complex": ("mapped({}, lambda a: a + 0j)", "{}"),
        "negative": ("mapped({}, lambda a: -a)", "any"),
        "empty": ("mapped({}, lambda a: a[:0])", "any"),
        "0-d": ("mapped({}, lambda a: a.flatten()[0])", "any"),
        "tensor": ("torch.ones(4, 4)", "any"),
    },
    "count": WRONG
    | {
        "True": ("True", ""),
        "2.5": ("2.5", ""),
        "float": ("{}.0", "{}"),
        "digits": ("'3'", ""),
        "list": ("[{}, {}, {}]", ""),
        "np.int64": ("np.int64({})", "={}"),
        "tensor": ("torch.tensor({})", "{}"),
        "negative": ("-17", ""),
        "nan": ("math.nan", ""),
    },
    "number": WRONG
    | {
        "True": ("True", "1.0"),
        "list": ("[{}]", "{}"),
        "nan": ("math.nan", ""),
        "np.float64": ("np.float64({})", "={}"),
        "tensor": ("torch.tensor({})", "{}"),
        "complex": ("{} + 1j", ""),
    },
    "flag": WRONG
    | {
        "'False'": ("'False'", ""),
        "2": ("2", ""),
        "0": ("0", "False"),
        "tensor": ("torch.ones(2)", ""),
        "np.bool": ("np.bool_({})", "={}"),
    },
    "function": WRONG | {"float": ("0.1", "")},
    "generator": WRONG
    | {"int": ("0", ""), "NumPy's": ("np.random.default_rng(0)", ""), "class": ("torch.Generator", "")},
    "word": WRONG | {"int": ("3", ""), "bytes": ("b'sum'", ""), "list": ("[{}]", "")},
    "module": WRONG | {"class": ("nn.Linear", ""), "list": ("[{}]", "")},
    "dtype": {
        "string": ("'float32'", ""),
        "NumPy's": ("np.float32", ""),
        "integer": ("torch.int64", ""),
        "int": ("3", ""),
    },
    "device": {"unknown": ("'none'", ""), "float": ("0.5", "")},
    "tensors": WRONG
    | {
        "lists": ("list(map(torch.Tensor.tolist, {}))", "{}"),
        "arrays": ("list(map(torch.Tensor.numpy, map(torch.Tensor.detach, {})))", "{}"),
        "strided": ("list(map(strided, {}))", "{}"),
        "none": ("[]", ""),
    },
    "numbers": WRONG
    | {
        "list": ("list({})", "{}"),
        "one": ("{}[:1]", ""),
        "strings": ("tuple(map(str, {}))", ""),
        "float": ("0.5", ""),
    },
    "other": WRONG | {"float": ("0.5", "")},
    "text": {},
}
FREE = (
    "xlabel",
    "ylabel",
    "label",
    "goal",
    "alt",
    "caller",
    "what",
    "text",
    "index",
    "path",
    "checkpoint",
)  # any word is right

# Behavior that is meant: a pattern of `subject: parameter: kind`, and the reason. What is not needed makes a test fail.
DRAWN = "numbers are drawn in the order of the memory, and for each dtype others, as torch draws them"
LATER = "a pass over the text for each batch of it; the model that gets the batch checks its range"
EXCEPTIONS = {
    "nndl_lib.functional.dropout: input: turned": DRAWN,
    "nndl_lib.nn.Dropout.forward: *: turned": DRAWN,
    "nndl_lib.nn.init.unit_directions_: tensor: strided": DRAWN,
    "nndl_lib.nn.init.unit_directions_: tensor: turned": DRAWN,
    "nndl_lib.nn.init.unit_directions_: tensor: float64": DRAWN,
    "nndl_lib.data.augmentation.pca_color: images: float64": DRAWN,
    "nndl_lib.nn.init.unit_directions_: tensor: all nan": "what was in the tensor does not count",
    "nndl_lib.nn.init.spread_hinges_: bias: all nan": "what was in the bias does not count",
    "nndl_lib.nn.Dropout.forward: : twice": "every call draws its own mask",
    "nndl_lib.training.EarlyStopping.step: : twice": "it counts its calls",
    "nndl_lib.functional.batch_norm: weight: *inf": "torch multiplies in another order, and gives NaN for all",
    "nndl_lib.inspection.architecture_table: input_shape: one": "a shape of one number is a shape",
    "nndl_lib.autograd.Tensor.__contains__: value: None": "no entry is None, as of a list",
    "nndl_lib.autograd.Tensor.__contains__: value: string": "no entry is a string, as of a list",
    "nndl_lib.linear.gradient_descent: X: float16 large": "diverging, it passes float16's largest number earlier",
    "nndl_lib.nn.init.kaiming_*_: a: None": "a slope of 0.01, as in torch",
    "nndl_lib.optim.LBFGS.step: : twice": "the second step goes on from the first",
    "nndl_lib.nn.Dense: dim: negative": "which dimensions there are shows in forward, which checks them",
    "nndl_lib.models.DenseNet: layers: one": "a network of one block is one",
    "nndl_lib.text.windows: ids: negative": LATER,
    "nndl_lib.text.windows: ids: too large": LATER,
    "nndl_lib.training.Trainer: compile: string": "torch says which names it knows",
    "nndl_lib.training.Trainer: compile: 'False'": "torch says which names it knows",
    "nndl_lib.training.train: t: negative": "what a target may be, its loss says",
    "nndl_lib.training.checkpoint.load: map_location: None": "where it was, as in torch",
    "nndl_lib.plotting.*: names: string": "a string is a sequence of letters",
    "nndl_lib.plotting.draw_graph: now: string": "a string is a sequence of letters",
    "nndl_lib.data.boolean_inputs: dtype: integer": "the inputs are whole numbers",
    "nndl_lib.data.delayed_copy: dtype: integer": "the inputs are whole numbers",
    "nndl_lib.data.digit_canvases: t: too large": "a class may have any number; only -1 says that there is none",
}
