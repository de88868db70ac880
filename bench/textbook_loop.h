// L, the loop everybody writes: one thread, one prepared single-row INSERT, transactions of 1,000
// rows, WAL, synchronous=NORMAL; three columns int, text of 20 bytes, real. What Mayfly is compared
// with.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace mayfly::bench {

// The rows of every benchmark here: the same values, made the same way, whoever inserts them.
struct SampleRow {
  std::int64_t id;
  char name[20];
  double amount;

  explicit SampleRow(std::int64_t number)
      : id(number * 7), amount(static_cast<double>(number) * 0.5) {
    constexpr std::string_view kPattern = "user-000000000000000";
    kPattern.copy(name, sizeof name);
    for (std::size_t at = sizeof name; number > 0; number /= 10) {
      name[--at] = static_cast<char>('0' + number % 10);
    }
  }
  std::string_view text() const { return {name, sizeof name}; }
};

// A path for a benchmark's database; what an earlier run left there is removed.
std::string fresh_database(const std::string& name);

// Inserts `rows` sample rows into a fresh database; returns seconds.
double run_textbook_loop(const std::string& path, std::int64_t rows);

// Ends the program unless the table holds exactly the first `rows` sample rows, in any order.
void check_sample_rows(const std::string& path, std::int64_t rows);

}  // namespace mayfly::bench
