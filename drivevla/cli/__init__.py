"""The program `drivevla`: verbs, each a thin module over the library.

To add a verb, write ``drivevla/cli/VERB.py`` with ``add_arguments(parser)`` and ``run(arguments) -> int``, and add its
line to ``VERBS`` in ``drivevla/cli/verbs.py``. Heavy packages are imported inside ``run``.

Exit codes: 0 done; 1 something failed; 2 what was asked for is impossible; 130 interrupted; 141 the reader of the
output went away.
"""

import os
import sys
from collections.abc import Sequence

from drivevla.cli.verbs import run_verb
from drivevla.errors import DriveVLAError, UserError

__all__ = ["main"]

_INTERRUPTED = 130  # 128 + SIGINT, as a shell reports it
_BROKEN_PIPE = 141  # 128 + SIGPIPE


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program.

    Args:
        argv: The arguments after the program's name; those of the process when left out.

    Returns:
        The exit code. A bug raises: its traceback is worth seeing.
    """
    try:
        code = run_verb(list(sys.argv[1:] if argv is None else argv))
        sys.stdout.flush()  # here, where a broken pipe is still caught
    except DriveVLAError as error:
        print(f"drivevla: {error}", file=sys.stderr)
        return 2 if isinstance(error, UserError) else 1
    except KeyboardInterrupt:
        print("drivevla: interrupted", file=sys.stderr)
        return _INTERRUPTED
    except BrokenPipeError:
        # Python flushes stdout once more at exit: give it somewhere to go.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _BROKEN_PIPE
    return code
