"""What evaluations look like to a reader: tables and plots."""
