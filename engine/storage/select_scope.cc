#include "mayfly/storage/select_scope.h"

#include <algorithm>
#include <cctype>
#include <utility>
#include <vector>

namespace mayfly {
namespace {

// RIGHT and FULL: rows of another table come once for each batch.
constexpr std::string_view kClauses[] = {"DISTINCT", "GROUP",  "HAVING", "LIMIT",
                                         "OFFSET",   "OVER",   "UNION",  "INTERSECT",
                                         "EXCEPT",   "WINDOW", "RIGHT",  "FULL"};
constexpr std::string_view kAfterFrom[] = {"WHERE", "GROUP", "HAVING", "ORDER",
                                           "LIMIT", "UNION", "EXCEPT", "INTERSECT"};
constexpr std::string_view kAggregates[] = {"COUNT",
                                            "SUM",
                                            "TOTAL",
                                            "AVG",
                                            "GROUP_CONCAT",
                                            "STRING_AGG",
                                            "MEDIAN",
                                            "PERCENTILE",
                                            "PERCENTILE_CONT",
                                            "PERCENTILE_DISC",
                                            "JSON_GROUP_ARRAY",
                                            "JSON_GROUP_OBJECT",
                                            "JSONB_GROUP_ARRAY",
                                            "JSONB_GROUP_OBJECT"};
// With one argument they aggregate, with several they don't.
constexpr std::string_view kOneArgument[] = {"MIN", "MAX"};

template <class List>
bool among(const List& list, std::string_view word) {
  return std::find(std::begin(list), std::end(list), word) != std::end(list);
}

// The words, parameters, parentheses, commas and points of an SQL text, in upper case; strings and
// comments skipped.
class Words {
 public:
  explicit Words(std::string_view sql) : sql_(sql) {}

  // Empty at the end. A name in quotes is a word that can't be mistaken for a keyword.
  std::string next() {
    while (at_ < sql_.size()) {
      const char c = sql_[at_];
      begin_ = at_;
      if (c == '-' && peek() == '-') {
        at_ = std::min(sql_.find('\n', at_), sql_.size());
      } else if (c == '/' && peek() == '*') {
        const std::size_t end = sql_.find("*/", at_ + 2);
        at_ = end == std::string_view::npos ? sql_.size() : end + 2;
      } else if (c == '\'') {
        quoted('\'');
      } else if (c == '"' || c == '`') {
        return '"' + quoted(c);
      } else if (c == '[') {
        return '"' + quoted(']');
      } else if (is_word(c) || is_parameter(c)) {
        return word();
      } else {
        ++at_;
        if (c == '(' || c == ')' || c == ',' || c == '.') return std::string(1, c);
      }
    }
    return {};
  }
  // What next() gave last, as it is written.
  std::string_view written() const { return sql_.substr(begin_, at_ - begin_); }

  static bool is_parameter(char c) { return c == '?' || c == ':' || c == '@' || c == '$'; }

 private:
  static bool is_word(char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' ||
           (static_cast<unsigned char>(c) & 0x80) != 0;
  }
  char peek() const { return at_ + 1 < sql_.size() ? sql_[at_ + 1] : '\0'; }
  std::string word() {
    const std::size_t begin = at_++;
    while (at_ < sql_.size() && (is_word(sql_[at_]) || sql_[at_] == '$')) ++at_;
    return upper(sql_.substr(begin, at_ - begin));
  }
  // Doubled marks inside make two texts of one, which nobody minds here.
  std::string quoted(char mark) {
    const std::size_t begin = at_ + 1;
    const std::size_t end = std::min(sql_.find(mark, begin), sql_.size());
    at_ = std::min(end + 1, sql_.size());
    return upper(sql_.substr(begin, end - begin));
  }
  static std::string upper(std::string_view written) {
    std::string text(written);
    for (char& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    return text;
  }

  std::string_view sql_;
  std::size_t at_ = 0;
  std::size_t begin_ = 0;
};

// What stands between a pair of parentheses; the whole text is the outermost.
struct Scope {
  bool is_select = false;
  std::string before;  // the word before the parenthesis
  std::string cte;     // the name that a SELECT in WITH is given
  bool has_comma = false;
  bool in_from = false;  // of a SELECT: between FROM and WHERE
  bool left = false;     // LEFT was read, its JOIN wasn't
  bool left_join =
      false;  // what is read next may have no row, and the tables before it come all the same
  std::string dependence;  // of this SELECT
  bool reads_batch = false;
};

class Finder {
 public:
  explicit Finder(std::string_view select) : scopes_(1) {
    Words words(select);
    for (std::string word = words.next(); !word.empty(); word = words.next()) {
      words_.push_back(std::move(word));
    }
  }

  SelectScope find() {
    for (at_ = 0; at_ < words_.size(); ++at_) look_at(words_[at_]);
    while (scopes_.size() > 1) close();
    settle(scopes_.back());
    if (found_.empty() && reads_ > 1) found_ = "mayfly_batch, read twice";
    return {found_, selects_ == 1 && reads_ == 1 && !joins_, reads_ > 0};
  }

 private:
  std::string_view word_at(std::size_t i) const {
    return i < words_.size() ? std::string_view(words_[i]) : std::string_view();
  }
  std::string_view previous() const { return word_at(at_ - 1); }  // at 0: none
  static std::string_view name_of(std::string_view word) {
    return word.starts_with('"') ? word.substr(1) : word;
  }

  void look_at(const std::string& word) {
    Scope& around = select();
    if (word == "(") {
      Scope& scope = scopes_.emplace_back();
      scope.before = previous();
      scope.cte = name_before_as();
    } else if (word == ")") {
      if (scopes_.size() > 1) close();
    } else if (word == ",") {
      scopes_.back().has_comma = true;
      around.left_join = false;
      joins_ |= around.in_from;
    } else if (word == "SELECT" || word == "VALUES") {
      scopes_.back().is_select = true;
      scopes_.back().in_from = false;
      ++selects_;
    } else if (word == "FROM") {
      around.in_from = true;
    } else if (word == "LEFT") {
      around.left = true;
    } else if (word == "JOIN") {
      around.left_join = std::exchange(around.left, false);
      joins_ = true;
    } else if (is_batch(word)) {
      ++reads_;
      read_batch(previous() == "IN" ? "IN" : "");
    } else if (among(kClauses, word)) {
      note(word);
    }
    if (among(kAfterFrom, word)) around.in_from = false;
  }

  // A name of the batch, where it isn't a column's qualifier or a name that is given.
  bool is_batch(std::string_view word) const {
    const std::string_view name = name_of(word);
    if (word_at(at_ + 1) == "." || previous() == "AS") return false;
    if (name == "MAYFLY_BATCH") return true;
    return among(ctes_, name) && (previous() == "IN" || is_table_place(previous()));
  }
  bool is_table_place(std::string_view before) const {
    if (before == "FROM" || before == "JOIN") return true;
    return (before == "," || before == "(") && select().in_from;
  }
  // Before "(": of WITH name (columns) AS NOT MATERIALIZED (, the name.
  std::string name_before_as() const {
    std::size_t i = at_ - 1;
    if (word_at(i) == "MATERIALIZED") --i;
    if (word_at(i) == "NOT") --i;
    if (word_at(i) != "AS") return {};
    --i;
    if (word_at(i) == ")") {
      while (i < words_.size() && words_[i] != "(") --i;
      --i;
    }
    return std::string(name_of(word_at(i)));
  }

  const Scope& select() const {
    for (std::size_t i = scopes_.size(); i-- > 0;) {
      if (scopes_[i].is_select || i == 0) return scopes_[i];
    }
    return scopes_.front();
  }
  Scope& select() { return const_cast<Scope&>(std::as_const(*this).select()); }
  void note(std::string_view word) {
    Scope& scope = select();
    if (scope.dependence.empty()) scope.dependence = word;
  }
  // `elsewhere`: how, when it isn't a table of FROM.
  void read_batch(std::string_view elsewhere) {
    if (!elsewhere.empty()) note(elsewhere);
    if (select().left_join) note("LEFT JOIN");
    select().reads_batch = true;
  }
  void close() {
    const Scope closed = scopes_.back();
    scopes_.pop_back();
    if (!closed.is_select) {
      if (among(kAggregates, closed.before) ||
          (among(kOneArgument, closed.before) && !closed.has_comma)) {
        note(closed.before);
      }
      return;
    }
    settle(closed);
    if (!closed.reads_batch) return;
    if (!closed.cte.empty()) {
      ctes_.push_back(closed.cte);  // its name is another one of the batch
      --reads_;
      return;
    }
    // What a SELECT around it groups or limits are the batch's rows too.
    read_batch(is_table_place(closed.before) ? "" : "mayfly_batch in a subquery");
  }
  void settle(const Scope& scope) {
    if (scope.reads_batch && found_.empty()) found_ = scope.dependence;
  }

  std::vector<std::string> words_;
  std::size_t at_ = 0;
  std::vector<Scope> scopes_;
  std::vector<std::string> ctes_;
  std::string found_;
  int selects_ = 0;
  int reads_ = 0;
  bool joins_ = false;
};

}  // namespace

SelectScope scope_of(std::string_view select) { return Finder(select).find(); }

std::string_view first_parameter(std::string_view select) {
  Words words(select);
  for (std::string word = words.next(); !word.empty(); word = words.next()) {
    if (Words::is_parameter(word.front())) return words.written();
  }
  return {};
}

bool says_on_conflict_replace(std::string_view create_table) {
  Words words(create_table);
  std::string before;
  for (std::string word = words.next(); !word.empty(); word = words.next()) {
    if (before == "CONFLICT" && word == "REPLACE") return true;
    before = std::move(word);
  }
  return false;
}

}  // namespace mayfly
