"""The generated table: row number N is the same on every machine and in every run."""
import itertools
import random

WORDS = ("acme", "globex", "initech", "hooli", "umbrella", "stark", "wayne", "tyrell", "cyberdyne", "soylent", "wonka", "gringotts", "oscorp",
         "aperture", "massive", "vandelay")
_MASK = (1 << 64) - 1


def _mix(number):
    """splitmix64 (Steele, Lea, Flood): 64 bits that look random."""
    number = (number + 0x9E3779B97F4A7C15) & _MASK
    number = ((number ^ number >> 30) * 0xBF58476D1CE4E5B9) & _MASK
    number = ((number ^ number >> 27) * 0x94D049BB133111EB) & _MASK
    return number ^ number >> 31


def identifier(number):
    """A word and 28 bits. The odd factor keeps them distinct up to 2 ** 28 rows, but not in numerical order."""
    return f"{WORDS[_mix(number) & 15]}-{number * 0x5BD1E995 & 0xFFFFFFF:07x}"


def issuer(number):
    """An entity id, for routes by Issuer."""
    return f"https://idp.example.com/saml2/{identifier(number)}"


def connection_id(number, generation=0):
    """The row's connection, which differs between generations of the table."""
    number += generation << 40
    high = f"{_mix(number * 2 + 1):016x}"
    low = f"{_mix(number * 2 + 2):016x}"
    return f"saml-connection-live-{high[:8]}-{high[8:12]}-4{high[13:]}-a{low[1:4]}-{low[4:]}"


def organization_id(number):
    return connection_id(number + (1 << 32)).replace("saml-connection", "organization", 1)


def location(number, generation=0):
    return f"https://api.stytch.com/v1/b2b/sso/callback/{connection_id(number, generation)}"


def _short(number, name):
    return f"  {name(number)}: {connection_id(number)}\n"


def _long(number, name):
    return (f"  {name(number)}:\n    connection_id: {connection_id(number)}\n    organization_id: {organization_id(number)}\n"
            f"    label: Customer {number}\n")


# The forms of generated mapping files: how a row is written, whether rows are in key order, and what gives their identifiers.
FORMS = {
    "short": (_short, True, identifier),
    "shuffled": (_short, False, identifier),
    "long": (_long, True, identifier),
    "next": (lambda number, name: f"  {name(number)}: {connection_id(number, 1)}\n", True, identifier),
    "issuers": (lambda number, name: f'  "{name(number)}": {connection_id(number)}\n', True, issuer),
}


GENERATIONS = ("short", "next")  # forms with the same identifiers in the same order, but different connections


def written(path, lines):
    """The file of these lines, made if it does not exist yet."""
    if not path.exists():
        unfinished = path.with_suffix(".unfinished")
        with unfinished.open("w", encoding="ascii") as out:
            out.writelines(lines)
        unfinished.rename(path)
    return path


def mapping_file(directory, count, form="short"):
    """The path of a mapping file of `count` rows, made if it does not exist yet."""
    path = directory / f"{form}-{count}.yaml"
    if path.exists():
        return path
    write, in_order, name = FORMS[form]
    numbers = sorted(range(count), key=name) if in_order else random.Random(count).sample(range(count), count)
    return written(path, itertools.chain(["version: 1\nconnections:\n"], (write(number, name) for number in numbers)))
