"""Loss, schedule, checkpoints and the training loop; validation is injected."""
