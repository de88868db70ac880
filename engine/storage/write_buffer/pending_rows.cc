#include "mayfly/storage/write_buffer/pending_rows.h"

#include <algorithm>
#include <bit>
#include <functional>
#include <new>

#include "mayfly/base/key_text.h"

namespace mayfly {
namespace {

constexpr std::size_t kGarbageMin = 64 * 1024;
constexpr double kTwoTo63 = 9223372036854775808.0;

bool are_equal(const Value& a, const Value& b) {
  const auto left = integer_of(a);
  const auto right = integer_of(b);
  if (left || right) return left == right;
  if (a.kind() != b.kind()) return false;
  if (a.kind() == Value::Kind::kFloat64) return a.float64() == b.float64();
  return a.kind() == Value::Kind::kNull || a.text() == b.text();
}

bool has_text(Value::Kind kind) { return kind == Value::Kind::kText || kind == Value::Kind::kBlob; }

// Doubling, which a vector's own reserve() doesn't do.
template <class T>
void reserve_more(std::vector<T>& all, std::size_t more) {
  if (all.capacity() - all.size() >= more) return;
  all.reserve(std::max(all.size() + more, 2 * all.capacity()));
}

}  // namespace

std::optional<std::int64_t> integer_of(const Value& value) {
  if (value.kind() == Value::Kind::kInt64) return value.int64();
  if (value.kind() != Value::Kind::kFloat64) return std::nullopt;
  const double number = value.float64();
  if (!(number >= -kTwoTo63 && number < kTwoTo63)) return std::nullopt;
  const auto integer = static_cast<std::int64_t>(number);
  if (static_cast<double>(integer) != number) return std::nullopt;
  return integer;
}

std::uint64_t PendingRows::hash_key(std::span<const Value> key) {
  std::uint64_t all = 0;
  for (const Value& value : key) {
    std::uint64_t one = static_cast<std::uint64_t>(value.kind()) << 56;
    if (const auto integer = integer_of(value)) {
      one = static_cast<std::uint64_t>(*integer);
    } else if (value.kind() == Value::Kind::kFloat64) {
      one = std::bit_cast<std::uint64_t>(value.float64());
    } else if (value.kind() != Value::Kind::kNull) {
      one ^= std::hash<std::string_view>{}(value.text());
    }
    all = spread_hash(all * 31 + one);
  }
  return all;
}

Value PendingRows::value(const RowCell& cell) const {
  // Of numbers the offset is something else.
  const auto text = [&] { return std::string_view(bytes_.data() + cell.offset, cell.size); };
  switch (cell.kind) {
    case Value::Kind::kNull:
      return nullptr;
    case Value::Kind::kInt64:
      return cell.int64;
    case Value::Kind::kFloat64:
      return cell.float64;
    case Value::Kind::kText:
      return text();
    case Value::Kind::kBlob:
      return std::as_bytes(std::span(text()));
  }
  return nullptr;
}

bool PendingRows::has_key(const PendingRow& row, std::span<const Value> key) const {
  const RowCell* cell = cells_.data() + row.cells;
  for (const Value& one : key) {
    if (!are_equal(value(*cell++), one)) return false;
  }
  return true;
}

RowRef PendingRows::find(const ShapedCall& call) const {
  const std::uint32_t id = call.shape->space->id;
  if (id >= spaces_.size()) return {};
  const Space& space = spaces_[id];
  const std::uint32_t row = space.index.find(call.hash, [&](std::uint32_t slot) {
    const PendingRow& one = space.rows[slot - 1];
    // A key's sealed rows are under the same hash: the newest stands for them.
    return one.hash == call.hash && has_key(one, call.key());
  });
  return {id, row};
}

RowRef PendingRows::find_open(const ShapedCall& call) const {
  const RowRef found = find(call);
  return found && found.row > spaces_[found.space].sealed ? found : RowRef{};
}

void PendingRows::make_room(const ShapedCall& call, std::size_t cells) {
  std::size_t text = 0;
  for (const Value& value : call.values) {
    if (has_text(value.kind())) text += value.text().size();
  }
  reserve_more(cells_, cells);
  reserve_more(bytes_, text);
}

void PendingRows::set(RowCell& cell, const Value& value) {
  const bool is_text = has_text(value.kind());
  const std::string_view text = is_text ? value.text() : std::string_view();
  const bool in_place = is_text && has_text(cell.kind) && text.size() <= cell.size;
  if (in_place) {
    garbage_ += cell.size - text.size();
  } else {
    drop(cell);
    if (is_text) cell.offset = bytes_.size();
  }
  if (is_text) {
    if (!in_place) bytes_.resize(bytes_.size() + text.size());
    std::copy(text.begin(), text.end(), bytes_.begin() + static_cast<std::ptrdiff_t>(cell.offset));
  } else if (value.kind() == Value::Kind::kFloat64) {
    cell.float64 = value.float64();
  } else {
    cell.int64 = value.kind() == Value::Kind::kInt64 ? value.int64() : 0;
  }
  cell.size = static_cast<std::uint32_t>(text.size());
  cell.kind = value.kind();
  cell.updates_only = false;
}

void PendingRows::drop(const RowCell& cell) {
  if (has_text(cell.kind)) garbage_ += cell.size;
}

void PendingRows::seal_others(const KeySpace& space) {
  const std::uint32_t table = space.table->id;
  if (table >= last_space_.size()) last_space_.resize(table + 1);
  if (last_space_[table] == &space) return;
  if (last_space_[table] != nullptr) {
    // What was before in this one is sealed since the other was called, and the other is now.
    Space& other = spaces_[last_space_[table]->id];
    other.sealed = static_cast<std::uint32_t>(other.rows.size());
  }
  last_space_[table] = &space;
}

void PendingRows::add(const ShapedCall& call, RowRef open, WriteCatalog& catalog) {
  const KeySpace& space = *call.shape->space;
  while (spaces_.size() <= space.id) spaces_.emplace_back();
  if (open) {
    merge(spaces_[open.space].rows[open.row - 1], call, catalog);
  } else {
    make_row(call);
  }
  const std::size_t all = bytes();
  if (garbage_ <= kGarbageMin || garbage_ <= all / 2) return;
  try {
    compact();
  } catch (const std::bad_alloc&) {
    // Later, then: the call is in.
  }
}

void PendingRows::make_row(const ShapedCall& call) {
  Space& space = spaces_[call.shape->space->id];
  const std::uint32_t older = find(call).row;
  make_room(call, call.values.size());
  reserve_more(space.rows, 1);
  reserve_more(space.states, 1);
  const auto row = static_cast<std::uint32_t>(space.rows.size() + 1);
  seal_others(*call.shape->space);
  space.index.insert(call.hash, row);
  if (older != 0) space.index.erase(call.hash, older);
  space.rows.push_back({.shape = call.shape,
                        .last_call = call.number,
                        .cells = cells_.size(),
                        .hash = call.hash,
                        .order = rows_made_++,
                        .older = older,
                        .op = call.op == BufferedOp::kUpsert   ? RowOp::kUpsert
                              : call.op == BufferedOp::kUpdate ? RowOp::kUpdate
                                                               : RowOp::kDelete,
                        .asked = call.op});
  space.states.push_back(0);
  for (const Value& value : call.values) set(cells_.emplace_back(), value);
}

void PendingRows::replace_values(PendingRow& row, const ShapedCall& call) {
  for (const RowCell& cell : cells(row)) drop(cell);
  garbage_ += row.shape->columns.size() * sizeof(RowCell);
  row.shape = call.shape;
  row.cells = cells_.size();
  for (const Value& value : call.values) set(cells_.emplace_back(), value);
}

void PendingRows::merge(PendingRow& row, const ShapedCall& call, WriteCatalog& catalog) {
  if (call.op == BufferedOp::kDelete || row.op == RowOp::kDelete) {
    if (call.op != BufferedOp::kUpdate) {
      make_room(call, call.values.size());
      row.op = call.op == BufferedOp::kDelete ? RowOp::kDelete : RowOp::kReplace;
      replace_values(row, call);
      row.asked = call.op;
    }
    row.last_call = call.number;
    return;
  }
  if (row.shape != call.shape) {
    const UnitedShape& united = catalog.unite(*row.shape, *call.shape);
    make_room(call, united.shape->columns.size());
    const bool marks = call.op == BufferedOp::kUpsert && row.op == RowOp::kUpdate;
    const std::uint64_t begin = cells_.size();
    bool updates = false;
    for (std::size_t i = 0; i < united.shape->columns.size(); ++i) {
      RowCell cell =
          united.first[i] == UnitedShape::kAbsent ? RowCell() : cells_[row.cells + united.first[i]];
      if (united.second[i] != UnitedShape::kAbsent) {
        if (i >= united.shape->keys()) set(cell, call.values[united.second[i]]);
      } else {
        cell.updates_only = cell.updates_only || marks;
      }
      updates = updates || cell.updates_only;
      cells_.push_back(cell);
    }
    garbage_ += row.shape->columns.size() * sizeof(RowCell);
    row.cells = begin;
    row.shape = united.shape;
    if (row.op == RowOp::kUpdateUpsert || marks) {
      row.op = updates ? RowOp::kUpdateUpsert : RowOp::kUpsert;
    }
  } else {
    make_room(call, 0);
    for (std::size_t i = row.shape->keys(); i < call.values.size(); ++i) {
      set(cells_[row.cells + i], call.values[i]);
    }
    // Each of its columns is set by this call.
    const bool upserts = call.op == BufferedOp::kUpsert || row.op == RowOp::kUpdateUpsert;
    if (upserts && row.op != RowOp::kReplace) row.op = RowOp::kUpsert;
  }
  row.last_call = call.number;
  row.asked = call.op;
}

void PendingRows::compact() {
  std::vector<RowCell> cells;
  std::vector<char> bytes;
  const std::size_t live = this->bytes() - garbage_;
  cells.reserve(live / sizeof(RowCell) + 1);
  bytes.reserve(live);
  for (Space& space : spaces_) {
    for (PendingRow& row : space.rows) {
      const std::span<const RowCell> old = this->cells(row);
      row.cells = cells.size();
      for (RowCell cell : old) {
        if (has_text(cell.kind)) {
          const std::string_view text = value(cell).text();
          cell.offset = bytes.size();
          bytes.insert(bytes.end(), text.begin(), text.end());
        }
        cells.push_back(cell);
      }
    }
  }
  cells_.swap(cells);
  bytes_.swap(bytes);
  garbage_ = 0;
}

void PendingRows::clear() {
  for (Space& space : spaces_) {
    space.rows.clear();
    space.states.clear();
    space.index = SlotIndex();
    space.sealed = 0;
  }
  last_space_.clear();
  cells_.clear();
  bytes_.clear();
  garbage_ = 0;
  rows_made_ = 0;
}

// Release and acquire: who finds a row gone finds what it did in the database.
std::uint8_t PendingRows::mark(RowRef ref, std::uint8_t state) const {
  return std::atomic_ref(spaces_[ref.space].states[ref.row - 1])
      .fetch_or(state, std::memory_order_acq_rel);
}

std::uint8_t PendingRows::unmark(RowRef ref, std::uint8_t state) const {
  return std::atomic_ref(spaces_[ref.space].states[ref.row - 1])
      .fetch_and(static_cast<std::uint8_t>(~state), std::memory_order_acq_rel);
}

bool PendingRows::is_gone(RowRef ref) const {
  return (std::atomic_ref(spaces_[ref.space].states[ref.row - 1]).load(std::memory_order_acquire) &
          kGone) != 0;
}

std::vector<RowRef> PendingRows::outdated() const {
  std::vector<RowRef> all;
  for (std::uint32_t space = 0; space < spaces_.size(); ++space) {
    const std::vector<PendingRow>& rows = spaces_[space].rows;
    for (std::uint32_t row = 1; row <= rows.size(); ++row) {
      RowRef older = {space, rows[row - 1].older};
      if (!older || !is_gone({space, row})) continue;
      // What is behind one that is gone, too, is found by that one.
      for (; older && !is_gone(older); older.row = rows[older.row - 1].older) all.push_back(older);
    }
  }
  std::sort(all.begin(), all.end());
  return all;
}

}  // namespace mayfly
