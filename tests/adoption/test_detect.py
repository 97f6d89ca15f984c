"""What small repositories say about themselves: each answer with its place, and what stays open."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

import pytest

from generator.lifecycle.adoption.detect import Found, detect
from generator.lifecycle.adoption.rules import Rules
from generator.lifecycle.adoption.tree import TreeFile
from tests.answers import TEMPLATE

OLD = (".woodpecker.yml", ".woodpecker/build.yml")
RULES = Rules.of(TEMPLATE, "ghcr.io/someone", OLD)

FROM = "FROM debian:13\n"
SCRIPTS = '{\n  "name": "x",\n  "scripts": {"lint": "a", "check": "b", "test": "c"}\n}\n'
BUILD_PUSH = """on: push
jobs:
  build:
    steps:
      - uses: actions/checkout@v4
      - uses: docker/build-push-action@v6
        with:
          context: {context}
          file: {file}
          push: true
          tags: |
            ghcr.io/someone/shop-web:${{{{ github.sha }}}}
            ghcr.io/someone/shop-web:latest
"""


def found(files: Mapping[str, Any], rules: Rules = RULES) -> Found:
    """What a tree of these files says."""
    return detect({path: _readable(item) for path, item in files.items()}, rules)


def _readable(item: Any) -> TreeFile | Callable[[], bytes]:
    if isinstance(item, str | bytes):
        return functools.partial(bytes, item.encode() if isinstance(item, str) else item)
    return item  # type: ignore[no-any-return]


def facts(result: Found) -> dict[str, tuple[Any, str]]:
    return {item.question: (item.value, item.origin) for item in result.findings}


def is_open(result: Found) -> dict[str, tuple[str, list[Any], list[str]]]:
    return {
        item.question: (item.reason, [candidate.value for candidate in item.candidates], list(item.flags))
        for item in result.questions
    }


# --- languages and tests ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("files", "languages"),
    [
        ({"pyproject.toml": "", "app/x.py": ""}, [("python", "pyproject.toml")]),
        ({"requirements.txt": ""}, [("python", "requirements.txt")]),
        ({"backend/setup.py": "", "go.mod": ""}, [("go", "go.mod"), ("python", "backend/setup.py")]),
        ({"package.json": "{}"}, [("node", "package.json")]),
        ({"package.json": "{}", "svelte.config.js": ""}, [("svelte", "svelte.config.js")]),
        (
            {"package.json": "{}", "ui/package.json": "{}", "ui/svelte.config.ts": ""},
            [("node", "package.json"), ("svelte", "ui/svelte.config.ts")],
        ),
        ({"index.html": "", "style.css": ""}, [("static", "index.html")]),
        ({"index.html": "", "go.mod": ""}, [("go", "go.mod")]),
        ({"Cargo.toml": ""}, [("rust", "Cargo.toml")]),
        ({"pom.xml": ""}, [("java", "pom.xml")]),
        ({"app/build.gradle.kts": ""}, [("java", "app/build.gradle.kts")]),
        ({"composer.json": "", "public/index.html": ""}, [("php", "composer.json")]),
        ({"src/App.csproj": ""}, [("dotnet", "src/App.csproj")]),
        ({"README.md": "", "LICENSE": ""}, []),
        (
            {
                "node_modules/a/package.json": "",
                "vendor/b/go.mod": "",
                "examples/x/Cargo.toml": "",
                "docs/index.html": "",
            },
            [],
        ),
        ({"pyprojectxtoml": "", "my-go.mod": ""}, []),
        ({}, []),
    ],
)
def test_languages(files: dict[str, str], languages: list[tuple[str, str]]) -> None:
    assert [(item.value, item.origin) for item in found(files).languages] == languages
    assert "language" not in found(files).answers


@pytest.mark.parametrize(
    ("files", "test", "origin"),
    [
        ({"scripts/test": "#!/bin/sh", "go.mod": ""}, "custom", "scripts/test"),
        ({"go.mod": "module x"}, "go", "go.mod"),
        ({"pyproject.toml": "", "requirements-dev.lock": ""}, "python", "pyproject.toml"),
        ({"svelte.config.js": "", "package.json": SCRIPTS, "package-lock.json": "{}"}, "node", "package.json:3"),
    ],
)
def test_tests_that_fit_as_they_are(files: dict[str, str], test: str, origin: str) -> None:
    assert facts(found(files))["ci_test"] == (test, origin)


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        (
            {"pyproject.toml": "", "tests/test_a.py": ""},
            "tests/test_a.py looks like a test, and nothing says how CI runs it",
        ),
        ({"api/go.mod": "", "api/a_test.go": ""}, "api/a_test.go looks like a test, and nothing says how CI runs it"),
        ({"package.json": SCRIPTS, "package-lock.json": "{}"}, "no file looks like a test"),
        ({"svelte.config.js": "", "package.json": "{}", "package-lock.json": "{}"}, "no file looks like a test"),
        (
            {"svelte.config.js": "", "package.json": '{"scripts": []}', "package-lock.json": "{}"},
            "no file looks like a test",
        ),
        ({"svelte.config.js": "", "package.json": "{", "package-lock.json": "{}"}, "no file looks like a test"),
        ({"Makefile": "test:", "Cargo.toml": ""}, "Makefile looks like a test, and nothing says how CI runs it"),
        ({}, "no file looks like a test"),
    ],
)
def test_tests_that_nobody_can_know(files: dict[str, str], reason: str) -> None:
    result = found(files)
    assert "ci_test" not in result.answers
    assert is_open(result)["ci_test"] == (reason, ["none", "custom"], ["--ci-test none", "--ci-test custom"])


def test_a_package_that_is_no_json_is_named() -> None:
    result = found({"svelte.config.js": "", "package.json": "{", "package-lock.json": "{}"})
    assert result.unread["package.json"].startswith("is no JSON that can be read: ")


# --- Dockerfiles -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("files", "dockerfile", "context"),
    [
        ({"Dockerfile": FROM}, ("Dockerfile", "Dockerfile"), (".", "Dockerfile")),
        ({"Containerfile": FROM}, ("Containerfile", "Containerfile"), (".", "Containerfile")),
        ({"dockerfile": FROM}, ("dockerfile", "dockerfile"), (".", "dockerfile")),
        ({"Dockerfile.prod": FROM}, ("Dockerfile.prod", "Dockerfile.prod"), (".", "Dockerfile.prod")),
        ({"app.Dockerfile": FROM}, ("app.Dockerfile", "app.Dockerfile"), (".", "app.Dockerfile")),
        ({"Dockerfile.dev": FROM}, ("Dockerfile.dev", "Dockerfile.dev"), (".", "Dockerfile.dev")),
        # one that is for development beside the one that is not
        (
            {"Dockerfile": FROM, "Dockerfile.dev": FROM, "dev.Dockerfile": FROM, "test/Dockerfile-test": FROM},
            ("Dockerfile", "Dockerfile"),
            (".", "Dockerfile"),
        ),
        # what only looks like one
        (
            {"Dockerfile": FROM, "Dockerfile.dockerignore": "x", "Dockerfile.j2": FROM, "Dockerfile.md": FROM},
            ("Dockerfile", "Dockerfile"),
            (".", "Dockerfile"),
        ),
        (
            {"Dockerfile": FROM, "node_modules/x/Dockerfile": FROM, ".devcontainer/Dockerfile": FROM},
            ("Dockerfile", "Dockerfile"),
            (".", "Dockerfile"),
        ),
        # the folder is the one that has what is copied
        (
            {"api/Dockerfile": FROM + "COPY requirements.txt /\n", "api/requirements.txt": ""},
            ("api/Dockerfile", "api/Dockerfile"),
            ("api", "api/Dockerfile:2"),
        ),
        (
            {"api/Dockerfile": FROM + "COPY . .\nCOPY api/a.py /\n", "api/a.py": ""},
            ("api/Dockerfile", "api/Dockerfile"),
            (".", "api/Dockerfile:3"),
        ),
        (
            {"api/Dockerfile": FROM + "COPY src /src\n", "api/src/a.py": ""},
            ("api/Dockerfile", "api/Dockerfile"),
            ("api", "api/Dockerfile:2"),
        ),
        (
            {"api/Dockerfile": FROM + 'COPY --chown=1:1 ["package*.json", "/a/"]\n', "api/package.json": "{}"},
            ("api/Dockerfile", "api/Dockerfile"),
            ("api", "api/Dockerfile:2"),
        ),
        (
            {"api/Dockerfile": FROM + "ARG D=src\nADD ${D}/x /x\n", "api/src/x": ""},
            ("api/Dockerfile", "api/Dockerfile"),
            ("api", "api/Dockerfile:3"),
        ),
        (
            {"api/Dockerfile": FROM + "ADD https://x.y/a /a\nCOPY --from=b /c /c\nCOPY go.mod .\n", "go.mod": ""},
            ("api/Dockerfile", "api/Dockerfile"),
            (".", "api/Dockerfile:4"),
        ),
        # or the one that it is built in
        (
            {"api/Dockerfile": FROM, "compose.yaml": "services:\n  a:\n    build: ./api\n"},
            ("api/Dockerfile", "api/Dockerfile"),
            ("api", "compose.yaml:3"),
        ),
        (
            {
                "api/Dockerfile": FROM,
                "docker-compose.prod.yml": "services:\n  a:\n    build:\n      context: .\n"
                "      dockerfile: api/Dockerfile\n",
            },
            ("api/Dockerfile", "api/Dockerfile"),
            (".", "docker-compose.prod.yml:4"),
        ),
        (
            {
                "deploy/compose.yml": "services: {a: {build: {context: ../src, dockerfile: x/Dockerfile}}}\n",
                "src/x/Dockerfile": FROM,
            },
            ("src/x/Dockerfile", "src/x/Dockerfile"),
            ("src", "deploy/compose.yml:1"),
        ),
        (
            {
                "api/Dockerfile": FROM,
                ".github/workflows/ci.yml": BUILD_PUSH.format(context=".", file="./api/Dockerfile"),
            },
            ("api/Dockerfile", "api/Dockerfile"),
            (".", ".github/workflows/ci.yml:6"),
        ),
        (
            {
                "api/Dockerfile": FROM,
                ".forgejo/workflows/ci.yaml": BUILD_PUSH.format(context="'{{defaultContext}}:api'", file='""'),
            },
            ("api/Dockerfile", "api/Dockerfile"),
            ("api", ".forgejo/workflows/ci.yaml:6"),
        ),
    ],
)
def test_the_dockerfile_and_its_folder(
    files: dict[str, str], dockerfile: tuple[str, str], context: tuple[str, str]
) -> None:
    said = facts(found(files))
    assert (said["dockerfile"], said["context"]) == (dockerfile, context)


@pytest.mark.parametrize(
    "text",
    [
        FROM,
        FROM + "COPY . /app\n",
        FROM + "COPY ./ /app\n",
        FROM + "COPY $WHAT /app\n",
        FROM + "COPY none /a\n",
        FROM + "COPY <<EOF /x\na\nEOF\n",
    ],
)
def test_a_folder_that_nothing_says_is_asked(text: str) -> None:
    result = found({"api/Dockerfile": text, "api/x": ""})
    assert "context" not in result.answers
    reason, candidates, flags = is_open(result)["context"]
    assert reason == "nothing says in which folder api/Dockerfile is built"
    assert (candidates, flags) == (["api", "."], ["--context api", "--context ."])


def test_two_places_that_build_it_otherwise_leave_the_folder_open() -> None:
    result = found(
        {
            "api/Dockerfile": FROM,
            "compose.yml": "services:\n  a: {build: api}\n  b: {build: {context: ., dockerfile: api/Dockerfile}}\n",
        }
    )
    assert "context" in is_open(result)


def test_several_dockerfiles_are_asked_with_each_as_flags_to_copy() -> None:
    files = {
        "web/Dockerfile": FROM + "COPY index.html /\n",
        "web/index.html": "",
        "a worker/Dockerfile": FROM,
        "Dockerfile.prod": FROM,
    }
    result = found(files)
    assert not {"dockerfile", "context", "port", "image_name"} & result.answers.keys()
    reason, candidates, flags = is_open(result)["dockerfile"]
    assert reason.startswith("the repository has 3 Dockerfiles")
    assert candidates == ["Dockerfile.prod", "a worker/Dockerfile", "web/Dockerfile"]
    assert flags == [
        "--dockerfile Dockerfile.prod --context .",
        "--dockerfile 'a worker/Dockerfile'",
        "--dockerfile web/Dockerfile --context web",
    ]


def test_ci_says_which_of_several_is_the_image() -> None:
    files = {
        "Dockerfile": FROM,
        "Dockerfile.arm": FROM,
        ".github/workflows/x.yml": BUILD_PUSH.format(context=".", file="Dockerfile.arm"),
    }
    said = facts(found(files))
    assert said["dockerfile"] == ("Dockerfile.arm", ".github/workflows/x.yml:6")
    assert said["image_name"] == ("shop-web", ".github/workflows/x.yml:6")


def test_ci_that_builds_several_says_what_they_are_called() -> None:
    pipeline = """steps:
  - commands:
      - docker build -t ghcr.io/someone/shop web
      - docker build -t ghcr.io/someone/shop-worker:$TAG -f w/Dockerfile .
"""
    result = found({"web/Dockerfile": FROM, "w/Dockerfile": FROM, ".woodpecker.yml": pipeline})
    assert is_open(result)["dockerfile"][2] == [
        "--dockerfile w/Dockerfile --context . --images name=shop,context=web,dockerfile=web/Dockerfile",
        "--dockerfile web/Dockerfile --context web --images name=shop-worker,context=.,dockerfile=w/Dockerfile",
    ]


def test_no_dockerfile_is_an_open_question() -> None:
    reason, candidates, flags = is_open(found({"go.mod": ""}))["dockerfile"]
    assert reason.startswith("the repository has no Dockerfile, and none is proposed: no package main is")
    assert (candidates, flags) == (["Dockerfile"], ["--dockerfile Dockerfile"])


@pytest.mark.parametrize("text", ["", "# nothing\n", "just words\n", "ARG A=1\n"])
def test_a_dockerfile_without_an_image_to_start_from_is_none(text: str) -> None:
    result = found({"Dockerfile": text})
    assert "dockerfile" in is_open(result)
    assert "names no image to start from" in result.unread["Dockerfile"]


@pytest.mark.parametrize("registry", ["ghcr.io/someone/x", "docker.io/someone", ""])
def test_only_this_platforms_images_name_it(registry: str) -> None:
    files = {"Dockerfile": FROM, ".github/workflows/x.yml": BUILD_PUSH.format(context=".", file="Dockerfile")}
    assert "image_name" not in found(files, Rules.of(TEMPLATE, registry)).answers


# --- ports -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "port", "line"),
    [
        (FROM + "EXPOSE 3000\n", 3000, 2),
        (FROM + "expose 3000/tcp\n", 3000, 2),
        (FROM + "EXPOSE 53/udp 8053/TCP\n", 8053, 2),
        (FROM + "EXPOSE 3000\nEXPOSE 3000\n", 3000, 2),
        ("\ufeff" + FROM + "EXPOSE 3000\n", 3000, 2),
        (FROM.replace("\n", "\r\n") + "EXPOSE 3000\r\n", 3000, 2),
        ("ARG PORT=9\n" + FROM + "ARG PORT=4000\nEXPOSE $PORT\n", 4000, 4),
        ("ARG PORT=9000\n" + FROM + "ARG PORT\nEXPOSE ${PORT}/tcp\n", 9000, 4),
        (FROM + 'ENV A=1 PORT="5000"\nEXPOSE ${PORT:-80}\n', 5000, 3),
        (FROM + "ENV PORT 5001\nEXPOSE $PORT\n", 5001, 3),
        (FROM + "EXPOSE ${PORT:-8081}\n", 8081, 2),
        (FROM + "ENV A=70\nENV PORT=${A}00\nEXPOSE $PORT\n", 7000, 4),
        # the last stage counts, with what it is built on
        ("FROM a AS build\nEXPOSE 1\nFROM b\nEXPOSE 2\n", 2, 4),
        ("FROM a AS base\nENV P=6000\nEXPOSE $P\nFROM base\nRUN x\n", 6000, 3),
        ("FROM a AS base\nENV P=6000\nFROM base AS two\nFROM two\nEXPOSE $P\n", 6000, 5),
        ("FROM --platform=$BUILDPLATFORM a AS Base\nEXPOSE 7\nFROM base\n", 7, 2),
        ("FROM a\nEXPOSE 8\nFROM 0\n", 8, 2),
        # a trigger is for images that are built on it
        (FROM + "ONBUILD EXPOSE 1\nEXPOSE 2\n", 2, 3),
        ("FROM a AS base\nONBUILD EXPOSE 9\nFROM base\n", 9, 3),
        # lines that go on, comments, heredocs
        (FROM + "EXPOSE \\\n  # the port\n\n  3000\n", 3000, 2),
        (FROM + "# EXPOSE 1\n  EXPOSE 2\n", 2, 3),
        ("# escape=`\n" + FROM + "RUN a `\n  b\nEXPOSE 3\n", 3, 5),
        (FROM + "RUN <<EOF\nEXPOSE 1\nEOF\nEXPOSE 2\n", 2, 5),
        (FROM + "COPY <<-'EOF' /a\nEXPOSE 1\n\tEOF\nEXPOSE 2\n", 2, 5),
        (FROM + "RUN echo $((1<<N))\nEXPOSE 2\n", 2, 3),
        (FROM + "RUN a <<A <<B\nEXPOSE 1\nA\nEXPOSE 3\nB\nEXPOSE 2\n", 2, 7),
        (FROM + "CMD x\nEXPOSE 2 # not a comment", None, 3),
    ],
)
def test_the_port(text: str, port: int | None, line: int) -> None:
    result = found({"Dockerfile": text})
    if port is None:
        assert "port" not in result.answers
        assert "Dockerfile:3" in is_open(result)["port"][0]
    else:
        assert facts(result)["port"] == (port, f"Dockerfile:{line}")


@pytest.mark.parametrize(
    ("text", "reason", "candidates"),
    [
        (FROM, "Dockerfile exposes no port; its base image may", []),
        (FROM + "EXPOSE 53/udp\n", "Dockerfile exposes no port; its base image may", []),
        (FROM + "EXPOSE $PORT\n", "Dockerfile:2 exposes $PORT", []),
        (FROM + "EXPOSE 80\nEXPOSE 0\n", "Dockerfile:3 exposes 0", [80]),
        (FROM + "EXPOSE 80 443\n", "Dockerfile exposes 80, 443", [80, 443]),
        (FROM + "EXPOSE 8000-8002\n", "Dockerfile exposes 8000, 8002", [8000, 8002]),
        (FROM + "EXPOSE 99999999999999999999\n", "Dockerfile:2 exposes 99999999999999999999", []),
        ("FROM base\nEXPOSE 1\nFROM other\n", "Dockerfile exposes no port; its base image may", []),
    ],
)
def test_a_port_that_is_not_one_is_asked(text: str, reason: str, candidates: list[int]) -> None:
    result = found({"Dockerfile": text})
    assert "port" not in result.answers
    assert is_open(result)["port"] == (reason, candidates, [f"--port {port}" for port in candidates])


# --- pipelines -------------------------------------------------------------------------------------------------


def built(path: str, text: str) -> list[tuple[str, str | None, str | None, str | None]]:
    (pipeline,) = found({path: text}).pipelines
    return [(item.origin, item.context, item.dockerfile, item.image) for item in pipeline.builds]


@pytest.mark.parametrize(
    ("command", "context", "dockerfile", "image"),
    [
        ("docker build .", ".", "Dockerfile", None),
        ("docker build -t a/b:1 api", "api", "api/Dockerfile", "a/b"),
        (
            "docker buildx build --push --platform linux/amd64 --tag=r.x:5000/a:$TAG --file api/D ./",
            ".",
            "api/D",
            "r.x:5000/a",
        ),
        ("sudo DOCKER_BUILDKIT=1 docker image build --build-arg A=b --no-cache -f D ..", None, "D", None),
        ("podman build -t ghcr.io/$OWNER/a .", ".", "Dockerfile", None),
        ("buildah bud -f C -t x .", ".", "C", "x"),
        ("test -f a && docker build -t y . && docker push y", ".", "Dockerfile", "y"),
        ('docker build -t "$IMAGE" $FOLDER', None, None, None),
        ("cd api && docker build -t z .", None, None, "z"),
        ("docker build -t u https://x.y/z.git", None, None, "u"),
    ],
)
def test_commands_that_build(command: str, context: str | None, dockerfile: str | None, image: str | None) -> None:
    origin = ".github/workflows/b.yml"
    text = f"jobs:\n  a:\n    steps:\n      - name: x\n        run: |\n          echo\n          {command}\n"
    assert built(origin, text) == [(f"{origin}:7", context, dockerfile, image)]


def test_a_command_over_several_lines() -> None:
    text = 'steps:\n- commands:\n  - |\n    docker build \\\n      -t a/b \\\n      web\n  - "docker build ."\n'
    assert built(".woodpecker/build.yml", text) == [
        (".woodpecker/build.yml:4", "web", "web/Dockerfile", "a/b"),
        (".woodpecker/build.yml:7", ".", "Dockerfile", None),
    ]


@pytest.mark.parametrize(
    "command", ["docker push a", "echo docker build .", "docker buildx create", "# docker build .", "docker compose up"]
)
def test_commands_that_build_nothing(command: str) -> None:
    assert built(".woodpecker.yml", f"steps:\n  - commands:\n      - '{command}'\n") == []


def test_builds_in_the_cluster_are_old_pipelines() -> None:
    """The form in which the platform's services were built before: plugins and settings."""
    text = """steps:
  build:
    image: woodpeckerci/plugin-docker-buildx:5
    settings:
      repo: registry.example.test/guide
      context: .
      dockerfile: docker/Dockerfile
      tags: [latest]
"""
    result = found({".woodpecker.yml": text, ".woodpecker/deploy.yml": "steps: []\n", "docker/Dockerfile": FROM})
    shown = {item.path: (item.system, item.old, len(item.builds)) for item in result.pipelines}
    assert shown == {".woodpecker.yml": ("pipelines", True, 1), ".woodpecker/deploy.yml": ("pipelines", False, 0)}
    assert result.pipelines[0].builds[0].image == "registry.example.test/guide"
    assert facts(result)["context"] == (".", ".woodpecker.yml:3")


def test_settings_that_hold_variables_are_not_read() -> None:
    text = BUILD_PUSH.format(context="${{ matrix.folder }}", file="${{ matrix.file }}")
    assert built(".github/workflows/a.yml", text) == [
        (".github/workflows/a.yml:6", None, None, "ghcr.io/someone/shop-web")
    ]


def test_what_a_pipeline_deploys_is_what_it_deployed_before() -> None:
    text = """when: [{event: manual}]
steps:
  - name: deploy
    image: bitnami/kubectl
    commands:
      - "kubectl -n guides set image deployment/web app=${IMAGE_NAME}:${IMAGE_TAG} migrate=${IMAGE_NAME}:${IMAGE_TAG}"
      - "kubectl -n guides rollout status deployment/web --timeout=300s"
      - kubectl set image --namespace=guides deploy worker worker=${IMAGE_NAME}:${IMAGE_TAG} --record
"""
    path = ".woodpecker/deploy.yml"
    said = facts(found({path: text}))
    assert said["deploy"] == ({"web": ["app", "migrate"], "worker": ["worker"]}, f"{path}:6, {path}:8")
    assert said["namespace"] == ("guides", f"{path}:6")


def test_deployments_in_two_namespaces_are_asked() -> None:
    text = """a:
  - kubectl -n a set image deployment/x c=i
  - kubectl -n b set image deployment/x c=i
  - kubectl -n $N set image deployment/$D c=i
"""
    result = found({".woodpecker.yml": text})
    assert "namespace" not in result.answers
    assert sorted(is_open(result)["namespace"][1]) == ["a", "b"]
    assert result.answers["deploy"] == {"x": ["c"]}


@pytest.mark.parametrize(
    "text",
    [
        "a: [",
        "\t",
        b"\xff\xfe",
        "a: &a [*a]",
        "[" * 500,
        "",
        "- 1",
        "services: [build]",
        "services: {a: 1, b: {build: [1]}}",
        "run: 'docker build \"'",
    ],
)
@pytest.mark.parametrize("path", [".github/workflows/a.yml", "compose.yml"])
def test_a_damaged_file_is_named_and_nothing_else(path: str, text: str | bytes) -> None:
    result = found({path: text, "Dockerfile": FROM + "EXPOSE 1\n"})
    assert facts(result)["port"] == (1, "Dockerfile:2")
    assert set(result.unread) <= {path}


# --- what git and people put into trees ------------------------------------------------------------------------


def test_large_files_and_submodules() -> None:
    files = {
        ".gitattributes": "# *.x filter=lfs\n*.bin filter=lfs diff=lfs merge=lfs -text\n",
        "web/.gitattributes": "*.png filter=lfs\n",
        ".gitmodules": '[core]\n[submodule "lib"]\n  path = lib\n[submodule "b"]\n',
        "lib": TreeFile(_never, mode="160000"),
        "Dockerfile": FROM,
    }
    result = found(files)
    assert facts(result)["checkout"] == (["lfs", "submodules"], ".gitattributes:2, .gitmodules:2")
    assert [item.origin for item in result.submodules] == [".gitmodules:2", ".gitmodules:4"]


@pytest.mark.parametrize("text", ["*.bin filter=crypt\n", "filter=lfs\n", "", "*.a text\n"])
def test_no_large_files(text: str) -> None:
    assert "checkout" not in found({".gitattributes": text}).answers


def test_a_submodule_that_is_not_listed_is_one() -> None:
    assert facts(found({"lib/x": TreeFile(_never, mode="160000")}))["checkout"] == (["submodules"], "lib/x")


def _never() -> NoReturn:
    raise AssertionError("this file says nothing, and was read")


def test_only_what_can_say_something_is_read_and_once() -> None:
    reads: list[str] = []

    def counted(path: str, text: str) -> Callable[[], bytes]:
        def read() -> bytes:
            reads.append(path)
            return text.encode()

        return read

    said = {
        "Dockerfile": FROM,
        ".gitattributes": "* filter=lfs",
        "go.mod": "",
        ".woodpecker.yml": "{}",
        "compose.yml": "{}",
    }
    files = {path: counted(path, text) for path, text in said.items()}
    found(
        {
            **files,
            **dict.fromkeys(
                ["README.md", "src/main.go", "logo.png", "package-lock.json", "vendor/x/Dockerfile"], _never
            ),
        }
    )
    assert sorted(reads) == [".gitattributes", ".woodpecker.yml", "Dockerfile", "compose.yml"]


def test_a_huge_file_is_not_read() -> None:
    result = found({"Dockerfile": TreeFile(_never, size=1 << 30), "compose.yml": "#" * (1 << 21)})
    assert result.unread == {"Dockerfile": "is larger than 1024 KiB", "compose.yml": "is larger than 1024 KiB"}
    assert "dockerfile" in is_open(result)


def test_what_is_not_utf_8_is_read_as_far_as_it_is() -> None:
    result = found({"Dockerfile": b"# gr\xfc\xdfe\nFROM a\nEXPOSE 80\n"})
    assert facts(result)["port"] == (80, "Dockerfile:3")
    assert result.unread == {"Dockerfile": "is not UTF-8, and was read as far as it is"}


def test_a_link_is_followed_inside_of_the_tree() -> None:
    files = {
        "Dockerfile": TreeFile(lambda: b"docker/app.Dockerfile", 21, "120000"),
        "docker/app.Dockerfile": FROM + "EXPOSE 80\n",
    }
    said = facts(found(files))
    assert said["dockerfile"] == ("Dockerfile", "Dockerfile")
    assert said["context"] == (".", "Dockerfile")
    assert said["port"] == (80, "Dockerfile:2")


@pytest.mark.parametrize("target", ["/etc/passwd", "../../etc/passwd", "none", "Dockerfile", "a\0b", "\udcff"])
def test_a_link_that_leads_nowhere_is_named(target: str) -> None:
    content = target.encode("utf-8", "surrogateescape")
    result = found({"Dockerfile": TreeFile(lambda: content, len(content), "120000")})
    assert result.unread["Dockerfile"] == "is a link to no file of the repository"
    assert "dockerfile" in is_open(result)


def test_a_hundred_thousand_files_are_no_matter() -> None:
    files: dict[str, Any] = {f"src/a{number // 100}/b{number}.py": _never for number in range(100_000)}
    assert found({**files, "Dockerfile": FROM}).answers["dockerfile"] == "Dockerfile"
