"""What can go wrong in an update: numbers that are not finite, and a batch too large for memory."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from nmt.data.batches import Batch
from nmt.tokenizer import PAD
from nmt.training.train_state import TrainState

log = logging.getLogger(__name__)

MOST_IN_A_ROW = 10  # a GradScaler skips a few at the beginning
LOOK_EVERY = 16  # steps: to look at a number on a GPU is to wait for all that it has to do


class SkippedUpdates:
    """Skips the updates whose loss or gradient is not finite, and counts them.

    counts: (2,) skipped in a row until now, skipped in all.
    """

    def __init__(self, device: torch.device) -> None:
        self.counts = torch.zeros(2, dtype=torch.int64, device=device)

    def step(
        self,
        optimizer: torch.optim.Optimizer,
        scaler: torch.amp.GradScaler,
        norm: Tensor,
        sums: Tensor,
    ) -> Tensor:
        """The optimizer's step, unless a number is not finite -> whether it was skipped, a bool ().

        norm: of the gradient. sums: of the losses so far. Nobody waits for a GPU here: its own
        kernel skips the step.
        """
        bad = ~(norm.isfinite() & sums.isfinite().all())
        if scaler.is_enabled():
            scaler.step(optimizer)  # skips it by itself
        elif optimizer.defaults.get("fused"):
            optimizer.found_inf = bad.float()  # type: ignore[attr-defined]  # a scaler sets it
            optimizer.step()
            del optimizer.found_inf  # type: ignore[attr-defined]  # the same
        elif not bad:
            optimizer.step()
        scaler.update()
        self.counts[0] = (self.counts[0] + 1) * bad
        self.counts[1] += bad
        return bad

    def check(self, at: TrainState, group: Sequence[Batch], rate: float) -> None:
        """ValueError after too many in a row, with what there is to know of the last.

        at: after the update. group: its batches. rate: its learning rate.
        """
        if self.counts.device.type != "cpu" and at.step % LOOK_EVERY:
            return
        row, every = self.counts.tolist()
        if row:
            said = (
                "step %d: skipped, as its loss or gradient is not finite (%d in a row, %d in all)"
            )
            log.warning(said, at.step, row, every)
        if row >= MOST_IN_A_ROW:
            raise ValueError(
                f"the loss or the gradient was not finite in {row} updates in a row, the last at "
                f"step {at.step} (epoch {at.epoch + 1}, batch {at.batch + 1}, {_described(group)}, "
                f"learning rate {rate:.3g}): lower the learning rate or clip_norm, or train in "
                f"precision=fp32; the last checkpoint is from before, resume=auto goes on from it"
            )


def split_if_too_large(
    update: Callable[[list[Batch]], None], group: list[Batch], give_up: Callable[[], bool]
) -> None:
    """An update; once more with each batch halved, if a GPU has no memory for it.

    give_up: undoes what of the update was done; False if that is impossible. Raises ValueError
    with the sizes if that fails too.
    """
    try:
        update(group)
        return
    except torch.OutOfMemoryError as error:
        message = str(error).partition(". ")[0]
    # Here the exception is gone, which held the tensors of the update.
    log.warning("no memory for %s (%s): tried again in halves", _described(group), message)
    try:
        if give_up():
            torch.cuda.empty_cache()
            update([half for batch in group for half in halves(batch)])
            return
    except torch.OutOfMemoryError as error:
        message = str(error).partition(". ")[0]
    raise ValueError(
        f"the device has no memory for an update on {_described(group)}, in halves either "
        f"({message}): lower batch_tokens or the longest sentences that cleaning keeps, or take a "
        f"smaller model; accumulate makes up for smaller batches"
    )


def halves(batch: Batch) -> list[Batch]:
    """The first and the second half of the sentences, as they are padded; a single one whole."""
    size = len(batch.src)
    if size < 2:
        return [batch]
    rows = [slice(0, size // 2), slice(size // 2, size)]
    others = {name: each for name, each in vars(batch).items() if name != "places"}
    return [
        replace(
            batch,
            **{name: each[part] for name, each in others.items()},
            places=(batch.labels[part].flatten() != PAD).nonzero().flatten(),
        )
        for part in rows
    ]


def _described(group: Sequence[Batch]) -> str:
    """The number of the sentences and their lengths."""
    if not group:
        return "no sentences"  # an epoch ended, and only other ranks had some left
    sides = {"source": [b.src for b in group], "target": [b.labels for b in group]}
    lengths = {
        side: torch.cat([(each != PAD).sum(1) for each in ids]) for side, ids in sides.items()
    }
    said = [f"{side} {int(each.min())} to {int(each.max())}" for side, each in lengths.items()]
    return f"{sum(len(b.src) for b in group)} sentences of {' and '.join(said)} tokens"
