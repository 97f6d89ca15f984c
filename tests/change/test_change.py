from tests.answers import RICH
from tests.change.forge import change, merge_all, state, waiting
from tests.world import World


def test_memory(world: World) -> None:
    world.run("create", RICH)
    world.merge("city-guide")
    before = state(world, "city-guide")
    done = change(world, "city-guide", "--memory", "512Mi", "--env", "OTHER=1", "--unset", "env.LOG_LEVEL", "--verbose")
    open("/tmp/h/out", "a").write("\n".join([done.out, done.err]) + "\n---\n")
    assert done.code == 0
    assert waiting(world, "city-guide") == ["infra"]
    again = change(world, "city-guide", "--memory", "512Mi", "--env", "OTHER=1")
    open("/tmp/h/out", "a").write("\n".join([again.out, again.err]) + "\n---\n")
    merge_all(world, "city-guide")
    again = change(world, "city-guide")
    open("/tmp/h/out", "a").write("\n".join([again.out, again.err]) + "\n---\n")
    assert 0
