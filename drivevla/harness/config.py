"""What an evaluator's ``--agent-config`` says."""

from dataclasses import dataclass

from drivevla import registry
from drivevla.config.resolve import load_config
from drivevla.errors import ConfigError, unknown_name
from drivevla.language import Language

__all__ = ["TRACKS", "AgentConfig", "read_agent_config"]

TRACKS = ("SENSORS", "MAP", "SENSORS_QUALIFIER", "MAP_QUALIFIER")
"""Names of ``leaderboard.autoagents.autonomous_agent.Track``; leaderboard 1.0 knows the first two."""


@dataclass(frozen=True, kw_only=True)
class AgentConfig:
    """Who drives in somebody else's evaluator, and what it is shown.

    Attributes:
        policy: A name of the registry.
        options: What the policy is made with, ``key=value`` each.
        rig: A preset of sensor rigs.
        track: The track that is declared. On the map tracks the agent asks for the OpenDRIVE map; policies that are
            told the truth must declare one of them.
        instruction: A sentence that the policy is told all the way.
        navigator: Whether it hears our navigator's sentences instead, as in our own runner; they need a map track.
        language: Of the navigator's sentences.
        seed: Of the policy.
        host: Where the simulator is, for privileged policies in leaderboard 1.0, which does not tell its agents.
        port: Its port, likewise.
    """

    policy: str
    options: tuple[str, ...] = ()
    rig: str = "nano"
    track: str = "SENSORS"
    instruction: str | None = None
    navigator: bool = False
    language: str = Language.EN.value
    seed: int = 0
    host: str = "localhost"
    port: int = 2000

    def __post_init__(self) -> None:
        """Check names.

        Raises:
            UnknownName: There is no such policy, track or language.
            ConfigError: The navigator has no map, or an instruction speaks at the same time.
        """
        if self.policy not in registry.names("policies"):
            raise unknown_name("policy", self.policy, registry.names("policies"))
        if self.track not in TRACKS:
            raise unknown_name("track", self.track, TRACKS)
        if self.language not in [each.value for each in Language]:
            raise unknown_name("language", self.language, [each.value for each in Language])
        if self.navigator and not self.on_map_track:
            raise ConfigError(f"navigator: true needs the map: declare track MAP, not {self.track}")
        if self.navigator and self.instruction is not None:
            raise ConfigError("a policy hears either one instruction or the navigator: leave one of the two out")

    @property
    def on_map_track(self) -> bool:
        """Whether the map may be asked for."""
        return self.track.startswith("MAP")


def read_agent_config(argument: str) -> AgentConfig:
    """The configuration that an evaluator hands its agent.

    Args:
        argument: A preset of ``configs/agents`` or the path of a YAML file; what follows a plus sign is Bench2Drive's
            name for the route's folder, and is not ours.

    Raises:
        ConfigError: Nothing was given, or the file is not acceptable.
        UnknownName: There is no such preset, key, policy or track.
    """
    name = argument.partition("+")[0]
    if not name:
        raise ConfigError(
            "the agent needs --agent-config: a preset such as lane_follower, or a YAML file with policy, rig and track"
        )
    return load_config(AgentConfig, name)
