#include "mayfly/config/pipeline_file.h"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "engine/config/test_plugins.h"
#include "mayfly/config/graph_text.h"
#include "mayfly/config/pipeline_settings.h"

namespace mayfly {
namespace {

CheckedPlan parse(std::string_view text) {
  PluginRegistry registry = test::plugins();
  return parse_pipeline(text, "p.toml", registry);
}

std::vector<std::string> mistakes(std::string_view text) {
  std::vector<std::string> lines;
  for (const Diagnostic& diagnostic : parse(text).diagnostics) {
    lines.push_back(format(diagnostic, "p.toml"));
  }
  return lines;
}

// The only mistake of a file; all of them when there are more.
std::string mistake(std::string_view text) {
  return fmt::format("{}", fmt::join(mistakes(text), "\n"));
}

constexpr std::string_view kHead = R"([source.orders]
plugin = "feed"
path = "orders.csv"
)";
constexpr std::string_view kTail = R"([writer]
input = "last"
database = "o.db"
table = "o"
)";

TEST_CASE("pipeline file: a reserved table and an input that is read twice stand at their values") {
  CHECK(mistakes(R"([source.a]
plugin = "feed"
path = "-"
[source.b]
plugin = "feed"
path = "-"
[writer]
input = ["a", "b"]
database = "o.db"
table = "sqlite_o"
)") == std::vector<std::string>{
           "p.toml:6:8: b.path: source \"a\" reads \"-\" already, and a pipeline reads it once: "
           "take its rows from there, or read it by a second pipeline",
           "p.toml:10:9: writer.table: names that begin with sqlite_ are reserved; choose "
           "another than \"sqlite_o\""});
}

TEST_CASE("pipeline file: what can be no SELECT stands at its value") {
  const std::vector<std::string> found = mistakes(
      "[source.o]\nplugin = \"feed\"\npath = \"x\"\n\n[writer]\ninput = \"o\"\n"
      "database = \"x.db\"\ntable = \"t\"\nselect = \"SELEC a\"\n");
  CHECK(found == std::vector<std::string>{
                     "p.toml:9:10: writer.select: near \"SELEC\": syntax error; expected a SELECT "
                     "over mayfly_batch"});
}

// A pipeline of source `orders` and writer input `last`, with these lines between, from line 4 on.
std::string with(std::string_view nodes, std::string_view writer = "") {
  return fmt::format("{}{}{}{}", kHead, nodes, kTail, writer);
}

TEST_CASE("pipeline file: a whole pipeline becomes a plan of indices and values") {
  const CheckedPlan checked = parse(R"(
[pipeline]
name = "orders"
batch_rows = 512
batches = 64
drain_deadline = "5s"

[source.orders]
plugin = "feed"
path = "orders.csv"
rate = 20
format = "ndjson"

[node.split]
plugin = "fork"
input = ["orders", "retry"]

[node.late]
plugin = "wait"
input = "split.right"
delay = "1.5s"

[node.retry]
plugin = "wait"
input = "writer.failed"

[writer]
input = ["split.left", "late"]
database = "orders.db"
table = "orders"
primary_key = ["id"]
mode = "upsert"
synchronous = "normal"
transient = "route"
unordered = true
jitter = 0

[writer.columns]
id = "int64"
total = "real"
)");
  REQUIRE_MESSAGE(checked.ok(), checked.status().message());
  const PipelinePlan& plan = checked.plan;
  CHECK(plan.name == "orders");
  CHECK(plan.batch_rows == 512);
  CHECK(plan.drain_deadline_ns == 5 * kSecond);
  REQUIRE(plan.sources.size() == 1);
  CHECK(plan.sources[0].plugin->name() == "feed");
  CHECK(plan.sources[0].options[1].i64 == 20);
  CHECK(plan.sources[0].options[2].i64 == 1);
  REQUIRE(plan.nodes.size() == 3);
  CHECK(plan.nodes[0].inputs ==
        std::vector<Upstream>{{Upstream::Kind::kSource, 0, 0}, {Upstream::Kind::kNode, 2, 0}});
  CHECK(plan.nodes[1].inputs == std::vector<Upstream>{{Upstream::Kind::kNode, 0, 1}});
  CHECK(plan.nodes[1].options[0].i64 == 1500 * kMillisecond);
  CHECK(plan.nodes[2].inputs == std::vector<Upstream>{{Upstream::Kind::kWriter, 0, 0}});
  const WriterPlan& writer = plan.writer;
  CHECK(writer.inputs ==
        std::vector<Upstream>{{Upstream::Kind::kNode, 0, 0}, {Upstream::Kind::kNode, 1, 0}});
  CHECK(writer.mode == WriterPlan::Mode::kUpsert);
  CHECK(writer.synchronous == WriterPlan::Synchronous::kNormal);
  CHECK(writer.transient == WriterPlan::Transient::kRoute);
  CHECK(writer.primary_key == std::vector<std::string>{"id"});
  CHECK(writer.columns ==
        std::vector<Column>{{"id", ColumnType::kInt64}, {"total", ColumnType::kFloat64}});
  CHECK(writer.jitter == 0.0);
  CHECK(plan.reserve_batches == 4);
  CHECK(plan.memory_bytes == estimate_memory_bytes(plan));
}

TEST_CASE("pipeline file: the options' defaults are those of the plan") {
  const PipelinePlan plain;
  PipelinePlan applied;
  apply_pipeline_options(parse_options(pipeline_options(), {}).values, applied);
  const std::vector<RawOption> names = {{"database", "d"}, {"table", "t"}};
  apply_writer_options(parse_options(writer_options(), names).values, applied.writer);
  CHECK(applied.batch_rows == plain.batch_rows);
  CHECK(applied.batches == plain.batches);
  CHECK(applied.batch_bytes == plain.batch_bytes);
  CHECK(applied.max_row_bytes == plain.max_row_bytes);
  CHECK(applied.drain_deadline_ns == plain.drain_deadline_ns);
  CHECK(applied.memory_limit_bytes == plain.memory_limit_bytes);
  CHECK(applied.writer.alter == plain.writer.alter);
  CHECK(applied.writer.coerce == plain.writer.coerce);
  CHECK(applied.writer.mode == plain.writer.mode);
  CHECK(applied.writer.synchronous == plain.writer.synchronous);
  CHECK(applied.writer.transient == plain.writer.transient);
  CHECK(applied.writer.deadline_ns == plain.writer.deadline_ns);
  CHECK(applied.writer.group_batches == plain.writer.group_batches);
  CHECK(applied.writer.group_delay_ns == plain.writer.group_delay_ns);
  CHECK(applied.writer.initial_delay_ns == plain.writer.initial_delay_ns);
  CHECK(applied.writer.max_delay_ns == plain.writer.max_delay_ns);
  CHECK(applied.writer.multiplier == plain.writer.multiplier);
  CHECK(applied.writer.jitter == plain.writer.jitter);
}

TEST_CASE("pipeline file: ten mistakes are reported in one pass, each with its place") {
  const std::vector<std::string> found = mistakes(R"([pipeline]
batch_rowz = 1024
batches = "many"

[source.orders]
plugin = "fed"
path = "orders.csv"

[source.more]
plugin = "feed"
rate = 1000

[node.Retry]
plugin = "relay"
input = "mroe"

[node.fork]
plugin = "fork"
input = "orders.out"

[node.island]
plugin = "wait"
input = "island"
delay = 5

[writer]
input = "fork.left"
database "orders.db"
table = "orders"
mode = "upset"
)");
  const std::vector<std::string> expected = {
      "p.toml:2:1: pipeline.batch_rowz: unknown option (did you mean \"batch_rows\"?)",
      "p.toml:3:11: pipeline.batches: expected an integer, found \"many\"",
      "p.toml:6:10: plugin \"fed\" was not found; no folder is searched (name its folder with "
      "--plugin-dir or MAYFLY_PLUGIN_PATH) (did you mean \"feed\"?)",
      "p.toml:9:9: more.path: required option is missing (text): Where the rows are.",
      "p.toml:11:8: more.rate: 1000 is over the maximum 100",
      "p.toml:13:7: \"Retry\" is not a name: expected [a-z][a-z0-9_]*",
      "p.toml:13:7: nobody takes the rows of \"Retry\": name \"Retry\" as the input of a node or "
      "of the writer",
      "p.toml:15:9: unknown input \"mroe\" (did you mean \"more\"?)",
      "p.toml:17:7: nobody takes the rows of \"fork.right\": name \"fork.right\" as the input of a "
      "node or of the writer",
      "p.toml:21:7: node \"island\" can't be reached: no source leads to it",
      "p.toml:24:9: island.delay: expected a duration in quotes such as \"250ms\", \"1.5s\" or "
      "\"2h\", found the integer 5",
      "p.toml:28:10: syntax: expected '=', saw '\"'",
      "p.toml:30:8: writer.mode: expected one of insert, ignore, upsert, replace, found \"upset\" "
      "(did you mean \"upsert\"?)",
  };
  CHECK(found == expected);
}

TEST_CASE("pipeline file: what a syntax error hides isn't reported as missing") {
  CHECK(mistake("[source.a\nplugin = \"feed\"\n") ==
        "p.toml:1:10: syntax: expected ']', saw '\\n'");
  CHECK(mistake("[writer]]\ninput = \"a\"\n[pipeline]\nbatches = \"many\"\n") ==
        "p.toml:1:9: syntax: expected a comment or whitespace, saw ']'\n"
        "p.toml:4:11: pipeline.batches: expected an integer, found \"many\"");
}

TEST_CASE("pipeline file: an input that can't be read may be any that nobody takes") {
  const std::string writer = "input = \"orders\"\ndatabase = \"o.db\"\ntable = \"o\"\n";
  CHECK(mistake(std::string(kHead) + "[[writer]]\n" + writer) ==
        "p.toml:4:1: writer: expected one section [writer], found a list of tables: a pipeline has "
        "one writer, to which several nodes may lead");
  CHECK(mistake(std::string(kHead) + "[writer]]\n" + writer) ==
        "p.toml:4:9: syntax: expected a comment or whitespace, saw ']'");
  CHECK(mistake(std::string(kHead) + "[writer]\ninput = 3\ndatabase = \"o.db\"\ntable = \"o\"\n") ==
        "p.toml:5:9: writer.input: expected a name or a list of names, found an integer");
  CHECK(mistake(with("[node.last]\nplugin = \"relay\"\ninput = []\n")) ==
        "p.toml:6:9: last.input: expected a name or a list of names, found an empty list");
  CHECK(mistake(with("[node.last]\nplugin = \"relay\"\ninput = 3\n")) ==
        "p.toml:6:9: last.input: expected a name or a list of names, found an integer");
}

TEST_CASE("pipeline file: a file that isn't there is missing input") {
  PluginRegistry registry = test::plugins();
  const auto checked = read_pipeline("/nonexistent/p.toml", registry);
  REQUIRE(!checked.ok());
  CHECK(checked.status().code() == Code::kNoInput);
}

TEST_CASE("pipeline file: a directory is missing input") {
  PluginRegistry registry = test::plugins();

  const auto checked = read_pipeline("/", registry);

  REQUIRE(!checked.ok());
  CHECK(checked.status().code() == Code::kNoInput);
  CHECK(checked.status().message() == "/: expected a pipeline file, found a directory");
}

TEST_CASE("pipeline file: sections and their shapes are checked") {
  CHECK(mistakes("[nodes.a]\n[writer]\n")[1] ==
        "p.toml:1:2: unknown section \"nodes\": expected [pipeline], [source.NAME], [node.NAME], "
        "[writer] or [[reaction]] (did you mean \"node\"?)");
  CHECK(mistakes("writer = 3\n")[1] ==
        "p.toml:1:10: writer: expected one section [writer], found an integer: a pipeline has one "
        "writer, to which several nodes may lead");
  const auto several = mistakes("[[writer]]\n[[writer]]\n");
  CHECK(several.size() == 2);
  CHECK(several[1].find("expected one section [writer], found a list of tables") !=
        std::string::npos);
  CHECK(mistakes("[source]\na = 3\n")[2] ==
        "p.toml:2:1: [source] holds sections only: expected [source.a], found a = an integer");
  CHECK(mistake("") ==
        "p.toml: there is no [writer]: add one with input, database and table\n"
        "p.toml: there is no source: add [source.NAME] with plugin = \"...\"");
}

TEST_CASE("pipeline file: a source has no input, a plugin is a text, an option is no table") {
  CHECK(mistake("[source.last]\nplugin = \"feed\"\npath = \"x\"\ninput = \"y\"\n" +
                std::string(kTail)) == "p.toml:4:1: last.input: a source has no input");
  CHECK(mistakes("[source.last]\nplugin = 3\n" + std::string(kTail)) ==
        std::vector<std::string>{"p.toml:2:10: last.plugin: expected a plugin's name, found an "
                                 "integer"});
  CHECK(mistake("[source.last]\nplugin = \"feed\"\npath = \"x\"\nformat = {a = 1}\n" +
                std::string(kTail)) ==
        "p.toml:4:10: last.format: expected text in quotes, found a table");
  CHECK(mistakes("[source.last]\npath = \"x\"\n" + std::string(kTail)) ==
        std::vector<std::string>{"p.toml:1:9: \"last\" names no plugin: add plugin = \"...\""});
  CHECK(mistakes("[source.last]\nplugn = \"feed\"\npath = \"x\"\n" + std::string(kTail)) ==
        std::vector<std::string>{
            "p.toml:2:1: last.plugn: unknown option (did you mean \"plugin\"?)"});
}

TEST_CASE("pipeline file: a slip of the writer's input or columns is told as that") {
  const auto all = mistakes(
      "[source.orders]\nplugin = \"feed\"\npath = \"x\"\n[writer]\nimput = \"orders\"\n"
      "database = \"d\"\ntable = \"t\"\ncolums = {a = \"text\"}\n");
  REQUIRE(all.size() == 2);
  CHECK(all[0] == "p.toml:5:1: writer.imput: unknown option (did you mean \"input\"?)");
  CHECK(all[1] == "p.toml:8:1: writer.colums: unknown option (did you mean \"columns\"?)");
}

TEST_CASE("pipeline file: a required option of the wrong type isn't missing as well") {
  CHECK(mistake("[source.last]\nplugin = \"feed\"\npath = 1979-05-27\n" + std::string(kTail)) ==
        "p.toml:3:8: last.path: expected text in quotes, found a date or time");
  CHECK(mistake(with("[node.last]\nplugin = \"relay\"\ninput = \"orders\"\n",
                     "[[reaction]]\non = \"feed.tick\"\ndo = \"pause\"\ntarget = 3\n")) ==
        "p.toml:14:10: reaction.target: expected text in quotes, found the integer 3");
}

TEST_CASE("pipeline file: what the plugin finds is told beside an option that is wrong by itself") {
  const auto picky = [](const std::string& options) {
    return mistake(with("[node.last]\nplugin = \"picky\"\ninput = \"orders\"\n" + options));
  };
  CHECK(picky("step = \"x\"\nlow = 3\n") ==
        "p.toml:7:8: last.step: expected an integer, found \"x\"\n"
        "p.toml:8:7: last.low: expected at most high");
  // It might be right with another value of the option that is wrong.
  CHECK(picky("high = true\nlow = 3\n") ==
        "p.toml:7:8: last.high: expected an integer, found true");
}

TEST_CASE("pipeline file: a number beyond 64 bits is told where it begins, with its option") {
  CHECK(
      mistake("[source.last]\nplugin = \"feed\"\npath = \"x\"\nrate = 99999999999999999999 # so\n" +
              std::string(kTail)) ==
      "p.toml:4:8: last.rate: expected a number that fits in 64 bits, found 99999999999999999999");
  CHECK(
      mistake("[source.last]\nplugin = \"feed\"\npath = \"x\"\nrate = -9223372036854775809\n" +
              std::string(kTail)) ==
      "p.toml:4:8: last.rate: expected a number that fits in 64 bits, found -9223372036854775809");
}

TEST_CASE("pipeline file: what is written in messages has no control characters") {
  CHECK(format({{3, 4}, "a.b: found \"x\ny\t\x01\x7f\"", "c\rd"}, "p.toml") ==
        "p.toml:3:4: a.b: found \"x\\ny\\t\\u0001\\u007f\" (did you mean \"c\\rd\"?)");
  CHECK(format({{}, std::string("\0", 1), ""}, "") == "\\u0000");
}

TEST_CASE("pipeline file: columns have one of the known types") {
  CHECK(mistake(with("[node.last]\nplugin = \"relay\"\ninput = \"orders\"\n",
                     "[writer.columns]\nid = \"intt64\"\nn = 3\n")) ==
        "p.toml:12:6: writer.columns.id: expected one of int64, float64, text, blob, bool, "
        "timestamp, json, any, found \"intt64\" (did you mean \"int64\"?)\n"
        "p.toml:13:5: writer.columns.n: expected one of int64, float64, text, blob, bool, "
        "timestamp, json, any, found an integer");
}

TEST_CASE("pipeline file: a column of an unknown type is one that a key may name") {
  CHECK(mistake(with("[node.last]\nplugin = \"relay\"\ninput = \"orders\"\n",
                     "primary_key = [\"id\"]\n[writer.columns]\nid = \"txt\"\nn = \"int64\"\n")) ==
        "p.toml:13:6: writer.columns.id: expected one of int64, float64, text, blob, bool, "
        "timestamp, json, any, found \"txt\" (did you mean \"text\"?)");
}

TEST_CASE("pipeline file: what a plugin says of its options together is reported") {
  CHECK(mistake(with("[node.last]\nplugin = \"picky\"\ninput = \"orders\"\nlow = 5\n")) ==
        "p.toml:7:7: last.low: expected at most high");
  // One that the file doesn't give, or none.
  CHECK(mistake(with("[node.last]\nplugin = \"picky\"\ninput = \"orders\"\nhigh = -1\n")) ==
        "p.toml:4:7: last.low: expected at most high");
  CHECK(mistake(with("[node.last]\nplugin = \"picky\"\ninput = \"orders\"\nhigh = 6\n")) ==
        "p.toml:4:7: last: lowest: not today");
}

TEST_CASE("pipeline file: a plugin is used as what it is") {
  CHECK(mistake(with("[node.last]\nplugin = \"feed\"\ninput = \"orders\"\n")) ==
        "p.toml:5:10: plugin \"feed\" is a source, so it can't be used as a node");
}

TEST_CASE("pipeline file: names are one set, and the writer's is taken") {
  CHECK(mistakes(with("[node.orders]\nplugin = \"relay\"\ninput = \"orders\"\n"
                      "[node.last]\nplugin = \"relay\"\ninput = \"orders\"\n"))[0] ==
        "p.toml:4:7: \"orders\" is used twice, first at 1:9; sources and nodes share one set of "
        "names");
  CHECK(mistakes(with("[node.writer]\nplugin = \"relay\"\ninput = \"orders\"\n"))[0] ==
        "p.toml:4:7: \"writer\" is the writer's name; choose another");
}

TEST_CASE("pipeline file: ports are known by name") {
  CHECK(mistake(with("[node.f]\nplugin = \"fork\"\ninput = \"orders\"\n"
                     "[node.last]\nplugin = \"relay\"\ninput = [\"f.left\", \"f.rigth\"]\n")) ==
        "p.toml:9:20: \"f\" has no port \"rigth\"; it has left, right (did you mean \"f.right\"?)");
  CHECK(mistakes(with("[node.last]\nplugin = \"relay\"\ninput = [\"orders\", \"writer\"]\n"))[0] ==
        "p.toml:6:20: \"writer\" puts nothing out: the writer's one port is \"writer.failed\" (did "
        "you mean \"writer.failed\"?)");
}

TEST_CASE("graph text: dot and mermaid name sources, nodes, ports and the table") {
  const CheckedPlan checked =
      parse(with("[node.f]\nplugin = \"fork\"\ninput = \"orders\"\n"
                 "[node.last]\nplugin = \"relay\"\ninput = [\"f.left\", \"f.right\"]\n"));
  REQUIRE_MESSAGE(checked.ok(), checked.status().message());
  CHECK(to_dot(checked.plan) == R"(digraph "pipeline" {
  rankdir=LR;
  node [fontname=sans];
  "orders" [shape=cds, label="orders\nfeed"];
  "f" [shape=box, label="f\nfork"];
  "last" [shape=box, label="last\nrelay"];
  "writer" [shape=cylinder, label="o.db\no"];
  "orders" -> "f";
  "f" -> "last" [label="left"];
  "f" -> "last" [label="right"];
  "last" -> "writer";
}
)");
  CHECK(to_mermaid(checked.plan) == R"(flowchart LR
  n_orders>"orders<br/>feed"]
  n_f["f<br/>fork"]
  n_last["last<br/>relay"]
  n_writer[("o.db<br/>o")]
  n_orders --> n_f
  n_f -->|left| n_last
  n_f -->|right| n_last
  n_last --> n_writer
)");
}

}  // namespace
}  // namespace mayfly
