"""Decides what people and Prefect run: the training and the gold flow, and the command line; composition only."""
