#include "tests/properties/random_table.h"

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ostream>

#include "mayfly/base/json_text.h"

namespace mayfly::testing {
namespace {

using std::string_literals::operator""s;

// One of them, each as likely as another. Where a case fails, the first that does.
template <class T>
rc::Gen<T> one_of(std::vector<T> choices) {
  const auto count = choices.size();
  return rc::gen::map(rc::gen::resize(rc::kNominalSize, rc::gen::inRange<std::size_t>(0, count)),
                      [choices = std::move(choices)](std::size_t i) { return choices[i]; });
}

rc::Gen<std::string> word(std::vector<std::string> choices) { return one_of(std::move(choices)); }

// What readers stumble over, the plainest first: a case that fails is made of the first that do.
rc::Gen<std::string> piece() {
  return word(
      std::vector<std::string>{"a",
                               "b",
                               " ",
                               ",",
                               ";",
                               "\t",
                               "|",
                               "\"",
                               "'",
                               "\\",
                               "\n",
                               "\r",
                               "\r\n",
                               "x y",
                               "\"\"",
                               "\\N",
                               "\\n",
                               "#",
                               "sep=;",
                               "007",
                               "+5",
                               "1e5",
                               "0x1F",
                               "NA",
                               "NULL",
                               "null",
                               "true",
                               "[1]",
                               "{\"a\":1}",
                               "=1+1",
                               "-",
                               "--",
                               "1,5",
                               "12345678901234567890",
                               "1.10",
                               "%s",
                               "{}",
                               "\0"s,
                               "\xEF\xBB\xBF",  // a byte order mark
                               "Z\xC3\xBCrich",
                               "\xF0\x9F\x98\x80",
                               "\xE2\x80\xA8",  // a line separator of Unicode's
                               "a text that is longer than what is looked at in one go, by far"});
}

rc::Gen<std::string> text_of_pieces(std::size_t pieces_max) {
  return rc::gen::map(rc::gen::resize(static_cast<int>(pieces_max),
                                      rc::gen::container<std::vector<std::string>>(piece())),
                      [](const std::vector<std::string>& pieces) {
                        std::string text;
                        for (const std::string& each : pieces) text += each;
                        return text;
                      });
}

void remove(std::string& text, const std::string& unwanted) {
  std::erase_if(text, [&](char c) { return unwanted.find(c) != std::string::npos; });
}

rc::Gen<std::int64_t> integer() {
  return rc::gen::oneOf(
      rc::gen::inRange<std::int64_t>(-1000, 1000),
      rc::gen::element<std::int64_t>(0, INT64_MAX, INT64_MIN, INT64_MAX - 1, 1'000'000'000'000'000,
                                     99'999'999, 100'000'000, (1ll << 53) + 1),
      rc::gen::arbitrary<std::int64_t>());
}

// Of at most 15 digits: those are what a text says exactly. As many as a double has, in JSON.
rc::Gen<double> real(bool any) {
  const auto decimal = rc::gen::map(
      rc::gen::pair(rc::gen::inRange<std::int64_t>(-999'999'999'999'999, 1'000'000'000'000'000),
                    rc::gen::inRange(-40, 40)),
      [](const std::pair<std::int64_t, int>& parts) {
        const std::string text = std::to_string(parts.first) + "e" + std::to_string(parts.second);
        return std::strtod(text.c_str(), nullptr);
      });
  const auto fixed = rc::gen::element(0.5, 0.0, -0.0, -1.25, 1e-7, 1e22, 1e308, 3e-308, 0.1, 100.0);
  if (!any) return rc::gen::oneOf(fixed, decimal);
  const auto bits = rc::gen::map(rc::gen::arbitrary<std::uint64_t>(), [](std::uint64_t word) {
    double value;
    std::memcpy(&value, &word, sizeof value);
    return std::isfinite(value) ? value : 5e-324;
  });
  return rc::gen::oneOf(fixed, decimal, bits);
}

template <class T>
rc::Gen<Cell> cell_of(rc::Gen<T> values) {
  return rc::gen::map(std::move(values), [](T value) { return Cell(std::move(value)); });
}

rc::Gen<Cell> cell(const RandomColumn& column, bool json) {
  const auto null = rc::gen::just(Cell(nullptr));
  const auto text = cell_of<std::string>(text_of_pieces(5));
  if (column.type == "TEXT") return rc::gen::weightedOneOf<Cell>({{9, text}, {1, null}});
  if (column.type == "INTEGER") {
    return rc::gen::weightedOneOf<Cell>({{9, cell_of<std::int64_t>(integer())}, {1, null}});
  }
  const auto number = cell_of<double>(real(json));
  if (column.type == "REAL") return rc::gen::weightedOneOf<Cell>({{9, number}, {1, null}});
  return rc::gen::weightedOneOf<Cell>(
      {{3, text}, {3, cell_of<std::int64_t>(integer())}, {3, number}, {1, null}});
}

bool is_json(Writer writer) { return writer == Writer::kNdjson || writer == Writer::kJson; }

// The first is c0: a document doesn't begin with what is no name (sep=;, a byte order mark). The
// others end in different digits, and so in different names.
std::vector<RandomColumn> columns_of(Writer writer) {
  std::vector<std::string> types = {"TEXT", "INTEGER", "REAL"};
  if (is_json(writer)) types.emplace_back();  // only there a value says what it is
  const std::size_t count = *rc::gen::inRange<std::size_t>(1, 6);
  std::vector<RandomColumn> columns;
  for (std::size_t i = 0; i < count; ++i) {
    std::string name = i == 0 ? std::string("c") : *text_of_pieces(3);
    remove(name, "\0"s);  // refused
    columns.push_back({name + std::to_string(i), *word(types)});
  }
  return columns;
}

void remove_everywhere(RandomTable& table, const std::string& unwanted) {
  for (RandomColumn& column : table.columns) remove(column.name, unwanted);
  for (std::vector<Cell>& row : table.rows) {
    for (Cell& cell : row) {
      if (auto* text = std::get_if<std::string>(&cell)) remove(*text, unwanted);
    }
  }
}

RandomTable make_table() {
  RandomTable table;
  table.writer = *one_of<Writer>({Writer::kCsv, Writer::kNdjson, Writer::kJson, Writer::kEscapedTsv,
                                  Writer::kQuotedTsv, Writer::kTsv});
  table.columns = columns_of(table.writer);
  const bool json = is_json(table.writer);
  table.rows = *rc::gen::container<std::vector<std::vector<Cell>>>(
      rc::gen::exec([columns = table.columns, json] {
        std::vector<Cell> row;
        for (const RandomColumn& column : columns) {
          row.push_back(*cell(column, json));
        }
        return row;
      }));
  if (table.writer == Writer::kTsv) remove_everywhere(table, "\t\r\n");
  table.packing = *word({"none", "gzip"});
  if (json) {
    table.ascii_only = *rc::gen::arbitrary<bool>();
    table.order = *rc::gen::inRange<std::int64_t>(0, 100);
    if (table.writer == Writer::kJson) {
      table.shape = *word({"array", "pretty", "objects"});
    }
    return table;
  }
  table.encoding = *word({"utf-8", "utf-8-sig", "utf-16"});
  table.line_end = *word({"\n", "\r\n"});
  if (table.writer == Writer::kCsv) {
    table.delimiter = *one_of<char>({',', ';', '\t', '|'});
    table.line_end = *word({"\n", "\r\n", "\r"});
  }
  if (table.writer == Writer::kCsv || table.writer == Writer::kQuotedTsv) {
    table.quote = *one_of<char>({'"', '\''});
    table.quoting = *word({"minimal", "nonnumeric", "all"});
    // With CR alone Python leaves an LF without quotes, with LF alone a CR, and nobody can tell
    // which ends a line.
    if (table.line_end == "\r" && table.quoting == "minimal") table.quoting = "nonnumeric";
    if (table.line_end == "\n" && table.quoting == "minimal") remove_everywhere(table, "\r");
  }
  return table;
}

std::string number_text(double value) {
  char text[40];
  std::snprintf(text, sizeof text, "%.17g", value);
  const std::string out = text;
  return out.find_first_of(".e") == std::string::npos ? out + ".0" : out;
}

JsonText row_json(const std::vector<Cell>& row) {
  JsonText cells = JsonText::array();
  for (const Cell& cell : row) cells.add_json({}, to_text(cell));
  return cells;
}

const char* name_of(Writer writer) {
  switch (writer) {
    case Writer::kCsv:
      return "csv";
    case Writer::kTsv:
      return "tsv";
    case Writer::kQuotedTsv:
      return "quoted_tsv";
    case Writer::kEscapedTsv:
      return "escaped_tsv";
    case Writer::kNdjson:
      return "ndjson";
    case Writer::kJson:
      return "json";
  }
  return "";
}

}  // namespace

std::string to_text(const Cell& cell) {
  if (const auto* text = std::get_if<std::string>(&cell)) {
    const std::string array = JsonText::array().add(*text).text();
    return array.substr(1, array.size() - 2);
  }
  if (const auto* integer = std::get_if<std::int64_t>(&cell)) return std::to_string(*integer);
  if (const auto* number = std::get_if<double>(&cell)) return number_text(*number);
  return "null";
}

rc::Gen<RandomTable> random_table() { return rc::gen::exec(make_table); }

std::string RandomTable::request(const std::string& path) const {
  JsonText names = JsonText::array();
  for (const RandomColumn& column : columns) names.add(column.name);
  JsonText all = JsonText::array();
  for (const std::vector<Cell>& row : rows) all.add(row_json(row));
  return JsonText::object()
      .add("path", path)
      .add("writer", name_of(writer))
      .add("columns", names)
      .add("rows", all)
      .add("delimiter", std::string(1, delimiter))
      .add("quote", std::string(1, quote))
      .add("line_end", line_end)
      .add("encoding", encoding)
      .add("quoting", quoting)
      .add("shape", shape)
      .add("ascii_only", ascii_only)
      .add("packing", packing)
      .add("order", order)
      .add("null", kNullText)
      .text();
}

std::vector<std::string> RandomTable::options() const {
  if (writer == Writer::kNdjson) return {"--format", "ndjson"};
  if (writer == Writer::kJson) return {"--format", "json"};
  if (writer == Writer::kEscapedTsv) return {"--format", "tsv", "--escape", "backslash"};
  std::vector<std::string> options = {"--format", "tsv", "--null", kNullText};
  if (writer == Writer::kTsv) return options;
  options.insert(options.end(), {"--quote", std::string(1, quote)});
  if (writer == Writer::kQuotedTsv) return options;
  options[1] = "csv";
  options.insert(options.end(),
                 {"--delimiter", delimiter == '\t' ? "tab" : std::string(1, delimiter)});
  return options;
}

std::ostream& operator<<(std::ostream& out, const RandomTable& table) {
  for (const RandomColumn& column : table.columns) {
    out << (column.type.empty() ? "any" : column.type) << ' ';
  }
  return out << table.request("PATH");
}

}  // namespace mayfly::testing
