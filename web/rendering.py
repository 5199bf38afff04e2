"""Pages from templates: Jinja with autoescape, one environment a language."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from web.i18n import LANGUAGES, NAMES, Language, texts
from web.script_words import SCRIPT

TEMPLATES = Path(__file__).with_name("templates")
STATIC = Path(__file__).with_name("static")


@cache
def static_version() -> str:
    """Changes when any file below static/ does, so that browsers may keep what they have."""
    digest = hashlib.sha256()
    for path in sorted(STATIC.rglob("*")):
        if path.is_file():
            digest.update(path.relative_to(STATIC).as_posix().encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def static_prefix() -> str:
    """Where static files are served; relative imports between them stay inside."""
    return f"/static/{static_version()}"


def _environment(language: Language) -> Environment:
    own = texts(language)
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=select_autoescape(),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    environment.install_gettext_callables(  # type: ignore[attr-defined] # added by the extension
        own.translations.gettext, own.translations.ngettext, newstyle=True
    )
    environment.globals.update(
        texts=own,
        language=language,
        languages=LANGUAGES,
        language_names=NAMES,
        static=static_prefix(),
        shell=False,
        words={name: own.gettext(text) for name, text in SCRIPT.items()},
    )
    return environment


@dataclass(frozen=True)
class Pages:
    """All templates in all languages."""

    environments: dict[Language, Environment]

    @classmethod
    def load(cls) -> Pages:
        """Read catalogues and prepare the environments."""
        return cls({language: _environment(language) for language in LANGUAGES})

    def render(self, name: str, language: Language, **values: object) -> str:
        """The page `name` as HTML."""
        return self.environments[language].get_template(name).render(values)
