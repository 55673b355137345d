"""What pyproject.toml cannot say: the repository's `sql/` is installed as `connector/sql`."""

from setuptools import find_packages, setup

setup(
    packages=[*find_packages(include=["connector", "connector.*"]), "connector.sql"],
    package_dir={"connector.sql": "sql"},
    package_data={
        "": ["*.toml", "*.md", "*.csv", "*.html", "*.css", "*.js"],
        "connector": ["py.typed"],
        "connector.sql": ["**/*"],
    },
)
