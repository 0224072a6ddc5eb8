"""Names made for a pair, so that nobody has to give one."""

from random import Random

ALIAS_COLOURS = (
    "Amber", "Teal", "Violet", "Coral", "Indigo", "Olive", "Crimson", "Azure", "Copper", "Jade", "Plum", "Slate",
    "Ruby", "Cobalt", "Moss", "Rose", "Bronze", "Blue", "Green", "Scarlet", "Lilac", "Ochre", "Silver", "Maroon",
)  # fmt: skip
ALIAS_ANIMALS = (
    "Fox", "Heron", "Otter", "Wren", "Badger", "Lynx", "Hare", "Owl", "Swan", "Deer", "Falcon", "Seal", "Robin",
    "Marten", "Crane", "Finch", "Hedgehog", "Ibex", "Jackdaw", "Kestrel", "Lark", "Mole", "Newt", "Oriole", "Panda",
    "Quail", "Raven", "Stork", "Tern", "Vole", "Wolf", "Yak", "Zebra", "Beaver", "Dolphin", "Egret", "Gecko", "Koala",
    "Lemur", "Moose", "Puffin", "Squirrel", "Toad", "Walrus", "Bison", "Camel", "Dormouse", "Eagle", "Ferret", "Goose",
)  # fmt: skip


def new_aliases(random: Random) -> tuple[str, str]:
    """Two names made for one pair; neither colour nor animal is shared, so that nobody mixes them up."""
    colours, animals = random.sample(ALIAS_COLOURS, 2), random.sample(ALIAS_ANIMALS, 2)
    return f"{colours[0]} {animals[0]}", f"{colours[1]} {animals[1]}"
