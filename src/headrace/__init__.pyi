from headrace.python_api.project import Project as Project
from headrace.python_api.run import Run as Run

__all__ = ["Project", "Run"]
__version__: str
