// TableWriter: a Python process that writes tables into files, one a request (write_tables.py).
//
// THREADS  One.
#pragma once

#include <sys/types.h>

#include <string>

#include "tests/properties/random_table.h"

namespace mayfly::testing {

class TableWriter {
 public:
  // Fails the test when there is no Python.
  TableWriter();
  ~TableWriter();
  TableWriter(const TableWriter&) = delete;
  TableWriter& operator=(const TableWriter&) = delete;

  // Returns once the file is whole.
  void write(const RandomTable& table, const std::string& path);

 private:
  int socket_ = -1;
  pid_t pid_ = -1;
};

}  // namespace mayfly::testing
