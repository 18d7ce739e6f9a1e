from kafka_lambda_sink.kafka.memory_budget import MemoryBudget


def test_the_share_of_a_partition_is_its_part_of_one_half():
    budget = MemoryBudget(1000)
    assert budget.share == 500
    for _ in range(5):
        budget.join()
    assert budget.share == 100
    budget.leave()
    assert budget.share == 125


def test_who_finds_it_used_up_is_woken_once_when_there_is_room():
    budget = MemoryBudget(1000)
    woken: list[str] = []
    budget.take(999)
    assert budget.has_room(lambda: woken.append("never"))
    budget.take(201)
    assert not budget.has_room(lambda: woken.append("a"))
    assert not budget.has_room(lambda: woken.append("b"))
    budget.give_back(200)
    assert not woken
    budget.give_back(1)
    assert sorted(woken) == ["a", "b"]
    budget.give_back(999)
    assert sorted(woken) == ["a", "b"]
    assert budget.taken == 0


def test_memory_is_short_from_one_half_on():
    budget = MemoryBudget(1000)
    budget.take(499)
    assert not budget.is_short
    budget.take(1)
    assert budget.is_short
