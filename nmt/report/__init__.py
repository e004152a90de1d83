"""Shows evaluations as tables and plots."""
