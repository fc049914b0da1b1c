"""Text, character by character: a corpus that every Python has, n-gram models, a recurrent model, and sampling.

``characters`` has alphabet and corpus, ``ngrams`` the models that count, ``models`` the network, what a model costs in
bits, and sampling. Take them from here::

    from nndl_lib import text

    train, validation = text.split(text.encode(text.corpus()))
    model = text.NGram(5).fit(train)
    model.bits_per_character(validation)
"""

from nndl_lib.text.characters import alphabet, check_ids, check_range, corpus, decode, encode, split, windows
from nndl_lib.text.models import CharacterModel, bits_per_character, sample
from nndl_lib.text.ngrams import NGram

__all__ = [
    "CharacterModel",
    "NGram",
    "alphabet",
    "bits_per_character",
    "check_ids",
    "check_range",
    "corpus",
    "decode",
    "encode",
    "sample",
    "split",
    "windows",
]
