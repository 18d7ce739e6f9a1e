"""`sasl.jaas.config`: one login module with its options, in Java's own syntax."""

from __future__ import annotations

import re
from collections.abc import Mapping

_MODULE = re.compile(
    r"\s*(?P<module>[\w.$]+)\s+(?P<flag>required|requisite|sufficient|optional)\b(?P<options>.*?);?\s*",
    re.IGNORECASE | re.DOTALL,
)
_OPTION = re.compile(
    r"""\s*(?P<name>[\w.$]+)\s*=\s*(?:"(?P<double>(?:[^"\\]|\\.)*)"|'(?P<single>(?:[^'\\]|\\.)*)'|(?P<bare>[^\s"';]+))"""
)
#: librdkafka has no such property: the Kafka shell takes it out and answers the token callback with AWS's signer.
MSK_IAM = "kls.sasl.aws.msk.iam"


class JaasError(ValueError):
    """The login module cannot be translated. The message contains no option's value."""


def parse_jaas(text: str) -> tuple[str, dict[str, str]]:
    """Class name of the login module and its options. Raises JaasError."""
    match = _MODULE.fullmatch(text)
    if match is None:
        raise JaasError('not a login module: write `<class> required username="…" password="…";`')
    options = {}
    rest = match["options"]
    position = 0
    while rest[position:].strip():
        option = _OPTION.match(rest, position)
        if option is None:
            raise JaasError('the options of the login module are not `name="value"` one after another')
        quoted = option["double"] if option["double"] is not None else option["single"]
        options[option["name"]] = option["bare"] if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
        position = option.end()
    return match["module"], options


def translate_jaas(text: str, mechanism: str | None) -> dict[str, str]:
    """Translate a login module to librdkafka's properties. `mechanism` is the one configured, or None.

    Raises JaasError for modules and options that have no counterpart.
    """
    module, options = parse_jaas(text)
    simple = module.rsplit(".", 1)[-1]
    if simple in {"PlainLoginModule", "ScramLoginModule"}:
        return _password(simple, options)
    if simple == "OAuthBearerLoginModule":
        return _oauth(options)
    if simple == "IAMLoginModule":
        return _msk_iam(options, mechanism)
    if simple == "Krb5LoginModule":
        raise JaasError("Kerberos (GSSAPI) is known and not built yet; use SCRAM, PLAIN, OAUTHBEARER or mutual TLS")
    raise JaasError(f"the login module {simple} is unknown; there are Plain, Scram, OAuthBearer and IAM")


def _password(module: str, options: Mapping[str, str]) -> dict[str, str]:
    if options.get("tokenauth", "false").lower() == "true":
        raise JaasError("delegation tokens are known and not built yet")
    if not {"username", "password"} <= options.keys():
        raise JaasError(f"{module} needs username and password")
    return {"sasl.username": options["username"], "sasl.password": options["password"]}


_OAUTH = {
    "clientId": "sasl.oauthbearer.client.id",
    "clientSecret": "sasl.oauthbearer.client.secret",
    "scope": "sasl.oauthbearer.scope",
}


def _oauth(options: Mapping[str, str]) -> dict[str, str]:
    if any(name.startswith("unsecured") for name in options):
        raise JaasError("unsecured tokens authenticate nobody and are refused")
    translated = {target: options[name] for name, target in _OAUTH.items() if name in options}
    extensions = [
        f"{name[len('extension_') :]}={value}" for name, value in options.items() if name.startswith("extension_")
    ]
    if extensions:
        translated["sasl.oauthbearer.extensions"] = ",".join(extensions)
    unknown = [name for name in options if name not in _OAUTH and not name.startswith("extension_")]
    if unknown:
        raise JaasError(f"OAuthBearerLoginModule has options without a counterpart: {', '.join(sorted(unknown))}")
    return translated


def _msk_iam(options: Mapping[str, str], mechanism: str | None) -> dict[str, str]:
    if mechanism not in {None, "AWS_MSK_IAM", "OAUTHBEARER"}:
        raise JaasError("IAMLoginModule goes with sasl.mechanism=AWS_MSK_IAM")
    unknown = sorted(options.keys() - {"awsDebugCreds"})
    if unknown:
        raise JaasError(
            f"options of IAMLoginModule are known and not built yet: {', '.join(unknown)}; "
            "the SDK's own chain (AWS_PROFILE, AWS_ROLE_ARN) finds the credentials"
        )
    return {"sasl.mechanism": "OAUTHBEARER", MSK_IAM: "true"}
