"""`g3 run --estimate`: before anything is made, when all is, and in between; it asks nobody and writes nothing."""

import subprocess
import sys
from pathlib import Path

import pytest
from tiny import BENCHMARK, QUERIES, ROOT, TINY, Finished, TinyHome

from assets.estimates import Estimates, estimates
from g3lib.candidates.costs.estimate import Estimate
from pipelines.commands.failures import WRONG_USAGE

LMM = {"G3_LMM_BASE_URL": "https://api.example.com/v1", "G3_LMM_MODEL": "gpt-4-turbo"}


def tiny(root: Path, *experiments: str, **more: str) -> TinyHome:
    """A place where nothing has been done yet."""
    return TinyHome(root, TINY | {"G3_EXPERIMENTS": f"[{', '.join(experiments)}]"} | more)


def by_name(found: Estimates) -> dict[str, Estimate | None]:
    return {f"{row.benchmark}|{row.experiment}": row.estimate for row in found.rows}


def one(found: Estimates, name: str, benchmark: str = BENCHMARK) -> Estimate:
    estimate = by_name(found)[f"{benchmark}|{name}"]
    assert estimate is not None
    return estimate


class TestNothingMade:
    def test_photos_and_references_are_presumed(self, tmp_path: Path) -> None:
        found = estimates(tiny(tmp_path, "nn-clip", "g3", "lmm-only", **LMM).workflow())
        assert set(by_name(found)) == {f"{BENCHMARK}|g3", f"{BENCHMARK}|lmm-only"}
        g3 = one(found, "g3")
        assert (g3.questions, g3.requests, g3.answers) == (4 * QUERIES, 4 * QUERIES, 20 * QUERIES)
        assert not g3.exact and g3.recorded == 0 and g3.lmm == "gpt-4-turbo"
        assert g3.usd == pytest.approx(g3.tokens_in * 10e-6 + g3.tokens_out * 30e-6)

    def test_what_experiments_share_is_counted_once_with_the_largest_n(self, tmp_path: Path) -> None:
        names = ("g3", "g3-candidates-9", "g3-prompts-2", "g3-without-verification", "g3-img", "lmm-only")
        found = estimates(tiny(tmp_path, *names, **LMM).workflow())
        total = found.totals["gpt-4-turbo"]
        # four questions of G3 and three of another gallery; the one without references is the same
        assert total.requests == (4 + 3) * QUERIES
        assert total.answers == (4 * 9 + 3 * 5) * QUERIES
        assert total.tokens_in < sum(each.tokens_in for each in by_name(found).values() if each)

    def test_other_words_or_another_temperature_are_other_questions(self, tmp_path: Path) -> None:
        names = ("g3-prompts-1", "lmm-only-place-name", "g3-paper-wording")
        found = estimates(tiny(tmp_path, *names, **LMM).workflow())
        assert found.totals["gpt-4-turbo"].requests == (1 + 1 + 4) * QUERIES

    def test_named_references_are_longer(self, tmp_path: Path) -> None:
        found = estimates(tiny(tmp_path, "g3", "g3-reference-places", **LMM).workflow())
        assert one(found, "g3-reference-places").tokens_in > 1.1 * one(found, "g3").tokens_in

    def test_the_profile_s_n_counts(self, tmp_path: Path) -> None:
        more = LMM | {"G3_ANSWERS": f"{{{BENCHMARK}: 2}}"}
        found = estimates(tiny(tmp_path, "g3", "g3-prompts-4", **more).workflow())
        assert one(found, "g3").answers == 8 * QUERIES
        assert one(found, "g3-prompts-4").answers == 20 * QUERIES, "its N is its own"

    def test_choosing_n_and_s_asks_about_held_out_photos(self, tmp_path: Path) -> None:
        found = estimates(tiny(tmp_path, "g3-chosen-pool", G3_HELD_OUT_PHOTOS="30", **LMM).workflow())
        held_out = one(found, "g3-chosen-pool", "held-out")
        assert (held_out.requests, held_out.answers) == (4 * 30, 40 * 30)
        assert found.totals["gpt-4-turbo"].requests == 4 * (30 + QUERIES)

    def test_every_lmm_has_its_total_and_its_price(self, tmp_path: Path) -> None:
        llava = {"G3_LMMS": "{llava: {base_url: 'http://localhost:1/v1', model: llava-v1.6-34b}}"}
        found = estimates(
            tiny(tmp_path, "lmm-only", "lmm-only@llava", "img2loc-llava", **LMM, **llava).workflow()
        )
        assert {name: total.requests for name, total in found.totals.items()} == {
            "gpt-4-turbo": QUERIES,
            "llava-v1.6-34b": 2 * QUERIES,
        }
        assert found.totals["llava-v1.6-34b"].usd == 0
        assert found.totals["gpt-4-turbo"].usd


class TestCommand:
    def call(self, root: Path, *experiments: str, **more: str) -> str:
        said = tiny(root, *experiments, **more).call("run", "demo", "--estimate")
        assert said.returncode == 0, said.stdout + said.stderr
        return " ".join(said.stdout.split())

    def test_it_needs_no_key_and_leaves_no_trace(self, tmp_path: Path) -> None:
        said = self.call(tmp_path / "home", "g3", "lmm-only", **LMM)
        assert f"~{4 * QUERIES}" in said and "presumed: 18 tokens per answer, 5 s per request" in said
        assert "USD 10 in, 30 out per million tokens" in said
        assert f"{tmp_path / 'home' / 'prices.yaml'}" in said
        assert not (tmp_path / "home").exists()

    def test_one_experiment(self, tmp_path: Path) -> None:
        said = tiny(tmp_path, "nn-clip", **LMM).call("run", "demo", "--estimate", "--experiment", "lmm-only")
        assert said.returncode == 0 and "lmm-only" in said.stdout

    def test_nothing_to_ask(self, tmp_path: Path) -> None:
        assert "No experiment of profile demo asks an LMM" in self.call(tmp_path, "nn-clip")

    def test_a_budget_is_compared(self, tmp_path: Path) -> None:
        few, many = ({"G3_LMM__BUDGET__REQUESTS": number} for number in ("100", "1000"))
        assert "budget is exceeded: requests: 0 used + 160 estimated > 100" in self.call(
            tmp_path, "g3", **LMM, **few
        )
        assert "budget is enough" in self.call(tmp_path, "g3", **LMM, **many)

    def test_unknown_prices_and_one_s_own(self, tmp_path: Path) -> None:
        mystery = LMM | {"G3_LMM_MODEL": "mystery"}
        said = self.call(tmp_path, "lmm-only", **mystery)
        assert "unknown" in said and f"add it to {tmp_path / 'prices.yaml'}" in said
        (tmp_path / "prices.yaml").write_text("models: [{models: [mystery], usd_in: 1000, usd_out: 0}]")
        said = self.call(tmp_path, "lmm-only", **mystery)
        assert "USD 1000 in, 0 out" in said and "is unknown" not in said

    def test_a_bad_table_of_prices_is_named(self, tmp_path: Path) -> None:
        (tmp_path / "prices.yaml").write_text("models: 7")
        said = tiny(tmp_path, "g3", **LMM).call("run", "demo", "--estimate")
        assert said.returncode == WRONG_USAGE and str(tmp_path / "prices.yaml") in said.stderr

    def test_batches_and_replays_say_so(self, tmp_path: Path) -> None:
        assert "≤ 24" in self.call(tmp_path, "g3", G3_LMM__TRANSPORT="batch", **LMM)
        replayed = self.call(tmp_path, "lmm-only", G3_LMM__TRANSPORT="replay", **LMM)
        assert f"transport is replay, so {QUERIES} answers would be missing" in replayed

    def test_the_stand_in_says_how_to_see_more(self, tmp_path: Path) -> None:
        assert "set its base_url and model" in self.call(tmp_path, "g3")

    def test_it_loads_nothing_heavy(self, tmp_path: Path) -> None:
        code = (
            "import sys; from pipelines.cli import g3;"
            "g3(['run', 'demo', '--estimate'], standalone_mode=False);"
            "print([name for name in ('torch', 'dagster_webserver', 'mlflow', 'openai') if name in sys.modules])"
        )
        environment = tiny(tmp_path, "g3", **LMM).environment()
        done = subprocess.run(
            [sys.executable, "-c", code],
            env=environment,
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.splitlines()[-1] == "[]"


class TestFinished:
    """After a whole run with G3, N = 5, by the stand-in."""

    def on(self, finished: Finished, *experiments: str, **more: str) -> Estimates:
        settings = dict(finished.tiny.settings) | {"G3_EXPERIMENTS": f"[{', '.join(experiments)}]"} | more
        return estimates(TinyHome(finished.tiny.root, settings).workflow())

    def test_what_is_current_counts_nothing(self, finished: Finished) -> None:
        found = estimates(finished.tiny.workflow())
        assert found.rows and set(by_name(found).values()) == {None}
        assert found.totals == {}
        said = finished.tiny.call("run", "demo", "--estimate")
        assert said.returncode == 0 and "current" in said.stdout, said.stderr

    def test_recorded_answers_are_not_asked_for_again(self, finished: Finished) -> None:
        found = self.on(finished, "g3", "g3-candidates-3", "g3-candidates-7")
        assert by_name(found)[f"{BENCHMARK}|g3"] is None
        fewer, more = one(found, "g3-candidates-3"), one(found, "g3-candidates-7")
        assert fewer.exact and (fewer.requests, fewer.answers, fewer.recorded) == (0, 0, 12 * QUERIES)
        assert more.exact and (more.requests, more.answers) == (4 * QUERIES, 8 * QUERIES)
        assert more.recorded == 20 * QUERIES
        assert f"calibrated on {4 * QUERIES} recorded requests of stand-in" in more.basis

    def test_the_rest_is_exact_where_its_references_are_there(self, finished: Finished) -> None:
        found = self.on(finished, "lmm-only", "img2loc", "g3-img-gps", "g3-candidates-9")
        assert one(found, "lmm-only").exact and one(found, "lmm-only").requests == 0, "as G3's first question"
        img2loc = one(found, "img2loc")
        assert img2loc.exact and (img2loc.requests, img2loc.answers) == (QUERIES, QUERIES)
        other = one(found, "g3-img-gps")
        assert not other.exact, "its references are not made"
        assert (other.requests, other.recorded) == (3 * QUERIES, 5 * QUERIES)
        assert found.totals["stand-in"].requests == (1 + 3 + 4) * QUERIES

    def test_another_lmm_has_answered_nothing(self, finished: Finished) -> None:
        found = self.on(finished, "g3", **LMM)
        assert one(found, "g3").exact and one(found, "g3").recorded == 0
        assert one(found, "g3").answers == 20 * QUERIES
