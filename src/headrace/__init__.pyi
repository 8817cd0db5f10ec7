from headrace.python_api.campaign import Campaign as Campaign
from headrace.python_api.project import Project as Project
from headrace.python_api.run import Run as Run

__all__ = ["Campaign", "Project", "Run"]
__version__: str
