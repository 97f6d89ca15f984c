"""git-crypt and LFS as they leave a clone: unlocked (files are converted), or locked (files are as git has them)."""

from __future__ import annotations

from pathlib import Path

from tests.checkout import commit_all, git
from tests.hostile import touch

SEALED = {
    "terraform.tfvars": "password = 1\n",
    "stacks/dbaas/secrets.tfvars": "other = 2\n",
    "secrets/keys.yml": "key: 3\n",
    "secrets/deep/er.txt": "deep\n",
    "docs/picture.png": "a picture, as bytes\n",
}
"""Files that no service touches, as a person reads them."""

ATTRIBUTES = """*.tfvars filter=git-crypt diff=git-crypt
secrets/** filter=git-crypt diff=git-crypt
*.png filter=lfs diff=lfs merge=lfs -text
"""

PROGRAMS = {
    "git-crypt": (
        r"""printf '\0GITCRYPT\0'; tr 'a-z' 'n-za-m'""",
        r"""tail -c +11 | tr 'n-za-m' 'a-z'""",
    ),
    "lfs": (
        r"""n=$(mktemp); cat > $n; sum=$(sha256sum < $n | cut -c -64); cp $n {store}/$sum;
            printf 'version https://git-lfs.github.com/spec/v1\noid sha256:%s\nsize %s\n' $sum $(wc -c < $n)""",
        r"""cat {store}/$(sed -n 's/^oid sha256://p')""",
    ),
}


def seal(clone: Path, folder: Path, attributes: str = ATTRIBUTES) -> Path:
    """Have the filters convert what ``attributes`` cover, commit that, and let git look at each file again.

    Returns where the filters leave a mark when they run.
    """
    mark, store = folder / "filtered", folder / "store"
    store.mkdir(parents=True)
    for name, programs in PROGRAMS.items():
        for kind, text in zip(("clean", "smudge"), programs, strict=True):
            place = folder / f"{name}-{kind}"
            place.write_text(f'#!/bin/sh\necho {name} {kind} "$@" >> {mark}\n{text.replace("{store}", str(store))}\n')
            place.chmod(0o755)
            git(clone, "config", f"filter.{name}.{kind}", f"{place} %f")
        git(clone, "config", f"filter.{name}.required", "true")
    (clone / ".gitattributes").write_text(attributes)
    for path, text in SEALED.items():
        (clone / path).parent.mkdir(parents=True, exist_ok=True)
        (clone / path).write_text(text)
    git(clone, "rm", "--quiet", "-r", "--cached", ".")  # what was there is converted too
    commit_all(clone, "chore: sealed")
    assert git(clone, "cat-file", "blob", "HEAD:terraform.tfvars").startswith("\0GITCRYPT\0")
    assert git(clone, "cat-file", "blob", "HEAD:docs/picture.png").startswith("version https://git-lfs")
    touch(clone)
    mark.unlink()
    return mark


def lock(clone: Path) -> None:
    """As after ``git-crypt lock``, and with LFS that did not fetch: each file is as git has it."""
    git(clone, "config", "--remove-section", "filter.git-crypt")
    settings = [f"filter.lfs.{kind}" for kind in ("clean", "smudge")]
    before = [git(clone, "config", setting).strip() for setting in settings]
    for setting in settings:
        git(clone, "config", setting, "cat")
    listed = git(clone, "ls-files", "-z").split("\0")
    for path in filter(None, listed):
        (clone / path).unlink()
    git(clone, "checkout", "--quiet", "--", ".")
    for setting, program in zip(settings, before, strict=True):
        git(clone, "config", setting, program)
    assert (clone / "terraform.tfvars").read_bytes().startswith(b"\0GITCRYPT\0")
    assert (clone / "docs" / "picture.png").read_text().startswith("version https://git-lfs")
    touch(clone)
