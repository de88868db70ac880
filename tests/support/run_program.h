// RunProgram: a child process with its output in files of the test's folder. One thread.
//
// The child gets this process's environment without MAYFLY_* and NO_COLOR, and default signal
// dispositions. A child that is still there in the end is killed.
#pragma once

#include <sys/types.h>

#include <string>
#include <utility>
#include <vector>

namespace mayfly::testing {

struct ProgramOptions {
  std::vector<std::pair<std::string, std::string>> environment = {};  // added
  std::vector<std::string> without = {};                              // variables taken away
  std::string stdin_file = "/dev/null";
  std::string folder = {};        // to run in; empty: this process's
  int stdin_fd = -1;              // in place of stdin_file
  int stderr_fd = -1;             // in place of a file
  bool ignore_interrupt = false;  // as nohup and shells do for background jobs
};

class RunProgram {
 public:
  RunProgram(const std::string& program, std::vector<std::string> arguments,
             const ProgramOptions& options = {});
  ~RunProgram();
  RunProgram(const RunProgram&) = delete;
  RunProgram& operator=(const RunProgram&) = delete;

  void signal(int number) const;
  // Its exit status, or minus the signal that ended it. Any number of times.
  int wait();
  bool running();
  pid_t pid() const { return pid_; }

  // Complete after wait().
  std::string out() const;
  std::string err() const;

 private:
  void take_status(int status);

  pid_t pid_ = -1;
  bool done_ = false;
  int status_ = 0;
  std::string out_path_;
  std::string err_path_;
};

// A file's bytes; fails the test when it can't be read.
std::string read_file(const std::string& path);
void write_file(const std::string& path, const std::string& text);
// A fresh folder of this test binary's own.
std::string make_folder();

}  // namespace mayfly::testing
