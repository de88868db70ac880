#include "mayfly/data/schema.h"

#include <doctest/doctest.h>

#include <memory>
namespace mayfly {
namespace {

TEST_CASE("a schema finds a column whatever the case of its name") {
  const Schema schema({{.name = "Id", .type = ColumnType::kInt64}, {.name = "name"}});
  CHECK(schema.find("ID") == 0u);
  CHECK(schema.find("NAME") == 1u);
  CHECK_FALSE(schema.find("nam").has_value());
}

TEST_CASE("a copied schema lends its own names to the ABI, not those of the original") {
  auto original = std::make_unique<Schema>(
      std::vector<Column>{{.name = "a_column_name_too_long_for_small_strings", .key = true}});
  const Schema copy = *original;
  original.reset();
  const mayfly_column_info& info = copy.c().columns[0];
  CHECK(std::string_view(info.name.data, info.name.size) ==
        "a_column_name_too_long_for_small_strings");
  CHECK(info.flags == MAYFLY_COLUMN_KEY);
}

TEST_CASE("type names are read in both spellings and printed in one") {
  CHECK(column_type_from("INTEGER") == ColumnType::kInt64);
  CHECK(column_type_from("real") == ColumnType::kFloat64);
  CHECK(name_of(ColumnType::kInt64) == "int64");
  for (int i = 0; i < 8; ++i) {
    const auto type = static_cast<ColumnType>(i);
    CHECK(column_type_from(name_of(type)) == type);
  }
  CHECK_FALSE(column_type_from("number").has_value());
  CHECK(column_type_names().size() == 8);
  CHECK(column_type_names()[0] == "int64");
}

TEST_CASE("names of tables that belong to SQLite and to the engine are known in any case") {
  CHECK(reserved_prefix_of("sqlite_x") == "sqlite_");
  CHECK(reserved_prefix_of("Mayfly_Offsets") == "mayfly_");
  CHECK(reserved_prefix_of("mayfly") == "");
  CHECK(reserved_prefix_of("my_sqlite_x") == "");
  CHECK(reserved_prefix_of("") == "");
}

}  // namespace
}  // namespace mayfly
