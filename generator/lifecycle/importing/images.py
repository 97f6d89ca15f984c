"""Image or build: where the program comes from. Pure."""

from __future__ import annotations

import re
from dataclasses import replace

from generator.lifecycle.importing.draft import Draft
from generator.lifecycle.importing.nodes import Node


def full_reference(image: str) -> str:
    """An image with its registry written out, and a tag."""
    name, at, digest = image.partition("@")
    first, slash, _ = name.partition("/")
    if not slash:
        name = f"docker.io/library/{name}"
    elif not ("." in first or ":" in first or first == "localhost"):
        name = f"docker.io/{name}"
    elif first in ("index.docker.io", "registry-1.docker.io", "registry.hub.docker.com"):
        name = f"docker.io/{name.partition('/')[2]}"
    if not digest and ":" not in name.rpartition("/")[2]:
        name += ":latest"
    return f"{name}{at}{digest}"


def last_part(image: str) -> str:
    """The last part of an image's name, without tag and digest."""
    return re.sub(
        r"[:@].*$", "", image.rpartition("/")[2] if "@" not in image else image.partition("@")[0].rpartition("/")[2]
    )


def map_image(service: Node, draft: Draft) -> None:
    """``image_source``, ``image`` or ``language``."""
    image, build = service.get("image"), service.get("build")
    if build.value is not None and not (image.text and "/" in image.text):
        _owned(build, draft)
        return
    if image.value is None:
        draft.put("image_source", "upstream", service)
        draft.miss("image", "the service names no image and builds none", service)
        return
    draft.put("image_source", "upstream", replace(image, uses=()))
    if build.value is not None:
        draft.omit("image", "the file can build the image as well; the published one is taken", build)
    if image.open or not image.text:
        draft.miss("image", f"nothing says what {_listed(image)} is: name the image with its tag", image)
        return
    reference = full_reference(image.text)
    tag = "" if "@" in reference else reference.rpartition(":")[2]
    assumed = ""
    if ":" not in image.text.rpartition("/")[2] and "@" not in image.text:
        assumed = "no tag is named, so it is latest; name a version that Keel can move from"
    elif tag in ("latest", "stable", "main", "master", "edge", "nightly", "release", "develop"):
        assumed = f"the tag {tag} names no version; name one that Keel can move from"
    draft.put("image", reference, image, assumed=assumed)


def _owned(build: Node, draft: Draft) -> None:
    draft.put(
        "image_source", "owned", build, assumed="the file builds the image, so it gets a repository and CI of its own"
    )
    draft.put("language", "none", build, assumed="the code exists already; answer language only for new code")
    context = (build.get("context").text or ".") if build.is_map else build.text
    known = {"context", "dockerfile"}
    draft.omit("language", f"the image is built from {context}: put its code into the new repository", build)
    if build.get("dockerfile").text not in ("", "Dockerfile"):
        draft.omit(
            "language",
            f"the Dockerfile is {build.get('dockerfile').text}: CI builds Dockerfile",
            build.get("dockerfile"),
        )
    for key, node in build.entries.items():
        if key not in known:
            draft.omit("language", f"build.{key}: CI builds without it; put it into the Dockerfile", node)


def _listed(node: Node) -> str:
    return " and ".join(node.open) or "it"
