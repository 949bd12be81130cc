"""One process at a time in a directory."""

import contextlib
import errno
import fcntl
import os
import pathlib
import re
import socket

LOCK_FILE = ".lock"

# What file systems say that know no locks, or none on this kind of file.
_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EBADF, errno.EINVAL)


class InUseError(OSError):
    """A directory is in use by another process; the message says by which one."""


class DirectoryLock:
    """Keep other processes out of a directory, by a file in it that names the owner.

    The operating system holds the lock and takes it back when the process ends, however it ends: the file alone, left
    by a process that was killed, locks nothing. Where the file system has no locks the words in the file count: those
    of a process of this host that is gone are stale. Within a process the lock may be taken again.

    Parameters
    ----------
    directory : str or pathlib.Path
        The directory, which exists.

    Attributes
    ----------
    is_mine : bool
        Whether `acquire` has taken it.
    """

    _held: dict[pathlib.Path, list] = {}  # of each file that this process has locked: descriptor and how often

    def __init__(self, directory: str | os.PathLike[str]):
        self.path = pathlib.Path(directory).resolve() / LOCK_FILE
        self.is_mine = False

    def acquire(self) -> None:
        """Take the lock.

        Raises
        ------
        InUseError
            If another process has it.
        OSError
            If the file cannot be made.
        """
        if self.is_mine:
            return
        if self.path in self._held:
            self._held[self.path][1] += 1
        else:
            self._held[self.path] = [self._locked(), 1]
        self.is_mine = True

    def release(self) -> None:
        """Give the lock back, and remove the file; nothing happens without the lock."""
        if not self.is_mine:
            return
        self.is_mine = False
        self._held[self.path][1] -= 1
        if self._held[self.path][1] == 0:
            descriptor, _ = self._held.pop(self.path)
            with contextlib.suppress(OSError):  # the file alone locks nothing
                self.path.unlink()
            os.close(descriptor)

    def _locked(self):
        while True:
            # Open for reading: a file that is open for writing keeps its file system from becoming read-only.
            descriptor = os.open(self.path, os.O_RDONLY | os.O_CREAT | os.O_NOFOLLOW, 0o644)
            try:
                try:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError as error:
                    raise self._in_use(descriptor) from error
                except OSError as error:
                    if error.errno not in _NO_LOCKS:
                        raise
                    if _is_alive(_owner(descriptor)):
                        raise self._in_use(descriptor) from error
                if self._is_still_there(descriptor):
                    self.path.write_bytes(f"{os.getpid()} {socket.gethostname()}\n".encode())
                    return descriptor
            except BaseException:
                os.close(descriptor)
                raise
            os.close(descriptor)

    def _is_still_there(self, descriptor):
        """Return whether the locked file still has its name: the previous owner may have removed it."""
        try:
            return os.path.samestat(os.fstat(descriptor), os.stat(self.path))
        except FileNotFoundError:
            return False

    def _in_use(self, descriptor):
        owner = _owner(descriptor)
        by = f"process {owner[0]} on {owner[1]}" if owner else "another process"
        return InUseError(f"{str(self.path.parent)!r} is in use by {by}")


def _owner(descriptor):
    """Return process and host of the owner, if the file says so."""
    match = re.match(r"(\d{1,9}) ([\w.:-]{1,255})\n", os.pread(descriptor, 300, 0).decode("utf-8", "replace"), re.ASCII)
    return (int(match[1]), match[2]) if match else None


def _is_alive(owner):
    """Return whether an owner is alive, as far as this host can know."""
    if owner is None or owner == (os.getpid(), socket.gethostname()):
        return False
    if owner[1] != socket.gethostname():
        return True
    try:
        os.kill(owner[0], 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
