"""What both architectures share at their edges: embeddings, the tied output, the source mask."""

from torch import Tensor, nn

from nmt.tokenizer import PAD


def make_embeddings(
    src_vocab_size: int, tgt_vocab_size: int, size: int, *, share: bool
) -> tuple[nn.Embedding, nn.Embedding]:
    """Source and target tables (V, size), one and the same where ``share``.

    Normal with variance 1/size, so that a tied output starts with logits of order one (Press and
    Wolf 2017 tie; Vaswani et al. 2017, section 3.4, share all three).
    """
    if share and src_vocab_size != tgt_vocab_size:
        raise ValueError(
            f"model.share_embeddings=true needs one vocabulary for both languages, got "
            f"{src_vocab_size} and {tgt_vocab_size} pieces: set tokenizer.joint=true or "
            f"model.share_embeddings=false"
        )
    tgt = _embedding(tgt_vocab_size, size)
    return (tgt if share else _embedding(src_vocab_size, size)), tgt


def tied_output(embedding: nn.Embedding) -> nn.Linear:
    """Features (..., E) -> logits (..., V) by the rows of the table (Press and Wolf 2017)."""
    tokens, size = embedding.weight.shape
    output = nn.Linear(size, tokens, bias=False, device="meta")  # draws no random numbers
    output.weight = embedding.weight
    return output


def source_mask(src: Tensor) -> Tensor:
    """(B, S) ids -> (B, S), True = real token."""
    return src != PAD


def _embedding(vocab_size: int, size: int) -> nn.Embedding:
    table = nn.Embedding(vocab_size, size)
    nn.init.normal_(table.weight, std=size**-0.5)
    return table
