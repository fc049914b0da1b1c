"""Language models that are networks: one of characters, what any model costs in bits, and what it writes.

A language model is what maps character numbers (T, N) and a state, None at first, to logits (T, N, K) of the character
after each step, and the state after the last: ``CharacterModel``, ``NGram``, or a function. Used in chapter 10,
"Recurrent networks".
"""

import functools
import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from nndl_lib import functional, nn, rnn, runtime
from nndl_lib._arguments import check_function, check_generator
from nndl_lib._declared import checked, count, number
from nndl_lib.nn import init
from nndl_lib.text._checks import check_ids, kept


class CharacterModel(torch.nn.Module):
    """A recurrent language model: an embedding of each character, a recurrent network, a linear readout.

    Attributes:
        embedding: (K, E), drawn from the standard normal distribution. recurrent: of ``rnn``. readout: H to K.
    """

    @checked(embedding_size=count(), network=kept(check_function), K=count())
    def __init__(
        self,
        hidden_size: int,
        embedding_size: int = 32,
        network: Callable[..., rnn.Recurrent] = rnn.LSTM,
        num_layers: int = 1,
        K: int = 96,
        dtype: torch.dtype | None = None,
        device: str | torch.device | None = None,
        generator: torch.Generator | None = None,
    ):
        """Draw embedding, network and readout, in this order. network is ``rnn.LSTM``, ``rnn.GRU`` or ``rnn.RNN``.

        Raises: ValueError: a size is not an integer of at least 1, or network is no such class.
        """
        super().__init__()
        options: dict[str, Any] = {"dtype": dtype, "device": device}
        embedding = init.normal_(torch.empty(K, embedding_size, **options), generator=generator)
        self.embedding = torch.nn.Parameter(embedding)
        self.recurrent = network(embedding_size, hidden_size, num_layers, generator=generator, **options)
        self.readout = nn.Linear(hidden_size, K, generator=generator, **options)

    @property
    def K(self) -> int:
        """How many characters there are."""
        return len(self.embedding)

    def forward(self, ids: Tensor, state=None) -> tuple[Tensor, Tensor | tuple[Tensor, Tensor]]:
        """Logits (T, N, K) of the character after each of ids (T, N), and the network's state after the last.

        Raises: ValueError: ids are not (T, N) int64 from 0 to K - 1, or the state has another shape.
        """
        _check_characters(ids, self.embedding)
        output, state = self.recurrent(torch.nn.functional.embedding(ids, self.embedding), state)
        return self.readout(output), state


@checked(model=kept(check_function), ids=functools.partial(check_ids, K=2**63 - 1), streams=count(), length=count())
@torch.no_grad()
def bits_per_character(model: Callable, ids: Tensor, streams: int = 32, length: int = 100) -> float:
    """The average of ``-log2 p`` over a text (M,), p the probability that a model gave to the character that came.

    The text is read as that many streams side by side, each from its start to its end, the state handed on. What is
    left after streams of equal length is not counted, nor is the first character of each. A module is put into
    evaluation mode for it, and every part of it then back into its own.

    Args:
        model: a language model, see above.
        length: how many steps at once; no influence on the value.

    Raises: ValueError: a stream has no two characters, or ids are not (M,) int64 from 0 to K - 1 for the K logits.
    """
    steps, caller = len(ids) // streams, "bits_per_character"
    if steps < 2:
        raise ValueError(f"{caller}: {len(ids)} characters in {streams} streams; expected at least two in each")
    columns = ids[: steps * streams].reshape(streams, steps).T
    total, state = 0.0, None
    with runtime.evaluation(model):
        for inputs, targets in zip(columns[:-1].split(length), columns[1:].split(length)):
            logits, state = model(inputs, state)
            check_ids(targets, "ids", caller, "T N", K=logits.shape[-1])
            log_p = functional.log_softmax(logits.flatten(0, 1), dim=1).gather(1, targets.reshape(-1, 1))
            total -= log_p.sum(dtype=torch.float64).item()
    return total / math.log(2) / ((steps - 1) * streams)


@checked(
    model=kept(check_function), prompt="any P", length=count(), generator=kept(check_generator), temperature=number()
)
@torch.no_grad()
def sample(
    model: Callable, prompt: Tensor, length: int, generator: torch.Generator, temperature: float = 1.0
) -> Tensor:
    """How a language model goes on after a prompt (P,): (length,) int64, one character drawn after the other.

    Drawn from ``softmax(logits / temperature)``: 1 takes the model at its word, less prefers what it finds likely, and
    0 takes the likeliest always. The model is called in the mode that it is in.

    Raises: ValueError: the prompt has no character, length is not at least 1, or temperature is negative.
    """
    ids, state, drawn = prompt.unsqueeze(1), None, []
    for _ in range(length):
        logits, state = model(ids, state)
        z = logits[-1].to(generator.device)
        if temperature == 0:
            ids = z.argmax(dim=1, keepdim=True)
        else:
            # The largest goes to 0 first: a small temperature then makes no infinity of it, but of others -inf, p = 0.
            p = functional.softmax((z - z.max(dim=1, keepdim=True).values) / temperature, dim=1)
            ids = torch.multinomial(p, 1, generator=generator)
        ids = ids.to(prompt.device)
        drawn.append(ids)
    return torch.cat(drawn).squeeze(1)


def _check_characters(ids: Tensor, embedding: Tensor) -> None:
    check_ids(ids, "ids", "CharacterModel", "T N", len(embedding))
    if ids.device != embedding.device:  # of numbers on "meta", torch would read some rows
        found = f"ids are on {ids.device} and the weights on {embedding.device}"
        raise ValueError(f"CharacterModel: {found}; expected one device for both")
