"""Names that are not there, or not what they look like: what may have been meant."""

import json
import re
import subprocess

import pytest

from loader import ACME, CONFIGURATION_OF_SOURCES, GLOBEX, INITECH, SMALL, explain, mapping_text, plain
from stytch_ids import connection_id


def test_characters_that_nobody_sees_are_shown(loader):
    odd = f'version: 1\nconnections:\n  "\\ufeffacme": {ACME}\n  "in\\u200bitech": {{connection_id: {GLOBEX}, label: "a\\u202eb\\U000e0041"}}\n'
    loaded = loader.load(odd)
    assert loaded.stderr.count("holds an invisible character") == 2
    shown = loader("list").stdout
    assert "in\\u200bitech " in shown and "\\ufeffacme " in shown and "a\\u202eb\\U000e0041\n" in shown
    assert "in\\u200bitech" in loader("get", "in\u200bitech").stdout
    assert "there is no in\\u200btech in source default" in loader("get", "in\u200btech", status=1).stderr
    assert "- \\ufeffacme\n" in loader("diff", loader.file("version: 1\nconnections: {}\n")).stdout
    assert "holds an invisible character" in loader("set", "\u2060b", f"connection_id={ACME}").stderr
    exported = loader.export()
    for name in "acme ", " acme", " ":
        assert "begins or ends with a blank" in loader("set", name, f"connection_id={ACME}", "label=of two words").stderr
    shown = loader("list", "--match", "*[ c]*").stdout.splitlines()
    assert [line.split()[1] for line in shown[1:]] == ["\\x20", "\\x20acme", "acme\\x20", "in\\u200bitech", "\\ufeffacme"]
    assert len({line.index("  of two words") for line in shown if "of two words" in line}) == 1, "the columns are aligned"
    assert "identifier       acme\\x20\n" in loader("get", "acme ").stdout
    loader("remove", "acme ", " acme", " ")
    loader("remove", "\u2060b")
    loader.load(exported)
    assert loader.export() == exported


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["get", "globxe"], "did you mean globex?"),
        (["get", "ACME"], "did you mean acme?"),
        (["get", "zzzzzzzz"], "list --match"),
        (["get", "--source", "auth0", "acme"], "in source default: use --source default"),
        (["get", "--source", "auth0", "zzz"], "source auth0 has no rows; there are rows of: default"),
        (["remove", "acme", "intech"], "did you mean initech?"),
        (["set", "globx", "redirect=307"], "did you mean globex?"),
        (["export", "--source", "auth0"], "there are rows of: default"),
        (["history", "--show", "9"], "there is no revision 9; the newest is 1"),
        (["rollback", "5"], "there is no revision 5; the newest is 1"),
        (["list", "--source", "auth0"], "there are rows of: default"),
        (["set", "Acme", "state=legacy"], "did you mean acme?"),
        (["set", "acme-corp", "state=legacy"], "did you mean acme?"),
        (["set", "old-sso/acme?x=1", "state=legacy"], "did you mean acme?"),
        (["set", "Globex@example.com", "state=legacy"], "did you mean globex?"),
        (["get", "lobex@example.com"], "list --match"),
        (["set", "acmee", "state=legacy"], "to add a row with that name all the same, give connection_id=ID"),
        (["set", "--source", "auth00", "acme", "state=legacy"], "in source default: use --source default"),
        (["set", "acme", "nobody", "globxe", "state=disabled"], "there is no nobody in source default"),
        (["set", "acme", "nobody", "globxe", "state=disabled"], "did you mean globex?"),
        (["set", GLOBEX, "state=legacy"], "it is the connection_id of globex (source default)"),
        (["set", "--source", "auth0", GLOBEX, "state=legacy"], f"there is no {GLOBEX} in source auth0: it is the connection_id of globex"),
        (["set", "globex (okta)", "state=legacy"], "it is the label of globex (source default)"),
        (["set", "acme", "Globex (Okta)", "state=legacy"], "it is the label of globex (source default)"),
        (["set", "acme,globex", "state=legacy"], "there is no acme,globex in source default: in it are the names of acme and globex, which need a word each"),
        (["set", " nobody; acme", "state=legacy"], "in it is the name of acme, which needs a word of its own"),
        (["remove", "acme globex initech"], "in it are the names of acme, globex and initech, which need a word each"),
        (["get", INITECH], "it is the connection_id of initech (source default)"),
        (["remove", INITECH], "it is the connection_id of initech (source default)"),
        (["history", "--id", INITECH], "it is the connection_id of initech (source default)"),
    ],
)
def test_what_is_not_there_comes_with_what_is(loaded, arguments, words):
    before = loaded.export()
    result = loaded(*arguments, status=1)
    assert words in result.stderr and result.stdout == ""
    assert loaded.export() == before


def test_a_row_of_that_name_in_another_source_is_told_to_whoever_named_none(loaded):
    loaded.load(mapping_text("auth0", {"acme": connection_id(7), "hooli": connection_id(8)}))
    other = "ssoferry: acme of source auth0 is another row and stays as it is; --source auth0 names it\n"
    assert loaded("set", "acme", "state=disabled").stderr == loaded("set", "globex", "acme", "state=disabled").stderr == other
    assert loaded("set", "--source", "default", "acme", "state=stytch").stderr == loaded("set", "globex", "state=stytch").stderr == ""
    assert loaded("set", "--all", "--state", "stytch", "label=x").stderr == ""
    assert loaded("remove", "acme", "globex").stderr == other
    assert loaded("remove", "--source", "auth0", "acme").stderr == ""


def test_a_name_that_no_row_is_near_is_added_with_its_state_alone(loaded):
    assert loaded("set", "umbrella", "state=disabled").stdout == "revision 2: umbrella added\n"
    assert loaded("set", "acmee", f"connection_id={ACME}", "state=disabled").stdout == "revision 3: acmee added\n"
    assert loaded("set", "acme,globex", f"connection_id={ACME}").stdout == "revision 4: acme,globex added\n"
    assert loaded("set", "hooli,corp", "state=disabled").stdout == "revision 5: hooli,corp added\n"


def test_a_row_that_is_added_beside_a_name_like_it_is_told(loader):
    """Who is cut over by a connection_id has a row without one, and a mistyped name makes another: the customer stays behind."""
    loader.load(f"version: 1\nconnections:\n  acme: {{connection_id: {ACME}, state: legacy}}\n  initech: {{state: legacy}}\n")
    for name in "initec", "Initech":
        result = loader("set", name, f"connection_id={INITECH}", "state=stytch")
        revision = loader.revision() - 1
        assert result.stdout == f"revision {revision + 1}: {name} added\n"
        assert result.stderr == (f"ssoferry: warning: {name} had no row and got a new one. Was initech meant, which has no connection_id? "
                                 f"Then `ssoferry rollback {revision}` undoes this\n")
        loader("rollback", "--yes", revision)
    told = loader("set", "acmee", f"connection_id={GLOBEX}").stderr  # another customer, mostly, as where names are numbers
    assert told == "ssoferry: acmee had no row and got a new one. Was acme meant? Then `ssoferry rollback 5` undoes this\n"
    assert "Was acmee meant?" in loader("set", "acmeo", f"connection_id={ACME}").stderr, "and not another name of the same customer"
    assert "Was acme, acmee or acmeo meant? Then `ssoferry rollback 7`" in loader("set", "acmex", f"connection_id={connection_id(9)}").stderr
    assert "got a new one" not in loader("set", "acmey", "connection_id=", "state=disabled").stderr


def test_rows_that_are_added_among_others_are_told(loaded):
    result = loaded("set", "acme", "wayne", "label=x", f"connection_id={connection_id(9)}")
    assert result.stdout == "revision 2: 1 row changed, 1 added\n"
    assert "ssoferry: wayne had no row and got a new one\n" in result.stderr
    names = ["hooli", "umbrella", "stark", "cyberdyne", "tyrell", "wonka", "soylent"]
    told = loaded("set", "acme", *names, f"connection_id={connection_id(9)}").stderr
    assert re.findall(r"(\w+) had no row", told) == names[:5] and "and 2 more new rows: `ssoferry history --show 3` shows them" in told
    assert "had no row" not in loaded("set", "aperture", "blackmesa", f"connection_id={connection_id(9)}").stderr, "all of them are new"
    told = loaded("set", "acme", "intech", f"connection_id={connection_id(9)}", "--json").stderr
    assert "intech had no row and got a new one. Was initech meant? Then `ssoferry rollback 4`" in told


@pytest.mark.parametrize("name", ["state=stytch", f"connection_id={ACME}", "redirect=form", "label=Wayne", "legacy_url="])
def test_a_field_in_the_place_of_an_identifier_is_not_made_a_row(loader, name):
    """As in a script whose variable of the identifier is empty: it would go on, and nobody be cut over."""
    said = f"{name} is a field and its value: write the identifier before it. If that is meant to be a name, `ssoferry load --merge` a file with it"
    for fields in ([f"connection_id={GLOBEX}"], ["state=disabled"]):
        assert loader("set", name, *fields, status=2 if "state=disabled" not in fields else 1).stdout == ""
    assert not loader.store.exists()
    loader.load(SMALL)
    for fields in ([f"connection_id={GLOBEX}"], ["state=disabled"], ["state=disabled", f"connection_id={GLOBEX}"]):
        assert said in loader("set", name, *fields, status=2).stderr
    loader("load", "--merge", loader.file(mapping_text("default", {json.dumps(name): ACME})))
    assert loader("set", name, "label=x").stdout == f"revision 3: {name} changed\n"


@pytest.mark.parametrize("name", ["connection=acme", "state=acme", "stat=legacy", "redirect=301", "label"])
def test_a_name_that_is_like_a_field_is_made_a_row(loader, name):
    assert loader("set", name, f"connection_id={GLOBEX}").stdout == f"revision 1: {name} added\n"


def test_near_names_are_looked_for_a_few_times(loaded):
    names = ["acmee", "globx", "intech", "globexx", "acmf", "globxe", "nobody"]
    for words in (["remove", *names], ["set", "acme", *names, "state=legacy"]):
        told = [line for line in loaded(*words, status=1).stderr.splitlines() if "there is no" in line]
        assert ["did you mean" in line for line in told] == [True] * 5 + [False] * 2
        assert [line.split()[5] for line in told] == names


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["--source", "auth0", "https://sso.example.com/auth0/umbrella"], "is an address that sign-ins come to, not an identifier"),
        (["--source", "auth0", "/auth0/umbrella"], "is an address that sign-ins come to, not an identifier"),
        (["--source", "auth9", "umbrella"], "no route has source auth9"),
        (["--source", "auth0", "old/umbrella"], "has a slash, and the routes of source auth0 look in one segment"),
    ],
)
def test_a_row_that_no_sign_in_asks_for_is_not_made_of_a_state(routed, loader, arguments, words):
    before = loader.export()
    for state in "legacy", "disabled":
        assert words in routed("set", *arguments, f"state={state}", status=1).stderr
    assert loader.export() == before
    assert words in routed("set", *arguments, "state=legacy", f"connection_id={ACME}", "legacy_url=https://legacy.example.net/").stderr


@pytest.mark.parametrize("source", ["issuer", "relayed"])
@pytest.mark.parametrize("address, told", [
    ("/auth0/umbrella", True), ("https://sso.example.com/auth0/umbrella", True), ("http://SSO.example.com:8443/auth0/umbrella?x=1", True),
    ("/issuer", True), ("/hosted/umbrella", True), ("https://hosted.example.com/hosted/umbrella", True),
    ("https://idp.example.com/auth0/umbrella", False), ("/elsewhere/umbrella", False), ("https://sso.example.com/any/umbrella", False)])
def test_the_address_of_another_source_is_not_made_a_row_of_a_state(loader, source, address, told):
    """Somebody forgot --source: sign-ins would go on unchanged, and later the right command would be sent to the wrong row. Other such names
    may be an Issuer or a RelayState."""
    routes = CONFIGURATION_OF_SOURCES.replace("hosts: [sso.", "hosts: [hosted.example.com, sso.").format(store=loader.store) + """\
  - match: https://hosted.example.com/hosted/{identifier}
    source: hosted
  - match: /relayed
    source: relayed
    identify_by: relay_state
  - match: /{identifier}/*
    source: any
"""
    config = loader.file(routes, "ssoferryd.yaml")
    loader.load(SMALL)
    before = loader.export()
    for state in "legacy", "disabled":
        command = ["-c", config, "set", "--source", source, address, f"state={state}", "legacy_url=https://legacy.example.net/x"]
        assert ("it is an address that sign-ins come to, not an identifier; `ssoferry explain URL`" in plain(*command, status=int(told)).stderr) == told
    assert (loader.export() == before) == told
    plain("-c", config, "set", "--source", source, address, f"connection_id={ACME}")


def test_an_address_is_told_to_be_one(routed, loader):
    """People have the ACS URL of a customer at hand, rather than the identifier in it."""
    loader.load("version: 1\nsource: auth0\nconnections:\n  umbrella: " + ACME + "\n")
    loader.load("version: 1\nsource: folded\nconnections:\n  hoo: " + ACME + "\n")
    commands = (["get"], ["remove"], ["history", "--id"], ["set", "state=disabled"])
    for address, row in [("https://sso.example.com/bare/acme?x=1", "acme"), ("https://u@sso.example.com/bare/acme", "acme"), ("/bare/acme/", "acme"),
                         ("/auth0/umbrella", "umbrella: use --source auth0"), ("HTTP://sso.example.com/folded/HOO", "hoo: use --source folded"),
                         (f"/bare/acme?{'x' * 500}", "acme")]:
        for command, *more in commands:
            words = [*more, address] if command == "history" else [address, *more]
            if len(address) > 440 and command in ("history", "set"):
                continue  # which refuse it as too long a name
            said = routed(command, *words, status=1).stderr
            assert f"there is no {address} in source default: it is an address, and sign-ins there are those of {row}\n" in said
    pointer = "if it is an address that sign-ins come to, `ssoferry explain URL` shows the identifier in it"
    for run in routed, loader:
        assert pointer in run("get", "https://sso.example.com/xyz/q", status=1).stderr
    assert pointer in loader("get", "/saml/new", status=1).stderr
    config = loader.file(f"store: {loader.store}\nhosts: [sso.example.com]\nroutes: [{{match: '/**/{{identifier}}/acs'}}]\n", "any.yaml")
    for host, words in ("sso.example.com", "sign-ins there are those of acme"), ("idp.example.com", "did you mean acme?"):  # may be an entity ID
        assert words in plain("-c", config, "get", f"https://{host}/saml/acme/acs", status=1).stderr
    loader.load("version: 1\nsource: issuer\nconnections:\n  https://idp.example.com/a: " + ACME + "\n")
    assert "did you mean https://idp.example.com/a?" in routed("get", "--source", "issuer", "https://idp.example.com/b", status=1).stderr


def test_the_source_that_was_asked_for_comes_before_others(loader):
    """In it, the name may be there in other capitals; the row of the other source is another customer's."""
    loader.load("version: 1\nsource: keycloak\nconnections:\n  Acme: " + ACME + "\n")
    loader.load("version: 1\nsource: auth0\nconnections:\n  acme: " + GLOBEX + "\n")
    for command in (["get"], ["remove"], ["set", "state=disabled"]):
        said = loader(command[0], "--source", "keycloak", "acme", *command[1:], status=1).stderr
        assert "there is no acme in source keycloak; did you mean Acme? Or the acme of source auth0 (--source auth0)?" in said


def test_a_row_that_was_removed_is_told_before_another_of_that_name(loader, config):
    """Whoever repeats a remove, or wants the row back, means the row that is gone: not another customer's of another source."""
    names = ["acme", "globex", "hooli", "initech", "umbrella", "wayne"]  # more than are looked at closely
    of = lambda source, first: f"  {source}:\n" + "".join(f"    {name}: {connection_id(first + i)}\n" for i, name in enumerate(names))
    loader.load("version: 1\nsources:\n" + of("auth0", 10) + of("default", 20))
    loader("remove", *names, "--actor", "alice@ops")
    for command in (["get", "acme"], ["remove", "acme"], ["remove", *names], ["set", "acme", "state=disabled"], ["set", *names, "redirect=303"]):
        said = loader(*command, status=1).stderr
        told = re.findall(r"there is no (\w+) in source default: revision 2 removed it \(remove by alice@ops, [^)]*\); "
                          r"`ssoferry history --show 2` shows what else it did\. The (\w+) of source auth0 is another row \(--source auth0\)\n", said)
        assert told == [(name, name) for name in command[:6] if name in names] and "use --source" not in said
        assert ("there is no wayne in source default; source auth0 has a row of that name\n" in said) == ("wayne" in command)
    assert loader.revision() == 2
    assert re.search(r"^row +none; revision 2 removed it \(remove by alice@ops, [^)]*\); source auth0 has another of that name$",
                     plain("-c", config, "explain", "/old-sso/acme").stdout, re.M)
    answer = explain(config, "/old-sso/acme")
    assert (answer["removed_by"], answer["other_source"]) == (2, "auth0")


SPELLED = [("Contoso\u00a0Ltd", "Contoso\\u00a0Ltd"), ("Contoso\u00a0Ltd", "Contoso<U+00A0>Ltd"), ("acme ", "acme\\x20"), ("a\U000e0001b", "a\\U000e0001b")]


@pytest.mark.parametrize("name, shown", SPELLED)
def test_a_name_as_it_is_shown_is_not_taken_for_another(loader, name, shown):
    """What cannot be seen is shown by letters, and those are pasted."""
    loader.load(mapping_text("default", {json.dumps(name, ensure_ascii=False): ACME}))
    for command in (["get"], ["remove"], ["set", "state=disabled"], ["set", "redirect=303"]):
        said = loader(command[0], shown, *command[1:], status=1).stderr
        word = re.search(r"the row's name has the invisible character itself. In bash and zsh, write (.*)", said)[1]
        assert subprocess.run(["bash", "-c", f"printf %s {word}"], check=True, capture_output=True, env={"LC_ALL": "C"}).stdout == name.encode()
    assert "was added" not in loader("set", shown, f"connection_id={GLOBEX}", status=2).stderr
    assert [row["identifier"] for row in loader.rows()] == [name]


@pytest.mark.parametrize("name", ["CORP\\x41b", "CORP\\udder", "a\\xa", "<U+>", "<U+41>", "a\\x2"])
def test_letters_that_spell_nothing_invisible_are_a_name_like_others(loader, name):
    loader.load(SMALL)
    assert loader("set", name, f"connection_id={connection_id(7)}").stderr == ""
    assert loader("set", name, "state=legacy").stderr == ""


def test_letters_that_spell_it_out_can_be_a_name_by_a_file(loader):
    said = loader("load", loader.file(mapping_text("default", {"'acme\\x20'": ACME}))).stderr
    assert "holds the letters that stand for an invisible character" in said
    assert loader("set", "acme\\x20", "state=legacy").stderr == ""


def test_an_accent_that_is_a_character_of_its_own_is_warned_of(loader):
    told = loader("load", loader.file(mapping_text("default", {"gro\u0308\u00dfe": ACME, "größe": GLOBEX, "Ελλάδα": INITECH}))).stderr
    assert told.count("has an accent as a character of its own") == 1


@pytest.mark.parametrize("there, given, told", [
    ("größe, 1", "gro\u0308ße, 1", "The name given has an accent as a character of its own, "),
    ("gro\u0308ße, 1", "größe, 1", "That name has an accent as a character of its own, "),
    ("größe, 1", "größe, 1 ", "The name given begins or ends with a blank"),
    ("größe, 1", "größe, 2", None)])
def test_names_that_look_the_same_are_told_apart(loader, there, given, told):
    loader.load(mapping_text("default", {json.dumps(there): ACME}))
    for command in (["get"], ["remove"], ["set", "state=disabled"]):
        said = loader(command[0], given, *command[1:], status=1).stderr.splitlines()[0]
        assert re.search(r"there is no gr[^;]*; did you mean gr[^?]*\?" + (f" {told}" if told else "$"), said)


def test_a_row_made_of_a_state_alone_is_told(loaded):
    assert "wayne had no row: it gets a new one, and no other row is changed" in loaded("set", "wayne", "state=legacy").stderr
    assert "had no row" not in loaded("set", "wayne", "state=disabled").stderr
    assert "had no row" not in loaded("set", "stark", "state=legacy", f"connection_id={ACME}").stderr


def test_a_configuration_with_errors_leaves_the_store_to_be_named(loader):
    """Somebody edits it while somebody else takes a customer back."""
    back = "https://legacy.example.net/acme"
    good = f"store: {loader.store}\nlegacy: {{allowed_hosts: [legacy.example.net]}}\nroutes:\n  - match: /a/{{identifier}}\n"
    config = loader.file(good, "ssoferryd.yaml")
    plain("-c", config, "load", loader.file(mapping_text("default", {"acme": f"{{connection_id: {ACME}, legacy_url: '{back}'}}"})))
    loader.file(good + "nonsense: 1\n", "ssoferryd.yaml")
    for command in (["set", "acme", "state=legacy"], ["rollback", "0", "--yes"], ["list"]):
        said = plain("-c", config, *command, status=2).stderr
        assert f"if it is urgent: `ssoferry --store PATH {command[0]} ...` goes without the configuration" in said
    assert "--store" not in plain("-c", config, "explain", "/a/acme", status=2).stderr
    assert loader("set", "acme", "state=legacy").stdout == "revision 2: acme changed\n"
    assert loader("set", "acme", "state=stytch").stdout == "revision 3: acme changed\n"
    assert loader("set", "--all", "--state", "stytch", "state=legacy").stdout == "revision 4: 1 row changed: default 1\n"
    assert "only Stytch's own hosts may be named" in loader("set", "acme", f"legacy_url={back}/2", status=2).stderr
    assert "only Stytch's own hosts may be named" in loader("set", "new", "state=legacy", f"connection_id={GLOBEX}", f"legacy_url={back}", status=2).stderr


def test_all_names_of_a_customer_are_told_by_the_connection(loader):
    loader.load(mapping_text("auth0", {"acme": ACME, "'http://www.okta.com/exk1'": ACME, "other": GLOBEX}))
    organization = "organization-live-0a1b2c3d-4e5f-4a6b-8c7d-8e9f0a1b2c3d"
    assert f"{ACME} in source default: it is the connection_id of acme and http://www.okta.com/exk1 (source auth0)" in loader("get", ACME, status=1).stderr
    loader("set", "--source", "auth0", "other", f"organization_id={organization}")
    assert "it is the organization_id of other (source auth0)" in loader("set", organization, "state=legacy", status=1).stderr


def test_a_row_without_a_source_ends_a_search_for_sources(loader):
    """As by a disk that writes a page of another database here. Behind no source comes the first one, over and over: whoever looked for the
    next one found it again, and a load kept all other writers waiting meanwhile."""
    file = loader.file(f"version: 1\nsources:\n  auth0: {{acme: {ACME}}}\n  default: {{globex: {GLOBEX}}}\n")
    loader("load", file)
    loader.store.write_bytes(loader.store.read_bytes().replace(b"auth0\0acme", b"\0uth0\0acme"))
    damaged = "ssoferry: error: a row of the table has a source that cannot be one: the store is damaged\n"
    said = loader("get", "zz", status=1).stderr
    assert "there is no zz in source default" in said and damaged.replace("error", "warning") in said
    for command in ("list", "--source", "zz"), ("diff", "--all-sources", file), ("load", "--all-sources", file):
        assert loader(*command, status=1).stderr == damaged
    loader("load", file)
    assert loader("get", "--json", "--source", "auth0", "acme").stdout


def test_a_long_name_is_cut_between_two_letters(loader):
    file = loader.file(f"version: 1\nconnections:\n  acme:\n    connection_id: {ACME}\n    x{'ö' * 60}: 1\n")
    checked = plain("check", "--json", file, status=2)
    shown = f'"x{"ö" * 39}" is not a field'
    assert shown in json.loads(checked.stdout)["message"] and shown in checked.stderr


def test_a_name_that_is_percent_encoded_is_near_the_decoded_one(loaded):
    loaded("set", "acme%20corp%20", f"connection_id={ACME}")
    loaded("set", "größe", f"connection_id={ACME}")
    assert "did you mean acme%20corp%20?" in loaded("get", "acme corp ", status=1).stderr
    assert "did you mean acme%20corp%20?" in loaded("get", "acme crop ", status=1).stderr
    assert "did you mean größe?" in loaded("get", "gr%C3%B6%C3%9Fe", status=1).stderr


def test_set_warns_of_names_that_no_request_has(routed):
    assert "looks percent-encoded" in routed("set", "acme%20corp", f"connection_id={ACME}").stderr
    assert "begins or ends with a blank" in routed("set", " u", f"connection_id={ACME}").stderr
    assert "no route has source auth00" in routed("set", "--source", "auth00", "x", f"connection_id={ACME}").stderr
    assert "/auth0/acme is an address" in routed("set", "--source", "auth0", "/auth0/acme", f"connection_id={ACME}").stderr
    assert "Hooli has capitals" in routed("set", "--source", "folded", "Hooli", f"connection_id={ACME}").stderr


def test_a_row_that_was_removed_is_told_before_names_that_are_near(loaded, config):
    loaded("set", "acmo", f"connection_id={GLOBEX}")
    loaded("remove", "acme", "--actor", "alice@ops")
    for command in (["get", "acme"], ["remove", "acme"], ["set", "acme", "redirect=303"]):
        said = loaded(*command, status=1).stderr
        assert "revision 3 removed it (remove by alice@ops, " in said and "`ssoferry history --show 3`" in said and "acmo" not in said
    assert "\nrow          none; revision 3 removed it (remove by alice@ops, " in plain("-c", config, "explain", "/old-sso/acme").stdout
    answer = explain(config, "/old-sso/acme")
    assert (answer["removed_by"], answer["did_you_mean"]) == (3, None)
    assert explain(config, "/old-sso/acm")["removed_by"] is None
    whole = "x" + "é" * 127  # no character is cut
    loaded("remove", "acmo", "--actor", whole)
    assert f"(remove by {whole}, 20" in loaded("get", "acmo", status=1).stderr
    said = loaded("set", "acme", "state=disabled").stderr  # in an emergency it is meant, for it was there
    assert "there was no acme any more: revision 3 removed it (remove by alice@ops, " in said and "the new row has only the fields given here" in said
    assert [row["state"] for row in loaded.rows() if row["identifier"] == "acme"] == ["disabled"]
    assert "meant?" not in said
    loaded("remove", "acme")
    loaded("set", "acmee", f"connection_id={GLOBEX}")  # a customer may have got another name
    said = loaded("set", "acme", "state=disabled").stderr
    assert f"the new row has only the fields given here. Was acmee meant? Then `ssoferry rollback {loaded.revision() - 1}` undoes this" in said


def test_a_row_that_was_removed_and_cannot_be_made_of_a_state_is_told_how_to_get_back(loaded):
    loaded("remove", "globex", "--actor", "alice@ops")
    loaded("set", "acme", "label=x")
    said = loaded("set", "globex", "state=stytch", status=2).stderr
    assert "connection_id is missing" in said and "the new row has" not in said
    assert re.search(r"ssoferry: globex had a row until revision 2 removed it \(remove by alice@ops, [^)]*\): `ssoferry history --id globex` shows what "
                     r"it was, and `ssoferry rollback 1` brings back the table before that, without all changes since\n$", said)
    told = loaded("set", "--expect-revision", "2", "globex", "state=disabled", status=1).stderr
    assert "the new row has" not in told and loaded.revision() == 3
    lines = loaded("set", "globex", "state=disabled").stderr.splitlines()
    assert "there was no globex any more: revision 2 removed it" in lines[-1] and "brings back" not in lines[-1]
