from dataclasses import dataclass

from torch import Tensor

from nmt.data.batches import Batch
from nmt.models.interface import Seq2SeqModel
from nmt.training.loss import Loss, batch_loss


@dataclass(frozen=True, kw_only=True)
class ScaledLoss(Loss):
    """The cross-entropy times a number."""

    scale: float = 1.0

    def of(self, model: Seq2SeqModel, batch: Batch) -> tuple[Tensor, Tensor]:
        loss, nll = batch_loss(model, batch, smoothing=self.label_smoothing)
        return self.scale * loss, nll
