#include "mayfly/storage/select_scope.h"

#include <algorithm>
#include <cctype>
#include <vector>

namespace mayfly {
namespace {

constexpr std::string_view kClauses[] = {"DISTINCT", "GROUP", "HAVING",    "LIMIT",  "OFFSET",
                                         "OVER",     "UNION", "INTERSECT", "EXCEPT", "WINDOW"};
constexpr std::string_view kAggregates[] = {"COUNT",
                                            "SUM",
                                            "TOTAL",
                                            "AVG",
                                            "GROUP_CONCAT",
                                            "STRING_AGG",
                                            "JSON_GROUP_ARRAY",
                                            "JSON_GROUP_OBJECT"};
// With one argument they aggregate, with several they don't.
constexpr std::string_view kOneArgument[] = {"MIN", "MAX"};

template <class List>
bool among(const List& list, std::string_view word) {
  return std::find(std::begin(list), std::end(list), word) != std::end(list);
}

// The words, parentheses and commas of an SQL text, in upper case; strings and comments skipped.
class Words {
 public:
  explicit Words(std::string_view sql) : sql_(sql) {}

  // Empty at the end. A name in quotes is a word that can't be mistaken for a keyword.
  std::string next() {
    while (at_ < sql_.size()) {
      const char c = sql_[at_];
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
      } else if (is_word(c)) {
        return word();
      } else {
        ++at_;
        if (c == '(' || c == ')' || c == ',') return std::string(1, c);
      }
    }
    return {};
  }

 private:
  static bool is_word(char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' ||
           (static_cast<unsigned char>(c) & 0x80) != 0;
  }
  char peek() const { return at_ + 1 < sql_.size() ? sql_[at_ + 1] : '\0'; }
  std::string word() {
    std::string text;
    for (; at_ < sql_.size() && is_word(sql_[at_]); ++at_) {
      text += static_cast<char>(std::toupper(static_cast<unsigned char>(sql_[at_])));
    }
    return text;
  }
  // Doubled marks inside make two texts of one, which nobody minds here.
  std::string quoted(char mark) {
    const std::size_t begin = at_ + 1;
    const std::size_t end = std::min(sql_.find(mark, begin), sql_.size());
    at_ = std::min(end + 1, sql_.size());
    std::string text(sql_.substr(begin, end - begin));
    for (char& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    return text;
  }

  std::string_view sql_;
  std::size_t at_ = 0;
};

// What stands between a pair of parentheses; the whole text is the outermost.
struct Scope {
  bool is_select = false;
  std::string call;  // the word before the parenthesis
  bool has_comma = false;
  std::string dependence;  // of this SELECT
  bool reads_batch = false;
};

bool is_batch(const std::string& word) {
  return word == "MAYFLY_BATCH" || word == "\"MAYFLY_BATCH";
}

class Finder {
 public:
  Finder() : scopes_(1) {}

  void word(const std::string& word) {
    if (word == "(") {
      scopes_.emplace_back().call = previous_;
    } else if (word == ")") {
      if (scopes_.size() > 1) close();
    } else if (word == ",") {
      scopes_.back().has_comma = true;
    } else if (word == "SELECT") {
      scopes_.back().is_select = true;
    } else if (is_batch(word)) {
      select().reads_batch = true;
      ++reads_;
    } else if (among(kClauses, word)) {
      note(word);
    }
    previous_ = word;
  }

  std::string finish() {
    while (scopes_.size() > 1) close();
    settle(scopes_.back());
    if (found_.empty() && reads_ > 1) found_ = "mayfly_batch, read twice";
    return found_;
  }

 private:
  Scope& select() {
    for (std::size_t i = scopes_.size(); i-- > 0;) {
      if (scopes_[i].is_select || i == 0) return scopes_[i];
    }
    return scopes_.front();
  }
  void note(const std::string& word) {
    Scope& scope = select();
    if (scope.dependence.empty()) scope.dependence = word;
  }
  void close() {
    const Scope closed = scopes_.back();
    scopes_.pop_back();
    if (closed.is_select) {
      settle(closed);
      // What a SELECT around it groups or limits are the batch's rows too.
      if (closed.reads_batch) select().reads_batch = true;
      return;
    }
    if (among(kAggregates, closed.call) ||
        (among(kOneArgument, closed.call) && !closed.has_comma)) {
      note(closed.call);
    }
  }
  void settle(const Scope& scope) {
    if (scope.reads_batch && found_.empty()) found_ = scope.dependence;
  }

  std::vector<Scope> scopes_;
  std::string previous_;
  std::string found_;
  int reads_ = 0;
};

}  // namespace

std::string batch_dependence(std::string_view select) {
  Words words(select);
  Finder finder;
  for (std::string word = words.next(); !word.empty(); word = words.next()) finder.word(word);
  return finder.finish();
}

}  // namespace mayfly
