// What number.h says of a text against what SQLite does with it in INTEGER, NUMERIC and REAL
// columns.
#include <doctest/doctest.h>
#include <sqlite3.h>

#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "mayfly/base/rng.h"
#include "mayfly/data/readers/number.h"

namespace mayfly {
namespace {

struct Stored {
  int type = SQLITE_NULL;
  std::int64_t integer = 0;
  double real = 0;
  std::string text;
};

class Columns {
 public:
  Columns() {
    REQUIRE(sqlite3_open(":memory:", &db_) == SQLITE_OK);
    run("CREATE TABLE t(i INTEGER, n NUMERIC, r REAL)");
    prepare("INSERT OR REPLACE INTO t(rowid, i, n, r) VALUES (1, ?1, ?1, ?1)", &insert_);
    prepare("SELECT i, n, r FROM t", &select_);
  }
  ~Columns() {
    sqlite3_finalize(insert_);
    sqlite3_finalize(select_);
    sqlite3_close(db_);
  }
  Columns(const Columns&) = delete;
  Columns& operator=(const Columns&) = delete;

  // The text as each column holds it.
  std::vector<Stored> store(const std::string& text) {
    sqlite3_bind_text(insert_, 1, text.data(), static_cast<int>(text.size()), SQLITE_STATIC);
    REQUIRE(sqlite3_step(insert_) == SQLITE_DONE);
    sqlite3_reset(insert_);
    REQUIRE(sqlite3_step(select_) == SQLITE_ROW);
    std::vector<Stored> out(3);
    for (int c = 0; c < 3; ++c) {
      Stored& stored = out[static_cast<std::size_t>(c)];
      stored.type = sqlite3_column_type(select_, c);
      stored.integer = sqlite3_column_int64(select_, c);
      stored.real = sqlite3_column_double(select_, c);
      const void* bytes = sqlite3_column_blob(select_, c);
      const auto size = static_cast<std::size_t>(sqlite3_column_bytes(select_, c));
      if (bytes != nullptr) stored.text.assign(static_cast<const char*>(bytes), size);
    }
    sqlite3_reset(select_);
    return out;
  }

 private:
  void run(const char* sql) {
    REQUIRE(sqlite3_exec(db_, sql, nullptr, nullptr, nullptr) == SQLITE_OK);
  }
  void prepare(const char* sql, sqlite3_stmt** statement) {
    REQUIRE(sqlite3_prepare_v2(db_, sql, -1, statement, nullptr) == SQLITE_OK);
  }

  sqlite3* db_ = nullptr;
  sqlite3_stmt* insert_ = nullptr;
  sqlite3_stmt* select_ = nullptr;
};

std::string fifteen_digits(double value) {
  char text[40];
  std::snprintf(text, sizeof text, "%.15g", value);
  return text;
}

// INTEGER and NUMERIC.
void check_whole(const std::string& text, const Stored& stored) {
  std::int64_t integer = 0;
  double real = 0;
  if (parse_int64(text, &integer)) {
    REQUIRE_MESSAGE(stored.type == SQLITE_INTEGER, text);
    REQUIRE_MESSAGE(stored.integer == integer, text);
  } else if (!looks_numeric(text)) {
    REQUIRE_MESSAGE(stored.type == SQLITE_TEXT, text);
    REQUIRE_MESSAGE(stored.text == text, text);
  } else {
    REQUIRE_MESSAGE(stored.type != SQLITE_TEXT, text);
    if (would_change(text, Affinity::kInteger)) return;
    // 1.5, as an exception: SQLite's own reading is the same number to the digits it promises.
    REQUIRE_MESSAGE(stored.type == SQLITE_FLOAT, text);
    REQUIRE(parse_real(text, &real));
    REQUIRE_MESSAGE(fifteen_digits(stored.real) == fifteen_digits(real), text);
  }
}

void check_real(const std::string& text, const Stored& stored) {
  double real = 0;
  if (!looks_numeric(text)) {
    REQUIRE_MESSAGE(stored.type == SQLITE_TEXT, text);
    REQUIRE_MESSAGE(stored.text == text, text);
    REQUIRE(!would_change(text, Affinity::kReal));
    return;
  }
  REQUIRE_MESSAGE(stored.type == SQLITE_FLOAT, text);
  if (would_change(text, Affinity::kReal)) {
    REQUIRE_MESSAGE(!parse_real(text, &real), text);
  } else {
    REQUIRE_MESSAGE(parse_real(text, &real), text);
    REQUIRE_MESSAGE(fifteen_digits(stored.real) == fifteen_digits(real + 0.0), text);
  }
}

// A text that isn't marked as changing must come back as itself, as a number of the same value.
void check_kept(const std::string& text, const std::vector<Stored>& stored) {
  if (would_change(text, Affinity::kInteger) || !looks_numeric(text)) return;
  std::string back = stored[0].type == SQLITE_INTEGER ? std::to_string(stored[0].integer)
                                                      : fifteen_digits(stored[0].real);
  double was = 0, is = 0;
  std::int64_t integer = 0;
  if (parse_int64(text, &integer)) {
    REQUIRE_MESSAGE(back == text, text);
  } else {
    REQUIRE(parse_real(text, &was));
    REQUIRE_MESSAGE(parse_json_real(back, &is), back);
    REQUIRE_MESSAGE(was == is, text);
  }
}

void check(Columns& columns, const std::string& text) {
  const std::vector<Stored> stored = columns.store(text);
  check_whole(text, stored[0]);
  check_whole(text, stored[1]);
  check_real(text, stored[2]);
  check_kept(text, stored);
}

TEST_CASE("exactness: texts chosen for their trouble are stored as predicted") {
  Columns columns;
  for (const char* text : {"0",
                           "-0",
                           "+0",
                           "00",
                           "7",
                           "007",
                           "+5",
                           " 5",
                           "5 ",
                           "\t5\n",
                           "\v5\f",
                           "5\r",
                           "1.0",
                           "1.5",
                           "1.50",
                           "-0.0",
                           ".5",
                           "5.",
                           ".",
                           "-",
                           "+",
                           "",
                           " ",
                           "1e3",
                           "1E3",
                           "1e+3",
                           "1e-3",
                           "15e-1",
                           "1e",
                           "1e+",
                           "e1",
                           "1e400",
                           "-1e400",
                           "1e-400",
                           "1e308",
                           "1.7976931348623157e308",
                           "2.2250738585072014e-308",
                           "5e-324",
                           "9223372036854775807",
                           "9223372036854775808",
                           "-9223372036854775808",
                           "-9223372036854775809",
                           "9007199254740993",
                           "123456789012345",
                           "1234567890123456",
                           "0.1",
                           "0.30000000000000004",
                           "0x10",
                           "1_000",
                           "inf",
                           "Infinity",
                           "nan",
                           "1 2",
                           "1,5",
                           "--5",
                           "+-5",
                           "5-",
                           "12abc",
                           "\xC2\xA0"
                           "5",
                           "\xD9\xA3",
                           "10000000000000000000",
                           "1000000000000000000000000",
                           "0000000000000000000000001",
                           "0e0",
                           "0e999",
                           "9223372036854775807.0",
                           "922337203685477580.5",
                           "4503599627370496.5"}) {
    CAPTURE(text);
    check(columns, text);
  }
  check(columns, std::string("5\0", 2));
  check(columns, std::string("\0"
                             "5",
                             2));
  check(columns, std::string("1.\0"
                             "5",
                             4));
}

TEST_CASE("exactness: random texts of a number's letters are stored as predicted") {
  Columns columns;
  constexpr char kLetters[] = "00112233445566778899..-+eE  x";
  for (std::uint64_t seed = 0; seed < 4; ++seed) {
    Rng rng(seed);
    for (int i = 0; i < 50'000; ++i) {
      std::string text;
      const std::uint64_t size = 1 + rng.below(rng.below(2) == 0 ? 6 : 24);
      const std::uint64_t letters = 18 + rng.below(sizeof kLetters - 18);
      for (std::uint64_t k = 0; k < size; ++k) text += kLetters[rng.below(letters)];
      CAPTURE(seed);
      check(columns, text);
    }
  }
}

TEST_CASE("exactness: random decimals, sound and not, are stored as predicted") {
  Columns columns;
  Rng rng(11);
  for (int i = 0; i < 100'000; ++i) {
    std::string text = rng.below(3) == 0 ? "-" : "";
    for (std::uint64_t k = 0, n = 1 + rng.below(10); k < n; ++k)
      text += static_cast<char>('0' + rng.below(10));
    if (rng.below(2) == 0) {
      text += '.';
      for (std::uint64_t k = 0, n = rng.below(9); k < n; ++k)
        text += static_cast<char>('0' + rng.below(10));
    }
    if (rng.below(4) == 0) text += "e" + std::to_string(static_cast<int>(rng.below(80)) - 40);
    check(columns, text);
  }
}

}  // namespace
}  // namespace mayfly
