"""Definitions, jobs, schedules, sensors, profiles and the `g3` command: assembly, no science."""
