"""Decides how datagen is operated: a server and a worker, what is deployed on them, and how all of it ends."""
