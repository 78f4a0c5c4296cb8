"""Say before the first installation where the project does not run. Standard library only, in any Python.

uv would say it too, in the words of its resolver. README.md has the table of platforms.
"""

import platform
import sys

FIRST = (3, 11)
LAST = (3, 13)


def complaint(system, machine, version):
    """system, machine: as the module platform names them. version: (major, minor). None where all is well."""
    if not FIRST <= version <= LAST:
        wanted = "{}.{} to {}.{}".format(*FIRST, *LAST)
        return "Python {}.{} does not do; it takes {}: make PYTHON=python3.12".format(*version, wanted)
    if system == "Darwin" and machine == "x86_64":
        return "Intel Macs cannot run this: OpenVINO and TensorFlow have no packages for them; use Linux or a newer Mac"
    return None


if __name__ == "__main__":
    wrong = complaint(platform.system(), platform.machine(), tuple(sys.version_info[:2]))
    if wrong:
        sys.exit(wrong)
