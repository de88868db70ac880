// A write buffer that a global holds is let go after main().
#include <doctest/doctest.h>

#include <cstdlib>
#include <memory>

#include "mayfly/storage/write_buffer/write_buffer.h"
#include "tests/support/child_exit.h"
#include "tests/support/database.h"

namespace mayfly {
namespace {

// Made before any static of a function, and so destroyed after all of them.
std::unique_ptr<WriteBuffer> held_by_global;

TEST_CASE("write buffer: one that a global holds writes its rows at the end of the program") {
  for (const bool is_started : {false, true}) {
    const testing::Database database(is_started ? "wb_exit_started" : "wb_exit");
    database.run("CREATE TABLE items(id INTEGER PRIMARY KEY, value)");
    const int status = testing::status_of_child([&] {
      const auto writer = SqliteSingleWriter::get_or_create(database.path());
      if (!writer.ok()) std::_Exit(1);
      auto made = WriteBuffer::create(*writer);
      if (!made.ok()) std::_Exit(2);
      held_by_global = std::move(*made);
      if (is_started && !held_by_global->start().ok()) std::_Exit(3);
      for (int i = 0; i < 100; ++i) {
        const auto kept = held_by_global->buffer_upsert("items", {{"id", i}, {"value", 1}}, {"id"});
        if (!kept.ok()) std::_Exit(4);
      }
    });
    CHECK(status == 0);
    CHECK(database.integer("SELECT count(*) FROM items") == 100);
  }
}

}  // namespace
}  // namespace mayfly
