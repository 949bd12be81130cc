"""The colours of the faces, one for each value of a factor, as (red, green, blue) from 0 to 255."""

BACKGROUND = (
    (184, 217, 240),
    (190, 228, 205),
    (240, 222, 190),
    (244, 202, 204),
    (214, 203, 238),
    (247, 237, 178),
    (176, 228, 228),
    (214, 218, 224),
)
SKIN = (
    (252, 228, 208),
    (247, 208, 176),
    (238, 188, 146),
    (219, 163, 116),
    (196, 146, 96),
    (165, 108, 70),
    (124, 78, 52),
    (86, 55, 42),
)
HAIR = (
    (38, 34, 40),
    (74, 49, 37),
    (120, 78, 48),
    (140, 56, 38),
    (209, 104, 42),
    (232, 190, 98),
    (188, 192, 200),
    (74, 112, 196),
)
IRIS = (
    (98, 62, 36),
    (150, 112, 48),
    (72, 136, 76),
    (62, 124, 192),
    (118, 130, 142),
)
CLOTHING = (
    (206, 68, 68),
    (232, 134, 58),
    (238, 196, 72),
    (94, 160, 92),
    (52, 152, 152),
    (66, 104, 178),
    (134, 92, 172),
    (74, 80, 92),
)
WHITE = (255, 255, 255)
INK = (44, 36, 40)
ROSE = (226, 88, 92)
LIPS = (176, 66, 66)
TONGUE = (226, 108, 108)
INSIDE = (98, 28, 36)


def mix(colour, other, share):
    """Mix two colours, with a share of the other from 0 to 1."""
    return tuple(round((1 - share) * a + share * b) for a, b in zip(colour, other, strict=True))


def darker(colour, share):
    return mix(colour, (40, 16, 24), share)  # a warm black


def lighter(colour, share):
    return mix(colour, WHITE, share)
