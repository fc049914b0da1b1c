"""Where chapters run: the kernel of this environment, and all variables that may decide what a cell prints.

Nothing of the user's gets in: not another kernel of the same name, no start-up files, no settings of matplotlib, no
folders of modules. So the same cells, library and packages give the same output for everyone; see book/execution.py.
"""

import os
from collections.abc import Mapping

from book.files import BUILD, ROOT, write_whole

FOLDER = BUILD / "kernel"
# What a program needs to start, on every system; and which GPU may be used.
KEPT = (
    *("PATH", "HOME", "USER", "TMPDIR", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "CUDA_VISIBLE_DEVICES"),
    *("SYSTEMROOT", "COMSPEC", "PATHEXT", "USERPROFILE", "APPDATA", "LOCALAPPDATA", "TEMP", "TMP"),
)
SETTINGS = {
    "NNDL_STATIC": "1",  # explorers write frames that need no kernel
    "OMP_NUM_THREADS": "1",  # the last digits depend on it; and two chapters run at a time
    "LC_ALL": "C.UTF-8",
    "TZ": "UTC",
}
FILES = {
    "ipython/profile_default/ipython_kernel_config.py": 'get_config().IPKernelApp.log_level = "ERROR"\n',
    "matplotlibrc": "# The book's figures begin with matplotlib's own defaults.\n",
}


def variables(user: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The environment variables of a kernel. Writes the files that they name."""
    for name, text in FILES.items():
        write_whole(FOLDER / name, text)
    places = {
        "PYTHONPATH": str(ROOT),  # the library of this folder, wherever the environment was installed from
        "IPYTHONDIR": str(FOLDER / "ipython"),
        "MATPLOTLIBRC": str(FOLDER / "matplotlibrc"),
    }
    return {**{name: user[name] for name in KEPT if name in user}, **SETTINGS, **places}


def manager():
    """Starts the kernel of the Python that runs this, whatever kernels are installed for the user."""
    # Here, since the tests of the library alone take their variables from this module, and have no Jupyter.
    from jupyter_client.kernelspec import KernelSpecManager
    from jupyter_client.manager import AsyncKernelManager

    return AsyncKernelManager(kernel_name="python3", kernel_spec_manager=KernelSpecManager(kernel_dirs=[]))
