"""Decides what a dialogue is, how a script is performed into one, and how it is written down and rendered."""
