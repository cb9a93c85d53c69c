"""Decides how counsellor dialogues are asked for, performed, checked and stored; never imports Prefect."""
