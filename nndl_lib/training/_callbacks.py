"""What is called while ``training.Trainer`` trains: a base class to derive from, and the progress bar."""

from functools import cached_property
from typing import Any

from nndl_lib import runtime
from nndl_lib._arguments import check_flag
from nndl_lib._declared import checked


class Callback:
    """Does nothing; override what is needed. To end the training after an epoch, set ``trainer.stop = True``."""

    def on_fit_start(self, trainer, steps: int | None) -> None:
        """Called before the first step. steps: how many an epoch has; None if the loader has no length."""

    def on_step(self, trainer) -> None:
        """Called after each step: ``trainer.step`` steps are done. In the inner loop: do not read tensors here."""

    def on_epoch(self, trainer, record: dict[str, float]) -> None:
        """Called after each epoch, before its checkpoint. record: what was added to ``trainer.history``."""

    def on_fit_end(self, trainer) -> None:
        """Called at the end of ``fit``, also after an error."""

    def state_dict(self) -> dict:
        """What goes into a checkpoint: tensors, numbers, strings, lists and dicts. By default nothing."""
        return {}

    def load_state_dict(self, state_dict: dict) -> None:
        """Go on from what ``state_dict`` returned."""


class ProgressBar(Callback):
    """A bar for each epoch by tqdm, with what was measured; silent in book builds, and where tqdm is not installed.

    Of several processes, only the first should have one.
    """

    @checked(enabled=check_flag)
    def __init__(self, enabled: bool | None = None):
        """Take whether to show it; None: where the output is to be seen live (not ``runtime.is_static()``)."""
        self.enabled = enabled
        self._bar: Any = None
        self._steps: int | None = None
        self._text = ""

    def on_fit_start(self, trainer, steps: int | None) -> None:
        """Look for tqdm, if the bar is to be shown."""
        shown = self.enabled if self.enabled is not None else not runtime.is_static()
        self._make, self._steps = self._tqdm if shown else None, steps

    def on_step(self, trainer) -> None:
        """Move by one step."""
        if self._make is None:
            return
        if self._bar is None:
            done = trainer.batch - 1  # of an epoch that goes on from a checkpoint
            self._bar = self._make(total=self._steps, initial=done, desc=f"epoch {trainer.epoch}", leave=False)
            self._bar.set_postfix_str(self._text, refresh=False)
        self._bar.update()

    def on_epoch(self, trainer, record: dict[str, float]) -> None:
        """Close the bar of the epoch; the next shows what this one measured."""
        self._text = ", ".join(f"{name} {value:.4g}" for name, value in record.items())
        self._close()

    def on_fit_end(self, trainer) -> None:
        """Close the bar, if there is one."""
        self._close()

    @cached_property
    def _tqdm(self):
        # Kept, as Python searches its folders anew at each import of what is not installed.
        try:
            from tqdm.auto import tqdm
        except ImportError:
            return None
        return tqdm

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None
