from pathlib import Path

import pytest

from tests.support.config_text import Load, Refuse

SECRET = "aws.access.key.id=AKIA\naws.secret.access.key="


def secret(load_text: Load, reference: str, **how: object) -> str:
    loaded = load_text(SECRET + reference + "\n", **how)
    assert loaded.sink.aws_secret_access_key is not None
    return loaded.sink.aws_secret_access_key.get_secret_value()


def test_a_variable_of_the_environment(load_text: Load):
    assert secret(load_text, "a-${env:TOKEN}-b", environ={"TOKEN": "xyz"}) == "a-xyz-b"


def test_a_key_of_a_file_beside_the_configuration(load_text: Load, tmp_path: Path):
    (tmp_path / "secrets.properties").write_text("aws = s3cret\n")
    assert secret(load_text, f"${{file:{tmp_path}/secrets.properties:aws}}") == "s3cret"


def test_a_file_of_a_directory(load_text: Load, tmp_path: Path):
    (tmp_path / "mounted").mkdir()
    (tmp_path / "mounted" / "aws-secret").write_text("s3cret")
    assert secret(load_text, f"${{dir:{tmp_path}/mounted:aws-secret}}") == "s3cret"


def test_what_a_provider_returns_is_not_expanded_again(load_text: Load):
    assert secret(load_text, "${env:ONE}", environ={"ONE": "${env:TWO}", "TWO": "x"}) == "${env:TWO}"


def test_references_work_in_every_source(load_text: Load):
    environ = {"SIZE": "7", "KLS_AWS_LAMBDA_BATCH_SIZE": "${env:SIZE}"}
    assert load_text(environ=environ).sink.aws_lambda_batch_size == 7
    assert load_text(worker="errors.tolerance=${env:T}\n", environ={"T": "all"}).sink.errors_tolerance == "all"
    loaded = load_text("consumer.override.fetch.min.bytes=${env:B}\n", environ={"B": "3"})
    assert loaded.clients.fetcher["fetch.min.bytes"] == "3"


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("${env:NONE}", "NONE is not set"),
        ("${vault:a:b}", "no config provider `vault`"),
        ("${file:/etc/passwd:root}", "outside of the directories"),
        ("${dir:/etc:passwd}", "outside of the directories"),
        ("${file:key}", "names no path"),
        ("${dir:/run/secrets:../../etc/passwd}", "outside of the directories"),
    ],
)
def test_a_reference_that_cannot_be_resolved_stops_the_start(refuse_text: Refuse, reference: str, message: str):
    (problem,) = refuse_text(SECRET + reference + "\n")
    assert (problem.key, problem.line, problem.error_id) == ("aws.secret.access.key", 7, "unresolved-reference")
    assert message in problem.message


def test_a_link_out_of_the_directory_is_not_followed(refuse_text: Refuse, tmp_path: Path):
    (tmp_path / "link").symlink_to("/etc")
    (problem,) = refuse_text(f"{SECRET}${{dir:{tmp_path}/link:hostname}}\n")
    assert "outside of the directories" in problem.message


@pytest.fixture
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("elsewhere")
    (directory / "s.properties").write_text("k=v\n")
    return directory


def test_other_directories_are_allowed_from_outside_of_the_file(load_text: Load, elsewhere: Path):
    reference = f"${{file:{elsewhere}/s.properties:k}}"
    key = "config.providers.allowed.paths"
    assert secret(load_text, reference, overrides={key: str(elsewhere)}) == "v"
    assert secret(load_text, reference, environ={"KLS_CONFIG_PROVIDERS_ALLOWED_PATHS": f"/x, {elsewhere}"}) == "v"
    assert secret(load_text, reference, worker=f"{key}={elsewhere}\n") == "v"


def test_a_connectors_file_does_not_choose_what_may_be_read(refuse_text: Refuse, elsewhere: Path):
    text = f"config.providers.allowed.paths={elsewhere}\n{SECRET}${{file:{elsewhere}/s.properties:k}}\n"
    assert [problem.error_id for problem in refuse_text(text)] == ["refused-key", "unresolved-reference"]


def test_connects_own_declaration_gives_a_provider_its_name(load_text: Load, elsewhere: Path):
    worker = (
        "config.providers=secrets\n"
        "config.providers.secrets.class=org.apache.kafka.common.config.provider.FileConfigProvider\n"
        f"config.providers.secrets.param.allowed.paths={elsewhere}\n"
    )
    assert secret(load_text, f"${{secrets:{elsewhere}/s.properties:k}}", worker=worker) == "v"


def test_a_provider_that_is_not_built_is_refused_by_name(refuse_text: Refuse):
    worker = "config.providers.aws.class=com.amazonaws.kafka.config.providers.SecretsManagerConfigProvider\n"
    (problem,) = refuse_text(worker=worker)
    assert (problem.error_id, problem.line) == ("not-built-yet", 1)


def test_a_value_that_came_from_a_provider_is_in_no_message(refuse_text: Refuse):
    environ = {"V": "canary"}
    text = "topics=${env:V}/\nkey.converter=${env:V}\nbootstrap.servers=${env:V}\n"
    problems = refuse_text(text, environ=environ)
    assert len(problems) >= 3
    assert "canary" not in "".join(map(str, problems))
