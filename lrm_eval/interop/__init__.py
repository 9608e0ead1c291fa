"""Living together with other harnesses: our models and tasks inside theirs, their models and answers inside ours.

- `lmms_manifest`, `lmms_model`  our models inside lmms-eval (entry point `lmms_eval.models`)
- `lmms_task`, `lmms_images`     what a task calls that `lrm-eval export lmms-eval` wrote
- `lmms_samples`                 answers logged by lmms-eval, joined to the questions they are of
- `recorded`                     answers that exist already -> a run folder
- `environment`                  an environment of its own for lmms-eval, beside this one

Their models inside ours: `model_adapters.lmms`.
"""
