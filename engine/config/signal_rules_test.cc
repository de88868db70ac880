#include "mayfly/config/signal_rules.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "engine/config/test_plugins.h"
#include "mayfly/config/pipeline_file.h"

namespace mayfly {
namespace {

// A source, a node that waits, a writer; `node` and `more` go into the node's section and behind
// it.
CheckedPlan parse(const std::string& node, const std::string& more = "") {
  PluginRegistry registry = test::plugins();
  return parse_pipeline(
      "[source.orders]\nplugin = \"feed\"\npath = \"o\"\n[node.pause]\nplugin = \"wait\"\n"
      "input = \"orders\"\n" +
          node + "\n[writer]\ninput = \"pause\"\ndatabase = \"o.db\"\ntable = \"o\"\n" + more,
      "p.toml", registry);
}

std::string mistakes(const CheckedPlan& checked) {
  std::string lines;
  for (const Diagnostic& diagnostic : checked.diagnostics) {
    lines += (lines.empty() ? "" : "\n") + format(diagnostic, "p.toml");
  }
  return lines;
}

TEST_CASE("signal rules: every node and source can be cancelled, deferred and resumed") {
  const CheckedPlan checked =
      parse("defer_on = [\"pool.low\", \"write.busy*\"]\nresume_on = \"pool.ok\"\n");
  REQUIRE_MESSAGE(checked.ok(), mistakes(checked));
  const SignalControls& controls = checked.plan.nodes[0].controls;
  CHECK(controls.defer_on == std::vector<std::string>{"pool.low", "write.busy*"});
  CHECK(controls.resume_on == std::vector<std::string>{"pool.ok"});
  CHECK(controls.cancel_on.empty());
}

TEST_CASE("signal rules: globs with blanks, an end without a beginning, and signals of nobody") {
  CHECK(mistakes(parse("defer_on = [\"a b\"]\n")) ==
        "p.toml:7:13: pause.defer_on: expected globs of signals without blanks, found \"a b\"");
  CHECK(mistakes(parse("resume_on = \"pool.ok\"\n")) ==
        "p.toml:7:13: pause.resume_on: expected defer_on beside it, which it would end");
  CHECK(mistakes(parse("cancel_on = \"pool.lo\"\n")) ==
        "p.toml:7:13: node \"pause\" listens to the signal \"pool.lo\", which nobody in this "
        "pipeline raises (did you mean \"pool.low\"?)");
  CHECK(mistakes(parse("cancl_on = \"pool.low\"\n")) ==
        "p.toml:7:1: pause.cancl_on: unknown option (did you mean \"cancel_on\"?)");
  CHECK(mistakes(parse("imput = \"pool.low\"\n")) ==
        "p.toml:7:1: pause.imput: unknown option (did you mean \"input\"?)");
}

TEST_CASE("signal rules: a reaction pauses, resumes, drains, or sets an option") {
  const CheckedPlan checked = parse("",
                                    "[[reaction]]\non = \"pool.low\"\ndo = \"pause\"\n"
                                    "target = \"orders\"\n[[reaction]]\non = \"write.error*\"\n"
                                    "do = \"drain\"\n[[reaction]]\non = \"pool.ok\"\ndo = \"set\"\n"
                                    "target = \"pause\"\noption = \"delay\"\nvalue = \"5ms\"\n");
  REQUIRE_MESSAGE(checked.ok(), mistakes(checked));
  const std::vector<ReactionPlan>& reactions = checked.plan.reactions;
  REQUIRE(reactions.size() == 3);
  CHECK(reactions[0].action == ReactionPlan::Action::kPause);
  CHECK(reactions[0].target == Upstream{Upstream::Kind::kSource, 0, 0});
  CHECK(reactions[1].action == ReactionPlan::Action::kDrain);
  CHECK(reactions[2].target == Upstream{Upstream::Kind::kNode, 0, 0});
  CHECK(reactions[2].option == 0);
  CHECK(reactions[2].values[0].i64 == 5 * kMillisecond);
}

TEST_CASE("signal rules: all mistakes of one reaction come in one pass, each where it stands") {
  CHECK(mistakes(parse("", "[[reaction]]\ndo = \"pause\"\ntarget = \"nowhere\"\nvalue = 1\n")) ==
        "p.toml:12:1: reaction.on: required option is missing (text): A glob of signals; each that "
        "is raised is reacted to.\n"
        "p.toml:14:10: reaction.target: there is no source or node \"nowhere\"\n"
        "p.toml:15:9: reaction: option and value belong to do = \"set\"");
  CHECK(
      mistakes(parse("",
                     "[[reaction]]\non = \"nobody.does\"\ndo = \"set\"\ntarget = \"pause\"\n"
                     "option = \"nope\"\nvalu = 5\n")) ==
      "p.toml:12:1: reaction: set needs option = \"...\" and value = ...\n"
      "p.toml:13:6: reaction listens to the signal \"nobody.does\", which nobody in this pipeline "
      "raises\n"
      "p.toml:16:10: reaction.option: \"pause\" has no option \"nope\"\n"
      "p.toml:17:1: reaction.valu: unknown option (did you mean \"value\"?)");
}

TEST_CASE("signal rules: a source whose options are wrong has its signals checked, too") {
  PluginRegistry registry = test::plugins();
  const CheckedPlan checked = parse_pipeline(
      "[source.orders]\nplugin = \"feed\"\npath = \"o\"\nrate = -1\ncancel_on = \"nobody\"\n"
      "[writer]\ninput = \"orders\"\ndatabase = \"o.db\"\ntable = \"o\"\n",
      "p.toml", registry);
  CHECK(mistakes(checked) ==
        "p.toml:4:8: orders.rate: -1 is under the minimum 1\n"
        "p.toml:5:13: source \"orders\" listens to the signal \"nobody\", which nobody in this "
        "pipeline raises");
}

TEST_CASE("signal rules: a signal that always has an argument isn't heard by its stem alone") {
  CHECK(mistakes(parse("defer_on = \"write.done\"\n")) ==
        "p.toml:7:12: node \"pause\" listens to the signal \"write.done\", which nobody in this "
        "pipeline raises (did you mean \"write.done*\"?)");
  CHECK(parse("defer_on = \"write.done*\"\n").ok());
}

TEST_CASE("signal rules: each mistake of a reaction is told with its place") {
  const auto of = [](const std::string& lines) {
    return mistakes(parse("", "[[reaction]]\n" + lines));
  };
  CHECK(of("do = \"drain\"\n")
            .starts_with("p.toml:12:1: reaction.on: required option is missing (text): "));
  CHECK(of("on = \"pool.low\"\ndo = \"paus\"\n").find("(did you mean \"pause\"?)") !=
        std::string::npos);
  CHECK(of("on = \"pool.low\"\ndo = \"pause\"\n") ==
        "p.toml:12:1: reaction.target: name the source or node that is meant");
  CHECK(of("on = \"pool.low\"\ndo = \"pause\"\ntarget = \"order\"\n") ==
        "p.toml:15:10: reaction.target: there is no source or node \"order\" (did you mean "
        "\"orders\"?)");
  CHECK(of("on = \"pool.low\"\ndo = \"drain\"\ntarget = \"orders\"\n") ==
        "p.toml:15:10: reaction.target: drain is of the whole pipeline and has no target: leave it "
        "out");
  CHECK(of("on = \"pool.low\"\ndo = \"set\"\ntarget = \"pause\"\n") ==
        "p.toml:12:1: reaction: set needs option = \"...\" and value = ...");
  CHECK(of("on = \"pool.low\"\ndo = \"pause\"\ntarget = \"pause\"\nvalue = 1\n") ==
        "p.toml:16:9: reaction: option and value belong to do = \"set\"");
  const std::string set = "on = \"pool.low\"\ndo = \"set\"\ntarget = \"pause\"\n";
  CHECK(
      of(set + "option = \"dely\"\nvalue = \"5ms\"\n") ==
      "p.toml:16:10: reaction.option: \"pause\" has no option \"dely\" (did you mean \"delay\"?)");
  CHECK(of(set + "option = \"delay\"\nvalue = \"2h\"\n") ==
        "p.toml:17:9: reaction.value: pause.delay: 2h is over the maximum 1h");
  CHECK(of("on = \"pool.low\"\ndo = \"set\"\ntarget = \"orders\"\noption = \"rate\"\nvalue = 1\n")
            .find("\"orders\" is a source") != std::string::npos);
  CHECK(of("on = \"nobody.*\"\ndo = \"drain\"\n")
            .starts_with("p.toml:13:6: reaction listens to the signal \"nobody.*\", which nobody"));
  PluginRegistry registry = test::plugins();
  CHECK(mistakes(parse_pipeline("reaction = 1\n", "p.toml", registry))
            .find("p.toml:1:12: reaction: expected sections [[reaction]], found an integer") !=
        std::string::npos);
}

}  // namespace
}  // namespace mayfly
