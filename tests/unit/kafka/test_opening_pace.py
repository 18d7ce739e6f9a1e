import pytest

from kafka_lambda_sink.kafka.opening_pace import OpeningPace
from tests.support.stepped_clock import SteppedClock


def test_a_burst_passes_and_then_so_many_a_second():
    clock = SteppedClock()
    pace = OpeningPace(clock, per_second=10)
    assert [pace.delay() for _ in range(10)] == pytest.approx([0.0] * 10, abs=1e-9)
    assert [pace.delay() for _ in range(20)] == pytest.approx([(number + 1) / 10 for number in range(20)])


def test_a_rest_fills_it_to_one_burst_and_no_more():
    clock = SteppedClock()
    pace = OpeningPace(clock, per_second=10)
    for _ in range(10):
        pace.delay()
    clock.step(100)
    delays = [pace.delay() for _ in range(11)]
    assert delays[9] == pytest.approx(0.0, abs=1e-9)
    assert delays[10] == pytest.approx(0.1)
