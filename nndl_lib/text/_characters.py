"""Characters and their numbers, a corpus that every Python has, and pieces of it to train on.

A text is a tensor of character numbers, (M,) int64, each a position in a fixed alphabet of K = 96. Used in chapter 10,
"Recurrent networks".
"""

from numbers import Real

import torch
from torch import Tensor

from nndl_lib._arguments import check_generator
from nndl_lib._declared import checked, count
from nndl_lib.text._checks import check_ids, kept

_ALPHABET = "\n" + "".join(map(chr, range(32, 127)))
_NUMBERS = {character: k for k, character in enumerate(_ALPHABET)}
# Python's documentation has typographic signs in some versions and ASCII in others.
_ASCII = str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"', "–": "-", "—": "-", "…": "...", "\t": "    "})


def alphabet() -> str:
    """All characters there are, in the order of their numbers: the line break, and ASCII from the space to "~"."""
    return _ALPHABET


def corpus() -> str:
    """The reference documentation of Python that ``help()`` shows, ``pydoc_data.topics``: about 450 000 characters.

    The topics are in alphabetical order. The text differs between versions of Python; its alphabet does not:
    typographic signs are replaced by those of ASCII, and the few other characters left out.
    """
    from pydoc_data.topics import topics  # 700 kB that only a language model needs

    text = "\n\n".join(topics[name].strip() for name in sorted(topics)).translate(_ASCII)
    return "".join(character for character in text if character in _NUMBERS)


def encode(text: str) -> Tensor:
    """The numbers of the characters of a text, (M,) int64.

    Raises: ValueError: a character is not in ``alphabet()``.
    """
    try:
        return torch.tensor([_NUMBERS[character] for character in text], dtype=torch.int64)
    except KeyError:
        at = next(k for k, character in enumerate(text) if character not in _NUMBERS)
        raise ValueError(f"encode: text[{at}] is {text[at]!r}; expected characters of text.alphabet()") from None


@checked(ids=check_ids)
def decode(ids: Tensor) -> str:
    """The text of character numbers (M,).

    Raises: ValueError: ids are not (M,) numbers of the alphabet.
    """
    return "".join(_ALPHABET[k] for k in ids.tolist())


@checked(ids=check_ids)
def split(ids: Tensor, share: float = 0.1) -> tuple[Tensor, Tensor]:
    """A text (M,) in two: what to train on, and for validation the last part of it, a share of ``share``.

    Not in random pieces, as in those the model would have seen what stands on both sides, often twice.

    Raises: ValueError: share is not between 0 and 1, or leaves one part without a character.
    """
    M = len(ids)
    last = round(M * share) if isinstance(share, Real) and 0 < share < 1 else 0
    if not 0 < last < M:
        raise ValueError(f"split: share is {share!r} of {M} characters; expected a share that leaves both at least one")
    return ids[: M - last], ids[M - last :]


@checked(ids="any M", length=count(), batch=count(), generator=kept(check_generator))
def windows(ids: Tensor, length: int, batch: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """A batch from a text (M,): inputs (length, batch) from random places, and targets: what follows each character.

    Raises: ValueError: length or batch is not an integer of at least 1, or the text is shorter than length + 1.
    """
    if len(ids) <= length:
        raise ValueError(f"windows: ids have shape {tuple(ids.shape)}; expected (M,) with M of at least {length + 1}")
    starts = torch.randint(len(ids) - length, (batch,), generator=generator, device=generator.device).to(ids.device)
    pieces = ids[starts + torch.arange(length + 1, device=ids.device).unsqueeze(1)]
    return pieces[:-1], pieces[1:]
