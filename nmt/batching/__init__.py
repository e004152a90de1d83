"""From token ids to padded batches; knows no model."""
