"""What the verbs of `lrm-eval` print. One module per kind of output; nothing here decides a number."""
