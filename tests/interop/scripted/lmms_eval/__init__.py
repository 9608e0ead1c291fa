"""Stands where lmms-eval would: the few names that the child process uses, and models that fail as they are told to."""

import sys

sys.stdout.write("scripted: a library that greets on standard output\n")
