"""What looks like a credential in text, and what is put in its place.

A text may be as long and as hostile as an object, so every pattern takes time linear in it: what repeats can match in
one way only, and no two places look through the same stretch for what may not be there.
"""

from __future__ import annotations

import re
from functools import lru_cache

REDACTED = "<redacted>"
"""Stands where a value was: "redacted" can be told from "absent"."""


def _userinfo(piece: str, port_end: str) -> str:
    r"""What stands between `://` and the last `@` of a URL's authority, which ends at `/`, `?` or `#`.

    https://www.rfc-editor.org/rfc/rfc3986#section-3.2. `piece` is a character that is none of these and no `@`. Slashes
    may be escaped, as in JSON within JSON. `name@sha256:...` is an image by its digest. Passwords with a raw `/`, `?`
    or `#` occur, too; what gives them away is that no port follows the colon, which would end in `port_end`.
    """
    slashes, at = r":\\*/\\*/", r"@(?!sha(?:256|384|512):)"
    user = rf"(?:(?!:|\[){piece})*+:(?!\d{{0,5}}+(?:{port_end}|\Z))"
    odd = rf"(?:(?!{slashes})(?>\\?[/?#]|{piece}))*+"  # not \\*: each of many backslashes would look at all after it
    return rf"(?P<url>{slashes})(?!@)(?:(?:(?:{piece})*+{at})++|{user}(?:{odd}{at})++)"


_IN_TEXT = _userinfo(r'[^\x00-\x20"/?#@]', r"[\x00-\x20\"/?#,;'`)\]}>]")
_IN_JSON = re.compile(
    _userinfo(r'(?:[^\x00-\x20"\\/?#@]|\\\\|\\u(?!00[01])[0-9a-fA-F]{4})', r"[\x00-\x20\"\\/?#,;'`)\]}>]").encode()
)
_URL_INSTEAD = rf"\g<url>{REDACTED}@"
_URLS = re.compile(_IN_TEXT)
_DIGEST = b"sha256:"
_FEW = 100


def without_userinfo(text: str) -> str:
    """The text without the userinfo of the URLs in it."""
    return _URLS.sub(_URL_INSTEAD, text)


def json_without_userinfo(text: bytes) -> bytes:
    """JSON, or a part of it, without the userinfo of the URLs in its strings."""
    return _IN_JSON.sub(_URL_INSTEAD.encode(), text)


def json_holds_userinfo(text: bytes) -> bool:
    """Whether there is userinfo for `json_without_userinfo` to take out.

    Costs next to nothing where each `@` is that of a digest, and little where few are not.
    """
    last, at = 0, text.find(b"@")
    for _ in range(_FEW):
        while text.startswith(_DIGEST, at + 1):
            at = text.find(b"@", at + 1)
        if at < 0:
            return False
        string = text.rfind(b'"', last, at) + 1
        if _IN_JSON.search(text, max(string, last), at + len(_DIGEST) + 1):
            return True
        last, at = at, text.find(b"@", at + 1)
    return _IN_JSON.search(text, last) is not None


_BY_FORM = re.compile(
    r"""
      -----BEGIN\ (?:[A-Z0-9]{1,20}\ ){0,3}PRIVATE\ KEY(?:\ BLOCK)?-----(?s:.*?-----END\ [A-Z0-9\ ]{1,60}-----|.*)
    | LS0tLS1CRUdJTi[\w+/=]*+                                               # any PEM, in base64
    | eyJ(?<![\w-]eyJ)[\w-]{6,}+\.[\w-]{4,}+(?:\.[\w-]*+){0,3}             # JSON Web Tokens
    | A(?:KIA|SIA|BIA|CCA)[A-Z0-9]{16}                                      # AWS
    | AIza[\w-]{35} | ya29\.[\w-]{20,400} | GOCSPX-[\w-]{20,60}             # Google
    | 8Q~[\w.~-]{31,40}                                                     # Azure
    | gh[opsru]_[A-Za-z0-9]{16,255} | github_pat_\w{20,255}                 # GitHub
    | gl(?:agent|cbt|dt|ft|imt|oas|pat|ptt|rt|soat)-[\w-]{16,300}           # GitLab
    | xox[a-z](?:\.xox[a-z])?-[\w-]{8,300} | xapp-\d-[\w-]{8,300}           # Slack
    | [rsp]k_(?:live|test)_[A-Za-z0-9]{8,255} | whsec_[\w+/=]{8,255}        # Stripe
    | npm_[A-Za-z0-9]{20,255} | pypi-[\w-]{16,400} | dckr_(?:oat|pat)_[\w-]{16,255}
    | hf_[A-Za-z0-9]{20,255} | sk-(?:ant-|proj-)?[A-Za-z0-9][\w-]{30,400}   # Hugging Face, OpenAI, Anthropic
    | SG\.[\w-]{16,64}\.[\w-]{16,64}                                        # SendGrid
    | hv[bsr]\.[\w-]{20,400} | AGE-SECRET-KEY-1[A-Z0-9]{50,60}              # Vault, age
    | do[opr]_v1_[0-9a-f]{32,128} | gls[ac]_\w{20,255}                      # DigitalOcean, Grafana
    """,
    re.VERBOSE,
)
_NAME = (
    r"(?:pass(?:word|wort|wd|phrase|code)|pwd|secret|token|credential|authorization|connection[_-]?string"
    r"|(?:api|access|account|auth|encryption|master|private|shared|signing|storage)[_-]?key)"
)
_BY_PLACE = re.compile(
    rf"""
      {_IN_TEXT}
    | (?P<name>(?i:
          {_NAME}[\w.-]{{0,40}}["'\\]{{0,4}}\s{{0,4}}=\s{{0,4}}
        | {_NAME}[\w.-]{{0,40}}["'\\]{{1,4}}\s{{0,4}}:\s{{0,4}}
        | {_NAME}(?:[_-]?(?:key|value))?\s{{0,4}}:\s{{1,4}}
        | (?<![\w/.-])(?:{_NAME}|pass):
        | --?(?:[a-z0-9]{{1,20}}-){{0,4}}{_NAME}\s{{1,4}}
      )(?i:(?:basic|bearer|digest|token)\s{{1,4}})?)(?:"(?:[^"\\]|\\.)+|\\+"[^"\\]+|'[^']+|[^\s"'&;]+)
    | (?P<scheme>\b(?i:basic|bearer)\s{{1,4}})(?=[A-Za-z]{{0,200}}(?:[\d+/=._~-]|[a-z][A-Z]))[\w+/=.~-]{{8,}}+
    | (?P<query>(?<![\w-])(?:sig|X-Amz-Signature|X-Amz-Security-Token)=|[?&;](?:code|key|signature)=)[^\s"'&;]+
    | (?P<hook>hooks\.slack\.com/|discord(?:app)?\.com/api/webhooks/|\.webhook\.office\.com/)[^\s"']+
    | (?P<login>:)[^\s@:/]{{1,128}}(?=@(?:tcp|unix)\()                      # of Go's MySQL driver
    """,
    re.VERBOSE,
)
_SEPARATED = re.compile(r"[\s=\"'@/]|[^\d]:|:[^\d]")


def without_credentials(text: str) -> str:
    """The text with `<redacted>` in the place of what looks like a credential in it: private keys, JSON Web Tokens,
    keys in the formats of clouds and services, userinfo of URLs, and values under a name such as password."""
    text = _BY_FORM.sub(REDACTED, text)
    return _BY_PLACE.sub(_instead, text) if _SEPARATED.search(text) else text


def _instead(found: re.Match[str]) -> str:
    kind = str(found.lastgroup)
    return f"{found[kind]}{REDACTED}" + ("@" if kind == "url" else "")


@lru_cache(1024)
def names_a_secret(name: str) -> bool:
    """Whether what stands under this name is likely to be a secret, whatever it looks like."""
    return _NAMES_A_SECRET.search(name) is not None


_NAMES_A_SECRET = re.compile(rf"(?i){_NAME}")
