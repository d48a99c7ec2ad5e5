"""Our Python language host: what the engine asks in order to run a Python program, a policy pack or a plugin.

It takes the place of the release's own host where the engine was built from Go modules, and behaves like it in what
programs can see: the environment, the arguments, the exit codes, where output goes.
"""
