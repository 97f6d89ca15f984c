"""What create, plan and status have in common: flags, the template, the platform, and the answers."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from generator.base.contained import linked
from generator.base.errors import AnswersError, NewserviceError, PreflightError, Problem, UsageError
from generator.base.secrets import Secret, hidden_from_children
from generator.cli import flags
from generator.cli.options import collect, question_options
from generator.cli.report import Reporter
from generator.engine.credentials import refuse_credentials, refuse_secrets, remember_credentials
from generator.engine.project import Project
from generator.engine.recorded import Recorded
from generator.engine.seed_rules import refuse_sources
from generator.engine.seeds import TO_BE_TYPED, Seed, parse_seed, read_seed, remarks
from generator.platform.profile import Platform, advice, load_platform
from generator.template.answers import Answers, resolve
from generator.template.questions import Question, load_questions
from generator.template.template import Template

if TYPE_CHECKING:
    from generator.engine.context import Run
    from generator.engine.versions import Maker


@dataclass
class Session:
    """One command's surroundings."""

    options: Mapping[str, Any]
    reporter: Reporter
    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    infra_default: Path | None = None
    kept: Path | None = None
    """The file in which this command keeps the answers until a repository records them."""
    adopts: str = ""
    """The repository that is taken over, as a person named it; empty where nothing that exists is."""
    history: Path | None = None
    """A clone that is nowhere else, whose history an adopted repository gets."""
    direct: bool = False
    """Whether what an adopted repository lacks is committed without a pull request."""
    own_facts: dict[str, Any] = field(default_factory=dict)
    """What newservice itself found, or recorded, beside the platform's facts."""
    proposed: Recorded | None = None
    """What was found to record the service, where a command has looked already."""
    found: dict[str, Any] = field(default_factory=dict)
    """Answers that were found in a repository; whatever is given or recorded wins."""
    open: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Questions that a person is asked though something answers them, with the reasons."""
    _chosen: str = ""
    _seeds: dict[str, Secret] | None = None
    _project: Project | None = None
    _run: Run | None = None
    _unread: list[Problem] = field(default_factory=list)
    _opened: ExitStack = field(default_factory=ExitStack)

    @cached_property
    def template(self) -> Template:
        """The installed template."""
        return Template.installed()

    @cached_property
    def questions(self) -> tuple[Question, ...]:
        """All questions."""
        return load_questions(self.template)

    @cached_property
    def platform(self) -> Platform:
        """The profile in force."""
        chosen = self.options.get("platform")
        platform = load_platform(self.template.platform, Path(chosen) if chosen else None, self.environ)
        remember_credentials(platform, self.environ)
        return platform

    @property
    def interactive(self) -> bool:
        """Whether a person can be asked."""
        silent = self.options.get("non_interactive") or self.options.get("json_lines")
        return not silent and sys.stdin.isatty() and sys.stdout.isatty()

    @property
    def infra(self) -> Path:
        """The clone of the infra repository."""
        chosen = self.options.get("infra")
        return (
            Path(os.path.realpath(chosen)) if chosen else (self.infra_default or self.platform.connection.infra_clone)
        )

    def given(self) -> dict[str, Any]:
        """The answers that flags, ``--set`` and files give; standard input is read once."""
        return dict(self._given)

    def again(self, name: str, *words: str) -> str:
        """The command that continues this one, as a shell takes it; ``name`` is empty where a file has it."""
        direct = ("--commit",) if self.direct else ()
        command = ("adopt-repository", self.adopts, *direct) if self.adopts else ("create", name)
        return shlex.join(["newservice", *filter(None, command), *words])

    def concerns(self, name: str, clone: Path | None = None) -> None:
        """From here on the command is about this service; ``clone`` is where its repository is, unless a flag says."""
        place = self.options.get("service_dir") or (str(clone) if clone else None)
        self.options = {**self.options, "name": name, "service_dir": place}
        self.__dict__.pop("_given", None)  # what was collected without the name

    def differing(self) -> dict[str, Any]:
        """The answers that flags, ``--set`` and files ask to be different in a service that exists."""
        return self._collected(None, None)

    @cached_property
    def _given(self) -> dict[str, Any]:
        given = self._collected(self.options.get("name"), None if self.interactive else self._unread)
        self.reporter.service = str(given.get("name", ""))
        return given

    def _collected(self, name: str | None, unread: list[Problem] | None) -> dict[str, Any]:
        with suppress(NewserviceError):  # a profile's fault is reported where it is needed
            remember_credentials(self.platform, self.environ)  # no message about an answer shows one
        options = self.options
        given = collect(self.questions, options, options.get("sets", ()), options.get("answers_file"), name, unread)
        refuse_secrets(given)
        return given

    def use_template(self, name: str) -> None:
        """From here on use a released version of the template, as for a service that it made.

        Raises ``UsageError`` where there is no such version.
        """
        from generator.engine.versions import Versions  # heavy, with all that it renders
        from generator.template.releases import Releases

        if name.removeprefix("v") == self.template.version:
            return
        releases = Releases()
        maker = Versions(releases, self.platform).maker(releases.find(name))
        self.facts = maker.facts(self.platform)
        self._use(maker)
        self._chosen = self.template.version

    def _use(self, maker: Maker) -> None:
        self.platform = maker.adjusted(self.platform)
        self.template, self.questions = maker.template, maker.questions

    @cached_property
    def facts(self) -> Mapping[str, Any]:
        """What templates know of the platform."""
        return self.platform.facts

    def answers(self, given: Mapping[str, Any]) -> Answers:
        """Complete, checked answers. Raises ``AnswersError``, also for what could not be read of them."""
        unread = {problem.question for problem in self._unread}
        try:
            facts = {**self.own_facts, "platform": self.facts}
            answers = resolve(self.template, self.questions, given, facts)
        except AnswersError as error:
            others = [problem for problem in error.problems if problem.question not in unread]
            raise AnswersError([*self._unread, *others]) from None
        if self._unread:
            raise AnswersError(self._unread)
        return answers

    def leave_open(self, problems: Iterable[Problem]) -> None:
        """Answers that nothing gives: ``answers`` raises them together with everything else that is wrong."""
        self._unread += problems

    def look_back(self, recorded: Recorded) -> dict[str, Any]:
        """From here on use the version of the template, and the facts, that a tree records; the answers that it does.

        What an earlier version made is compared with what it made then. A version that is not known is left alone.
        """
        self._look_back(recorded)
        self.own_facts |= {name: recorded.values[name] for name in _LASTING if name in recorded.values}
        public = {question.name for question in self.questions if question.public}
        return {key: value for key, value in recorded.values.items() if key in public}

    def _look_back(self, recorded: Recorded) -> None:
        from generator.engine.versions import Versions  # heavy, with all that it renders
        from generator.template.releases import Releases

        releases = Releases()
        if recorded.problem or recorded.version not in {release.version for release in releases.all}:
            return
        if str(recorded.version) == self.template.version:
            return
        maker = Versions(releases, self.platform).maker(recorded.version)
        self.facts = maker.split(recorded)[0]["platform"]
        self._use(maker)

    def service_dir(self, name: str) -> Path:
        """Where the service's repository is or goes; a link there is not followed."""
        place = Path(os.path.abspath(self.options.get("service_dir") or name))
        return place if linked(place) else Path(os.path.realpath(place))

    def project(self, answers: Answers) -> Project:
        """What is wanted, and where the service's repository goes; the same for the same answers, rendered once."""
        if self._project is None or self._project.answers is not answers:
            place = self.service_dir(answers.name)
            self._project = Project(self.template, self.platform, answers, place, tuple(flags.places(self.options)))
        return self._project

    def run(self, answers: Answers, needed: Iterable[str] | None = None, also: Iterable[str] = ()) -> Run:
        """The systems, opened once for the whole command: what looks at them and what writes share connections.

        ``needed`` names the credentials where not all are required; ``also`` systems that the answers don't need, for
        what is removed from them.

        Raises ``PreflightError`` when a credential, the clone of the infra repository or git is missing, and
        ``RefusedError`` where a seed's value holds one of the credentials.
        """
        from generator.engine.connections import open_run  # heavy, with all its clients

        project, seeds = self.project(answers), self.seeds(answers)
        if self._run is None or self._run.project is not project:
            opening = open_run(
                project, self.infra, environ=self.environ, progress=self.reporter.progress, needed=needed, also=also
            )
            self._run = self._opened.enter_context(opening)
        self._refuse_credentials(seeds)  # some credentials are known only now
        sources = {seed.name: seed for seed in self.sources}
        return replace(self._run, seeds=seeds, sources=sources, adopts=bool(self.adopts), history=self.history)

    @contextmanager
    def surroundings(self) -> Iterator[Session]:
        """This session, its secrets out of the sight of children, and closed at the end.

        If something is missing and no platform was chosen, the hint says how to choose one.
        """
        with hidden_from_children(self.secret_variables), self._opened:
            try:
                yield self
            except PreflightError as error:
                error.hint = "; ".join(filter(None, (error.hint, advice(self.platform))))
                raise

    @property
    def secret_variables(self) -> list[str]:
        """Environment variables that hold a secret: the profile's credentials, Vault's token, and named sources."""
        named = [seed.place for seed in self.sources if seed.kind == "env"]
        return [
            *(source.environment for source in self.platform.connection.credentials.values()),
            "VAULT_TOKEN",
            *named,
        ]

    @cached_property
    def sources(self) -> tuple[Seed, ...]:
        """Where ``--seed`` says that the first values of secrets are, or ``--replace`` new ones; the last word counts.

        Nothing is read yet. Raises ``UsageError`` for what is no source, and ``RefusedError`` for one that holds a
        credential.
        """
        named = [parse_seed(pair) for pair in self.options.get("seeds", ())]
        named += [parse_seed(pair, "--replace") for pair in self.options.get("replacements", ())]
        files = [seed.anywhere for seed in named]  # what is read later is what was judged
        refuse_sources([*named, *files], self.environ, self.platform)
        return tuple({seed.name: seed for seed in files}.values())

    @property
    def template_notes(self) -> tuple[str, ...]:
        """What a person should know about the version of the template, where it was chosen."""
        if not self._chosen:
            return ()
        newer = "`newservice update` brings the newest one later"
        return (f"made with template {self._chosen}, an earlier version; {newer}",)

    @property
    def seed_notes(self) -> tuple[str, ...]:
        """What a person should know about the values that were read, and the files that hold them."""
        return remarks(self.sources, self._seeds or {})

    def seeds(self, answers: Answers) -> dict[str, Secret]:
        """Values for the service's secrets from where ``--seed`` says, each read once; nobody is asked yet.

        Raises ``UsageError`` where there is no value, or no such secret, and ``RefusedError`` where a value holds a
        credential.
        """
        if self._seeds is None:
            for seed in self.sources:
                if seed.name not in answers.vault_properties:
                    raise UsageError(
                        "seed.unknown", f"{seed.label}no secret of the service has this property", "see --secrets"
                    )
            values = {seed.name: read_seed(seed, self.environ) for seed in self.sources}
            self._refuse_credentials(values)
            self._seeds = values
        return self._seeds

    def typed_seeds(self, answers: Answers) -> dict[str, Secret]:
        """The same with what a person types now, twice and without echo. Raises ``RefusedError`` for a credential."""
        seeds = self.seeds(answers)
        for name in [name for name, value in seeds.items() if value is TO_BE_TYPED]:
            from generator.wizard import ask_secret  # heavy, and needed with a terminal only

            typed = Secret(ask_secret(name))
            self._refuse_credentials({name: typed})
            seeds[name] = typed
        return seeds

    def _refuse_credentials(self, values: Mapping[str, Secret]) -> None:
        found = self._run.credentials.values() if self._run else ()
        flag = "--replace" if self.options.get("replacements") else "--seed"
        refuse_credentials(values, self.platform, self.environ, found, flag)

    def check_typing(self) -> None:
        """Raise ``UsageError`` where a value is to be typed and there is nobody to type it."""
        asked = [seed for seed in self.sources if seed.kind == "prompt"]
        if asked and not self.interactive:
            raise UsageError(
                "seed.no_terminal",
                f"{asked[0].flag} {asked[0]}: there is no terminal to type the value on",
                "run it on a terminal, without --json and --non-interactive; or name a variable or file",
            )


_LASTING = ("adopted", "kept", "proposed")
"""What newservice found out about a service once, and the answers file keeps."""


@contextmanager
def open_session(reporter: Reporter, options: Mapping[str, Any], *, keep_sandbox: bool) -> Iterator[Session]:
    """A session on the platform that the options name, or on an embedded one started for this call."""
    if not options.get("sandbox"):
        with Session(options, reporter).surroundings() as session:
            yield _with_template(session)
        return
    if options.get("platform"):
        raise UsageError("usage.sandbox", "--sandbox and --platform exclude each other", "give one of them")
    from generator.sandbox import Sandbox  # heavy, and needed here only

    with _sandbox_folder(lambda: keep_sandbox and reporter.wrote) as folder, Sandbox.start(folder) as sandbox:
        environ = sandbox.surroundings(os.environ)
        if keep_sandbox:
            reporter.progress(f"the embedded platform runs for this call; what is created on it stays in {folder}")
        on_sandbox = Session({**options, "platform": str(sandbox.profile)}, reporter, environ, sandbox.infra)
        with on_sandbox.surroundings() as session:
            yield _with_template(session)


def _with_template(session: Session) -> Session:
    """The session with the version of the template that ``--template`` names."""
    if session.options.get("template"):
        session.use_template(session.options["template"])
    return session


@contextmanager
def _sandbox_folder(keep: Callable[[], bool]) -> Iterator[Path]:
    """A folder for an embedded platform; kept where a person may want to look into its repositories, and has any."""
    folder = Path(tempfile.mkdtemp(prefix="newservice-sandbox-"))
    try:
        yield folder
    finally:
        if not keep():
            shutil.rmtree(folder, ignore_errors=True)


def common_options(command: click.Command, *, named: bool = True, offline: bool = True) -> click.Command:
    """The flags that ``create`` and ``plan`` share, and one for each question.

    ``named``: NAME goes with them. ``offline``: the command has something to do without any network.
    """
    service = flags.NAME if command.name in ("create", "plan") else flags.SERVICE
    common = (item for item in _COMMON if offline or item is not _OFFLINE)
    flags.shared(*([service] if named else []), *common)(command)
    question_options(load_questions(Template.installed()))(command)
    return command


_OFFLINE = click.option("--no-provision", is_flag=True, help="Write files only; no network at all.")

_COMMON: list[flags.Flag] = [
    flags.answers("Answers as YAML or JSON; - reads standard input."),
    flags.SETS,
    click.option("--seed", "seeds", multiple=True, metavar="PROPERTY=env:VAR|file:PATH|prompt|later",
                 help="Where a secret's first value comes from; without it a missing value is generated."),
    flags.platform(),
    flags.SANDBOX,
    flags.infra(),
    flags.service_dir("Where the service's repository goes.  [default: ./NAME]"),
    _OFFLINE,
    flags.yes(),
    flags.dry_run("As plan."),
    flags.NON_INTERACTIVE,
    flags.JSON,
    flags.diff(),
    flags.VERBOSE,
    flags.quiet(),
]  # fmt: skip
