"""What Terragrunt would add to a stack: files that the infra repository's root configuration generates."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from . import hcl

_HEREDOC = re.compile(r"<<-?(\w+)\n(.*?)^\s*\1$", re.DOTALL | re.MULTILINE)


def generated(root: str) -> dict[str, str]:
    """The files of the ``generate`` blocks of a root ``terragrunt.hcl``, by name; the backend's is not among them.

    Contents are taken as they are written: a root that computes them is refused.
    """
    files = {}
    for block in hcl.parse(root).all("generate"):
        contents = block["contents"]
        match = _HEREDOC.fullmatch(contents.text) if isinstance(contents, hcl.Expression) else None
        text = match.group(2) if match else contents
        assert isinstance(text, str), f"generate {block.labels[0]!r} is computed"
        assert "${" not in text.replace("$${", ""), f"generate {block.labels[0]!r} is computed"
        files[block["path"]] = text.replace("$${", "${")
    return files


def without_providers(text: str) -> str:
    """A file without its ``provider`` blocks: a module has those of the root that calls it."""
    source = text.encode()
    bodies = [child for child in hcl.syntax(text).children if child.type == "body"]
    blocks = [block for body in bodies for block in body.children if block.type == "block"]
    for block in reversed(blocks):
        if hcl.source(block.children[0]) == "provider":
            source = source[: block.start_byte] + source[block.end_byte :]
    return source.decode()


def required_providers(texts: Iterable[str]) -> dict[str, str]:
    """Version constraints by the address of each required provider; an empty one where there is none."""
    blocks = [block for text in texts for block in hcl.parse(text).all("terraform", "required_providers")]
    providers = [provider for block in blocks for provider in block.attributes.values()]
    return {provider["source"]: provider.get("version", "") for provider in providers}


def required_variables(files: Mapping[str, str]) -> set[str]:
    """Variables without a default of a stack; what cannot be read is left for Terraform to refuse."""
    texts = (text for name, text in files.items() if name.endswith(".tf") and not hcl.syntax(text).has_error)
    variables = [variable for text in texts for variable in hcl.parse(text).all("variable")]
    return {variable.labels[0] for variable in variables if "default" not in variable.attributes}
