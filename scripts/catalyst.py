"""`catalyst`: the command line. Run it as `python -m scripts.catalyst`, or through the Makefile."""

import typer

from scripts.cli import demo, system, tape, trading

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
    trading.explain,
    system.doctor,
):
    app.command()(command)
app.add_typer(tape.app, name="tape")

if __name__ == "__main__":
    app()
