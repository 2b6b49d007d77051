"""The science of G3 in plain Python: usable from a notebook, ignorant of Dagster."""
