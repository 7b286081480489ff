"""Tables that are too large for one transaction. They are made, and the first of them is loaded, once for a file of tests."""
import json
import shutil

import stytch_ids

ROWS = 270_000  # more than a transaction holds
LIVE = "https://api.stytch.com/v1/b2b/sso/callback/"


def connection_id(row, generation):
    return stytch_ids.connection_id(generation << 64 | row)


def table_text(generation, rows=ROWS):
    """A table as a mapping file has it, and as export writes it."""
    return "version: 1\nsource: default\nconnections:\n" + "".join(f"  customer-{row:06}: {connection_id(row, generation)}\n" for row in range(rows))


class Made:
    """Two files with the same customers, and all connections different; and a store that the first was loaded into."""

    def __init__(self, gateway):
        self.texts = [table_text(generation) for generation in (1, 2)]
        self.files = [gateway.directory / f"table-{generation}.yaml" for generation in (1, 2)]
        for file, text in zip(self.files, self.texts):
            file.write_text(text)
        gateway.loader("load", self.files[0])
        self.store = gateway.store


class Tables:
    """They, and a gateway's own store."""

    def __init__(self, gateway, made):
        self.gateway, self.texts, self.files, self._made = gateway, made.texts, made.files, made

    def begin(self):
        """As it is after a load of the first."""
        shutil.copyfile(self._made.store, self.gateway.store)

    def stat(self):
        return json.loads(self.gateway.loader("stat", "--json").stdout)

    def exported(self):
        return self.gateway.loader("export").stdout

    def served(self, row):
        return self.gateway.get(f"/old-sso/customer-{row:06}").location
