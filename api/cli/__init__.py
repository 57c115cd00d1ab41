"""The command line `spil`. What a command needs is imported when it runs, so that the others stay quick."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from api.domain.actor import Role

app = typer.Typer(
    name="spil",
    help="Who is involved with a family, who leads, and whom to call for what.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
)

keys = typer.Typer(no_args_is_help=True, help="The keys that seal what is stored: which are needed, and changing them.")
app.add_typer(keys, name="keys")
audit = typer.Typer(no_args_is_help=True, help="The record of who was shown what: sealing, verifying, exporting it.")
app.add_typer(audit, name="audit")

client = typer.Typer(no_args_is_help=True, help="Agencies' systems that may ask for tokens, and their public keys.")
app.add_typer(client, name="client")

Folder = Annotated[Path, typer.Option(help="Where the demo keeps its database, keys and tokens.")]
Host = Annotated[str, typer.Option(help="The address to listen on.")]
Port = Annotated[int, typer.Option(min=0, max=65535, help="The port to listen on.")]
SPIL = Path(".spil")
OPENAPI = Path("openapi/openapi.json")


@app.command("demo")
def demo_command(
    port: Port = 8000,
    host: Host = "127.0.0.1",
    folder: Folder = SPIL,
    reset: Annotated[bool, typer.Option("--reset", help="Throw away what there is and start over.")] = False,
) -> None:
    """Try Spil: a municipality with families in every state, and a token for everybody you can be."""
    from api.cli.demo import run

    run(host, port, folder, reset=reset)


@app.command()
def serve(
    host: Host = "127.0.0.1",
    port: Port = 8000,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Processes that answer requests.")] = 1,
) -> None:
    """Serve the API on the configured settings; unsafe ones are refused."""
    from api.cli.serving import serve_configured

    serve_configured(host, port, workers)


@app.command()
def worker() -> None:
    """Write down what ends by itself, for as long as this runs. Any number can run at once."""
    from api.cli.serving import work_configured

    work_configured()


@app.command()
def migrate(
    check: Annotated[bool, typer.Option("--check", help="Only say whether the schema and the code agree.")] = False,
    revision: Annotated[str, typer.Option(help="The revision to bring the schema to.")] = "head",
) -> None:
    """Bring the schema of the configured database up to date."""
    from api.cli.database import check_schema, migrate_configured

    if check:
        check_schema()
    else:
        migrate_configured(revision)


@app.command("seed")
def seed_command(
    families: Annotated[int, typer.Option(min=1, max=1_000_000, help="How many families.")],
    folder: Folder = SPIL,
) -> None:
    """Fill a database for trying out and measuring: the configured one, otherwise the demo's."""
    from api.cli.database import seed_database

    seed_database(families, folder)


@app.command()
def token(
    role: Annotated[Role | None, typer.Option(help="Make a token for somebody in this role.")] = None,
    municipality: Annotated[str | None, typer.Option(help="Their municipality's code.")] = None,
    agency: Annotated[str | None, typer.Option(help="Their agency's id.")] = None,
    professional: Annotated[str | None, typer.Option(help="Their id as a professional.")] = None,
    person: Annotated[str | None, typer.Option(help="Their id as a person.")] = None,
    subject: Annotated[str, typer.Option(help="Who they are, for the audit record.")] = "spil-token",
    seconds: Annotated[int, typer.Option(min=1, max=43200, help="How long a token for a role is valid.")] = 900,
    client: Annotated[str | None, typer.Option(help="Fetch a token as this agency's system instead.")] = None,
    key: Annotated[Path | None, typer.Option(help="The client's private key. Default: the demo's.")] = None,
    url: Annotated[str | None, typer.Option(help="Where Spil is, for --client. Default: as configured.")] = None,
    demo: Annotated[str | None, typer.Option(help="Somebody in the running demo, by part of their name.")] = None,
    folder: Folder = SPIL,
) -> None:
    """Print an access token: of somebody in the --demo, signed here for a --role, or fetched for a --client."""
    from api.cli.tokens import Wanted, print_client_token, print_demo_token, print_role_token

    if demo:
        print_demo_token(demo, folder)
    elif client:
        print_client_token(client, key, url, folder)
    else:
        print_role_token(Wanted(role, municipality, agency, professional, person, subject, seconds), folder)


@app.command("sync")
def sync_command(
    file: Annotated[Path, typer.Argument(help="All that runs: a .csv or .ndjson file.", exists=True, dir_okay=False)],
    municipality: Annotated[str, typer.Option(help="The municipality's code.")],
    client: Annotated[str | None, typer.Option(help="The client id of your agency's system.")] = None,
    key: Annotated[Path | None, typer.Option(help="Its private key. Default: the demo's.")] = None,
    token: Annotated[str | None, typer.Option(envvar="SPIL_TOKEN", help="An access token instead.")] = None,
    demo: Annotated[str | None, typer.Option(help="A system in the running demo, by part of its name.")] = None,
    url: Annotated[str | None, typer.Option(help="Where Spil is. Default: as configured, or the demo.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would happen.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask. Ends no more than --may-end or 20 %.")] = False,
    may_end: Annotated[int | None, typer.Option(min=0, help="How many that are in no row may be ended.")] = None,
    refused: Annotated[Path | None, typer.Option(help="Where to write refused rows. Default: beside the file.")] = None,
    folder: Folder = SPIL,
) -> None:
    """Synchronise your agency's caseload: say what would happen, ask, and have it carried out.

    Exit code 0: carried out. 3: carried out, and some rows were refused. 4: not carried out. 1: it didn't work.
    """
    from api.cli.syncing import Sending, synchronise
    from api.cli.tokens import Credentials

    who = Credentials(token, client, key, demo, url, folder)
    synchronise(Sending(file, municipality, may_end, refused), who, dry_run=dry_run, yes=yes)


@app.command("listen")
def listen_command(
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port to listen on. 0: any that is free.")] = 8099,
    types: Annotated[list[str] | None, typer.Option(help="Only these types, such as involvement.*; repeat it.")] = None,
    demo: Annotated[str | None, typer.Option("--as", help="Somebody in the running demo, by part of a name.")] = None,
    client: Annotated[str | None, typer.Option(help="The client id of your agency's system.")] = None,
    key: Annotated[Path | None, typer.Option(help="Its private key. Default: the demo's.")] = None,
    token: Annotated[str | None, typer.Option(envvar="SPIL_TOKEN", help="An access token instead.")] = None,
    url: Annotated[str | None, typer.Option(help="How Spil reaches this port: the address of a tunnel.")] = None,
    subscription: Annotated[str | None, typer.Option(help="The id of one that delivers here already.")] = None,
    spil: Annotated[str | None, typer.Option(help="Where Spil is. Default: as configured, or the demo.")] = None,
    folder: Folder = SPIL,
) -> None:
    """Receive events here, verify them and show each in a line. For who builds a receiver."""
    from api.cli.listening import Wish, listen
    from api.cli.tokens import Credentials

    who = Credentials(token, client, key, demo, spil, folder)
    listen(Wish(port, tuple(types or ()), url, subscription), who)


KeyFile = Annotated[Path, typer.Option(help="The public key: PEM, a JWK or a JWK set.")]
ClientId = Annotated[str, typer.Argument(help="The client's id.")]


@client.command("register")
def client_register(
    agency: Annotated[str, typer.Option(help="The id of the agency whose system it is.")],
    name: Annotated[str, typer.Option(help="What the system is called.")],
    key: Annotated[list[Path], typer.Option(help="Its public key: PEM, a JWK or a JWK set. Repeat it for more.")],
    acts_for_professionals: Annotated[
        bool, typer.Option("--acts-for-professionals", help="It may act on behalf of the agency's professionals.")
    ] = False,
    folder: Folder = SPIL,
) -> None:
    """Register an agency's system with its public keys; the last line is its id."""
    from api.cli.clients import Registration, register

    register(folder, Registration(agency, name, key, acts_for_professionals))


@client.command("list")
def client_list(
    agency: Annotated[str | None, typer.Option(help="Only of the agency with this id.")] = None,
    folder: Folder = SPIL,
) -> None:
    """List the systems that are registered."""
    from api.cli.clients import show

    show(folder, agency)


@client.command("add-key")
def client_add_key(client_id: ClientId, key: KeyFile, folder: Folder = SPIL) -> None:
    """Let a system sign with one more key, so that one can follow the other without a gap."""
    from api.cli.clients import add_key

    add_key(folder, client_id, key)


@client.command("remove-key")
def client_remove_key(
    client_id: ClientId,
    kid: Annotated[str, typer.Option(help="The name of the key.")],
    folder: Folder = SPIL,
) -> None:
    """Trust a key no more, nor the tokens it was used to ask for."""
    from api.cli.clients import remove_key

    remove_key(folder, client_id, kid)


@client.command("revoke")
def client_revoke(client_id: ClientId, folder: Folder = SPIL) -> None:
    """Trust a system no more, nor the tokens it has."""
    from api.cli.clients import revoke

    revoke(folder, client_id)


@app.command("doctor")
def doctor_command() -> None:
    """Say what is wrong with the configuration, and how to mend it."""
    from api.cli.doctor import examine

    examine()


@keys.command("status")
def keys_status() -> None:
    """Say how many values each key made, and which keys can go."""
    from api.cli.rekeying import status_configured

    status_configured()


@keys.command("rotate")
def keys_rotate() -> None:
    """Make what earlier keys made anew under those in use, while the service runs. Start it again if it stopped."""
    from api.cli.rekeying import rotate_configured

    rotate_configured()


@app.command()
def forget(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be forgotten.")] = False,
) -> None:
    """Forget what has been kept for long enough. The worker does so daily."""
    from api.cli.forgetting import forget_configured

    forget_configured(dry_run=dry_run)


@audit.command("seal")
def audit_seal(
    restored: Annotated[
        bool, typer.Option("--restored", help="The database was restored: give up the checkpoints of what was lost.")
    ] = False,
) -> None:
    """Seal all records that are finished by now. The worker does so by itself."""
    from api.cli.auditing import seal_configured

    seal_configured(restored=restored)


@audit.command("verify")
def audit_verify(
    checkpoints: Annotated[Path | None, typer.Option(help="The checkpoints. Default: as configured.")] = None,
    key: Annotated[list[Path] | None, typer.Option(help="A public key that is trusted (PEM). Can be repeated.")] = None,
    head: Annotated[str | None, typer.Option(help="The digest of a checkpoint that has to be there.")] = None,
) -> None:
    """Find every sealed record that was changed, removed or inserted, and every checkpoint that was tampered with."""
    from api.cli.auditing import verify_configured

    verify_configured(checkpoints, key or [], head)


@audit.command("export")
def audit_export(
    municipality: Annotated[str, typer.Option(help="The municipality's code.")],
    form: Annotated[str, typer.Option(help="native, processing-log or access-log.")] = "native",
    since: Annotated[datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="The first day.")] = None,
    until: Annotated[datetime | None, typer.Option("--until", formats=["%Y-%m-%d"], help="The last day.")] = None,
) -> None:
    """Write a municipality's records to standard output, a line of JSON each, the oldest first. This is recorded."""
    from api.cli.auditing import export_configured

    export_configured(municipality, form, since, until)


@app.command()
def openapi(
    out: Annotated[Path, typer.Option(help="The file to write or to compare with.")] = OPENAPI,
    check: Annotated[bool, typer.Option("--check", help="Write nothing; fail if the file is out of date.")] = False,
) -> None:
    """Write the OpenAPI document. Needs no database."""
    from api.cli.description import compare, write

    if check:
        compare(out)
    else:
        write(out)
