"""All threats, with what stands against each: what was thought of, what was tried, and what held."""

from tests.mutants.attempts import ATTEMPTS, HELD
from tests.mutants.threats_at_the_door import AT_THE_DOOR
from tests.mutants.threats_of_signs import OF_PUSH
from tests.mutants.threats_to_people import OF_PEOPLE
from tests.mutants.threats_to_the_host import OF_THE_HOST

THOUGHT_OF = (*AT_THE_DOOR, *OF_PEOPLE, *OF_THE_HOST, *OF_PUSH)
THREATS = (*THOUGHT_OF, *ATTEMPTS, *HELD)
