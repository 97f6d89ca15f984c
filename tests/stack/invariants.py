"""What holds for every stack, whatever the answers: each rule yields what breaks it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from . import hcl
from .hcl import Block, Expression
from .workload import IN_THE_JOB, ignored

Files = Mapping[str, str]

FROM_THE_ROOT = {"tiers"}
"""Locals that the infra repository generates into each stack."""
PROMISED = {"namespace", "labels", "image"}
"""Locals that extra.tf may use."""
PULL_SECRET = "ghcr-credentials"
DNS = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"


def problems(files: Files) -> list[str]:
    """Everything that is wrong with a stack."""
    texts = {name: text for name, text in files.items() if name.endswith(".tf")}
    parsed = [hcl.parse(text) for text in texts.values()]
    blocks = [block for file in parsed for block in file.blocks]
    found = [f"{name}: {rule}" for name, text in files.items() for rule in untidy(text)]
    found += [f"{name}: {comment}" for name, text in files.items() for comment in needless_comments(name, text)]
    found += dangling(texts.values())
    found += repeated(blocks)
    for block in blocks:
        if block.labels[:1] in (("kubernetes_deployment",), ("kubernetes_cron_job_v1",)):
            found += (f"{'.'.join(block.labels)}: {problem}" for problem in workload(block))
        if block.labels[:1] == ("kubernetes_service",):
            found += service(block)
    found += markers("\n".join(texts.values()), blocks)
    found += unnoticed_rotations(blocks)
    return found


def untidy(text: str) -> list[str]:
    """What a careful engineer would not leave in a file."""
    rules = {
        "does not end with one line break": not text.endswith("\n") or text.endswith("\n\n"),
        "begins with a blank line": text.startswith("\n"),
        "has trailing spaces": re.search(r"[ \t]\n", text),
        "has two blank lines": "\n\n\n" in text,
        "has a blank line before a closing bracket": re.search(r"\n\n *[}\]]", text),
        "has a blank line behind an opening bracket": re.search(r"[{\[]\n\n", text),
        "has blocks without a blank line between": re.search(r"^(\S.*)?\}\n(?=[a-z])", text, re.MULTILINE),
        "has an empty block": re.search(r"^(?! *empty_dir \{\}$).*(\{\s*\}|= \[\s*\])$", text, re.MULTILINE),
    }
    return [rule for rule, broken in rules.items() if broken]


def needless_comments(name: str, text: str) -> list[str]:
    """Comments that no convention asks for."""
    asked = r'# ((auth = "(app|none)"|Recreate|One pod after the other): \S.*|'
    asked += "(KYVERNO_LIFECYCLE_V[12]|KEEL_LIFECYCLE_V1|KEEL_IGNORE_IMAGE|"
    asked += "RELOADER_LIFECYCLE_V1|SABLIER_MANAGED_REPLICAS))"
    comments = [hcl.source(node).strip() for node in hcl.nodes(hcl.syntax(text)) if node.type == "comment"]
    return [] if name == "extra.tf" else [found for found in comments if not re.fullmatch(asked, found)]


def dangling(texts: Iterable[str]) -> set[str]:
    """Variables, locals and data declared and not used, and references to nothing."""
    texts = list(texts)
    blocks = [block for text in texts for block in hcl.parse(text).blocks]
    used = {reference for text in texts for reference in references(text)}
    declared = {f"var.{block.labels[0]}" for block in blocks if block.type == "variable"}
    own = {f"local.{name}" for block in blocks if block.type == "locals" for name in block.attributes}
    data = {f"data.{'.'.join(block.labels)}" for block in blocks if block.type == "data"}
    there = declared | own | data | {f"module.{block.labels[0]}" for block in blocks if block.type == "module"}
    there |= {".".join(block.labels) for block in blocks if block.type == "resource"}
    there |= {f"local.{name}" for name in FROM_THE_ROOT}
    return (used - there) | ((declared | own | data) - used - {f"local.{name}" for name in PROMISED})


def references(text: str) -> Iterator[str]:
    """What the expressions of a text refer to, as addresses."""
    for node in hcl.nodes(hcl.syntax(text)):
        root = hcl.source(node) if node.type == "variable_expr" else ""
        if root in ("var", "local", "module") or root.startswith("kubernetes_"):
            yield f"{root}{hcl.source(node.next_sibling)}" if node.next_sibling else root
        elif root == "data" and node.next_sibling and node.next_sibling.next_sibling:
            yield f"data{hcl.source(node.next_sibling)}{hcl.source(node.next_sibling.next_sibling)}"


def repeated(blocks: Iterable[Block]) -> Iterator[str]:
    """Addresses and names on the cluster that two things have."""
    blocks = list(blocks)
    addresses = Counter((block.type, *block.labels) for block in blocks)
    names = Counter(name for block in blocks for name in on_the_cluster(block))
    yield from (
        f"{'.'.join(taken)} is there twice" for found in (addresses, names) for taken, n in found.items() if n > 1
    )


def on_the_cluster(block: Block) -> Iterator[tuple[str, str]]:
    """Kind and name of what a block makes."""
    if block.type == "resource" and "manifest" in block.attributes:
        yield block["manifest"]["kind"], block["manifest"]["metadata"]["name"]
    elif block.type == "resource" and isinstance(block.one("metadata")["name"], str):
        yield block.labels[0], block.one("metadata")["name"]
    elif block.type == "module" and block["source"].endswith("nfs_volume"):
        yield "kubernetes_persistent_volume_claim", block["name"]
    elif block.type == "module":
        yield block["source"], block["name"]


def workload(block: Block) -> Iterator[str]:
    """What is wrong with a Deployment or a CronJob."""
    name = block.one("metadata")["name"]
    cron = block.labels[0] == "kubernetes_cron_job_v1"
    if not re.fullmatch(DNS, name) or (cron and len(name) > 52):
        yield f"{name} is no name for it"
    template = block.one(*IN_THE_JOB[:-1]) if cron else block.one("spec", "template")
    labels = template.one("metadata")["labels"]
    if cron != (labels != Expression("local.labels")):
        yield "the Service must find the pods of the Deployment, and no others"
    pod = template.one("spec")
    yield from pod_problems(pod)
    claims = [text for text in claim_references(pod) if text.startswith("kubernetes_persistent_volume_claim.")]
    if claims and not cron:
        if block.one("spec")["replicas"] > 1:
            yield "several pods share a ReadWriteOnce claim"
        if [strategy["type"] for strategy in block.all("spec", "strategy")] != ["Recreate"]:
            yield "a new pod would wait for the claim of the old one"


def claim_references(pod: Block) -> list[str]:
    """The claims that a pod mounts."""
    return [claim["claim_name"].text for claim in pod.all("volume", "persistent_volume_claim")]


def pod_problems(pod: Block) -> Iterator[str]:
    """What is wrong with a pod."""
    containers = pod.all("init_container") + pod.all("container")
    yield from twice("container", (container["name"] for container in containers))
    yield from twice("volume", (volume["name"] for volume in pod.all("volume")))
    volumes = {volume["name"] for volume in pod.all("volume")}
    mounted = {mount["name"] for container in containers for mount in container.all("volume_mount")}
    if volumes != mounted:
        yield f"volumes and mounts differ by {volumes ^ mounted}"
    for container in containers:
        yield from twice("variable", (env["name"] for env in container.all("env")))
        yield from twice("mount", (mount["mount_path"] for mount in container.all("volume_mount")))
        yield from twice("port", (port["container_port"] for port in container.all("port")))
        resources = container.one("resources")
        if not {"cpu", "memory"} <= set(resources["requests"]) or "memory" not in resources["limits"]:
            yield f"{container['name']} has no bounds"
        if "cpu" in resources["limits"]:
            yield f"{container['name']} has a CPU limit"


def service(block: Block) -> Iterator[str]:
    """What is wrong with a Service."""
    ports = block.all("spec", "port")
    yield from twice("Service's port", (port["port"] for port in ports))
    yield from twice("Service's port name", (port["name"] for port in ports))
    yield from (f"port name {port['name']} is too long" for port in ports if len(port["name"]) > 15)
    if block.one("spec")["selector"] != Expression("local.labels"):
        yield "the Service selects something else than the Deployment's pods"


def twice(kind: str, values: Iterable[object]) -> Iterator[str]:
    """Values that are there more than once."""
    yield from (f"{kind} {value} is there twice" for value, number in Counter(values).items() if number > 1)


def markers(text: str, blocks: list[Block]) -> Iterator[str]:
    """Drift that others cause and that is not ignored, or not marked; and Keel's lines where Keel has no say."""
    found = ignored(text)
    yield from (f"{path} has no marker" for path, marker in found if not marker and "requests" not in path)
    paths = Counter(path for path, _ in found)
    deployments = [block for block in blocks if block.labels[:1] == ("kubernetes_deployment",)]
    cron_jobs = [block for block in blocks if block.labels[:1] == ("kubernetes_cron_job_v1",)]
    wanted = Counter({'metadata[0].labels["goldilocks.fairwinds.com/vpa-update-mode"]': 1})
    wanted["spec[0].template[0].spec[0].dns_config"] = len(deployments)
    wanted["spec[0].job_template[0].spec[0].template[0].spec[0].dns_config"] = len(cron_jobs)
    claims = [block for block in blocks if block.labels[:1] == ("kubernetes_persistent_volume_claim",)]
    wanted["spec[0].resources[0].requests"] = len(claims)
    if '"keel.sh/enrolled"' in text:
        for deployment in deployments:
            own = deployment.one("metadata").attributes.get("annotations", {})
            wanted.update(keel_paths(deployment.one("spec", "template", "spec"), own))
    else:
        kept = [block.one("metadata").attributes.get("annotations", {}).get("keel.sh/policy") for block in deployments]
        if set(kept) - {"never"} or text.lower().count("keel") != len(deployments):
            yield "Keel is not told once to leave a Deployment alone"
    for deployment in deployments:
        wanted.update(others_paths(deployment))
    yield from (
        f"ignored {paths[path]} times, not {wanted[path]}: {path}"
        for path in paths | wanted
        if paths[path] != wanted[path]
    )


def keel_paths(pod: Block, own: Mapping[str, str]) -> Iterator[str]:
    """What Keel, Kyverno and Kubernetes write into an enrolled Deployment that says ``own`` itself."""
    for annotation in ("policy", "trigger", "pollSchedule", "match-tag"):
        if f"keel.sh/{annotation}" not in own:
            yield f'metadata[0].annotations["keel.sh/{annotation}"]'
    for annotation in ("kubernetes.io/change-cause", "deployment.kubernetes.io/revision"):
        yield f'metadata[0].annotations["{annotation}"]'
    yield 'spec[0].template[0].metadata[0].annotations["keel.sh/update-time"]'
    for kind in ("container", "init_container"):
        yield from (f"spec[0].template[0].spec[0].{kind}[{index}].image" for index in range(len(pod.all(kind))))


def others_paths(deployment: Block) -> Iterator[str]:
    """What the reloader writes where Terraform would take it away, and Sablier everywhere it works."""
    searches = "reloader.stakater.com/search" in deployment.one("metadata").attributes.get("annotations", {})
    if searches and "annotations" in deployment.one("spec", "template", "metadata").attributes:
        yield 'spec[0].template[0].metadata[0].annotations["reloader.stakater.com/last-reloaded-from"]'
    if "sablier.enable" in deployment.one("metadata")["labels"].text:
        yield "spec[0].replicas"


def unnoticed_rotations(blocks: list[Block]) -> Iterator[str]:
    """Secrets and config maps whose change reaches no pod."""
    watched = [name for block in blocks for name in rotated(block)]
    for block in blocks:
        if block.labels[:1] == ("kubernetes_deployment",):
            searches = (
                block.one("metadata").attributes.get("annotations", {}).get("reloader.stakater.com/search") == "true"
            )
            if searches != bool(watched):
                yield f"the Deployment {'searches in vain' if searches else 'does not notice ' + ', '.join(watched)}"
            containers = block.all("spec", "template", "spec", "container")
            read = {
                secret["name"] for found in containers for secret in found.all("env", "value_from", "secret_key_ref")
            }
            yield from (f"the Deployment's search does not find {name}" for name in sorted(read - set(watched)))


def rotated(block: Block) -> Iterator[str]:
    """The name of what a block makes, where it changes while pods run; it is made for the reloader to find."""
    match = {"reloader.stakater.com/match": "true"}
    if block.labels[:1] == ("kubernetes_config_map",):
        assert block.one("metadata")["annotations"] == match
        yield block.one("metadata")["name"]
    target = block["manifest"]["spec"]["target"] if "manifest" in block.attributes else {}
    if target.get("template", {}).get("metadata") == {"annotations": match}:
        yield target["name"]


def pulled_in_vain(blocks: list[Block], *, private: bool) -> Iterator[str]:
    """Pods with the service's own image that can't pull it, or whose pull secret pulls nothing."""
    for block in blocks:
        if block.labels[:1] not in (("kubernetes_deployment",), ("kubernetes_cron_job_v1",)):
            continue
        template = block.one(*IN_THE_JOB) if "cron_job" in block.labels[0] else block.one("spec", "template", "spec")
        own = any(container["image"] == Expression("local.image") for container in template.all("container"))
        secrets = [secret["name"] for secret in template.all("image_pull_secrets")]
        if secrets != ([PULL_SECRET] if own and private else []):
            yield f"{block.labels[1]}: pull secrets are {secrets}"
