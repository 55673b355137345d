"""`connector` and `python -m connector`."""


def main() -> None:
    """Run the command line; the process ends with its exit code."""
    from connector.cli.app import app

    app(prog_name="connector")


if __name__ == "__main__":
    main()
