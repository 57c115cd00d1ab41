"""The families of the demo municipality, each in a state that says something."""

from api.cli.demo.families_change import CHANGES
from api.cli.demo.families_lead import LEADS
from api.cli.demo.families_team import TEAMS
from api.cli.demo.stories import Story

FAMILIES: tuple[Story, ...] = LEADS + TEAMS + CHANGES
