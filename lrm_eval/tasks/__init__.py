"""Tasks as data: a YAML base per benchmark, a small YAML per language, strictly validated.

Task YAML -> Task (this package) -> Samples (`lrm_eval.data`) -> Requests (`lrm_eval.prompts`)
"""

from lrm_eval.tasks.model import Dataset, DatasetOverride, Task, TaskLanguage, Wording
from lrm_eval.tasks.registry import list_tasks, load_task, task_names

__all__ = ["Dataset", "DatasetOverride", "Task", "TaskLanguage", "Wording", "list_tasks", "load_task", "task_names"]
