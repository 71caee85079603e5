#include "recipes/goals.h"

#include <doctest/doctest.h>

#include "support/error.h"

namespace edgeopt {
namespace {

TEST_CASE("goals of accuracy are told from those of size and latency") {
  for (const char* text : {"drop=1", "agreement=98", "sqnr=20"}) CHECK(is_about_accuracy(parse_goal(text)));
  for (const char* text : {"latency=2x", "latency=5ms", "size=4x", "size=500kB"})
    CHECK_FALSE(is_about_accuracy(parse_goal(text)));
}

const Achievement quarter{.original_bytes = 4000,
                          .result_bytes = 1000,
                          .original_ms = 3,
                          .result_ms = 2,
                          .drop_points = 0.5,
                          .agreement_percent = 98,
                          .sqnr_db = 25};

bool is_met(const std::string& goal) { return judge_goal(parse_goal(goal), quarter).is_met; }

}  // namespace

TEST_CASE("a goal is met from its bound on") {
  CHECK(is_met("size=4x"));
  CHECK_FALSE(is_met("size=4.01x"));
  CHECK(is_met("size=1kB"));
  CHECK_FALSE(is_met("size=999B"));
  CHECK(is_met("latency=1.5x"));
  CHECK_FALSE(is_met("latency=1.51x"));
  CHECK(is_met("latency=2ms"));
  CHECK_FALSE(is_met("latency=1.9ms"));
  CHECK(is_met("agreement=98"));
  CHECK_FALSE(is_met("agreement=98.1"));
  CHECK(is_met("sqnr=25"));
  CHECK_FALSE(is_met("sqnr=26"));
  CHECK(is_met("drop=0.5"));
  CHECK_FALSE(is_met("drop=0.4"));
}

TEST_CASE("the tightest goal of its kind bounds bytes and milliseconds") {
  const std::vector<Goal> goals = {parse_goal("size=4x"), parse_goal("size=900B"), parse_goal("latency=1.5x"),
                                   parse_goal("latency=1.9ms"), parse_goal("sqnr=20")};
  CHECK(largest_bytes(goals, 4000) == 900);
  CHECK(longest_ms(goals, 3) == 1.9);
  CHECK(longest_ms(goals, 1.5) == 1);
  CHECK_FALSE(largest_bytes({parse_goal("latency=2x")}, 4000));
  CHECK_FALSE(longest_ms({parse_goal("size=2x")}, 3));
}

TEST_CASE("a missed goal says by how much") {
  const GoalOutcome outcome = judge_goal(parse_goal("size=5x"), quarter);
  CHECK(outcome.achieved == "4.00x");
  CHECK(outcome.why_not == "1.00x below the goal");
  CHECK(judge_goal(parse_goal("size=4x"), quarter).why_not.empty());
}

TEST_CASE("no loss at all is 0, not minus 0") {
  CHECK(judge_goal(parse_goal("drop=1"), {.drop_points = -0.0}).achieved == "0.00 points");
}

TEST_CASE("what was not measured meets no goal and says why") {
  const Achievement nothing{.original_bytes = 2, .result_bytes = 1};
  CHECK(judge_goal(parse_goal("drop=100"), nothing).why_not == "there were no labels to measure top-1 with");
  CHECK_FALSE(judge_goal(parse_goal("latency=0.001x"), nothing).is_met);
  CHECK_FALSE(judge_goal(parse_goal("agreement=0"), nothing).is_met);
}

TEST_CASE("words that are no goal are refused") {
  for (const char* text : {"", "size", "size=", "size=4", "size=x", "speed=2x", "latency=-1x", "latency=nanx",
                           "agreement=98%", "size=4xx"}) {
    CAPTURE(text);
    CHECK_THROWS_AS(parse_goal(text), UserError);
  }
}

}  // namespace edgeopt
