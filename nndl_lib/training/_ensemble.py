"""Ensembles: M models of one architecture, trained and asked all at once.

Used in chapter 08, "Regularization and generalization". The parameters of the members are stacked along a first axis of
length M, so that a step of all is a few calls for large tensors rather than M times as many for small ones. An MLP,
that is a ``Sequential`` of linear layers and activations, is computed by ``torch.baddbmm``; any other model by
``torch.func.vmap``, which takes about twice as long for small nets. benchmarks/ensembles.py compares both with a loop.
Batch normalization with a momentum of None cannot be a part of it in training, as it reads its count of batches as a
number.
"""

import copy
import itertools
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.func import functional_call, stack_module_state, vmap

from nndl_lib import functional, nn
from nndl_lib._arguments import check_flag, check_generator
from nndl_lib._declared import checked, count

_LINEAR = (nn.Linear, torch.nn.Linear)
# Modules that work entry by entry, and so on the pre-activations of all members as on those of one.
_OURS = (nn.ELU, nn.Identity, nn.LeakyReLU, nn.ReLU, nn.Sigmoid, nn.Softplus, nn.Step, nn.Tanh)
_TORCHS = (torch.nn.ELU, torch.nn.Identity, torch.nn.LeakyReLU, torch.nn.ReLU, torch.nn.Sigmoid, torch.nn.Tanh)

_SETTINGS = (bool, int, float, str, tuple, type(None))


@checked(N=count(), M=count(), generator=check_generator)
def bootstrap(N: int, M: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """For each of M members N numbers from 0 to N - 1, drawn with replacement, and which numbers it did not draw.

    Returns: rows (M, N) of int64, and the out-of-bag mask (M, N) of bool, True where a member lacks that number; both
    on the generator's device. Source: Breiman (1996), https://doi.org/10.1007/BF00058655.

    Raises:
        ValueError: an argument is outside its range or of another kind.
    """
    rows = torch.randint(N, (M, N), generator=generator, device=generator.device)
    return rows, torch.ones_like(rows, dtype=torch.bool).scatter_(1, rows, False)


class Ensemble(torch.nn.Module):
    """M models of one architecture as one module.

    Attributes:
        members: a module of that architecture, whose parameters and buffers hold those of all members, with a first
            axis of length M. It is no model to be called.
    """

    def __init__(self, models: Sequence[torch.nn.Module]):
        """Copy the models' parameters and buffers; the models themselves are not used any more.

        Raises:
            ValueError: there is no model, one shares a parameter between two places or has none, or two differ in
                modules, settings (what they print, and numbers and texts that are attributes), shapes, dtypes, devices,
                frozen parameters or mode.
        """
        super().__init__()
        models = _check_models(models)
        self.members = _with_state(models[0], *stack_module_state(models))
        self._size = len(models)

    def __len__(self) -> int:
        """The number M of members."""
        return self._size

    @checked(own=check_flag)
    def forward(self, X: Tensor, own: bool = False) -> Tensor:
        """The outputs of every member, (M, N, ...), for the rows of X; of members that give a tuple, a tuple of those.

        Args:
            X: (N, ...), the same rows for all members; or (M, N, ...) with ``own``, for each member its own.

        Raises:
            ValueError: with ``own``, X does not have M in front; or its shape or dtype does not fit the models.
        """
        M = len(self)
        if own and X.shape[:1] != (M,):
            raise ValueError(f"Ensemble: X has shape {tuple(X.shape)} with own; expected ({M}, N, ...)")
        if _is_mlp(self.members):
            return _mlp(self.members, X if own else X.expand(M, *X.shape))
        parameters, buffers = dict(self.members.named_parameters()), dict(self.members.named_buffers())

        def member(p: dict, b: dict, x: Tensor) -> Tensor:
            return functional_call(self.members, (p, b), (x,))

        return vmap(member, in_dims=(0, 0, 0 if own else None), randomness="different")(parameters, buffers, X)

    def average(self, X: Tensor) -> Tensor:
        """The members' probabilities for the rows of X, averaged: (N, K) by softmax for K logits, by sigmoid for one.

        Call ``eval()`` before, where models have dropout or batch normalization. The members' average output, as for
        regression, is ``ensemble(X).mean(dim=0)``.

        Raises:
            ValueError: as ``forward``, or the members give something else than one tensor.
        """
        logits = self(X)
        if not isinstance(logits, Tensor):
            raise ValueError(f"Ensemble: the members give a {type(logits).__name__}; expected one tensor, of logits")
        y = functional.sigmoid(logits) if logits.shape[-1] == 1 else functional.softmax(logits, dim=-1)
        return y.mean(dim=0)

    def unstack(self) -> list[torch.nn.Module]:
        """The M members as modules of their own, with copies of their parameters and buffers."""
        parameters, buffers = dict(self.members.named_parameters()), dict(self.members.named_buffers())
        return [
            _with_state(
                self.members,
                {name: p[m].detach().clone().requires_grad_(p.requires_grad) for name, p in parameters.items()},
                {name: b[m].clone() for name, b in buffers.items()},
            )
            for m in range(len(self))
        ]


# --- the members' outputs, and how they are stacked ---


def _is_mlp(model: torch.nn.Module) -> bool:
    known = (*_LINEAR, *_OURS, *_TORCHS)  # exactly these: a class derived from one may compute something else
    return type(model) in (nn.MLP, torch.nn.Sequential) and all(type(layer) in known for layer in model.children())


def _mlp(members: torch.nn.Module, x: Tensor) -> Tensor:
    for layer in members.children():
        if not isinstance(layer, _LINEAR):
            x = layer(x)
            continue
        W: Any = layer.weight  # (M, out, in)
        b: Any = layer.bias  # (M, out), or None
        if x.ndim != 3 or x.shape[-1] != W.shape[-1] or x.dtype != W.dtype:
            raise ValueError(
                f"Ensemble: X is {x.dtype} {tuple(x.shape)}, for all members, and the weights {W.dtype} "
                f"{tuple(W.shape)}; expected one dtype and X (N, {W.shape[-1]}), with own ({len(W)}, N, {W.shape[-1]})"
            )
        x = torch.bmm(x, W.mT) if b is None else torch.baddbmm(b.unsqueeze(1), x, W.mT)
    return x


def _with_state(model: torch.nn.Module, parameters: dict[str, Tensor], buffers: dict[str, Tensor]) -> torch.nn.Module:
    model = copy.deepcopy(model)
    stacked = {name: torch.nn.Parameter(p.detach(), p.requires_grad) for name, p in parameters.items()}
    for name, value in (*stacked.items(), *buffers.items()):
        path, _, last = name.rpartition(".")
        setattr(model.get_submodule(path), last, value)
    return model


def _description(model: torch.nn.Module) -> list[tuple[str, str]]:
    """What members have to share, as pairs of a place in the model and what is there."""
    modules = [(f"module {name!r}", f"{type(m).__name__}({m.extra_repr()})") for name, m in model.named_modules()]
    modes = [(f"the mode of {name!r}", "training" if m.training else "evaluation") for name, m in model.named_modules()]
    settings = [
        (f"{key} of {name!r}", repr(value))
        for name, m in model.named_modules()
        for key, value in vars(m).items()
        if key != "training" and not key.startswith("_") and isinstance(value, _SETTINGS)
    ]
    tensors = [
        (name, f"{tuple(x.shape)}, {x.dtype}, on {x.device}{'' if x.requires_grad else ', without gradient'}")
        for name, x in (*model.named_parameters(), *model.named_buffers())
    ]
    return modules + modes + settings + tensors


def _check_models(models: Sequence[torch.nn.Module]) -> list[torch.nn.Module]:
    if not isinstance(models, (list, tuple, torch.nn.ModuleList)):  # the layers of a model are no models
        raise ValueError(f"Ensemble: models is a {type(models).__name__}; expected a list of modules")
    models = list(models)
    if not models:
        raise ValueError("Ensemble: models is empty; expected at least one module")
    names, once = (dict(models[0].named_parameters(remove_duplicate=twice)) for twice in (False, True))
    if not names:
        raise ValueError(f"Ensemble: models[0] is {models[0]}, without parameters; expected some to stack")
    for name in (name for name in names if name not in once):
        raise ValueError(f"Ensemble: {name} of models[0] is a parameter in two places; expected none that is shared")
    first = _description(models[0])
    for k, model in enumerate(models[1:], 1):
        for expected, found in itertools.zip_longest(first, _description(model), fillvalue=("the end", "nothing")):
            if expected != found:
                raise ValueError(
                    f"Ensemble: models[{k}] has {found[0]}: {found[1]}; "
                    f"expected, as in models[0], {expected[0]}: {expected[1]}"
                )
    return models
