// CsvSampler: the columns of a CSV or TSV document (sampler.h).
#pragma once

#include <string>
#include <vector>

#include "mayfly/data/readers/csv_scanner.h"
#include "mayfly/data/readers/infer.h"
#include "mayfly/data/readers/sampler.h"

namespace mayfly {

// How a document is looked at.
struct CsvSampling {
  CsvDialect dialect;
  bool header = true;              // the first record has the columns' names
  std::vector<std::string> names;  // without one; empty: column_1, column_2, ...
  std::vector<std::string> nulls;  // fields that are no values
};

// For CSV and TSV.
class CsvSampler final : public Sampler {
 public:
  explicit CsvSampler(CsvSampling sampling, const SampleLimits& limits = {});

  std::size_t feed(std::span<const char> input, bool at_end) override;
  Result<Shape> shape(bool infer) const override;

 private:
  bool is_at_header() const { return sampling_.header && !names_known_; }
  bool look_at_line_ends(Scan scan, std::string_view record);
  bool take_names();
  void look_at_values();

  const CsvSampling sampling_;
  std::vector<std::string> names_;
  bool names_known_;
  std::string header_error_;
  bool looked_at_line_ends_ = false;
  bool passed_over_ = false;  // a record that is too long to be looked at
  CsvScanner scanner_;
  TypeInference inference_;
  std::string scratch_;
};

}  // namespace mayfly
