"""Root drops to the user `nobody` to run PostgreSQL; nobody must be able to reach the binaries and the data.

A checkout under a closed folder (such as root's home) is out of nobody's reach: then both live under /var/tmp, in a
folder named after the checkout, and a link in the private folder points to the data.
"""

import hashlib
import os
import pwd
import shutil
from pathlib import Path

SHELTER = Path("/var/tmp")


def readable_binaries(folder: Path, user: pwd.struct_passwd | None) -> Path:
    """`folder` (…/<package>/<version>/bin) itself, or a copy of it that `user` can reach."""
    if user is None or reachable(folder):
        return folder
    version, package = folder.parent, folder.parent.parent
    shelter = _shelter(folder) / package.name
    copy = shelter / version.name
    if not (copy / "complete").exists():
        shutil.rmtree(shelter.parent, ignore_errors=True)
        for part in ("bin", "lib", "share"):
            shutil.copytree(version / part, copy / part, symlinks=True)
        libraries = package.parent / f"{package.name}.libs"  # the binaries find them by a relative path
        if libraries.exists():
            shutil.copytree(libraries, shelter.parent / libraries.name, symlinks=True)
        (copy / "complete").touch()
    return copy / "bin"


def readable_folder(parent: Path, name: str, user: pwd.struct_passwd | None) -> Path:
    """The folder `parent`/`name`, owned by `user`, 0700; behind a link when `user` cannot reach `parent`."""
    folder = parent / name
    if user is not None and not reachable(parent):
        shelter = _shelter(folder)
        target = shelter / name
        target.mkdir(exist_ok=True)
        if folder.is_symlink() and folder.resolve() != target:
            folder.unlink()  # the checkout was moved or copied: the link led to another one's data
        if not folder.is_symlink():
            folder.symlink_to(target)
        folder = target
    folder.mkdir(exist_ok=True)
    folder.chmod(0o700)
    if user is not None:
        os.chown(folder, user.pw_uid, user.pw_gid)
    return folder


def reachable(path: Path) -> bool:
    """Whether everybody may pass through every folder down to `path`."""
    real = path.resolve()
    return all(part.stat().st_mode & 0o001 for part in (real, *real.parents))


def _shelter(path: Path) -> Path:
    """A folder of ours under /var/tmp, one for each `path`. It must not be somebody else's plant."""
    shelter = SHELTER / f"catalyst-{hashlib.sha256(str(path.absolute()).encode()).hexdigest()[:12]}"
    shelter.mkdir(mode=0o711, exist_ok=True)
    if shelter.is_symlink() or shelter.stat().st_uid != os.geteuid():
        raise PermissionError(f"{shelter} belongs to somebody else; remove it or run from a folder others may enter")
    shelter.chmod(0o711)
    return shelter
