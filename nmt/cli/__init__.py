"""The commands: one thin main for each, over the configs."""
