"""`catalyst`: the command line. Run it as `python -m scripts.catalyst`, or through the Makefile."""

import sys

import typer
from pydantic import ValidationError

from config.settings import complaints
from scripts.cli import demo, demos, paper, risk, system, tape, telling, trading

app = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__, pretty_exceptions_enable=False)
for command in (
    demo.demo,
    system.up,
    system.down,
    system.status,
    trading.start,
    trading.stop,
    trading.scan,
    trading.proposals,
    trading.approve,
    trading.reject,
    trading.positions,
    trading.close,
    telling.explain,
    risk.halt,
    risk.resume,
    risk.alerts,
    risk.seen,
    system.doctor,
):
    app.command()(command)
app.command("near-misses")(telling.near_misses)
app.command("demo-all")(demos.demo_all)
app.command("paper-check")(paper.paper_check)
app.command("test-alert")(risk.send_test)
app.add_typer(risk.config, name="config")
app.add_typer(tape.app, name="tape")


def main() -> None:
    """Run a command; settings that are wrong end it with a line for each of them."""
    try:
        app()
    except ValidationError as error:
        if error.title != "Settings":
            raise
        sys.stderr.writelines(f"catalyst: {line}\n" for line in complaints(error))
        sys.exit(2)


if __name__ == "__main__":
    main()
