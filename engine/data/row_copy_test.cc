#include "mayfly/data/row_copy.h"

#include <doctest/doctest.h>

#include <string>

#include "mayfly/data/batch_pool.h"

namespace mayfly {
namespace {

const Schema kSchema({{.name = "i", .type = ColumnType::kInt64},
                      {.name = "t"},
                      {.name = "a", .type = ColumnType::kAny}});

struct Batches {
  BatchPool pool{{.rows = 4, .columns = 3, .heap_bytes = 40, .intake_batches = 2}};
  mayfly_batch* from = pool.try_acquire(BatchPool::Part::kIntake, kSchema);
  mayfly_batch* to = pool.try_acquire(BatchPool::Part::kIntake, kSchema);
};

TEST_CASE("row copy: values of every kind arrive, and what the row is known by") {
  Batches b;
  put_exception(*b.from, 0, "007");
  put_text(*b.from, 1, "Rome");
  put_kind(*b.from, 2, MAYFLY_TEXT);
  put_text(*b.from, 2, "any");
  commit_row(*b.from, {.ordinal = 5, .byte_end = 50, .line = 6});
  commit_row(*b.from, {.ordinal = 6, .byte_end = 60, .line = 7});  // all NULL
  b.from->key_hash[0] = 9;
  b.from->attempt[0] = 2;
  b.from->priority[0] = 3;
  b.from->ticket[0] = 4;
  b.from->owed[0] = 1;
  b.from->passed[0] = 8;
  REQUIRE(copy_row(*b.from, 1, *b.to));
  REQUIRE(copy_row(*b.from, 0, *b.to));
  CHECK(is_null(b.to->columns[1], 0));
  CHECK(is_exception(b.to->columns[0], 1));
  CHECK(text_at(*b.to, b.to->columns[0].cells[1].span) == "007");
  CHECK(text_at(*b.to, b.to->columns[1].cells[1].span) == "Rome");
  CHECK(kind_of(b.to->columns[2], 1) == MAYFLY_TEXT);
  CHECK(b.to->ordinal[1] == 5);
  CHECK(b.to->byte_end[1] == 50);
  CHECK(b.to->line[1] == 6);
  CHECK(b.to->key_hash[1] == 9);
  CHECK(b.to->attempt[1] == 2);
  CHECK(b.to->priority[1] == 3);
  CHECK(b.to->ticket[1] == 4);
  CHECK(b.to->owed[1] == 1);
  CHECK(b.to->passed[1] == 8);
}

TEST_CASE("row copy: an error row keeps its bytes and its message") {
  Batches b;
  REQUIRE(
      put_error_row(*b.from, {.ordinal = 1, .byte_end = 9, .line = 2}, 3, "found 3", "1,bad,x"));
  REQUIRE(copy_row(*b.from, 0, *b.to));
  CHECK(text_at(*b.to, b.to->raw[0]) == "1,bad,x");
  CHECK(text_at(*b.to, b.to->message[0]) == "found 3");
  CHECK(b.to->reason[0] == 3);
  CHECK(b.to->outcome[0] == MAYFLY_DEAD_LETTERED);
}

TEST_CASE("row copy: without room for the whole row nothing is copied") {
  Batches b;
  put_text(*b.from, 1, std::string(15, 'x'));
  commit_row(*b.from, {});
  REQUIRE(put_error_row(*b.from, {}, 0, std::string(10, 'm'), std::string(10, 'r')));
  REQUIRE(copy_row(*b.from, 0, *b.to));
  REQUIRE(copy_row(*b.from, 0, *b.to));
  CHECK_FALSE(copy_row(*b.from, 0, *b.to));
  CHECK_FALSE(copy_row(*b.from, 1, *b.to));
  CHECK(b.to->rows == 2);
  CHECK(b.to->heap_used == 30);
}

TEST_CASE("row copy: a whole batch goes behind another's rows, or nothing of it") {
  Batches b;
  put_text(*b.to, 1, "first");
  commit_row(*b.to, {.ordinal = 1, .byte_end = 1, .line = 1});
  seal(*b.to, 100, 7);
  for (const std::string_view text : {"second", "third"}) {
    put_text(*b.from, 1, text);
    commit_row(*b.from, {.ordinal = 2, .byte_end = 2, .line = 2});
  }
  seal(*b.from, 200, 8);
  b.from->parent[1] = make_ref(3, 4);
  REQUIRE(append_rows(*b.from, *b.to));
  REQUIRE(b.to->rows == 3);
  CHECK(slice_rows(*b.to, 0) == 3);
  CHECK(slice_is_dense(*b.to, 0));
  std::string texts;
  for_each_row(*b.to, 0, [&](std::uint16_t row) {
    texts += std::string(text_at(*b.to, b.to->columns[1].cells[row].span)) + " ";
  });
  CHECK(texts == "first second third ");
  CHECK(b.to->enqueued_ns[0] == 100);
  CHECK(b.to->enqueued_ns[2] == 200);
  CHECK(b.to->source[2] == 8);
  CHECK(b.to->parent[2] == make_ref(3, 4));

  CHECK_FALSE(append_rows(*b.from, *b.to));  // for one of two there is a row
  CHECK(b.to->rows == 3);
}

TEST_CASE("row copy: a batch whose texts don't fit is not appended") {
  Batches b;
  for (mayfly_batch* batch : {b.to, b.from}) {
    put_text(*batch, 1, std::string(21, 'x'));
    commit_row(*batch, {.ordinal = 1, .byte_end = 1, .line = 1});
    seal(*batch, 0, 0);
  }
  CHECK_FALSE(append_rows(*b.from, *b.to));
  CHECK(b.to->rows == 1);
  CHECK(b.to->heap_used == 21);
}

}  // namespace
}  // namespace mayfly
