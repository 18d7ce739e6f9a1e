from kafka_lambda_sink.pipeline.report_budget import ReportBudget, cost_of


def never() -> None:
    raise AssertionError("woken for nothing")


def filled(budget: ReportBudget, partitions: int, step: int) -> list[int]:
    """What each of so many partitions holds when each takes `step` in turn, as long as it has room."""
    held = [0] * partitions
    for _ in range(100_000):
        before = list(held)
        for number in range(partitions):
            if budget.has_room(held[number], never):
                budget.take(step)
                held[number] += step
        if held == before:
            return held
    raise AssertionError("there is always room")


def test_a_report_costs_what_surrounds_it_too():
    assert cost_of(50, 50 * 59) == 1100 + 50 * (1200 + 118)


def test_one_partition_alone_gets_half():
    assert filled(ReportBudget(1000), 1, 10) == [500]


def test_partitions_that_want_all_they_can_get_share_evenly():
    held = filled(ReportBudget(33_000), 32, 10)
    assert max(held) - min(held) <= 10
    assert 31_900 <= sum(held) <= 32_320


def test_who_comes_later_gets_a_part_of_what_the_first_has_left():
    budget = ReportBudget(1000)
    assert filled(budget, 1, 10) == [500]
    assert filled(budget, 1, 10) == [250]


def test_a_step_larger_than_the_budget_goes_one_at_a_time():
    assert filled(ReportBudget(1000), 3, 5000) == [5000, 5000, 5000]


def test_who_waits_is_woken_once_and_not_before_half_is_free():
    budget = ReportBudget(1000)
    budget.take(900)
    woken: list[str] = []

    def wake() -> None:
        woken.append("")

    assert not budget.has_room(100, wake)
    budget.give_back(399)
    assert woken == []
    budget.give_back(1)
    assert woken == [""]
    budget.give_back(100)
    assert woken == [""]


def test_who_is_woken_may_look_again_at_once():
    budget = ReportBudget(1000)
    budget.take(900)
    answers: list[bool] = []
    assert not budget.has_room(100, lambda: answers.append(budget.has_room(100, never)))
    budget.give_back(800)
    assert answers == [True]
