"""Formats in and out: what files hold becomes plain arrays, and what we write others can read."""
