"""The chain from a pushed commit to a deployment, run for real: act, the workflow, Woodpecker, kubectl."""
