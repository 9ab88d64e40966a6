"""The benchmark: what a server costs, each figure beside what this machine can do at best."""
