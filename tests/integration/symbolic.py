"""Libraries as Ubuntu links them, with -Bsymbolic-functions: they call their own functions, whichever of those the program has as well."""
import os
import re
import struct
import subprocess
from pathlib import Path

from programs import program

_SECTION_OFFSET, _SECTION_SIZES = 40, 58  # where an ELF64 header has them
_DYNSYM, _FUNCTION, _PROTECTED = 11, 2, 3
_SYMBOL = 24  # bytes


def keeping_its_own(name, directory):
    """Makes a copy in `directory` of the daemon's library whose name begins so; returns what the environment of a daemon that gets it has besides. The
    library's leaks are known: ssoferryd's functions for the sanitizers are not called, either."""
    needed = subprocess.run(["ldd", program("ssoferryd")], capture_output=True, text=True, check=True).stdout
    path = Path(re.search(rf"{re.escape(name)}\S* => (\S+)", needed)[1])
    library = bytearray(path.read_bytes())
    assert _protect_functions(library) > 100
    (Path(directory) / path.name).write_bytes(library)
    return {"LD_LIBRARY_PATH": str(directory), "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"}


def _protect_functions(library):
    """A protected symbol is called by its own library even where another of that name comes first. Returns how many there are."""
    [sections] = struct.unpack_from("<Q", library, _SECTION_OFFSET)
    size, count = struct.unpack_from("<HH", library, _SECTION_SIZES)
    protected = 0
    for section in range(sections, sections + count * size, size):
        [kind] = struct.unpack_from("<I", library, section + 4)
        begin, length = struct.unpack_from("<QQ", library, section + 24)
        for symbol in range(begin, begin + length, _SYMBOL) if kind == _DYNSYM else ():
            info, other, place = struct.unpack_from("<BBH", library, symbol + 4)
            if info & 15 == _FUNCTION and place:
                library[symbol + 5] = other & ~3 | _PROTECTED
                protected += 1
    return protected
