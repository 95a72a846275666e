"""Drive logs: our own format for recorded drives, in LeRobot v3's layout. See ``layout`` and ``docs/data.md``.

=============  =====================================================================================
``layout``     where everything lies
``writer``     ``DriveLogWriter``: episodes appear whole or not at all
``recording``  one episode while it is recorded
``finishing``  its place in the log, the summary
``reader``     ``DriveLogReader``
``faults``     what is wrong with a folder
``rows``       a sample without its sensors as plain values
``tables``     the columns
=============  =====================================================================================
"""

from drivevla.datasets.drivelog.reader import DriveLogReader
from drivevla.datasets.drivelog.writer import DriveLogWriter

__all__ = ["DriveLogReader", "DriveLogWriter"]
