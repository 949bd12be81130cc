"""What varies from face to face, and which values face i of seed s has."""

import numpy as np

from keras_vae.core import check_instance, check_integer, resolve_seed

FACTORS = {
    "background": ("sky", "mint", "sand", "rose", "lilac", "lemon", "aqua", "grey"),
    "skin": ("porcelain", "peach", "honey", "tan", "olive", "chestnut", "umber", "ebony"),
    "face_shape": ("oval", "round", "square", "heart"),
    "hair_style": ("bald", "buzz", "side part", "spiky", "curly", "afro", "bob", "long", "wavy", "bun"),
    "hair_color": ("black", "dark brown", "brown", "auburn", "ginger", "blond", "silver", "blue"),
    "brows": ("flat", "arched", "worried", "stern"),
    "eyes": ("round", "almond", "sleepy", "smiling"),
    "eye_color": ("brown", "hazel", "green", "blue", "grey"),
    "nose": ("button", "straight", "broad"),
    "mouth": ("smile", "grin", "laugh", "neutral", "smirk", "surprised"),
    "facial_hair": ("none", "moustache", "goatee", "beard"),
    "cheeks": ("plain", "rosy", "freckles"),
    "glasses": ("none", "round", "square", "sunglasses"),
    "clothing": ("crew neck", "v-neck", "collar", "hood"),
    "clothing_color": ("red", "orange", "yellow", "green", "teal", "blue", "violet", "charcoal"),
}
"""Each factor with the names of its values, in the order of the integers that stand for them."""

# How often a factor has each value, where not all are equally frequent: shares of 64.
_SHARES = {
    "facial_hair": (40, 8, 8, 8),
    "cheeks": (32, 20, 12),
    "glasses": (32, 12, 12, 8),
}


def face_factors(index: int, seed: int = 0) -> dict[str, int]:
    """Return the factors of one face, a pure function of the seed and the face's number.

    Parameters
    ----------
    index : int
        The number of the face, from 0. There is no last one.
    seed : int
        Which endless sequence of faces.

    Returns
    -------
    dict of str to int
        A value for each of `FACTORS`, in their order.

    Raises
    ------
    ValueError
        If `index` or `seed` is not an integer >= 0.

    Examples
    --------
    >>> {name: FACTORS[name][value] for name, value in face_factors(7).items()}["glasses"]
    'none'
    """
    index = check_integer("index", index, minimum=0)
    # A SeedSequence gives the same numbers with every version of NumPy, on every machine; a Generator need not.
    drawn = np.random.SeedSequence([resolve_seed(seed), index]).generate_state(len(FACTORS))
    return {name: _value(name, int(number)) for name, number in zip(FACTORS, drawn, strict=True)}


def check_factors(factors):
    """Check that each factor has one of its values, and return them in the order of `FACTORS`."""
    check_instance("factors", factors, dict, "a dictionary, such as `face_factors(0)`")
    if set(factors) != set(FACTORS):
        missing, unknown = sorted(set(FACTORS) - set(factors)), sorted(set(factors) - set(FACTORS))
        raise ValueError(
            f"`factors` must have the keys {list(FACTORS)}. Received: missing {missing}, unknown {unknown}"
        )
    for name, names in FACTORS.items():
        value = check_integer(name, factors[name], minimum=0)
        if value >= len(names):
            raise ValueError(
                f"`{name}` must be < {len(names)}, the number of its values {list(names)}. Received: {name}={value}"
            )
    return {name: int(factors[name]) for name in FACTORS}


def _value(name, number):
    if name not in _SHARES:
        return number % len(FACTORS[name])
    bounds = np.cumsum(_SHARES[name])
    return int(np.searchsorted(bounds, number % bounds[-1], side="right"))
