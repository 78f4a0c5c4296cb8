"""The reference pages of the documentation site, made from the code when the site is built. None is kept in git."""

from tools.docs_commands import command_line_page
from tools.docs_http import http_page
from tools.docs_metrics import metrics_page
from tools.docs_params import params_page
from tools.docs_python import python_page


def pages() -> dict[str, str]:
    """Every reference page: file name to Markdown."""
    return {
        "params.md": params_page(),
        "command-line.md": command_line_page(),
        "http.md": http_page(),
        "python.md": python_page(),
        "metrics.md": metrics_page(),
    }
